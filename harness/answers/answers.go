// SPDX-License-Identifier: Apache-2.0

// Package answers answers what reviewers of the feature asked (rules C1 to
// C8) from the outcomes of a run: a sentence per question, the figures behind
// it, and the programs they come from. It judges nothing: what a revision
// promises and breaks is the judge's to say.
package answers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// Standing says what an answer means for the revision.
type Standing string

const (
	Good Standing = "good" // what a reviewer would like to hear
	Bad  Standing = "bad"  // what a reviewer was afraid of was seen
	Note Standing = "note" // an answer that is neither
	Open Standing = "open" // the run cannot say
)

// Answer is the answer to one question.
type Answer struct {
	Rule     string   `json:"rule"` // C1 to C8
	Question string   `json:"question"`
	Standing Standing `json:"standing"`
	// Short is one or two words: "yes", "no", "cannot say", "rejected".
	Short string `json:"short"`
	// Text is the sentence, without the rule and Short.
	Text    string   `json:"text"`
	Figures []Figure `json:"figures,omitempty"`
	Tables  []Table  `json:"tables,omitempty"`
	// Programs name those that the figures come from, Offenders those that
	// show what a reviewer was afraid of.
	Programs  []string `json:"programs,omitempty"`
	Offenders []string `json:"offenders,omitempty"`
}

// String is the answer in one line: "C2: no. 24 of 24 members ...".
func (a *Answer) String() string { return a.Rule + ": " + a.Short + ". " + a.Text }

// Figure is one number behind an answer.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Table holds figures by row, where one number does not tell.
type Table struct {
	Title   string     `json:"title"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// Run is one program of a run with what became of it.
type Run struct {
	Program *cases.Program
	// Outcome is nil where the program did not run.
	Outcome *cases.Outcome
}

// Input is a run, as far as the answers need it.
type Input struct {
	Profile *cases.Profile
	// Flavour is the kernel's; the answer to C1 depends on it.
	Flavour string
	// Probes are the names of the attached probes, "kind=attach point".
	Probes []string
	Runs   []Run
}

// Answers answers the questions that programs of the run name in their rules,
// in the questions' order; none for a profile without groups. Figures come
// from all programs of the run whose evidence has no holes.
func Answers(in *Input) []Answer {
	if in.Profile == nil || !in.Profile.Groups {
		return nil
	}
	asked := map[string]bool{}
	for _, r := range in.Runs {
		if r.Program == nil {
			continue
		}
		for _, rule := range r.Program.Rules {
			asked[rule] = true
		}
	}
	var all []Answer
	var s *survey
	for _, q := range []struct {
		rule   string
		answer func(*survey, *Answer)
	}{
		{"C1", (*survey).c1}, {"C2", (*survey).c2}, {"C3", (*survey).c3}, {"C4", (*survey).c4},
		{"C5", (*survey).c5}, {"C6", (*survey).c6}, {"C7", (*survey).c7}, {"C8", (*survey).c8},
	} {
		if !asked[q.rule] {
			continue
		}
		if s == nil {
			s = look(in)
		}
		a := Answer{Rule: q.rule, Question: cases.RuleText(q.rule)}
		q.answer(s, &a)
		slices.Sort(a.Programs)
		a.Programs = slices.Compact(a.Programs)
		slices.Sort(a.Offenders)
		a.Offenders = slices.Compact(a.Offenders)
		all = append(all, a)
	}
	return all
}

// say sets the answer.
func (a *Answer) say(s Standing, short, format string, args ...any) {
	a.Standing, a.Short, a.Text = s, short, fmt.Sprintf(format, args...)
}

// unseen is the answer to a question that no program of the run bears on.
func (a *Answer) unseen(format string, args ...any) {
	a.say(Open, "cannot say", "Not seen: "+format+".", args...)
}

func (a *Answer) figure(name string, value float64) {
	a.Figures = append(a.Figures, Figure{name, value})
}

// count is a number behind an answer, with the programs that add to it.
type count struct {
	n     int
	names []string
}

func (c *count) add(name string) {
	c.n++
	if !slices.Contains(c.names, name) {
		c.names = append(c.names, name)
	}
}

// where says in which programs it was seen: " (a, b)", a few of them.
func (c *count) where() string {
	const most = 3
	names := slices.Sorted(slices.Values(c.names))
	if len(names) == 0 {
		return ""
	}
	if rest := len(names) - most; rest > 0 {
		names = append(names[:most:most], fmt.Sprintf("%d more", rest))
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// of says "3 of 4 things"; "the one thing" where there is but one of it.
func of(n, all int, things string) string { return fmt.Sprintf("%d of %d %s", n, all, things) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
