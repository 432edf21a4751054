// SPDX-License-Identifier: Apache-2.0

// Package model is the executable specification of io_uring's links, drains
// and SQE groups: which SQEs form a group or chain, which are rejected, what
// a failure cancels, what must come before what, and where a request runs. It
// takes a Program and a profile and yields constraints, a partial order,
// never one canned trace, since io_uring is free to complete in many orders.
//
// This file is the specification: all rules, each named by its ID at the lines that
// implement it, in the order of a request's life. It is one file, and longer than others,
// so that it can be read from top to bottom with the rules' texts (cases.Rules)
// beside it. What it needs to know of opcodes is a table in ops.go.
package model

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

//
// 1. What is expected
//

// Expectation is what must hold of every run of a Program on a kernel of a
// Profile. It is data, to be evaluated on what was observed.
type Expectation struct {
	Program   *cases.Program
	Profile   *cases.Profile
	Structure *Structure
	// Requests are the Program's SQEs in program order.
	Requests []Request
	// Orders are the points that must come before others.
	Orders []Order

	restricted []bool // by ring: IORING_REGISTER_RESTRICTIONS may refuse SQEs
}

// Role is a request's place in its group.
type Role uint8

const (
	Plain Role = iota // not in a group
	Leader
	Member
)

// Request says what must hold of one SQE, once it was submitted.
type Request struct {
	cases.SQERef
	Role    Role
	Group   int // index into Structure.Groups, -1 for a plain request
	Chain   int // index into Structure.Chains, -1 if it is in none
	Element int // its element's index in the chain
	// Hard is set where the request's failure does not break its chain: the
	// element's HARDLINK, or a LINK_TIMEOUT, whose own end is no failure.
	Hard bool
	Prep Prep
	// Cancels are the reasons to be cancelled without being issued. Any that
	// holds makes the result -ECANCELED, or the request's own prep error.
	Cancels []Cancel
	// Cancellers are the SQEs that may cancel the request while it runs, and
	// CancelSteps tells that a step may.
	Cancellers  []int
	CancelSteps bool
	// Abandoned: the thread that submits the request exits in the program. What is left to be done
	// for the request in that thread is not done, and it may fail with -EFAULT instead of being issued.
	Abandoned bool
	// Own are the results that the operation itself may have.
	Own Results
	// Skip tells that success posts no CQE.
	Skip bool
	// Multi allows CQEs with IORING_CQE_F_MORE ahead of the last.
	Multi bool
	// Worker says where the request's first issue must be.
	Worker Worker
	// InTask: its CQE is never posted by an io-wq worker (P7.10).
	InTask bool
	// CanFault: a failure that the program injects may hit it.
	CanFault bool
	// Opaque: where its batch ends depends on when the kernel's thread looks
	// (SQPOLL), so it is not known with what it forms a group or chain.
	Opaque bool

	// undrained: the ring may have seen CQE_SKIP_SUCCESS before, and does not drain.
	undrained bool
}

// Linked tells whether the request, or for a member its leader, was given a link flag.
func (r *Request) Linked() bool { return r.Role != Member && r.SQE.Flags&linkFlags != 0 }

// Prep says how an SQE is parsed.
type Prep struct {
	Errno int32  // 0 or the negative error of the prep failure
	Rule  string // that asks for the error, "" for the plain kernel's
	// Unsure: it may also succeed, or fail in another way.
	Unsure bool
	// Else: Rule has it rejected in any case, but its own parsing may fail first, with another error.
	Else bool
}

// refused is a leader's Prep where a rule has its group refused as well.
func (p Prep) refused(rule string) Prep {
	if p.Fails() {
		return p
	}
	return Prep{Errno: -EINVAL, Rule: rule, Else: p.Unsure}
}

// Fails tells that parsing certainly fails.
func (p Prep) Fails() bool { return p.Errno != 0 && !p.Unsure }

// Cancel is one reason for a request to be cancelled before it is issued.
type Cancel struct {
	Rule string
	// By lists the requests of which any failure is the reason, or with Parsed any
	// that is rejected while it is parsed; nil if the reason always holds.
	By     []int
	Parsed bool
	// May: the rules leave it open whether the reason is one.
	May bool
	// Deciders are the requests whose CQE_SKIP_SUCCESS decides whether the
	// cancelled requests' CQEs are shown: where they differ, either will do
	// if it is the same for all.
	Deciders []int
}

// Worker says whether a request is issued by an io-wq worker.
type Worker uint8

const (
	WorkerEither Worker = iota
	WorkerMust          // G9: it asked for it
	WorkerNever         // nothing asks for it but the operation's own -EAGAIN
)

// Point is a moment in a request's life.
type Point uint8

const (
	Queued Point = iota // handed to an issue, to task work, to io-wq or to the drain list
	Issued              // its handler is called
	Woken               // what it was waiting for has come, and it goes on
	Worked              // its handler has begun its last call, or what it waited for has come
	Done                // it has completed: its CQE is posted or skipped
	CQE                 // its (last) CQE's place in the completion queue
)

func (p Point) String() string {
	return [...]string{"queued", "issued", "woken", "done with its work", "completed", "posted"}[p]
}

// Order demands that the Point of every request of Before has come when
// the Point of any request of After comes.
type Order struct {
	Rule        string
	Before      []int
	BeforePoint Point
	After       []int
	AfterPoint  Point
}

