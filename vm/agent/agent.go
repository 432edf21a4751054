// SPDX-License-Identifier: Apache-2.0

// Package agent is the guest side of ringproof. The binary that is the
// command line on the host is, in the guest, three kinds of process:
//
//   - PID 1 ([guest]) boots the guest, speaks to the host, loads the probes,
//     hands programs to a worker, sorts probe records to runs, and watches
//     deadlines. It does not submit requests itself, so a request that never
//     ends cannot hold it.
//   - A copying process (copy.go) answers one wire.Copy.
//   - A worker ([executor]) carries programs out, one after the other, until
//     one of them kills it. A second worker stands by.
//
// What a worker has done so far lies in memory that PID 1 shares (the
// [ledger]), so nothing is lost however the worker ends.
package agent

import (
	"os"
	"runtime"
)

const (
	// workerName is a worker's argv[0].
	workerName = "ringproof-worker"
	// copyName is argv[0] of the process that answers a wire.Copy.
	copyName = "ringproof-copy"
	// initName is argv[0] of the first process that the kernel starts from an initramfs.
	initName = "/init"
	// pushedEnv carries PID 1's state over the execution of a pushed binary, see [handover].
	pushedEnv = "RINGPROOF_PUSHED"
)

type role int

const (
	roleHost role = iota
	roleInit
	roleWorker
	roleCopy
)

// roleOf tells the processes of a guest from any other use of the binary. A
// PID of 1 alone proves nothing: containers have one too.
func roleOf(pid int, argv0 string, pushed bool) role {
	switch {
	case argv0 == workerName:
		return roleWorker
	case argv0 == copyName:
		return roleCopy
	case pid == 1 && (argv0 == initName || pushed):
		return roleInit
	}
	return roleHost
}

var myRole = func() role {
	_, pushed := os.LookupEnv(pushedEnv)
	return roleOf(os.Getpid(), os.Args[0], pushed)
}()

func init() {
	// A ring may belong to the thread that made it, and stacks in a hang
	// report are easier to read when that is the process's first thread.
	if myRole == roleWorker || myRole == roleCopy {
		runtime.LockOSThread()
	}
}

// Dispatch runs the guest's part of the binary when this process is one, and
// reports whether it did. It must be the first call in main. As PID 1 it does
// not return.
func Dispatch() bool {
	switch myRole {
	case roleInit:
		initMain()
	case roleWorker:
		workerMain()
	case roleCopy:
		copyMain()
	default:
		return false
	}
	return true
}
