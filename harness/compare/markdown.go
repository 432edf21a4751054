// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"io"
	"strings"
)

// markdownPrograms bounds how many programs of a kind the summary lists.
const markdownPrograms = 50

// writeMarkdown writes the summary for a step summary.
func (c *Comparison) writeMarkdown(w io.Writer) error {
	t := &writer{w: w}
	t.printf("# ringproof compare: %s\n\n- **A** %s\n- **B** %s\n", c.String(), cell(c.A.line()), cell(c.B.line()))
	if c.A.Partial || c.B.Partial {
		t.printf("\n> **Partial:** this comparison was interrupted; programs or rounds are missing.\n")
	}
	for _, n := range c.Notes {
		t.printf("\n> **Note:** %s\n", cell(n))
	}
	for _, k := range shownKinds {
		list := c.Of(k)
		if len(list) == 0 {
			continue
		}
		t.printf("\n## %s: %d\n\n| program | A | B | what differs |\n|---|---|---|---|\n", heads[k], len(list))
		for i, p := range list {
			if i == markdownPrograms {
				t.printf("\n%d more are in %s.\n", len(list)-i, HTMLFile)
				break
			}
			t.printf("| %s | %s | %s | %s |\n", cell(p.Name), p.A.Status, p.B.Status, cell(strings.Join(p.lines(), "; ")))
		}
	}
	if len(c.Rules) > 0 {
		t.printf("\n## Changed as the profiles differ: %d\n\n| rules | about | programs | by nothing else | such as |\n|---|---|---:|---:|---|\n", c.Counts[Changed])
		for i := range c.Rules {
			r := &c.Rules[i]
			t.printf("| %s | %s | %d | %d | %s |\n", r.Title(), cell(r.What), len(r.Programs), r.Alone, cell(listOf(r.Programs, 3)))
		}
	}
	if len(c.Families) > 0 {
		t.printf("\n## Time in the guest\n\n| family | programs | A | B | shown |\n|---|---:|---|---|---|\n")
		for i := range c.Families {
			r := &c.Families[i]
			t.printf("| %s | %d | %s | %s | %s |\n", cell(r.Family), r.Programs, r.A, r.B, r.Verdict())
		}
	}
	if len(c.Events) > 0 {
		t.printf("\n## Events per request\n\n| event | A | B |\n|---|---:|---:|\n")
		for _, r := range c.Events {
			t.printf("| %s | %.3f | %.3f |\n", r.Event, r.A, r.B)
		}
	}
	return t.err
}

var cellEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "@", "@\u200b", "\n", " ")

// cell makes one line of a Markdown table of s; a zero-width space keeps "@1" from becoming a mention.
func cell(s string) string { return cellEscaper.Replace(plain(s)) }
