// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// flush posts what has completed, holds leaders back, frees, and goes on with chains.
func (m *machine) flush(rg *ring) {
	for len(rg.compl) > 0 {
		batch := rg.compl
		rg.compl = nil
		var freed []*request
		for _, r := range batch {
			freed = append(freed, m.put(r)...)
		}
		slices.Reverse(freed)
		for _, r := range freed {
			m.event(cases.EvFree, r, r.res)
		}
		for _, r := range freed {
			m.after(r)
		}
		m.wakeDeferred(rg)
	}
}

// put drops the group reference and posts the CQEs that are due.
func (m *machine) put(r *request) (freed []*request) {
	g := r.grp
	if g == nil || len(g.all) == 1 {
		m.post(r)
		return []*request{r}
	}
	g.refs--
	if m.bug == DoubleDrop && !g.dropped {
		g.dropped = true
		g.refs--
	}
	if r != g.leader && r.failed && m.bug != ChainUnbroken {
		g.broken = true
	}
	if m.bug == LeaderFirst && r == g.leader {
		m.post(r)
	}
	if r == g.leader {
		m.release(r)
	}
	if r != g.leader {
		m.post(r)
		freed = append(freed, r)
	}
	if m.bug == MemberWaits && r == g.leader {
		for _, mem := range g.all[1:] {
			if !mem.worked && !mem.done && !mem.armed && !mem.held {
				m.later(func() { m.issue(mem); m.flush(mem.ring) })
			}
		}
	}
	if m.bug == LeaderCancels && r == g.leader && r.failed {
		for _, mem := range g.all[1:] {
			if mem.armed || !mem.worked {
				m.unpark(mem)
				m.finish(mem, -model.ECANCELED)
			}
		}
	}
	if m.bug == NextTooEarly && r == g.leader {
		m.after(r)
	}
	if g.refs == 0 {
		always := m.pr.Semantics.MemberFailureBreaks == "always" && m.bug != LeaderHidden // P7.7
		if g.broken && !g.leader.failed && (always || g.leader.Linked()) {
			g.leader.setFail()
		}
		if m.bug != LeaderFirst {
			m.post(g.leader)
		}
		freed = append(freed, g.leader)
	}
	return freed
}

// post puts the CQE into the queue or the overflow list.
func (m *machine) post(r *request) {
	rg := r.ring
	r.done = true
	rg.inFlight--
	if r.skip {
		return
	}
	c := cases.CQE{Ring: rg.index, UserData: cases.UserData(r.Index), Res: r.res}
	if len(rg.overflow) > 0 || len(rg.cq) >= int(rg.entries) {
		k := len(m.out.Events)
		m.event(cases.EvOverflow, r, r.res)
		m.out.Events[k].Req, m.out.Events[k].Gen, m.out.Events[k].HasGroupRefs, m.out.Events[k].Leader = 0, 0, false, 0
		if m.bug == LeakOverflow && r.Role == model.Leader {
			return
		}
		rg.overflow = append(rg.overflow, c)
		return
	}
	m.event(cases.EvComplete, r, r.res)
	rg.cq = append(rg.cq, c)
}

// after goes on with the chain of a request that was freed.
func (m *machine) after(r *request) {
	if r.Role == model.Member || r.unit == nil || r.unit.next != r.elem+1 || r.watches() {
		return
	}
	u := r.unit
	k := u.next
	if k < len(u.elems) && u.elems[k][0].watches() { // disarmed, or it has fired
		lt := u.elems[k][0]
		if !lt.worked {
			lt.res = -model.ECANCELED
			m.complete(lt)
		}
		k++
		u.next = k
	}
	if k >= len(u.elems) {
		u.next = k
		return
	}
	if r.failed && r.SQE.Flags&uring.IOHardlink == 0 {
		u.next = len(u.elems)
		m.later(func() { m.failRest(u, k, r, r.skipLinks); m.flush(r.ring) })
		return
	}
	inWorker := r.worker
	u.next = len(u.elems) // until it starts
	later := m.later
	if m.bug == NextTooEarly {
		later = func(f func()) { f() }
	}
	later(func() {
		if m.dying && !inWorker {
			m.failRest(u, k, r, false)
			return
		}
		m.event(cases.EvTaskRun, u.elems[k][0], 0)
		m.startElement(u, k, inWorker)
		m.flush(r.ring)
	})
}

