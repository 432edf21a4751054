// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases/uring"
)

// StepKind says what a [Step] does.
type StepKind uint8

const (
	// StepSubmit fills SQEs into the ring and calls io_uring_enter once with
	// to_submit = len(SQEs). With N > 0 the same call waits for N CQEs, for at most
	// Timeout, without reaping them.
	StepSubmit StepKind = iota
	// StepWait reaps CQEs. With N > 0 until N more have come; with N == 0
	// until everything that was submitted on the ring has completed, as far
	// as the probes can tell. Ends early at Timeout, and also, with MinWait, after
	// that time if there is a CQE at all.
	StepWait
	// StepFeed writes N bytes of Fill to FD with write(2); an eventfd gets 8
	// bytes that hold N.
	StepFeed
	// StepTake reads up to N bytes from FD with read(2) and forgets them.
	StepTake
	// StepCloseFD closes FD.
	StepCloseFD
	// StepCloseRing unmaps and closes the ring.
	StepCloseRing
	// StepCancel is IORING_REGISTER_SYNC_CANCEL on the ring for Target's
	// user_data, FD or CancelOp, with Timeout if it is not 0, and CancelFlags.
	StepCancel
	// StepExit ends the process with exit_group(0).
	StepExit
	// StepKill sends SIGKILL to the process itself or, with FD, to a child.
	StepKill
	// StepRegister is io_uring_register(2) with Reg. A result other than 0, such
	// as a personality's number, is the step's.
	StepRegister
	// StepRefill gives buffer Reg.From of the buffer ring Reg.Group back to the kernel.
	StepRefill
	// StepExec executes the program anew: the PID stays, the other threads and
	// all rings end. What was executed reports its arrival and exits.
	StepExec
	// StepJoin waits for the thread Join to be done with its last step.
	StepJoin
	// StepExitThread ends the thread that carries it out, not the process. The
	// step is over when the thread is gone.
	StepExitThread
	// StepUID gives the thread that carries it out the user ID N for all purposes
	// (setresuid(2) of one thread), and so no capability.
	StepUID
	// StepFault makes the N-th chance for Fault in the next step of this thread
	// fail, in the thread's own context. Its result is 1 if there was an N-th, else 0.
	StepFault
	stepKinds
)

// String returns the kind's word in the text form.
func (k StepKind) String() string {
	if k < stepKinds {
		return [...]string{"submit", "wait", "feed", "take", "close", "close", "cancel", "exit", "kill",
			"register", "refill", "exec", "join", "exit-thread", "uid", "fault"}[k]
	}
	return "step"
}

// Ends tells whether a step of this kind, without an FD, is the last of the process.
func (k StepKind) Ends() bool { return k == StepExit || k == StepKill || k == StepExec }

// Step is one action of the program's process. A step begins when the one
// before it is over, or has begun and is in the background.
type Step struct {
	Kind    StepKind
	Comment string
	// Thread carries the step out: "" is the process's first thread, which also
	// made everything; another one is created by its first step and lives until
	// a StepExitThread or the program's end.
	Thread string
	// Background lets the next step begin as soon as this one blocks in the
	// kernel or has returned. The thread's own next step, a StepJoin and the program's end wait for it. Only for
	// other threads than the first.
	Background bool
	Ring       int // index into Program.Rings: Submit, Wait, CloseRing, Cancel, Register, Refill
	SQEs       []SQE
	N          int
	// Timeout bounds a Wait, a Submit that waits, or a Cancel; 0 means
	// DefaultWait but for a Cancel. It is guest time before scaling for a slow machine.
	Timeout time.Duration
	// MinWait is min_wait_usec of a Wait's io_uring_enter, scaled as Timeout is.
	MinWait time.Duration
	FD      FD
	Fill    Fill
	// Target is as in [SQE.Target]; CancelFlags are IORING_ASYNC_CANCEL_*.
	Target      int
	CancelFlags uint32
	CancelOp    uring.Op
	Join        string
	Fault       FaultKind
	// Reg says what a Register registers, and names the buffer of a Refill.
	Reg *Registration
}

// FaultKind says what a StepFault makes fail.
type FaultKind uint8

const (
	FaultNone     FaultKind = iota
	FaultSlab               // an allocation of a slab object
	FaultPage               // an allocation of pages
	FaultUsercopy           // a copy from or to user space
	faultKinds
)

// String returns the kind's word in the text form.
func (k FaultKind) String() string {
	if k < faultKinds {
		return [...]string{"none", "slab", "page", "usercopy"}[k]
	}
	return "fault"
}

// Registration is what a StepRegister hands to io_uring_register(2). Which
// fields an operation uses follows from docs/programs.md; the others are zero.
type Registration struct {
	Op   uring.RegisterOp
	FDs  []FD   // files, eventfd: the zero FD leaves a slot empty
	Bufs []Part // buffers; the memory of a buffer ring's buffers; an argument in raw form
	// Group is a buffer ring's group ID.
	Group uint16
	// Entries is a buffer ring's size, a power of two; the length of a file
	// allocation range; the number of arguments in raw form.
	Entries uint32
	Size    uint32 // bytes of each buffer of a buffer ring
	// From is the first slot of an update or of a file allocation range, a
	// personality's number, or a Refill's buffer.
	From uint32
	// Counts are the io-wq limits, bounded then unbounded (0 keeps one), or its CPU mask.
	Counts [2]uint32
	Flags  uint32 // IOU_PBUF_RING_*
	Source int    // 1 plus the index of the ring whose buffers are cloned
}

// MaxThreads bounds the threads of a program, the first one not counted.
const MaxThreads = 8

// Threads lists the names of p's threads in the order in which they are
// created, the first thread excepted.
func (p *Program) Threads() []string {
	var names []string
	for i := range p.Steps {
		if t := p.Steps[i].Thread; t != "" && !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	return names
}

// DefaultWait bounds a StepWait that names no time of its own.
const DefaultWait = time.Second
