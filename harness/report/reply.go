// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
)

// ReplyWidth is the width of what is prose in a reply. Programs, C and the kernel's own lines stay as they are.
const ReplyWidth = 72

// Bounds on a reply: a mail that nobody reads to its end helps nobody.
const (
	replyFindings = 5
	replyEvents   = 8
	replyFrames   = 12
	replyC        = 420 // lines of C, of which the runtime for a raw ring and the check are 310
	replyReasons  = 6   // for which something was not checked
)

// WriteReply writes the run as the text of a mail to the patches' author: what was tested, what was found with its
// evidence, and what was not checked.
func WriteReply(w io.Writer, r *Run) error {
	m := &Mail{w: w}
	m.tested(r)
	found := r.Findings()
	for i := range found[:min(len(found), replyFindings)] {
		m.finding(r, &found[i], i+1, len(found))
	}
	if n := len(found) - replyFindings; n > 0 {
		m.Para("", "%s more: see summary.md.", plural(n, "finding", "findings"))
	}
	if len(found) == 0 && r.Counts().Pass > 0 {
		m.Para("", "No program failed.")
	}
	m.unchecked(r)
	if len(found) == 0 && len(r.Again) > 0 {
		m.Para("", "To run it again:")
		m.Source("  ", []string{CommandLine(r.Again)})
	}
	if m.first != nil {
		m.reproducer(r, m.first)
	}
	return m.err
}

// Mail writes plain text for a mail.
type Mail struct {
	w     io.Writer
	begun bool
	err   error
	first *Case // of the first finding
}

// NewMail writes to w. The first error is kept, see [Mail.Err].
func NewMail(w io.Writer) *Mail { return &Mail{w: w} }

// Err returns the first error of writing.
func (m *Mail) Err() error { return m.err }

func (m *Mail) line(s string) {
	m.begun = true
	if m.err == nil {
		_, m.err = fmt.Fprintln(m.w, strings.TrimRight(s, " "))
	}
}

// Para writes a paragraph, an empty line ahead of it.
func (m *Mail) Para(indent, format string, args ...any) {
	if m.begun {
		m.Gap()
	}
	m.Item(indent, indent, format, args...)
}

// Gap writes an empty line.
func (m *Mail) Gap() { m.line("") }

// Item writes wrapped text whose first line begins with first and the others with rest.
func (m *Mail) Item(first, rest, format string, args ...any) {
	text := plain(oneLine(fmt.Sprintf(format, args...)))
	for i, l := range Wrap(text, ReplyWidth-max(len(first), len(rest))) {
		if i == 0 {
			m.line(first + l)
		} else {
			m.line(rest + l)
		}
	}
}

// Source writes lines as they are, an empty line ahead of them.
func (m *Mail) Source(indent string, lines []string) {
	m.Gap()
	for _, l := range lines {
		m.line(indent + plain(l))
	}
}

// Program writes a program's text without its licence.
func (m *Mail) Program(indent, text string) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if strings.HasPrefix(lines[0], "# SPDX-License-Identifier:") {
		lines = lines[1:]
	}
	m.Source(indent, lines)
}

// Tested says what a kernel was made of and where it ran, in a paragraph.
func (m *Mail) Tested(k *Kernel, g *Guest) {
	series := "without a series"
	if len(k.Patches) > 0 {
		series = fmt.Sprintf("with series %s (%s)", k.Series, plural(len(k.Patches), "patch", "patches"))
	}
	compiler, _, _ := strings.Cut(k.Compiler, ";")
	m.Para("", "Linux %s %s, built from %s with %s, flavour %s, judged by profile %s. %s, %d CPUs, QEMU %s.",
		k.Version, series, k.Source, compiler, k.Flavour, k.Profile, accelText(g.Accel), g.CPUs, strings.TrimPrefix(g.QEMU, "QEMU emulator version "))
	if in := k.instrumentation(); in != "" {
		m.Para("", "The kernel had changes of ringproof's own: %s.", in)
	}
}

func accelText(accel string) string {
	if accel == "tcg" {
		return "Under emulation (TCG)"
	}
	return "Under " + strings.ToUpper(accel)
}

