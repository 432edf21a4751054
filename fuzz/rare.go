// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// rare makes one of the operations that say little about queues, with arguments that mostly make sense.
func (w *work) rare() cases.SQE {
	op := uring.Op(w.rnd.IntN(int(uring.OpLast)))
	if op == uring.OpWaitid { // what it waits for is dear: see addDear
		op = uring.OpNop
	}
	q := cases.SQE{Op: op}
	if w.socketOp(&q) || w.pathOp(&q) || w.fileOp(&q) || w.registeredOp(&q) {
		return q
	}
	switch op {
	case uring.OpPollRemove, uring.OpTimeoutRemove, uring.OpAsyncCancel:
		q.Target = w.target()
	case uring.OpTimeout, uring.OpLinkTimeout:
		q.Timeout = w.time()
	case uring.OpPollAdd:
		q.FD, q.OpFlags = w.fd(), unix.POLLOUT
	case uring.OpSplice, uring.OpTee:
		q.FD, q.FD2, q.Len = w.pipe(1), w.pipe(0), 64
		if op == uring.OpSplice {
			q.Off, q.Addr = ^uint64(0), ^uint64(0)
		}
	case uring.OpEpollCtl:
		q.FD, q.FD2, q.Len = cases.FD{Ref: w.resource(cases.ResEpoll)}, w.pipe(0), 1
		q.Buf = w.newBuffer(cases.Buffer{Kind: cases.BufEvent, Words: []uint64{unix.EPOLLIN, 7}})
	case uring.OpMsgRing: // its CQE has a user_data that no SQE has
		q.FD, q.Len, q.Off = cases.FD{Ring: 1 + w.aRing()}, 5, 7777
	case uring.OpFutexWait, uring.OpFutexWake:
		return w.futex(op)
	case uring.OpFutexWaitv:
		word := cases.BufRef{Ref: w.zeroes()}
		q.FD = cases.FD{HasRaw: true}
		q.Buf, q.Len = w.newBuffer(cases.Buffer{Kind: cases.BufWaitv, Parts: []cases.Part{{Buf: word}}}), 1
	case uring.OpMadvise:
		q.Buf, q.Len = w.buffer(), bufferSize
	}
	return q
}

func (w *work) socketOp(q *cases.SQE) bool {
	switch q.Op {
	case uring.OpSend, uring.OpSendZc, uring.OpRecv:
		q.FD, q.Buf, q.Len = cases.FD{Ref: w.resource(cases.ResSocketPair), End: w.rnd.IntN(2)}, w.buffer(), 16
	case uring.OpSendmsg, uring.OpSendmsgZc, uring.OpRecvmsg:
		q.FD = cases.FD{Ref: w.resource(cases.ResSocketPair), End: w.rnd.IntN(2)}
		q.Buf = w.newBuffer(cases.Buffer{Kind: cases.BufMsg, Parts: []cases.Part{{Buf: w.iovec()}}})
	case uring.OpShutdown:
		q.FD, q.Len = cases.FD{Ref: w.resource(cases.ResSocketPair), End: w.rnd.IntN(2)}, uint32(w.rnd.IntN(3))
	case uring.OpAccept:
		q.FD = cases.FD{Ref: w.resource(cases.ResSocket)}
	case uring.OpListen:
		q.FD, q.Len = cases.FD{Ref: w.resource(cases.ResSocket)}, 4
	case uring.OpBind, uring.OpConnect:
		q.FD, q.Buf = cases.FD{Ref: w.resource(cases.ResSocket)}, w.newBuffer(cases.Buffer{Kind: cases.BufAddr, Text: "fuzz"})
	case uring.OpSocket:
		q.FD, q.Off = cases.FD{HasRaw: true, Raw: unix.AF_UNIX}, unix.SOCK_STREAM
	default:
		return false
	}
	return true
}

func (w *work) pathOp(q *cases.SQE) bool {
	dir := func() cases.FD { return cases.FD{Ref: w.resource(cases.ResDir)} }
	path := func() cases.BufRef {
		return w.newBuffer(cases.Buffer{Kind: cases.BufText, Text: any1(w.Mutator, "one", "two")})
	}
	switch q.Op {
	case uring.OpOpenat:
		q.FD, q.Buf, q.Len, q.OpFlags = dir(), path(), 0o600, unix.O_RDWR|unix.O_CREAT
	case uring.OpOpenat2:
		q.FD, q.Buf, q.Len = dir(), path(), 24
		q.Buf2 = w.newBuffer(cases.Buffer{Kind: cases.BufHow, Words: []uint64{unix.O_RDWR | unix.O_CREAT, 0o600, 0}})
	case uring.OpMkdirat:
		q.FD, q.Buf, q.Len = dir(), path(), 0o700
	case uring.OpUnlinkat:
		q.FD, q.Buf = dir(), path()
	case uring.OpStatx:
		q.FD, q.Buf, q.Len = dir(), path(), unix.STATX_BASIC_STATS
		q.Buf2 = w.bigBuffer(256)
	case uring.OpSymlinkat:
		q.FD, q.Buf, q.Buf2 = dir(), path(), path()
	case uring.OpLinkat, uring.OpRenameat:
		q.FD, q.FD2, q.Buf, q.Buf2 = dir(), dir(), path(), path()
	default:
		return false
	}
	return true
}

