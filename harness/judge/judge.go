// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/harness/crash"
)

// judge is one judgement in the making.
type judge struct {
	*observation
	v    Verdict
	seen map[string]bool // what was reported already
	// stolen says where nothing was concluded from a time, "" if nowhere.
	stolen string
	// blocked says why a program that did not end had no need to, "" if it had.
	blocked string
}

// Judge evaluates the model's constraints and the invariants on one outcome.
// It never guesses: what the evidence cannot decide goes to Unchecked, and
// where the evidence has holes, nothing is concluded from what is not there.
func Judge(in Input) Verdict {
	if why := unmet(&in); why != "" {
		return Verdict{Status: Skip, Reason: why}
	}
	if in.Outcome == nil {
		return Verdict{Status: Infra, Reason: "there is no outcome to judge: the program did not run"}
	}
	if in.Outcome.End == cases.EndError {
		return Verdict{Status: Infra, Reason: "the program could not be set up in the guest: " + in.Outcome.Error}
	}
	exp := model.Expect(in.Program, in.Profile)
	v := judgeBy(in, exp)
	if v.Status == Fail || v.Status == Hang && in.Outcome.End != cases.EndTimeout { // a ring alone hangs: the program itself got on
		v.Userspace = userspace(in, exp)
	}
	return v
}

func judgeBy(in Input, exp *model.Expectation) Verdict {
	j := &judge{observation: observe(&in, exp), seen: map[string]bool{}}
	j.v.Checked = map[string]int{}

	j.opaque()
	j.submissions()
	j.orders()
	j.results()
	j.groupRefs()
	j.lives()
	j.workers()
	j.inTask()
	j.waits()
	j.ends()
	j.data()
	j.conclude()
	return j.v
}

// unmet names what the program needs, and the guest lacks or the profile does not describe.
func unmet(in *Input) string {
	if in.GuestLacks == "" && slices.Contains(in.Program.Needs, cases.NeedGroups) && !in.Profile.Groups {
		return fmt.Sprintf("profile %s has no SQE groups", in.Profile.Name)
	}
	return in.GuestLacks
}

// opaque notes the rings where it is not known what forms a group.
func (j *judge) opaque() {
	seen := map[int]bool{}
	for i := range j.exp.Requests {
		if r := &j.exp.Requests[i]; r.Opaque && !seen[r.Ring] {
			seen[r.Ring] = true
			why := fmt.Sprintf("on ring %s a submission may end in the middle of a group or chain, depending on when SQPOLL's thread looks: only lives, CQE counts and the end are checked there", j.ringName(r.Ring))
			for _, rule := range []string{"G1", "G2", "G4", "I4", "I6", "I7"} {
				j.unchecked(rule, why)
			}
		}
	}
}

// conclude finds the status: what is worst wins.
func (j *judge) conclude() {
	v := &j.v
	switch title, crashed := j.complaint(); {
	case crashed:
		j.violate("I9", "the kernel complained: "+title, nil, nil, nil)
		v.Status, v.Reason = Crash, title
	case j.hangs() != "" && !j.starved(j.out.Waited, "the program") && j.blocked == "":
		v.Status, v.Reason = Hang, j.hangs()
		if len(v.Violations) > 0 {
			v.Reason += ": " + v.Violations[0].Text
		}
	case len(v.Violations) > 0:
		v.Status, v.Reason = Fail, v.Violations[0].Text
	default:
		if v.Reason = j.holes(); v.Reason != "" {
			v.Status = Inconclusive
			v.Unchecked = append(v.Unchecked, Unchecked{"I10", v.Reason})
		} else {
			v.Status = Pass
		}
	}
	j.check("I9", 1)
	j.check("I10", 1)
}

// complaint returns the title of what the kernel complained of. Where the
// guest could hardly run, complaints that something took too long do not count.
func (j *judge) complaint() (title string, crashed bool) {
	for _, r := range crash.Parse(j.out.Console) {
		if r.Kind.OfTime() && j.starved(j.out.Waited, "the program") {
			continue
		}
		return r.Title, true
	}
	return "", false
}

// starved tells whether the guest could hardly run in the time that what took, so that
// being late is no fault of its kernel; then the verdict cannot be better than INCONCLUSIVE.
func (j *judge) starved(took time.Duration, what string) bool {
	return j.starvedBy(j.out.StolenOf(took), took, what)
}

// starvedBy is starved where so much of that time was stolen.
func (j *judge) starvedBy(stolen, took time.Duration, what string) bool {
	if !cases.Starved(stolen, took) {
		return false
	}
	if j.stolen == "" {
		round := 10 * time.Millisecond
		j.stolen = fmt.Sprintf("%s took %v, for %v of which QEMU was stopped or had no CPU: nothing can be said about being late",
			what, took.Round(round), min(stolen, took).Round(round))
	}
	return true
}

