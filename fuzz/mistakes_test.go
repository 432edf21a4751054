// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"fmt"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness/judge"
)

// Programs from nothing, and changed a little with nobody to tell which of
// them are good, find each mistake that the simulated kernel can make.
func TestMistakesAreFoundFromNothing(t *testing.T) {
	const most = 3000
	for _, test := range []struct {
		profile string
		bugs    []sim.Bug
	}{
		{"v4", []sim.Bug{sim.LeaderFirst, sim.DoubleDrop, sim.LostMember, sim.DrainIgnored, sim.ChainUnbroken, sim.MemberWaits,
			sim.LeaderCancels, sim.MemberPunted, sim.NextTooEarly, sim.LeakOverflow, sim.CancelledShown}},
		{"v7", []sim.Bug{sim.LeaderFirst, sim.LostMember, sim.DrainIgnored, sim.NextTooEarly, sim.LeakOverflow, sim.CancelledShown, sim.MemberEarly,
			sim.LeaderForgiven, sim.WorkerPosts, sim.LeaderHidden, sim.RefusalIgnored}},
	} {
		profile, err := cases.LoadProfile(test.profile)
		if err != nil {
			t.Fatal(err)
		}
		for _, bug := range test.bugs {
			t.Run(fmt.Sprint(test.profile, "/", bug), func(t *testing.T) {
				m := fuzz.NewMutator(1, fuzz.Options{Profile: profile, Dear: fuzz.DefaultDear})
				p := m.Generate()
				for n := range most {
					if n%4 == 0 {
						p = m.Generate()
					} else {
						p = m.Mutate(p, nil)
					}
					if shows(p, profile, bug) && !shows(p, profile, sim.None) {
						t.Logf("program %d: %d SQEs", n+1, len(p.SQEs()))
						return
					}
				}
				t.Errorf("not found by %d programs", most)
			})
		}
	}
}

func shows(p *cases.Program, profile *cases.Profile, bug sim.Bug) bool {
	v := judge.Judge(judge.Input{Program: p, Profile: profile, Outcome: sim.RunWith(p, profile, 1, bug), Probes: sim.Probes()})
	return v.Status == judge.Fail || v.Status == judge.Hang
}
