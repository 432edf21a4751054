// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/judge"
)

// soaked is soak.json, as far as it matters here.
type soaked struct {
	Kernels []harness.Soaked `json:"kernels"`
}

// A short soak under noise: a right kernel raises no alarm, and nothing of the evidence is lost.
func TestShortSoak(t *testing.T) {
	needVM(t)
	status, stdout, stderr := ringproof(t, "soak", "--json", "--out", t.TempDir(), "--series", "v4", "--time", "12s", "--seed", "1",
		"--only", "^group-nop|^group-async-|^group-drain-|^group-cancel|^link-chain-|^c4-")
	if status != 0 {
		t.Errorf("exit status %d, want 0\n%s", status, stderr)
	}
	var got soaked
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Kernels) != 1 {
		t.Fatalf("no figures: %v\n%s\n%s", err, stdout, stderr)
	}
	k := &got.Kernels[0]
	t.Log(k)
	if k.Rounds < 1 || k.Programs < 50 || k.Events == 0 || k.Lost != 0 || k.Alarms != 0 || k.FirstNoise != 1 {
		t.Errorf("figures %+v", k)
	}
}

// A mistake that shows in some tries only is one finding, with how often it showed.
func TestFlakyKernel(t *testing.T) {
	needVM(t)
	patch := filepath.Join("testdata", "wrong", "leader-cqe-first-at-times.patch")
	status, run, stderr := test(t, "--patch", patch, "--only", "^group-nop-|^group-holds-link-", "--repeat", "4", "--noise", "5")
	if status != 1 {
		t.Errorf("exit status %d, want 1\n%s", status, stderr)
	}
	sometimes, confirmed := false, false
	for i := range run.Cases {
		c := &run.Cases[i]
		t.Logf("%s: %s (%s)", c.Name, c.Verdict.Status, c.TriesText())
		failed, tried := c.Score()
		failing, all := c.Seeds()
		sometimes = sometimes || failed > 0 && failed < tried || len(failing) > 0 && len(failing) < all
		confirmed = confirmed || failed > 0 && tried == 5 && all == 4
		if c.Verdict.Status != judge.Pass && c.Verdict.Status != judge.Fail {
			t.Errorf("%s: %s: %s", c.Name, c.Verdict.Status, c.Verdict.Reason)
		}
	}
	if !sometimes || !confirmed {
		t.Errorf("a program failed in some tries only: %v; one was tried again 4 times: %v", sometimes, confirmed)
	}
	found := run.Findings()
	if len(found) == 0 || found[0].Class != "FAIL G4 of a leader" || !strings.Contains(stderr, "failed ") {
		t.Errorf("findings %+v\n%s", found, stderr)
	}
}
