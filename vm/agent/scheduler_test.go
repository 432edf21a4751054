// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// bench runs a scheduler with real worker processes and without probes, as
// PID 1 does in serve.
type bench struct {
	t       testing.TB
	s       *scheduler
	events  chan any
	ran     map[uint64]*wire.Ran
	order   []uint64
	watched map[*process]bool
}

func newBench(t testing.TB) *bench {
	needUring(t)
	b := &bench{t: t, events: make(chan any, 256), ran: make(map[uint64]*wire.Ran), watched: make(map[*process]bool)}
	b.s = newScheduler(selfExe, func(ev any) { b.events <- ev },
		func(m *wire.Ran) { b.ran[m.ID] = m; b.order = append(b.order, m.ID) },
		func(f string, a ...any) { t.Logf(f, a...) })
	b.s.collect = collectTasks // without the host's sysrq
	b.s.configure(nil, 1)
	b.watch()
	t.Cleanup(func() {
		b.s.shutdown()
		for len(b.s.dying) > 0 {
			b.step()
		}
	})
	return b
}

// watch waits for each worker in place of PID 1's reaper.
func (b *bench) watch() {
	for _, w := range []*process{b.s.worker, b.s.spare} {
		if w != nil && !b.watched[w] {
			b.watched[w] = true
			go func() {
				var ws unix.WaitStatus
				for {
					if _, err := unix.Wait4(w.pid, &ws, 0, nil); err != unix.EINTR {
						break
					}
				}
				b.events <- childExited{w.pid, ws}
			}()
		}
	}
}

func (b *bench) step() {
	b.t.Helper()
	d := 30 * time.Second
	if t := b.s.next(); !t.IsZero() {
		d = max(time.Until(t), 0)
	}
	select {
	case ev := <-b.events:
		b.s.handle(ev)
	case <-time.After(d):
		if b.s.next().IsZero() {
			b.t.Fatal("nothing happens any more")
		}
		b.s.tick(time.Now())
	}
	b.watch()
}

// untilStep waits until the worker is in the given step of a run, where it blocks.
func (b *bench) untilStep(tag, step uint32) {
	p := b.s.worker.ledger.pages[b.s.byTag[tag].page]
	for {
		if state, at := p.progress(tag); state == pageStarted && at == step {
			return
		}
		runtime.Gosched()
	}
}

// run submits programs at once and returns their answers.
func (b *bench) run(progs ...cases.Program) []*wire.Ran {
	b.t.Helper()
	b.ran, b.order = make(map[uint64]*wire.Ran), nil
	for i, p := range progs {
		b.s.submit(&wire.Run{ID: uint64(i + 1), Program: p, Deadline: 20 * time.Second})
	}
	for len(b.ran) < len(progs) {
		b.step()
	}
	var out []*wire.Ran
	for i := range progs {
		out = append(out, b.ran[uint64(i+1)])
	}
	return out
}

func nopProgram() cases.Program {
	return cases.Program{Rings: ring(4), Steps: []cases.Step{submit(nop(0), nop(0), nop(0)), wait(0)}}
}

// blockedProgram does not return from its step 2.
func blockedProgram() cases.Program {
	return cases.Program{Rings: []cases.Ring{{Name: "main", Entries: 2}}, Resources: []cases.Resource{{Kind: cases.ResPipe}},
		Steps: []cases.Step{submit(nop(0)), wait(1), {Kind: cases.StepTake, FD: end(1, 0), N: 1}}}
}

func endWith(kind cases.StepKind) cases.Program {
	p := nopProgram()
	p.Steps = append(p.Steps, cases.Step{Kind: kind})
	return p
}

func TestSchedulerEnds(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name string
		prog cases.Program
		end  cases.End
	}{
		{"done", nopProgram(), cases.EndDone},
		{"exit", endWith(cases.StepExit), cases.EndExited},
		{"kill", endWith(cases.StepKill), cases.EndKilled},
		{"error", cases.Program{Rings: []cases.Ring{{Entries: 0}}}, cases.EndError},
		{"done again", nopProgram(), cases.EndDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			got := b.run(c.prog)[0].Outcome
			if got.End != c.end {
				t.Fatalf("End = %s (%s), want %s", got.End, got.Error, c.end)
			}
			if c.end != cases.EndError && (len(got.CQEs) != 3 || len(got.Steps) != 2) {
				t.Errorf("%d CQEs, %d steps came back, want 3 and 2", len(got.CQEs), len(got.Steps))
			}
		})
	}
	b.t = t
}

