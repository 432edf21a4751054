// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/probe"
	"github.com/ringproof/ringproof/vm/wire"
)

// fakeProbes is a tracer and its counters, fed by a test.
type fakeProbes struct {
	records      []byte
	lost, missed uint64
	ejected      string
	gone         bool // what the counters say of every ring
	blind        bool // does not see rings go
}

func (f *fakeProbes) Attached() []string {
	if f.blind {
		return []string{"submit=x"}
	}
	return []string{"ring_gone=x", "submit=x"}
}
func (f *fakeProbes) Noise() (have, lack []string)  { return nil, nil }
func (f *fakeProbes) SchedulerEnded() string        { return f.ejected }
func (f *fakeProbes) Missing() []string             { return nil }
func (f *fakeProbes) ControlFile() *os.File         { return nil }
func (f *fakeProbes) Counts() (lost, missed uint64) { return f.lost, f.missed }
func (f *fakeProbes) Close() error                  { return nil }
func (f *fakeProbes) Read(buf []byte) ([]byte, error) {
	buf = append(buf, f.records...)
	f.records = nil
	return buf, nil
}
func (f *fakeProbes) Counters(int) (submitted, completed, freed uint64, gone bool) {
	return 0, 0, 0, f.gone
}

// event makes a raw record.
func (f *fakeProbes) event(t *testing.T, run uint32, ring uint8, kind cases.EventKind) {
	t.Helper()
	rec := make([]byte, probe.RecordSize)
	binary.LittleEndian.PutUint32(rec[48:], run)
	rec[78], rec[79] = byte(kind), ring
	if d, err := probe.Decode(rec); err != nil || d[0].Run != run || d[0].Ring != int(ring) || d[0].Kind != kind {
		t.Fatalf("this test's idea of a probe record is out of date: %v, %+v", err, d)
	}
	f.records = append(f.records, rec...)
}

// tracedBench is a bench with fake probes.
func tracedBench(t *testing.T, f *fakeProbes) *bench {
	b := newBench(t)
	b.s.collect = func(_ time.Duration, step, _ int, _ []cases.Ring, _ []int32) *cases.HangInfo {
		return &cases.HangInfo{Step: step} // no tasks: the host's own rings may be going away just now
	}
	b.s.configure(&tracing{tracer: f, control: f}, 1)
	b.watch()
	return b
}

// untilEnding steps until the worker is done with the run.
func (b *bench) untilEnding(tag uint32) *run {
	b.t.Helper()
	for {
		if r := b.s.byTag[tag]; r != nil && r.phase == phaseEnding {
			return r
		}
		b.step()
	}
}

func TestAnswerWaitsForTheRing(t *testing.T) {
	f := &fakeProbes{}
	b := tracedBench(t, f)
	b.s.submit(&wire.Run{ID: 5, Program: nopProgram(), Deadline: 20 * time.Second})
	b.untilEnding(5)
	f.event(t, 99, 0, cases.EvSubmit) // of nobody
	f.event(t, 5, 0, cases.EvSubmit)
	b.s.sort()
	if b.ran[5] != nil {
		t.Fatal("answered before the ring was gone")
	}
	f.event(t, 5, 0, cases.EvRingGone)
	f.missed = 3
	b.s.sort()
	r := b.ran[5]
	if r == nil {
		t.Fatal("not answered though the ring is gone")
	}
	want := cases.Evidence{Events: 2, Missed: 3, Probes: true}
	if len(r.Events) != 2*probe.RecordSize || r.Outcome.Evidence != want || len(r.Outcome.RingsGone) != 1 || !r.Outcome.RingsGone[0] || r.Fatal {
		t.Errorf("%d bytes of events, %+v, gone %v, fatal %v", len(r.Events), r.Outcome.Evidence, r.Outcome.RingsGone, r.Fatal)
	}
	if n := len(b.s.freeSlots); n != probe.Slots {
		t.Errorf("%d of %d slots are free", n, probe.Slots)
	}
}

