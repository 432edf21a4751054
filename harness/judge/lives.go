// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"fmt"
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
)

// life is one request's life: an address between submission and free.
type life struct {
	req uint64
	gen uint32
}

// Bits of req->flags in 6.12, enum io_req_flags in include/linux/io_uring_types.h.
const reqFRefcount = 1 << 19

// refsMax is far above any reference count that a request has: submission,
// io-wq, a linked timeout and the like hold one each.
const refsMax = 64

// lives checks each request's life (I1, G10) and reference count (I3).
func (j *judge) lives() {
	owner := map[life]int{} // life → SQE index
	freed := map[life]int{} // life → event of its end
	for k := range j.out.Events {
		ev := &j.out.Events[k]
		if ev.Req == 0 || ev.UserData == 0 || ev.UserData > uint64(len(j.facts)) {
			continue
		}
		i := int(ev.UserData - 1)
		if ev.Req != j.facts[i].req && model.Notifies(j.exp.Requests[i].SQE.Op) {
			continue // its notification is a request of its own, and no submission begins that one's life
		}
		l := life{ev.Req, ev.Gen}
		if was, ok := owner[l]; ok && was != i {
			j.violate("I1", fmt.Sprintf("the memory of %s was used by %s in the same life", j.name(was), j.name(i)), []int{i, was}, []int{k}, nil)
		}
		owner[l] = i
		j.refs(k, i, ev)
		at, dead := freed[l]
		switch {
		case !dead && ev.Kind == cases.EvFree:
			freed[l] = k
		case dead && ev.Kind == cases.EvFree:
			j.violate("I1", fmt.Sprintf("%s was freed twice", j.name(i)), []int{i}, []int{at, k}, nil)
		case dead:
			j.violate("I1", fmt.Sprintf("%s was used (%s) after it was freed", j.name(i), ev.Kind), []int{i}, []int{at, k}, nil)
		}
	}
	for i := range j.facts {
		j.life(i, &j.facts[i])
	}
	j.leaderOutlivesGroup()
}

func (j *judge) refs(k, i int, ev *cases.Event) {
	if ev.Flags&reqFRefcount == 0 {
		return
	}
	switch ev.Kind {
	case cases.EvSubmit, cases.EvPrepFail:
		return // not this life's yet
	case cases.EvFree, cases.EvTaskRun, cases.EvTaskAdd:
		// All references are dropped on the way to the free list.
		if ev.Refs >= 0 && ev.Refs <= refsMax {
			j.check("I3", 1)
			return
		}
	}
	j.check("I3", 1)
	if ev.Refs < 0 || ev.Refs > refsMax || ev.Refs == 0 && (ev.Kind == cases.EvIssue || ev.Kind == cases.EvPunt || ev.Kind == cases.EvWorker) {
		if ev.Kind == cases.EvPunt || ev.Kind == cases.EvWorker {
			if ev.Refs == 0 {
				return // io_wq_submit_work() sets it
			}
		}
		j.violate("I3", fmt.Sprintf("%s has a reference count of %d at its %s", j.name(i), ev.Refs, ev.Kind), []int{i}, []int{k}, nil)
	}
}

// life checks the ends of one request's life.
func (j *judge) life(i int, f *fact) {
	r := &j.exp.Requests[i]
	if !f.submitted {
		if f.begin != none && j.returned(r.Step) && !j.sqpoll(i) {
			j.violate("I1", fmt.Sprintf("%s was taken from the queue, but the submission returned %d", j.name(i), j.out.Steps[r.Step].Ret), []int{i}, []int{f.begin}, nil)
		}
		return
	}
	if f.begin == none {
		return
	}
	j.check("I1", 1)
	if f.begins > 1 {
		j.violate("I1", fmt.Sprintf("%s was submitted %d times", j.name(i), f.begins), []int{i}, []int{f.begin}, nil)
	}
	if f.posts > 1 && !r.Multi {
		j.violate("I1", fmt.Sprintf("%s completed %d times", j.name(i), f.posts), []int{i}, []int{f.posted}, nil)
	}
	if f.issue != none && f.posted != none && f.posted < f.issue && !r.Multi {
		j.violate("I1", fmt.Sprintf("%s was issued after it had completed", j.name(i)), []int{i}, []int{f.posted, f.issue}, nil)
	}
	if f.prepFail != none && f.issue != none {
		j.violate("I1", fmt.Sprintf("%s was issued though it was rejected when it was parsed", j.name(i)), []int{i}, []int{f.prepFail, f.issue}, nil)
	}
}

// leaderOutlivesGroup checks the end of G10: the leader is freed after every member has completed.
func (j *judge) leaderOutlivesGroup() {
	for gi := range j.exp.Structure.Groups {
		g := &j.exp.Structure.Groups[gi]
		lf := &j.facts[g.Leader]
		if lf.free == none || j.exp.Requests[g.Leader].Opaque {
			continue
		}
		for _, m := range g.Members {
			mf := &j.facts[m]
			j.check("G10", 1)
			if mf.posted > lf.free || mf.issue > lf.free {
				j.violate("G10", fmt.Sprintf("%s was freed before %s had completed", j.name(g.Leader), j.name(m)),
					[]int{g.Leader, m}, []int{lf.free, max(mf.posted, mf.issue)}, nil)
			}
		}
	}
}

