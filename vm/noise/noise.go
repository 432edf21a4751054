// SPDX-License-Identifier: Apache-2.0

// Package noise makes the order of events an input. A seed and a program give
// a [Plan]: who waits where, and for how long, while the program runs. The
// same seed and program give the same plan, on any machine; what the plan does
// to the order of events is up to the machine.
//
// A plan changes when things happen and never what happens. What a program says of
// time, workers, CPUs or delays itself stays as it says.
package noise

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Bounds of what a plan does. They are guest time and do not scale with the machine.
const (
	// maxLinger bounds one wait in a probe, maxLocked one with a spinlock held,
	// maxIRQ one that may be in an interrupt. What wakes a worker of io-wq takes
	// tens of microseconds on real hardware and hundreds under emulation: shorter waits overtake nobody.
	maxLinger = 1500 * time.Microsecond
	maxLocked = 400 * time.Microsecond
	maxIRQ    = 30 * time.Microsecond
	// ringBudget bounds all waits in probes of one ring together.
	ringBudget = 30 * time.Millisecond
	// maxSpin bounds the wait before a step, maxLate that before one that feeds a resource.
	maxSpin = time.Millisecond
	maxLate = 4 * time.Millisecond
	// stepsBudget bounds the waits before steps together.
	stepsBudget = 30 * time.Millisecond
	// maxRival bounds how long a rival keeps a CPU busy in all.
	maxRival = 12 * time.Millisecond
	// maxDisk bounds the delay of one request to a null_blk device.
	maxDisk = time.Millisecond
	// maxSlice bounds the slices of the noise scheduler.
	maxSlice = 4 * time.Millisecond
)

// CPUs is how many CPUs a plan spreads over: what ringproof's guests have. A
// guest that has more uses the first ones, a guest with one uses it for all.
const CPUs = 2

// AnyCPU leaves the choice to the kernel.
const AnyCPU = -1

// Plan is the noise of one run of a program. It is data: who carries it out
// looks up what concerns it. A nil Plan is silence.
type Plan struct {
	// Seed is what the plan was drawn from.
	Seed uint64
	// Key decides where the plan only says how often: in probes and in the
	// scheduler. It is never 0.
	Key uint64
	// Threads are how the program's threads run: the first thread, then those
	// of [cases.Program.Threads] in their order.
	Threads []Thread
	// Steps are the waits before each step.
	Steps []Pause
	// Rivals keep CPUs busy while the program runs.
	Rivals []Rival
	// Probes is what the probes do, on each ring for itself.
	Probes Probes
	// Workers is what becomes of io-wq.
	Workers Workers
	// Disks is by how much each resource that is a null_blk device completes
	// requests late, on top of a delay of the program's own; 0 for the others and for polled devices.
	Disks []time.Duration
	// Sched is what the noise scheduler does with threads of class [Ext].
	Sched Sched

	rings, requests int // of the program
}

// Class is a scheduling class.
type Class uint8

// Classes of threads. A guest without the noise scheduler takes Ext for Other.
const (
	Other Class = iota // SCHED_OTHER
	Batch              // SCHED_BATCH
	Idle               // SCHED_IDLE
	Ext                // SCHED_EXT
)

// String returns the class's word.
func (c Class) String() string { return [...]string{"normal", "batch", "idle", "ext"}[c&3] }

// Thread is how a thread runs.
type Thread struct {
	CPU   int // AnyCPU, or which of [CPUs]
	Class Class
	Nice  int // of Other and Batch
}

// Pause is what a thread does before it carries out a step.
type Pause struct {
	Yields int           // calls of sched_yield(2)
	Spin   time.Duration // busy
	Sleep  time.Duration // asleep
}

// Rival is a thread of nobody's that is busy by turns, from the beginning of the program.
type Rival struct {
	CPU        int
	Class      Class         // Other or Ext
	Busy, Rest time.Duration // of each turn
	Turns      int
}

// Workers is what becomes of the io-wq of the program's first thread.
type Workers struct {
	Bounded int // the most bounded workers there may be; 0 leaves all to the program
	CPU     int // AnyCPU, or which of CPUs runs them all
}

