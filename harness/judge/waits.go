// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// waits looks for requests that should have completed and did not: at each
// Wait that ran out of time, and at the end of a program that did not end.
func (j *judge) waits() {
	for s := range j.in.Program.Steps {
		st := &j.in.Program.Steps[s]
		if !j.returned(s) {
			continue
		}
		errno := syscall.Errno(j.out.Steps[s].Errno)
		switch st.Kind {
		case cases.StepWait:
			j.check("I8", 1)
			switch errno {
			case 0:
				if st.N == 0 {
					j.reapedAll(s, st.Ring)
				}
				j.overslept(s, st)
			case syscall.ETIME:
				j.overdue(&deadline{j: j, step: s, ring: st.Ring, within: bound(st), took: j.out.Steps[s].Took})
			default:
				if j.exp.Faulty(s) || j.closedBy(s, st.Ring) || j.mayNotWait(s, st, errno) {
					break
				}
				j.violate("I6", fmt.Sprintf("the wait in step %d failed with %s", s, model.Errno(-int32(errno))), nil, nil, nil)
			}
		case cases.StepCancel:
			j.syncCancel(s, st, errno)
		}
	}
	if j.hangs() == "" || j.starved(j.out.Waited, "the program") {
		return
	}
	step := len(j.in.Program.Steps)
	if j.out.Hang != nil {
		step = j.out.Hang.Step
	}
	for ring := range j.in.Program.Rings {
		if j.out.End == cases.EndTimeout || ring < len(j.out.RingsGone) && !j.out.RingsGone[ring] {
			j.overdue(&deadline{j: j, step: step, ring: ring, final: true})
		}
	}
	if len(j.v.Violations) == 0 && !j.blocks(step) {
		where := "the end of its rings"
		if step >= 0 && step < len(j.in.Program.Steps) {
			where = fmt.Sprintf("step %d (%s)", step, j.in.Program.Steps[step].Kind)
		}
		rule := "I8"
		if len(j.exp.Structure.Groups) > 0 {
			rule = "G11"
		}
		j.violate(rule, "the program hung at "+where+"; the rules name no single request that had to be done by then", nil, nil, nil)
	}
}

// blocks notes that the program may rightly have come to its end in that step. One that reads
// waits for what nobody needs to write. One that takes registered files or buffers away waits for the requests
// that use either, since the kernel releases what it has registered in order.
func (j *judge) blocks(step int) bool {
	if j.out.End != cases.EndTimeout || step < 0 || step >= len(j.in.Program.Steps) {
		return false
	}
	switch st := &j.in.Program.Steps[step]; {
	case st.Kind == cases.StepTake && j.left(st.FD) <= 0:
		j.blocked = fmt.Sprintf("step %d waits for something to read", step)
	case st.Kind == cases.StepRegister && st.Reg != nil && (st.Reg.Op == uring.UnregisterFiles || st.Reg.Op == uring.UnregisterBuffers):
		d := &deadline{j: j, step: step, ring: st.Ring, memo: map[int]bool{}}
		if slices.ContainsFunc(j.exp.Requests, func(r model.Request) bool {
			f := &j.facts[r.Index]
			return r.Ring == st.Ring && usesRegistered(r.SQE) && f.submitted && !f.fromCQE() && !d.must(r.Index)
		}) {
			j.blocked = fmt.Sprintf("step %d waits for requests that use what it unregisters", step)
		}
	}
	return j.blocked != ""
}

// usesRegistered tells that a request may use a registered file or buffer.
func usesRegistered(q *cases.SQE) bool {
	switch q.Op {
	case uring.OpReadFixed, uring.OpWriteFixed, uring.OpSendZc:
		return true
	}
	return q.Flags&uring.FixedFile != 0
}

// left is how many bytes were written to the pipe or socket that fd is an end of and not read again, as far as the
// results of steps and requests tell.
func (j *judge) left(fd cases.FD) (n int64) {
	for s := range j.out.Steps {
		switch st := &j.in.Program.Steps[s]; {
		case st.FD.Ref != fd.Ref || j.out.Steps[s].Ret < 0:
		case st.Kind == cases.StepFeed:
			n += j.out.Steps[s].Ret
		case st.Kind == cases.StepTake:
			n -= j.out.Steps[s].Ret
		}
	}
	for i := range j.facts {
		r, f := &j.exp.Requests[i], &j.facts[i]
		if file, _ := j.exp.File(r); file.Ref != fd.Ref || !f.hasRes || f.res < 0 {
			continue
		}
		switch op := r.SQE.Op; {
		case model.EffectOf(op) == model.Writes:
			n += int64(f.res)
		case model.EffectOf(op) == model.Reads, op == uring.OpReadMultishot, op == uring.OpSplice, op == uring.OpTee:
			n -= int64(f.res)
		}
	}
	return n
}

