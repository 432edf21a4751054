// SPDX-License-Identifier: Apache-2.0

// Package cases holds the currency of ringproof: the [Program] that is sent
// into a guest, the [Outcome] that comes back, the [Profile] that says which
// semantics a kernel promises, and the rule texts. It knows no other package
// but the ABI in cases/uring.
package cases

import (
	"time"

	"github.com/ringproof/ringproof/cases/uring"
)

// Program is everything one test does: rings, resources, and the steps that
// are carried out one after the other by one process. A hand-written case, a
// fuzz input, a minimised finding and a reproducer are all Programs.
//
// A Program holds no expectation: what must hold follows from the Program and
// a [Profile] by the model.
type Program struct {
	// Name is unique within a catalogue: lower case letters, digits, dashes.
	Name string
	// About says in a few lines what the program does and why. Free text.
	About string
	// License is the SPDX expression of the program's file, "" if it names none.
	License string
	// Rules are the IDs of the rules the program was written for. They guide
	// readers and coverage tables; the judge checks every rule regardless.
	Rules []string
	// Needs are the features without which the program says nothing.
	Needs []Need

	Rings     []Ring
	Resources []Resource
	Buffers   []Buffer
	Steps     []Step
}

// Need is a feature that a program depends on. A guest that lacks it makes
// the program a SKIP.
type Need string

const (
	// NeedGroups: the kernel implements SQE groups (proved by a two-NOP group).
	NeedGroups Need = "groups"
	// NeedNopInject: NOP knows IORING_NOP_INJECT_RESULT (6.10 and later).
	NeedNopInject Need = "nop-inject"
)

func needNames() []string { return []string{string(NeedGroups), string(NeedNopInject)} }

// Ring is one io_uring instance, created before the first step.
type Ring struct {
	Name    string
	Comment string // of the text form, as in every item; means nothing to a run
	// Entries is the number of submission queue entries, a power of two, 1 to 4096.
	Entries uint32
	// CQEntries is the completion queue's size; 0 leaves it to the kernel
	// (twice Entries). A value sets IORING_SETUP_CQSIZE.
	CQEntries uint32
	// Flags are IORING_SETUP_* flags, CQSIZE excepted.
	Flags uring.SetupFlags
}

// ResourceKind says what a [Resource] is.
type ResourceKind uint8

const (
	ResFile       ResourceKind = iota // a regular file, on tmpfs or ext4
	ResPipe                           // ends: 0 reads (".r"), 1 writes (".w")
	ResSocketPair                     // AF_UNIX, SOCK_STREAM; ends 0 (".a") and 1 (".b")
	ResEventFD                        // eventfd(0, 0), blocking
	resourceKinds
)

// String returns the kind's word in the text form.
func (k ResourceKind) String() string {
	if k < resourceKinds {
		return [...]string{"file", "pipe", "sockets", "eventfd"}[k]
	}
	return "resource"
}

// FS is the filesystem that a file resource lives on.
type FS uint8

const (
	TmpFS FS = iota
	Ext4
)

// Resource is one or two file descriptors, made before the first step and
// closed after the last.
type Resource struct {
	Name    string
	Comment string
	Kind    ResourceKind
	// FS, Size (bytes) and Fill describe a file's place and first content.
	FS     FS
	Size   uint32
	Fill   Fill
	Direct bool // open with O_DIRECT (files)
	// NonBlock opens pipes, sockets and eventfds with O_NONBLOCK.
	NonBlock bool
}

// Buffer is a page-aligned piece of the process's memory.
type Buffer struct {
	Name    string
	Comment string
	Size    uint32 // bytes, 1 to MaxBuffer
	Fill    Fill
}

// MaxBuffer bounds the size of a buffer and of a file in bytes.
const MaxBuffer = 1 << 20

// Fill names a content: 0 is all zero bytes; any other number is the
// pattern whose byte at offset i is [Fill.Byte](i).
type Fill uint32

// Byte returns the content's byte at offset off. Patterns differ from each
// other and from a shifted copy of themselves, so that data that came from
// the wrong place shows.
func (f Fill) Byte(off int) byte {
	if f == 0 {
		return 0
	}
	x := uint64(f)<<32 ^ uint64(off)
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return byte(x>>56) | 1 // never zero: a hole cannot pass for data
}

// Bytes writes the content's bytes from offset off on into p.
func (f Fill) Bytes(p []byte, off int) {
	if f == 0 {
		clear(p)
		return
	}
	for i := range p {
		p[i] = f.Byte(off + i)
	}
}

// FD refers to a file descriptor of the Program. The zero FD is "none" (-1).
type FD struct {
	// Ref is 1 plus the index into Program.Resources; 0 means that Raw counts.
	Ref int
	// End is the end of a pipe or socket pair: 0 or 1.
	End int
	// Raw is used when Ref is 0 and HasRaw is set: a literal number.
	Raw    int32
	HasRaw bool
}

