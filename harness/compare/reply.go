// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/report"
)

// Bounds on a reply.
const (
	replyTold   = 5 // programs of a kind that are told in full
	replyListed = 12
)

// WriteReply writes the comparison as the text of a mail: what was compared, what B breaks and mends, what changed and by
// which rule, and what was not looked at.
func (c *Comparison) WriteReply(w io.Writer) error {
	m := report.NewMail(w)
	m.Para("", "ringproof ran the same %d programs on A, %s, and B, %s: %s.", len(c.Programs), c.A.Name, c.B.Name, c.String())
	for _, s := range []*Summary{&c.A, &c.B} {
		m.Para("", "%s: %s.", s.Name, s.Counts.String())
		m.Tested(&s.Kernel, &s.Guest)
	}
	if c.A.Partial || c.B.Partial {
		m.Para("", "The comparison was interrupted: programs or rounds are missing.")
	}
	for _, k := range []Kind{Broken, Unexplained, Fixed, Failing, NewlySkipped, Undecided} {
		c.replyKind(m, k)
	}
	c.replyRules(m)
	c.replyTimes(m)
	c.replyLimits(m)
	return m.Err()
}

func (c *Comparison) replyKind(m *report.Mail, k Kind) {
	list := c.Of(k)
	if len(list) == 0 {
		return
	}
	m.Para("", "%s: %d.", upper(heads[k]), len(list))
	for i, p := range list {
		if i == replyTold {
			var names []string
			for _, p := range list[i:] {
				names = append(names, p.Name)
			}
			m.Para("", "Also %s.", listOf(names, replyListed))
			return
		}
		m.Para("  ", "%s", p.Name)
		for _, l := range p.lines() {
			m.Item("    ", "      ", "%s", l)
		}
		for _, rule := range p.B.Rules {
			m.Item("    ", "      ", "Rule %s: %s", rule, cases.RuleText(rule))
		}
		if k == Broken || k == Unexplained {
			m.Program("    ", p.Text)
			if len(c.B.Again) > 0 {
				m.Para("  ", "To run it again on B:")
				m.Source("    ", []string{report.CommandLine(slices.Concat(c.B.Again, []string{"--only", "^" + p.Name + "$"}))})
			}
		}
	}
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (c *Comparison) replyRules(m *report.Mail) {
	if len(c.Rules) == 0 {
		return
	}
	m.Para("", "%d programs pass on both and do different things, as the profiles %s and %s promise:", c.Counts[Changed], c.A.Profile, c.B.Profile)
	m.Gap()
	for i := range c.Rules {
		r := &c.Rules[i]
		m.Item("  - ", "    ", "%s, %s: %s", strings.ReplaceAll(r.Title(), "→", "->"), r.What, r.count())
	}
}

// replyTimes says what was measured, and only what the figures bear.
func (c *Comparison) replyTimes(m *report.Mail) {
	if len(c.Families) == 0 {
		return
	}
	var shown []string
	for i := range c.Families {
		if r := &c.Families[i]; r.Shown() {
			shown = append(shown, fmt.Sprintf("%s: %s, A %s, B %s", r.Family, r.Verdict(), r.A, r.B))
		}
	}
	if len(shown) == 0 {
		m.Para("", "Time in the guest, %d families, %d rounds: no difference shown.", len(c.Families), MeasuredRounds)
		return
	}
	m.Para("", "Time in the guest, %d rounds, median (least to most), with the probes attached. %d of %d families differ; with equal kernels one in 126 does by chance.", MeasuredRounds, len(shown), len(c.Families))
	m.Gap()
	for _, l := range shown {
		m.Item("  - ", "    ", "%s", l)
	}
}

func (c *Comparison) replyLimits(m *report.Mail) {
	m.Para("", "What this does not say:")
	m.Gap()
	item := func(format string, args ...any) { m.Item("  - ", "    ", format, args...) }
	if c.A.Kernel.Flavour == c.B.Kernel.Flavour && c.A.Kernel.Flavour == "fast" {
		item("these kernels had no KASAN, lockdep or KCSAN: memory errors, lock order and data races were not looked for.")
	}
	if n := c.Counts[SkippedBoth]; n > 0 {
		item("%d programs were skipped on both.", n)
	}
	if n := c.Counts[AtTimes]; n > 0 {
		item("%d programs differed in some rounds only, and count as the same.", n)
	}
	item("programs that do the same ran once on each unless their time was measured; those that differ ran %s.", c.roundsText())
	if len(c.Families) == 0 {
		item("no times were compared.")
	}
}

// roundsText says how often what differs ran.
func (c *Comparison) roundsText() string {
	least, most := 0, 0
	for i := range c.Programs {
		if p := &c.Programs[i]; p.Kind == Changed || p.Kind == Unexplained {
			n := min(p.A.Rounds, p.B.Rounds)
			if least == 0 || n < least {
				least = n
			}
			most = max(most, n)
		}
	}
	switch {
	case most == 0:
		return "as often"
	case most == 1:
		return "once as well"
	case least == most:
		return fmt.Sprintf("%d times", most)
	}
	return fmt.Sprintf("%d to %d times", least, most)
}
