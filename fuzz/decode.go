// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Decode returns the program that a byte string is: a valid one for every
// byte string, bare as by [Bare]. A last record that is cut short counts as if it went on with zeros.
func Decode(data []byte) *cases.Program {
	d := decoder{p: new(cases.Program)}
	for rec := range slices.Chunk(data[:min(len(data), MaxRecords*RecordSize)], RecordSize) {
		r := record{reading: true, at: 1}
		copy(r.bytes[:], rec)
		d.take(&r)
	}
	if len(d.p.Rings) == 0 && len(d.p.Steps) > 0 {
		d.p.Rings = append(d.p.Rings, cases.Ring{Entries: 1})
	}
	rename(d.p)
	d.p.Repair()
	return Bare(d.p)
}

// decoder puts records where they belong.
type decoder struct {
	p *cases.Program
	// list takes items: those of a buffer or a registration. nil where none can come.
	list func(part cases.Part, fd cases.FD, word uint64)
}

func (d *decoder) take(r *record) {
	p := d.p
	var step *cases.Step
	if n := len(p.Steps); n > 0 {
		step = &p.Steps[n-1]
	}
	switch kind(r.bytes[0]) % kinds {
	case recRing:
		if len(p.Rings) < cases.MaxRings {
			p.Rings = append(p.Rings, cases.Ring{})
			r.ring(&p.Rings[len(p.Rings)-1])
		}
	case recResource:
		if len(p.Resources) < cases.MaxResources {
			p.Resources = append(p.Resources, cases.Resource{})
			r.resource(&p.Resources[len(p.Resources)-1])
		}
	case recBuffer:
		d.list = nil
		if n := len(p.Buffers); n < cases.MaxBuffers {
			p.Buffers = append(p.Buffers, cases.Buffer{})
			r.buffer(&p.Buffers[n])
			d.list = func(part cases.Part, fd cases.FD, word uint64) {
				b := &p.Buffers[n] // of the several, Repair keeps those that the kind has
				if len(b.Parts) < cases.MaxParts {
					b.Parts, b.FDs, b.Words = append(b.Parts, part), append(b.FDs, fd), append(b.Words, word)
				}
			}
		}
	case recText:
		if n := len(p.Buffers); n > 0 {
			text, _, _ := bytes.Cut(r.bytes[1:], []byte{0})
			p.Buffers[n-1].Text += string(text)
		}
	case recItem:
		if d.list != nil {
			var part cases.Part
			var fd cases.FD
			var word uint64
			r.item(&part, &fd, &word)
			d.list(part, fd, word)
		}
	case recStep:
		var thread, join uint8
		p.Steps = append(p.Steps, cases.Step{})
		step = &p.Steps[len(p.Steps)-1]
		r.step(step, &thread, &join)
		step.Thread, step.Join = threadName(thread), threadName(join)
		d.list = nil
	case recReg:
		if step != nil && step.Reg == nil {
			reg := new(cases.Registration)
			r.registration(reg)
			step.Reg = reg
			d.list = func(part cases.Part, fd cases.FD, _ uint64) {
				if len(reg.Bufs) < cases.MaxParts {
					reg.Bufs, reg.FDs = append(reg.Bufs, part), append(reg.FDs, fd)
				}
			}
		}
	case recSQE:
		if step == nil || step.Kind != cases.StepSubmit {
			p.Steps = append(p.Steps, cases.Step{})
			step = &p.Steps[len(p.Steps)-1]
		}
		step.SQEs = append(step.SQEs, cases.SQE{})
		r.sqe(&step.SQEs[len(step.SQEs)-1])
	case recRest:
		if step != nil && len(step.SQEs) > 0 {
			r.rest(&step.SQEs[len(step.SQEs)-1])
		}
	}
}

// bareName is the name of every program from a byte string.
const bareName = "fuzz"

// Bare returns a copy of p with only what means something to a run: names
// are made up by kind and number, comments, labels and headers are gone, and its needs follow from
// what it does.
func Bare(p *cases.Program) *cases.Program {
	b := p.Clone()
	bare(b)
	return b
}

// bare does [Bare]'s work in place.
func bare(b *cases.Program) {
	rename(b)
	b.Needs = needs(b)
	// No list and an empty list are the same.
	for i := range b.Buffers {
		buf := &b.Buffers[i]
		buf.Parts, buf.FDs, buf.Words = orNil(buf.Parts), orNil(buf.FDs), orNil(buf.Words)
	}
	for i := range b.Steps {
		s := &b.Steps[i]
		s.SQEs = orNil(s.SQEs)
		if s.Reg != nil {
			s.Reg.FDs, s.Reg.Bufs = orNil(s.Reg.FDs), orNil(s.Reg.Bufs)
		}
	}
	b.Rings, b.Resources, b.Buffers, b.Steps = orNil(b.Rings), orNil(b.Resources), orNil(b.Buffers), orNil(b.Steps)
}

func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// rename gives everything in p the name that it has in a bare program.
func rename(p *cases.Program) {
	p.Name, p.About, p.License, p.Rules = bareName, "", "", nil
	for i := range p.Rings {
		p.Rings[i].Name, p.Rings[i].Comment = fmt.Sprintf("r%d", i), ""
	}
	for i := range p.Resources {
		r := &p.Resources[i]
		r.Name, r.Comment = fmt.Sprintf("%s-%d", r.Kind, i), ""
	}
	for i := range p.Buffers {
		p.Buffers[i].Name, p.Buffers[i].Comment = fmt.Sprintf("b%d", i), ""
	}
	threads := p.Threads()
	for i := range p.Steps {
		s := &p.Steps[i]
		s.Comment = ""
		s.Thread = threadName(uint8(1 + slices.Index(threads, s.Thread)))
		s.Join = threadName(uint8(1 + slices.Index(threads, s.Join)))
		for j := range s.SQEs {
			s.SQEs[j].Label, s.SQEs[j].Comment = "", ""
		}
	}
}

// mayLack are opcodes that kernels of 6.12 are built without.
var mayLack = []uring.Op{uring.OpEpollCtl, uring.OpFutexWait, uring.OpFutexWake, uring.OpFutexWaitv, uring.OpWaitid}

// needs are what a program says nothing without.
func needs(p *cases.Program) []cases.Need {
	var list []cases.Need
	need := func(n cases.Need, is bool) {
		if is && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	for _, r := range p.SQEs() {
		need(cases.NeedGroups, r.SQE.Flags&uring.SQEGroup != 0)
		need(cases.NeedNopInject, r.SQE.HasInject)
		need(cases.NeedOp(r.SQE.Op), slices.Contains(mayLack, r.SQE.Op))
	}
	for i := range p.Resources {
		need(cases.NeedNullBlk, p.Resources[i].Kind == cases.ResNullBlk)
	}
	for i := range p.Steps {
		need(cases.NeedFaults, p.Steps[i].Kind == cases.StepFault)
	}
	slices.Sort(list)
	return list
}

// threadNumber is the number in a bare program's name of a thread, 0 for the first.
func threadNumber(name string) uint8 {
	n, _ := strconv.Atoi(name[min(1, len(name)):])
	return uint8(n)
}

func threadName(n uint8) string {
	if n %= cases.MaxThreads + 1; n == 0 {
		return ""
	}
	return "t" + strconv.Itoa(int(n))
}