func (w *work) fileOp(q *cases.SQE) bool {
	file := func() cases.FD { return cases.FD{Ref: w.resource(cases.ResFile)} }
	name := func() cases.BufRef {
		return w.newBuffer(cases.Buffer{Kind: cases.BufText, Text: "user.fuzz"})
	}
	switch q.Op {
	case uring.OpRead, uring.OpWrite:
		q.FD, q.Buf, q.Len = file(), w.buffer(), bufferSize
	case uring.OpReadv, uring.OpWritev:
		q.FD, q.Buf, q.Len = file(), w.iovec(), 1
	case uring.OpFsync, uring.OpUringCmd:
		q.FD = file()
	case uring.OpSyncFileRange, uring.OpFadvise:
		q.FD, q.Len = file(), fileSize
	case uring.OpFallocate:
		q.FD, q.Addr = file(), 2*fileSize
	case uring.OpFtruncate:
		q.FD, q.Off = file(), 2*fileSize
	case uring.OpFsetxattr, uring.OpFgetxattr, uring.OpSetxattr, uring.OpGetxattr:
		q.FD, q.Buf, q.Buf2, q.Len = file(), name(), w.buffer(), 16
	default:
		return false
	}
	return true
}

// registeredOp makes operations on what is registered; mostly they come with the step that registers it.
func (w *work) registeredOp(q *cases.SQE) bool {
	var prepare func() cases.Step
	switch q.Op {
	case uring.OpReadFixed, uring.OpWriteFixed:
		q.FD, q.Buf, q.Len = w.fd(), w.buffer(), bufferSize
		buf := q.Buf
		prepare = func() cases.Step {
			s := w.registerBuffers()
			s.Reg.Bufs[0] = cases.Part{Buf: buf}
			return s
		}
	case uring.OpReadMultishot:
		q.FD, q.Flags, prepare = w.pipe(0), uring.BufferSelect, w.registerBufRing
	case uring.OpProvideBuffers:
		q.FD, q.Buf, q.Len, q.BufIndex = cases.FD{HasRaw: true, Raw: 2}, w.bigBuffer(256), 64, 1
	case uring.OpRemoveBuffers:
		q.FD, q.BufIndex = cases.FD{HasRaw: true, Raw: 1}, 1
	case uring.OpFilesUpdate:
		q.FD = cases.FD{HasRaw: true}
		q.Buf, q.Len, prepare = w.newBuffer(cases.Buffer{Kind: cases.BufFDs, FDs: []cases.FD{w.pipe(0)}}), 1, w.registerFiles
	case uring.OpClose:
		q.FD, q.FileIndex, prepare = cases.FD{HasRaw: true}, 1, w.registerFiles
	case uring.OpFixedFdInstall:
		q.FD, q.Flags, prepare = cases.FD{HasRaw: true}, uring.FixedFile, w.registerFiles
	default:
		return false
	}
	if prepare != nil && w.chance(70) {
		w.insertStep(0, prepare())
	}
	return true
}

// fixed makes reads that take their file or buffer from a table of the ring.
func (w *work) fixed() cases.SQE {
	q := cases.SQE{Op: uring.OpRead, Len: 16, Buf: w.buffer()}
	if w.chance(50) {
		q.Flags, q.FD = uring.FixedFile, cases.FD{HasRaw: true, Raw: int32(w.rnd.IntN(2))}
		w.insertStep(0, w.registerFiles())
	} else {
		q.Flags, q.FD, q.Buf = uring.BufferSelect, w.pipe(0), cases.BufRef{}
		w.insertStep(0, w.registerBufRing())
	}
	return q
}

// child makes a request that waits for a child's end, and a step that ends it.
func (w *work) child() cases.SQE {
	c := cases.FD{Ref: w.resource(cases.ResChild)}
	w.p.Steps = append(w.p.Steps, cases.Step{Kind: cases.StepKill, FD: c})
	return cases.SQE{Op: uring.OpWaitid, FD: c, Buf2: w.bigBuffer(256), Len: unix.P_PIDFD, FileIndex: unix.WEXITED}
}

// iovec is one of a buffer that comes ahead of it.
func (w *work) iovec() cases.BufRef {
	return w.newBuffer(cases.Buffer{Kind: cases.BufIovec, Parts: []cases.Part{{Buf: w.buffer(), Len: 16}}})
}
