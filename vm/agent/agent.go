// SPDX-License-Identifier: Apache-2.0

// Package agent is the guest side of ringproof: PID 1 of the guest, the
// worker process that carries out programs, and the watch over both.
package agent

// Dispatch runs the guest's part of the binary when this process is one, and
// reports whether it did. It must be the first call in main.
func Dispatch() bool { return false }
