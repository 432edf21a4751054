// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"fmt"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// content is what a buffer or file must hold. Bytes that requests without
// an order between them may have written are not known.
type content struct {
	bytes   []byte
	unknown []bool // nil as long as all is known
	lost    bool   // nothing is known any more
	by      []int  // SQEs that wrote to it
	handed  bool   // what they wrote, others had written before
}

func filled(size uint32, fill cases.Fill) *content {
	c := &content{bytes: make([]byte, size)}
	fill.Bytes(c.bytes, 0)
	return c
}

func (c *content) forget(off, n int64) {
	off, end := max(off, 0), min(off+n, int64(len(c.bytes)))
	if off >= end {
		return
	}
	if c.unknown == nil {
		c.unknown = make([]bool, len(c.bytes))
	}
	for i := off; i < end; i++ {
		c.unknown[i] = true
	}
}

// put writes a piece of data; a nil piece is n unknown bytes.
func (c *content) put(off int64, p *piece, n int64, grow bool) {
	if off < 0 || off+n > 2*cases.MaxBuffer {
		c.lost = true
		return
	}
	if end := off + n; grow && end > int64(len(c.bytes)) {
		c.bytes = append(c.bytes, make([]byte, end-int64(len(c.bytes)))...)
		if c.unknown != nil {
			c.unknown = append(c.unknown, make([]bool, end-int64(len(c.unknown)))...)
		}
	}
	if p == nil {
		c.forget(off, n)
		return
	}
	copy(c.bytes[min(off, int64(len(c.bytes))):], p.bytes[:n])
	if c.unknown == nil && p.unknown == nil {
		return
	}
	for i := range n {
		if k := off + i; k < int64(len(c.bytes)) {
			if p.unknown != nil && p.unknown[i] {
				c.forget(k, 1)
			} else if c.unknown != nil {
				c.unknown[k] = false
			}
		}
	}
}

// piece is data on its way.
type piece struct {
	bytes   []byte
	unknown []bool
}

func (c *content) take(off, n int64) *piece {
	p := &piece{bytes: make([]byte, n)}
	if c.lost {
		return nil
	}
	if off >= int64(len(c.bytes)) {
		return p
	}
	copy(p.bytes, c.bytes[off:])
	if c.unknown != nil {
		p.unknown = make([]bool, n)
		copy(p.unknown, c.unknown[off:])
	}
	return p
}

// span is a place that a request reads or writes: an object and a range.
type span struct {
	object int // index into flow.objects, -1 for none
	off, n int64
}

func (s span) meets(o span) bool {
	return s.object >= 0 && s.object == o.object && s.off < o.off+o.n && o.off < s.off+s.n
}

// effect is what one request does to data.
type effect struct {
	sqe      int
	src, dst span
	stream   int // 1 + index of the resource that src is a stream of, 0 for none
	grow     bool
	blank    bool // what it writes is unknown
}

// flow follows data through a program's requests.
type flow struct {
	j       *judge
	objects []*content // buffers, then resources
	effects []effect
	before  []map[int]bool // by SQE: requests that were certainly done before it began
}

// data compares buffers and files with what the completed requests must have left in them (G14, I6).
func (j *judge) data() {
	if len(j.out.Data) == 0 {
		return
	}
	if j.out.End != cases.EndDone {
		j.unchecked("G14", "the program did not run to its end: buffers and files are not compared")
		return
	}
	f := &flow{j: j}
	p := j.in.Program
	for i := range p.Buffers {
		c := filled(p.Buffers[i].Size, p.Buffers[i].Fill)
		c.lost = p.Buffers[i].Kind != cases.BufData // structures hold addresses, and are not compared
		f.objects = append(f.objects, c)
	}
	for i := range p.Resources {
		c := &content{}
		if kind := p.Resources[i].Kind; kind == cases.ResFile || kind == cases.ResNullBlk {
			c = filled(p.Resources[i].Size, p.Resources[i].Fill)
		}
		f.objects = append(f.objects, c)
	}
	for i := range p.Steps { // what the program itself writes into a file is not followed
		if st := &p.Steps[i]; st.Kind == cases.StepFeed && st.FD.Ref > 0 {
			f.objects[len(p.Buffers)+st.FD.Ref-1].lost = true
		}
	}
	f.order()
	for i := range j.facts {
		switch {
		case j.facts[i].submitted:
			f.add(i)
		case j.sqpoll(i) && !j.have[cases.EvSubmit]: // nothing tells that it was
			f.lose()
		}
	}
	for k := range f.effects {
		f.apply(k)
	}
	for k := range j.out.Data {
		f.compare(&j.out.Data[k])
	}
}

