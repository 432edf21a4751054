// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/matrix"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// When is a kill to be trusted? A program may fail on a kernel with a mistake
// because of the mistake, because it fails now and then on any kernel, or because
// this machine stood still for a second. So what decides is repeated:
//
//   - alone in a fresh guest with the mistake, until it shows a second time, at most
//     maxTries times in all. A race, and what an earlier program had to leave
//     behind, may show rarely: that is a kill of "k of n". A hang has to show twice;
//   - alone in a fresh guest without the mistake, as often and within the same
//     time. It must pass each time; otherwise the program is unfit, and nothing
//     that it says of any mutant counts from then on.
//
// The second is what makes it safe to give a program but a multiple of the time that it usually
// takes, and that is what makes a mutant that hangs cost seconds. A program that
// is too slow for it without the mistake is tried once more, both ways, with as much time as in any run.
const maxTries = 4

// asks is how often a program is run in fresh guests until something can be said
// of the kernel: our side may break, records may be lost.
const asks = 3

// maxLost is how many guests one mutant may cost by hangs and crashes before
// the programs that are left are spared.
const maxLost = 10

// shot is a program and how it is run to kill.
type shot struct {
	program *cases.Program
	options vm.RunOptions // but for the mutant
}

// hit is what came of a shot.
type hit struct {
	shot
	verdict judge.Verdict
	outcome *cases.Outcome // nil where the program did not run
	titles  []string       // of the kernel's complaints
	took    time.Duration
}

// stand is where programs meet one mutant, in one guest after the other.
type stand struct {
	spawn   func(context.Context) (guest, error)
	profile *cases.Profile
	mutant  int   // the number of the kernel's mistake; 0 is none
	guest   guest // nil until needed, and after one was given up
	last    *hit  // of this guest, while the kernel may still complain about it
}

func (s *stand) leave() {
	if s.guest != nil {
		s.guest.Close()
	}
	s.guest, s.last = nil, nil
}

// shoot runs a program. An error means that no guest can be had or ctx ended;
// what breaks on our side otherwise is an INFRA verdict.
func (s *stand) shoot(ctx context.Context, sh shot) (hit, error) {
	for attempt := 1; ; attempt++ {
		if s.guest == nil {
			g, err := s.spawn(ctx)
			if err != nil {
				if isA[*vm.InfraError](err) && ctx.Err() == nil && attempt < asks {
					continue
				}
				return hit{}, err
			}
			s.guest = g
		}
		h := hit{shot: sh}
		if h.verdict = judgeOutcome(s.profile, s.guest.Info(), sh.program, nil); h.verdict.Status == judge.Skip {
			return h, nil
		}
		o := sh.options
		o.Mutant, o.Brief = s.mutant, true
		started := time.Now()
		outcome, err := s.guest.Run(ctx, sh.program, o)
		h.took = time.Since(started)
		if ctx.Err() != nil {
			return hit{}, context.Cause(ctx)
		}
		if err == nil {
			h.verdict, h.outcome = judgeOutcome(s.profile, s.guest.Info(), sh.program, outcome), outcome
			h.titles = titles(outcome.Console)
		} else if e, blamed := blamesKernel(err); blamed {
			h.verdict, h.outcome, h.titles = lost(e), lostOutcome(e), titles(e.Console)
		} else {
			h.verdict = judge.Verdict{Status: judge.Infra, Reason: err.Error()}
		}
		switch h.verdict.Status {
		case judge.Crash:
			if err == nil {
				lines := s.guest.Linger(ctx)
				outcome.Console = append(outcome.Console, lines...)
				h.titles = append(h.titles, titles(lines)...)
			}
			s.leave()
		case judge.Hang:
			s.leave() // it is no longer to be trusted
		case judge.Infra, judge.Inconclusive:
			s.leave()
			if attempt < asks {
				continue
			}
		default:
			s.last = &h
		}
		return h, nil
	}
}

// late returns what the kernel complained about since the last program
// answered, nil if it did not. With linger it is given the time to.
func (s *stand) late(ctx context.Context, linger bool) *hit {
	h := s.last
	if s.guest == nil || h == nil {
		return nil
	}
	lines := s.guest.Stray()
	if linger {
		lines = append(lines, s.guest.Linger(ctx)...)
	}
	title, complained := crash.Title(lines)
	if !complained {
		return nil
	}
	lines = append(lines, s.guest.Linger(ctx)...)
	h.titles = titles(lines)
	h.outcome.Console = append(h.outcome.Console, lines...)
	h.verdict = judge.Verdict{Status: judge.Crash, Reason: title, Violations: append(h.verdict.Violations,
		judge.Violation{Rule: "I9", Text: "the kernel complained: " + title})}
	s.leave()
	return h
}

