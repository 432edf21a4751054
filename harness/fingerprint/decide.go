// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// Observation is what one program's run says of the knobs.
type Observation struct {
	Program string
	// Accepts are the variants under which the outcome breaks no rule.
	Accepts map[Variant]bool
	// Keeps are the keys of the knobs with a promise that this run exercised and kept.
	Keeps []string
	// Problem says why the run says nothing, "" if it does: it crashed, hung,
	// was skipped, or has holes in its evidence.
	Problem string
	// Closest is what the run broke under the variant under which it broke least;
	// for the case that it agrees with none.
	Closest string
}

// Answer is what is known of one value of a profile.
type Answer struct {
	Key string `json:"key"`
	// Value as the profile file writes it, without quotes; "" where it is not known.
	Value string `json:"value,omitempty"`
	// Text tells that the profile file has the value in quotes.
	Text bool `json:"-"`
	// How says by which programs or names it is known, or why it is not.
	How string `json:"how"`
}

// Known tells whether there is a value to propose.
func (a *Answer) Known() bool { return a.Value != "" }

// Decision is what all runs together say.
type Decision struct {
	Answers []Answer // in the order of [Knobs]
	// Semantics has every knob that is known, and the others at their first value.
	Semantics cases.Semantics
	// Strange says of runs that agree with no combination of the knobs that the
	// others leave: the kernel has a mistake, or semantics that no knob has.
	Strange []string
}

// Decide weighs the observations. A value is proposed only where at least one
// run excludes the other value, given what is known of the other knobs, and none
// excludes it. Where two runs disagree both are named and nothing is proposed.
func Decide(all []Observation) Decision {
	d := decider{knobs: Knobs(), all: all}
	d.votes = make([][2][]string, len(d.knobs))
	d.disputed = make([]bool, len(d.knobs))
	for d.round() {
	}
	d.blame()
	return d.decision()
}

type decider struct {
	knobs []Knob
	all   []Observation
	votes [][2][]string // programs that show a value, by knob

	fixed, value Variant // the knobs that are known, and their values
	disputed     []bool
	culprits     [][]string // by knob: runs that agree with all that is known but this
	strange      []string
}

// round has every run vote under what is known so far, and tells whether more is known now.
func (d *decider) round() bool {
	for i := range d.all {
		d.vote(&d.all[i])
	}
	before := d.fixed
	for i := range d.knobs {
		first, second := len(d.votes[i][0]) > 0, len(d.votes[i][1]) > 0
		bit := Variant(1) << i
		switch {
		case first && second:
			d.disputed[i] = true
			d.fixed &^= bit
		case (first || second) && !d.disputed[i]:
			d.fixed |= bit
			if second {
				d.value |= bit
			}
		}
	}
	return d.fixed&^before != 0
}

// left lists the variants that a run agrees with, those excluded that contradict what is known.
func (d *decider) left(o *Observation, fixed Variant) (list []Variant) {
	if o.Problem != "" {
		return nil
	}
	for v, ok := range o.Accepts {
		if ok && (v^d.value)&fixed == 0 {
			list = append(list, v)
		}
	}
	return list
}

func (d *decider) vote(o *Observation) {
	left := d.left(o, d.fixed)
	if len(left) == 0 {
		return
	}
	every, any := ^Variant(0), Variant(0)
	for _, v := range left {
		every &= v
		any |= v
	}
	for i := range d.knobs {
		bit := Variant(1) << i
		side := 0
		switch {
		case d.fixed&bit != 0:
			continue // it is assumed here, not shown
		case any&bit == 0:
		case every&bit != 0:
			side = 1
		default:
			continue
		}
		if !slices.Contains(d.votes[i][side], o.Program) {
			d.votes[i][side] = append(d.votes[i][side], o.Program)
		}
	}
}

// blame looks at runs that agree with nothing of what is left: the knobs
// without which they would agree are disputed by them.
func (d *decider) blame() {
	d.culprits = make([][]string, len(d.knobs))
	for i := range d.all {
		o := &d.all[i]
		if o.Problem != "" || len(d.left(o, d.fixed)) > 0 {
			continue
		}
		found := false
		for k := range d.knobs {
			if bit := Variant(1) << k; d.fixed&bit != 0 && len(d.left(o, d.fixed&^bit)) > 0 {
				d.culprits[k] = append(d.culprits[k], o.Program)
				found = true
			}
		}
		if !found {
			d.strange = append(d.strange, fmt.Sprintf("%s agrees with no combination of the knobs: %s", o.Program, o.Closest))
		}
	}
}

func (d *decider) decision() Decision {
	out := Decision{Strange: d.strange}
	var v Variant
	for i := range d.knobs {
		a := d.answer(i)
		if a.Value == d.knobs[i].Values[1] {
			v |= 1 << i
		}
		out.Answers = append(out.Answers, a)
	}
	out.Semantics = v.Semantics()
	return out
}

func (d *decider) answer(i int) Answer {
	k := &d.knobs[i]
	a := Answer{Key: k.Key, Text: k.Values[1] != "true"}
	first, second := d.votes[i][0], d.votes[i][1]
	switch {
	case len(first) > 0 && len(second) > 0:
		a.How = fmt.Sprintf("the programs disagree: %s by %s, but %s by %s", k.Values[0], list(first), k.Values[1], list(second))
	case len(d.culprits[i]) > 0:
		a.How = fmt.Sprintf("the programs disagree: %s by %s, which %s contradicts", k.Values[min(len(second), 1)], list(slices.Concat(first, second)), list(d.culprits[i]))
	case len(first) > 0:
		a.Value, a.How = k.Values[0], list(first)
	case len(second) > 0:
		a.Value, a.How = k.Values[1], list(second)
	default:
		a.Value, a.How = d.promised(k)
	}
	return a
}

// promised decides on a knob that no run excludes a value of: a promise that
// was exercised and never broken is taken for one.
func (d *decider) promised(k *Knob) (value, how string) {
	var kept []string
	for i := range d.all {
		if slices.Contains(d.all[i].Keeps, k.Key) {
			kept = append(kept, d.all[i].Program)
		}
	}
	if len(kept) > 0 {
		return k.Values[1], "never seen otherwise in " + list(kept)
	}
	return "", "not shown: " + d.silence()
}

// silence says why runs that could have told did not.
func (d *decider) silence() string {
	var why []string
	for i := range d.all {
		if o := &d.all[i]; o.Problem != "" {
			why = append(why, o.Program+": "+o.Problem)
		}
	}
	if len(why) == 0 {
		return "what the programs did fits both values"
	}
	return strings.Join(why, "; ")
}

func list(programs []string) string { return strings.Join(programs, ", ") }
