// SPDX-License-Identifier: Apache-2.0

package families

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// SQEs are lines of a submission.
type SQEs []string

// sqe is one literal line.
func sqe(line string) SQEs { return SQEs{line} }

// with adds flags to the first line: a group's leader, or a request alone.
func (s SQEs) with(flags string) SQEs {
	s = slices.Clone(s)
	s[0] += " " + flags
	return s
}

// Writer writes one program in one setting. Its methods say what a request
// does for the program, and the setting how it does it.
type Writer struct {
	Setting
	alone    bool
	decls    []string
	buffers  []string
	steps    []string
	needs    []string
	feeds    map[string]string // label → the step that lets it complete
	declared map[string]bool
	pipes    int
	files    int
	bufs     int
	most     int // SQEs in one submission
	ahead    int // CQEs of requests that the setting has put ahead
	chained  bool
}

// write makes the program of one shape in one setting.
func write(f *Family, s *Shape, in Setting) (*cases.Program, error) {
	w := &Writer{Setting: in, alone: s.Alone, feeds: map[string]string{}, declared: map[string]bool{}}
	s.Write(w)
	name := s.Name + "-" + in.Name
	var b strings.Builder
	b.WriteString("# SPDX-License-Identifier: Apache-2.0\n")
	for _, l := range wrap(s.About+" "+in.About, 70) {
		fmt.Fprintf(&b, "# %s\n", l)
	}
	fmt.Fprintf(&b, "# %s%s.\n", mark, f.Name)
	fmt.Fprintf(&b, "name %s\nrules %s\n", name, s.Rules)
	entries := max(4, 1<<bits.Len(uint(w.most-1)))
	if strings.Contains(in.Flags, "SQPOLL") { // two submissions may wait for the kernel's thread
		entries *= 2
	}
	text := strings.Join(w.steps, "\n")
	if strings.Contains(text, " GROUP") {
		w.needs = append(w.needs, string(cases.NeedGroups))
	}
	if strings.Contains(text, "inject=") {
		w.needs = append(w.needs, string(cases.NeedNopInject))
	}
	if len(w.needs) > 0 {
		slices.Sort(w.needs)
		fmt.Fprintf(&b, "needs %s\n", strings.Join(slices.Compact(w.needs), " "))
	}
	rings := []string{"r0"}
	if w.declared["r1"] {
		rings = append(rings, "r1")
	}
	for _, r := range rings {
		fmt.Fprintf(&b, "\nring %s entries=%d", r, entries)
		if in.Full {
			fmt.Fprintf(&b, " cq=%d", entries)
		}
		flags := []string{}
		if in.Flags != "" {
			flags = append(flags, in.Flags)
		}
		if w.declared["SUBMIT_ALL"] {
			flags = append(flags, "SUBMIT_ALL")
		}
		if len(flags) > 0 {
			fmt.Fprintf(&b, " flags=%s", strings.Join(flags, "|"))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(append(w.decls, w.buffers...), "\n"))
	if in.Full { // one NOP for each place in the queue, and none is reaped
		fmt.Fprintf(&b, "\nsubmit r0\n%s", strings.Repeat("  nop\n", entries))
	}
	b.WriteString("\n" + text + "\n")
	p, err := cases.Parse(name+".ring", []byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, b.String())
	}
	return p, nil
}

// wrap breaks text into lines of at most width columns.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func (w *Writer) step(format string, args ...any) {
	w.steps = append(w.steps, fmt.Sprintf(format, args...))
}

func (w *Writer) need(what string) { w.needs = append(w.needs, what) }

func (w *Writer) declare(format string, args ...any) {
	w.decls = append(w.decls, fmt.Sprintf(format, args...))
}

// once declares what several requests share.
func (w *Writer) once(key, format string, args ...any) {
	if !w.declared[key] {
		w.declared[key] = true
		if format != "" {
			w.declare(format, args...)
		}
	}
}

// submitAll keeps a rejected SQE from ending its submission.
func (w *Writer) submitAll() { w.declared["SUBMIT_ALL"] = true }

func (w *Writer) pipe() string {
	name := fmt.Sprintf("p%d", w.pipes)
	w.pipes++
	w.declare("pipe %s", name)
	return name
}

// file declares a file with 4 KiB of its own content.
func (w *Writer) file() string {
	name := fmt.Sprintf("f%d", w.files)
	w.files++
	w.declare("file %s size=4096 fill=%d", name, 20+w.files)
	return name
}

func (w *Writer) buf(size, fill int) string {
	name := fmt.Sprintf("b%d", w.bufs)
	w.bufs++
	text := fmt.Sprintf("buf %s size=%d", name, size)
	if fill != 0 {
		text += fmt.Sprintf(" fill=%d", fill)
	}
	w.buffers = append(w.buffers, text)
	return name
}

// slow is a request that completes in the setting's way, where that waits
// for something not before finish.
func (w *Writer) slow(label string) SQEs {
	switch w.Way {
	case Poll, TaskWork:
		return w.held(label)
	case IOWQ:
		return w.async(label)
	case IOPoll:
		w.nullb()
		return sqe(fmt.Sprintf("%s: read n0 %s len=512", label, w.buf(512, 0)))
	}
	return sqe(label + ": nop")
}

