// SPDX-License-Identifier: Apache-2.0

package model

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Claim is something that a program would reveal, were the rule broken for
// these SQEs: a constraint that the judge evaluates. SQEs are indices in
// program order, ascending, each once; a rule that is about the run as a
// whole has all of them.
type Claim struct {
	Rule string
	SQEs []int
}

// Path says how a request completes, by its program's construction. What a
// kernel really did is in the events.
type Path uint8

const (
	PathUnknown   Path = iota // the program leaves it open, or the model does not know the opcode
	PathRejected              // refused while it is parsed
	PathCancelled             // never issued, since its chain or group is cancelled
	PathInline                // by its issue, in the context that submitted it
	PathPoll                  // its file was not ready: a poll is armed, and it is issued again
	PathTaskWork              // by task work: timeouts, poll requests
	PathIOWQ                  // by an io-wq worker
	PathIOPoll                // by polling the device, on a ring with IORING_SETUP_IOPOLL
)

// String returns the path's name in tables.
func (p Path) String() string {
	return [...]string{"unknown", "rejected", "cancelled", "inline", "poll", "task-work", "io-wq", "iopoll"}[p]
}

// Path says how SQE i completes. It is about the request itself; what its
// ring adds (DEFER_TASKRUN, SQPOLL) is in the ring's flags.
func (e *Expectation) Path(i int) Path {
	r := &e.Requests[i]
	switch {
	case r.Prep.Fails():
		return PathRejected
	case slices.ContainsFunc(r.Cancels, func(c Cancel) bool { return e.certain(&c) }):
		return PathCancelled
	case r.SQE.Flags&uring.Async != 0:
		return PathIOWQ
	case r.SQE.Op == uring.OpTimeout || r.SQE.Op == uring.OpLinkTimeout:
		return PathTaskWork
	case r.SQE.Op == uring.OpPollAdd:
		if e.waits(r) {
			return PathTaskWork
		}
		return PathInline
	case r.SQE.Op >= uring.OpLast:
		return PathUnknown
	case r.Worker == WorkerMust || opcodes[r.SQE.Op].place == mayForce:
		return PathIOWQ
	}
	if f := e.Program.Rings[r.Ring].Flags; f&uring.SetupIOPoll != 0 && r.SQE.Op != uring.OpNop {
		return PathIOPoll
	}
	if e.waits(r) {
		return PathPoll
	}
	if fd, found := e.File(r); found == Yes && e.Resource(fd) != nil {
		if p := filePath(r.SQE, e.Resource(fd)); p != PathUnknown {
			return p
		}
	}
	if r.Worker == WorkerNever || opcodes[r.SQE.Op].place == inTask || e.Resource(r.SQE.FD) != nil {
		return PathInline
	}
	return PathUnknown
}

// filePath is how reads and writes of files and devices complete on 6.12.
func filePath(q *cases.SQE, res *cases.Resource) Path {
	effect := EffectOf(q.Op)
	switch {
	case effect != Reads && effect != Writes || res.Kind != cases.ResFile && res.Kind != cases.ResNullBlk:
		return PathUnknown
	case q.OpFlags&rwfNowait != 0:
		return PathInline
	case res.Kind == cases.ResNullBlk, res.FS == cases.Ext4 && res.Direct:
		return PathTaskWork // io_req_rw_complete()
	case res.FS == cases.TmpFS, effect == Writes:
		return PathIOWQ // no FMODE_NOWAIT, no FMODE_BUF_WASYNC: the issue returns -EAGAIN
	}
	return PathInline
}

// waits tells that r finds nothing to read when it is issued, unless somebody is quicker.
func (e *Expectation) waits(r *Request) bool {
	q := r.SQE
	fd, _ := e.File(r)
	res := e.Resource(fd)
	if res == nil || res.Kind == cases.ResFile || res.Kind == cases.ResNullBlk || res.NonBlock || q.Op != uring.OpPollAdd && q.OpFlags&rwfNowait != 0 {
		return false
	}
	if !readsOnly(q.Op) || q.Op == uring.OpPollAdd && q.OpFlags&pollOut != 0 {
		return false
	}
	for i := range e.Program.Steps[:r.Step] {
		st := &e.Program.Steps[i]
		if (st.Kind == cases.StepFeed || st.Kind == cases.StepCloseFD) && st.FD.Ref == fd.Ref {
			return false
		}
	}
	for _, o := range e.Requests[:r.Index] {
		if o.Step < r.Step && o.SQE.FD.Ref == fd.Ref && !readsOnly(o.SQE.Op) {
			return false
		}
	}
	return true
}

// certain tells that the cancellation happens in every run.
func (e *Expectation) certain(c *Cancel) bool {
	if c.By == nil || c.May {
		return c.By == nil
	}
	return slices.ContainsFunc(c.By, func(i int) bool {
		if c.Parsed {
			return e.Requests[i].Prep.Fails()
		}
		return e.fails(i) == surely
	})
}

type chance uint8