// order finds for each request what was certainly done before it began: what
// the model's orders say of requests that were submitted, and what was reaped before its submission.
func (f *flow) order() {
	j := f.j
	f.before = make([]map[int]bool, len(j.facts))
	for i := range j.facts {
		f.before[i] = map[int]bool{}
		for k := range i {
			cq := j.facts[k].cqes
			if len(cq) > 0 && j.exp.StepBefore(j.out.CQEs[cq[0]].Step, j.exp.Requests[i].Step) {
				f.before[i][k] = true
			}
		}
	}
	for k := range j.exp.Orders {
		o := &j.exp.Orders[k]
		if o.BeforePoint != model.Done || o.AfterPoint != model.Issued {
			continue
		}
		for _, a := range o.After {
			for _, b := range o.Before {
				if j.facts[a].submitted && j.facts[b].submitted {
					f.before[a][b] = true
				}
			}
		}
	}
	for i := range f.before { // transitively; order always points to higher indices
		for b := range f.before[i] {
			for bb := range f.before[b] {
				f.before[i][bb] = true
			}
		}
	}
}

func (f *flow) ordered(a, b int) bool { return f.before[a][b] || f.before[b][a] }

var noSpan = span{object: -1}

const rwfAppend = 0x10 // RWF_APPEND, linux/fs.h

// add finds out what request i did.
func (f *flow) add(i int) {
	j := f.j
	r, fact := &j.exp.Requests[i], &j.facts[i]
	q := r.SQE
	if j.exp.Rejected(i, j) == model.Yes {
		return
	}
	if state, _ := j.cancelled(i); state == model.Yes {
		return // it must not have done anything
	}
	kind := model.EffectOf(q.Op)
	fd, found := j.exp.File(r)
	res := j.exp.Resource(fd)
	switch {
	case kind == model.NoEffect || found == model.No:
		return
	case kind == model.Changes || found == model.Unknown || res == nil: // anything may have changed
		f.lose()
		return
	case fact.res == -model.ECANCELED && fact.hasRes && fact.issue == none && j.solid && j.have[cases.EvIssue]:
		return
	}
	memory := f.memory(i)
	if memory == nil {
		f.lose()
		return
	}
	e := effect{sqe: i, blank: !fact.hasRes || fact.res < 0 || !f.overInTime(fact)}
	left := int64(1 << 62) // what the result says was transferred
	if !e.blank {
		left = int64(fact.res)
	}
	file := noSpan
	if res.Kind == cases.ResFile || res.Kind == cases.ResNullBlk {
		file = span{object: len(j.in.Program.Buffers) + fd.Ref - 1, off: int64(q.Off)}
		if q.Off == ^uint64(0) || kind == model.Writes && q.OpFlags&rwfAppend != 0 { // neither current positions nor ends are followed
			f.objects[file.object].lost = f.objects[file.object].lost || kind == model.Writes
			e.blank, file = true, noSpan
		}
	} else {
		e.stream = fd.Ref
		e.blank = e.blank || len(memory) > 1
	}
	for _, m := range memory {
		whole := m.n
		m.n = min(m.n, left)
		left -= m.n
		file.n = m.n
		part := e
		if kind == model.Reads {
			part.src, part.dst = file, m
			if whole > m.n && res.Direct {
				part.blank, part.dst.n = true, whole
			}
		} else {
			part.src, part.dst, part.grow = m, file, res.Kind == cases.ResFile && m.n > 0
		}
		f.effects = append(f.effects, part)
		file.off += m.n
	}
}

// overInTime tells that the request was over when the contents were taken: the
// program has reaped its CQE, or for a skipped one the CQE of something later.
func (f *flow) overInTime(fact *fact) bool {
	if fact.fromCQE() {
		return true
	}
	for i := range f.j.facts { // the end of a multishot request may come later than what was reaped of it
		if o := &f.j.facts[i]; o.fromCQE() && !f.j.exp.Requests[i].Multi && fact.free != none && o.posted > fact.free {
			return true
		}
	}
	return false
}

// lose forgets everything: a request did something that is not followed.
func (f *flow) lose() {
	for _, c := range f.objects {
		c.lost = true
	}
}

// memory lists the pieces of the program's buffers that request i works on, nil if that is not known.
func (f *flow) memory(i int) []span {
	r := &f.j.exp.Requests[i]
	q := r.SQE
	place := func(ref cases.BufRef, n uint32) span {
		return span{object: ref.Ref - 1, off: int64(ref.Off), n: int64(n)}
	}
	switch {
	case q.Flags&uring.BufferSelect != 0:
		fact := &f.j.facts[i]
		if !fact.fromCQE() || r.Multi {
			return nil
		}
		part, ok := f.j.exp.ChosenBuffer(r, f.j.out.CQEs[fact.cqe()].Flags)
		switch {
		case fact.res < 0 && !ok: // it had none to choose
			return []span{}
		case !ok || int(part.Buf.Ref) > len(f.j.in.Program.Buffers) || part.Buf.Ref == 0:
			return nil
		}
		return []span{place(part.Buf, part.Len)}
	case model.Vectored(q.Op):
		var list []span
		for _, p := range f.j.exp.Iovec(q) {
			list = append(list, place(p.Buf, p.Len))
		}
		return list
	case q.Addr != 0:
		return nil
	}
	return []span{place(q.Buf, q.Len)}
}

