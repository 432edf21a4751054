// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

func TestPatientClock(t *testing.T) {
	now := time.Unix(1000, 0)
	c := newPatientClock(func() time.Time { return now })
	begin := c.look()
	for _, step := range []struct {
		leap, want time.Duration
	}{
		{300 * time.Millisecond, 300 * time.Millisecond},
		{longestLook, 300*time.Millisecond + longestLook},
		{time.Hour, 300*time.Millisecond + 2*longestLook}, // the guest was stopped
		{lookEvery, 800*time.Millisecond + 2*longestLook},
	} {
		now = now.Add(step.leap)
		if got := c.look().Sub(begin); got != step.want {
			t.Errorf("after a step of %v: %v, want %v", step.leap, got, step.want)
		}
	}
}

// A program whose guest was stopped for longer than the program's bound is not
// late: it goes on as the guest does.
func TestStoppedGuestIsNotLate(t *testing.T) {
	now := time.Unix(1000, 0)
	clock := newPatientClock(func() time.Time { return now })
	var answers []*wire.Ran
	s := newScheduler("/nonexistent", func(any) {}, func(m *wire.Ran) { answers = append(answers, m) }, t.Logf)
	s.now = clock.look
	r := &run{id: 1, tag: 1, prog: &cases.Program{}, bound: 5 * time.Second, phase: phaseRunning}
	s.byTag[1] = r
	s.lead(r)
	now = now.Add(time.Minute)
	if s.tick(s.now()); r.phase != phaseRunning {
		t.Error("a program was late because its guest had been stopped")
	}
	l, fd, err := newLedger()
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	defer unix.Close(fd)
	s.worker = &process{ledger: l}
	s.collect = func(time.Duration, int, int, []cases.Ring, []int32) *cases.HangInfo { return nil }
	for range 12 { // the same program, seen to take its time
		now = now.Add(lookEvery)
		s.tick(s.now())
	}
	if r.phase != phaseCollecting {
		t.Errorf("a program that took its time is in phase %v, want %v", r.phase, phaseCollecting)
	}
}
