// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// Reason is one choice of the profiles by which a program differs.
type Reason struct {
	// Key is the choice's in a profile's file, or, where no choice is behind it, the rules that are broken.
	Key string `json:"key"`
	// Broken are the rules of the other side's profile that an outcome breaks.
	Broken []Breach `json:"broken"`
	// A and B say how many of the rounds of each side break them.
	A Share `json:"a"`
	B Share `json:"b"`
}

// Share is a number of rounds, of all.
type Share struct {
	Rounds int `json:"rounds"`
	Of     int `json:"of"`
}

// stable tells that every round of one side shows it.
func (r *Reason) stable() bool {
	return r.A.Rounds > 0 && r.A.Rounds == r.A.Of || r.B.Rounds > 0 && r.B.Rounds == r.B.Of
}

// Breach is a rule of one side's profile that the other side's outcome breaks.
type Breach struct {
	Side string `json:"side"` // whose outcome it is: "a" or "b"
	Rule string `json:"rule"`
	Text string `json:"text"`

	sqes []int
}

// RuleRow is one choice in which the profiles differ.
type RuleRow struct {
	Key  string `json:"key"`
	What string `json:"what"`
	// A and B are the rules, "" where a profile promises nothing of its own.
	A string `json:"a"`
	B string `json:"b"`
	// Programs differ by it; Alone is how many of them by nothing else.
	Programs []string `json:"programs"`
	Alone    int      `json:"alone"`
}

// explanation judges outcomes by the other side's profile.
type explanation struct {
	a, b  *Side
	knobs []cases.Knob // in which the profiles differ
}

func newExplanation(a, b *Side) *explanation {
	x := &explanation{a: a, b: b}
	for _, k := range cases.Knobs() {
		if a.Profile.Groups && b.Profile.Groups && !k.Same(&a.Profile.Semantics, &b.Profile.Semantics) {
			x.knobs = append(x.knobs, k)
		}
	}
	return x
}

// differ tells whether the two profiles promise anything different.
func (x *explanation) differ() bool {
	return len(x.knobs) > 0 || x.a.Profile.Groups != x.b.Profile.Groups
}

// explain looks at a program that passed on both.
func (x *explanation) explain(p *Program) {
	p.Reasons = x.reasons(p)
	p.Differences = differences(&p.A, &p.B)
	x.attribute(p)
	switch {
	case slices.ContainsFunc(p.Differences, func(d Difference) bool { return d.By == "" }):
		p.Kind = Unexplained
	case len(p.Differences) > 0, slices.ContainsFunc(p.Reasons, func(r Reason) bool { return r.stable() }):
		p.Kind = Changed
	case len(p.Reasons) > 0:
		p.Kind = AtTimes
	}
}

// breaches are what one outcome breaks of the other side's profile, by choice.
type breaches map[string][]judge.Violation

// judgeAll judges the outcomes of all programs that passed on both by the other side's profile, as far as
// that was not done before.
func (x *explanation) judgeAll(programs []Program) {
	if !x.differ() {
		return
	}
	type job struct {
		c      *report.Case
		probes []string
		side   *Side
		other  *cases.Profile
		found  breaches
	}
	var jobs []*job
	for i := range programs {
		if p := &programs[i]; p.Kind == Same {
			for _, c := range p.A.all {
				jobs = append(jobs, &job{c: c, probes: p.A.probes, side: x.a, other: x.b.Profile})
			}
			for _, c := range p.B.all {
				jobs = append(jobs, &job{c: c, probes: p.B.probes, side: x.b, other: x.a.Profile})
			}
		}
	}
	jobs = slices.DeleteFunc(jobs, func(j *job) bool { _, done := j.side.judged[j.c]; return done })
	next := make(chan *job)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for j := range next {
				j.found = x.broken(j.c, j.probes, j.side.Profile, j.other)
			}
		})
	}
	for _, j := range jobs {
		next <- j
	}
	close(next)
	wg.Wait()
	for _, j := range jobs {
		if j.side.judged == nil {
			j.side.judged = map[*report.Case]breaches{}
		}
		j.side.judged[j.c] = j.found
	}
}

