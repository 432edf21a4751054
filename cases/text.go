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
		w.item("", p.ringLine(&p.Rings[i]), p.Rings[i].Comment)
	}
	for i := range p.Resources {
		w.item("", p.Resources[i].text(), p.Resources[i].Comment)
	}
	for i := range p.Buffers {
		w.item("", p.bufferText(&p.Buffers[i]), p.Buffers[i].Comment)
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

func (p *Program) ringLine(r *Ring) string {
	s := fmt.Sprintf("ring %s entries=%d", r.Name, r.Entries)
	if r.CQEntries != 0 {
		s += fmt.Sprintf(" cq=%d", r.CQEntries)
	}
	if r.Flags != 0 {
		s += " flags=" + SetupFlagNames(r.Flags)
	}
	if r.Idle != 0 {
		s += " idle=" + durationText(r.Idle)
	}
	if r.CPU != 0 {
		s += fmt.Sprintf(" cpu=%d", r.CPU)
	}
	if r.Attach != 0 {
		s += " attach=" + p.ringText(r.Attach-1)
	}
	return s
}

func (r *Resource) text() string {
	s := r.Kind.String() + " " + r.Name
	if r.Kind == ResFile || r.Kind == ResNullBlk && r.Size != 0 {
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
	if r.Poll {
		s += " poll"
	}
	if r.Delay != 0 {
		s += " delay=" + durationText(r.Delay)
	}
	return s
}

func (p *Program) bufferText(b *Buffer) string {
	s := b.Kind.String() + " " + b.Name
	add := func(format string, args ...any) { s += fmt.Sprintf(format, args...) }
	switch b.Kind {
	case BufData:
		add(" size=%d%s", b.Size, b.Fill.text())
	case BufText, BufAddr:
		add(" %s", b.Text)
	case BufIovec, BufWaitv:
		s += p.partsText(b.Parts)
	case BufMsg:
		for i, part := range b.Parts {
			if part != (Part{}) {
				add(" %s=%s", msgKeys[min(i, len(msgKeys)-1)], p.partText(part))
			}
		}
	case BufTime:
		add(" %s", durationText(b.Time))
	case BufFDs:
		s += p.fdsText(b.FDs)
	case BufEvent:
		for i, v := range b.Words {
			if i == 0 {
				add(" %s", pollEvents.format(uint32(v)))
			} else if v != 0 {
				add(" data=%d", v)
			}
		}
	case BufHow:
		for i, v := range b.Words {
			switch key := howKeys[min(i, len(howKeys)-1)]; {
			case v == 0:
			case i == 0:
				add(" %s=%s", key, openFlags.format(uint32(v)))
			default:
				add(" %s=%d", key, v)
			}
		}
	}
	return s
}

// The keys of a BufMsg's parts and of a BufHow's words, in order.
var (
	msgKeys = []string{"iov", "name", "control"}
	howKeys = []string{"flags", "mode", "resolve"}
)

func (p *Program) partsText(parts []Part) string {
	var s strings.Builder
	for _, part := range parts {
		s.WriteString(" " + p.partText(part))
	}
	return s.String()
}

// partText prints a piece of memory as b0, b0+64, b0:32 or b0+64:32.
func (p *Program) partText(part Part) string {
	s := p.bufText(part.Buf)
	if s == "" {
		s = "-"
	}
	if part.Len != 0 {
		s += ":" + strconv.FormatUint(uint64(part.Len), 10)
	}
	return s
}

func (p *Program) fdsText(fds []FD) string {
	var s strings.Builder
	for _, fd := range fds {
		text := p.fdText(fd)
		if text == "" {
			text = "-"
		}
		s.WriteString(" " + text)
	}
	return s.String()
}

func (f Fill) text() string {
	if f == 0 {
		return ""
	}
	return " fill=" + strconv.FormatUint(uint64(f), 10)
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
	if s.Addr != 0 {
		add("addr=%s", offsetText(s.Addr))
	}
	if fd := p.fdText(s.FD2); fd != "" {
		add("fd2=%s", fd)
	}
	if buf := p.bufText(s.Buf2); buf != "" {
		add("addr2=%s", buf)
	}
	if buf := p.bufText(s.Buf3); buf != "" {
		add("addr3=%s", buf)
	} else if s.Addr3 != 0 {
		add("addr3=%s", offsetText(s.Addr3))
	}
	if s.Len != 0 {
		add("len=%s", bitsText(form.lens, s.Len))
	}
	if s.Off != 0 {
		add("%s=%s", form.off, offsetText(s.Off))
	}
	if s.OpFlags != 0 {
		add("%s=%s", form.flagsKey, form.flags.format(s.OpFlags))
	}
	if s.BufIndex != 0 {
		add("index=%d", s.BufIndex)
	}
	switch s.FileIndex {
	case 0:
	case FileIndexAlloc:
		add("file_index=ALLOC")
	default:
		add("file_index=%d", s.FileIndex)
	}
	if s.Personality != 0 {
		add("personality=%d", s.Personality)
	}
	if s.IOPrio != 0 {
		add("ioprio=%s", bitsText(form.prios, uint32(s.IOPrio)))
	}
	if s.Pad2 != 0 {
		add("pad=%d", s.Pad2)
	}
	if s.HasInject {
		add("inject=%s", ResultText(s.Inject))
	}
	if s.Flags != 0 {
		add("%s", SQEFlagNames(s.Flags))
	}
	return strings.Join(words, " ")
}

// offsetText prints a number of 64 bits; all bits set mean the current position.
func offsetText(v uint64) string {
	if v == ^uint64(0) {
		return "-1"
	}
	return strconv.FormatUint(v, 10)
}

// bitsText prints a number, by the names of its bits where they have some.
func bitsText(names flagSet, v uint32) string {
	if len(names) == 0 {
		return strconv.FormatUint(uint64(v), 10)
	}
	return names.format(v)
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
	case fd.Ring > 0:
		return p.ringText(fd.Ring - 1)
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

// HasEnds tells whether a resource of kind k is two descriptors, its ends.
func HasEnds(k ResourceKind) bool { return endNames(k) != nil }

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
