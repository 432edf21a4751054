// SPDX-License-Identifier: Apache-2.0

package matrix

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText prints the matrix for a terminal: what needs a reader first.
func WriteText(w io.Writer, m *Matrix) error {
	var b strings.Builder
	for _, n := range m.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for _, u := range m.Unfit {
		fmt.Fprintf(&b, "unfit: %s does not pass on flavour %s without a mutant and kills nothing: %s %s\n", u.Program, u.Flavour, u.Status, firstLine(u.Reason))
	}
	for _, s := range statuses {
		section(&b, string(s), m.part(s, false))
	}
	section(&b, "equivalent", m.part(Survived, true))
	if d := m.Defects(); len(d) > 0 {
		fmt.Fprintln(&b)
		for _, line := range d {
			fmt.Fprintln(&b, line)
		}
	}
	if n := m.Need(); n != nil {
		needText(&b, m, n)
	}
	if m.Partial {
		fmt.Fprintln(&b, "\nThe run was interrupted: mutants are missing.")
	}
	fmt.Fprintf(&b, "\n%s  series %s, %.0f s\n", m.Score(), m.Series, m.Took)
	_, err := io.WriteString(w, b.String())
	return err
}

// section prints a table of results of one status.
func section(b *strings.Builder, title string, some []*Result) {
	if len(some) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", strings.ToUpper(title))
	table := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	defer table.Flush()
	for _, r := range some {
		switch r.Status {
		case Survived:
			what := r.What
			if r.Equivalent != "" {
				what = firstSentence(r.Equivalent)
			}
			fmt.Fprintf(table, "  %s\t%d programs\t%.1f s\t%s\n", r.Mutant, r.Ran, r.Seconds, what)
		case NotTested:
			fmt.Fprintf(table, "  %s\t%s\n", r.Mutant, firstLine(r.Why))
		case Otherwise:
			fmt.Fprintf(table, "  %s\t%s\t%s\tallowed: %s\n", r.Mutant, r.Others[0].By(), programs(r.Others), r.allows())
		case Killed:
			fmt.Fprintf(table, "  %s\t%s\t%s\t%d run\t%.1f s\t%s\n", r.Mutant, r.Kills[0].By(), programs(r.Kills), r.Ran, r.Seconds, r.remarks())
		}
	}
}

// programs names the first kill's program and counts the others.
func programs(kills []Kill) string {
	if len(kills) == 1 {
		return kills[0].Program
	}
	return fmt.Sprintf("%s and %d more", kills[0].Program, len(kills)-1)
}

// remarks says what is special about a kill.
func (r *Result) remarks() string {
	var parts []string
	if r.Equivalent != "" {
		parts = append(parts, "said to be equivalent")
	}
	if r.Alone {
		parts = append(parts, "own kernel")
	}
	if r.Flavour != "fast" {
		parts = append(parts, r.Flavour)
	}
	if len(r.Others) > 0 {
		parts = append(parts, fmt.Sprintf("before that for another reason: %s by %s", r.Others[0].By(), programs(r.Others)))
	}
	return strings.Join(parts, "; ")
}

func needText(b *strings.Builder, m *Matrix, n *Need) {
	fmt.Fprintf(b, "\n%d of %d programs kill all that are killed, and these mutants need no other: %s\n", len(n.Enough), len(m.Programs), strings.Join(n.Enough, " "))
	if !m.All {
		return
	}
	fmt.Fprintf(b, "%d programs kill none (mutants.json lists them), %d alone kill some:\n", len(n.Idle), len(n.Sole))
	table := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	for _, p := range m.Programs {
		if alone := n.Sole[p]; alone != nil {
			fmt.Fprintf(table, "  %s\t%s\n", p, strings.Join(alone, " "))
		}
	}
	table.Flush()
	if len(n.Open) > 0 {
		fmt.Fprintf(b, "One killer known, others spared after hangs: %s\n", strings.Join(n.Open, " "))
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func firstSentence(s string) string {
	if line, _, ok := strings.Cut(s, ". "); ok {
		return line + "."
	}
	return s
}
