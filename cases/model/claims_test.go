// SPDX-License-Identifier: Apache-2.0

package model_test

import (
	"slices"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
)

// A program claims the rules that it says it was written for, under one of the profiles.
func TestCatalogueClaims(t *testing.T) {
	programs, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	profiles := []*cases.Profile{v4(t), v7(t)}
	for _, p := range programs {
		if len(model.Assemble(p, profiles[0]).Unsure) > 0 { // nobody knows what it shows
			continue
		}
		claimed := map[string]bool{}
		for _, pr := range profiles {
			for _, c := range model.Expect(p, pr).Claims() {
				claimed[c.Rule] = true
				if cases.RuleText(c.Rule) == "" {
					t.Errorf("%s claims the unknown rule %s", p.Name, c.Rule)
				}
				if !slices.IsSorted(c.SQEs) || len(c.SQEs) == 0 {
					t.Errorf("%s claims %s for the SQEs %v", p.Name, c.Rule, c.SQEs)
				}
			}
		}
		for _, rule := range p.Rules {
			if !claimed[rule] && cases.KindOf(rule) != cases.Question {
				t.Errorf("%s was written for %s, but claims it under no profile", p.Name, rule)
			}
		}
	}
}

// An opcode that the kernel does not have may be among SQEs that it never looks at.
func TestClaimsOfUnknownOpcodes(t *testing.T) {
	p, err := cases.Parse("unknown", []byte(`name unknown
needs groups
ring r0
submit r0
  op=99
  nop GROUP LINK
  op=99
  nop
wait r0
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, pr := range []*cases.Profile{v4(t), v7(t)} {
		if len(model.Expect(p, pr).Claims()) == 0 {
			t.Error("nothing is claimed")
		}
	}
}
