// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

func parse(t *testing.T, text string) *cases.Program {
	t.Helper()
	p, err := cases.Parse("test.ring", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// groupOf tells whether p submits a group of which a member has one of the flags.
func groupOf(p *cases.Program, flags uring.SQEFlags) bool {
	for _, st := range p.Steps {
		for i := 1; i < len(st.SQEs); i++ {
			if st.SQEs[i-1].Flags&uring.SQEGroup != 0 && st.SQEs[i].Flags&flags == flags {
				return true
			}
		}
	}
	return false
}

// hay has the needles of the predicates below somewhere in it.
const hay = `name hay
ring r0 entries=8 flags=IOPOLL
ring r1 entries=16 cq=64 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
file f0 size=4096 fill=3
buf b0 size=4096
buf b1 size=512
submit r1
  nop LINK
  read f0 b0 len=4096 off=77
  nop
wait r1
t1: submit r1
  leader: read p0.r b1 len=512 GROUP LINK
  nop GROUP
  m: write f0 b1 len=512 ASYNC
  nop inject=-EIO
feed p0.w 512
t2: submit r1
  async_cancel leader
  async_cancel m
wait r1
close r0
`

func TestMinimise(t *testing.T) {
	for _, tc := range []struct {
		name  string
		shows func(p *cases.Program) bool
		want  string // the program that is left, without its header
	}{
		{"a group with an ASYNC member", func(p *cases.Program) bool { return groupOf(p, uring.Async) },
			"ring r1 entries=2\nsubmit r1\n  nop GROUP\n  m: nop ASYNC\n"},
		{"a cancellation of a read", func(p *cases.Program) bool {
			for _, r := range p.SQEs() {
				if r.SQE.Op == uring.OpAsyncCancel && r.SQE.Target != 0 && p.SQEs()[r.SQE.Target-1].SQE.Op == uring.OpRead {
					return true
				}
			}
			return false
		}, "ring r1 entries=2\nsubmit r1\n  leader: read\n  async_cancel leader\n"},
		{"a feed of a hundred bytes and more", func(p *cases.Program) bool {
			for _, s := range p.Steps {
				if s.Kind == cases.StepFeed && s.N >= 100 {
					return true
				}
			}
			return false
		}, "pipe p0\nfeed p0.w 128\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hay := parse(t, hay)
			before := hay.Text()
			m := Minimiser{Shows: func(_ context.Context, p *cases.Program) (bool, error) {
				if err := p.Validate(); err != nil {
					t.Fatalf("an invalid program is run: %v", err)
				}
				return tc.shows(p), nil
			}}
			got, runs, err := m.Run(t.Context(), hay)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d runs\n%s", runs, got.Text())
			if !tc.shows(got) {
				t.Error("what is left does not show it")
			}
			if len(got.SQEs()) > strings.Count(tc.want, "\n  ") || sizeOf(got) != sizeOf(parse(t, "name want\n"+tc.want)) {
				t.Errorf("left is\n%s\nwant something of the size of\n%s", got.Text(), tc.want)
			}
			if hay.Text() != before {
				t.Error("the program that was given has changed")
			}
		})
	}
}

// What shows only now and then is made smaller all the same, and never into
// something that does not show it.
func TestMinimiseFlaky(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	m := Minimiser{Need: 2, Tries: 20, Budget: 20000, Shows: func(_ context.Context, p *cases.Program) (bool, error) {
		return groupOf(p, uring.Async) && random.IntN(4) == 0, nil
	}}
	got, runs, err := m.Run(t.Context(), parse(t, hay))
	if err != nil || !groupOf(got, uring.Async) || len(got.SQEs()) != 2 {
		t.Errorf("after %d runs: %v\n%s", runs, err, got.Text())
	}
}

func TestMinimiseKeepsToItsBudget(t *testing.T) {
	count := 0
	m := Minimiser{Budget: 10, Tries: 3, Shows: func(_ context.Context, p *cases.Program) (bool, error) {
		count++
		return groupOf(p, uring.Async), nil
	}}
	got, runs, err := m.Run(t.Context(), parse(t, hay))
	if err != nil || runs != 10 || count != 10 || !groupOf(got, uring.Async) {
		t.Errorf("%d runs said, %d made, %v\n%s", runs, count, err, got.Text())
	}
}

// A guest that cannot be had ends the search, and what was found stays.
func TestMinimiseEndsWithAnError(t *testing.T) {
	lost, found := errors.New("lost"), 0
	m := Minimiser{
		Shows: func(_ context.Context, p *cases.Program) (bool, error) {
			if found == 3 {
				return false, lost
			}
			return groupOf(p, uring.Async), nil
		},
		Smaller: func(*cases.Program, int) { found++ },
	}
	hay := parse(t, hay)
	got, _, err := m.Run(t.Context(), hay)
	if !errors.Is(err, lost) || found != 3 || len(got.Text()) >= len(hay.Text()) || !groupOf(got, uring.Async) {
		t.Errorf("found %d, %v\n%s", found, err, got.Text())
	}
}

// Every field of every registration has a size, those that are arrays too.
func TestMinimiseRegistrations(t *testing.T) {
	p := &cases.Program{Rings: []cases.Ring{{Name: "r0", Entries: 4}},
		Steps: []cases.Step{{Kind: cases.StepRegister, Reg: &cases.Registration{Counts: [2]uint32{3, 5}}}}}
	if got := bitsSet(p); got == 0 {
		t.Error("the counts of a registration weigh nothing")
	}
	before := leavesSet(p)
	if p.Steps[0].Reg.Counts[1] = 0; leavesSet(p) != before-1 {
		t.Errorf("%d fields are set after one was cleared, want %d", leavesSet(p), before-1)
	}
}
