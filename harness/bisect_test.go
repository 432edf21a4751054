// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/bisect"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

func patches(subjects ...string) (list []images.Patch) {
	for _, s := range subjects {
		list = append(list, images.Patch{Name: s + ".patch", Subject: s})
	}
	return list
}

// What follows the first patches is taken by subject, so that a patch that was added or dropped shifts nothing.
func TestCounterpart(t *testing.T) {
	good := patches("a", "b", "c")
	for _, x := range []struct {
		bad  []images.Patch
		want []int // by k
	}{
		{patches("a", "b", "c"), []int{0, 1, 2, 3}},
		{patches("a", "new", "b", "c"), []int{0, 1, 1, 2, 3}},
		{patches("new", "b", "c"), []int{0, 0, 2, 3}},
		{patches("a", "c"), []int{0, 1, 3}},
		{patches("x", "y", "z"), []int{0, 1, 2, 3}},
		{patches("x", "y", "z", "w"), []int{0, 1, 2, 3, 3}},
	} {
		for k, want := range x.want {
			if got := counterpart(x.bad, good, k); got != want {
				t.Errorf("%d of %v: %d of the good series, want %d", k, x.bad, got, want)
			}
		}
	}
}

// Only the failure that the whole series shows is bad; a failure of another class says nothing.
func TestStepVerdicts(t *testing.T) {
	p := &cases.Program{Name: "p"}
	run := func(tries ...report.Try) *report.Run {
		c := report.Case{Name: "p", Program: p, Text: "name p\n", Tries: tries, Verdict: judge.Verdict{Status: tries[0].Status, Reason: "why"}}
		for _, try := range tries {
			if try.Failed() {
				c.Verdict.Status = try.Status
			}
		}
		return &report.Run{Cases: []report.Case{c}}
	}
	pass, skip := report.Try{Status: judge.Pass}, report.Try{Status: judge.Skip}
	same, other := report.Try{Status: judge.Fail, Class: "FAIL G4"}, report.Try{Status: judge.Hang, Class: "HANG G11"}
	b := &bisecting{spec: &BisectSpec{Program: p}, bad: &images.Series{Patches: patches("a", "b")}}
	for _, x := range []struct {
		k             int
		run           *report.Run
		want          bisect.Verdict
		failed, tried int
	}{
		{2, run(pass, same, pass), bisect.Bad, 1, 3}, // the whole series comes first
		{1, run(same, same), bisect.Bad, 2, 2},
		{1, run(pass, pass), bisect.Good, 0, 2},
		{1, run(skip), bisect.Skip, 0, 0},
		{1, run(other), bisect.Skip, 1, 1},
		{1, &report.Run{Cases: []report.Case{{Name: bootCase, Verdict: judge.Verdict{Status: judge.Crash},
			Tries: []report.Try{{Status: judge.Crash, Class: "CRASH x"}}}}}, bisect.Skip, 1, 1},
	} {
		s := BisectStep{Patches: x.k, Verdict: bisect.Skip}
		b.judged(&s, x.run)
		if s.Verdict != x.want || s.Failed != x.failed || s.Tried != x.tried {
			t.Errorf("%d patches, %s: %s, %d of %d, want %s", x.k, x.run.Cases[0].Verdict.Status, s.Verdict, s.Failed, s.Tried, x.want)
		}
	}
	if b.out.Class != "FAIL G4" {
		t.Errorf("what is looked for is %q", b.out.Class)
	}
	// Without an answer from the whole series there is no search, and our own trouble is no verdict.
	if err := b.saysNothing(&BisectStep{Status: judge.Skip}); !isA[*UsageError](err) {
		t.Errorf("a skipped program: %v", err)
	}
	if err := b.saysNothing(&BisectStep{Status: judge.Infra}); BlameFor(err) != BlameInfra {
		t.Errorf("no guest: %v", err)
	}
}

func TestBisectAsksForWhatItCanDo(t *testing.T) {
	for _, spec := range []BisectSpec{
		{Kernel: images.Spec{Series: "none"}},
		{Kernel: images.Spec{Series: "v7"}, Enable: 8},
		{Kernel: images.Spec{Series: "v7"}, Enable: 7, Good: "v4"},
	} {
		var usage *UsageError
		if err := (&bisecting{spec: &spec}).load(context.Background()); !errors.As(err, &usage) {
			t.Errorf("%+v: %v", spec, err)
		}
	}
}

// A step that could not be made ends the search with its error, be it the first.
func TestFirstStepCannotBeMade(t *testing.T) {
	spec := BisectSpec{Kernel: images.Spec{Series: "v7"}, Guest: GuestSpec{Profile: "no-such-profile"}, Program: &cases.Program{Name: "p"}, Dir: t.TempDir()}
	b := &bisecting{spec: &spec}
	if err := b.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.test(t.Context(), len(b.bad.Patches)); !isA[*UsageError](err) {
		t.Error(err)
	}
}
