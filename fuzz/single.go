// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Single returns a copy of p cut down to one submission on one ring: its first,
// with what is registered, fed, closed and waited for around it, all by the first thread.
// What p does besides is left out. The result is valid and bare.
func Single(p *cases.Program) *cases.Program {
	s := Bare(p)
	first := slices.IndexFunc(s.Steps, func(st cases.Step) bool { return st.Kind == cases.StepSubmit })
	if first >= 0 {
		ring := s.Steps[first].Ring
		for i := len(s.Steps) - 1; i >= 0; i-- {
			if st := &s.Steps[i]; i != first && (!besideSubmission(st) || onAnotherRing(st, ring)) {
				s.DropStep(i)
			} else {
				st.Thread, st.Background = "", false
			}
		}
		for i := len(s.Rings) - 1; i >= 0; i-- {
			if i != ring {
				s.DropRing(i)
			}
		}
	}
	for i := range s.Rings {
		s.Rings[i].Flags &^= uring.SetupSQPoll | uring.SetupIOPoll
	}
	rename(s)
	s.Repair()
	return Bare(s)
}

func besideSubmission(s *cases.Step) bool {
	switch s.Kind {
	case cases.StepWait, cases.StepFeed, cases.StepTake, cases.StepCloseFD, cases.StepRegister, cases.StepRefill:
		return true
	}
	return false
}

// onAnotherRing tells that a step that is beside a submission belongs to another ring's.
func onAnotherRing(s *cases.Step, ring int) bool {
	switch s.Kind {
	case cases.StepWait, cases.StepRegister, cases.StepRefill:
		return s.Ring != ring
	}
	return false
}
