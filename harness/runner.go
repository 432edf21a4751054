// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// guest is what the runner needs of a [vm.Guest].
type guest interface {
	Info() *wire.GuestInfo
	Run(ctx context.Context, p *cases.Program, o vm.RunOptions) (*cases.Outcome, error)
	Stray() []string
	Linger(ctx context.Context) []string
	Leaks(ctx context.Context) ([]vm.Leak, error)
	Close()
}

// answers is how often a program is asked under one seed until a try says
// something: our own side may break (INFRA), probe records may be lost
// (INCONCLUSIVE). Once more, then that is the answer.
const answers = 2

// hopeless is for how many programs in a row no guest can be had before the
// others are not tried any more.
const hopeless = 3

// runner runs programs in guests, one program at a time per guest, so that
// a crash, a hang and every console line belong to one program.
//
// Each time that a program runs is a try of its case (tries.go): one per
// repeat, one more where a try said nothing, and those that confirm a failure (confirm.go).
type runner struct {
	spawn   func(ctx context.Context) (guest, error)
	profile *cases.Profile
	options vm.RunOptions
	// repeat is how often each program runs, under as many seeds from
	// options.Noise on where that is not 0; less than 1 is 1.
	repeat int
	// confirm is how often a failure is tried again in a fresh guest; 0 is never.
	confirm int
	// explain adds to a finished case what its crash or hang is about. May be nil.
	explain func(*report.Case)
	// done is called with each finished case, from one goroutine at a time. May be nil.
	done func(report.Case)
	// leaks has each guest searched for memory leaks when it has served;
	// the kernel needs kmemleak.
	leaks bool
	// amended is called, under the same terms as done, with each case that was
	// finished already and of which more is known: it turned out to be worse, or was tried again. May be nil.
	amended func(report.Case)
	// reached is called with each outcome's coverage, from any goroutine. May be nil.
	reached func(*cases.Coverage)
	// notice takes what the user should know. May be nil.
	notice func(string)

	mu sync.Mutex // guards the records, done and amended
}

// run runs all programs on the given number of guests, confirms what failed,
// and returns the programs' cases in their order. A program for which our side
// can have no guest ends in INFRA. When ctx ends or the kernel does not come up, the cases that have not run
// are missing and the error says why: ctx's, or a *vm.GuestError.
func (r *runner) run(ctx context.Context, programs []*cases.Program, guests int) ([]report.Case, error) {
	records := make([]record, len(programs))
	err := r.spread(ctx, min(guests, len(programs)), len(programs), func(ctx context.Context, next <-chan int) error {
		s := seat{runner: r, search: r.leaks}
		defer s.leave()
		for i := range next {
			if err := s.serve(ctx, programs[i], &records[i]); err != nil {
				s.part(ctx)
				return err
			}
		}
		s.part(ctx)
		return nil
	})
	if err == nil {
		err = r.confirmAll(ctx, records, guests)
	}
	var finished []report.Case
	for i := range records {
		if len(records[i].c.Tries) > 0 {
			finished = append(finished, records[i].c)
		}
	}
	return finished, err
}

