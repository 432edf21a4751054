// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/noise"
)

// tagger is a worker's side of the probes, a *probe.Control.
type tagger interface {
	NextRing(run uint32, ring uint8, slot int)
	Counters(slot int) (submitted, completed, freed uint64, gone bool)
	Disturb(*noise.Plan)
	Scheduler() bool
}

// An executor carries out programs in this process. It is not safe for
// concurrent use and must stay on one thread.
type executor struct {
	// tags is nil without probes.
	tags tagger
	// coverage is nil without KCOV.
	coverage *coverage
	// dirs are where files are made, by filesystem.
	dirs [2]string
	// sweepFrom, if not 0, is the first descriptor number that is none of the
	// process's own: all from there on are closed behind a program, whatever opened them.
	sweepFrom uint

	mem arenas
	// made counts directories and devices, for their names.
	made int
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
	firstSQE  []int // by step: index in program order of its first SQE
	bufRings  []bufRing
	main      thread
	threads   map[string]*thread // the others that are there, by name
	several   bool               // the program has more threads than the first
	din       din
	cover     *coverage // nil unless the program is covered
	coverErr  error

	ledgerMu sync.Mutex // guards page against several threads
}

type ringState struct {
	*uring.Ring
	slot int // -1 without probes
	// Threads that submit exclude each other by sq for the whole submission;
	// mem guards the ring's memory, and is never held in a system call.
	sq, mem sync.Mutex
	// expect is the number of CQEs of consumed SQEs that do not skip theirs; reaped is how many have come.
	expect, reaped int
	done           bool // all of it had completed when it was closed
}

// run carries out one program and leaves nothing of it behind but what the
// kernel frees on its own. It does not return from a step that ends the process.
func (x *executor) run(j *job, p *page) *report {
	e := &execution{x: x, job: j, prog: &j.Program, page: p}
	rep := &report{Tag: j.Tag}
	p.begin(j.Tag, len(e.prog.Steps))
	e.din = din{plan: noise.For(j.Noise, e.prog), cpus: runtime.NumCPU(), ext: x.tags != nil && x.tags.Scheduler()}
	threads := len(e.prog.Threads())
	if threads > 0 {
		e.several, e.threads = true, make(map[string]*thread)
	}
	if n := threads + e.din.threads(); n > 0 {
		// Each thread may be in a system call of which the scheduler does not know at once.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n + 2))
	}
	err := e.coverBegin()
	if err == nil {
		err = e.din.begin()
	}
	if err == nil {
		err = e.setUp()
	}
	if err != nil {
		rep.Err = err.Error()
	} else {
		p.running()
		e.carryOut()
		p.enter(len(e.prog.Steps))
		e.sweepCQEs()
		p.end()
		rep.Data = e.contents()
	}
	e.tearDown()
	if err := e.din.end(); err != nil && rep.Err == "" {
		rep.Err = "end the noise: " + err.Error()
	}
	rep.Coverage, rep.Last, err = e.coverEnd()
	if err = errors.Join(err, e.coverErr); err != nil && rep.Err == "" {
		rep.Err = err.Error()
	}
	for i := range e.rings {
		rep.Last = rep.Last || e.heldOpen(i)
	}
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
	if e.x.tags != nil {
		e.x.tags.Disturb(e.din.plan)
	}
	if err := e.makeMemory(); err != nil {
		return err
	}
	if err := e.makeResources(); err != nil {
		return err
	}
	e.rings = make([]ringState, len(e.prog.Rings))
	for i := range e.rings {
		if err := e.makeRing(i); err != nil {
			e.rings = e.rings[:i]
			return err
		}
	}
	e.fillStructures() // last, since they name descriptors
	return nil
}

