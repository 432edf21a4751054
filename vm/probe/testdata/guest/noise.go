// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/noise"
	"github.com/ringproof/ringproof/vm/probe"
)

// noisy checks that the probes wait as package noise says they decide, that
// they keep to the budget, that nothing is lost by it, and that the scheduler takes threads.
func noisy(p cases.Profile) error {
	start := time.Now()
	t, err := probe.Load(probe.Options{Profile: p, Noise: true})
	if err != nil {
		return err
	}
	defer t.Close()
	have, lack := t.Noise()
	fmt.Printf("RESULT info loaded with noise in %v; has %s; lacks %s\n", time.Since(start).Round(time.Millisecond), strings.Join(have, " "), strings.Join(lack, ", "))
	ctl, err := probe.OpenControl(t.ControlFile())
	if err != nil {
		return err
	}
	defer ctl.Close()
	plan := &noise.Plan{Key: 7}
	plan.Probes = noise.Probes{Key: 99, Budget: time.Second}
	plan.Probes.Delays[noise.HookSubmit] = noise.Delay{Chance: 64, Max: 20 * time.Microsecond}
	plan.Probes.Delays[noise.HookIssue] = noise.Delay{Chance: 128, Max: 50 * time.Microsecond}
	plan.Probes.Delays[noise.HookIssued] = noise.Delay{Chance: 128, Max: 30 * time.Microsecond}
	plan.Probes.Delays[noise.HookComplete] = noise.Delay{Chance: noise.Always, Max: 10 * time.Microsecond}

	waits, sum, took, err := disturbed(ctl, plan, 0)
	if err != nil {
		return err
	}
	var wantWaits uint64
	var want time.Duration
	for ud := uint64(1); ud <= noisyRequests; ud++ {
		// The first hook comes before the request's life begins.
		for turn, h := range []noise.Hook{noise.HookSubmit, noise.HookIssue, noise.HookIssued, noise.HookComplete} {
			if w := plan.Probes.Wait(h, ud, uint8(max(turn-1, 0))); w > 0 {
				wantWaits++
				want += w
			}
		}
	}
	switch {
	case waits != wantWaits || sum != want:
		return fmt.Errorf("the probes decided on %d waits of %v, package noise on %d of %v", waits, sum, wantWaits, want)
	case took < sum:
		return fmt.Errorf("waits of %v took %v with all else", sum, took)
	}
	plan.Probes.Budget = 100 * time.Microsecond
	if _, sum, _, err = disturbed(ctl, plan, 1); err != nil {
		return err
	} else if sum < plan.Probes.Budget || sum > plan.Probes.Budget+50*time.Microsecond {
		return fmt.Errorf("waits of %v within a budget of %v", sum, plan.Probes.Budget)
	}
	if waits, _, _, err = disturbed(ctl, nil, 2); err != nil || waits != 0 {
		return fmt.Errorf("%d waits without noise, %v", waits, err)
	}
	if lost, missed := t.Counts(); lost+missed != 0 {
		return fmt.Errorf("%d records lost, %d probe runs missed", lost, missed)
	}
	if !slices.Contains(have, "scheduler=sched_ext") {
		return nil
	}
	plan.Sched = noise.Sched{MinSlice: 20 * time.Microsecond, MaxSlice: time.Millisecond, Jitter: 300 * time.Microsecond, Stray: 128, Kick: 128}
	return scheduled(t, ctl, plan)
}

const noisyRequests = 64

// disturbed submits NOPs at once on a ring with the plan's noise.
func disturbed(ctl *probe.Control, plan *noise.Plan, slot int) (waits uint64, sum, took time.Duration, err error) {
	ctl.Disturb(plan)
	defer ctl.Disturb(nil)
	ctl.NextRing(run, ring, slot)
	r, err := uring.New(noisyRequests, 0, 0)
	if err != nil {
		return 0, 0, 0, err
	}
	defer awaitGone(ctl, slot)
	defer r.Close()
	for i := range uint64(noisyRequests) {
		*r.Next() = uring.SQE{UserData: i + 1}
	}
	start := time.Now()
	if _, err := r.Submit(); err != nil {
		return 0, 0, 0, err
	}
	took = time.Since(start)
	waits, sum = ctl.Waits(slot)
	return waits, sum, took, nil
}

// schedExt is SCHED_EXT of linux/sched.h.
const schedExt = 7

// scheduled gives threads that hand a byte around to the scheduler.
func scheduled(t *probe.Tracer, ctl *probe.Control, plan *noise.Plan) error {
	if !ctl.Scheduler() {
		return fmt.Errorf("the scheduler is there, but not in force")
	}
	ctl.Disturb(plan)
	defer ctl.Disturb(nil)
	const threads, rounds = 4, 200
	var pipes [threads][2]int
	for i := range pipes {
		must(unix.Pipe(pipes[i][:]))
	}
	var wg sync.WaitGroup
	errs := make(chan error, threads)
	for i := range threads {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread() // and never unlocked: the thread ends with this
			if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: schedExt}, 0); err != nil {
				errs <- fmt.Errorf("SCHED_EXT: %w", err)
			}
			b := make([]byte, 1)
			for range rounds {
				if i == 0 {
					unix.Write(pipes[1][1], b)
				}
				unix.Read(pipes[i][0], b)
				if i != 0 {
					unix.Write(pipes[(i+1)%threads][1], b)
				}
			}
		}()
	}
	start := time.Now()
	wg.Wait()
	n := ctl.Decisions()
	fmt.Fprintf(os.Stdout, "RESULT info the scheduler decided %d times, %d handovers in %v\n", n, threads*rounds, time.Since(start).Round(time.Millisecond))
	switch why := t.SchedulerEnded(); {
	case len(errs) > 0:
		return <-errs
	case why != "":
		return fmt.Errorf("the kernel put the scheduler out of force: %s", why)
	case n == 0:
		return fmt.Errorf("the scheduler was not asked once")
	}
	return ejected(t, ctl)
}

// ejected has the kernel put the scheduler out of force, as it does itself
// when a thread has not run for long, and checks that this is known and does no harm.
func ejected(t *probe.Tracer, ctl *probe.Control) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: schedExt}, 0)
		if err == nil {
			err = os.WriteFile("/proc/sysrq-trigger", []byte("S"), 0) // sysrq_handle_sched_ext_reset()
		}
		for err == nil && t.SchedulerEnded() == "" {
			time.Sleep(time.Millisecond)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return err
	}
	fmt.Println("RESULT info ejected:", t.SchedulerEnded())
	if ctl.Scheduler() {
		return fmt.Errorf("the scheduler has ended (%s), but threads are told that it is in force", t.SchedulerEnded())
	}
	return nil
}
