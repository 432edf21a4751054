// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// makeMemory lays the program's memory out in an arena: the buffers, each on
// pages of its own, then the rings of provided buffers, then the timespecs.
func (e *execution) makeMemory() error {
	size := 0
	for i := range e.prog.Buffers {
		b := &e.prog.Buffers[i]
		if b.Len() > cases.MaxBuffer {
			return fmt.Errorf("buffer %s has %d bytes, the limit is %d", b.Name, b.Len(), cases.MaxBuffer)
		}
		size += pageAlign(int(b.Len()))
	}
	e.firstSQE = make([]int, len(e.prog.Steps))
	sqes := 0
	for i := range e.prog.Steps {
		st := &e.prog.Steps[i]
		e.firstSQE[i] = sqes
		sqes += len(st.SQEs)
		if st.Kind == cases.StepRegister && st.Reg != nil && st.Reg.Op == uring.RegisterPbufRing {
			if st.Reg.Entries > cases.MaxBufRing {
				return fmt.Errorf("step %d: a buffer ring of %d entries, the limit is %d", i, st.Reg.Entries, cases.MaxBufRing)
			}
			n := pageAlign(uring.BufRingBytes(st.Reg.Entries))
			e.bufRings = append(e.bufRings, bufRing{reg: st.Reg, ring: st.Ring, from: size, to: size + n})
			size += n
		}
	}
	times := size
	size += sqes * int(unsafe.Sizeof(uring.Timespec{}))
	if size == 0 {
		return nil
	}
	var err error
	if e.mem, err = e.x.mem.take(size); err != nil {
		return err
	}
	e.buffers = make([][]byte, len(e.prog.Buffers))
	off := 0
	for i := range e.prog.Buffers {
		b := &e.prog.Buffers[i]
		n := int(b.Len())
		e.buffers[i] = e.mem.mem[off : off+n : off+n]
		b.Fill.Bytes(e.buffers[i], 0)
		off += pageAlign(n)
	}
	if sqes > 0 {
		e.times = unsafe.Slice((*uring.Timespec)(unsafe.Pointer(&e.mem.mem[times])), sqes)
	}
	return nil
}

// fillStructures writes what holds addresses and descriptors.
func (e *execution) fillStructures() {
	le := binary.NativeEndian
	for i := range e.prog.Buffers {
		b, mem := &e.prog.Buffers[i], e.buffers[i]
		put64 := func(off int, v uint64) { le.PutUint64(mem[off:], v) }
		put32 := func(off int, v uint32) { le.PutUint32(mem[off:], v) }
		switch b.Kind {
		case cases.BufText:
			copy(mem, b.Text)
		case cases.BufAddr: // struct sockaddr_un: an abstract name begins with NUL
			le.PutUint16(mem, unix.AF_UNIX)
			copy(mem[3:], b.Text)
		case cases.BufIovec:
			for j, part := range b.Parts {
				iov := e.iovec(part)
				put64(16*j, iov.Base)
				put64(16*j+8, iov.Len)
			}
		case cases.BufMsg: // struct user_msghdr
			for j, part := range b.Parts {
				iov := e.iovec(part)
				switch j {
				case 0:
					put64(16, iov.Base)
					put64(24, iov.Len/uint64(unsafe.Sizeof(uring.Iovec{})))
				case 1:
					put64(0, iov.Base)
					put32(8, uint32(iov.Len))
				case 2:
					put64(32, iov.Base)
					put64(40, iov.Len)
				}
			}
		case cases.BufTime:
			ts := uring.TimespecOf(b.Time)
			put64(0, uint64(ts.Sec))
			put64(8, uint64(ts.Nsec))
		case cases.BufEvent: // struct epoll_event is packed on x86-64
			for j, w := range b.Words[:min(2, len(b.Words))] {
				if j == 0 {
					put32(0, uint32(w))
				} else {
					put64(4, w)
				}
			}
		case cases.BufFDs:
			for j, fd := range b.FDs {
				put32(4*j, uint32(int32(e.fd(fd))))
			}
		case cases.BufHow:
			for j, w := range b.Words[:min(3, len(b.Words))] {
				put64(8*j, w)
			}
		case cases.BufWaitv: // struct futex_waitv
			for j, part := range b.Parts {
				put64(24*j, uint64(part.Len))
				put64(24*j+8, e.addr(part.Buf))
				put32(24*j+16, futexU32|futexPrivate)
			}
		}
	}
}

// FUTEX2_SIZE_U32 and FUTEX2_PRIVATE of include/uapi/linux/futex.h.
const (
	futexU32     = 2
	futexPrivate = 128
)

// iovec is a piece of memory as the kernel takes it; the zero value for none.
func (e *execution) iovec(part cases.Part) uring.Iovec {
	iov := uring.Iovec{Base: e.addr(part.Buf), Len: uint64(part.Len)}
	if r := part.Buf.Ref; part.Len == 0 && r > 0 && r <= len(e.buffers) {
		iov.Len = uint64(max(len(e.buffers[r-1])-int(part.Buf.Off), 0))
	}
	return iov
}

func (e *execution) iovecs(parts []cases.Part) []uring.Iovec {
	iovs := make([]uring.Iovec, len(parts))
	for i, p := range parts {
		iovs[i] = e.iovec(p)
	}
	return iovs
}

// usesResource tells whether an SQE names a resource, or a structure or a
// registration through which one can reach it.
func (e *execution) usesResource(ref int) bool {
	has := func(fds []cases.FD) bool {
		return slices.ContainsFunc(fds, func(fd cases.FD) bool { return fd.Ref == ref })
	}
	return slices.ContainsFunc(e.refs, func(s cases.SQERef) bool { return s.SQE.FD.Ref == ref || s.SQE.FD2.Ref == ref }) ||
		slices.ContainsFunc(e.prog.Buffers, func(b cases.Buffer) bool { return has(b.FDs) }) ||
		slices.ContainsFunc(e.prog.Steps, func(st cases.Step) bool { return st.Reg != nil && has(st.Reg.FDs) })
}

// usesBuffer is usesResource for memory.
func (e *execution) usesBuffer(ref int) bool {
	has := func(parts []cases.Part) bool {
		return slices.ContainsFunc(parts, func(p cases.Part) bool { return p.Buf.Ref == ref })
	}
	return slices.ContainsFunc(e.refs, func(s cases.SQERef) bool {
		return s.SQE.Buf.Ref == ref || s.SQE.Buf2.Ref == ref || s.SQE.Buf3.Ref == ref
	}) ||
		slices.ContainsFunc(e.prog.Buffers, func(b cases.Buffer) bool { return has(b.Parts) }) ||
		slices.ContainsFunc(e.prog.Steps, func(st cases.Step) bool { return st.Reg != nil && has(st.Reg.Bufs) })
}
