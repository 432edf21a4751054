// SPDX-License-Identifier: Apache-2.0

package cases

import "slices"

// Clone returns a copy of p that shares nothing with it.
func (p *Program) Clone() *Program {
	c := *p
	c.Rules, c.Needs = slices.Clone(p.Rules), slices.Clone(p.Needs)
	c.Rings, c.Resources = slices.Clone(p.Rings), slices.Clone(p.Resources)
	c.Buffers = slices.Clone(p.Buffers)
	for i := range c.Buffers {
		b := &c.Buffers[i]
		b.Parts, b.FDs, b.Words = slices.Clone(b.Parts), slices.Clone(b.FDs), slices.Clone(b.Words)
	}
	c.Steps = slices.Clone(p.Steps)
	for i := range c.Steps {
		s := &c.Steps[i]
		s.SQEs = slices.Clone(s.SQEs)
		if s.Reg != nil {
			r := *s.Reg
			r.FDs, r.Bufs = slices.Clone(r.FDs), slices.Clone(r.Bufs)
			s.Reg = &r
		}
	}
	return &c
}

// EachFD calls f with every file descriptor that p names.
func (p *Program) EachFD(f func(*FD)) {
	for i := range p.Buffers {
		for j := range p.Buffers[i].FDs {
			f(&p.Buffers[i].FDs[j])
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		f(&s.FD)
		if s.Reg != nil {
			for j := range s.Reg.FDs {
				f(&s.Reg.FDs[j])
			}
		}
		for j := range s.SQEs {
			f(&s.SQEs[j].FD)
			f(&s.SQEs[j].FD2)
		}
	}
}

// EachBuf calls f with every reference to memory in p.
func (p *Program) EachBuf(f func(*BufRef)) {
	for i := range p.Buffers {
		for j := range p.Buffers[i].Parts {
			f(&p.Buffers[i].Parts[j].Buf)
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Reg != nil {
			for j := range s.Reg.Bufs {
				f(&s.Reg.Bufs[j].Buf)
			}
		}
		for j := range s.SQEs {
			f(&s.SQEs[j].Buf)
			f(&s.SQEs[j].Buf2)
			f(&s.SQEs[j].Buf3)
		}
	}
}

// EachTarget calls f with every reference to an SQE in p.
func (p *Program) EachTarget(f func(*int)) {
	for i := range p.Steps {
		f(&p.Steps[i].Target)
		for j := range p.Steps[i].SQEs {
			f(&p.Steps[i].SQEs[j].Target)
		}
	}
}

// forget makes a reference, counted from 1, follow the removal of n things from the i-th on,
// counted from 0; one to what was removed becomes 0, none.
func forget(ref *int, i, n int) (gone bool) {
	switch {
	case *ref > i+n:
		*ref -= n
	case *ref > i:
		*ref = 0
		return true
	}
	return false
}

// DropSQE removes one SQE of a StepSubmit. Targets follow: those of the removed SQE name none.
func (p *Program) DropSQE(step, pos int) {
	p.forgetSQEs(p.firstSQE(step)+pos, 1)
	p.Steps[step].SQEs = slices.Delete(p.Steps[step].SQEs, pos, pos+1)
}

// DropStep removes one step with its SQEs; targets follow as by DropSQE.
func (p *Program) DropStep(i int) {
	p.forgetSQEs(p.firstSQE(i), len(p.Steps[i].SQEs))
	p.Steps = slices.Delete(p.Steps, i, i+1)
}

// firstSQE is the index of a step's first SQE in program order.
func (p *Program) firstSQE(step int) int {
	n := 0
	for i := range p.Steps[:step] {
		n += len(p.Steps[i].SQEs)
	}
	return n
}

func (p *Program) forgetSQEs(i, n int) {
	p.EachTarget(func(t *int) { forget(t, i, n) })
}

// DropResource removes a resource. A file descriptor that named it names none.
func (p *Program) DropResource(i int) {
	p.Resources = slices.Delete(p.Resources, i, i+1)
	p.EachFD(func(fd *FD) {
		if forget(&fd.Ref, i, 1) {
			*fd = FD{}
		}
	})
}

// DropBuffer removes a buffer. What referred to it is NULL.
func (p *Program) DropBuffer(i int) {
	p.Buffers = slices.Delete(p.Buffers, i, i+1)
	p.EachBuf(func(b *BufRef) {
		if forget(&b.Ref, i, 1) {
			*b = BufRef{}
		}
	})
}

// DropRing removes a ring and the steps on it.
func (p *Program) DropRing(i int) {
	for s := len(p.Steps) - 1; s >= 0; s-- {
		switch st := &p.Steps[s]; {
		case !st.Kind.onRing():
		case st.Ring == i:
			p.DropStep(s)
		case st.Ring > i:
			st.Ring--
		}
	}
	p.Rings = slices.Delete(p.Rings, i, i+1)
	for r := range p.Rings {
		forget(&p.Rings[r].Attach, i, 1)
	}
	p.EachFD(func(fd *FD) {
		if forget(&fd.Ring, i, 1) {
			*fd = FD{}
		}
	})
	for s := range p.Steps {
		if r := p.Steps[s].Reg; r != nil {
			forget(&r.Source, i, 1)
		}
	}
}