// Expect says what must hold of p on a kernel of profile pr.
func Expect(p *cases.Program, pr *cases.Profile) *Expectation {
	e := &Expectation{Program: p, Profile: pr, Structure: Assemble(p, pr)}
	e.place()
	e.faults()
	e.parse()
	for i := range e.Structure.Groups {
		e.group(&e.Structure.Groups[i])
		e.openBehindChain(&e.Structure.Groups[i])
	}
	for i := range e.Structure.Chains {
		e.chain(&e.Structure.Chains[i])
	}
	e.drains()
	for i := range e.Requests {
		r := &e.Requests[i]
		e.cancellers(r)
		r.Own = e.own(r)
		r.Worker = e.worker(r)
		r.InTask = r.Role != Plain && e.Profile.Semantics.CompleteInTask // P7.10
	}
	return e
}

func (e *Expectation) order(rule string, before []int, bp Point, after []int, ap Point) {
	if len(before) > 0 && len(after) > 0 {
		e.Orders = append(e.Orders, Order{Rule: rule, Before: before, BeforePoint: bp, After: after, AfterPoint: ap})
	}
}

func (e *Expectation) cancel(reqs []int, c Cancel) {
	for _, i := range reqs {
		e.Requests[i].Cancels = append(e.Requests[i].Cancels, c)
	}
}

// mayCancel: the rules leave open whether the rejection of culprit cancels reqs.
func (e *Expectation) mayCancel(culprit int, reqs ...int) {
	e.cancel(without(reqs, culprit), Cancel{By: []int{culprit}, Parsed: true, May: true})
}

//
// 2. Assembly: what forms a group, what forms a chain (G1, G2, P4.8, P7.9)
//

// Structure says how a Program's SQEs form groups and link chains. SQEs are
// named by their index in program order, see [cases.Program.SQEs].
type Structure struct {
	Groups []Group
	// Chains holds the link chains of at least two elements.
	Chains []Chain
	// Unsure are the SQEs that are in none of both, since the end of their
	// batch depends on when the kernel's thread looks (SQPOLL).
	Unsure []int
}

// Group is one SQE group. A group of one has no members.
type Group struct {
	Leader  int
	Members []int // in submission order, without the leader
	Step    int
	Ring    int
	Chain   int  // index into Structure.Chains, -1 for none
	Open    bool // it was closed by the end of the batch (G2)
}

// Requests lists the group's requests, the leader first.
func (g *Group) Requests() []int {
	return append([]int{g.Leader}, g.Members...)
}

// Size is the number of requests in the group, the leader included.
func (g *Group) Size() int { return 1 + len(g.Members) }

// Chain is one link chain.
type Chain struct {
	Elements []Element
	Step     int
	Ring     int
}

// Element is what a chain is made of: one plain request or one whole group.
type Element struct {
	SQE   int // the plain request, or the group's leader
	Group int // index into Structure.Groups, -1 for a plain request
}

const linkFlags = uring.IOLink | uring.IOHardlink

// Assemble forms the groups and link chains of p as a kernel of profile pr
// does. Every submission is taken to be consumed whole: where the kernel
// stops early, what it leaves behind is whole groups and chains.
func Assemble(p *cases.Program, pr *cases.Profile) *Structure {
	s := new(Structure)
	for _, b := range batches(p) {
		if b.unsure {
			for i := range b.sqes {
				s.Unsure = append(s.Unsure, b.first+i)
			}
			continue
		}
		a := assembly{s: s, pr: pr, step: b.step, ring: b.ring, group: -1}
		for i := range b.sqes {
			a.add(b.first+i, &b.sqes[i])
		}
		a.end()
	}
	return s
}

// assembly is the state of one batch: a link chain that may be open, and a
// group that may be open.
type assembly struct {
	s          *Structure
	pr         *cases.Profile
	step, ring int
	chain      []Element // of the open chain, empty if none is open
	group      int       // index of the open group, -1 if none is open
	linked     bool      // the open group's leader has LINK or HARDLINK
}

func (a *assembly) add(index int, q *cases.SQE) {
	inGroup := a.pr.Groups && q.Flags&uring.SQEGroup != 0
	if a.group >= 0 {
		g := &a.s.Groups[a.group]
		g.Members = append(g.Members, index)
		if !inGroup { // G1: the first SQE without the bit belongs to the group and ends it
			a.closeGroup()
		}
		return
	}
	if inGroup { // G1: the first SQE with the bit leads
		a.s.Groups = append(a.s.Groups, Group{Leader: index, Step: a.step, Ring: a.ring, Chain: -1})
		a.group = len(a.s.Groups) - 1
		a.linked = q.Flags&linkFlags != 0 // P4.2, P7.2: a member's link flags never link
		return
	}
	a.element(Element{SQE: index, Group: -1}, q.Flags&linkFlags != 0)
}

// closeGroup makes the open group an element.
func (a *assembly) closeGroup() {
	e := Element{SQE: a.s.Groups[a.group].Leader, Group: a.group}
	a.group = -1
	a.element(e, a.linked)
}

// element appends to the open chain, which goes on only behind a link flag (G5).
func (a *assembly) element(e Element, linked bool) {
	a.chain = append(a.chain, e)
	if !linked {
		a.closeChain()
	}
}

func (a *assembly) closeChain() {
	if len(a.chain) > 1 {
		for _, e := range a.chain {
			if e.Group >= 0 {
				a.s.Groups[e.Group].Chain = len(a.s.Chains)
			}
		}
		a.s.Chains = append(a.s.Chains, Chain{Elements: a.chain, Step: a.step, Ring: a.ring})
	}
	a.chain = nil
}

// end closes what the end of the batch leaves open (G2).
func (a *assembly) end() {
	if a.group >= 0 {
		a.s.Groups[a.group].Open = true
		if a.pr.Semantics.OpenGroup == "after-chain" { // P4.8; by P7.9 it joins
			a.closeChain()
		}
		a.closeGroup()
	}
	a.closeChain()
}

