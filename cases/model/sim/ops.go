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

// readable is what a request's descriptor can read now.
func (m *machine) readable(r *request) *[]byte {
	return &m.pipes[r.SQE.FD.Ref-1][r.SQE.FD.End]
}

func (m *machine) ready(r *request) bool {
	if r.SQE.Op == uring.OpPollAdd && r.SQE.OpFlags&pollOut != 0 {
		return true
	}
	return len(*m.readable(r)) > 0
}

// do carries the operation out; ok is false if it would block.
func (m *machine) do(r *request) (res int32, ok bool) {
	q := r.SQE
	switch q.Op {
	case uring.OpNop:
		return q.Inject, true
	case uring.OpTimeout:
		return 0, false
	case uring.OpPollAdd:
		if q.FD.Ref == 0 {
			return -model.EBADF, true
		}
		if q.OpFlags&pollOut != 0 {
			return pollOut, true
		}
		return pollIn, len(*m.readable(r)) > 0
	case uring.OpRead, uring.OpRecv:
		return m.read(r)
	case uring.OpWrite, uring.OpSend:
		return m.write(r), true
	case uring.OpAsyncCancel, uring.OpPollRemove, uring.OpTimeoutRemove:
		for _, t := range m.waiting {
			if t.Index+1 == q.Target && t.ring == r.ring {
				m.cancel(t)
				return 0, true
			}
		}
		return -model.ENOENT, true
	}
	return 0, true
}

func (m *machine) read(r *request) (int32, bool) {
	q := r.SQE
	if q.FD.Ref == 0 {
		return -model.EBADF, true
	}
	res := &m.p.Resources[q.FD.Ref-1]
	dst := m.bufs[q.Buf.Ref-1][q.Buf.Off:][:q.Len]
	switch {
	case res.Kind == cases.ResFile:
		f := m.files[q.FD.Ref-1]
		return int32(copy(dst, f[min(int(q.Off), len(f)):])), true
	case res.Kind == cases.ResPipe && q.FD.End == 1:
		return -model.EBADF, true
	}
	b := m.readable(r)
	if len(*b) == 0 {
		return -model.EAGAIN, res.NonBlock || q.OpFlags&rwfNowait != 0
	}
	n := copy(dst, *b)
	*b = slices.Clone((*b)[n:])
	return int32(n), true
}

func (m *machine) write(r *request) int32 {
	q := r.SQE
	if q.FD.Ref == 0 {
		return -model.EBADF
	}
	res := &m.p.Resources[q.FD.Ref-1]
	src := m.bufs[q.Buf.Ref-1][q.Buf.Off:][:q.Len]
	switch {
	case res.Kind == cases.ResFile:
		f := &m.files[q.FD.Ref-1]
		if end := int(q.Off) + len(src); end > len(*f) {
			*f = append(*f, make([]byte, end-len(*f))...)
		}
		copy((*f)[q.Off:], src)
		return int32(len(src))
	case res.Kind == cases.ResPipe && q.FD.End == 0:
		return -model.EBADF
	}
	to := 1 - q.FD.End
	if res.Kind == cases.ResEventFD {
		to = 0
	}
	m.pipes[q.FD.Ref-1][to] = append(m.pipes[q.FD.Ref-1][to], src...)
	return int32(len(src))
}