func (m *Mail) tested(r *Run) {
	c := r.Counts()
	m.Para("", "ringproof ran %s: %s.", plural(c.Total(), "program", "programs"), c.String())
	m.Tested(&r.Kernel, &r.Guest)
	if r.Partial {
		m.Para("", "The run was interrupted: programs are missing.")
	}
	for _, n := range r.Notes {
		m.Para("", "Note: %s.", strings.TrimSuffix(n, "."))
	}
	if len(r.Kernel.Patches) > 0 {
		m.Gap()
		for i, p := range r.Kernel.Patches {
			m.Item(fmt.Sprintf("  %2d ", i+1), "     ", "%s", p.title())
		}
	}
}

// finding tells one finding by its first case.
func (m *Mail) finding(r *Run, f *Finding, n, of int) {
	m.Para("", "%d of %d. %s", n, of, f.Class)
	score := "Seen in " + f.Score()
	if f.Tried == 1 {
		score = "Tried once"
	}
	m.Para("", "%s, in %s: %s.", score, plural(len(f.Programs), "program", "programs"), f.programList())
	i := slices.IndexFunc(r.Cases, func(c Case) bool { return c.Name == f.Programs[0] })
	if i < 0 {
		return
	}
	c := &r.Cases[i]
	for k := range c.Also {
		if c.Also[k].class() == f.Class {
			c = &c.Also[k]
		}
	}
	v := newView(c, r.profile())
	if c.reasonAdds() {
		m.Para("", "%s", c.Verdict.Reason)
	}
	for k := range c.Verdict.Violations {
		if k == 2 {
			m.Para("", "%s of the same run: see summary.md.", plural(len(c.Verdict.Violations)-k, "more violation", "more violations"))
			break
		}
		m.violation(v, &c.Verdict.Violations[k])
	}
	for k := range c.Crashes {
		m.crash(&c.Crashes[k])
	}
	m.Para("", "The program:")
	m.Program("  ", c.Text)
	if n == 1 {
		m.first = c
	}
	if again := r.again(c, f.Dir); again != "" {
		m.Para("", "To run it again:")
		m.Source("  ", []string{again})
	}
}

func (m *Mail) violation(v *view, x *judge.Violation) {
	m.Para("", "%s: %s.", x.Rule, strings.TrimSuffix(x.Text, "."))
	if text := cases.RuleText(x.Rule); text != "" {
		m.Para("  ", "Rule %s: %s", x.Rule, text)
	}
	var lines []string
	for _, e := range x.Events {
		if e >= 0 && e < len(v.laneOf) && len(lines) < replyEvents {
			lines = append(lines, clip(fmt.Sprintf("%10s us  %s", micros(v.c.Outcome.Events[e].Time-v.start), v.eventLine(e)), ReplyWidth-2))
		}
	}
	for _, q := range x.CQEs {
		if q >= 0 && q < len(v.order) && len(lines) < 2*replyEvents {
			cqe := v.c.Outcome.CQEs[q]
			lines = append(lines, clip(fmt.Sprintf("CQE %d on ring %s: %s, %s", v.order[q], v.ringName(cqe.Ring), v.requestName(cqe.UserData), cases.ResultText(cqe.Res)), ReplyWidth-2))
		}
	}
	if len(lines) > 0 {
		m.Source("  ", lines)
	}
}

func clip(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-3]) + "..."
	}
	return s
}

// crash tells a complaint of the kernel: its title, the place, and the first stack down to what matters.
func (m *Mail) crash(r *crash.Report) {
	m.Para("", "The kernel said: %s", r.Title)
	if c := r.Blamed(); c != nil {
		m.Para("", "at %s:%d in %s(), which %s wrote.", c.File, c.Line, c.Func, c.Patch)
	}
	if len(r.Stacks) == 0 {
		return
	}
	var lines []string
	for f := range r.Stacks[0].Frames {
		fr := &r.Stacks[0].Frames[f]
		if fr.Guess || fr.Machinery {
			continue
		}
		if len(fr.Calls) == 0 {
			lines = append(lines, frameName(fr))
		}
		for _, c := range fr.Calls {
			lines = append(lines, fmt.Sprintf("%s() %s:%d", c.Func, c.File, c.Line))
		}
	}
	if len(lines) > replyFrames {
		lines = append(lines[:replyFrames], "...")
	}
	m.Source("  ", lines)
}

