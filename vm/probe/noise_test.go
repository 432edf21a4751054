// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"testing"
	"time"
	"unsafe"

	"github.com/ringproof/ringproof/vm/noise"
)

// The hooks have the same numbers in C and in Go.
func TestHooks(t *testing.T) {
	for _, x := range []struct {
		c    objectsHook
		goes noise.Hook
	}{
		{objectsHookHOOK_SUBMIT, noise.HookSubmit}, {objectsHookHOOK_ISSUE, noise.HookIssue},
		{objectsHookHOOK_ISSUED, noise.HookIssued}, {objectsHookHOOK_PUNT, noise.HookPunt},
		{objectsHookHOOK_WORKER, noise.HookWorker}, {objectsHookHOOK_WORKED, noise.HookWorked},
		{objectsHookHOOK_POLL_ARM, noise.HookPollArm}, {objectsHookHOOK_POLL_RUN, noise.HookPollRun},
		{objectsHookHOOK_TASK_ADD, noise.HookTaskAdd}, {objectsHookHOOK_TASK_RUN, noise.HookTaskRun},
		{objectsHookHOOK_COMPLETE, noise.HookComplete}, {objectsHookHOOK_FLUSH, noise.HookFlush},
		{objectsHookHOOK_DEFER, noise.HookDefer}, {objectsHookHOOK_FAIL_LINK, noise.HookFailLink},
		{objectsHookHOOKS, noise.Hooks},
	} {
		if int(x.c) != int(x.goes) {
			t.Errorf("%v is %d in C, %d in Go", x.goes, x.c, x.goes)
		}
	}
}

// A ring gets the noise that was set before it was tagged, and a ring after it none.
func TestDisturb(t *testing.T) {
	mem := make([]uint64, unsafe.Sizeof(control{})/8)
	c := &Control{c: (*control)(unsafe.Pointer(&mem[0])), tgid: 1}
	plan := &noise.Plan{Key: 5, Sched: noise.Sched{MinSlice: 10, MaxSlice: 30, Jitter: 40, Stray: 50, Kick: 60}}
	plan.Probes = noise.Probes{Key: 7, Budget: time.Millisecond}
	plan.Probes.Delays[noise.HookPunt] = noise.Delay{Chance: 64, Max: 90 * time.Microsecond}
	c.Disturb(plan)
	c.NextRing(1, 0, 3)
	s, r := &c.c.Sched, &c.c.Slots[3].Noise
	if c.c.Noisy != 1 || s.Key != 5 || s.MinSlice != 10 || s.SliceSpan != 20 || s.Jitter != 40 || s.Stray != 50 || s.Kick != 60 {
		t.Errorf("noisy %d, scheduler %+v", c.c.Noisy, *s)
	}
	if r.Key != 7 || r.Budget != 1e6 || r.Delay[noise.HookPunt] != (delay{64, 90}) || r.Delay[noise.HookIssue] != (delay{}) {
		t.Errorf("ring %+v", *r)
	}
	r.Waits, r.Spent = 2, 3000
	if n, sum := c.Waits(3); n != 2 || sum != 3*time.Microsecond {
		t.Errorf("%d waits of %v", n, sum)
	}
	c.Disturb(nil)
	c.NextRing(2, 0, 4)
	if c.c.Noisy != 0 || s.Key != 0 || c.c.Slots[4].Noise.Key != 0 {
		t.Errorf("without noise: noisy %d, scheduler's key %d, ring's %d", c.c.Noisy, s.Key, c.c.Slots[4].Noise.Key)
	}
	c.Disturb(plan)
	c.NextRing(3, 0, 3)
	if n, sum := c.Waits(3); n != 0 || sum != 0 || r.Key != 7 {
		t.Errorf("the next ring of the slot begins with %d waits of %v, key %d", n, sum, r.Key)
	}
}
