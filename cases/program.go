// SPDX-License-Identifier: Apache-2.0

// Package cases holds the currency of ringproof: the [Program] that is sent
// into a guest, the [Outcome] that comes back, the [Profile] that says which
// semantics a kernel promises, and the rule texts. It knows no other package
// but the ABI in cases/uring.
package cases

import (
	"slices"
	"strings"
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
	// NeedNullBlk: null_blk devices can be made through configfs.
	NeedNullBlk Need = "null-blk"
	// NeedFaults: failures can be injected, each kind by itself.
	NeedFaults Need = "fault-injection"
	// NeedKASAN: the kernel address sanitizer watches.
	NeedKASAN Need = "kasan"

	// needOp, before an opcode's name, needs a kernel that has the opcode
	// built in: "op:futex_wait".
	needOp = "op:"
)

func needNames() []string {
	return []string{string(NeedGroups), string(NeedNopInject), string(NeedNullBlk), string(NeedFaults), string(NeedKASAN)}
}

// NeedOp is the need for an opcode.
func NeedOp(op uring.Op) Need { return Need(needOp + op.String()) }

// Op returns the opcode that n asks for; ok is false for another need.
func (n Need) Op() (op uring.Op, ok bool) {
	name, ok := strings.CutPrefix(string(n), needOp)
	if !ok {
		return 0, false
	}
	return uring.OpByName(name)
}

// Valid tells whether n is a need that this build knows.
func (n Need) Valid() bool {
	_, isOp := n.Op()
	return isOp || slices.Contains(needNames(), string(n))
}

// Ring is one io_uring instance, created before the first step.
type Ring struct {
	Name    string
	Comment string // of the text form, as in every item; means nothing to a run
	// Entries is the number of submission queue entries, a power of two, 1 to 4096.
	Entries uint32
	// CQEntries is the completion queue's size; 0 leaves it to the kernel
	// (twice Entries). A value sets IORING_SETUP_CQSIZE.
	CQEntries uint32
	// Flags are IORING_SETUP_* flags, CQSIZE and ATTACH_WQ excepted.
	Flags uring.SetupFlags
	// Idle is SQPOLL's sq_thread_idle; 0 is the kernel's default, one second.
	Idle time.Duration
	// CPU is SQPOLL's sq_thread_cpu, used with SQ_AFF.
	CPU uint32
	// Attach is 1 plus the index of an earlier ring whose io-wq and SQPOLL
	// thread this one shares (IORING_SETUP_ATTACH_WQ); 0 is none.
	Attach int
}

// ResourceKind says what a [Resource] is.
type ResourceKind uint8

const (
	ResFile       ResourceKind = iota // a regular file, on tmpfs or ext4
	ResPipe                           // ends: 0 reads (".r"), 1 writes (".w")
	ResSocketPair                     // AF_UNIX, SOCK_STREAM; ends 0 (".a") and 1 (".b")
	ResEventFD                        // eventfd(0, 0), blocking
	ResEpoll                          // an epoll instance
	ResTimerFD                        // a timerfd that expires once, Delay after it was made
	ResSocket                         // AF_UNIX, SOCK_STREAM, neither bound nor connected
	ResDir                            // an empty directory on tmpfs or ext4
	ResNullBlk                        // a null_blk device of NullBlkSize bytes, backed by memory
	ResChild                          // pidfd of a child process that waits to be killed
	resourceKinds
)

// NullBlkSize is the size of every null_blk device in bytes: the smallest
// that the driver makes.
const NullBlkSize = 1 << 20

