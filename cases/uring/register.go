// SPDX-License-Identifier: Apache-2.0

package uring

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported asks the kernel by IORING_REGISTER_PROBE which opcodes it knows,
// in ascending order.
func (r *Ring) Supported() ([]Op, error) {
	reg := new(probeReg)
	if _, err := r.register(RegisterProbe, unsafe.Pointer(reg), uint32(len(reg.ops))); err != nil {
		return nil, fmt.Errorf("ask for the supported opcodes (IORING_REGISTER_PROBE): %w", err)
	}
	var ops []Op
	for _, o := range reg.ops[:reg.opsLen] {
		if o.flags&opSupported != 0 {
			ops = append(ops, Op(o.op))
		}
	}
	return ops, nil
}

// SyncCancel is IORING_REGISTER_SYNC_CANCEL: it cancels requests by
// user_data, descriptor or opcode as the flags say, and waits for them, for at most timeout where that is
// above 0. It returns how many were cancelled; the error is a bare errno,
// ENOENT when nothing matched.
func (r *Ring) SyncCancel(userData uint64, fd int32, op Op, flags uint32, timeout time.Duration) (int, error) {
	reg := syncCancelReg{addr: userData, fd: fd, opcode: uint8(op), flags: flags, timeout: Timespec{-1, -1}}
	if timeout > 0 {
		reg.timeout = TimespecOf(timeout)
	}
	return r.register(RegisterSyncCancel, unsafe.Pointer(&reg), 1)
}

// Register is io_uring_register(2) as it is. The error is a bare errno.
func (r *Ring) Register(op RegisterOp, arg unsafe.Pointer, n uint32) (int, error) {
	return r.register(op, arg, n)
}

func (r *Ring) register(op RegisterOp, arg unsafe.Pointer, n uint32) (int, error) {
	fd := r.fd.Load()
	if i := r.index.Load(); i >= 0 {
		fd = i
		op |= registerUseRegisteredFD
	}
	ret, errno := r.call(unix.SYS_IO_URING_REGISTER, uintptr(fd), uintptr(op), uintptr(arg), uintptr(n), 0, 0)
	runtime.KeepAlive(arg)
	if errno != 0 {
		return 0, errno
	}
	return int(ret), nil
}

