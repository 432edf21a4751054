// SPDX-License-Identifier: Apache-2.0

package answers

import (
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// none marks an event that was not seen.
const none = -1

// survey holds the run's programs whose evidence can be counted.
type survey struct {
	*Input
	seen []*sight
	have map[string]bool // event kinds that a probe was attached for
}

// sight is one program with its requests' tracks.
type sight struct {
	name      string
	program   *cases.Program
	out       *cases.Outcome
	exp       *model.Expectation
	structure *model.Structure
	tracks    []track // by SQE
	whole     bool    // no hole in the events
	// cut says that the program ended, or closed a ring, while requests could be in flight.
	cut bool
}

// track is what was seen of one request. Its events are indices into the outcome's.
type track struct {
	taken    bool // by the kernel: it was submitted
	rejected bool // while it was parsed
	first    int  // issue, punt, worker or defer: when it was queued
	done     int  // when its work was over, though its CQE may be held back
	posted   int
	freed    int
	armed    bool
	overflow bool
	worked   bool // an io-wq worker issued it
	byWorker bool // its work was over in an io-wq worker
	byTask   bool // in or behind task work of its own
	ranTask  bool // task work of its own has run
	frees    int
	cqes     []int // indices into the outcome's, those with IORING_CQE_F_MORE excepted
	res      int32 // of the CQE, else of the events; valid with hasRes
	hasRes   bool
	punts    int   // hops to io-wq
	punted   []int // the events
	hops     int   // task work
	again    bool  // sent to io-wq by its own handler's -EAGAIN
	inflight bool  // REQ_F_INFLIGHT was seen
	issues   []int
	parked   int  // return of an issue that may have left it waiting
	requeued bool // queued a second time though nothing had happened to it
}

// cqeMore is IORING_CQE_F_MORE of include/uapi/linux/io_uring.h.
const cqeMore = 1 << 1

func look(in *Input) *survey {
	s := &survey{Input: in, have: map[string]bool{}}
	for _, p := range in.Probes {
		kind, _, _ := strings.Cut(p, "=")
		s.have[kind] = true
	}
	for _, r := range in.Runs {
		if r.Program == nil || r.Outcome == nil || r.Outcome.End == cases.EndError {
			continue
		}
		s.seen = append(s.seen, see(r, in.Profile))
	}
	return s
}

func see(r Run, pr *cases.Profile) *sight {
	exp := model.Expect(r.Program, pr)
	st := &sight{name: r.Program.Name, program: r.Program, out: r.Outcome, exp: exp, structure: exp.Structure,
		tracks: make([]track, len(exp.Requests))}
	ev := &r.Outcome.Evidence
	st.whole = ev.Probes && ev.Lost == 0 && ev.Missed == 0 && len(r.Outcome.Events) > 0
	st.cut = r.Outcome.End != cases.EndDone
	for i := range r.Program.Steps {
		st.cut = st.cut || r.Program.Steps[i].Kind == cases.StepCloseRing
	}
	for i := range st.tracks {
		t := &st.tracks[i]
		t.first, t.done, t.parked, t.posted, t.freed = none, none, none, none, none
	}
	// pending: task work is queued and has not run. idle: nothing has
	// happened to the request that could make anybody queue it.
	pending, idle := make([]bool, len(st.tracks)), make([]bool, len(st.tracks))
	sqThread := map[int]uint32{} // by ring
	for k := range r.Outcome.Events {
		e := r.Outcome.Events[k]
		// SQPOLL's thread counts as a worker to the kernel; it is the one that submits.
		if e.Worker && (e.Kind == cases.EvSubmit || e.Kind == cases.EvPrepFail) {
			sqThread[e.Ring] = e.TID
		}
		e.Worker = e.Worker && e.TID != sqThread[e.Ring]
		i, ok := r.Program.IndexOf(e.UserData)
		if !ok || e.Kind == cases.EvRingCreate || e.Kind == cases.EvRingGone || e.Kind == cases.EvTaskExit {
			continue
		}
		st.tracks[i].see(k, &e, &pending[i], &idle[i])
	}
	for k, q := range r.Outcome.CQEs {
		i, ok := r.Program.IndexOf(q.UserData)
		if !ok || q.Flags&cqeMore != 0 {
			continue
		}
		t := &st.tracks[i]
		t.taken = true
		t.cqes = append(t.cqes, k)
		t.res, t.hasRes = q.Res, true
	}
	return st
}

func (t *track) see(k int, e *cases.Event, pending, idle *bool) {
	queue := func() {
		if t.first == none {
			t.first = k
		}
		t.requeued = t.requeued || *idle && !e.Worker
		*idle = true
	}
	t.inflight = t.inflight || e.Flags&reqFInflight != 0
	switch e.Kind {
	case cases.EvSubmit:
		t.taken = true
	case cases.EvPrepFail:
		t.taken, t.rejected = true, true
	case cases.EvDefer:
		if t.first == none {
			t.first = k
		}
	case cases.EvIssue:
		t.issues = append(t.issues, k)
		if t.posted == none {
			t.done = none
		}
		t.worked = t.worked || e.Worker
		queue()
	case cases.EvIssueReturn:
		switch {
		case e.Res == 0 && !waits(uring.Op(e.Op)):
			if t.posted == none {
				t.done, t.byWorker, t.byTask = k, e.Worker, t.ranTask
			}
		case e.Res < 0:
			*idle = false // -EAGAIN: a poll or io-wq follows
		default:
			t.parked = k
		}
	case cases.EvPunt:
		t.again = t.again || t.ran()
		t.punts++
		t.punted = append(t.punted, k)
		queue()
	case cases.EvWorker:
		if t.punts == 0 {
			t.punts++ // a link that a worker goes on with has no event of its own
		}
		*idle = false
	case cases.EvPollArm:
		t.armed, *idle = true, true
	case cases.EvTaskAdd:
		if !*pending {
			t.hops++
		}
		*pending, *idle = true, false
	case cases.EvTaskRun:
		if !*pending {
			t.hops++ // the event of queueing is not there in every build
		}
		*pending, *idle = false, false
		t.ranTask = true
		if t.posted == none && t.done == none {
			t.done, t.byWorker, t.byTask = k, false, true
		}
	case cases.EvComplete, cases.EvOverflow:
		if e.Kind == cases.EvComplete && e.Arg&cqeMore != 0 {
			return
		}
		t.overflow = t.overflow || e.Kind == cases.EvOverflow
		if t.posted == none {
			t.posted = k
			t.res, t.hasRes = e.Res, true
			switch {
			case t.done != none:
			case t.parked != none && !t.ranTask: // it did not wait after all
				t.done = t.parked
			default:
				t.done, t.byWorker = k, e.Worker
			}
		}
	case cases.EvFree:
		t.frees++
		t.freed = k
		if !t.hasRes {
			t.res, t.hasRes = e.Res, true
		}
	}
}

// waits tells that an issue of the opcode which succeeds leaves the request waiting.
func waits(op uring.Op) bool {
	switch op {
	case uring.OpPollAdd, uring.OpTimeout, uring.OpLinkTimeout, uring.OpFutexWait, uring.OpFutexWaitv, uring.OpWaitid:
		return true
	}
	return false
}

// over is when the request had certainly completed, none if that was not seen.
func (t *track) over() int {
	if t.posted != none {
		return t.posted
	}
	return t.freed
}

// ran tells that the request's handler was called.
func (t *track) ran() bool { return len(t.issues) > 0 }

// team is one group of a program, of which all requests were taken by the kernel.
type team struct {
	*sight
	*model.Group
}

// teams calls f for every group of more than one request.
func (s *survey) teams(f func(team)) {
	for _, st := range s.seen {
		for gi := range st.structure.Groups {
			g := &st.structure.Groups[gi]
			all := len(g.Members) > 0
			for _, i := range g.Requests() {
				all = all && st.tracks[i].taken
			}
			if all {
				f(team{st, g})
			}
		}
	}
}

func (t *team) leader() *track { return &t.tracks[t.Leader] }

func (st *sight) sqe(i int) *cases.SQE { return st.exp.Requests[i].SQE }

// healthy tells that no request of the group was rejected, and none was cancelled.
func (t *team) healthy() bool {
	for _, i := range t.Requests() {
		r := &t.tracks[i]
		if r.rejected || r.hasRes && r.res == -model.ECANCELED {
			return false
		}
	}
	return true
}

// behind lists the requests of the element that is linked behind the group, if any.
func (t *team) behind() []int {
	if t.Chain < 0 {
		return nil
	}
	els := t.structure.Chains[t.Chain].Elements
	for k := range els[:len(els)-1] {
		if els[k].SQE != t.Leader {
			continue
		}
		if next := els[k+1]; next.Group >= 0 {
			return t.structure.Groups[next.Group].Requests()
		} else {
			return []int{next.SQE}
		}
	}
	return nil
}
