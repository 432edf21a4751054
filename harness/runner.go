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

// attempts is how often a program is sent when our own side breaks: once
// more in a fresh guest, then the answer is INFRA. Likewise when probe records were
// lost: once more, then the answer is INCONCLUSIVE.
const attempts = 2

// runner runs programs in guests, one program at a time per guest, so that
// a crash, a hang and every console line belong to one program.
type runner struct {
	spawn   func(ctx context.Context) (guest, error)
	profile *cases.Profile
	options vm.RunOptions
	// explain adds to a finished case what its crash or hang is about. May be nil.
	explain func(*report.Case)
	// done is called with each finished case, from one goroutine at a time. May be nil.
	done func(report.Case)
	// leaks has each guest searched for memory leaks when it has served;
	// the kernel needs kmemleak.
	leaks bool
	// amended is called with each case that was finished already and turned
	// out to be worse, under the same terms as done. May be nil.
	amended func(report.Case)
	// notice takes what the user should know. May be nil.
	notice func(string)
}

// run runs all programs on the given number of guests and returns their
// cases in the programs' order. When ctx ends or a guest cannot be had, the
// cases that have not run are missing and the error says why: a *vm.GuestError
// when the kernel does not come up, a *vm.InfraError when our side broke, ctx's error.
func (r *runner) run(ctx context.Context, programs []*cases.Program, guests int) ([]report.Case, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	results := make([]*report.Case, len(programs))
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards results and done
	for range min(guests, len(programs)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			tell := func(i int, c *report.Case, f func(report.Case)) {
				if r.explain != nil {
					r.explain(c)
				}
				mu.Lock()
				defer mu.Unlock()
				results[i] = c
				if f != nil {
					f(*c)
				}
			}
			s := seat{runner: r,
				deliver: func(i int, c *report.Case) { tell(i, c, r.done) },
				amend:   func(i int, c *report.Case) { tell(i, c, r.amended) },
			}
			defer s.leave()
			for i := range next {
				c, err := s.one(ctx, programs[i])
				if err != nil {
					cancel(err)
					break
				}
				if s.guest == nil || c.Outcome == nil { // nothing more can come of it
					s.deliver(i, c)
				} else {
					s.last, s.index = c, i
				}
			}
			s.part(ctx)
		}()
	}
feed:
	for i := range programs {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()

	var finished []report.Case
	for _, c := range results {
		if c != nil {
			finished = append(finished, *c)
		}
	}
	if ctx.Err() != nil {
		return finished, context.Cause(ctx)
	}
	return finished, nil
}

// seat is one place in which one guest after the other serves programs.
type seat struct {
	*runner
	guest   guest // nil until needed, and after one was given up
	deliver func(i int, c *report.Case)
	amend   func(i int, c *report.Case) // a case that was delivered
	served  []served                    // by this guest

	// last is the case of the program that the guest served last, programs[index],
	// until it is settled: what the kernel says before the next program begins
	// is about this one.
	last  *report.Case
	index int
}

// leave gives the guest up.
func (s *seat) leave() {
	if s.guest != nil {
		s.guest.Close()
		s.guest = nil
	}
	s.served = nil
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

// settle delivers the last program's case. A report that came after the
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
	c := s.last
	if c == nil {
		return
	}
	s.last = nil
	if _, complained := crash.Title(late); complained {
		c.Outcome.Console = append(c.Outcome.Console, late...)
		s.complained(ctx, c)
	}
	s.deliver(s.index, c)
	if s.guest != nil {
		s.served = append(s.served, served{s.index, c})
	}
}

// complained completes a case whose kernel has begun to complain, and gives
// the guest up: it is no longer to be trusted.
func (s *seat) complained(ctx context.Context, c *report.Case) {
	c.Outcome.Console = append(c.Outcome.Console, s.guest.Linger(ctx)...)
	c.Verdict = judgeOutcome(s.profile, s.guest.Info(), c.Program, c.Outcome)
	s.leave()
}

// one runs p to a verdict. An error means that no guest can be had or ctx ended.
func (s *seat) one(ctx context.Context, p *cases.Program) (*report.Case, error) {
	start := time.Now()
	c := &report.Case{Name: p.Name, Text: p.Text(), Program: p}
	for c.Attempts = 1; ; c.Attempts++ {
		if s.guest == nil {
			g, err := s.spawn(ctx)
			if err != nil {
				if isA[*vm.InfraError](err) && ctx.Err() == nil && c.Attempts < attempts {
					continue
				}
				return nil, err
			}
			s.guest = g
		}
		if v := judgeOutcome(s.profile, s.guest.Info(), p, nil); v.Status == judge.Skip {
			c.Verdict = v
			break
		}
		if s.settle(ctx); s.guest == nil {
			c.Attempts-- // the program before this one cost the guest
			continue
		}
		outcome, err := s.guest.Run(ctx, p, s.options)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			c.Outcome = outcome
			c.Verdict = judgeOutcome(s.profile, s.guest.Info(), p, outcome)
			// Nothing could be said, so nothing is hidden by asking once more.
			if c.Verdict.Status == judge.Inconclusive && c.Attempts < attempts && outcome.Evidence.Probes {
				continue
			}
			break
		}
		s.leave()
		if e, blamed := blamesKernel(err); blamed {
			c.Outcome = &cases.Outcome{End: cases.EndDied, Error: e.Error(), Console: e.Console, Hang: whereCPUs(e.Registers)}
			c.Verdict = lost(e)
			break
		}
		if c.Attempts == attempts {
			c.Verdict = judge.Verdict{Status: judge.Infra, Reason: fmt.Sprintf("%v (tried %d times)", err, c.Attempts)}
			break
		}
	}
	switch {
	case s.guest == nil:
	case c.Verdict.Status == judge.Crash:
		s.complained(ctx, c)
	case c.Verdict.Status == judge.Hang:
		s.leave() // it is no longer to be trusted either
	}
	c.Seconds = time.Since(start).Seconds()
	return c, nil
}

func judgeOutcome(profile *cases.Profile, info *wire.GuestInfo, p *cases.Program, outcome *cases.Outcome) judge.Verdict {
	return judge.Judge(judge.Input{
		Program: p, Profile: profile, Outcome: outcome,
		GuestHasGroups: info.Groups, GuestNopInject: info.NopInject,
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