// batch is a run of SQEs that the kernel takes at once (G2).
type batch struct {
	ring, step int
	first      int // index of the first SQE in program order
	sqes       []cases.SQE
	unsure     bool // it may be cut, or joined with another one
}

// batches cuts a program's SQEs up. A submission is one batch. With SQPOLL a batch is what the kernel's
// thread finds in one pass (__io_sq_thread() takes all that it sees): one submission, or
// several that follow each other before it looks, which makes a difference where
// one ends in an open group or chain.
func batches(p *cases.Program) []batch {
	var list []batch
	first := 0
	last := map[int]int{} // ring → index into list of its batch before
	for s := range p.Steps {
		st := &p.Steps[s]
		if st.Kind != cases.StepSubmit {
			continue
		}
		b := batch{ring: st.Ring, step: s, first: first, sqes: st.SQEs}
		if p.Rings[st.Ring].Flags&uring.SetupSQPoll != 0 {
			if k, ok := last[st.Ring]; ok && !consumed(p, &list[k], s) && endsOpen(list[k].sqes) {
				list[k].unsure, b.unsure = true, true
			}
		}
		list = append(list, b)
		last[st.Ring] = len(list) - 1
		first += len(st.SQEs)
	}
	return list
}

// consumed tells that the kernel's thread has taken batch b when step s comes:
// everything, or more than all that came before b, was waited for in between. Without
// SUBMIT_ALL the thread may stop behind a rejected SQE of b, and take the rest in its next pass.
func consumed(p *cases.Program, b *batch, s int) bool {
	least := b.first + 1
	if p.Rings[b.ring].Flags&uring.SetupSubmitAll == 0 {
		least = b.first + len(b.sqes)
	}
	waited := 0
	for k := range p.Steps[:s] {
		st := &p.Steps[k]
		if st.Kind != cases.StepWait || st.Ring != b.ring {
			continue
		}
		if waited += st.N; k > b.step && (st.N == 0 || waited >= least) {
			return true
		}
	}
	return false
}

// endsOpen tells that the SQEs leave a group or chain open.
func endsOpen(sqes []cases.SQE) bool {
	if len(sqes) == 0 {
		return false
	}
	a := assembly{s: new(Structure), pr: &cases.Profile{Groups: true}, group: -1}
	for i := range sqes {
		a.add(i, &sqes[i])
	}
	return a.group >= 0 || len(a.chain) > 0
}

// place gives each request its role, group and chain.
func (e *Expectation) place() {
	refs := e.Program.SQEs()
	e.Requests = make([]Request, len(refs))
	for i, ref := range refs {
		e.Requests[i] = Request{
			SQERef: ref, Group: -1, Chain: -1,
			Skip:  ref.SQE.Flags&uring.CQESkipSuccess != 0,
			Multi: multishot(ref.SQE),
			Hard:  ref.SQE.Flags&uring.IOHardlink != 0 || ref.SQE.Op == uring.OpLinkTimeout,
		}
	}
	e.restricted = make([]bool, len(e.Program.Rings))
	for _, st := range e.Program.Steps {
		if st.Kind == cases.StepRegister && st.Reg != nil && st.Reg.Op == uring.RegisterRestrictions {
			e.restricted[st.Ring] = true
		}
	}
	for _, i := range e.Structure.Unsure {
		e.Requests[i].Opaque = true
	}
	for gi, g := range e.Structure.Groups {
		for _, i := range g.Requests() {
			r := &e.Requests[i]
			r.Role, r.Group = Member, gi
			r.Hard = e.Requests[g.Leader].SQE.Flags&uring.IOHardlink != 0 // G6, P4.2
		}
		e.Requests[g.Leader].Role = Leader
	}
	for ci, c := range e.Structure.Chains {
		for k, el := range c.Elements {
			for _, i := range e.elementRequests(el) {
				e.Requests[i].Chain, e.Requests[i].Element = ci, k
			}
		}
	}
}

func (e *Expectation) elementRequests(el Element) []int {
	if el.Group >= 0 {
		return e.Structure.Groups[el.Group].Requests()
	}
	return []int{el.SQE}
}

func (e *Expectation) isLinkTimeout(el Element) bool {
	return el.Group < 0 && e.Requests[el.SQE].SQE.Op == uring.OpLinkTimeout
}

//
// 3. Parsing: what is rejected before anything runs
//

// parse finds the SQEs that are rejected while they are parsed.
func (e *Expectation) parse() {
	skipped := slices.Repeat([]Truth{No}, len(e.Program.Rings)) // ctx->drain_disabled
	stopped, mayStop := -1, -1                                  // steps whose rest is not consumed, or may not be
	step, refused, sure := -1, int32(0), true
	for i := range e.Requests {
		r := &e.Requests[i]
		if r.Step != step {
			step = r.Step
			refused, sure = e.Refused(step)
		}
		if r.Step == stopped || refused != 0 && sure && !e.sqpoll(r) { // SQPOLL's thread takes what was refused as well, when it may
			continue
		}
		before := skipped[r.Ring]
		r.Prep = e.initReq(r, &skipped[r.Ring])
		if (refused != 0 || r.Step == mayStop) && before != Yes && skipped[r.Ring] == Yes {
			skipped[r.Ring] = Unknown
		}
		r.undrained = skipped[r.Ring] != No
		if r.Prep.Errno == 0 && (e.Faulty(r.Step) || e.restricted[r.Ring]) {
			r.Prep = Prep{Errno: -ENOMEM, Unsure: true}
		}
		switch {
		case e.sqpoll(r): // its thread comes back for the rest
		case r.Prep.Fails() && e.StopsAt(i):
			stopped = r.Step
		case r.Prep.Errno != 0 && e.MayStopAt(i):
			mayStop = r.Step
		}
	}
}

