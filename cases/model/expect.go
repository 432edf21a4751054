// SPDX-License-Identifier: Apache-2.0

package model

import (
	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

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
	// MayCancel allows -ECANCELED where the rules leave it open.
	MayCancel bool
	// Cancellers are the SQEs that may cancel the request while it runs, and
	// CancelSteps tells that a step may.
	Cancellers  []int
	CancelSteps bool
	// Own are the results that the operation itself may have.
	Own Results
	// Skip tells that success posts no CQE.
	Skip bool
	// Multi allows CQEs with IORING_CQE_F_MORE ahead of the last.
	Multi bool
	// Worker says where the request's first issue must be.
	Worker Worker
	// Opaque: nothing is known about this request's result or time, since its ring works in
	// a way that the model does not describe (SQPOLL, IOPOLL).
	Opaque bool
}

// Linked tells whether the request, or for a member its leader, was given a link flag.
func (r *Request) Linked() bool { return r.Role != Member && r.SQE.Flags&linkFlags != 0 }

// Prep says how an SQE is parsed.
type Prep struct {
	Errno int32  // 0 or the negative error of the prep failure
	Rule  string // that asks for the error, "" for the plain kernel's
	// Unsure: it may also succeed, or fail in another way.
	Unsure bool
}

// Fails tells that parsing certainly fails.
func (p Prep) Fails() bool { return p.Errno != 0 && !p.Unsure }

// Cancel is one reason for a request to be cancelled before it is issued.
type Cancel struct {
	Rule string
	// By lists the requests of which any failure is the reason; nil if the
	// reason always holds, because an SQE is rejected while it is parsed.
	By []int
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
	Queued Point = iota // handed to an issue, to io-wq or to the drain list
	Issued              // its handler is called
	Woken               // what it was waiting for has come, and it goes on
	Done                // it has completed: its CQE is posted or skipped
	CQE                 // its CQE's place in the completion queue
)

func (p Point) String() string {
	return [...]string{"queued", "issued", "woken", "completed", "posted"}[p]
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
	e.parse()
	for i := range e.Structure.Groups {
		if g := &e.Structure.Groups[i]; !e.Requests[g.Leader].Opaque {
			e.group(g)
		}
	}
	for i := range e.Structure.Chains {
		if c := &e.Structure.Chains[i]; !e.Requests[c.Elements[0].SQE].Opaque {
			e.chain(c)
		}
	}
	for i := range e.Requests {
		r := &e.Requests[i]
		e.cancellers(r)
		r.Own = e.own(r)
		r.Worker = e.worker(r)
	}
	e.drains()
	return e
}

