// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/model/sim"
)

func TestFeatureBit(t *testing.T) {
	for _, test := range []struct {
		name, release string
		features      uint32
		value, how    string
	}{
		{"6.12", "6.12.90", 0x1ffff, "16", "bits 0 to 15 only"},
		{"before MIN_TIMEOUT", "6.11.0-rc1+", 0xffff, "15", "bits 0 to 14 only"},
		{"no bit", "6.12.90", 0xffff, "", "no bit that Linux 6.12 does not have"},
		{"two bits", "6.12.90", 0x3ffff, "", "none of the bits 16, 17"},
		{"another meaning", "6.14.0", 0x1ffff, "", "no bit that Linux 6.14 does not have"},
		{"a kernel of the future", "7.3.0", 0x1ffff, "", "are not known"},
		{"no version", "next", 0x1ffff, "", "no version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if a := FeatureBit(test.release, test.features); a.Value != test.value || !strings.Contains(a.How, test.how) {
				t.Errorf("%q: %s; want %q: %s", a.Value, a.How, test.value, test.how)
			}
		})
	}
}

const (
	leaderBit = 37
	otherBit  = 38
)

var someTypes = Types{
	Leaders: []string{"next", "head"}, Counts: []string{"colour", "holders"},
	Flags: map[int]string{groupBit: "REQ_F_SET_BIT", leaderBit: "REQ_F_HEAD_BIT", otherBit: "REQ_F_OTHER_BIT"},
}

// fieldsRun is what a kernel with the given semantics shows of the program about fields, and its
// flags; with mark a request gets further ones.
func fieldsRun(t testing.TB, s cases.Semantics, mark func(role model.Role) uint64) (*cases.Program, *cases.Outcome) {
	t.Helper()
	all := programs(t)
	p := all[slices.IndexFunc(all, func(p *cases.Program) bool { return p.Name == "fields" })]
	o := sim.Run(p, &cases.Profile{Groups: true, Semantics: s, Kernel: cases.Kernel{RefsCountsLeader: true}}, 1)
	l := lookAt(p, o)
	for i := range o.Events {
		e := &o.Events[i]
		role, ok := l.role(e)
		if !ok {
			continue
		}
		e.Flags = mark(role)
		if role != model.Plain {
			e.Flags |= 1 << groupBit
		}
		if role == model.Leader {
			e.Flags |= 1 << leaderBit
		}
	}
	return p, o
}

func TestFlagNames(t *testing.T) {
	for _, test := range []struct {
		name          string
		mark          func(model.Role) uint64
		group, leader string
	}{
		{"as they are", func(model.Role) uint64 { return 0 }, "REQ_F_SET_BIT", "REQ_F_HEAD_BIT"},
		{"another flag of all", func(model.Role) uint64 { return 1 << otherBit }, "REQ_F_SET_BIT", "REQ_F_HEAD_BIT"},
		{"another flag of the group", func(r model.Role) uint64 {
			if r == model.Plain {
				return 0
			}
			return 1 << otherBit
		}, "REQ_F_SET_BIT", "REQ_F_HEAD_BIT"},
		{"another flag of the leader", func(r model.Role) uint64 {
			if r != model.Leader {
				return 0
			}
			return 1 << otherBit
		}, "REQ_F_SET_BIT", ""},
		{"the leader's flag elsewhere", func(r model.Role) uint64 { return 1 << leaderBit }, "REQ_F_SET_BIT", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, o := fieldsRun(t, Variant(0).Semantics(), test.mark)
			group, leader := FlagNames(&someTypes, p, o)
			if group.Value != test.group || leader.Value != test.leader {
				t.Errorf("group %q (%s), leader %q (%s)", group.Value, group.How, leader.Value, leader.How)
			}
			for _, a := range []Answer{group, leader} {
				if a.Known() == strings.Contains(a.How, "not shown") {
					t.Errorf("%s is %q, known how: %s", a.Key, a.Value, a.How)
				}
			}
		})
	}
	p, o := fieldsRun(t, Variant(0).Semantics(), func(model.Role) uint64 { return 0 })
	o.Events = nil
	if group, leader := FlagNames(&someTypes, p, o); group.Known() || leader.Known() {
		t.Error("without events flags are named")
	}
}

