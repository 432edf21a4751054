// SPDX-License-Identifier: Apache-2.0

package model

import (
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// blocks tells that r, once issued, waits for something that only a step
// after its submission supplies, or another request of its group.
func (e *Expectation) blocks(r *Request) bool {
	q := r.SQE
	res := e.Resource(q.FD)
	if r.Opaque || r.Prep.Errno != 0 || res == nil || res.Kind == cases.ResFile || res.NonBlock || q.Len == 0 && q.Op != uring.OpPollAdd {
		return false
	}
	switch q.Op {
	case uring.OpRead, uring.OpRecv:
		if q.Flags&uring.FixedFile != 0 || q.Op == uring.OpRecv && res.Kind != cases.ResSocketPair || q.Buf.Ref == 0 ||
			q.OpFlags != 0 || q.Off != 0 && q.Off != ^uint64(0) {
			return false
		}
		if res.Kind == cases.ResEventFD && q.Len < 8 {
			return false
		}
	case uring.OpPollAdd:
		if q.OpFlags&^pollReadable != 0 {
			return false
		}
	default:
		return false
	}
	if res.Kind == cases.ResPipe && q.FD.End != 0 {
		return false
	}
	for i := range e.Program.Steps[:r.Step] {
		st := &e.Program.Steps[i]
		if (st.Kind == cases.StepFeed || st.Kind == cases.StepCloseFD) && st.FD.Ref == q.FD.Ref {
			return false
		}
	}
	for i := range e.Requests {
		o := &e.Requests[i]
		if o.Step <= r.Step && (o.Group < 0 || o.Group != r.Group) && i != r.Index && o.SQE.FD.Ref == q.FD.Ref && !readsOnly(o.SQE.Op) {
			return false
		}
		if o.Step <= r.Step && o.Index != r.Index && isCanceller(o.SQE.Op) {
			return false
		}
	}
	return true
}

func readsOnly(op uring.Op) bool {
	return op == uring.OpRead || op == uring.OpRecv || op == uring.OpPollAdd
}

func isCanceller(op uring.Op) bool {
	switch op {
	case uring.OpAsyncCancel, uring.OpPollRemove, uring.OpLinkTimeout, uring.OpClose, uring.OpShutdown:
		return true
	}
	return false
}

// Observed is what the evaluation of [Expectation.Completes] needs to know of a run.
type Observed interface {
	// Result returns the request's result if it has completed.
	Result(i int) (res int32, done bool)
	// StepOK tells that the step was carried out and succeeded, and with what.
	StepOK(step int) (ret int64, ok bool)
	// Submitted tells that the SQE was consumed.
	Submitted(i int) bool
}

// Completes tells whether request i, once it is issued and if the kernel
// does its work, has certainly completed when a Wait at the given step is
// over: nothing it needs from outside is missing. The time bound is within.
func (e *Expectation) Completes(i, step int, within time.Duration, o Observed) bool {
	r := &e.Requests[i]
	q := r.SQE
	if r.Opaque || r.Multi {
		return false
	}
	for _, c := range r.Cancellers { // found, so it is cancelled
		if res, done := o.Result(c); done && res == 0 && e.Requests[c].Step <= step && e.Requests[c].SQE.Op != uring.OpLinkTimeout {
			return true
		}
	}
	if r.Prep.Fails() {
		return true
	}
	switch q.Op {
	case uring.OpNop, uring.OpAsyncCancel, uring.OpPollRemove, uring.OpTimeoutRemove, uring.OpFsync:
		return true
	case uring.OpTimeout:
		return q.OpFlags == 0 && q.Timeout*4 <= within
	case uring.OpRead, uring.OpRecv, uring.OpWrite, uring.OpSend, uring.OpPollAdd:
		res := e.Resource(q.FD)
		if res == nil || q.Flags&uring.FixedFile != 0 {
			return q.Flags&uring.FixedFile != 0 || !q.FD.HasRaw || q.FD.Raw < 0
		}
		if res.Kind == cases.ResFile || res.Kind == cases.ResPipe && (q.FD.End == 1) == (q.Op == uring.OpRead) && q.Op != uring.OpPollAdd {
			return q.Op != uring.OpPollAdd
		}
		if q.Op == uring.OpRead || q.Op == uring.OpRecv || q.Op == uring.OpPollAdd && q.OpFlags&^pollReadable == 0 && q.OpFlags&pollIn != 0 {
			return e.supplied(i, step, o)
		}
		return q.Op != uring.OpPollAdd && e.roomFor(q.FD)
	}
	return false
}

// supplied: there is certainly something to read for i, whoever else reads.
func (e *Expectation) supplied(i, step int, o Observed) bool {
	q := e.Requests[i].SQE
	kind := e.Resource(q.FD).Kind
	peer := cases.FD{Ref: q.FD.Ref, End: 1 - q.FD.End}
	if kind == cases.ResEventFD {
		peer.End = q.FD.End
	}
	var fed, taken int64
	for s := range e.Program.Steps[:step] {
		st := &e.Program.Steps[s]
		ret, ok := o.StepOK(s)
		switch {
		case st.Kind == cases.StepFeed && st.FD == peer && ok && kind == cases.ResEventFD:
			fed += 8
		case st.Kind == cases.StepFeed && st.FD == peer && ok:
			fed += ret
		case st.Kind == cases.StepTake && st.FD == q.FD:
			taken += int64(st.N)
		case st.Kind == cases.StepCloseFD && st.FD == peer && ok:
			return true // end of file
		}
	}
	for j := range e.Requests {
		other := &e.Requests[j]
		if other.Step >= step || j == i || other.SQE.FD.Ref != q.FD.Ref {
			continue
		}
		switch other.SQE.Op {
		case uring.OpPollAdd:
		case uring.OpRead, uring.OpRecv:
			if other.SQE.FD == q.FD {
				taken += int64(other.SQE.Len)
			}
		case uring.OpWrite, uring.OpSend:
			if res, done := o.Result(j); done && res > 0 && other.SQE.FD == peer {
				fed += int64(res)
			}
		default:
			return false
		}
	}
	if kind == cases.ResEventFD { // one read empties it
		return fed > 0 && taken == 0
	}
	return fed > taken
}

// roomFor: all that is ever written to fd fits into a pipe or socket.
func (e *Expectation) roomFor(fd cases.FD) bool {
	var bytes, n int64
	for i := range e.Program.Steps {
		if st := &e.Program.Steps[i]; st.Kind == cases.StepFeed && st.FD == fd {
			bytes += int64(st.N)
			n += 1 + int64(st.N)/4096
		}
	}
	for i := range e.Requests {
		if q := e.Requests[i].SQE; q.FD == fd && (q.Op == uring.OpWrite || q.Op == uring.OpSend) {
			bytes += int64(q.Len)
			n += 1 + int64(q.Len)/4096
		}
	}
	return n <= 16 && bytes <= 16<<10
}
