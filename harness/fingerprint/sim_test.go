// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
)

func programs(t testing.TB) []*cases.Program {
	t.Helper()
	all, err := cases.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// simulated returns what a correct kernel with these semantics shows.
func simulated(t testing.TB, s cases.Semantics, seed uint64) []Observation {
	t.Helper()
	pr := &cases.Profile{Name: "sim", Groups: true, Semantics: s}
	var all []Observation
	for _, p := range programs(t) {
		all = append(all, Observe(p, sim.Run(p, pr, seed), "", sim.Probes()))
	}
	return all
}

// The programs tell every knob of the two built-in revisions, and of kernels
// that differ from one of them in one knob, as far as the simulator knows those.
func TestKnobsOfSimulatedKernels(t *testing.T) {
	knobs := Knobs()
	variants := []Variant{0, Variants() - 1}
	for i, k := range knobs {
		if slices.Contains([]string{"link_timeout", "group_of_one", "complete_in_task"}, k.Key) {
			variants = append(variants, 1<<i)
		}
	}
	for _, v := range variants {
		t.Run(fmt.Sprintf("%010b", v), func(t *testing.T) {
			t.Parallel()
			d := Decide(simulated(t, v.Semantics(), 1))
			for i, a := range d.Answers {
				if want := knobs[i].Values[v>>i&1]; a.Value != want {
					t.Errorf("%s is %q (%s), want %q", a.Key, a.Value, a.How, want)
				}
			}
			for _, s := range d.Strange {
				t.Error(s)
			}
		})
	}
}