// closedBy tells that the ring may be closed when step s is carried out.
func (j *judge) closedBy(s, ring int) bool {
	for k := range j.in.Program.Steps {
		if st := &j.in.Program.Steps[k]; st.Kind == cases.StepCloseRing && st.Ring == ring && !j.exp.StepBefore(s, k) {
			return true
		}
	}
	return false
}

func bound(st *cases.Step) time.Duration {
	if st.Timeout == 0 {
		return cases.DefaultWait
	}
	return st.Timeout
}

// syncCancel: what a synchronous cancellation is for completes in bounded time.
func (j *judge) syncCancel(s int, st *cases.Step, errno syscall.Errno) {
	if errno != syscall.ETIME || st.Target == 0 || j.exp.Faulty(s) || st.Target > len(j.facts) {
		return
	}
	i := st.Target - 1
	j.check("G11", 1)
	if j.exp.Requests[i].Own.Any || st.Timeout < 50*time.Millisecond || j.starved(j.out.Steps[s].Took, fmt.Sprintf("the cancellation in step %d", s)) {
		return
	}
	j.violate("G11", fmt.Sprintf("the cancellation of %s in step %d was not over in %v", j.name(i), s, st.Timeout), []int{i}, []int{j.facts[i].issue}, nil)
}

// deadline is a moment at which requests must have completed.
type deadline struct {
	j      *judge
	step   int // index of the step that ran out of time
	ring   int
	within time.Duration
	// took is how long the step really took; 0 if it is known that the guest could run.
	took time.Duration
	// final: everything is being cancelled, so nothing may wait any longer.
	final bool
	memo  map[int]bool
}

// overdue reports the requests that should have completed but did not, where
// nothing that should have completed keeps them: the others follow from those.
func (j *judge) overdue(d *deadline) {
	d.memo = map[int]bool{}
	for i := range j.exp.Requests {
		r := &j.exp.Requests[i]
		if r.Ring != d.ring || !j.facts[i].submitted || !d.due(r.Step) || d.complete(i) || !d.must(i) {
			continue
		}
		if root := d.waitsFor(i); root == none {
			// Asked here, since most waits that run out of time were meant to.
			if d.took > 0 && j.starved(d.took, fmt.Sprintf("the wait in step %d", d.step)) {
				return
			}
			j.reportOverdue(d, i)
		}
	}
}

// due tells whether what was submitted in the step must have completed by
// then. In the end that is everything, also of a submission that never returned.
func (d *deadline) due(step int) bool {
	return d.final || d.j.exp.StepBefore(step, d.step)
}

// complete tells whether the request had completed by then.
func (d *deadline) complete(i int) bool {
	f := &d.j.facts[i]
	if f.fromCQE() {
		at, goesOn := f.cqes[0], false
		if d.j.exp.Requests[i].Multi { // until its last one
			at, goesOn = f.cqe(), d.j.more(i)
		}
		return d.final || !goesOn && d.j.out.CQEs[at].Step <= d.step
	}
	if !d.final && d.j.shown(i) != model.Yes && !d.j.have[cases.EvFree] {
		return true // for all that is known
	}
	if d.final || d.j.shown(i) != model.Yes {
		return f.doneLatest() != none || d.j.shown(i) == model.No && f.okReturn != none && !parked(d.j.exp.Requests[i].SQE.Op)
	}
	return d.j.out.Steps[d.step].Errno == 0
}

