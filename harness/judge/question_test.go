// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"testing"

	"github.com/ringproof/ringproof/cases"
)

// Questions promise nothing, so nothing can fail by them.
func TestNobodyFailsByAQuestion(t *testing.T) {
	for _, r := range cases.Rules() {
		j := &judge{seen: map[string]bool{}}
		j.violate(r.ID, "for a test", nil, nil, nil)
		if question := r.Kind() == cases.Question; (len(j.v.Violations) == 0) != question || (len(j.v.Unchecked) == 1) != question {
			t.Errorf("%s: %d violations, %d unchecked", r.ID, len(j.v.Violations), len(j.v.Unchecked))
		}
	}
}
