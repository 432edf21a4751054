// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
)

// A thread of a program's process. The first one, which made everything, is
// the worker's own and carries its steps out by itself; the others are given theirs.
type thread struct {
	tid  int
	work chan int      // steps to carry out; nil for the first thread
	done chan struct{} // one for each step carried out
	// busy is set while a step has not been waited for; last is that step.
	busy bool
	last int
	// begun is set once the thread is at work on its last step.
	begun atomic.Bool
	// fault is 1 plus the step that arms a fault for the next one.
	fault int
	// failNth is this thread's /proc file of that name, 0 if it was not opened.
	failNth int
}

// carryOut does the program's steps. It runs in the first thread, and is the
// only one that touches the threads' fields but for fault and failNth.
func (e *execution) carryOut() {
	for i := range e.prog.Steps {
		st := &e.prog.Steps[i]
		t := e.thread(st.Thread)
		if t == nil {
			t = e.startThread(st.Thread)
		}
		e.settle(t)
		e.page.enter(i)
		switch {
		case st.Kind == cases.StepExitThread:
			e.endThread(i, st.Thread, t)
		case t == &e.main:
			e.carry(i, t)
		default:
			t.busy, t.last = true, i
			t.begun.Store(false)
			t.work <- i
			if st.Background {
				e.untilBlocked(i, t)
			} else {
				e.settle(t)
			}
		}
	}
	for _, t := range e.threads {
		e.settle(t)
	}
}

// thread is the thread with a name; nil if it is not there.
func (e *execution) thread(name string) *thread {
	if name == "" {
		return &e.main
	}
	return e.threads[name]
}

// settle waits until a thread is done with its last step.
func (e *execution) settle(t *thread) {
	if t == nil || !t.busy {
		return
	}
	e.page.enter(t.last)
	<-t.done
	t.busy = false
}

// untilBlocked returns when a thread has returned from a step in the
// background or sleeps in it, so that what comes next comes after. Nothing tells
// when another thread goes to sleep, so it looks, for a bounded time.
func (e *execution) untilBlocked(step int, t *thread) {
	path := fmt.Sprintf("/proc/self/task/%d/syscall", t.tid)
	deadline := monotonic() + int64(e.scaled(blockBound))
	for !e.page.hasReturned(step) && monotonic() < deadline {
		if t.begun.Load() {
			// The call's number if it sleeps in one. Go's own threads sleep in futex(2).
			b, err := os.ReadFile(path)
			call, _, _ := strings.Cut(string(b), " ")
			if n, bad := strconv.Atoi(call); err == nil && bad == nil && n >= 0 && n != unix.SYS_FUTEX && n != unix.SYS_NANOSLEEP {
				return
			}
		}
		runtime.Gosched()
	}
}

// blockBound is how long a step in the background is given to block or return
// before the next one begins all the same.
const blockBound = 500 * time.Millisecond

// carry does one step in the thread t, the calling one, and notes its result.
func (e *execution) carry(i int, t *thread) {
	st := &e.prog.Steps[i]
	if st.Kind == cases.StepFault {
		t.fault = i + 1
		e.page.result(i, 0, 0, 0) // what it is if nothing follows
		return
	}
	e.din.pause(i)
	armed := 0
	if t.fault > 0 {
		armed, t.fault = t.fault, 0
		if errno := t.arm(&e.prog.Steps[armed-1]); errno != 0 {
			e.page.result(armed-1, -1, errno, 0)
			armed = 0
		}
	}
	start := monotonic()
	ret, errno := e.step(i, st, t)
	took := monotonic() - start
	if armed > 0 {
		e.page.result(armed-1, t.disarm(), 0, 0)
	}
	e.page.result(i, ret, errno, took)
}

func (e *execution) startThread(name string) *thread {
	t := &thread{work: make(chan int), done: make(chan struct{}, 1)}
	e.threads[name] = t
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		t.tid = unix.Gettid()
		comm := append([]byte(name), 0) // for hang reports
		unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&comm[0])), 0, 0, 0)
		number := slices.Index(e.prog.Threads(), name)
		e.din.unsettle(1 + number) // as well as it can
		e.coverThread(number)
		t.done <- struct{}{}
		for i := range t.work {
			t.begun.Store(true)
			e.carry(i, t)
			t.done <- struct{}{}
		}
		if t.failNth > 0 {
			unix.Close(t.failNth)
		}
	}()
	<-t.done
	return t
}

// endThread is StepExitThread: it returns when the thread is gone.
func (e *execution) endThread(step int, name string, t *thread) {
	start := monotonic()
	t.end()
	delete(e.threads, name)
	e.page.result(step, 0, 0, monotonic()-start)
}

// dropThreads ends the threads that are left.
func (e *execution) dropThreads() {
	for name, t := range e.threads {
		t.end()
		delete(e.threads, name)
	}
	if e.main.failNth > 0 {
		unix.Close(e.main.failNth)
	}
}

// end lets the thread leave the kernel and waits for that. Nothing tells when
// a thread of one's own is gone, so it asks.
func (t *thread) end() {
	close(t.work)
	pid := unix.Getpid()
	for unix.Tgkill(pid, t.tid, 0) == nil {
		time.Sleep(50 * time.Microsecond)
	}
}

// exec is StepExec: the worker's binary again, which reports that it has
// arrived and exits (see arrivedMain). The descriptors that PID 1 gave stay open.
func (e *execution) exec() (int64, int32) {
	argv, err := syscall.SlicePtrFromStrings(arrivedArgs(e.job.Tag, e.job.Page))
	if err != nil {
		return -1, errnoOf(err)
	}
	envv, err := syscall.SlicePtrFromStrings([]string{workerEnv})
	if err != nil {
		return -1, errnoOf(err)
	}
	path, _ := unix.BytePtrFromString("/proc/self/exe")
	_, _, errno := unix.Syscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envv[0])))
	return errnoResult(errno)
}
