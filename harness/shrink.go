// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
)

// ShrinkSpec asks for the smallest program that shows what another one shows.
type ShrinkSpec struct {
	Program *cases.Program
	Profile *cases.Profile
	// Guest brings up a guest of the kernel. Every crash and hang costs one.
	Guest func(ctx context.Context) (*vm.Guest, error)
	// Accel is what the guests run on: bounds on time follow from it.
	Accel vm.Accel
	// Options are those of each run; a Deadline is found out where there is none.
	Options vm.RunOptions
	// Class is what has to show, see [report.Classify]; "" is what Program shows most.
	Class string
	// Need of Tries runs of a smaller program must show it. 0 is found out:
	// one where Program shows it every time, otherwise as many as it takes not to miss it.
	Need, Tries int
	// Budget is the number of runs after which the search ends; 0 is [fuzz.DefaultBudget].
	Budget int
	// Userspace keeps what a C program can see: the CQEs alone have to show it.
	// It is asked for in vain where those of Program do not.
	Userspace bool
	// Smaller is called with every smaller program and the runs so far. May be nil.
	Smaller func(p *cases.Program, runs int)
}

// Shrunk is what came of a ShrinkSpec.
type Shrunk struct {
	// Class is what shows; "" if Program did not fail at all. Before.Shown is 0 if
	// it does not show what was asked for.
	Class string
	// Before and After say how often the given program and the smaller one
	// showed it, each time in a fresh guest.
	Before, After Score
	// Case is the smaller program, or the given one if none was found, with a
	// verdict of this class and its evidence; without Program where nothing failed.
	Case report.Case
	// Runs is how many runs the search took, Guests how many guests came up for all.
	Runs, Guests int
}

// Score is how often of how many tries something was seen.
type Score struct {
	Shown int `json:"shown"`
	Of    int `json:"of"`
}

func (s Score) String() string { return fmt.Sprintf("%d of %d", s.Shown, s.Of) }

// Bounds on a shrinking. A program is tried until it has shown a class
// surely times and no other try said anything else, or gaugeTries times.
const (
	gaugeTries  = 8
	gaugeSurely = 3
	gaugeHangs  = 2 // likewise of hangs, which are dear
	// missed is the chance that is taken of missing a smaller program that shows it as rarely.
	missed = 0.05
	// mostShrinkTries bounds the tries of one program.
	mostShrinkTries = 20
	// retreats is how many programs are given back at the end that do not bear repetition.
	retreats = 5
)

// Shrink makes a program smaller for as long as it shows the same class of
// failure. What comes out shows it alone in fresh guests, so nothing depends on
// what ran before. When ctx ends, the smallest program so far comes with its
// error; a nil Shrunk says that it never came to that.
func Shrink(ctx context.Context, spec ShrinkSpec) (*Shrunk, error) {
	return shrink(ctx, spec, func(ctx context.Context) (guest, error) { return spec.Guest(ctx) })
}

func shrink(ctx context.Context, spec ShrinkSpec, spawn func(context.Context) (guest, error)) (*Shrunk, error) {
	s := &shrinker{ShrinkSpec: spec, out: &Shrunk{Class: spec.Class}}
	s.stand = stand{profile: spec.Profile, mutant: spec.Options.Mutant, spawn: func(ctx context.Context) (guest, error) {
		g, err := spawn(ctx)
		if err == nil {
			s.out.Guests++
		}
		return g, err
	}}
	defer func() { s.stand.leave() }()
	seen, err := s.gauge(ctx, spec.Program, spec.Options, &s.out.Before)
	if seen == nil {
		if err != nil {
			return nil, err
		}
		return s.out, nil
	}
	s.out.Case, s.out.After = *seen, s.out.Before
	if err != nil {
		return s.out, err
	}
	s.Userspace = s.Userspace && seen.Verdict.Userspace != nil
	s.bound(seen)
	s.settleTries()
	return s.out, s.search(ctx)
}

// SilentError says that no run of a program said anything of the kernel.
type SilentError struct{ last hit }

func (e *SilentError) Error() string {
	return fmt.Sprintf("program %s: nothing can be said of the kernel: %s: %s", e.last.program.Name, e.last.verdict.Status, e.last.verdict.Reason)
}

