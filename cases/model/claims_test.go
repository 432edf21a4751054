// SPDX-License-Identifier: Apache-2.0

package model_test

import (
	"slices"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// A program claims the rules that it says it was written for.
func TestCatalogueClaims(t *testing.T) {
	programs, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	pr := v4(t)
	for _, p := range programs {
		if p.Rings[0].Flags&uring.SetupSQPoll != 0 { // its batches are not described yet
			continue
		}
		var got []string
		for _, c := range model.Expect(p, pr).Claims() {
			got = append(got, c.Rule)
			if cases.RuleText(c.Rule) == "" {
				t.Errorf("%s claims the unknown rule %s", p.Name, c.Rule)
			}
			if !slices.IsSorted(c.SQEs) || len(c.SQEs) == 0 {
				t.Errorf("%s claims %s for the SQEs %v", p.Name, c.Rule, c.SQEs)
			}
		}
		for _, rule := range p.Rules {
			if !slices.Contains(got, rule) {
				t.Errorf("%s was written for %s, but does not claim it", p.Name, rule)
			}
		}
	}
}
