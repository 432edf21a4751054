// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	spdxPrefix = "SPDX-License-Identifier:"
	// textWidth is the width up to which a comment stands behind its item.
	textWidth = 72
	indent    = "  "
)

// Text prints p in its canonical text form. For a Program that passes
// [Program.Validate], [Parse] gives the same Program again. A reference that
// points nowhere is printed as "?" and its number, which does not parse.
func (p *Program) Text() string {
	w := &printer{}
	if p.License != "" {
		w.comment("", spdxPrefix+" "+p.License)
	}
	w.comment("", p.About)
	w.printf("name %s\n", p.Name)
	if len(p.Rules) > 0 {
		w.printf("rules %s\n", strings.Join(p.Rules, " "))
	}
	if len(p.Needs) > 0 {
		w.WriteString("needs")
		for _, n := range p.Needs {
			w.printf(" %s", n)
		}
		w.WriteString("\n")
	}
	if len(p.Rings)+len(p.Resources)+len(p.Buffers) > 0 {
		w.WriteString("\n")
	}
	for i := range p.Rings {
		w.item("", p.Rings[i].text(), p.Rings[i].Comment)
	}
	for i := range p.Resources {
		w.item("", p.Resources[i].text(), p.Resources[i].Comment)
	}
	for i := range p.Buffers {
		b := &p.Buffers[i]
		w.item("", "buf "+b.Name+" size="+strconv.FormatUint(uint64(b.Size), 10)+b.Fill.text(), b.Comment)
	}
	if len(p.Steps) > 0 {
		w.WriteString("\n")
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		w.item("", p.StepText(s), s.Comment)
		for j := range s.SQEs {
			w.item(indent, p.SQEText(&s.SQEs[j]), s.SQEs[j].Comment)
		}
	}
	return w.String()
}

type printer struct{ strings.Builder }

func (w *printer) printf(format string, args ...any) { fmt.Fprintf(w, format, args...) }

// comment prints a free text as comment lines of their own.
func (w *printer) comment(lead, text string) {
	if text == "" {
		return
	}
	for _, l := range strings.Split(text, "\n") {
		w.WriteString(strings.TrimRight(lead+"# "+l, " ") + "\n")
	}
}

// item prints one line and its comment: behind it where that fits, above it
// where not. Both read back as the same comment.
func (w *printer) item(lead, line, comment string) {
	behind := ""
	if comment != "" && !strings.Contains(comment, "\n") {
		if s := "  # " + comment; len(lead)+len(line)+len(s) <= textWidth {
			behind = s
		}
	}
	if behind == "" {
		w.comment(lead, comment)
	}
	w.WriteString(lead + line + behind + "\n")
}

func (r *Ring) text() string {
	s := fmt.Sprintf("ring %s entries=%d", r.Name, r.Entries)
	if r.CQEntries != 0 {
		s += fmt.Sprintf(" cq=%d", r.CQEntries)
	}
	if r.Flags != 0 {
		s += " flags=" + SetupFlagNames(r.Flags)
	}
	return s
}

func (r *Resource) text() string {
	s := r.Kind.String() + " " + r.Name
	if r.Kind == ResFile {
		s += fmt.Sprintf(" size=%d", r.Size)
	}
	s += r.Fill.text()
	if r.FS == Ext4 {
		s += " fs=ext4"
	}
	if r.Direct {
		s += " direct"
	}
	if r.NonBlock {
		s += " nonblock"
	}
	return s
}

func (f Fill) text() string {
	if f == 0 {
		return ""
	}
	return " fill=" + strconv.FormatUint(uint64(f), 10)
}

// StepText returns the canonical line of one of p's steps, without its SQEs
// and its comment.
func (p *Program) StepText(s *Step) string {
	var b strings.Builder
	b.WriteString(s.Kind.String())
	switch s.Kind {
	case StepSubmit, StepWait, StepCloseRing, StepCancel:
		b.WriteString(" " + p.ringText(s.Ring))
	case StepFeed, StepTake, StepCloseFD:
		b.WriteString(" " + p.fdText(s.FD))
	}
	if s.N != 0 {
		fmt.Fprintf(&b, " %d", s.N)
	}
	if s.Target != 0 {
		b.WriteString(" " + p.targetText(s.Target))
	}
	if fd := p.fdText(s.FD); fd != "" && s.Kind == StepCancel {
		b.WriteString(" fd=" + fd)
	}
	if s.CancelFlags != 0 {
		b.WriteString(" flags=" + cancelFlags.format(s.CancelFlags))
	}
	if s.Timeout != 0 {
		b.WriteString(" timeout=" + durationText(s.Timeout))
	}
	b.WriteString(s.Fill.text())
	return b.String()
}

