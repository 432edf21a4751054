// SPDX-License-Identifier: Apache-2.0

package repro

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// BugOf says what shows a failed verdict in userspace. Where that is nothing,
// because only probes, the clock or the content of memory tell, the Bug is not [Bug.Visible].
func BugOf(p *cases.Program, v *judge.Verdict, o *cases.Outcome) *Bug {
	bug := &Bug{Text: v.Reason, Hang: v.Status == judge.Hang && !ended(o), Crash: v.Status == judge.Crash}
	bug.Stays = v.Status == judge.Hang && v.Userspace == nil && ended(o) && slices.Contains(o.RingsGone, false)
	if len(v.Violations) == 0 {
		return bug
	}
	if v.Userspace == nil && ended(o) && !endsItself(p) {
		bug.Workers = v.Workers
	}
	first := &v.Violations[0]
	if v.Userspace != nil {
		first = &v.Userspace.Violation
		bug.Steps = v.Userspace.Steps
	}
	bug.Rule, bug.Text = first.Rule, first.Text
	if v.Userspace == nil || o == nil {
		return bug
	}
	bug.SQEs = slices.Clone(first.SQEs)
	for _, k := range first.CQEs {
		if i, ok := p.IndexOf(o.CQEs[k].UserData); ok {
			bug.SQEs = append(bug.SQEs, i)
		}
	}
	slices.Sort(bug.SQEs)
	bug.SQEs = slices.Compact(bug.SQEs)
	bug.Beside = beside(p, bug.SQEs)
	for _, c := range o.CQEs {
		switch i, ok := p.IndexOf(c.UserData); {
		case !ok:
		case slices.Contains(bug.SQEs, i):
			bug.CQEs = append(bug.CQEs, c)
		case slices.Contains(bug.Beside, i):
			bug.Others = append(bug.Others, c)
		}
	}
	return bug
}

// ended tells whether the process came to its end: what hangs then is a ring.
func ended(o *cases.Outcome) bool {
	return o != nil && slices.Contains([]cases.End{cases.EndDone, cases.EndExited, cases.EndKilled, cases.EndExeced}, o.End)
}

// endsItself tells that the program's last step ends its process, so that nothing comes behind it.
func endsItself(p *cases.Program) bool {
	return len(p.Steps) > 0 && p.Steps[len(p.Steps)-1].Kind.Ends()
}

// beside returns the other SQEs of the submissions that those in list are of.
func beside(p *cases.Program, list []int) (others []int) {
	all := p.SQEs()
	for i := range all {
		if !slices.Contains(list, i) && slices.ContainsFunc(list, func(k int) bool { return all[k].Step == all[i].Step }) {
			others = append(others, i)
		}
	}
	return others
}