// initReq is io_init_req() of 6.12, with what the profile adds. skipped tells whether the ring
// has seen CQE_SKIP_SUCCESS: it does not drain then.
func (e *Expectation) initReq(r *Request, skipped *Truth) Prep {
	q := r.SQE
	if p := e.known(q); p.Errno != 0 {
		return p
	}
	op := &opcodes[q.Op]
	if q.Flags&uring.CQESkipSuccess != 0 {
		*skipped = Yes
	}
	if q.Flags&uring.IODrain != 0 && *skipped != No {
		// P4.2 ignores the flag of a member, P7.2 refuses the group; whether this error comes first is open.
		return Prep{Errno: -EOPNOTSUPP, Unsure: r.Role == Member || r.Opaque || *skipped == Unknown}
	}
	if !op.ioprio && q.IOPrio != 0 {
		return Prep{Errno: -EINVAL}
	}
	if !op.iopoll && e.ringFlags(r)&uring.SetupIOPoll != 0 {
		return Prep{Errno: -EINVAL}
	}
	if q.Personality != 0 { // G13: its own, whatever group it is in
		if p := e.personality(r); p.Errno != 0 {
			return p
		}
	}
	if q.Op == uring.OpLinkTimeout {
		if p := e.linkTimeout(r); p.Errno != 0 {
			return p
		}
	}
	if op.prep == nil {
		return Prep{Errno: -EINVAL, Unsure: true}
	}
	return op.prep(e, r)
}

// known says what comes first: the kernel looks no further at an SQE with an opcode or a flag that it does not know.
func (e *Expectation) known(q *cases.SQE) Prep {
	switch {
	case q.Op >= uring.OpLast:
		return Prep{Errno: -EINVAL}
	case q.Flags&uring.SQEGroup != 0 && !e.Profile.Groups: // G12: without the feature bit 7 is unknown
		return Prep{Errno: -EINVAL, Rule: "G12"}
	case q.Flags&uring.BufferSelect != 0 && !opcodes[q.Op].provided:
		return Prep{Errno: -EOPNOTSUPP}
	}
	return Prep{}
}

// linkTimeout says where IORING_OP_LINK_TIMEOUT may stand.
func (e *Expectation) linkTimeout(r *Request) Prep {
	rejected := e.Profile.Semantics.LinkTimeout == "rejected"
	switch {
	case r.Opaque:
		return Prep{Errno: -EINVAL, Unsure: true}
	case r.Role != Plain && rejected: // P7.4: neither leader nor member
		return Prep{Errno: -EINVAL, Rule: "P7.4"}
	case r.Role != Plain: // left open
		return Prep{Errno: -EINVAL, Unsure: true}
	case r.Chain < 0 || r.Element == 0: // there is nothing to watch
		return Prep{Errno: -EINVAL}
	case e.Requests[e.Structure.Chains[r.Chain].Elements[r.Element-1].SQE].SQE.Op == uring.OpLinkTimeout: // nor do they watch each other
		return Prep{Errno: -EINVAL}
	case rejected && e.Structure.Chains[r.Chain].Elements[r.Element-1].Group >= 0: // P7.4: nor behind a linked group
		return Prep{Errno: -EINVAL, Rule: "P7.4"}
	}
	return Prep{}
}

// StopsAt tells whether the kernel, where SQE i fails to be parsed, leaves
// the rest of the submission alone: it does so outside chains and groups,
// unless the ring has IORING_SETUP_SUBMIT_ALL.
func (e *Expectation) StopsAt(i int) bool {
	r := &e.Requests[i]
	return r.Role == Plain && !r.Opaque && r.SQE.Flags&linkFlags == 0 && e.ringFlags(r)&uring.SetupSubmitAll == 0
}

// MayStopAt is StopsAt, or the last SQE of a group, after which it may stop as
// well, unless the group is linked: then its chain goes on (G5).
func (e *Expectation) MayStopAt(i int) bool {
	r := &e.Requests[i]
	if r.Opaque || e.StopsAt(i) {
		return true
	}
	if r.Role == Plain || e.ringFlags(r)&uring.SetupSubmitAll != 0 {
		return false
	}
	g := &e.Structure.Groups[r.Group]
	all := g.Requests()
	return all[len(all)-1] == i && !e.Requests[g.Leader].Linked()
}

// Rejects tells whether SQE i, or anything of its group, is or may be rejected while it is parsed.
func (e *Expectation) Rejects(i int) bool {
	r := &e.Requests[i]
	if r.Role == Plain {
		return r.Prep.Errno != 0
	}
	return slices.ContainsFunc(e.Structure.Groups[r.Group].Requests(), func(k int) bool { return e.Requests[k].Prep.Errno != 0 })
}

func (e *Expectation) ringFlags(r *Request) uring.SetupFlags { return e.Program.Rings[r.Ring].Flags }

func (e *Expectation) sqpoll(r *Request) bool { return e.ringFlags(r)&uring.SetupSQPoll != 0 }

//
// 4. Inside a group
//

