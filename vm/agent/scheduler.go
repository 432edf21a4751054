// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/kcov"
	"github.com/ringproof/ringproof/vm/probe"
	"github.com/ringproof/ringproof/vm/wire"
)

// A scheduler hands runs to workers and answers each when its worker has
// ended it and its rings are gone. All methods are called from one goroutine;
// what happens elsewhere comes in as an event by [scheduler.handle].
type scheduler struct {
	exe   string
	scale float64
	trace *tracing // nil without probes
	// post delivers an event to handle from any goroutine.
	post func(any)
	// send delivers an answer to the host.
	send func(*wire.Ran)
	log  func(format string, args ...any)
	// notice takes what the user should know.
	notice func(text string)
	// now tells the time by which programs are late.
	now func() time.Time
	// force makes the kernel make the mistake of that number from now on; 0 is none.
	force func(mutant int) error
	// collect gathers the evidence of a hang.
	collect func(bound time.Duration, step, pid int, rings []cases.Ring, fds []int32) *cases.HangInfo

	queue  []*run // not yet with a worker
	active []*run // with the current worker, in order
	ending map[uint32]*run
	byTag  map[uint32]*run // with or behind a worker

	worker, spare *process
	dying         map[int]*process // left, but not yet gone

	freeSlots    []int
	lost, missed uint64
	ext4         bool   // mounted
	uncovered    string // why there is no coverage, "" if there is
	mutant       int    // that is in force; a kernel begins with none
	calm         bool   // the host knows that the noise scheduler has ended
	// ringsSeen says that the probes report the end of rings.
	ringsSeen bool
	polled    time.Time // when the probes were last read
}

// A run is one Run of the host on its way.
type run struct {
	id uint64
	// tag is the run's number in probe records: the low half of id, as the host expects.
	tag      uint32
	prog     *cases.Program
	bound    time.Duration
	ends     time.Duration // bounds the end of its worker and of its rings; 0 is ours
	mutant   int
	brief    bool // of a hang, only where it is
	noise    uint64
	covered  bool
	orphan   bool // the host that asked is no longer there
	retried  bool
	page     int
	slots    []int
	since    time.Time // when it came to the head of the worker's jobs
	phase    phase
	deadline time.Time // of the phase; zero is none

	out          cases.Outcome
	raw          []byte
	coverage     []byte // packed
	made         int    // rings created
	gone         []bool // rings whose end was seen
	lost, missed uint64 // at the start
	fatal        bool
	unseen       bool // the end of its rings was missed, not absent
}

type phase int

const (
	phaseQueued     phase = iota
	phaseRunning          // with a worker
	phaseCollecting       // its time is over: evidence is being gathered
	phaseKilling          // its worker was sent SIGKILL
	phaseEnding           // the worker is done: its rings are going away
	phaseStuck            // they did not: evidence is being gathered
)

// Bounds before scaling.
const (
	defaultDeadline = 10 * time.Second
	killBound       = 2 * time.Second
	ringsBound      = 2 * time.Second
	evidenceBound   = 2 * time.Second // for each part of the evidence
)

// pipelined is how many programs a worker has at most: one runs while the
// next is already there.
const pipelined = ledgerPages

// Events.
type (
	workerReport struct {
		w   *process
		rep *report
	}
	workerDrained struct{ w *process }
	childExited   struct {
		pid    int
		status unix.WaitStatus
	}
	evidence struct {
		r    *run
		hang *cases.HangInfo
	}
)

func newScheduler(exe string, post func(any), send func(*wire.Ran), log func(string, ...any)) *scheduler {
	return &scheduler{exe: exe, scale: 1, post: post, send: send, log: log, notice: func(t string) { log("%s", t) },
		now: time.Now, uncovered: kcov.Missing(), collect: collect,
		force:  func(n int) error { return setMutant(linux{}, n) },
		ending: make(map[uint32]*run), byTag: make(map[uint32]*run), dying: make(map[int]*process)}
}

