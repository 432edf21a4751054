// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/harness/judge"
)

// groupBit is the bit of IOSQE_SQE_GROUP, which is that of its request flag
// where the kernel takes an SQE's flags over as they are.
const groupBit = 7

// look is an outcome seen by the roles that its requests have.
type look struct {
	program *cases.Program
	outcome *cases.Outcome
	exp     *model.Expectation
}

func lookAt(p *cases.Program, o *cases.Outcome) look {
	return look{p, o, model.Expect(p, &cases.Profile{Groups: true, Semantics: Variant(0).Semantics()})}
}

// role returns the role of the request that an event is about; ok is false where it is about none.
func (l *look) role(e *cases.Event) (role model.Role, ok bool) {
	i, ok := l.program.IndexOf(e.UserData)
	if !ok || e.Req == 0 {
		return 0, false
	}
	return l.exp.Requests[i].Role, true
}

// FlagNames finds the flags that mark a group's requests and its leader by
// what the requests of a program have when they are issued, beside plain ones.
func FlagNames(t *Types, p *cases.Program, o *cases.Outcome) (group, leader Answer) {
	group, leader = Answer{Key: "group_flag", Text: true}, Answer{Key: "leader_flag", Text: true}
	l := lookAt(p, o)
	all := [...]uint64{model.Plain: ^uint64(0), model.Leader: ^uint64(0), model.Member: ^uint64(0)} // what all have
	var some [len(all)]uint64                                                                       // what one at least has
	for i := range o.Events {
		e := &o.Events[i]
		if r, ok := l.role(e); ok && e.Kind == cases.EvIssue {
			all[r] &= e.Flags
			some[r] |= e.Flags
		}
	}
	if some[model.Leader] == 0 || some[model.Member] == 0 {
		group.How = "not shown: no probe saw the issue of a leader and of a member in " + p.Name
		leader.How = group.How
		return group, leader
	}
	both := all[model.Leader] & all[model.Member] &^ some[model.Plain]
	if both&(1<<groupBit) != 0 {
		both = 1 << groupBit // others, such as one that says "holds a reference", come and go
	}
	group.name(t, both, "what all of a group's requests have and no plain one in "+p.Name)
	leader.name(t, all[model.Leader]&^some[model.Member]&^some[model.Plain], "what leaders have and no other request in "+p.Name)
	return group, leader
}

// name answers with the name of the only bit in mask, if it is the only one.
func (a *Answer) name(t *Types, mask uint64, how string) {
	var names []string
	for m := mask; m != 0; m &= m - 1 {
		b := bits.TrailingZeros64(m)
		name := t.Flags[b]
		if name == "" {
			name = fmt.Sprintf("bit %d, which has no name", b)
		}
		names = append(names, name)
	}
	switch {
	case len(names) == 1 && t.Flags[bits.TrailingZeros64(mask)] != "":
		a.Value, a.How = names[0], how
	case len(names) == 0:
		a.How = "not shown: there is no flag that is " + how
	default:
		a.How = fmt.Sprintf("not shown: %s is %s", how, list(names))
	}
}

// LeaderHolds tells whether the profile's leader_field pointed from every
// member at work to its leader, as the probes read it; how says what was seen.
func LeaderHolds(p *cases.Program, o *cases.Outcome) (holds bool, how string) {
	l := lookAt(p, o)
	leaders := map[uint64]bool{}
	for i := range o.Events {
		if r, ok := l.role(&o.Events[i]); ok && r == model.Leader {
			leaders[o.Events[i].Req] = true
		}
	}
	seen := 0
	for i := range o.Events {
		e := &o.Events[i]
		if r, ok := l.role(e); !ok || r != model.Member || e.Kind != cases.EvIssue {
			continue
		}
		if !leaders[e.Leader] {
			return false, "does not point from members to their leader"
		}
		seen++
	}
	if seen == 0 {
		return false, "was not seen at work"
	}
	return true, fmt.Sprintf("points to the leader at all %d issues of members in %s", seen, p.Name)
}

