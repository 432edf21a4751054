// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"cmp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
)

// What a kernel that loses a member shows is also what a right one shows whose
// guest was stopped while the program waited: then nothing can be said.
func TestLateInAStarvedGuest(t *testing.T) {
	pr := profile(t, "v4")
	softLockup := []string{"[   99.1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [ringproof-worke:77]"}
	kasan := []string{"[   99.1] BUG: KASAN: slab-use-after-free in io_nop+0x1/0x2"}
	for _, test := range []struct {
		name           string
		bug            sim.Bug
		waited, stolen time.Duration
		took           time.Duration // of the steps that fail; 0 is waited
		spread         bool
		alter          func(*cases.Outcome)
		want           []Status
	}{
		{name: "late", bug: sim.LostMember, waited: 20 * time.Second, want: []Status{Fail, Hang}},
		{name: "late, and stopped for a moment", bug: sim.LostMember, waited: 20 * time.Second, stolen: 5 * time.Second, want: []Status{Fail, Hang}},
		{name: "late, but stopped", bug: sim.LostMember, waited: 20 * time.Second, stolen: 19 * time.Second, want: []Status{Inconclusive}},
		{name: "late behind others, and the machine is busy", bug: sim.LostMember, spread: true, took: 30 * time.Millisecond, waited: time.Second, stolen: time.Second / 2, want: []Status{Fail, Hang}},
		{name: "late behind others, but stopped", bug: sim.LostMember, spread: true, took: 30 * time.Millisecond, waited: 20 * time.Second, stolen: 19 * time.Second, want: []Status{Inconclusive}},
		{name: "stopped, and in time", waited: 20 * time.Second, stolen: 19 * time.Second, want: []Status{Pass}},
		{name: "stopped, and wrong", bug: sim.LeaderFirst, waited: 20 * time.Second, stolen: 19 * time.Second, want: []Status{Fail}},
		{name: "a lockup", alter: func(o *cases.Outcome) { o.Console = softLockup },
			waited: 30 * time.Second, want: []Status{Crash}},
		{name: "a lockup, but stopped", alter: func(o *cases.Outcome) { o.Console = softLockup },
			waited: 30 * time.Second, stolen: 29 * time.Second, want: []Status{Inconclusive}},
		{name: "stopped, and a use after free", alter: func(o *cases.Outcome) { o.Console = append(softLockup[:1:1], kasan...) },
			waited: 30 * time.Second, stolen: 29 * time.Second, want: []Status{Crash}},
		{name: "the end took too long", alter: func(o *cases.Outcome) { o.RingsGone[0] = false },
			waited: 30 * time.Second, want: []Status{Hang}},
		{name: "the end took too long, but stopped", alter: func(o *cases.Outcome) { o.RingsGone[0] = false },
			waited: 30 * time.Second, stolen: 29 * time.Second, want: []Status{Inconclusive}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := find(t, "group-nop-3")
			for seed := range uint64(10) {
				out := sim.RunWith(p, pr, seed, test.bug)
				out.Waited, out.Stolen, out.Spread = test.waited, test.stolen, test.spread
				for i := range out.Steps {
					if out.Steps[i].Errno != 0 {
						out.Steps[i].Took = cmp.Or(test.took, test.waited)
					}
				}
				if test.alter != nil {
					test.alter(out)
				}
				v := Judge(input(p, pr, out))
				if !slices.Contains(test.want, v.Status) {
					t.Fatalf("seed %d: want %v\n%s", seed, test.want, dump(&v, out))
				}
				if v.Status == Inconclusive && !strings.Contains(v.Reason, "QEMU was stopped") {
					t.Errorf("seed %d: the reason is %q", seed, v.Reason)
				}
			}
		})
	}
}

// What was taken from the guest may all have hit one program, unless it is said to be spread.
func TestStarved(t *testing.T) {
	for _, spread := range []bool{false, true} {
		o := cases.Outcome{Waited: time.Second, Stolen: time.Second / 2, Spread: spread}
		if got := cases.Starved(o.StolenOf(30*time.Millisecond), 30*time.Millisecond); got == spread {
			t.Errorf("spread: %v, starved: %v", spread, got)
		}
	}
}

// A wait that was meant to run out of time says nothing about being late.
func TestStarvedWaitThatWasMeantToEnd(t *testing.T) {
	pr := profile(t, "v4")
	p := find(t, "plain-wait-min")
	for seed := range uint64(10) {
		out := sim.Run(p, pr, seed)
		if syscall.Errno(out.Steps[1].Errno) != syscall.ETIME {
			t.Fatalf("step 1 ended with %d: this test shows nothing", out.Steps[1].Errno)
		}
		out.Steps[1].Took = 20 * time.Millisecond
		out.Waited, out.Stolen = 2*time.Second, 2*time.Second
		if v := Judge(input(p, pr, out)); v.Status != Pass {
			t.Fatalf("seed %d: want PASS\n%s", seed, dump(&v, out))
		}
	}
}
