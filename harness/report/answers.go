// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/ringproof/ringproof/harness/answers"
)

// answers answers the reviewers' questions that programs of the run are
// written for. A run that was read back without its events has the answers
// that were found when it was written.
func (r *Run) answers() []answers.Answer {
	if r.Answers != nil {
		return r.Answers
	}
	in := &answers.Input{Profile: r.profile(), Flavour: r.Kernel.Flavour}
	if r.Guest.Info != nil {
		in.Probes = r.Guest.Info.Probes
	}
	for i := range r.Cases {
		in.Runs = append(in.Runs, answers.Run{Program: r.Cases[i].Program, Outcome: r.Cases[i].Outcome})
	}
	return answers.Answers(in)
}

// answersTitle heads the answers in every rendering.
const answersTitle = "What reviewers asked"

func (t *textWriter) answers(r *Run) {
	all := r.answers()
	if len(all) == 0 {
		return
	}
	t.printf("%s, by this run:\n", strings.ToLower(answersTitle[:1])+answersTitle[1:])
	for i := range all {
		t.printf("  %s\n", strings.Join(Wrap(plain(all[i].String()), 110), "\n      "))
	}
	t.printf("\n")
}

func mdAnswers(b *strings.Builder, r *Run) {
	all := r.answers()
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n| | answer | |\n|---|---|---|\n", answersTitle)
	for i := range all {
		a := &all[i]
		fmt.Fprintf(b, "| %s %s | **%s** | %s |\n", a.Rule, standingGlyphs[a.Standing], mdLine(a.Short), mdLine(a.Text))
	}
	b.WriteString("\n<details><summary>The questions, and the figures behind the answers</summary>\n")
	for i := range all {
		a := &all[i]
		fmt.Fprintf(b, "\n**%s** %s\n\n", a.Rule, mdLine(a.Question))
		for _, f := range a.Figures {
			fmt.Fprintf(b, "- %s: %s\n", mdLine(f.Name), figureText(f.Value))
		}
		for _, t := range a.Tables {
			fmt.Fprintf(b, "\n%s:\n\n|", mdLine(t.Title))
			for _, c := range t.Columns {
				fmt.Fprintf(b, " %s |", mdLine(c))
			}
			b.WriteString("\n|" + strings.Repeat("---|", len(t.Columns)) + "\n")
			for _, row := range t.Rows {
				b.WriteString("|")
				for _, c := range row {
					fmt.Fprintf(b, " %s |", mdLine(c))
				}
				b.WriteString("\n")
			}
		}
	}
	b.WriteString("\n</details>\n")
}

// standingGlyphs tell standings apart where colours do not.
var standingGlyphs = map[answers.Standing]string{answers.Good: "✓", answers.Bad: "✗", answers.Note: "i", answers.Open: "?"}

// figureText prints a count without decimals, anything else with two.
func figureText(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprint(int64(v))
	}
	return fmt.Sprintf("%.2f", v)
}

// pageAnswers is what assets/answers.html.tmpl shows.
type pageAnswers struct {
	Title, Series, Flavour string
	Answers                []answers.Answer
}

// pageAnswers returns nil if there is nothing to show.
func (r *Run) pageAnswers() *pageAnswers {
	all := r.answers()
	if len(all) == 0 {
		return nil
	}
	return &pageAnswers{answersTitle, r.Kernel.Series, r.Kernel.Flavour, all}
}