// must tells whether the request, and all that it waits for, should have completed.
func (d *deadline) must(i int) bool {
	if v, ok := d.memo[i]; ok {
		return v
	}
	d.memo[i] = false // what waits for itself need not complete
	r := &d.j.exp.Requests[i]
	if !d.j.facts[i].submitted || r.Opaque {
		return false
	}
	ok := true
	for _, p := range d.ahead(i) {
		if d.j.facts[p].submitted && !d.must(p) {
			ok = false
			break
		}
	}
	if ok && !d.final && d.j.exp.Undrained(i) {
		ok = false
	}
	if ok && !d.final {
		state, c := d.j.cancelled(i)
		if state == model.Yes && !d.inTime(i, c) {
			state = model.Unknown
		}
		if state != model.Yes && r.Role == model.Member && d.j.in.Profile.Semantics.MembersAfterLeader { // P7.1
			ok = d.j.exp.Completes(d.j.exp.Structure.Groups[r.Group].Leader, d.step, d.within, d.j)
		}
		ok = state == model.Yes || ok && r.SQE.Op != uring.OpLinkTimeout && d.j.exp.Completes(i, d.step, d.within, d.j)
	}
	d.memo[i] = ok
	return ok
}

// inTime tells that the reason to cancel request i was there by then.
func (d *deadline) inTime(i int, c *model.Cancel) bool {
	b := d.j.breaker(c)
	if b == none || c.Parsed || d.complete(b) {
		return true
	}
	if d.j.exp.Requests[b].Role != model.Leader || d.j.exp.Requests[b].Group != d.j.exp.Requests[i].Group {
		return false
	}
	return d.j.exp.Completes(b, d.step, d.within, d.j) // the CQE of a leader that has failed waits for that of i (P7.5)
}

// ahead lists what the request waits for.
func (d *deadline) ahead(i int) (list []int) {
	exp := d.j.exp
	r := &exp.Requests[i]
	for k := range exp.Orders {
		o := &exp.Orders[k]
		if o.BeforePoint != model.Done || o.AfterPoint == model.CQE {
			continue
		}
		for _, a := range o.After {
			if a == i {
				list = append(list, o.Before...)
				break
			}
		}
	}
	// What a linked timeout watches is cancelled or done when all of it is.
	if r.SQE.Op == uring.OpLinkTimeout && r.Chain >= 0 && r.Element > 0 {
		if watched := exp.Structure.Chains[r.Chain].Elements[r.Element-1]; watched.Group >= 0 {
			list = append(list, exp.Structure.Groups[watched.Group].Requests()...)
		}
	}
	// A drain that waits also holds back what comes after it, and all of its own chain and group.
	for k := exp.HeldWith(i); k >= 0; k-- {
		o := &exp.Requests[k]
		if o.Ring != r.Ring || o.SQE.Flags&uring.IODrain == 0 || d.j.ignoredDrain(k) {
			continue
		}
		for e := range exp.Requests {
			other := &exp.Requests[e]
			if ahead := e < k || e == k && k < i || o.Chain >= 0 && other.Chain == o.Chain; ahead && other.Ring == r.Ring && e != i && (r.Group < 0 || other.Group != r.Group) && (r.Chain < 0 || other.Chain != r.Chain) {
				list = append(list, e)
			}
		}
		break
	}
	return list
}

// mayNotWait tells that the calling thread is told so: only the task that submits runs
// the task work of a ring with DEFER_TASKRUN, and nobody that of one which is not enabled.
func (j *judge) mayNotWait(s int, st *cases.Step, errno syscall.Errno) bool {
	refusal, sure := j.exp.Refused(s)
	if !sure { // who enables the ring, and when, is open
		return errno == syscall.EEXIST || errno == syscall.EBADFD || int32(errno) == refusal ||
			errno == syscall.EBADF && refusal == model.EINVAL // of a number that is another thread's, where the thread has rings itself
	}
	return refusal == int32(errno) && (errno != syscall.EEXIST || j.in.Program.Rings[st.Ring].Flags&uring.SetupDeferTaskrun != 0)
}

// waitsFor returns something that i waits for and that should have completed, or none.
func (d *deadline) waitsFor(i int) int {
	for _, p := range d.ahead(i) {
		if p != i && d.j.facts[p].submitted && !d.complete(p) && !(d.j.exp.Requests[i].Role == model.Member && d.j.exp.Requests[p].Group == d.j.exp.Requests[i].Group) {
			return p
		}
	}
	return none
}

