// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// sqe makes an operation, without the flags that say how it is queued.
func (w *work) sqe() cases.SQE {
	return pick(w.Mutator, []weighted[func(*work) cases.SQE]{
		{34, (*work).nop},
		{14 * w.lean.fail, (*work).failing},
		{24 * w.lean.wait, func(w *work) cases.SQE { q, _ := w.waiting(); return q }},
		{10, (*work).readFile},
		{5, (*work).write},
		{4, (*work).ending},
		{1, (*work).linkTimeout},
		{3, (*work).fixed},
		{7, (*work).rare},
	})(w)
}

func (w *work) nop() cases.SQE { return cases.SQE{Op: uring.OpNop} }

// result is what a NOP is made to complete with.
func (w *work) result() int32 {
	return any1(w.Mutator, -int32(unix.EIO), -int32(unix.EIO), -int32(unix.EAGAIN), -int32(unix.ECANCELED), 0, 1, -int32(unix.EINVAL))
}

// failing makes a request that is rejected, or fails when it runs.
func (w *work) failing() cases.SQE {
	return pick(w.Mutator, []weighted[func() cases.SQE]{
		{40, func() cases.SQE { return cases.SQE{Op: uring.OpNop, HasInject: true, Inject: w.result()} }},
		{25, func() cases.SQE { return cases.SQE{Op: 99} }},
		{10, func() cases.SQE { return cases.SQE{Op: uring.OpNop, OpFlags: 0x80} }}, // no such NOP flag
		{8, func() cases.SQE { // nobody can read there
			return cases.SQE{Op: uring.OpRead, FD: cases.FD{HasRaw: true, Raw: -1}, Buf: w.buffer(), Len: 16}
		}},
		{8, func() cases.SQE { // short, which is a failure within a link
			return cases.SQE{Op: uring.OpRead, FD: cases.FD{Ref: w.resource(cases.ResFile)}, Buf: w.buffer(), Len: 64, Off: fileSize - 16}
		}},
		{4, func() cases.SQE { return cases.SQE{Op: uring.OpRead, FD: w.pipe(0), Len: 16, IOPrio: 0xffff} }},
		{3, func() cases.SQE { return cases.SQE{Op: uring.OpAsyncCancel, Target: w.target()} }},
		{2, func() cases.SQE { return cases.SQE{Op: uring.OpWrite, FD: w.pipe(0), Buf: w.buffer(), Len: 16} }},
		{2, func() cases.SQE {
			return cases.SQE{Op: uring.OpRead, FD: w.pipe(0), Buf: w.buffer(), Len: 16, OpFlags: 8} // RWF_NOWAIT of an empty pipe
		}},
	})()
}

// waiting makes a request that waits for something, and tells for which file, if any.
func (w *work) waiting() (q cases.SQE, fd cases.FD) {
	switch n := w.rnd.IntN(100); {
	case n < 50:
		fd = w.pipe(0)
		q = cases.SQE{Op: uring.OpRead, FD: fd, Buf: w.buffer(), Len: any1[uint32](w.Mutator, 16, 16, 64)}
	case n < 68:
		fd = w.pipe(0)
		q = cases.SQE{Op: uring.OpPollAdd, FD: fd, OpFlags: unix.POLLIN}
		if w.chance(8) {
			q.Len = 1 // IORING_POLL_ADD_MULTI
		}
	case n < 82:
		q = cases.SQE{Op: uring.OpTimeout, Timeout: w.time()}
		if w.chance(20) {
			q.Off = uint64(w.small(4)) // or after so many CQEs
		}
		if w.chance(15) {
			q.OpFlags = 1 << 5 // IORING_TIMEOUT_ETIME_SUCCESS
		}
	case n < 88:
		fd = cases.FD{Ref: w.resource(cases.ResSocketPair), End: w.rnd.IntN(2)}
		q = cases.SQE{Op: uring.OpRecv, FD: fd, Buf: w.buffer(), Len: 16}
	case n < 92:
		fd = cases.FD{Ref: w.resource(cases.ResEventFD)}
		q = cases.SQE{Op: uring.OpRead, FD: fd, Buf: w.buffer(), Len: 8}
	case n < 96:
		q = w.futex(uring.OpFutexWait)
	default:
		q = cases.SQE{Op: uring.OpAccept, FD: cases.FD{Ref: w.resource(cases.ResSocket)}}
	}
	return q, fd
}

