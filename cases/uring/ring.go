// SPDX-License-Identifier: Apache-2.0

package uring

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is one io_uring instance, mapped into this process. It is not safe for
// concurrent use, but for Enter, Register and what builds on them, which touch no
// memory of the ring. A ring with SetupSingleIssuer must be used by the thread that made
// or enabled it: lock the goroutine to its thread.
//
// Its system calls are hidden from Go's scheduler, which makes them cheap and
// lets an Enter that waits keep others of its goroutine's process from running. [Ring.Share] changes that.
type Ring struct {
	fd     atomic.Int32 // -1 without one
	index  atomic.Int32 // as a registered ring, -1 if it is none
	gone   atomic.Bool
	shared bool
	params Params

	rings, cqRing, sqes mapping // cqRing is empty with FeatSingleMmap

	sqHead, sqTail, sqFlags *uint32
	sqArray                 unsafe.Pointer // nil with SetupNoSQArray
	sqMask, sqEntries       uint32
	sqeShift                uint // log2 of the size of an SQE
	tail                    uint32

	cqHead, cqTail *uint32
	cqes           unsafe.Pointer
	cqMask         uint32
	cqeShift       uint

	wait waitArg // of an Enter, unless shared
}

// waitArg is what an Enter that waits points to.
type waitArg struct {
	arg geteventsArg
	ts  Timespec
}

type mapping struct {
	ptr unsafe.Pointer
	len uintptr
}

func mapRing(fd int, off int64, length uintptr) (mapping, error) {
	m := mapping{len: length}
	addr, _, errno := unix.RawSyscall6(unix.SYS_MMAP, 0, length, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_POPULATE, uintptr(fd), uintptr(off))
	if errno != 0 {
		return mapping{}, errno
	}
	*(*uintptr)(unsafe.Pointer(&m.ptr)) = addr // memory that Go's collector does not know
	return m, nil
}

func (m *mapping) unmap() error {
	if m.ptr == nil {
		return nil
	}
	_, _, errno := unix.RawSyscall(unix.SYS_MUNMAP, uintptr(m.ptr), m.len, 0)
	*m = mapping{}
	if errno != 0 {
		return errno
	}
	return nil
}

func (m mapping) u32(off uint32) *uint32 { return (*uint32)(unsafe.Add(m.ptr, off)) }

// mapAnonymous provides memory for a ring with SetupNoMmap.
func mapAnonymous(length uintptr) (mapping, error) {
	m := mapping{len: length}
	addr, _, errno := unix.RawSyscall6(unix.SYS_MMAP, 0, length, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE, ^uintptr(0), 0)
	if errno != 0 {
		return mapping{}, errno
	}
	*(*uintptr)(unsafe.Pointer(&m.ptr)) = addr
	return m, nil
}

// Config is what a ring is made from.
type Config struct {
	Entries uint32
	// CQEntries of 0 leaves the completion queue's size to the kernel; any
	// other value sets SetupCQSize.
	CQEntries uint32
	Flags     SetupFlags
	Idle      time.Duration // sq_thread_idle, in whole milliseconds
	CPU       uint32        // sq_thread_cpu
	AttachFD  int           // wq_fd, with SetupAttachWq
}

// New creates a ring with io_uring_setup(2) and maps it; see [Config.New].
func New(entries, cqEntries uint32, flags SetupFlags) (*Ring, error) {
	return Config{Entries: entries, CQEntries: cqEntries, Flags: flags}.New()
}

