// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/model/sim"
)

// mutation breaks one rule: a program is run on a kernel with a mistake, on one that
// promises something else, or its outcome is altered.
type mutation struct {
	rule    string
	profile string // that it is judged by
	program string // what stands behind the ring
	bug     sim.Bug
	kernel  string // the profile of the kernel; "" for the same
	alter   func(o altered)
}

// altered is an outcome to alter. SQEs are given by index.
type altered struct{ *cases.Outcome }

func (o altered) event(kind cases.EventKind, sqe int) int {
	return slices.IndexFunc(o.Events, func(e cases.Event) bool { return e.Kind == kind && e.UserData == cases.UserData(sqe) })
}

func (o altered) cqe(sqe int) int {
	return slices.IndexFunc(o.CQEs, func(c cases.CQE) bool { return c.UserData == cases.UserData(sqe) })
}

func (o altered) result(sqe int, res int32) {
	o.CQEs[o.cqe(sqe)].Res = res
	o.Events[o.event(cases.EvComplete, sqe)].Res = res
}

// move puts an event of sqe in front of one of another.
func (o altered) move(kind cases.EventKind, sqe int, to cases.EventKind, other int) {
	k := o.event(kind, sqe)
	ev := o.Events[k]
	o.Events = slices.Delete(o.Events, k, k+1)
	o.Events = slices.Insert(o.Events, o.event(to, other), ev)
}

func (o altered) swap(a, b int) {
	x, y := o.cqe(a), o.cqe(b)
	o.CQEs[x], o.CQEs[y] = o.CQEs[y], o.CQEs[x]
}

const (
	threeNops   = "submit r0\n nop GROUP\n nop GROUP\n nop\n nop\nwait r0\n"
	linkedGroup = "submit r0\n nop GROUP LINK\n nop inject=-EIO\n nop\nwait r0\n"
	files       = "file f0 size=64 fill=3\nfile f1 size=64 fill=4\nbuf b0 size=64\nbuf b1 size=64\n"
	onePipe     = "pipe p0\nbuf b0 size=16\n"
)