// pollRing makes a request that waits for a CQE.
func (w *work) pollRing() cases.SQE {
	return cases.SQE{Op: uring.OpPollAdd, FD: cases.FD{Ring: 1 + w.aRing()}, OpFlags: unix.POLLIN}
}

// ending makes a request that ends the wait of another one.
func (w *work) ending() cases.SQE {
	switch n := w.rnd.IntN(100); {
	case n < 45:
		return w.cancelOf(w.target() - 1)
	case n < 80:
		return w.write()
	}
	return w.futex(uring.OpFutexWake)
}

// cancelOf makes a request that cancels the SQE with that index, by what fits it or not.
func (w *work) cancelOf(index int) cases.SQE {
	all := w.p.SQEs()
	if index < 0 || index >= len(all) {
		return cases.SQE{Op: uring.OpAsyncCancel, Target: w.target(), OpFlags: uring.CancelAll}
	}
	t := all[index].SQE
	switch n := w.rnd.IntN(10); {
	case n < 2 && t.FD.Ref != 0:
		return cases.SQE{Op: uring.OpAsyncCancel, FD: t.FD, OpFlags: uring.CancelFD | any1(w.Mutator, 0, uring.CancelAll)}
	case n < 3:
		return cases.SQE{Op: uring.OpAsyncCancel, OpFlags: uring.CancelAny | any1(w.Mutator, 0, uring.CancelAll)}
	case n < 4:
		return cases.SQE{Op: uring.OpAsyncCancel, OpFlags: uring.CancelOp | uring.CancelAll, Len: uint32(t.Op)}
	case n < 7 && t.Op == uring.OpTimeout:
		if w.chance(30) {
			return cases.SQE{Op: uring.OpTimeoutRemove, Target: index + 1, OpFlags: 1 << 1, Buf2: w.timespec()} // IORING_TIMEOUT_UPDATE
		}
		return cases.SQE{Op: uring.OpTimeoutRemove, Target: index + 1}
	case n < 7 && t.Op == uring.OpPollAdd:
		return cases.SQE{Op: uring.OpPollRemove, Target: index + 1}
	}
	return cases.SQE{Op: uring.OpAsyncCancel, Target: index + 1}
}

func (w *work) linkTimeout() cases.SQE {
	return cases.SQE{Op: uring.OpLinkTimeout, Timeout: w.time()}
}

// time is short enough to wait for, or longer than any program.
func (w *work) time() time.Duration {
	return any1(w.Mutator, time.Minute, time.Minute, time.Hour, shortest, 2*shortest)
}

func (w *work) readFile() cases.SQE {
	q := cases.SQE{Op: uring.OpRead, FD: cases.FD{Ref: w.resource(cases.ResFile)}, Buf: w.buffer(), Len: 64, Off: 64 * uint64(w.rnd.IntN(3))}
	if w.chance(5) {
		q.Op = uring.OpReadFixed
	}
	return q
}

func (w *work) write() cases.SQE {
	q := cases.SQE{Op: uring.OpWrite, FD: w.pipe(1), Buf: w.buffer(), Len: any1[uint32](w.Mutator, 16, 64)}
	switch n := w.rnd.IntN(100); {
	case n < 25:
		q.FD, q.Off = cases.FD{Ref: w.resource(cases.ResFile)}, 64*uint64(w.rnd.IntN(3))
	case n < 35:
		q.Op, q.FD = uring.OpSend, cases.FD{Ref: w.resource(cases.ResSocketPair), End: w.rnd.IntN(2)}
	case n < 40:
		q.FD, q.Len = cases.FD{Ref: w.resource(cases.ResEventFD)}, 8
	}
	return q
}

// futex makes an operation on the first word of a buffer: fd is its flags, FUTEX2_SIZE_U32 | FUTEX2_PRIVATE.
func (w *work) futex(op uring.Op) cases.SQE {
	q := cases.SQE{Op: op, FD: cases.FD{HasRaw: true, Raw: 130}, Buf: cases.BufRef{Ref: w.zeroes()}, Addr3: 1<<32 - 1}
	if op == uring.OpFutexWake {
		q.Off = 1
	}
	return q
}