func (e *Expectation) group(g *Group) {
	s := &e.Profile.Semantics
	leader := &e.Requests[g.Leader]
	all := g.Requests()
	if len(g.Members) == 0 {
		if s.GroupOfOne == "rejected" { // P7.8; P4.7: nothing special
			leader.Prep = leader.Prep.refused("P7.8")
		}
		return
	}
	// G4: the leader's CQE is the last one.
	e.order("G4", g.Members, CQE, []int{g.Leader}, CQE)
	// G10: the leader is done when the whole group is.
	e.order("G10", g.Members, Done, []int{g.Leader}, Done)

	if rule := e.refused(g); rule != "" { // P7.2, P7.3: the leader gets -EINVAL, the others -ECANCELED
		leader.Prep = leader.Prep.refused(rule)
		e.cancel(g.Members, Cancel{Rule: rule, Deciders: all})
		return
	}
	if s.MembersAfterLeader { // P7.1
		e.order("P7.1", []int{g.Leader}, Worked, g.Members, Issued)
	} else if e.blocks(leader) && e.startsAtOnce(g) && !e.sqpoll(leader) {
		// P4.1: what the leader waits for comes in a step after the submission, or from a member; the members do not wait with it.
		e.order("P4.1", g.Members, Queued, []int{g.Leader}, Woken)
	}
	if s.LeaderFailureCancels { // P7.5, not P4.4
		e.cancel(g.Members, Cancel{Rule: "P7.5", By: []int{g.Leader}, Deciders: all})
	}
	for _, m := range g.Members {
		prep := e.Requests[m].Prep
		switch {
		case prep.Errno == 0:
		case s.MemberPrepFailureCancels == "group": // P7.6, and P7.4 where the member is a LINK_TIMEOUT
			rule := "P7.6"
			if prep.Rule == "P7.4" {
				rule = "P7.4"
			}
			e.cancel(without(all, m), Cancel{Rule: rule, By: []int{m}, Parsed: true, Deciders: all})
		case leader.SQE.Flags&uring.IOHardlink != 0: // nothing says that HARDLINK is a link here
			e.mayCancel(m, g.Leader)
		case leader.SQE.Flags&uring.IOLink != 0: // P4.6; the others run
			e.cancel([]int{g.Leader}, Cancel{Rule: "P4.6", By: []int{m}, Parsed: true, Deciders: all})
		}
	}
}

// refused returns the rule by which the profile refuses the group, or "".
func (e *Expectation) refused(g *Group) string {
	s := &e.Profile.Semantics
	for _, m := range g.Members {
		flags := e.Requests[m].SQE.Flags
		if s.MemberLinkFlags == "rejected" && flags&(linkFlags|uring.IODrain) != 0 { // P7.2, not P4.2
			return "P7.2"
		}
		if s.MemberSkip == "rejected" && flags&uring.CQESkipSuccess != 0 { // P7.3, not P4.3
			return "P7.3"
		}
	}
	return ""
}

// startsAtOnce tells that nothing holds the group back when it is submitted.
func (e *Expectation) startsAtOnce(g *Group) bool {
	leader := &e.Requests[g.Leader]
	if leader.Chain >= 0 && leader.Element > 0 || leader.Prep.Errno != 0 {
		return false
	}
	return !slices.ContainsFunc(e.Requests[:g.Leader+1], func(r Request) bool { // a drain on the ring may hold it back
		return r.Ring == leader.Ring && r.SQE.Flags&uring.IODrain != 0
	})
}

func without(list []int, x int) []int {
	return slices.DeleteFunc(slices.Clone(list), func(i int) bool { return i == x })
}

//
// 5. Chains
//

func (e *Expectation) chain(c *Chain) {
	prev := -1
	for k, el := range c.Elements {
		if !e.isLinkTimeout(el) {
			if prev >= 0 {
				// G5: nothing of an element starts before all of the one ahead is done.
				ahead := c.Elements[prev]
				e.order(e.linkRule(ahead, el, "I4", "G5"), e.elementRequests(ahead), Done, e.elementRequests(el), Issued)
			}
			prev = k
		}
		e.breaks(c, k)
	}
	e.prepBreaks(c)
}

// openBehindChain is P4.8: the group comes after the chain that is open ahead of it. A chain that is
// drained is queued by the task work that ends the drain, when the group may have been.
func (e *Expectation) openBehindChain(g *Group) {
	if ahead := e.openAhead(g); ahead != nil && !e.drainsUpTo(g.Leader) {
		e.order("P4.8", ahead[:1], Queued, g.Requests(), Queued)
	}
}

// drainsUpTo tells that a request of SQE i's ring has IO_DRAIN, i itself or one ahead of it.
func (e *Expectation) drainsUpTo(i int) bool {
	return slices.ContainsFunc(e.Requests[:i+1], func(o Request) bool {
		return o.SQE.Flags&uring.IODrain != 0 && o.Ring == e.Requests[i].Ring
	})
}

// openAhead returns the requests of the link chain that is open ahead of a
// group that the end of the submission closes, but that does not join it; nil for none.
func (e *Expectation) openAhead(g *Group) []int {
	i := g.Leader - 1
	if !g.Open || e.Profile.Semantics.OpenGroup != "after-chain" || i < 0 || e.Requests[i].Step != g.Step {
		return nil
	}
	last := &e.Requests[i]
	if last.Role != Plain {
		last = &e.Requests[e.Structure.Groups[last.Group].Leader]
	}
	switch {
	case !last.Linked():
		return nil
	case last.Chain < 0:
		return e.elementRequests(Element{last.Index, last.Group})
	}
	var list []int
	for _, el := range e.Structure.Chains[last.Chain].Elements {
		list = append(list, e.elementRequests(el)...)
	}
	return list
}

// linkRule names the rule that ties element next to element ahead: plain
// links are as ever (invariant), groups are what the feature promises (group), and
// a group that joins only because the batch ended is P7.9.
func (e *Expectation) linkRule(ahead, next Element, invariant, group string) string {
	switch {
	case next.Group >= 0 && e.Structure.Groups[next.Group].Open:
		return "P7.9"
	case ahead.Group >= 0 || next.Group >= 0:
		return group
	}
	return invariant
}

