// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
)

// monitor wraps go-qemu's QMP monitor, which has no deadline per command,
// stops reading replies while nobody takes its events, gives up without a word
// at lines of more than 64 KiB, and answers with nothing once the socket is
// closed.
type monitor struct {
	mon     *qmp.SocketMonitor
	timeout time.Duration

	cmd sync.Mutex // one command at a time; guards nothing else

	mu       sync.Mutex
	broken   error         // why no further command can be run
	shutdown string        // reason of the first SHUTDOWN event
	gone     chan struct{} // closed when the event stream has ended
}

// errMonitorGone says that QEMU closed the monitor, which it does by exiting.
var errMonitorGone = errors.New("the QMP monitor is closed")

// dialMonitor connects to a QMP socket and negotiates. Each step, and each
// command later, has timeout to complete.
func dialMonitor(ctx context.Context, path string, timeout time.Duration) (*monitor, error) {
	raw, err := qmp.NewSocketMonitor("unix", path, timeout)
	if err != nil {
		return nil, fmt.Errorf("connect to the QMP socket: %w", err)
	}
	m := &monitor{mon: raw, timeout: timeout, gone: make(chan struct{})}
	_, err = m.bounded(ctx, "negotiate", func() ([]byte, error) { return nil, raw.Connect() })
	if err != nil {
		go raw.Disconnect()
		return nil, err
	}
	events, err := raw.Events(context.Background())
	if err != nil {
		go raw.Disconnect()
		return nil, fmt.Errorf("subscribe to QMP events: %w", err)
	}
	go m.drain(events)
	return m, nil
}

// drain takes every event: replies wait behind events that nobody takes.
func (m *monitor) drain(events <-chan qmp.Event) {
	defer close(m.gone)
	for e := range events {
		if e.Event != "SHUTDOWN" {
			continue
		}
		reason, _ := e.Data["reason"].(string)
		m.mu.Lock()
		if m.shutdown == "" {
			m.shutdown = reason
		}
		m.mu.Unlock()
	}
}

// shutdownReason returns the reason that QEMU gave for shutting down, such as
// "guest-shutdown" or "guest-reset" (qapi/run-state.json, ShutdownCause), or "".
func (m *monitor) shutdownReason() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shutdown
}

// run executes one command and decodes its return value into result, which
// may be nil. A command that gets no answer in time, or one too long, breaks the
// monitor: the stream of replies is out of step.
func (m *monitor) run(ctx context.Context, name string, args, result any) error {
	req, err := json.Marshal(qmp.Command{Execute: name, Args: args})
	if err != nil {
		return fmt.Errorf("QMP %s: %w", name, err)
	}
	m.cmd.Lock()
	defer m.cmd.Unlock()
	m.mu.Lock()
	broken := m.broken
	m.mu.Unlock()
	if broken != nil {
		return fmt.Errorf("QMP %s: %w", name, broken)
	}
	reply, err := m.bounded(ctx, name, func() ([]byte, error) { return m.mon.Run(req) })
	if err != nil {
		return err
	}
	if result == nil {
		return nil
	}
	var r struct{ Return json.RawMessage }
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("QMP %s: decode the reply: %w", name, err)
	}
	if err := json.Unmarshal(r.Return, result); err != nil {
		return fmt.Errorf("QMP %s: decode the return value: %w", name, err)
	}
	return nil
}

// bounded runs f, which cannot be interrupted, until it returns, the timeout
// is over or ctx is done. In the latter two cases the connection is closed,
// which makes f return.
func (m *monitor) bounded(ctx context.Context, name string, f func() ([]byte, error)) ([]byte, error) {
	type result struct {
		reply []byte
		err   error
	}
	done := make(chan result, 1)
	go func() {
		reply, err := f()
		done <- result{reply, err}
	}()
	timer := time.NewTimer(m.timeout)
	defer timer.Stop()
	var err error
	select {
	case r := <-done:
		if r.err == nil {
			return r.reply, nil
		}
		return nil, m.explain(name, r.err)
	case <-timer.C:
		err = fmt.Errorf("no answer within %v", m.timeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	m.breakOff(err)
	go m.mon.Disconnect()
	return nil, fmt.Errorf("QMP %s: %w", name, err)
}

// explain turns what go-qemu returns into what happened.
func (m *monitor) explain(name string, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		err = fmt.Errorf("the reply is longer than %d bytes, which the QMP client cannot read", bufio.MaxScanTokenSize)
		m.breakOff(err)
	case errors.As(err, &syntax) && syntax.Offset == 0:
		// The reply was nil: the listener has stopped.
		err = errMonitorGone
		m.breakOff(err)
	}
	return fmt.Errorf("QMP %s: %w", name, err)
}

func (m *monitor) breakOff(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken == nil {
		m.broken = fmt.Errorf("the monitor is unusable since: %w", err)
	}
}

// close ends the connection. It may be called more than once.
func (m *monitor) close() {
	m.breakOff(errMonitorGone)
	m.mon.Disconnect()
}

// sendFile hands a file to QEMU, which knows it by name from then on and
// closes it when it is used up.
func (m *monitor) sendFile(ctx context.Context, name string, f *os.File) error {
	req, err := json.Marshal(qmp.Command{Execute: "getfd", Args: map[string]string{"fdname": name}})
	if err != nil {
		return fmt.Errorf("QMP getfd: %w", err)
	}
	m.cmd.Lock()
	defer m.cmd.Unlock()
	_, err = m.bounded(ctx, "getfd", func() ([]byte, error) { return m.mon.RunWithFile(req, f) })
	return err
}

// human runs a command of the human monitor and returns its text.
func (m *monitor) human(ctx context.Context, line string) (string, error) {
	var text string
	err := m.run(ctx, "human-monitor-command", map[string]string{"command-line": line}, &text)
	return text, err
}

// status returns the run state, such as "running", "paused" or "inmigrate".
func (m *monitor) status(ctx context.Context) (string, error) {
	var s struct{ Status string }
	err := m.run(ctx, "query-status", nil, &s)
	return s.Status, err
}
