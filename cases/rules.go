// SPDX-License-Identifier: Apache-2.0

package cases

import "slices"

// Rule is one promise, of the feature (G, P) or of any correct run (I), or a
// question that a report answers (C).
type Rule struct {
	ID   string
	Text string
}

// RuleKind says what a rule is to a verdict.
type RuleKind uint8

const (
	NoRule    RuleKind = iota
	Promise            // of the feature: a run that breaks it is a FAIL
	Invariant          // of any correct run, likewise
	// Question is what reviewers asked of the feature. Programs name it to say that
	// they bear on it; it promises nothing, so no verdict can FAIL by it.
	Question
)

// Kind returns what the rule is to a verdict.
func (r Rule) Kind() RuleKind {
	if r.ID == "" {
		return NoRule
	}
	switch r.ID[0] {
	case 'C':
		return Question
	case 'I':
		return Invariant
	}
	return Promise
}

// KindOf returns the kind of the rule with the given ID, NoRule if there is none.
func KindOf(id string) RuleKind {
	for _, r := range rules {
		if r.ID == id {
			return r.Kind()
		}
	}
	return NoRule
}

// Rules lists every rule that programs may name, in reading order. Verdicts
// name those that are no [Question].
func Rules() []Rule { return slices.Clone(rules) }

// RuleText returns the text of the rule with the given ID, "" if there is none.
func RuleText(id string) string {
	for _, r := range rules {
		if r.ID == id {
			return r.Text
		}
	}
	return ""
}

func ruleIDs() []string {
	ids := make([]string, len(rules))
	for i, r := range rules {
		ids[i] = r.ID
	}
	return ids
}

var rules = []Rule{
	{"G1", "A group starts with the first SQE that has IOSQE_SQE_GROUP while no group is open, and ends with the first following SQE that does not have it, which belongs to the group. Order in the submission queue is order in the group."},
	{"G2", "A group never spans two submissions: one still open when the submitted batch ends is closed there."},
	{"G3", "Each SQE of a group posts exactly one CQE, or none where it has CQE_SKIP_SUCCESS and succeeds."},
	{"G4", "Among the CQEs of one group the leader's is the last, through CQ overflow, io-wq, task work and cancellation."},
	{"G5", "A group is one element of a link chain: nothing of it is issued before the element ahead has fully completed, and the next element is not issued before the whole group has completed."},
	{"G6", "If any request of a linked group fails, the rest of the chain is cancelled (-ECANCELED). With IO_HARDLINK on the leader the chain goes on regardless."},
	{"G7", "If the chain breaks before a group is issued, every SQE of it completes with -ECANCELED, its own prep error excepted. Whether those CQEs are shown is decided once for the chain."},
	{"G8", "IO_DRAIN on the leader drains the whole group: none of it is issued before everything submitted earlier has completed, and nothing submitted later is issued before all of the group has completed."},
	{"G9", "ASYNC on a request means that this request runs in io-wq. It says nothing about the others."},
	{"G10", "The group reference count is set at assembly, drops exactly once for each request of the group that completes, reaches its end value exactly once and never goes below it, and the leader is freed only after that."},
	{"G11", "Closing the ring, exiting, being killed, cancellation, a timeout or a poll removal while groups are in flight: everything completes in bounded time, nothing leaks, nothing is freed twice."},
	{"G12", "Requests outside the group, other groups and other rings are not disturbed. A kernel without groups in use behaves as before."},
	{"G13", "A member's file, buffer, credentials and personality are its own."},
	{"G14", "N:M dependencies work: a group linked to a group makes each request of the second depend on all of the first, with the right data."},

	{"P4.1", "Members are issued in parallel with the leader; issuing a member never waits for the leader to complete."},
	{"P4.2", "IO_LINK, IO_HARDLINK and IO_DRAIN on a member are ignored."},
	{"P4.3", "CQE_SKIP_SUCCESS is allowed on leader and members."},
	{"P4.4", "A leader that fails does not cancel its members."},
	{"P4.5", "A member that fails breaks the chain that its linked leader is in; the leader's own CQE still carries the leader's own result."},
	{"P4.6", "A member with a prep failure completes with its own errno; a leader with IO_LINK then completes with -ECANCELED; the other members run."},
	{"P4.7", "A group of one completes like a plain request."},
	{"P4.8", "A group closed by the end of the submission is issued like any other, after the link chain that is open ahead of it."},

	{"P7.1", "Members are issued only after the leader has done its work, then in parallel with each other."},
	{"P7.2", "IO_LINK, IO_HARDLINK or IO_DRAIN on a member fails the group: the leader gets -EINVAL, the others -ECANCELED, their own prep errors excepted."},
	{"P7.3", "CQE_SKIP_SUCCESS on a member fails the group: the leader gets -EINVAL, the others -ECANCELED. It stays allowed on the leader."},
	{"P7.4", "LINK_TIMEOUT cannot be part of a group, nor directly follow a linked group: -EINVAL, and the chain or group it sits in fails."},
	{"P7.5", "A leader that fails cancels its members: each completes with -ECANCELED, its own error excepted."},
	{"P7.6", "A member with a prep failure completes with its own errno, the leader and the other members with -ECANCELED."},
	{"P7.7", "A member that fails while running marks the leader failed, linked or not: the chain is cancelled, and a leader with CQE_SKIP_SUCCESS posts its CQE, carrying its own result."},
	{"P7.8", "A group of one is -EINVAL."},
	{"P7.9", "A group closed by the end of the submission joins the open link chain ahead of it as its element."},
	{"P7.10", "Requests of a group that finish in io-wq are completed from the submitting task's context, not from the worker."},

	{"I1", "A request's life is submit, ..., complete, free, in that order, each end exactly once."},
	{"I2", "The group reference count moves as G10 says."},
	{"I3", "A request's own reference count stays in range and is never touched after it reached zero."},
	{"I4", "Issue order respects links, groups and drains."},
	{"I5", "CQE order: a group's leader comes last."},
	{"I6", "Results are those the program and the profile allow."},
	{"I7", "What asked for io-wq ran there; what did not ask was not sent there by its group."},
	{"I8", "At the end nothing is in flight, the ring goes away in bounded time, and no request stays behind."},
	{"I9", "The kernel log is clean."},
	{"I10", "There is no hole in the evidence."},

	{"C1", "Can the leader's flags be written from two CPUs at once, when a member's in-flight tracking touches the leader?"},
	{"C2", "Does an io-wq leader push its members through io-wq as well, though nobody asked for it (extra io-wq and task-work hops per member)?"},
	{"C3", "In which order do the CQEs of leader and members come, and can an application rely on it in every completion path?"},
	{"C4", "When the last reference is dropped in io-wq, is the leader's CQE posted exactly once, and is the next link issued only after it?"},
	{"C5", "An issue handler may queue its request elsewhere and return \"completion comes later\": can members then be queued twice, or never?"},
	{"C6", "Are LINK, HARDLINK and DRAIN on members rejected or silently dropped?"},
	{"C7", "After a drained group, is the next request outside it held back; is the sequence right when groups and links mix?"},
	{"C8", "Is a leader that passes the completion path twice freed exactly once, also when its members finish in the same batch, in a later batch, or before it?"},
}
