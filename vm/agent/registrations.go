// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// bufRing is a ring of provided buffers that a step registers.
type bufRing struct {
	*uring.BufRing // nil until it is registered
	reg            *cases.Registration
	ring           int
	from, to       int // its place in the arena
}

// Unmap releases what the registration mapped.
func (b *bufRing) Unmap() {
	if b.BufRing != nil {
		b.BufRing.Unmap()
	}
}

// register carries out a StepRegister.
func (e *execution) register(r *ringState, st *cases.Step) (int, error) {
	reg := st.Reg
	if reg == nil {
		return 0, unix.EINVAL
	}
	switch reg.Op {
	case uring.RegisterFiles:
		return r.RegisterFiles(e.numbers(reg.FDs))
	case uring.RegisterFilesUpdate:
		return r.UpdateFiles(reg.From, e.numbers(reg.FDs))
	case uring.RegisterFileAllocRange:
		return r.AllocateFilesFrom(reg.From, reg.Entries)
	case uring.RegisterBuffers:
		return r.RegisterBuffers(e.iovecs(reg.Bufs))
	case uring.RegisterBuffersUpdate:
		return r.UpdateBuffers(reg.From, e.iovecs(reg.Bufs))
	case uring.RegisterCloneBuffers:
		return r.CloneBuffers(e.fd(cases.FD{Ring: reg.Source}))
	case uring.RegisterEventFD, uring.RegisterEventFDAsync:
		if len(reg.FDs) != 1 {
			return 0, unix.EINVAL
		}
		return r.RegisterEventFD(int32(e.fd(reg.FDs[0])), reg.Op == uring.RegisterEventFDAsync)
	case uring.RegisterIOWQMaxWorkers:
		return r.LimitWorkers(reg.Counts[0], reg.Counts[1])
	case uring.RegisterIOWQAff:
		return r.PinWorkers(uint64(reg.Counts[0]))
	case uring.UnregisterPersonality:
		return r.Register(reg.Op, nil, reg.From)
	case uring.RegisterRingFDs:
		return r.RegisterRingFD()
	case uring.UnregisterRingFDs:
		return r.UnregisterRingFD()
	case uring.RegisterPbufRing:
		return 0, e.registerBufRing(r, reg)
	case uring.UnregisterPbufRing:
		return r.UnregisterBufRing(reg.Group)
	}
	var arg unsafe.Pointer
	if len(reg.Bufs) > 0 {
		if i := reg.Bufs[0].Buf; i.Ref > 0 && i.Ref <= len(e.buffers) && int(i.Off) < len(e.buffers[i.Ref-1]) {
			arg = unsafe.Pointer(&e.buffers[i.Ref-1][i.Off])
		}
	}
	return r.Register(reg.Op, arg, reg.Entries)
}

// numbers are the descriptors as the kernel takes them.
func (e *execution) numbers(fds []cases.FD) []int32 {
	out := make([]int32, len(fds))
	for i, fd := range fds {
		out[i] = int32(e.fd(fd))
	}
	return out
}

// registerBufRing registers a ring of buffers and gives it all its buffers.
func (e *execution) registerBufRing(r *ringState, reg *cases.Registration) error {
	for i := range e.bufRings {
		b := &e.bufRings[i]
		if b.reg != reg {
			continue
		}
		ring, err := r.RegisterBufRing(e.mem.mem[b.from:b.to], reg.Entries, reg.Group, reg.Flags)
		if err != nil {
			return err
		}
		b.BufRing = ring
		for bid := range e.prog.BufRingCount(reg) {
			e.addBuffer(b, bid)
		}
		return nil
	}
	return unix.EINVAL
}

func (e *execution) addBuffer(b *bufRing, bid int) {
	mem := e.iovec(b.reg.Bufs[0])
	b.Add(mem.Base+uint64(bid)*uint64(b.reg.Size), b.reg.Size, uint16(bid))
}

// refill carries out a StepRefill, on the group's last registration.
func (e *execution) refill(st *cases.Step) error {
	for i := len(e.bufRings) - 1; i >= 0; i-- {
		b := &e.bufRings[i]
		if st.Reg == nil || b.BufRing == nil || b.ring != st.Ring || b.reg.Group != st.Reg.Group {
			continue
		}
		if int(st.Reg.From) >= e.prog.BufRingCount(b.reg) {
			return unix.EINVAL
		}
		e.addBuffer(b, int(st.Reg.From))
		return nil
	}
	return unix.ENOENT
}
