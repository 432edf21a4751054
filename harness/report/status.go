// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/ringproof/ringproof/harness/judge"
)

// Exit statuses of every command, 2 (usage) excepted.
const (
	ExitPassed       = 0
	ExitFailed       = 1 // something failed, crashed or hung
	ExitInfra        = 3 // our side broke; nothing failed
	ExitInconclusive = 4 // the evidence has holes; nothing failed
)

// statuses is the order in which reports show verdicts: what needs a reader first.
var statuses = []judge.Status{judge.Crash, judge.Hang, judge.Fail, judge.Infra, judge.Inconclusive, judge.Skip, judge.Pass}

// Counts says how many cases ended with each status.
type Counts struct {
	Pass         int `json:"pass"`
	Fail         int `json:"fail"`
	Crash        int `json:"crash"`
	Hang         int `json:"hang"`
	Skip         int `json:"skip"`
	Inconclusive int `json:"inconclusive"`
	Infra        int `json:"infra"`
}

func (c *Counts) of(s judge.Status) *int {
	switch s {
	case judge.Pass:
		return &c.Pass
	case judge.Fail:
		return &c.Fail
	case judge.Crash:
		return &c.Crash
	case judge.Hang:
		return &c.Hang
	case judge.Skip:
		return &c.Skip
	case judge.Inconclusive:
		return &c.Inconclusive
	}
	return &c.Infra // a verdict without a known word is our mistake, not a kernel's
}

// Failed is the number of cases that failed, crashed or hung.
func (c *Counts) Failed() int { return c.Fail + c.Crash + c.Hang }

// Total is the number of cases.
func (c *Counts) Total() int { return c.Pass + c.Failed() + c.Skip + c.Inconclusive + c.Infra }

// Add counts o's cases as well.
func (c *Counts) Add(o Counts) {
	for _, s := range statuses {
		*c.of(s) += *o.of(s)
	}
}

// String is the line that every run ends with: "N passed, N failed, N
// skipped", where failed includes crashes and hangs. Cases without a verdict
// on the kernel follow only where there are some.
func (c *Counts) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d passed, %d failed, %d skipped", c.Pass, c.Failed(), c.Skip)
	if c.Inconclusive > 0 {
		fmt.Fprintf(&b, ", %d inconclusive", c.Inconclusive)
	}
	if c.Infra > 0 {
		fmt.Fprintf(&b, ", %d infrastructure", c.Infra)
	}
	return b.String()
}

// Counts counts r's cases by status.
func (r *Run) Counts() Counts {
	var c Counts
	for i := range r.Cases {
		*c.of(r.Cases[i].Verdict.Status)++
	}
	return c
}

// ExitCode is the exit status of a command that made r. Failures come before
// infrastructure, which comes before inconclusive.
func ExitCode(r *Run) int {
	c := r.Counts()
	switch {
	case c.Failed() > 0:
		return ExitFailed
	case c.Infra > 0:
		return ExitInfra
	case c.Inconclusive > 0:
		return ExitInconclusive
	}
	return ExitPassed
}

// isFailed tells whether s says something against the kernel.
func isFailed(s judge.Status) bool {
	return s == judge.Fail || s == judge.Crash || s == judge.Hang
}

// Evidence sums what the probes saw, and what was lost of it, over all tries.
func (r *Run) Evidence() (events, lost, missed uint64) {
	for i := range r.Cases {
		for _, t := range r.Cases[i].Tries {
			events += t.Events
			lost += t.Lost
			missed += t.Missed
		}
	}
	return events, lost, missed
}
