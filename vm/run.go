// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"fmt"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/kcov"
	"github.com/ringproof/ringproof/vm/noise"
	"github.com/ringproof/ringproof/vm/probe"
	"github.com/ringproof/ringproof/vm/wire"
)

// RunOptions say how a program is run.
type RunOptions struct {
	// Deadline bounds the program's steps, in time of a machine as fast as
	// real hardware; the guest gets it scaled. 0 is [DefaultDeadline].
	Deadline time.Duration
	// Ends bounds how long the program's process and then its rings may take to
	// go, in the same time; 0 is the agent's own bound, which is generous. With a
	// short one a HANG costs less, and says only that much.
	Ends time.Duration
	// Brief does without the evidence of a hang, which takes seconds to gather:
	// HangInfo has only the step. For those who run a program that hangs again anyway.
	Brief bool
	// Coverage asks for what of the kernel the program reached. A guest that has
	// none refuses the program (EndError): see [wire.GuestInfo.NoCoverage].
	Coverage bool
	// Alone runs the program while no other is outstanding, so that every
	// line on the console is its own. See [Guest.Run].
	Alone bool
	// Noise is the seed of the schedule noise that the program runs under, see
	// package noise; 0 is none. Bounds on time, Deadline among them, are later by
	// what the noise may take. All its kinds take a guest with [wire.Settings.Noise].
	Noise uint64
	// Mutant is the number of the mistake that the kernel shall make while the
	// program runs, of those that its image carries; 0 is none.
	Mutant int
}

// DefaultDeadline bounds a program that names no deadline.
const DefaultDeadline = 5 * time.Second

// DefaultWindow is how many programs a guest gets ahead of its answers.
const DefaultWindow = 16

// call is one outstanding program, or an executable.
type call struct {
	id       uint64
	deadline time.Duration
	covered  bool // coverage was asked for
	lines    []string
	sent     time.Duration // by the guest's clock
	stolen   time.Duration // likewise, until then
	// Where the answer goes: to a Run or to an Exec, the other is nil. Of size one.
	done   chan *wire.Ran
	execed chan *wire.Execed
}

// maxCallLines bounds the console lines kept for one program.
const maxCallLines = 2000

// Run runs a program and returns what the guest saw. Several may be called at
// once: the guest gets up to a window of programs ahead and runs them one
// after the other.
//
// The console tells lines, not whose they are. Outcome.Console holds each line
// that came while the program was outstanding, so with others outstanding a
// line may be theirs: before a program is blamed for one, run it with
// RunOptions.Alone. A kernel that has nothing to say leaves it empty.
//
// The error is a *GuestError or an *InfraError if the guest is lost, or ctx's
// error; then the program may still run, and its answer is dropped. An Outcome that
// left the guest unfit comes without an error, but every later Run fails with GuestRetired.
func (g *Guest) Run(ctx context.Context, p *cases.Program, o RunOptions) (*cases.Outcome, error) {
	if err := g.slots.take(ctx, o.Alone, g.down); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, g.Err()
	}
	c := g.begin(p, o)
	msg := &wire.Run{ID: c.id, Program: *p, Deadline: c.deadline, Ends: time.Duration(float64(o.Ends) * g.timeouts.Scale), Brief: o.Brief, Coverage: o.Coverage, Noise: o.Noise, Mutant: o.Mutant}
	if err := g.send(ctx, msg); err != nil {
		g.finish(c.id)
		g.slots.give(o.Alone)
		return nil, g.explain(err, c)
	}
	select {
	case r := <-c.done:
		g.slots.give(o.Alone)
		return g.outcome(c, r)
	case <-g.down:
		g.finish(c.id)
		g.slots.give(o.Alone)
		select {
		case r := <-c.done: // it came just before
			return g.outcome(c, r)
		default:
		}
		return nil, g.explain(g.Err(), c)
	case <-ctx.Done():
		// The slot stays taken until the guest is through with the program.
		go func() {
			select {
			case <-c.done:
			case <-g.down:
				g.finish(c.id)
			}
			g.slots.give(o.Alone)
		}()
		return nil, ctx.Err()
	}
}

func (g *Guest) begin(p *cases.Program, o RunOptions) *call {
	deadline := o.Deadline
	if deadline == 0 {
		deadline = DefaultDeadline
	}
	c := &call{deadline: time.Duration(float64(deadline)*g.timeouts.Scale) + noise.For(o.Noise, p).Bound(), covered: o.Coverage, done: make(chan *wire.Ran, 1)}
	g.enter(c)
	return c
}

// enter notes that an answer is owed to a call.
func (g *Guest) enter(c *call) {
	g.body.Console().Sync() // what was printed before is not this program's
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nextID++
	c.id = g.nextID
	c.sent, c.stolen = g.clock.read()
	if len(g.calls) == 0 {
		g.heard, g.served = c.sent, c.sent
	}
	g.calls[c.id] = c
}

// finish forgets a call; nil if it was forgotten already.
func (g *Guest) finish(id uint64) *call {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.calls[id]
	delete(g.calls, id)
	return c
}