// configure replaces the workers by ones that use the given probes and scale.
// Runs on their way are forgotten.
func (s *scheduler) configure(trace *tracing, scale float64) {
	s.shutdown()
	s.trace, s.scale = trace, scale
	s.ringsSeen = trace.seesRingsGo()
	s.lost, s.missed = 0, 0
	s.freeSlots = s.freeSlots[:0]
	for i := range probe.Slots {
		s.freeSlots = append(s.freeSlots, i)
	}
	s.staff()
}

// shutdown kills the workers and forgets all runs.
func (s *scheduler) shutdown() {
	for _, w := range []*process{s.worker, s.spare} {
		if w != nil {
			s.leave(w)
			w.kill()
		}
	}
	s.worker, s.spare = nil, nil
	s.queue, s.active = nil, nil
	clear(s.ending)
	clear(s.byTag)
}

// abandon makes all runs on their way end unanswered.
func (s *scheduler) abandon() {
	s.queue = nil
	for _, r := range s.byTag {
		r.orphan = true
	}
}

func (s *scheduler) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * s.scale)
}

// submit takes a run in.
func (s *scheduler) submit(m *wire.Run) {
	r := &run{id: m.ID, tag: uint32(m.ID), prog: &m.Program, bound: m.Deadline, ends: m.Ends, mutant: m.Mutant, brief: m.Brief, noise: m.Noise, covered: m.Coverage}
	if r.bound <= 0 {
		r.bound = s.scaled(defaultDeadline)
	}
	if why := s.uncovered; m.Coverage && why != "" {
		s.refuse(r, "coverage was asked for, and is not to be had: "+why)
		return
	}
	if r.tag == 0 {
		s.refuse(r, fmt.Sprintf("the run's ID is %#x, its low 32 bits must not be 0", m.ID))
		return
	}
	s.queue = append(s.queue, r)
	s.dispatch()
}

// refuse answers a run that never started.
func (s *scheduler) refuse(r *run, why string) {
	r.out.End, r.out.Error = cases.EndError, why
	s.deliver(r)
}

// dispatch hands queued runs to the worker as far as it can take them.
func (s *scheduler) dispatch() {
	for len(s.queue) > 0 && s.worker != nil && len(s.active) < pipelined {
		if n := len(s.active); n > 0 && (endsProcess(s.active[n-1].prog) || s.active[0].phase != phaseRunning) {
			return // this worker has no future
		}
		page := slices.Index(s.worker.pageBusy[:], false)
		if page < 0 {
			return
		}
		r := s.queue[0]
		if s.byTag[r.tag] != nil {
			return // an earlier host's run with the same number is still ending
		}
		if r.mutant != s.mutant {
			if len(s.byTag) > 0 {
				return // what is under way did not ask for this kernel
			}
			if err := s.force(r.mutant); err != nil {
				s.queue = s.queue[1:]
				s.refuse(r, err.Error())
				continue
			}
			s.mutant = r.mutant
		}
		if s.trace != nil {
			n := len(r.prog.Rings)
			if n > len(s.freeSlots) {
				if len(s.byTag) == 0 {
					s.queue = s.queue[1:]
					s.refuse(r, fmt.Sprintf("the program has %d rings, the probes have room for %d", n, len(s.freeSlots)))
					continue
				}
				return // rings that are going away will make room
			}
			r.slots = slices.Clone(s.freeSlots[len(s.freeSlots)-n:])
			s.freeSlots = s.freeSlots[:len(s.freeSlots)-n]
		}
		s.queue = s.queue[1:]
		if err := s.prepare(r); err != nil {
			s.releaseSlots(r)
			s.refuse(r, err.Error())
			continue
		}
		s.start(r, page)
	}
}

