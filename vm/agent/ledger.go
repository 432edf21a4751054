// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// A ledger is memory shared by a worker and PID 1. The worker enters what it
// does as it does it; PID 1 reads it when the program has ended in whatever
// way. It has two pages, so that a worker can go on with the next program
// while PID 1 still reads the last one's.
type ledger struct {
	mem   []byte
	pages [ledgerPages]*page
}

const (
	ledgerPages = 2
	maxSteps    = 4096
	maxCQEs     = 1 << 16
	maxRings    = 256 // a probe record has 8 bits for the ring
)

// States of a page.
const (
	pageIdle uint32 = iota
	pageStarted
	pageEnded
)

// Values of page.step that are no step.
const (
	stepSetUp = ^uint32(0) // rings and resources are being made
)

// A page holds the progress of one program. Counts are stored after what they count.
type page struct {
	tag       uint32
	state     uint32
	step      uint32
	steps     uint32
	cqes      uint32
	rings     uint32 // created so far
	truncated uint32 // there was no room for a CQE
	arrived   uint32 // the tag again, once an exec has succeeded
	began     int64  // CLOCK_MONOTONIC, ns
	ended     int64
	ringFD    [maxRings]int32
	step_     [maxSteps]stepEntry
	cqe       [maxCQEs]cqeEntry
}

type stepEntry struct {
	ret, took int64
	errno     int32
	returned  int32
}

type cqeEntry struct {
	ring, step uint32
	cqe        uring.CQE
}

const ledgerSize = ledgerPages * int(unsafe.Sizeof(page{}))

// newLedger makes a ledger and the descriptor by which a worker maps it.
func newLedger() (*ledger, int, error) {
	fd, err := unix.MemfdCreate("ledger", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, -1, fmt.Errorf("create a worker's ledger: %w", err)
	}
	if err := unix.Ftruncate(fd, int64(ledgerSize)); err != nil {
		unix.Close(fd)
		return nil, -1, fmt.Errorf("size a worker's ledger: %w", err)
	}
	l, err := mapLedger(fd)
	if err != nil {
		unix.Close(fd)
		return nil, -1, err
	}
	return l, fd, nil
}

func mapLedger(fd int) (*ledger, error) {
	mem, err := unix.Mmap(fd, 0, ledgerSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map a worker's ledger: %w", err)
	}
	l := &ledger{mem: mem}
	for i := range l.pages {
		l.pages[i] = (*page)(unsafe.Pointer(&mem[i*int(unsafe.Sizeof(page{}))]))
	}
	return l, nil
}

// close unmaps the ledger.
func (l *ledger) close() error { return unix.Munmap(l.mem) }

// monotonic is CLOCK_MONOTONIC in ns, the clock that both sides and the probes use.
// It is read through Go's clock, which makes no system call, and may be off
// by the time between the two readings at the process's start.
func monotonic() int64 { return clockBase + int64(time.Since(clockStart)) }

var (
	clockStart = time.Now()
	clockBase  = func() int64 {
		var ts unix.Timespec
		unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
		return ts.Nano()
	}()
)

// The worker's side.

func (p *page) begin(tag uint32, steps int) {
	atomic.StoreUint32(&p.state, pageIdle)
	p.tag = tag
	p.steps, p.cqes, p.rings, p.truncated, p.arrived = 0, 0, 0, 0, 0
	clear(p.step_[:min(steps, maxSteps)])
	p.step = stepSetUp
	p.began = monotonic()
	p.ended = 0
	atomic.StoreUint32(&p.state, pageStarted)
}

func (p *page) madeRing(fd int) {
	n := atomic.LoadUint32(&p.rings)
	p.ringFD[n] = int32(fd)
	atomic.StoreUint32(&p.rings, n+1)
}

// running says that all is set up and the first step comes.
func (p *page) running() { p.began = monotonic() }

func (p *page) enter(step int) { atomic.StoreUint32(&p.step, uint32(step)) }

// result notes what a step returned. Threads may note different steps at once.
func (p *page) result(step int, ret int64, errno int32, took int64) {
	e := &p.step_[step]
	e.ret, e.errno, e.took = ret, errno, took
	atomic.StoreInt32(&e.returned, 1)
	for {
		n := atomic.LoadUint32(&p.steps)
		if uint32(step) < n || atomic.CompareAndSwapUint32(&p.steps, n, uint32(step)+1) {
			return
		}
	}
}

func (p *page) hasReturned(step int) bool { return atomic.LoadInt32(&p.step_[step].returned) != 0 }

func (p *page) reaped(ring, step int, c uring.CQE) {
	n := p.cqes
	if n == maxCQEs {
		p.truncated = 1
		return
	}
	p.cqe[n] = cqeEntry{uint32(ring), uint32(step), c}
	atomic.StoreUint32(&p.cqes, n+1)
}

func (p *page) end() {
	p.ended = monotonic()
	atomic.StoreUint32(&p.state, pageEnded)
}

// PID 1's side. The worker may be alive and the kernel under it broken, so
// every count is checked before it is used.

// progress reads how far the program with the given tag has come.
func (p *page) progress(tag uint32) (state uint32, step uint32) {
	state = atomic.LoadUint32(&p.state)
	if p.tag != tag {
		return pageIdle, stepSetUp
	}
	return state, atomic.LoadUint32(&p.step)
}

// execed tells whether the program has executed itself anew.
func (p *page) execed(tag uint32) bool { return p.tag == tag && atomic.LoadUint32(&p.arrived) == tag }

// created is the number of rings made so far and their descriptors in the worker.
func (p *page) created(tag uint32) []int32 {
	if p.tag != tag {
		return nil
	}
	return p.ringFD[:min(atomic.LoadUint32(&p.rings), maxRings)]
}

// harvest copies the page into an outcome. CQEs come out ring by ring.
func (p *page) harvest(tag uint32, o *cases.Outcome) {
	if p.tag != tag {
		return
	}
	steps := p.step_[:min(atomic.LoadUint32(&p.steps), maxSteps)]
	o.Steps = make([]cases.StepResult, len(steps))
	for i, s := range steps {
		if atomic.LoadInt32(&steps[i].returned) == 0 {
			o.Steps[i].Pending = true
			continue
		}
		o.Steps[i] = cases.StepResult{Ret: s.ret, Errno: s.errno, Took: time.Duration(s.took)}
	}
	cqes := p.cqe[:min(atomic.LoadUint32(&p.cqes), maxCQEs)]
	o.CQEs = make([]cases.CQE, 0, len(cqes))
	rings := len(p.created(tag))
	for r := range rings {
		for _, c := range cqes {
			if int(c.ring) == r {
				o.CQEs = append(o.CQEs, cases.CQE{Ring: r, UserData: c.cqe.UserData, Res: c.cqe.Res, Flags: c.cqe.Flags, Step: int(c.step)})
			}
		}
	}
	end := p.ended
	if end == 0 {
		end = monotonic()
	}
	o.Took = time.Duration(end - p.began)
	if p.truncated != 0 {
		o.End, o.Error = cases.EndError, fmt.Sprintf("the program reaped more than %d CQEs: make it smaller", maxCQEs)
	}
}