const (
	never chance = iota
	maybe
	surely
)

// fails tells whether SQE i fails when it runs, by the program's construction.
func (e *Expectation) fails(i int) chance {
	r := &e.Requests[i]
	switch {
	case r.Prep.Fails():
		return surely
	case slices.ContainsFunc(r.Cancels, func(c Cancel) bool { return e.certain(&c) }):
		return surely
	case r.Prep.Unsure || len(r.Cancellers) > 0 || r.CancelSteps || e.outlived(r):
		return maybe
	case r.Own.Any || r.Own.Errors:
		return never // nothing was built in to make it fail
	}
	failing := 0
	for _, span := range r.Own.Ranges {
		if failed, unsure := Failed(r.SQE, span[1]); failed && !unsure { // the most that it may have is not enough
			failing++
		}
	}
	if failing == 0 && e.starved(r) {
		return maybe
	}
	switch {
	case failing == 0:
		return never
	case failing == len(r.Own.Ranges) && r.Own.Mask == 0:
		return surely
	}
	return maybe
}

// starved tells that r reads from a pipe or the like into which too little is ever written.
func (e *Expectation) starved(r *Request) bool {
	fd, found := e.File(r)
	if res := e.Resource(fd); found != Yes || r.SQE.Op != uring.OpRead || res == nil || res.Kind != cases.ResPipe && res.Kind != cases.ResSocketPair {
		return false
	}
	fed := 0
	for _, st := range e.Program.Steps {
		if st.Kind == cases.StepFeed && st.FD.Ref == fd.Ref {
			fed += st.N
		}
	}
	return fed < int(r.SQE.Len) && fed > 0
}

func (e *Expectation) anyFails(list []int) bool {
	return slices.ContainsFunc(list, func(i int) bool { return e.fails(i) != never })
}

// invariants are the rules in terms of which an invariant is stated: where one is
// claimed, so is the other.
var invariants = map[string]string{
	"G4": "I5", "G10": "I2", "G9": "I7",
	"G5": "I4", "G8": "I4", "P4.1": "I4", "P7.1": "I4", "P4.8": "I4", "P7.9": "I4",
}

// Claims lists everything that the program would reveal, were the rule
// broken under the profile. A claim that holds only if something fails is
// made only where the program has it fail, or can.
func (e *Expectation) Claims() []Claim {
	var claims []Claim
	add := func(rule string, sqes ...int) {
		sqes = slices.Clone(sqes)
		slices.Sort(sqes)
		sqes = slices.Compact(sqes)
		claims = append(claims, Claim{rule, sqes})
		if inv := invariants[rule]; inv != "" {
			claims = append(claims, Claim{inv, sqes})
		}
	}
	var all []int
	for i := range e.Requests {
		all = append(all, i)
	}
	for _, o := range e.Orders {
		if len(o.Before) > 0 && len(o.After) > 0 {
			add(o.Rule, slices.Concat(o.Before, o.After)...)
		}
	}
	for i := range e.Structure.Groups {
		e.claimGroup(&e.Structure.Groups[i], add)
	}
	for i := range e.Requests {
		e.claimRequest(i, add)
	}
	if len(all) > 0 {
		add("I3", all...)
		add("I8", all...)
		add("I9", all...)
		add("I10", all...)
	}
	return claims
}

func (e *Expectation) claimRequest(i int, add func(string, ...int)) {
	r := &e.Requests[i]
	if r.Opaque {
		add("I1", i)
		return
	}
	if r.Role == Plain {
		add("I1", i)
		add("G12", i)
	} else {
		add("G3", i)
	}
	add("I6", i)
	if r.Prep.Rule != "" {
		add(r.Prep.Rule, i)
	}
	for _, c := range r.Cancels {
		if c.By == nil {
			add(c.Rule, i)
		} else if !c.May && (e.certain(&c) || !c.Parsed && e.anyFails(c.By)) {
			add(c.Rule, append(slices.Clone(c.By), i)...)
			if c.Rule == "G6" && r.Role != Plain { // a chain breaks ahead of this group
				add("G7", append(slices.Clone(c.By), i)...)
			}
		}
	}
	if r.Worker != WorkerEither && r.Role == Plain {
		add("I7", i)
	}
	if (r.Role != Plain || e.groupInChain(r)) && (r.Cancellers != nil || r.CancelSteps || e.outlived(r)) {
		add("G11", i)
	}
}

// outlived tells that ring or process end while the request may still wait.
func (e *Expectation) outlived(r *Request) bool {
	if p := e.Path(r.Index); p != PathPoll && p != PathTaskWork && p != PathIOWQ && p != PathIOPoll {
		return false
	}
	fd, _ := e.File(r)
	for s := r.Step + 1; s < len(e.Program.Steps); s++ {
		st := &e.Program.Steps[s]
		switch st.Kind {
		case cases.StepFeed, cases.StepCloseFD:
			if st.FD.Ref == fd.Ref {
				return false
			}
		case cases.StepWait:
			if st.N == 0 && st.Ring == r.Ring {
				return false
			}
		case cases.StepCloseRing:
			if st.Ring == r.Ring {
				return true
			}
		case cases.StepExitThread:
			if st.Thread == e.Program.Steps[r.Step].Thread {
				return true
			}
		case cases.StepExit, cases.StepKill, cases.StepExec:
			if st.FD == (cases.FD{}) { // not a child's end
				return true
			}
		}
	}
	return false
}

