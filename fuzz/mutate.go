// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// mutations are what one round of Mutate does one of. What finds nothing to work on does nothing.
var mutations = []weighted[func(*work, *cases.Program)]{
	{10, alone((*work).toggleFlag)},
	{8, alone((*work).moveBoundary)},
	{10, alone((*work).replaceSQE)},
	{10, alone((*work).addSQE)},
	{6, alone((*work).duplicateSQE)},
	{12, alone((*work).deleteSQE)},
	{6, alone((*work).clearFlags)},
	{5, alone((*work).swapSQEs)},
	{7, alone((*work).makeFail)},
	{6, alone((*work).makeWait)},
	{4, alone((*work).turnValue)},
	{2, alone((*work).addTimeoutBehind)},
	{5, alone(func(w *work) { w.addStep(w.rnd.IntN(len(w.p.Steps) + 1)) })},
	{4, alone(func(w *work) { w.addSubmission(w.rnd.IntN(len(w.p.Steps) + 1)) })},
	{7, alone((*work).deleteStep)},
	{3, alone((*work).swapSteps)},
	{3, alone((*work).repeatStep)},
	{3, alone((*work).splitSubmission)},
	{3, alone((*work).joinSubmissions)},
	{5, alone((*work).turnRing)},
	{4, alone((*work).crowd)},
	{1, alone((*work).turnResource)},
	{1, alone((*work).addRing)},
	{1, alone((*work).moveStep)},
	{2, alone((*work).addEnd)},
	{8, (*work).splice},
	{4, (*work).takeGroup},
}

func alone(f func(*work)) func(*work, *cases.Program) {
	return func(w *work, _ *cases.Program) { f(w) }
}

func (w *work) mutate(donor *cases.Program) { pick(w.Mutator, mutations)(w, donor) }

// oneSQE chooses an SQE of the program; ok is false if there is none.
func (w *work) oneSQE() (at cases.SQERef, ok bool) {
	all := w.p.SQEs()
	if len(all) == 0 {
		return cases.SQERef{}, false
	}
	return all[w.rnd.IntN(len(all))], true
}

// onSQE is a mutation of one SQE.
func (w *work) onSQE(f func(at cases.SQERef)) {
	if at, ok := w.oneSQE(); ok {
		f(at)
	}
}

var flagWeights = []weighted[uring.SQEFlags]{
	{8, uring.SQEGroup}, {6, uring.IOLink}, {3, uring.IOHardlink}, {5, uring.IODrain}, {6, uring.Async},
	{5, uring.CQESkipSuccess}, {1, uring.BufferSelect}, {1, uring.FixedFile},
}

func (w *work) toggleFlag() {
	w.onSQE(func(at cases.SQERef) { at.SQE.Flags ^= pick(w.Mutator, flagWeights) })
}

// clearFlags makes one SQE a plain one, or a plain member of its group.
func (w *work) clearFlags() {
	w.onSQE(func(at cases.SQERef) { at.SQE.Flags &= uring.SQEGroup | uring.FixedFile | uring.BufferSelect })
}

// moveBoundary lets a group end one SQE earlier or later.
func (w *work) moveBoundary() {
	w.onSQE(func(at cases.SQERef) {
		sqes := w.p.Steps[at.Step].SQEs
		for i := at.Pos; i < len(sqes); i++ { // the first SQE that ends or follows a group
			if sqes[i].Flags&uring.SQEGroup != 0 && i < len(sqes)-1 && w.chance(60) {
				continue
			}
			sqes[i].Flags ^= uring.SQEGroup
			return
		}
	})
}

// replaceSQE gives one SQE another operation; its flags stay.
func (w *work) replaceSQE() {
	q := w.sqe()
	w.onSQE(func(at cases.SQERef) { w.become(at.SQE, q) })
}

// become makes old the operation q, and keeps the flags that say how it is queued.
func (w *work) become(old *cases.SQE, q cases.SQE) {
	q.Flags |= old.Flags &^ (uring.FixedFile | uring.BufferSelect)
	*old = q
}

func (w *work) addSQE() {
	q := w.sqe()
	w.headFlags(&q.Flags, false)
	w.insertSQE(q)
}