// hangs says how the program did not end, "" if it did.
func (j *judge) hangs() string {
	if j.out.End == cases.EndTimeout {
		return "the program did not end in time"
	}
	for i, gone := range j.out.RingsGone {
		if !gone {
			return fmt.Sprintf("ring %s did not go away after the program's end", j.ringName(i))
		}
	}
	return ""
}

// holes says what is missing from the evidence (I10), "" if nothing is.
func (j *judge) holes() string {
	ev := &j.out.Evidence
	switch {
	case j.stolen != "":
		return j.stolen
	case j.blocked != "":
		return j.blocked
	case !ev.Probes:
		return "no probes were attached while the program ran"
	case ev.Lost > 0:
		return fmt.Sprintf("%d probe records were lost for want of buffer space", ev.Lost)
	case ev.Missed > 0:
		return fmt.Sprintf("the kernel skipped %d probe runs", ev.Missed)
	case len(j.unsubmitted) > 0:
		return fmt.Sprintf("no probe saw the submission of %s", j.names(j.unsubmitted))
	}
	if j.have[cases.EvRingCreate] {
		for r := range j.in.Program.Rings {
			if !j.sawRing(r) {
				return fmt.Sprintf("no probe saw the creation of ring %s", j.ringName(r))
			}
		}
	}
	return ""
}

func (j *judge) sawRing(ring int) bool {
	for k := range j.out.Events {
		if ev := &j.out.Events[k]; ev.Kind == cases.EvRingCreate && ev.Ring == ring {
			return true
		}
	}
	return false
}

func (j *judge) ringName(i int) string {
	if i >= 0 && i < len(j.in.Program.Rings) && j.in.Program.Rings[i].Name != "" {
		return j.in.Program.Rings[i].Name
	}
	return fmt.Sprint(i)
}

// name names an SQE for people, by the number that programs call it by: @1 is the first.
func (j *judge) name(i int) string {
	r := &j.exp.Requests[i]
	op := r.SQE.Op.String()
	if op == "" {
		op = fmt.Sprintf("opcode %d", r.SQE.Op)
	}
	role := [...]string{"", "leader ", "member "}[r.Role]
	if r.SQE.Label != "" {
		return fmt.Sprintf("%s@%d %s (%s)", role, i+1, r.SQE.Label, op)
	}
	return fmt.Sprintf("%s@%d (%s)", role, i+1, op)
}

func (j *judge) names(list []int) string {
	const most = 4
	var words []string
	for k, i := range list {
		if k == most {
			words = append(words, fmt.Sprintf("%d more", len(list)-most))
			break
		}
		words = append(words, j.name(i))
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// violate reports a broken rule. The same rule about the same first SQE is one cause and
// is reported once.
func (j *judge) violate(rule, text string, sqes, events, cqes []int) *Violation {
	if cases.KindOf(rule) == cases.Question { // it promises nothing: nobody fails by it
		j.unchecked(rule, text)
		return nil
	}
	key := rule
	if len(sqes) > 0 {
		key = fmt.Sprint(rule, " ", sqes[0])
	}
	if j.seen[key] {
		return nil
	}
	j.seen[key] = true
	keep := func(list []int) (kept []int) {
		for _, i := range list {
			if i != none {
				kept = append(kept, i)
			}
		}
		return kept
	}
	j.v.Violations = append(j.v.Violations, Violation{Rule: rule, Text: text, SQEs: sqes, Events: keep(events), CQEs: keep(cqes)})
	return &j.v.Violations[len(j.v.Violations)-1]
}

// check counts n single checks of a rule.
func (j *judge) check(rule string, n int) {
	if n > 0 {
		j.v.Checked[rule] += n
	}
}

func (j *judge) unchecked(rule, why string) {
	for _, u := range j.v.Unchecked {
		if u.Rule == rule && u.Why == why {
			return
		}
	}
	j.v.Unchecked = append(j.v.Unchecked, Unchecked{rule, why})
}

// needs tells whether all kinds can be in the evidence; if not the rule goes to Unchecked.
func (j *judge) needs(rule string, kinds ...cases.EventKind) bool {
	for _, k := range kinds {
		if !j.out.Evidence.Probes {
			j.unchecked(rule, "no probes were attached")
			return false
		}
		if !j.have[k] {
			j.unchecked(rule, fmt.Sprintf("this kernel build offers no probe for %s events", k))
			return false
		}
	}
	return true
}
