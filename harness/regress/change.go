// SPDX-License-Identifier: Apache-2.0

package regress

import (
	"fmt"
	"slices"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// Change is what has become of a finding.
type Change string

const (
	Fixed      Change = "fixed"       // it showed, and does not any more
	StillThere Change = "still there" // it showed, and does
	BackAgain  Change = "back again"  // it was gone, and shows
	StaysFixed Change = "stays fixed" // it was gone, and is
	// Otherwise: the program fails, but not as it did.
	Otherwise Change = "fails otherwise"
	// Unknown: the run says nothing of it.
	Unknown Change = "not known"
)

// Result is a finding on one kernel.
type Result struct {
	*Finding
	Change Change
	Why    string // what the verdict was, where Change does not say it
	Sight  Sight  // what would be recorded; of no meaning for Otherwise and Unknown
}

// Compare holds a run against findings whose programs were in it. A finding shows if any
// of its program's tries failed in its class. date is YYYY-MM-DD.
func Compare(all []*Finding, run *report.Run, date string) []Result {
	results := make([]Result, len(all))
	for i, f := range all {
		r := &results[i]
		r.Finding, r.Change, r.Why = f, Unknown, "it was not run"
		r.Sight = Sight{Series: run.Kernel.Series, Kernel: run.Kernel.Version, Flavour: run.Kernel.Flavour, Date: date}
		for k := range run.Cases {
			if c := &run.Cases[k]; c.Program == f.Program {
				r.judge(c)
			}
		}
	}
	return results
}

func (r *Result) judge(c *report.Case) {
	shows := slices.ContainsFunc(c.Tries, func(t report.Try) bool { return t.Class == r.Class })
	failed := slices.IndexFunc(c.Tries, func(t report.Try) bool { return t.Failed() })
	before := r.before(r.Sight.Series)
	r.Why = ""
	r.Sight.Shows = shows
	switch {
	case shows && before:
		r.Change = StillThere
	case shows:
		r.Change = BackAgain
	case failed >= 0:
		r.Change, r.Why = Otherwise, c.Tries[failed].Class
	case c.Verdict.Status != judge.Pass:
		r.Change, r.Why = Unknown, fmt.Sprintf("%s: %s", c.Verdict.Status, c.Verdict.Reason)
	case before:
		r.Change = Fixed
	default:
		r.Change = StaysFixed
	}
	if n, of := c.Score(); shows && n < of {
		r.Why = fmt.Sprintf("%d of %d tries", n, of)
	}
}

// last is what was seen last on a series; where it was never tested, on any. nil without a record.
func (f *Finding) last(series string) *Sight {
	for i := len(f.Seen) - 1; i >= 0; i-- {
		if f.Seen[i].Series == series {
			return &f.Seen[i]
		}
	}
	if len(f.Seen) == 0 {
		return nil
	}
	return &f.Seen[len(f.Seen)-1]
}

// before tells whether the finding showed when it was last seen. One without a
// record did: that is why it is there.
func (f *Finding) before(series string) bool {
	s := f.last(series)
	return s == nil || s.Shows
}

// Note records a result in its finding, and tells whether that says anything
// new: a series that was not tested yet, or one on which it is not as it was.
func (r *Result) Note() bool {
	if r.Change == Unknown || r.Change == Otherwise {
		return false
	}
	if s := r.last(r.Sight.Series); s != nil && s.Series == r.Sight.Series && s.Shows == r.Sight.Shows {
		return false
	}
	r.Seen = append(r.Seen, r.Sight)
	return true
}
