// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// tagger is a worker's side of the probes, a *probe.Control.
type tagger interface {
	NextRing(run uint32, ring uint8, slot int)
	Counters(slot int) (submitted, completed, freed uint64, gone bool)
}

// An executor carries out programs in this process. It is not safe for
// concurrent use and must stay on one thread.
type executor struct {
	// tags is nil without probes.
	tags tagger
	// dirs are where files are made, by filesystem.
	dirs [2]string
	// sweepFrom, if not 0, is the first descriptor number that is none of the
	// process's own: all from there on are closed behind a program, whatever opened them.
	sweepFrom uint

	mem arenas
}

// execution is one program being carried out.
type execution struct {
	x         *executor
	job       *job
	prog      *cases.Program
	page      *page
	rings     []ringState
	resources []resource
	mem       *arena
	buffers   [][]byte
	times     []uring.Timespec // in the arena, by SQE index
	refs      []cases.SQERef
	nextSQE   int // index in program order of the next SQE to submit
}

type ringState struct {
	*uring.Ring
	slot int // -1 without probes
	// expect is the number of CQEs of consumed SQEs that do not skip theirs; reaped is how many have come.
	expect, reaped int
}

// run carries out one program and leaves nothing of it behind but what the
// kernel frees on its own. It does not return from a StepExit or StepKill.
func (x *executor) run(j *job, p *page) *report {
	e := &execution{x: x, job: j, prog: &j.Program, page: p}
	rep := &report{Tag: j.Tag}
	p.begin(j.Tag)
	if err := e.setUp(); err != nil {
		rep.Err = err.Error()
	} else {
		p.running()
		for i := range e.prog.Steps {
			p.enter(i)
			start := monotonic()
			ret, errno := e.step(i, &e.prog.Steps[i])
			p.result(ret, errno, monotonic()-start)
		}
		p.enter(len(e.prog.Steps))
		e.sweepCQEs()
		p.end()
		rep.Data = e.contents()
	}
	e.tearDown()
	return rep
}

func (e *execution) setUp() error {
	if n := len(e.prog.Steps); n > maxSteps {
		return fmt.Errorf("the program has %d steps, the agent takes at most %d", n, maxSteps)
	}
	if n := len(e.prog.Rings); n > maxRings {
		return fmt.Errorf("the program has %d rings, the agent takes at most %d", n, maxRings)
	}
	e.refs = e.prog.SQEs()
	if err := e.makeBuffers(); err != nil {
		return err
	}
	if err := e.makeResources(); err != nil {
		return err
	}
	e.rings = make([]ringState, 0, len(e.prog.Rings))
	for i, spec := range e.prog.Rings {
		slot := -1
		if e.x.tags != nil && i < len(e.job.Slots) {
			slot = e.job.Slots[i]
			e.x.tags.NextRing(e.job.Tag, uint8(i), slot)
		}
		r, err := uring.New(spec.Entries, spec.CQEntries, spec.Flags)
		if err != nil {
			return fmt.Errorf("ring %s: %w", spec.Name, err)
		}
		e.rings = append(e.rings, ringState{Ring: r, slot: slot})
		e.page.madeRing(r.FD())
	}
	return nil
}

// errnoOf is the error number in err, EIO for an error that has none.
func errnoOf(err error) int32 {
	var n unix.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &n):
		return int32(n)
	}
	return int32(unix.EIO)
}

func (e *execution) step(i int, st *cases.Step) (int64, int32) {
	switch st.Kind {
	case cases.StepSubmit, cases.StepWait, cases.StepCloseRing, cases.StepCancel:
		if st.Ring < 0 || st.Ring >= len(e.rings) || e.rings[st.Ring].FD() < 0 {
			return -1, int32(unix.EBADF)
		}
	}
	switch st.Kind {
	case cases.StepSubmit:
		return e.submit(&e.rings[st.Ring], st)
	case cases.StepWait:
		return e.wait(i, st)
	case cases.StepFeed:
		return result(unix.Write(e.fd(st.FD), e.feedBytes(st)))
	case cases.StepTake:
		return result(unix.Read(e.fd(st.FD), make([]byte, e.takeSize(st))))
	case cases.StepCloseFD:
		return result(0, e.closeFD(st.FD))
	case cases.StepCloseRing:
		return result(0, e.rings[st.Ring].Close())
	case cases.StepCancel:
		var target uint64
		if st.Target > 0 {
			target = cases.UserData(st.Target - 1)
		}
		return result(e.rings[st.Ring].SyncCancel(target, int32(e.fd(st.FD)), st.CancelFlags, e.scaled(st.Timeout)))
	case cases.StepExit:
		unix.Exit(0)
	case cases.StepKill:
		unix.Kill(unix.Getpid(), unix.SIGKILL)
		select {} // the signal may come to another thread first
	}
	return -1, int32(unix.ENOSYS)
}

func result(n int, err error) (int64, int32) {
	if err != nil {
		return -1, errnoOf(err)
	}
	return int64(n), 0
}

func (e *execution) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * e.job.Scale)
}

// submit fills the step's SQEs in and enters the kernel once. SQEs that the
// kernel did not consume are withdrawn.
func (e *execution) submit(r *ringState, st *cases.Step) (int64, int32) {
	first := e.nextSQE
	e.nextSQE += len(st.SQEs)
	for i := range st.SQEs {
		sqe := r.Next()
		for sqe == nil && r.Params().Flags&uring.SetupSQPoll != 0 {
			// The kernel's thread is still busy with an earlier submission. The
			// wait also ends for task work, so there may still be no room.
			if err := r.WaitSpace(); err != nil && err != unix.EINTR {
				return -1, errnoOf(err)
			}
			sqe = r.Next()
		}
		if sqe == nil {
			r.Withdraw()
			return -1, int32(unix.ENOSPC)
		}
		e.fill(sqe, &st.SQEs[i], first+i)
	}
	n, err := r.Submit()
	r.Withdraw()
	for i := range n {
		if st.SQEs[i].Flags&uring.CQESkipSuccess == 0 {
			r.expect++
		}
	}
	return result(n, err)
}

