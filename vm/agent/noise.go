// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/noise"
)

// din is the worker's part of the noise of one execution: a [noise.Plan]
// being carried out. Without a plan it does nothing.
type din struct {
	plan *noise.Plan
	// cpus is how many CPUs the guest has, ext whether it has the noise scheduler.
	cpus int
	ext  bool

	over   atomic.Bool // rivals shall end
	rivals sync.WaitGroup
	// workers are the limits of io-wq to go back to, nil if they were left alone.
	workers *[2]uint32
}

// begin makes the calling thread, the program's first, and the process ready. It must come before
// the program's rings, whose kernel threads inherit what the thread is.
func (d *din) begin() error {
	if d.plan == nil {
		return nil
	}
	if err := d.disturbWorkers(); err != nil {
		return err
	}
	if err := d.unsettle(0); err != nil {
		return err
	}
	started := make(chan error, len(d.plan.Rivals))
	for _, r := range d.plan.Rivals {
		d.rivals.Add(1)
		go d.rival(r, started)
	}
	var failed error
	for range d.plan.Rivals {
		if err := <-started; err != nil {
			failed = err
		}
	}
	return failed
}

// end makes the calling thread and the process what they were. It must come
// after the program's last step.
func (d *din) end() error {
	if d.plan == nil {
		return nil
	}
	d.over.Store(true)
	d.rivals.Wait()
	err := d.schedule(0, noise.Thread{CPU: noise.AnyCPU})
	if err == nil && d.workers != nil {
		err = iowq(d.workers, noise.AnyCPU)
	}
	if t := d.plan.Threads[0]; err == nil && (t.Class != noise.Other || t.Nice != 0) {
		err = calmWorkers()
	}
	return err
}

// bound is by how much the noise may delay what a step waits for.
func (d *din) bound() time.Duration { return d.plan.Bound() }

// threads is how many threads of its own the noise has.
func (d *din) threads() int {
	if d.plan == nil {
		return 0
	}
	return len(d.plan.Rivals)
}

// unsettle makes the calling thread run as the plan has it for the program's
// thread with that index, the first being 0.
func (d *din) unsettle(thread int) error {
	if d.plan == nil || thread >= len(d.plan.Threads) {
		return nil
	}
	return d.schedule(unix.Gettid(), d.plan.Threads[thread])
}

// pause lets the time pass that the plan has before a step.
func (d *din) pause(step int) {
	if d.plan == nil || step >= len(d.plan.Steps) {
		return
	}
	p := d.plan.Steps[step]
	for range p.Yields {
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
	if p.Spin > 0 {
		for until := monotonic() + int64(p.Spin); monotonic() < until; {
		}
	}
	if p.Sleep > 0 {
		rest(p.Sleep)
	}
}

// rest sleeps in a call that untilBlocked does not take for the step's own.
func rest(t time.Duration) {
	ts := unix.NsecToTimespec(int64(t))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// rival keeps a CPU busy by turns, in a thread that ends with it.
func (d *din) rival(r noise.Rival, started chan<- error) {
	defer d.rivals.Done()
	runtime.LockOSThread()
	name := append([]byte("noise"), 0) // for hang reports
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
	err := d.schedule(unix.Gettid(), noise.Thread{CPU: r.CPU, Class: r.Class})
	started <- err
	if err != nil {
		return
	}
	for range r.Turns {
		for until := monotonic() + int64(r.Busy); monotonic() < until && !d.over.Load(); {
		}
		if d.over.Load() {
			return
		}
		rest(r.Rest)
	}
}

// disk is by how much a null_blk device of the program completes requests late.
func (d *din) disk(p *cases.Program, spec *cases.Resource) time.Duration {
	if d.plan != nil {
		for i := range p.Resources {
			if &p.Resources[i] == spec && i < len(d.plan.Disks) {
				return d.plan.Disks[i]
			}
		}
	}
	return 0
}

// disturbWorkers sets the limits of the calling thread's io-wq.
func (d *din) disturbWorkers() error {
	w := d.plan.Workers
	if w.Bounded == 0 {
		return nil
	}
	limits := [2]uint32{uint32(w.Bounded), 0}
	if err := iowq(&limits, d.cpu(w.CPU)); err != nil {
		return err
	}
	d.workers = &limits
	return nil
}

func (d *din) cpu(n int) int {
	if n == noise.AnyCPU {
		return n
	}
	return n % max(d.cpus, 1)
}

// iowq limits the workers of the calling thread's io-wq, and pins them to a
// CPU or, for [noise.AnyCPU], to none. Limits of 0 stay as they are; in their place it
// returns what they were. It does so by a ring of its own: they belong to the thread and outlive any ring.
func iowq(limits *[2]uint32, cpu int) error {
	// A thread's first ring limits its workers to the number of its entries.
	r, err := uring.New(64, 0, 0)
	if err != nil {
		return fmt.Errorf("disturb io-wq: make a ring for it: %w", err)
	}
	defer r.Close()
	if _, err := r.Register(uring.RegisterIOWQMaxWorkers, unsafe.Pointer(limits), 2); err != nil {
		return fmt.Errorf("disturb io-wq: limit its workers to %d: %w", limits[0], err)
	}
	if cpu == noise.AnyCPU {
		_, err = r.Register(uring.UnregisterIOWQAff, nil, 0)
	} else {
		_, err = r.PinWorkers(1 << cpu)
	}
	if err != nil {
		return fmt.Errorf("disturb io-wq: pin its workers (CPU %d): %w", cpu, err)
	}
	return nil
}

// schedExt is SCHED_EXT of linux/sched.h.
const schedExt = 7

// schedule makes a thread, the calling one for 0, run as t says.
func (d *din) schedule(tid int, t noise.Thread) error {
	if err := setClass(tid, t, d.ext); err != nil {
		return err
	}
	var set unix.CPUSet
	for i := range d.cpus {
		if t.CPU == noise.AnyCPU || i == d.cpu(t.CPU) {
			set.Set(i)
		}
	}
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("run a thread on CPU %d: %w", t.CPU, err)
	}
	return nil
}

// setClass makes a thread's class and nice value those of t.
func setClass(tid int, t noise.Thread, ext bool) error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Nice: int32(t.Nice)}
	switch {
	case t.Class == noise.Batch:
		attr.Policy = unix.SCHED_BATCH
	case t.Class == noise.Idle:
		attr.Policy = unix.SCHED_IDLE
	case t.Class == noise.Ext && ext:
		attr.Policy = schedExt
	}
	if err := unix.SchedSetAttr(tid, &attr, 0); err != nil {
		return fmt.Errorf("make a thread run as class %s, nice %d: %w", t.Class, t.Nice, err)
	}
	return nil
}

// calmWorkers makes the workers of io-wq that the process still has ordinary
// threads: they inherited their class from the thread that the noise was for, and outlive the program.
func calmWorkers() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("find the workers of io-wq: %w", err)
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil || tid == unix.Getpid() {
			continue
		}
		err = setClass(tid, noise.Thread{}, false)
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}
