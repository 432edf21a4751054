// SPDX-License-Identifier: Apache-2.0

package answers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// paths are the completion paths of C3, in the order of its table. A group
// counts under each path that any of its requests took.
var paths = []string{"inline", "poll", "task work", "io-wq", "overflow", "DEFER_TASKRUN", "SQPOLL", "IOPOLL", "in a chain"}

// c3 counts the orders of CQEs, as the program read them.
func (s *survey) c3(a *Answer) {
	orders := make([]orderCount, len(paths))
	var all orderCount
	s.teams(func(t team) {
		o := t.order()
		if o == unordered {
			return
		}
		a.Programs = append(a.Programs, t.name)
		all.add(o, t.name)
		for i, on := range t.paths() {
			if on {
				orders[i].add(o, t.name)
			}
		}
	})
	if all.n() == 0 {
		a.unseen("no group of the run posted the CQEs of its leader and of a member")
		return
	}
	table := Table{Title: "Order of the CQEs of a group, by completion path", Columns: []string{"path", "groups",
		"members in order, leader last", "members out of order, leader last", "leader not last"}}
	row := func(name string, c *orderCount) {
		table.Rows = append(table.Rows, []string{name, fmt.Sprint(c.n()), fmt.Sprint(c.tidy.n), fmt.Sprint(c.mixed.n), fmt.Sprint(c.broken.n)})
	}
	var seen, unseen []string
	for i, name := range paths {
		if orders[i].n() == 0 {
			unseen = append(unseen, name)
			continue
		}
		seen = append(seen, name)
		row(name, &orders[i])
	}
	row("all", &all)
	a.Tables = append(a.Tables, table)
	a.figure("groups", float64(all.n()))
	a.figure("leader last, members in order", float64(all.tidy.n))
	a.figure("leader last, members out of order", float64(all.mixed.n))
	a.figure("leader not last", float64(all.broken.n))
	a.Offenders = all.broken.names
	members := "Members came in the order of submission in every one, which nothing promises"
	if all.mixed.n > 0 {
		members = fmt.Sprintf("Members came out of the order of submission in %d", all.mixed.n)
	}
	gap := ""
	if len(unseen) > 0 {
		gap = " Not seen: " + strings.Join(unseen, ", ") + "."
	}
	text := fmt.Sprintf("The leader's CQE was the last in %s, in %d of %d completion paths. %s.%s",
		of(all.n()-all.broken.n, all.n(), "groups"), len(seen), len(paths), members, gap)
	if all.broken.n > 0 {
		a.say(Bad, "not to be relied on", "%s", text)
		return
	}
	a.say(Good, "leader last, members in any order", "%s", text)
}

// order is what the CQE queue showed of one group.
type order uint8

const (
	unordered order = iota // fewer than two CQEs, or none of the leader
	tidy                   // members in order of submission, leader last
	mixed                  // members in another order, leader last
	broken                 // leader not last
)

type orderCount struct{ tidy, mixed, broken count }

func (c *orderCount) n() int { return c.tidy.n + c.mixed.n + c.broken.n }

func (c *orderCount) add(o order, name string) {
	switch o {
	case tidy:
		c.tidy.add(name)
	case mixed:
		c.mixed.add(name)
	case broken:
		c.broken.add(name)
	}
}

// order compares the places of the group's CQEs. Those that were skipped, or
// that a program which ended early did not read, say nothing.
func (t *team) order() order {
	place := func(i int) int {
		if c := t.tracks[i].cqes; len(c) > 0 {
			return c[len(c)-1]
		}
		return none
	}
	leader, last, seen, sorted := place(t.Leader), none, 0, true
	if leader == none {
		return unordered
	}
	for _, m := range t.Members {
		p := place(m)
		switch {
		case p == none:
			continue
		case p > leader:
			return broken
		case p < last:
			sorted = false
		}
		last = max(last, p)
		seen++
	}
	switch {
	case seen == 0:
		return unordered
	case sorted:
		return tidy
	}
	return mixed
}