func first[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// RegisterFiles is IORING_REGISTER_FILES; -1 leaves a slot empty.
func (r *Ring) RegisterFiles(fds []int32) (int, error) {
	return r.register(RegisterFiles, first(fds), uint32(len(fds)))
}

// UpdateFiles is IORING_REGISTER_FILES_UPDATE from the given slot on. It
// returns how many slots were updated.
func (r *Ring) UpdateFiles(from uint32, fds []int32) (int, error) {
	up := rsrcUpdate{offset: from, data: uint64(uintptr(first(fds)))}
	defer runtime.KeepAlive(fds)
	return r.register(RegisterFilesUpdate, unsafe.Pointer(&up), uint32(len(fds)))
}

// RegisterBuffers is IORING_REGISTER_BUFFERS; the zero Iovec leaves a slot empty.
func (r *Ring) RegisterBuffers(iovs []Iovec) (int, error) {
	return r.register(RegisterBuffers, first(iovs), uint32(len(iovs)))
}

// UpdateBuffers is IORING_REGISTER_BUFFERS_UPDATE from the given slot on.
func (r *Ring) UpdateBuffers(from uint32, iovs []Iovec) (int, error) {
	up := rsrcUpdate2{offset: from, data: uint64(uintptr(first(iovs))), nr: uint32(len(iovs))}
	defer runtime.KeepAlive(iovs)
	return r.register(RegisterBuffersUpdate, unsafe.Pointer(&up), uint32(unsafe.Sizeof(up)))
}

// CloneBuffers is IORING_REGISTER_CLONE_BUFFERS from the ring with descriptor src.
func (r *Ring) CloneBuffers(src int) (int, error) {
	arg := cloneBuffers{srcFD: uint32(int32(src))}
	return r.register(RegisterCloneBuffers, unsafe.Pointer(&arg), 1)
}

// RegisterEventFD is IORING_REGISTER_EVENTFD, or ..._ASYNC.
func (r *Ring) RegisterEventFD(fd int32, async bool) (int, error) {
	op := RegisterEventFD
	if async {
		op = RegisterEventFDAsync
	}
	return r.register(op, unsafe.Pointer(&fd), 1)
}

// LimitWorkers is IORING_REGISTER_IOWQ_MAX_WORKERS; 0 keeps a limit.
func (r *Ring) LimitWorkers(bounded, unbounded uint32) (int, error) {
	limits := [2]uint32{bounded, unbounded}
	return r.register(RegisterIOWQMaxWorkers, unsafe.Pointer(&limits), 2)
}

// PinWorkers is IORING_REGISTER_IOWQ_AFF to the CPUs in mask.
func (r *Ring) PinWorkers(mask uint64) (int, error) {
	return r.register(RegisterIOWQAff, unsafe.Pointer(&mask), uint32(unsafe.Sizeof(mask)))
}

// AllocateFilesFrom is IORING_REGISTER_FILE_ALLOC_RANGE.
func (r *Ring) AllocateFilesFrom(from, n uint32) (int, error) {
	arg := fileIndexRange{off: from, len: n}
	return r.register(RegisterFileAllocRange, unsafe.Pointer(&arg), 0)
}

// RegisterRingFD is IORING_REGISTER_RING_FDS: from now on the ring is entered
// by its index among the registered rings of the calling thread, which no other thread knows.
func (r *Ring) RegisterRingFD() (int, error) {
	arg := rsrcUpdate{offset: ^uint32(0), data: uint64(r.fd.Load())}
	n, err := r.register(RegisterRingFDs, unsafe.Pointer(&arg), 1)
	if err == nil && n == 1 {
		// It is registered once: another place would hold the ring open until its thread ends.
		if old := r.index.Load(); old >= 0 && uint32(old) != arg.offset {
			r.UnregisterRingFD()
		}
		r.index.Store(int32(arg.offset))
	}
	return n, err
}

// UnregisterRingFD is IORING_UNREGISTER_RING_FDS for what RegisterRingFD or
// SetupRegisteredFdOnly registered. Without a descriptor the ring cannot be reached any more.
func (r *Ring) UnregisterRingFD() (int, error) {
	arg := rsrcUpdate{offset: uint32(r.index.Load())}
	n, err := r.register(UnregisterRingFDs, unsafe.Pointer(&arg), 1)
	if err == nil && n == 1 {
		r.index.Store(-1)
	}
	return n, err
}

// A BufRing is a ring of provided buffers (IORING_REGISTER_PBUF_RING).
type BufRing struct {
	bufs []buf
	own  mapping // with IOU_PBUF_RING_MMAP
	tail uint16
}

// BufRingBytes is the memory that a buffer ring of so many entries takes.
func BufRingBytes(entries uint32) int { return int(entries) * int(unsafe.Sizeof(buf{})) }

// RegisterBufRing registers an empty ring of buffers. mem is page-aligned,
// never moves, and has BufRingBytes(entries) bytes; with IOU_PBUF_RING_MMAP in flags it is not used.
func (r *Ring) RegisterBufRing(mem []byte, entries uint32, group uint16, flags uint32) (*BufRing, error) {
	reg := bufReg{ringEntries: entries, bgid: group, flags: uint16(flags)}
	b := &BufRing{}
	if flags&pbufRingMmap == 0 {
		clear(mem)
		reg.ringAddr = uint64(uintptr(first(mem)))
		b.bufs = unsafe.Slice((*buf)(first(mem)), entries)
	}
	if _, err := r.register(RegisterPbufRing, unsafe.Pointer(&reg), 1); err != nil {
		return nil, err
	}
	if flags&pbufRingMmap != 0 {
		m, err := mapRing(int(r.fd.Load()), offPbufRing|int64(group)<<offPbufShift, uintptr(BufRingBytes(entries)))
		if err != nil {
			return nil, err
		}
		b.own, b.bufs = m, unsafe.Slice((*buf)(m.ptr), entries)
	}
	return b, nil
}

// Add gives a buffer to the kernel.
func (b *BufRing) Add(addr uint64, length uint32, bid uint16) {
	e := &b.bufs[int(b.tail)&(len(b.bufs)-1)]
	e.addr, e.len, e.bid = addr, length, bid
	b.tail++
	// The kernel reads the tail with acquire semantics; its 16 bits share a
	// word with the first buffer's ID.
	word := (*uint32)(unsafe.Pointer(&b.bufs[0].bid))
	atomic.StoreUint32(word, uint32(b.bufs[0].bid)|uint32(b.tail)<<16)
}

// Unmap releases memory that the kernel provided for the ring.
func (b *BufRing) Unmap() error { return b.own.unmap() }

// UnregisterBufRing is IORING_UNREGISTER_PBUF_RING.
func (r *Ring) UnregisterBufRing(group uint16) (int, error) {
	reg := bufReg{bgid: group}
	return r.register(UnregisterPbufRing, unsafe.Pointer(&reg), 1)
}