func (m *machine) wait(s int, st *cases.Step) (res cases.StepResult) {
	rg := m.rings[st.Ring]
	bound := st.Timeout
	if bound == 0 {
		bound = cases.DefaultWait
	}
	for {
		for len(rg.cq) > 0 && (st.N == 0 || res.Ret < int64(st.N)) {
			m.reap(rg, s)
			res.Ret++
		}
		if st.N > 0 && res.Ret >= int64(st.N) {
			return res
		}
		if len(rg.overflow) > 0 {
			m.flushOverflow(rg)
			continue
		}
		if st.N == 0 && rg.inFlight == 0 {
			return res
		}
		if m.runSome(1+m.rnd.IntN(3)) || m.expire(bound) {
			continue
		}
		res.Errno = model.ETIME
		return res
	}
}

func (m *machine) reap(rg *ring, s int) {
	c := rg.cq[0]
	c.Step = s
	rg.cq = rg.cq[1:]
	m.out.CQEs = append(m.out.CQEs, c)
}

func (m *machine) flushOverflow(rg *ring) {
	n := min(len(rg.overflow), int(rg.entries)-len(rg.cq))
	rg.cq = append(rg.cq, rg.overflow[:n]...)
	rg.overflow = rg.overflow[n:]
}

// expire fires the first timeout that ends within the bound.
func (m *machine) expire(bound time.Duration) bool {
	for _, r := range m.waiting {
		if r.SQE.Op == uring.OpTimeout && r.SQE.Timeout <= bound {
			m.unpark(r)
			m.event(cases.EvTaskAdd, r, 0)
			m.finish(r, -model.ETIME)
			m.flush(r.ring)
			return true
		}
		k := r.elem + 1
		if r.unit != nil && k < len(r.unit.elems) && r.unit.elems[k][0].watches() {
			lt := r.unit.elems[k][0]
			if lt.SQE.Timeout <= bound && !lt.worked {
				lt.res = -model.ETIME
				m.complete(lt)
				m.cancel(r)
				m.flush(r.ring)
				return true
			}
		}
	}
	return false
}

func (m *machine) closeRing(rg *ring) {
	if rg.closed {
		return
	}
	rg.closed = true
	m.cancelAll(rg)
	gone := rg.inFlight == 0
	if gone {
		m.out.Events = append(m.out.Events, cases.Event{Kind: cases.EvRingGone, Ring: rg.index})
	}
	for len(m.out.RingsGone) < len(m.rings) {
		m.out.RingsGone = append(m.out.RingsGone, false)
	}
	m.out.RingsGone[rg.index] = gone
}

func (m *machine) cancelAll(rg *ring) {
	for range 1000 {
		if rg.inFlight == 0 {
			break
		}
		for _, r := range slices.Clone(m.waiting) {
			if r.ring == rg {
				m.cancel(r)
			}
		}
		for _, u := range rg.deferred {
			head := u.elems[0][0]
			head.res = -model.ECANCELED
			head.setFail()
			m.failRest(u, 0, head, head.skipLinks)
		}
		rg.deferred = nil
		if !m.runSome(10) {
			break
		}
	}
	for m.runSome(10) { // frees and the like
	}
}

func (m *machine) tearDown() {
	if !m.dying {
		for _, rg := range m.rings {
			for !rg.closed && (len(rg.cq) > 0 || len(rg.overflow) > 0) {
				for len(rg.cq) > 0 {
					m.reap(rg, len(m.p.Steps))
				}
				m.flushOverflow(rg)
			}
		}
		m.contents()
		m.dying = true
	}
	for _, rg := range m.rings {
		m.closeRing(rg)
	}
}

func (m *machine) contents() {
	for i, b := range m.bufs {
		m.out.Data = append(m.out.Data, cases.Blob{Buffer: i + 1, Bytes: slices.Clone(b)})
	}
	for i, f := range m.files {
		if kind := m.p.Resources[i].Kind; kind == cases.ResFile || kind == cases.ResNullBlk {
			m.out.Data = append(m.out.Data, cases.Blob{File: i + 1, Bytes: slices.Clone(f)})
		}
	}
}
