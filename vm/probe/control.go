// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/vm/noise"
)

// Slots is the number of counter slots that a [Control] has.
const Slots = 1024

// control is struct control in bpf/record.h: the one value of the mmapable
// array map that BPF programs, agent and workers share.
type control struct {
	TGID  uint32 // whose next ring is tagged; written last, 0 is nobody's
	Run   uint32
	Slot  uint32
	Ring  uint32
	Lost  uint64
	Noisy uint64
	_     [4]uint64
	Sched schedControl
	Slots [Slots]slot
}

type slot struct {
	Submitted, Completed, Freed, Gone uint64
	Noise                             noiseControl
}

// Control is a worker's side of the probes: it says which rings are traced
// and reads what they counted. The memory is shared with the BPF programs, so
// no call of a Control but [Control.Close] enters the kernel. One goroutine
// at a time may call NextRing or Disturb; the others may be called by any.
type Control struct {
	mem  []byte
	c    *control
	tgid uint32
	// noise is that of the next rings; nil is none.
	noise *noise.Plan
}

// OpenControl maps the file that [Tracer.ControlFile] returned, usually in a
// child process that inherited it. f may be closed afterwards.
func OpenControl(f *os.File) (*Control, error) {
	mem, err := mapControl(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	return &Control{mem: mem, c: controlIn(mem), tgid: uint32(os.Getpid())}, nil
}

func controlIn(mem []byte) *control { return (*control)(unsafe.Pointer(&mem[0])) }

func mapControl(fd int) ([]byte, error) {
	page := os.Getpagesize()
	size := (int(unsafe.Sizeof(control{})) + page - 1) &^ (page - 1)
	mem, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the probes' control file (fd %d, %d bytes): %w: is it Tracer.ControlFile of the same build?", fd, size, err)
	}
	return mem, nil
}

// NextRing tags the next ring that this process creates: its events carry
// run and ring, and its counters are those of slot, 0 to Slots-1, which start
// at zero. Call it right before io_uring_setup. The tag is used up by that
// ring, also if creating it fails late; a later NextRing replaces an unused
// one. Only one process may have an unused tag at any time, and a slot must
// not be reused before its ring is gone. The process is known by its PID in
// the initial PID namespace.
func (c *Control) NextRing(run uint32, ring uint8, slot int) {
	s := &c.c.Slots[slot]
	atomic.StoreUint32(&c.c.TGID, 0)
	atomic.StoreUint64(&s.Submitted, 0)
	atomic.StoreUint64(&s.Completed, 0)
	atomic.StoreUint64(&s.Freed, 0)
	atomic.StoreUint64(&s.Gone, 0)
	s.Noise.set(c.noise)
	atomic.StoreUint32(&c.c.Run, run)
	atomic.StoreUint32(&c.c.Ring, uint32(ring))
	atomic.StoreUint32(&c.c.Slot, uint32(slot))
	atomic.StoreUint32(&c.c.TGID, c.tgid)
}

// Counters returns how many requests of the slot's ring were submitted,
// completed and freed so far, and whether the ring's context was freed. Each
// request counts once in each: as completed when its final CQE was posted, or
// at the latest when it is freed, which is when CQEs that were skipped or
// overflowed count. Requests that failed at prep count as submitted.
func (c *Control) Counters(slot int) (submitted, completed, freed uint64, gone bool) {
	s := &c.c.Slots[slot]
	// Freed before completed before submitted, so that a caller never sees more ends than starts.
	freed = atomic.LoadUint64(&s.Freed)
	completed = atomic.LoadUint64(&s.Completed)
	submitted = atomic.LoadUint64(&s.Submitted)
	gone = atomic.LoadUint64(&s.Gone) != 0
	return submitted, completed, freed, gone
}

// Close unmaps the shared memory.
func (c *Control) Close() error {
	c.c = nil
	return unix.Munmap(c.mem)
}
