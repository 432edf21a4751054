// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/answers"
	"github.com/ringproof/ringproof/harness/report"
)

// The families of the reviewers' questions get an answer to every question
// that the flavour can answer, and the two revisions differ where they promise to.
func TestQuestionsAreAnswered(t *testing.T) {
	needVM(t)
	for series, c6 := range map[string]string{"v4": "silently dropped", "v7": "rejected"} {
		t.Run(series, func(t *testing.T) {
			out := t.TempDir()
			status, stdout, stderr := ringproof(t, "test", "--json", "--out", out, "--series", series, "--only", "^c[1-8]-")
			if status != 0 {
				t.Fatalf("exit status %d\n%s", status, stderr)
			}
			run := new(report.Run)
			if err := json.Unmarshal([]byte(stdout), run); err != nil {
				t.Fatal(err)
			}
			if len(run.Answers) != 8 {
				t.Fatalf("%d answers, want 8: %v", len(run.Answers), run.Answers)
			}
			for i := range run.Answers {
				a := &run.Answers[i]
				switch {
				case a.Standing == answers.Bad:
					t.Errorf("%s; offenders: %v", a, a.Offenders)
				case (a.Standing == answers.Open) != (a.Rule == "C1"): // only KCSAN answers C1
					t.Errorf("%s stands %s", a, a.Standing)
				case a.Rule == "C6" && a.Short != c6:
					t.Errorf("%s, want %q", a, c6)
				}
				if len(a.Figures) == 0 || len(a.Programs) == 0 {
					t.Errorf("%s comes without figures or programs", a)
				}
				if !strings.Contains(stderr, a.Rule+": "+a.Short) {
					t.Errorf("the text does not say %s", a)
				}
			}
			pages, _ := filepath.Glob(filepath.Join(out, "*", report.HTMLFile))
			if len(pages) != 1 {
				t.Fatalf("%d reports", len(pages))
			}
			page, err := os.ReadFile(pages[0])
			if err != nil || !strings.Contains(string(page), `id="answer-C8"`) {
				t.Errorf("the page does not answer C8 (%v)", err)
			}
		})
	}
}

// A few short rounds: that every way copies right, on every file, and is counted.
func TestBenchCopy(t *testing.T) {
	needVM(t)
	for _, series := range []string{"v4", "v7"} {
		status, stdout, stderr := ringproof(t, "bench", "copy", "--series", series, "--json", "--size", "256k", "--rounds", "8")
		if status != 0 {
			t.Fatalf("%s: exit status %d\n%s", series, status, stderr)
		}
		var b harness.CopyBench
		if err := json.Unmarshal([]byte(stdout), &b); err != nil {
			t.Fatal(err)
		}
		if len(b.Files) != 3 || len(b.Method) == 0 {
			t.Fatalf("%s: %s", series, stdout)
		}
		for _, f := range b.Files {
			if len(f.Ways) != 4 || len(f.Ratios) != 3 {
				t.Errorf("%s, %s: %d ways, %d ratios", series, f.FS, len(f.Ways), len(f.Ratios))
			}
			for _, r := range f.Ratios {
				if r.N != 8 || !(0 < r.Low && r.Low <= r.Median && r.Median <= r.High) {
					t.Errorf("%s, %s: the ratio is %+v", series, f.FS, r)
				}
			}
			for _, w := range f.Ways {
				want := map[string]int{"linked": 128, "separate": 128, "coalesced": 80, "grouped": 80}[w.Name]
				if w.SQEs != want || w.Enters.Min < 1 {
					t.Errorf("%s, %s, %s: %d SQEs in %v enters, want %d", series, f.FS, w.Name, w.SQEs, w.Enters.Min, want)
				}
			}
		}
	}
}

func TestBenchCopyNeedsGroups(t *testing.T) {
	needVM(t)
	status, _, stderr := ringproof(t, "bench", "copy", "--series", "none", "--rounds", "8")
	if status != 2 || !strings.Contains(stderr, "has no SQE groups") {
		t.Errorf("exit status %d, %s", status, stderr)
	}
}
