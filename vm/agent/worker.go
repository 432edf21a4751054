// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/probe"
)

// A worker's descriptors, set by PID 1.
const (
	workerPipeFD    = 3
	workerLedgerFD  = 4
	workerControlFD = 5 // only with workerProbes as its argument
)

// workerProbes is a worker's first argument when there are probes.
const workerProbes = "probes"

// fileDirs is where programs' files live in the guest.
var fileDirs = [2]string{cases.TmpFS: "/tmp", cases.Ext4: ext4Dir}

// workerMain serves jobs until PID 1 closes the pipe.
func workerMain() {
	if err := work(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", workerName, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work() error {
	// Collecting garbage stops the thread that runs the program; a worker's
	// garbage is small, so it waits until there is some.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(48 << 20)

	name := append([]byte(workerName), 0)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0) // for hang reports

	l, err := mapLedger(workerLedgerFD)
	if err != nil {
		return err
	}
	x := &executor{dirs: fileDirs}
	if len(os.Args) > 1 && os.Args[1] == workerProbes {
		ctl, err := probe.OpenControl(os.NewFile(workerControlFD, "control"))
		if err != nil {
			return err
		}
		x.tags = ctl
	}
	if x.sweepFrom, err = firstForeignFD(); err != nil {
		return err
	}
	jobs := newPipe(rawFD(workerPipeFD))
	for {
		j := new(job)
		switch err := jobs.recv(j); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("receive a program: %w", err)
		}
		if j.Page < 0 || j.Page >= ledgerPages {
			return fmt.Errorf("receive a program: page %d of the ledger does not exist", j.Page)
		}
		if err := jobs.send(x.run(j, l.pages[j.Page])); err != nil {
			return fmt.Errorf("send a result: %w", err)
		}
	}
}

// firstForeignFD is one more than the highest descriptor that is open now,
// which are the worker's and the Go runtime's.
func firstForeignFD() (uint, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, fmt.Errorf("list own descriptors: %w", err)
	}
	top := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			top = max(top, n)
		}
	}
	return uint(top) + 1, nil
}

// rawFD reads and writes with plain blocking system calls, past Go's poller.
type rawFD int

func (f rawFD) Read(b []byte) (int, error) {
	for {
		switch n, err := unix.Read(int(f), b); {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (f rawFD) Write(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		n, err := unix.Write(int(f), b[sent:])
		if err != nil && err != unix.EINTR {
			return sent, err
		}
		sent += max(n, 0)
	}
	return sent, nil
}
