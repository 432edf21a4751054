// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

// SoakSpec says what is run over and over.
type SoakSpec struct {
	Kernel   images.Spec
	Guest    GuestSpec
	Programs []*cases.Program
	// Time is after which no round begins any more.
	Time time.Duration
	// Noise is the seed of the first round, each later one has the next; 0 is
	// none. A round is all programs under one seed, in an order that the round's number decides.
	Noise uint64
	// Confirm is how often a failure is tried again in a fresh guest; 0 is never.
	Confirm int
	Version string
	// Again is for reports, see [report.Run].
	Again []string
	// Progress and Case may be nil; see [TestSpec].
	Progress func(Progress)
	Case     func(c report.Case, done, total int)
	// Round is called after each round, and at the end with what an interrupt
	// left of one. May be nil.
	Round func(*Soaked)
	// Alarm is called for each round in which a case ended neither in PASS nor
	// in SKIP, with a run that holds these cases only, and returns the directory that it wrote
	// them to. May be nil.
	Alarm func(round int, run *report.Run) (dir string, err error)
}

// Soaked holds the figures of programs that were run over and over on one
// kernel. It does not grow with the time that takes.
type Soaked struct {
	Kernel report.Kernel `json:"kernel"`
	Accel  string        `json:"accel"`
	// Seconds is wall clock, building not included.
	Seconds float64 `json:"seconds"`
	// Rounds counts those that were finished.
	Rounds int `json:"rounds"`
	// FirstNoise and LastNoise are the seeds of the first and the last round; 0 is none.
	FirstNoise uint64 `json:"first_noise,omitempty,string"`
	LastNoise  uint64 `json:"last_noise,omitempty,string"`
	// Programs counts runs of programs, those that were skipped or never got to an end (INFRA) not included.
	Programs int `json:"programs_run"`
	// Counts are the verdicts of all rounds.
	Counts report.Counts `json:"counts"`
	// AskedAgain counts tries that said nothing, and of which a later one did.
	AskedAgain int `json:"asked_again"`
	// What the probes saw, and what was lost of it.
	Events   uint64 `json:"events"`
	Lost     uint64 `json:"lost"`
	Missed   uint64 `json:"probe_runs_skipped"`
	Boots    int    `json:"boots"`
	Restores int    `json:"restores"`
	// Alarms are the cases that ended neither in PASS nor in SKIP: their
	// number, and the first of them.
	Alarms      int     `json:"alarms"`
	FirstAlarms []Alarm `json:"first_alarms,omitempty"`
	// Partial is set when it was interrupted, Ended says why else it ended early.
	Partial bool     `json:"partial,omitempty"`
	Ended   string   `json:"ended,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Alarm is one case of a soak that ended neither in PASS nor in SKIP.
type Alarm struct {
	Round   int          `json:"round"`
	Noise   uint64       `json:"noise,omitempty,string"`
	Program string       `json:"program"`
	Status  judge.Status `json:"status"`
	Why     string       `json:"why"`
	// Tries is how often it was so, in words.
	Tries string `json:"tries,omitempty"`
	// Dir holds the report; "" where no more are kept.
	Dir string `json:"dir,omitempty"`
}

// Bounds on what a soak keeps.
const (
	maxAlarms    = 200 // in FirstAlarms
	maxAlarmDirs = 20  // rounds whose reports are kept
	// fruitless rounds in a row, in which no program ran, end a soak.
	fruitless = 3
)

// Soak runs programs over and over on one kernel. What it returns holds all
// figures there are; it is nil if it never came to that. The error is ctx's,
// or says why the kernel could not be had.
func Soak(ctx context.Context, spec SoakSpec) (*Soaked, error) {
	spec.Guest.Noise = spec.Guest.Noise || spec.Noise != 0
	host, err := Open(ctx, spec.Kernel, spec.Guest, "", spec.Progress)
	if err != nil {
		return nil, err
	}
	defer host.Close()
	x := newExplainer(ctx, host, spec.Kernel)
	defer x.close()
	s := soaker{spec: spec, round: func(ctx context.Context, programs []*cases.Program, noise uint64) (*report.Run, error) {
		run, err := host.test(ctx, TestSpec{
			Kernel: spec.Kernel, Guest: spec.Guest, Programs: programs, Noise: noise, Confirm: spec.Confirm,
			Version: spec.Version, Again: spec.Again, Case: spec.Case,
		}, x, time.Now())
		return run, err
	}}
	s.out = &Soaked{Kernel: describe(host.Kernel, host.Profile), Accel: string(host.Accel)}
	return s.out, s.soak(ctx)
}

// soaker is a soak apart from its guests.
type soaker struct {
	spec  SoakSpec
	round func(ctx context.Context, programs []*cases.Program, noise uint64) (*report.Run, error)
	out   *Soaked
	dirs  int // that were written
}

func (s *soaker) soak(ctx context.Context) error {
	began := time.Now()
	idle := 0
	for n := 0; ; n++ {
		noise := noiseOf(s.spec.Noise, n)
		before := s.out.Programs
		run, err := s.round(ctx, s.shuffled(n), noise)
		s.take(n, noise, run, err)
		s.out.Seconds = time.Since(began).Seconds()
		if ctx.Err() != nil {
			s.out.Partial = true
		}
		if s.spec.Round != nil {
			s.spec.Round(s.out)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if idle++; s.out.Programs > before {
			idle = 0
		}
		if idle == fruitless {
			s.out.Ended = "no program could be run any more"
			return err
		}
		if s.out.Seconds >= s.spec.Time.Seconds() {
			return nil
		}
	}
}

// shuffled returns the programs in the order of a round: the first has them as they are.
func (s *soaker) shuffled(round int) []*cases.Program {
	programs := slices.Clone(s.spec.Programs)
	if round > 0 {
		rng := rand.New(rand.NewPCG(s.spec.Noise, uint64(round)))
		rng.Shuffle(len(programs), func(i, j int) { programs[i], programs[j] = programs[j], programs[i] })
	}
	return programs
}

// take adds a round to the figures.
func (s *soaker) take(round int, noise uint64, run *report.Run, err error) {
	o := s.out
	if o.LastNoise = noise; round == 0 {
		o.FirstNoise = noise
	}
	if err == nil {
		o.Rounds++
	} else if !errors.Is(err, context.Canceled) {
		o.Counts.Add(report.Counts{Infra: 1})
		s.alarm(Alarm{Round: round + 1, Noise: noise, Status: judge.Infra, Why: "the round ended early: " + err.Error()})
	}
	if run == nil {
		return
	}
	counts := run.Counts()
	o.Counts.Add(counts)
	o.Programs += counts.Total() - counts.Skip - counts.Infra
	events, lost, missed := run.Evidence()
	o.Events, o.Lost, o.Missed = o.Events+events, o.Lost+lost, o.Missed+missed
	o.Boots, o.Restores, o.Notes = run.Guest.Boots, run.Guest.Restores, run.Notes
	var bad []report.Case
	for _, c := range run.Cases {
		if c.Verdict.Status != judge.Pass && c.Verdict.Status != judge.Skip {
			bad = append(bad, c)
		} else if n := len(c.Tries); n > 1 {
			o.AskedAgain += n - 1
		}
	}
	if len(bad) == 0 {
		return
	}
	dir := ""
	if s.spec.Alarm != nil && s.dirs < maxAlarmDirs {
		run.Cases = bad
		var err error
		if dir, err = s.spec.Alarm(round+1, run); err != nil {
			o.Notes = append(o.Notes, "a report could not be kept: "+err.Error())
		}
		s.dirs++
	}
	for i := range bad {
		c := &bad[i]
		last := report.NewTry(c, nil)
		s.alarm(Alarm{Round: round + 1, Noise: noise, Program: c.Name, Status: c.Verdict.Status, Why: last.Why, Tries: c.TriesText(), Dir: dir})
	}
}

func (s *soaker) alarm(a Alarm) {
	if s.out.Alarms++; len(s.out.FirstAlarms) < maxAlarms {
		s.out.FirstAlarms = append(s.out.FirstAlarms, a)
	}
}

// String is the figures in one line.
func (o *Soaked) String() string {
	line := fmt.Sprintf("%s %s: %d rounds in %v", o.Kernel.Series, o.Kernel.Flavour, o.Rounds,
		time.Duration(o.Seconds*float64(time.Second)).Round(time.Second))
	if o.LastNoise != 0 {
		line += fmt.Sprintf(", noise %d", o.LastNoise)
	}
	return line + fmt.Sprintf("; %d programs run, %d events, %d lost, %d probe runs skipped; %s; %d guests restored, %d booted",
		o.Programs, o.Events, o.Lost, o.Missed, o.Counts.String(), o.Restores, o.Boots)
}
