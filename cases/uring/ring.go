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
// concurrent use. A ring with SetupSingleIssuer must be used by the thread
// that made it: lock the goroutine to its thread.
//
// Its system calls are hidden from Go's scheduler, which makes them cheap and
// lets an Enter that waits keep others of its goroutine's process from running.
type Ring struct {
	fd     int
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

// unsupportedSetup are set-up flags that change how a ring is mapped or
// reached in ways that Ring does not know.
const unsupportedSetup = SetupNoMmap | SetupRegisteredFdOnly

// New creates a ring with io_uring_setup(2) and maps it. cqEntries of 0
// leaves the completion queue's size to the kernel; any other value sets
// SetupCQSize. An error wraps the errno of the call that failed.
func New(entries, cqEntries uint32, flags SetupFlags) (*Ring, error) {
	if bad := flags & unsupportedSetup; bad != 0 {
		return nil, fmt.Errorf("create ring: set-up flags %#x (NO_MMAP, REGISTERED_FD_ONLY) are not supported", uint32(bad))
	}
	r := &Ring{params: Params{Flags: flags, CQEntries: cqEntries}}
	if cqEntries != 0 {
		r.params.Flags |= SetupCQSize
	}
	fd, _, errno := unix.RawSyscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(&r.params)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("io_uring_setup with %d entries, flags %#x: %w", entries, uint32(r.params.Flags), errno)
	}
	r.fd = int(fd)
	if err := r.mapAll(); err != nil {
		r.Close()
		return nil, fmt.Errorf("map ring of %d entries, flags %#x: %w", entries, uint32(r.params.Flags), err)
	}
	return r, nil
}

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
	if p.Features&FeatSingleMmap != 0 {
		sqLen = max(sqLen, cqLen)
	} else {
		cq = &r.cqRing
	}
	if r.rings, err = mapRing(r.fd, offSQRing, sqLen); err != nil {
		return fmt.Errorf("SQ ring: %w", err)
	}
	if cq == &r.cqRing {
		if r.cqRing, err = mapRing(r.fd, offCQRing, cqLen); err != nil {
			return fmt.Errorf("CQ ring: %w", err)
		}
	}
	if r.sqes, err = mapRing(r.fd, offSQEs, uintptr(p.SQEntries)<<r.sqeShift); err != nil {
		return fmt.Errorf("SQEs: %w", err)
	}

	sq := r.rings
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

// FD is the ring's file descriptor, -1 after Close.
func (r *Ring) FD() int { return r.fd }

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

// Enter publishes the SQEs taken so far and calls io_uring_enter(2) once. It
// returns how many SQEs the kernel consumed. A timeout above 0 bounds the wait for minComplete
// CQEs and needs EnterGetEvents; when it is over the error is [unix.ETIME].
// The error is always a bare errno.
func (r *Ring) Enter(toSubmit, minComplete uint32, flags EnterFlags, timeout time.Duration) (int, error) {
	atomic.StoreUint32(r.sqTail, r.tail)
	var arg unsafe.Pointer
	var size uintptr
	if timeout > 0 && flags&EnterGetEvents != 0 {
		r.ts = TimespecOf(timeout)
		r.arg = geteventsArg{ts: uint64(uintptr(unsafe.Pointer(&r.ts)))}
		arg, size = unsafe.Pointer(&r.arg), unsafe.Sizeof(r.arg)
		flags |= enterExtArg
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(toSubmit), uintptr(minComplete),
		uintptr(flags), uintptr(arg), size)
	runtime.KeepAlive(r)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Submit hands the SQEs taken so far to the kernel with one io_uring_enter
// that waits for nothing. With SQPOLL it wakes the kernel's thread where
// needed, and every SQE counts as consumed.
func (r *Ring) Submit() (int, error) {
	n := r.tail - atomic.LoadUint32(r.sqTail)
	var flags EnterFlags
	if r.params.Flags&SetupSQPoll != 0 {
		// The flag must be read after the tail is visible to the kernel's thread.
		atomic.StoreUint32(r.sqTail, r.tail)
		if atomic.LoadUint32(r.sqFlags)&sqNeedWakeup != 0 {
			flags |= EnterSQWakeup
		}
	}
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

// Close unmaps the ring and closes its descriptor. The kernel cancels what is
// in flight and frees the ring later, on its own.
func (r *Ring) Close() error {
	if r.fd < 0 {
		return nil
	}
	err := errors.Join(r.rings.unmap(), r.cqRing.unmap(), r.sqes.unmap())
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(r.fd), 0, 0); errno != 0 {
		err = errors.Join(err, errno)
	}
	r.fd = -1
	if err != nil {
		return fmt.Errorf("close ring: %w", err)
	}
	return nil
}

// TimespecOf converts a duration.
func TimespecOf(d time.Duration) Timespec {
	return Timespec{Sec: int64(d / time.Second), Nsec: int64(d % time.Second)}
}
