// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"slices"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// A kernel that watches itself has nothing to say about the built-in series,
// no probe misses anything in it, and what it can do is offered to programs.
// That it does say something where there is something to be said is what the
// planted bugs are for.
func TestSanitizedKernels(t *testing.T) {
	needVM(t)
	for flavour, more := range map[string]string{
		"kasan": "|^group-drain-waits-",
		// Not drains: 6.12 sets drain_active while a worker reads task_complete, which is in the same
		// word. KCSAN sees that in one of many runs, and rightly calls it a race.
		"kcsan": "",
	} {
		t.Run(flavour, func(t *testing.T) {
			status, run, stderr := test(t, "--flavour", flavour, "--only", "^plain-nop$|^plain-sockets$|^plain-sqpoll$|^group-nop-|^group-async-|fault"+more)
			if status != 0 {
				t.Errorf("exit status %d, want 0\n%s", status, stderr)
			}
			if run.Kernel.Flavour != flavour {
				t.Errorf("the run says flavour %q", run.Kernel.Flavour)
			}
			faults := 0
			for _, c := range run.Cases {
				need := slices.Contains(c.Program.Needs, cases.NeedFaults)
				want := judge.Pass
				if need {
					faults++
					if flavour != "kasan" {
						want = judge.Skip
					}
				}
				if c.Verdict.Status != want {
					t.Errorf("%s: %s (%s), want %s", c.Name, c.Verdict.Status, c.Verdict.Reason, want)
				}
				if c.Outcome != nil && c.Outcome.Evidence.Lost+c.Outcome.Evidence.Missed > 0 {
					t.Errorf("%s: %d records lost, %d probe runs skipped", c.Name, c.Outcome.Evidence.Lost, c.Outcome.Evidence.Missed)
				}
			}
			if faults == 0 {
				t.Error("no program asks for a fault: the test shows less than it says")
			}
		})
	}
}
