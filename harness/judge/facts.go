// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// none marks an event that was not seen.
const none = -1

// fact is what was observed of one SQE. Fields that hold events are indices
// into Outcome.Events, none where there is no such event.
type fact struct {
	submitted bool
	cqes      []int // indices into Outcome.CQEs
	res       int32 // of the CQE, else of the events; valid with hasRes
	hasRes    bool
	told      bool // the result is of a CQE

	req      uint64 // its address, 0 if unknown
	begin    int    // submit or prep failure
	prepFail int
	queued   int // first of issue, punt, worker, defer and task work
	issue    int // first issue
	last     int // last issue
	punt     int
	okReturn int // first issue that returned IOU_OK (or parked the request)
	again    int // first issue that returned -EAGAIN
	woken    int // first task work, or issue that succeeded, behind the first issue
	resumed  int // the same, but for task work when it runs
	posted   int // complete or overflow
	free     int
	alive    int // last event that only a request which is not done can have
	armed    int
	begins   int
	posts    int
	frees    int
}

func (f *fact) fromCQE() bool { return len(f.cqes) > 0 }

// observation indexes an Outcome by SQE.
type observation struct {
	in    *Input
	out   *cases.Outcome
	exp   *model.Expectation
	facts []fact
	have  [256]bool // by kind: a probe was attached
	// solid: nothing is missing, so that the absence of an event proves something.
	solid bool
	// unsubmitted: SQEs that were consumed but left no event.
	unsubmitted []int
	strays      []int          // CQEs that belong to no SQE
	sqThread    map[int]uint32 // ring → its SQPOLL thread, as seen
}

func observe(in *Input, exp *model.Expectation) *observation {
	ob := &observation{in: in, out: in.Outcome, exp: exp, facts: make([]fact, len(exp.Requests)), sqThread: map[int]uint32{}}
	ob.probes()
	for i := range ob.facts {
		f := &ob.facts[i]
		f.begin, f.prepFail, f.queued, f.issue, f.last, f.punt = none, none, none, none, none, none
		f.okReturn, f.again, f.posted, f.free, f.alive, f.armed, f.woken, f.resumed = none, none, none, none, none, none, none, none
		f.submitted = ob.consumed(&exp.Requests[i])
	}
	for k := range ob.out.Events {
		ev := &ob.out.Events[k]
		if ev.Worker && (ev.Kind == cases.EvSubmit || ev.Kind == cases.EvPrepFail) {
			ob.sqThread[ev.Ring] = ev.TID
		}
		if ud := ev.UserData; ud > 0 && ud <= uint64(len(ob.facts)) {
			ob.facts[ud-1].see(k, ev)
		}
	}
	for k := range ob.out.CQEs {
		c := &ob.out.CQEs[k]
		if c.UserData == 0 || c.UserData > uint64(len(ob.facts)) || exp.Requests[c.UserData-1].Ring != c.Ring {
			ob.strays = append(ob.strays, k)
			continue
		}
		if c.Flags&cqeNotif != 0 && model.Notifies(exp.Requests[c.UserData-1].SQE.Op) {
			continue
		}
		f := &ob.facts[c.UserData-1]
		f.cqes = append(f.cqes, k)
		// For multishot that is the last one's, which nothing follows but the notification.
		f.res, f.hasRes = c.Res, c.Flags&cqeMore == 0 || model.Notifies(exp.Requests[c.UserData-1].SQE.Op)
		f.told = f.hasRes
	}
	for i := range ob.facts {
		f := &ob.facts[i]
		if f.begin == none {
			if f.submitted && ob.out.Evidence.Probes && ob.have[cases.EvSubmit] && ob.have[cases.EvPrepFail] {
				ob.unsubmitted = append(ob.unsubmitted, i)
			}
		} else if !ob.returned(exp.Requests[i].Step) || ob.sqpoll(i) {
			f.submitted = true // by a step that never returned, or by the kernel's thread
		}
		f.submitted = f.submitted || ob.sqpoll(i) && f.fromCQE()
		ob.resultFromEvents(f)
	}
	ev := &ob.out.Evidence
	ob.solid = ev.Probes && ev.Lost == 0 && ev.Missed == 0 && len(ob.unsubmitted) == 0
	return ob
}

// probes reads the kinds from attached probes' names, "kind=attach point".
func (ob *observation) probes() {
	for _, name := range ob.in.Probes {
		kind, _, _ := strings.Cut(name, "=")
		for k := cases.EvNone; k.String() != "unknown"; k++ {
			if k.String() == kind {
				ob.have[k] = true
			}
		}
	}
}

// consumed tells by the submission's return value whether the kernel took the SQE.
func (ob *observation) consumed(r *model.Request) bool {
	if ob.sqpoll(r.Index) { // there the kernel's thread takes them, when it likes to
		return false
	}
	return r.Step < len(ob.out.Steps) && !ob.out.Steps[r.Step].Pending && int64(r.Pos) < ob.out.Steps[r.Step].Ret
}

// inWorker tells that event k happened in an io-wq worker. SQPOLL's thread is a kernel
// thread of the same kind; it is the one that submits.
func (ob *observation) inWorker(k int) bool {
	ev := &ob.out.Events[k]
	return ev.Worker && ev.TID != ob.sqThread[ev.Ring]
}