func (e *execution) makeRing(i int) error {
	spec, r := &e.prog.Rings[i], &e.rings[i]
	r.slot = -1
	if e.x.tags != nil && i < len(e.job.Slots) {
		r.slot = e.job.Slots[i]
		e.x.tags.NextRing(e.job.Tag, uint8(i), r.slot)
	}
	config := uring.Config{Entries: spec.Entries, CQEntries: spec.CQEntries, Flags: spec.Flags, Idle: spec.Idle, CPU: spec.CPU}
	if spec.Attach > 0 && spec.Attach <= i {
		config.Flags |= uring.SetupAttachWq
		config.AttachFD = e.rings[spec.Attach-1].FD()
	}
	var err error
	if r.Ring, err = config.New(); err != nil {
		return fmt.Errorf("ring %s: %w", spec.Name, err)
	}
	if e.several {
		r.Share()
	}
	e.page.madeRing(r.FD())
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

// step carries out one step in the calling thread, which is t.
func (e *execution) step(i int, st *cases.Step, t *thread) (int64, int32) {
	switch st.Kind {
	case cases.StepSubmit, cases.StepWait, cases.StepCloseRing, cases.StepCancel, cases.StepRegister, cases.StepRefill:
		if st.Ring < 0 || st.Ring >= len(e.rings) || e.rings[st.Ring].Closed() {
			return -1, int32(unix.EBADF)
		}
	}
	switch st.Kind {
	case cases.StepSubmit:
		return e.submit(i, st)
	case cases.StepWait:
		return e.wait(i, st)
	case cases.StepFeed:
		return result(unix.Write(e.fd(st.FD), e.feedBytes(st)))
	case cases.StepTake:
		return result(unix.Read(e.fd(st.FD), make([]byte, e.takeSize(st))))
	case cases.StepCloseFD:
		return result(0, e.closeFD(st.FD))
	case cases.StepCloseRing:
		r := &e.rings[st.Ring]
		r.mem.Lock()
		defer r.mem.Unlock()
		return result(0, r.Close())
	case cases.StepCancel:
		var target uint64
		if st.Target > 0 {
			target = cases.UserData(st.Target - 1)
		}
		return result(e.rings[st.Ring].SyncCancel(target, int32(e.fd(st.FD)), st.CancelOp, st.CancelFlags, e.patience(st.Timeout)))
	case cases.StepRegister:
		return result(e.register(&e.rings[st.Ring], st))
	case cases.StepRefill:
		return result(0, e.refill(st))
	case cases.StepJoin:
		e.settle(e.thread(st.Join))
		return 0, 0
	case cases.StepUID:
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(st.N), uintptr(st.N), uintptr(st.N))
		return errnoResult(errno)
	case cases.StepExit:
		unix.Exit(0)
	case cases.StepKill:
		if st.FD.Ref > 0 {
			return result(0, unix.PidfdSendSignal(e.fd(st.FD), unix.SIGKILL, nil, 0))
		}
		unix.Kill(unix.Getpid(), unix.SIGKILL)
		select {} // the signal may come to another thread first
	case cases.StepExec:
		return e.exec()
	}
	return -1, int32(unix.ENOSYS)
}

