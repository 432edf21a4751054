// SPDX-License-Identifier: Apache-2.0

package model

import (
	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Rejected as in io_init_req() and the opcodes' prep handlers of 6.12. A
// handler that is not described here may do either.
func (e *Expectation) prep(r *Request, drainDisabled *bool) Prep {
	q := r.SQE
	unsure := Prep{Errno: -EINVAL, Unsure: true}
	if q.Op >= uring.OpLast {
		return Prep{Errno: -EINVAL}
	}
	if q.Flags&uring.SQEGroup != 0 && !e.Profile.Groups { // without the feature bit 7 is unknown
		return Prep{Errno: -EINVAL, Rule: "G12"}
	}
	if q.Flags&uring.BufferSelect != 0 {
		switch q.Op {
		case uring.OpRead, uring.OpReadv, uring.OpReadMultishot, uring.OpRecv, uring.OpRecvmsg, uring.OpSend, uring.OpSendmsg:
			return unsure
		}
		return Prep{Errno: -EOPNOTSUPP}
	}
	if q.Flags&uring.CQESkipSuccess != 0 {
		*drainDisabled = true
	}
	if q.Flags&uring.IODrain != 0 && *drainDisabled {
		if r.Role == Member { // P4.2 ignores the flag, P7.2 refuses the group
			return Prep{Errno: -EOPNOTSUPP, Unsure: true}
		}
		return Prep{Errno: -EOPNOTSUPP}
	}
	if r.Opaque {
		return unsure
	}
	return prepOp(r, &e.Profile.Semantics)
}

func prepOp(r *Request, s *cases.Semantics) Prep {
	q := r.SQE
	bad, ok := Prep{Errno: -EINVAL}, Prep{}
	badIf := func(is bool) Prep {
		if is {
			return bad
		}
		return ok
	}
	hasAddr := q.Buf.Ref != 0 || q.Target != 0
	switch q.Op {
	case uring.OpNop:
		return badIf(q.IOPrio != 0 || q.OpFlags&^uring.NopInjectResult != 0)
	case uring.OpRead, uring.OpWrite:
		if q.IOPrio != 0 || q.Len > cases.MaxBuffer {
			return Prep{Errno: -EINVAL, Unsure: true}
		}
		return ok
	case uring.OpPollAdd:
		return badIf(q.IOPrio != 0 || q.BufIndex != 0 || q.Off != 0 || hasAddr ||
			q.Len&^pollAddMulti != 0 || q.Len&pollAddMulti != 0 && q.Flags&uring.CQESkipSuccess != 0)
	case uring.OpPollRemove:
		if q.Len != 0 || q.Off != 0 {
			return Prep{Errno: -EINVAL, Unsure: true}
		}
		return badIf(q.IOPrio != 0 || q.BufIndex != 0 || q.OpFlags != 0)
	case uring.OpFsync:
		return badIf(q.IOPrio != 0 || hasAddr || q.BufIndex != 0 || q.OpFlags&^1 != 0 || int64(q.Off) < 0)
	case uring.OpTimeout:
		if q.Buf.Ref != 0 || q.OpFlags&(timeoutAbs|timeoutMultishot|1<<2|1<<3) != 0 {
			return Prep{Errno: -EINVAL, Unsure: true}
		}
		return badIf(q.IOPrio != 0 || q.BufIndex != 0 || q.Len > 1 || q.OpFlags&^timeoutKnown != 0 || q.Timeout < 0)
	case uring.OpLinkTimeout:
		if s.LinkTimeout == "rejected" && r.Role != Plain { // P7.4
			return Prep{Errno: -EINVAL, Rule: "P7.4"}
		}
		if r.Role == Plain && (r.Chain < 0 || r.Element == 0) { // no link to watch
			return bad
		}
		return Prep{Errno: -EINVAL, Unsure: r.Role != Plain || q.Off != 0 || q.Len > 1 || q.OpFlags != 0}.ifUnsure()
	case uring.OpTimeoutRemove:
		if q.OpFlags != 0 {
			return Prep{Errno: -EINVAL, Unsure: true}
		}
		return badIf(q.IOPrio != 0 || q.BufIndex != 0 || q.Len != 0)
	case uring.OpAsyncCancel:
		return badIf(q.IOPrio != 0 || q.Off != 0 || q.OpFlags >= 1<<6 ||
			q.OpFlags&uring.CancelAny != 0 && q.OpFlags&(cancelFD|uring.CancelOp) != 0)
	}
	return Prep{Errno: -EINVAL, Unsure: true}
}

func (p Prep) ifUnsure() Prep {
	if p.Unsure {
		return p
	}
	return Prep{}
}

func multishot(q *cases.SQE) bool {
	switch q.Op {
	case uring.OpPollAdd:
		return q.Len&pollAddMulti != 0
	case uring.OpTimeout:
		return q.OpFlags&timeoutMultishot != 0
	case uring.OpReadMultishot, uring.OpSendZc, uring.OpSendmsgZc:
		return true
	case uring.OpRecv, uring.OpRecvmsg, uring.OpAccept:
		return q.IOPrio != 0
	}
	return false
}

// neverBlocks tells that the opcode's issue always completes in the submitting task.
func neverBlocks(op uring.Op) bool {
	switch op {
	case uring.OpNop, uring.OpAsyncCancel, uring.OpPollRemove, uring.OpTimeoutRemove,
		uring.OpPollAdd, uring.OpTimeout, uring.OpLinkTimeout:
		return true
	}
	return false
}

// forcedAsync tells that the opcode may send itself to io-wq from its prep handler.
func forcedAsync(op uring.Op) bool {
	switch op {
	case uring.OpRead, uring.OpWrite, uring.OpSend, uring.OpRecv:
		return false
	}
	return !neverBlocks(op)
}
