// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/vm/kcov"
)

// A process is a worker as PID 1 sees it.
type process struct {
	pid    int
	pipe   *pipe
	sock   *pollFile
	stderr int // memfd
	ledger *ledger
	kcov   *kcov.Set // nil if it got none
	jobs   chan *job // closed when it gets no more

	// pageBusy marks the ledger's pages that PID 1 still needs.
	pageBusy [ledgerPages]bool
	// gone is set once it was reaped and its pipe is at its end, in whatever order.
	reaped, drained bool
	status          unix.WaitStatus
}

func (w *process) gone() bool { return w.reaped && w.drained }

// startWorker starts a worker from exe. control is the probes' file or nil; with
// covered it gets what it takes to collect coverage. Reaping it is the caller's business.
func startWorker(exe string, control *os.File, covered bool) (*process, error) {
	w, err := tryStartWorker(exe, control, covered)
	if err != nil {
		return nil, fmt.Errorf("start a worker process from %s: %w", exe, err)
	}
	return w, nil
}

func tryStartWorker(exe string, control *os.File, covered bool) (_ *process, err error) {
	w := &process{stderr: -1}
	var ends [2]int
	ledgerFD := -1
	if ends, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("make its socket: %w", err)
	}
	defer unix.Close(ends[1])
	unix.SetNonblock(ends[0], true)
	if w.sock, err = newPollFile(ends[0], "worker"); err != nil {
		return nil, err
	}
	w.pipe = newPipe(w.sock)
	defer func() {
		if err != nil {
			w.free()
		}
	}()
	if w.stderr, err = unix.MemfdCreate("stderr", unix.MFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make its stderr: %w", err)
	}
	unix.FcntlInt(uintptr(w.stderr), unix.F_SETFL, unix.O_APPEND)
	if w.ledger, ledgerFD, err = newLedger(); err != nil {
		return nil, err
	}
	defer unix.Close(ledgerFD)
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()

	args := []string{workerName}
	files := []uintptr{null.Fd(), uintptr(w.stderr), uintptr(w.stderr), uintptr(ends[1]), uintptr(ledgerFD), null.Fd()}
	if control != nil {
		args = append(args, workerProbes)
		files[workerControlFD] = control.Fd()
	}
	if covered {
		if w.kcov, err = kcov.Open(); err != nil {
			return nil, err
		}
		args = append(args, workerKCOV)
		for _, fd := range w.kcov.FDs() {
			files = append(files, uintptr(fd))
		}
	}
	w.pid, err = syscall.ForkExec(exe, args, &syscall.ProcAttr{
		Env:   []string{workerEnv},
		Files: files,
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// feed sends jobs to the worker until there are no more. It has a goroutine
// of its own, since a worker that hangs does not read.
func (w *process) feed() {
	for j := range w.jobs {
		// An error means that the worker is gone, which shows elsewhere.
		_ = w.pipe.send(j)
	}
}

// listen posts the worker's reports, and then its pipe's end.
func (w *process) listen(post func(any)) {
	for {
		rep := new(report)
		if err := w.pipe.recv(rep); err != nil {
			post(workerDrained{w})
			return
		}
		post(workerReport{w, rep})
	}
}

// lastWords is the end of what it wrote to stderr, such as a Go panic's first lines.
func (w *process) lastWords() string {
	const limit = 2000
	var b [limit]byte
	n, _ := unix.Pread(w.stderr, b[:], 0)
	return strings.TrimSpace(string(b[:max(n, 0)]))
}

// kill sends SIGKILL; the process may be gone already.
func (w *process) kill() { unix.Kill(w.pid, unix.SIGKILL) }

// free releases what PID 1 holds of it.
func (w *process) free() {
	w.sock.Close()
	if w.stderr >= 0 {
		unix.Close(w.stderr)
	}
	if w.ledger != nil {
		w.ledger.close()
		w.ledger = nil
	}
	if w.kcov != nil {
		w.kcov.Close()
		w.kcov = nil
	}
}

// death says in words how a process ended.
func death(ws unix.WaitStatus) string {
	switch {
	case ws.Signaled():
		return fmt.Sprintf("killed by signal %d (%s)", ws.Signal(), unix.SignalName(ws.Signal()))
	case ws.Exited():
		return fmt.Sprintf("exited with status %d", ws.ExitStatus())
	}
	return fmt.Sprintf("wait status %#x", uint32(ws))
}