// breaks says what a failure in element k while running does to the elements
// behind it. In a group a member's failure counts as well (P4.5, P7.7), which
// the leader's own result does not show.
func (e *Expectation) breaks(c *Chain, k int) {
	el := c.Elements[k]
	by := e.elementRequests(el)
	if e.Requests[el.SQE].Hard { // G6: HARDLINK goes on regardless
		return
	}
	for n, next := range c.Elements[k+1:] {
		if n == 0 && e.isLinkTimeout(next) {
			continue // it may be the reason for the failure
		}
		rule := e.linkRule(el, next, "I6", "G7")
		if el.Group >= 0 && rule != "P7.9" {
			rule = "G6"
		}
		e.cancel(e.elementRequests(next), Cancel{Rule: rule, By: by, Deciders: by})
	}
}

// prepBreaks says what an SQE that is rejected while it is parsed does to its chain.
func (e *Expectation) prepBreaks(c *Chain) {
	for k, el := range c.Elements {
		for _, i := range e.elementRequests(el) {
			r := &e.Requests[i]
			switch {
			case r.Prep.Errno == 0:
			case r.Role == Plain:
				e.failChain(c, r)
			default:
				e.groupPrepBreaks(c, k, r)
			}
		}
	}
}

// failChain: nothing of the chain runs, neither ahead of the rejected plain
// request nor behind it, and HARDLINK does not help (io_submit_fail_init()
// marks the head as failed). Groups in the chain are cancelled whole (G7).
func (e *Expectation) failChain(c *Chain, culprit *Request) {
	head := []int{c.Elements[0].SQE} // its CQE_SKIP_SUCCESS decides for the chain (G7)
	for _, el := range c.Elements {
		rule := "I6"
		switch {
		case culprit.Prep.Rule != "": // P7.4
			rule = culprit.Prep.Rule
		case el.Group >= 0:
			rule = "G7"
		}
		e.cancel(without(e.elementRequests(el), culprit.Index), Cancel{Rule: rule, By: []int{culprit.Index}, Parsed: true, Deciders: head})
	}
}

// groupPrepBreaks: a request of a linked group is rejected. What is behind
// the group is cancelled (G6). Whether the elements ahead run first (the
// chain then breaks at the group, and the group's own rules hold in it) or the whole chain is
// failed at once like that of a plain request (G7) is not specified.
func (e *Expectation) groupPrepBreaks(c *Chain, k int, culprit *Request) {
	g := &e.Structure.Groups[culprit.Group]
	for j, el := range c.Elements {
		reqs := e.elementRequests(el)
		switch {
		case j < k:
			e.mayCancel(culprit.Index, reqs...)
		case j == k:
			if k > 0 || culprit.Role == Leader {
				e.mayCancel(culprit.Index, reqs...)
			}
		case e.Requests[g.Leader].Hard:
			e.mayCancel(culprit.Index, reqs...)
		default:
			e.cancel(reqs, Cancel{Rule: "G6", By: []int{culprit.Index}, Parsed: true, Deciders: append(g.Requests(), c.Elements[0].SQE)})
		}
	}
}

//
// 6. Drains
//

// drains adds the order that IO_DRAIN demands. The plain kernel holds a
// drained request back until all before it are done, but does not always
// hold later ones back until it is done; G8 promises both for a group.
func (e *Expectation) drains() {
	for i := range e.Requests {
		r := &e.Requests[i]
		if r.SQE.Flags&uring.IODrain == 0 || r.Role == Member || r.Opaque { // P4.2
			continue
		}
		// The kernel counts CQEs, and a notification's is one too many. That of a request which is rejected comes at once.
		notified := func(end int) bool {
			return slices.ContainsFunc(e.Requests[:end], func(o Request) bool { return o.Ring == r.Ring && Notifies(o.SQE.Op) })
		}
		if notified(i) {
			continue
		}
		drained, rule := []int{i}, "I4"
		if r.Role == Leader {
			drained, rule = e.Structure.Groups[r.Group].Requests(), "G8"
		}
		if r.Prep.Errno != 0 {
			if !e.DrainsMembers(r) {
				continue
			}
			drained = e.Structure.Groups[r.Group].Members
		}
		var earlier, groups, later []int
		for j := range e.Requests {
			switch other := &e.Requests[j]; {
			case other.Ring != r.Ring:
			case other.SQE.Op == uring.OpLinkTimeout && other.Chain >= 0 && other.Chain == r.Chain: // it ends by task work, whenever that runs
			case j < i && e.submittedBefore(j, i) && other.Role != Plain:
				groups = append(groups, j)
			case j < i && e.submittedBefore(j, i):
				earlier = append(earlier, j)
			case j > drained[len(drained)-1] && e.submittedBefore(i, j):
				later = append(later, j)
			}
		}
		e.order(rule, earlier, Done, drained, Issued)
		e.order("G8", groups, Done, drained, Issued) // the sequence counts every SQE of a group
		if r.Role == Leader && !e.skipsInChain(r) && !notified(drained[len(drained)-1]+1) {
			if k := slices.IndexFunc(later, func(j int) bool { return e.Requests[j].Opaque || e.losesDrain(j) || notified(j+1) }); k >= 0 {
				later = later[:k]
			}
			e.order("G8", drained, Done, later, Issued)
		}
	}
}

// Undrained tells that SQE i may be held back until its ring ends: it is behind a drain and behind a chain whose head
// was rejected before the ring noted its CQE_SKIP_SUCCESS, so that it drains by CQEs that are hidden, or behind
// a request that posts a notification as well, which is one CQE too many. 6.12 itself does so.
func (e *Expectation) Undrained(i int) bool {
	drains, wrong := false, false
	for k := range i + 1 {
		o := &e.Requests[k]
		if o.Ring != e.Requests[i].Ring {
			continue
		}
		drains = drains || o.SQE.Flags&uring.IODrain != 0
		wrong = wrong || Notifies(o.SQE.Op) || o.Chain >= 0 && o.Element == 0 && o.Role != Member && o.Skip && e.known(o.SQE).Errno != 0
	}
	return drains && wrong
}

