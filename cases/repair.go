// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases/uring"
)

// Repair makes p valid, changing as little as it can: fields that an item does
// not use are cleared, references and numbers wrap around at what there is,
// and what [Program.Validate] still complains about is left out, with all that
// depended on it. A valid program stays as it is.
func (p *Program) Repair() {
	for i := range p.Rings {
		p.fitRing(i)
	}
	p.fitReferences()
	for i := range p.Resources {
		p.Resources[i].fit()
	}
	for i := range p.Buffers {
		p.fitBuffer(i)
	}
	for i := range p.Steps {
		p.fitStep(&p.Steps[i])
	}
	p.prune()
}

// fitRing takes away what excludes each other, and makes room for the largest submission.
func (p *Program) fitRing(i int) {
	r := &p.Rings[i]
	need := r.Entries
	for s := range p.Steps {
		if st := &p.Steps[s]; st.Kind == StepSubmit && st.Ring == i {
			need = max(need, uint32(len(st.SQEs)))
		}
	}
	r.Entries = powerOf2(need, MaxEntries)
	if r.CQEntries != 0 {
		r.CQEntries = powerOf2(max(r.CQEntries, r.Entries), MaxCQEntries)
	}
	r.Attach = wrap(r.Attach, i)
	var f uring.SetupFlags
	for _, known := range setupFlags {
		f |= r.Flags & uring.SetupFlags(known.bit)
	}
	f &^= uring.SetupCQSize | uring.SetupAttachWq
	if f&uring.SetupDeferTaskrun != 0 {
		f |= uring.SetupSingleIssuer
	}
	if f&uring.SetupSQPoll != 0 {
		f &^= uring.SetupCoopTaskrun | uring.SetupTaskrunFlag | uring.SetupDeferTaskrun
		r.Idle = r.Idle.Truncate(time.Millisecond) % (MaxIdle + time.Millisecond)
	} else {
		f &^= uring.SetupSQAff
		r.Idle = 0
	}
	if f&(uring.SetupCoopTaskrun|uring.SetupDeferTaskrun) == 0 {
		f &^= uring.SetupTaskrunFlag
	}
	if f&uring.SetupNoMmap == 0 {
		f &^= uring.SetupRegisteredFdOnly
	}
	if r.CPU %= maxCPU + 1; f&uring.SetupSQAff == 0 {
		r.CPU = 0
	}
	r.Flags = f
}

// powerOf2 is the smallest power of two that is not below n, at most top, which is one.
func powerOf2(n, top uint32) uint32 {
	return min(1<<bits.Len32(max(n, 1)-1), top)
}

// wrap keeps a reference, counted from 1, within n things: 0 is none.
func wrap(ref, n int) int {
	if ref <= 0 || n == 0 {
		return 0
	}
	return 1 + (ref-1)%n
}

// fitReferences makes every reference name something that is there, or
// nothing where there is nothing of the kind.
func (p *Program) fitReferences() {
	p.EachFD(func(fd *FD) {
		switch {
		case wrap(fd.Ref, len(p.Resources)) != 0:
			fd.Ref = wrap(fd.Ref, len(p.Resources))
			if fd.End < 0 || fd.End >= len(endNames(p.Resources[fd.Ref-1].Kind)) {
				fd.End = 0
			}
			fd.Ring, fd.HasRaw, fd.Raw = 0, false, 0
		case wrap(fd.Ring, len(p.Rings)) != 0:
			*fd = FD{Ring: wrap(fd.Ring, len(p.Rings))}
		case fd.HasRaw:
			*fd = FD{HasRaw: true, Raw: fd.Raw}
		default:
			*fd = FD{}
		}
	})
	sqes := len(p.SQEs())
	p.EachTarget(func(t *int) { *t = wrap(*t, sqes) })
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Ring < 0 || s.Ring >= len(p.Rings) {
			s.Ring = wrap(s.Ring, len(p.Rings))
			s.Ring -= min(s.Ring, 1)
		}
	}
}

// within keeps a piece of memory inside the buffer it is in: what is
// beyond the end wraps around. n is its length in bytes.
func (p *Program) within(b *BufRef, n uint32, buffers int) uint32 {
	if b.Ref = wrap(b.Ref, buffers); b.Ref == 0 {
		b.Off = 0
		return n
	}
	size := p.Buffers[b.Ref-1].Len()
	if b.Off > size {
		b.Off %= size + 1
	}
	if room := size - b.Off; n > room {
		n %= room + 1
	}
	return n
}