// SQEText returns the canonical line of one of p's SQEs, such as
// "leader: read p0.r b0 len=64 GROUP", without indentation and comment.
func (p *Program) SQEText(s *SQE) string {
	var words []string
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if s.Label != "" {
		add("%s:", s.Label)
	}
	if name := s.Op.String(); name != "" {
		add("%s", name)
	} else {
		add("op=%d", s.Op)
	}
	form := formOf(s.Op)
	var done [len(operandKeys)]bool
	for _, o := range form.operands {
		text := p.operandText(s, o)
		if text == "" {
			break // a later one needs its key: nothing marks the gap
		}
		add("%s", text)
		done[o] = true
	}
	for o, key := range operandKeys {
		if text := p.operandText(s, operand(o)); text != "" && !done[o] {
			add("%s=%s", key, text)
		}
	}
	if s.Len != 0 {
		add("len=%d", s.Len)
	}
	if s.Off == ^uint64(0) {
		add("%s=-1", form.off)
	} else if s.Off != 0 {
		add("%s=%d", form.off, s.Off)
	}
	if s.OpFlags != 0 {
		add("%s=%s", form.flagsKey, form.flags.format(s.OpFlags))
	}
	if s.BufIndex != 0 {
		add("index=%d", s.BufIndex)
	}
	if s.IOPrio != 0 {
		add("ioprio=%d", s.IOPrio)
	}
	if s.HasInject {
		add("inject=%s", ResultText(s.Inject))
	}
	if s.Flags != 0 {
		add("%s", SQEFlagNames(s.Flags))
	}
	return strings.Join(words, " ")
}

// operandText returns "" for an operand that is not set.
func (p *Program) operandText(s *SQE, o operand) string {
	switch o {
	case operandFD:
		return p.fdText(s.FD)
	case operandBuf:
		return p.bufText(s.Buf)
	case operandTarget:
		return p.targetText(s.Target)
	case operandTimeout:
		if s.Timeout != 0 {
			return durationText(s.Timeout)
		}
	}
	return ""
}

func (p *Program) ringText(i int) string {
	if i < 0 || i >= len(p.Rings) {
		return fmt.Sprintf("?%d", i)
	}
	return p.Rings[i].Name
}

func (p *Program) fdText(fd FD) string {
	switch {
	case fd.Ref == 0 && fd.HasRaw:
		return strconv.Itoa(int(fd.Raw))
	case fd.Ref == 0:
		return ""
	case fd.Ref < 0 || fd.Ref > len(p.Resources):
		return fmt.Sprintf("?%d", fd.Ref)
	}
	r := &p.Resources[fd.Ref-1]
	if names := endNames(r.Kind); names != nil && fd.End >= 0 && fd.End < len(names) {
		return r.Name + "." + names[fd.End]
	}
	return r.Name
}

// endNames are the names of a resource's file descriptors, nil where it has one.
func endNames(k ResourceKind) []string {
	switch k {
	case ResPipe:
		return []string{"r", "w"}
	case ResSocketPair:
		return []string{"a", "b"}
	}
	return nil
}

func (p *Program) bufText(b BufRef) string {
	if b.Ref == 0 {
		return ""
	}
	name := fmt.Sprintf("?%d", b.Ref)
	if b.Ref > 0 && b.Ref <= len(p.Buffers) {
		name = p.Buffers[b.Ref-1].Name
	}
	if b.Off != 0 {
		name += "+" + strconv.FormatUint(uint64(b.Off), 10)
	}
	return name
}

// targetText names an SQE by its label, or by its number in program order from 1.
func (p *Program) targetText(t int) string {
	if t == 0 {
		return ""
	}
	n := t - 1
	for i := range p.Steps {
		if s := p.Steps[i].SQEs; n >= 0 && n < len(s) {
			if s[n].Label != "" {
				return s[n].Label
			}
			break
		}
		n -= len(p.Steps[i].SQEs)
		if n < 0 {
			break
		}
	}
	return "@" + strconv.Itoa(t)
}

// durationText prints d as [time.ParseDuration] takes it, in plain ASCII.
func durationText(d time.Duration) string {
	return strings.Replace(d.String(), "µ", "u", 1)
}
