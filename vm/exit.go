// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ExitKind says why a QEMU is gone.
type ExitKind uint8

const (
	// ExitClosed: this process ended it, by Close or a context's end.
	ExitClosed ExitKind = iota + 1
	// ExitPoweredOff: the guest powered itself off.
	ExitPoweredOff
	// ExitPanicked: the guest's kernel panicked and rebooted.
	ExitPanicked
	// ExitReset: the guest reset itself without a panic on the console.
	ExitReset
	// ExitKilled: somebody else ended QEMU, or it crashed.
	ExitKilled
	// ExitFailed: QEMU gave up with an error of its own.
	ExitFailed
)

// Exit says how a QEMU ended.
type Exit struct {
	Kind ExitKind
	// Outside is set where a signal that somebody sent ended QEMU, or its QMP
	// monitor: nothing that QEMU or its guest did.
	Outside bool
	// Detail holds the process's status, and QEMU's own words if it had any.
	Detail string
}

// exitFacts is what there is to tell how a QEMU ended.
type exitFacts struct {
	closed   bool               // this process killed it
	status   syscall.WaitStatus // of the process
	shutdown string             // reason of QMP's SHUTDOWN event
	panicked bool               // a panic was on the console
	said     string             // QEMU's standard error
}

// classify weighs the facts. QEMU exits with status 0 both when the guest
// ends and when it gets a SIGTERM; only the SHUTDOWN event tells them apart.
func classify(f exitFacts) Exit {
	x := Exit{Detail: describeStatus(f.status)}
	if f.said != "" {
		x.Detail += "; it said: " + strings.ReplaceAll(f.said, "\n", " | ")
	}
	switch {
	case f.closed:
		x.Kind = ExitClosed
	case f.status.Signaled():
		x.Kind = ExitKilled
		switch f.status.Signal() {
		case syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP:
			x.Outside = true
		}
	case f.status.ExitStatus() != 0:
		x.Kind = ExitFailed
	case strings.HasPrefix(f.shutdown, "host-"):
		x.Kind, x.Outside = ExitKilled, true
		x.Detail += "; ended from outside (" + f.shutdown + ")"
	case f.panicked:
		x.Kind = ExitPanicked
	case f.shutdown == "guest-shutdown":
		x.Kind = ExitPoweredOff
	default:
		x.Kind = ExitReset
	}
	return x
}

func describeStatus(s syscall.WaitStatus) string {
	if s.Signaled() {
		return fmt.Sprintf("QEMU was killed by signal %d (%v)", int(s.Signal()), s.Signal())
	}
	return fmt.Sprintf("QEMU exited with status %d", s.ExitStatus())
}

func waitStatus(s *os.ProcessState) syscall.WaitStatus {
	if s != nil {
		if ws, ok := s.Sys().(syscall.WaitStatus); ok {
			return ws
		}
	}
	return 0
}

// asError returns the error of a machine that ended while it was needed.
func (x Exit) asError(console []string) error {
	const op = "use the guest"
	guest := func(k GuestErrorKind) error { return &GuestError{Kind: k, Console: console} }
	switch x.Kind {
	case ExitPanicked:
		return guest(GuestPanicked)
	case ExitReset:
		return guest(GuestReset)
	case ExitPoweredOff:
		return guest(GuestPoweredOff)
	case ExitClosed:
		return infra(op, errClosed)
	}
	return infra(op, x.failure())
}

// failure is the error of a QEMU that was ended or failed.
func (x Exit) failure() error {
	if x.Outside {
		return endedError(x.Detail)
	}
	return errors.New(x.Detail)
}

// endedError says that somebody else ended QEMU.
type endedError string

func (e endedError) Error() string { return string(e) }

// endedFromOutside tells whether an error is about a QEMU that somebody else ended.
func endedFromOutside(err error) bool {
	var e endedError
	return errors.As(err, &e)
}
