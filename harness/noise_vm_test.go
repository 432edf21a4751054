// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// Programs that race by nature pass under noise, and lose no record by it.
func TestNoiseOnARightKernel(t *testing.T) {
	needVM(t)
	status, run, stderr := test(t, "--series", "v4", "--noise", "1", "--repeat", "8",
		"--only", "^c3-io-wq$|^c7-next-plain$|^group-async-all$|^group-two-threads-io-wq$|^plain-null-blk-delay$")
	if status != 0 || len(run.Cases) != 5 {
		t.Errorf("exit status %d, %d cases, want 0 and 5\n%s", status, len(run.Cases), stderr)
	}
	for _, c := range run.Cases {
		if c.Verdict.Status != judge.Pass {
			t.Errorf("%s: %s %s", c.Name, c.Verdict.Status, c.Verdict.Reason)
		}
		if c.Outcome == nil || c.Outcome.Evidence.Lost+c.Outcome.Evidence.Missed != 0 {
			t.Errorf("%s: evidence %+v", c.Name, c.Outcome)
		}
	}
	info := run.Guest.Info
	if info == nil || !slices.Contains(info.Noise, "scheduler=sched_ext") || !slices.Contains(info.Noise, "probes=complete") {
		t.Errorf("the guest's noise is %+v", info)
	}
	for _, n := range run.Notes {
		if strings.Contains(n, "scheduler") {
			t.Errorf("noted: %s", n)
		}
	}
}

// A race whose window is there only if a worker is quicker than a submission
// goes on is found under noise, by the rule that it breaks. On a host that has other things to
// do the host's own noise finds it as well.
func TestNoiseFindsARace(t *testing.T) {
	needVM(t)
	status, run, stderr := test(t, "--series", "v4", "--patch", filepath.Join("testdata", "planted", "early-for-unissued.patch"),
		"--noise", "1", "--repeat", "40", "--confirm", "0", "--only", "^group-async-leader$|^c4-leader-last$")
	if status != 1 || len(run.Cases) != 2 {
		t.Fatalf("exit status %d, %d cases, want 1 and 2\n%s", status, len(run.Cases), stderr)
	}
	for _, c := range run.Cases {
		t.Logf("%s: %s %v %s", c.Name, c.Verdict.Status, c.Verdict.Rules(), c.Verdict.Reason)
	}
	if !slices.ContainsFunc(run.Cases, func(c report.Case) bool {
		return c.Verdict.Status == judge.Fail && slices.Contains(c.Verdict.Rules(), "G4")
	}) {
		t.Error("no program failed by G4")
	}
}