// New creates a ring with io_uring_setup(2) and maps it. With SetupNoMmap it
// lives in memory of this process. An error wraps the errno of the call that failed.
func (c Config) New() (*Ring, error) {
	r := &Ring{params: Params{Flags: c.Flags, CQEntries: c.CQEntries, SQThreadCPU: c.CPU,
		SQThreadIdle: uint32(c.Idle / time.Millisecond)}}
	r.fd.Store(-1)
	r.index.Store(-1)
	if c.CQEntries != 0 {
		r.params.Flags |= SetupCQSize
	}
	if c.Flags&SetupAttachWq != 0 {
		r.params.WqFD = uint32(int32(c.AttachFD))
	}
	if c.Flags&SetupNoMmap != 0 {
		if err := r.provideMemory(c.Entries); err != nil {
			return nil, fmt.Errorf("memory for a ring of %d entries: %w", c.Entries, err)
		}
	}
	fd, _, errno := unix.RawSyscall(unix.SYS_IO_URING_SETUP, uintptr(c.Entries), uintptr(unsafe.Pointer(&r.params)), 0)
	if errno != 0 {
		r.unmap()
		return nil, fmt.Errorf("io_uring_setup with %d entries, flags %#x: %w", c.Entries, uint32(r.params.Flags), errno)
	}
	if c.Flags&SetupRegisteredFdOnly != 0 {
		r.index.Store(int32(fd))
	} else {
		r.fd.Store(int32(fd))
	}
	if err := r.mapAll(); err != nil {
		r.Close()
		return nil, fmt.Errorf("map ring of %d entries, flags %#x: %w", c.Entries, uint32(r.params.Flags), err)
	}
	return r, nil
}

// ringsHeader is more than the kernel's struct io_rings has ahead of the CQEs.
const ringsHeader = 1024

// provideMemory sets SQOff.UserAddr and CQOff.UserAddr. The kernel uses as
// much from there on as the queues need.
func (r *Ring) provideMemory(entries uint32) (err error) {
	p := &r.params
	cqEntries := uintptr(max(p.CQEntries, 2*entries))
	if r.rings, err = mapAnonymous(ringsHeader + cqEntries*32 + uintptr(entries)*4); err != nil {
		return err
	}
	if r.sqes, err = mapAnonymous(uintptr(entries) * 128); err != nil {
		r.unmap()
		return err
	}
	p.CQOff.UserAddr = uint64(uintptr(r.rings.ptr))
	p.SQOff.UserAddr = uint64(uintptr(r.sqes.ptr))
	return nil
}

// Share makes system calls known to Go's scheduler, and lets several
// goroutines call Enter at once. It must be called before there are several.
func (r *Ring) Share() { r.shared = true }

func (r *Ring) mapAll() (err error) {
	p := &r.params
	r.sqeShift, r.cqeShift = 6, 4
	if p.Flags&SetupSQE128 != 0 {
		r.sqeShift++
	}
	if p.Flags&SetupCQE32 != 0 {
		r.cqeShift++
	}
	sqLen := uintptr(p.SQOff.Array) + 4*uintptr(p.SQEntries)
	if p.Flags&SetupNoSQArray != 0 {
		sqLen = uintptr(max(p.SQOff.Head, p.SQOff.Tail, p.SQOff.RingMask, p.SQOff.RingEntries, p.SQOff.Flags, p.SQOff.Dropped)) + 4
	}
	cqLen := uintptr(p.CQOff.CQEs) + uintptr(p.CQEntries)<<r.cqeShift

	cq := &r.rings
	if p.Flags&SetupNoMmap != 0 {
		return r.findQueues(r.rings, r.rings)
	}
	if p.Features&FeatSingleMmap != 0 {
		sqLen = max(sqLen, cqLen)
	} else {
		cq = &r.cqRing
	}
	if r.rings, err = mapRing(int(r.fd.Load()), offSQRing, sqLen); err != nil {
		return fmt.Errorf("SQ ring: %w", err)
	}
	if cq == &r.cqRing {
		if r.cqRing, err = mapRing(int(r.fd.Load()), offCQRing, cqLen); err != nil {
			return fmt.Errorf("CQ ring: %w", err)
		}
	}
	if r.sqes, err = mapRing(int(r.fd.Load()), offSQEs, uintptr(p.SQEntries)<<r.sqeShift); err != nil {
		return fmt.Errorf("SQEs: %w", err)
	}
	return r.findQueues(r.rings, *cq)
}