// target is an SQE to refer to, mostly a late one; 0 if there is none.
func (w *work) target() int {
	n := 0
	for i := range w.p.Steps {
		n += len(w.p.Steps[i].SQEs)
	}
	if n == 0 {
		return w.rnd.IntN(4)
	}
	return n - min(w.rnd.IntN(n), w.rnd.IntN(n))
}

// fd is some file descriptor.
func (w *work) fd() cases.FD {
	return pick(w.Mutator, []weighted[func() cases.FD]{
		{40, func() cases.FD { return w.pipe(0) }},
		{10, func() cases.FD { return w.pipe(1) }},
		{20, func() cases.FD { return cases.FD{Ref: w.resource(cases.ResFile)} }},
		{8, func() cases.FD { return cases.FD{Ref: w.resource(cases.ResSocketPair), End: w.rnd.IntN(2)} }},
		{5, func() cases.FD { return cases.FD{Ref: w.resource(cases.ResEventFD)} }},
		{1, func() cases.FD { return cases.FD{Ring: 1 + w.aRing()} }},
		{5, func() cases.FD { return cases.FD{} }},
	})()
}

func (w *work) pipe(end int) cases.FD { return cases.FD{Ref: w.resource(cases.ResPipe), End: end} }

const (
	fileSize   = 256 // bytes
	bufferSize = 64
)

// mostOfAKind bounds the resources of one kind that a program gets. Pipes are few, so that requests share them.
const mostOfAKind = 3

// resource returns a reference, counted from 1, to some resource of the kind.
func (w *work) resource(kind cases.ResourceKind) int {
	var have []int
	for i := range w.p.Resources {
		if w.p.Resources[i].Kind == kind {
			have = append(have, i+1)
		}
	}
	if len(have) > 0 && (len(have) >= mostOfAKind || len(w.p.Resources) >= mostThings || w.chance(60)) {
		return have[w.rnd.IntN(len(have))]
	}
	r := cases.Resource{Kind: kind}
	switch kind {
	case cases.ResFile:
		r.Size, r.Fill = fileSize, cases.Fill(1+w.rnd.IntN(9))
	case cases.ResTimerFD:
		r.Delay = shortest
	case cases.ResPipe, cases.ResSocketPair, cases.ResEventFD:
		r.NonBlock = w.chance(3)
	}
	w.p.Resources = append(w.p.Resources, r)
	return len(w.p.Resources)
}

// buffer is memory of bufferSize bytes, mostly nobody else's.
func (w *work) buffer() cases.BufRef { return w.bigBuffer(bufferSize) }

func (w *work) bigBuffer(size uint32) cases.BufRef {
	if len(w.p.Buffers) >= 2*mostThings || w.chance(10) {
		from := w.rnd.IntN(max(len(w.p.Buffers), 1))
		for i := range w.p.Buffers {
			k := (from + i) % len(w.p.Buffers)
			if b := &w.p.Buffers[k]; b.Kind == cases.BufData && b.Size >= size {
				return cases.BufRef{Ref: k + 1}
			}
		}
	}
	return w.newBuffer(cases.Buffer{Size: size, Fill: cases.Fill(w.rnd.IntN(9))})
}

// newBuffer adds a buffer.
func (w *work) newBuffer(b cases.Buffer) cases.BufRef {
	w.p.Buffers = append(w.p.Buffers, b)
	return cases.BufRef{Ref: len(w.p.Buffers)}
}

// zeroes is the futex word of the program, which is 0.
func (w *work) zeroes() int {
	for i := range w.p.Buffers {
		if b := &w.p.Buffers[i]; b.Kind == cases.BufData && b.Fill == 0 && b.Size == 4096 {
			return i + 1
		}
	}
	return w.newBuffer(cases.Buffer{Size: 4096}).Ref
}

func (w *work) timespec() cases.BufRef {
	return w.newBuffer(cases.Buffer{Kind: cases.BufTime, Time: w.time()})
}
