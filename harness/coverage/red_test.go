// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"slices"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/families"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/harness/judge"
)

// verdict judges what a simulated kernel did, by the semantics of pr.
func verdict(p *cases.Program, pr *cases.Profile, out *cases.Outcome) judge.Verdict {
	in := judge.Input{Program: p, Profile: pr, Outcome: out, Probes: sim.Probes()}
	return judge.Judge(in)
}

const seeds = 4

// For each rule of one revision alone there is a program that passes on a
// kernel of that revision, and fails by that rule on one of the other.
func TestProgramsTellRevisionsApart(t *testing.T) {
	programs, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ own, other string }{{"v4", "v7"}, {"v7", "v4"}} {
		own, other := profile(t, c.own), profile(t, c.other)
		telling := map[string]int{}
		for _, p := range programs {
			rules := map[string]bool{} // that a kernel of the other revision breaks
			for seed := range uint64(seeds) {
				v := verdict(p, own, sim.Run(p, other, seed))
				for _, id := range v.Rules() {
					rules[id] = true
				}
				if v = verdict(p, own, sim.Run(p, own, seed)); v.Status != judge.Pass {
					rules = nil
					break
				}
			}
			for id := range rules {
				telling[id]++
			}
		}
		for _, id := range Rules() {
			if id[0] != 'P' || !Concerns(id, c.own) {
				continue
			}
			t.Logf("%d programs tell by %s that a kernel is %s's and not %s's", telling[id], id, c.own, c.other)
			if telling[id] == 0 {
				t.Errorf("no program passes on %s and fails by %s on %s", c.own, id, c.other)
			}
		}
	}
}

// Programs can fail: a mistake of the kernel turns the families red whose
// matter it is, by the rule that it breaks.
func TestFamiliesTurnRed(t *testing.T) {
	programs, err := families.Programs()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		bug     sim.Bug
		profile string
		rules   []string // any of them
		red     []string // families
	}{
		{"the leader's CQE comes first", sim.LeaderFirst, "v4", []string{"G4"}, []string{"assembly", "order", "timeouts", "neighbours", "rings"}},
		{"a reference is dropped twice", sim.DoubleDrop, "v4", []string{"G10"}, []string{"order", "workers", "rings"}},
		{"a member is never queued", sim.LostMember, "v4", []string{"P4.1", "G3"}, []string{"assembly", "order", "copies"}},
		{"drains are ignored", sim.DrainIgnored, "v4", []string{"G8"}, []string{"drains"}},
		{"failing members break no chain", sim.ChainUnbroken, "v4", []string{"G6", "P4.5"}, []string{"failures", "timeouts"}},
		{"members wait for the leader", sim.MemberWaits, "v4", []string{"P4.1"}, []string{"revisions", "order"}},
		{"a failing leader cancels", sim.LeaderCancels, "v4", []string{"P4.4"}, []string{"revisions", "failures"}},
		{"members follow the leader to io-wq", sim.MemberPunted, "v4", []string{"G9"}, []string{"workers"}},
		{"the next link comes too early", sim.NextTooEarly, "v4", []string{"G5"}, []string{"chains", "failures", "copies"}},
		{"overflowed CQEs get lost", sim.LeakOverflow, "v4", []string{"G3", "I1"}, []string{"failures", "endings"}},
		{"cancelled members show up", sim.CancelledShown, "v4", []string{"G7"}, []string{"failures"}},
		{"members run ahead", sim.MemberEarly, "v7", []string{"P7.1"}, []string{"revisions", "order"}},
		{"a failing leader does not cancel", sim.LeaderForgiven, "v7", []string{"P7.5"}, []string{"revisions", "failures"}},
		{"workers post CQEs", sim.WorkerPosts, "v7", []string{"P7.10"}, []string{"workers"}},
		{"a failed leader stays hidden", sim.LeaderHidden, "v7", []string{"P7.7"}, []string{"revisions"}},
		{"what must be refused runs", sim.RefusalIgnored, "v7", []string{"P7.2", "P7.3", "P7.8"}, []string{"revisions"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pr := profile(t, c.profile)
			red := map[string]int{}
			for _, p := range programs {
				for seed := range uint64(seeds) {
					v := verdict(p, pr, sim.RunWith(p, pr, seed, c.bug))
					if slices.ContainsFunc(v.Rules(), func(id string) bool { return slices.Contains(c.rules, id) }) {
						red[families.FamilyOf(p)]++
						break
					}
				}
			}
			t.Logf("red programs by family: %v", red)
			for _, f := range c.red {
				if red[f] == 0 {
					t.Errorf("no program of family %s fails by %v", f, c.rules)
				}
			}
		})
	}
}