// Inconclusive tells that the evidence had holes; otherwise our side broke.
func (e *SilentError) Inconclusive() bool { return e.last.verdict.Status == judge.Inconclusive }

// shrinker is a shrinking in progress.
type shrinker struct {
	ShrinkSpec
	stand stand
	hurry vm.RunOptions // of the search
	// strict has every smaller program show it in a fresh guest, see search.
	strict bool
	found  []*cases.Program
	out    *Shrunk
}

// gauge runs p alone in fresh guests until it is known how often it shows the class,
// which it finds out if there is none. It returns a case that shows it, nil if none did.
func (s *shrinker) gauge(ctx context.Context, p *cases.Program, o vm.RunOptions, score *Score) (*report.Case, error) {
	first := map[string]*report.Case{}
	count := map[string]int{}
	var silent *hit
	*score = Score{}
	for tries := max(s.Tries, gaugeTries); tries > 0; tries-- {
		h, err := s.stand.alone(ctx, shot{program: p, options: o}, true)
		if err != nil {
			return s.most(first, count, score), err
		}
		if h.verdict.Status == judge.Skip {
			return nil, &UsageError{fmt.Errorf("program %s cannot run on this kernel: %s", p.Name, h.verdict.Reason)}
		}
		if unjudged(h.verdict.Status) {
			silent = &h
			continue
		}
		score.Of++
		c := h.asCase()
		class := report.Classify(c, s.Profile)
		if class != "" && first[class] == nil {
			first[class] = c
		}
		count[class]++
		enough := gaugeSurely
		if h.verdict.Status == judge.Hang {
			enough = gaugeHangs
		}
		if count[class] >= enough && count[class] == score.Of && class != "" {
			break
		}
	}
	if score.Of == 0 {
		return nil, &SilentError{*silent}
	}
	return s.most(first, count, score), nil
}

// most settles which class is looked for, and how often it showed.
func (s *shrinker) most(first map[string]*report.Case, count map[string]int, score *Score) *report.Case {
	if s.out.Class == "" {
		for class := range first {
			if n := count[class] - count[s.out.Class]; s.out.Class == "" || n > 0 || n == 0 && class < s.out.Class {
				s.out.Class = class
			}
		}
	}
	if s.out.Class != "" {
		score.Shown = count[s.out.Class]
	}
	return first[s.out.Class]
}

// bound bounds the runs of the search by what the program took: one that hangs
// where that one did not is given up soon. Of one that hangs it is not known what it
// would have taken, but its own waits bound that.
func (s *shrinker) bound(seen *report.Case) {
	s.hurry = s.Options
	if s.Options.Deadline != 0 {
		return
	}
	scale := vm.NewTimeouts(s.Accel, 1).Scale
	took := time.Duration(seen.Seconds * float64(time.Second))
	deadline := time.Duration(float64(max(leastTime, patience*took)) / scale)
	if seen.Verdict.Status == judge.Hang {
		deadline = time.Duration(float64(leastTime) / scale)
		for i := range s.Program.Steps {
			deadline += ownWait(&s.Program.Steps[i])
		}
	}
	s.hurry.Deadline = min(deadline, vm.DefaultDeadline)
	s.hurry.Ends = time.Duration(float64(leastForEnds) / scale)
}

// ownWait is how long a step may take by itself.
func ownWait(st *cases.Step) time.Duration {
	if st.Timeout == 0 && st.Kind == cases.StepWait {
		return cases.DefaultWait
	}
	return st.Timeout
}

// settleTries finds out how often a smaller program is tried.
func (s *shrinker) settleTries() {
	chance := float64(s.out.Before.Shown) / float64(s.out.Before.Of)
	switch {
	case s.Tries > 0:
		s.Need = min(max(s.Need, 1), s.Tries)
	case s.Need > 0:
		s.Tries = min(int(math.Ceil(float64(s.Need)/chance))+s.Need, max(mostShrinkTries, s.Need))
	case chance == 1:
		s.Need, s.Tries = 1, 1
	default:
		s.Need = 1
		s.Tries = min(int(math.Ceil(math.Log(missed)/math.Log(1-chance))), mostShrinkTries)
	}
}

