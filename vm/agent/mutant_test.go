// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// runMutants submits a run for each mutant at once and steps until all are answered.
func (b *bench) runMutants(mutants ...int) {
	b.t.Helper()
	for i, m := range mutants {
		b.s.submit(&wire.Run{ID: uint64(i + 1), Program: nopProgram(), Deadline: 20 * time.Second, Mutant: m})
	}
	for len(b.ran) < len(mutants) {
		b.step()
	}
}

// The knob is written when a run asks for another mistake than the last one,
// and only while no program is under way that did not ask for it.
func TestMutantKnob(t *testing.T) {
	b := newBench(t)
	sys := &fakeSystem{}
	b.s.force = func(n int) error {
		if len(b.s.byTag) > 0 {
			t.Errorf("mistake %d came into force while %d programs were under way", n, len(b.s.byTag))
		}
		return setMutant(sys, n)
	}
	b.runMutants(0, 2, 2, 0, 1)
	for id, r := range b.ran {
		if r.Outcome.End != cases.EndDone {
			t.Errorf("run %d: End %s: %s", id, r.Outcome.End, r.Outcome.Error)
		}
	}
	want := fmt.Sprint([]string{"write 2 " + mutantKnob, "write 0 " + mutantKnob, "write 1 " + mutantKnob})
	if got := fmt.Sprint(sys.did); got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
}

// A run that cannot have its mistake does not run at all.
func TestMutantRefused(t *testing.T) {
	b := newBench(t)
	sys := &fakeSystem{fail: map[string]error{mutantKnob: unix.ENOENT}}
	b.s.force = func(n int) error { return setMutant(sys, n) }
	b.runMutants(3, 0)
	o := b.ran[1].Outcome
	if o.End != cases.EndError || !strings.Contains(o.Error, "mistake 3") || !strings.Contains(o.Error, "woven") {
		t.Errorf("on a kernel without mutants: End %s: %s", o.End, o.Error)
	}
	if len(o.CQEs) != 0 {
		t.Errorf("it ran all the same: %d CQEs", len(o.CQEs))
	}
	if o := b.ran[2].Outcome; o.End != cases.EndDone {
		t.Errorf("the run behind it, without a mistake: End %s: %s", o.End, o.Error)
	}
}

// The host may bound what follows the steps more tightly than the agent does.
func TestEndsBound(t *testing.T) {
	f := &fakeProbes{}
	b := tracedBench(t, f)
	b.s.submit(&wire.Run{ID: 1, Program: nopProgram(), Deadline: 20 * time.Second, Ends: time.Hour})
	b.s.submit(&wire.Run{ID: 2, Program: nopProgram(), Deadline: 20 * time.Second})
	if left := time.Until(b.untilEnding(1).deadline); left < time.Hour/2 {
		t.Errorf("the rings of a run with a bound of its own get %v, want an hour", left)
	}
	if left := time.Until(b.untilEnding(2).deadline); left > time.Minute {
		t.Errorf("the rings of a run without get %v, want the agent's bound", left)
	}
}
