// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// start runs a unit's first element, unless parsing has broken its chain.
func (m *machine) start(u *unit) {
	head := u.elems[0][0]
	broken := false
	for k, el := range u.elems {
		for _, r := range el {
			if r.Prep.Fails() && (k > 0 || r.Role == model.Plain) {
				broken = true
			}
		}
	}
	if broken {
		if !head.Prep.Fails() {
			head.res = -model.ECANCELED
			head.setFail()
		}
		m.failRest(u, 0, head, head.skipLinks)
		return
	}
	m.startElement(u, 0, false)
}

// failRest cancels the requests of all elements from k on. by keeps its own CQE.
func (m *machine) failRest(u *unit, k int, by *request, hide bool) {
	u.next = len(u.elems)
	for ; k < len(u.elems); k++ {
		for _, r := range u.elems[k] {
			if r.done || r.worked {
				continue
			}
			if !r.Prep.Fails() {
				r.res = -model.ECANCELED
			}
			r.failed = true
			if r != by {
				r.skip = hide
				if m.bug == CancelledShown && r.Role == model.Member {
					r.skip = false
				}
			}
			m.complete(r)
		}
	}
	m.later(func() { m.flush(by.ring) })
}

func (m *machine) startElement(u *unit, k int, inWorker bool) {
	u.next = k + 1
	el := u.elems[k]
	after := m.pr.Semantics.MembersAfterLeader && len(el) > 1
	if after && m.bug != RefusalIgnored && slices.ContainsFunc(el, func(r *request) bool { return r.Prep.Fails() }) { // P7.2 to P7.6
		for _, r := range el {
			m.refuse(r)
		}
		return
	}
	if after && m.bug != MemberEarly {
		for _, r := range el[1:] {
			r.held = true
		}
	}
	leader := el[0]
	linked := leader.SQE.Flags&uring.IOLink != 0 && leader.SQE.Flags&uring.IOHardlink == 0
	for n, r := range el {
		if r.Role == model.Leader && linked && !r.Prep.Fails() && slices.ContainsFunc(el[1:], func(m *request) bool { return m.Prep.Fails() }) {
			m.refuse(r) // P4.6
			continue
		}
		if r.Prep.Fails() {
			m.complete(r)
			continue
		}
		if m.bug == LostMember && n > 0 && n == len(el)-1 {
			continue
		}
		if m.bug == MemberWaits && n > 0 && !leader.worked {
			continue
		}
		if r.watches() {
			continue
		}
		if after && n > 0 && m.bug != MemberEarly {
			continue
		}
		m.startRequest(r, inWorker && n == 0)
	}
}

// watches tells that the request is a timeout for the element ahead of it.
func (r *request) watches() bool {
	return r.SQE.Op == uring.OpLinkTimeout && r.Role == model.Plain && !r.Prep.Fails()
}

// refuse completes a request that is rejected, or cancelled with one that is.
func (m *machine) refuse(r *request) {
	if !r.Prep.Fails() {
		r.res = -model.ECANCELED
		r.setFail()
	}
	m.complete(r)
}

func (m *machine) startRequest(r *request, inWorker bool) {
	force := r.SQE.Flags&uring.Async != 0 || r.SQE.Op == uring.OpFsync ||
		m.bug == MemberPunted && r.Role == model.Member && r.grp.leader.SQE.Flags&uring.Async != 0
	switch {
	case inWorker:
		m.issueInWorker(r)
	case force:
		m.event(cases.EvPunt, r, 0)
		m.later(func() { m.issueInWorker(r) })
	default:
		m.issue(r)
	}
}

// release starts the members that waited for their leader, or cancels them with it.
func (m *machine) release(leader *request) {
	members := slices.Clone(leader.grp.all[1:])
	m.rnd.Shuffle(len(members), func(i, k int) { members[i], members[k] = members[k], members[i] })
	for n, r := range members {
		if !r.held || m.bug == LostMember && n == 0 {
			continue
		}
		r.held = false
		start := func() {
			if leader.failed && m.bug != LeaderForgiven || m.dying {
				m.refuse(r)
			} else {
				m.startRequest(r, false)
			}
		}
		if leader.worker || m.rnd.IntN(2) == 0 {
			m.later(func() { start(); m.flush(r.ring) })
		} else {
			start() // whoever flushes goes on to flush this
		}
	}
}