// That the kernel has given the noise scheduler up is said once, and is no matter of any run.
func TestSchedulerEndedIsSaidOnce(t *testing.T) {
	f := &fakeProbes{ejected: "runnable task stall"}
	b := tracedBench(t, f)
	var said []string
	b.s.notice = func(text string) { said = append(said, text) }
	for id := uint64(5); id < 7; id++ {
		b.s.submit(&wire.Run{ID: id, Program: nopProgram(), Deadline: 20 * time.Second, Noise: 1})
		b.untilEnding(uint32(id))
		f.event(t, uint32(id), 0, cases.EvRingGone)
		b.s.sort()
		if a := b.ran[id]; a == nil || a.Outcome.End != cases.EndDone || a.Fatal {
			t.Fatalf("run %d was answered with %+v", id, a)
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "runnable task stall") {
		t.Errorf("said %q", said)
	}
}

func TestStuckRingIsFatal(t *testing.T) {
	f := &fakeProbes{}
	b := tracedBench(t, f)
	b.s.submit(&wire.Run{ID: 5, Program: nopProgram(), Deadline: 20 * time.Second})
	r := b.untilEnding(5)
	r.deadline = time.Now() // the bound on rings is over
	for b.ran[5] == nil {
		b.step()
	}
	a := b.ran[5]
	if !a.Fatal || a.Outcome.RingsGone[0] || a.Outcome.Hang == nil || a.Outcome.Hang.Step != 2 || a.Outcome.End != cases.EndDone {
		t.Errorf("fatal %v, gone %v, hang %+v, end %s", a.Fatal, a.Outcome.RingsGone, a.Outcome.Hang, a.Outcome.End)
	}
	if n := len(b.s.freeSlots); n != probe.Slots-1 {
		t.Errorf("%d slots are free: a stuck ring must keep its own", n)
	}
}

// Who wants no evidence of a hang gets the step, at once.
func TestBriefHangs(t *testing.T) {
	f := &fakeProbes{}
	b := tracedBench(t, f)
	b.s.collect = func(time.Duration, int, int, []cases.Ring, []int32) *cases.HangInfo {
		t.Error("evidence was gathered")
		return nil
	}
	b.s.submit(&wire.Run{ID: 5, Program: nopProgram(), Deadline: 20 * time.Second, Brief: true})
	b.untilEnding(5).deadline = time.Now()
	for b.ran[5] == nil {
		b.step()
	}
	if a := b.ran[5]; !a.Fatal || a.Outcome.Hang == nil || a.Outcome.Hang.Step != 2 {
		t.Errorf("rings that stay: fatal %v, hang %+v", a.Fatal, a.Outcome.Hang)
	}
	b.s.submit(&wire.Run{ID: 6, Program: blockedProgram(), Deadline: 20 * time.Second, Brief: true})
	b.untilStep(6, 2)
	b.s.byTag[6].deadline = time.Now()
	r := b.untilEnding(6)
	f.event(t, 6, 0, cases.EvRingGone)
	b.s.sort()
	if a := b.ran[6]; a == nil || a.Fatal || a.Outcome.End != cases.EndTimeout || a.Outcome.Hang == nil || a.Outcome.Hang.Step != 2 {
		t.Errorf("a step that does not return: %+v of %+v", a, r.out)
	}
}

// What the first half of a hang left as evidence is not gathered again for the second.
func TestEvidenceIsGatheredOnce(t *testing.T) {
	b := tracedBench(t, &fakeProbes{})
	calls := 0
	collect := b.s.collect
	b.s.collect = func(d time.Duration, step, pid int, rings []cases.Ring, fds []int32) *cases.HangInfo {
		calls++
		return collect(d, step, pid, rings, fds)
	}
	b.s.submit(&wire.Run{ID: 5, Program: blockedProgram(), Deadline: 20 * time.Second})
	b.untilStep(5, 2)
	b.s.byTag[5].deadline = time.Now()
	b.untilEnding(5).deadline = time.Now()
	for b.ran[5] == nil {
		b.step()
	}
	if a := b.ran[5]; calls != 1 || !a.Fatal || a.Outcome.Hang == nil || a.Outcome.Hang.Step != 2 {
		t.Errorf("gathered %d times; fatal %v, hang %+v", calls, a.Fatal, a.Outcome.Hang)
	}
}

// Where the kernel skipped probes, an end that was not seen is no hang.
func TestMissedEndOfRing(t *testing.T) {
	f := &fakeProbes{}
	b := tracedBench(t, f)
	b.s.submit(&wire.Run{ID: 5, Program: nopProgram(), Deadline: 20 * time.Second})
	r := b.untilEnding(5)
	f.missed = 1
	r.deadline = time.Now()
	for b.ran[5] == nil {
		b.step()
	}
	if a := b.ran[5]; a.Fatal || a.Outcome.RingsGone != nil || a.Outcome.Hang != nil || a.Outcome.Evidence.Missed != 1 {
		t.Errorf("fatal %v, gone %v, hang %v, %+v", a.Fatal, a.Outcome.RingsGone, a.Outcome.Hang, a.Outcome.Evidence)
	}
}

// The record of a ring's end may be lost; its counter is not.
func TestLostEndOfRing(t *testing.T) {
	f := &fakeProbes{gone: true, lost: 0}
	b := tracedBench(t, f)
	b.s.submit(&wire.Run{ID: 5, Program: nopProgram(), Deadline: 20 * time.Second})
	r := b.untilEnding(5)
	f.lost = 1
	r.deadline = time.Now()
	for b.ran[5] == nil {
		b.step()
	}
	if a := b.ran[5]; a.Fatal || !a.Outcome.RingsGone[0] || a.Outcome.Evidence.Lost != 1 {
		t.Errorf("fatal %v, gone %v, %+v", a.Fatal, a.Outcome.RingsGone, a.Outcome.Evidence)
	}
}

func TestProbesThatDoNotSeeRingsGo(t *testing.T) {
	b := tracedBench(t, &fakeProbes{blind: true})
	if r := b.run(nopProgram())[0]; r.Outcome.RingsGone != nil || !r.Outcome.Evidence.Probes {
		t.Errorf("gone %v, %+v", r.Outcome.RingsGone, r.Outcome.Evidence)
	}
}

// A host that comes back may use the number of a run whose rings are still going.
func TestRunNumberInUse(t *testing.T) {
	f := &fakeProbes{}
	b := tracedBench(t, f)
	b.s.submit(&wire.Run{ID: 5, Program: nopProgram(), Deadline: 20 * time.Second})
	old := b.untilEnding(5)
	b.s.abandon()
	b.s.submit(&wire.Run{ID: 5, Program: nopProgram(), Deadline: 20 * time.Second})
	if b.s.byTag[5] != old || len(b.s.queue) != 1 {
		t.Fatal("two runs have one number")
	}
	f.event(t, 5, 0, cases.EvRingGone)
	b.s.sort()
	b.s.dispatch()
	b.untilEnding(5)
	f.event(t, 5, 0, cases.EvRingGone)
	b.s.sort()
	if len(b.order) != 1 {
		t.Errorf("%d answers, want one: the first host is gone", len(b.order))
	}
}
