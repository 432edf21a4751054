// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// TextOptions says what [WriteText] prints.
type TextOptions struct {
	// Show picks cells; nil shows all.
	Show func(Cell) bool
	// Programs lists the names of each cell's programs.
	Programs bool
}

// WriteText prints the table for people: a row per rule and a column per
// path, with the number of programs in each cell; "." is an empty cell that is explained
// below the table, "NONE" one that is not.
func WriteText(w io.Writer, t *Table, list []Explanation, opt TextOptions) error {
	show := opt.Show
	if show == nil {
		show = func(Cell) bool { return true }
	}
	var b strings.Builder
	for _, pr := range t.Profiles {
		writeProfile(&b, t, list, pr, show)
	}
	if opt.Programs {
		for _, c := range t.Cells() {
			if names := t.Programs[c]; show(c) && len(names) > 0 {
				fmt.Fprintf(&b, "%s:\n", c)
				for _, n := range names {
					fmt.Fprintf(&b, "    %s\n", n)
				}
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeProfile(b *strings.Builder, t *Table, list []Explanation, profile string, show func(Cell) bool) {
	header := false
	var notes []string // numbered from 1
	for _, rule := range t.Rules {
		if !Concerns(rule, profile) {
			continue
		}
		row, any := fmt.Sprintf("%-6s", rule), false
		for _, path := range Paths() {
			c := Cell{rule, profile, path}
			text := ""
			if show(c) {
				any = true
				text = cellText(t, list, c, &notes)
			}
			row += fmt.Sprintf(" %*s", width(path), text)
		}
		if !any {
			continue
		}
		if !header {
			header = true
			line := fmt.Sprintf("%-6s", profile)
			for _, path := range Paths() {
				line += fmt.Sprintf(" %*s", width(path), path)
			}
			fmt.Fprintln(b, line)
		}
		fmt.Fprintf(b, "%s  %s\n", row, shorten(cases.RuleText(rule), 60))
	}
	if !header {
		return
	}
	for i, why := range notes {
		fmt.Fprintf(b, "  .%d  %s\n", i+1, why)
	}
	fmt.Fprintln(b)
}

// cellText is the number of programs, or the number of the note that says why there is none.
func cellText(t *Table, list []Explanation, c Cell, notes *[]string) string {
	if n := len(t.Programs[c]); n > 0 {
		return fmt.Sprint(n)
	}
	why := Why(list, c)
	if why == "" {
		return "NONE"
	}
	for i, n := range *notes {
		if n == why {
			return fmt.Sprintf(".%d", i+1)
		}
	}
	*notes = append(*notes, why)
	return fmt.Sprintf(".%d", len(*notes))
}

func width(p Path) int { return max(len(p), 4) }

// shorten cuts text at a word to at most n runes.
func shorten(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	cut := string(r[:n])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return cut + "…"
}