// apply carries effect k out, in program order, which every certain order agrees with.
func (f *flow) apply(k int) {
	e := &f.effects[k]
	if e.dst.object < 0 || e.dst.object >= len(f.objects) {
		return
	}
	var data *piece
	switch {
	case e.blank:
	case e.stream > 0:
		data = f.fromStream(k)
	case e.src.object >= 0 && e.src.object < len(f.objects):
		data = f.objects[e.src.object].take(e.src.off, e.src.n)
	}
	for o := range f.effects { // a source that somebody else may be writing
		other := &f.effects[o]
		if data != nil && other.sqe != e.sqe && other.dst.meets(e.src) && !f.ordered(e.sqe, other.sqe) {
			data = nil
		}
	}
	c := f.objects[e.dst.object]
	c.by = append(c.by, e.sqe)
	if e.src.object >= 0 && e.src.object < len(f.objects) {
		c.handed = c.handed || len(f.objects[e.src.object].by) > 0
	}
	c.put(e.dst.off, data, e.dst.n, e.grow)
	for o := range f.effects {
		other := &f.effects[o]
		if other.sqe != e.sqe && other.dst.meets(e.dst) && !f.ordered(e.sqe, other.sqe) {
			lo, hi := max(e.dst.off, other.dst.off), min(e.dst.off+e.dst.n, other.dst.off+other.dst.n)
			c.forget(lo, hi-lo)
		}
	}
}

// fromStream returns what effect k read from a pipe or socket, nil if that is
// not known: the stream must come from Feed steps alone, and all that read
// it must have done so one after the other.
func (f *flow) fromStream(k int) *piece {
	e := &f.effects[k]
	p := f.j.in.Program
	fd, _ := f.j.exp.File(&f.j.exp.Requests[e.sqe])
	if p.Resources[fd.Ref-1].Kind == cases.ResEventFD {
		return nil
	}
	var skip int64
	for o := range f.effects {
		other := &f.effects[o]
		if o == k || other.stream != e.stream {
			continue
		}
		r := &f.j.exp.Requests[other.sqe]
		file, _ := f.j.exp.File(r)
		switch {
		case model.EffectOf(r.SQE.Op) == model.Writes:
			return nil
		case file != fd:
		case other.blank || !f.ordered(e.sqe, other.sqe):
			return nil
		case f.before[e.sqe][other.sqe]:
			skip += int64(f.j.facts[other.sqe].res)
		}
	}
	var stream []byte
	for s := range p.Steps {
		st := &p.Steps[s]
		switch {
		case st.FD.Ref != fd.Ref:
		case st.Kind == cases.StepTake && st.FD == fd:
			return nil
		case st.Kind == cases.StepFeed && st.FD.End != fd.End:
			ret, ok := f.j.StepOK(s)
			if !ok {
				continue
			}
			b := make([]byte, max(0, min(ret, int64(st.N))))
			st.Fill.Bytes(b, 0)
			stream = append(stream, b...)
		}
	}
	if skip+e.dst.n > int64(len(stream)) {
		return nil
	}
	return &piece{bytes: stream[skip : skip+e.dst.n]}
}

func (f *flow) compare(b *cases.Blob) {
	p := f.j.in.Program
	object, what := b.Buffer-1, ""
	switch {
	case b.File > 0 && b.File <= len(p.Resources):
		object, what = len(p.Buffers)+b.File-1, "file "+p.Resources[b.File-1].Name
	case b.Buffer > 0 && b.Buffer <= len(p.Buffers):
		what = "buffer " + p.Buffers[b.Buffer-1].Name
	default:
		return
	}
	c := f.objects[object]
	if c.lost {
		return
	}
	rule := "I6"
	for _, i := range c.by {
		r := &f.j.exp.Requests[i]
		switch {
		case r.Role != model.Plain && (r.Chain >= 0 || c.handed):
			rule = "G14"
		case r.Role != model.Plain && rule == "I6":
			rule = "G13"
		}
	}
	f.j.check(rule, 1)
	if b.File > 0 && len(b.Bytes) < len(c.bytes) && c.unknown == nil {
		f.j.violate(rule, fmt.Sprintf("%s holds %d bytes, expected %d", what, len(b.Bytes), len(c.bytes)), c.by, nil, nil)
		return
	}
	for off := range min(len(b.Bytes), len(c.bytes)) {
		if b.Bytes[off] == c.bytes[off] || c.unknown != nil && c.unknown[off] {
			continue
		}
		end := min(off+8, len(b.Bytes), len(c.bytes))
		f.j.violate(rule, fmt.Sprintf("%s holds %#x at offset %d, expected %#x", what, b.Bytes[off:end], off, c.bytes[off:end]), c.by, nil, nil)
		return
	}
}
