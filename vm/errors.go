// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"strings"
)

// GuestErrorKind says how a guest failed.
type GuestErrorKind uint8

const (
	// GuestPanicked: the kernel printed a panic.
	GuestPanicked GuestErrorKind = iota + 1
	// GuestReset: the guest reset itself without a word (a triple fault, a reboot).
	GuestReset
	// GuestPoweredOff: the guest powered itself off unasked.
	GuestPoweredOff
	// GuestSilent: the agent did not answer in time.
	GuestSilent
	// GuestGarbage: the guest sent something that is no message, or a message out of place.
	GuestGarbage
	// GuestFault: the agent reported that it cannot go on.
	GuestFault
	// GuestRetired: an earlier program left the guest unfit (a hang), so this
	// one was not run or not finished. It says nothing about this program:
	// run it again in a fresh guest.
	GuestRetired
)

var guestErrorKinds = [...]string{
	"", "guest panicked", "guest reset itself", "guest powered itself off", "guest fell silent",
	"guest sent garbage", "agent gave up", "guest is no longer fit for programs",
}

// String returns the kind in words.
func (k GuestErrorKind) String() string {
	if int(k) < len(guestErrorKinds) {
		return guestErrorKinds[k]
	}
	return "guest failed"
}

// GuestError says that the guest failed: the kernel's doing, or the agent's.
type GuestError struct {
	Kind GuestErrorKind
	// Detail says what was being done and what was seen.
	Detail string
	// Console holds the console's lines since the program was sent, for an
	// error of Guest.Run; else the last lines there were.
	Console []string
	// Registers holds the CPUs' registers for a guest that fell silent, as
	// QEMU prints them ("info registers -a"); "" where they were not to be had.
	Registers string
}

// Error implements error. It quotes the line that matters most of the console.
func (e *GuestError) Error() string {
	s := e.Kind.String()
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if l := tellingLine(e.Console); l != "" {
		s += fmt.Sprintf(" (console: %s)", l)
	}
	return s
}

// tellingLine returns the panic's line, or the last one that is not empty.
func tellingLine(lines []string) string {
	last := ""
	for _, l := range lines {
		if isPanic(l) {
			return strings.TrimSpace(l)
		}
		if strings.TrimSpace(l) != "" {
			last = strings.TrimSpace(l)
		}
	}
	return last
}

// InfraError says that our side failed: QEMU, a socket, a file, the disk.
type InfraError struct {
	// Op says what was attempted, such as "start QEMU".
	Op string
	// Err says what went wrong.
	Err error
	// Hint says what to do next, or "".
	Hint string
}

// Error implements error.
func (e *InfraError) Error() string {
	s := e.Op + ": " + e.Err.Error()
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap returns what went wrong.
func (e *InfraError) Unwrap() error { return e.Err }

func infra(op string, err error) error { return &InfraError{Op: op, Err: err} }