// issue calls the request's handler in the task's context.
func (m *machine) issue(r *request) {
	m.event(cases.EvIssue, r, 0)
	res, ok := m.do(r)
	if !ok {
		m.park(r)
		return
	}
	m.event(cases.EvIssueReturn, r, 0)
	m.finish(r, res)
}

func (m *machine) park(r *request) {
	if !pollable(r.SQE.Op) || r.SQE.Op == uring.OpPollAdd {
		m.event(cases.EvIssueReturn, r, 0)
	} else {
		m.event(cases.EvIssueReturn, r, -model.EAGAIN)
		m.event(cases.EvPollArm, r, 0)
	}
	r.armed = true
	m.waiting = append(m.waiting, r)
}

func (m *machine) issueInWorker(r *request) {
	if r.done || r.worked {
		return
	}
	if m.dying {
		m.finish(r, -model.ECANCELED)
		m.flush(r.ring)
		return
	}
	r.worker = true
	m.event(cases.EvWorker, r, 0)
	m.event(cases.EvIssue, r, 0)
	res, ok := m.do(r)
	if !ok {
		m.park(r)
		r.worker = false
		return
	}
	if m.pr.Semantics.CompleteInTask && r.Role != model.Plain && m.bug != WorkerPosts { // P7.10
		m.event(cases.EvIssueReturn, r, 0)
		m.event(cases.EvTaskAdd, r, 0)
		r.worker = false
		m.later(func() {
			m.event(cases.EvTaskRun, r, 0)
			m.finish(r, res)
			m.flush(r.ring)
		})
		return
	}
	m.finish(r, res)
	m.flush(r.ring)
	r.worker = false
}

// finish records the result; the CQE is posted by the next flush.
func (m *machine) finish(r *request, res int32) {
	r.res = res
	if failed, _ := model.Failed(r.SQE, res); failed {
		r.setFail()
	}
	m.complete(r)
}

func (m *machine) complete(r *request) {
	r.worked = true
	r.ring.compl = append(r.ring.compl, r)
}

// runSome runs up to n pieces of pending work in random order.
func (m *machine) runSome(n int) bool {
	ran := false
	for ; n > 0; n-- {
		m.wake()
		if len(m.work) == 0 {
			return ran
		}
		k := m.rnd.IntN(len(m.work))
		f := m.work[k]
		m.work = slices.Delete(m.work, k, k+1)
		f()
		ran = true
	}
	return ran
}

// wake retries parked requests whose file became ready.
func (m *machine) wake() {
	for _, r := range slices.Clone(m.waiting) {
		if !pollable(r.SQE.Op) || !m.ready(r) {
			continue
		}
		m.unpark(r)
		m.event(cases.EvTaskAdd, r, 0)
		m.later(func() {
			if r.done || r.worked {
				return
			}
			m.event(cases.EvTaskRun, r, 0)
			if r.SQE.Op == uring.OpPollAdd {
				res, _ := m.do(r)
				m.finish(r, res)
			} else if r.SQE.Flags&uring.Async != 0 {
				m.event(cases.EvPunt, r, 0)
				m.issueInWorker(r)
			} else {
				m.issue(r)
			}
			m.flush(r.ring)
		})
	}
}

// pollable tells that a request of the opcode that waits does so for a file.
func pollable(op uring.Op) bool {
	switch op {
	case uring.OpTimeout, uring.OpFutexWait, uring.OpFutexWaitv, uring.OpWaitid, uring.OpAccept:
		return false
	}
	return true
}

func (m *machine) unpark(r *request) {
	if i := slices.Index(m.waiting, r); i >= 0 {
		m.waiting = slices.Delete(m.waiting, i, i+1)
	}
	r.armed = false
}

func (m *machine) cancel(r *request) {
	m.unpark(r)
	m.event(cases.EvTaskAdd, r, 0)
	m.later(func() {
		if !r.worked {
			m.event(cases.EvTaskRun, r, 0)
			m.finish(r, -model.ECANCELED)
			m.flush(r.ring)
		}
	})
}
