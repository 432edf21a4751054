// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"fmt"
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// cqe is the request's last CQE, notifications of zero-copy sends not counted.
func (f *fact) cqe() int { return f.cqes[len(f.cqes)-1] }

// more tells that further CQEs of request i are to come, notifications of zero-copy sends not counted.
func (j *judge) more(i int) bool {
	return j.out.CQEs[j.facts[i].cqe()].Flags&cqeMore != 0 && !model.Notifies(j.exp.Requests[i].SQE.Op)
}

// results checks each request's result and number of CQEs: G3, G6, G7, P4.x, I6.
func (j *judge) results() {
	messages := j.messages()
	for _, k := range j.strays {
		c := &j.out.CQEs[k]
		if messages[c.UserData] > 0 {
			messages[c.UserData]--
			continue
		}
		j.violate("I6", fmt.Sprintf("a CQE with the unknown user_data %d came on ring %s (result %s)", c.UserData, j.ringName(c.Ring), model.Errno(c.Res)), nil, nil, []int{k})
	}
	for i := range j.facts {
		f, r := &j.facts[i], &j.exp.Requests[i]
		if !f.submitted {
			if f.fromCQE() {
				j.violate("I1", fmt.Sprintf("%s completed though the submission did not consume it", j.name(i)), []int{i}, nil, f.cqes)
			}
			continue
		}
		j.cqeCount(i, f, r)
		if f.hasRes && !r.Opaque {
			j.result(i, f, r)
			j.missedTarget(i, f, r)
		}
		j.notIssued(i, f)
	}
	j.oneDecision()
}

// messages counts the CQEs that MSG_RING requests may post, by user_data.
func (j *judge) messages() map[uint64]int {
	n := map[uint64]int{}
	for i := range j.exp.Requests {
		if q := j.exp.Requests[i].SQE; q.Op == uring.OpMsgRing && j.facts[i].submitted {
			n[q.Off]++
		}
	}
	return n
}

func (j *judge) cqeCount(i int, f *fact, r *model.Request) {
	rule := j.ruleOf(r, "I1", "G3")
	if r.Multi {
		j.multishot(i, f, rule)
		return
	}
	j.check(rule, 1)
	if len(f.cqes) > 1 {
		j.violate(rule, fmt.Sprintf("%s posted %d CQEs", j.name(i), len(f.cqes)), []int{i}, []int{f.posted}, f.cqes)
		return
	}
	shown := j.shown(i)
	switch {
	case shown == model.No && !f.fromCQE() && j.out.End != cases.EndDone:
		// Cancelled by the process's end, perhaps before its chain could break.
	case shown == model.No && (f.fromCQE() || f.posted != none):
		state, c := j.cancelled(i)
		text := fmt.Sprintf("%s posted a CQE though it succeeded and has CQE_SKIP_SUCCESS", j.name(i))
		if state == model.Yes {
			rule = c.Rule
			text = fmt.Sprintf("%s posted the CQE of its cancellation, which must be skipped like its chain's", j.name(i))
		}
		j.violate(rule, text, []int{i}, []int{f.posted}, f.cqes)
	case shown == model.Yes && f.issue == none && j.skipsAhead(r):
		// Ring or process ended while its chain was held, and the head decides what the chain shows.
	case shown == model.Yes && !f.fromCQE() && f.posted == none && f.free != none && j.solid && j.have[cases.EvComplete] && j.have[cases.EvOverflow]:
		switch state, c := j.cancelled(i); {
		case state == model.Yes && r.Skip:
			rule = c.Rule // G7: shown, whatever the request itself says
		case r.Role == model.Leader && r.Skip && j.failedMember(r) != none:
			rule = j.memberFailureRule()
		}
		j.violate(rule, fmt.Sprintf("%s was freed without posting a CQE", j.name(i)), []int{i}, []int{f.free}, nil)
	case f.posted != none && !f.fromCQE() && j.reapedAfter(i, f.posted):
		j.violate(rule, fmt.Sprintf("the CQE of %s was posted but is not in the completion queue, where later ones are", j.name(i)), []int{i}, []int{f.posted}, nil)
	}
	if f.fromCQE() && f.posted == none && j.solid && j.have[cases.EvComplete] && j.have[cases.EvOverflow] {
		j.violate("I1", fmt.Sprintf("a CQE of %s was reaped, but no completion of the request was seen", j.name(i)), []int{i}, nil, f.cqes)
	}
	if f.fromCQE() && f.posted != none && j.out.Events[f.posted].Res != f.res {
		j.violate("I6", fmt.Sprintf("%s completed with %s, but its CQE says %s", j.name(i), model.Errno(j.out.Events[f.posted].Res), model.Errno(f.res)), []int{i}, []int{f.posted}, f.cqes)
	}
}

