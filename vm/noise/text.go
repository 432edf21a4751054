// SPDX-License-Identifier: Apache-2.0

package noise

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// String tells in one line what the plan does. How the scheduler and the probes decide in
// detail follows from the seed.
func (p *Plan) String() string {
	if p == nil {
		return "no noise"
	}
	parts := []string{fmt.Sprintf("seed %d", p.Seed)}
	for i, t := range p.Threads {
		who := "thread"
		if i > 0 {
			who = fmt.Sprintf("thread +%d", i)
		}
		parts = append(parts, who+" "+t.String())
	}
	parts = append(parts, p.stepsText()...)
	for _, r := range p.Rivals {
		parts = append(parts, fmt.Sprintf("CPU %d busy %d times for %v, every %v", r.CPU, r.Turns, r.Busy, r.Busy+r.Rest))
	}
	if w := p.Workers; w.Bounded > 0 {
		parts = append(parts, fmt.Sprintf("io-wq: at most %d bounded workers%s", w.Bounded, on(w.CPU)))
	}
	for i, d := range p.Disks {
		if d > 0 {
			parts = append(parts, fmt.Sprintf("resource %d completes %v late", i, d))
		}
	}
	if text := p.Probes.String(); text != "" {
		parts = append(parts, "requests wait: "+text)
	}
	if slices.ContainsFunc(p.Threads, func(t Thread) bool { return t.Class == Ext }) {
		parts = append(parts, "scheduler: "+p.Sched.String())
	}
	return strings.Join(parts, "; ")
}

func on(cpu int) string {
	if cpu == AnyCPU {
		return ""
	}
	return fmt.Sprintf(" on CPU %d", cpu)
}

// String tells how the thread runs.
func (t Thread) String() string {
	s := t.Class.String()
	if t.Nice != 0 {
		s += fmt.Sprintf(" nice %+d", t.Nice)
	}
	return s + on(t.CPU)
}

func (p *Plan) stepsText() []string {
	var late []string
	for i, s := range p.Steps {
		switch {
		case s.Sleep > 0:
			late = append(late, fmt.Sprintf("%d %v late", i, s.Sleep))
		case s.Spin > 0:
			late = append(late, fmt.Sprintf("%d after %v busy", i, s.Spin))
		case s.Yields > 0:
			late = append(late, fmt.Sprintf("%d after a yield", i))
		}
	}
	if len(late) == 0 {
		return nil
	}
	const most = 6
	if n := len(late) - most; n > 0 {
		late = append(late[:most], fmt.Sprintf("and %d more", n))
	}
	return []string{"steps: " + strings.Join(late, ", ")}
}

// String lists the hooks at which requests wait: how many of 256 of them, and for how long at most.
func (p *Probes) String() string {
	var parts []string
	for h, d := range p.Delays {
		if d.Chance > 0 {
			parts = append(parts, fmt.Sprintf("%v %d/%d up to %v", Hook(h), d.Chance, Always, d.Max))
		}
	}
	return strings.Join(parts, ", ")
}

// String tells how the scheduler perturbs.
func (s Sched) String() string {
	return fmt.Sprintf("slices of %v to %v, turns %v apart, %d/256 strayed, %d/256 kicked",
		s.MinSlice, s.MaxSlice, s.Jitter.Round(time.Microsecond), s.Stray, s.Kick)
}