// spread hands the numbers below n to workers, and returns their first error
// or ctx's cause.
func (r *runner) spread(ctx context.Context, workers, n int, work func(ctx context.Context, next <-chan int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := work(ctx, next); err != nil {
				cancel(err)
			}
		}()
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// seat is one place in which one guest after the other serves programs.
type seat struct {
	*runner
	search bool  // each guest for leaks, when it has served
	guest  guest // nil until needed, and after one was given up
	served int   // programs that this guest got
	barren int   // programs in a row for which no guest could be had

	// last is the try that the guest served last, until it is settled: what
	// the kernel says before the next program begins is about this one.
	last *try
	// suspects are the settled tries of this guest, kept where it will be searched for leaks.
	suspects []*try
}

// maxSuspects bounds how many programs a guest serves that is searched for
// leaks: their outcomes are kept until then.
const maxSuspects = 1000

// serve runs a program as often as it shall be repeated.
func (s *seat) serve(ctx context.Context, p *cases.Program, to *record) error {
	for n := range s.repeats() {
		t, err := s.one(ctx, p, s.options, n)
		if err != nil {
			return err
		}
		t.to = to
		s.hold(t)
		if t.c.Verdict.Status == judge.Skip {
			break
		}
		if len(s.suspects) >= maxSuspects {
			s.part(ctx)
		}
	}
	return nil
}

// hold keeps a try until it is settled.
func (s *seat) hold(t *try) {
	if s.guest == nil || t.c.Outcome == nil { // nothing more can come of it
		s.settled(t)
	} else {
		s.last = t
	}
}

// leave gives the guest up.
func (s *seat) leave() {
	if s.guest != nil {
		s.guest.Close()
		s.guest = nil
	}
	s.served, s.suspects = 0, nil
}

// part ends the seat in order: the last program gets as long for what the
// kernel says late as a report takes.
func (s *seat) part(ctx context.Context) {
	var late []string
	if s.guest != nil && s.last != nil {
		late = s.guest.Linger(ctx)
	}
	s.settleWith(ctx, late)
	s.searchLeaks(ctx)
	s.leave()
}

// settle settles the last program's try. A report that came after the
// program's answer, from an interrupt or a kernel thread that was still at
// work for it, makes it a crash.
func (s *seat) settle(ctx context.Context) {
	var late []string
	if s.guest != nil && s.last != nil {
		late = s.guest.Stray()
	}
	s.settleWith(ctx, late)
}

func (s *seat) settleWith(ctx context.Context, late []string) {
	t := s.last
	if t == nil {
		return
	}
	s.last = nil
	if _, complained := crash.Title(late); complained {
		t.c.Outcome.Console = append(t.c.Outcome.Console, late...)
		s.complained(ctx, t.c)
	}
	s.settled(t)
	if s.guest != nil && s.search {
		s.suspects = append(s.suspects, t)
	}
}

// complained completes a case whose kernel has begun to complain, and gives
// the guest up: it is no longer to be trusted.
func (s *seat) complained(ctx context.Context, c *report.Case) {
	c.Outcome.Console = append(c.Outcome.Console, s.guest.Linger(ctx)...)
	c.Verdict = judgeOutcome(s.profile, s.guest.Info(), c.Program, c.Outcome)
	s.leave()
}

// one runs p to a verdict, under the seed of its repeat. An error means that
// no guest can be had or ctx ended.
func (s *seat) one(ctx context.Context, p *cases.Program, o vm.RunOptions, repeat int) (*try, error) {
	start := time.Now()
	o.Noise = noiseOf(o.Noise, repeat)
	c := &report.Case{Name: p.Name, Text: p.Text(), Program: p, Noise: o.Noise}
	t := &try{c: c}
	for asked := 1; ; asked++ {
		if s.guest == nil {
			if s.barren >= hopeless {
				c.Verdict = judge.Verdict{Status: judge.Infra, Reason: fmt.Sprintf("not tried: no guest could be had for the %d programs before", s.barren)}
				break
			}
			g, err := s.spawn(ctx)
			switch {
			case err == nil:
			case ctx.Err() != nil || !isA[*vm.InfraError](err):
				return nil, err
			case asked < answers:
				t.saidNothing(judge.Verdict{Status: judge.Infra, Reason: err.Error()}, nil)
				continue
			}
			if err != nil { // our side broke, and what has run so far is not to be lost by it
				s.barren++
				c.Verdict = judge.Verdict{Status: judge.Infra, Reason: fmt.Sprintf("no guest could be had: %v", err)}
				break
			}
			s.guest, s.barren = g, 0
		}
		if v := judgeOutcome(s.profile, s.guest.Info(), p, nil); v.Status == judge.Skip {
			c.Verdict = v
			break
		}
		if s.settle(ctx); s.guest == nil {
			asked-- // the program before this one cost the guest
			continue
		}
		t.served = s.served
		s.served++
		outcome, err := s.guest.Run(ctx, p, o)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			if r := s.reached; r != nil {
				r(outcome.Coverage)
			}
			c.Outcome = outcome
			c.Verdict = judgeOutcome(s.profile, s.guest.Info(), p, outcome)
			// Nothing could be said, so nothing is hidden by asking once more.
			if c.Verdict.Status == judge.Inconclusive && asked < answers && outcome.Evidence.Probes {
				t.saidNothing(c.Verdict, outcome)
				continue
			}
			break
		}
		s.leave()
		if e, blamed := blamesKernel(err); blamed {
			c.Outcome, c.Verdict = lostOutcome(e), lost(e)
			break
		}
		if asked == answers {
			c.Outcome = nil
			c.Verdict = judge.Verdict{Status: judge.Infra, Reason: fmt.Sprintf("%v (tried %d times)", err, asked)}
			break
		}
		t.saidNothing(judge.Verdict{Status: judge.Infra, Reason: err.Error()}, nil)
	}
	switch {
	case s.guest == nil:
	case c.Verdict.Status == judge.Crash:
		s.complained(ctx, c)
	case c.Verdict.Status == judge.Hang:
		s.leave() // it is no longer to be trusted either
	}
	c.Seconds = time.Since(start).Seconds()
	return t, nil
}

// lostOutcome is what is known of a program whose guest was lost by the kernel's doing.
func lostOutcome(e *vm.GuestError) *cases.Outcome {
	return &cases.Outcome{End: cases.EndDied, Error: e.Error(), Console: e.Console, Hang: whereCPUs(e.Registers)}
}

func judgeOutcome(profile *cases.Profile, info *wire.GuestInfo, p *cases.Program, outcome *cases.Outcome) judge.Verdict {
	return judge.Judge(judge.Input{
		Program: p, Profile: profile, Outcome: outcome,
		GuestLacks: info.Unmet(p.Needs), Probes: info.Probes,
	})
}

// blamesKernel tells a guest that was lost by the kernel's doing from one
// that our side lost. A guest that sent nonsense or whose agent gave up is the kernel's
// doing only where the kernel said so on the console.
func blamesKernel(err error) (*vm.GuestError, bool) {
	var e *vm.GuestError
	if !errors.As(err, &e) {
		return nil, false
	}
	switch e.Kind {
	case vm.GuestPanicked, vm.GuestReset, vm.GuestPoweredOff, vm.GuestSilent:
		return e, true
	case vm.GuestRetired:
		return e, false
	}
	_, complained := crash.Title(e.Console)
	return e, complained
}