// skipsAhead tells that the head of the request's chain, or its group's leader, has CQE_SKIP_SUCCESS.
func (j *judge) skipsAhead(r *model.Request) bool {
	return r.Chain >= 0 && j.exp.Requests[j.exp.Structure.Chains[r.Chain].Elements[0].SQE].Skip ||
		r.Role == model.Member && j.exp.Requests[j.exp.Structure.Groups[r.Group].Leader].Skip
}

// reapedAfter tells whether a CQE that was posted after event k on the same ring was reaped.
func (j *judge) reapedAfter(i, k int) bool {
	for other := range j.facts {
		f := &j.facts[other]
		if j.exp.Requests[other].Ring != j.exp.Requests[i].Ring || f.posted <= k || !f.fromCQE() {
			continue
		}
		// What came of a request that posts several may be those before its last, which alone is known by its event.
		if last := f.cqes[len(f.cqes)-1]; j.out.CQEs[last].Flags&cqeMore == 0 {
			return true
		}
	}
	return false
}

const (
	cqeMore  = 1 << 1 // IORING_CQE_F_MORE
	cqeNotif = 1 << 3 // IORING_CQE_F_NOTIF
)

// multishot checks the CQEs of a request that may post several: all but the last say that more come.
func (j *judge) multishot(i int, f *fact, rule string) {
	for k, c := range f.cqes {
		j.check(rule, 1)
		if k < len(f.cqes)-1 && j.out.CQEs[c].Flags&(cqeMore|cqeNotif) == 0 {
			j.violate(rule, fmt.Sprintf("%s posted another CQE behind its last", j.name(i)), []int{i}, []int{f.posted}, f.cqes)
			return
		}
	}
}

// ruleOf is the rule for a request's CQE or result: an invariant for a plain
// request among plain ones, G12 for one beside groups.
func (j *judge) ruleOf(r *model.Request, invariant, group string) string {
	switch {
	case r.Role != model.Plain:
		return group
	case len(j.exp.Structure.Groups) > 0 && r.Chain < 0:
		return "G12"
	}
	return invariant
}

// result checks what the request completed with. A result that no CQE
// carried to the program may come from the end of ring or process.
func (j *judge) result(i int, f *fact, r *model.Request) {
	j.check("I6", 1)
	if !f.told || r.Abandoned && f.res == -model.EFAULT && f.issue == none {
		return
	}
	own := r.Own.Has(f.res)
	if interrupted := r.CancelSteps || len(r.Cancellers) > 0; interrupted && (f.res == -model.ECANCELED || f.res == -model.EINTR) {
		own = true // cancelled while it ran, or a worker's wait was interrupted
	}
	prep := r.Prep
	if prep.Fails() {
		if own := prep.Else && (f.prepFail != none || !j.have[cases.EvPrepFail]); f.res != prep.Errno && !(own && f.res < 0) {
			rule := prep.Rule
			if rule == "" {
				rule = j.prepRule(r)
			}
			j.violate(rule, fmt.Sprintf("%s must be rejected with %s, but completed with %s", j.name(i), model.Errno(prep.Errno), model.Errno(f.res)), []int{i}, []int{f.prepFail, f.posted}, f.cqes)
		}
		return
	}
	if f.prepFail != none && prep.Unsure {
		if said := j.out.Events[f.prepFail].Res; f.res != said {
			j.violate(j.prepRule(r), fmt.Sprintf("%s was rejected with %s, but completed with %s", j.name(i), model.Errno(said), model.Errno(f.res)), []int{i}, []int{f.prepFail, f.posted}, f.cqes)
		}
		return
	}
	if prep.Unsure && f.res < 0 && !j.have[cases.EvPrepFail] {
		return // it may have been rejected
	}
	j.issued(i, f, r)
	state, c := j.cancelled(i)
	switch {
	case state == model.Yes:
		j.check(c.Rule, 1)
		if f.res != -model.ECANCELED {
			j.violate(c.Rule, fmt.Sprintf("%s completed with %s, but must be cancelled: %s", j.name(i), model.Errno(f.res), j.because(c)), j.causes(i, c), []int{f.issue, f.posted}, f.cqes)
		}
	case own, state == model.Unknown && f.res == -model.ECANCELED:
	default:
		rule, why := j.wrongResult(r, f)
		j.violate(rule, fmt.Sprintf("%s completed with %s, %s", j.name(i), model.Errno(f.res), why), []int{i}, []int{f.prepFail, f.posted}, f.cqes)
	}
}

