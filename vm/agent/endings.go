// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/probe"
	"github.com/ringproof/ringproof/vm/wire"
)

// This file is the second half of a run's way through the scheduler: from
// the end of its steps, or of its time, to its answer.

// overrun starts to gather the evidence of a run whose time is over.
func (s *scheduler) overrun(r *run) {
	w := s.worker
	p := w.ledger.pages[r.page]
	state, step := p.progress(r.tag)
	at := int(step)
	if step == stepSetUp || state == pageIdle {
		at = 0
	}
	r.phase = phaseCollecting
	fds := append([]int32(nil), p.created(r.tag)...)
	if r.brief {
		s.gathered(r, &cases.HangInfo{Step: at})
		return
	}
	pid, bound := w.pid, s.scaled(evidenceBound)
	go func() { s.post(evidence{r, s.collect(bound, at, pid, r.prog.Rings, fds)}) }()
}

// ringsStuck starts to gather the evidence of rings that do not go away.
func (s *scheduler) ringsStuck(r *run) {
	s.sort()
	if s.byTag[r.tag] != r {
		return // they went at the last moment
	}
	s.noteGone(r)
	s.count()
	if r.allGone() {
		s.deliver(r)
		return
	}
	r.phase = phaseStuck
	steps, bound := len(r.prog.Steps), s.scaled(evidenceBound)
	collect := s.collect
	switch {
	case r.brief && s.missed == r.missed:
		s.gathered(r, &cases.HangInfo{Step: steps})
		return
	case r.brief || r.out.Hang != nil:
		collect = collectTasks // the rest is not wanted, or there already
	}
	go func() { s.post(evidence{r, collect(bound, steps, 0, nil, nil)}) }()
}

// gathered goes on with a run whose evidence is there.
func (s *scheduler) gathered(r *run, h *cases.HangInfo) {
	if s.byTag[r.tag] != r {
		return // forgotten meanwhile
	}
	switch r.phase {
	case phaseCollecting:
		r.out.Hang = h
		r.phase = phaseKilling
		r.deadline = s.now().Add(r.orElse(s.scaled(killBound)))
		s.worker.kill()
	case phaseEnding, phaseStuck:
		// A run that ended while its evidence was gathered did not hang here,
		// but it is late all the same.
		if r.phase == phaseStuck && s.missed > r.missed && !exiting(h) {
			// The kernel skipped probes, and nothing is at work on a ring's end:
			// it was not seen, which is no proof of anything.
			r.unseen = true
			s.deliver(r)
			return
		}
		if r.out.Hang == nil {
			r.out.Hang = h
		}
		if r.phase == phaseStuck {
			r.fatal = true
			s.deliver(r)
		}
	}
}

// exiting tells whether a task is tearing a ring down.
func exiting(h *cases.HangInfo) bool {
	return slices.ContainsFunc(h.Stacks, func(t cases.TaskStack) bool {
		return slices.ContainsFunc(t.Stack, func(l string) bool { return strings.Contains(l, ringExit) })
	})
}

// ended notes how a run's process ended, and waits for its rings where the
// probes can see them go.
func (s *scheduler) ended(r *run, end cases.End, text string) {
	if r.out.End == "" { // harvest may have found the run unusable
		r.out.End, r.out.Error = end, text
	}
	if r.fatal && len(r.gone) > r.made {
		r.made = len(r.gone) // nobody knows what an unkillable worker does next
	}
	r.phase = phaseEnding
	r.deadline = time.Time{}
	if !s.ringsSeen || r.made == 0 {
		if s.trace != nil {
			s.sort()
			s.count()
		}
		s.deliver(r)
		return
	}
	s.ending[r.tag] = r
	r.deadline = s.now().Add(r.orElse(s.scaled(ringsBound)))
}

// orElse is the bound that the host gave what follows the run's steps, or usual.
func (r *run) orElse(usual time.Duration) time.Duration {
	if r.ends > 0 {
		return r.ends
	}
	return usual
}

