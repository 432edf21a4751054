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
	blocks   int      // sectors of n0 that are in use
	slots    []string // registered files
	regBufs  []string // registered buffers
	most     int      // SQEs in one submission
	ahead    int      // CQEs of requests that the setting has put ahead
	chains   int      // that the setting has made
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
	for _, r := range []struct {
		what string
		list []string
	}{{"files", w.slots}, {"buffers", w.regBufs}} {
		if len(r.list) > 0 {
			fmt.Fprintf(&b, "\nregister r0 %s %s\n", r.what, strings.Join(r.list, " "))
		}
	}
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

// submitAll keeps a rejected SQE from ending its submission.
func (w *Writer) submitAll() { w.declared["SUBMIT_ALL"] = true }

func (w *Writer) pipe() string {
	name := fmt.Sprintf("p%d", w.pipes)
	w.pipes++
	w.declare("pipe %s", name)
	return name
}

// file declares a file with 4 KiB of its own content. Only a cached file of
// ext4 is read at once: tmpfs sends every read to io-wq.
func (w *Writer) file() string {
	options := fmt.Sprintf("size=4096 fill=%d", 21+w.files)
	if w.Way == Inline {
		options += " fs=ext4"
	}
	return w.declareFile(options)
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
		return w.block(label, w.buf(512, 0))
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
	if w.Way == IOPoll { // on such a ring nothing else may be read
		return w.block(label, w.buf(512, 0)).with("ASYNC")
	}
	return w.read(label).with("ASYNC")
}

// read reads a file at once.
func (w *Writer) read(label string) SQEs {
	return sqe(fmt.Sprintf("%s: read %s %s len=64", label, w.file(), w.buf(64, 0)))
}

// block reads the next 512 bytes of a null block device.
func (w *Writer) block(label, buf string) SQEs {
	return sqe(fmt.Sprintf("%s: read n0 %s len=512 off=%d", label, buf, w.sectors(1)))
}

// sectors reserves n sectors of the null block device and returns their offset.
func (w *Writer) sectors(n int) int {
	if w.blocks == 0 {
		w.need(string(cases.NeedNullBlk))
		w.declare("nullb n0 size=8192 fill=6 direct poll")
	}
	off := 512 * w.blocks
	w.blocks += n
	return off
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
	w.chains++
	lines[0] += " LINK"
	lines = append(lines, fmt.Sprintf("behind%d: nop", w.chains))
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
		w.step("cancel r0 %s timeout=1s", label)
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

// unit is the number of bytes that one request moves: what the setting's files take.
func (w *Writer) unit() int {
	switch w.Way {
	case IOPoll:
		return 512
	case Direct:
		return 4096
	}
	return 64
}

// scratch is a place for data of n units, to be written before it is read: a
// file, or a part of a device. It is given as operand and offset.
func (w *Writer) scratch(n int) place {
	switch w.Way {
	case IOPoll:
		return place{"n0", fmt.Sprintf(" off=%d", w.sectors(n))}
	case Direct: // of its size already, so that no request has to wait for the file system
		return place{w.declareFile(fmt.Sprintf("size=%d fs=ext4 direct", 4096*n)), ""}
	}
	return place{w.declareFile("size=0"), ""}
}

// place is where data lies: an operand, and an offset behind the others.
type place struct{ fd, off string }

func (w *Writer) declareFile(options string) string {
	name := fmt.Sprintf("f%d", w.files)
	w.files++
	w.declare("file %s %s", name, options)
	return name
}

// store writes n units of a buffer to a place.
func (w *Writer) store(label string, to place, buf string, n int) SQEs {
	return sqe(fmt.Sprintf("%s: write %s %s len=%d%s%s", label, to.fd, buf, n*w.unit(), to.off, w.force()))
}

// load reads a unit from a place into a buffer of its own.
func (w *Writer) load(label string, from place) SQEs {
	return sqe(fmt.Sprintf("%s: read %s %s len=%d%s%s", label, from.fd, w.buf(w.unit(), 0), w.unit(), from.off, w.force()))
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
	switch w.Way {
	case Inline:
		return w.read(label)
	case Direct:
		return w.fetch(label, w.buf(w.unit(), 0), 0)
	}
	return w.slow(label)
}

// fetch reads one unit of a source of its own into the n-th unit of a buffer.
func (w *Writer) fetch(label, buf string, n int) SQEs {
	if n > 0 {
		buf = fmt.Sprintf("%s+%d", buf, n*w.unit())
	}
	from := w.source(label)
	return sqe(fmt.Sprintf("%s: read %s %s len=%d%s%s", label, from.fd, buf, w.unit(), from.off, w.force()))
}

// timer is a timeout of some milliseconds; its expiry is a success or a failure.
func (w *Writer) timer(label string, ms int, success bool) SQEs {
	line := fmt.Sprintf("%s: timeout %dms", label, ms)
	if success {
		line += " flags=ETIME_SUCCESS"
	}
	return sqe(line)
}

// source declares what the setting's requests read, and returns it as operand and offset.
func (w *Writer) source(label string) place {
	switch w.Way {
	case Poll:
		p := w.pipe()
		w.feeds[label] = fmt.Sprintf("feed %s.w 64 fill=%d", p, 8+w.pipes)
		return place{p + ".r", ""}
	case IOPoll:
		return place{"n0", fmt.Sprintf(" off=%d", w.sectors(1))}
	case Direct:
		return place{w.declareFile(fmt.Sprintf("size=4096 fill=%d fs=ext4 direct", 21+w.files)), ""}
	}
	return place{w.file(), ""}
}

// fixedFile reads a file that is registered with the ring.
func (w *Writer) fixedFile(label string) SQEs {
	from := w.source(label)
	w.slots = append(w.slots, from.fd)
	return sqe(fmt.Sprintf("%s: read %d %s len=%d%s FIXED_FILE%s", label, len(w.slots)-1, w.buf(w.unit(), 0), w.unit(), from.off, w.force()))
}

// fixedBuffer reads into a buffer that is registered with the ring.
func (w *Writer) fixedBuffer(label string) SQEs {
	from, b := w.source(label), w.buf(w.unit(), 0)
	w.regBufs = append(w.regBufs, b)
	return sqe(fmt.Sprintf("%s: read_fixed %s %s len=%d%s index=%d%s", label, from.fd, b, w.unit(), from.off, len(w.regBufs)-1, w.force()))
}

// chosenBuffer reads into a buffer that the kernel takes from group 1.
func (w *Writer) chosenBuffer(label string) SQEs {
	from := w.source(label)
	return sqe(fmt.Sprintf("%s: read %s len=%d%s index=1 BUFFER_SELECT%s", label, from.fd, w.unit(), from.off, w.force()))
}