// issued: what succeeds was issued. A linked timeout is armed instead.
func (j *judge) issued(i int, f *fact, r *model.Request) {
	if f.res < 0 || f.prepFail != none || r.SQE.Op == uring.OpLinkTimeout || !j.solid || !j.have[cases.EvIssue] {
		return
	}
	j.check("I1", 1)
	if f.issue == none {
		j.violate("I1", fmt.Sprintf("%s completed with %s, but was never issued", j.name(i), model.Errno(f.res)), []int{i}, []int{f.posted}, f.cqes)
	}
}

func (j *judge) prepRule(r *model.Request) string {
	switch {
	case r.Role == model.Member && j.in.Profile.Semantics.MemberPrepFailureCancels == "group":
		return "P7.6"
	case r.Role == model.Member:
		return "P4.6"
	case r.Chain >= 0:
		return "G7"
	}
	return j.ruleOf(r, "I6", "I6")
}

// failedMember returns a member of the leader's group that failed, or none.
func (j *judge) failedMember(leader *model.Request) int {
	for _, m := range j.exp.Structure.Groups[leader.Group].Members {
		if j.failed(m) == model.Yes {
			return m
		}
	}
	return none
}

// rejectedMember returns a member of r's group that was rejected, or none.
func (j *judge) rejectedMember(r *model.Request) int {
	for _, m := range j.exp.Structure.Groups[r.Group].Members {
		if j.exp.Rejected(m, j) == model.Yes {
			return m
		}
	}
	return none
}

// failedByItself tells that a member of the leader's group failed that nobody had cancelled.
func (j *judge) failedByItself(leader *model.Request) bool {
	return slices.ContainsFunc(j.exp.Structure.Groups[leader.Group].Members, func(m int) bool {
		return j.failed(m) == model.Yes && (j.facts[m].issue != none || j.exp.Rejected(m, j) == model.Yes)
	})
}

// memberFailureRule is what a member's failure leaves its leader.
func (j *judge) memberFailureRule() string {
	if j.in.Profile.Semantics.MemberFailureBreaks == "always" {
		return "P7.7"
	}
	return "P4.5"
}

// wrongResult finds the rule that a result breaks which is none of the request's own, and says why.
func (j *judge) wrongResult(r *model.Request, f *fact) (rule, why string) {
	if r.Role == model.Leader && f.res == -model.ECANCELED && j.failedByItself(r) {
		return j.memberFailureRule(), "though a member's failure leaves the leader its own result"
	}
	if rule, why = j.wronglyRefused(r, f); rule != "" {
		return rule, why
	}
	why = fmt.Sprintf("expected %s", r.Own)
	if f.res == -model.ECANCELED {
		why = "though nothing in its chain failed and nothing asked for it"
		switch {
		case r.Role == model.Member && j.rejectedMember(r) != none:
			return "P4.6", "though it runs whichever other member is rejected"
		case r.Role == model.Member && j.failed(j.exp.Structure.Groups[r.Group].Leader) == model.Yes:
			return "P4.4", "though its leader's failure must not cancel it"
		case r.Chain >= 0 && j.hardAhead(r):
			return "G6", "though the group ahead has HARDLINK and the chain must go on"
		}
	}
	q := r.SQE
	switch {
	case r.Role == model.Leader && j.failedMember(r) != none:
		return j.memberFailureRule(), why + ": a member's failure leaves the leader its own result"
	case r.Role == model.Plain:
		return j.ruleOf(r, "I6", ""), why
	case f.res == -model.ECANCELED:
		return "G12", why
	case q.FD.Ref != 0 || q.Flags&(uring.FixedFile|uring.BufferSelect) != 0 || q.Personality != 0:
		return "G13", why
	}
	return "I6", why
}

