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

	req      uint64 // its address, 0 if unknown
	begin    int    // submit or prep failure
	prepFail int
	queued   int // first of issue, punt, worker and defer
	issue    int // first issue
	punt     int
	okReturn int // first issue that returned IOU_OK (or parked the request)
	again    int // first issue that returned -EAGAIN
	woken    int // first task work, or issue that succeeded, behind the first issue
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
	strays      []int // CQEs that belong to no SQE
}

func observe(in *Input, exp *model.Expectation) *observation {
	ob := &observation{in: in, out: in.Outcome, exp: exp, facts: make([]fact, len(exp.Requests))}
	ob.probes()
	for i := range ob.facts {
		f := &ob.facts[i]
		f.begin, f.prepFail, f.queued, f.issue, f.punt = none, none, none, none, none
		f.okReturn, f.again, f.posted, f.free, f.alive, f.armed, f.woken = none, none, none, none, none, none, none
		f.submitted = ob.consumed(&exp.Requests[i])
	}
	for k := range ob.out.Events {
		ev := &ob.out.Events[k]
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
		f := &ob.facts[c.UserData-1]
		f.cqes = append(f.cqes, k)
		f.res, f.hasRes = c.Res, true // the last one's, for multishot
	}
	for i := range ob.facts {
		f := &ob.facts[i]
		if f.begin == none {
			if f.submitted && ob.out.Evidence.Probes && ob.have[cases.EvSubmit] && ob.have[cases.EvPrepFail] {
				ob.unsubmitted = append(ob.unsubmitted, i)
			}
		} else if exp.Requests[i].Step >= len(ob.out.Steps) {
			f.submitted = true // by a step that never returned
		}
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
	return r.Step < len(ob.out.Steps) && int64(r.Pos) < ob.out.Steps[r.Step].Ret
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
			}
		case -model.EAGAIN:
			first(&f.again)
		}
	case cases.EvTaskAdd, cases.EvTaskRun:
		if f.issue != none {
			first(&f.woken)
		}
	case cases.EvComplete, cases.EvOverflow:
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
	return op == uring.OpPollAdd || op == uring.OpTimeout
}

// doneEarliest is the first event at which the request may have completed:
// the completion of a skipped CQE shows only by its issue's return, which
// for an operation that was parked means nothing yet.
func (ob *observation) doneEarliest(i int) int {
	f := &ob.facts[i]
	if f.posted != none {
		return f.posted
	}
	if f.okReturn != none {
		return f.okReturn
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
		return f.woken
	}
	return f.doneLatest()
}

// done tells that there is any sign of the request's completion.
func (f *fact) done() bool { return f.fromCQE() || f.doneLatest() != none }

// tri is a truth that may be unknown.
type tri int8

const (
	unknown tri = iota
	no
	yes
)

func truth(b bool) tri {
	if b {
		return yes
	}
	return no
}

// failed tells whether the request failed in the sense of links and groups.
func (ob *observation) failed(i int) tri {
	f, r := &ob.facts[i], &ob.exp.Requests[i]
	switch {
	case !f.submitted:
		return no
	case f.prepFail != none || r.Prep.Fails():
		return yes
	case !f.hasRes || r.Opaque || r.Multi:
		return unknown
	}
	failed, unsure := model.Failed(r.SQE, f.res)
	if unsure {
		return unknown
	}
	return truth(failed)
}

// cancelled tells whether a reason to cancel the request ahead of its issue holds.
func (ob *observation) cancelled(i int) (tri, *model.Cancel) {
	state := no
	for k := range ob.exp.Requests[i].Cancels {
		c := &ob.exp.Requests[i].Cancels[k]
		if c.By == nil {
			return yes, c
		}
		for _, j := range c.By {
			switch ob.failed(j) {
			case yes:
				return yes, c
			case unknown:
				state = unknown
			}
		}
	}
	return state, nil
}

// shown tells whether the request's CQE must be in the queue.
func (ob *observation) shown(i int) tri {
	r, f := &ob.exp.Requests[i], &ob.facts[i]
	if !ob.skips(r) {
		return yes
	}
	if r.Opaque || r.SQE.Op == uring.OpLinkTimeout {
		return unknown
	}
	switch state, c := ob.cancelled(i); state {
	case yes: // G7: decided once for the chain
		shown := ob.exp.Requests[c.Deciders[0]].Skip
		for _, d := range c.Deciders {
			if ob.exp.Requests[d].Skip != shown {
				return unknown
			}
		}
		if f.prepFail != none || len(r.Cancels) > 1 {
			return unknown
		}
		return truth(!shown)
	case unknown:
		return unknown
	}
	if r.MayCancel || f.prepFail != none {
		return unknown
	}
	if r.Role == model.Leader && r.Skip { // a member's failure marks the leader failed (P4.5, P7.7)
		for _, m := range ob.exp.Structure.Groups[r.Group].Members {
			if ob.failed(m) != no {
				return unknown
			}
		}
	}
	switch ob.failed(i) {
	case yes:
		return yes
	case no:
		return truth(!r.Skip)
	}
	return unknown
}

// skips tells whether any SQE that may decide about the request's CQE has CQE_SKIP_SUCCESS.
func (ob *observation) skips(r *model.Request) bool {
	if r.Skip {
		return true
	}
	for _, c := range r.Cancels {
		for _, d := range c.Deciders {
			if ob.exp.Requests[d].Skip {
				return true
			}
		}
	}
	if r.Chain < 0 {
		return false
	}
	for _, el := range ob.exp.Structure.Chains[r.Chain].Elements {
		if ob.exp.Requests[el.SQE].Skip {
			return true
		}
	}
	return false
}

// Result, StepOK and Submitted make an observation a [model.Observed].
func (ob *observation) Result(i int) (int32, bool) { return ob.facts[i].res, ob.facts[i].hasRes }

func (ob *observation) StepOK(step int) (int64, bool) {
	if step >= len(ob.out.Steps) {
		return 0, false
	}
	st := &ob.out.Steps[step]
	return st.Ret, st.Errno == 0
}

func (ob *observation) Submitted(i int) bool { return ob.facts[i].submitted }
