// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// TextOptions say how [WriteText] prints.
type TextOptions struct {
	// Dir is the directory that [Write] wrote to; its paths are printed. ""
	// leaves them out.
	Dir string
	// All lists every case with its status, not only those that need a reader.
	All bool
	// Detail prints every case's CQEs and events as well. It implies All.
	Detail bool
	// Color marks statuses with ANSI colours; for terminals.
	Color bool
}

// Bounds on what one case may print; the rest is in the report.
const (
	textEvents  = 12
	textConsole = 30
)

// WriteText prints r for a terminal or a mail: for each case that did not
// pass the broken rules, what happened and the program; then the paths; then
// the counts on a line of their own, "N passed, N failed, N skipped".
func WriteText(w io.Writer, r *Run, opts TextOptions) error {
	t := &textWriter{w: w, opts: opts}
	dirs := caseDirs(r.Cases)
	t.findings(r)
	for i := range r.Cases {
		c := &r.Cases[i]
		switch {
		case c.Verdict.Status == judge.Pass || c.Verdict.Status == judge.Skip:
			if opts.All || opts.Detail {
				t.head(c)
			}
		default:
			v := newView(c, r.profile())
			v.dir = dirs[i]
			t.failing(r, v)
		}
		if opts.Detail && c.Outcome != nil {
			t.detail(newView(c, r.profile()))
		}
	}
	if t.blocks > 0 {
		t.printf("\n")
	}
	t.answers(r)
	if in := r.Kernel.instrumentation(); in != "" {
		t.printf("note: the kernel has changes of ringproof's own: %s\n", in)
	}
	for _, n := range r.Notes {
		t.printf("note: %s\n", n)
	}
	if r.Partial {
		t.printf("note: this run was interrupted; cases are missing\n")
	}
	if _, lost, missed := r.Evidence(); lost+missed > 0 {
		t.printf("note: %d events lost, %d probe runs missed\n", lost, missed)
	}
	if opts.Dir != "" {
		for _, f := range []struct{ what, name string }{{"report", HTMLFile}, {"trace", TraceFile}, {"junit", JUnitFile}} {
			t.printf("%-7s %s\n", f.what, filepath.Join(opts.Dir, f.name))
		}
	}
	counts := r.Counts()
	t.printf("%s\n", counts.String())
	return t.err
}

type textWriter struct {
	w      io.Writer
	opts   TextOptions
	blocks int
	err    error
}

func (t *textWriter) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

// head prints a case's first line.
func (t *textWriter) head(c *Case) {
	status := fmt.Sprintf("%-12s", c.Verdict.Status)
	if t.opts.Color {
		color := map[judge.Status]string{judge.Pass: "32", judge.Skip: "2", judge.Inconclusive: "33", judge.Infra: "35"}[c.Verdict.Status]
		if color == "" {
			color = "1;31"
		}
		status = "\x1b[" + color + "m" + status + "\x1b[0m"
	}
	line := plain(c.Name)
	if rules := c.Verdict.Rules(); len(rules) > 0 {
		line += "  " + strings.Join(rules, " ")
	} else if c.Verdict.Status == judge.Skip && c.Verdict.Reason != "" {
		line += "  " + plain(c.Verdict.Reason)
	}
	t.printf("%s %s\n", status, line)
}

// findings prints what the failures come down to.
func (t *textWriter) findings(r *Run) {
	found := r.Findings()
	if len(found) == 0 {
		return
	}
	t.blocks++
	t.printf("%s:\n", plural(len(found), "finding", "findings"))
	for i := range found {
		f := &found[i]
		t.printf("  %s\n      %s, in %s: %s\n", plain(f.Class), f.Score(), plural(len(f.Programs), "program", "programs"), plain(f.programList()))
		t.printf("      %s\n", plain(f.Why))
	}
	if t.opts.All || t.opts.Detail {
		t.printf("\n")
	}
}

