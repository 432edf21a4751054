// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"time"
)

// Bounds of an [Exec].
const (
	// MaxBinary is the largest executable in bytes: it travels in one frame.
	MaxBinary = 6 << 20
	// MaxOutput is how many bytes of what a process writes are kept.
	MaxOutput = 64 << 10
)

// Exec asks the guest to run an executable of the host's in a process of its own,
// as root, while it runs no programs. Execed answers; one runs at a time.
type Exec struct {
	ID     uint64 // of the numbers that Run has, too
	Binary []byte // static, since the guest has no libraries
	Args   []string
	// Bound is the guest time, scaling included, after which the process and its
	// children are killed.
	Bound time.Duration
	// Mutant is as in Run.
	Mutant int
}

// Execed is the answer to an Exec.
type Execed struct {
	ID  uint64
	Err string // why it could not be run; "" if it was, and then the rest says how that ended
	// Output is what it wrote to standard output and error, up to MaxOutput; Cut is
	// how many bytes were left out behind that.
	Output []byte
	Cut    int64
	// Status is its exit status, or Signal the signal that killed it.
	Status, Signal int
	// Late says that its time was over, Stuck that it did not even go when it was
	// killed: then the host must replace the guest.
	Late, Stuck bool
}

// Check tells what is wrong with an Exec, nil if nothing is.
func (e *Exec) Check() error {
	switch {
	case len(e.Binary) == 0 || len(e.Binary) > MaxBinary:
		return fmt.Errorf("an executable of %d bytes: must be 1 to %d", len(e.Binary), MaxBinary)
	case e.Bound <= 0:
		return fmt.Errorf("a bound of %v on its time: must be more than nothing", e.Bound)
	}
	return nil
}
