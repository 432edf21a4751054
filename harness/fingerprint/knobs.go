// SPDX-License-Identifier: Apache-2.0

// Package fingerprint finds out which profile describes a kernel: from what
// became of a few programs (cases/fingerprint), which the judge holds against
// every combination of the knobs, and from the kernel's types. It runs nothing.
package fingerprint

import (
	"fmt"
	"sync"

	"github.com/ringproof/ringproof/cases"
)

// Knob is one choice of a profile's semantics.
type Knob struct {
	Key string // in the profile's table [semantics]
	// Values are the two choices as the profile file writes them without quotes:
	// that of the members in parallel first (P4.x), then that of the members after the leader (P7.x).
	Values [2]string
	// Promise is the rule by which the second value asks for more than the
	// first and for nothing else: whatever keeps it agrees with both values. It is
	// "" where the values exclude each other.
	Promise string
}

// promises are the rules of [Knob.Promise] by key.
var promises = map[string]string{"complete_in_task": "P7.10"}

// Variant is one combination of all knobs: bit i is set where the i-th of
// [Knobs] has its second value.
type Variant uint16

// space is what there is to choose from.
type space struct {
	knobs     []Knob
	semantics []cases.Semantics // by Variant
}

// theSpace spans what lies between the two built-in families of profiles.
var theSpace = sync.OnceValue(func() space {
	first, second := mustLoad("v4"), mustLoad("v7")
	knobs := cases.Knobs()
	s := space{semantics: make([]cases.Semantics, 1<<len(knobs))}
	for i := range knobs {
		k := &knobs[i]
		s.knobs = append(s.knobs, Knob{k.Key, [2]string{k.Value(first), k.Value(second)}, promises[k.Key]})
	}
	for v := range s.semantics {
		s.semantics[v] = *first
		for i := range knobs {
			if v>>i&1 != 0 {
				knobs[i].Set(&s.semantics[v], second)
			}
		}
	}
	return s
})

func mustLoad(name string) *cases.Semantics {
	p, err := cases.LoadProfile(name)
	if err != nil {
		panic(fmt.Sprintf("a built-in profile: %v", err))
	}
	return &p.Semantics
}

// Knobs lists all choices. The caller does not change them.
func Knobs() []Knob { return theSpace().knobs }

// Variants is the number of combinations; those below it are valid.
func Variants() Variant { return Variant(len(theSpace().semantics)) }

// Semantics returns what the variant says.
func (v Variant) Semantics() cases.Semantics { return theSpace().semantics[v] }
