// SPDX-License-Identifier: Apache-2.0

package model

import (
	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Error numbers that results carry, negated; from asm-generic/errno*.h.
const (
	EPERM      = 1
	ENOENT     = 2
	EINTR      = 4
	EBADF      = 9
	EAGAIN     = 11
	EFAULT     = 14
	EINVAL     = 22
	ESPIPE     = 29
	EPIPE      = 32
	ETIME      = 62
	EOPNOTSUPP = 95
	EALREADY   = 114
	ECANCELED  = 125
)

// Operation flags, from include/uapi/linux/io_uring.h and poll.h.
const (
	timeoutAbs          = 1 << 0
	timeoutETimeSuccess = 1 << 5
	timeoutMultishot    = 1 << 6
	timeoutKnown        = timeoutAbs | 1<<2 | 1<<3 | timeoutETimeSuccess | timeoutMultishot
	pollIn              = 0x001
	pollOut             = 0x004
	pollAlways          = 0x008 | 0x010 | 0x020 // POLLERR, POLLHUP, POLLNVAL
	pollReadable        = pollIn | 0x002 | 0x040 | 0x080
	pollAddMulti        = 1 << 0 // in len
)

// Results is a set of results.
type Results struct {
	Any    bool
	Ranges [][2]int32 // inclusive
	// Mask allows each result above 0 that has no bit outside of it.
	Mask int32
}

// Has tells whether res is in the set.
func (s Results) Has(res int32) bool {
	if s.Any {
		return true
	}
	for _, r := range s.Ranges {
		if r[0] <= res && res <= r[1] {
			return true
		}
	}
	return res > 0 && res&^s.Mask == 0
}

func exactly(res ...int32) Results {
	var s Results
	for _, v := range res {
		s.Ranges = append(s.Ranges, [2]int32{v, v})
	}
	return s
}

func between(lo, hi int64) Results {
	return Results{Ranges: [][2]int32{{int32(lo), int32(hi)}}}
}

func (s Results) or(res ...int32) Results {
	s.Ranges = append(s.Ranges, exactly(res...).Ranges...)
	return s
}

var anyResult = Results{Any: true}

// cancelFD is IORING_ASYNC_CANCEL_FD.
const cancelFD = 1 << 1

// own returns what the operation of r may result in if nothing interferes.
func (e *Expectation) own(r *Request) Results {
	q := r.SQE
	if r.Opaque {
		return anyResult
	}
	switch q.Op {
	case uring.OpNop:
		if q.HasInject {
			if q.Inject <= -512 && q.Inject >= -516 { // io_fixup_restart_res()
				return exactly(q.Inject, -EINTR)
			}
			return exactly(q.Inject)
		}
		if q.OpFlags&uring.NopInjectResult != 0 {
			return exactly(int32(q.Len))
		}
		return exactly(0)
	case uring.OpRead, uring.OpWrite, uring.OpRecv, uring.OpSend:
		return e.ownRW(r)
	case uring.OpPollAdd:
		if e.Resource(q.FD) == nil || e.Resource(q.FD).Kind == cases.ResFile || e.closed(q.FD) {
			return anyResult
		}
		return Results{Mask: int32(q.OpFlags&0xffff) | pollAlways}
	case uring.OpTimeout:
		s := exactly(-ETIME)
		if q.Off > 0 || e.removable(r) {
			s = s.or(0)
		}
		return s
	case uring.OpLinkTimeout:
		return exactly(-ETIME, -ECANCELED, -ENOENT, -EALREADY, 0)
	case uring.OpAsyncCancel:
		if q.OpFlags&cancelFD != 0 {
			return anyResult
		}
		if q.OpFlags&(uring.CancelAll|uring.CancelAny) != 0 {
			return between(0, int64(len(e.Requests)))
		}
		return exactly(0, -EALREADY, -ENOENT)
	case uring.OpPollRemove, uring.OpTimeoutRemove:
		return exactly(0, -EALREADY, -ENOENT)
	case uring.OpFsync:
		if res := e.Resource(q.FD); res != nil && res.Kind == cases.ResFile && !e.closed(q.FD) {
			return exactly(0)
		}
		return anyResult
	}
	return anyResult
}

// removable tells whether a step or request may act on the timeout r.
func (e *Expectation) removable(r *Request) bool { return r.CancelSteps || len(r.Cancellers) > 0 }

func (e *Expectation) ownRW(r *Request) Results {
	q := r.SQE
	res := e.Resource(q.FD)
	switch {
	case q.Flags&uring.FixedFile != 0: // nothing is ever registered
		return exactly(-EBADF)
	case q.FD.Ref == 0 && (!q.FD.HasRaw || q.FD.Raw < 0):
		return exactly(-EBADF)
	case res == nil || q.OpFlags != 0 || q.IOPrio != 0 || q.Flags&uring.BufferSelect != 0:
		return anyResult
	}
	if int64(q.Off) < 0 && q.Off != ^uint64(0) {
		return exactly(-EINVAL)
	}
	var s Results
	stream := q.Op == uring.OpRecv || q.Op == uring.OpSend
	reads := q.Op == uring.OpRead || q.Op == uring.OpRecv
	switch {
	case stream != (res.Kind == cases.ResSocketPair) && stream:
		return anyResult // not a socket
	case res.Kind == cases.ResPipe && (q.FD.End == 0) != reads:
		return exactly(-EBADF)
	case res.Kind == cases.ResFile:
		s = e.fileRW(r, res, reads)
	case res.Kind == cases.ResEventFD:
		s = exactly(8, -EINVAL)
		if q.Len >= 8 {
			s = exactly(8)
		}
	default:
		s = between(1, int64(q.Len))
		if reads && (e.mayEOF(q.FD) || q.Len == 0) {
			s = s.or(0)
		}
		if !reads && e.mayEOF(q.FD) {
			s = s.or(-EPIPE, -104)
		}
		if q.Len == 0 {
			s = s.or(0)
		}
		if q.Off != 0 && q.Off != ^uint64(0) {
			s = s.or(-ESPIPE)
		}
	}
	if res.NonBlock {
		s = s.or(-EAGAIN)
	}
	if res.Direct { // alignment, and what the filesystem makes of it
		s = s.or(-EINVAL)
	}
	if q.Buf.Ref == 0 && q.Len > 0 {
		s = s.or(-EFAULT)
	}
	if e.closed(q.FD) {
		s = s.or(-EBADF)
	}
	return s
}

// fileRW: the size of a file that nobody changes is known.
func (e *Expectation) fileRW(r *Request, res *cases.Resource, reads bool) Results {
	q := r.SQE
	if !reads {
		return exactly(int32(q.Len))
	}
	lo, hi := int64(0), int64(q.Len)
	fixed := q.Off != ^uint64(0)
	for i := range e.Requests {
		o := e.Requests[i].SQE
		if o.FD.Ref == q.FD.Ref && o.Op != uring.OpRead && o.Op != uring.OpFsync && o.Op != uring.OpPollAdd {
			fixed = false
		}
	}
	if fixed {
		left := max(int64(res.Size)-int64(q.Off), 0)
		lo, hi = min(left, hi), min(left, hi)
	}
	return between(lo, hi)
}

// Resource returns what fd refers to, nil for a literal number.
func (e *Expectation) Resource(fd cases.FD) *cases.Resource {
	if fd.Ref <= 0 || fd.Ref > len(e.Program.Resources) {
		return nil
	}
	return &e.Program.Resources[fd.Ref-1]
}

// closed tells whether a step or request may close exactly this descriptor.
func (e *Expectation) closed(fd cases.FD) bool {
	for i := range e.Program.Steps {
		if st := &e.Program.Steps[i]; st.Kind == cases.StepCloseFD && st.FD == fd {
			return true
		}
	}
	for i := range e.Requests {
		if q := e.Requests[i].SQE; (q.Op == uring.OpClose || q.Op == uring.OpShutdown) && q.FD.Ref == fd.Ref {
			return true
		}
	}
	return false
}

// mayEOF tells whether the peer of a pipe or socket end may go away.
func (e *Expectation) mayEOF(fd cases.FD) bool {
	return e.closed(cases.FD{Ref: fd.Ref, End: 1 - fd.End}) || e.closed(fd)
}

// cancellers finds what may cancel r while it runs.
func (e *Expectation) cancellers(r *Request) {
	for i := range e.Requests {
		o := &e.Requests[i]
		if o.Ring != r.Ring || i == r.Index {
			continue
		}
		q := o.SQE
		switch q.Op {
		case uring.OpAsyncCancel:
			if q.Target == r.Index+1 || q.OpFlags&(cancelFD|uring.CancelOp|uring.CancelAny) != 0 {
				r.Cancellers = append(r.Cancellers, i)
			}
		case uring.OpPollRemove, uring.OpTimeoutRemove:
			if q.Target == r.Index+1 {
				r.Cancellers = append(r.Cancellers, i)
			}
		case uring.OpLinkTimeout: // it may cancel the element ahead of it
			if o.Chain >= 0 && o.Chain == r.Chain && r.Element == o.Element-1 || o.Role != Plain && o.Group == r.Group {
				r.Cancellers = append(r.Cancellers, i)
			}
		}
	}
	for i := range e.Program.Steps {
		st := &e.Program.Steps[i]
		if st.Kind == cases.StepCancel && st.Ring == r.Ring &&
			(st.Target == r.Index+1 || st.CancelFlags&(cancelFD|uring.CancelOp|uring.CancelAny) != 0) {
			r.CancelSteps = true
		}
	}
}

// Failed tells whether a result counts as a failure for groups and chains: a
// negative result, and a short read or write. Opcodes whose handlers do not
// mark the request failed everywhere give unsure.
func Failed(q *cases.SQE, res int32) (failed, unsure bool) {
	switch q.Op {
	case uring.OpRead, uring.OpWrite, uring.OpReadFixed, uring.OpWriteFixed:
		return res != int32(q.Len), false
	case uring.OpTimeout:
		if res == -ETIME && q.OpFlags&timeoutETimeSuccess != 0 {
			return false, false
		}
	case uring.OpNop, uring.OpPollAdd, uring.OpPollRemove, uring.OpTimeoutRemove, uring.OpAsyncCancel:
	case uring.OpRecv, uring.OpSend:
		if res >= 0 && q.OpFlags != 0 { // MSG_WAITALL
			return false, res != int32(q.Len)
		}
	case uring.OpReadv, uring.OpWritev, uring.OpSplice, uring.OpTee:
		return res < 0, res >= 0
	default:
		// io_fsync(), for one, leaves a failing request unmarked.
		return res == -ECANCELED, res < 0 && res != -ECANCELED
	}
	return res < 0, false
}
