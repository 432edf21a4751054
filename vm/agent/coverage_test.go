// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/noise"
)

func TestCommState(t *testing.T) {
	for stat, want := range map[string]string{
		"12 (iou-wrk-9) S 1 2 3": "iou-wrk-9 S",
		"12 (a) b) (c) R 1":      "a) b) (c R",
		"12 (x)":                 " \x00",
		"12":                     " \x00",
		"":                       " \x00",
	} {
		comm, state := commState([]byte(stat))
		if got := comm + " " + string(rune(state)); got != want {
			t.Errorf("%q: %q, want %q", stat, got, want)
		}
	}
}

// ringCounters stands for the probes: what they say of the one ring.
type ringCounters struct {
	submitted, freed uint64
	gone             bool
}

func (ringCounters) NextRing(uint32, uint8, int) {}
func (ringCounters) Disturb(*noise.Plan)         {}
func (ringCounters) Scheduler() bool             { return false }
func (c ringCounters) Counters(int) (submitted, completed, freed uint64, gone bool) {
	return c.submitted, c.submitted, c.freed, c.gone
}

// A program's coverage may end, and the next one's begin, when nothing can happen any more on its rings.
func TestRingRests(t *testing.T) {
	for _, test := range []struct {
		name        string
		probes      tagger
		flags       uring.SetupFlags
		done        bool
		rests, told bool
	}{
		{"all freed", ringCounters{3, 3, false}, 0, false, true, true},
		{"one is not freed", ringCounters{3, 2, false}, 0, true, false, true},
		{"the ring is gone", ringCounters{3, 2, true}, 0, false, true, true},
		{"SQPOLL, all freed", ringCounters{3, 3, false}, uring.SetupSQPoll, true, false, true},
		{"SQPOLL, the ring is gone", ringCounters{3, 3, true}, uring.SetupSQPoll, true, true, true},
		{"no probes, all completed", nil, 0, true, true, false},
		{"no probes, something left", nil, 0, false, false, false},
		{"no probes, SQPOLL", nil, uring.SetupSQPoll, true, false, false},
	} {
		e := &execution{x: &executor{tags: test.probes}, rings: make([]ringState, 1),
			prog: &cases.Program{Rings: []cases.Ring{{Flags: test.flags}}}}
		e.rings[0].done = test.done
		if rests, told := e.ringRests(0); rests != test.rests || told != test.told {
			t.Errorf("%s: rests %v, told %v", test.name, rests, told)
		}
	}
}

// A ring outlives its closing by a request on its own file, unless all had completed.
func TestHeldOpen(t *testing.T) {
	on := cases.SQE{Op: uring.OpPollAdd, FD: cases.FD{Ring: 2}}
	p := cases.Program{Rings: append(ring(4), ring(4)...), Steps: []cases.Step{submit(nop(0), on)}}
	e := &execution{prog: &p, refs: p.SQEs(), rings: make([]ringState, 2)}
	if e.heldOpen(0) || !e.heldOpen(1) {
		t.Errorf("ring 0 held open: %v, ring 1: %v; want the second alone", e.heldOpen(0), e.heldOpen(1))
	}
	if e.rings[1].done = true; e.heldOpen(1) {
		t.Error("held open by a request that has completed")
	}
}

// Only the end of its process ends a ring that waits for itself.
func TestRingThatWaitsForItself(t *testing.T) {
	x, l := newExecutor(t)
	poll := cases.SQE{Op: uring.OpPollAdd, FD: cases.FD{Ring: 1}, OpFlags: unix.POLLIN}
	p := cases.Program{Rings: ring(4), Steps: []cases.Step{submit(poll)}}
	if rep := x.run(&job{Tag: 1, Scale: 1, Program: p}, l.pages[0]); !rep.Last || rep.Err != "" {
		t.Errorf("the worker goes on: %+v", rep)
	}
	p.Steps = append(p.Steps, submit(nop(0)), wait(2))
	if rep := x.run(&job{Tag: 2, Scale: 1, Program: p}, l.pages[0]); rep.Last || rep.Err != "" {
		t.Errorf("the worker ends, though all had completed: %+v", rep)
	}
}

// A worker that got no descriptors says so.
func TestCoverageWithoutDescriptors(t *testing.T) {
	x, l := newExecutor(t)
	p := cases.Program{Rings: ring(4), Steps: []cases.Step{submit(nop(0)), wait(1)}}
	rep := x.run(&job{Tag: 1, Scale: 1, Coverage: true, Program: p}, l.pages[0])
	if !strings.Contains(rep.Err, "KCOV") || rep.Coverage != nil {
		t.Errorf("%q, %d bytes of coverage", rep.Err, len(rep.Coverage))
	}
}
