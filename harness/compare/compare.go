// SPDX-License-Identifier: Apache-2.0

// Package compare holds the runs of the same programs on two kernels against
// each other. Each program is judged by its own kernel's profile. Where it passed on both, the
// outcome of one is judged by the other's profile as well: the rule that it breaks there is why
// the two differ.
package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/families"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// Side is one of the two kernels, with all that was run on it.
type Side struct {
	// Name is what the user called it: a series, or a run's directory.
	Name    string
	Profile *cases.Profile
	// Runs are of one kernel. The first has all programs, the others some of them once more.
	Runs []*report.Run
	// Dir is the first run's report, relative to the comparison's directory or absolute; "" for none.
	Dir string

	judged map[*report.Case]breaches // by the other side's profile
}

// Kind says how a program fared on B against A.
type Kind string

// The kinds are listed in the order in which they are shown.
const (
	Unexplained  Kind = "unexplained"  // passes on both, what happens differs, and no rule says why
	Broken       Kind = "broken"       // fails on B, and did not on A, or fails in another way
	Fixed        Kind = "fixed"        // failed on A, passes on B
	Changed      Kind = "changed"      // passes on both, and what happens differs as the profiles do
	Failing      Kind = "failing"      // fails on both in the same way
	NewlySkipped Kind = "skipped"      // B lacks what it needs, A does not
	NewlyRun     Kind = "newly run"    // A lacks what it needs, B does not, and it passes there
	Undecided    Kind = "undecided"    // on one of them nothing can be said
	OneOnly      Kind = "one only"     // it is in one of the runs only
	AtTimes      Kind = "at times"     // passes on both; a difference was seen in some rounds only
	Same         Kind = "same"         // passes on both, no difference
	SkippedBoth  Kind = "skipped both" // neither has what it needs
)

// Kinds returns all kinds in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{Unexplained, Broken, Fixed, Changed, Failing, NewlySkipped, NewlyRun, Undecided, OneOnly, AtTimes, Same, SkippedBoth}
}

// Comparison is what two sides come to: compare.json is this structure.
type Comparison struct {
	Schema  int         `json:"schema"`
	Tool    report.Tool `json:"tool"`
	Command []string    `json:"command"`
	A       Summary     `json:"a"`
	B       Summary     `json:"b"`
	// Counts is the number of programs of each kind.
	Counts   map[Kind]int `json:"counts"`
	Exit     int          `json:"exit_status"`
	Programs []Program    `json:"programs"`
	// Rules are the choices in which the two profiles differ, with the programs that
	// differ by each.
	Rules []RuleRow `json:"rules"`
	// Families compare the time in the guest, where programs ran often enough.
	Families []FamilyRow `json:"families,omitempty"`
	// Events compare what the probes saw per request, over the programs that do the same on both.
	Events []EventRow `json:"events,omitempty"`
	Notes  []string   `json:"notes,omitempty"`
}

// Summary is one side's run without its cases.
type Summary struct {
	Name    string        `json:"name"`
	Profile string        `json:"profile"`
	Kernel  report.Kernel `json:"kernel"`
	Guest   report.Guest  `json:"guest"`
	Counts  report.Counts `json:"counts"`
	Rounds  int           `json:"rounds"` // that any program ran
	Dir     string        `json:"dir,omitempty"`
	Partial bool          `json:"partial,omitempty"`
	// Again runs one program on this kernel again, but for its name.
	Again []string `json:"again,omitempty"`
}

// Program is one program on both sides.
type Program struct {
	Name   string `json:"name"`
	Family string `json:"family"`
	Kind   Kind   `json:"kind"`
	A      Seen   `json:"a"`
	B      Seen   `json:"b"`
	// Reasons are the choices of the profiles by which it differs.
	Reasons []Reason `json:"reasons,omitempty"`
	// Differences are what an application sees differ, each time or at times.
	Differences []Difference `json:"differences,omitempty"`
	Text        string       `json:"text"`
}

// Seen is what one side's rounds say of a program.
type Seen struct {
	// Status is the worst of all rounds that said anything; "" where it was not run.
	Status judge.Status `json:"status,omitempty"`
	Class  string       `json:"class,omitempty"` // of what failed, see report.Classify
	Rules  []string     `json:"rules,omitempty"` // that are broken
	Why    string       `json:"why,omitempty"`
	Rounds int          `json:"rounds"`           // that said anything
	Failed int          `json:"failed,omitempty"` // of the rounds

	first  *report.Case   // the evidence of Status
	all    []*report.Case // by round
	probes []string
}

// failed tells whether the side's kernel is at fault.
func (s *Seen) failed() bool { return failed(s.Status) }

func failed(s judge.Status) bool { return s == judge.Fail || s == judge.Crash || s == judge.Hang }

// silent tells verdicts that say nothing of the kernel.
func silent(s judge.Status) bool { return s == judge.Inconclusive || s == judge.Infra }

// severity orders statuses, the worst last. What says nothing counts only where no other round says anything.
var severity = []judge.Status{judge.Inconclusive, judge.Infra, judge.Skip, judge.Pass, judge.Fail, judge.Hang, judge.Crash}

