// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"slices"
	"strings"
)

// A console is read line by line. Where printk names the task or CPU that
// printed a line (CONFIG_PRINTK_CALLER), each of them is a console of its own.
// Where it does not, two CPUs may print into each other's reports; then a line
// goes to the open report that it fits best: the one whose process it names,
// or the one that has come just as far in the usual order of a report.

// Parse finds the complaints in the lines of a console, in the order in which
// they begin. Lines may carry printk's time, with or without the caller.
func Parse(lines []string) []Report {
	streams := map[string]*scanner{}
	for i, l := range lines {
		caller, text := stripPrefix(l)
		s := streams[caller]
		if s == nil {
			s = &scanner{}
			streams[caller] = s
		}
		s.line(i, text)
	}
	var found []*building
	for _, s := range streams {
		found = append(found, s.found...)
	}
	slices.SortFunc(found, func(a, b *building) int { return a.report.First - b.report.First })
	var out []Report
	for _, b := range found {
		out = append(out, b.finish())
	}
	return out
}

// Title returns the first complaint's title; ok is false where there is none.
func Title(lines []string) (title string, ok bool) {
	if r := Parse(lines); len(r) > 0 {
		return r[0].Title, true
	}
	return "", false
}

var prefix = rx(`^(?:<\d+>)?\[\s*\d+\.\d+\](?:\[\s*([TC]\d+)\])? ?`)

// stripPrefix takes printk's time and caller off a line.
func stripPrefix(l string) (caller, text string) {
	l = strings.TrimRight(l, "\r\n")
	m := prefix.FindStringSubmatch(l)
	if m == nil {
		return "", l
	}
	return m[1], l[len(m[0]):]
}

// building is a report in the making.
type building struct {
	report Report
	head   *header
	match  []string
	pid    string // of the process that the header names
	rank   int    // how far the report has come, see rankOf
	closed bool   // it has said all; what follows directly may still belong to it
	done   bool   // nothing more belongs to it
	whole  bool   // its end was seen
	last   int    // index of its last line
}

// scanner reads the lines of one caller.
type scanner struct {
	found   []*building
	open    []*building // not done
	current *building   // which got the last line
	// pending are lines that announce a report whose header has not come yet.
	pending []string
	from    int // index of the first pending line
	// asked: somebody had the kernel print stacks, which is no complaint.
	asked bool
}

var asked = rx(`^(sysrq: Show |NMI backtrace for cpu|Sending NMI from CPU)`)

const (
	cutHere   = "------------[ cut here ]------------"
	endTrace  = "---[ end trace "
	maxPend   = 6    // lines between an announcement and its header
	maxReport = 1000 // lines of one report
)

func isRule(text string) bool {
	return len(text) >= 20 && (strings.Trim(text, "=") == "" || strings.Trim(text, "-") == "")
}

func (s *scanner) line(i int, text string) {
	if h, m := matchHeader(text); h != nil {
		s.begin(i, text, h, m)
		return
	}
	switch {
	case text == cutHere:
		s.announce(i, text)
		return
	case isRule(text) && (s.current == nil || s.current.done || !s.current.ruled()):
		s.announce(i, text)
		return
	case s.pending != nil && len(s.pending) < maxPend && rankOf(text) == 0:
		s.pending = append(s.pending, text)
		return
	}
	s.pending = nil
	if b := s.owner(i, text); b != nil {
		s.give(b, i, text)
		return
	}
	if asked.MatchString(text) {
		s.asked = true
	}
	if strings.HasPrefix(text, "Call Trace:") && !s.asked {
		// A stack dump without a word before it.
		s.begin(i, text, &header{kind: Unknown, what: "stack dump", in: true}, nil)
	}
}

func (s *scanner) announce(i int, text string) {
	if s.pending == nil {
		s.from = i
	}
	s.pending = append(s.pending, text)
}

var headPID = rx(`PID: (\d+)|by task \S+?/(\d+)|task \S+?:(\d+) blocked`)