func (s *scheduler) start(r *run, page int) {
	r.page, r.phase = page, phaseRunning
	r.lost, r.missed = s.lost, s.missed
	r.raw, r.gone = nil, make([]bool, len(r.prog.Rings))
	s.worker.pageBusy[page] = true
	s.byTag[r.tag] = r
	s.active = append(s.active, r)
	if len(s.active) == 1 {
		s.lead(r)
	}
	s.worker.jobs <- &job{Tag: r.tag, Page: page, Slots: r.slots, Scale: s.scale, Noise: r.noise, Coverage: r.covered, Program: *r.prog}
}

// lead starts the clock of the run that the worker has come to.
func (s *scheduler) lead(r *run) {
	r.since = s.now()
	r.deadline = r.since.Add(r.bound)
}

// handle takes an event in.
func (s *scheduler) handle(ev any) {
	switch ev := ev.(type) {
	case workerReport:
		s.reported(ev.w, ev.rep)
	case workerDrained:
		ev.w.drained = true
		s.departed(ev.w)
	case childExited:
		for _, w := range []*process{s.worker, s.spare, s.dying[ev.pid]} {
			if w != nil && w.pid == ev.pid {
				w.reaped, w.status = true, ev.status
				s.departed(w)
				break
			}
		}
	case evidence:
		s.gathered(ev.r, ev.hang)
	}
	s.dispatch()
}

// next is when, by s.now, tick must be called at the latest; zero is never.
func (s *scheduler) next() time.Time {
	var t time.Time
	for _, r := range s.byTag {
		if !r.deadline.IsZero() && (t.IsZero() || r.deadline.Before(t)) {
			t = r.deadline
		}
	}
	if s.ringsSeen && len(s.byTag) > 0 {
		if p := s.polled.Add(s.pollAgain()); t.IsZero() || p.Before(t) {
			t = p
		}
	}
	return t
}

// pollAgain is how long after a look at the probes the next one is due.
func (s *scheduler) pollAgain() time.Duration {
	if len(s.active) > 0 {
		return pollBusy
	}
	return pollEvery
}

// tick reads the probes and acts on deadlines that are over. now is s.now's.
func (s *scheduler) tick(now time.Time) {
	if s.ringsSeen && len(s.byTag) > 0 && now.Sub(s.polled) >= s.pollAgain() {
		s.polled = now
		s.sort()
	}
	for _, r := range s.byTag {
		if r.deadline.IsZero() || now.Before(r.deadline) {
			continue
		}
		r.deadline = time.Time{}
		switch r.phase {
		case phaseRunning:
			s.overrun(r)
		case phaseKilling:
			s.log("worker %d cannot be killed", s.worker.pid)
			r.fatal = true
			s.active = s.active[1:]
			s.harvest(s.worker, r)
			s.salvage(s.worker, r)
			s.dismiss()
			s.ended(r, cases.EndTimeout, "")
			s.requeue()
		case phaseEnding:
			s.ringsStuck(r)
		}
	}
	s.dispatch()
}

// staff sees to it that there is a worker and one that stands by.
func (s *scheduler) staff() {
	if s.worker == nil {
		s.worker, s.spare = s.spare, nil
	}
	for _, place := range []**process{&s.worker, &s.spare} {
		if *place != nil {
			continue
		}
		var control *os.File
		if s.trace != nil {
			control = s.trace.tracer.ControlFile()
		}
		w, err := startWorker(s.exe, control, s.uncovered == "")
		if err != nil {
			s.log("%v", err)
			break
		}
		w.jobs = make(chan *job, pipelined)
		go w.feed()
		go w.listen(s.post)
		*place = w
	}
	if s.worker == nil {
		for _, r := range s.queue {
			s.refuse(r, "no worker process could be started in the guest; its log says why")
		}
		s.queue = nil
	}
}

// leave moves a worker that gets no more jobs to those whose end is awaited.
func (s *scheduler) leave(w *process) {
	close(w.jobs)
	if w.gone() {
		w.free()
		return
	}
	s.dying[w.pid] = w
}

// dismiss gives up the current worker and brings in the next.
func (s *scheduler) dismiss() {
	s.leave(s.worker)
	s.worker = nil
	s.staff()
}