// groupRefs checks the group reference count (I2, G10) and who belongs to whom (G1).
func (j *judge) groupRefs() {
	if !j.in.Profile.Groups || len(j.exp.Structure.Groups) == 0 {
		return
	}
	sampled := false
	for gi := range j.exp.Structure.Groups {
		g := &j.exp.Structure.Groups[gi]
		if len(g.Members) == 0 || j.exp.Requests[g.Leader].Opaque {
			continue
		}
		if j.sampleRefs(g) {
			sampled = true
		}
	}
	if !sampled {
		why := "no event carried the group reference count"
		if j.in.Profile.Kernel.RefsField == "" {
			why = "the profile names no field that holds the group reference count"
		}
		j.unchecked("I2", why)
	}
	for k := range j.out.Events {
		ev := &j.out.Events[k]
		if i := int(ev.UserData) - 1; i >= 0 && i < len(j.facts) && ev.Leader != 0 && j.exp.Requests[i].Role == model.Plain &&
			ev.Kind != cases.EvFree && !j.exp.Requests[i].Opaque {
			j.violate(j.assemblyRule(i, ev.Leader), fmt.Sprintf("%s is in no group, but the kernel has it follow the leader at %#x", j.name(i), ev.Leader), []int{i}, []int{k}, nil)
		}
	}
}

// sampleRefs looks at every sample of one group's count.
func (j *judge) sampleRefs(g *model.Group) (sampled bool) {
	kern := &j.in.Profile.Kernel
	first := int32(g.Size())
	if !kern.RefsCountsLeader {
		first--
	}
	leader := j.facts[g.Leader].req
	lastOf := map[uint32]int{} // thread → its sample before; a probe is preempted like any code
	all := g.Requests()
	for k := range j.out.Events {
		ev := &j.out.Events[k]
		i := int(ev.UserData) - 1
		if i < 0 || i >= len(j.facts) || ev.Req == 0 || j.exp.Requests[i].Group < 0 ||
			&j.exp.Structure.Groups[j.exp.Requests[i].Group] != g || !j.countHolds(i, k, ev) {
			continue
		}
		if leader != 0 && ev.Leader != 0 {
			j.check("G1", 1)
			if ev.Leader != leader {
				j.violate(j.assemblyRule(i, ev.Leader), fmt.Sprintf("%s follows the leader at %#x, but its group's leader %s is at %#x", j.name(i), ev.Leader, j.name(g.Leader), leader), []int{i, g.Leader}, []int{k}, nil)
				continue
			}
		}
		if !ev.HasGroupRefs {
			continue
		}
		sampled = true
		j.check("I2", 1)
		j.check("G10", 1)
		n := ev.GroupRefs
		at := fmt.Sprintf("at the %s of %s", ev.Kind, j.name(i))
		switch {
		case n < kern.RefsEnd:
			j.violate("G10", fmt.Sprintf("the group reference count of %s is %d %s, below its end value %d: it was dropped too often", j.name(g.Leader), n, at, kern.RefsEnd), []int{g.Leader, i}, []int{k}, nil)
		case n > first+kern.RefsEnd:
			j.violate("G10", fmt.Sprintf("the group reference count of %s is %d %s, but the group has %d requests", j.name(g.Leader), n, at, g.Size()), []int{g.Leader, i}, []int{k}, nil)
		case i == g.Leader && ev.Kind == cases.EvFree && n != kern.RefsEnd:
			j.violate("G10", fmt.Sprintf("%s was freed while its group reference count was %d, not %d", j.name(i), n, kern.RefsEnd), []int{g.Leader}, []int{k}, nil)
		case n < kern.RefsEnd+j.notYetDone(all, g.Leader, k, ev):
			j.violate("G10", fmt.Sprintf("the group reference count of %s is %d %s, while more requests of the group were still to complete: it was dropped too often", j.name(g.Leader), n, at), []int{g.Leader, i}, []int{k}, nil)
		}
		if p, ok := lastOf[ev.TID]; ok && j.out.Events[p].GroupRefs < n {
			j.violate("G10", fmt.Sprintf("the group reference count of %s rose from %d to %d", j.name(g.Leader), j.out.Events[p].GroupRefs, n), []int{g.Leader}, []int{p, k}, nil)
		}
		lastOf[ev.TID] = k
	}
	return sampled
}

// assemblyRule is the rule that SQE i breaks which follows the wrong leader:
// G2 where that is one of another submission.
func (j *judge) assemblyRule(i int, leader uint64) string {
	for k := range j.facts {
		if j.facts[k].req == leader && j.exp.Requests[k].Step != j.exp.Requests[i].Step {
			return "G2"
		}
	}
	return "G1"
}