// Programs behind one that kills its worker run all the same, each once.
func TestSchedulerManyAtOnce(t *testing.T) {
	b := newBench(t)
	var progs []cases.Program
	for i := range 40 {
		switch i % 5 {
		case 2:
			progs = append(progs, endWith(cases.StepKill))
		case 4:
			progs = append(progs, endWith(cases.StepExit))
		default:
			progs = append(progs, nopProgram())
		}
	}
	for i, r := range b.run(progs...) {
		want := []cases.End{cases.EndDone, cases.EndDone, cases.EndKilled, cases.EndDone, cases.EndExited}[i%5]
		if r.Outcome.End != want || len(r.Outcome.CQEs) != 3 {
			t.Errorf("program %d: %s (%s), %d CQEs, want %s and 3", i, r.Outcome.End, r.Outcome.Error, len(r.Outcome.CQEs), want)
		}
	}
}

func TestSchedulerTimeout(t *testing.T) {
	b := newBench(t)
	b.s.submit(&wire.Run{ID: 1, Program: blockedProgram(), Deadline: 20 * time.Second})
	b.s.submit(&wire.Run{ID: 2, Program: nopProgram(), Deadline: 20 * time.Second})
	b.untilStep(1, 2)
	b.s.byTag[1].deadline = time.Now() // its time is over
	for len(b.ran) < 2 {
		b.step()
	}
	r := b.ran[1]
	if r.Outcome.End != cases.EndTimeout || r.Fatal {
		t.Fatalf("End %s (%s), Fatal %v", r.Outcome.End, r.Outcome.Error, r.Fatal)
	}
	h := r.Outcome.Hang
	if h == nil || h.Step != 2 || len(h.Stacks) == 0 || h.FDInfo["main"] == "" {
		t.Errorf("hang report: %+v", h)
	}
	if len(r.Outcome.CQEs) != 1 || len(r.Outcome.Steps) != 2 {
		t.Errorf("what was done before the hang is missing: %d CQEs, %d steps", len(r.Outcome.CQEs), len(r.Outcome.Steps))
	}
	if b.ran[2].Outcome.End != cases.EndDone {
		t.Errorf("the program behind it: %s (%s)", b.ran[2].Outcome.End, b.ran[2].Outcome.Error)
	}
}

func TestSchedulerUnexpectedDeath(t *testing.T) {
	b := newBench(t)
	p := nopProgram()
	p.Resources = []cases.Resource{{Kind: cases.ResPipe}}
	p.Steps = append(p.Steps, cases.Step{Kind: cases.StepTake, FD: end(1, 0), N: 1})
	b.s.submit(&wire.Run{ID: 1, Program: p, Deadline: 20 * time.Second})
	b.untilStep(1, 2)
	unix.Kill(b.s.worker.pid, unix.SIGSEGV)
	for len(b.ran) < 1 {
		b.step()
	}
	o := b.ran[1].Outcome
	if o.End != cases.EndDied || !strings.Contains(o.Error, "in step 2") {
		t.Errorf("End %s: %s", o.End, o.Error)
	}
}

func TestSchedulerRefusesCoverage(t *testing.T) {
	b := newBench(t)
	b.s.submit(&wire.Run{ID: 1, Program: nopProgram(), Coverage: true})
	if o := b.ran[1].Outcome; o.End != cases.EndError || !strings.Contains(o.Error, "coverage") {
		t.Errorf("End %s: %s", o.End, o.Error)
	}
}

func TestSchedulerAbandon(t *testing.T) {
	b := newBench(t)
	for i := range 10 {
		b.s.submit(&wire.Run{ID: uint64(100 + i), Program: nopProgram(), Deadline: 20 * time.Second})
	}
	b.s.abandon()
	b.run(nopProgram())
	if fmt.Sprint(b.order) != "[1]" {
		t.Errorf("answers to runs %v, want only 1", b.order)
	}
}

func BenchmarkScheduler(bm *testing.B) {
	b := newBench(bm)
	p := cases.Program{Rings: ring(4), Steps: []cases.Step{submit(nop(0), nop(0), nop(0)), wait(0)}}
	done := 0
	b.s.send = func(*wire.Ran) { done++ }
	bm.ReportAllocs()
	bm.ResetTimer()
	sent := 0
	for done < bm.N {
		for sent < bm.N && sent-done < 16 {
			sent++
			b.s.submit(&wire.Run{ID: uint64(sent), Program: p, Deadline: 20 * time.Second})
		}
		b.step()
	}
}
