// SPDX-License-Identifier: Apache-2.0

// Package sim is a small simulated io_uring: it runs a Program under a
// Profile without a kernel, with a seeded random schedule, and returns an
// Outcome with CQEs and events as a correct kernel might have produced them. It stands
// in for a guest in tests of everything that reads outcomes. It knows both
// families of profiles: members in parallel with the leader, and after it.
//
// What forms a group or chain and what is rejected it takes from the model;
// when what runs, completes, fails and is cancelled is its own.
package sim

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// Bug is a mistake that the simulated kernel makes.
type Bug int

const (
	None           Bug = iota
	LeaderFirst        // the leader's CQE is posted before its members'
	DoubleDrop         // the first request of a group to complete drops the reference twice
	LostMember         // the last member of each group is never queued
	DrainIgnored       // IO_DRAIN on a leader does nothing
	ChainUnbroken      // a failing member does not break its leader's chain
	MemberWaits        // members are queued when their leader is done
	LeaderCancels      // a failing leader cancels its members
	MemberPunted       // members of a leader in io-wq go there as well
	NextTooEarly       // the next element starts when the leader is done
	LeakOverflow       // overflowed CQEs of leaders are dropped
	CancelledShown     // CQEs of cancelled members are shown against the chain's decision
	MemberEarly        // members that must wait for their leader do not
	LeaderForgiven     // a failing leader does not cancel the members that wait for it
	WorkerPosts        // a worker posts the CQEs that the task has to post
	LeaderHidden       // a member's failure does not show the CQE of a leader with CQE_SKIP_SUCCESS
	RefusalIgnored     // a group that must be refused runs
)

// Probes names the probes that the simulated kernel has attached.
func Probes() []string {
	var names []string
	for k := cases.EvRingCreate; k.String() != "unknown"; k++ {
		names = append(names, k.String()+"=sim")
	}
	return names
}

type request struct {
	model.Request
	ring      *ring
	addr      uint64
	skip      bool // CQE_SKIP_SUCCESS holds (REQ_F_CQE_SKIP)
	skipLinks bool // REQ_F_SKIP_LINK_CQES
	failed    bool
	res       int32
	worked    bool // complete but for its CQE
	done      bool
	worker    bool // runs in a worker
	armed     bool
	held      bool // a member that waits for its leader
	begun     bool
	unit      *unit
	elem      int
	grp       *group
}

type group struct {
	leader  *request
	all     []*request
	refs    int32
	broken  bool // a member failed
	dropped bool // DoubleDrop has happened
}

// unit is what is queued as one: a chain, or one element.
type unit struct {
	elems   [][]*request
	next    int
	first   int // SQE index
	needAll bool
}

type ring struct {
	index    int
	entries  uint32
	cq       []cases.CQE
	overflow []cases.CQE
	inFlight int
	compl    []*request
	deferred []*unit
	drainNxt bool
	closed   bool
}

type machine struct {
	p       *cases.Program
	pr      *cases.Profile
	exp     *model.Expectation
	bug     Bug
	rnd     *rand.Rand
	out     *cases.Outcome
	rings   []*ring
	reqs    []*request
	work    []func() // task work and io-wq work that may run now
	waiting []*request
	clock   uint64
	bufs    [][]byte
	files   [][]byte
	pipes   [][2][]byte // by resource: bytes that end i can read
	hungUp  [][2]bool   // by resource: no more bytes will come for end i
	dying   bool

	personalities int64
}

// Run executes p as a correct kernel of profile pr would, on a schedule
// chosen by seed.
func Run(p *cases.Program, pr *cases.Profile, seed uint64) *cases.Outcome {
	return RunWith(p, pr, seed, None)
}

// RunWith is [Run] on a kernel with a mistake.
func RunWith(p *cases.Program, pr *cases.Profile, seed uint64, bug Bug) *cases.Outcome {
	m := &machine{p: p, pr: pr, bug: bug, exp: model.Expect(p, pr), rnd: rand.New(rand.NewPCG(seed, 1))}
	m.out = &cases.Outcome{End: cases.EndDone, Evidence: cases.Evidence{Probes: true}}
	m.out.Events = make([]cases.Event, 0, len(p.Rings)+8*len(m.exp.Requests)) // what most take
	m.setUp()
	for s := range p.Steps {
		if !m.step(s, &p.Steps[s]) {
			break
		}
	}
	m.tearDown()
	m.out.Evidence.Events = uint64(len(m.out.Events))
	return m.out
}