// HeldWith is the last SQE whose drain holds SQE i back as well: that of the last element of its chain. While it
// parses, the kernel takes a group that the end of the submission closes for one of the chain ahead that is open (P4.8).
func (e *Expectation) HeldWith(i int) int {
	r := &e.Requests[i]
	last := e.lastElement(r)
	if e.leftOpen(r) {
		all := e.elementRequests(last)
		behind := all[len(all)-1] + 1
		for k := range e.Structure.Groups {
			if g := &e.Structure.Groups[k]; g.Open && g.Leader == behind && g.Step == r.Step {
				return behind
			}
		}
	}
	return max(i, last.SQE)
}

// losesDrain tells that SQE i is of a chain that is rejected, so that a drain ahead is for what
// follows it, and may hide what it cancels, so that there is no sequence of CQEs to wait for. A
// timeout that the head has armed is cancelled apart from the rest, and hidden if it has CQE_SKIP_SUCCESS itself.
func (e *Expectation) losesDrain(i int) bool {
	r := &e.Requests[i]
	if r.Chain < 0 {
		return false
	}
	elements := e.Structure.Chains[r.Chain].Elements
	return len(elements) > 1 && (e.Requests[elements[0].SQE].Skip || e.isLinkTimeout(elements[1]) && e.Requests[elements[1].SQE].Skip) &&
		slices.ContainsFunc(elements, func(el Element) bool { return e.Rejects(el.SQE) })
}

// DrainsMembers tells that r leads a group whose members run though it was rejected (P4.4).
// They are drained as ever, if the ring drains at all.
func (e *Expectation) DrainsMembers(r *Request) bool {
	return r.Role == Leader && r.Chain < 0 && r.Prep.Fails() && !r.undrained &&
		!e.Profile.Semantics.LeaderFailureCancels && len(e.Structure.Groups[r.Group].Members) > 0
}

// skipsInChain tells that what completes r's chain may leave no CQE: a plain request of it has
// CQE_SKIP_SUCCESS, or the leader of a group that is linked on, and hides what it cancels. The drain
// sequence counts CQEs, so that the kernel refuses to drain behind such a request, and promises
// nothing where it comes behind the drain.
func (e *Expectation) skipsInChain(r *Request) bool {
	return r.Chain >= 0 && slices.ContainsFunc(e.Structure.Chains[r.Chain].Elements, func(el Element) bool {
		head := &e.Requests[el.SQE]
		return head.Skip && (el.Group < 0 || head.SQE.Flags&(uring.IOLink|uring.IOHardlink) != 0)
	})
}

// submittedBefore tells that the kernel certainly took SQE i before SQE k.
func (e *Expectation) submittedBefore(i, k int) bool {
	a, b := e.Requests[i].Step, e.Requests[k].Step
	return a == b && i < k || e.StepBefore(a, b)
}

//
// 7. Where requests run
//

// worker says where the request must be first issued (G9, C2).
func (e *Expectation) worker(r *Request) Worker {
	if r.SQE.Flags&uring.Async != 0 { // G9
		if armsFirst(r.SQE) {
			return WorkerEither
		}
		return WorkerMust
	}
	if r.Opaque || r.SQE.Op >= uring.OpLast {
		return WorkerEither
	}
	last := r.Index // a drain sends the whole chain to io-wq, its head included, and what comes behind
	if r.Chain >= 0 {
		elements := e.Structure.Chains[r.Chain].Elements
		last = elements[len(elements)-1].SQE
	}
	if e.drainsUpTo(last) {
		return WorkerEither
	}
	if opcodes[r.SQE.Op].place == mayForce || e.leftOpen(r) {
		return WorkerEither
	}
	if r.Chain >= 0 { // a worker goes on with the chain that it has begun
		for _, el := range e.Structure.Chains[r.Chain].Elements[:r.Element] {
			for _, i := range e.elementRequests(el) {
				if q := e.Requests[i].SQE; q.Flags&uring.Async != 0 || q.Op >= uring.OpLast || opcodes[q.Op].place != inTask {
					return WorkerEither
				}
			}
		}
	}
	return WorkerNever // G9, C2: not even with a leader or member in io-wq
}

// leftOpen tells that a link flag on the last SQE or group of its submission
// left r's chain open: io_submit_state_end() sends such a chain to io-wq.
func (e *Expectation) leftOpen(r *Request) bool { return e.Requests[e.lastElement(r).SQE].Linked() }

// lastElement is the last one of r's chain, or what r is itself where it is in none: a plain request, or its group.
func (e *Expectation) lastElement(r *Request) Element {
	switch {
	case r.Chain >= 0:
		elements := e.Structure.Chains[r.Chain].Elements
		return elements[len(elements)-1]
	case r.Group >= 0:
		return Element{SQE: e.Structure.Groups[r.Group].Leader, Group: r.Group}
	}
	return Element{SQE: r.Index, Group: -1}
}

//
// 8. What holds of a run: failures, cancellations, CQEs shown
//

// Truth is a statement about a run; the evidence may leave it open.
type Truth int8

const (
	Unknown Truth = iota
	No
	Yes
)