// reproducer adds the C program of the first finding, at the end, where it is in nobody's way.
func (m *Mail) reproducer(r *Run, c *Case) {
	source := reproducer(c, r.kernelName())
	lines := strings.Split(strings.TrimRight(string(source), "\n"), "\n")
	switch {
	case source == nil:
		m.Para("", "There is no C reproducer of %s: userspace cannot tell that the bug shows, or the program has no form in C.", c.Name)
	case len(lines) > replyC:
		m.Para("", "The C reproducer of %s has %d lines, too many for a mail.", c.Name, len(lines))
	default:
		m.Para("", "%s in C, exit status 1 if the bug shows:", c.Name)
		m.Source("", lines)
	}
}

// unchecked says what nothing in this run speaks of.
func (m *Mail) unchecked(r *Run) {
	m.Para("", "What this does not say:")
	m.Gap()
	item := func(format string, args ...any) { m.Item("  - ", "    ", format, args...) }
	c := r.Counts()
	switch r.Kernel.Flavour {
	case "kasan":
		item("data races were not looked for (flavour kcsan does).")
	case "kcsan":
		item("memory errors and lock order were not looked for (flavour kasan does).")
	default:
		item("this kernel had no KASAN, lockdep or KCSAN: memory errors, lock order and data races were not looked for (flavours kasan and kcsan do).")
	}
	if r.Guest.Accel == "tcg" {
		item("under emulation times mean nothing, and CPUs race less closely than real ones.")
	}
	item("%s", r.tried())
	for _, s := range r.silent() {
		item("%s", s)
	}
	if c.Inconclusive+c.Infra > 0 {
		item("%s said nothing: evidence was lost, or the test's own side broke.", plural(c.Inconclusive+c.Infra, "program", "programs"))
	}
	if g := r.Guest.Info; g != nil && len(g.Missing) > 0 {
		item("%s could not be attached: %s.", plural(len(g.Missing), "probe", "probes"), strings.Join(g.Missing, "; "))
	}
}

// tried says how often each program ran.
func (r *Run) tried() string {
	quiet, most := true, 0
	for i := range r.Cases {
		n := 0
		for k := range r.Cases[i].Tries {
			if t := &r.Cases[i].Tries[k]; !t.Confirms {
				n++
				quiet = quiet && t.Noise == 0
			}
		}
		most = max(most, n)
	}
	switch {
	case most <= 1 && quiet:
		return "each program ran once, without schedule noise; what shows rarely may not have shown."
	case quiet:
		return fmt.Sprintf("programs ran up to %d times, without schedule noise.", most)
	}
	return fmt.Sprintf("programs ran up to %d times, under schedule noise; what shows more rarely may not have shown.", most)
}

// silent lists why programs were skipped and rules not checked, with how many programs that concerns.
func (r *Run) silent() []string {
	type entry struct {
		text string
		n    int
	}
	var list []entry
	add := func(text string) {
		if i := slices.IndexFunc(list, func(e entry) bool { return e.text == text }); i >= 0 {
			list[i].n++
			return
		}
		list = append(list, entry{text, 1})
	}
	for i := range r.Cases {
		v := &r.Cases[i].Verdict
		if v.Status == judge.Skip {
			add("skipped: " + v.Reason)
		}
		seen := map[string][]string{}
		var order []string
		for _, u := range v.Unchecked {
			if cases.KindOf(u.Rule) == cases.Question {
				continue
			}
			if seen[u.Why] == nil {
				order = append(order, u.Why)
			}
			seen[u.Why] = append(seen[u.Why], u.Rule)
		}
		for _, why := range order {
			add(strings.Join(seen[why], ", ") + " not checked: " + why)
		}
	}
	slices.SortStableFunc(list, func(a, b entry) int { return b.n - a.n })
	var out []string
	for i, e := range list {
		if i == replyReasons {
			out = append(out, fmt.Sprintf("%s more: see the report.", plural(len(list)-i, "reason", "reasons")))
			break
		}
		out = append(out, fmt.Sprintf("in %s, %s.", plural(e.n, "program", "programs"), strings.TrimSuffix(e.text, ".")))
	}
	return out
}
