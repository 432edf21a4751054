// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/probe"
)

// tracer is PID 1's side of the probes, a *probe.Tracer.
type tracer interface {
	Attached() []string
	Missing() []string
	ControlFile() *os.File
	Read(buf []byte) ([]byte, error)
	Wait(timeout time.Duration) error
	Counts() (lost, missed uint64)
	Close() error
}

// batch is what a tracing read from the probes at one time.
type batch struct {
	from         *tracing
	records      []byte
	lost, missed uint64 // totals, read after the records
	err          error  // no more batches come
}

// tracing reads a tracer's records in a goroutine of its own, which is the
// only one to touch the tracer until stop.
type tracing struct {
	tracer  tracer
	control counters
	stopped chan struct{}
	done    chan struct{}
}

// counters is what PID 1 reads of a *probe.Control.
type counters interface {
	Counters(slot int) (submitted, completed, freed uint64, gone bool)
	Close() error
}

// idleWait is how long the reader sleeps at most without records; stop may take as long.
const idleWait = 200 * time.Millisecond

func startTracing(o probe.Options) (*tracing, error) {
	tr, err := probe.Load(o)
	if err != nil {
		return nil, err
	}
	ctl, err := probe.OpenControl(tr.ControlFile())
	if err != nil {
		tr.Close()
		return nil, err
	}
	return &tracing{tracer: tr, control: ctl, stopped: make(chan struct{}), done: make(chan struct{})}, nil
}

// read posts batches to events until stop, each only if it holds something new.
func (t *tracing) read(events chan<- any) {
	defer close(t.done)
	deliver := func(b batch) {
		select {
		case events <- b:
		case <-t.stopped: // nobody listens while stop waits
		}
	}
	var lost, missed uint64
	for {
		select {
		case <-t.stopped:
			return
		default:
		}
		if err := t.tracer.Wait(idleWait); err != nil {
			deliver(batch{from: t, err: err})
			return
		}
		records, err := t.tracer.Read(nil)
		b := batch{from: t, records: records, err: err}
		b.lost, b.missed = t.tracer.Counts()
		if len(records) > 0 || b.lost != lost || b.missed != missed || err != nil {
			lost, missed = b.lost, b.missed
			deliver(b)
		}
		if err != nil {
			return
		}
	}
}

// seesRingsGo tells whether the probes report the end of rings. Where they
// cannot, nobody waits for it.
func (t *tracing) seesRingsGo() bool {
	return t != nil && slices.ContainsFunc(t.tracer.Attached(), func(s string) bool {
		return strings.HasPrefix(s, cases.EvRingGone.String()+"=")
	})
}

// stop ends the reader and detaches the probes.
func (t *tracing) stop() error {
	close(t.stopped)
	<-t.done
	t.control.Close()
	return t.tracer.Close()
}
