// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/coverage"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// What the coverage table says of a program's construction is what its run shows: who is
// counted for io-wq is run by a worker, who is counted for poll arms one, and so on.
func TestProgramsCompleteAsTheyAreCounted(t *testing.T) {
	needVM(t)
	for _, series := range []string{"v4", "v7"} {
		t.Run(series, func(t *testing.T) {
			out := t.TempDir()
			status, _, stderr := ringproof(t, "test", "--series", series, "--out", out)
			if status != 0 {
				t.Errorf("exit status %d, want 0\n%s", status, stderr)
			}
			run := load(t, out)
			pr, err := cases.LoadProfile(series)
			if err != nil {
				t.Fatal(err)
			}
			passed := 0
			for i := range run.Cases {
				c := &run.Cases[i]
				if c.Program == nil || c.Verdict.Status != judge.Pass {
					continue
				}
				passed++
				if missing := coverage.Unshown(c.Program, pr, c.Outcome); len(missing) > 0 && otherwise[c.Name] == "" {
					t.Errorf("%s is counted for %v, but no event of its run shows that", c.Name, missing)
				}
			}
			if passed < 300 {
				t.Errorf("only %d programs passed", passed)
			}
		})
	}
}

// otherwise are the programs whose requests complete otherwise than the model takes them to.
var otherwise = map[string]string{
	"group-fixed-files-defer":          "the first requests' pipes are named by registered slots",
	"group-fixed-files-poll":           "the first requests' pipes are named by registered slots",
	"group-drain-sequence":             "what it reads may come before it is issued",
	"group-drain-hidden-member":        "what a drain ahead holds back is queued by task work",
	"group-drain-rejected-next-hidden": "what a drain ahead holds back is queued by task work",
	"group-drain-rejected-leader":      "what a drain ahead holds back is queued by task work",
	"group-open-drained":               "what a drain ahead holds back is queued by task work",
	"group-rejected-while-deferred":    "what a drain ahead holds back is queued by task work",
	"plain-nowait":                     "a read that must not wait does not",
	"plain-null-blk-delay":             "a block device arms no poll",
}

// load reads the one run below out, with its events.
func load(t *testing.T, out string) *report.Run {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(out, "*", "results.json"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("results in %s: %v %v", out, dirs, err)
	}
	run, err := report.Load(filepath.Dir(dirs[0]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(dirs[0]), "report.html")); err != nil {
		t.Error(err)
	}
	return run
}
