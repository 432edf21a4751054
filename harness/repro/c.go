// SPDX-License-Identifier: Apache-2.0

// Package repro writes a finding as a C program of one file, with raw system
// calls: what a kernel developer runs without ringproof.
package repro

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/harness/judge"
)

// Bug is what shows a finding in userspace.
type Bug struct {
	// Rule is the ID of the broken rule, Text what happened instead of what it
	// asks for.
	Rule, Text string
	// On says on which kernel it was seen.
	On string
	// Hang: a step or the end of the process does not come to an end.
	Hang bool
	// Stays: a ring does not go away, though the process has come to its end.
	Stays bool
	// Crash: the kernel complains in its log.
	Crash bool
	// Workers: the bug shows if the process has io-wq workers in the end, or if it has none.
	Workers judge.Workers
	// SQEs are those that the finding is about, by index in program order; CQEs are the
	// ones that they posted, in order. Unless Hang, Stays, Crash or Workers is set, the bug shows if exactly
	// these come again, with Steps during the same steps: none, if there are none.
	SQEs  []int
	CQEs  []cases.CQE
	Steps bool
	// Beside are the other SQEs of the same submissions, and Others what they
	// posted: the same must come again, in whatever order. What an SQE owes may
	// depend on what became of its neighbours.
	Beside []int
	Others []cases.CQE
}

// Visible tells whether a C program can tell that the bug shows.
func (b *Bug) Visible() bool {
	return b.Hang || b.Stays || b.Crash || b.Workers != "" || len(b.SQEs) > 0
}

// byCQEs tells whether it is the CQEs that show the bug.
func (b *Bug) byCQEs() bool { return !b.endless() && !b.Crash && len(b.SQEs) > 0 }

// endless tells that something does not come to an end, which takes patience to say.
func (b *Bug) endless() bool { return b.Hang || b.Stays }

//go:embed runtime.c.txt
var runtime string

// parts are the pieces of runtime.c by name.
var parts = func() map[string]string {
	m := map[string]string{}
	for _, piece := range strings.Split(runtime, "//@ ")[1:] {
		name, text, _ := strings.Cut(piece, "\n")
		m[name] = strings.TrimRight(text, "\n") + "\n"
	}
	return m
}()

// order is that in which the parts stand in a program; those ahead of main
// may be left out.
var order = []string{"base", "wait", "close_ring", "fill", "memory", "file", "dir", "timer", "child", "cancel", "bufring", "groups", "threads", "tasks", "stays", "kmsg", "same", "others"}