// reportOverdue names the rule that the missing completion of i breaks.
func (j *judge) reportOverdue(d *deadline, i int) {
	r, f := &j.exp.Requests[i], &j.facts[i]
	seen := j.solid && j.have[cases.EvIssue]
	state, cancel := j.cancelled(i)
	late := f.fromCQE()
	what := "never completed"
	if late {
		what = "completed only later"
	}
	when := fmt.Sprintf("the wait in step %d was over", d.step)
	if d.final {
		when = "program and ring were to end"
	}
	rule := "I8"
	switch {
	case state == model.Yes:
		if rule = cancel.Rule; rule == "I6" {
			rule = "I8"
		}
		what += ", though it must be cancelled: " + j.because(cancel)
	case j.drainedBy(i) != none:
		rule, what = "P4.2", fmt.Sprintf("%s, though DRAIN of %s must be ignored", what, j.name(j.drainedBy(i)))
	case seen && r.Role == model.Member && !j.in.Profile.Semantics.MembersAfterLeader && j.waitedForLeader(i):
		rule, what = "P4.1", "was issued only when its leader was woken, and "+what
	case late && r.Role == model.Member && !j.in.Profile.Semantics.MembersAfterLeader:
		rule = "P4.1"
	case seen && f.issue == none && r.Prep.Errno == 0:
		rule, what = j.neverIssued(d, i)
	case r.Role == model.Leader && j.in.Profile.Groups && len(j.exp.Structure.Groups[r.Group].Members) > 0 && f.okReturn != none && !parked(r.SQE.Op):
		rule, what = "G10", "never completed, though it and all of its members had done their work"
	case d.final && r.Role != model.Plain:
		rule = "G11"
	case r.Role != model.Plain:
		rule = "G3"
	}
	j.check(rule, 1)
	text := fmt.Sprintf("%s %s when %s", j.name(i), what, when)
	if r.Role == model.Member {
		if l := j.exp.Structure.Groups[r.Group].Leader; !d.complete(l) {
			text += fmt.Sprintf("; the CQE of %s is missing with it", j.name(l))
		}
	}
	if v := j.violate(rule, text, []int{i}, []int{f.begin, f.issue}, f.cqes); v != nil {
		v.Late = !d.final && f.done()
	}
}

// ignoredDrain tells that SQE k is a member whose DRAIN has no effect (P4.2).
func (j *judge) ignoredDrain(k int) bool {
	r := &j.exp.Requests[k]
	return r.Role == model.Member && r.SQE.Flags&uring.IODrain != 0 && j.in.Profile.Semantics.MemberLinkFlags == "ignored"
}

// drainedBy returns a member ahead of request i whose DRAIN has no effect, or none,
// if i was deferred all the same.
func (j *judge) drainedBy(i int) int {
	r := &j.exp.Requests[i]
	if !slices.ContainsFunc(j.out.Events, func(e cases.Event) bool { return e.Kind == cases.EvDefer && e.UserData == cases.UserData(i) }) {
		return none
	}
	for k := range i {
		if o := &j.exp.Requests[k]; o.Ring == r.Ring && (r.Group < 0 || o.Group != r.Group) && j.ignoredDrain(k) {
			return k
		}
	}
	return none
}

// overslept: a wait that only its timeout ended had nothing to do until then. What
// completes requests is task work, and a task that waits is woken for it. That of
// a task that has ended is done by a kernel thread, which takes its time.
func (j *judge) overslept(s int, st *cases.Step) {
	took := j.out.Steps[s].Took
	if took < bound(st) || st.MinWait > 0 || !j.solid || !j.have[cases.EvTaskAdd] || !j.have[cases.EvTaskRun] {
		return
	}
	added := make([]int, len(j.facts)) // 1 + the event
	for k := range j.out.Events {
		ev := &j.out.Events[k]
		i := int(ev.UserData) - 1
		if i < 0 || i >= len(j.facts) || ev.Ring != st.Ring {
			continue
		}
		switch {
		case ev.Kind == cases.EvTaskAdd && added[i] == 0:
			added[i] = k + 1
		case ev.Kind == cases.EvTaskRun && added[i] > 0:
			since := added[i] - 1
			added[i] = 0
			if begin := j.facts[i].begin; begin != none && j.out.Events[begin].TID != ev.TID {
				continue
			}
			slept := time.Duration(ev.Time - j.out.Events[since].Time)
			// A wait may be short, and the CPU gone just when it should have been woken: only the worst is safe to go by.
			if slept < took/2 || j.starvedBy(j.out.Stolen, took, fmt.Sprintf("the wait in step %d", s)) {
				continue
			}
			rule := "I8"
			if j.exp.Requests[i].Role != model.Plain {
				rule = "G11"
			}
			if v := j.violate(rule, fmt.Sprintf("the wait in step %d took %v and was ended by its timeout, since nobody woke it when the task work of %s came",
				s, took.Round(time.Millisecond), j.name(i)), []int{i}, []int{since, k}, nil); v != nil {
				v.Late = true
			}
			return
		}
	}
}

