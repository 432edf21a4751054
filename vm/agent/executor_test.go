// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/noise"
)

func newExecutor(t testing.TB) (*executor, *ledger) {
	t.Helper()
	needUring(t)
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	l, fd, err := newLedger()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	t.Cleanup(func() { l.close() })
	return &executor{dirs: [2]string{t.TempDir(), t.TempDir()}}, l
}

func execute(x *executor, l *ledger, p *cases.Program) cases.Outcome {
	rep := x.run(&job{Tag: 1, Scale: 1, Program: *p}, l.pages[0])
	o := cases.Outcome{End: cases.EndDone, Data: rep.Data}
	if rep.Err != "" {
		o.End, o.Error = cases.EndError, rep.Err
	}
	l.pages[0].harvest(1, &o)
	return o
}

func nop(flags uring.SQEFlags) cases.SQE { return cases.SQE{Op: uring.OpNop, Flags: flags} }

func submit(sqes ...cases.SQE) cases.Step {
	return cases.Step{Kind: cases.StepSubmit, SQEs: sqes}
}

func wait(n int) cases.Step { return cases.Step{Kind: cases.StepWait, N: n, Timeout: 10 * time.Second} }

func ring(entries uint32) []cases.Ring { return []cases.Ring{{Name: "r", Entries: entries}} }

func ref(n int) cases.FD    { return cases.FD{Ref: n} }
func end(n, e int) cases.FD { return cases.FD{Ref: n, End: e} }

// cqes and rets print what tests compare.
func cqes(o cases.Outcome) []string {
	var out []string
	for _, c := range o.CQEs {
		out = append(out, fmt.Sprintf("r%d step%d %d=%d", c.Ring, c.Step, c.UserData, c.Res))
	}
	return out
}

func rets(o cases.Outcome) []string {
	var out []string
	for _, s := range o.Steps {
		out = append(out, fmt.Sprintf("%d/%d", s.Ret, s.Errno))
	}
	return out
}

const (
	canceled = -int(unix.ECANCELED)
	etime    = int(unix.ETIME)
	ebadf    = int(unix.EBADF)
	einval   = -int(unix.EINVAL)
)

