// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/noise"
)

// Options say what to trace.
type Options struct {
	// Profile names the kernel's fields and flags for groups.
	Profile cases.Profile
	// RingBytes is the size of the record queue, a power of two of at least
	// one page; 0 is [DefaultRingBytes]. A record takes 128 bytes of it.
	RingBytes uint32
	// Noise loads the programs that make requests wait, see [Control.Disturb].
	// Without it there is no trace of them.
	Noise bool
}

// DefaultRingBytes holds 262,144 records: those of 10,000 groups of three
// requests, even if the reader gets no CPU meanwhile.
const DefaultRingBytes = 32 << 20

// Tracer is a set of loaded and attached probes with their record queue.
// Its methods may be called by one goroutine at a time.
type Tracer struct {
	programs []*ebpf.Program
	// programFDs are the descriptors of those programs that record.
	programFDs []int
	links      []link.Link
	maps       map[string]*ebpf.Map
	cache      *btf.Cache // of the kernel's types, while programs are loaded
	queue      *queue
	bell       *bell
	control    *os.File
	shared     []byte
	attached   []string
	missing    []string
	hooks      []noise.Hook
	sched      *scheduler // nil if it was not asked for
}

// programKinds says what each BPF program reports. Programs that only help
// another one are listed with that one's kind.
var programKinds = map[string]cases.EventKind{
	"on_create":          cases.EvRingCreate,
	"on_submit":          cases.EvSubmit,
	"on_prep_fail":       cases.EvPrepFail,
	"on_link":            cases.EvLink,
	"on_fail_link":       cases.EvFailLink,
	"on_defer":           cases.EvDefer,
	"on_issue":           cases.EvIssue,
	"on_issue_return":    cases.EvIssueReturn,
	"on_punt":            cases.EvPunt,
	"on_worker":          cases.EvWorker,
	"on_poll_arm":        cases.EvPollArm,
	"on_task_add":        cases.EvTaskAdd,
	"on_normal_work_add": cases.EvTaskAdd,
	"on_local_work_add":  cases.EvTaskAdd,
	"on_task_submit":     cases.EvTaskRun,
	"on_task_complete":   cases.EvTaskRun,
	"on_task_cancel":     cases.EvTaskRun,
	"on_complete":        cases.EvComplete,
	"on_notif":           cases.EvExtraCQE,
	"on_overflow":        cases.EvOverflow,
	"on_flush":           cases.EvFree,
	"on_flushed":         cases.EvFree,
	"on_ring_exit":       cases.EvRingGone,
	"on_ring_gone":       cases.EvRingGone,
	"on_exit":            cases.EvTaskExit,
}

// Load loads and attaches every probe that this kernel has a place for. What
// it lacks is listed by [Tracer.Missing]; an error means that nothing can be
// traced. It needs CAP_BPF and CAP_PERFMON, and sysfs in its place.
func Load(o Options) (_ *Tracer, err error) {
	if o.RingBytes == 0 {
		o.RingBytes = DefaultRingBytes
	}
	if page := uint32(os.Getpagesize()); o.RingBytes < page || o.RingBytes&(o.RingBytes-1) != 0 {
		return nil, fmt.Errorf("load probes: a record queue of %d bytes is impossible: use a power of two of at least %d", o.RingBytes, page)
	}
	spec, err := loadObjects()
	if err != nil {
		return nil, fmt.Errorf("load probes: read the built-in programs: %w", err)
	}
	t := new(Tracer)
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	group, err := t.findGroup(&o.Profile)
	if err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	capacity := o.RingBytes / entrySize
	spec.Maps["entries"].MaxEntries = capacity
	if !o.Noise {
		withoutNoise(spec)
	}
	if err := setVariables(spec, group, capacity); err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	if err := t.loadPrograms(spec); err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	if err := t.openControl(); err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	if o.Noise {
		t.sched = startScheduler(t.maps["shared"], t.cache)
		if t.sched.err == nil {
			controlIn(t.shared).Sched.Loaded = 1
		}
	}
	if t.queue, err = mapQueue(t.maps["entries"].FD(), t.maps["queue_map"].FD(), int(capacity)); err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	if t.bell, err = openBell(t.maps["wakeups"].FD()); err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	if _, err := skippedRuns(t.programFDs); err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	t.cache = nil
	return t, nil
}