func (t *textWriter) failing(r *Run, v *view) {
	c := v.c
	if t.blocks++; t.blocks > 1 || t.opts.All {
		t.printf("\n")
	}
	t.head(c)
	if c.reasonAdds() {
		t.printf("  %s\n", plain(c.Verdict.Reason))
	}
	if text := c.TriesText(); text != "" {
		t.printf("  %s\n", plain(text))
	}
	for i := range c.Verdict.Violations {
		x := &c.Verdict.Violations[i]
		t.printf("  %s: %s\n", x.Rule, plain(x.Text))
		if text := cases.RuleText(x.Rule); text != "" {
			t.printf("      %s\n", strings.Join(Wrap("rule: "+text, 90), "\n      "))
		}
		t.events(v, x)
	}
	if o := c.Outcome; o != nil {
		t.crashes(c)
		if c.Verdict.Status == judge.Crash {
			t.block("console", o.Console, textConsole)
		}
		t.stuck(v)
	}
	if text := c.noiseText(); text != "" {
		t.printf("  %s\n", plain(text))
	}
	t.block("program", strings.Split(strings.TrimRight(c.Text, "\n"), "\n"), 1<<20)
	if t.opts.Dir != "" {
		t.printf("  files: %s\n", filepath.Join(t.opts.Dir, filepath.FromSlash(v.dir)))
	}
	if again := r.again(c, v.dir); again != "" {
		t.printf("  again: %s\n", plain(again))
	}
}

// reasonAdds tells whether the verdict's reason says more than its violations.
func (c *Case) reasonAdds() bool {
	for _, x := range c.Verdict.Violations {
		if strings.Contains(x.Text, c.Verdict.Reason) {
			return false
		}
	}
	return c.Verdict.Reason != ""
}

// detail prints what the program read and what the probes saw.
func (t *textWriter) detail(v *view) {
	t.blocks++
	o := v.c.Outcome
	t.printf("  CQEs:\n")
	for i := range o.CQEs {
		c := &o.CQEs[i]
		t.printf("    %3d %s  %-24s %s", i+1, v.ringName(c.Ring), plain(v.requestName(c.UserData)), cases.ResultText(c.Res))
		if c.Flags != 0 {
			t.printf(" flags=%#x", c.Flags)
		}
		t.printf("\n")
	}
	if len(v.laneOf) > 0 {
		t.printf("  events:\n")
		if t.err == nil {
			t.err = v.writeEvents(t.w)
		}
	}
}

func (t *textWriter) events(v *view, x *judge.Violation) {
	if len(v.laneOf) == 0 {
		return
	}
	n := 0
	for _, i := range x.Events {
		if i < 0 || i >= len(v.laneOf) {
			continue
		}
		if n++; n > textEvents {
			t.printf("      ... %d more events\n", len(x.Events)-textEvents)
			return
		}
		t.printf("      %10s us  %s\n", micros(v.c.Outcome.Events[i].Time-v.start), plain(v.eventLine(i)))
	}
}

func (t *textWriter) block(name string, lines []string, most int) {
	if len(lines) == 0 {
		return
	}
	t.printf("  %s:\n", name)
	for i, l := range lines {
		if i == most {
			t.printf("    | ... %d more lines\n", len(lines)-most)
			return
		}
		t.printf("    | %s\n", plain(l))
	}
}

// plain makes a line of untrusted text safe for a terminal: control
// characters become dots, tabs stay.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if (r < 0x20 && r != '\t') || (r >= 0x7f && r < 0xa0) {
			return '.'
		}
		return r
	}, s)
}

// Wrap breaks s at spaces into lines of at most width bytes where it can.
func Wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, w := range strings.Fields(s) {
		switch {
		case line == "":
			line = w
		case len(line)+1+len(w) > width:
			lines = append(lines, line)
			line = w
		default:
			line += " " + w
		}
	}
	return append(lines, line)
}
