// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"math"
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases/uring"
)

// A stepField is a field of a Step that only some steps use.
type stepField struct {
	name  string
	set   func(*Step) bool
	clear func(*Step)
	has   func(*Step) bool
}

// fieldOf describes the field that at points to, used by the given kinds of steps.
func fieldOf[T comparable](name string, at func(*Step) *T, kinds ...StepKind) stepField {
	var zero T
	return stepField{name,
		func(s *Step) bool { return *at(s) != zero },
		func(s *Step) { *at(s) = zero },
		func(s *Step) bool { return slices.Contains(kinds, s.Kind) }}
}

var stepFields = []stepField{
	fieldOf("Ring", func(s *Step) *int { return &s.Ring }, StepSubmit, StepWait, StepCloseRing, StepCancel, StepRegister, StepRefill),
	{"SQEs", func(s *Step) bool { return len(s.SQEs) != 0 }, func(s *Step) { s.SQEs = nil }, func(s *Step) bool { return s.Kind == StepSubmit }},
	fieldOf("N", func(s *Step) *int { return &s.N }, StepSubmit, StepWait, StepFeed, StepTake, StepUID, StepFault),
	{"Timeout", func(s *Step) bool { return s.Timeout != 0 }, func(s *Step) { s.Timeout = 0 },
		func(s *Step) bool {
			return s.Kind == StepWait || s.Kind == StepCancel || s.Kind == StepSubmit && s.N != 0
		}},
	fieldOf("MinWait", func(s *Step) *time.Duration { return &s.MinWait }, StepWait),
	fieldOf("FD", func(s *Step) *FD { return &s.FD }, StepFeed, StepTake, StepCloseFD, StepCancel, StepKill),
	fieldOf("Fill", func(s *Step) *Fill { return &s.Fill }, StepFeed),
	fieldOf("Target", func(s *Step) *int { return &s.Target }, StepCancel),
	fieldOf("CancelFlags", func(s *Step) *uint32 { return &s.CancelFlags }, StepCancel),
	fieldOf("CancelOp", func(s *Step) *uring.Op { return &s.CancelOp }, StepCancel),
	fieldOf("Join", func(s *Step) *string { return &s.Join }, StepJoin),
	fieldOf("Fault", func(s *Step) *FaultKind { return &s.Fault }, StepFault),
	fieldOf("Reg", func(s *Step) **Registration { return &s.Reg }, StepRegister, StepRefill),
}

// onRing tells whether a step of this kind works on a ring.
func (k StepKind) onRing() bool { return stepFields[0].has(&Step{Kind: k}) }

func (c *checker) step(at place, s *Step) {
	if s.Kind >= stepKinds {
		c.add(at, "unknown kind of step %d", s.Kind)
		return
	}
	c.note(at, "its comment", s.Comment)
	for _, f := range stepFields {
		if f.set(s) && !f.has(s) {
			c.add(at, "%s is set, which a %s does not use", f.name, s.Kind)
			break
		}
	}
	if c.over != "" {
		c.add(at, "no step can follow %s", c.over)
		return
	}
	if s.Timeout < 0 || s.Timeout > MaxWait {
		c.add(at, "timeout=%s is not from 0 to %s", durationText(s.Timeout), durationText(MaxWait))
	}
	c.thread(at, s)
	if s.Kind.onRing() {
		if s.Ring < 0 || s.Ring >= len(c.p.Rings) {
			c.add(at, "there is no ring %d", s.Ring)
			return
		}
		if c.closed[s.Ring] {
			c.add(at, "ring %s was closed by an earlier step", c.p.Rings[s.Ring].Name)
		}
	}
	switch s.Kind {
	case StepSubmit:
		c.submit(at, s)
	case StepWait:
		if s.N < 0 || s.N > MaxCQEntries {
			c.add(at, "%d is not a count of CQEs from 1 to %d", s.N, MaxCQEntries)
		}
		if s.MinWait < 0 || s.MinWait > MaxWait || s.MinWait%time.Microsecond != 0 {
			c.add(at, "min=%s is not a whole number of microseconds up to %s", durationText(s.MinWait), durationText(MaxWait))
		} else if s.MinWait != 0 && s.N == 0 {
			c.add(at, "only a wait for a number of CQEs has a min")
		}
	case StepFeed, StepTake, StepCloseFD:
		c.fdStep(at, s)
	case StepCloseRing:
		c.closed[s.Ring] = true
	case StepCancel:
		c.target(at, s.Target)
		c.fd(at, s.FD)
	case StepKill:
		c.kill(at, s)
	case StepRegister, StepRefill:
		c.register(at, s)
	case StepUID:
		if s.N < 1 || s.N > math.MaxUint16 {
			c.add(at, "%d is not a user ID from 1 to %d", s.N, math.MaxUint16)
		}
	case StepFault:
		if s.Fault == FaultNone || s.Fault >= faultKinds {
			c.add(at, "unknown kind of fault %d", s.Fault)
		}
		if s.N < 1 || s.N > MaxFaultNth {
			c.add(at, "nth=%d is not from 1 to %d", s.N, MaxFaultNth)
		}
	}
	if s.Kind.Ends() && s.FD == (FD{}) {
		c.over = s.Kind.String()
	}
}

