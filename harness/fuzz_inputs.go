// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"math/rand/v2"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/campaign"
)

// mutator makes programs, a *fuzz.Mutator.
type mutator interface {
	Generate() *cases.Program
	Mutate(p, donor *cases.Program) *cases.Program
}

// input is a program on its way through a campaign.
type input struct {
	program *cases.Program  // nil until it is made
	parent  *campaign.Entry // that it is a mutation of; nil for none
	donor   *campaign.Entry // that parts come from, where there is a parent
	proof   *campaign.Proof // of the edges that it showed; nil for its first run
	kept    string          // its name in the corpus where it comes from there
	silent  int             // runs that said nothing
	lost    int             // guests that were lost meanwhile
}

// freshEvery is how often a program is made from nothing though there is a corpus.
const freshEvery = 20

// next returns what to run next: what has to be run again, then seeds, then
// something new, which is yet to be made. The caller holds mu.
func (f *fuzzer) next() *input {
	if n := len(f.again); n > 0 {
		in := f.again[0]
		f.again = f.again[1:]
		return in
	}
	if len(f.seeds) > 0 {
		in := f.seeds[0]
		f.seeds = f.seeds[1:]
		return in
	}
	parent := f.corpus.Pick(f.rng)
	if parent == nil || f.rng.IntN(freshEvery) == 0 {
		return &input{}
	}
	return &input{parent: parent, donor: f.corpus.Donor(f.rng)}
}

// make makes an input's program, if it has none yet.
func (f *fuzzer) make(in *input) {
	if in.program != nil {
		return
	}
	f.making.Lock()
	defer f.making.Unlock()
	if in.parent == nil {
		in.program = f.mutator.Generate()
	} else {
		in.program = f.mutator.Mutate(in.parent.Program, in.donor.Program)
	}
}

// Bounds on the waits of a campaign's programs, before the guest stretches them.
// Most mutations of a program that waits wait in vain, and would spend all the time on it. A wait that
// was too short for a request shows as a failure, and that is looked into with a longer one.
const (
	hastyWait   = 4 * time.Millisecond
	patientWait = 250 * time.Millisecond
)

// hasten returns p with no wait longer than most; p itself where there is none.
func hasten(p *cases.Program, most time.Duration) *cases.Program { return clampWaits(p, 0, most) }

// clampWaits returns p with its waits bounded by no less than least and no more than most; p itself where all
// are. A synchronous cancellation is only cut down: that it fails in time says nothing about being late.
func clampWaits(p *cases.Program, least, most time.Duration) *cases.Program {
	var q *cases.Program
	for i := range p.Steps {
		bound, waits := stepBound(&p.Steps[i])
		to := min(max(bound, least), most)
		if !waits || to == bound || to > bound && p.Steps[i].Kind == cases.StepCancel {
			continue
		}
		if q == nil {
			shallow := *p
			shallow.Steps = append([]cases.Step(nil), p.Steps...)
			q = &shallow
		}
		q.Steps[i].Timeout = to
		if to < bound {
			q.Steps[i].MinWait = min(q.Steps[i].MinWait, to/2)
		}
	}
	if q == nil {
		return p
	}
	return q
}

// stepBound is how long a step may wait by itself. A synchronous cancellation without a time is not bounded by itself.
func stepBound(st *cases.Step) (bound time.Duration, waits bool) {
	switch {
	case st.Kind == cases.StepCancel:
		return st.Timeout, st.Timeout > 0
	case st.Kind == cases.StepWait, st.Kind == cases.StepSubmit && st.N > 0:
		if st.Timeout == 0 {
			return cases.DefaultWait, true
		}
		return st.Timeout, true
	}
	return 0, false
}

// deadlineOf bounds a program by its own waits and what all else may take.
func deadlineOf(p *cases.Program, rest time.Duration) time.Duration {
	for i := range p.Steps {
		bound, _ := stepBound(&p.Steps[i])
		rest += bound
	}
	return rest
}

// newRand returns the random numbers of a campaign: other ones for each campaign on a corpus.
func newRand(seed uint64, campaigns int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(campaigns)))
}