func (m *machine) setUp() {
	for i := range m.p.Rings {
		spec := &m.p.Rings[i]
		r := &ring{index: i, entries: spec.CQEntries}
		if r.entries == 0 {
			r.entries = 2 * spec.Entries
		}
		m.rings = append(m.rings, r)
		m.out.Events = append(m.out.Events, cases.Event{Kind: cases.EvRingCreate, Ring: i})
	}
	for i := range m.p.Buffers {
		b := make([]byte, m.p.Buffers[i].Size)
		m.p.Buffers[i].Fill.Bytes(b, 0) // structures are not laid out: what they say is known
		m.bufs = append(m.bufs, b)
	}
	for i := range m.p.Resources {
		res := &m.p.Resources[i]
		b := make([]byte, res.Size)
		res.Fill.Bytes(b, 0)
		m.files = append(m.files, b)
		m.pipes = append(m.pipes, [2][]byte{})
		m.hungUp = append(m.hungUp, [2]bool{})
	}
	for i := range m.exp.Requests {
		r := &m.exp.Requests[i]
		req := &request{Request: *r, ring: m.rings[r.Ring], addr: 0xffff888000000000 + uint64(i)*256, skip: r.Skip}
		if r.SQE.Op == uring.OpLinkTimeout && (r.Role != model.Plain || r.Opaque) { // left open by some profiles; rejected here
			req.Prep.Unsure = false
		}
		if m.bug == RefusalIgnored && strings.HasPrefix(req.Prep.Rule, "P7") {
			req.Prep = model.Prep{}
		}
		m.reqs = append(m.reqs, req)
	}
	for gi := range m.exp.Structure.Groups {
		g := &group{}
		for _, i := range m.exp.Structure.Groups[gi].Requests() {
			g.all = append(g.all, m.reqs[i])
			m.reqs[i].grp = g
		}
		g.leader, g.refs = g.all[0], int32(len(g.all))
		for _, r := range g.all[1:] {
			for _, c := range r.Cancels { // the group is refused, whatever else is wrong with its leader
				if c.By == nil && !g.leader.Prep.Fails() && m.bug != RefusalIgnored {
					g.leader.Prep = model.Prep{Errno: -model.EINVAL, Rule: c.Rule}
				}
			}
		}
	}
}

func (m *machine) step(s int, st *cases.Step) bool {
	result := cases.StepResult{}
	switch st.Kind {
	case cases.StepSubmit:
		if errno, sure := m.exp.Refused(s); errno != 0 && sure {
			result = cases.StepResult{Ret: -1, Errno: errno}
			break
		}
		result.Ret = int64(m.submit(s, st))
	case cases.StepWait:
		result = m.wait(s, st)
	case cases.StepFeed:
		m.feed(st)
		result.Ret = int64(st.N)
		if m.p.Resources[st.FD.Ref-1].Kind == cases.ResEventFD {
			result.Ret = 8
		}
	case cases.StepRegister:
		if st.Reg.Op == uring.RegisterPersonality {
			m.personalities++
			result.Ret = m.personalities
		}
	case cases.StepTake:
		b := &m.pipes[st.FD.Ref-1][st.FD.End]
		n := min(st.N, len(*b))
		*b, result.Ret = (*b)[n:], int64(n)
	case cases.StepCloseFD:
		if ref := st.FD.Ref; ref > 0 {
			m.hungUp[ref-1][1-st.FD.End] = true
		}
	case cases.StepCloseRing:
		m.closeRing(m.rings[st.Ring])
	case cases.StepCancel:
		for _, r := range slices.Clone(m.waiting) {
			if r.ring.index == st.Ring && m.cancels(st, r) {
				m.cancel(r)
			}
		}
		m.runSome(100)
	case cases.StepExit, cases.StepKill, cases.StepExec:
		if st.FD != (cases.FD{}) { // a child
			break
		}
		m.dying = true
		m.out.End = map[cases.StepKind]cases.End{cases.StepExit: cases.EndExited, cases.StepKill: cases.EndKilled, cases.StepExec: cases.EndExeced}[st.Kind]
		return false
	}
	m.out.Steps = append(m.out.Steps, result)
	return true
}

func (m *machine) event(kind cases.EventKind, r *request, res int32) {
	m.clock += 100
	ev := cases.Event{Time: m.clock, Kind: kind, Ring: r.ring.index, Req: r.addr, Gen: 1,
		UserData: cases.UserData(r.Index), Op: uint8(r.SQE.Op), Flags: uint64(r.SQE.Flags), Res: res,
		TID: 100, TGID: 100}
	if r.worker {
		ev.Worker, ev.CPU, ev.TID = true, 1, 101
	}
	if r.grp != nil && len(r.grp.all) > 1 && kind != cases.EvSubmit && kind != cases.EvPrepFail {
		ev.Leader, ev.HasGroupRefs, ev.GroupRefs = r.grp.leader.addr, true, r.grp.refs
	}
	m.out.Events = append(m.out.Events, ev)
}