func (ob *observation) returned(step int) bool {
	return step < len(ob.out.Steps) && !ob.out.Steps[step].Pending
}

func (ob *observation) sqpoll(i int) bool {
	return ob.in.Program.Rings[ob.exp.Requests[i].Ring].Flags&uring.SetupSQPoll != 0
}

func (f *fact) see(k int, ev *cases.Event) {
	first := func(at *int) {
		if *at == none {
			*at = k
		}
	}
	switch ev.Kind {
	case cases.EvSubmit, cases.EvPrepFail:
		f.begins++
		first(&f.begin)
		if ev.Kind == cases.EvPrepFail {
			first(&f.prepFail)
		}
		f.req = ev.Req
	case cases.EvIssue:
		first(&f.issue)
		f.last = k
		first(&f.queued)
		f.alive = k
	case cases.EvPunt:
		first(&f.punt)
		first(&f.queued)
		f.alive = k
	case cases.EvWorker:
		first(&f.queued)
		f.alive = k
	case cases.EvDefer:
		first(&f.queued)
		f.alive = k
	case cases.EvPollArm:
		first(&f.armed)
		f.alive = k
	case cases.EvIssueReturn:
		switch ev.Res {
		case 0:
			first(&f.okReturn)
			if !parked(uring.Op(ev.Op)) {
				first(&f.woken)
				first(&f.resumed)
			}
		case -model.EAGAIN:
			first(&f.again)
		}
	case cases.EvTaskAdd, cases.EvTaskRun:
		if f.issue != none {
			first(&f.woken)
			if ev.Kind == cases.EvTaskRun {
				first(&f.resumed)
			}
		} else { // a drain that has nothing to wait for
			first(&f.queued)
		}
	case cases.EvComplete, cases.EvOverflow:
		if ev.Arg&cqeNotif != 0 { // of a zero-copy send, which is done already
			return
		}
		first(&f.posted)
		f.posts++
	case cases.EvFree:
		first(&f.free)
		f.frees++
	}
}

func (ob *observation) resultFromEvents(f *fact) {
	switch {
	case f.hasRes:
	case f.posted != none:
		f.res, f.hasRes = ob.out.Events[f.posted].Res, true
	case f.free != none:
		f.res, f.hasRes = ob.out.Events[f.free].Res, true
	}
}

// doneLatest is the event at which the request had certainly completed.
func (f *fact) doneLatest() int {
	if f.posted != none {
		return f.posted
	}
	return f.free
}

// parked tells that an issue of the opcode which succeeds may leave the request waiting.
func parked(op uring.Op) bool {
	switch op {
	case uring.OpPollAdd, uring.OpTimeout, uring.OpFutexWait, uring.OpFutexWaitv, uring.OpWaitid:
		return true
	}
	return false
}

// doneEarliest is the first event at which the request may have completed.
// The completion of a skipped CQE shows only by its issue's return, or in a
// worker, which completes within the issue, by the issue itself; where it was never issued, by nothing.
func (ob *observation) doneEarliest(i int) int {
	f := &ob.facts[i]
	switch {
	case f.posted != none:
		return f.posted
	case f.last != none && ob.inWorker(f.last):
		return f.last
	case f.okReturn != none:
		return f.okReturn
	case f.free != none && f.last == none:
		return f.begin
	}
	return f.free
}

func (ob *observation) point(i int, p model.Point) int {
	f := &ob.facts[i]
	switch p {
	case model.Queued:
		return f.queued
	case model.Issued:
		return f.issue
	case model.Woken:
		return f.resumed
	case model.Worked:
		if parked(ob.exp.Requests[i].SQE.Op) && f.woken != none {
			return f.woken
		}
		return f.last
	}
	return f.doneLatest()
}

// done tells that there is any sign of the request's completion.
func (f *fact) done() bool { return f.fromCQE() || f.doneLatest() != none }

// cancelled and the like evaluate the expectation on this observation.
func (ob *observation) cancelled(i int) (model.Truth, *model.Cancel) { return ob.exp.Cancelled(i, ob) }
func (ob *observation) failed(i int) model.Truth                     { return ob.exp.Failed(i, ob) }
func (ob *observation) shown(i int) model.Truth                      { return ob.exp.Shown(i, ob) }

// Rejected, Result, ReapedBy, StepOK and Submitted make an observation a [model.Observed].
func (ob *observation) Rejected(i int) model.Truth {
	switch {
	case ob.facts[i].prepFail != none:
		return model.Yes
	case ob.exp.Requests[i].Prep.Errno == 0, ob.facts[i].begin != none && ob.have[cases.EvPrepFail]:
		return model.No
	}
	return model.Unknown
}

func (ob *observation) Result(i int) (int32, bool) { return ob.facts[i].res, ob.facts[i].hasRes }

func (ob *observation) ReapedBy(i, step int) bool {
	f := &ob.facts[i]
	return f.fromCQE() && ob.out.CQEs[f.cqes[0]].Step <= step
}

func (ob *observation) StepOK(step int) (int64, bool) {
	if !ob.returned(step) {
		return 0, false
	}
	st := &ob.out.Steps[step]
	return st.Ret, st.Errno == 0
}

func (ob *observation) Submitted(i int) bool { return ob.facts[i].submitted }
