// SPDX-License-Identifier: Apache-2.0

package model

import (
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Resource returns what fd refers to, nil for a literal number or a ring.
func (e *Expectation) Resource(fd cases.FD) *cases.Resource {
	if fd.Ref <= 0 || fd.Ref > len(e.Program.Resources) {
		return nil
	}
	return &e.Program.Resources[fd.Ref-1]
}

// File returns the descriptor that r works on, a registered one included
// (G13: its own, whatever group it is in). No says that there certainly is none.
func (e *Expectation) File(r *Request) (fd cases.FD, found Truth) {
	q := r.SQE
	if q.Flags&uring.FixedFile == 0 {
		fd = q.FD
		switch {
		case fd.Ref != 0 || fd.Ring != 0:
			return fd, Yes
		case !fd.HasRaw || fd.Raw < 0:
			return fd, No
		}
		return fd, Unknown
	}
	var table []cases.FD
	for s := range e.Program.Steps {
		st := &e.Program.Steps[s]
		if st.Kind == cases.StepSubmit && st.Ring == r.Ring && slices.ContainsFunc(st.SQEs, changesFiles) {
			return cases.FD{}, Unknown
		}
		if st.Kind != cases.StepRegister || st.Ring != r.Ring || st.Reg == nil {
			continue
		}
		switch op := st.Reg.Op; {
		case op != uring.RegisterFiles && op != uring.UnregisterFiles && op != uring.RegisterFilesUpdate:
		case op != uring.RegisterFiles || table != nil || !e.StepBefore(s, r.Step):
			return cases.FD{}, Unknown
		case slices.ContainsFunc(st.Reg.FDs, func(fd cases.FD) bool { return fd.Ring > 0 }): // rings cannot be registered
			return cases.FD{}, Unknown
		case !e.mayRegister(s):
			return cases.FD{}, Unknown
		default:
			table = st.Reg.FDs
		}
	}
	slot := q.FD.Raw
	if !q.FD.HasRaw || slot < 0 || int(slot) >= len(table) || table[slot] == (cases.FD{}) {
		return cases.FD{}, No
	}
	return table[slot], Yes
}

// mayRegister tells that a step that registers something is made by a thread that certainly may.
func (e *Expectation) mayRegister(step int) bool {
	errno, _ := e.Refused(step)
	return errno == 0
}

// personality says whether r's ring has the personality that r asks for:
// they are numbered from 1 in the order of their registration.
func (e *Expectation) personality(r *Request) Prep {
	n, removed := 0, false
	for s := range e.Program.Steps {
		st := &e.Program.Steps[s]
		if st.Kind != cases.StepRegister || st.Ring != r.Ring || st.Reg == nil {
			continue
		}
		switch st.Reg.Op {
		case uring.RegisterPersonality:
			if s < r.Step {
				n++
			}
		case uring.UnregisterPersonality:
			removed = true
		}
	}
	if int(r.SQE.Personality) > n {
		return Prep{Errno: -EINVAL}
	}
	return Prep{Errno: -EINVAL, Unsure: true}.when(removed)
}

func (p Prep) when(is bool) Prep {
	if is {
		return p
	}
	return Prep{}
}

// Refused says with which error the system call of a submission fails, 0 if
// it does not, and whether that is certain.
func (e *Expectation) Refused(step int) (errno int32, sure bool) {
	st := &e.Program.Steps[step]
	flags := e.Program.Rings[st.Ring].Flags
	owner, enabled := "", flags&uring.SetupRDisabled == 0
	for s := range e.Program.Steps {
		other := &e.Program.Steps[s]
		if other.Ring != st.Ring || s == step {
			continue
		}
		switch {
		case other.Kind == cases.StepCloseRing && e.StepBefore(s, step):
			return EBADF, true
		case other.Kind == cases.StepCloseRing && !e.StepBefore(step, s):
			return EBADF, false
		case other.Kind == cases.StepRegister && other.Reg != nil && other.Reg.Op == uring.RegisterRingFDs && other.Thread != st.Thread && !e.StepBefore(step, s):
			return EINVAL, false // it is registered for that thread, and the process may use it by that number
		case other.Kind == cases.StepRegister && other.Reg != nil && other.Reg.Op == uring.RegisterEnableRings:
			switch {
			case enabled: // it fails
			case e.StepBefore(s, step):
				owner, enabled = other.Thread, true
			case !e.StepBefore(step, s):
				return EBADFD, false
			}
		}
	}
	switch {
	case !enabled:
		return EBADFD, true
	case flags&uring.SetupSingleIssuer != 0 && flags&uring.SetupSQPoll == 0 && st.Thread != owner:
		return EEXIST, true
	}
	return 0, !e.Faulty(step)
}

// changesFiles tells that the request may change its ring's registered files.
func changesFiles(q cases.SQE) bool { return q.Op == uring.OpFilesUpdate || q.FileIndex != 0 }

// ChosenBuffer returns the memory that a completion chose from the buffer
// ring r selects from (IORING_CQE_F_BUFFER: its number is in the CQE's flags);
// ok is false if that is not known.
func (e *Expectation) ChosenBuffer(r *Request, cqeFlags uint32) (part cases.Part, ok bool) {
	const bufferFlag, bufferShift = 1, 16 // IORING_CQE_F_BUFFER, IORING_CQE_BUFFER_SHIFT
	if cqeFlags&bufferFlag == 0 {
		return part, false
	}
	n := 0
	for s := range e.Program.Steps {
		st := &e.Program.Steps[s]
		if st.Kind != cases.StepRegister || st.Ring != r.Ring || st.Reg == nil || st.Reg.Op != uring.RegisterPbufRing || st.Reg.Group != r.SQE.BufIndex {
			continue
		}
		if n++; n > 1 || len(st.Reg.Bufs) == 0 {
			return part, false
		}
		part = st.Reg.Bufs[0]
		part.Buf.Off += cqeFlags >> bufferShift * st.Reg.Size
		part.Len = st.Reg.Size
	}
	return part, n == 1
}

// StepBefore tells that step a was certainly over when step b began: it comes
// first, and it did not run in the background, or something has waited for it.
func (e *Expectation) StepBefore(a, b int) bool {
	if a < 0 || a >= b || b > len(e.Program.Steps) {
		return false
	}
	steps := e.Program.Steps
	if !steps[a].Background {
		return true
	}
	for k := a + 1; k <= b; k++ {
		if k == len(steps) { // the program's end waits for all
			return true
		}
		st := &steps[k]
		switch {
		case k == b:
			return st.Thread == steps[a].Thread
		case st.Background:
		case st.Thread == steps[a].Thread, st.Kind == cases.StepJoin && st.Join == steps[a].Thread:
			return true
		}
	}
	return false
}

// closed tells whether a step or request may close exactly this descriptor.
func (e *Expectation) closed(fd cases.FD) bool {
	for i := range e.Program.Steps {
		if st := &e.Program.Steps[i]; st.Kind == cases.StepCloseFD && st.FD == fd {
			return true
		}
	}
	return slices.ContainsFunc(e.Requests, func(r Request) bool {
		return (r.SQE.Op == uring.OpClose || r.SQE.Op == uring.OpShutdown) && r.SQE.FD.Ref == fd.Ref
	})
}

// mayEOF tells whether the peer of a pipe or socket end may go away.
func (e *Expectation) mayEOF(fd cases.FD) bool {
	return e.closed(cases.FD{Ref: fd.Ref, End: 1 - fd.End}) || e.closed(fd)
}

// cancellers finds what may cancel r while it runs.
func (e *Expectation) cancellers(r *Request) {
	const byOther = cancelFD | uring.CancelOp | uring.CancelAny
	for i := range e.Requests {
		o := &e.Requests[i]
		if o.Ring != r.Ring || i == r.Index {
			continue
		}
		q := o.SQE
		switch q.Op {
		case uring.OpAsyncCancel:
			if q.Target == r.Index+1 || q.OpFlags&byOther != 0 {
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
		switch st.Kind {
		case cases.StepCancel:
			if st.Ring == r.Ring && (st.Target == r.Index+1 || st.CancelFlags&byOther != 0) {
				r.CancelSteps = true
			}
		case cases.StepExec: // another thread may still see what it cancels
			r.CancelSteps = r.CancelSteps || len(e.Program.Threads()) > 0
		case cases.StepExitThread: // it takes its requests with it
			if st.Thread == e.Program.Steps[r.Step].Thread {
				r.CancelSteps, r.Abandoned = true, true
			}
		}
	}
}

// updated tells that a request may change what r, a poll request, waits for.
func (e *Expectation) updated(r *Request) bool {
	return slices.ContainsFunc(e.Requests, func(o Request) bool {
		return o.SQE.Op == uring.OpPollRemove && o.SQE.Target == r.Index+1 && o.SQE.Len&pollUpdate != 0
	})
}

// faults marks the requests that an injected failure may hit: those that the
// failing step submits, and those in flight whose work it may do.
func (e *Expectation) faults() {
	for s := range e.Program.Steps {
		if e.Program.Steps[s].Kind != cases.StepFault {
			continue
		}
		for k := s + 1; k < len(e.Program.Steps); k++ {
			if e.Program.Steps[k].Thread != e.Program.Steps[s].Thread {
				continue
			}
			for i := range e.Requests {
				if e.Requests[i].Step <= k {
					e.Requests[i].CanFault = true
				}
			}
			break
		}
	}
}

// Faulty tells that a failure may be injected into the step.
func (e *Expectation) Faulty(step int) bool {
	st := e.Program.Steps
	for s := step - 1; s >= 0; s-- {
		if st[s].Thread == st[step].Thread {
			return st[s].Kind == cases.StepFault
		}
	}
	return false
}

// blocks tells that r, once issued, waits for something that only a step
// after its submission supplies, or another request of its group.
func (e *Expectation) blocks(r *Request) bool {
	q := r.SQE
	fd, found := e.File(r)
	res := e.Resource(fd)
	if r.Opaque || r.Prep.Errno != 0 || found != Yes || res == nil || res.Kind == cases.ResFile || res.NonBlock || q.Len == 0 && q.Op != uring.OpPollAdd {
		return false
	}
	switch q.Op {
	case uring.OpRead, uring.OpRecv:
		if q.Op == uring.OpRecv && res.Kind != cases.ResSocketPair || q.Buf.Ref == 0 || q.Flags&uring.BufferSelect != 0 ||
			q.OpFlags != 0 || q.Off != 0 && q.Off != ^uint64(0) {
			return false
		}
	case uring.OpPollAdd:
		if q.OpFlags&^pollReadable != 0 {
			return false
		}
	default:
		return false
	}
	switch res.Kind {
	case cases.ResPipe:
		if fd.End != 0 {
			return false
		}
	case cases.ResSocketPair:
	case cases.ResEventFD:
		if q.Op != uring.OpPollAdd && q.Len < 8 {
			return false
		}
	default:
		return false
	}
	for i := range e.Program.Steps {
		st := &e.Program.Steps[i]
		if (st.Kind == cases.StepFeed || st.Kind == cases.StepCloseFD) && st.FD.Ref == fd.Ref && !e.StepBefore(r.Step, i) {
			return false
		}
	}
	for i := range e.Requests {
		o := &e.Requests[i]
		if i == r.Index || e.StepBefore(r.Step, o.Step) {
			continue
		}
		other, found := e.File(o)
		if isCanceller(o.SQE.Op) || (o.Group < 0 || o.Group != r.Group) && (found == Unknown || other.Ref == fd.Ref || o.SQE.FD2.Ref == fd.Ref) && !readsOnly(o.SQE.Op) {
			return false
		}
	}
	return true
}

func readsOnly(op uring.Op) bool {
	return op == uring.OpRead || op == uring.OpRecv || op == uring.OpPollAdd || op == uring.OpNop
}

func isCanceller(op uring.Op) bool {
	switch op {
	case uring.OpAsyncCancel, uring.OpPollRemove, uring.OpLinkTimeout, uring.OpClose, uring.OpShutdown:
		return true
	}
	return false
}

// aimedAt tells that a request which cancels, and succeeds with 0, has found its one target. What
// cancels by other things than user_data may have found another one, and with ALL or ANY the result is how many it found.
func aimedAt(q *cases.SQE) bool {
	switch q.Op {
	case uring.OpAsyncCancel:
		return q.OpFlags == 0
	case uring.OpPollRemove:
		return q.Len&pollUpdate == 0
	case uring.OpTimeoutRemove:
		return q.OpFlags&timeoutUpdate == 0
	}
	return false
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
		if res, done := o.Result(c); done && res == 0 && o.ReapedBy(c, step) && aimedAt(e.Requests[c].SQE) {
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
	default:
		return false
	}
	fd, found := e.File(r)
	res := e.Resource(fd)
	switch {
	case found == No:
		return true
	case found == Unknown || res == nil || q.Flags&uring.BufferSelect != 0:
		return false
	case res.Kind == cases.ResFile || res.Kind == cases.ResPipe && (fd.End == 1) == (q.Op == uring.OpRead) && q.Op != uring.OpPollAdd:
		return q.Op != uring.OpPollAdd
	case res.Kind != cases.ResPipe && res.Kind != cases.ResSocketPair && res.Kind != cases.ResEventFD:
		return false
	case q.Op == uring.OpRead || q.Op == uring.OpRecv || q.Op == uring.OpPollAdd && q.OpFlags&^pollReadable == 0 && q.OpFlags&pollIn != 0:
		return e.supplied(i, fd, step, o)
	}
	return q.Op != uring.OpPollAdd && e.roomFor(fd)
}

// heldOpen tells that a file may be open at the given step though its descriptor was closed: a
// ring has it registered, or a request uses it.
func (e *Expectation) heldOpen(fd cases.FD, step int, o Observed) bool {
	for s := range e.Program.Steps {
		if reg := e.Program.Steps[s].Reg; reg != nil && slices.Contains(reg.FDs, fd) {
			return true
		}
	}
	for b := range e.Program.Buffers { // of IORING_OP_FILES_UPDATE
		if slices.Contains(e.Program.Buffers[b].FDs, fd) {
			return true
		}
	}
	return slices.ContainsFunc(e.Requests, func(r Request) bool {
		file, found := e.File(&r)
		return (found == Unknown || found == Yes && file == fd || r.SQE.FD2 == fd) && r.Step < step && !o.ReapedBy(r.Index, step)
	})
}

// supplied: there is certainly something to read for i, whoever else reads.
func (e *Expectation) supplied(i int, fd cases.FD, step int, o Observed) bool {
	kind := e.Resource(fd).Kind
	peer := cases.FD{Ref: fd.Ref, End: 1 - fd.End}
	if kind == cases.ResEventFD {
		peer.End = fd.End
	}
	var fed, taken int64
	for s := range e.Program.Steps[:step] {
		st := &e.Program.Steps[s]
		ret, ok := o.StepOK(s)
		switch {
		case st.Kind == cases.StepTake && st.FD == fd:
			taken += int64(st.N)
		case st.FD != peer || !ok || !e.StepBefore(s, step):
		case st.Kind == cases.StepFeed && kind == cases.ResEventFD:
			fed += 8
		case st.Kind == cases.StepFeed:
			fed += ret
		case st.Kind == cases.StepCloseFD && kind != cases.ResEventFD && !e.heldOpen(peer, step, o):
			return true // end of file
		}
	}
	for j := range e.Requests {
		other := &e.Requests[j]
		if other.Step >= step || j == i {
			continue
		}
		file, found := e.File(other)
		if found == No || found == Yes && file.Ref != fd.Ref && other.SQE.FD2.Ref != fd.Ref {
			continue
		}
		switch other.SQE.Op {
		case uring.OpPollAdd, uring.OpNop:
		case uring.OpRead, uring.OpRecv:
			if file == fd || found == Unknown {
				taken += int64(other.SQE.Len)
			}
		case uring.OpWrite, uring.OpSend:
			if res, done := o.Result(j); done && res > 0 && file == peer && o.ReapedBy(j, step) {
				fed += int64(res)
			}
		default:
			if opcodes[min(other.SQE.Op, uring.OpLast-1)].needsFile {
				return false
			}
		}
	}
	if kind == cases.ResEventFD { // one read empties it
		return fed > 0 && taken == 0
	}
	return fed > taken
}

// roomFor: all that is ever written to fd fits into a pipe or socket, or is the only number that is added to an eventfd.
func (e *Expectation) roomFor(fd cases.FD) bool {
	var bytes, n, times int64
	for i := range e.Program.Steps {
		if st := &e.Program.Steps[i]; st.Kind == cases.StepFeed && st.FD == fd {
			bytes += int64(st.N)
			n += 1 + int64(st.N)/4096
			times++
		}
	}
	for i := range e.Requests {
		r := &e.Requests[i]
		if file, _ := e.File(r); file == fd && !readsOnly(r.SQE.Op) {
			length, known := e.length(r)
			if !known {
				return false
			}
			bytes += length
			n += 1 + length/4096
			times++
		}
	}
	if e.Resource(fd).Kind == cases.ResEventFD { // two numbers may be too large together, and what they are is not followed
		return times <= 1
	}
	return n <= 16 && bytes <= 16<<10
}
