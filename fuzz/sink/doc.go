// SPDX-License-Identifier: Apache-2.0

// Package sink hands a kernel's coverage to the engine of go test -fuzz, which
// has no hook for it: the engine keeps an input when it raises one of the counters
// that the compiler puts at every branch of an instrumented package. Here are
// branches that do nothing, one for each number.
package sink

//go:generate go run ./generate

// Hit counts an edge of the kernel's code, named by any hash of it. Without instrumentation it does nothing.
func Hit(edge uint32) { arm(Slot(edge)) }

// Slot is the number of the counter that stands for an edge, below [Slots]. Edges share counters
// as hashes do: of a few thousand edges, some.
func Slot(edge uint32) uint32 { return (edge * 0x9e3779b1) >> (32 - slotBits) }