var mutations = []mutation{
	{rule: "G1", profile: "v4", program: threeNops, alter: func(o altered) { o.Events[o.event(cases.EvIssue, 1)].Leader = 42 }},
	{rule: "G2", profile: "v4", program: "submit r0\n nop GROUP\n nop GROUP\nsubmit r0\n nop\nwait r0\n", alter: func(o altered) {
		o.Events[o.event(cases.EvIssue, 2)].Leader = o.Events[o.event(cases.EvSubmit, 0)].Req
	}},
	{rule: "G3", profile: "v4", program: threeNops, alter: func(o altered) { o.CQEs = slices.Delete(o.CQEs, o.cqe(1), o.cqe(1)+1) }},
	{rule: "G3", profile: "v7", program: threeNops, alter: func(o altered) { o.CQEs = append(o.CQEs, o.CQEs[o.cqe(2)]) }},
	{rule: "G4", profile: "v4", program: threeNops, bug: sim.LeaderFirst},
	{rule: "G4", profile: "v7", program: threeNops, alter: func(o altered) { o.swap(0, 2) }},
	{rule: "G5", profile: "v4", program: "submit r0\n nop GROUP LINK\n nop\n nop\nwait r0\n", alter: func(o altered) {
		o.move(cases.EvIssue, 2, cases.EvComplete, 1)
	}},
	{rule: "G5", profile: "v7", program: "submit r0\n nop LINK\n nop GROUP\n nop\nwait r0\n", alter: func(o altered) {
		o.move(cases.EvIssue, 1, cases.EvComplete, 0)
	}},
	{rule: "G6", profile: "v4", program: linkedGroup, bug: sim.ChainUnbroken},
	{rule: "G6", profile: "v7", program: linkedGroup, bug: sim.ChainUnbroken},
	{rule: "G6", profile: "v4", program: "submit r0\n nop GROUP HARDLINK\n nop inject=-EIO\n nop\nwait r0\n", alter: func(o altered) {
		o.result(2, -model.ECANCELED)
	}},
	{rule: "G7", profile: "v4", program: "submit r0\n nop inject=-EIO LINK SKIP\n nop GROUP\n nop\nwait r0\n", bug: sim.CancelledShown},
	{rule: "G7", profile: "v7", program: "submit r0\n nop inject=-EIO LINK\n nop GROUP\n nop\nwait r0\n", alter: func(o altered) { o.result(2, 0) }},
	{rule: "G8", profile: "v4", program: onePipe + "submit r0\n read p0.r b0 len=16\n nop GROUP DRAIN\n nop\nwait r0 1 timeout=1ms\nfeed p0.w 16\nwait r0\n", bug: sim.DrainIgnored},
	{rule: "G8", profile: "v7", program: onePipe + "submit r0\n read p0.r b0 len=16\n nop GROUP DRAIN\n nop\nwait r0 1 timeout=1ms\nfeed p0.w 16\nwait r0\n", bug: sim.DrainIgnored},
	{rule: "G9", profile: "v4", program: "submit r0\n nop GROUP ASYNC\n nop\nwait r0\n", bug: sim.MemberPunted},
	{rule: "G9", profile: "v7", program: "submit r0\n nop GROUP ASYNC\n nop\nwait r0\n", bug: sim.MemberPunted},
	{rule: "G10", profile: "v4", program: threeNops, bug: sim.DoubleDrop},
	{rule: "G10", profile: "v7", program: threeNops, alter: func(o altered) { o.Events[o.event(cases.EvFree, 0)].GroupRefs = 1 }},
	{rule: "G11", profile: "v4", program: onePipe + "submit r0\n read p0.r b0 len=16 GROUP\n nop\nwait r0 1\n", alter: func(o altered) { o.RingsGone[0] = false }},
	{rule: "G12", profile: "v4", program: threeNops, alter: func(o altered) { o.result(3, -model.ECANCELED) }},
	{rule: "G13", profile: "v4", program: files + "submit r0\n read f0 b0 len=64 GROUP\n read f1 b1 len=64\nwait r0\n", alter: func(o altered) {
		copy(o.Data[1].Bytes, o.Data[0].Bytes)
	}},
	{rule: "G13", profile: "v7", program: files + "submit r0\n read f0 b0 len=64 GROUP\n read f1 b1 len=64\nwait r0\n", alter: func(o altered) { o.result(1, -model.EBADF) }},
	{rule: "G14", profile: "v4", program: files + "submit r0\n read f0 b0 len=64 GROUP LINK\n read f1 b1 len=64\n write f0 b1 len=64 GROUP\n write f1 b0 len=64\nwait r0\n", alter: func(o altered) {
		o.Data[2].Bytes[5] ^= 1
	}},

	{rule: "P4.1", profile: "v4", program: onePipe + "submit r0\n read p0.r b0 len=16 GROUP\n nop\nwait r0 1 timeout=1ms\nfeed p0.w 16\nwait r0\n", bug: sim.MemberWaits},
	{rule: "P4.1", profile: "v4", program: onePipe + "submit r0\n read p0.r b0 len=16 GROUP\n nop\nwait r0 1 timeout=1ms\nfeed p0.w 16\nwait r0\n", kernel: "v7"},
	{rule: "P4.2", profile: "v4", program: "submit r0\n nop GROUP\n nop GROUP LINK\n nop\nwait r0\n", kernel: "v7"},
	{rule: "P4.3", profile: "v4", program: "submit r0\n nop GROUP\n nop GROUP SKIP\n nop\nwait r0\n", kernel: "v7"},
	{rule: "P4.4", profile: "v4", program: "submit r0\n nop inject=-EIO GROUP\n nop\nwait r0\n", kernel: "v7"},
	{rule: "P4.5", profile: "v4", program: linkedGroup, alter: func(o altered) { o.result(0, -5) }},
	{rule: "P4.6", profile: "v4", program: "submit r0\n nop GROUP LINK\n op=255\n nop\nwait r0\n", alter: func(o altered) { o.result(0, 0) }},
	{rule: "P4.6", profile: "v4", program: "submit r0\n nop GROUP\n op=255 GROUP\n nop\nwait r0\n", kernel: "v7"},
	{rule: "P4.7", profile: "v4", program: "submit r0\n nop GROUP\nwait r0\n", kernel: "v7"},
	{rule: "P4.8", profile: "v4", program: "submit r0\n nop inject=-EIO LINK\n nop GROUP\n nop GROUP\nwait r0\n", kernel: "v7"},

	{rule: "P7.1", profile: "v7", program: onePipe + "submit r0\n read p0.r b0 len=16 GROUP\n nop\nfeed p0.w 16\nwait r0\n", bug: sim.MemberEarly},
	{rule: "P7.2", profile: "v7", program: "submit r0\n nop GROUP\n nop GROUP LINK\n nop\nwait r0\n", kernel: "v4"},
	{rule: "P7.2", profile: "v7", program: "submit r0\n nop GROUP\n nop HARDLINK\nwait r0\n", bug: sim.RefusalIgnored},
	{rule: "P7.3", profile: "v7", program: "submit r0\n nop GROUP\n nop GROUP SKIP\n nop\nwait r0\n", kernel: "v4"},
	{rule: "P7.4", profile: "v7", program: "submit r0\n nop GROUP LINK\n nop\n link_timeout 10ms\nwait r0\n", kernel: "v4"},
	{rule: "P7.4", profile: "v7", program: "submit r0\n nop GROUP\n link_timeout 10ms GROUP\n nop\nwait r0\n", alter: func(o altered) { o.result(1, 0) }},
	{rule: "P7.5", profile: "v7", program: "submit r0\n nop inject=-EIO GROUP\n nop\nwait r0\n", bug: sim.LeaderForgiven},
	{rule: "P7.6", profile: "v7", program: "submit r0\n nop GROUP\n op=255 GROUP\n nop\nwait r0\n", kernel: "v4"},
	{rule: "P7.7", profile: "v7", program: "submit r0\n nop GROUP SKIP\n nop inject=-EIO\n nop\nwait r0\n", bug: sim.LeaderHidden},
	{rule: "P7.7", profile: "v7", program: "submit r0\n nop GROUP\n nop inject=-EIO\n nop\nwait r0\n", alter: func(o altered) { o.result(0, -5) }},
	{rule: "P7.8", profile: "v7", program: "submit r0\n nop GROUP\nwait r0\n", kernel: "v4"},
	{rule: "P7.9", profile: "v7", program: "submit r0\n nop inject=-EIO LINK\n nop GROUP\n nop GROUP\nwait r0\n", kernel: "v4"},
	{rule: "P7.10", profile: "v7", program: "submit r0\n nop GROUP\n nop ASYNC\nwait r0\n", bug: sim.WorkerPosts},

	{rule: "I1", profile: "v4", program: "submit r0\n nop\nwait r0\n", alter: func(o altered) { o.CQEs = append(o.CQEs, o.CQEs[0]) }},
	{rule: "I1", profile: "v4", program: threeNops, alter: func(o altered) { o.Events = append(o.Events, o.Events[o.event(cases.EvFree, 1)]) }},
	{rule: "I3", profile: "v7", program: threeNops, alter: func(o altered) {
		ev := &o.Events[o.event(cases.EvComplete, 1)]
		ev.Flags, ev.Refs = ev.Flags|reqFRefcount, -1
	}},
	{rule: "I1", profile: "v4", program: threeNops, alter: func(o altered) {
		o.Events = slices.Delete(o.Events, o.event(cases.EvIssue, 2), o.event(cases.EvIssue, 2)+1)
	}},
	{rule: "P4.5", profile: "v4", program: "submit r0\n nop GROUP LINK\n nop inject=-EIO SKIP\n nop\nwait r0\n", alter: func(o altered) {
		o.result(0, -model.ECANCELED)
	}},
	{rule: "I4", profile: "v4", program: "submit r0\n nop LINK\n nop\nwait r0\n", alter: func(o altered) { o.move(cases.EvIssue, 1, cases.EvComplete, 0) }},
	{rule: "I6", profile: "v7", program: "submit r0\n nop\nwait r0\n", alter: func(o altered) { o.result(0, 7) }},
	{rule: "I7", profile: "v4", program: "submit r0\n nop ASYNC\nwait r0\n", alter: func(o altered) { o.Events[o.event(cases.EvIssue, 0)].Worker = false }},
	{rule: "I8", profile: "v7", program: threeNops, alter: func(o altered) {
		o.Events = slices.Delete(o.Events, o.event(cases.EvFree, 1), o.event(cases.EvFree, 1)+1)
	}},
	{rule: "I9", profile: "v4", program: "submit r0\n nop\nwait r0\n", alter: func(o altered) {
		o.Console = []string{"[    3.1] refcount_t: underflow; use-after-free."}
	}},
}