func (m *machine) submit(s int, st *cases.Step) int {
	first := 0
	for i := range m.p.Steps[:s] {
		first += len(m.p.Steps[i].SQEs)
	}
	for pos := range st.SQEs {
		r := m.reqs[first+pos]
		r.ring.inFlight++
		r.begun = true
		switch {
		case r.Prep.Fails():
			r.res = r.Prep.Errno
			r.setFail()
			if m.late(r) { // it was parsed all right; the group it leads is refused as a whole
				m.event(cases.EvSubmit, r, 0)
				break
			}
			m.event(cases.EvPrepFail, r, r.res)
		default:
			m.event(cases.EvSubmit, r, 0)
		}
		u := r.unit
		if u == nil {
			u = m.newUnit(r)
		}
		last := u.elems[len(u.elems)-1]
		if last[len(last)-1] == r {
			m.queue(u)
		}
		if r.Prep.Fails() && m.exp.StopsAt(r.Index) && m.p.Rings[st.Ring].Flags&uring.SetupSQPoll == 0 {
			m.flush(r.ring)
			return pos + 1
		}
	}
	m.flush(m.rings[st.Ring])
	m.runSome(m.rnd.IntN(4))
	return len(st.SQEs)
}

// late tells that the request leads a group that is refused when it is complete.
func (m *machine) late(r *request) bool {
	switch r.Prep.Rule {
	case "P7.2", "P7.3", "P7.8":
		return true
	}
	return false
}

// setFail is req_set_fail().
func (r *request) setFail() {
	r.failed = true
	if r.skip {
		r.skip, r.skipLinks = false, true
	}
}

func (m *machine) newUnit(r *request) *unit {
	u := &unit{first: r.Index}
	add := func(list []int) {
		var el []*request
		for _, i := range list {
			m.reqs[i].unit, m.reqs[i].elem = u, len(u.elems)
			el = append(el, m.reqs[i])
		}
		u.elems = append(u.elems, el)
	}
	requests := func(group, sqe int) []int {
		if group >= 0 {
			return m.exp.Structure.Groups[group].Requests()
		}
		return []int{sqe}
	}
	if r.Chain >= 0 {
		for _, el := range m.exp.Structure.Chains[r.Chain].Elements {
			add(requests(el.Group, el.SQE))
		}
	} else {
		add(requests(r.Group, r.Index))
	}
	return u
}

// queue starts a unit, or holds it back for a drain.
func (m *machine) queue(u *unit) {
	rg := u.elems[0][0].ring
	u.needAll = rg.drainNxt
	rg.drainNxt = false
	for k, el := range u.elems {
		head := el[0]
		if head.SQE.Flags&uring.IODrain == 0 || head.Prep.Fails() && !m.exp.DrainsMembers(&head.Request) || m.bug == DrainIgnored && head.Role == model.Leader {
			continue
		}
		u.needAll = true
		rg.drainNxt = rg.drainNxt || k > 0 || head.Role == model.Leader
	}
	if u.needAll && m.pendingBefore(rg, u.first) || len(rg.deferred) > 0 {
		m.event(cases.EvDefer, u.elems[0][0], 0)
		rg.deferred = append(rg.deferred, u)
		return
	}
	if u.needAll {
		m.undrained(rg, u)
		return
	}
	m.start(u)
}

// undrained hands a drained unit that nothing holds back to task work.
func (m *machine) undrained(rg *ring, u *unit) {
	m.event(cases.EvTaskAdd, u.elems[0][0], 0)
	m.later(func() {
		m.event(cases.EvTaskRun, u.elems[0][0], 0)
		m.start(u)
		m.flush(rg)
	})
}

func (m *machine) pendingBefore(rg *ring, first int) bool {
	for _, r := range m.reqs[:first] {
		if r.ring == rg && r.begun && !r.done {
			return true
		}
	}
	return false
}

func (m *machine) wakeDeferred(rg *ring) {
	for len(rg.deferred) > 0 {
		u := rg.deferred[0]
		if u.needAll && m.pendingBefore(rg, u.first) {
			return
		}
		rg.deferred = rg.deferred[1:]
		m.undrained(rg, u)
	}
}

func (m *machine) later(f func()) { m.work = append(m.work, f) }
