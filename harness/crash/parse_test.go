// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each log of testdata is what a guest's console held when a kernel was made
// to crash (see testdata/README.md); the .txt file beside it holds the expected
// parse. RINGPROOF_UPDATE=1 writes those files.
func TestParseLogs(t *testing.T) {
	logs, err := filepath.Glob("testdata/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no console logs: %v", err)
	}
	for _, log := range logs {
		t.Run(strings.TrimSuffix(filepath.Base(log), ".log"), func(t *testing.T) {
			got := render(Parse(readLog(t, log)))
			golden := strings.TrimSuffix(log, ".log") + ".txt"
			if os.Getenv("RINGPROOF_UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the parse differs from %s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

func readLog(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
}

// render writes reports so that a reader can check them against the log.
func render(reports []Report) string {
	var b strings.Builder
	for _, r := range reports {
		fmt.Fprintf(&b, "%s\n  kind %s, %d lines from line %d", r.Title, r.Kind, len(r.Lines), r.First+1)
		if r.Cut {
			b.WriteString(", cut")
		}
		if r.Mixed {
			b.WriteString(", mixed")
		}
		b.WriteString("\n")
		for _, s := range r.Stacks {
			fmt.Fprintf(&b, "  stack %q\n", s.Title)
			for _, f := range s.Frames {
				mark := " "
				switch {
				case f.Guess:
					mark = "?"
				case f.Machinery:
					mark = "."
				case f.Exact:
					mark = "!"
				}
				fmt.Fprintf(&b, "    %s %s+%#x/%#x\n", mark, f.Func, f.Offset, f.Size)
			}
		}
	}
	if len(reports) == 0 {
		b.WriteString("nothing\n")
	}
	return b.String()
}