// countHolds tells whether the count in event k of request i is this group's:
// the group is assembled, and the request still holds its leader alive.
func (j *judge) countHolds(i, k int, ev *cases.Event) bool {
	f := &j.facts[i]
	switch ev.Kind {
	case cases.EvSubmit, cases.EvPrepFail, cases.EvLink, cases.EvFailLink:
		return false
	}
	if j.exp.Requests[i].Role == model.Leader {
		return f.free == none || k <= f.free
	}
	done := j.doneEarliest(i)
	return ev.Kind != cases.EvIssueReturn && ev.Kind != cases.EvFree && (done == none || k <= done)
}

// notYetDone counts requests that had certainly not completed when event k
// sampled the count: those seen at work later by the same thread, and, where the
// count drops together with the posting of the CQE, members that posted later.
func (j *judge) notYetDone(all []int, leader, k int, ev *cases.Event) (n int32) {
	self := int(ev.UserData) - 1
	for _, i := range all {
		f := &j.facts[i]
		if i == leader && !j.in.Profile.Kernel.RefsCountsLeader {
			continue
		}
		// A probe in another thread may overtake this one's reading, which follows its place in the order.
		later := func(at int) bool { return at > k && j.out.Events[at].TID == ev.TID }
		switch {
		case f.posted != none && f.alive > f.posted:
		case later(f.alive) || i == self && f.alive == k && ev.Kind == cases.EvIssue:
			n++
		case i != leader && i != self && ev.Kind == cases.EvComplete && !j.in.Profile.Semantics.CompleteInTask && later(f.posted):
			n++
		}
	}
	return n
}

// workers checks who ran in io-wq and who did not (I7, G9).
func (j *judge) workers() {
	for i := range j.exp.Requests {
		r, f := &j.exp.Requests[i], &j.facts[i]
		rule := "I7"
		if r.Role != model.Plain {
			rule = "G9"
		}
		if !f.submitted || r.Worker == model.WorkerEither || !j.needs(rule, cases.EvIssue) {
			continue
		}
		if r.Worker == model.WorkerMust {
			j.check(rule, 1)
			if f.issue != none && !j.inWorker(f.issue) {
				if state, _ := j.cancelled(i); state == model.No && !j.anyWorker() {
					j.v.Workers = NoWorkers
				}
				j.violate(rule, fmt.Sprintf("%s has ASYNC, but was first issued outside of io-wq", j.name(i)), []int{i}, []int{f.issue}, nil)
			}
			continue
		}
		if r.SQE.Op != 0 && !j.have[cases.EvIssueReturn] {
			j.unchecked(rule, "without issue_return events nothing tells why a request went to io-wq")
			continue
		}
		j.check(rule, 1)
		pushed := f.punt
		if f.issue != none && j.inWorker(f.issue) && (pushed == none || f.issue < pushed) {
			pushed = f.issue
		}
		if pushed != none && (f.again == none || f.again > pushed) && j.solid {
			if j.needNoWorker() {
				j.v.Workers = SomeWorkers
			}
			j.violate(rule, fmt.Sprintf("%s did not ask for io-wq, but was sent there", j.name(i)), []int{i}, []int{pushed}, nil)
		}
	}
}

// anyWorker tells whether an io-wq worker did anything.
func (j *judge) anyWorker() bool {
	return slices.ContainsFunc(j.out.Events, func(ev cases.Event) bool { return ev.Worker })
}

// needNoWorker tells that no request of the program may be sent to io-wq.
func (j *judge) needNoWorker() bool {
	return !slices.ContainsFunc(j.exp.Requests, func(r model.Request) bool { return r.Worker != model.WorkerNever && !r.Prep.Fails() })
}

// inTask checks that no worker posts the CQE of a request whose profile completes it in its task (P7.10).
func (j *judge) inTask() {
	for i := range j.exp.Requests {
		f := &j.facts[i]
		if !j.exp.Requests[i].InTask || f.posted == none {
			continue
		}
		j.check("P7.10", 1)
		if j.inWorker(f.posted) {
			j.violate("P7.10", fmt.Sprintf("the CQE of %s was posted by an io-wq worker", j.name(i)), []int{i}, []int{f.posted}, f.cqes)
		}
	}
}

// ends checks that nothing stays behind (I8, G11) and that the process ended as the program says.
func (j *judge) ends() {
	if j.out.End == cases.EndDied {
		text := "the program's process died, though no step asked for it"
		if j.out.Error != "" {
			text += ": " + j.out.Error
		}
		j.violate("I8", text, nil, nil, nil)
	}
	if len(j.out.RingsGone) == 0 {
		j.unchecked("I8", "nothing watched the rings go away")
		return
	}
	for ring, gone := range j.out.RingsGone {
		j.check("I8", 1)
		if gone && j.solid && j.have[cases.EvFree] {
			j.notFreed(ring)
		}
	}
}

func (j *judge) notFreed(ring int) {
	for i := range j.facts {
		f := &j.facts[i]
		if r := &j.exp.Requests[i]; r.Ring == ring && f.begin != none && f.free == none {
			j.violate("I8", fmt.Sprintf("%s was never freed, though its ring is gone", j.name(i)), []int{i}, []int{f.begin}, nil)
		}
	}
}