// alone runs a program as the only one of a fresh guest. With linger whatever
// the kernel may still have to say about it is waited for.
func (s stand) alone(ctx context.Context, sh shot, linger bool) (hit, error) {
	s.guest, s.last = nil, nil
	defer func() { s.leave() }()
	h, err := s.shoot(ctx, sh)
	if err != nil {
		return h, err
	}
	if l := s.late(ctx, linger); l != nil {
		return *l, nil
	}
	return h, nil
}

func titles(console []string) (all []string) {
	for _, r := range crash.Parse(console) {
		all = append(all, r.Title)
	}
	return all
}

// unfit collects the programs that do not pass where they should.
type unfit struct {
	mu      sync.Mutex
	flavour string
	list    []matrix.Unfit
}

func (u *unfit) has(program string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.ContainsFunc(u.list, func(x matrix.Unfit) bool { return x.Program == program })
}

func (u *unfit) add(h *hit) {
	if u.has(h.program.Name) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.list = append(u.list, matrix.Unfit{Program: h.program.Name, Flavour: u.flavour, Status: h.verdict.Status, Reason: h.verdict.Reason})
}

// trial is the meeting of one mutant with the programs.
type trial struct {
	mutant  *images.Mutant
	with    stand // the mistake
	without stand
	shots   []shot // in the order in which they are to be tried
	all     bool   // go on after the first kill
	unfit   *unfit

	result  matrix.Result
	started time.Time
	lost    int    // guests
	again   []shot // programs that could not be judged
	trouble string // the first one that could not be judged either when it was tried again, and why
}

// run tries the programs. An error means that ctx ended or that no guest is to be had.
func (t *trial) run(ctx context.Context) error {
	t.started = time.Now()
	defer t.with.leave()
	err := t.shootAll(ctx)
	if err == nil && (t.all || len(t.result.Kills) == 0) {
		err = t.shootAgain(ctx)
	}
	if err == nil && len(t.result.Kills) == 0 {
		err = t.proveOthers(ctx)
	}
	r := &t.result
	r.Took = time.Since(t.started).Seconds()
	if len(r.Kills) == 0 {
		r.Seconds = r.Took
	}
	switch {
	case len(r.Kills) > 0:
		r.Status = matrix.Killed // whatever broke later
	case err != nil:
		r.Status, r.Why = matrix.NotTested, err.Error()
	case len(r.Others) > 0:
		r.Status = matrix.Otherwise
	case t.trouble != "":
		r.Status, r.Why = matrix.NotTested, t.trouble
	default:
		r.Status = matrix.Survived
	}
	return err
}

func (t *trial) shootAll(ctx context.Context) error {
	for i, sh := range t.shots {
		if t.lost >= maxLost {
			for _, left := range t.shots[i:] {
				t.result.Spared = append(t.result.Spared, left.program.Name)
			}
			return nil
		}
		if t.unfit.has(sh.program.Name) {
			continue
		}
		h, err := t.with.shoot(ctx, sh)
		var boot *BootError
		if errors.As(err, &boot) && t.with.mutant == 0 { // a kernel that makes the mistake from power-on
			h, err = hit{shot: shot{program: &cases.Program{Name: bootCase}}, verdict: lost(boot.GuestError), titles: titles(boot.Console)}, nil
			t.lost = maxLost
		}
		if err != nil {
			return err
		}
		if h.verdict.Status == judge.Skip {
			continue
		}
		t.result.Ran++
		if over, err := t.judge(ctx, &h); over || err != nil {
			return err
		}
		if l := t.with.late(ctx, i == len(t.shots)-1); l != nil {
			if over, err := t.judge(ctx, l); over || err != nil {
				return err
			}
		}
	}
	return nil
}

// shootAgain gives programs that could not be judged, each in a fresh guest,
// another chance: what was in the way may have been a moment of a busy host.
func (t *trial) shootAgain(ctx context.Context) error {
	t.with.leave()
	for _, sh := range t.again {
		h, err := t.with.alone(ctx, sh, true)
		if err != nil {
			return err
		}
		if unjudged(h.verdict.Status) {
			t.note("with the mistake", &h)
		} else if over, err := t.judge(ctx, &h); over || err != nil {
			return err
		}
	}
	return nil
}

// judge enters what a program showed. over is true when no other is needed.
func (t *trial) judge(ctx context.Context, h *hit) (over bool, err error) {
	switch h.verdict.Status {
	case judge.Crash, judge.Hang:
		t.lost++
	case judge.Fail:
	case judge.Infra, judge.Inconclusive:
		t.again = append(t.again, h.shot)
		return false, nil
	default: // PASS
		return false, nil
	}
	k := killBy(h)
	known := func(list []matrix.Kill) bool { // it failed, and then the kernel complained
		return slices.ContainsFunc(list, func(o matrix.Kill) bool { return o.Program == k.Program })
	}
	switch {
	case known(t.result.Kills) || known(t.result.Others) && !allowed(t.mutant, h):
		return false, nil
	case !allowed(t.mutant, h):
		t.result.Others = append(t.result.Others, k)
		return false, nil
	case len(t.result.Kills) > 0:
		t.result.Kills = append(t.result.Kills, k)
		return false, nil
	}
	seconds := time.Since(t.started).Seconds()
	proved, err := t.prove(ctx, h.shot, &k, true)
	if err != nil || !proved {
		return false, err
	}
	t.result.Kills, t.result.Seconds = append(t.result.Kills, k), seconds
	return !t.all, nil
}

