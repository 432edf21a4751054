// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

const (
	pollIn    = 1
	pollOut   = 4
	rwfNowait = 8 // RWF_NOWAIT
	cancelFD  = 2 // IORING_ASYNC_CANCEL_FD
)

func (m *machine) feed(st *cases.Step) {
	b := make([]byte, st.N)
	st.Fill.Bytes(b, 0)
	ref := st.FD.Ref - 1
	to := 1 - st.FD.End
	if m.p.Resources[ref].Kind == cases.ResEventFD {
		to, b = 0, []byte{byte(st.N), 0, 0, 0, 0, 0, 0, 0}
	}
	m.pipes[ref][to] = append(m.pipes[ref][to], b...)
}

// file resolves what a request works on; nil where there is none.
func (m *machine) file(r *request) (*cases.Resource, cases.FD) {
	fd, _ := m.exp.File(&r.Request)
	return m.exp.Resource(fd), fd
}

func (m *machine) ready(r *request) bool {
	res, fd := m.file(r)
	switch {
	case r.SQE.Op == uring.OpPollAdd && r.SQE.OpFlags&pollOut != 0:
		return true
	case r.SQE.Op == uring.OpPollAdd && r.SQE.OpFlags&pollIn == 0:
		return false
	case fd.Ring != 0:
		return len(m.rings[fd.Ring-1].cq) > 0
	case res == nil:
		return true
	}
	return len(m.pipes[fd.Ref-1][fd.End]) > 0 || m.hungUp[fd.Ref-1][fd.End]
}

// do carries the operation out; ok is false if it would block.
func (m *machine) do(r *request) (res int32, ok bool) {
	q := r.SQE
	if q.Op < uring.OpLast && model.NeedsFile(q.Op) {
		if file, _ := m.file(r); file == nil && q.FD.Ring == 0 {
			return -model.EBADF, true
		}
	}
	switch q.Op {
	case uring.OpNop:
		return q.Inject, true
	case uring.OpTimeout, uring.OpFutexWait, uring.OpFutexWaitv, uring.OpWaitid, uring.OpAccept:
		return 0, false
	case uring.OpPollAdd:
		if q.OpFlags&pollOut != 0 {
			return pollOut, true
		}
		return pollIn, m.ready(r)
	case uring.OpAsyncCancel, uring.OpPollRemove, uring.OpTimeoutRemove:
		return m.cancelFor(r), true
	}
	switch model.EffectOf(q.Op) {
	case model.Reads:
		return m.read(r)
	case model.Writes:
		return m.write(r), true
	}
	return 0, true
}

// cancelFor cancels what r targets and returns r's result.
func (m *machine) cancelFor(r *request) int32 {
	all := r.SQE.Op == uring.OpAsyncCancel && r.SQE.OpFlags&(uring.CancelAll|uring.CancelAny) != 0
	n := int32(0)
	for _, t := range slices.Clone(m.waiting) {
		if t.ring != r.ring || !m.targets(r, t) {
			continue
		}
		m.cancel(t)
		if n++; !all {
			return 0
		}
	}
	if n == 0 && !all {
		return -model.ENOENT
	}
	return n
}

func (m *machine) targets(r, t *request) bool {
	q := r.SQE
	switch flags := q.OpFlags; {
	case r.SQE.Op != uring.OpAsyncCancel || flags&(cancelFD|uring.CancelOp|uring.CancelAny) == 0:
		return t.Index+1 == q.Target
	case flags&uring.CancelAny != 0:
		return true
	case flags&uring.CancelOp != 0 && uint32(t.SQE.Op) != q.Len:
		return false
	case flags&cancelFD != 0:
		_, fd := m.file(t)
		return fd.Ref == q.FD.Ref && fd.End == q.FD.End
	}
	return true
}

// cancels tells whether a synchronous cancellation is for t.
func (m *machine) cancels(st *cases.Step, t *request) bool {
	switch flags := st.CancelFlags; {
	case flags&(cancelFD|uring.CancelOp|uring.CancelAny) == 0:
		return t.Index+1 == st.Target
	case flags&uring.CancelAny != 0:
		return true
	case flags&uring.CancelOp != 0 && t.SQE.Op != st.CancelOp:
		return false
	case flags&cancelFD != 0:
		_, fd := m.file(t)
		return fd.Ref == st.FD.Ref && fd.End == st.FD.End
	}
	return true
}

// memory is what a request reads into or writes from; nil if nobody knows.
func (m *machine) memory(r *request) [][]byte {
	q := r.SQE
	if model.Vectored(q.Op) {
		var list [][]byte
		for _, p := range m.exp.Iovec(q) {
			list = append(list, m.piece(p.Buf, p.Len))
		}
		return list
	}
	return [][]byte{m.piece(q.Buf, q.Len)}
}

// piece is n bytes of a buffer; nil if it does not have them.
func (m *machine) piece(at cases.BufRef, n uint32) []byte {
	if at.Ref == 0 || uint64(at.Off)+uint64(n) > uint64(len(m.bufs[at.Ref-1])) {
		return nil
	}
	return m.bufs[at.Ref-1][at.Off:][:n]
}

// offset is where in a file a request begins. Nobody follows current positions, and
// what is far behind the end is as good as any other place there.
func offset(q *cases.SQE) int {
	if q.Off == ^uint64(0) {
		return 0
	}
	return int(min(q.Off, cases.MaxBuffer))
}

func scatter(to [][]byte, from []byte) (n int32) {
	for _, b := range to {
		k := copy(b, from)
		from, n = from[k:], n+int32(k)
	}
	return n
}

func (m *machine) read(r *request) (int32, bool) {
	q := r.SQE
	res, fd := m.file(r)
	switch {
	case res == nil: // a ring, or one that nobody knows
		return -model.EINVAL, true
	case res.Kind == cases.ResFile || res.Kind == cases.ResNullBlk:
		f := m.files[fd.Ref-1]
		return scatter(m.memory(r), f[min(offset(q), len(f)):]), true
	case res.Kind == cases.ResPipe && fd.End == 1:
		return -model.EBADF, true
	}
	b := &m.pipes[fd.Ref-1][fd.End]
	if len(*b) == 0 {
		if m.hungUp[fd.Ref-1][fd.End] {
			return 0, true
		}
		return -model.EAGAIN, res.NonBlock || q.OpFlags&rwfNowait != 0
	}
	if res.Kind == cases.ResEventFD { // all of its count, in eight bytes
		n := scatter(m.memory(r), (*b)[:8])
		*b = nil
		return n, true
	}
	n := scatter(m.memory(r), *b)
	if q.Flags&uring.BufferSelect != 0 {
		n = int32(min(len(*b), int(q.Len)))
	}
	*b = slices.Clone((*b)[n:])
	return n, true
}

func (m *machine) write(r *request) int32 {
	q := r.SQE
	res, fd := m.file(r)
	src := slices.Concat(m.memory(r)...)
	switch {
	case res == nil:
		return -model.EINVAL
	case res.Kind == cases.ResFile || res.Kind == cases.ResNullBlk:
		f := &m.files[fd.Ref-1]
		if end := offset(q) + len(src); end > len(*f) {
			*f = append(*f, make([]byte, end-len(*f))...)
		}
		copy((*f)[offset(q):], src)
		return int32(len(src))
	case res.Kind == cases.ResPipe && fd.End == 0:
		return -model.EBADF
	}
	to := 1 - fd.End
	if res.Kind == cases.ResEventFD {
		to = 0
	}
	m.pipes[fd.Ref-1][to] = append(m.pipes[fd.Ref-1][to], src...)
	return int32(len(src))
}
