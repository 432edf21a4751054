// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/harness/judge"
)

// Finding is what all failures of one class are taken to be: one mistake of
// the kernel, in one or many programs.
type Finding struct {
	// Class is what the failures have in common, see [Classify].
	Class  string       `json:"class"`
	Status judge.Status `json:"status"`
	// Failed of Tried tries ended in this class: of the programs that were
	// tried again, or, where none was, of all programs in which it was seen.
	Failed int `json:"failed"`
	Tried  int `json:"tried"`
	// Rare is set for one that was seen once only, though its program was tried again.
	Rare bool `json:"rare,omitempty"`
	// Programs name those in which it was seen, those first that it is the verdict of.
	Programs []string `json:"programs"`
	// Why is the first evidence in one line, Dir the directory that holds it.
	Why string `json:"why"`
	Dir string `json:"dir"`
}

// What is the class without the status.
func (f *Finding) What() string { return strings.TrimPrefix(f.Class, string(f.Status)+" ") }

// Score is how often the finding was seen, in words: "5 of 5 tries".
func (f *Finding) Score() string {
	text := fmt.Sprintf("%d of %d tries", f.Failed, f.Tried)
	switch {
	case f.Tried == 1:
		text = "tried once"
	case f.Rare:
		text += ", rare"
	}
	return text
}

// mostPrograms bounds how many programs of a finding a line names.
const mostPrograms = 4

// programList names the finding's first programs.
func (f *Finding) programList() string {
	text := strings.Join(f.Programs[:min(len(f.Programs), mostPrograms)], ", ")
	if more := len(f.Programs) - mostPrograms; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// gathering is a finding in the making.
type gathering struct {
	Finding
	verdicts, others       []string // programs
	retriedFailed, retried int
	seen, failed           int // programs, and tries of any program
}

// Findings returns what the run found, what is worst first, and otherwise in
// the order of the run. A program whose tries failed in different ways is in several.
func (r *Run) Findings() []Finding {
	var order []*gathering
	byClass := map[string]*gathering{}
	dirs := caseDirs(r.Cases)
	for i := range r.Cases {
		c := &r.Cases[i]
		count := map[string]int{}
		for k := range c.Tries {
			t := &c.Tries[k]
			if !t.Failed() {
				continue
			}
			if count[t.Class]++; count[t.Class] > 1 {
				continue
			}
			g := byClass[t.Class]
			if g == nil {
				g = &gathering{Finding: Finding{Class: t.Class, Status: t.Status, Why: t.Why, Dir: c.evidenceOf(t.Class, dirs[i])}}
				byClass[t.Class] = g
				order = append(order, g)
			}
			if t.Class == c.class() {
				g.verdicts = append(g.verdicts, c.Name)
			} else {
				g.others = append(g.others, c.Name)
			}
		}
		for class, n := range count {
			g := byClass[class]
			g.seen++
			g.failed += n
			if all := c.decided(); all > 1 {
				g.retriedFailed += n
				g.retried += all
			}
		}
	}
	out := make([]Finding, len(order))
	for i, g := range order {
		f := g.Finding
		f.Programs = append(g.verdicts, g.others...)
		f.Failed, f.Tried = g.retriedFailed, g.retried
		if f.Tried == 0 {
			f.Failed, f.Tried = g.seen, g.seen
		}
		f.Rare = g.failed == 1 && f.Tried > 1
		out[i] = f
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return slices.Index(statuses, a.Status) - slices.Index(statuses, b.Status)
	})
	return out
}

// decided counts the tries that said anything of the kernel, whatever the seed.
func (c *Case) decided() int {
	n := 0
	for i := range c.Tries {
		if c.Tries[i].decided() {
			n++
		}
	}
	return n
}

// evidenceOf returns the directory of the case's evidence of a class, below the run's.
func (c *Case) evidenceOf(class, dir string) string {
	for k := range c.Also {
		if c.Also[k].class() == class {
			return alsoDir(dir, k)
		}
	}
	return dir
}