// String returns the kind's word in the text form.
func (k ResourceKind) String() string {
	if k < resourceKinds {
		return [...]string{"file", "pipe", "sockets", "eventfd", "epoll", "timerfd", "socket", "dir", "nullb", "child"}[k]
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
	// FS, Size (bytes) and Fill describe a file's place and first content. Of
	// a null_blk device they describe the first Size bytes, which are also what is compared
	// at the end; a directory has only FS.
	FS     FS
	Size   uint32
	Fill   Fill
	Direct bool // open with O_DIRECT (files and null_blk devices)
	// NonBlock opens pipes, sockets, eventfds and timerfds with O_NONBLOCK.
	NonBlock bool
	// Poll gives a null_blk device a polled queue, so that IOPOLL rings can use it.
	Poll bool
	// Delay is a timerfd's time, or that by which a null_blk device completes
	// requests late, from a timer interrupt. 0 completes them in the submitter.
	Delay time.Duration
}

// Buffer is a page-aligned piece of the process's memory: plain bytes, or a
// structure that requests point to.
type Buffer struct {
	Name    string
	Comment string
	Kind    BufferKind
	Size    uint32 // bytes of a BufData, 1 to MaxBuffer; 0 for the others, see [Buffer.Len]
	Fill    Fill   // first content of a BufData
	// Text is a BufText's or BufAddr's content, 1 to MaxPath bytes.
	Text string
	// Parts are the elements of a BufIovec or BufWaitv, up to MaxParts. A
	// BufMsg has its iovec here, then its name and control, the zero Part for none.
	// They refer to earlier buffers only.
	Parts []Part
	FDs   []FD // of a BufFDs, 1 to MaxParts
	// Words are a BufEvent's events and data, or a BufHow's flags, mode and resolve.
	Words []uint64
	Time  time.Duration // of a BufTime
}

// BufferKind says what a [Buffer] holds.
type BufferKind uint8

const (
	BufData  BufferKind = iota // Size bytes of Fill
	BufText                    // Text and a NUL: a path, or an attribute's name
	BufIovec                   // struct iovec[]
	BufMsg                     // struct msghdr
	BufAddr                    // struct sockaddr_un with the abstract name Text
	BufTime                    // struct __kernel_timespec
	BufEvent                   // struct epoll_event
	BufFDs                     // __s32[] of file descriptors
	BufHow                     // struct open_how
	BufWaitv                   // struct futex_waitv[] of 32-bit words; a Part's Len is the value expected
	bufferKinds
)

// String returns the kind's word in the text form.
func (k BufferKind) String() string {
	if k < bufferKinds {
		return [...]string{"buf", "text", "iovec", "msg", "addr", "time", "event", "fds", "how", "waitv"}[k]
	}
	return "buffer"
}

// Len is the number of bytes that the buffer has in memory. That of a
// sockaddr_un is the length to give to bind and connect.
func (b *Buffer) Len() uint32 {
	switch b.Kind {
	case BufText:
		return uint32(len(b.Text)) + 1
	case BufIovec:
		return 16 * uint32(len(b.Parts))
	case BufMsg:
		return 56
	case BufAddr:
		return 2 + 1 + uint32(len(b.Text))
	case BufTime:
		return 16
	case BufEvent:
		return 12
	case BufFDs:
		return 4 * uint32(len(b.FDs))
	case BufHow:
		return 24
	case BufWaitv:
		return 24 * uint32(len(b.Parts))
	}
	return b.Size
}

// Part is a piece of a buffer.
type Part struct {
	Buf BufRef
	Len uint32 // bytes; 0 reaches to the buffer's end
}

const (
	// MaxBuffer bounds the size of a buffer and of a file in bytes.
	MaxBuffer = 1 << 20
	MaxParts  = 64  // of one buffer or registration
	MaxPath   = 100 // bytes of a Buffer's Text: what sockaddr_un has room for
)

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
// With IOSQE_FIXED_FILE a number is the index of a registered file.
type FD struct {
	// Ref is 1 plus the index into Program.Resources; 0 means that Raw counts.
	Ref int
	// End is the end of a pipe or socket pair: 0 or 1.
	End int
	// Ring is 1 plus the index of a ring whose descriptor is meant; 0 is none.
	Ring int
	// Raw is used when Ref and Ring are 0 and HasRaw is set: a literal number.
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
	// FD2 is the second descriptor of opcodes that have one: in splice_fd_in
	// (SPLICE, TEE), off (EPOLL_CTL) or len (RENAMEAT, LINKAT).
	FD2 FD
	// Off is sqe->off (file position; ^uint64(0) is the current position), the
	// second address of many opcodes, unless Buf2 is used. For BIND and CONNECT 0 means the
	// length of the address.
	Off  uint64
	Buf2 BufRef
	// Buf is what sqe->addr points to, unless Target, Timeout or the number Addr is used.
	Buf  BufRef
	Addr uint64
	// Buf3 is what sqe->addr3 points to, unless it is the number Addr3.
	Buf3  BufRef
	Addr3 uint64
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
	// FileIndex is sqe->file_index: 1 plus the slot that takes a new file, or
	// FileIndexAlloc. Other opcodes use its place for an optlen or options.
	FileIndex uint32
	// Personality is sqe->personality; registered ones count from 1 in each ring.
	Personality uint16
	// Pad2 is sqe->__pad2, which the kernel wants to be 0.
	Pad2 uint64
}

// FileIndexAlloc is IORING_FILE_INDEX_ALLOC: the kernel chooses the slot.
const FileIndexAlloc = ^uint32(0)

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
	n := 0
	for i := range p.Steps {
		n += len(p.Steps[i].SQEs)
	}
	if n == 0 {
		return nil
	}
	refs := make([]SQERef, 0, n)
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