// Sched is how the noise scheduler perturbs. The zero Sched is one that nobody needs.
type Sched struct {
	MinSlice, MaxSlice time.Duration // a thread's slice is drawn anew each time
	// Jitter is how far a thread that becomes runnable may fall behind one that
	// comes after it.
	Jitter time.Duration
	// Stray is how many of 256 wakeups go to a CPU drawn at random.
	Stray int
	// Kick is how many of 256 wakeups interrupt the CPU they go to.
	Kick int
}

// For is the noise that a seed makes for a program, nil if the seed is 0.
//
// Of the program its name, its threads, rings, resources and steps count, each
// for its own part: where one of them changes, the noise elsewhere stays.
func For(seed uint64, p *cases.Program) *Plan {
	if seed == 0 {
		return nil
	}
	name := fnv.New64a()
	name.Write([]byte(p.Name))
	d := dice{mix(seed) ^ mix(name.Sum64())}
	plan := &Plan{Seed: seed, Key: d.at("key", 0).Uint64() | 1, rings: len(p.Rings), requests: len(p.SQEs())}
	plan.Sched = d.sched()
	for i := range 1 + len(p.Threads()) {
		plan.Threads = append(plan.Threads, d.thread(p, i))
	}
	plan.Steps = d.steps(p)
	plan.Rivals = d.rivals(p)
	plan.Probes = d.probes()
	plan.Workers = d.workers(p)
	plan.Disks = d.disks(p)
	return plan
}

// Bound is what the plan adds at most to the time that a program takes.
// Deadlines of a program under noise are later by as much.
func (p *Plan) Bound() time.Duration {
	if p == nil {
		return 0
	}
	b := stepsBudget + time.Duration(p.rings)*p.Probes.Budget
	for _, r := range p.Rivals {
		b += time.Duration(r.Turns) * r.Busy
	}
	for _, d := range p.Disks {
		b += time.Duration(p.requests) * d
	}
	if slices.ContainsFunc(p.Threads, func(t Thread) bool { return t.Class == Ext }) {
		b += time.Duration(p.requests) * (p.Sched.Jitter + p.Sched.MaxSlice)
	}
	// Threads wait for each other and for workers, and what one loses the others may lose, too.
	return 2 * b
}

// dice draws the parts of a plan, each from a source of its own.
type dice struct{ root uint64 }

func (d dice) at(part string, i int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(part))
	return rand.New(rand.NewPCG(mix(d.root^h.Sum64()), mix(d.root+uint64(i)+1)))
}

// mix is the finalizer of splitmix64, as in bpf/noise.bpf.h of package probe.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// upTo draws a time from 1 µs to limit, short ones as often as long ones.
func upTo(r *rand.Rand, limit time.Duration) time.Duration {
	limit >>= r.IntN(4)
	return time.Microsecond + time.Duration(r.Int64N(int64(limit))).Truncate(time.Microsecond)
}

// places draws the CPUs of the first thread and of its workers. Left to
// itself the kernel wakes a worker on the CPU of who submits, where it waits until the
// submission is over: only apart do the two race, so they are so in half of all plans.
func (d dice) places() (thread, workers int) {
	r := d.at("places", 0)
	switch thread = r.IntN(CPUs); r.IntN(4) {
	case 0:
		return AnyCPU, AnyCPU
	case 1:
		return r.IntN(CPUs+1) - 1, r.IntN(CPUs+1) - 1
	}
	return thread, (thread + 1) % CPUs
}

func (d dice) thread(p *cases.Program, i int) Thread {
	r := d.at("thread", i)
	t := Thread{CPU: r.IntN(CPUs+1) - 1}
	if i == 0 {
		t.CPU, _ = d.places()
	}
	if d.at("threads", 0).IntN(5) < 2 {
		return Thread{CPU: t.CPU}
	}
	t.Class = [...]Class{Other, Other, Batch, Idle, Ext, Ext, Ext, Ext}[r.IntN(8)]
	nice := r.IntN(16) - 5
	if spins(p) && t.Class == Idle {
		t.Class = Other // who spins leaves an idle thread next to nothing
	}
	if t.Class == Other || t.Class == Batch {
		t.Nice = nice
	}
	if changesUser(p) {
		t.Class, t.Nice = Other, 0 // who has no privilege cannot be put back
	}
	return t
}

