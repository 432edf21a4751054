// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
)

const (
	// shortest is the least that anything waits for.
	shortest = time.Millisecond
	// patience bounds the waits of programs that a Mutator makes: one for what is
	// owed costs less, and one for what never comes costs this.
	patience = 10 * time.Millisecond
	// cancelPatience bounds a synchronous cancellation. The judge takes shorter ones for no promise.
	cancelPatience = 50 * time.Millisecond
)

// mostFed bounds what a step writes, which blocks where a pipe is full.
const mostFed = 4096

// Settle cuts each wait of a valid program down to what comes on a right
// kernel of the profile, and leaves out what would block: a simulated kernel, whose schedules follow from seed, tells.
// Kernels are free in much, so now and then a wait stays too long. All waits get a short
// bound, and so does what null block devices take. It is what a [Mutator] does with all that it makes.
func Settle(p *cases.Program, pr *cases.Profile, seed uint64) {
	waits := false
	for i := range p.Resources {
		if r := &p.Resources[i]; r.Kind == cases.ResNullBlk { // each request takes so long, those that fill the device, too
			r.Delay = min(r.Delay, 2*shortest)
		}
	}
	for i := range p.Steps {
		switch s := &p.Steps[i]; s.Kind {
		case cases.StepTake:
			waits = true
		case cases.StepFeed:
			s.N = min(s.N, mostFed)
		case cases.StepWait:
			s.Timeout, waits = patience, true
			s.MinWait = min(s.MinWait, shortest)
		case cases.StepSubmit:
			if s.N > 0 {
				s.Timeout = patience
				s.N = cutSubmit(p, i, pr, seed)
			}
			if s.N == 0 {
				s.Timeout = 0
			}
		case cases.StepCancel:
			s.Timeout = cancelPatience
		}
	}
	for k := range schedules {
		if waits {
			cutWaits(p, pr, seed+uint64(k))
		}
	}
}

// Await returns a copy of a valid program that waits on each ring, before that may end, for
// all that comes on a right kernel of the profile, and in every wait for at most within: what fails to
// complete shows in its CQEs then. The rest is as with [Settle].
func Await(p *cases.Program, pr *cases.Profile, seed uint64, within time.Duration) *cases.Program {
	q := p.Clone()
	end := slices.IndexFunc(q.Steps, func(s cases.Step) bool { return s.Kind.Ends() || s.Kind == cases.StepCloseRing })
	if end < 0 {
		end = len(q.Steps)
	}
	for ring := range q.Rings {
		q.Steps = slices.Insert(q.Steps, end, cases.Step{Kind: cases.StepWait, Ring: ring})
	}
	Settle(q, pr, seed)
	for i := range q.Steps {
		if s := &q.Steps[i]; s.Kind == cases.StepWait {
			s.Timeout = within
		}
	}
	return q
}

// schedules is on how many of them a wait has to end in time: requests race for what they read.
const schedules = 2

// cutWaits cuts waits down to what comes on one schedule.
func cutWaits(p *cases.Program, pr *cases.Profile, seed uint64) {
	out := sim.Run(p, pr, seed)
	dropped := false
	for i := min(len(out.Steps), len(p.Steps)) - 1; i >= 0; i-- {
		s, res := &p.Steps[i], out.Steps[i]
		late := s.Kind == cases.StepWait && res.Errno == int32(unix.ETIME)
		switch {
		case late && res.Ret > 0:
			s.N = int(res.Ret)
		case late, s.Kind == cases.StepTake && res.Ret == 0: // it would block
			p.DropStep(i)
			dropped = true
		}
	}
	if dropped {
		p.Repair() // a thread may have begun with it, a fault may have been for it
	}
}

// cutSubmit returns how many CQEs there are to wait for in a submission that waits for some.
func cutSubmit(p *cases.Program, step int, pr *cases.Profile, seed uint64) int {
	until := *p
	until.Steps = append(append([]cases.Step(nil), p.Steps[:step+1]...), cases.Step{Kind: cases.StepWait, Ring: p.Steps[step].Ring, N: p.Steps[step].N, Timeout: patience})
	until.Steps[step].N = 0
	out := sim.Run(&until, pr, seed)
	if len(out.Steps) != len(until.Steps) {
		return 0
	}
	return int(out.Steps[step+1].Ret)
}