func truth(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

// Observed is what the evaluation of an Expectation needs to know of a run.
type Observed interface {
	// Submitted tells that the SQE was consumed.
	Submitted(i int) bool
	// Rejected tells whether the SQE was seen to be rejected while it was parsed.
	Rejected(i int) Truth
	// Result returns the request's result if it has completed.
	Result(i int) (res int32, done bool)
	// ReapedBy tells that the request's CQE had been reaped when the step was over.
	ReapedBy(i, step int) bool
	// StepOK tells that the step was carried out and succeeded, and with what.
	StepOK(step int) (ret int64, ok bool)
}

// Failed tells whether the request failed in the sense of links and groups.
func (e *Expectation) Failed(i int, o Observed) Truth {
	r := &e.Requests[i]
	if !o.Submitted(i) {
		return No
	}
	if e.Rejected(i, o) == Yes {
		return Yes
	}
	res, done := o.Result(i)
	if !done || r.Opaque {
		return Unknown
	}
	failed, unsure := Failed(r.SQE, res)
	if unsure {
		return Unknown
	}
	return truth(failed)
}

// Rejected tells whether the request was rejected while it was parsed.
func (e *Expectation) Rejected(i int, o Observed) Truth {
	if e.Requests[i].Prep.Fails() {
		return Yes
	}
	return o.Rejected(i)
}

// Cancelled tells whether a reason to cancel the request ahead of its issue
// holds, and which. It is Unknown where the rules leave it open.
func (e *Expectation) Cancelled(i int, o Observed) (Truth, *Cancel) {
	reasons, open := e.reasons(i, o)
	switch {
	case len(reasons) > 0:
		return Yes, reasons[0]
	case open:
		return Unknown, nil
	}
	return No, nil
}

// reasons lists the reasons to cancel the request that hold; open tells that others may.
// That the leader of its group failed says nothing where the leader was cancelled for the same reason.
func (e *Expectation) reasons(i int, o Observed) (reasons []*Cancel, open bool) {
	var byLeader []*Cancel
	for k := range e.Requests[i].Cancels {
		c := &e.Requests[i].Cancels[k]
		switch holds := e.holds(c, o); {
		case holds == Yes && !c.May && c.Rule == "P7.5":
			byLeader = append(byLeader, c)
		case holds == Yes && !c.May:
			reasons = append(reasons, c)
		case holds != No:
			open = true
		}
	}
	if len(reasons) == 0 {
		reasons = byLeader
	}
	return reasons, open
}

func (e *Expectation) holds(c *Cancel, o Observed) Truth {
	if c.By == nil {
		return Yes
	}
	state := No
	for _, by := range c.By {
		is := e.Failed(by, o)
		if c.Parsed {
			is = e.Rejected(by, o)
		}
		if is == Yes {
			return Yes
		}
		if is == Unknown {
			state = Unknown
		}
	}
	return state
}

// Shown tells whether the request's CQE must be in the queue (G3, G7, P4.3, P7.7).
func (e *Expectation) Shown(i int, o Observed) Truth {
	r := &e.Requests[i]
	if !e.maySkip(r) {
		return Yes
	}
	if r.Opaque || r.SQE.Op == uring.OpLinkTimeout {
		return Unknown
	}
	switch reasons, open := e.reasons(i, o); {
	case open:
		return Unknown
	case len(reasons) > 0: // G7: decided once for the chain
		return e.decided(r, reasons, o)
	}
	if e.Rejected(i, o) != No {
		return Unknown
	}
	if r.Role == Leader && r.Skip {
		if shown := e.shownForMember(r, o); shown != No {
			return shown
		}
	}
	switch e.Failed(i, o) {
	case Yes:
		return Yes
	case No:
		return truth(!r.Skip) // G3
	}
	return Unknown
}

// decided tells whether a chain or group that is cancelled shows the CQE of r (G7).
func (e *Expectation) decided(r *Request, reasons []*Cancel, o Observed) Truth {
	hidden := e.Requests[reasons[0].Deciders[0]].Skip
	tells, own := false, false
	for _, c := range reasons {
		if slices.ContainsFunc(c.Deciders, func(d int) bool { return e.Requests[d].Skip != hidden }) {
			return Unknown
		}
		tells = tells || slices.Contains(c.Deciders, r.Index)
		own = own || r.Group >= 0 && e.Requests[c.Deciders[0]].Group == r.Group
	}
	switch {
	case e.Rejected(r.Index, o) != No:
		return Unknown
	case hidden && tells && r.Role == Plain: // it tells of the failure: its own CQE is shown, whatever it does to the others'
		return Yes
	case hidden && (tells || own): // G7 is about groups that a chain breaks; within its own, G3 does not ask for silence
		return Unknown
	}
	return truth(!hidden)
}

// shownForMember: the leader has CQE_SKIP_SUCCESS; does a member's failure show its CQE?
func (e *Expectation) shownForMember(leader *Request, o Observed) Truth {
	shown := No
	for _, m := range e.Structure.Groups[leader.Group].Members {
		failed := e.Failed(m, o)
		switch {
		case failed == No:
		case e.Profile.Semantics.MemberFailureBreaks == "always" && failed == Yes: // P7.7: linked or not
			return Yes
		case e.Profile.Semantics.MemberFailureBreaks == "always" || leader.Linked(): // P4.5 leaves it open
			shown = Unknown
		}
	}
	return shown
}

// maySkip tells whether any SQE that may decide about the request's CQE has CQE_SKIP_SUCCESS.
func (e *Expectation) maySkip(r *Request) bool {
	skips := func(i int) bool { return e.Requests[i].Skip }
	return r.Skip || slices.ContainsFunc(r.Cancels, func(c Cancel) bool { return slices.ContainsFunc(c.Deciders, skips) }) ||
		r.Chain >= 0 && slices.ContainsFunc(e.Structure.Chains[r.Chain].Elements, func(el Element) bool { return skips(el.SQE) }) ||
		r.Opaque && slices.ContainsFunc(e.Requests[:r.Index], func(o Request) bool { return o.Ring == r.Ring && o.Skip })
}