// allGone tells whether every ring that was made is gone.
func (r *run) allGone() bool {
	for _, gone := range r.gone[:min(r.made, len(r.gone))] {
		if !gone {
			return false
		}
	}
	return true
}

// noteGone asks the rings' counters, for ends whose record was lost.
func (s *scheduler) noteGone(r *run) {
	for i := range r.gone[:min(r.made, len(r.gone))] {
		if !r.gone[i] && i < len(r.slots) {
			_, _, _, r.gone[i] = s.trace.control.Counters(r.slots[i])
		}
	}
}

// sort reads the probes' records, gives them to their runs, and answers those that are complete by it.
func (s *scheduler) sort() {
	records, err := s.trace.read()
	if err != nil {
		s.log("the probes' records cannot be read any more: %v", err)
	}
	var r *run
	for ; len(records) >= probe.RecordSize; records = records[probe.RecordSize:] {
		rec := records[:probe.RecordSize]
		if tag := probe.RunOf(rec); r == nil || r.tag != tag {
			if r = s.byTag[tag]; r == nil {
				continue
			}
		}
		r.raw = append(r.raw, rec...)
		if probe.KindOf(rec) == cases.EvRingGone {
			if d, err := probe.Decode(rec); err == nil && d[0].Ring < len(r.gone) {
				r.gone[d[0].Ring] = true
			}
		}
	}
	counted := false
	for _, r := range s.ending {
		if r.phase != phaseEnding || !r.allGone() {
			continue
		}
		if !counted {
			s.count()
			counted = true
		}
		s.deliver(r)
	}
}

// count brings the totals of lost records and missed probe runs up to date.
// It must follow the reading of the records that it vouches for.
func (s *scheduler) count() { s.lost, s.missed = s.trace.tracer.Counts() }

// deliver answers a run and forgets it.
func (s *scheduler) deliver(r *run) {
	delete(s.ending, r.tag)
	if s.byTag[r.tag] == r {
		delete(s.byTag, r.tag)
	}
	if s.trace != nil && !s.calm {
		if why := s.trace.tracer.SchedulerEnded(); why != "" {
			s.calm = true
			s.notice("the guest's kernel has put the noise scheduler out of force, the rest of the noise goes on: " + why)
		}
	}
	if s.trace != nil && r.phase != phaseQueued {
		if s.ringsSeen && !r.unseen {
			r.out.RingsGone = make([]bool, len(r.gone))
			for i := range r.gone {
				r.out.RingsGone[i] = r.gone[i] || i >= r.made
			}
		}
		r.out.Evidence = cases.Evidence{
			Events: uint64(len(r.raw) / probe.RecordSize),
			Lost:   s.lost - r.lost,
			Missed: s.missed - r.missed,
			Probes: true,
		}
	}
	s.releaseSlots(r)
	if !r.orphan {
		s.send(&wire.Ran{ID: r.id, Outcome: r.out, Events: r.raw, Coverage: r.coverage, Fatal: r.fatal})
	}
}

// releaseSlots gives back the counter slots of rings that are gone or were
// never made. Where the end of rings cannot be seen, a slot goes to the back
// of the line, so that it rests for long.
func (s *scheduler) releaseSlots(r *run) {
	for i, slot := range r.slots {
		if !s.ringsSeen {
			s.freeSlots = slices.Insert(s.freeSlots, 0, slot)
		} else if i >= r.made || i < len(r.gone) && r.gone[i] {
			s.freeSlots = append(s.freeSlots, slot)
		}
	}
	r.slots = nil
}

// state describes what is on its way, for the shell.
func (s *scheduler) state() string {
	return fmt.Sprintf("queued %d, with the worker %d, rings going away %d, free slots %d, records lost %d, probe runs missed %d\n",
		len(s.queue), len(s.active), len(s.ending), len(s.freeSlots), s.lost, s.missed)
}
