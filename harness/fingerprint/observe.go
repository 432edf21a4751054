// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"fmt"
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// Observe judges one outcome under every variant. lacks and probes are those of [judge.Input].
func Observe(p *cases.Program, outcome *cases.Outcome, lacks string, probes []string) Observation {
	o := Observation{Program: p.Name, Accepts: map[Variant]bool{}}
	knobs := Knobs()
	var events []cases.Event
	if outcome = nameless(outcome); outcome != nil {
		events = outcome.Events
	}
	worked := slices.ContainsFunc(events, func(e cases.Event) bool { return e.Worker })
	fewest := -1
	for v := range Variants() {
		verdict := judge.Judge(judge.Input{
			Program: p, Outcome: outcome, GuestLacks: lacks, Probes: probes,
			Profile: &cases.Profile{Name: "fingerprint", Groups: true, Semantics: v.Semantics()},
		})
		switch verdict.Status {
		case judge.Pass:
			o.Accepts[v] = true
			for i, k := range knobs {
				if k.Promise != "" && v&(1<<i) != 0 && worked && verdict.Checked[k.Promise] > 0 && !slices.Contains(o.Keeps, k.Key) {
					o.Keeps = append(o.Keeps, k.Key)
				}
			}
		case judge.Fail:
			if n := len(verdict.Violations); fewest < 0 || n < fewest {
				fewest = n
				o.Closest = fmt.Sprintf("%s: %s", verdict.Violations[0].Rule, verdict.Violations[0].Text)
			}
		default: // the same under every variant, and no answer
			return Observation{Program: p.Name, Problem: fmt.Sprintf("%s: %s", verdict.Status, verdict.Reason)}
		}
	}
	return o
}

// nameless returns the outcome without what probes read by a profile's
// names, so that the knobs are judged by what requests do.
func nameless(o *cases.Outcome) *cases.Outcome {
	if o == nil {
		return nil
	}
	bare := *o
	bare.Events = slices.Clone(o.Events)
	for i := range bare.Events {
		e := &bare.Events[i]
		e.Leader, e.GroupRefs, e.HasGroupRefs = 0, 0, false
	}
	return &bare
}

// HasGroups tells by the outcome of a program that is a group of two NOPs
// whether the kernel has the feature.
func HasGroups(p *cases.Program, outcome *cases.Outcome, probes []string) Answer {
	a := Answer{Key: "groups"}
	outcome = nameless(outcome)
	under := func(groups bool) judge.Verdict {
		return judge.Judge(judge.Input{Program: p, Outcome: outcome, Probes: probes,
			Profile: &cases.Profile{Name: "fingerprint", Groups: groups, Semantics: Variant(0).Semantics()}})
	}
	with, without := under(true), under(false)
	switch {
	case with.Status == judge.Pass && without.Status == judge.Fail:
		a.Value, a.How = "true", p.Name+": a group of two NOPs completes"
	case without.Status == judge.Pass && with.Status == judge.Fail:
		a.Value, a.How = "false", p.Name+": IOSQE_SQE_GROUP is refused with EINVAL"
	case with.Status == judge.Fail && without.Status == judge.Fail:
		a.How = fmt.Sprintf("not shown: %s is neither a group (%s) nor refused (%s)", p.Name, with.Reason, without.Reason)
	default:
		a.How = fmt.Sprintf("not shown: %s: %s: %s", p.Name, with.Status, with.Reason)
	}
	return a
}
