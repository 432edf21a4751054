// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// Bounds that keep summary.md below the 1 MiB that a GitHub step summary may have.
const (
	mdDetailed = 25      // failing cases told in full
	mdText     = 8 << 10 // bytes of a program or console
)

// writeMarkdown writes the summary for a step summary or a mail.
func writeMarkdown(w io.Writer, r *Run, views []*view) error {
	var b strings.Builder
	counts := r.Counts()
	fmt.Fprintf(&b, "# ringproof: %s\n\n", counts.String())
	fmt.Fprintf(&b, "Series **%s** on %s, flavour %s, under %s.\n", mdLine(r.Kernel.Series), mdLine(r.Kernel.Version),
		mdLine(r.Kernel.Flavour), mdLine(strings.ToUpper(r.Guest.Accel)))
	if r.Partial {
		b.WriteString("\n> **Partial:** this run was interrupted; cases are missing.\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n> **Note:** %s\n", mdLine(n))
	}
	mdFindings(&b, r)
	mdTable(&b, "What needs a reader", views, func(s judge.Status) bool { return s != judge.Pass && s != judge.Skip })
	told := 0
	for _, v := range views {
		if s := v.c.Verdict.Status; s == judge.Pass || s == judge.Skip {
			continue
		}
		if told++; told > mdDetailed {
			continue
		}
		mdCase(&b, r, v)
	}
	if told > mdDetailed {
		fmt.Fprintf(&b, "\n%d more are in report.html.\n", told-mdDetailed)
	}
	mdAnswers(&b, r)
	mdFold(&b, "Skipped", counts.Skip, views, judge.Skip)
	mdFold(&b, "Passed", counts.Pass, views, judge.Pass)
	b.WriteString("\n<details><summary>What was tested</summary>\n\n| | |\n|---|---|\n")
	for _, f := range r.facts() {
		fmt.Fprintf(&b, "| %s | %s |\n", mdLine(f.Name), mdLine(f.Value))
	}
	for _, p := range r.Kernel.Patches {
		fmt.Fprintf(&b, "| patch %s | %s |\n", shortHash(p.SHA256), mdLine(strings.TrimSuffix(p.title()+"; "+p.By(), "; ")))
	}
	b.WriteString("\n</details>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func mdFindings(b *strings.Builder, r *Run) {
	found := r.Findings()
	if len(found) == 0 {
		return
	}
	b.WriteString("\n## Findings\n\n| status | what failed | how often | in | first evidence |\n|---|---|---|---|---|\n")
	for i := range found {
		f := &found[i]
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", f.Status, mdLine(f.What()), f.Score(), mdLine(f.programList()), mdLine(f.Why))
	}
}

func mdTable(b *strings.Builder, title string, views []*view, want func(judge.Status) bool) {
	head := false
	for _, s := range statuses {
		for _, v := range views {
			if v.c.Verdict.Status != s || !want(s) {
				continue
			}
			if !head {
				fmt.Fprintf(b, "\n## %s\n\n| status | case | rules | why |\n|---|---|---|---|\n", title)
				head = true
			}
			reason := v.c.Verdict.Reason
			if reason == "" && len(v.c.Verdict.Violations) > 0 {
				reason = v.c.Verdict.Violations[0].Text
			}
			if text := v.c.TriesText(); text != "" {
				reason += " (" + text + ")"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", s, mdLine(v.c.Name), strings.Join(v.c.Verdict.Rules(), " "), mdLine(reason))
		}
	}
}

func mdCase(b *strings.Builder, r *Run, v *view) {
	c := v.c
	fmt.Fprintf(b, "\n<details><summary><b>%s</b> %s</summary>\n\n", c.Verdict.Status, mdLine(c.Name))
	for i := range c.Verdict.Violations {
		x := &c.Verdict.Violations[i]
		fmt.Fprintf(b, "- **%s** %s  \n  <sub>%s</sub>\n", mdLine(x.Rule), mdLine(x.Text), mdLine(cases.RuleText(x.Rule)))
	}
	if text := c.TriesText(); text != "" {
		fmt.Fprintf(b, "- %s\n", mdLine(text))
	}
	if text := c.noiseText(); text != "" && isFailed(c.Verdict.Status) {
		fmt.Fprintf(b, "- %s\n", mdLine(text))
	}
	mdCrashes(b, c)
	mdStuck(b, v)
	b.WriteString("\n" + mdFence(c.Text))
	if again := r.again(c, v.dir); again != "" && isFailed(c.Verdict.Status) {
		b.WriteString("\n" + mdFence(again))
	}
	if c.Outcome != nil && c.Verdict.Status == judge.Crash && len(c.Crashes) == 0 {
		b.WriteString("\n" + mdFence(strings.Join(c.Outcome.Console, "\n")))
	}
	b.WriteString("\n</details>\n")
}

func mdFold(b *strings.Builder, title string, n int, views []*view, s judge.Status) {
	if n == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>%s: %d</summary>\n\n", title, n)
	for _, v := range views {
		if v.c.Verdict.Status != s {
			continue
		}
		fmt.Fprintf(b, "- %s", mdLine(v.c.Name))
		if v.c.Verdict.Reason != "" {
			fmt.Fprintf(b, ": %s", mdLine(v.c.Verdict.Reason))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n</details>\n")
}

// mdEscaper disarms what Markdown, its tables and its inline HTML would read.
var mdEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "`", "\\`",
	"*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, `\`, `\\`, "~", `\~`, "#", `\#`, "@", "@\u200b")

// mdLine makes one line of Markdown text of s. A zero-width space keeps "@1"
// from becoming a mention of somebody.
func mdLine(s string) string { return mdEscaper.Replace(oneLine(s)) }

// mdFence puts s into a code block whose fence is longer than any in s.
func mdFence(s string) string {
	if len(s) > mdText {
		s = s[:mdText] + "\n... (the rest is in the case's directory)"
	}
	longest, run := 2, 0
	for _, c := range s {
		if run++; c != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	return fence + "text\n" + strings.TrimRight(strings.ToValidUTF8(s, "?"), "\n") + "\n" + fence + "\n"
}
