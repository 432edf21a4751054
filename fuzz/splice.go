// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// splice puts a stretch of the donor's steps into the program.
func (w *work) splice(donor *cases.Program) {
	if donor == nil || len(donor.Steps) == 0 {
		w.addSubmission(w.rnd.IntN(len(w.p.Steps) + 1))
		return
	}
	from := w.rnd.IntN(len(donor.Steps))
	to := min(from+w.small(6), len(donor.Steps))
	graft := w.graft(donor)
	at := w.rnd.IntN(len(w.p.Steps) + 1)
	for _, s := range donor.Clone().Steps[from:to] {
		if s.Kind.Ends() && s.FD == (cases.FD{}) {
			continue
		}
		graft.step(&s)
		w.insertStep(at, s)
		at++
	}
}

// takeGroup puts a few SQEs in a row of the donor, mostly a group, into a submission of the program.
func (w *work) takeGroup(donor *cases.Program) {
	if donor == nil {
		donor = w.p
	}
	theirs := donor.SQEs()
	at, ok := w.oneSQE()
	if len(theirs) == 0 || !ok {
		return
	}
	first := theirs[w.rnd.IntN(len(theirs))]
	sqes := donor.Steps[first.Step].SQEs[first.Pos:]
	n := 1
	for n < len(sqes) && sqes[n-1].Flags&(uring.SQEGroup|uring.IOLink|uring.IOHardlink) != 0 && n < 6 {
		n++
	}
	sqes = slices.Clone(sqes[:n])
	graft := w.graft(donor)
	for i := range sqes {
		graft.sqe(&sqes[i])
	}
	w.insertAt(at.Step, at.Pos+w.rnd.IntN(2), sqes...)
}

// graft translates what a donor's steps refer to into things of the program,
// which get what they lack of.
type graft struct {
	*work
	from            *cases.Program
	resources, bufs map[int]int // from references, counted from 1, to references
}

func (w *work) graft(donor *cases.Program) *graft {
	return &graft{work: w, from: donor, resources: map[int]int{}, bufs: map[int]int{}}
}

// mostThings bounds the resources and buffers of a program.
const mostThings = 12

func (g *graft) fd(fd *cases.FD) {
	if fd.Ref == 0 {
		return
	}
	ref, known := g.resources[fd.Ref]
	if !known {
		r := g.from.Resources[fd.Ref-1]
		ref = 1 + slices.IndexFunc(g.p.Resources, func(have cases.Resource) bool { return have.Kind == r.Kind && have.NonBlock == r.NonBlock })
		if (ref == 0 || g.chance(40)) && len(g.p.Resources) < mostThings {
			g.p.Resources = append(g.p.Resources, r)
			ref = len(g.p.Resources)
		}
		g.resources[fd.Ref] = ref
	}
	if fd.Ref = ref; ref == 0 {
		fd.End = 0
	}
}

func (g *graft) buf(b *cases.BufRef) {
	if b.Ref == 0 {
		return
	}
	ref, known := g.bufs[b.Ref]
	if !known {
		old := g.from.Buffers[b.Ref-1]
		old.Parts, old.FDs, old.Words = slices.Clone(old.Parts), slices.Clone(old.FDs), slices.Clone(old.Words)
		for i := range old.Parts { // they come earlier
			g.buf(&old.Parts[i].Buf)
		}
		for i := range old.FDs {
			g.fd(&old.FDs[i])
		}
		if len(g.p.Buffers) < 2*mostThings {
			g.p.Buffers = append(g.p.Buffers, old)
			ref = len(g.p.Buffers)
		} else if old.Kind == cases.BufData {
			ref = 1 + slices.IndexFunc(g.p.Buffers, func(have cases.Buffer) bool { return have.Kind == cases.BufData && have.Size >= old.Size })
		}
		g.bufs[b.Ref] = ref
	}
	if b.Ref = ref; ref == 0 {
		b.Off = 0
	}
}

func (g *graft) sqe(q *cases.SQE) {
	g.fd(&q.FD)
	g.fd(&q.FD2)
	g.buf(&q.Buf)
	g.buf(&q.Buf2)
	g.buf(&q.Buf3)
	if q.Target != 0 {
		q.Target = g.target()
	}
}

func (g *graft) step(s *cases.Step) {
	g.fd(&s.FD)
	for i := range s.SQEs {
		g.sqe(&s.SQEs[i])
	}
	if s.Reg != nil {
		for i := range s.Reg.FDs {
			g.fd(&s.Reg.FDs[i])
		}
		for i := range s.Reg.Bufs {
			g.buf(&s.Reg.Bufs[i].Buf)
		}
	}
	if s.Target != 0 {
		s.Target = g.target()
	}
}
