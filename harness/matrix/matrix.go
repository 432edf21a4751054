// SPDX-License-Identifier: Apache-2.0

// Package matrix is the kill matrix: which deliberate mistakes in a series
// were found, by which programs and for which reason. It knows no kernel and no
// guest: it counts, says what is wrong with the outcome, and renders it.
package matrix

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// Schema is the version of mutants.json. It changes when a reader of the old
// one would misread the new one.
const Schema = 1

// Matrix is what came of all mutants of one series; mutants.json is this structure.
type Matrix struct {
	Schema  int         `json:"schema"`
	Tool    report.Tool `json:"tool"`
	Started time.Time   `json:"started"`
	Took    float64     `json:"took_seconds"`
	Command []string    `json:"command"`
	Series  string      `json:"series"`
	Profile string      `json:"profile"`
	Accel   string      `json:"accel,omitempty"` // kvm or tcg; "" if no guest was needed
	Guests  int         `json:"guests"`          // that ran at the same time
	Kernels []Kernel    `json:"kernels,omitempty"`
	// Programs are those that were to kill, in the catalogue's order, but for
	// those that the kernel cannot run.
	Programs []string `json:"programs"`
	// Unfit are programs that did not pass on a kernel that makes no mistake.
	// What they say of one that does counts for nothing.
	Unfit []Unfit `json:"unfit,omitempty"`
	// All tells that every program met every mutant, not only until the first kill.
	All     bool     `json:"all"`
	Results []Result `json:"results"`
	// Partial is set when the run was interrupted: mutants may be missing.
	Partial bool     `json:"partial,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Kernel is one image that mutants ran on.
type Kernel struct {
	report.Kernel
	Mutants []string `json:"mutants"` // by number, from 1
}

// Unfit is a program that does not pass where it should.
type Unfit struct {
	Program string       `json:"program"`
	Flavour string       `json:"flavour"`
	Status  judge.Status `json:"status"`
	Reason  string       `json:"reason"`
}

// Status says what came of one mutant.
type Status string

// The statuses of a mutant, in the order in which they are shown; survivors that
// are proved equivalent come last.
const (
	Survived  Status = "survived"
	Otherwise Status = "other reason" // killed, but only for reasons that its header does not allow
	NotTested Status = "not tested"   // our side broke, or the mutant does not apply: says nothing of the programs
	Killed    Status = "killed"
)

var statuses = []Status{Survived, Otherwise, NotTested, Killed}

// Result is what came of one mutant.
type Result struct {
	Mutant  string   `json:"mutant"`
	What    string   `json:"what"`
	Rules   []string `json:"rules,omitempty"`
	Crash   []string `json:"crash,omitempty"` // regular expressions on titles
	Flavour string   `json:"flavour"`
	// Alone tells that it needs a kernel of its own.
	Alone bool `json:"alone,omitempty"`
	// Equivalent is the proof that the change cannot be told from the original; "" without one.
	Equivalent string `json:"equivalent,omitempty"`
	Status     Status `json:"status"`
	Why        string `json:"why,omitempty"` // of NotTested
	// Kills are for allowed reasons, the first one first; Others are not.
	Kills  []Kill `json:"kills,omitempty"`
	Others []Kill `json:"others,omitempty"`
	// Ran counts the programs that met the mutant, Promised those that the
	// model says would show one of its rules broken.
	Ran      int `json:"ran"`
	Promised int `json:"promised"`
	// Spared are programs that were left out after too many that hung.
	Spared []string `json:"spared,omitempty"`
	// Seconds is the time to the first kill, the guest's start included, or to the end.
	Seconds float64 `json:"seconds"`
	// Took is the time that the mutant took in all, the proof of its kill included.
	Took float64 `json:"took_seconds"`
}

// Kill is a program that told the mutant from the original.
type Kill struct {
	Program string       `json:"program"`
	Status  judge.Status `json:"status"`          // FAIL, CRASH or HANG
	Rules   []string     `json:"rules,omitempty"` // all that were broken
	Crash   string       `json:"crash,omitempty"` // title
	Reason  string       `json:"reason"`
	// Shown of Of guests showed it, and as many without the mistake passed. Of
	// is 0 where it was not tried again.
	Shown int `json:"shown,omitempty"`
	Of    int `json:"of,omitempty"`
}

// Rare tells that the kill did not show each time.
func (k *Kill) Rare() bool { return k.Shown < k.Of }

// By says in a few words what gave the mutant away.
func (k *Kill) By() string {
	s := string(k.Status)
	switch {
	case k.Crash != "":
		s += " " + k.Crash
	case len(k.Rules) > 0:
		s += " " + strings.Join(k.Rules, " ")
	}
	if k.Rare() {
		s += fmt.Sprintf(" (%d of %d)", k.Shown, k.Of)
	}
	return s
}

// Count returns the number of results with the status, but for survivors that
// are proved equivalent.
func (m *Matrix) Count(s Status) int { return len(m.part(s, false)) }

// part returns the results that a reader finds in one place: those of a status,
// proved equivalent or not.
func (m *Matrix) part(s Status, proved bool) (some []*Result) {
	for i := range m.Results {
		if r := &m.Results[i]; r.Status == s && r.proved() == proved {
			some = append(some, r)
		}
	}
	return some
}

// proved tells that the mutant is equivalent, and nothing spoke against it.
func (r *Result) proved() bool { return r.Equivalent != "" && r.Status == Survived }

// Proved counts the mutants that are proved equivalent and survived.
func (m *Matrix) Proved() int { return len(m.part(Survived, true)) }

// Score is the line that every run ends with.
func (m *Matrix) Score() string {
	s := fmt.Sprintf("%d mutants: %d killed, %d survived, %d equivalent (proved), %d not tested",
		len(m.Results), m.Count(Killed), m.Count(Survived), m.Proved(), m.Count(NotTested))
	if n := m.Count(Otherwise); n > 0 {
		s += fmt.Sprintf(", %d killed for another reason only", n)
	}
	return s
}

// Defects says what is wrong, a line for each mutant that speaks against the
// programs, or against its own header. Mutants that were not tested are none.
func (m *Matrix) Defects() (lines []string) {
	for i := range m.Results {
		r := &m.Results[i]
		switch {
		case r.Equivalent != "" && (r.Status == Killed || r.Status == Otherwise):
			k := append(slices.Clone(r.Kills), r.Others...)[0]
			lines = append(lines, fmt.Sprintf("%s is said to be equivalent, but %s tells it from the original (%s): its proof is wrong", r.Mutant, k.Program, k.By()))
		case r.Status == Survived && r.Equivalent == "":
			lines = append(lines, fmt.Sprintf("%s survived %d programs: write one that kills it, or prove it equivalent in its header", r.Mutant, r.Ran))
		case r.Status == Otherwise:
			k := r.Others[0]
			lines = append(lines, fmt.Sprintf("%s was killed by %s for another reason only (%s): its header allows %s", r.Mutant, k.Program, k.By(), r.allows()))
		}
	}
	return lines
}

// allows names the reasons for which a kill counts.
func (r *Result) allows() string {
	var parts []string
	if len(r.Rules) > 0 {
		parts = append(parts, strings.Join(r.Rules, " "))
	}
	for _, c := range r.Crash {
		parts = append(parts, "a crash like "+c)
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