// held is a request that waits for finish in any setting but those without waiting.
func (w *Writer) held(label string) SQEs {
	p := w.pipe()
	w.feeds[label] = fmt.Sprintf("feed %s.w 64 fill=%d", p, 8+w.pipes)
	switch w.Way {
	case TaskWork:
		return sqe(fmt.Sprintf("%s: poll_add %s.r events=IN", label, p))
	case IOWQ:
		return sqe(fmt.Sprintf("%s: read %s.r %s len=64 ASYNC", label, p, w.buf(64, 0)))
	}
	return sqe(fmt.Sprintf("%s: read %s.r %s len=64", label, p, w.buf(64, 0)))
}

// async is a request that asks for io-wq and completes there.
func (w *Writer) async(label string) SQEs {
	return w.read(label).with("ASYNC")
}

// read reads a file at once.
func (w *Writer) read(label string) SQEs {
	return sqe(fmt.Sprintf("%s: read %s %s len=64", label, w.file(), w.buf(64, 0)))
}

func (w *Writer) nullb() {
	w.need("null-blk")
	w.once("n0", "nullb n0 poll")
}

// quick is a request that completes at once in every setting.
func (w *Writer) quick(label string) SQEs { return sqe(label + ": nop") }

// fails is a request that fails: at once, or when fail lets it.
func (w *Writer) fails(label string) SQEs {
	switch w.Way {
	case Poll, TaskWork:
		return w.held(label)
	case IOWQ:
		return sqe(label + ": nop inject=-EIO ASYNC")
	}
	return sqe(label + ": nop inject=-EIO")
}

// rejected is a request that fails while it is parsed.
func (w *Writer) rejected(label string) SQEs {
	w.submitAll()
	return sqe(label + ": op=99")
}

// group makes one group. In a chain setting it stands in a chain.
func (w *Writer) group(parts ...SQEs) SQEs {
	lines := slices.Concat(parts...)
	for i := range lines[:len(lines)-1] {
		lines[i] += " GROUP"
	}
	if !w.Chain {
		return lines
	}
	w.chained = true
	lines[0] += " LINK"
	lines = append(lines, fmt.Sprintf("behind%d: nop", len(w.steps)+w.pipes))
	if w.alone {
		return lines
	}
	w.ahead++
	return append(SQEs{"nop LINK"}, lines...)
}

// submit enters the kernel with the lines.
func (w *Writer) submit(parts ...SQEs) { w.submitTo("r0", parts...) }

func (w *Writer) submitTo(ring string, parts ...SQEs) {
	lines := slices.Concat(parts...)
	w.most = max(w.most, len(lines))
	if ring != "r0" {
		w.declared[ring] = true
	}
	w.step("submit %s\n  %s", ring, strings.Join(lines, "\n  "))
}

// finish lets requests complete, in this order, where their way lets them wait for it.
func (w *Writer) finish(labels ...string) {
	for _, l := range labels {
		if feed := w.feeds[l]; feed != "" {
			w.step("%s", feed)
		}
	}
}

// fail makes what fails stands for fail, where it waits: it is cancelled.
func (w *Writer) fail(label string) {
	if w.feeds[label] != "" {
		w.step("cancel r0 %s", label)
	}
}

// settle waits for n CQEs, so that what they stand for has happened. A full queue must stay full.
func (w *Writer) settle(n int) {
	if !w.Full {
		w.step("wait r0 %d", n+w.ahead)
	}
	w.ahead = 0
}

// end waits until all is done.
func (w *Writer) end() { w.step("wait r0") }

// open makes a group that only the end of the submission closes.
func (w *Writer) open(parts ...SQEs) SQEs {
	lines := slices.Concat(parts...)
	for i := range lines {
		lines[i] += " GROUP"
	}
	return lines
}

// scratch declares an empty file.
func (w *Writer) scratch() string {
	name := fmt.Sprintf("f%d", w.files)
	w.files++
	w.declare("file %s size=0", name)
	return name
}

// force is the flag that sends a request to io-wq where the setting is about that.
func (w *Writer) force() string {
	if w.Way == IOWQ {
		return " ASYNC"
	}
	return ""
}

// data is a request that brings data of its own.
func (w *Writer) data(label string) SQEs {
	if w.Way == Inline {
		return w.read(label)
	}
	return w.slow(label)
}

// readInto reads 64 bytes of a source of its own to an offset of a buffer.
func (w *Writer) readInto(label, buf string, off int) SQEs {
	if off > 0 {
		buf = fmt.Sprintf("%s+%d", buf, off)
	}
	if w.Way == Poll {
		p := w.pipe()
		w.feeds[label] = fmt.Sprintf("feed %s.w 64 fill=%d", p, 8+w.pipes)
		return sqe(fmt.Sprintf("%s: read %s.r %s len=64", label, p, buf))
	}
	return sqe(fmt.Sprintf("%s: read %s %s len=64%s", label, w.file(), buf, w.force()))
}

// timer is a timeout of some milliseconds; its expiry is a success or a failure.
func (w *Writer) timer(label string, ms int, success bool) SQEs {
	line := fmt.Sprintf("%s: timeout %dms", label, ms)
	if success {
		line += " flags=ETIME_SUCCESS"
	}
	return sqe(line)
}