func TestExecutorPrograms(t *testing.T) {
	pipe := []cases.Resource{{Name: "p", Kind: cases.ResPipe}}
	for _, c := range []struct {
		name string
		prog cases.Program
		cqes []string
		rets []string
	}{
		{
			name: "nops",
			prog: cases.Program{Rings: ring(4), Steps: []cases.Step{submit(nop(0), nop(uring.IOLink), nop(0)), wait(0)}},
			cqes: []string{"r0 step1 1=0", "r0 step1 2=0", "r0 step1 3=0"},
			rets: []string{"3/0", "3/0"},
		},
		{
			name: "wait takes no more than it asked for, the sweep takes the rest",
			prog: cases.Program{Rings: ring(4), Steps: []cases.Step{submit(nop(0), nop(0), nop(0)), wait(1)}},
			cqes: []string{"r0 step1 1=0", "r0 step2 2=0", "r0 step2 3=0"},
			rets: []string{"3/0", "1/0"},
		},
		{
			name: "wait ends by its time",
			prog: cases.Program{Rings: ring(4), Resources: pipe, Buffers: []cases.Buffer{{Size: 16}}, Steps: []cases.Step{
				submit(cases.SQE{Op: uring.OpRead, FD: end(1, 0), Buf: cases.BufRef{Ref: 1}, Len: 16}),
				{Kind: cases.StepWait, N: 1, Timeout: time.Millisecond},
			}},
			rets: []string{"1/0", fmt.Sprintf("0/%d", etime)},
		},
		{
			name: "a bad opcode stops the submission, the rest is withdrawn",
			prog: cases.Program{Rings: ring(4), Steps: []cases.Step{submit(cases.SQE{Op: 250}, nop(0)), submit(nop(0)), wait(2)}},
			cqes: []string{fmt.Sprintf("r0 step2 1=%d", einval), "r0 step2 3=0"},
			rets: []string{"1/0", "1/0", "2/0"},
		},
		{
			name: "skipped CQEs are not waited for",
			prog: cases.Program{Rings: ring(4), Steps: []cases.Step{submit(nop(uring.CQESkipSuccess), nop(0)), wait(0)}},
			cqes: []string{"r0 step1 2=0"},
			rets: []string{"2/0", "1/0"},
		},
		{
			name: "overflow is flushed by a wait",
			prog: cases.Program{Rings: []cases.Ring{{Name: "r", Entries: 2, CQEntries: 2}}, Steps: []cases.Step{
				submit(nop(0), nop(0)), submit(nop(0), nop(0)), wait(4)}},
			cqes: []string{"r0 step2 1=0", "r0 step2 2=0", "r0 step2 3=0", "r0 step2 4=0"},
			rets: []string{"2/0", "2/0", "4/0"},
		},
		{
			name: "overflow is flushed by the sweep",
			prog: cases.Program{Rings: []cases.Ring{{Name: "r", Entries: 2, CQEntries: 2}}, Steps: []cases.Step{
				submit(nop(0), nop(0)), submit(nop(0), nop(0))}},
			cqes: []string{"r0 step2 1=0", "r0 step2 2=0", "r0 step2 3=0", "r0 step2 4=0"},
			rets: []string{"2/0", "2/0"},
		},
		{
			name: "a timeout in a link, and its cancelled successor",
			prog: cases.Program{Rings: ring(4), Steps: []cases.Step{
				submit(cases.SQE{Op: uring.OpTimeout, FD: cases.FD{}, Timeout: time.Millisecond, Flags: uring.IOLink}, nop(0)), wait(2)}},
			cqes: []string{fmt.Sprintf("r0 step1 1=%d", -etime), fmt.Sprintf("r0 step1 2=%d", canceled)},
			rets: []string{"2/0", "2/0"},
		},
		{
			name: "cancel by target, synchronously and by request",
			prog: cases.Program{Rings: ring(4), Resources: pipe, Steps: []cases.Step{
				submit(cases.SQE{Op: uring.OpPollAdd, FD: end(1, 0), OpFlags: unix.POLLIN}, cases.SQE{Op: uring.OpPollAdd, FD: end(1, 0), OpFlags: unix.POLLIN}),
				{Kind: cases.StepCancel, Target: 1, Timeout: 10 * time.Second}, wait(1),
				submit(cases.SQE{Op: uring.OpAsyncCancel, Target: 2}), wait(2),
			}},
			cqes: []string{fmt.Sprintf("r0 step2 1=%d", canceled), "r0 step4 3=0", fmt.Sprintf("r0 step4 2=%d", canceled)},
			rets: []string{"2/0", "0/0", "1/0", "1/0", "2/0"},
		},
		{
			name: "feed and take on a pipe and an eventfd",
			prog: cases.Program{Rings: ring(4), Buffers: []cases.Buffer{{Size: 64}},
				Resources: []cases.Resource{{Kind: cases.ResPipe}, {Kind: cases.ResEventFD}},
				Steps: []cases.Step{
					submit(cases.SQE{Op: uring.OpRead, FD: end(1, 0), Buf: cases.BufRef{Ref: 1}, Len: 64}),
					{Kind: cases.StepFeed, FD: end(1, 1), N: 5, Fill: 3}, wait(1),
					{Kind: cases.StepFeed, FD: ref(2), N: 9}, {Kind: cases.StepTake, FD: ref(2)},
				}},
			cqes: []string{"r0 step2 1=5"},
			rets: []string{"1/0", "5/0", "1/0", "8/0", "8/0"},
		},
		{
			name: "a closed ring takes no more steps",
			prog: cases.Program{Rings: ring(4), Steps: []cases.Step{{Kind: cases.StepCloseRing}, submit(nop(0)), wait(1)}},
			rets: []string{"0/0", fmt.Sprintf("-1/%d", ebadf), fmt.Sprintf("-1/%d", ebadf)},
		},
		{
			name: "closing a descriptor ends what waits on it",
			prog: cases.Program{Rings: ring(4), Resources: pipe, Buffers: []cases.Buffer{{Size: 64}}, Steps: []cases.Step{
				submit(cases.SQE{Op: uring.OpRead, FD: end(1, 0), Buf: cases.BufRef{Ref: 1}, Len: 64}),
				{Kind: cases.StepCloseFD, FD: end(1, 1)}, wait(1)}},
			cqes: []string{"r0 step2 1=0"},
			rets: []string{"1/0", "0/0", "1/0"},
		},
		{
			name: "two rings, raw descriptors",
			prog: cases.Program{Rings: []cases.Ring{{Entries: 2}, {Entries: 2}}, Buffers: []cases.Buffer{{Size: 8}}, Steps: []cases.Step{
				{Kind: cases.StepSubmit, Ring: 1, SQEs: []cases.SQE{{Op: uring.OpRead, FD: cases.FD{Raw: -1, HasRaw: true}, Buf: cases.BufRef{Ref: 1}, Len: 8}}},
				submit(nop(0)), {Kind: cases.StepWait, Ring: 1}, {Kind: cases.StepWait}}},
			cqes: []string{"r0 step3 2=0", fmt.Sprintf("r1 step2 1=%d", -ebadf)},
			rets: []string{"1/0", "1/0", "1/0", "1/0"},
		},
		{
			name: "deferred task work",
			prog: cases.Program{Rings: []cases.Ring{{Entries: 4, Flags: uring.SetupSingleIssuer | uring.SetupDeferTaskrun}}, Resources: pipe, Steps: []cases.Step{
				submit(cases.SQE{Op: uring.OpPollAdd, FD: end(1, 0), OpFlags: unix.POLLIN}),
				{Kind: cases.StepFeed, FD: end(1, 1), N: 1}, wait(0)}},
			cqes: []string{"r0 step2 1=1"},
			rets: []string{"1/0", "1/0", "1/0"},
		},
		{
			name: "sqpoll",
			prog: cases.Program{Rings: []cases.Ring{{Entries: 2, Flags: uring.SetupSQPoll}}, Steps: []cases.Step{
				submit(nop(0), nop(0)), submit(nop(0), nop(0)), wait(0)}},
			cqes: []string{"r0 step2 1=0", "r0 step2 2=0", "r0 step2 3=0", "r0 step2 4=0"},
			rets: []string{"2/0", "2/0", "4/0"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, l := newExecutor(t)
			o := execute(x, l, &c.prog)
			if o.End != cases.EndDone {
				t.Fatalf("End = %s: %s", o.End, o.Error)
			}
			if d := cmp.Diff(c.cqes, cqes(o)); d != "" {
				t.Errorf("CQEs (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.rets, rets(o)); d != "" {
				t.Errorf("step results (-want +got):\n%s", d)
			}
		})
	}
}

func TestExecutorInject(t *testing.T) {
	x, l := newExecutor(t)
	o := execute(x, l, &cases.Program{Rings: ring(2), Steps: []cases.Step{
		submit(cases.SQE{Op: uring.OpNop, HasInject: true, Inject: -5}), wait(1)}})
	if len(o.CQEs) == 1 && o.CQEs[0].Res == int32(einval) {
		t.Skip("this host's kernel has no IORING_NOP_INJECT_RESULT")
	}
	if d := cmp.Diff([]string{"r0 step1 1=-5"}, cqes(o)); d != "" {
		t.Errorf("CQEs (-want +got):\n%s", d)
	}
}

// Data goes from one file through a buffer to another; both come back, also
// the one that the program closed.
func TestExecutorData(t *testing.T) {
	x, l := newExecutor(t)
	const size = 5000
	o := execute(x, l, &cases.Program{
		Rings:     ring(4),
		Resources: []cases.Resource{{Name: "from", Size: size, Fill: 7}, {Name: "to", FS: cases.Ext4}, {Name: "idle", Size: 1}},
		Buffers:   []cases.Buffer{{Name: "b", Size: size, Fill: 2}, {Name: "idle", Size: 1}},
		Steps: []cases.Step{
			submit(cases.SQE{Op: uring.OpRead, Flags: uring.IOLink, FD: ref(1), Buf: cases.BufRef{Ref: 1}, Len: size},
				cases.SQE{Op: uring.OpWrite, FD: ref(2), Off: 1, Buf: cases.BufRef{Ref: 1, Off: 1}, Len: size - 1}),
			wait(0),
			{Kind: cases.StepCloseFD, FD: ref(2)},
		},
	})
	want := make([]byte, size)
	cases.Fill(7).Bytes(want, 0)
	written := append([]byte{0}, want[1:]...)
	if d := cmp.Diff([]cases.Blob{{Buffer: 1, Bytes: want}, {File: 1, Bytes: want}, {File: 2, Bytes: written}}, o.Data); d != "" {
		t.Errorf("data differ (CQEs %v):\n%.2000s", cqes(o), d)
	}
}

func TestExecutorSaysWhatItCannotSetUp(t *testing.T) {
	x, l := newExecutor(t)
	for _, c := range []struct {
		name string
		prog cases.Program
		want string
	}{
		{"ring flags", cases.Program{Rings: []cases.Ring{{Name: "odd", Entries: 2, Flags: 1 << 31}}}, "ring odd: io_uring_setup"},
		{"buffer size", cases.Program{Buffers: []cases.Buffer{{Name: "big", Size: cases.MaxBuffer + 1}}}, "buffer big has"},
		{"resource kind", cases.Program{Resources: []cases.Resource{{Name: "odd", Kind: 99}}}, "resource odd: unknown kind"},
		{"steps", cases.Program{Steps: make([]cases.Step, maxSteps+1)}, "steps, the agent takes at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := execute(x, l, &c.prog)
			if o.End != cases.EndError || !strings.Contains(o.Error, c.want) {
				t.Errorf("End %s, Error %q, want %q in it", o.End, o.Error, c.want)
			}
		})
	}
}

