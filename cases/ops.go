// SPDX-License-Identifier: Apache-2.0

package cases

import "github.com/ringproof/ringproof/cases/uring"

// operand is an SQE field that can be written without its key.
type operand uint8

const (
	operandFD operand = iota
	operandBuf
	operandTarget
	operandTimeout
)

// operandKeys are the keys of operands, for where the operand does not stand
// in its opcode's usual place.
var operandKeys = [...]string{
	operandFD: "fd", operandBuf: "buf", operandTarget: "target", operandTimeout: "timeout",
}

// operandHints say how an operand is written.
var operandHints = [...]string{
	operandFD:      "a file descriptor such as f0, p0.r or -1",
	operandBuf:     "a buffer such as b0 or b0+64",
	operandTarget:  "a label or an SQE's number such as @3",
	operandTimeout: "a time such as 100ms",
}

// fd2Place says which field of the SQE holds an opcode's second descriptor.
type fd2Place uint8

const (
	fd2None   fd2Place = iota
	fd2Splice          // splice_fd_in, which is file_index
	fd2Off
	fd2Len
)

// opForm says how the text form writes one opcode: what stands behind its
// name, and what its shared SQE fields are called.
type opForm struct {
	operands []operand
	off      string // key of SQE.Off; "" is "off"
	flagsKey string // key of SQE.OpFlags; "" is "flags"
	flags    flagSet
	lens     flagSet // names for bits of SQE.Len
	prios    flagSet // names for bits of SQE.IOPrio
	fd2      fd2Place
	// memory is set where addr and len are one piece of memory, so that a
	// range outside its buffer is a mistake.
	memory bool
}

var (
	formNone     = opForm{}
	formRW       = opForm{operands: []operand{operandFD, operandBuf}, flags: rwFlags, memory: true}
	formVec      = opForm{operands: []operand{operandFD, operandBuf}, flags: rwFlags}
	formSend     = opForm{operands: []operand{operandFD, operandBuf}, flags: msgFlags, prios: recvPrios, memory: true}
	formMsg      = opForm{operands: []operand{operandFD, operandBuf}, flags: msgFlags, prios: recvPrios}
	formFD       = opForm{operands: []operand{operandFD}}
	formPath     = opForm{operands: []operand{operandFD, operandBuf}}
	formRename   = opForm{operands: []operand{operandFD, operandBuf}, flags: renameFlags, fd2: fd2Len}
	formSplice   = opForm{operands: []operand{operandFD}, flags: spliceFlags, fd2: fd2Splice}
	formXattr    = opForm{operands: []operand{operandBuf}, flags: xattrFlags}
	formFDXattr  = opForm{operands: []operand{operandFD, operandBuf}, flags: xattrFlags}
	formTimeout  = opForm{operands: []operand{operandTimeout}, off: "count", flags: timeoutFlags}
	formProvided = opForm{operands: []operand{operandFD, operandBuf}}
)

var opForms = map[uring.Op]opForm{
	uring.OpNop:           {flags: nopFlags},
	uring.OpRead:          formRW,
	uring.OpWrite:         formRW,
	uring.OpReadFixed:     formRW,
	uring.OpWriteFixed:    formRW,
	uring.OpReadv:         formVec,
	uring.OpWritev:        formVec,
	uring.OpReadMultishot: formFD,
	uring.OpSend:          formSend,
	uring.OpRecv:          formSend,
	uring.OpSendZc:        formSend,
	uring.OpSendmsg:       formMsg,
	uring.OpRecvmsg:       formMsg,
	uring.OpSendmsgZc:     formMsg,

	uring.OpFsync:         {operands: []operand{operandFD}, flags: fsyncFlags},
	uring.OpPollAdd:       {operands: []operand{operandFD}, flagsKey: "events", flags: pollEvents, lens: pollLens},
	uring.OpPollRemove:    {operands: []operand{operandTarget}, flagsKey: "events", flags: pollEvents, lens: pollLens},
	uring.OpAccept:        {operands: []operand{operandFD}, flags: acceptFlags, prios: acceptPrios},
	uring.OpClose:         formFD,
	uring.OpShutdown:      formFD,
	uring.OpFallocate:     formFD,
	uring.OpFtruncate:     formFD,
	uring.OpFadvise:       formFD,
	uring.OpSyncFileRange: formFD,
	uring.OpMsgRing:       {operands: []operand{operandFD}, flags: msgRingFlags},
	uring.OpSplice:        formSplice,
	uring.OpTee:           formSplice,
	uring.OpMadvise:       {operands: []operand{operandBuf}, memory: true},

	uring.OpTimeout:       formTimeout,
	uring.OpLinkTimeout:   formTimeout,
	uring.OpTimeoutRemove: {operands: []operand{operandTarget}, flags: timeoutFlags},
	uring.OpAsyncCancel:   {operands: []operand{operandTarget}, flags: cancelFlags},

	uring.OpOpenat:         {operands: []operand{operandFD, operandBuf}, flags: openFlags},
	uring.OpOpenat2:        formPath,
	uring.OpStatx:          {operands: []operand{operandFD, operandBuf}, flags: atFlags},
	uring.OpUnlinkat:       {operands: []operand{operandFD, operandBuf}, flags: atFlags},
	uring.OpMkdirat:        formPath,
	uring.OpSymlinkat:      formPath,
	uring.OpRenameat:       formRename,
	uring.OpLinkat:         {operands: []operand{operandFD, operandBuf}, flags: atFlags, fd2: fd2Len},
	uring.OpSetxattr:       formXattr,
	uring.OpGetxattr:       formXattr,
	uring.OpFsetxattr:      formFDXattr,
	uring.OpFgetxattr:      formFDXattr,
	uring.OpSocket:         {operands: []operand{operandFD}, off: "type"},
	uring.OpBind:           formPath,
	uring.OpConnect:        formPath,
	uring.OpListen:         formFD,
	uring.OpEpollCtl:       {operands: []operand{operandFD, operandBuf}, fd2: fd2Off},
	uring.OpProvideBuffers: formProvided,
	uring.OpRemoveBuffers:  formFD,
	uring.OpFilesUpdate:    {operands: []operand{operandBuf}},
	uring.OpFixedFdInstall: {operands: []operand{operandFD}, flags: installFlags},
	uring.OpUringCmd:       {operands: []operand{operandFD}, off: "cmd"},
	uring.OpWaitid:         formFD,
	uring.OpFutexWait:      formPath,
	uring.OpFutexWake:      formPath,
	uring.OpFutexWaitv:     {operands: []operand{operandBuf}},
}