// notMutated are the rules that no violation names, and why.
var notMutated = map[string]string{
	"I2":  "it says the same as G10, by which it is reported",
	"I5":  "it says the same as G4, by which it is reported",
	"I10": "a hole in the evidence is no violation: the verdict is INCONCLUSIVE",
}

// Each single mutation is rejected under the ID of the rule that it breaks, on every schedule.
func TestMutationsAreRejected(t *testing.T) {
	for _, m := range mutations {
		t.Run(m.rule+"/"+m.profile, func(t *testing.T) {
			text := "name mutation\nring r0 entries=16 flags=SUBMIT_ALL\n" + m.program
			p, err := cases.Parse("mutation.ring", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			pr, kernel := profile(t, m.profile), profile(t, m.profile)
			if m.kernel != "" {
				kernel = profile(t, m.kernel)
			}
			for seed := range uint64(10) {
				out := sim.Run(p, pr, seed)
				if v := Judge(input(p, pr, out)); v.Status != Pass {
					t.Fatalf("seed %d, not mutated: %s\n%s", seed, dump(&v, out), text)
				}
				out = sim.RunWith(p, kernel, seed, m.bug)
				if m.alter != nil {
					m.alter(altered{out})
				}
				v := Judge(input(p, pr, out))
				if !slices.Contains(v.Rules(), m.rule) {
					t.Fatalf("seed %d: want a violation of %s\n%s%s", seed, m.rule, dump(&v, out), text)
				}
			}
		})
	}
}

// Every rule that a verdict may name has a mutation, or a reason for having none.
func TestEveryRuleHasAMutation(t *testing.T) {
	for _, r := range cases.Rules() {
		if cases.KindOf(r.ID) == cases.Question {
			continue
		}
		has := slices.ContainsFunc(mutations, func(m mutation) bool { return m.rule == r.ID })
		_, explained := notMutated[r.ID]
		switch {
		case !has && !explained:
			t.Errorf("no mutation breaks %s: %s", r.ID, r.Text)
		case has && explained:
			t.Errorf("%s has a mutation and a reason for having none", r.ID)
		}
		for _, m := range mutations {
			if m.rule == r.ID && strings.HasPrefix(r.ID, "P") && m.profile[1] != r.ID[1] {
				t.Errorf("a mutation of %s is judged by profile %s", r.ID, m.profile)
			}
		}
	}
}
