// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/campaign"
)

// learner returns what the coverage of a program that passed, and how its
// requests went, are to a campaign: edges and PCs.
func learner(profile *cases.Profile) func(p *cases.Program, o *cases.Outcome) (edges []uint32, pcs []uint64) {
	return func(p *cases.Program, o *cases.Outcome) (edges []uint32, pcs []uint64) {
		edges = campaign.Behaviours(p, profile, o)
		if o.Coverage != nil {
			edges, pcs = append(slices.Clone(o.Coverage.Edges), edges...), o.Coverage.PCs
		}
		return edges, pcs
	}
}