// spins tells whether the program has threads that wait without sleeping.
func spins(p *cases.Program) bool {
	return slices.ContainsFunc(p.Rings, func(r cases.Ring) bool {
		return r.Flags&(uring.SetupIOPoll|uring.SetupSQPoll) != 0
	})
}

func changesUser(p *cases.Program) bool {
	return slices.ContainsFunc(p.Steps, func(s cases.Step) bool { return s.Kind == cases.StepUID })
}

func (d dice) steps(p *cases.Program) []Pause {
	// All threads' pauses are within one budget, first come, first served.
	left := stepsBudget
	take := func(t time.Duration) time.Duration {
		t = min(t, left)
		left -= t
		return t
	}
	out := make([]Pause, len(p.Steps))
	for i := range p.Steps {
		r := d.at("step", i)
		how, spin, late := r.IntN(8), upTo(r, maxSpin), upTo(r, maxLate)
		switch {
		case p.Steps[i].Kind == cases.StepFault: // it says when the next step fails
		case feeds(&p.Steps[i]) && how < 4:
			out[i].Sleep = take(late)
		case how < 2:
			out[i].Yields = 1 + how
		case how < 5:
			out[i].Spin = take(spin)
		}
	}
	return out
}

// feeds tells whether a step makes others go on.
func feeds(s *cases.Step) bool { return s.Kind == cases.StepFeed || s.Kind == cases.StepTake }

func (d dice) rivals(p *cases.Program) []Rival {
	var out []Rival
	for i := range CPUs {
		r := d.at("rival", i)
		if r.IntN(4) != 0 {
			continue
		}
		busy := 200*time.Microsecond + upTo(r, maxRival/4)
		out = append(out, Rival{CPU: i, Class: [...]Class{Other, Ext}[r.IntN(2)], Busy: busy, Rest: upTo(r, 2*time.Millisecond), Turns: max(1, int(maxRival/busy)-1)})
	}
	return out
}

func (d dice) workers(p *cases.Program) Workers {
	r := d.at("workers", 0)
	w := Workers{Bounded: [...]int{1, 2, 4, 8, 8, 8}[r.IntN(6)]}
	_, w.CPU = d.places()
	least := 1
	for i := range p.Steps {
		st := &p.Steps[i]
		if st.Kind == cases.StepRegister && st.Reg != nil {
			switch st.Reg.Op {
			case uring.RegisterIOWQMaxWorkers, uring.RegisterIOWQAff:
				return Workers{CPU: AnyCPU}
			}
		}
		for k := range st.SQEs {
			if blocksBounded(st.SQEs[k].Op) {
				least++
			}
		}
	}
	w.Bounded = max(w.Bounded, least)
	return w
}

// blocksBounded tells whether a request may block a bounded worker until
// another request or step lets it go: with fewer workers than such requests a program that is
// right could hang. Bounded workers run what has a regular file or none; all
// that waits for pipes and sockets by itself is for unbounded ones
// (io_prep_async_work()), whose number is left alone. What is left is a splice
// from a pipe into a file.
func blocksBounded(op uring.Op) bool { return op == uring.OpSplice || op == uring.OpTee }

func (d dice) disks(p *cases.Program) []time.Duration {
	out := make([]time.Duration, len(p.Resources))
	for i := range p.Resources {
		r := d.at("disk", i)
		late, delay := r.IntN(3) > 0, upTo(r, maxDisk)
		if s := &p.Resources[i]; late && s.Kind == cases.ResNullBlk && !s.Poll {
			out[i] = delay
		}
	}
	return out
}

func (d dice) sched() Sched {
	r := d.at("sched", 0)
	s := Sched{MinSlice: 20*time.Microsecond + upTo(r, 400*time.Microsecond)}
	s.MaxSlice = s.MinSlice + upTo(r, maxSlice)
	s.Jitter = upTo(r, 4*time.Millisecond)
	s.Stray = [...]int{0, 64, 128, 256}[r.IntN(4)]
	s.Kick = [...]int{0, 32, 128, 256}[r.IntN(4)]
	return s
}