// findQueues looks up where the kernel has put what.
func (r *Ring) findQueues(sq, cq mapping) error {
	p := &r.params
	r.sqHead, r.sqTail, r.sqFlags = sq.u32(p.SQOff.Head), sq.u32(p.SQOff.Tail), sq.u32(p.SQOff.Flags)
	r.sqMask, r.sqEntries = *sq.u32(p.SQOff.RingMask), *sq.u32(p.SQOff.RingEntries)
	if p.Flags&SetupNoSQArray == 0 {
		r.sqArray = unsafe.Add(sq.ptr, p.SQOff.Array)
	}
	r.cqHead, r.cqTail = cq.u32(p.CQOff.Head), cq.u32(p.CQOff.Tail)
	r.cqMask = *cq.u32(p.CQOff.RingMask)
	r.cqes = unsafe.Add(cq.ptr, p.CQOff.CQEs)
	return nil
}

// FD is the ring's file descriptor, -1 after Close and with SetupRegisteredFdOnly.
func (r *Ring) FD() int { return int(r.fd.Load()) }

// Closed tells whether Close was called.
func (r *Ring) Closed() bool { return r.gone.Load() }

// Params is what io_uring_setup returned.
func (r *Ring) Params() Params { return r.params }

// Space is the number of SQEs that [Ring.Next] can still give out.
func (r *Ring) Space() int {
	return int(r.sqEntries) - r.Queued()
}

// Queued is the number of SQEs that the kernel has not consumed yet.
func (r *Ring) Queued() int { return int(r.tail - atomic.LoadUint32(r.sqHead)) }

// Next returns the next free SQE, zeroed, or nil when the queue is full. The
// kernel sees it at the next [Ring.Enter]; the pointer is good until then.
func (r *Ring) Next() *SQE {
	if r.Space() <= 0 {
		return nil
	}
	i := r.tail & r.sqMask
	r.tail++
	p := unsafe.Add(r.sqes.ptr, uintptr(i)<<r.sqeShift)
	if r.sqeShift > 6 {
		clear(unsafe.Slice((*byte)(p), 1<<r.sqeShift))
	}
	sqe := (*SQE)(p)
	*sqe = SQE{}
	if r.sqArray != nil {
		*(*uint32)(unsafe.Add(r.sqArray, uintptr(i)*4)) = i
	}
	return sqe
}

// Publish shows the SQEs taken so far to the kernel and returns their number
// and what an [Ring.Enter] for them needs besides: with SQPOLL, to wake the kernel's thread.
func (r *Ring) Publish() (n uint32, flags EnterFlags) {
	n = r.tail - atomic.LoadUint32(r.sqTail)
	atomic.StoreUint32(r.sqTail, r.tail)
	// The flag must be read after the tail is visible to the kernel's thread.
	if r.params.Flags&SetupSQPoll != 0 && atomic.LoadUint32(r.sqFlags)&sqNeedWakeup != 0 {
		flags = EnterSQWakeup
	}
	return n, flags
}

// Enter calls io_uring_enter(2) once. It returns how many SQEs the kernel
// consumed. A timeout above 0 bounds the wait for minComplete CQEs and needs
// EnterGetEvents; when it is over the error is [unix.ETIME]. The error is always a bare errno.
func (r *Ring) Enter(toSubmit, minComplete uint32, flags EnterFlags, timeout time.Duration) (int, error) {
	return r.EnterMin(toSubmit, minComplete, flags, timeout, 0)
}

