// SPDX-License-Identifier: Apache-2.0

package cases

import "math/bits"

// Coverage is what KCOV saw of one run of one program in the instrumented part
// of the kernel, io_uring/. What runs in interrupts (timers that expire) and in
// kworkers (the end of a ring) KCOV does not see.
type Coverage struct {
	// PCs are the distinct places that were reached, ascending: the address behind a
	// call of __sanitizer_cov_trace_pc, as in vmlinux.
	PCs []uint64
	// Edges are the distinct [EdgeHash]es of what one task reached in a row, ascending.
	Edges []uint32
	// Full says that a task reached more than its buffer holds: what came after is missing.
	Full bool
	// Lacks names the tasks that could not be covered, with the reason after a colon.
	Lacks []string
}

// EdgeHash is a hash of two places of which a task reached one after the other.
// It is the same on every machine.
func EdgeHash(from, to uint64) uint32 {
	return uint32((bits.RotateLeft64(from, 32) ^ to) * 0x9e3779b97f4a7c15 >> 32)
}
