// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
)

// began is an answer of a program whose first event came at that time.
func began(at time.Duration) answer {
	return answer{outcome: &cases.Outcome{End: cases.EndDone, Events: []cases.Event{{Time: uint64(at), Ring: -1}}}}
}

// A leak is found when all programs are through, and is still the one's that
// allocated the memory.
func TestLeaks(t *testing.T) {
	leak := func(at time.Duration) vm.Leak {
		return vm.Leak{Born: at, Within: 4 * time.Millisecond, Lines: []string{
			"unreferenced object 0xff110000042c0f48 (size 8):",
			"  backtrace (crc 7d3fb1de):",
			"    [<000000006d0f5ed8>] io_submit_sqes+0x1c8/0x2a0"}}
	}
	for _, test := range []struct {
		name   string
		leaks  []vm.Leak
		guilty string
		said   int
	}{
		{"none", nil, "", 0},
		{"of the first", []vm.Leak{leak(2 * time.Second)}, "a", 0},
		{"of the second, in the tick in which it began", []vm.Leak{leak(3*time.Second - time.Millisecond)}, "b", 0},
		{"two of the last", []vm.Leak{leak(5 * time.Second), leak(6 * time.Second)}, "c", 0},
		{"of the boot", []vm.Leak{leak(time.Second / 2)}, "", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var amended []string
			said := 0
			g := &fakeGuest{answers: []answer{began(time.Second), began(3 * time.Second), began(4 * time.Second)}, leaks: test.leaks}
			r := runner{
				profile: &cases.Profile{Name: "none"}, leaks: true,
				spawn:   func(context.Context) (guest, error) { return g, nil },
				amended: func(c report.Case) { amended = append(amended, c.Name) },
				notice:  func(string) { said++ },
			}
			got, err := r.run(t.Context(), []*cases.Program{plainProgram("a"), plainProgram("b"), plainProgram("c")}, 1)
			if err != nil || len(got) != 3 {
				t.Fatalf("%d cases, error %v", len(got), err)
			}
			for _, c := range got {
				if (c.Verdict.Status == judge.Crash) != (c.Name == test.guilty) {
					t.Errorf("%s: %s %s", c.Name, c.Verdict.Status, c.Verdict.Reason)
				}
			}
			if want := test.guilty != ""; (len(amended) == 1) != want || said != test.said {
				t.Errorf("amended %v, %d notices; want %q and %d", amended, said, test.guilty, test.said)
			}
		})
	}
}
