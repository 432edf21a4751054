// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"math/rand/v2"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Options say what a [Mutator] makes of programs.
type Options struct {
	// Profile is what the kernel under test promises. Waits are cut down to what a right kernel
	// of that profile completes, since one for more costs its whole time. With nil
	// they stay as they are but for their bound.
	Profile *cases.Profile
	// Dear says how much there may be of what costs a guest many milliseconds.
	Dear Dear
}

// Dear says how many of a thousand programs get a dear thing anew. What a program has of it already
// is taken away in every other mutation, so that a corpus does not fill with it.
type Dear struct {
	SQPoll  int // a ring with a kernel thread, which takes long to go away
	IOPoll  int // a ring whose waits spin
	NullBlk int // a device, made through configfs
	Ext4    int // files on ext4
	Thread  int // a second thread
	Process int // exit, kill or exec: the next program needs a new process
	OnRing  int // a wait on a ring's own file, which outlives the ring's closing and so needs a new process, too
	Child   int // a child process
	Fault   int // injected failures, which most kernels lack: programs with them are skipped there
}

// DefaultDear is meant for hundreds of programs a second.
var DefaultDear = Dear{SQPoll: 4, IOPoll: 3, Ext4: 5, Thread: 40, Process: 20, OnRing: 10}

const (
	// mostSQEs and mostSteps bound the programs that a Mutator makes.
	mostSQEs  = 16
	mostSteps = 24
	// mostMutations bounds how many of them one Mutate does.
	mostMutations = 8
)

// Mutator makes programs for a fuzzer, from nothing and from others: valid
// ones, bare as by [Bare], that the byte form holds. The same seed and the same calls
// make the same programs. It must not be used concurrently.
type Mutator struct {
	rnd *rand.Rand
	o   Options
}

// NewMutator returns a Mutator whose choices follow from seed.
func NewMutator(seed uint64, o Options) *Mutator {
	return &Mutator{rnd: rand.New(rand.NewPCG(seed, 0x5e)), o: o}
}

// Generate makes a program from nothing.
func (m *Mutator) Generate() *cases.Program {
	w := &work{Mutator: m, p: new(cases.Program), lean: m.leaning()}
	w.addRing()
	if w.chance(8) {
		w.addRing()
	}
	for {
		w.addSubmission(len(w.p.Steps))
		if !w.chance(40) {
			break
		}
		for w.chance(55) {
			w.addStep(len(w.p.Steps))
		}
	}
	for w.chance(40) {
		w.addStep(len(w.p.Steps))
	}
	w.addDear()
	w.addEnd()
	return w.finish()
}

// Mutate makes a program that differs from p in a few ways. donor, which may be nil,
// is another program that parts may be taken from. Both stay as they are.
func (m *Mutator) Mutate(p, donor *cases.Program) *cases.Program {
	w := &work{Mutator: m, p: p.Clone(), had: min(len(p.SQEs()), mostSQEs), lean: m.leaning()}
	w.cheapen()
	if len(w.p.Rings) == 0 {
		w.addRing()
	}
	for n := 1; ; n++ {
		w.mutate(donor)
		if n == mostMutations || !w.chance(55) {
			break
		}
	}
	w.addDear()
	if w.chance(30) {
		w.addEnd()
	}
	return w.finish()
}

// work is one program in the making.
type work struct {
	*Mutator
	p    *cases.Program
	had  int // SQEs before
	lean leaning
}

func (m *Mutator) chance(percent int) bool { return m.rnd.IntN(100) < percent }

func (m *Mutator) seldom(perMille int) bool { return m.rnd.IntN(1000) < perMille }

// small is 1 mostly, and seldom more than a few.
func (m *Mutator) small(most int) int { return m.few(most, 45) }

// few is at least 1, and each further one comes with a chance of so many percent.
func (m *Mutator) few(most, percent int) int {
	n := 1
	for n < most && m.chance(percent) {
		n++
	}
	return n
}

// weighted is one of several things to do.
type weighted[T any] struct {
	weight int
	is     T
}

func pick[T any](m *Mutator, list []weighted[T]) T {
	sum := 0
	for i := range list {
		sum += list[i].weight
	}
	n := m.rnd.IntN(sum)
	for i := range list {
		if n -= list[i].weight; n < 0 {
			return list[i].is
		}
	}
	panic("unreachable: the weights were summed above")
}

func any1[T any](m *Mutator, list ...T) T { return list[m.rnd.IntN(len(list))] }

// finish makes the program valid, short, and cheap to wait for.
func (w *work) finish() *cases.Program {
	w.trim()
	rename(w.p)
	w.p.Repair()
	if len(w.p.SQEs()) == 0 {
		return w.Generate()
	}
	if w.o.Profile != nil {
		Settle(w.p, w.o.Profile, w.rnd.Uint64())
	}
	bare(w.p)
	return w.p
}