// proveOthers keeps of the kills for other reasons those that bear repetition,
// but looks no further than for one.
func (t *trial) proveOthers(ctx context.Context) error {
	for len(t.result.Others) > 0 {
		k := &t.result.Others[0]
		i := slices.IndexFunc(t.shots, func(s shot) bool { return s.program.Name == k.Program })
		if i < 0 {
			return nil // the boot
		}
		if proved, err := t.prove(ctx, t.shots[i], k, false); err != nil || proved {
			return err
		}
		t.result.Others = t.result.Others[1:]
	}
	return nil
}

// prove repeats a kill with and without the mistake, and notes in k how often
// it showed. See maxTries.
func (t *trial) prove(ctx context.Context, sh shot, k *matrix.Kill, mustBeAllowed bool) (bool, error) {
	if sh.program.Name == bootCase {
		return true, nil
	}
	t.with.leave()
	for _, hurry := range []bool{true, false} {
		shown, err := t.repeat(ctx, sh, k, mustBeAllowed)
		if err != nil || !shown {
			return false, err
		}
		h, err := t.passes(ctx, sh, k) // once it has passed in the baseline
		if err != nil || h == nil {
			return err == nil, err
		}
		switch {
		case unjudged(h.verdict.Status):
			t.note("without the mistake", h)
			return false, nil
		case hurry && h.verdict.Status == judge.Hang:
			sh.options.Deadline, sh.options.Ends = 0, 0
		default:
			t.unfit.add(h)
			return false, nil
		}
	}
	return false, nil
}

// repeat tells whether the kill shows again, as often as k then says.
func (t *trial) repeat(ctx context.Context, sh shot, k *matrix.Kill, mustBeAllowed bool) (bool, error) {
	for k.Shown, k.Of = 1, 1; k.Shown < 2 && k.Of < maxTries; {
		h, err := t.with.alone(ctx, sh, k.Status == judge.Crash)
		if err != nil {
			return false, err
		}
		switch s := h.verdict.Status; {
		case unjudged(s):
			t.note("when it was tried again", &h)
			return false, nil
		case kills(s) && (!mustBeAllowed || allowed(t.mutant, &h)):
			k.Shown++
		}
		k.Of++
	}
	return k.Shown > 1 || k.Status != judge.Hang, nil
}

// passes runs a program without the mistake as often as it was repeated with
// it. It returns the first time that it did not pass, or nil.
func (t *trial) passes(ctx context.Context, sh shot, k *matrix.Kill) (*hit, error) {
	for range k.Of - 1 {
		if h, err := t.without.alone(ctx, sh, k.Status == judge.Crash); err != nil || h.verdict.Status != judge.Pass {
			return &h, err
		}
	}
	return nil, nil
}

// note keeps the first reason for which a program could not be judged.
func (t *trial) note(when string, h *hit) {
	if t.trouble == "" {
		t.trouble = fmt.Sprintf("program %s could not be judged %s: %s", h.program.Name, when, h.verdict.Reason)
	}
}

func unjudged(s judge.Status) bool { return s == judge.Infra || s == judge.Inconclusive }

func kills(s judge.Status) bool { return s == judge.Fail || s == judge.Crash || s == judge.Hang }

// killBy describes a hit.
func killBy(h *hit) matrix.Kill {
	k := matrix.Kill{Program: h.program.Name, Status: h.verdict.Status, Rules: h.verdict.Rules(), Reason: h.verdict.Reason}
	if k.Status == judge.Crash {
		k.Crash = h.verdict.Reason
		if len(h.titles) > 0 {
			k.Crash = h.titles[0]
		}
	}
	return k
}

// allowed tells whether the mutant's header names the reason: for a crash a
// title, otherwise one of the rules. A header that names none at all allows any.
func allowed(m *images.Mutant, h *hit) bool {
	if len(m.Rules) == 0 && len(m.Crash) == 0 {
		return true
	}
	if h.verdict.Status == judge.Crash {
		return slices.ContainsFunc(m.Crash, func(re *regexp.Regexp) bool { return slices.ContainsFunc(h.titles, re.MatchString) })
	}
	return slices.ContainsFunc(h.verdict.Rules(), func(rule string) bool { return slices.Contains(m.Rules, rule) })
}
