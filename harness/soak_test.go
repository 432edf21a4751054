// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
)

// soakFlaky soaks the scripted programs a, b … for as many rounds as stop
// says, and returns the figures and the orders in which the programs ran.
func soakFlaky(t *testing.T, f *flaky, noise uint64, stop int, spec SoakSpec) (*Soaked, []string, error) {
	t.Helper()
	f.t = t
	for c := 'a'; f.script[string(c)] != ""; c++ {
		spec.Programs = append(spec.Programs, plainProgram(string(c)))
	}
	spec.Noise = noise
	spec.Time = time.Hour
	var orders []string
	s := soaker{spec: spec, out: &Soaked{}}
	rounds := 0
	s.round = func(ctx context.Context, programs []*cases.Program, noise uint64) (*report.Run, error) {
		order := fmt.Sprint(noise, " ")
		for _, p := range programs {
			order += p.Name
		}
		orders = append(orders, order)
		if rounds++; rounds == stop {
			s.spec.Time = 0 // the deadline passes during this round
		}
		r := runner{spawn: f.spawn, profile: &cases.Profile{Name: "none"}, confirm: spec.Confirm, options: vm.RunOptions{Noise: noise}}
		run := new(report.Run)
		var err error
		run.Cases, err = r.run(ctx, programs, 1)
		return run, err
	}
	err := s.soak(t.Context())
	return s.out, orders, err
}

// Each round has the next seed and an order of its own, and the deadline ends
// the soak after the round in which it passes.
func TestSoak(t *testing.T) {
	f := &flaky{script: map[string]string{}}
	for c := 'a'; c <= 'h'; c++ {
		f.script[string(c)] = "ppp"
	}
	f.script["b"] = "p?pp"
	said := 0
	out, orders, err := soakFlaky(t, f, 40, 3, SoakSpec{Round: func(*Soaked) { said++ }})
	if err != nil {
		t.Fatal(err)
	}
	if out.Rounds != 3 || out.Programs != 24 || out.Counts.Pass != 24 || out.Alarms != 0 || out.AskedAgain != 1 ||
		out.FirstNoise != 40 || out.LastNoise != 42 || said != 3 || out.Lost != 3 {
		t.Errorf("figures %+v, said %d times", out, said)
	}
	if orders[0] != "40 abcdefgh" || orders[1] == "41 abcdefgh" || orders[1][3:] == orders[2][3:] {
		t.Errorf("orders %v", orders)
	}
	again := &flaky{script: map[string]string{}}
	for c := 'a'; c <= 'h'; c++ {
		again.script[string(c)] = "ppp"
	}
	if _, same, _ := soakFlaky(t, again, 40, 3, SoakSpec{}); !slices.Equal(orders, same) {
		t.Errorf("the same seed gave %v and %v", orders, same)
	}
}

// What is wrong is counted, confirmed and kept: with its directory as long as
// there is room, and only the cases that matter.
func TestSoakAlarms(t *testing.T) {
	f := &flaky{script: map[string]string{"a": "ppp", "b": "pf" + "pp" + "p", "c": "??pp"}}
	kept := map[int][]string{}
	out, _, err := soakFlaky(t, f, 7, 3, SoakSpec{Confirm: 2, Alarm: func(round int, run *report.Run) (string, error) {
		for _, c := range run.Cases {
			kept[round] = append(kept[round], c.Name)
		}
		return fmt.Sprint("dir ", round), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Alarms != 2 || out.Counts.Fail != 1 || out.Counts.Inconclusive != 1 || out.Counts.Pass != 7 || len(kept) != 2 ||
		!slices.Equal(kept[1], []string{"c"}) || !slices.Equal(kept[2], []string{"b"}) {
		t.Errorf("figures %+v, kept %v", out, kept)
	}
	a := out.FirstAlarms[1]
	if a.Program != "b" || a.Round != 2 || a.Noise != 8 || a.Status != judge.Fail || a.Dir != "dir 2" ||
		!strings.HasPrefix(a.Tries, "failed 1 of 3 under noise 8, rare") {
		t.Errorf("alarm %+v", a)
	}
}

// What a soak keeps has bounds, however long it goes wrong.
func TestSoakIsBounded(t *testing.T) {
	s := soaker{out: &Soaked{}, spec: SoakSpec{Alarm: func(int, *report.Run) (string, error) { return "dir", nil }}}
	for round := range 300 {
		run := &report.Run{Cases: []report.Case{{Name: "a", Verdict: judge.Verdict{Status: judge.Hang}}}}
		s.take(round, 0, run, nil)
	}
	if s.out.Alarms != 300 || len(s.out.FirstAlarms) != maxAlarms || s.dirs != maxAlarmDirs || s.out.FirstAlarms[maxAlarmDirs].Dir != "" {
		t.Errorf("%d alarms, %d kept, %d directories", s.out.Alarms, len(s.out.FirstAlarms), s.dirs)
	}
}

// An interrupt ends a soak with the figures so far; no alarm is raised for it.
func TestSoakInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := soaker{out: &Soaked{}, spec: SoakSpec{Time: time.Hour}}
	rounds := 0
	s.round = func(context.Context, []*cases.Program, uint64) (*report.Run, error) {
		run := &report.Run{Cases: []report.Case{{Name: "a", Verdict: judge.Verdict{Status: judge.Pass}}}}
		if rounds++; rounds == 2 {
			cancel()
			return run, context.Canceled
		}
		return run, nil
	}
	err := s.soak(ctx)
	if !errors.Is(err, context.Canceled) || !s.out.Partial || s.out.Rounds != 1 || s.out.Programs != 2 || s.out.Alarms != 0 {
		t.Errorf("error %v, figures %+v", err, s.out)
	}
}

// A soak in which nothing can be run ends, and says why.
func TestSoakWithoutGuests(t *testing.T) {
	f := &flaky{script: map[string]string{"a": "p"}, broken: 1}
	out, _, err := soakFlaky(t, f, 0, 100, SoakSpec{})
	if err != nil || out.Ended == "" || out.Programs != 0 || out.Counts.Infra != fruitless || out.Alarms != fruitless {
		t.Errorf("error %v, figures %+v", err, out)
	}
}