func (s *scanner) begin(i int, text string, h *header, m []string) {
	for _, b := range slices.Backward(s.found) {
		if !b.done && b.absorbs(h, text) || b.done && h.kind == Panic && b.absorbs(h, text) {
			b.report.Lines = append(b.report.Lines, s.pending...)
			s.pending = nil
			s.give(b, i, text)
			if h.kind == Panic {
				b.done = true
			}
			return
		}
	}
	b := &building{head: h, match: m, last: i}
	b.report.Kind, b.report.First = h.kind, i
	if s.pending != nil {
		b.report.First, b.report.Lines = s.from, s.pending
		s.pending = nil
	}
	if m := headPID.FindStringSubmatch(text); m != nil {
		b.pid = m[1] + m[2] + m[3]
	}
	for _, o := range s.open {
		if o.closed {
			o.done = true
		} else {
			// Two that print at once. One of them may also just have been cut off.
			o.report.Mixed = true
		}
	}
	s.found = append(s.found, b)
	s.open = append(slices.DeleteFunc(s.open, func(o *building) bool { return o.done }), b)
	b.report.Lines = append(b.report.Lines, text)
	s.current = b
	if h.kind == Unknown && m == nil {
		b.rank = rankTrace
	}
}

// Ranks order the lines of a report.
const (
	rankCPU = iota + 1
	rankMachine
	rankRIP
	rankRegs
	rankTrace
	rankFrame
	rankTaskEnd
	rankEnd
)

var (
	cpuLine  = rx(`^CPU: \d+ (?:UID: \d+ )?PID: (\d+) Comm:`)
	machine  = rx(`^(Tainted:|Hardware name:|Workqueue:|Modules linked in)`)
	ripLine  = rx(`^\s*RIP: 0010:`)
	userRIP  = rx(`^\s*RIP: 0033:`)
	regsLine = rx(`^\s*(Code: |RSP: |RAX: |RDX: |RBP: |R10: |R13: |FS: |CS: |CR2: |DR0: |DR3: |PKRU: )`)
	taskMark = rx(`^\s*<(TASK|IRQ|NMI|SOFTIRQ|/IRQ|/NMI|/SOFTIRQ|#\w+)>`)
)

func rankOf(text string) int {
	switch {
	case cpuLine.MatchString(text):
		return rankCPU
	case machine.MatchString(text):
		return rankMachine
	case ripLine.MatchString(text):
		return rankRIP
	case regsLine.MatchString(text):
		return rankRegs
	case strings.HasPrefix(strings.TrimSpace(text), "Call Trace:"):
		return rankTrace
	case userRIP.MatchString(text), taskMark.MatchString(text), frameLine.MatchString(text):
		return rankFrame
	case strings.TrimSpace(text) == "</TASK>":
		return rankTaskEnd
	case strings.HasPrefix(text, endTrace):
		return rankEnd
	}
	return 0
}

// owner finds the open report that a line belongs to, nil for none.
func (s *scanner) owner(i int, text string) *building {
	var open []*building
	for _, b := range s.open {
		if b.accepts(text) {
			open = append(open, b)
		}
	}
	s.open = slices.DeleteFunc(s.open, func(b *building) bool { return b.done })
	if len(open) < 2 {
		if len(open) == 1 {
			return open[0]
		}
		return nil
	}
	if m := cpuLine.FindStringSubmatch(text); m != nil {
		for _, b := range open {
			if b.pid == m[1] && b.rank == 0 {
				return b
			}
		}
	}
	if m := ripFrame.FindStringSubmatch(text); m != nil {
		for _, b := range open { // a warning's header names its function
			if b.head.kind == Warning && b.rank < rankRIP && len(b.match) > 1 && b.match[1] == m[1] {
				return b
			}
		}
	}
	rank := rankOf(text)
	if rank == 0 {
		if slices.Contains(open, s.current) {
			return s.current
		}
		return open[len(open)-1]
	}
	// CPUs print in bursts: who printed last goes on, if the line can be its next.
	var best *building
	for _, b := range open {
		switch {
		case !follows(b.rank, rank):
		case b == s.current:
			return b
		case best == nil || b.rank > best.rank:
			best = b
		}
	}
	if best == nil {
		best = open[len(open)-1]
	}
	return best
}