// formOf returns how op is written; opcodes without operands of their own
// take every field by its key.
func formOf(op uring.Op) opForm {
	f, ok := opForms[op]
	if !ok {
		f = formNone
	}
	if f.off == "" {
		f.off = "off"
	}
	if f.flagsKey == "" {
		f.flagsKey = "flags"
	}
	return f
}

// SecondFD returns the place of the opcode's second descriptor in the SQE:
// exactly one of the results is set, or none if it has none.
func SecondFD(op uring.Op) (splice, off, length bool) {
	place := formOf(op).fd2
	return place == fd2Splice, place == fd2Off, place == fd2Len
}

// A registrationForm says how the text form writes one operation of
// io_uring_register(2).
type registrationForm struct {
	op         uring.RegisterOp
	unregister bool // written "unregister"
	word       string
	list       regList // what stands behind the word
	lo, hi     int     // how many of them
	keys       []string
}

// regList says what a registration lists.
type regList uint8

const (
	listNone regList = iota
	listFDs
	listParts
	listCounts
	listRing
)

var registrationForms = []registrationForm{
	{op: uring.RegisterFiles, word: "files", list: listFDs, lo: 1, hi: MaxParts},
	{op: uring.RegisterFilesUpdate, word: "files-update", list: listFDs, lo: 1, hi: MaxParts, keys: []string{"from"}},
	{op: uring.RegisterFileAllocRange, word: "file-alloc-range", keys: []string{"from", "entries"}},
	{op: uring.RegisterBuffers, word: "buffers", list: listParts, lo: 1, hi: MaxParts},
	{op: uring.RegisterBuffersUpdate, word: "buffers-update", list: listParts, lo: 1, hi: MaxParts, keys: []string{"from"}},
	{op: uring.RegisterCloneBuffers, word: "clone-buffers", list: listRing, lo: 1, hi: 1},
	{op: uring.RegisterPbufRing, word: "bufring", list: listParts, lo: 1, hi: 1, keys: []string{"group", "entries", "size", "flags"}},
	{op: uring.RegisterEventFD, word: "eventfd", list: listFDs, lo: 1, hi: 1},
	{op: uring.RegisterEventFDAsync, word: "eventfd-async", list: listFDs, lo: 1, hi: 1},
	{op: uring.RegisterIOWQMaxWorkers, word: "iowq-max", list: listCounts, lo: 2, hi: 2},
	{op: uring.RegisterIOWQAff, word: "iowq-aff", list: listCounts, lo: 1, hi: 1},
	{op: uring.RegisterPersonality, word: "personality"},
	{op: uring.RegisterEnableRings, word: "enable"},
	{op: uring.RegisterRingFDs, word: "ring-fd"},

	{op: uring.UnregisterFiles, unregister: true, word: "files"},
	{op: uring.UnregisterBuffers, unregister: true, word: "buffers"},
	{op: uring.UnregisterPbufRing, unregister: true, word: "bufring", keys: []string{"group"}},
	{op: uring.UnregisterEventFD, unregister: true, word: "eventfd"},
	{op: uring.UnregisterIOWQAff, unregister: true, word: "iowq-aff"},
	{op: uring.UnregisterPersonality, unregister: true, word: "personality", keys: []string{"from"}},
	{op: uring.UnregisterRingFDs, unregister: true, word: "ring-fd"},
}

// rawRegistration is how any other operation is written: "op=N", its argument, and a count.
func rawRegistration(op uring.RegisterOp) registrationForm {
	return registrationForm{op: op, list: listParts, hi: 1, keys: []string{"op", "entries"}}
}

// formOfRegistration returns how op is written.
func formOfRegistration(op uring.RegisterOp) registrationForm {
	for _, f := range registrationForms {
		if f.op == op {
			return f
		}
	}
	return rawRegistration(op)
}