func (t *Tracer) openControl() error {
	fd, err := unix.FcntlInt(uintptr(t.maps["shared"].FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("duplicate the control map's descriptor: %w", err)
	}
	t.control = os.NewFile(uintptr(fd), "ringproof-probe-control")
	t.shared, err = mapControl(fd)
	return err
}

// loadPrograms loads each program by itself, so that one which this kernel
// refuses leaves the others alone. They share maps and the kernel's parsed BTF.
func (t *Tracer) loadPrograms(spec *ebpf.CollectionSpec) error {
	coll, err := ebpf.NewCollection(&ebpf.CollectionSpec{Maps: spec.Maps, Variables: spec.Variables, Types: spec.Types, ByteOrder: spec.ByteOrder})
	if err != nil {
		return fmt.Errorf("create maps: %w: is CONFIG_BPF_SYSCALL on, and is there memory?", err)
	}
	t.maps = coll.Maps
	t.cache = btf.NewCache()
	opts := ebpf.CollectionOptions{MapReplacements: t.maps, Cache: t.cache}
	programs := map[string]*ebpf.Program{}
	for name, p := range spec.Programs {
		one := &ebpf.CollectionSpec{Maps: spec.Maps, Programs: map[string]*ebpf.ProgramSpec{name: p}, Types: spec.Types, ByteOrder: spec.ByteOrder}
		c, err := ebpf.NewCollectionWithOptions(one, opts)
		if err != nil {
			if errors.Is(err, ebpf.ErrNotSupported) {
				err = errors.New("not in this kernel")
			} else {
				err = fmt.Errorf("the kernel does not load it: %w", err)
			}
			t.miss(name, p.SectionName, err)
			continue
		}
		programs[name] = c.DetachProgram(name)
		c.Close()
	}
	return t.attachAll(spec, programs)
}

// attachAll attaches what was loaded. No ring is traced before a worker asks
// for it, so the order matters only where two programs share a place: the noise goes
// first, see bpf/noise.bpf.h.
func (t *Tracer) attachAll(spec *ebpf.CollectionSpec, programs map[string]*ebpf.Program) error {
	defer slices.Sort(t.missing)
	names := make([]string, 0, len(programs))
	for name := range programs {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if isNoise(a) != isNoise(b) {
			if isNoise(a) {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	attached := map[string]bool{}
	for _, name := range names {
		p := programs[name]
		s := spec.Programs[name]
		l, err := link.AttachTracing(link.TracingOptions{Program: p, AttachType: s.AttachType})
		if err != nil {
			p.Close()
			if errors.Is(err, unix.EBUSY) {
				err = fmt.Errorf("the function has no ftrace entry in this build (inline or notrace)")
			}
			t.miss(name, s.SectionName, err)
			continue
		}
		delete(programs, name)
		t.programs = append(t.programs, p)
		t.links = append(t.links, l)
		if isNoise(name) {
			t.hooks = append(t.hooks, noiseHooks[name])
			continue // that the kernel skipped one loses no evidence
		}
		t.programFDs = append(t.programFDs, p.FD())
		t.attached = append(t.attached, label(name, s.SectionName))
		attached[name] = true
	}
	slices.Sort(t.attached)
	slices.Sort(t.hooks)
	t.hooks = slices.Compact(t.hooks)
	if !attached["on_create"] || !attached["on_submit"] {
		return fmt.Errorf("neither rings nor requests can be seen: %s", strings.Join(t.missing, "; "))
	}
	return nil
}

func label(program, section string) string {
	return programKinds[program].String() + "=" + section
}

func (t *Tracer) miss(program, section string, err error) {
	if isNoise(program) {
		return // Hooks says what there is
	}
	t.missing = append(t.missing, label(program, section)+": "+err.Error())
}

// Attached lists the attached probes as "kind=attach point", such as
// "issue=fentry/io_issue_sqe", sorted. Several may stand for one kind. Where
// the profile's group fields were found there is also "group_refs=io_kiocb.NAME".
func (t *Tracer) Attached() []string { return slices.Clone(t.attached) }

// Missing lists what could not be attached as "kind=attach point: reason", sorted.
func (t *Tracer) Missing() []string { return slices.Clone(t.missing) }

// ControlFile is the file for [OpenControl]; the Tracer owns it.
func (t *Tracer) ControlFile() *os.File { return t.control }

// Read appends all records that are available now to buf, oldest first. It
// never blocks, and makes no system call. A record that a CPU is still writing
// holds back those behind it. The error is always nil at present.
func (t *Tracer) Read(buf []byte) ([]byte, error) { return t.queue.read(buf), nil }

// Wait blocks until the probes ask for a reader, or until the timeout is
// over. To stay cheap they ask only when a ring is gone, when a process exits,
// or when an eighth of the queue is full: other records wait to be read, so
// call Read whenever Wait returns, and choose a timeout within which they
// shall be seen. What was asked for since the last Wait makes it return at once.
func (t *Tracer) Wait(timeout time.Duration) error { return t.bell.wait(timeout) }

// Counts returns how many records were lost for want of space and how many
// probe runs the kernel skipped because the same program was already running
// on that CPU, both since Load. It asks the kernel once per program.
func (t *Tracer) Counts() (lost, missed uint64) {
	lost = atomic.LoadUint64(&controlIn(t.shared).Lost) + t.queue.overwritten
	missed, _ = skippedRuns(t.programFDs) // Load has seen that it works
	return lost, missed
}

// Close detaches and frees everything. It may be called on a Tracer that is
// already closed.
func (t *Tracer) Close() error {
	var errs []error
	if t.sched != nil {
		errs = append(errs, t.sched.close())
	}
	for _, l := range t.links {
		errs = append(errs, l.Close())
	}
	for _, p := range t.programs {
		errs = append(errs, p.Close())
	}
	if t.shared != nil {
		errs = append(errs, unix.Munmap(t.shared))
	}
	if t.control != nil {
		errs = append(errs, t.control.Close())
	}
	if t.queue != nil {
		errs = append(errs, t.queue.unmap())
	}
	if t.bell != nil {
		errs = append(errs, t.bell.close())
	}
	for _, m := range t.maps {
		errs = append(errs, m.Close())
	}
	*t = Tracer{}
	return errors.Join(errs...)
}
