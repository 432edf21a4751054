// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/kcov"
	"github.com/ringproof/ringproof/vm/probe"
)

// A worker's descriptors, set by PID 1.
const (
	workerPipeFD    = 3
	workerLedgerFD  = 4
	workerControlFD = 5 // only with workerProbes as an argument
	workerKCOVFD    = 6 // the first of a kcov.Set's, only with workerKCOV
)

// Arguments of a worker: what it was given.
const (
	workerProbes = "probes"
	workerKCOV   = "kcov"
)

// workerArrived is the first argument of what a program's StepExec executes.
const workerArrived = "arrived"

// workerEnv: Go's preemption signals would interrupt the system calls under test.
const workerEnv = "GODEBUG=asyncpreemptoff=1"

func arrivedArgs(tag uint32, page int) []string {
	return []string{workerName, workerArrived, strconv.FormatUint(uint64(tag), 10), strconv.Itoa(page)}
}

// arrivedMain notes in the ledger that a StepExec has succeeded, and ends the process.
func arrivedMain(args []string) {
	l, err := mapLedger(workerLedgerFD)
	if err != nil || len(args) != 2 {
		os.Exit(1)
	}
	tag, err := strconv.ParseUint(args[0], 10, 32)
	page, err2 := strconv.Atoi(args[1])
	if err != nil || err2 != nil || page < 0 || page >= ledgerPages || l.pages[page].tag != uint32(tag) {
		os.Exit(1)
	}
	atomic.StoreUint32(&l.pages[page].arrived, uint32(tag))
	os.Exit(0)
}

// fileDirs is where programs' files live in the guest.
var fileDirs = [2]string{cases.TmpFS: "/tmp", cases.Ext4: ext4Dir}

// workerMain serves jobs until PID 1 closes the pipe.
func workerMain() {
	if len(os.Args) > 1 && os.Args[1] == workerArrived {
		arrivedMain(os.Args[2:])
	}
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
	runtime.GOMAXPROCS(1)

	name := append([]byte(workerName), 0)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0) // for hang reports

	l, err := mapLedger(workerLedgerFD)
	if err != nil {
		return err
	}
	x := &executor{dirs: fileDirs}
	if slices.Contains(os.Args[1:], workerKCOV) {
		x.coverage = &coverage{set: kcov.Inherit(workerKCOVFD)}
	}
	if slices.Contains(os.Args[1:], workerProbes) {
		ctl, err := probe.OpenControl(os.NewFile(workerControlFD, "control"))
		if err != nil {
			return err
		}
		x.tags = ctl
	}
	// Go opens its poller's descriptors for the first timer or file: let it do
	// so before they would count as a program's.
	time.Sleep(time.Nanosecond)
	if x.sweepFrom, err = firstForeignFD(); err != nil {
		return err
	}
	jobs := newPipe(rawFD(workerPipeFD))
	standBy(workerPipeFD)
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
		rep := x.run(j, l.pages[j.Page])
		if err := jobs.send(rep); err != nil {
			return fmt.Errorf("send a result: %w", err)
		}
		if rep.Last {
			return nil
		}
	}
}

// standBy waits for the first job in a way that Go's scheduler sees, so that
// a worker standing by takes no time at all.
func standBy(fd int) {
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != unix.EINTR {
			return
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

// rawFD reads and writes with plain blocking system calls of which Go's
// scheduler knows nothing, as package uring's are: a worker has one goroutine
// that counts, and the scheduler's watch over threads in system calls costs
// more than a small program. What a program without resources calls is all of this kind.
type rawFD int

func (f rawFD) Read(b []byte) (int, error) {
	n, err := rawIO(unix.SYS_READ, uintptr(f), b)
	if err == nil && n == 0 && len(b) > 0 {
		err = io.EOF
	}
	return n, err
}

func (f rawFD) Write(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		n, err := rawIO(unix.SYS_WRITE, uintptr(f), b[sent:])
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}
