// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/probe"
)

// scenario is one way for requests to live and end.
type scenario struct {
	name     string
	groups   bool // needs a kernel with groups
	flags    uring.SetupFlags
	small    bool // two entries in each queue
	dies     bool
	requests uint64
	want     map[cases.EventKind]int // at least so many
	run      func(*bench)
}

type kinds = map[cases.EventKind]int

const deferred = uring.SetupDeferTaskrun | uring.SetupSingleIssuer

var scenarios = []scenario{
	{name: "nops", requests: 4, want: kinds{cases.EvIssue: 4, cases.EvComplete: 4},
		run: func(b *bench) { b.submit(nop, nop, nop); b.submit(nop); b.reap(4) }},
	{name: "prep-fail", requests: 1, want: kinds{cases.EvPrepFail: 1, cases.EvComplete: 1},
		run: func(b *bench) { b.submit(uring.SQE{Opcode: 200}); b.reap(1) }},
	{name: "broken-link", requests: 3, want: kinds{cases.EvLink: 2, cases.EvFailLink: 1, cases.EvTaskRun: 2},
		run: func(b *bench) { b.submit(with(nop, uring.IOLink), with(failing, uring.IOLink), nop); b.reap(3) }},
	{name: "async-link", requests: 3, want: kinds{cases.EvPunt: 2, cases.EvWorker: 3, cases.EvTaskRun: 3},
		run: func(b *bench) {
			b.submit(with(nop, uring.Async), with(nop, uring.Async|uring.IOLink), nop)
			b.reap(3)
		}},
	{name: "pipe", requests: 2, want: kinds{cases.EvPollArm: 1, cases.EvIssue: 3, cases.EvIssueReturn: 3},
		run: func(b *bench) {
			b.submit(b.read())
			b.feed()
			b.reap(1)
			b.submit(with(b.read(), uring.Async))
			b.feed()
			b.reap(1)
		}},
	{name: "poll", requests: 1, want: kinds{cases.EvTaskAdd: 1},
		run: func(b *bench) { b.submit(b.poll()); b.feed(); b.reap(1) }},
	{name: "multishot-poll", requests: 2, want: kinds{cases.EvExtraCQE: 2, cases.EvComplete: 2},
		run: func(b *bench) {
			p := b.poll()
			p.Len = 1 // IORING_POLL_ADD_MULTI
			b.submit(p)
			b.feed()
			b.reap(1)
			b.feed()
			b.reap(1)
			b.submit(uring.SQE{Opcode: uring.OpPollRemove, Addr: 1})
			b.reap(2)
		}},
	{name: "link-timeout", requests: 2, want: kinds{cases.EvTaskAdd: 2, cases.EvComplete: 2},
		run: func(b *bench) {
			b.submit(with(b.read(), uring.IOLink), b.timeout(uring.OpLinkTimeout))
			b.reap(2)
		}},
	{name: "drain", requests: 3, want: kinds{cases.EvDefer: 2},
		run: func(b *bench) { b.submit(b.timeout(uring.OpTimeout), with(nop, uring.IODrain), nop); b.reap(3) }},
	{name: "skip", requests: 3, want: kinds{cases.EvComplete: 1},
		run: func(b *bench) {
			b.submit(with(nop, uring.CQESkipSuccess), nop, with(nop, uring.CQESkipSuccess|uring.Async))
			b.reap(1)
		}},
	{name: "overflow", small: true, requests: 4, want: kinds{cases.EvOverflow: 2, cases.EvComplete: 2},
		run: func(b *bench) { b.submit(nop, nop); b.submit(nop, nop); b.reap(4) }},
	{name: "cancel", requests: 4,
		run: func(b *bench) {
			b.submit(b.read(), with(b.read(), uring.Async), b.read())
			b.submit(uring.SQE{Opcode: uring.OpAsyncCancel, Addr: 1})
			b.reap(2) // the others are cancelled at exit
		}},
	{name: "defer-taskrun", flags: deferred, requests: 3, want: kinds{cases.EvTaskRun: 2, cases.EvWorker: 1},
		run: func(b *bench) { b.submit(b.read(), with(nop, uring.Async), nop); b.feed(); b.reap(3) }},
	{name: "killed", dies: true, requests: 3, want: kinds{cases.EvTaskExit: 1},
		run: func(b *bench) {
			b.submit(b.read(), b.timeout(uring.OpTimeout), with(b.read(), uring.Async))
			unix.Kill(os.Getpid(), unix.SIGKILL)
		}},
	{name: "big-batch", requests: 4096,
		run: func(b *bench) {
			all := make([]uring.SQE, 4096)
			b.submit(all...)
			b.reap(4096)
		}},
	{name: "group", groups: true, requests: 3, run: threeOf(0)},
	{name: "group-deferred", groups: true, flags: deferred, requests: 3, run: threeOf(0)},
	{name: "group-async", groups: true, requests: 3, want: kinds{cases.EvWorker: 3}, run: threeOf(uring.Async)},
	{name: "group-skip", groups: true, requests: 3, run: threeOf(uring.CQESkipSuccess)},
	{name: "group-slow-leader", groups: true, requests: 3, want: kinds{cases.EvPollArm: 1},
		run: func(b *bench) {
			b.submit(with(b.read(), uring.SQEGroup), with(nop, uring.SQEGroup), nop)
			b.feed()
			b.reap(3)
		}},
	{name: "group-slow-member", groups: true, requests: 3, want: kinds{cases.EvPollArm: 1},
		run: func(b *bench) {
			b.submit(with(nop, uring.SQEGroup), with(b.read(), uring.SQEGroup), nop)
			b.feed()
			b.reap(3)
		}},
	{name: "group-linked", groups: true, requests: 5, want: kinds{cases.EvLink: 2},
		run: func(b *bench) {
			b.submit(with(nop, uring.IOLink), with(nop, uring.SQEGroup|uring.IOLink), with(nop, uring.SQEGroup), nop, nop)
			b.reap(5)
		}},
	{name: "group-killed", groups: true, dies: true, requests: 3,
		run: func(b *bench) {
			b.submit(with(b.read(), uring.SQEGroup|uring.Async), with(nop, uring.SQEGroup), b.read())
			unix.Kill(os.Getpid(), unix.SIGKILL)
		}},
}