// Compare holds b against a.
func Compare(a, b *Side) *Comparison {
	c := &Comparison{Schema: report.Schema, A: a.summary(), B: b.summary(), Counts: map[Kind]int{}}
	inA, names := a.seen()
	inB, more := b.seen()
	for _, key := range more {
		if inA[key] == nil {
			names = append(names, key)
		}
	}
	x := newExplanation(a, b)
	for _, key := range names {
		c.Programs = append(c.Programs, newProgram(inA[key], inB[key]))
	}
	x.judgeAll(c.Programs)
	for i := range c.Programs {
		if c.Programs[i].Kind == Same {
			x.explain(&c.Programs[i])
		}
	}
	slices.SortStableFunc(c.Programs, func(p, q Program) int {
		return slices.Index(Kinds(), p.Kind) - slices.Index(Kinds(), q.Kind)
	})
	for i := range c.Programs {
		c.Counts[c.Programs[i].Kind]++
	}
	c.Rules = x.rows(c.Programs)
	c.Families = familyRows(c.Programs)
	c.Events = eventRows(c.Programs)
	c.Exit = c.status()
	if c.Counts[Unexplained] > 0 && len(a.Runs) == 1 && len(b.Runs) == 1 {
		c.Notes = append(c.Notes, "each program ran once on each side: what differs without a rule may be chance")
	}
	return c
}

// status is the exit status of a command that made c.
func (c *Comparison) status() int {
	infra := func(p *Program) bool { return p.A.Status == judge.Infra || p.B.Status == judge.Infra }
	switch {
	case c.Counts[Broken] > 0:
		return report.ExitFailed
	case slices.ContainsFunc(c.Of(Undecided), infra):
		return report.ExitInfra
	case c.Counts[Undecided] > 0 || c.A.Partial || c.B.Partial:
		return report.ExitInconclusive
	}
	return report.ExitPassed
}

func (s *Side) summary() Summary {
	run := s.Runs[0]
	guest := run.Guest
	guest.Info = nil // it is in the run's results.json
	return Summary{
		Name: s.Name, Profile: s.Profile.Name, Kernel: run.Kernel, Guest: guest, Counts: run.Counts(),
		Rounds: len(s.Runs), Dir: s.Dir, Partial: run.Partial, Again: run.Again,
	}
}

// key tells programs apart: those of the same name and different text are two.
func key(c *report.Case) string { return c.Name + "\x00" + c.Text }

// seen gathers each program's rounds, and their keys in the order of the first run.
func (s *Side) seen() (byKey map[string]*Seen, order []string) {
	byKey = map[string]*Seen{}
	for _, run := range s.Runs {
		for i := range run.Cases {
			c := &run.Cases[i]
			k := key(c)
			if byKey[k] == nil {
				byKey[k] = &Seen{}
				order = append(order, k)
			}
			byKey[k].add(c, run, s.Profile)
		}
	}
	return byKey, order
}

func (s *Seen) add(c *report.Case, run *report.Run, profile *cases.Profile) {
	if run.Guest.Info != nil {
		s.probes = run.Guest.Info.Probes
	}
	st := c.Verdict.Status
	if !silent(st) {
		s.all = append(s.all, c)
		s.Rounds++
	}
	if failed(st) {
		s.Failed++
	}
	if s.first != nil && slices.Index(severity, st) <= slices.Index(severity, s.Status) {
		return
	}
	s.first, s.Status, s.Class, s.Rules, s.Why = c, st, report.Classify(c, profile), c.Verdict.Rules(), c.Verdict.Reason
	if s.Why == "" && len(c.Verdict.Violations) > 0 {
		s.Why = c.Verdict.Violations[0].Text
	}
}

// newProgram tells how a program fared by the verdicts; a or b may be nil, where it was not run.
func newProgram(a, b *Seen) Program {
	var p Program
	some := a
	if a != nil {
		p.A = *a
	}
	if b != nil {
		p.B, some = *b, b
	}
	p.Name = some.first.Name
	p.Family = familyOf(some.first.Program)
	p.Kind = kindOf(a, b)
	p.Text = some.first.Text
	return p
}

// kindOf decides by verdicts; what passed on both is Same until it is looked at.
func kindOf(a, b *Seen) Kind {
	switch {
	case (a == nil || b == nil) && booted(a, b):
		return Broken // B's kernel complained, or did not come up
	case a == nil || b == nil:
		return OneOnly
	case b.failed() && a.failed():
		if a.Class == b.Class {
			return Failing
		}
		return Broken
	case b.failed() && (a.Status == judge.Pass || a.Status == judge.Skip):
		return Broken
	case a.failed() && b.Status == judge.Pass:
		return Fixed
	case silent(a.Status) || silent(b.Status):
		return Undecided
	case a.Status == judge.Skip && b.Status == judge.Skip:
		return SkippedBoth
	case b.Status == judge.Skip:
		return NewlySkipped
	case a.Status == judge.Skip:
		return NewlyRun
	}
	return Same
}

// booted tells whether what was seen of B only is no program but its boot, which is in a run only if it
// failed.
func booted(a, b *Seen) bool { return a == nil && b.first.Text == "" && b.failed() }

// familyOf names a program's family: for one written by hand the first word of its name.
func familyOf(p *cases.Program) string {
	if p == nil {
		return ""
	}
	if f := families.FamilyOf(p); f != "" {
		return f
	}
	first, _, _ := strings.Cut(p.Name, "-")
	return first
}

// Candidates returns the names of the programs that passed on both and about which more rounds may say
// more: those that differ.
func (c *Comparison) Candidates() []string {
	var names []string
	for i := range c.Programs {
		if p := &c.Programs[i]; p.Kind == Unexplained || p.Kind == Changed || p.Kind == AtTimes {
			names = append(names, p.Name)
		}
	}
	return names
}

// Of returns the programs of a kind.
func (c *Comparison) Of(k Kind) []*Program {
	var list []*Program
	for i := range c.Programs {
		if c.Programs[i].Kind == k {
			list = append(list, &c.Programs[i])
		}
	}
	return list
}

// String is the line that a comparison ends with.
func (c *Comparison) String() string {
	var parts []string
	for _, k := range Kinds() {
		n := c.Counts[k]
		if n > 0 || k == Broken || k == Fixed || k == Unexplained {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	return strings.Join(parts, ", ")
}
