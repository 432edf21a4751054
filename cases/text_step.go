// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases/uring"
)

// StepText returns the canonical line of one of p's steps, without its SQEs
// and its comment.
func (p *Program) StepText(s *Step) string {
	var b strings.Builder
	if s.Thread != "" {
		b.WriteString(s.Thread + ": ")
	}
	word := s.Kind.String()
	if s.Reg != nil && formOfRegistration(s.Reg.Op).unregister && s.Kind == StepRegister {
		word = "unregister"
	}
	b.WriteString(word)
	switch s.Kind {
	case StepSubmit, StepWait, StepCloseRing, StepCancel, StepRegister, StepRefill:
		b.WriteString(" " + p.ringText(s.Ring))
	case StepFeed, StepTake, StepCloseFD:
		b.WriteString(" " + p.fdText(s.FD))
	case StepKill:
		if fd := p.fdText(s.FD); fd != "" {
			b.WriteString(" " + fd)
		}
	case StepJoin:
		b.WriteString(" " + s.Join)
	case StepFault:
		b.WriteString(" " + s.Fault.String())
	}
	switch {
	case s.N == 0:
	case s.Kind == StepSubmit:
		fmt.Fprintf(&b, " wait=%d", s.N)
	case s.Kind == StepFault:
		fmt.Fprintf(&b, " nth=%d", s.N)
	default:
		fmt.Fprintf(&b, " %d", s.N)
	}
	if s.Target != 0 {
		b.WriteString(" " + p.targetText(s.Target))
	}
	if fd := p.fdText(s.FD); fd != "" && s.Kind == StepCancel {
		b.WriteString(" fd=" + fd)
	}
	if s.CancelOp != 0 {
		b.WriteString(" op=" + opText(s.CancelOp))
	}
	if s.CancelFlags != 0 {
		b.WriteString(" flags=" + cancelFlags.format(s.CancelFlags))
	}
	if s.MinWait != 0 {
		b.WriteString(" min=" + durationText(s.MinWait))
	}
	if s.Timeout != 0 {
		b.WriteString(" timeout=" + durationText(s.Timeout))
	}
	b.WriteString(s.Fill.text())
	if s.Reg != nil {
		p.registrationText(&b, s)
	}
	if s.Background {
		b.WriteString(" &")
	}
	return b.String()
}

// opText is an opcode's name, or its number where it has none.
func opText(op uring.Op) string {
	if name := op.String(); name != "" {
		return name
	}
	return strconv.Itoa(int(op))
}

func (p *Program) registrationText(b *strings.Builder, s *Step) {
	r := s.Reg
	if s.Kind == StepRefill {
		fmt.Fprintf(b, " group=%d from=%d", r.Group, r.From)
		return
	}
	form := formOfRegistration(r.Op)
	if form.word != "" {
		b.WriteString(" " + form.word)
	} else {
		fmt.Fprintf(b, " op=%d", r.Op)
	}
	switch form.list {
	case listFDs:
		b.WriteString(p.fdsText(r.FDs))
	case listParts:
		b.WriteString(p.partsText(r.Bufs))
	case listRing:
		b.WriteString(" " + p.ringText(r.Source-1))
	case listCounts:
		for _, n := range r.Counts[:form.hi] {
			fmt.Fprintf(b, " %d", n)
		}
	}
	for _, key := range form.keys {
		switch key {
		case "group":
			fmt.Fprintf(b, " group=%d", r.Group)
		case "entries":
			fmt.Fprintf(b, " entries=%d", r.Entries)
		case "size":
			fmt.Fprintf(b, " size=%d", r.Size)
		case "from":
			fmt.Fprintf(b, " from=%d", r.From)
		case "flags":
			if r.Flags != 0 {
				b.WriteString(" flags=" + pbufFlags.format(r.Flags))
			}
		}
	}
}