// trim keeps the program small, and lets it grow slowly.
func (w *work) trim() {
	most := max(w.had, any1(w.Mutator, mostSQEs/2, mostSQEs*3/4, mostSQEs))
	for len(w.p.Steps) > mostSteps {
		w.p.DropStep(w.rnd.IntN(len(w.p.Steps)))
	}
	for sqes := w.p.SQEs(); len(sqes) > most; sqes = w.p.SQEs() {
		at := sqes[w.rnd.IntN(len(sqes))]
		w.p.DropSQE(at.Step, at.Pos)
	}
}

// cheapen takes what is dear away from what is mutated, every other time.
func (w *work) cheapen() {
	for i := range w.p.Rings {
		r := &w.p.Rings[i]
		if r.Flags&(uring.SetupSQPoll|uring.SetupIOPoll) != 0 && w.chance(50) {
			r.Flags &^= uring.SetupSQPoll | uring.SetupIOPoll | uring.SetupSQAff
			r.CPU, r.Idle = 0, 0
		}
		if r.Entries > 64 {
			r.Entries, r.CQEntries = 64, 0
		}
	}
	for i := range w.p.Resources {
		switch r := &w.p.Resources[i]; {
		case r.Kind == cases.ResNullBlk && w.chance(50):
			*r = cases.Resource{Kind: cases.ResFile, Size: r.Size, Fill: r.Fill}
		case r.FS == cases.Ext4 && w.chance(50):
			r.FS, r.Direct = cases.TmpFS, false
		case r.Kind == cases.ResChild && w.chance(50):
			*r = cases.Resource{Kind: cases.ResPipe}
		}
	}
	threads := w.chance(50)
	for i := len(w.p.Steps) - 1; i >= 0; i-- {
		switch s := &w.p.Steps[i]; {
		case s.Kind.Ends() && s.FD == (cases.FD{}) && w.chance(50), s.Kind == cases.StepFault && w.o.Dear.Fault == 0:
			w.p.DropStep(i)
		case !threads:
			s.Thread, s.Background = "", false
		}
	}
	for _, q := range w.p.SQEs() {
		switch {
		case q.SQE.Op == uring.OpWaitid && w.o.Dear.Child == 0:
			q.SQE.Op = uring.OpNop
		case q.SQE.FD.Ring > 0 && w.chance(50):
			q.SQE.FD = w.pipe(0)
		}
	}
}

// addDear adds what only few programs may have.
func (w *work) addDear() {
	d := &w.o.Dear
	ring := &w.p.Rings[w.rnd.IntN(len(w.p.Rings))]
	if w.seldom(d.SQPoll) {
		ring.Flags = ring.Flags&^(uring.SetupCoopTaskrun|uring.SetupTaskrunFlag|uring.SetupDeferTaskrun) | uring.SetupSQPoll
		ring.Idle = shortest
	}
	if w.seldom(d.IOPoll) {
		ring.Flags |= uring.SetupIOPoll
	}
	if w.seldom(d.NullBlk) {
		w.moveFiles(cases.Resource{Kind: cases.ResNullBlk, Size: 4096, Direct: true, Poll: true})
	}
	if w.seldom(d.Ext4) {
		w.moveFiles(cases.Resource{Kind: cases.ResFile, Size: 4096, FS: cases.Ext4, Direct: w.chance(50)})
	}
	if w.seldom(d.Thread) {
		w.addThread()
	}
	if w.seldom(d.Child) {
		w.insertSQE(w.child())
	}
	if w.seldom(d.Fault) {
		w.addFault()
	}
	if w.seldom(d.OnRing) {
		w.onSQE(func(at cases.SQERef) { w.become(at.SQE, w.pollRing()) })
	}
	if w.seldom(d.Process) {
		if w.chance(50) { // a ring's file counts as in flight, which an end waits for
			w.onSQE(func(at cases.SQERef) { w.become(at.SQE, w.pollRing()) })
		}
		w.endWith(cases.Step{Kind: any1(w.Mutator, cases.StepExit, cases.StepKill, cases.StepKill, cases.StepExec)})
	}
}

// moveFiles makes every file one like r.
func (w *work) moveFiles(r cases.Resource) {
	found := false
	for i := range w.p.Resources {
		if old := &w.p.Resources[i]; old.Kind == cases.ResFile {
			r.Fill, found = old.Fill, true
			*old = r
		}
	}
	if !found {
		w.p.Resources = append(w.p.Resources, r)
		w.insertSQE(w.readFile())
	}
}