// insertSQE puts q into some submission, or into a new one.
func (w *work) insertSQE(q cases.SQE) {
	at, ok := w.oneSQE()
	if !ok {
		w.p.Steps = append(w.p.Steps, cases.Step{Kind: cases.StepSubmit, SQEs: []cases.SQE{q}})
		return
	}
	pos := at.Pos + w.rnd.IntN(2)
	if pos > 0 && w.chance(50) { // into the group or chain that goes on here
		q.Flags |= w.p.Steps[at.Step].SQEs[pos-1].Flags & (uring.SQEGroup | uring.IOLink)
	}
	w.insertAt(at.Step, pos, q)
}

// insertAt inserts SQEs; what refers to others behind them follows.
func (w *work) insertAt(step, pos int, q ...cases.SQE) {
	first := pos
	for i := range w.p.Steps[:step] {
		first += len(w.p.Steps[i].SQEs)
	}
	w.p.EachTarget(func(t *int) {
		if *t > first {
			*t += len(q)
		}
	})
	w.p.Steps[step].SQEs = slices.Insert(w.p.Steps[step].SQEs, pos, q...)
}

func (w *work) duplicateSQE() {
	w.onSQE(func(at cases.SQERef) {
		for range w.small(3) {
			w.insertAt(at.Step, at.Pos, *w.sqeAt(at))
		}
	})
}

func (w *work) sqeAt(at cases.SQERef) *cases.SQE { return &w.p.Steps[at.Step].SQEs[at.Pos] }

func (w *work) deleteSQE() {
	w.onSQE(func(at cases.SQERef) {
		if len(w.p.SQEs()) > 1 {
			w.p.DropSQE(at.Step, at.Pos)
		}
	})
}

// swapSQEs swaps the operations of two SQEs of a submission, or all of them.
func (w *work) swapSQEs() {
	w.onSQE(func(at cases.SQERef) {
		other := &w.p.Steps[at.Step].SQEs[w.rnd.IntN(len(w.p.Steps[at.Step].SQEs))]
		*at.SQE, *other = *other, *at.SQE
		if w.chance(50) {
			const kept = ^(uring.FixedFile | uring.BufferSelect)
			a, b := at.SQE.Flags, other.Flags
			at.SQE.Flags, other.Flags = a&^kept|b&kept, b&^kept|a&kept
		}
	})
}

// makeFail makes one SQE fail when it is parsed or when it runs.
func (w *work) makeFail() {
	q := w.failing()
	w.onSQE(func(at cases.SQERef) { w.become(at.SQE, q) })
}

// makeWait makes one SQE wait, and something end that.
func (w *work) makeWait() {
	w.onSQE(func(at cases.SQERef) {
		q, _ := w.waiting()
		w.become(at.SQE, q)
		if w.chance(60) {
			w.addEnder(at.Index, at.Step+1+w.rnd.IntN(len(w.p.Steps)-at.Step))
		}
	})
}

// addTimeoutBehind links a timeout to one SQE.
func (w *work) addTimeoutBehind() {
	w.onSQE(func(at cases.SQERef) {
		at.SQE.Flags |= uring.IOLink
		q := w.linkTimeout()
		if w.chance(30) {
			q.Flags |= uring.IOLink
		}
		w.insertAt(at.Step, at.Pos+1, q)
	})
}

// turnValue changes a number of one SQE or step.
func (w *work) turnValue() {
	if len(w.p.Steps) > 0 && w.chance(40) {
		if s := &w.p.Steps[w.rnd.IntN(len(w.p.Steps))]; s.N > 0 {
			s.N = any1(w.Mutator, s.N+1, s.N-1, 2*s.N, (s.N+1)/2)
			return
		}
	}
	w.onSQE(func(at cases.SQERef) {
		q := at.SQE
		switch w.rnd.IntN(7) {
		case 0:
			q.Len = any1(w.Mutator, 0, 1, q.Len/2, 2*q.Len, 16, 64)
		case 1:
			q.Off = any1[uint64](w.Mutator, 0, 64, 256, q.Off+1)
		case 2:
			q.OpFlags ^= 1 << w.rnd.IntN(9)
		case 3:
			q.FD = w.fd()
		case 4:
			q.Target = w.target()
		case 5:
			if q.Timeout != 0 {
				q.Timeout = w.time()
			}
		case 6:
			if q.HasInject {
				q.Inject = w.result()
			}
		}
	})
}