func errnoResult(errno unix.Errno) (int64, int32) {
	if errno != 0 {
		return -1, int32(errno)
	}
	return 0, 0
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
func (e *execution) submit(step int, st *cases.Step) (int64, int32) {
	r := &e.rings[st.Ring]
	r.sq.Lock()
	defer r.sq.Unlock()
	r.mem.Lock()
	defer r.mem.Unlock()
	for i := range st.SQEs {
		sqe := r.Next()
		for sqe == nil && r.Params().Flags&uring.SetupSQPoll != 0 {
			// The kernel's thread is still busy with an earlier submission. The
			// wait also ends for task work, so there may still be no room.
			r.mem.Unlock()
			err := r.WaitSpace()
			r.mem.Lock()
			if err != nil && err != unix.EINTR || r.Closed() {
				return -1, errnoOf(err)
			}
			sqe = r.Next()
		}
		if sqe == nil {
			r.Withdraw()
			return -1, int32(unix.ENOSPC)
		}
		e.fill(sqe, &st.SQEs[i], e.firstSQE[step]+i)
	}
	n, flags := r.Publish()
	var bound time.Duration
	if st.N > 0 {
		flags |= uring.EnterGetEvents
		bound = e.bound(st)
	}
	// SQPOLL's thread takes what is published whether or not the call succeeds.
	taken := 0
	if r.Params().Flags&uring.SetupSQPoll != 0 {
		taken = len(st.SQEs)
		r.consumed(st, taken)
	}
	r.mem.Unlock()
	done, err := r.Enter(n, uint32(st.N), flags, bound)
	r.mem.Lock()
	if r.Closed() {
		return result(done, err)
	}
	r.Withdraw()
	if taken == 0 {
		r.consumed(st, done)
	}
	return result(done, err)
}

// consumed notes that the kernel took the first n SQEs of a step.
func (r *ringState) consumed(st *cases.Step, n int) {
	for i := range min(n, len(st.SQEs)) {
		if st.SQEs[i].Flags&uring.CQESkipSuccess == 0 {
			r.expect++
		}
	}
}

// bound is how long a step may wait.
func (e *execution) bound(st *cases.Step) time.Duration {
	if st.Timeout == 0 {
		return e.patience(cases.DefaultWait)
	}
	return e.patience(st.Timeout)
}

// patience is a bound on a wait, with room for what the noise may delay; 0 is no bound.
func (e *execution) patience(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	return e.scaled(d) + e.din.bound()
}

// fill writes an SQE as it stands, but for what only the process knows: addresses and descriptors.
func (e *execution) fill(sqe *uring.SQE, s *cases.SQE, index int) {
	*sqe = uring.SQE{
		Opcode: s.Op, Flags: s.Flags, IOPrio: s.IOPrio,
		FD: int32(e.fd(s.FD)), Off: s.Off, Addr: s.Addr + e.addr(s.Buf),
		Len: s.Len, OpFlags: s.OpFlags,
		UserData: cases.UserData(index), BufIndex: s.BufIndex,
		Personality: s.Personality, SpliceFDIn: int32(s.FileIndex),
		Addr3: s.Addr3 + e.addr(s.Buf3), Pad2: s.Pad2,
	}
	switch {
	case s.Target > 0:
		sqe.Addr = cases.UserData(s.Target - 1)
	case (s.Op == uring.OpTimeout || s.Op == uring.OpLinkTimeout) && s.Buf.Ref == 0 && s.Addr == 0:
		e.times[index] = uring.TimespecOf(s.Timeout)
		sqe.Addr = addressOf(&e.times[index])
		if s.Len == 0 {
			sqe.Len = 1 // one timespec: the only number that the kernel takes
		}
	case (s.Op == uring.OpBind || s.Op == uring.OpConnect) && s.Off == 0 && s.Buf.Ref > 0 && s.Buf.Ref <= len(e.buffers):
		sqe.Off = uint64(len(e.buffers[s.Buf.Ref-1]))
	}
	if s.Buf2.Ref > 0 {
		sqe.Off = e.addr(s.Buf2)
	}
	if s.FD2 != (cases.FD{}) {
		fd := e.fd(s.FD2)
		switch splice, off, length := cases.SecondFD(s.Op); {
		case splice:
			sqe.SpliceFDIn = int32(fd)
		case off:
			sqe.Off = uint64(uint32(fd))
		case length:
			sqe.Len = uint32(fd)
		}
	}
	if s.HasInject {
		sqe.OpFlags |= uring.NopInjectResult
		sqe.Len = uint32(s.Inject)
	}
}

// quiet tells whether all that was submitted on the ring has completed and
// been reaped. It is sure if no CQE can still be on its way.
func (r *ringState) quiet(tags tagger) (done, sure bool) {
	if tags == nil || r.slot < 0 {
		done = r.reaped >= r.expect
		sure = done
	} else {
		submitted, completed, freed, _ := tags.Counters(r.slot)
		done, sure = submitted == completed, submitted == freed || r.reaped >= r.expect
	}
	// Last, since what was freed by then has published its CQE.
	if r.Ready() > 0 || r.Overflowed() || r.Queued() > 0 {
		return false, false
	}
	return done, sure
}

// sweepCQEs reaps what is left on the rings that are still open, without waiting for more.
func (e *execution) sweepCQEs() {
	for i := range e.rings {
		r := &e.rings[i]
		r.mem.Lock()
		if !r.Closed() {
			e.sweepRing(i, r)
		}
		r.mem.Unlock()
	}
}

func (e *execution) sweepRing(i int, r *ringState) {
	if r.NeedsEnter() {
		// Room first: the overflow list moves only into free entries.
		e.reap(i, len(e.prog.Steps), maxCQEs)
		r.Enter(0, 0, uring.EnterGetEvents, 0)
	}
	for e.reap(i, len(e.prog.Steps), maxCQEs) > 0 && r.Overflowed() {
		r.Enter(0, 0, uring.EnterGetEvents, 0)
	}
}

// tearDown closes all that is open. The order is the program's: rings first,
// so that a request waiting on a pipe is cancelled and does not see the pipe close.
func (e *execution) tearDown() {
	clean := true
	for i := range e.rings {
		r := &e.rings[i]
		if r.done, _ = r.finished(e.x.tags); !r.done {
			clean = false
		}
		r.Close()
	}
	e.dropThreads()
	for i := range e.bufRings {
		e.bufRings[i].Unmap()
	}
	for i := range e.resources {
		e.resources[i].closeAll()
	}
	if e.x.sweepFrom > 0 {
		unix.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(e.x.sweepFrom), uintptr(^uint32(0)), 0)
	}
	for i := range e.resources {
		e.resources[i].remove()
	}
	e.x.mem.release(e.mem, clean)
}

// finished is quiet for a ring that may be closed already: then nobody knows.
func (r *ringState) finished(tags tagger) (done, sure bool) {
	if r.Closed() {
		return false, false
	}
	return r.quiet(tags)
}