// consoleLine gives a line to every program that may have caused it.
func (g *Guest) consoleLine(l Line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spoke = time.Now()
	if len(g.calls) == 0 && len(g.stray) < maxCallLines {
		g.stray = append(g.stray, l.Text)
	}
	for _, c := range g.calls {
		if len(c.lines) < maxCallLines {
			c.lines = append(c.lines, l.Text)
		}
	}
}

// Stray returns the console's lines that came while no program was
// outstanding, since it was last called: complaints of what earlier programs left behind.
func (g *Guest) Stray() []string {
	g.body.Console().Sync()
	g.mu.Lock()
	defer g.mu.Unlock()
	lines := g.stray
	g.stray = nil
	return lines
}

// Linger waits until the console has been silent for a while, the guest is
// lost or ctx ends, and then returns what [Guest.Stray] does. A kernel may
// print a report about a program on one CPU while the program ends on another:
// who found the beginning of one gets the rest in this way.
func (g *Guest) Linger(ctx context.Context) []string {
	for silence := g.timeouts.Silence; silence > 0; {
		timer := time.NewTimer(silence)
		select {
		case <-timer.C:
		case <-g.body.Done():
			timer.Stop()
			return g.Stray()
		case <-ctx.Done():
			timer.Stop()
			return g.Stray()
		}
		g.body.Console().Sync()
		g.mu.Lock()
		silence = g.timeouts.Silence - time.Since(g.spoke)
		g.mu.Unlock()
	}
	return g.Stray()
}

// ran takes the answer to a Run.
func (g *Guest) ran(r *wire.Ran) {
	g.body.Console().Sync()
	c := g.finish(r.ID)
	if c == nil || c.done == nil {
		g.failGuest(GuestGarbage, fmt.Sprintf("an answer to run %d, which is not outstanding", r.ID), "")
		return
	}
	had, stolen := g.clock.read()
	r.Outcome.Stolen = stolen - c.stolen
	r.Outcome.Waited = had - c.sent + stolen - c.stolen
	g.mu.Lock()
	g.served = had
	g.mu.Unlock()
	c.done <- r
	if r.Fatal {
		g.fail(&GuestError{Kind: GuestRetired, Detail: "an earlier program left tasks behind that do not end"})
	}
}

// outcome decodes an answer.
func (g *Guest) outcome(c *call, r *wire.Ran) (*cases.Outcome, error) {
	out := &r.Outcome
	out.Console = c.lines
	events, err := g.decode(r.Events, uint32(c.id))
	if err != nil {
		e := &GuestError{Kind: GuestGarbage, Detail: "decode the events of a program: " + err.Error(), Console: c.lines}
		g.failGuest(e.Kind, e.Detail, "")
		return nil, e
	}
	out.Events = events
	out.Coverage = nil
	if c.covered && len(r.Coverage) > 0 {
		if out.Coverage, err = kcov.Unpack(r.Coverage); err != nil {
			e := &GuestError{Kind: GuestGarbage, Detail: err.Error(), Console: c.lines}
			g.failGuest(e.Kind, e.Detail, "")
			return nil, e
		}
	}
	return out, nil
}

// explain makes the guest's failure the error of one program.
func (g *Guest) explain(err error, c *call) error {
	ge, ok := err.(*GuestError)
	if !ok {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	mine := *ge
	if mine.Kind != GuestRetired {
		mine.Console = append([]string(nil), c.lines...)
	}
	return &mine
}

// decoder turns raw records of one run into events.
type decoder func(raw []byte, run uint32) ([]cases.Event, error)

func decodeEvents(raw []byte, run uint32) ([]cases.Event, error) {
	records, err := probe.Decode(raw)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	events := make([]cases.Event, len(records))
	for i := range records {
		if records[i].Run != run {
			return nil, fmt.Errorf("record %d is of run %d, not of run %d", i, records[i].Run, run)
		}
		events[i] = records[i].Event
	}
	return events, nil
}

// slots is the window: up to n programs at once, or one alone.
type slots struct {
	turn chan struct{} // held while slots are being taken, and by one alone
	free chan struct{} // holds a token for each free slot
}

func newSlots(n int) *slots {
	if n <= 0 {
		n = DefaultWindow
	}
	s := &slots{turn: make(chan struct{}, 1), free: make(chan struct{}, n)}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// errNoSlot is take's error; the caller knows what ended.
var errNoSlot = fmt.Errorf("no slot")

// take waits for one slot, or for all of them.
func (s *slots) take(ctx context.Context, all bool, down <-chan struct{}) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return errNoSlot
	case <-down:
		return errNoSlot
	}
	want := 1
	if all {
		want = cap(s.free)
	}
	for got := range want {
		var err error
		select {
		case <-s.free:
		case <-ctx.Done():
			err = errNoSlot
		case <-down:
			err = errNoSlot
		}
		if err != nil {
			for range got {
				s.free <- struct{}{}
			}
			<-s.turn
			return err
		}
	}
	if !all {
		<-s.turn
	}
	return nil
}

// give returns what take took.
func (s *slots) give(all bool) {
	if !all {
		s.free <- struct{}{}
		return
	}
	for range cap(s.free) {
		s.free <- struct{}{}
	}
	<-s.turn
}