// MaxFaultNth bounds a Fault's N.
const MaxFaultNth = 1000

// thread checks who carries a step out.
func (c *checker) thread(at place, s *Step) {
	if s.Thread != "" && !c.begun[s.Thread] {
		c.begun[s.Thread] = true
		switch {
		case !validIdent(s.Thread):
			c.add(at, "the thread's name %q is not 1 to %d lower case letters, digits, dashes and underscores that start with a letter", s.Thread, maxIdent)
		case len(c.begun) == MaxThreads+1:
			c.add(at, "more than %d threads", MaxThreads)
		}
	}
	ends := s.Kind.Ends() && s.FD == (FD{})
	switch {
	case c.ended[s.Thread]:
		c.add(at, "thread %s was ended by an earlier step", s.Thread)
	case s.Background && s.Thread == "":
		c.add(at, "only another thread can carry a step out in the background: name one, as in \"t1: %s\"", s.Kind)
	case s.Background && (ends || s.Kind == StepExitThread || s.Kind == StepFault):
		c.add(at, "%s cannot be in the background", s.Kind)
	case s.Thread == "" && (s.Kind == StepExitThread || s.Kind == StepUID):
		c.add(at, "%s is for other threads than the first: name one, as in \"t1: %s\"", s.Kind, s.Kind)
	case s.Kind == StepJoin && (s.Join == s.Thread || !c.begun[s.Join]):
		c.add(at, "no other thread %q has begun", s.Join)
	case c.armed[s.Thread] && (s.Kind == StepFault || s.Kind == StepExitThread || s.Kind == StepJoin || ends):
		c.add(at, "no %s can be under a fault", s.Kind)
	}
	c.armed[s.Thread] = s.Kind == StepFault
	if s.Kind == StepExitThread {
		c.ended[s.Thread] = true
	}
}

func (c *checker) kill(at place, s *Step) {
	if s.FD != (FD{}) && c.fd(at, s.FD) && (s.FD.Ref == 0 || c.p.Resources[s.FD.Ref-1].Kind != ResChild) {
		c.add(at, "%s is no child: kill alone means the process itself", c.p.fdText(s.FD))
	}
}

// registrationForm says which fields of s.Reg the step uses.
func (s *Step) registrationForm() registrationForm {
	if s.Kind == StepRefill {
		return registrationForm{keys: []string{"group", "from"}}
	}
	return formOfRegistration(s.Reg.Op)
}

// A registrationField is a field of a Registration that only some use.
type registrationField struct {
	name  string
	set   func(*Registration) bool
	clear func(*Registration)
	has   func(registrationForm) bool
}

// lists and keyed tell when a field is used: with one kind of list, or with a key.
func lists(l regList) func(registrationForm) bool {
	return func(f registrationForm) bool { return f.list == l }
}
func keyed(key string) func(registrationForm) bool {
	return func(f registrationForm) bool { return slices.Contains(f.keys, key) }
}

