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
	Noise() (have, lack []string)
	SchedulerEnded() string
	ControlFile() *os.File
	Read(buf []byte) ([]byte, error)
	Counts() (lost, missed uint64)
	Close() error
}

// counters is what PID 1 reads of a *probe.Control.
type counters interface {
	Counters(slot int) (submitted, completed, freed uint64, gone bool)
	Close() error
}

// tracing is the probes in force.
type tracing struct {
	tracer  tracer
	control counters
	buf     []byte
	broken  bool // reading failed
}

// pollEvery is how often records are read while a run's rings are all that is waited for,
// pollBusy while there is more to run. Being woken for each ring that goes away
// would cost more, and looks are dear on an emulated CPU.
const (
	pollEvery = 2 * time.Millisecond
	pollBusy  = 10 * time.Millisecond
)

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
	return &tracing{tracer: tr, control: ctl}, nil
}

// read returns the records that came since the last call. They are good
// until the next one.
func (t *tracing) read() ([]byte, error) {
	if t.broken {
		return nil, nil
	}
	var err error
	t.buf, err = t.tracer.Read(t.buf[:0])
	t.broken = err != nil
	return t.buf, err
}

// seesRingsGo tells whether the probes report the end of rings. Where they
// cannot, nobody waits for it.
func (t *tracing) seesRingsGo() bool {
	return t != nil && slices.ContainsFunc(t.tracer.Attached(), func(s string) bool {
		return strings.HasPrefix(s, cases.EvRingGone.String()+"=")
	})
}

// stop detaches the probes.
func (t *tracing) stop() error {
	t.control.Close()
	return t.tracer.Close()
}