// reported takes a worker's report on its first job in.
func (s *scheduler) reported(w *process, rep *report) {
	if w != s.worker || len(s.active) == 0 || s.active[0].tag != rep.Tag {
		return // of a run that was given up
	}
	r := s.active[0]
	switch r.phase {
	case phaseRunning:
	case phaseCollecting, phaseKilling:
		// Late but not stuck: it counts as timed out all the same, once its worker is gone.
		r.out.Data = rep.Data
		return
	}
	s.active = s.active[1:]
	r.out.Data, r.coverage = rep.Data, rep.Coverage
	end := cases.EndDone
	if rep.Err != "" {
		end = cases.EndError
	}
	s.harvest(w, r)
	s.ended(r, end, rep.Err)
	if rep.Last {
		s.dismiss()
		s.requeue()
	} else if len(s.active) > 0 {
		s.lead(s.active[0])
	}
}

// harvest takes what the ledger holds of a run and frees its page.
func (s *scheduler) harvest(w *process, r *run) {
	p := w.ledger.pages[r.page]
	p.harvest(r.tag, &r.out)
	r.made = len(p.created(r.tag))
	w.pageBusy[r.page] = false
}

// departed acts on a worker that may be gone.
func (s *scheduler) departed(w *process) {
	if !w.gone() {
		return
	}
	go removeLeftovers(w.pid) // on a broken kernel it may never return
	switch w {
	case s.spare:
		s.log("a worker standing by %s: %s", death(w.status), w.lastWords())
		close(w.jobs)
		w.free()
		s.spare = nil
		// Not replaced here: one that cannot live would be replaced for ever.
	case s.worker:
		s.lostWorker(w)
		s.dismiss()
		s.requeue()
	default:
		delete(s.dying, w.pid)
		w.free()
	}
}

// lostWorker ends the run during which the worker ended.
func (s *scheduler) lostWorker(w *process) {
	if len(s.active) == 0 {
		s.log("an idle worker %s: %s", death(w.status), w.lastWords())
		return
	}
	r := s.active[0]
	state, step := w.ledger.pages[r.page].progress(r.tag)
	if state == pageIdle && !r.retried && r.phase == phaseRunning {
		r.retried = true // it died between two programs; requeue takes all that is active
		return
	}
	s.active = s.active[1:]
	s.harvest(w, r)
	if state != pageIdle {
		s.salvage(w, r)
	}
	end, text := cases.EndDied, ""
	if r.phase == phaseCollecting || r.phase == phaseKilling {
		end = cases.EndTimeout
	} else if int(step) < len(r.prog.Steps) && state == pageStarted {
		switch kind := r.prog.Steps[step].Kind; {
		case kind == cases.StepExit && w.status.Exited() && w.status.ExitStatus() == 0:
			end = cases.EndExited
		case kind == cases.StepExec && w.status.Exited() && w.status.ExitStatus() == 0 && w.ledger.pages[r.page].execed(r.tag):
			end = cases.EndExeced
		case kind == cases.StepKill && w.status.Signaled() && w.status.Signal() == unix.SIGKILL:
			end = cases.EndKilled
		}
	}
	if end == cases.EndDied {
		text = fmt.Sprintf("the process %s %s", death(w.status), where(step, len(r.prog.Steps)))
		if words := w.lastWords(); words != "" {
			text += ": " + words
		}
	}
	s.ended(r, end, text)
}

func where(step uint32, steps int) string {
	switch {
	case step == stepSetUp:
		return "while rings and resources were made"
	case int(step) < steps:
		return fmt.Sprintf("in step %d", step)
	}
	return "after its last step"
}

// requeue puts the runs that a lost worker had ahead of it back into the queue.
func (s *scheduler) requeue() {
	for _, r := range slices.Backward(s.active) {
		delete(s.byTag, r.tag)
		s.releaseSlots(r)
		r.phase, r.deadline = phaseQueued, time.Time{}
		if !r.orphan {
			s.queue = slices.Insert(s.queue, 0, r)
		}
	}
	s.active = nil
}
