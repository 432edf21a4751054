// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness/campaign"
)

// Mistakes are found from nothing: an empty corpus, no catalogue. What finds one
// is made small, and its files are where the result says.
func TestHunt(t *testing.T) {
	needVM(t)
	out := t.TempDir()
	args := []string{"fuzz", "--hunt", "--json", "--out", out, "--mutate", "testdata/mutants", "--only", "^l",
		"--time", "0", "--executions", "20000"}
	status, stdout, stderr := ringproof(t, args...)
	var h campaign.Hunt
	if err := json.Unmarshal([]byte(stdout), &h); err != nil {
		t.Fatalf("ringproof %s: exit %d, no result: %v\n%s", strings.Join(args, " "), status, err, stderr)
	}
	if status != 0 || len(h.Results) != 2 {
		t.Errorf("exit status %d, %d results, want 0 and 2\n%s", status, len(h.Results), stderr)
	}
	for _, r := range h.Results {
		if r.Status != campaign.Found {
			t.Errorf("%s: %s after %d executions\n%s", r.Mutant, r.Status, r.Executions, stderr)
			continue
		}
		if n := r.Example.SmallSQEs; n < 1 || n > campaign.SmallEnough {
			t.Errorf("%s: the minimised program has %d SQEs, want 1 to %d\n%s", r.Mutant, n, campaign.SmallEnough, r.Example.Text)
		}
		found, err := filepath.Glob(filepath.Join(out, "*", "mutants", r.Mutant, r.Example.Dir, "minimised.ring"))
		if text, err2 := os.ReadFile(strings.Join(found, "")); err != nil || err2 != nil || string(text) != r.Example.Text {
			t.Errorf("%s: minimised.ring in %s is not what the result says: %v %v", r.Mutant, r.Example.Dir, err, err2)
		}
	}
	for _, u := range h.Unfit {
		t.Errorf("a false alarm: %s: %s\n%s", u.Class, u.Reason, u.Text)
	}
}
