// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"slices"
	"syscall"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
)

// stuck takes out of an outcome what happened to SQEs behind their parsing,
// and lets the last wait run out of time.
func stuck(o altered, sqes ...int) {
	is := func(ud uint64) bool {
		return slices.ContainsFunc(sqes, func(i int) bool { return ud == cases.UserData(i) })
	}
	o.Events = slices.DeleteFunc(o.Events, func(e cases.Event) bool {
		return is(e.UserData) && e.Kind != cases.EvSubmit && e.Kind != cases.EvPrepFail
	})
	o.CQEs = slices.DeleteFunc(o.CQEs, func(c cases.CQE) bool { return is(c.UserData) })
	last := &o.Steps[len(o.Steps)-1]
	last.Errno, last.Took = int32(syscall.ETIME), cases.DefaultWait
	o.End = cases.EndTimeout
}

// A request that was never issued breaks the rule of what should have issued it.
func TestNeverIssued(t *testing.T) {
	for _, c := range []struct {
		name, program string
		stuck         []int
		rule          string
	}{
		{"member alone", "submit r0\n nop GROUP\n nop GROUP\n nop\nwait r0\n", []int{0, 2}, "P4.1"},
		{"group in a chain", "submit r0\n nop LINK\n nop GROUP\n nop\nwait r0\n", []int{1, 2}, "G5"},
		{"drained group", "submit r0\n nop\n nop GROUP DRAIN\n nop\nwait r0\n", []int{1, 2}, "G8"},
		{"open group", "submit r0\n nop GROUP\n nop GROUP\nwait r0\n", []int{0, 1}, "P4.8"},
		{"whole group", "submit r0\n nop GROUP\n nop\nwait r0\n", []int{0, 1}, "G3"},
		{"whole group at the end", "submit r0\n nop GROUP\n nop\nexit\n", []int{0, 1}, "G11"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := cases.Parse("stuck.ring", []byte("name stuck\nring r0 entries=16\n"+c.program))
			if err != nil {
				t.Fatal(err)
			}
			pr := profile(t, "v4")
			out := sim.Run(p, pr, 1)
			o := altered{out}
			if c.name == "member alone" {
				o.Events = slices.DeleteFunc(o.Events, func(e cases.Event) bool { // the leader was issued, and waits for its member
					return e.UserData == cases.UserData(0) && (e.Kind == cases.EvComplete || e.Kind == cases.EvFree)
				})
				o.CQEs = slices.Delete(o.CQEs, o.cqe(0), o.cqe(0)+1)
				stuck(o, 2)
			} else {
				stuck(o, c.stuck...)
			}
			v := Judge(input(p, pr, out))
			if rules := v.Rules(); !slices.Contains(rules, c.rule) || c.rule != "P4.1" && slices.Contains(rules, "P4.1") {
				t.Errorf("want a violation of %s\n%s", c.rule, dump(&v, out))
			}
		})
	}
}

// The submission ends neither within a group nor behind one that is linked.
func TestCutSubmission(t *testing.T) {
	for _, c := range []struct {
		name, program string
		ret           int64
		cut           bool
	}{
		{"in a group", "submit r0\n nop GROUP\n op=255 GROUP\n nop\n nop\n", 2, true},
		{"behind a group", "submit r0\n nop GROUP\n nop GROUP\n op=255\n nop\n", 3, false},
		{"behind a linked group", "submit r0\n nop GROUP LINK\n nop GROUP\n op=255\n nop\n", 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := cases.Parse("cut.ring", []byte("name cut\nring r0 entries=16\n"+c.program))
			if err != nil {
				t.Fatal(err)
			}
			pr := profile(t, "v4")
			out := sim.Run(p, pr, 1)
			out.Steps[0].Ret = c.ret
			v := Judge(input(p, pr, out))
			if got := slices.Contains(v.Rules(), "G2"); got != c.cut {
				t.Errorf("violation of G2: %v, want %v\n%s", got, c.cut, dump(&v, out))
			}
		})
	}
}

// A drain that has no effect holds nothing back, and a task that waits is woken for its task work.
func TestHeldBack(t *testing.T) {
	run := func(t *testing.T, program string) (*cases.Program, *cases.Profile, *cases.Outcome) {
		t.Helper()
		p, err := cases.Parse("held.ring", []byte("name held\nring r0 entries=16\npipe p0\nbuf b0 size=64\n"+program))
		if err != nil {
			t.Fatal(err)
		}
		pr := profile(t, "v4")
		return p, pr, sim.Run(p, pr, 1)
	}
	t.Run("drain of a member", func(t *testing.T) {
		p, pr, out := run(t, "submit r0\n read p0.r b0 len=64\n nop GROUP\n nop GROUP DRAIN\n nop\n nop\nwait r0 4\nfeed p0.w 64\nwait r0\n")
		o := altered{out}
		out.Events[o.event(cases.EvIssue, 4)].Kind = cases.EvDefer
		o.move(cases.EvDefer, 4, cases.EvTaskAdd, 0)
		c := &out.CQEs[o.cqe(4)]
		c.Step = 3
		out.Steps[1] = cases.StepResult{Ret: 3, Errno: int32(syscall.ETIME), Took: cases.DefaultWait}
		if v := Judge(input(p, pr, out)); !slices.Contains(v.Rules(), "P4.2") {
			t.Errorf("want a violation of P4.2\n%s", dump(&v, out))
		}
	})
	t.Run("lost wakeup", func(t *testing.T) {
		p, pr, out := run(t, "submit r0\n nop GROUP\n read p0.r b0 len=64\nfeed p0.w 64\nwait r0 2\n")
		o := altered{out}
		out.Steps[2].Took = cases.DefaultWait
		run := o.event(cases.EvTaskRun, 1)
		late := out.Events[o.event(cases.EvTaskAdd, 1)].Time + uint64(cases.DefaultWait)
		for k := run; k < len(out.Events); k++ {
			out.Events[k].Time = late
		}
		if v := Judge(input(p, pr, out)); !slices.Contains(v.Rules(), "G11") {
			t.Errorf("want a violation of G11\n%s", dump(&v, out))
		}
	})
}

// Where requests run shows in userspace if the process has io-wq workers, where it must have none, or has none, where it must.
func TestWorkersSeen(t *testing.T) {
	for _, test := range []struct {
		name, program string
		sqe           int
		worker        bool // it is seen to be issued in a worker
		want          Workers
	}{
		{"outside, alone", "nop GROUP\n  nop ASYNC\n", 1, false, NoWorkers},
		{"outside, where another one has a worker", "nop ASYNC\n  nop ASYNC\n", 1, false, ""},
		{"in a worker, alone", "nop GROUP\n  nop\n", 1, true, SomeWorkers},
		{"in a worker, where another one asks for it", "nop ASYNC\n  nop\n", 1, true, ""},
	} {
		p, err := cases.Parse("x", []byte("name x\nring r0 entries=4\nsubmit r0\n  "+test.program+"wait r0\n"))
		if err != nil {
			t.Fatal(err)
		}
		pr := profile(t, "v4")
		out := sim.Run(p, pr, 1)
		for i := range out.Events {
			if e := &out.Events[i]; e.UserData == cases.UserData(test.sqe) && e.Kind != cases.EvSubmit {
				e.Worker, e.TID = test.worker, map[bool]uint32{true: 77, false: out.Events[0].TID}[test.worker]
			}
		}
		v := Judge(input(p, pr, out))
		if v.Workers != test.want || v.Status != Fail && test.want != "" {
			t.Errorf("%s: %q, want %q\n%s", test.name, v.Workers, test.want, dump(&v, out))
		}
	}
}
