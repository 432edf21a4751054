// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/compare"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

// CompareSide is one of the two kernels of a comparison.
type CompareSide struct {
	Name   string // for people
	Kernel images.Spec
	Guest  GuestSpec
	// Run is a run that is there already; nothing is run for this side then.
	Run *report.Run
	// Dir gets the console's log; "" is none.
	Dir   string
	Again []string // see [report.Run]
}

// CompareSpec is a comparison to be made.
type CompareSpec struct {
	A, B     CompareSide
	Programs []*cases.Program
	// Confirm is how often a failure is tried again in a fresh guest.
	Confirm int
	// Measure is how many programs of each family are measured; 0 is none. It takes two kernels.
	Measure int
	Version string
	// Progress and Case may be nil, see [TestSpec].
	Progress func(Progress)
	Case     func(c report.Case, done, total int)
}

// Rounds that a comparison runs after the first, which has all programs: those that differ run
// again, since a difference counts only if it comes each time; and those that no rule
// explains once more.
const (
	differRounds      = 2
	unexplainedRounds = 2
)

// Compare runs the same programs on two kernels. The comparison is nil where one of the sides came to
// nothing. Otherwise it holds what was seen so far, and is marked partial if the error, ctx's for
// instance, ended it early. The runs are the first rounds, in which all programs ran.
func Compare(ctx context.Context, spec CompareSpec) (*compare.Comparison, [2]*report.Run, error) {
	x := &comparing{spec: &spec}
	defer x.close()
	for i, s := range []*CompareSide{&spec.A, &spec.B} {
		if err := x.open(ctx, i, s); err != nil {
			return nil, [2]*report.Run{}, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	err := x.rounds(ctx)
	var first [2]*report.Run
	for i, s := range x.sides {
		if len(s.side.Runs) == 0 {
			return nil, first, err
		}
		first[i] = s.side.Runs[0]
	}
	c := x.compare()
	c.A.Partial, c.B.Partial = c.A.Partial || err != nil, c.B.Partial || err != nil
	return c, first, err
}

// comparing is a comparison in the making.
type comparing struct {
	spec  *CompareSpec
	sides [2]comparedSide
}

type comparedSide struct {
	side    compare.Side
	spec    TestSpec
	host    *Host // nil where there is a run already
	explain *explainer
}

func (x *comparing) open(ctx context.Context, i int, s *CompareSide) (err error) {
	to := &x.sides[i]
	to.side = compare.Side{Name: s.Name}
	if s.Run != nil {
		profile := s.Guest.Profile
		if profile == "" {
			profile = s.Run.Kernel.Profile
		}
		to.side.Profile, err = LoadProfile(profile, "")
		to.side.Runs = []*report.Run{s.Run}
		return err
	}
	if to.host, err = Open(ctx, s.Kernel, s.Guest, s.Dir, x.spec.Progress); err != nil {
		return err
	}
	to.side.Profile = to.host.Profile
	to.explain = newExplainer(ctx, to.host, s.Kernel)
	to.spec = TestSpec{
		Kernel: s.Kernel, Guest: s.Guest, Dir: s.Dir, Version: x.spec.Version, Again: s.Again,
		Progress: x.spec.Progress, Case: x.spec.Case,
	}
	return nil
}

func (x *comparing) close() {
	for i := range x.sides {
		if s := &x.sides[i]; s.host != nil {
			s.explain.close()
			s.host.Close()
		}
	}
}

func (x *comparing) compare() *compare.Comparison {
	c := compare.Compare(&x.sides[0].side, &x.sides[1].side)
	id, _ := BuildID() // it is in the runs as well
	c.Tool, c.Command = report.Tool{Version: x.spec.Version, BuildID: id}, os.Args
	return c
}

// rounds runs what is to be run, A and B in turn.
func (x *comparing) rounds(ctx context.Context) error {
	if err := x.round(ctx, x.spec.Programs, x.spec.Confirm, false); err != nil {
		return err
	}
	for range differRounds {
		if err := x.again(ctx, func(c *compare.Comparison) []string { return c.Candidates() }); err != nil {
			return err
		}
	}
	for range unexplainedRounds {
		err := x.again(ctx, func(c *compare.Comparison) []string {
			var names []string
			for _, p := range c.Of(compare.Unexplained) {
				names = append(names, p.Name)
			}
			return names
		})
		if err != nil {
			return err
		}
	}
	if x.spec.Measure == 0 || x.sides[0].host == nil || x.sides[1].host == nil {
		return nil
	}
	measured := x.named(x.compare().Measurable(x.spec.Measure))
	for range compare.MeasuredRounds {
		if err := x.round(ctx, measured, 0, true); err != nil {
			return err
		}
	}
	return nil
}

// again runs one round more of the programs that choose names.
func (x *comparing) again(ctx context.Context, choose func(c *compare.Comparison) []string) error {
	return x.round(ctx, x.named(choose(x.compare())), 0, false)
}

func (x *comparing) named(names []string) []*cases.Program {
	var list []*cases.Program
	for _, p := range x.spec.Programs {
		if slices.Contains(names, p.Name) {
			list = append(list, p)
		}
	}
	return list
}

// round runs programs once on both sides: side by side, or, where time is measured, one after the other.
func (x *comparing) round(ctx context.Context, programs []*cases.Program, confirm int, measured bool) error {
	if len(programs) == 0 {
		return nil
	}
	var mu sync.Mutex
	finished, total := 0, 0
	for i := range x.sides {
		if x.sides[i].host != nil {
			total += len(programs)
		}
	}
	var errs [2]error
	var both sync.WaitGroup
	for i := range x.sides {
		s := &x.sides[i]
		if s.host == nil {
			continue
		}
		spec := s.spec
		spec.Programs, spec.Confirm = programs, confirm
		spec.Case = func(c report.Case, _, _ int) {
			mu.Lock()
			defer mu.Unlock()
			if finished++; x.spec.Case != nil {
				x.spec.Case(c, min(finished, total), total)
			}
		}
		both.Go(func() {
			var run *report.Run
			if run, errs[i] = s.host.test(ctx, spec, s.explain, time.Now()); run != nil {
				s.side.Runs = append(s.side.Runs, run)
			}
		})
		if measured {
			both.Wait()
		}
	}
	both.Wait()
	return errors.Join(errs[:]...)
}

// LoadCompared reads a run's directory for a side of a comparison.
func LoadCompared(dir string) (*report.Run, error) {
	run, err := report.Load(dir)
	if err != nil {
		return nil, &UsageError{err}
	}
	if len(run.Cases) == 0 {
		return nil, &UsageError{errors.New(dir + ": the run has no cases to compare")}
	}
	return run, nil
}