func regField[T comparable](name string, at func(*Registration) *T, has func(registrationForm) bool) registrationField {
	var zero T
	return registrationField{name,
		func(r *Registration) bool { return *at(r) != zero },
		func(r *Registration) { *at(r) = zero }, has}
}

var registrationFields = []registrationField{
	{"FDs", func(r *Registration) bool { return len(r.FDs) != 0 }, func(r *Registration) { r.FDs = nil }, lists(listFDs)},
	{"Bufs", func(r *Registration) bool { return len(r.Bufs) != 0 }, func(r *Registration) { r.Bufs = nil }, lists(listParts)},
	regField("Counts", func(r *Registration) *uint32 { return &r.Counts[0] }, lists(listCounts)),
	regField("Counts[1]", func(r *Registration) *uint32 { return &r.Counts[1] },
		func(f registrationForm) bool { return f.list == listCounts && f.hi == 2 }),
	regField("Source", func(r *Registration) *int { return &r.Source }, lists(listRing)),
	regField("Group", func(r *Registration) *uint16 { return &r.Group }, keyed("group")),
	regField("Entries", func(r *Registration) *uint32 { return &r.Entries }, keyed("entries")),
	regField("Size", func(r *Registration) *uint32 { return &r.Size }, keyed("size")),
	regField("From", func(r *Registration) *uint32 { return &r.From }, keyed("from")),
	regField("Flags", func(r *Registration) *uint32 { return &r.Flags }, keyed("flags")),
}

// register checks a registration, or the buffer that a refill names.
func (c *checker) register(at place, s *Step) {
	r := s.Reg
	if r == nil {
		c.add(at, "what to register is missing")
		return
	}
	form := s.registrationForm()
	if s.Kind == StepRefill && r.Op != 0 {
		c.add(at, "Op is set, which a refill does not use")
	}
	for _, f := range registrationFields {
		if f.set(r) && !f.has(form) {
			c.add(at, "%s is set, which this registration does not use", f.name)
		}
	}
	n, is := 0, form.list
	switch is {
	case listFDs:
		n = len(r.FDs)
		for _, fd := range r.FDs {
			c.fd(at, fd)
		}
	case listParts:
		n = len(r.Bufs)
		c.parts(at, r.Bufs, len(c.p.Buffers), true)
	case listRing:
		if n = 1; r.Source < 1 || r.Source > len(c.p.Rings) {
			c.add(at, "there is no ring %d", r.Source-1)
		}
	case listCounts:
		n = form.lo
	}
	if n < form.lo || n > form.hi {
		c.add(at, "%d listed, want %d to %d: usage is %q", n, form.lo, form.hi, form.usage())
	}
	if r.Op == uring.RegisterPbufRing && s.Kind == StepRegister {
		c.bufRing(at, r)
	}
}

// MaxBufRing bounds the entries of a buffer ring.
const MaxBufRing = 1024

func (c *checker) bufRing(at place, r *Registration) {
	if r.Entries == 0 || r.Entries > MaxBufRing || r.Entries&(r.Entries-1) != 0 {
		c.add(at, "entries=%d is not a power of two from 1 to %d", r.Entries, MaxBufRing)
	}
	if r.Flags&^uint32(3) != 0 {
		c.add(at, "the flags %#x are unknown", r.Flags)
	}
	if len(r.Bufs) != 1 || r.Bufs[0].Buf.Ref < 1 || r.Bufs[0].Buf.Ref > len(c.p.Buffers) {
		c.add(at, "a buffer ring needs the memory of its buffers")
	} else if size := c.p.partLen(r.Bufs[0]); r.Size == 0 || r.Size > size {
		c.add(at, "size=%d is not 1 to the %d bytes of the memory", r.Size, size)
	}
}

// partLen is the length of a piece of a buffer that exists.
func (p *Program) partLen(part Part) uint32 {
	if part.Len != 0 {
		return part.Len
	}
	if part.Buf.Ref < 1 || part.Buf.Ref > len(p.Buffers) {
		return 0
	}
	return p.Buffers[part.Buf.Ref-1].Len() - min(part.Buf.Off, p.Buffers[part.Buf.Ref-1].Len())
}

