// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
)

// What CQEs show is told apart from what takes probes or the clock.
func TestUserspace(t *testing.T) {
	pr := profile(t, "v4")
	for _, test := range []struct {
		name    string
		bug     sim.Bug
		program string
		rule    string // that the CQEs break; "" is none
		steps   bool
	}{
		{"leader first", sim.LeaderFirst, "group-nop-3", "G4", false},
		{"chain unbroken", sim.ChainUnbroken, "group-linked-member-fails-run", "G6", false},
		{"member punted", sim.MemberPunted, "group-async-leader", "", false},
		{"member waits", sim.MemberWaits, "group-pipe-blocks-leader", "P4.1", true},
		{"member lost, and its ring with it", sim.LostMember, "group-nop-3", "G3", true},
		{"cancelled shown", sim.CancelledShown, "group-chain-broken-skip-hidden", "G7", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := find(t, test.program)
			out := sim.RunWith(p, pr, 1, test.bug)
			v := Judge(input(p, pr, out))
			switch u := v.Userspace; {
			case v.Status != Fail && v.Status != Hang:
				t.Fatalf("no FAIL or HANG\n%s", dump(&v, out))
			case (u == nil) != (test.rule == ""), u != nil && (u.Rule != test.rule || u.Steps != test.steps || len(u.Events) > 0):
				t.Errorf("userspace sees %+v, want %q\n%s", u, test.rule, dump(&v, out))
			}
			if len(out.Events) == 0 || len(v.Violations) == 0 {
				t.Error("the outcome or the verdict was changed")
			}
		})
	}
	p := find(t, "group-nop-3")
	if v := Judge(input(p, pr, sim.Run(p, pr, 1))); v.Userspace != nil {
		t.Errorf("userspace sees %+v where nothing is wrong", v.Userspace)
	}
}

// A right kernel breaks nothing where no probes were attached either: what then is not known is no mistake.
func TestRightWithoutProbes(t *testing.T) {
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, series := range []string{"v4", "v7"} {
		pr := profile(t, series)
		for k, p := range all {
			out := sim.Run(p, pr, uint64(k))
			out.Events, out.RingsGone, out.Evidence = nil, nil, cases.Evidence{}
			in := input(p, pr, out)
			in.Probes = nil
			if v := Judge(in); v.Status == Fail || v.Status == Hang {
				t.Errorf("%s on %s:\n%s", p.Name, series, dump(&v, out))
			}
		}
	}
}
