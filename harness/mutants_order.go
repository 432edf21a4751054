// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/coverage"
)

// candidate is a program as the order of trials sees it.
type candidate struct {
	program *cases.Program
	cells   []coverage.Cell // what it would show broken, by the model
	cost    time.Duration   // of the program on a kernel that makes no mistake
}

// candidates looks at programs through the model's eyes.
func candidates(programs []*cases.Program, pr *cases.Profile, cost map[string]time.Duration) []candidate {
	all := make([]candidate, len(programs))
	for i, p := range programs {
		all[i] = candidate{p, coverage.Of(p, pr), cost[p.Name]}
	}
	return all
}

// order returns the candidates in the order in which they are tried on a
// mutant that breaks the rules, and how many are promised to show one broken.
//
// Those come first, and of these those that watch the rule that the fewest watch: what is
// about a special case is more likely to meet it. Among equals a mistake is
// likely to be shown by all programs of one shape or by none, so each shape has
// its turn before one has its second, and in a shape, and among shapes, the
// cheap ones come first. A shape is how, by completion path, a program would show which
// of the rules broken.
func order(all []candidate, rules []string) (sorted []candidate, promised int) {
	watched := map[string]int{} // rule → programs
	for _, c := range all {
		for _, rule := range c.rules() {
			watched[rule]++
		}
	}
	type shape struct {
		rank int // programs that watch the rule that the fewest watch
		key  string
	}
	byShape := map[shape][]candidate{}
	var shapes []shape
	for _, c := range all {
		s := shape{rank: len(all) + 1} // behind those that are promised
		var mine, any []string
		for _, cell := range c.cells {
			at := cell.Rule + "/" + string(cell.Path)
			any = append(any, at)
			if slices.Contains(rules, cell.Rule) {
				mine = append(mine, at)
				s.rank = min(s.rank, watched[cell.Rule])
			}
		}
		key := any
		if len(mine) > 0 {
			promised++
			key = mine
		}
		slices.Sort(key)
		s.key = strings.Join(key, " ")
		if byShape[s] == nil {
			shapes = append(shapes, s)
		}
		byShape[s] = append(byShape[s], c)
	}
	for _, group := range byShape {
		slices.SortStableFunc(group, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	}
	slices.SortStableFunc(shapes, func(a, b shape) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(byShape[a][0].cost, byShape[b][0].cost))
	})
	for len(shapes) > 0 {
		rank := slices.IndexFunc(shapes, func(s shape) bool { return s.rank != shapes[0].rank })
		if rank < 0 {
			rank = len(shapes)
		}
		for turn, more := 0, true; more; turn++ {
			more = false
			for _, s := range shapes[:rank] {
				if turn < len(byShape[s]) {
					sorted = append(sorted, byShape[s][turn])
					more = true
				}
			}
		}
		shapes = shapes[rank:]
	}
	return sorted, promised
}

// rules lists the rules that the program would show broken, each once.
func (c *candidate) rules() (rules []string) {
	for _, cell := range c.cells {
		if !slices.Contains(rules, cell.Rule) {
			rules = append(rules, cell.Rule)
		}
	}
	return rules
}