func (r *Resource) fit() {
	r.Kind %= resourceKinds
	for _, s := range r.settings() {
		if !s.has {
			s.clear()
		}
	}
	if r.FS > Ext4 {
		r.FS %= Ext4 + 1
	}
	if r.Size > MaxBuffer {
		r.Size %= MaxBuffer + 1
	}
	if r.Delay < 0 || r.Delay > maxDelay {
		r.Delay = (r.Delay & (1<<62 - 1)) % maxDelay
	}
	if r.Kind == ResTimerFD {
		r.Delay = max(r.Delay, time.Millisecond)
	}
}

func (p *Program) fitBuffer(i int) {
	b := &p.Buffers[i]
	b.Kind %= bufferKinds
	for _, f := range b.fields() {
		if !f.has {
			f.clear()
		}
	}
	for j := range b.Parts {
		part := &b.Parts[j]
		if n := p.within(&part.Buf, part.Len, i); b.Kind != BufWaitv {
			part.Len = n
		}
	}
	switch b.Kind {
	case BufData:
		if b.Size > MaxBuffer {
			b.Size %= MaxBuffer + 1
		}
		b.Size = max(b.Size, 1)
	case BufText, BufAddr:
		if !validText(b.Text) {
			b.Text = fitText(b.Text)
		}
	case BufMsg:
		b.Parts = b.Parts[:min(len(b.Parts), len(msgKeys))]
		for n := len(b.Parts); n > 0 && b.Parts[n-1] == (Part{}); n-- {
			b.Parts = b.Parts[:n-1]
		}
	case BufEvent, BufHow:
		want := wordsOf[b.Kind]
		b.Words = append(b.Words, make([]uint64, want)...)[:want]
		b.Words[0] = uint64(uint32(b.Words[0]))
	case BufTime:
		if b.Time <= 0 || b.Time > MaxTimeout {
			b.Time = max((b.Time&(1<<62-1))%MaxTimeout, time.Microsecond)
		}
	}
}

// fitText makes a path of any string: what cannot be in one is an x.
func fitText(s string) string {
	s = strings.Map(func(c rune) rune {
		if validText(string(c)) || c == '/' {
			return c
		}
		return 'x'
	}, s)
	parts := strings.FieldsFunc(s[:min(len(s), MaxPath)], func(c rune) bool { return c == '/' })
	for i := range parts {
		if parts[i] == ".." {
			parts[i] = "xx"
		}
	}
	return cmp.Or(strings.Join(parts, "/"), "x")
}

func (p *Program) fitStep(s *Step) {
	s.Kind %= stepKinds
	for _, f := range stepFields {
		if !f.has(s) {
			f.clear(s)
		}
	}
	if s.Timeout < 0 || s.Timeout > MaxWait {
		s.Timeout = (s.Timeout & (1<<62 - 1)) % MaxWait
	}
	if s.MinWait < 0 || s.MinWait > MaxWait || s.MinWait%time.Microsecond != 0 {
		s.MinWait = ((s.MinWait & (1<<62 - 1)) % MaxWait).Truncate(time.Microsecond)
	}
	limit, least := map[StepKind]int{StepSubmit: MaxCQEntries, StepWait: MaxCQEntries, StepFeed: MaxBuffer, StepTake: MaxBuffer,
		StepUID: 1<<16 - 1, StepFault: MaxFaultNth}[s.Kind], 1
	switch s.Kind {
	case StepSubmit, StepWait:
		least = 0
	}
	if limit > 0 && (s.N < least || s.N > limit) {
		s.N = max((s.N&(1<<62-1))%(limit+1), least)
	}
	if s.N == 0 {
		s.MinWait = 0
	}
	if s.Kind == StepFault {
		s.Fault = FaultKind(wrap(int(s.Fault), int(faultKinds)-1))
		s.Fault = max(s.Fault, 1)
	}
	if s.Thread == "" || s.Kind.Ends() || s.Kind == StepExitThread || s.Kind == StepFault {
		s.Background = false
	}
	if s.Reg != nil {
		p.fitRegistration(s)
	}
	for i := range s.SQEs {
		p.fitSQE(&s.SQEs[i])
	}
}