// A request that outlives its program must not be able to write into the next one's buffers.
func TestArenaOfAnUncleanProgramIsSetAside(t *testing.T) {
	x, l := newExecutor(t)
	hang := cases.Program{Rings: ring(2), Resources: []cases.Resource{{Kind: cases.ResPipe}}, Buffers: []cases.Buffer{{Size: 8}},
		Steps: []cases.Step{submit(cases.SQE{Op: uring.OpRead, FD: end(1, 0), Buf: cases.BufRef{Ref: 1}, Len: 8})}}
	clean := cases.Program{Rings: ring(2), Buffers: []cases.Buffer{{Size: 8}}, Steps: []cases.Step{submit(nop(0)), wait(0)}}
	execute(x, l, &hang)
	if len(x.mem.aside) != 1 || x.mem.free != nil {
		t.Errorf("after a program with a request in flight: %d arenas aside, free %v", len(x.mem.aside), x.mem.free)
	}
	execute(x, l, &clean)
	if len(x.mem.aside) != 1 || x.mem.free == nil {
		t.Errorf("after a clean program: %d arenas aside, free %v", len(x.mem.aside), x.mem.free)
	}
}

func TestArenasAsideAreBounded(t *testing.T) {
	var a arenas
	for range 3 * maxAside / cases.MaxBuffer {
		m, err := a.take(cases.MaxBuffer)
		if err != nil {
			t.Fatal(err)
		}
		a.release(m, false)
	}
	if a.asideN > maxAside {
		t.Errorf("%d bytes are set aside, the bound is %d", a.asideN, maxAside)
	}
}

