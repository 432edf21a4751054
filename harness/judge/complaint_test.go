// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each file of testdata/console holds the expected title in its first line,
// "" for none, and then the console's lines.
func TestComplaint(t *testing.T) {
	files, err := filepath.Glob("testdata/console/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no console logs: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
			want := strings.TrimSpace(strings.TrimPrefix(lines[0], "title:"))
			got, ok := Complaint(lines[1:])
			if got != want || ok != (want != "") {
				t.Errorf("got %q (%v), want %q", got, ok, want)
			}
		})
	}
}
