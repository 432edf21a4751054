// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"fmt"
	"time"

	"github.com/ringproof/ringproof/vm/wire"
)

// ExecOptions say how an executable is run in the guest.
type ExecOptions struct {
	Args []string
	// Bound is the time it gets, of a machine as fast as real hardware; the guest
	// gets it scaled. Then it is killed with its children. It must be positive.
	Bound time.Duration
	// Mutant is as in [RunOptions].
	Mutant int
}

// Executed says how an executable ended, and what the kernel said meanwhile.
type Executed struct {
	wire.Execed
	Console []string
	// Waited and Stolen are as in [cases.Outcome].
	Waited, Stolen time.Duration
}

// Exec runs a static executable of the host's as root in a process of its own in
// the guest, while no program runs. The error says why it could not be run; it
// is a *GuestError or *InfraError if the guest is lost, or ctx's. After one
// that is Stuck every later call fails with GuestRetired.
func (g *Guest) Exec(ctx context.Context, binary []byte, o ExecOptions) (*Executed, error) {
	bound := time.Duration(float64(o.Bound) * g.timeouts.Scale)
	msg := &wire.Exec{Binary: binary, Args: o.Args, Bound: bound, Mutant: o.Mutant}
	if err := msg.Check(); err != nil {
		return nil, err
	}
	if err := g.slots.take(ctx, true, g.down); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, g.Err()
	}
	defer g.slots.give(true)
	c := &call{deadline: bound, execed: make(chan *wire.Execed, 1)}
	g.enter(c)
	defer g.finish(c.id)
	msg.ID = c.id
	if err := g.send(ctx, msg); err != nil {
		return nil, g.explain(err, c)
	}
	select {
	case m := <-c.execed:
		return g.executed(c, m)
	case <-g.down:
		select {
		case m := <-c.execed: // it came just before
			return g.executed(c, m)
		default:
		}
		return nil, g.explain(g.Err(), c)
	case <-ctx.Done():
		// Nobody waits for it any more, so nothing else may be run beside it.
		g.fail(infra("use the guest", fmt.Errorf("an executable was left running in it: %w", context.Cause(ctx))))
		return nil, ctx.Err()
	}
}

// execed takes the answer to an Exec.
func (g *Guest) execed(m *wire.Execed) {
	g.body.Console().Sync()
	c := g.finish(m.ID)
	if c == nil || c.execed == nil {
		g.failGuest(GuestGarbage, fmt.Sprintf("an answer to executable %d, which is not outstanding", m.ID), "")
		return
	}
	c.execed <- m
	if m.Stuck {
		g.fail(&GuestError{Kind: GuestRetired, Detail: "an executable left processes behind that do not end"})
	}
}

func (g *Guest) executed(c *call, m *wire.Execed) (*Executed, error) {
	if m.Err != "" {
		return nil, fmt.Errorf("run an executable in the guest: %s", m.Err)
	}
	had, stolen := g.clock.read()
	x := &Executed{Execed: *m, Console: c.lines, Stolen: stolen - c.stolen}
	x.Waited = had - c.sent + x.Stolen
	return x, nil
}
