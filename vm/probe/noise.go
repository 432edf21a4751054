// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"

	"github.com/ringproof/ringproof/vm/noise"
)

// noisePrefix begins the names of the BPF programs that make requests wait.
const noisePrefix = "noise_"

// hookRoom is HOOK_ROOM in bpf/record.h.
const hookRoom = 16

// noiseHooks says at which hook each of these programs makes requests wait.
var noiseHooks = map[string]noise.Hook{
	"noise_submit":          noise.HookSubmit,
	"noise_issue":           noise.HookIssue,
	"noise_issued":          noise.HookIssued,
	"noise_punt":            noise.HookPunt,
	"noise_worker":          noise.HookWorker,
	"noise_worked":          noise.HookWorked,
	"noise_poll_arm":        noise.HookPollArm,
	"noise_poll_run":        noise.HookPollRun,
	"noise_normal_work_add": noise.HookTaskAdd,
	"noise_local_work_add":  noise.HookTaskAdd,
	"noise_task_submit":     noise.HookTaskRun,
	"noise_task_complete":   noise.HookTaskRun,
	"noise_complete":        noise.HookComplete,
	"noise_flush":           noise.HookFlush,
	"noise_defer":           noise.HookDefer,
	"noise_fail_link":       noise.HookFailLink,
}

func isNoise(program string) bool { return strings.HasPrefix(program, noisePrefix) }

// noiseControl is struct noise in bpf/record.h.
type noiseControl struct {
	Key, Budget, Spent, Waits uint64
	Delay                     [hookRoom]delay
}

type delay struct{ Chance, MaxUS uint16 }

func withoutNoise(spec *ebpf.CollectionSpec) {
	for name := range spec.Programs {
		if isNoise(name) {
			delete(spec.Programs, name)
		}
	}
}

// Noise lists the kinds of noise that this kernel can be made to make, such
// as "probes=issue" for the places at which requests can be made to wait, and
// those it cannot, with the reason after a colon. There is nothing without [Options.Noise].
func (t *Tracer) Noise() (have, lack []string) {
	for _, h := range t.hooks {
		have = append(have, "probes="+h.String())
	}
	for h := range noise.Hooks {
		if t.sched != nil && !slices.Contains(t.hooks, h) {
			lack = append(lack, "probes="+h.String()+": the kernel has no such function to probe")
		}
	}
	switch {
	case t.sched == nil:
	case t.sched.err != nil:
		lack = append(lack, "scheduler: "+t.sched.err.Error())
	default:
		have = append(have, "scheduler=sched_ext")
	}
	return have, lack
}

// Disturb sets the noise on the rings that are tagged from now on, and what
// the scheduler does; nil is none. Rings that were tagged before keep theirs, but with nil all
// noise ceases. It takes effect where the probes were loaded with [Options.Noise].
func (c *Control) Disturb(p *noise.Plan) {
	c.noise = p
	s := &c.c.Sched
	atomic.StoreUint64(&s.Key, 0)
	if p == nil {
		atomic.StoreUint64(&c.c.Noisy, 0)
		return
	}
	s.MinSlice, s.SliceSpan = uint64(p.Sched.MinSlice), uint64(p.Sched.MaxSlice-p.Sched.MinSlice)
	s.Jitter, s.Stray, s.Kick = uint64(p.Sched.Jitter), uint32(p.Sched.Stray), uint32(p.Sched.Kick)
	atomic.StoreUint64(&s.Decisions, 0)
	atomic.StoreUint64(&s.Key, p.Key)
	atomic.StoreUint64(&c.c.Noisy, 1)
}

// Waits returns how many waits were decided on for the slot's ring so far,
// and how long they were to be together.
func (c *Control) Waits(slot int) (n uint64, sum time.Duration) {
	s := &c.c.Slots[slot].Noise
	return atomic.LoadUint64(&s.Waits), time.Duration(atomic.LoadUint64(&s.Spent))
}

// set writes the noise of a ring that is about to be made.
func (n *noiseControl) set(plan *noise.Plan) {
	atomic.StoreUint64(&n.Key, 0)
	if plan == nil {
		return
	}
	p := &plan.Probes
	n.Budget, n.Spent, n.Waits = uint64(p.Budget), 0, 0
	for h, d := range p.Delays {
		n.Delay[h] = delay{Chance: d.Chance, MaxUS: uint16(d.Max / time.Microsecond)}
	}
	atomic.StoreUint64(&n.Key, p.Key)
}
