// SPDX-License-Identifier: Apache-2.0

// Package vm runs QEMU guests and talks to the agent inside them.
//
// [Machine] is a QEMU process with its console, monitor and channel: start it
// with [Start] or from a snapshot with [Restore], and end it with Close.
// [Guest] is a Machine whose agent has said hello: [StartGuest] brings one up
// by the cheapest way that works, and Guest.Run runs programs in it.
//
// Two error types tell whose fault a failure is, and nothing in this package
// returns an error that is both: [*GuestError] when the kernel under test
// died, fell silent or sent nonsense, [*InfraError] when QEMU, a socket or the
// disk failed us. An InfraError is never evidence against a kernel.
//
// A guest gets no network, no host directory and no host device. QEMU runs in
// its own process group, confined by its seccomp sandbox, and dies with the
// process that started it, even by SIGKILL.
package vm
