// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"fmt"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// submissions checks how many SQEs each submission consumed.
func (j *judge) submissions() {
	first := 0
	for s := range j.in.Program.Steps {
		st := &j.in.Program.Steps[s]
		if st.Kind != cases.StepSubmit {
			continue
		}
		base := first
		first += len(st.SQEs)
		if j.returned(s) && len(st.SQEs) > 0 && !j.sqpoll(base) {
			j.submission(s, base, st)
		}
	}
}

func (j *judge) submission(s, base int, st *cases.Step) {
	got := &j.out.Steps[s]
	refusal, sure := j.exp.Refused(s)
	switch {
	case !sure && got.Errno != 0:
		return
	case sure && got.Errno != refusal:
		what := "must be refused with " + model.Errno(-refusal)
		if refusal == 0 {
			what = "must not be refused"
		}
		j.violate("I6", fmt.Sprintf("submission of %d SQEs in step %d ended with %s, but it %s", len(st.SQEs), s, model.Errno(-got.Errno), what), []int{base}, nil, nil)
		return
	case got.Errno != 0:
		return
	}
	j.check("G2", 1)
	ret := int(got.Ret)
	if ret > 0 && ret < len(st.SQEs) && !j.exp.Faulty(s) {
		last := base + ret - 1
		if !j.exp.Rejects(last) && j.facts[last].prepFail == none {
			j.violate("I6", fmt.Sprintf("the submission in step %d stopped after %d of %d SQEs, though %s was not rejected", s, ret, len(st.SQEs), j.name(last)), []int{last}, nil, nil)
		} else if !j.exp.MayStopAt(last) {
			j.violate("G2", fmt.Sprintf("the submission in step %d stopped after %d of %d SQEs, inside the group or chain of %s", s, ret, len(st.SQEs), j.name(last)), []int{last}, nil, nil)
		}
	} else if ret == 0 && !j.exp.Faulty(s) {
		j.violate("I6", fmt.Sprintf("the submission in step %d consumed none of %d SQEs", s, len(st.SQEs)), []int{base}, nil, nil)
	}
	for i := base; i < base+ret-1 && i < len(j.facts); i++ {
		if p := &j.exp.Requests[i].Prep; p.Fails() && p.Rule == "" && j.exp.StopsAt(i) {
			j.violate("I6", fmt.Sprintf("the submission in step %d went on behind %s, which must be rejected with %s and end it", s, j.name(i), model.Errno(p.Errno)), []int{i}, nil, nil)
		}
	}
}

// orders checks what must come before what: G4, G5, G8, G10, P4.1, P7.1, I4, I5.
func (j *judge) orders() {
	for k := range j.exp.Orders {
		o := &j.exp.Orders[k]
		if o.AfterPoint == model.CQE {
			j.cqeOrder(o)
			continue
		}
		if o.BeforePoint == model.Done && o.AfterPoint == model.Issued && !j.have[cases.EvIssue] {
			j.reapedOrder(o)
		}
		kinds := []cases.EventKind{cases.EvComplete, cases.EvFree, cases.EvIssueReturn}
		if o.AfterPoint == model.Issued || o.BeforePoint != model.Done {
			kinds = append(kinds, cases.EvIssue)
		}
		if o.AfterPoint == model.Woken || o.AfterPoint == model.Queued {
			kinds = append(kinds, cases.EvTaskAdd, cases.EvTaskRun)
		}
		if !j.needs(o.Rule, kinds...) {
			continue
		}
		j.eventOrder(o)
	}
}

// reapedOrder checks by CQEs alone that something was done before something else was
// issued: what succeeds was issued, and CQEs are posted in the order in which requests complete.
func (j *judge) reapedOrder(o *model.Order) {
	for _, a := range o.After {
		f := &j.facts[a]
		if !f.told || f.res < 0 || j.exp.Requests[a].SQE.Op == uring.OpLinkTimeout {
			continue
		}
		for _, b := range o.Before {
			g := &j.facts[b]
			if !g.told || j.exp.Requests[b].Multi || j.exp.Requests[b].Ring != j.exp.Requests[a].Ring {
				continue
			}
			j.check(o.Rule, 1)
			if f.cqes[0] < g.cqe() {
				j.violate(o.Rule, fmt.Sprintf("the CQE of %s came before that of %s, which must have been done before it was issued", j.name(a), j.name(b)),
					[]int{a, b}, nil, []int{f.cqes[0], g.cqe()})
				return
			}
		}
	}
}

// eventOrder checks one order by events. It reports the first offence of each order only.
func (j *judge) eventOrder(o *model.Order) {
	after, at := none, none // the first of After to reach its point
	for _, i := range o.After {
		if p := j.point(i, o.AfterPoint); p != none && (at == none || p < at) {
			after, at = i, p
		}
	}
	if at == none || o.Rule == "G10" && j.inFreeBatch(after, at) {
		return
	}
	for _, i := range o.Before {
		f := &j.facts[i]
		if !f.submitted || j.exp.Requests[i].Multi && f.posted == none {
			continue
		}
		p := j.doneEarliest(i)
		if o.BeforePoint != model.Done {
			if state, _ := j.cancelled(i); state != model.No || f.prepFail != none {
				continue // never queued, and rightly so
			}
			p = j.point(i, o.BeforePoint)
		}
		j.check(o.Rule, 1)
		sqes := []int{after, i}
		if o.BeforePoint != model.Done {
			sqes = []int{i, after}
		}
		switch {
		case p != none && p < at:
		case p == none && !j.solid:
		case p == none && o.BeforePoint == model.Done && f.done():
			// Its CQE is there: only its event is not.
		case p == none:
			j.violate(o.Rule, fmt.Sprintf("%s was %s, but %s, which must have been %s before, never was", j.name(after), o.AfterPoint, j.name(i), o.BeforePoint),
				sqes, []int{at}, nil)
			return
		default:
			j.violate(o.Rule, fmt.Sprintf("%s was %s before %s was %s", j.name(after), o.AfterPoint, j.name(i), o.BeforePoint),
				sqes, []int{at, p}, nil)
			return
		}
	}
}

// inFreeBatch: the requests that one flush freed come in no order of their
// own, and a leader whose CQE is skipped shows its end only there.
func (j *judge) inFreeBatch(leader, at int) bool {
	return at == j.facts[leader].free
}

// cqeOrder checks G4 on the completion queue, and on events where a CQE was not reaped.
func (j *judge) cqeOrder(o *model.Order) {
	leader := o.After[0]
	lf := &j.facts[leader]
	for k, m := range o.Before {
		mf := &j.facts[m]
		switch {
		case lf.fromCQE() && mf.fromCQE() && !j.more(leader) && !j.more(m):
			j.check(o.Rule, 1)
			if l, m := lf.cqe(), mf.cqe(); l < m {
				j.violate(o.Rule, fmt.Sprintf("the CQE of %s was posted before that of %s", j.name(leader), j.name(o.Before[k])),
					[]int{leader, o.Before[k]}, []int{lf.posted, mf.posted}, []int{l, m})
			}
		case lf.posted != none && mf.posted != none:
			j.check(o.Rule, 1)
			if lf.posted < mf.posted {
				j.violate(o.Rule, fmt.Sprintf("%s posted its CQE before %s did", j.name(leader), j.name(m)),
					[]int{leader, m}, []int{lf.posted, mf.posted}, nil)
			}
		}
	}
}
