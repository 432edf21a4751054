// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"golang.org/x/sys/unix"
)

// scheduler is bpf/sched.bpf.c, loaded and in force.
type scheduler struct {
	err  error // why there is none
	coll *ebpf.Collection
	link link.Link
}

// schedControl is struct sched in bpf/record.h.
type schedControl struct {
	Key, MinSlice, SliceSpan, Jitter uint64
	Stray, Kick                      uint32
	Decisions, ExitKind, Loaded      uint64
	Reason                           [64]byte
}

// startScheduler loads the noise scheduler, which takes the probes' map of
// what user space says for its own. The kernel has room for one scheduler.
func startScheduler(shared *ebpf.Map, cache *btf.Cache) *scheduler {
	s := new(scheduler)
	spec, err := loadScheduler()
	if err != nil {
		s.err = fmt.Errorf("read the built-in scheduler: %w", err)
		return s
	}
	s.coll, err = ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		MapReplacements: map[string]*ebpf.Map{"shared": shared}, Cache: cache})
	if errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, btf.ErrNotFound) {
		s.err = errors.New("the kernel has no sched_ext: build it with CONFIG_SCHED_CLASS_EXT, as flavour fast is")
		return s
	}
	if err != nil {
		s.err = fmt.Errorf("the kernel does not load it: %w", err)
		return s
	}
	if s.link, err = link.AttachStructOps(link.StructOpsOptions{Map: s.coll.Maps["ringproof_noise"]}); err != nil {
		s.err = fmt.Errorf("the kernel does not take it: %w", err)
	}
	return s
}

func (s *scheduler) close() error {
	var err error
	if s.link != nil {
		err = s.link.Close()
	}
	if s.coll != nil {
		s.coll.Close()
	}
	return err
}

// SchedulerEnded says why the kernel has put the noise scheduler out of
// force, "" if it has not or if there is none. It does so when a thread has not run for half a
// minute, of which a host that stopped QEMU may be the cause; all threads are the kernel's own scheduler's then.
func (t *Tracer) SchedulerEnded() string {
	if t.sched == nil || t.sched.link == nil {
		return ""
	}
	c := &controlIn(t.shared).Sched
	kind := atomic.LoadUint64(&c.ExitKind)
	if kind == 0 {
		return ""
	}
	return fmt.Sprintf("%s (enum scx_exit_kind %d)", unix.ByteSliceToString(c.Reason[:]), kind)
}

// Scheduler tells whether the noise scheduler is in force, so that threads
// may be given to it by their policy (SCHED_EXT).
func (c *Control) Scheduler() bool {
	s := &c.c.Sched
	return atomic.LoadUint64(&s.Loaded) != 0 && atomic.LoadUint64(&s.ExitKind) == 0
}

// Decisions is how often the noise scheduler has decided by the seed since [Control.Disturb].
func (c *Control) Decisions() uint64 { return atomic.LoadUint64(&c.c.Sched.Decisions) }
