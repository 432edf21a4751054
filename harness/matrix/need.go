// SPDX-License-Identifier: Apache-2.0

package matrix

import "slices"

// Need says which programs the mutants need. It is about these mutants only: a
// program that none of them needs may guard against a mistake that nobody has made yet.
type Need struct {
	// Enough is a small set that kills every mutant that is killed, found
	// greedily: each is the one that kills most of what is left.
	Enough []string `json:"enough"`
	// Spare are the others: no mutant needs them as long as there are those of Enough.
	Spare []string `json:"spare"`
	// What follows takes a matrix of all programs, not only of those that killed first.

	// Sole are programs that alone kill some mutant, and which.
	Sole map[string][]string `json:"sole,omitempty"`
	// Idle are programs that kill none.
	Idle []string `json:"idle,omitempty"`
	// Open are mutants with one known killer for which programs were spared
	// after hangs: whether it is the only one is open. They are not in Sole.
	Open []string `json:"open,omitempty"`
}

// Need computes what the mutants need; nil where nothing was killed.
func (m *Matrix) Need() *Need {
	if m.Count(Killed) == 0 {
		return nil
	}
	n := &Need{Enough: []string{}, Spare: []string{}}
	if m.All {
		n.Sole = map[string][]string{}
	}
	kills := map[string]map[string]bool{} // program → mutants
	left := map[string]bool{}
	for i := range m.Results {
		r := &m.Results[i]
		for _, k := range r.Kills {
			if kills[k.Program] == nil {
				kills[k.Program] = map[string]bool{}
			}
			kills[k.Program][r.Mutant] = true
			left[r.Mutant] = true
		}
		switch {
		case len(r.Kills) != 1 || !m.All:
		case len(r.Spared) > 0:
			n.Open = append(n.Open, r.Mutant)
		default:
			n.Sole[r.Kills[0].Program] = append(n.Sole[r.Kills[0].Program], r.Mutant)
		}
	}
	for _, p := range m.Programs {
		if len(kills[p]) == 0 && m.All {
			n.Idle = append(n.Idle, p)
		}
	}
	for len(left) > 0 {
		best, most := "", 0
		for _, p := range m.Programs {
			if gain := overlap(kills[p], left); gain > most {
				best, most = p, gain
			}
		}
		if most == 0 {
			break // killed by what is no program: the boot
		}
		n.Enough = append(n.Enough, best)
		for mutant := range kills[best] {
			delete(left, mutant)
		}
	}
	for _, p := range m.Programs {
		if !slices.Contains(n.Enough, p) {
			n.Spare = append(n.Spare, p)
		}
	}
	slices.Sort(n.Open)
	return n
}

func overlap(a, b map[string]bool) (n int) {
	for x := range a {
		if b[x] {
			n++
		}
	}
	return n
}