// BufRingCount is the number of buffers that a buffer ring has at first: as
// many of r.Size bytes as fit into its memory, at most r.Entries. Buffer i begins at i*r.Size.
func (p *Program) BufRingCount(r *Registration) int {
	if len(r.Bufs) != 1 || r.Size == 0 {
		return 0
	}
	return int(min(p.partLen(r.Bufs[0])/r.Size, r.Entries))
}

func (c *checker) fdStep(at place, s *Step) {
	if s.FD.Ref == 0 {
		c.add(at, "%s needs a file, pipe, socket or the like of the program", s.Kind)
		return
	}
	if !c.fd(at, s.FD) {
		return
	}
	if c.fds[s.FD] {
		c.add(at, "%s was closed by an earlier step", c.p.fdText(s.FD))
	}
	kind := c.p.Resources[s.FD.Ref-1].Kind
	switch s.Kind {
	case StepCloseFD:
		c.fds[s.FD] = true
	case StepFeed:
		if s.N < 1 || s.N > MaxBuffer {
			c.add(at, "%d is not a number of bytes from 1 to %d", s.N, MaxBuffer)
		}
		if kind == ResEventFD && s.Fill != 0 {
			c.add(at, "an eventfd takes a number, not a fill")
		}
		if kind == ResPipe && s.FD.End != 1 {
			c.add(at, "a pipe is fed at its writing end: %s.w", c.p.Resources[s.FD.Ref-1].Name)
		}
	case StepTake:
		if s.N < 1 || s.N > MaxBuffer {
			c.add(at, "%d is not a number of bytes from 1 to %d", s.N, MaxBuffer)
		}
		if kind == ResEventFD && s.N < 8 {
			c.add(at, "reading an eventfd takes 8 bytes")
		}
		if kind == ResPipe && s.FD.End != 0 {
			c.add(at, "a pipe is taken from at its reading end: %s.r", c.p.Resources[s.FD.Ref-1].Name)
		}
	}
}

func (c *checker) fd(at place, fd FD) bool {
	switch {
	case fd.Ring != 0:
		if fd.Ring < 0 || fd.Ring > len(c.p.Rings) || fd.Ref != 0 || fd.End != 0 || fd.HasRaw || fd.Raw != 0 {
			c.add(at, "a file descriptor is either a ring's, of which there are %d, or something else", len(c.p.Rings))
			return false
		}
	case fd.Ref == 0:
		if fd.End != 0 || !fd.HasRaw && fd.Raw != 0 {
			c.add(at, "a file descriptor without a resource has an end or a number nobody asked for")
			return false
		}
	case fd.Ref < 0 || fd.Ref > len(c.p.Resources):
		c.add(at, "there is no resource %d", fd.Ref)
		return false
	case fd.HasRaw || fd.Raw != 0:
		c.add(at, "a file descriptor is either a resource's or a number")
		return false
	case fd.End < 0 || fd.End >= max(1, len(endNames(c.p.Resources[fd.Ref-1].Kind))):
		c.add(at, "%s %s has no end %d", c.p.Resources[fd.Ref-1].Kind, c.p.Resources[fd.Ref-1].Name, fd.End)
		return false
	}
	return true
}

func (c *checker) target(at place, t int) {
	if t < 0 || t > c.sqes {
		c.add(at, "there is no SQE @%d: the program has %d", t, c.sqes)
	}
}

func (c *checker) submit(at place, s *Step) {
	if s.N < 0 || s.N > MaxCQEntries {
		c.add(at, "wait=%d is not a count of CQEs up to %d", s.N, MaxCQEntries)
	}
	if len(s.SQEs) == 0 {
		c.add(at, "nothing to submit: SQEs follow in indented lines")
	}
	if n := c.p.Rings[s.Ring].Entries; len(s.SQEs) > int(n) {
		c.add(at, "%d SQEs do not fit into ring %s with entries=%d", len(s.SQEs), c.p.Rings[s.Ring].Name, n)
	}
	for j := range s.SQEs {
		c.sqe(place{inSQE, at.i, j}, &s.SQEs[j])
	}
}

