// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// An outbox sends messages to the host that is attached, in order, in a
// goroutine of its own: PID 1 goes on while the host is slow. What is sent
// while no host is attached is thrown away, as nobody has asked for it.
type outbox struct {
	mu    sync.Mutex
	more  sync.Cond
	queue []letter
	conn  *wire.Conn
	busy  bool // a letter is being sent
}

type letter struct {
	conn *wire.Conn
	msg  any
}

func newOutbox() *outbox {
	o := new(outbox)
	o.more.L = &o.mu
	return o
}

// attach makes conn's host the one that is spoken to.
func (o *outbox) attach(conn *wire.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn = conn
}

// detach forgets the host of conn, if it is attached.
func (o *outbox) detach(conn *wire.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn == conn {
		o.conn = nil
	}
}

// send queues a message. It must not be changed afterwards.
func (o *outbox) send(msg any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn == nil {
		return
	}
	o.queue = append(o.queue, letter{o.conn, msg})
	o.more.Broadcast()
}

// run sends what is queued, for ever.
func (o *outbox) run() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for len(o.queue) == 0 {
			o.more.Wait()
		}
		batch := o.queue
		o.queue = nil
		o.busy = true
		o.mu.Unlock()
		for _, l := range batch {
			if err := post(l); err != nil {
				o.detach(l.conn)
			}
		}
		o.mu.Lock()
		o.busy = false
		o.more.Broadcast()
	}
}

// flush waits until all that was queued has been sent or given up.
func (o *outbox) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 || o.busy {
		o.more.Wait()
	}
}

// last sends a final message ahead of everything that is queued.
func (o *outbox) last(msg any) {
	o.mu.Lock()
	conn := o.conn
	o.queue = nil
	o.mu.Unlock()
	if conn != nil {
		_ = conn.Send(msg)
	}
}

// post sends one letter. An outcome that is too large for the channel is
// replaced by one that says so.
func post(l letter) error {
	err := l.conn.Send(l.msg)
	var big *wire.FrameError
	ran, ok := l.msg.(*wire.Ran)
	if !ok || !errors.As(err, &big) {
		return err
	}
	return l.conn.Send(&wire.Ran{ID: ran.ID, Fatal: ran.Fatal, Outcome: cases.Outcome{
		End: cases.EndError,
		Error: fmt.Sprintf("the outcome is too large for the channel: %v (%d bytes of probe records): make the program smaller",
			err, len(ran.Events)),
		Evidence: ran.Outcome.Evidence,
	}})
}
