// SPDX-License-Identifier: Apache-2.0

// Package chaos breaks ringproof's own side on purpose: QEMU, the channel, the
// snapshots and the disk, at moments that a seed chooses; and it checks that this shows in
// no verdict about the kernel, loses no result and leaves nothing behind. Only tests use it.
package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Kind is a way to break something.
type Kind string

const (
	Kill Kind = "kill QEMU" // SIGKILL
	Term Kind = "end QEMU"  // SIGTERM, after which it exits as if in order
	Stop Kind = "stop QEMU" // SIGSTOP, and SIGCONT after Fault.For

	// Those of the channel hit the frame whose number is Fault.N, in the direction of Fault.On.
	FrameFlip    Kind = "flip a bit of a frame"
	FrameCut     Kind = "cut a frame short"
	FrameLost    Kind = "lose a frame"
	FrameTwice   Kind = "double a frame"
	FrameLength  Kind = "announce another length" // under a right checksum of the header
	FrameGarbage Kind = "garbage before a frame"
	FrameLate    Kind = "hold a frame back" // for Fault.For
	FrameTrickle Kind = "trickle a frame"   // a few bytes at a time, Fault.For in all

	// Those of snapshots hit the files that are there.
	SnapFlip    Kind = "flip a bit of a snapshot"
	SnapCut     Kind = "cut a snapshot short"
	SnapGone    Kind = "delete a snapshot"
	SnapForeign Kind = "another kernel's snapshot"

	DiskFull Kind = "fill the disk" // the one that Fault.Disk names
)

// Event is something that happens once or more in a run, by which moments are named:
// that is what makes a seed mean the same again, where a time would not.
type Event string

const (
	Sent      Event = "sent"      // the host is about to send a message
	Received  Event = "received"  // the host is about to receive one
	Restoring Event = "restoring" // a snapshot is about to be opened
	Started   Event = "started"   // a QEMU was started
	Saving    Event = "saving"    // a guest stands still to be saved
	Saved     Event = "saved"     // a snapshot is about to get its name
	Reporting Event = "reporting" // the report is about to be written
)

// Disks that can be full.
const (
	SnapshotDisk = "snapshots"
	ReportDisk   = "reports"
)

// Fault is one thing to break at one moment.
type Fault struct {
	Kind Kind
	// On and N name the moment: the N-th time, from 1, that On happens in a run.
	On Event
	N  int
	// After is a time to let pass from then on, for a kill or a stop. It is
	// the only thing about a fault that does not come again exactly.
	After time.Duration
	For   time.Duration // see the Kinds
	Disk  string        // see DiskFull
	// Room is what a full disk has left, in bytes.
	Room int64
	// Seed decides which bit, how many bytes.
	Seed uint64
}

// String tells the fault on one line.
func (f *Fault) String() string {
	s := fmt.Sprintf("%s %d: %s", f.On, f.N, f.Kind)
	if f.After > 0 {
		s += fmt.Sprintf(" %v later", f.After.Round(time.Millisecond))
	}
	if f.For > 0 {
		s += fmt.Sprintf(" for %v", f.For.Round(time.Millisecond))
	}
	if f.Kind == DiskFull {
		s += fmt.Sprintf(" of %s up to %d bytes", f.Disk, f.Room)
	}
	return s
}

func (f *Fault) rand() *rand.Rand { return rand.New(rand.NewPCG(f.Seed, 1)) }
