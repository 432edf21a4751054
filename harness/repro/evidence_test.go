// SPDX-License-Identifier: Apache-2.0

package repro

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/harness/judge"
)

// shownBy tells whether a program that C writes would say that the bug shows.
func (b *Bug) shownBy(p *cases.Program, o *cases.Outcome) bool {
	of := func(list []int) (got []cases.CQE) {
		for _, c := range o.CQEs {
			if i, ok := p.IndexOf(c.UserData); ok && slices.Contains(list, i) {
				got = append(got, c)
			}
		}
		return got
	}
	same := func(x, y cases.CQE) bool {
		return x.Ring == y.Ring && x.Res == y.Res && x.UserData == y.UserData && (!b.Steps || x.Step == y.Step)
	}
	sorted := func(list []cases.CQE) []string {
		var rows []string
		for _, c := range list {
			rows = append(rows, fmt.Sprint(c.Ring, c.UserData, c.Res))
		}
		slices.Sort(rows)
		return rows
	}
	return slices.EqualFunc(b.CQEs, of(b.SQEs), same) && slices.Equal(sorted(b.Others), sorted(of(b.Beside)))
}

// What a C program looks for is nothing that a right kernel does, whatever order it chooses.
func TestEvidenceTellsKernelsApart(t *testing.T) {
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	bugs := map[string][]sim.Bug{
		"v4": {sim.LeaderFirst, sim.LostMember, sim.DrainIgnored, sim.ChainUnbroken, sim.MemberWaits, sim.NextTooEarly, sim.LeakOverflow, sim.CancelledShown},
		"v7": {sim.LeaderFirst, sim.LostMember, sim.MemberEarly, sim.LeaderForgiven, sim.LeaderHidden, sim.RefusalIgnored},
	}
	for series, list := range bugs {
		pr, err := cases.LoadProfile(series)
		if err != nil {
			t.Fatal(err)
		}
		visible := 0
		for k, p := range all {
			for _, bug := range list {
				out := sim.RunWith(p, pr, uint64(k), bug)
				v := judge.Judge(judge.Input{Program: p, Profile: pr, Outcome: out, Probes: sim.Probes()})
				if v.Status != judge.Fail || v.Userspace == nil {
					continue
				}
				b := BugOf(p, &v, out)
				if !b.Visible() {
					continue
				}
				visible++
				if !b.shownBy(p, out) {
					t.Errorf("%s: the run that showed the bug does not: %+v", p.Name, b)
				}
				for seed := range uint64(20) {
					if right := sim.Run(p, pr, seed); b.shownBy(p, right) {
						t.Errorf("%s on %s with mistake %d: a right kernel does so as well, seed %d\n%s: %s\nSQEs %v, CQEs %+v", p.Name, series, bug, seed, b.Rule, b.Text, b.SQEs, b.CQEs)
						break
					}
				}
			}
		}
		t.Logf("%s: %d runs whose CQEs show a mistake", series, visible)
		if visible < 40 {
			t.Errorf("%s: only %d runs show a mistake in their CQEs", series, visible)
		}
	}
}