// paths tells for each of paths whether a request of the group took it.
func (t *team) paths() [9]bool {
	var p [9]bool
	for _, i := range t.Requests() {
		tr := &t.tracks[i]
		p[1] = p[1] || tr.armed
		p[2] = p[2] || tr.ran() && !tr.worked && !tr.armed && waits(t.sqe(i).Op) && tr.hops > 0
		p[3] = p[3] || tr.worked
		p[4] = p[4] || tr.overflow
		if tr.ran() && !tr.worked && !tr.armed && !waits(t.sqe(i).Op) {
			p[0] = true
		}
	}
	// An overflow's event names no request's track where the ring's CQ was full before.
	for i, f := range []uring.SetupFlags{uring.SetupDeferTaskrun, uring.SetupSQPoll, uring.SetupIOPoll} {
		p[5+i] = t.program.Rings[t.Ring].Flags&f != 0
	}
	p[8] = t.Chain >= 0
	return p
}

const einval = -model.EINVAL

// c6 looks at groups with LINK, HARDLINK or DRAIN on a member.
func (s *survey) c6(a *Answer) {
	flags := []struct {
		name string
		bit  uring.SQEFlags
	}{{"LINK", uring.IOLink}, {"HARDLINK", uring.IOHardlink}, {"DRAIN", uring.IODrain}}
	rejected, ignored := make([]count, len(flags)), make([]count, len(flags))
	var yes, no, members count
	s.teams(func(t team) {
		var bits uring.SQEFlags
		n := 0
		for _, m := range t.Members {
			f := t.sqe(m).Flags & (uring.IOLink | uring.IOHardlink | uring.IODrain)
			bits |= f
			if f != 0 {
				n++
			}
		}
		l := t.leader()
		if bits == 0 || !l.hasRes || t.unwell() {
			return
		}
		a.Programs = append(a.Programs, t.name)
		list, total := ignored, &no
		if l.res == einval {
			list, total = rejected, &yes
		}
		total.add(t.name)
		for range n {
			members.add(t.name)
		}
		for i, f := range flags {
			if bits&f.bit != 0 {
				list[i].add(t.name)
			}
		}
	})
	if yes.n+no.n == 0 {
		a.unseen("no group of the run had LINK, HARDLINK or DRAIN on a member")
		return
	}
	table := Table{Title: "Groups with the flag on a member", Columns: []string{"flag", "rejected", "dropped"}}
	var missing []string
	for i, f := range flags {
		table.Rows = append(table.Rows, []string{f.name, fmt.Sprint(rejected[i].n), fmt.Sprint(ignored[i].n)})
		a.figure(f.name+" rejected", float64(rejected[i].n))
		a.figure(f.name+" dropped", float64(ignored[i].n))
		if rejected[i].n+ignored[i].n == 0 {
			missing = append(missing, f.name)
		}
	}
	a.Tables = append(a.Tables, table)
	a.figure("members with such a flag", float64(members.n))
	gap := ""
	if len(missing) > 0 {
		gap = " Not seen: " + strings.Join(missing, ", ") + "."
	}
	n := yes.n + no.n
	promised := s.Profile.Semantics.MemberLinkFlags == "rejected"
	promise := "profile " + s.Profile.Name + " promises that they are ignored"
	odd := &yes
	if promised {
		promise = "profile " + s.Profile.Name + " promises -EINVAL"
		odd = &no
	}
	switch {
	case odd.n > 0:
		a.Offenders = odd.names
		a.say(Bad, "not as promised", "Rejected with -EINVAL in %d, dropped in %s, though %s%s.%s",
			yes.n, of(no.n, n, "groups"), promise, odd.where(), gap)
	case promised:
		a.say(Good, "rejected", "The leader got -EINVAL in %s with such flags on members: %s.%s", of(yes.n, n, "groups"), promise, gap)
	default:
		a.say(Note, "silently dropped", "The requests ran in %s with such flags on members: %s.%s", of(no.n, n, "groups"), promise, gap)
	}
}