func TestExt4ImageUnpacks(t *testing.T) {
	path := t.TempDir() + "/img"
	if err := unpackExt4(path); err != nil {
		t.Fatal(err)
	}
	var head [2048]byte
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	unix.Fstat(fd, &st)
	unix.Pread(fd, head[:], 0)
	if st.Size != 16<<20 || !bytes.Equal(head[1024+56:1024+58], []byte{0x53, 0xef}) { // s_magic
		t.Errorf("size %d, magic % x: no ext4 image of 16 MiB", st.Size, head[1024+56:1024+58])
	}
}

// fakeTags counts completions late, as the probes may.
type fakeTags struct {
	looks     int
	submitted uint64
	after     int
}

func (f *fakeTags) NextRing(uint32, uint8, int) {}

func (f *fakeTags) Disturb(*noise.Plan) {}

func (f *fakeTags) Scheduler() bool { return false }

func (f *fakeTags) Counters(int) (submitted, completed, freed uint64, gone bool) {
	f.looks++
	if f.looks < f.after {
		return f.submitted, f.submitted - 1, 0, false
	}
	return f.submitted, f.submitted, f.submitted, false
}

// With probes a wait for everything ends by the counters, though no CQE comes.
func TestWaitForAllGoesByTheProbes(t *testing.T) {
	x, l := newExecutor(t)
	tags := &fakeTags{submitted: 2, after: 4}
	x.tags = tags
	rep := x.run(&job{Tag: 1, Slots: []int{0}, Scale: 1, Program: cases.Program{Rings: ring(2),
		Steps: []cases.Step{submit(nop(uring.CQESkipSuccess), nop(uring.CQESkipSuccess)), wait(0)}}}, l.pages[0])
	var o cases.Outcome
	l.pages[0].harvest(1, &o)
	if rep.Err != "" || o.Steps[1].Errno != 0 || o.Steps[1].Ret != 0 {
		t.Errorf("%q, steps %v", rep.Err, rets(o))
	}
	if tags.looks < 4 {
		t.Errorf("looked %d times, the ring was busy for 4", tags.looks)
	}
}

// busyTags has a request complete while the counters are read.
type busyTags struct {
	fakeTags
	ring *uring.Ring
}

func (b *busyTags) Counters(int) (submitted, completed, freed uint64, gone bool) {
	if b.looks == 0 {
		*b.ring.Next() = uring.SQE{Opcode: uring.OpNop}
		b.ring.Submit()
	}
	return b.fakeTags.Counters(0)
}

// What has completed by the time that the counters say so may have been under way just before.
func TestQuietRingHasNothingToReap(t *testing.T) {
	needUring(t)
	r, err := uring.New(4, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := ringState{Ring: r}
	tags := &busyTags{fakeTags: fakeTags{submitted: 1}, ring: r}
	if done, sure := s.quiet(tags); done || sure {
		t.Errorf("done %v, sure %v, with a CQE in the queue", done, sure)
	}
	r.Reap()
	if done, sure := s.quiet(tags); !done || !sure {
		t.Errorf("done %v, sure %v, when all is reaped", done, sure)
	}
}