func threeOf(f uring.SQEFlags) func(*bench) {
	return func(b *bench) {
		b.submit(with(nop, f|uring.SQEGroup), with(nop, f|uring.SQEGroup), with(nop, f))
		if f&uring.CQESkipSuccess == 0 {
			b.reap(3)
		}
	}
}

var (
	nop     = uring.SQE{Opcode: uring.OpNop}
	failing = uring.SQE{Opcode: uring.OpNop, OpFlags: uring.NopInjectResult, Len: 0xfffffffb} // -EIO
)

func with(s uring.SQE, f uring.SQEFlags) uring.SQE {
	s.Flags |= f
	return s
}

// bench is a traced ring and a pipe to keep requests waiting.
type bench struct {
	ring     *uring.Ring
	pipe     [2]int
	buf      [64]byte
	ts       uring.Timespec
	userData uint64
}

// work runs the scenario with that name, in the worker process.
func work(name string) {
	runtime.LockOSThread() // SINGLE_ISSUER is about threads
	ctl, err := probe.OpenControl(os.NewFile(3, "control"))
	must(err)
	for _, s := range scenarios {
		if s.name != name {
			continue
		}
		b := &bench{ts: uring.TimespecOf(20 * time.Millisecond)}
		entries, cq := uint32(4096), uint32(0)
		if s.small {
			entries, cq = 2, 2
		}
		must(unix.Pipe(b.pipe[:]))
		ctl.NextRing(run, ring, slot)
		b.ring, err = uring.New(entries, cq, s.flags)
		must(err)
		s.run(b)
		runtime.KeepAlive(b)
	}
}

func (b *bench) submit(sqes ...uring.SQE) {
	for _, s := range sqes {
		b.userData++
		s.UserData = b.userData
		*b.ring.Next() = s
	}
	_, err := b.ring.Submit()
	must(err)
}

// reap takes n CQEs. A timeout that fires ends a wait early.
func (b *bench) reap(n int) {
	for n > 0 {
		_, err := b.ring.Enter(0, 1, uring.EnterGetEvents, 0)
		if err != nil && err != unix.EINTR {
			panic(err)
		}
		for {
			if _, ok := b.ring.Reap(); !ok {
				break
			}
			n--
		}
	}
}

func (b *bench) read() uring.SQE {
	return uring.SQE{Opcode: uring.OpRead, FD: int32(b.pipe[0]), Off: ^uint64(0), Len: 4,
		Addr: uint64(uintptr(unsafe.Pointer(&b.buf)))}
}

func (b *bench) poll() uring.SQE {
	return uring.SQE{Opcode: uring.OpPollAdd, FD: int32(b.pipe[0]), OpFlags: unix.POLLIN}
}

func (b *bench) timeout(op uring.Op) uring.SQE {
	return uring.SQE{Opcode: op, Len: 1, Addr: uint64(uintptr(unsafe.Pointer(&b.ts)))}
}

func (b *bench) feed() {
	_, err := unix.Write(b.pipe[1], []byte("abcd"))
	must(err)
}