// place gives each request its role, group and chain.
func (e *Expectation) place() {
	refs := e.Program.SQEs()
	e.Requests = make([]Request, len(refs))
	for i, ref := range refs {
		flags := e.Program.Rings[ref.Ring].Flags
		e.Requests[i] = Request{
			SQERef: ref, Group: -1, Chain: -1,
			Skip:   ref.SQE.Flags&uring.CQESkipSuccess != 0,
			Multi:  multishot(ref.SQE),
			Hard:   ref.SQE.Flags&uring.IOHardlink != 0 || ref.SQE.Op == uring.OpLinkTimeout,
			Opaque: flags&(uring.SetupSQPoll|uring.SetupIOPoll|uring.SetupRDisabled) != 0,
		}
	}
	for gi, g := range e.Structure.Groups {
		for _, i := range e.Structure.Groups[gi].Requests() {
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

// Requests lists the group's requests, the leader first.
func (g *Group) Requests() []int {
	return append([]int{g.Leader}, g.Members...)
}

func (e *Expectation) elementRequests(el Element) []int {
	if el.Group >= 0 {
		return e.Structure.Groups[el.Group].Requests()
	}
	return []int{el.SQE}
}

// parse finds the SQEs that are rejected while they are parsed.
func (e *Expectation) parse() {
	drainDisabled := make([]bool, len(e.Program.Rings)) // ctx->drain_disabled
	stopped := -1                                       // step whose rest is not consumed
	for i := range e.Requests {
		r := &e.Requests[i]
		if r.Step == stopped {
			continue
		}
		r.Prep = e.prep(r, &drainDisabled[r.Ring])
		if r.Prep.Fails() && e.StopsAt(i) {
			stopped = r.Step
		}
	}
}

// StopsAt tells whether the kernel, where SQE i fails to be parsed, leaves
// the rest of the submission alone: it does so outside chains and groups,
// unless the ring has IORING_SETUP_SUBMIT_ALL.
func (e *Expectation) StopsAt(i int) bool {
	r := &e.Requests[i]
	return r.Role == Plain && r.SQE.Flags&linkFlags == 0 && !e.submitAll(r)
}

// MayStopAt is StopsAt, or the last SQE of a group, after which it may stop as well.
func (e *Expectation) MayStopAt(i int) bool {
	r := &e.Requests[i]
	if r.Opaque || e.StopsAt(i) {
		return true
	}
	if r.Role == Plain || e.submitAll(r) {
		return false
	}
	g := e.Structure.Groups[r.Group].Requests()
	return g[len(g)-1] == i
}

func (e *Expectation) submitAll(r *Request) bool {
	return e.Program.Rings[r.Ring].Flags&uring.SetupSubmitAll != 0
}

// group adds the rules inside one group.
func (e *Expectation) group(g *Group) {
	s := &e.Profile.Semantics
	leader := &e.Requests[g.Leader]
	all := g.Requests()
	if len(g.Members) == 0 {
		if s.GroupOfOne == "rejected" && leader.Prep.Errno == 0 { // P7.8; P4.7: nothing special
			leader.Prep = Prep{Errno: -EINVAL, Rule: "P7.8"}
		}
		return
	}
	// G4: the leader's CQE is the last one.
	e.order("G4", g.Members, CQE, []int{g.Leader}, CQE)
	// G10: the leader is done when the whole group is.
	e.order("G10", g.Members, Done, []int{g.Leader}, Done)

	if rule := e.rejected(g); rule != "" { // P7.2, P7.3: the leader gets -EINVAL, the others -ECANCELED
		if leader.Prep.Errno == 0 {
			leader.Prep = Prep{Errno: -EINVAL, Rule: rule}
		}
		e.cancel(g.Members, Cancel{Rule: rule, Deciders: []int{g.Leader}})
		return
	}
	if s.MembersAfterLeader { // P7.1
		e.order("P7.1", []int{g.Leader}, Issued, g.Members, Issued)
	} else if e.blocks(leader) && e.startsAtOnce(g) {
		// P4.1: what the leader waits for comes in a later step, or from a member; the members do not wait with it.
		e.order("P4.1", g.Members, Queued, []int{g.Leader}, Woken)
	}
	if s.LeaderFailureCancels { // P7.5, not P4.4
		e.cancel(g.Members, Cancel{Rule: "P7.5", By: []int{g.Leader}, Deciders: []int{g.Leader}})
	}
	for _, m := range g.Members {
		if e.Requests[m].Prep.Errno == 0 {
			continue
		}
		switch {
		case e.Requests[m].Prep.Unsure:
			e.mayCancel(all...)
		case s.MemberPrepFailureCancels == "group": // P7.6
			e.cancel(all, Cancel{Rule: "P7.6", Deciders: all})
		case leader.SQE.Flags&uring.IOHardlink != 0: // nothing says that HARDLINK is a link here
			e.mayCancel(g.Leader)
		case leader.SQE.Flags&uring.IOLink != 0: // P4.6; the others run
			e.cancel([]int{g.Leader}, Cancel{Rule: "P4.6", Deciders: all})
		}
	}
}

// rejected returns the rule by which the profile refuses the group, or "".
func (e *Expectation) rejected(g *Group) string {
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
	if leader.Opaque || leader.Chain >= 0 && leader.Element > 0 {
		return false
	}
	for i := range e.Requests[:g.Leader+1] { // a drain on the ring may hold it back
		r := &e.Requests[i]
		if r.Ring == leader.Ring && r.SQE.Flags&uring.IODrain != 0 {
			return false
		}
	}
	return true
}

// chain adds the rules of one link chain.
func (e *Expectation) chain(c *Chain) {
	prev := -1
	for k, el := range c.Elements {
		now := e.elementRequests(el)
		if prev >= 0 && !e.isLinkTimeout(el) {
			// G5: nothing of an element starts before all of the one ahead is done.
			ahead := c.Elements[prev]
			rule := "I4" // plain requests: as ever
			if el.Group >= 0 || ahead.Group >= 0 {
				rule = "G5"
			}
			e.order(rule, e.elementRequests(ahead), Done, now, Issued)
		}
		if !e.isLinkTimeout(el) {
			prev = k
		}
		e.breaks(c, k)
	}
	e.prepBreaks(c)
}

// breaks says what a failure in element k while running does to the elements behind it.
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
		rule := "I6" // plain requests: as ever
		switch {
		case el.Group >= 0:
			rule = "G6" // P4.5, P7.7: a member's failure counts as well
		case next.Group >= 0:
			rule = "G7"
		}
		e.cancel(e.elementRequests(next), Cancel{Rule: rule, By: by, Deciders: by})
	}
}

// prepBreaks says what an SQE that is rejected while it is parsed does to its
// chain: nothing of the chain runs, neither ahead of it nor behind it, and
// HARDLINK does not help (io_submit_fail_init marks the head as failed).
func (e *Expectation) prepBreaks(c *Chain) {
	for k, el := range c.Elements {
		for _, i := range e.elementRequests(el) {
			r := &e.Requests[i]
			switch {
			case r.Prep.Errno == 0:
			case r.Prep.Unsure:
				e.mayCancelChain(c)
			case r.Role == Plain:
				e.failChain(c, i)
			default:
				e.groupPrepBreaks(c, k, r)
			}
		}
	}
}

func (e *Expectation) failChain(c *Chain, culprit int) {
	head := e.elementRequests(c.Elements[0])
	deciders := head[:1] // its CQE_SKIP_SUCCESS decides for the chain (G7)
	for _, el := range c.Elements {
		rule := "I6"
		if el.Group >= 0 {
			rule = "G7"
		}
		for _, i := range e.elementRequests(el) {
			if i != culprit {
				e.cancel([]int{i}, Cancel{Rule: rule, Deciders: deciders})
			}
		}
	}
}

// groupPrepBreaks: a request of a linked group is rejected. What is behind
// the group is cancelled (G6). Whether the elements ahead run first (the
// chain then breaks at the group, P4.6 and P4.4 hold in it) or the whole chain is
// failed at once like that of a plain request (G7) is not specified.
func (e *Expectation) groupPrepBreaks(c *Chain, k int, culprit *Request) {
	g := &e.Structure.Groups[culprit.Group]
	leader := &e.Requests[g.Leader]
	for j, el := range c.Elements {
		reqs := e.elementRequests(el)
		switch {
		case j < k:
			e.mayCancel(reqs...)
		case j == k:
			if k > 0 || culprit.Role == Leader {
				e.mayCancel(reqs...)
			}
		case leader.Hard:
			e.mayCancel(reqs...)
		default:
			e.cancel(reqs, Cancel{Rule: "G6", Deciders: append(g.Requests(), c.Elements[0].SQE)})
		}
	}
}

func (e *Expectation) isLinkTimeout(el Element) bool {
	return el.Group < 0 && e.Requests[el.SQE].SQE.Op == uring.OpLinkTimeout
}

func (e *Expectation) order(rule string, before []int, bp Point, after []int, ap Point) {
	e.Orders = append(e.Orders, Order{Rule: rule, Before: before, BeforePoint: bp, After: after, AfterPoint: ap})
}

func (e *Expectation) cancel(reqs []int, c Cancel) {
	for _, i := range reqs {
		e.Requests[i].Cancels = append(e.Requests[i].Cancels, c)
	}
}

func (e *Expectation) mayCancel(reqs ...int) {
	for _, i := range reqs {
		e.Requests[i].MayCancel = true
	}
}

func (e *Expectation) mayCancelChain(c *Chain) {
	for _, el := range c.Elements {
		e.mayCancel(e.elementRequests(el)...)
	}
}

// drains adds the order that IO_DRAIN demands. The plain kernel holds a
// drained request back until all before it are done, but does not always
// hold later ones back until it is done; G8 promises both for a group.
func (e *Expectation) drains() {
	for i := range e.Requests {
		r := &e.Requests[i]
		if r.SQE.Flags&uring.IODrain == 0 || r.Role == Member || r.Opaque || r.Prep.Errno != 0 { // P4.2
			continue
		}
		drained, rule := []int{i}, "I4"
		if r.Role == Leader {
			g := &e.Structure.Groups[r.Group]
			drained, rule = g.Requests(), "G8"
		}
		var earlier, groups, later []int
		for j := range e.Requests {
			switch other := &e.Requests[j]; {
			case other.Ring != r.Ring || other.Opaque:
			case j < i && other.Role != Plain:
				groups = append(groups, j)
			case j < i:
				earlier = append(earlier, j)
			case j > drained[len(drained)-1]:
				later = append(later, j)
			}
		}
		e.order(rule, earlier, Done, drained, Issued)
		e.order("G8", groups, Done, drained, Issued)
		if r.Role == Leader {
			e.order(rule, drained, Done, later, Issued)
		}
	}
}
