// SPDX-License-Identifier: Apache-2.0

// Package judge turns a Program's Outcome into a Verdict, by the model's
// constraints and the invariants that hold for any Program.
package judge

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
)

// Status is the word of a verdict.
type Status string

const (
	Pass         Status = "PASS"
	Fail         Status = "FAIL"         // a rule was broken
	Crash        Status = "CRASH"        // the kernel complained
	Hang         Status = "HANG"         // a program or ring did not end in bounded time
	Skip         Status = "SKIP"         // the kernel lacks what the program needs
	Inconclusive Status = "INCONCLUSIVE" // the evidence has holes: nothing can be said
	Infra        Status = "INFRA"        // our side broke; never a kernel bug
)

// Verdict is the answer for one run of one Program.
type Verdict struct {
	Status Status
	// Reason is one sentence for SKIP, INCONCLUSIVE, INFRA, CRASH and HANG; for
	// FAIL that of the first violation.
	Reason     string
	Violations []Violation
	// Userspace is what a FAIL shows to who sees nothing but CQEs; nil where they
	// break no rule by themselves, and for every other status.
	Userspace *Userspace
	// Workers is what a FAIL shows in whether the process has io-wq workers.
	Workers Workers
	// Unchecked lists what could not be checked in this run and why. It does
	// not lower a PASS unless the evidence itself has holes (I10).
	Unchecked []Unchecked
	// Checked counts the single checks that were made, by rule.
	Checked map[string]int
}

// Violation is one broken rule with the evidence that breaks it.
type Violation struct {
	Rule string // a rule ID, see cases.RuleText
	Text string // what happened instead, in one sentence
	// SQEs are indices in program order; Events and CQEs are indices into the Outcome.
	SQEs   []int
	Events []int
	CQEs   []int
	// Late: it is about a wait that ran out of time before something came that did come by the end of the program. A machine that is
	// too busy does that as well.
	Late bool
}

// Userspace is the first rule that the CQEs of a run break by themselves,
// without what probes saw, what system calls returned and what memory held.
type Userspace struct {
	Violation
	// Steps says that it takes knowing during which step each CQE was reaped.
	Steps bool
}

// Workers says of a broken I7 or G9 that the process has no io-wq worker, though a right
// kernel makes one for the program, or has some, though none is made.
type Workers string

const (
	NoWorkers   Workers = "none"
	SomeWorkers Workers = "some"
)

// Unchecked is a rule that the evidence could not decide.
type Unchecked struct {
	Rule string
	Why  string
}

// Late tells that nothing is wrong but that something came too late.
func (v *Verdict) Late() bool {
	return v.Status == Fail && !slices.ContainsFunc(v.Violations, func(x Violation) bool { return !x.Late })
}

// Rules returns the IDs of the broken rules, each once, in order of first appearance.
func (v *Verdict) Rules() []string {
	var ids []string
	seen := map[string]bool{}
	for _, x := range v.Violations {
		if !seen[x.Rule] {
			seen[x.Rule] = true
			ids = append(ids, x.Rule)
		}
	}
	return ids
}

// Input is all that the judge needs to know about one run.
type Input struct {
	Program *cases.Program
	Profile *cases.Profile
	Outcome *cases.Outcome
	// GuestLacks says why the guest cannot meet one of the program's needs, "" if it
	// meets them all.
	GuestLacks string
	// Probes are the names of the attached probes (event kinds the evidence can hold).
	Probes []string
}