func (p *Program) fitRegistration(s *Step) {
	r := s.Reg
	if s.Kind == StepRefill {
		r.Op = 0
	}
	form := s.registrationForm()
	for _, f := range registrationFields {
		if !f.has(form) {
			f.clear(r)
		}
	}
	r.Source = wrap(r.Source, len(p.Rings))
	r.FDs = r.FDs[:min(len(r.FDs), max(form.hi, 0))]
	r.Bufs = r.Bufs[:min(len(r.Bufs), max(form.hi, 0))]
	for i := range r.Bufs {
		r.Bufs[i].Len = p.within(&r.Bufs[i].Buf, r.Bufs[i].Len, len(p.Buffers))
	}
	if s.Kind == StepRegister && r.Op == uring.RegisterPbufRing {
		r.Entries = powerOf2(r.Entries, MaxBufRing)
		r.Flags &= 3
		if len(r.Bufs) == 1 {
			if room := p.partLen(r.Bufs[0]); room > 0 && (r.Size == 0 || r.Size > room) {
				r.Size = 1 + r.Size%room
			}
		}
	}
}

// fitSQE keeps the first of the fields that share a place in the SQE.
func (p *Program) fitSQE(s *SQE) {
	if s.Timeout < 0 || s.Timeout > MaxTimeout {
		s.Timeout = (s.Timeout & (1<<62 - 1)) % (MaxTimeout + 1)
	}
	switch {
	case s.Buf.Ref != 0:
		s.Target, s.Timeout, s.Addr = 0, 0, 0
	case s.Target != 0:
		s.Timeout, s.Addr = 0, 0
	case s.Timeout != 0:
		s.Addr = 0
	}
	if s.Op != uring.OpNop || !s.HasInject {
		s.HasInject, s.Inject = false, 0
	}
	if s.HasInject {
		s.Len, s.OpFlags = 0, 0
	}
	form := formOf(s.Op)
	if form.fd2 == fd2None {
		s.FD2 = FD{}
	}
	if s.FD2 != (FD{}) {
		switch form.fd2 {
		case fd2Splice:
			s.FileIndex = 0
		case fd2Off:
			s.Off, s.Buf2 = 0, BufRef{}
		case fd2Len:
			s.Len = 0
		}
	}
	if s.Buf2.Ref != 0 {
		s.Off = 0
	}
	if s.Buf3.Ref != 0 {
		s.Addr3 = 0
	}
	p.within(&s.Buf2, 0, len(p.Buffers))
	p.within(&s.Buf3, 0, len(p.Buffers))
	n := p.within(&s.Buf, s.Len, len(p.Buffers))
	if form.memory && s.Op != uring.OpProvideBuffers && s.Buf.Ref != 0 && s.Flags&uring.BufferSelect == 0 {
		s.Len = n
	}
}

// prune leaves out what [Program.Validate] complains
// about: the SQE, step, buffer, resource or ring as a whole, and with it what
// depended on it.
func (p *Program) prune() {
	for {
		found := p.check()
		if len(found) == 0 {
			return
		}
		// All of one kind of place, the last first, so that indexes stay true.
		kind := slices.MaxFunc(found, func(a, b complaint) int { return cmp.Compare(a.at.kind, b.at.kind) }).at.kind
		var places []place
		for _, c := range found {
			if c.at.kind == kind {
				places = append(places, c.at)
			}
		}
		slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(b.i, a.i), cmp.Compare(b.j, a.j)) })
		for _, at := range slices.Compact(places) {
			p.drop(at)
		}
	}
}

func (p *Program) drop(at place) {
	switch at.kind {
	case inRing:
		p.DropRing(at.i)
	case inResource:
		p.DropResource(at.i)
	case inBuffer:
		p.DropBuffer(at.i)
	case inStep:
		p.DropStep(at.i)
	case inSQE:
		p.DropSQE(at.i, at.j)
	default:
		p.shrink()
	}
}

// shrink mends what is wrong with the program as a whole.
func (p *Program) shrink() {
	header := Program{Name: p.Name, About: p.About, License: p.License, Rules: p.Rules, Needs: p.Needs}
	if len(header.check()) > 0 {
		p.Name, p.About, p.License, p.Rules, p.Needs = "repaired", "", "", nil, nil
		return
	}
	p.Rings = p.Rings[:min(len(p.Rings), MaxRings)]
	p.Resources = p.Resources[:min(len(p.Resources), MaxResources)]
	p.Buffers = p.Buffers[:min(len(p.Buffers), MaxBuffers)]
	for n := len(p.Steps); n > MaxSteps || n > 0 && len(p.SQEs()) > MaxSQEs; n-- {
		p.DropStep(n - 1)
	}
	data := 0
	for i := range p.Resources {
		p.Resources[i].Size = uint32(min(int(p.Resources[i].Size), MaxData-data))
		data += int(p.Resources[i].Size)
	}
	for i := range p.Buffers {
		p.Buffers[i].Size = uint32(min(int(p.Buffers[i].Size), MaxData-data))
		data += int(p.Buffers[i].Size)
	}
}
