// SPDX-License-Identifier: Apache-2.0

package model

import (
	"math/bits"
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// opcode is what the model knows of one opcode of 6.12: io_issue_defs[] in
// io_uring/opdef.c, and what its handlers do.
type opcode struct {
	place place
	fails marking
	// needsFile: a descriptor is looked up when the request is issued.
	needsFile bool
	iopoll    bool // may be used on a ring with IORING_SETUP_IOPOLL
	ioprio    bool // takes sqe->ioprio
	provided  bool // takes IOSQE_BUFFER_SELECT
	// prep says how its SQE is parsed; nil: it may be refused, nobody says when.
	prep func(e *Expectation, r *Request) Prep
	// own is what it results in if nothing interferes; nil: anything but a cancellation.
	own func(e *Expectation, r *Request) Results
	// effect is what it does to the program's memory and files.
	effect Effect
}

// place is where a request is issued that did not ask for io-wq.
type place uint8

const (
	mayForce place = iota // its prep handler may send it to io-wq
	mayBlock              // in the task; to io-wq if it cannot go on without blocking
	inTask                // in the task, and it never blocks
)

// marking says which results of a handler mark a request as failed (req_set_fail()), and so break links.
type marking uint8

const (
	ifNegative marking = iota
	ifShort            // of sqe->len
	ifShortVec         // of what the iovecs hold together
	ifShortAll         // negative, and short with MSG_WAITALL
	byCaller           // the handler never does; whoever fails it without calling the handler does
	byHandler          // negative; who cancels it while it waits does not always
)

// Effect says what a request does to memory and files.
type Effect uint8

const (
	Changes  Effect = iota // something that is not followed
	NoEffect               // nothing that a program's memory or files show
	Reads                  // from its descriptor into memory
	Writes                 // from memory to its descriptor
)

// EffectOf says what requests with the opcode do.
func EffectOf(op uring.Op) Effect {
	if op >= uring.OpLast {
		return NoEffect
	}
	return opcodes[op].effect
}

// NeedsFile tells whether requests with the opcode fail with -EBADF without a descriptor.
func NeedsFile(op uring.Op) bool { return op < uring.OpLast && opcodes[op].needsFile }

// Vectored tells whether sqe->addr points to an array of iovecs.
func Vectored(op uring.Op) bool { return op == uring.OpReadv || op == uring.OpWritev }

var opcodes [uring.OpLast]opcode

func init() { // not in the declaration: the functions look into the table
	opcodes = [uring.OpLast]opcode{
		uring.OpNop: {place: inTask, iopoll: true, effect: NoEffect, prep: prepNop, own: ownNop},

		uring.OpRead:          {place: mayBlock, fails: ifShort, needsFile: true, iopoll: true, ioprio: true, provided: true, prep: prepRW, own: ownRW, effect: Reads},
		uring.OpWrite:         {place: mayBlock, fails: ifShort, needsFile: true, iopoll: true, ioprio: true, prep: prepRW, own: ownRW, effect: Writes},
		uring.OpReadFixed:     {place: mayBlock, fails: ifShort, needsFile: true, iopoll: true, ioprio: true, own: ownRW, effect: Reads},
		uring.OpWriteFixed:    {place: mayBlock, fails: ifShort, needsFile: true, iopoll: true, ioprio: true, own: ownRW, effect: Writes},
		uring.OpReadv:         {place: mayBlock, fails: ifShortVec, needsFile: true, iopoll: true, ioprio: true, provided: true, own: ownRW, effect: Reads},
		uring.OpWritev:        {place: mayBlock, fails: ifShortVec, needsFile: true, iopoll: true, ioprio: true, own: ownRW, effect: Writes},
		uring.OpReadMultishot: {place: mayBlock, needsFile: true, provided: true, own: countOrError},
		uring.OpSend:          {place: mayBlock, fails: ifShortAll, needsFile: true, ioprio: true, provided: true, prep: prepMsg, own: ownRW, effect: Writes},
		uring.OpRecv:          {place: mayBlock, fails: ifShortAll, needsFile: true, ioprio: true, provided: true, prep: prepMsg, own: ownRW, effect: Reads},
		uring.OpSendmsg:       {place: mayBlock, fails: ifShortAll, needsFile: true, ioprio: true, own: countOrError},
		uring.OpRecvmsg:       {place: mayBlock, fails: ifShortAll, needsFile: true, ioprio: true, provided: true, own: countOrError},
		uring.OpSendZc:        {place: mayBlock, fails: ifShortAll, needsFile: true, ioprio: true, own: countOrError, effect: Changes},
		uring.OpSendmsgZc:     {place: mayBlock, fails: ifShortAll, needsFile: true, ioprio: true, own: countOrError},

		uring.OpAccept:  {place: mayBlock, needsFile: true, ioprio: true, own: countOrError, effect: NoEffect},
		uring.OpConnect: {place: mayBlock, needsFile: true, own: zeroOrError, effect: NoEffect},
		uring.OpSocket:  {place: mayBlock, own: countOrError, effect: NoEffect},
		uring.OpBind:    {place: mayForce, needsFile: true, own: zeroOrError, effect: NoEffect},
		uring.OpListen:  {place: mayBlock, needsFile: true, own: zeroOrError, effect: NoEffect},

		uring.OpPollAdd:       {place: inTask, needsFile: true, effect: NoEffect, prep: prepPoll, own: ownPoll},
		uring.OpPollRemove:    {place: inTask, effect: NoEffect, prep: prepPollRemove, own: ownRemove},
		uring.OpTimeout:       {place: inTask, effect: NoEffect, prep: prepTimeout, own: ownTimeout},
		uring.OpTimeoutRemove: {place: inTask, effect: NoEffect, prep: prepTimeoutRemove, own: ownRemove},
		uring.OpLinkTimeout:   {place: inTask, effect: NoEffect, prep: prepTimeout, own: ownLinkTimeout},
		uring.OpAsyncCancel:   {place: inTask, effect: NoEffect, prep: prepCancel, own: ownCancel},

		uring.OpFsync:         {fails: byCaller, needsFile: true, effect: NoEffect, prep: prepFsync, own: ownFsync},
		uring.OpSyncFileRange: {fails: byCaller, needsFile: true, effect: NoEffect, own: zeroOrError},
		uring.OpFallocate:     {fails: byCaller, needsFile: true, own: zeroOrError},
		uring.OpFtruncate:     {fails: byCaller, needsFile: true, own: zeroOrError},
		uring.OpFadvise:       {needsFile: true, effect: NoEffect, own: zeroOrError},
		uring.OpMadvise:       {fails: byCaller, own: zeroOrError},
		uring.OpSplice:        {fails: ifShort, needsFile: true, own: countOrError},
		uring.OpTee:           {fails: ifShort, needsFile: true, own: countOrError},

		uring.OpOpenat:     {place: mayForce, own: countOrError},
		uring.OpOpenat2:    {place: mayForce, own: countOrError},
		uring.OpClose:      {place: mayBlock, own: zeroOrError, effect: NoEffect},
		uring.OpStatx:      {fails: byCaller, own: zeroOrError},
		uring.OpRenameat:   {fails: byCaller, effect: NoEffect, own: zeroOrError},
		uring.OpUnlinkat:   {fails: byCaller, effect: NoEffect, own: zeroOrError},
		uring.OpMkdirat:    {fails: byCaller, effect: NoEffect, own: zeroOrError},
		uring.OpSymlinkat:  {fails: byCaller, effect: NoEffect, own: zeroOrError},
		uring.OpLinkat:     {fails: byCaller, effect: NoEffect, own: zeroOrError},
		uring.OpSetxattr:   {fails: byCaller, effect: NoEffect, own: zeroOrError},
		uring.OpFsetxattr:  {fails: byCaller, needsFile: true, effect: NoEffect, own: zeroOrError},
		uring.OpGetxattr:   {fails: byCaller, own: countOrError},
		uring.OpFgetxattr:  {fails: byCaller, needsFile: true, own: countOrError},
		uring.OpShutdown:   {fails: byCaller, needsFile: true, effect: NoEffect, own: zeroOrError},
		uring.OpEpollCtl:   {place: mayBlock, effect: NoEffect, own: zeroOrError},
		uring.OpMsgRing:    {place: mayBlock, needsFile: true, iopoll: true, effect: NoEffect, own: countOrError},
		uring.OpUringCmd:   {place: mayBlock, needsFile: true, iopoll: true},
		uring.OpWaitid:     {place: mayBlock, own: zeroOrError},
		uring.OpFutexWait:  {place: mayBlock, fails: byHandler, effect: NoEffect, own: zeroOrError},
		uring.OpFutexWaitv: {place: mayBlock, fails: byHandler, effect: NoEffect, own: countOrError},
		uring.OpFutexWake:  {place: mayBlock, effect: NoEffect, own: countOrError},

		uring.OpFilesUpdate:    {place: mayBlock, iopoll: true, effect: NoEffect, own: countOrError},
		uring.OpProvideBuffers: {place: mayBlock, iopoll: true, effect: NoEffect, own: countOrError},
		uring.OpRemoveBuffers:  {place: mayBlock, iopoll: true, effect: NoEffect, own: countOrError},
		uring.OpFixedFdInstall: {place: mayBlock, needsFile: true, effect: NoEffect, own: countOrError},
	}
}

// Failed tells whether a result counts as a failure for groups and chains: a
// negative result, and a short read or write. Where a handler does not mark
// the request failed, but something else may have, it is unsure.
func Failed(q *cases.SQE, res int32) (failed, unsure bool) {
	if q.Op >= uring.OpLast {
		return true, false
	}
	if q.Flags&uring.BufferSelect != 0 { // the buffer's size is the length
		return res < 0, res >= 0
	}
	switch opcodes[q.Op].fails {
	case ifShort:
		return res != int32(q.Len), false
	case ifShortVec:
		return res < 0, res >= 0
	case ifShortAll:
		if res >= 0 && q.OpFlags&msgWaitAll != 0 {
			return res != int32(q.Len), q.Op != uring.OpSend && q.Op != uring.OpRecv
		}
	case byCaller:
		return res == -ECANCELED, res < 0 && res != -ECANCELED
	case byHandler:
		return res < 0 && res != -ECANCELED, res == -ECANCELED
	}
	if q.Op == uring.OpTimeout && res == -ETIME && q.OpFlags&timeoutETimeSuccess != 0 {
		return false, false
	}
	return res < 0, false
}

func multishot(q *cases.SQE) bool {
	switch q.Op {
	case uring.OpPollAdd:
		return q.Len&pollAddMulti != 0
	case uring.OpTimeout:
		return q.OpFlags&timeoutMultishot != 0
	case uring.OpReadMultishot, uring.OpSendZc, uring.OpSendmsgZc:
		return true
	case uring.OpAccept:
		return q.IOPrio&1 != 0 // IORING_ACCEPT_MULTISHOT
	case uring.OpRecv, uring.OpRecvmsg, uring.OpSend, uring.OpSendmsg:
		return q.IOPrio&(recvMultishot|recvsendBundle) != 0
	}
	return false
}

// Operation flags, from include/uapi/linux/io_uring.h, poll.h and socket.h.
const (
	timeoutAbs          = 1 << 0
	timeoutClocks       = 1<<2 | 1<<3
	timeoutETimeSuccess = 1 << 5
	timeoutMultishot    = 1 << 6
	timeoutKnown        = timeoutAbs | timeoutClocks | timeoutETimeSuccess | timeoutMultishot
	timeoutUpdate       = 1<<1 | 1<<4 // IORING_TIMEOUT_UPDATE_MASK
	pollIn              = 0x001
	pollOut             = 0x004
	pollAlways          = 0x008 | 0x010 | 0x020 | 0x2000 // POLLERR, POLLHUP, POLLNVAL, POLLRDHUP: IO_POLL_UNMASK in io_uring/poll.c
	pollReadable        = pollIn | 0x002 | 0x040 | 0x080
	pollAddMulti        = 1 << 0 // in len
	pollUpdate          = 1<<1 | 1<<2
	cancelFD            = 1 << 1
	cancelFlags         = 1<<6 - 1
	recvMultishot       = 1 << 1
	recvsendBundle      = 1 << 4
	msgWaitAll          = 0x100
	rwfNowait           = 0x08 // RWF_NOWAIT, linux/fs.h
)

func einvalIf(is bool) Prep {
	if is {
		return Prep{Errno: -EINVAL}
	}
	return Prep{}
}

var maybeEINVAL = Prep{Errno: -EINVAL, Unsure: true}

// hasAddr tells that sqe->addr is not 0.
func hasAddr(q *cases.SQE) bool { return q.Buf.Ref != 0 || q.Target != 0 || q.Addr != 0 }

// hasTail tells that a field is set of which most opcodes want that it is 0.
func hasTail(q *cases.SQE) bool { return q.BufIndex != 0 || q.FileIndex != 0 || q.FD2 != (cases.FD{}) }

// isOff tells what sqe->off is.
func hasOff(q *cases.SQE) bool { return q.Off != 0 || q.Buf2.Ref != 0 }

func prepNop(_ *Expectation, r *Request) Prep {
	return einvalIf(r.SQE.OpFlags&^uring.NopInjectResult != 0)
}

func prepRW(_ *Expectation, r *Request) Prep {
	if r.SQE.IOPrio != 0 || r.SQE.Len > cases.MaxBuffer || r.SQE.Addr != 0 {
		return maybeEINVAL
	}
	return Prep{}
}

func prepMsg(_ *Expectation, r *Request) Prep {
	if q := r.SQE; q.IOPrio != 0 || q.Addr != 0 || hasTail(q) || hasOff(q) {
		return maybeEINVAL
	}
	return Prep{}
}

func prepPoll(_ *Expectation, r *Request) Prep {
	q := r.SQE
	return einvalIf(q.BufIndex != 0 || hasOff(q) || hasAddr(q) ||
		q.Len&^pollAddMulti != 0 || q.Len&pollAddMulti != 0 && q.Flags&uring.CQESkipSuccess != 0)
}

func prepPollRemove(_ *Expectation, r *Request) Prep {
	q := r.SQE
	if q.Len != 0 {
		return maybeEINVAL
	}
	return einvalIf(hasTail(q) || q.OpFlags != 0 || hasOff(q))
}

func prepFsync(_ *Expectation, r *Request) Prep {
	q := r.SQE
	return einvalIf(hasAddr(q) || hasTail(q) || q.OpFlags&^1 != 0 || int64(q.Off) < 0)
}

func prepTimeout(_ *Expectation, r *Request) Prep {
	q := r.SQE
	if q.Buf.Ref != 0 || q.Target != 0 || q.Addr != 0 || q.Buf3.Ref != 0 {
		return maybeEINVAL
	}
	return einvalIf(hasTail(q) || q.Len > 1 || q.OpFlags&^timeoutKnown != 0 || q.Timeout < 0 || q.Addr3 != 0 || q.Pad2 != 0 ||
		q.Op == uring.OpLinkTimeout && hasOff(q) ||
		bits.OnesCount32(q.OpFlags&timeoutClocks) > 1 || q.OpFlags&(timeoutAbs|timeoutMultishot) == timeoutAbs|timeoutMultishot)
}

// Notifies tells that the kernel makes a second request of a request with the opcode, to
// tell when its memory is no longer used. That has the same user_data, and comes when
// it likes: also where the request was rejected, and behind the leader of its group.
func Notifies(op uring.Op) bool { return op == uring.OpSendZc || op == uring.OpSendmsgZc }

// armsFirst tells that a worker only waits for the file of a request, which is then issued
// by its task: multishot ones, REQ_F_APOLL_MULTISHOT in io_wq_submit_work().
func armsFirst(q *cases.SQE) bool {
	switch q.Op {
	case uring.OpReadMultishot, uring.OpRecv, uring.OpRecvmsg, uring.OpAccept:
		return multishot(q)
	}
	return false
}

func prepTimeoutRemove(_ *Expectation, r *Request) Prep {
	q := r.SQE
	if q.OpFlags != 0 || q.Addr3 != 0 || q.Buf3.Ref != 0 || q.Pad2 != 0 {
		return maybeEINVAL
	}
	return einvalIf(hasTail(q) || q.Len != 0 || q.Flags&uring.FixedFile != 0)
}

func prepCancel(_ *Expectation, r *Request) Prep {
	q := r.SQE
	return einvalIf(hasOff(q) || q.FD2 != (cases.FD{}) || q.FileIndex != 0 || q.OpFlags&^cancelFlags != 0 ||
		q.OpFlags&uring.CancelAny != 0 && q.OpFlags&(cancelFD|uring.CancelOp) != 0)
}

func zeroOrError(*Expectation, *Request) Results { return Results{Errors: true}.or(0) }

func countOrError(*Expectation, *Request) Results {
	return Results{Errors: true, Ranges: [][2]int32{{0, 1<<31 - 1}}}
}

// own returns what the operation of r may result in if nothing interferes.
func (e *Expectation) own(r *Request) Results {
	switch {
	case r.SQE.Op >= uring.OpLast:
		return exactly(-EINVAL)
	case r.Opaque:
		return anyResult
	}
	op := &opcodes[r.SQE.Op]
	if op.needsFile && r.SQE.Op != uring.OpMsgRing { // io_assign_file()
		if _, found := e.File(r); found == No {
			return exactly(-EBADF)
		}
	}
	if op.own == nil {
		return anyResult
	}
	s := op.own(e, r)
	if r.CanFault {
		s = s.or(-ENOMEM, -EFAULT, -EAGAIN, -ENOBUFS)
	}
	return s
}

func ownNop(_ *Expectation, r *Request) Results {
	q := r.SQE
	if q.HasInject {
		if q.Inject <= -512 && q.Inject >= -516 { // io_fixup_restart_res()
			return exactly(q.Inject, -EINTR)
		}
		return exactly(q.Inject)
	}
	if q.OpFlags&uring.NopInjectResult != 0 {
		return exactly(int32(q.Len))
	}
	return exactly(0)
}

func ownPoll(e *Expectation, r *Request) Results {
	fd, found := e.File(r)
	res := e.Resource(fd)
	if found != Yes || res == nil || res.Kind == cases.ResFile || e.closed(fd) || e.updated(r) {
		return anyResult
	}
	return Results{Mask: int32(r.SQE.OpFlags&0xffff) | pollAlways}
}

func ownTimeout(e *Expectation, r *Request) Results {
	s := exactly(-ETIME)
	if r.SQE.Off > 0 || r.CancelSteps || len(r.Cancellers) > 0 {
		s = s.or(0)
	}
	return s
}

func ownLinkTimeout(*Expectation, *Request) Results {
	return exactly(-ETIME, -ECANCELED, -ENOENT, -EALREADY, 0)
}

func ownRemove(*Expectation, *Request) Results { return exactly(0, -EALREADY, -ENOENT) }

func ownCancel(e *Expectation, r *Request) Results {
	switch flags := r.SQE.OpFlags; {
	case flags&cancelFD != 0:
		return anyResult
	case flags&(uring.CancelAll|uring.CancelAny) != 0:
		return between(0, int64(len(e.Requests)))
	}
	s := exactly(0, -EALREADY, -ENOENT)
	if t := r.SQE.Target - 1; t >= 0 && t < len(e.Requests) {
		switch e.Requests[t].SQE.Op { // these count what they cancel
		case uring.OpFutexWait, uring.OpFutexWaitv, uring.OpWaitid:
			s = s.or(1)
		}
	}
	return s
}

func ownFsync(e *Expectation, r *Request) Results {
	fd, found := e.File(r)
	if res := e.Resource(fd); found == Yes && res != nil && res.Kind == cases.ResFile && !e.closed(fd) {
		return exactly(0)
	}
	return anyResult
}

func ownRW(e *Expectation, r *Request) Results {
	q := r.SQE
	fd, found := e.File(r)
	res := e.Resource(fd)
	reads := opcodes[q.Op].effect == Reads
	stream := q.Op == uring.OpRecv || q.Op == uring.OpSend
	length, known := e.length(r)
	switch {
	case found != Yes || res == nil || q.OpFlags != 0 || q.IOPrio != 0 || !known || e.ringFlags(r)&uring.SetupIOPoll != 0:
		return Results{Errors: true, Ranges: [][2]int32{{0, cases.MaxBuffer * cases.MaxParts}}}
	case stream != (res.Kind == cases.ResSocketPair) && stream:
		return anyResult // not a socket
	case int64(q.Off) < 0 && q.Off != ^uint64(0):
		return exactly(-EINVAL)
	case res.Kind == cases.ResPipe && (fd.End == 0) != reads:
		return exactly(-EBADF)
	}
	var s Results
	switch res.Kind {
	case cases.ResFile:
		s = e.fileRW(r, fd, res, reads, length)
	case cases.ResEventFD:
		s = exactly(8, -EINVAL)
		switch {
		case length == 8, reads && length > 8: // how strict write(2) is about more depends on the version
			s = exactly(8)
		case length == 0: // the file is not even asked
			s = s.or(0)
		}
	case cases.ResPipe, cases.ResSocketPair:
		s = between(1, length)
		if reads && e.mayEOF(fd) || length == 0 {
			s = s.or(0)
		}
		if !reads && e.mayEOF(fd) {
			s = s.or(-EPIPE)
		}
		if res.Kind == cases.ResSocketPair && e.mayEOF(fd) { // who is closed with something unread resets its peer
			s = s.or(-ECONNRESET)
		}
		if q.Off != 0 && q.Off != ^uint64(0) {
			s = s.or(-ESPIPE)
		}
	case cases.ResNullBlk:
		s = between(0, length).or(-EINVAL)
	default:
		return anyResult
	}
	if res.NonBlock {
		s = s.or(-EAGAIN)
	}
	if res.Direct { // alignment, and what the filesystem makes of it
		s = s.or(-EINVAL)
	}
	if q.Buf.Ref == 0 && length > 0 {
		s = s.or(-EFAULT)
	}
	if e.closed(fd) {
		if e.opens() { // and its number may be another file's by then
			return anyResult
		}
		s = s.or(-EBADF)
	}
	return s
}

// opens tells that a request may get a new descriptor.
func (e *Expectation) opens() bool {
	return slices.ContainsFunc(e.Requests, func(r Request) bool {
		switch r.SQE.Op {
		case uring.OpAccept, uring.OpOpenat, uring.OpOpenat2, uring.OpSocket, uring.OpFixedFdInstall:
			return true
		}
		return false
	})
}

// length is the number of bytes that a read or write asks for; known is
// false where registered memory decides.
func (e *Expectation) length(r *Request) (n int64, known bool) {
	q := r.SQE
	switch {
	case q.Flags&uring.BufferSelect != 0, q.Op == uring.OpReadFixed, q.Op == uring.OpWriteFixed, q.Addr != 0:
		return 0, false
	case Vectored(q.Op):
		parts := e.Iovec(q)
		for _, p := range parts {
			n += int64(p.Len)
		}
		return n, parts != nil
	}
	return int64(q.Len), true
}

// Iovec returns the pieces of memory that a vectored request names, each
// with its length; nil if they are not known.
func (e *Expectation) Iovec(q *cases.SQE) []cases.Part {
	if q.Buf.Ref == 0 || q.Buf.Ref > len(e.Program.Buffers) || q.Buf.Off != 0 {
		return nil
	}
	b := &e.Program.Buffers[q.Buf.Ref-1]
	if b.Kind != cases.BufIovec || int(q.Len) > len(b.Parts) {
		return nil
	}
	parts := make([]cases.Part, q.Len)
	for i := range parts {
		p := b.Parts[i]
		if p.Buf.Ref == 0 || p.Buf.Ref > len(e.Program.Buffers) {
			return nil
		}
		if to := e.Program.Buffers[p.Buf.Ref-1].Len(); p.Len == 0 && to > p.Buf.Off {
			p.Len = to - p.Buf.Off
		}
		parts[i] = p
	}
	return parts
}

// fileRW: the size of a file that nobody changes is known.
func (e *Expectation) fileRW(r *Request, fd cases.FD, res *cases.Resource, reads bool, length int64) Results {
	q := r.SQE
	if !reads {
		return exactly(int32(length))
	}
	lo, hi := int64(0), length
	fixed := q.Off != ^uint64(0)
	for i := range e.Requests {
		o := &e.Requests[i]
		if o.SQE.Op >= uring.OpLast || opcodes[o.SQE.Op].effect == Reads || opcodes[o.SQE.Op].effect == NoEffect {
			continue
		}
		if other, found := e.File(o); found == Unknown || other.Ref == fd.Ref || o.SQE.FD2.Ref == fd.Ref {
			fixed = false
		}
	}
	for i := range e.Program.Steps { // a step may write, too, while the request is on its way
		if st := &e.Program.Steps[i]; st.Kind == cases.StepFeed && st.FD.Ref == fd.Ref {
			fixed = false
		}
	}
	if fixed {
		left := max(int64(res.Size)-int64(q.Off), 0)
		lo, hi = min(left, hi), min(left, hi)
	}
	return between(lo, hi)
}