func (w *work) deleteStep() {
	if len(w.p.Steps) > 1 {
		w.p.DropStep(w.rnd.IntN(len(w.p.Steps)))
	}
}

// swapSteps swaps two steps; targets keep to their numbers, not to their SQEs.
func (w *work) swapSteps() {
	if n := len(w.p.Steps); n > 1 {
		i := w.rnd.IntN(n - 1)
		w.p.Steps[i], w.p.Steps[i+1] = w.p.Steps[i+1], w.p.Steps[i]
	}
}

// repeatStep does a step once more, at its place or later: memory of requests that are gone is used again.
func (w *work) repeatStep() {
	if len(w.p.Steps) == 0 {
		return
	}
	i := w.rnd.IntN(len(w.p.Steps))
	s := w.p.Steps[i]
	if s.Kind.Ends() || s.Kind == cases.StepCloseRing || s.Kind == cases.StepExitThread {
		return
	}
	s.SQEs = slices.Clone(s.SQEs)
	if s.Reg != nil {
		reg := *s.Reg
		s.Reg = &reg
	}
	w.insertStep(i+1+w.rnd.IntN(len(w.p.Steps)-i), s)
}

// insertStep inserts a step; targets follow as for insertAt.
func (w *work) insertStep(i int, s cases.Step) {
	sqes := s.SQEs
	s.SQEs = nil
	w.p.Steps = slices.Insert(w.p.Steps, i, s)
	w.insertAt(i, 0, sqes...)
}

// splitSubmission submits what was one in two.
func (w *work) splitSubmission() {
	w.onSQE(func(at cases.SQERef) {
		s := &w.p.Steps[at.Step]
		if at.Pos == 0 {
			return
		}
		rest := *s
		rest.SQEs = slices.Clone(s.SQEs[at.Pos:])
		s.SQEs, s.N = s.SQEs[:at.Pos:at.Pos], 0
		w.p.Steps = slices.Insert(w.p.Steps, at.Step+1, rest)
	})
}

// joinSubmissions submits at once what was submitted one after the other.
func (w *work) joinSubmissions() {
	last := -1
	for i := range w.p.Steps {
		if w.p.Steps[i].Kind != cases.StepSubmit {
			continue
		}
		if last >= 0 && w.p.Steps[last].Ring == w.p.Steps[i].Ring && w.chance(60) {
			w.p.Steps[last].SQEs = append(w.p.Steps[last].SQEs, w.p.Steps[i].SQEs...)
			w.p.Steps = slices.Delete(w.p.Steps, i, i+1)
			return
		}
		last = i
	}
}

func (w *work) turnRing() {
	r := &w.p.Rings[w.rnd.IntN(len(w.p.Rings))]
	switch w.rnd.IntN(5) {
	case 0:
		r.CQEntries = any1(w.Mutator, 0, r.Entries)
	case 1:
		r.Entries = any1[uint32](w.Mutator, 1, 2, 4, 8, 16)
	case 2:
		r.Flags ^= uring.SetupSubmitAll
	case 3:
		r.Flags ^= uring.SetupDeferTaskrun | uring.SetupSingleIssuer
	default:
		r.Flags ^= pick(w.Mutator, ringFlags)
	}
}

// crowd leaves a ring no more room than its largest submission takes, and less time to reap.
func (w *work) crowd() {
	ring := w.aRing()
	w.p.Rings[ring].Entries, w.p.Rings[ring].CQEntries = 1, 1 // Repair makes them as large as they must be
	for i := len(w.p.Steps) - 1; i >= 0; i-- {
		if s := &w.p.Steps[i]; s.Kind == cases.StepWait && s.Ring == ring && w.chance(60) {
			w.p.DropStep(i)
		}
	}
}

func (w *work) turnResource() {
	if len(w.p.Resources) == 0 {
		return
	}
	r := &w.p.Resources[w.rnd.IntN(len(w.p.Resources))]
	if w.chance(40) {
		r.NonBlock = !r.NonBlock
		return
	}
	r.Kind = any1(w.Mutator, cases.ResFile, cases.ResPipe, cases.ResSocketPair, cases.ResEventFD)
}

// moveStep moves a step to another ring.
func (w *work) moveStep() {
	if len(w.p.Steps) > 0 {
		w.p.Steps[w.rnd.IntN(len(w.p.Steps))].Ring = w.rnd.IntN(len(w.p.Rings))
	}
}