// wronglyRefused finds what the profile allows a group to have, where the group was refused.
func (j *judge) wronglyRefused(r *model.Request, f *fact) (rule, why string) {
	if f.res != -model.EINVAL && f.res != -model.ECANCELED && f.res != -model.EOPNOTSUPP || r.Role == model.Plain {
		return "", ""
	}
	g := &j.exp.Structure.Groups[r.Group]
	s := &j.in.Profile.Semantics
	if len(g.Members) == 0 && s.GroupOfOne == "plain" {
		return "P4.7", "though a group of one completes like a plain request"
	}
	if r.Role == model.Leader && f.res == -model.EINVAL && f.issue == none && j.have[cases.EvIssue] {
		switch {
		case r.Skip && s.MemberSkip == "rejected":
			return "P7.3", "though CQE_SKIP_SUCCESS is for the leader to have"
		case s.MemberLinkFlags == "rejected":
			return "P7.2", "though no member has a flag that its group is to be refused for"
		}
	}
	for _, m := range g.Members {
		switch flags := j.exp.Requests[m].SQE.Flags; {
		case flags&(uring.IOLink|uring.IOHardlink|uring.IODrain) != 0 && s.MemberLinkFlags == "ignored":
			return "P4.2", fmt.Sprintf("though %s of %s must be ignored", cases.SQEFlagNames(flags&(uring.IOLink|uring.IOHardlink|uring.IODrain)), j.name(m))
		case flags&uring.CQESkipSuccess != 0 && s.MemberSkip == "allowed":
			return "P4.3", fmt.Sprintf("though CQE_SKIP_SUCCESS of %s is allowed", j.name(m))
		}
	}
	if g.Open && f.res == -model.ECANCELED && s.OpenGroup == "after-chain" && g.Leader > 0 && j.exp.Requests[g.Leader-1].Step == r.Step && j.exp.Requests[g.Leader-1].Linked() {
		return "P4.8", "though its group, closed by the end of the submission, is not part of the chain ahead of it"
	}
	return "", ""
}

func (j *judge) hardAhead(r *model.Request) bool {
	for _, el := range j.exp.Structure.Chains[r.Chain].Elements[:r.Element] {
		if el.Group >= 0 && j.exp.Requests[el.SQE].Hard {
			return true
		}
	}
	return false
}

// oneDecision checks that the CQEs of what a broken chain cancels are all shown or all skipped (G7).
func (j *judge) oneDecision() {
	for c := range j.exp.Structure.Chains {
		shown, hidden := none, none
		for _, el := range j.exp.Structure.Chains[c].Elements {
			list := []int{el.SQE}
			if el.Group >= 0 {
				list = j.exp.Structure.Groups[el.Group].Requests()
			}
			for _, i := range list {
				f, r := &j.facts[i], &j.exp.Requests[i]
				if state, c := j.cancelled(i); state != model.Yes || slices.Contains(c.Deciders, i) && !j.decidesNothing(r, c) || f.issue != none || j.exp.Rejected(i, j) != model.No || r.SQE.Op == uring.OpLinkTimeout {
					continue
				}
				switch {
				case f.fromCQE() || f.posted != none:
					shown = i
				case f.free != none && j.solid && j.have[cases.EvComplete] && j.have[cases.EvOverflow]:
					hidden = i
				}
			}
		}
		if shown != none || hidden != none {
			j.check("G7", 1)
		}
		if shown != none && hidden != none {
			j.violate("G7", fmt.Sprintf("the chain's break cancelled %s and %s, but only the first posted a CQE", j.name(shown), j.name(hidden)),
				[]int{shown, hidden}, []int{j.facts[shown].posted, j.facts[hidden].free}, j.facts[shown].cqes)
		}
	}
}

