// SPDX-License-Identifier: Apache-2.0

package vm

import "time"

// Timeouts holds every bound of this package. They are generous: a bound that
// is met costs nothing, and one that is missed on a loaded machine costs a
// wrong verdict. Those on what the guest does are in time that the guest had:
// see guestClock.
type Timeouts struct {
	// Scale is how much slower than real hardware the guest is expected to
	// be. Bounds on what the guest does are multiplied with it already.
	Scale float64

	// Boot bounds the time from QEMU's start to the agent's first answer.
	Boot time.Duration
	// Hello bounds the answer to a Hello of an agent that runs already, or
	// runs again after a push: loading the probes is part of it.
	Hello time.Duration
	// Restored bounds the first answer after a restore.
	Restored time.Duration
	// Ping bounds the answer of an agent that has nothing else to do.
	Ping time.Duration
	// Overtime is what a program may take beyond its own deadline before the
	// agent is asked whether it is alive: it covers the end of the rings and
	// what the agent collects about a hang.
	Overtime time.Duration
	// Silence is how long a console must print nothing until a report that
	// it began is taken to be complete.
	Silence time.Duration
	// Die bounds the time from a panic's line on the console to QEMU's exit.
	Die time.Duration
	// Proof bounds how long a probe boot may take to prove KVM.
	Proof time.Duration

	// Frame is what the channel may take over a frame, see [wire.Conn.SetPatience].
	Frame time.Duration
	// Beat is how long an agent may be silent, with programs outstanding, until it is pinged.
	Beat time.Duration
	// Stopped is how long QEMU may be stopped until the guest is given up.
	Stopped time.Duration

	// Monitor bounds one QMP command, Migrate a snapshot's saving or
	// loading. They are QEMU's own work and do not scale.
	Monitor, Migrate time.Duration
}

// emulation is how much slower TCG is taken to be than real hardware.
const emulation = 8

// NewTimeouts returns the bounds for an accelerator and a kernel that is
// slowdown times slower than a plain one (sanitizers); below 1 counts as 1.
func NewTimeouts(accel Accel, slowdown float64) Timeouts {
	scale := max(slowdown, 1)
	if accel != KVM {
		scale *= emulation
	}
	d := func(base time.Duration) time.Duration { return time.Duration(float64(base) * scale) }
	return Timeouts{
		Scale:    scale,
		Boot:     d(8 * time.Second),
		Hello:    d(4 * time.Second),
		Restored: d(time.Second),
		Ping:     d(2 * time.Second),
		Overtime: d(3 * time.Second),
		Silence:  d(25 * time.Millisecond),
		Die:      d(time.Second),
		Proof:    10 * time.Second,
		Frame:    5 * time.Second,
		Beat:     2 * time.Second,
		Stopped:  2 * time.Minute,
		Monitor:  20 * time.Second,
		Migrate:  60 * time.Second,
	}
}