func (e *Expectation) claimGroup(g *Group, add func(string, ...int)) {
	s := &e.Profile.Semantics
	leader := &e.Requests[g.Leader]
	all := g.Requests()
	if leader.Opaque {
		return
	}
	if len(g.Members) == 0 {
		add("G1", g.Leader)
		add("G2", g.Leader)
		if s.GroupOfOne == "plain" {
			add("P4.7", g.Leader)
		}
		return
	}
	add("G1", all...)
	if g.Open || e.sqpoll(leader) || slices.ContainsFunc(all, e.mustNotStop) { // there the kernel must not cut it
		add("G2", all...)
	}
	if g.Open {
		if s.OpenGroup == "after-chain" {
			add("P4.8", append(e.openAhead(g), all...)...)
		}
	}
	if len(e.Structure.Groups) > 1 || len(e.Program.Rings) > 1 {
		add("G12", all...)
	}
	if p := e.Path(g.Leader); !s.MembersAfterLeader && (p == PathPoll || p == PathTaskWork) && e.startsAtOnce(g) {
		add("P4.1", all...)
	}
	if s.MemberSkip == "allowed" && leader.Skip {
		add("P4.3", g.Leader)
	}
	var asked, unasked []int
	for _, i := range all {
		switch r := &e.Requests[i]; {
		case r.SQE.Flags&uring.Async != 0 && r.Worker == WorkerMust:
			asked = append(asked, i)
		case r.Worker == WorkerNever:
			unasked = append(unasked, i)
		}
		if e.own13(&e.Requests[i]) {
			add("G13", i)
		}
	}
	if len(asked) > 0 {
		add("G9", append(unasked, asked...)...)
	}
	for _, m := range g.Members {
		flags := e.Requests[m].SQE.Flags
		if s.MemberLinkFlags == "ignored" && flags&(linkFlags|uring.IODrain) != 0 {
			add("P4.2", m)
		}
		if s.MemberSkip == "allowed" && flags&uring.CQESkipSuccess != 0 {
			add("P4.3", m)
		}
		if s.MemberPrepFailureCancels == "linked-leader" && e.Requests[m].Prep.Fails() { // P7.6 is among the cancellations
			add("P4.6", all...)
		}
	}
	if !s.LeaderFailureCancels && e.fails(g.Leader) != never {
		add("P4.4", all...)
	}
	if e.anyFails(g.Members) {
		switch {
		case s.MemberFailureBreaks == "always":
			add("P7.7", all...)
		case leader.Linked():
			add("P4.5", all...)
		}
	}
	if s.CompleteInTask {
		for _, i := range all {
			if e.Path(i) == PathIOWQ {
				add("P7.10", i)
			}
		}
	}
	if leader.Chain >= 0 {
		e.claimChained(g, add)
	}
}

// mustNotStop tells that SQE i is rejected where that ends no submission, though it would on its own.
func (e *Expectation) mustNotStop(i int) bool {
	r := &e.Requests[i]
	return r.Prep.Fails() && e.ringFlags(r)&uring.SetupSubmitAll == 0 && !e.MayStopAt(i)
}

// own13 tells that the request has something of its own that its group must leave it: a file, a
// provided buffer, a personality.
func (e *Expectation) own13(r *Request) bool {
	fd, found := e.File(r)
	return found == Yes && fd.Ref != 0 || r.SQE.Flags&uring.BufferSelect != 0 || r.SQE.Personality != 0
}

// claimChained: a hard link that has to hold, and data that goes from element to element.
func (e *Expectation) claimChained(g *Group, add func(string, ...int)) {
	all := g.Requests()
	leader := &e.Requests[g.Leader]
	for k, el := range e.Structure.Chains[leader.Chain].Elements {
		other := e.elementRequests(el)
		if k == leader.Element+1 && leader.Hard && e.anyFails(all) {
			add("G6", append(other, all...)...)
		}
		if k != leader.Element && slices.ContainsFunc(all, func(a int) bool {
			return slices.ContainsFunc(other, func(b int) bool {
				x, y := e.Requests[a].SQE, e.Requests[b].SQE
				return x.Buf.Ref != 0 && x.Buf.Ref == y.Buf.Ref || x.FD.Ref != 0 && x.FD.Ref == y.FD.Ref
			})
		}) {
			add("G14", append(other, all...)...)
		}
	}
}

func (e *Expectation) groupInChain(r *Request) bool {
	return r.Chain >= 0 && slices.ContainsFunc(e.Structure.Chains[r.Chain].Elements, func(el Element) bool { return el.Group >= 0 })
}
