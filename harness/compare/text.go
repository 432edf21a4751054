// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/report"
)

// listed bounds how many programs of one row a text names.
const listed = 6

// WriteText prints c for a terminal: what needs a reader first, then the table of the
// rules by which the two differ, then what it costs, and the counts on the last line.
func (c *Comparison) WriteText(w io.Writer) error {
	t := &writer{w: w}
	t.printf("A  %s\nB  %s\n", c.A.line(), c.B.line())
	for _, k := range shownKinds {
		t.kind(c, k)
	}
	t.rules(c)
	t.families(c)
	t.events(c)
	for _, n := range c.Notes {
		t.printf("\nnote: %s\n", n)
	}
	if c.A.Partial || c.B.Partial {
		t.printf("\nnote: this comparison was interrupted; programs or rounds are missing\n")
	}
	t.printf("\n%s\n", c.String())
	return t.err
}

// line says what one side is.
func (s *Summary) line() string {
	version := s.Kernel.Version
	return fmt.Sprintf("%s: Linux %s, profile %s, flavour %s, %s; %s", plain(s.Name), version, s.Profile, s.Kernel.Flavour,
		strings.ToUpper(s.Guest.Accel), s.Counts.String())
}

type writer struct {
	w   io.Writer
	err error
}

func (t *writer) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

// heads say what the programs of a kind have in common.
var heads = map[Kind]string{
	Unexplained:  "differ, and no rule says why",
	Broken:       "broken in B",
	Fixed:        "fixed in B",
	Changed:      "changed as the profiles differ",
	Failing:      "fail on both",
	NewlySkipped: "newly skipped in B",
	NewlyRun:     "skipped in A, pass in B",
	Undecided:    "undecided",
	OneOnly:      "in one of the runs only",
	AtTimes:      "differed in some rounds only",
	Same:         "same",
	SkippedBoth:  "skipped on both",
}

// shownKinds are those whose programs are listed one by one.
var shownKinds = []Kind{Unexplained, Broken, Fixed, Failing, NewlySkipped, NewlyRun, Undecided, OneOnly, AtTimes}

// kind prints the programs of a kind with what happened to each.
func (t *writer) kind(c *Comparison, k Kind) {
	list := c.Of(k)
	if len(list) == 0 {
		return
	}
	t.printf("\n%s: %d\n", heads[k], len(list))
	for i, p := range list {
		if i == 4*listed {
			t.printf("  ... and %d more\n", len(list)-i)
			return
		}
		t.printf("  %s\n", plain(p.Name))
		for _, l := range p.lines() {
			t.printf("      %s\n", plain(l))
		}
	}
}

// lines say what a program did on both sides, as far as that is not said by its kind.
func (p *Program) lines() []string {
	var out []string
	verdict := func(side string, s *Seen) {
		switch {
		case s.Status == "":
			out = append(out, side+": not run")
		case s.failed() && s.Rounds > 1:
			out = append(out, fmt.Sprintf("%s: %s in %d of %d rounds: %s", side, s.Status, s.Failed, s.Rounds, s.Why))
		case s.Why != "":
			out = append(out, fmt.Sprintf("%s: %s: %s", side, s.Status, s.Why))
		default:
			out = append(out, fmt.Sprintf("%s: %s", side, s.Status))
		}
	}
	switch p.Kind {
	case Unexplained, Changed, AtTimes, Same:
	default:
		verdict("A", &p.A)
		verdict("B", &p.B)
	}
	for i := range p.Differences {
		if d := &p.Differences[i]; d.By == "" || p.Kind != Unexplained {
			out = append(out, d.line(&p.A, &p.B))
		}
	}
	if p.Kind == AtTimes {
		for _, r := range p.Reasons {
			out = append(out, r.line())
		}
	}
	return out
}

// line says which rule of the other profile is broken, and how often.
func (r *Reason) line() string {
	b := &r.Broken[0]
	share, other := r.A, "B"
	if b.Side == "b" {
		share, other = r.B, "A"
	}
	return fmt.Sprintf("what %s does breaks %s of %s in %d of %d rounds: %s", strings.ToUpper(b.Side), b.Rule, other, share.Rounds, share.Of, b.Text)
}

func (d *Difference) line(a, b *Seen) string {
	return fmt.Sprintf("%s: A %s, B %s (%d and %d rounds)", d.What, strings.Join(d.A, " or "), strings.Join(d.B, " or "), a.Rounds, b.Rounds)
}

func (t *writer) rules(c *Comparison) {
	if len(c.Rules) == 0 {
		return
	}
	t.printf("\nby rule: %d programs changed as the profiles differ\n", c.Counts[Changed])
	for i := range c.Rules {
		r := &c.Rules[i]
		t.printf("  %-13s %s: %s\n", r.Title(), r.What, r.count())
		if len(r.Programs) == 0 {
			continue
		}
		for _, side := range []struct{ name, rule string }{{"A", r.A}, {"B", r.B}} {
			if text := cases.RuleText(side.rule); text != "" {
				t.printf("      %s\n", strings.Join(report.Wrap(side.name+" "+side.rule+": "+text, 90), "\n        "))
			}
		}
		t.printf("      in %s\n", strings.Join(report.Wrap(plain(listOf(r.Programs, listed)), 90), "\n         "))
	}
}

func (r *RuleRow) count() string {
	switch n := len(r.Programs); {
	case n == 0:
		return "no program shows it"
	case n == 1:
		return "1 program"
	case n == r.Alone:
		return fmt.Sprintf("%d programs", n)
	default:
		return fmt.Sprintf("%d programs, %d of them by nothing else", n, r.Alone)
	}
}

func listOf(names []string, most int) string {
	text := strings.Join(names[:min(most, len(names))], ", ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func (t *writer) families(c *Comparison) {
	if len(c.Families) == 0 {
		return
	}
	t.printf("\ntime in the guest, programs that do the same on both, median (least to most) of %d rounds, with probes\n", MeasuredRounds)
	tw := tabwriter.NewWriter(t.w, 0, 8, 2, ' ', 0)
	for i := range c.Families {
		r := &c.Families[i]
		fmt.Fprintf(tw, "  %s\t%d programs\tA %s\tB %s\t%s\n", r.Family, r.Programs, r.A, r.B, r.Verdict())
	}
	if err := tw.Flush(); t.err == nil {
		t.err = err
	}
}

// String gives the median and the range in ms.
func (s Spread) String() string {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }
	return fmt.Sprintf("%s (%s to %s) ms", ms(s.Median), ms(s.Min), ms(s.Max))
}

// Verdict says what the figures show.
func (r *FamilyRow) Verdict() string {
	if !r.Shown() {
		return "no difference shown"
	}
	if p := r.Percent(); p > 0 {
		return fmt.Sprintf("B takes %.0f%% longer", p)
	}
	return fmt.Sprintf("B takes %.0f%% less", -r.Percent())
}

func (t *writer) events(c *Comparison) {
	if len(c.Events) == 0 {
		return
	}
	t.printf("\nevents per request, %d programs that do the same on both\n", c.Counts[Same]+c.Counts[AtTimes])
	for _, r := range c.Events {
		t.printf("  %-10s A %.3f  B %.3f\n", r.Event, r.A, r.B)
	}
}

// plain makes a line of untrusted text safe for a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return '.'
		}
		return r
	}, s)
}