// follows tells whether a line of one rank can come after those up to another.
func follows(after, rank int) bool {
	return rank >= after && (rank < rankFrame || after >= rankTrace)
}

// accepts tells whether a report that is not done goes on with a line. One
// that has said all goes on only with what belongs to its kind's aftermath.
func (b *building) accepts(text string) bool {
	if b.done {
		return false
	}
	if len(b.report.Lines) >= maxReport {
		b.done = true
		return false
	}
	if !b.closed {
		return true
	}
	t := strings.TrimSpace(text)
	more := false
	switch b.head.kind {
	case Oops, Bug, List, Panic: // the registers once more
		more = rankOf(text) != 0 || strings.HasPrefix(t, "note: ") || strings.HasPrefix(t, "Kernel Offset")
	case HungTask, Lockdep, SoftLockup, RCUStall, Atomic:
		more = rankOf(text) != 0 || t == "" || isRule(t) || strings.HasPrefix(text, " ") || aftermath.MatchString(t)
	}
	if !more {
		b.done = true
	}
	return more
}

var aftermath = rx(`^(Showing all locks|\d+ locks? held by|#\d+: |INFO: lockdep is turned off|NMI backtrace|Sending NMI|rcu: )`)

// ruled tells whether the report ends with a line of "=" as it began with one.
func (b *building) ruled() bool {
	return b.head.kind == KASAN || b.head.kind == KCSAN || b.head.kind == KFENCE
}

func (s *scanner) give(b *building, i int, text string) {
	if s.current != b && s.current != nil && !s.current.closed {
		b.report.Mixed = true
	}
	s.current = b
	b.report.Lines = append(b.report.Lines, text)
	b.last = i
	if r := rankOf(text); r > 0 && !b.closed {
		b.rank = r
	}
	switch {
	case b.head.traced && strings.HasPrefix(text, endTrace),
		b.ruled() && isRule(text),
		!b.head.traced && !b.ruled() && strings.TrimSpace(text) == "</TASK>":
		b.whole = true
		b.closed = true
		if b.ruled() {
			b.done = true
		}
	}
}

// finish makes the report of what was gathered.
func (b *building) finish() Report {
	r := b.report
	for len(r.Lines) > 0 && strings.TrimSpace(r.Lines[len(r.Lines)-1]) == "" {
		r.Lines = r.Lines[:len(r.Lines)-1]
	}
	r.Stacks = stacks(r.Lines)
	r.Title = b.title(&r)
	ends := r.Kind != Leak && r.Kind != Unknown && r.Kind != Workqueue && !(r.Kind == Bug && !b.head.traced) && r.Kind != Panic && r.Kind != Slab && r.Kind != BadPage
	r.Cut = ends && !b.whole
	return r
}

// lastWords is how many of a console's last lines stand for a crash without
// a complaint.
const lastWords = 30

// LastWords is the report on a kernel that died and did not say why in any of
// the ways that [Parse] knows: its last lines, or that there are none.
func LastWords(console []string) Report {
	r := Report{Kind: Silence, Title: "the kernel died without a word", Cut: true}
	var lines []string
	for _, l := range console {
		if _, text := stripPrefix(l); strings.TrimSpace(text) != "" {
			lines = append(lines, text)
		}
	}
	if len(lines) == 0 {
		return r
	}
	r.First = max(0, len(console)-lastWords)
	r.Lines = lines[max(0, len(lines)-lastWords):]
	r.Kind, r.Title = Unknown, "the kernel died; its last words: "+Stable(lines[len(lines)-1])
	return r
}
