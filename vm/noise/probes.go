// SPDX-License-Identifier: Apache-2.0

package noise

import "time"

// Hook is a place in a request's life at which the probes can make it wait.
type Hook uint8

// The hooks, as enum hook in bpf/record.h of package probe.
const (
	HookSubmit   Hook = iota // it is about to be queued, or to join its link or group
	HookIssue                // before it is issued
	HookIssued               // after it was issued
	HookPunt                 // before it is queued to io-wq
	HookWorker               // before a worker begins with it
	HookWorked               // before a worker lets go of it and looks for the next
	HookPollArm              // after its poll was armed
	HookPollRun              // before its poll's task work looks at what has happened
	HookTaskAdd              // before its task work is queued; may be in an interrupt
	HookTaskRun              // before its task work runs
	HookComplete             // before its CQE is visible
	HookFlush                // before a batch of completions is flushed; no request in particular
	HookDefer                // before it is put behind a drain
	HookFailLink             // before what is linked to it fails
	Hooks
)

// String returns the hook's word.
func (h Hook) String() string {
	if h < Hooks {
		return [...]string{"submit", "issue", "issued", "punt", "worker", "worked", "poll-arm", "poll-run", "task-add",
			"task-run", "complete", "flush", "defer", "fail-link"}[h]
	}
	return "hook"
}

// Always is the [Delay.Chance] of a hook at which each request waits.
const Always = 256

// Delay is how often requests wait at a hook, and for how long.
type Delay struct {
	Chance uint16        // of [Always]
	Max    time.Duration // whole microseconds; a wait is drawn from 1 µs to Max
}

// Probes is what the probes do to the requests of a ring.
type Probes struct {
	// Key decides; 0 is no noise.
	Key uint64
	// Budget bounds all waits on one ring together.
	Budget time.Duration
	Delays [Hooks]Delay
}

// limit is how long a request may wait at the hook.
func (h Hook) limit() time.Duration {
	switch h {
	case HookTaskAdd:
		return maxIRQ
	case HookComplete, HookFlush, HookFailLink:
		return maxLocked
	}
	return maxLinger
}

// mostHooks is at how many hooks requests wait at most under one plan. Where
// all wait everywhere, the order is again what it was.
const mostHooks = 5

func (d dice) probes() Probes {
	p := Probes{Key: d.at("probes", 0).Uint64() | 1, Budget: ringBudget}
	which := d.at("hooks", 0)
	n := 1 + which.IntN(mostHooks)
	hooks := which.Perm(int(Hooks))[:n]
	if busy := [...]Hook{HookIssue, HookIssued, HookPunt, HookWorker}; which.IntN(2) == 0 {
		hooks[0] = int(busy[which.IntN(len(busy))]) // where all requests come by, without a lock in the way
	}
	for _, h := range hooks {
		r := d.at("hook", h)
		limit := Hook(h).limit() >> r.IntN(3)
		p.Delays[h] = Delay{Chance: [...]uint16{64, 128, Always}[r.IntN(3)], Max: (limit/2 + time.Duration(r.Int64N(int64(limit/2)))).Truncate(time.Microsecond)}
	}
	return p
}

// Wait is for how long the request with the given user_data waits the turn-th
// time (from 0, modulo 256) that it comes to any hook, being h; 0 if it does not wait. The probes
// decide the same way: decide() in bpf/noise.bpf.h of package probe. They do without
// once the budget is used up.
func (p *Probes) Wait(h Hook, userData uint64, turn uint8) time.Duration {
	d := &p.Delays[h]
	x := mix(p.Key ^ mix(userData<<16|uint64(h)<<8|uint64(turn)))
	if uint16(x&0xff) >= d.Chance || d.Max < time.Microsecond {
		return 0
	}
	return time.Microsecond * time.Duration(1+(x>>32)%uint64(d.Max/time.Microsecond))
}
