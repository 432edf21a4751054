// SPDX-License-Identifier: Apache-2.0

package answers

import (
	"fmt"

	"github.com/ringproof/ringproof/cases"
)

// c8 looks at leaders whose CQE was held back: they pass the completion path
// when their work is done, and again when the group is.
func (s *survey) c8(a *Answer) {
	if !s.have["free"] {
		a.unseen("this kernel build offers no probe for free events")
		return
	}
	var when [3]count // by situation
	var once, twice, unfreed count
	s.teams(func(t team) {
		if !t.whole {
			return
		}
		sit, ok := t.situation()
		if !ok {
			return
		}
		when[sit].add(t.name)
		a.Programs = append(a.Programs, t.name)
		switch l := t.leader(); {
		case l.frees > 1:
			twice.add(t.name)
		case l.frees == 1:
			once.add(t.name)
		default:
			unfreed.add(t.name)
		}
	})
	n := once.n + twice.n + unfreed.n
	if n == 0 {
		a.unseen("no group of the run ran to its end")
		return
	}
	a.Offenders = append(twice.names, unfreed.names...)
	a.figure("leaders", float64(n))
	a.figure("freed exactly once", float64(once.n))
	a.figure("freed twice", float64(twice.n))
	a.figure("not freed", float64(unfreed.n))
	gap := ""
	for i, name := range situations {
		a.figure("last member "+name, float64(when[i].n))
		if when[i].n == 0 && !(situation(i) == before && s.Profile.Semantics.MembersAfterLeader) {
			gap += ", " + name
		}
	}
	if gap != "" {
		gap = " Not seen: last member " + gap[2:] + "."
	}
	before := fmt.Sprintf("%d before it", when[before].n)
	if when[0].n == 0 && s.Profile.Semantics.MembersAfterLeader {
		before = "none before it, as profile " + s.Profile.Name + " promises"
	}
	text := fmt.Sprintf("%s were freed exactly once (last member done in the leader's batch: %d, in a later batch: %d, %s)",
		of(once.n, n, "leaders"), when[sameBatch].n, when[later].n, before)
	switch {
	case twice.n+unfreed.n > 0:
		a.say(Bad, "no", "%s; %d twice%s, %d not%s.%s", text, twice.n, twice.where(), unfreed.n, unfreed.where(), gap)
	case when[sameBatch].n+when[later].n == 0:
		a.say(Open, "cannot say", "%s: no leader passed the completion path twice.", text)
	default:
		a.say(Good, "yes", "%s.%s", text, gap)
	}
}

// situation says when the last member's work was over, seen from the leader.
type situation int

const (
	before    situation = iota // before the leader's: it passes the completion path once
	sameBatch                  // behind it, with nothing completed in between
	later
)

var situations = [...]string{"before the leader", "in the leader's batch", "in a later batch"}

// situation is known for groups of which all requests ran.
func (t *team) situation() (situation, bool) {
	l := t.leader()
	if l.done == none || !l.ran() {
		return 0, false
	}
	last := none
	for _, m := range t.Members {
		tr := &t.tracks[m]
		if tr.done == none || !tr.ran() {
			return 0, false
		}
		if last == none || tr.done > t.tracks[last].done {
			last = m
		}
	}
	switch m := &t.tracks[last]; {
	case m.done < l.done:
		return before, true
	case t.together(l, m):
		return sameBatch, true
	}
	return later, true
}

// together tells that two requests' completions went into one batch, as far
// as events show: the same thread of the task had both done, in one go, and
// nothing was completed in between. What was queued as task work after the
// first was done is of a later go.
func (t *team) together(first, second *track) bool {
	a, b := &t.out.Events[first.done], &t.out.Events[second.done]
	if a.TID != b.TID || first.byWorker || second.byWorker || second.byTask && !first.byTask {
		return false
	}
	for k := first.done + 1; k < second.done; k++ {
		e := &t.out.Events[k]
		if e.Ring != t.Ring {
			continue
		}
		switch e.Kind {
		case cases.EvComplete, cases.EvOverflow, cases.EvFree:
			return false
		case cases.EvTaskAdd:
			if e.UserData == a.UserData || e.UserData == b.UserData {
				return false
			}
		}
	}
	return true
}
