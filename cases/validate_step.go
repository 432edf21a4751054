// SPDX-License-Identifier: Apache-2.0

package cases

import "github.com/ringproof/ringproof/cases/uring"

// strayField names a field of s that is set though its kind has no use for it.
func strayField(s *Step) string {
	ring := s.Kind == StepSubmit || s.Kind == StepWait || s.Kind == StepCloseRing || s.Kind == StepCancel
	fd := s.Kind == StepFeed || s.Kind == StepTake || s.Kind == StepCloseFD
	switch {
	case !ring && s.Ring != 0:
		return "Ring"
	case s.Kind != StepSubmit && len(s.SQEs) != 0:
		return "SQEs"
	case s.Kind != StepWait && s.Kind != StepFeed && s.Kind != StepTake && s.N != 0:
		return "N"
	case s.Kind != StepWait && s.Kind != StepCancel && s.Timeout != 0:
		return "Timeout"
	case !fd && s.Kind != StepCancel && s.FD != (FD{}):
		return "FD"
	case s.Kind != StepFeed && s.Fill != 0:
		return "Fill"
	case s.Kind != StepCancel && (s.Target != 0 || s.CancelFlags != 0):
		return "Target or CancelFlags"
	}
	return ""
}

func (c *checker) step(at place, s *Step) {
	if s.Kind >= stepKinds {
		c.add(at, "unknown kind of step %d", s.Kind)
		return
	}
	c.note(at, "its comment", s.Comment)
	if f := strayField(s); f != "" {
		c.add(at, "%s is set, which a %s does not use", f, s.Kind)
	}
	if c.over != "" {
		c.add(at, "no step can follow %s", c.over)
		return
	}
	if s.Timeout < 0 || s.Timeout > MaxWait {
		c.add(at, "timeout=%s is not from 0 to %s", durationText(s.Timeout), durationText(MaxWait))
	}
	switch s.Kind {
	case StepSubmit, StepWait, StepCloseRing, StepCancel:
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
	case StepFeed, StepTake, StepCloseFD:
		c.fdStep(at, s)
	case StepCloseRing:
		c.closed[s.Ring] = true
	case StepCancel:
		c.target(at, s.Target)
		c.fd(at, s.FD)
	case StepExit, StepKill:
		c.over = s.Kind.String()
	}
}

func (c *checker) fdStep(at place, s *Step) {
	if s.FD.Ref == 0 {
		c.add(at, "%s needs a file, pipe, socket or eventfd of the program", s.Kind)
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
	for _, set := range []bool{s.Buf.Ref != 0, s.Target != 0, s.Timeout != 0} {
		if set {
			used++
		}
	}
	if used > 1 {
		c.add(at, "buf, target and timeout share one field of the SQE: give one of them")
	}
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

func (c *checker) memory(at place, s *SQE) {
	switch {
	case s.Buf.Ref == 0:
		if s.Buf.Off != 0 {
			c.add(at, "an offset into no buffer")
		}
	case s.Buf.Ref < 0 || s.Buf.Ref > len(c.p.Buffers):
		c.add(at, "there is no buffer %d", s.Buf.Ref)
	default:
		b := &c.p.Buffers[s.Buf.Ref-1]
		if s.Buf.Off > b.Size {
			c.add(at, "%s+%d is outside the buffer, which has %d bytes", b.Name, s.Buf.Off, b.Size)
		} else if formOf(s.Op).memory && uint64(s.Buf.Off)+uint64(s.Len) > uint64(b.Size) {
			c.add(at, "bytes %d to %d of %s are asked for, which has %d", s.Buf.Off, uint64(s.Buf.Off)+uint64(s.Len), b.Name, b.Size)
		}
	}
}
