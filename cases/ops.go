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

// opForm says how the text form writes one opcode: what stands behind its
// name, and what its shared SQE fields are called.
type opForm struct {
	operands []operand
	off      string // key of SQE.Off; "" is "off"
	flagsKey string // key of SQE.OpFlags; "" is "flags"
	flags    flagSet
	// memory is set where addr and len are one piece of memory, so that a
	// range outside its buffer is a mistake.
	memory bool
}

var (
	formNone     = opForm{}
	formRW       = opForm{operands: []operand{operandFD, operandBuf}, flags: rwFlags, memory: true}
	formVec      = opForm{operands: []operand{operandFD, operandBuf}, flags: rwFlags}
	formSendRecv = opForm{operands: []operand{operandFD, operandBuf}, flags: msgFlags, memory: true}
	formMsg      = opForm{operands: []operand{operandFD, operandBuf}, flags: msgFlags}
	formFD       = opForm{operands: []operand{operandFD}}
	formTimeout  = opForm{operands: []operand{operandTimeout}, off: "count", flags: timeoutFlags}
)

var opForms = map[uring.Op]opForm{
	uring.OpRead:          formRW,
	uring.OpWrite:         formRW,
	uring.OpReadFixed:     formRW,
	uring.OpWriteFixed:    formRW,
	uring.OpReadv:         formVec,
	uring.OpWritev:        formVec,
	uring.OpReadMultishot: formFD,
	uring.OpSend:          formSendRecv,
	uring.OpRecv:          formSendRecv,
	uring.OpSendZc:        formSendRecv,
	uring.OpSendmsg:       formMsg,
	uring.OpRecvmsg:       formMsg,
	uring.OpSendmsgZc:     formMsg,

	uring.OpFsync:         {operands: []operand{operandFD}, flags: fsyncFlags},
	uring.OpPollAdd:       {operands: []operand{operandFD}, flagsKey: "events", flags: pollEvents},
	uring.OpPollRemove:    {operands: []operand{operandTarget}, flagsKey: "events", flags: pollEvents},
	uring.OpAccept:        {operands: []operand{operandFD}, flags: acceptFlags},
	uring.OpClose:         formFD,
	uring.OpShutdown:      formFD,
	uring.OpFallocate:     formFD,
	uring.OpFtruncate:     formFD,
	uring.OpFadvise:       formFD,
	uring.OpSyncFileRange: formFD,
	uring.OpMsgRing:       formFD,
	uring.OpSplice:        formFD,
	uring.OpTee:           formFD,
	uring.OpMadvise:       {operands: []operand{operandBuf}, memory: true},

	uring.OpTimeout:       formTimeout,
	uring.OpLinkTimeout:   formTimeout,
	uring.OpTimeoutRemove: {operands: []operand{operandTarget}, flags: timeoutFlags},
	uring.OpAsyncCancel:   {operands: []operand{operandTarget}, flags: cancelFlags},
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
