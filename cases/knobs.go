// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"reflect"
)

// Knob is one of the choices that a profile's semantics consist of: each has two values.
type Knob struct {
	// Key is its name in a profile's file, below [semantics].
	Key string
	// What says in a few words what it is about.
	What string
	// Rules are those of its two values; "" where a value promises nothing of its own.
	Rules [2]string

	second func(s *Semantics) bool
	set    func(to, from *Semantics)
}

// Rule is the rule that the knob's value in s stands for, "" for none.
func (k *Knob) Rule(s *Semantics) string {
	if k.second(s) {
		return k.Rules[1]
	}
	return k.Rules[0]
}

// Value is what a profile's file says for the knob in s, without quotes.
func (k *Knob) Value(s *Semantics) string {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("toml") == k.Key {
			return fmt.Sprint(v.Field(i).Interface())
		}
	}
	return ""
}

// Same tells whether two semantics agree in the knob.
func (k *Knob) Same(a, b *Semantics) bool { return k.second(a) == k.second(b) }

// Set gives the knob the value in to that it has in from.
func (k *Knob) Set(to, from *Semantics) { k.set(to, from) }

// Knobs returns all knobs, in the order of the rules of the later value.
func Knobs() []Knob {
	return []Knob{
		{"members_after_leader", "when members are issued", [2]string{"P4.1", "P7.1"},
			func(s *Semantics) bool { return s.MembersAfterLeader },
			func(to, from *Semantics) { to.MembersAfterLeader = from.MembersAfterLeader }},
		{"member_link_flags", "LINK, HARDLINK and DRAIN on a member", [2]string{"P4.2", "P7.2"},
			func(s *Semantics) bool { return s.MemberLinkFlags == "rejected" },
			func(to, from *Semantics) { to.MemberLinkFlags = from.MemberLinkFlags }},
		{"member_skip", "CQE_SKIP_SUCCESS on a member", [2]string{"P4.3", "P7.3"},
			func(s *Semantics) bool { return s.MemberSkip == "rejected" },
			func(to, from *Semantics) { to.MemberSkip = from.MemberSkip }},
		{"link_timeout", "LINK_TIMEOUT in or behind a group", [2]string{"", "P7.4"},
			func(s *Semantics) bool { return s.LinkTimeout == "rejected" },
			func(to, from *Semantics) { to.LinkTimeout = from.LinkTimeout }},
		{"leader_failure_cancels", "what a failing leader does to its members", [2]string{"P4.4", "P7.5"},
			func(s *Semantics) bool { return s.LeaderFailureCancels },
			func(to, from *Semantics) { to.LeaderFailureCancels = from.LeaderFailureCancels }},
		{"member_prep_failure_cancels", "what a rejected member does to its group", [2]string{"P4.6", "P7.6"},
			func(s *Semantics) bool { return s.MemberPrepFailureCancels == "group" },
			func(to, from *Semantics) { to.MemberPrepFailureCancels = from.MemberPrepFailureCancels }},
		{"member_failure_breaks", "what a member that fails does to its leader", [2]string{"P4.5", "P7.7"},
			func(s *Semantics) bool { return s.MemberFailureBreaks == "always" },
			func(to, from *Semantics) { to.MemberFailureBreaks = from.MemberFailureBreaks }},
		{"group_of_one", "a group of one", [2]string{"P4.7", "P7.8"},
			func(s *Semantics) bool { return s.GroupOfOne == "rejected" },
			func(to, from *Semantics) { to.GroupOfOne = from.GroupOfOne }},
		{"open_group", "a group that the submission's end closes", [2]string{"P4.8", "P7.9"},
			func(s *Semantics) bool { return s.OpenGroup == "joins-chain" },
			func(to, from *Semantics) { to.OpenGroup = from.OpenGroup }},
		{"complete_in_task", "who completes what io-wq has done", [2]string{"", "P7.10"},
			func(s *Semantics) bool { return s.CompleteInTask },
			func(to, from *Semantics) { to.CompleteInTask = from.CompleteInTask }},
	}
}
