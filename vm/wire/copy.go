// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"time"
)

// Names of the ways to copy that a [Copy] compares: what depends on what,
// between four reads and the writes of what they read.
const (
	CopyLinked    = "linked"    // each read is linked to its own write
	CopySeparate  = "separate"  // reads; when userspace has seen all, as many writes
	CopyCoalesced = "coalesced" // reads; when userspace has seen all, one write
	CopyGrouped   = "grouped"   // a group of reads, linked to one write
)

// Bounds of a [Copy].
const (
	// MaxCopy is the largest file in bytes: source and target share the guest's
	// small filesystem.
	MaxCopy = 6 << 20
	// CopyUnit is the number of reads that a group or a write takes together.
	CopyUnit      = 4
	maxCopyDepth  = 1024
	maxCopyRounds = 10000
	copyAlign     = 4096 // what O_DIRECT needs at most
)

// Copy asks the guest to copy a file in several ways, interleaved, and to
// time each. Copied answers; one runs at a time.
type Copy struct {
	// FS is where source and target are: "tmpfs" or "ext4".
	FS     string
	Direct bool // O_DIRECT
	// Size of the file and of a read in bytes. A read is a multiple of 4096, the
	// file one of four reads.
	Size, Block int
	// QueueDepth is how many blocks are on their way at once, a multiple of four.
	QueueDepth int
	// Rounds is how often each way is timed.
	Rounds int
}

// Copied is the answer to a Copy. Every copy was compared with its source.
type Copied struct {
	Err  string // what went wrong; "" if all went well
	Runs []CopyRun
}

// CopyRun is one timed copy.
type CopyRun struct {
	Round, Place int // place in the round's order
	Shape        string
	Took         time.Duration
	Enters       int // calls of io_uring_enter(2)
	SQEs         int
}

// Check tells what is wrong with the numbers of a Copy, nil if nothing is.
func (c *Copy) Check() error {
	switch {
	case c.Block <= 0 || c.Block%copyAlign != 0:
		return fmt.Errorf("reads of %d bytes: must be a multiple of %d", c.Block, copyAlign)
	case c.Size <= 0 || c.Size%(CopyUnit*c.Block) != 0 || c.Size > MaxCopy:
		return fmt.Errorf("a file of %d bytes: must be a multiple of %d reads of %d, up to %d bytes", c.Size, CopyUnit, c.Block, MaxCopy)
	case c.QueueDepth <= 0 || c.QueueDepth%CopyUnit != 0 || c.QueueDepth > maxCopyDepth:
		return fmt.Errorf("a queue depth of %d reads: must be a multiple of %d, up to %d", c.QueueDepth, CopyUnit, maxCopyDepth)
	case c.Rounds < 1 || c.Rounds > maxCopyRounds:
		return fmt.Errorf("%d rounds: must be 1 to %d", c.Rounds, maxCopyRounds)
	}
	return nil
}