func (c *checker) sqe(at place, s *SQE) {
	c.note(at, "its comment", s.Comment)
	if s.Label != "" {
		switch {
		case !validIdent(s.Label):
			c.add(at, "the label %q is not 1 to %d lower case letters, digits, dashes and underscores that start with a letter", s.Label, maxIdent)
		case c.labels[s.Label]:
			c.add(at, "the label %s is already that of an earlier SQE", s.Label)
		}
		c.labels[s.Label] = true
	}
	c.fd(at, s.FD)
	c.target(at, s.Target)
	if s.Timeout < 0 || s.Timeout > MaxTimeout {
		c.add(at, "timeout=%s is not from 0 to %s", durationText(s.Timeout), durationText(MaxTimeout))
	}
	used := 0
	for _, set := range []bool{s.Buf.Ref != 0, s.Target != 0, s.Timeout != 0, s.Addr != 0} {
		if set {
			used++
		}
	}
	if used > 1 {
		c.add(at, "buf, target, timeout and addr share one field of the SQE: give one of them")
	}
	c.shared(at, s)
	c.memory(at, s)
	switch {
	case !s.HasInject:
		if s.Inject != 0 {
			c.add(at, "Inject is set without HasInject")
		}
	case s.Op != uring.OpNop:
		c.add(at, "only nop can inject a result")
	case s.Len != 0 || s.OpFlags != 0:
		c.add(at, "inject uses len and flags: give either")
	}
}

// shared checks fields that share a place in the SQE with another one.
func (c *checker) shared(at place, s *SQE) {
	c.fd(at, s.FD2)
	form := formOf(s.Op)
	if s.FD2 != (FD{}) {
		switch {
		case form.fd2 == fd2None:
			c.add(at, "%s has no second file descriptor", opText(s.Op))
		case form.fd2 == fd2Splice && s.FileIndex != 0:
			c.add(at, "fd2 and file_index share one field of the SQE: give one of them")
		case form.fd2 == fd2Off && (s.Off != 0 || s.Buf2.Ref != 0):
			c.add(at, "fd2, %s and addr2 share one field of the SQE: give one of them", form.off)
		case form.fd2 == fd2Len && s.Len != 0:
			c.add(at, "fd2 and len share one field of the SQE: give one of them")
		}
	}
	if s.Buf2.Ref != 0 && s.Off != 0 {
		c.add(at, "addr2 and %s share one field of the SQE: give one of them", form.off)
	}
	if s.Buf3.Ref != 0 && s.Addr3 != 0 {
		c.add(at, "addr3 is either a buffer or a number")
	}
}

func (c *checker) memory(at place, s *SQE) {
	c.ref(at, s.Buf)
	c.ref(at, s.Buf2)
	c.ref(at, s.Buf3)
	if s.Buf.Ref < 1 || s.Buf.Ref > len(c.p.Buffers) || s.Flags&uring.BufferSelect != 0 {
		return
	}
	b := &c.p.Buffers[s.Buf.Ref-1]
	size := uint64(s.Len)
	switch {
	case s.Op == uring.OpProvideBuffers && s.FD.HasRaw && s.FD.Raw > 0:
		size *= uint64(s.FD.Raw)
	case !formOf(s.Op).memory:
		return
	}
	if end := uint64(s.Buf.Off) + size; s.Buf.Off <= b.Len() && end > uint64(b.Len()) {
		c.add(at, "bytes %d to %d of %s are asked for, which has %d", s.Buf.Off, end, b.Name, b.Len())
	}
}

func (c *checker) ref(at place, r BufRef) {
	switch {
	case r.Ref == 0:
		if r.Off != 0 {
			c.add(at, "an offset into no buffer")
		}
	case r.Ref < 0 || r.Ref > len(c.p.Buffers):
		c.add(at, "there is no buffer %d", r.Ref)
	case r.Off > c.p.Buffers[r.Ref-1].Len():
		b := &c.p.Buffers[r.Ref-1]
		c.add(at, "%s+%d is outside the buffer, which has %d bytes", b.Name, r.Off, b.Len())
	}
}
