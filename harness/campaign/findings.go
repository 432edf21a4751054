// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// Bounds on what is looked into of one class of failures. A wrong kernel fails
// thousands of programs in the same way.
const (
	MaxExamples  = 3 // that are kept, each of another shape
	maxInquiries = 8 // into programs of one class, whatever they showed
)

// Finding is what all failures of one class are taken to be.
type Finding struct {
	// Class is what the failures have in common, see report.Classify.
	Class  string       `json:"class"`
	Status judge.Status `json:"status"`
	Why    string       `json:"why"`
	// Confirmed tells that a program showed it again, alone in a fresh guest.
	// What no program did is kept with the first evidence that there was.
	Confirmed bool      `json:"confirmed"`
	Examples  []Example `json:"examples,omitempty"`
	// Seen counts the executions of the campaign that ended in this class.
	Seen int `json:"seen"`
	// Seconds and Executions say when it was first seen.
	Seconds    float64 `json:"seconds"`
	Executions int     `json:"executions"`
	// Suspects are programs that may have caused what was not seen again.
	Suspects []string `json:"suspects,omitempty"`

	inquiries int
	busy      bool // an inquiry is under way or waits
}

// Example is a program that shows a finding.
type Example struct {
	Dir  string `json:"dir"` // below the campaign's
	Name string `json:"name"`
	// Failed of Tried runs of the program as found, alone in fresh guests, ended in the class; Small likewise of the minimised one.
	Failed      int `json:"failed"`
	Tried       int `json:"tried"`
	SmallFailed int `json:"minimised_failed"`
	SmallTried  int `json:"minimised_tried"`
	// SQEs is the number in the program as found, SmallSQEs that of the minimised one.
	SQEs      int    `json:"sqes"`
	SmallSQEs int    `json:"minimised_sqes"`
	C         bool   `json:"c"` // it could be written as a C program
	Shape     string `json:"shape"`
	Text      string `json:"program"` // the smallest program, in its text form
}

// Score says how often the example's smallest program showed it.
func (e *Example) Score() string {
	if e.SmallTried > 0 {
		return fmt.Sprintf("%d of %d", e.SmallFailed, e.SmallTried)
	}
	return fmt.Sprintf("%d of %d", e.Failed, e.Tried)
}

// Findings are those of one campaign, each class once. The zero value is
// ready. It is not safe for concurrent use.
type Findings struct {
	list []*Finding
}

// All lists the findings in the order in which they were first seen.
func (f *Findings) All() []*Finding { return f.list }

// Confirmed counts those that were seen again.
func (f *Findings) Confirmed() (n int) {
	for _, x := range f.list {
		if x.Confirmed {
			n++
		}
	}
	return n
}

// Of returns the finding of a class, nil if it was not seen.
func (f *Findings) Of(class string) *Finding {
	for _, x := range f.list {
		if x.Class == class {
			return x
		}
	}
	return nil
}

// Saw notes an execution that ended in a class, and tells whether it is worth
// an inquiry: whether one more example is wanted and none is on its way. The
// caller ends the inquiry that is then due with [Findings.Looked].
func (f *Findings) Saw(class string, status judge.Status, why string, seconds float64, executions int) (inquire bool) {
	x := f.Of(class)
	if x == nil {
		x = &Finding{Class: class, Status: status, Why: why, Seconds: seconds, Executions: executions}
		f.list = append(f.list, x)
	}
	x.Seen++
	if x.busy || len(x.Examples) >= MaxExamples || x.inquiries >= maxInquiries {
		return false
	}
	x.busy = true
	x.inquiries++
	return true
}

// Looked ends an inquiry.
func (f *Findings) Looked(class string) {
	if x := f.Of(class); x != nil {
		x.busy = false
	}
}

// Excuse takes one sighting of a class back that there is another explanation for, unless a program showed it again.
func (f *Findings) Excuse(class string) bool {
	x := f.Of(class)
	if x == nil || x.Confirmed {
		return false
	}
	if x.Seen--; x.Seen <= 0 {
		f.list = slices.DeleteFunc(f.list, func(o *Finding) bool { return o == x })
	}
	return true
}

// Wanted tells whether an example of a class and shape says anything that is not known yet.
func (f *Findings) Wanted(class, shape string) bool {
	x := f.Of(class)
	return x == nil || len(x.Examples) < MaxExamples &&
		!slices.ContainsFunc(x.Examples, func(e Example) bool { return e.Shape == shape })
}

// Show adds an example that was confirmed. The class need not be one that was
// seen before: alone, a program may show another one.
func (f *Findings) Show(class string, status judge.Status, why string, seconds float64, executions int, e Example) *Finding {
	x := f.Of(class)
	if x == nil {
		x = &Finding{Class: class, Status: status, Seconds: seconds, Executions: executions, Seen: 1}
		f.list = append(f.list, x)
	}
	if !x.Confirmed {
		x.Confirmed, x.Why, x.Suspects = true, why, nil
	}
	x.Examples = append(x.Examples, e)
	return x
}

// Shape says in a line what a program is made of, whatever its numbers are:
// findings of one class and one shape are one.
func Shape(p *cases.Program) string {
	var parts []string
	for i := range p.Steps {
		st := &p.Steps[i]
		if st.Kind != cases.StepSubmit {
			if st.Kind != cases.StepWait {
				parts = append(parts, st.Kind.String())
			}
			continue
		}
		var sqes []string
		for k := range st.SQEs {
			word := st.SQEs[k].Op.String()
			if flags := cases.SQEFlagNames(st.SQEs[k].Flags); flags != "" {
				word += " " + flags
			}
			sqes = append(sqes, word)
		}
		parts = append(parts, "("+strings.Join(sqes, ", ")+")")
	}
	return strings.Join(parts, " ")
}