// search makes the program smaller, and sees to it that what comes out bears
// repetition. Guests are dear, so at first one serves many programs. Should the result owe
// something to what ran before it, the search is made once more, and every
// smaller program has to show it in a fresh guest.
func (s *shrinker) search(ctx context.Context) error {
	for _, s.strict = range []bool{false, true} {
		if done, err := s.searchOnce(ctx); done || err != nil {
			return err
		}
	}
	return nil
}

func (s *shrinker) searchOnce(ctx context.Context) (done bool, err error) {
	s.found = []*cases.Program{s.Program}
	m := fuzz.Minimiser{Shows: s.shows, Need: s.Need, Tries: s.Tries, Budget: s.Budget,
		Smaller: func(p *cases.Program, runs int) {
			s.found = append(s.found, p)
			if s.Smaller != nil {
				s.Smaller(p, s.out.Runs+runs)
			}
		}}
	_, runs, err := m.Run(ctx, s.Program)
	s.out.Runs += runs
	s.stand.leave()
	if err != nil { // what was found showed it once, at least
		if last := s.found[len(s.found)-1]; len(s.found) > 1 {
			s.out.Case.Program, s.out.Case.Text, s.out.After = last, last.Text(), Score{}
		}
		return false, err
	}
	for range retreats {
		if len(s.found) == 1 {
			break // nothing is smaller
		}
		last := s.found[len(s.found)-1]
		var score Score
		c, err := s.gauge(ctx, last, s.Options, &score)
		if c != nil && s.visible(c) {
			s.out.Case, s.out.After = *c, score
			return true, err
		}
		if err != nil || !s.strict {
			return false, err
		}
		s.found = s.found[:len(s.found)-1]
	}
	return len(s.found) == 1, nil
}

// shows runs a program once. What shows only now and then is asked in fresh guests
// at once, since it may be that which makes it rare.
func (s *shrinker) shows(ctx context.Context, p *cases.Program) (bool, error) {
	sh, linger := shot{program: p, options: s.hurry}, s.out.Case.Verdict.Status == judge.Crash
	if s.out.Before.Shown < s.out.Before.Of {
		h, err := s.stand.alone(ctx, sh, linger)
		return err == nil && s.same(&h), err
	}
	fresh := s.stand.guest == nil
	h, err := s.stand.shoot(ctx, sh)
	if err != nil {
		return false, err
	}
	if late := s.stand.late(ctx, linger); late != nil {
		h = *late
	}
	if !s.same(&h) || fresh || !s.strict {
		return s.same(&h), nil
	}
	h, err = s.stand.alone(ctx, sh, linger)
	return err == nil && s.same(&h), err
}

func (s *shrinker) same(h *hit) bool {
	c := h.asCase()
	return report.Classify(c, s.Profile) == s.out.Class && s.visible(c)
}

func (s *shrinker) visible(c *report.Case) bool { return !s.Userspace || c.Verdict.Userspace != nil }

// asCase is a hit as a report has it.
func (h *hit) asCase() *report.Case {
	c := &report.Case{Name: h.program.Name, Text: h.program.Text(), Program: h.program, Verdict: h.verdict,
		Outcome: h.outcome, Noise: h.options.Noise, Seconds: h.took.Seconds()}
	return c
}

// aboutWidth is that of a program's comment.
const aboutWidth = 76

// Text is the smaller program in its text form, with a comment that says what it
// shows, how often and where: on names the kernel.
func (s *Shrunk) Text(given *cases.Program, on string) string {
	p := fuzz.Bare(s.Case.Program)
	p.Name, p.License, p.Rules = given.Name, given.License, nil
	if rules := s.Case.Verdict.Rules(); len(rules) > 0 {
		p.Rules = rules[:1]
	}
	seen := fmt.Sprintf("Seen in %s tries, each in a fresh guest, on %s.", s.After, on)
	if s.After.Of == 0 {
		seen = fmt.Sprintf("Seen on %s, and not tried again: the search was interrupted.", on)
	}
	var about []string
	for _, text := range []string{
		s.Class + ": " + s.Case.Verdict.Reason, seen,
		fmt.Sprintf("Made by ringproof minimize of a program of %d SQEs and %d steps.", len(given.SQEs()), len(given.Steps)),
	} {
		about = append(about, report.Wrap(text, aboutWidth)...)
	}
	p.About = strings.Join(about, "\n")
	return p.Text()
}