// decidesNothing: a member that is cancelled for another one's rejection has no say in what its
// chain shows where it may not have CQE_SKIP_SUCCESS.
func (j *judge) decidesNothing(r *model.Request, c *model.Cancel) bool {
	return r.Role == model.Member && c.Parsed && j.in.Profile.Semantics.MemberSkip == "rejected"
}

// notIssued: what is cancelled ahead of its issue must not run.
func (j *judge) notIssued(i int, f *fact) {
	if f.issue == none {
		return
	}
	if p := j.exp.Requests[i].Prep; p.Fails() && p.Rule != "" {
		j.violate(p.Rule, fmt.Sprintf("%s was issued, but must be rejected with %s", j.name(i), model.Errno(p.Errno)), []int{i}, []int{f.issue}, f.cqes)
	}
	state, c := j.cancelled(i)
	if state != model.Yes {
		return
	}
	j.check(c.Rule, 1)
	j.violate(c.Rule, fmt.Sprintf("%s was issued, but must be cancelled: %s", j.name(i), j.because(c)), j.causes(i, c), []int{f.issue}, f.cqes)
}

// because says in words what the reason of a cancellation is.
func (j *judge) because(c *model.Cancel) string {
	if b := j.breaker(c); b != none && c.Parsed {
		return fmt.Sprintf("%s of its chain or group was rejected", j.name(b))
	} else if b != none {
		return fmt.Sprintf("%s ahead of it failed with %s", j.name(b), model.Errno(j.facts[b].res))
	}
	return "an SQE of its chain or group was rejected"
}

func (j *judge) breaker(c *model.Cancel) int {
	for _, b := range c.By {
		if !c.Parsed && j.failed(b) == model.Yes || c.Parsed && j.exp.Rejected(b, j) == model.Yes {
			return b
		}
	}
	return none
}

// causes lists the victim and what broke its chain. The victim is named
// first only where there is no breaker, so that one failure which
// cancels nothing is one violation.
func (j *judge) causes(i int, c *model.Cancel) []int {
	if b := j.breaker(c); b != none {
		return []int{b, i}
	}
	return []int{i}
}

// missedTarget: a cancellation must find a request that is plainly waiting (G11).
func (j *judge) missedTarget(i int, f *fact, r *model.Request) {
	q := r.SQE
	if f.res != -model.ENOENT || q.Target == 0 || q.OpFlags != 0 || f.issue == none || f.okReturn == none ||
		!j.have[cases.EvTaskAdd] || !j.have[cases.EvPollArm] {
		return
	}
	t := q.Target - 1
	target, tf := &j.exp.Requests[t], &j.facts[t]
	op := target.SQE.Op
	switch {
	case target.Ring != r.Ring || target.Opaque || target.Multi || r.Chain >= 0 && r.Chain == target.Chain:
		return
	case q.Op == uring.OpPollRemove && op != uring.OpPollAdd, q.Op == uring.OpTimeoutRemove && op != uring.OpTimeout:
		return
	case parked(op) && op != uring.OpPollAdd && (target.CancelSteps || slices.ContainsFunc(target.Cancellers, func(c int) bool { return c != i })):
		return // it may have been found before, which shows by no event until its task work runs
	}
	waits := tf.armed
	if parked(op) && (op != uring.OpPollAdd || tf.woken > tf.okReturn) { // a poll request that was never woken was ready at once
		waits = tf.okReturn
	}
	j.check("G11", 1)
	if waits == none || waits > f.issue || tf.woken != none && tf.woken < f.okReturn || tf.doneLatest() != none && tf.doneLatest() < f.okReturn {
		return
	}
	if fires := target.SQE; op == uring.OpTimeout && (fires.OpFlags != 0 || j.out.Events[f.okReturn].Time-j.out.Events[tf.issue].Time >= uint64(fires.Timeout)) {
		return // it may have fired, which shows by no event before its task work runs
	}
	rule := "G12"
	if target.Role != model.Plain || r.Role != model.Plain {
		rule = "G11"
	}
	j.violate(rule, fmt.Sprintf("%s did not find %s, which was waiting", j.name(i), j.name(t)), []int{i, t}, []int{f.issue, waits}, f.cqes)
}
