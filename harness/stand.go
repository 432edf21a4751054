// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// Stand runs programs one after the other in a guest that it keeps, for callers that
// make programs as they go. A guest that crashed, hung or broke is replaced when the next
// program needs one. It must not be used concurrently, and must be closed before its Host.
type Stand struct{ s stand }

// Shown is what one run of a program came to.
type Shown struct {
	Verdict judge.Verdict
	Outcome *cases.Outcome // nil where the program did not run
	// Late is what the kernel said of the program before, after that had its
	// verdict; nil mostly. It is a CRASH.
	Late *Shown
	// Program is what was run.
	Program *cases.Program
}

// NewStand returns a Stand without a guest yet. mutant is the number of the mistake
// that the kernel shall make, of those woven into it; 0 is none.
func (h *Host) NewStand(mutant int) *Stand {
	return &Stand{stand{profile: h.Profile, mutant: mutant, spawn: func(ctx context.Context) (guest, error) { return h.Guest(ctx) }}}
}

// Run runs a program to a verdict. Where our side breaks (INFRA) or the evidence has holes
// (INCONCLUSIVE) it is asked again in fresh guests, a few times. The error says that no guest can be had, see [BlameFor], or is ctx's.
func (s *Stand) Run(ctx context.Context, p *cases.Program, o vm.RunOptions) (*Shown, error) {
	var late *Shown
	if h := s.s.late(ctx, false); h != nil {
		late = &Shown{Verdict: h.verdict, Outcome: h.outcome, Program: h.program}
	}
	h, err := s.s.shoot(ctx, shot{program: p, options: o})
	if err != nil {
		return nil, err
	}
	return &Shown{Verdict: h.verdict, Outcome: h.outcome, Program: p, Late: late}, nil
}

// Info is what the guest says of itself and its kernel. It brings one up where there is none.
func (s *Stand) Info(ctx context.Context) (*wire.GuestInfo, error) {
	if s.s.guest == nil {
		g, err := s.s.spawn(ctx)
		if err != nil {
			return nil, err
		}
		s.s.guest = g
	}
	return s.s.guest.Info(), nil
}

// Close gives the guest up.
func (s *Stand) Close() { s.s.leave() }
