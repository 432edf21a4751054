// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// try is one run of a program on its way into its case.
type try struct {
	c *report.Case // what this run alone says
	// silent are the tries before it, under the same seed, that said nothing.
	silent   []report.Try
	confirms bool
	served   int // programs that the guest had got before

	to     *record
	number int // of the try in its case, once it is settled
}

// saidNothing notes that the program was asked in vain; o is nil where it did not get to an end.
func (t *try) saidNothing(v judge.Verdict, o *cases.Outcome) {
	t.silent = append(t.silent, report.NewTry(&report.Case{Verdict: v, Outcome: o, Noise: t.c.Noise}, nil))
}

// record is a program's case in the making.
type record struct {
	c       report.Case // without tries until the first is settled
	repeats int         // that were settled
	verdict int         // the number of the try that the verdict is of
}

func (r *runner) repeats() int { return max(r.repeat, 1) }

// noiseOf returns the seed of a repeat, which counts from 0: never the 0 that
// means none, unless there is no noise at all.
func noiseOf(seed uint64, repeat int) uint64 {
	if seed == 0 {
		return 0
	}
	return max(seed+uint64(repeat), 1)
}

// settled takes a try in to which nothing can be added any more, but for a leak.
func (r *runner) settled(t *try) {
	r.explained(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.asTry(t)
	c := &t.to.c
	t.number = len(c.Tries) + len(t.silent)
	c.Tries = append(append(c.Tries, t.silent...), last)
	c.Seconds += t.c.Seconds
	t.to.adopt(t, last)
	if t.confirms {
		return
	}
	t.to.repeats++
	if (t.to.repeats == r.repeats() || last.Status == judge.Skip) && r.done != nil {
		r.done(*c)
	}
}

// worsened takes in that a settled try turned out to be worse.
func (r *runner) worsened(t *try) {
	r.explained(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.asTry(t)
	t.to.c.Tries[t.number] = now
	t.to.adopt(t, now)
	if r.amended != nil {
		r.amended(t.to.c)
	}
}

func (r *runner) asTry(t *try) report.Try {
	out := report.NewTry(t.c, r.profile)
	out.Confirms, out.Served = t.confirms, t.served
	return out
}

// explained adds what a crash or hang is about.
func (r *runner) explained(t *try) {
	if r.explain != nil {
		r.explain(t.c)
	}
}

// maxAlso bounds the classes of failures of one program whose evidence is
// kept; all are in its tries.
const maxAlso = 4

// adopt makes what a try found the case's, where it says more than what is
// there: the first failure stays the verdict, whatever comes later; without
// one the worst does. Of failures in other classes the first evidence is kept.
func (rec *record) adopt(t *try, as report.Try) {
	c := &rec.c
	switch {
	case c.Name == "", t.number == rec.verdict, as.Failed() && !c.Tries[rec.verdict].Failed(),
		!as.Failed() && !c.Tries[rec.verdict].Failed() && silence(as.Status) > silence(c.Verdict.Status):
		rec.verdict = t.number
		c.Name, c.Text, c.Program = t.c.Name, t.c.Text, t.c.Program
		c.Verdict, c.Outcome, c.Noise, c.Crashes, c.Stuck = t.c.Verdict, t.c.Outcome, t.c.Noise, t.c.Crashes, t.c.Stuck
	case as.Failed() && as.Class != c.Tries[rec.verdict].Class && len(c.Also) < maxAlso &&
		!slices.ContainsFunc(c.Also, func(a report.Case) bool { return a.Tries[0].Class == as.Class }):
		also := *t.c
		also.Tries = []report.Try{as}
		c.Also = append(c.Also, also)
	}
}

// silence ranks verdicts that say nothing of the kernel over those that do.
func silence(s judge.Status) int {
	return slices.Index([]judge.Status{judge.Inconclusive, judge.Infra}, s)
}