// neverIssued says what it means that request i, which should have completed,
// was not even issued. A group of which nothing was issued is what its leader stands for.
func (j *judge) neverIssued(d *deadline, i int) (rule, what string) {
	r := &j.exp.Requests[i]
	lead := r
	if r.Role == model.Member {
		l := j.exp.Structure.Groups[r.Group].Leader
		if j.facts[l].issue != none || j.facts[l].prepFail != none {
			if j.in.Profile.Semantics.MembersAfterLeader {
				return "P7.1", "was never issued"
			}
			return "P4.1", "was never issued"
		}
		lead = &j.exp.Requests[l]
	}
	switch {
	case lead.Element > 0 && j.groupsInChain(lead):
		return "G5", "was never issued, though all ahead of it in its chain had completed"
	case lead.Element > 0:
		return "I4", "was never issued, though all ahead of it in its chain had completed"
	case lead.Role != model.Plain && d.final && j.cutShort(lead):
		return "G11", "was neither issued nor cancelled"
	case lead.Role == model.Leader && lead.SQE.Flags&uring.IODrain != 0:
		return "G8", "was never issued, though everything ahead of its drain had completed"
	case lead.Role == model.Leader && j.openAfterChain(lead):
		return "P4.8", "was never issued, though its group was closed by the end of the submission"
	case lead.Role != model.Plain:
		return "G3", "was never issued"
	}
	return "I8", "was never issued"
}

// cutShort tells that the program ends its process or the request's ring before it has waited for all.
func (j *judge) cutShort(r *model.Request) bool {
	for k := r.Step + 1; k < len(j.in.Program.Steps); k++ {
		switch st := &j.in.Program.Steps[k]; {
		case st.Kind == cases.StepWait && st.N == 0 && st.Ring == r.Ring:
			return false
		case st.Kind.Ends(), st.Kind == cases.StepCloseRing && st.Ring == r.Ring:
			return true
		}
	}
	return false
}

// openAfterChain tells that the leader's group is closed by the end of the submission, and is on its own.
func (j *judge) openAfterChain(leader *model.Request) bool {
	g := &j.exp.Structure.Groups[leader.Group]
	return g.Open && len(g.Members) > 0 && j.in.Profile.Semantics.OpenGroup == "after-chain"
}

// waitedForLeader: the member was issued after its leader's wait was over.
func (j *judge) waitedForLeader(i int) bool {
	f := &j.facts[i]
	l := &j.facts[j.exp.Structure.Groups[j.exp.Requests[i].Group].Leader]
	return l.armed != none && l.woken != none && l.woken < f.issue
}

// reapedAll: a Wait for everything came to its end, so that every CQE must have been there.
func (j *judge) reapedAll(s, ring int) {
	for _, st := range j.in.Program.Steps[s+1:] {
		if st.Kind == cases.StepCloseRing || st.Kind.Ends() {
			return // a CQE that was late may have gone with it
		}
	}
	if j.out.End != cases.EndDone {
		return
	}
	for i := range j.facts {
		r, f := &j.exp.Requests[i], &j.facts[i]
		if r.Ring != ring || !j.exp.StepBefore(r.Step, s) || !f.submitted || f.fromCQE() || r.Opaque || j.shown(i) != model.Yes {
			continue
		}
		rule := j.ruleOf(r, "I1", "G3")
		j.violate(rule, fmt.Sprintf("%s posted no CQE, though the wait for everything in step %d was over", j.name(i), s), []int{i}, []int{f.posted, f.free}, nil)
	}
}

func (j *judge) groupsInChain(r *model.Request) bool {
	if r.Chain < 0 {
		return false
	}
	for _, el := range j.exp.Structure.Chains[r.Chain].Elements {
		if el.Group >= 0 {
			return true
		}
	}
	return false
}