// The search keeps the members that behave, whatever they are called, and
// says of the others what was wrong with them.
func TestSearch(t *testing.T) {
	for _, test := range []struct {
		name         string
		v            Variant
		leader, refs string // those of the kernel; "" for none
		counts       bool
		end          int32
	}{
		{"in parallel", 0, "head", "holders", true, 0},
		{"after the leader", Variants() - 1, "head", "holders", true, 0},
		{"the first of either", 0, "next", "colour", true, 0},
		{"ends at 1", 0, "head", "holders", true, 1},
		{"members only", 0, "head", "holders", false, 0},
		{"no count", 0, "head", "", true, 0},
		{"no pointer", 0, "", "holders", true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Search{Types: &someTypes, Semantics: test.v.Semantics(),
				GroupFlag: Answer{Key: "group_flag", Value: "REQ_F_SET_BIT"}, LeaderFlag: Answer{Key: "leader_flag", Value: "REQ_F_HEAD_BIT"}}
			s.Run = func(_ context.Context, names cases.Kernel) (*cases.Outcome, []string, error) {
				p, o := fieldsRun(t, s.Semantics, func(model.Role) uint64 { return 0 })
				read(p, o, names.LeaderField == test.leader, names.RefsField == test.refs, test.counts, test.end)
				return o, sim.Probes(), nil
			}
			s.Program, _ = fieldsRun(t, s.Semantics, func(model.Role) uint64 { return 0 })
			all, err := s.Fields(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]Answer{}
			for _, a := range all {
				got[a.Key] = a
			}
			if a := got["leader_field"]; a.Value != test.leader {
				t.Errorf("leader_field is %q: %s", a.Value, a.How)
			}
			if a := got["refs_field"]; a.Value != test.refs {
				t.Errorf("refs_field is %q: %s", a.Value, a.How)
			}
			if test.refs == "" {
				return
			}
			if a := got["refs_counts_leader"]; (a.Value == "true") != test.counts {
				t.Errorf("refs_counts_leader is %q", a.Value)
			}
			if a := got["refs_end"]; (a.Value == "1") != (test.end == 1) {
				t.Errorf("refs_end is %q", a.Value)
			}
		})
	}
	s := Search{Types: &someTypes, Run: func(context.Context, cases.Kernel) (*cases.Outcome, []string, error) {
		return nil, nil, errors.New("no guest")
	}}
	if _, err := s.Fields(context.Background()); err == nil || !strings.Contains(err.Error(), "io_kiocb.next") {
		t.Errorf("an error of the guest: %v", err)
	}
}

// read makes of the events what probes read: the right members, or others
// that point elsewhere and stay as they are.
func read(p *cases.Program, o *cases.Outcome, leader, refs, countsLeader bool, end int32) {
	l := lookAt(p, o)
	for i := range o.Events {
		e := &o.Events[i]
		role, ok := l.role(e)
		if !ok || role == model.Plain {
			continue
		}
		if !leader && role == model.Member {
			e.Leader, e.HasGroupRefs = e.Req, false
		}
		switch {
		case !refs:
			e.GroupRefs = 7
		case countsLeader:
			e.GroupRefs += end
		default:
			e.GroupRefs = toCome(&l, o.Events[i:])
		}
	}
}

// toCome counts the members that complete in events.
func toCome(l *look, events []cases.Event) (n int32) {
	for i := range events {
		if role, ok := l.role(&events[i]); ok && role == model.Member && events[i].Kind == cases.EvComplete {
			n++
		}
	}
	return n
}
