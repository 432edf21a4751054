// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/report"
)

// FamilyRow compares the time in the guest of a family's programs: those that pass on both, do the
// same there and ran in every round that was measured.
type FamilyRow struct {
	Family   string `json:"family"`
	Programs int    `json:"programs"`
	A        Spread `json:"a"`
	B        Spread `json:"b"`
}

// Spread is the sum of a family's times, over the rounds.
type Spread struct {
	Rounds int           `json:"rounds"`
	Min    time.Duration `json:"min_ns"`
	Median time.Duration `json:"median_ns"`
	Max    time.Duration `json:"max_ns"`
}

// MeasuredRounds is how many rounds a figure needs: with fewer, equal kernels differ too
// often by chance. With five of each the ranges of equal ones part in 1 of 126 families.
const MeasuredRounds = 5

// Shown tells whether the two ranges part, so that a difference may be claimed.
func (r *FamilyRow) Shown() bool {
	return r.A.Rounds >= MeasuredRounds && r.B.Rounds >= MeasuredRounds && (r.A.Max < r.B.Min || r.B.Max < r.A.Min)
}

// Percent is how much longer B's median is than A's; negative is shorter.
func (r *FamilyRow) Percent() float64 {
	if r.A.Median == 0 {
		return 0
	}
	return 100 * (float64(r.B.Median)/float64(r.A.Median) - 1)
}

// alike tells that a program passes and does the same on both.
func (p *Program) alike() bool { return p.Kind == Same || p.Kind == AtTimes }

// took returns the time in the guest of each of the last rounds.
func (s *Seen) took() []time.Duration {
	var list []time.Duration
	for _, c := range s.all {
		if c.Outcome != nil {
			list = append(list, c.Outcome.Took)
		}
	}
	return list
}

func familyRows(programs []Program) []FamilyRow {
	type sums struct {
		n    int
		a, b []time.Duration
	}
	byFamily := map[string]*sums{}
	var names []string
	for i := range programs {
		p := &programs[i]
		a, b := p.A.took(), p.B.took()
		if !p.alike() || min(len(a), len(b)) < MeasuredRounds+1 {
			continue
		}
		f := byFamily[p.Family]
		if f == nil {
			f = &sums{}
			byFamily[p.Family] = f
			names = append(names, p.Family)
		}
		f.n++
		f.a, f.b = addLast(f.a, a), addLast(f.b, b)
	}
	slices.Sort(names)
	var rows []FamilyRow
	for _, name := range names {
		f := byFamily[name]
		rows = append(rows, FamilyRow{Family: name, Programs: f.n, A: spread(f.a), B: spread(f.b)})
	}
	return rows
}

// addLast adds the last [MeasuredRounds] of times to sums: the first round is not measured, as it ran
// between others.
func addLast(sums, times []time.Duration) []time.Duration {
	times = times[len(times)-MeasuredRounds:]
	if sums == nil {
		return slices.Clone(times)
	}
	for i := range sums {
		sums[i] += times[i]
	}
	return sums
}

func spread(times []time.Duration) Spread {
	s := slices.Sorted(slices.Values(times))
	return Spread{Rounds: len(s), Min: s[0], Median: s[len(s)/2], Max: s[len(s)-1]}
}

// Measurable returns programs to measure: of each family at most n of those that do the same on both, the
// quickest, since of a long one most is waiting.
func (c *Comparison) Measurable(n int) []string {
	byFamily := map[string][]*Program{}
	for i := range c.Programs {
		if p := &c.Programs[i]; p.alike() && len(p.A.took()) > 0 && len(p.B.took()) > 0 {
			byFamily[p.Family] = append(byFamily[p.Family], p)
		}
	}
	var names []string
	for _, list := range byFamily {
		slices.SortFunc(list, func(p, q *Program) int { return int(p.slowest() - q.slowest()) })
		for _, p := range list[:min(n, len(list))] {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (p *Program) slowest() time.Duration { return max(slices.Max(p.A.took()), slices.Max(p.B.took())) }

// EventRow says how often the probes saw an event per request that was submitted, over the programs that pass
// and do the same on both.
type EventRow struct {
	Event string  `json:"event"`
	A     float64 `json:"a"`
	B     float64 `json:"b"`
}

func eventRows(programs []Program) []EventRow {
	var a, b counting
	for i := range programs {
		if p := &programs[i]; p.alike() && p.A.first.Outcome != nil && p.B.first.Outcome != nil {
			a.add(p.A.first)
			b.add(p.B.first)
		}
	}
	if a.requests == 0 || b.requests == 0 {
		return nil
	}
	var rows []EventRow
	for _, k := range perRequest {
		if a.events[k]+b.events[k] > 0 {
			rows = append(rows, EventRow{k.String(), float64(a.events[k]) / float64(a.requests), float64(b.events[k]) / float64(b.requests)})
		}
	}
	return rows
}

// perRequest are the events that a request's way through the kernel consists of.
var perRequest = []cases.EventKind{
	cases.EvIssue, cases.EvPunt, cases.EvWorker, cases.EvPollArm, cases.EvTaskAdd, cases.EvTaskRun, cases.EvDefer,
	cases.EvComplete, cases.EvOverflow, cases.EvFree,
}

type counting struct {
	requests int
	events   map[cases.EventKind]int
}

func (n *counting) add(c *report.Case) {
	if n.events == nil {
		n.events = map[cases.EventKind]int{}
	}
	for i := range c.Outcome.Events {
		switch k := c.Outcome.Events[i].Kind; k {
		case cases.EvSubmit, cases.EvPrepFail:
			n.requests++
		default:
			n.events[k]++
		}
	}
}