// reasons gathers what the rounds break of the other side's profile.
func (x *explanation) reasons(p *Program) []Reason {
	var all []Reason
	at := func(key string) *Reason {
		i := slices.IndexFunc(all, func(r Reason) bool { return r.Key == key })
		if i < 0 {
			all = append(all, Reason{Key: key, A: Share{Of: p.A.Rounds}, B: Share{Of: p.B.Rounds}})
			i = len(all) - 1
		}
		return &all[i]
	}
	gather := func(side string, seen *Seen, judged map[*report.Case]breaches, share func(r *Reason) *Share) {
		for _, c := range seen.all {
			for key, found := range judged[c] {
				r := at(key)
				share(r).Rounds++
				for _, v := range found {
					if !slices.ContainsFunc(r.Broken, func(b Breach) bool { return b.Side == side && b.Rule == v.Rule && slices.Equal(b.sqes, v.SQEs) }) {
						r.Broken = append(r.Broken, Breach{Side: side, Rule: v.Rule, Text: v.Text, sqes: v.SQEs})
					}
				}
			}
		}
	}
	gather("a", &p.A, x.a.judged, func(r *Reason) *Share { return &r.A })
	gather("b", &p.B, x.b.judged, func(r *Reason) *Share { return &r.B })
	slices.SortFunc(all, func(p, q Reason) int {
		return cmp.Or(x.place(p.Key)-x.place(q.Key), strings.Compare(p.Key, q.Key))
	})
	return all
}

func (x *explanation) place(key string) int {
	if i := slices.IndexFunc(x.knobs, func(k cases.Knob) bool { return k.Key == key }); i >= 0 {
		return i
	}
	return len(x.knobs)
}

// broken judges an outcome by its own profile with one choice after the other taken from the
// other profile, and returns what that breaks by choice. Nothing else of the profile changes: the names
// of the kernel's fields stay. What only several choices together break goes to the choice whose
// rule it is.
func (x *explanation) broken(c *report.Case, probes []string, own, other *cases.Profile) breaches {
	if c.Program == nil || c.Outcome == nil {
		return nil
	}
	by := func(s cases.Semantics, groups bool) []judge.Violation {
		mixed := *own
		mixed.Semantics, mixed.Groups = s, groups
		v := judge.Judge(judge.Input{Program: c.Program, Profile: &mixed, Outcome: c.Outcome, Probes: probes})
		return v.Violations
	}
	whole := by(other.Semantics, other.Groups)
	if len(whole) == 0 {
		return nil
	}
	found := breaches{}
	for _, k := range x.knobs {
		s := own.Semantics
		k.Set(&s, &other.Semantics)
		if v := by(s, own.Groups); len(v) > 0 {
			found[k.Key] = v
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, v := range whole {
		key := v.Rule
		if i := slices.IndexFunc(x.knobs, func(k cases.Knob) bool { return k.Rule(&other.Semantics) == v.Rule }); i >= 0 {
			key = x.knobs[i].Key
		}
		found[key] = append(found[key], v)
	}
	return found
}

// rows lists the choices in which the profiles differ, and below them the rules that programs differ by
// without being any choice's.
func (x *explanation) rows(programs []Program) []RuleRow {
	var rows []RuleRow
	for _, k := range x.knobs {
		rows = append(rows, RuleRow{Key: k.Key, What: k.What, A: k.Rule(&x.a.Profile.Semantics), B: k.Rule(&x.b.Profile.Semantics)})
	}
	for i := range programs {
		p := &programs[i]
		if p.Kind != Changed && p.Kind != Unexplained {
			continue
		}
		reasons := p.Shown()
		for _, r := range reasons {
			at := slices.IndexFunc(rows, func(row RuleRow) bool { return row.Key == r.Key })
			if at < 0 {
				rows = append(rows, RuleRow{Key: r.Key, What: cases.RuleText(r.Key)})
				at = len(rows) - 1
			}
			rows[at].Programs = append(rows[at].Programs, p.Name)
			if p.Kind == Changed && len(reasons) == 1 {
				rows[at].Alone++
			}
		}
	}
	return rows
}

// Shown returns the reasons that count: those that every round shows, and those that explain what an
// application sees.
func (p *Program) Shown() []Reason {
	var list []Reason
	for _, r := range p.Reasons {
		if r.stable() || slices.ContainsFunc(p.Differences, func(d Difference) bool { return d.By == r.Key }) {
			list = append(list, r)
		}
	}
	return list
}

// Title is the row in a few words: "P4.4 → P7.5".
func (r *RuleRow) Title() string {
	word := func(id string) string { return cmp.Or(id, "none") }
	if r.A == "" && r.B == "" {
		return r.Key
	}
	return fmt.Sprintf("%s → %s", word(r.A), word(r.B))
}