func (e *execution) fill(sqe *uring.SQE, s *cases.SQE, index int) {
	*sqe = uring.SQE{
		Opcode: s.Op, Flags: s.Flags, IOPrio: s.IOPrio,
		FD: int32(e.fd(s.FD)), Off: s.Off, Addr: e.addr(s.Buf),
		Len: s.Len, OpFlags: s.OpFlags,
		UserData: cases.UserData(index), BufIndex: s.BufIndex,
	}
	switch {
	case s.Target > 0:
		sqe.Addr = cases.UserData(s.Target - 1)
	case (s.Op == uring.OpTimeout || s.Op == uring.OpLinkTimeout) && s.Buf.Ref == 0:
		e.times[index] = uring.TimespecOf(s.Timeout)
		sqe.Addr = addressOf(&e.times[index])
		if s.Len == 0 {
			sqe.Len = 1 // one timespec: the only number that the kernel takes
		}
	}
	if s.HasInject {
		sqe.OpFlags |= uring.NopInjectResult
		sqe.Len = uint32(s.Inject)
	}
}

// reap takes up to limit CQEs and returns how many there were.
func (e *execution) reap(ring, step, limit int) int {
	r := &e.rings[ring]
	for n := range limit {
		c, ok := r.Reap()
		if !ok {
			return n
		}
		e.page.reaped(ring, step, c)
		r.reaped++
	}
	return limit
}

// Waiting for everything cannot rely on CQEs alone, since skipped ones wake
// nobody: it looks again after these times.
const (
	firstLook = time.Millisecond
	lastLook  = 8 * time.Millisecond
	// settleLooks bounds how often it looks for CQEs of requests that have
	// completed but are not freed: their CQEs may be about to be published.
	settleLooks = 3
)

func (e *execution) wait(step int, st *cases.Step) (int64, int32) {
	r := &e.rings[st.Ring]
	bound := st.Timeout
	if bound == 0 {
		bound = cases.DefaultWait
	}
	deadline := monotonic() + int64(e.scaled(bound))
	got, look, settle := 0, firstLook, 0
	for {
		want := maxCQEs
		if st.N > 0 {
			want = st.N - got
		}
		n := e.reap(st.Ring, step, want)
		got += n
		if st.N > 0 && got >= st.N {
			return int64(got), 0
		}
		if n > 0 {
			look = firstLook
		}
		if r.Overflowed() && n > 0 {
			if _, err := r.Enter(0, 0, uring.EnterGetEvents, 0); err != nil && err != unix.EINTR {
				return int64(got), errnoOf(err)
			}
			continue
		}
		if st.N == 0 {
			done, sure := r.quiet(e.x.tags)
			if done && (sure || settle == settleLooks) {
				return int64(got), 0
			}
			if done {
				settle++
			}
		}
		left := time.Duration(deadline - monotonic())
		if left <= 0 {
			return int64(got), int32(unix.ETIME)
		}
		missing := 1
		if st.N > 0 {
			missing = st.N - got
		} else {
			left = min(left, look)
			look = min(2*look, lastLook)
		}
		switch _, err := r.Enter(0, uint32(missing), uring.EnterGetEvents, left); err {
		case nil, unix.ETIME, unix.EINTR:
		default:
			return int64(got), errnoOf(err)
		}
	}
}

// quiet tells whether all that was submitted on the ring has completed and
// been reaped. It is sure if no CQE can still be on its way.
func (r *ringState) quiet(tags tagger) (done, sure bool) {
	if r.Ready() > 0 || r.Overflowed() || r.Queued() > 0 {
		return false, false
	}
	if tags == nil || r.slot < 0 {
		done = r.reaped >= r.expect
		return done, done
	}
	submitted, completed, freed, _ := tags.Counters(r.slot)
	return submitted == completed, submitted == freed || r.reaped >= r.expect
}

// sweepCQEs reaps what is left on the rings that are still open, without waiting for more.
func (e *execution) sweepCQEs() {
	for i := range e.rings {
		r := &e.rings[i]
		if r.FD() < 0 {
			continue
		}
		if r.NeedsEnter() {
			// Room first: the overflow list moves only into free entries.
			e.reap(i, len(e.prog.Steps), maxCQEs)
			r.Enter(0, 0, uring.EnterGetEvents, 0)
		}
		for e.reap(i, len(e.prog.Steps), maxCQEs) > 0 && r.Overflowed() {
			r.Enter(0, 0, uring.EnterGetEvents, 0)
		}
	}
}

// tearDown closes all that is open. The order is the program's: rings first,
// so that a request waiting on a pipe is cancelled and does not see the pipe close.
func (e *execution) tearDown() {
	clean := true
	for i := range e.rings {
		r := &e.rings[i]
		if done, _ := r.finished(e.x.tags); !done {
			clean = false
		}
		r.Close()
	}
	for i := range e.resources {
		e.resources[i].closeAll()
	}
	if e.x.sweepFrom > 0 {
		unix.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(e.x.sweepFrom), uintptr(^uint32(0)), 0)
	}
	e.x.mem.release(e.mem, clean)
}

// finished is quiet for a ring that may be closed already: then nobody knows.
func (r *ringState) finished(tags tagger) (done, sure bool) {
	if r.FD() < 0 {
		return false, false
	}
	return r.quiet(tags)
}
