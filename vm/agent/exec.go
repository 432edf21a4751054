// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/vm/wire"
)

// A foreign is a process on its way that is not of ringproof's. It leads a process group, so
// that its children go with it.
type foreign struct {
	pid    int
	output *output
	orphan bool // the host that asked is no longer there
	// ended gets its wait status; of size one, since nobody may be there to take it.
	ended chan unix.WaitStatus
}

// exec answers an Exec beside PID 1's work.
func (g *guest) exec(m *wire.Exec) {
	e, err := g.startExec(m)
	if err != nil {
		g.out.send(&wire.Execed{ID: m.ID, Err: err.Error()})
		return
	}
	g.foreign = e
	bound, grace := m.Bound, g.sched.scaled(killBound)
	g.spawn(func() {
		answer := e.wait(bound, grace)
		answer.ID = m.ID
		g.post(execEnded{e, answer})
	})
}

// execEnded says how a foreign process ended.
type execEnded struct {
	e      *foreign
	answer *wire.Execed
}

func (g *guest) startExec(m *wire.Exec) (*foreign, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if g.foreign != nil {
		return nil, fmt.Errorf("process %d is still running: one at a time", g.foreign.pid)
	}
	if err := g.sched.makeMistake(m.Mutant); err != nil {
		return nil, err
	}
	return startForeign(m.Binary, m.Args)
}

// startForeign starts a process. Reaping it is the caller's business.
func startForeign(binary []byte, args []string) (*foreign, error) {
	fd, err := unix.MemfdCreate("exec", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file for the executable: %w", err)
	}
	file := os.NewFile(uintptr(fd), "exec")
	defer file.Close()
	if _, err := file.Write(binary); err != nil {
		return nil, fmt.Errorf("store the executable: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the output: %w", err)
	}
	defer w.Close()
	// By its descriptor, which the child has until it executes it: one that is open
	// for writing cannot be executed, so it is opened anew.
	ro, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("open the executable: %w", err)
	}
	defer ro.Close()
	file.Close()
	pid, err := syscall.ForkExec(fmt.Sprintf("/proc/self/fd/%d", ro.Fd()), append([]string{"repro"}, args...), &syscall.ProcAttr{
		Dir: "/", Files: []uintptr{null.Fd(), w.Fd(), w.Fd()}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("execute it (is it a static executable for this machine?): %w", err)
	}
	e := &foreign{pid: pid, output: newOutput(), ended: make(chan unix.WaitStatus, 1)}
	go e.output.take(r)
	return e, nil
}

// wait waits until the process is gone, or does not go for grace after it was killed.
func (e *foreign) wait(bound, grace time.Duration) *wire.Execed {
	answer := new(wire.Execed)
	var status unix.WaitStatus
	select {
	case status = <-e.ended:
	case <-time.After(bound):
		answer.Late = true
		e.kill()
		select {
		case status = <-e.ended:
		case <-time.After(grace):
			answer.Stuck = true
		}
	}
	e.kill() // children that it left
	select {
	case <-e.output.closed:
	case <-time.After(grace): // one of them does not go
		answer.Stuck = true
	}
	answer.Output, answer.Cut = e.output.kept()
	switch {
	case answer.Stuck:
	case status.Signaled():
		answer.Signal = int(status.Signal())
	default:
		answer.Status = status.ExitStatus()
	}
	return answer
}

func (e *foreign) kill() { unix.Kill(-e.pid, unix.SIGKILL) }

// output is the beginning of what a process writes.
type output struct {
	closed chan struct{} // once nobody can write any more

	mu   sync.Mutex
	text []byte
	cut  int64
}

func newOutput() *output { return &output{closed: make(chan struct{})} }

func (o *output) take(r io.ReadCloser) {
	defer close(o.closed)
	defer r.Close()
	io.Copy(o, r)
}

// Write implements io.Writer, and takes everything so that nobody blocks.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	keep := min(len(b), wire.MaxOutput-len(o.text))
	o.text = append(o.text, b[:keep]...)
	o.cut += int64(len(b) - keep)
	return len(b), nil
}

func (o *output) kept() ([]byte, int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]byte(nil), o.text...), o.cut
}