// Counting is how a group's reference count runs.
type Counting struct {
	CountsLeader bool
	End          int32
}

// CountHolds tells whether the profile's refs_field, as the probes read it,
// counts down as G10 says, and how. s are the semantics as far as they are known.
func CountHolds(p *cases.Program, o *cases.Outcome, s cases.Semantics, probes []string) (c Counting, holds bool, how string) {
	end, ok := lastCount(p, o)
	if !ok {
		return c, false, "was not seen when a leader was freed"
	}
	var fits []Counting
	why := ""
	for _, counts := range []bool{true, false} {
		v := judge.Judge(judge.Input{Program: p, Outcome: o, Probes: probes, Profile: &cases.Profile{
			Name: "fingerprint", Groups: true, Semantics: s,
			Kernel: cases.Kernel{RefsField: "it", RefsCountsLeader: counts, RefsEnd: end},
		}})
		switch {
		case v.Status == judge.Pass && v.Checked["I2"] > 0:
			fits = append(fits, Counting{counts, end})
		case why == "":
			why = v.Reason
		}
	}
	switch len(fits) {
	case 0:
		return c, false, "does not count as G10 says: " + why
	case 1:
		return fits[0], true, "counts down as G10 says in " + p.Name
	}
	return c, false, "fits a count with and without the leader"
}

// lastCount is the count of a leader when it was freed.
func lastCount(p *cases.Program, o *cases.Outcome) (n int32, ok bool) {
	l := lookAt(p, o)
	for i := range o.Events {
		e := &o.Events[i]
		if r, isRequest := l.role(e); isRequest && r == model.Leader && e.Kind == cases.EvFree && e.HasGroupRefs {
			return e.GroupRefs, true
		}
	}
	return 0, false
}

// upstreamFeatures is the number of feature bits that upstream kernels have
// from a version on, lowest bits first, since 5.19.
var upstreamFeatures = []struct{ major, minor, bits int }{
	{6, 15, 18}, // IORING_FEAT_NO_IOWAIT
	{6, 14, 17}, // IORING_FEAT_RW_ATTR
	{6, 12, 16}, // IORING_FEAT_MIN_TIMEOUT
	{6, 10, 15}, // IORING_FEAT_RECVSEND_BUNDLE
	{5, 19, 14}, // IORING_FEAT_REG_REG_RING and before
}

// FeatureBit finds the feature's bit in io_uring_params.features: the one
// that the upstream kernel of that release does not have.
func FeatureBit(release string, features uint32) Answer {
	a := Answer{Key: "feature_bit"}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		a.How = fmt.Sprintf("not shown: the kernel's release %q has no version", release)
		return a
	}
	upstream := -1
	for _, u := range upstreamFeatures {
		if major > u.major || major == u.major && minor >= u.minor {
			upstream = u.bits
			break
		}
	}
	if upstream < 0 || major > 6 || minor > 15 {
		a.How = fmt.Sprintf("not shown: the features of Linux %d.%d without groups are not known", major, minor)
		return a
	}
	var more []string
	for b := upstream; b < 32; b++ {
		if features>>b&1 != 0 {
			more = append(more, strconv.Itoa(b))
		}
	}
	const where = "io_uring_params.features"
	switch len(more) {
	case 0:
		a.How = fmt.Sprintf("not shown: %s is %#x, which has no bit that Linux %d.%d does not have", where, features, major, minor)
	case 1:
		a.Value, a.How = more[0], fmt.Sprintf("%s is %#x, and Linux %d.%d has bits 0 to %d only", where, features, major, minor, upstream-1)
	default:
		a.How = fmt.Sprintf("not shown: %s is %#x; Linux %d.%d has none of the bits %s", where, features, major, minor, strings.Join(more, ", "))
	}
	return a
}
