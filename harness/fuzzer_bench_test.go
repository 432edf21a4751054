// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/harness/judge"
)

// What an execution of a campaign costs the host, apart from the channel: the programs are those
// that it makes, the outcomes a simulator's.
func BenchmarkExecution(b *testing.B) {
	profile, err := cases.LoadProfile("v4")
	if err != nil {
		b.Fatal(err)
	}
	m := fuzz.NewMutator(1, fuzz.Options{Profile: profile, Dear: fuzz.DefaultDear})
	programs := []*cases.Program{m.Generate(), m.Generate()}
	for i := range 500 {
		programs = append(programs, m.Mutate(programs[i], programs[i/2]))
	}
	outcomes := make([]*cases.Outcome, len(programs))
	for i, p := range programs {
		outcomes[i] = sim.Run(p, profile, uint64(i))
	}
	b.Run("mutate", func(b *testing.B) {
		for i := range b.N {
			m.Mutate(programs[i%len(programs)], programs[(7*i)%len(programs)])
		}
	})
	b.Run("judge", func(b *testing.B) {
		for i := range b.N {
			k := i % len(programs)
			judge.Judge(judge.Input{Program: programs[k], Profile: profile, Outcome: outcomes[k]})
		}
	})
	b.Run("learn", func(b *testing.B) {
		for i := range b.N {
			k := i % len(programs)
			campaign.Behaviours(programs[k], profile, outcomes[k])
		}
	})
}