// C returns the source of a C program that runs p and tells by its exit
// status whether the bug shows: 1 if it does, 0 if not, 2 if the machine or the
// kernel cannot run it. Of a bug that is not [Bug.Visible], nil among them, it can tell
// nothing: it prints the CQEs and exits with 0. It compiles with gcc -Wall -pthread without a warning.
// The error names what in p has no form in C here.
func C(p *cases.Program, bug *Bug) ([]byte, error) {
	if bug == nil {
		bug = new(Bug)
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	w := &writer{p: p, need: map[string]bool{"base": true}}
	w.declarations()
	body := w.program(bug.Workers != "")
	if len(w.errs) > 0 {
		return nil, fmt.Errorf("program %s has no form in C: %w", p.Name, errors.Join(w.errs...))
	}
	w.need["tasks"] = bug.Stays || bug.Workers != ""
	w.need["stays"] = bug.Stays
	w.need["kmsg"] = bug.Crash
	w.need["same"] = bug.byCQEs()
	w.need["others"] = bug.byCQEs() && len(bug.Beside) > 0
	var out strings.Builder
	out.WriteString("// SPDX-License-Identifier: GPL-2.0 OR MIT\n")
	out.WriteString(header(p, bug))
	for _, name := range order {
		if w.need[name] {
			out.WriteString(parts[name] + "\n")
		}
	}
	out.WriteString(w.decl.String() + "\n")
	out.WriteString(w.steps.String())
	out.WriteString(body)
	out.WriteString("\n" + parts["main"] + "\n")
	out.WriteString(mainOf(p, bug))
	return []byte(out.String()), nil
}

func header(p *cases.Program, bug *Bug) string {
	var b strings.Builder
	b.WriteString("/*\n")
	if bug.Rule != "" {
		fmt.Fprintf(&b, " * Broken rule %s: %s\n *\n", bug.Rule, comment(cases.RuleText(bug.Rule)))
	}
	if bug.Text != "" {
		fmt.Fprintf(&b, " * Seen: %s\n", comment(bug.Text))
	}
	if bug.On != "" {
		fmt.Fprintf(&b, " * On: %s\n", comment(bug.On))
	}
	b.WriteString(" *\n * gcc -Wall -pthread -o repro repro.c && ./repro; echo $?\n")
	if bug.Visible() {
		in := ""
		if !bug.endless() {
			in = fmt.Sprintf(" in %d tries", attempts)
		}
		fmt.Fprintf(&b, " * 1: the bug shows, 0: it does not%s, 2: this kernel or machine cannot run it\n", in)
	} else {
		b.WriteString(" * It prints the CQEs: what is wrong does not show in them.\n" +
			" * 0: it ran, 2: this kernel or machine cannot run it\n")
	}
	fmt.Fprintf(&b, " * The arguments: how many seconds the program may take, instead of %d, and how\n"+
		" * many times longer it shall wait for CQEs on a slow machine.\n *\n"+
		"%s\n *\n", patience, marker)
	for line := range strings.Lines(p.Text()) {
		b.WriteString(strings.TrimRight(" *\t"+comment(strings.TrimRight(line, "\n")), "\t ") + "\n")
	}
	b.WriteString(" */\n")
	return b.String()
}

// marker is the line ahead of the program's text in a C program's first comment.
const marker = " * The same for ringproof run:"

// Program returns the program that a C program of [C] was written from. The
// error says that the source is none of these.
func Program(source []byte) (*cases.Program, error) {
	_, text, found := strings.Cut(string(source), marker+"\n *\n")
	text, _, ends := strings.Cut(text, " */\n")
	if !found || !ends {
		return nil, errors.New("it does not hold the program that it was written from: it is none that ringproof wrote")
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(line, " *")
		b.WriteString(strings.TrimPrefix(line, "\t"))
	}
	return cases.Parse("repro.c", []byte(b.String()))
}

// comment makes text safe inside a C comment.
func comment(s string) string { return strings.ReplaceAll(s, "*/", "* /") }

// writer collects a program's C.
type writer struct {
	p     *cases.Program
	need  map[string]bool
	decl  strings.Builder // the program's things
	steps strings.Builder // functions of steps that other threads carry out
	errs  []error
	index int // of the next SQE, in program order
}

func (w *writer) cannot(format string, args ...any) {
	if len(w.errs) < 5 {
		w.errs = append(w.errs, fmt.Errorf(format, args...))
	}
}

// name makes an identifier of a name.
func name(s string) string { return strings.ReplaceAll(s, "-", "_") }

func (w *writer) declarations() {
	d := &w.decl
	for i := range w.p.Rings {
		fmt.Fprintf(d, "static struct ring %s = { .fd = -1 };\n", name(w.p.Rings[i].Name))
	}
	for i := range w.p.Resources {
		r := &w.p.Resources[i]
		if cases.HasEnds(r.Kind) {
			fmt.Fprintf(d, "static int %s[2];\n", name(r.Name))
		} else {
			fmt.Fprintf(d, "static int %s;\n", name(r.Name))
		}
	}
	for i := range w.p.Buffers {
		fmt.Fprintf(d, "static char *%s;\n", name(w.p.Buffers[i].Name))
	}
	for _, t := range w.p.Threads() {
		fmt.Fprintf(d, "static struct thread thread_%s;\n", name(t))
		w.need["threads"] = true
	}
}

// program writes what the child does.
func (w *writer) program(workers bool) string {
	var b strings.Builder
	b.WriteString("static void program(void)\n{\n")
	var body strings.Builder
	w.resources(&body)
	w.memory(&body)
	w.rings(&body)
	w.structures(&body)
	sqe := false
	for i := range w.p.Steps {
		st := &w.p.Steps[i]
		fmt.Fprintf(&body, "\n\tseen->step = %d;\n", i+1)
		if st.Thread == "" {
			sqe = sqe || st.Kind == cases.StepSubmit
			w.step(&body, st)
			continue
		}
		t := "&thread_" + name(st.Thread)
		if st.Kind == cases.StepExitThread {
			fmt.Fprintf(&body, "\trun_in(%s, NULL, 0);\n", t)
			continue
		}
		fmt.Fprintf(&w.steps, "static void step%d(void)\n{\n", i+1)
		if st.Kind == cases.StepSubmit {
			w.steps.WriteString("\tstruct io_uring_sqe *sqe;\n\n")
		}
		w.step(&w.steps, st)
		w.steps.WriteString("}\n\n")
		background := 0
		if st.Background {
			background = 1
		}
		fmt.Fprintf(&body, "\trun_in(%s, step%d, %d);\n", t, i+1, background)
	}
	if !endsItself(w.p) {
		body.WriteString("\n")
		for _, t := range w.p.Threads() {
			fmt.Fprintf(&body, "\tsettle(&thread_%s);\n", name(t))
		}
		if len(w.p.Rings) > 0 {
			fmt.Fprintf(&body, "\tseen->step = %d;\n", len(w.p.Steps)+1)
		}
		for i := range w.p.Rings {
			r := name(w.p.Rings[i].Name)
			fmt.Fprintf(&body, "\tif (%s.fd >= 0)\n\t\treap(&%s);\n", r, r)
		}
	}
	if workers {
		body.WriteString("\tseen->workers = tasks(\"/proc/self/task\", \"iou-wrk-\", \"\");\n")
	}
	if sqe {
		b.WriteString("\tstruct io_uring_sqe *sqe;\n\n")
	}
	b.WriteString(strings.TrimPrefix(body.String(), "\n"))
	b.WriteString("}\n")
	return b.String()
}

func (w *writer) rings(b *strings.Builder) {
	if slices.Contains(w.p.Needs, cases.NeedGroups) {
		w.need["groups"] = true
		b.WriteString("\tneed_groups();\n")
	}
	for i := range w.p.Rings {
		r := &w.p.Rings[i]
		id := name(r.Name)
		flags := r.Flags
		if flags&(uring.SetupNoMmap|uring.SetupRegisteredFdOnly) != 0 {
			w.cannot("ring %s has NO_MMAP", r.Name)
		}
		if r.CQEntries != 0 {
			flags |= uring.SetupCQSize
			fmt.Fprintf(b, "\t%s.p.cq_entries = %d;\n", id, r.CQEntries)
		}
		if r.Attach > 0 {
			flags |= uring.SetupAttachWq
			fmt.Fprintf(b, "\t%s.p.wq_fd = %s.fd;\n", id, name(w.p.Rings[r.Attach-1].Name))
		}
		if flags != 0 {
			fmt.Fprintf(b, "\t%s.p.flags = %#x;\t/* %s */\n", id, uint32(flags), cases.SetupFlagNames(flags))
		}
		if r.Idle != 0 {
			fmt.Fprintf(b, "\t%s.p.sq_thread_idle = %d;\n", id, r.Idle/time.Millisecond)
		}
		if r.CPU != 0 {
			fmt.Fprintf(b, "\t%s.p.sq_thread_cpu = %d;\n", id, r.CPU)
		}
		fmt.Fprintf(b, "\tmake_ring(&%s, %d, %d);\n", id, i, r.Entries)
	}
}

func (w *writer) resources(b *strings.Builder) {
	for i := range w.p.Resources {
		r := &w.p.Resources[i]
		id := name(r.Name)
		flags := "0"
		nonblock := func(word string) string {
			if r.NonBlock {
				return word
			}
			return "0"
		}
		call := func(format string, args ...any) {
			fmt.Fprintf(b, "\tif (%s)\n\t\tcannot(\"%s\");\n", fmt.Sprintf(format, args...), r.Kind)
		}
		switch r.Kind {
		case cases.ResFile:
			w.need["fill"], w.need["file"] = true, true
			if r.Direct {
				flags = "O_DIRECT"
			}
			fmt.Fprintf(b, "\t%s = make_file(%d, %d, %s);\n", id, r.Size, uint32(r.Fill), flags)
		case cases.ResPipe:
			call("pipe2(%s, %s)", id, nonblock("O_NONBLOCK"))
		case cases.ResSocketPair:
			call("socketpair(AF_UNIX, SOCK_STREAM | %s, 0, %s)", nonblock("SOCK_NONBLOCK"), id)
		case cases.ResEventFD:
			call("(%s = eventfd(0, %s)) < 0", id, nonblock("EFD_NONBLOCK"))
		case cases.ResEpoll:
			call("(%s = epoll_create1(0)) < 0", id)
		case cases.ResTimerFD:
			w.need["timer"] = true
			fmt.Fprintf(b, "\t%s = make_timer(%d, %s);\n", id, r.Delay, nonblock("TFD_NONBLOCK"))
		case cases.ResSocket:
			call("(%s = socket(AF_UNIX, SOCK_STREAM | %s, 0)) < 0", id, nonblock("SOCK_NONBLOCK"))
		case cases.ResDir:
			w.need["dir"] = true
			fmt.Fprintf(b, "\t%s = make_dir();\n", id)
		case cases.ResChild:
			w.need["child"] = true
			fmt.Fprintf(b, "\t%s = make_child();\n", id)
		default:
			w.cannot("%s %s", r.Kind, r.Name)
		}
	}
}

func (w *writer) memory(b *strings.Builder) {
	for i := range w.p.Buffers {
		buf := &w.p.Buffers[i]
		w.need["memory"] = true
		fmt.Fprintf(b, "\t%s = memory(%d);\n", name(buf.Name), buf.Len())
		if buf.Fill != 0 {
			w.need["fill"] = true
			fmt.Fprintf(b, "\tfill((unsigned char *)%s, %d, %d);\n", name(buf.Name), uint32(buf.Fill), buf.Size)
		}
	}
}

// structures fills what holds addresses and descriptors.
func (w *writer) structures(b *strings.Builder) {
	for i := range w.p.Buffers {
		buf := &w.p.Buffers[i]
		id := name(buf.Name)
		put := func(typ string, off int, value string) {
			fmt.Fprintf(b, "\t*(%s *)(%s + %d) = %s;\n", typ, id, off, value)
		}
		switch buf.Kind {
		case cases.BufText:
			fmt.Fprintf(b, "\tstrcpy(%s, %q);\n", id, buf.Text)
		case cases.BufAddr:
			put("unsigned short", 0, "AF_UNIX")
			fmt.Fprintf(b, "\tmemcpy(%s + 3, %q, %d);\n", id, buf.Text, len(buf.Text))
		case cases.BufIovec:
			for j, part := range buf.Parts {
				put("struct iovec", 16*j, fmt.Sprintf("(struct iovec){ %s, %d }", w.pointer(part.Buf), w.length(part)))
			}
		case cases.BufMsg:
			fields := []struct {
				addr, length string
				unit         uint64
			}{{"msg_iov", "msg_iovlen", 16}, {"msg_name", "msg_namelen", 1}, {"msg_control", "msg_controllen", 1}}
			for j, part := range buf.Parts {
				if part.Buf.Ref != 0 {
					fmt.Fprintf(b, "\t((struct msghdr *)%s)->%s = (void *)%s;\n", id, fields[j].addr, w.pointer(part.Buf))
					fmt.Fprintf(b, "\t((struct msghdr *)%s)->%s = %d;\n", id, fields[j].length, uint64(w.length(part))/fields[j].unit)
				}
			}
		case cases.BufTime:
			put("struct __kernel_timespec", 0, fmt.Sprintf("(struct __kernel_timespec){ %d, %d }", buf.Time/time.Second, buf.Time%time.Second))
		case cases.BufEvent:
			put("struct epoll_event", 0, fmt.Sprintf("(struct epoll_event){ .events = %#x, .data.u64 = %d }", buf.Words[0], buf.Words[1]))
		case cases.BufFDs:
			for j, fd := range buf.FDs {
				put("int", 4*j, w.fd(fd))
			}
		case cases.BufHow:
			for j, word := range buf.Words {
				put("unsigned long long", 8*j, fmt.Sprintf("%#xULL", word))
			}
		case cases.BufWaitv:
			for j, part := range buf.Parts {
				put("unsigned long long", 24*j, fmt.Sprint(part.Len))
				put("unsigned long long", 24*j+8, "(unsigned long)("+w.pointer(part.Buf)+")")
				put("unsigned", 24*j+16, "130 /* FUTEX2_SIZE_U32 | FUTEX2_PRIVATE */")
			}
		}
	}
}

// pointer is the address of a piece of memory.
func (w *writer) pointer(r cases.BufRef) string {
	switch {
	case r.Ref == 0:
		return "NULL"
	case r.Off == 0:
		return name(w.p.Buffers[r.Ref-1].Name)
	}
	return fmt.Sprintf("%s + %d", name(w.p.Buffers[r.Ref-1].Name), r.Off)
}

func (w *writer) length(part cases.Part) uint32 {
	if part.Len == 0 && part.Buf.Ref != 0 {
		return w.p.Buffers[part.Buf.Ref-1].Len() - part.Buf.Off
	}
	return part.Len
}

// fd is a descriptor's number.
func (w *writer) fd(fd cases.FD) string {
	switch {
	case fd.Ring != 0:
		return name(w.p.Rings[fd.Ring-1].Name) + ".fd"
	case fd.Ref != 0:
		id := name(w.p.Resources[fd.Ref-1].Name)
		if cases.HasEnds(w.p.Resources[fd.Ref-1].Kind) {
			return fmt.Sprintf("%s[%d]", id, fd.End)
		}
		return id
	case fd.HasRaw:
		return fmt.Sprint(fd.Raw)
	}
	return "-1"
}

// bound is a wait's time in milliseconds.
func bound(d time.Duration) int64 {
	if d == 0 {
		d = cases.DefaultWait
	}
	return max(int64(d/time.Millisecond), 1)
}