// EnterMin is Enter with a min_wait_usec: when that time is over one CQE is
// enough. It needs a timeout above 0.
func (r *Ring) EnterMin(toSubmit, minComplete uint32, flags EnterFlags, timeout, minWait time.Duration) (int, error) {
	var arg unsafe.Pointer
	var size uintptr
	var w *waitArg
	if timeout > 0 && flags&EnterGetEvents != 0 {
		if w = &r.wait; r.shared {
			w = new(waitArg)
		}
		w.ts = TimespecOf(timeout)
		w.arg = geteventsArg{ts: uint64(uintptr(unsafe.Pointer(&w.ts))), minWait: uint32(minWait / time.Microsecond)}
		arg, size = unsafe.Pointer(&w.arg), unsafe.Sizeof(w.arg)
		flags |= enterExtArg
	}
	fd := r.fd.Load()
	if i := r.index.Load(); i >= 0 {
		fd = i
		flags |= enterRegisteredRing
	}
	n, errno := r.call(unix.SYS_IO_URING_ENTER, uintptr(fd), uintptr(toSubmit), uintptr(minComplete), uintptr(flags), uintptr(arg), size)
	runtime.KeepAlive(w)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// call makes a system call, known to the scheduler if the ring is shared.
func (r *Ring) call(trap, a1, a2, a3, a4, a5, a6 uintptr) (uintptr, unix.Errno) {
	if r.shared {
		n, _, errno := unix.Syscall6(trap, a1, a2, a3, a4, a5, a6)
		return n, errno
	}
	n, _, errno := unix.RawSyscall6(trap, a1, a2, a3, a4, a5, a6)
	return n, errno
}

// Submit hands the SQEs taken so far to the kernel with one io_uring_enter
// that waits for nothing. With SQPOLL it wakes the kernel's thread where
// needed, and every SQE counts as consumed.
func (r *Ring) Submit() (int, error) {
	n, flags := r.Publish()
	return r.Enter(n, 0, flags, 0)
}

// WaitSpace blocks until the kernel's SQPOLL thread has freed at least one
// SQE, or until a signal or task work comes: look again. It is an error without SQPOLL.
func (r *Ring) WaitSpace() error {
	_, err := r.Enter(0, 0, EnterSQWait|EnterSQWakeup, 0)
	return err
}

// Withdraw takes back the SQEs that the kernel did not consume, and returns
// their number. It does nothing with SQPOLL, where the kernel's thread may
// still come for them.
func (r *Ring) Withdraw() int {
	if r.params.Flags&SetupSQPoll != 0 {
		return 0
	}
	head := atomic.LoadUint32(r.sqHead)
	n := int(r.tail - head)
	r.tail = head
	atomic.StoreUint32(r.sqTail, head)
	return n
}

// Ready is the number of CQEs that can be reaped without a system call.
func (r *Ring) Ready() int { return int(atomic.LoadUint32(r.cqTail) - *r.cqHead) }

// Reap takes one CQE; ok is false when there is none. It makes no system call.
func (r *Ring) Reap() (cqe CQE, ok bool) {
	head := *r.cqHead
	if head == atomic.LoadUint32(r.cqTail) {
		return CQE{}, false
	}
	cqe = *(*CQE)(unsafe.Add(r.cqes, uintptr(head&r.cqMask)<<r.cqeShift))
	atomic.StoreUint32(r.cqHead, head+1)
	return cqe, true
}

// Overflowed reports whether CQEs wait in the kernel's overflow list; an
// Enter with EnterGetEvents moves them once there is room.
func (r *Ring) Overflowed() bool { return atomic.LoadUint32(r.sqFlags)&sqCQOverflow != 0 }

// NeedsEnter reports whether completions may be hidden in the kernel until
// this thread enters it: an overflow list, task work that was flagged, or a
// ring that defers its task work or polls for completions.
func (r *Ring) NeedsEnter() bool {
	return r.params.Flags&(SetupDeferTaskrun|SetupIOPoll) != 0 ||
		atomic.LoadUint32(r.sqFlags)&(sqCQOverflow|sqTaskrun) != 0
}

// Close unmaps the ring and closes its descriptor, or its place among the
// registered rings of the calling thread. The kernel cancels what is in flight and
// frees the ring later, on its own. Enter fails with EBADF from then on.
func (r *Ring) Close() error {
	if r.gone.Swap(true) {
		return nil
	}
	err := r.unmap()
	if i := r.index.Load(); i >= 0 {
		if _, uerr := r.UnregisterRingFD(); uerr != nil {
			err = errors.Join(err, uerr)
		}
	}
	if fd := r.fd.Swap(-1); fd >= 0 {
		if _, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0); errno != 0 {
			err = errors.Join(err, errno)
		}
	}
	if err != nil {
		return fmt.Errorf("close ring: %w", err)
	}
	return nil
}

func (r *Ring) unmap() error {
	return errors.Join(r.rings.unmap(), r.cqRing.unmap(), r.sqes.unmap())
}

// TimespecOf converts a duration.
func TimespecOf(d time.Duration) Timespec {
	return Timespec{Sec: int64(d / time.Second), Nsec: int64(d % time.Second)}
}