// unwell tells that a request of the group had a reason of its own to be
// rejected or cancelled, or its leader fails by its own doing.
func (t *team) unwell() bool {
	for _, i := range t.Requests() {
		r := &t.exp.Requests[i]
		if r.Prep.Errno != 0 && r.Prep.Rule == "" {
			return true
		}
	}
	return t.sqe(t.Leader).HasInject
}

// c7 looks at what comes behind a drained group, and at what it waits for.
func (s *survey) c7(a *Answer) {
	var groups, mixes, held, early, waited, hasty count
	s.teams(func(t team) {
		if !t.whole || t.cut || t.sqe(t.Leader).Flags&uring.IODrain == 0 || t.hidden() {
			return
		}
		groups.add(t.name)
		links := false
		for i := range t.tracks {
			r := &t.exp.Requests[i]
			if r.Ring != t.Ring || r.Group >= 0 && t.structure.Groups[r.Group].Leader == t.Leader || !t.tracks[i].taken {
				continue
			}
			links = links || r.Chain >= 0
			switch {
			case i > t.Leader:
				if verdict := t.heldBack(i); verdict > 0 {
					held.add(t.name)
				} else if verdict < 0 {
					early.add(t.name)
				}
			case r.Chain < 0 || r.Chain != t.Chain: // the elements ahead in its own chain are a link's business
				if verdict := t.waitedFor(i); verdict > 0 {
					waited.add(t.name)
				} else if verdict < 0 {
					hasty.add(t.name)
				}
			}
		}
		if links {
			mixes.add(t.name)
		}
	})
	a.Programs = groups.names
	if held.n+early.n == 0 {
		a.unseen("no request of the run came behind a drained group")
		return
	}
	a.Offenders = slices.Concat(early.names, hasty.names)
	a.figure("drained groups", float64(groups.n))
	a.figure("drained groups beside links", float64(mixes.n))
	a.figure("requests behind, held back", float64(held.n))
	a.figure("requests behind, issued too early", float64(early.n))
	a.figure("requests ahead, waited for", float64(waited.n))
	a.figure("requests ahead, not waited for", float64(hasty.n))
	text := fmt.Sprintf("%s behind %s were held back until all of the group had completed, and %s ahead were waited for; %s had links beside them",
		of(held.n, held.n+early.n, "requests"), plural(groups.n, "drained group", "drained groups"),
		of(waited.n, waited.n+hasty.n, "requests"), plural(mixes.n, "group", "groups"))
	if early.n+hasty.n > 0 {
		a.say(Bad, "no", "%s.", text)
		return
	}
	a.say(Good, "yes", "%s.", text)
}

// hidden tells that a request of the ring posts no CQE on success: the drain
// counts CQEs, and the kernel documents that the two do not go together.
func (t *team) hidden() bool {
	return slices.ContainsFunc(t.exp.Requests, func(r model.Request) bool { return r.Ring == t.Ring && r.Skip })
}

// heldBack tells whether request i, submitted behind the group, was queued
// only when all of the group had completed: 1 yes, -1 no, 0 not known.
func (t *team) heldBack(i int) int {
	first := t.started(i)
	if first == none {
		return 0
	}
	for _, g := range t.Requests() {
		over := t.tracks[g].over()
		if over == none {
			return 0
		}
		if first < over {
			return -1
		}
	}
	return 1
}

// waitedFor tells likewise whether the group waited for request i ahead of it.
func (t *team) waitedFor(i int) int {
	over := t.tracks[i].over()
	if over == none {
		return 0
	}
	known := 0
	for _, g := range t.Requests() {
		if first := t.started(g); first != none {
			known = 1
			if first < over {
				return -1
			}
		}
	}
	return known
}

// started is the event at which a request's handler was first called, none if it never was.
func (st *sight) started(i int) int {
	if t := &st.tracks[i]; len(t.issues) > 0 {
		return t.issues[0]
	}
	return none
}