// BufRef refers to memory. The zero BufRef is a NULL address.
type BufRef struct {
	// Ref is 1 plus the index into Program.Buffers; 0 means none.
	Ref int
	// Off is the offset into the buffer in bytes.
	Off uint32
}

// SQE is one submission queue entry. Its user_data is not stored: it is the
// SQE's [Program.UserData], so every request of a program can be told from
// every other.
type SQE struct {
	// Label names the SQE within its program for targets and reports; may be "".
	Label   string
	Comment string
	Op      uring.Op
	Flags   uring.SQEFlags
	// IOPrio is sqe->ioprio, which several opcodes use for flags of their own.
	IOPrio uint16
	FD     FD
	// Off is sqe->off (file position; ^uint64(0) is the current position).
	Off uint64
	// Buf is what sqe->addr points to, unless Target or Timeout is used.
	Buf BufRef
	// Len is sqe->len. For TIMEOUT and LINK_TIMEOUT 0 means 1, the only value
	// that the kernel takes.
	Len uint32
	// OpFlags is the opcode's flag word (rw_flags, poll32_events, timeout_flags,
	// cancel_flags, nop_flags, ...: they share one place in the SQE).
	OpFlags uint32
	// Target makes sqe->addr the user_data of another SQE (ASYNC_CANCEL,
	// POLL_REMOVE, TIMEOUT_REMOVE): 1 plus that SQE's index in program order; 0 is none.
	Target int
	// Timeout is what TIMEOUT and LINK_TIMEOUT point to with sqe->addr.
	Timeout time.Duration
	// HasInject makes a NOP complete with Inject (IORING_NOP_INJECT_RESULT).
	HasInject bool
	Inject    int32
	// BufIndex is sqe->buf_index (fixed buffers) or sqe->buf_group (buffer select).
	BufIndex uint16
}

// StepKind says what a [Step] does.
type StepKind uint8

const (
	// StepSubmit fills SQEs into the ring and calls io_uring_enter once with
	// to_submit = len(SQEs).
	StepSubmit StepKind = iota
	// StepWait reaps CQEs. With N > 0 until N more have come; with N == 0
	// until everything that was submitted on the ring has completed, as far
	// as the probes can tell. Ends early at Timeout.
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
	// user_data, or FD, with Timeout if it is not 0, and CancelFlags.
	StepCancel
	// StepExit ends the process with exit_group(0).
	StepExit
	// StepKill sends SIGKILL to the process itself.
	StepKill
	stepKinds
)

// String returns the kind's word in the text form.
func (k StepKind) String() string {
	if k < stepKinds {
		return [...]string{"submit", "wait", "feed", "take", "close", "close", "cancel", "exit", "kill"}[k]
	}
	return "step"
}

// Step is one action of the program's process.
type Step struct {
	Kind    StepKind
	Comment string
	Ring    int // index into Program.Rings: Submit, Wait, CloseRing, Cancel
	SQEs    []SQE
	N       int
	// Timeout bounds a Wait or a Cancel; 0 means DefaultWait for a Wait.
	// It is guest time before scaling for a slow machine.
	Timeout time.Duration
	FD      FD
	Fill    Fill
	// Target is as in [SQE.Target]; CancelFlags are IORING_ASYNC_CANCEL_*.
	Target      int
	CancelFlags uint32
}

// DefaultWait bounds a StepWait that names no time of its own.
const DefaultWait = time.Second

// SQERef locates one SQE of a Program.
type SQERef struct {
	Index int // in program order over all submissions, from 0
	Step  int // index into Program.Steps
	Pos   int // index into that step's SQEs
	Ring  int
	SQE   *SQE
}

// SQEs lists all SQEs in program order. The pointers go into p.
func (p *Program) SQEs() []SQERef {
	var refs []SQERef
	for si := range p.Steps {
		st := &p.Steps[si]
		if st.Kind != StepSubmit {
			continue
		}
		for i := range st.SQEs {
			refs = append(refs, SQERef{Index: len(refs), Step: si, Pos: i, Ring: st.Ring, SQE: &st.SQEs[i]})
		}
	}
	return refs
}

// UserData is the user_data of the SQE with the given index in program
// order: index + 1, so that 0 never names a request.
func UserData(index int) uint64 { return uint64(index) + 1 }

// IndexOf is the inverse of [UserData]; ok is false for a foreign user_data.
func (p *Program) IndexOf(userData uint64) (index int, ok bool) {
	n := 0
	for i := range p.Steps {
		n += len(p.Steps[i].SQEs)
	}
	if userData == 0 || userData > uint64(n) {
		return 0, false
	}
	return int(userData - 1), true
}
