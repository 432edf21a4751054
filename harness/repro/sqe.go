// SPDX-License-Identifier: Apache-2.0

package repro

import (
	"fmt"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// sqe fills in one SQE, field by field.
func (w *writer) sqe(b *strings.Builder, ring string, s *cases.SQE) {
	i := w.indexOf(s)
	label := ""
	if s.Label != "" {
		label = "\t/* " + s.Label + " */"
	}
	fmt.Fprintf(b, "\tsqe = next_sqe(%s);%s\n", ring, label)
	set := func(field, value string) { fmt.Fprintf(b, "\tsqe->%s = %s;\n", field, value) }
	number := func(field string, v uint64) {
		if v != 0 {
			set(field, fmt.Sprintf("%dULL", v))
		}
	}
	set("opcode", opcode(s.Op))
	if s.Flags != 0 {
		set("flags", flagWords(s.Flags))
	}
	number("ioprio", uint64(s.IOPrio))
	if fd := w.fd(s.FD); fd != "0" {
		set("fd", fd)
	}
	length := uint64(s.Len)
	switch {
	case s.Buf2.Ref != 0:
		set("off", "(unsigned long)("+w.pointer(s.Buf2)+")")
	case (s.Op == uring.OpBind || s.Op == uring.OpConnect) && s.Off == 0 && s.Buf.Ref != 0:
		number("off", uint64(w.p.Buffers[s.Buf.Ref-1].Len()))
	default:
		number("off", s.Off)
	}
	switch {
	case s.Target != 0:
		number("addr", cases.UserData(s.Target-1))
	case (s.Op == uring.OpTimeout || s.Op == uring.OpLinkTimeout) && s.Buf.Ref == 0 && s.Addr == 0:
		fmt.Fprintf(b, "\t{\n\t\tstatic struct __kernel_timespec ts = { %d, %d };\n\n\t\tsqe->addr = (unsigned long)&ts;\n\t}\n", s.Timeout/time.Second, s.Timeout%time.Second)
		length = max(length, 1)
	case s.Buf.Ref != 0:
		set("addr", "(unsigned long)("+w.pointer(s.Buf)+")")
	default:
		number("addr", s.Addr)
	}
	flags := uint64(s.OpFlags)
	if s.HasInject {
		flags, length = uint64(uring.NopInjectResult), uint64(uint32(s.Inject))
	}
	switch splice, off, len := cases.SecondFD(s.Op); {
	case s.FD2 == (cases.FD{}):
	case splice:
		set("splice_fd_in", w.fd(s.FD2))
	case off:
		set("off", "(unsigned)"+w.fd(s.FD2))
	case len:
		set("len", w.fd(s.FD2))
	}
	number("len", length)
	number("rw_flags", flags)
	number("buf_index", uint64(s.BufIndex))
	number("personality", uint64(s.Personality))
	if s.FileIndex != 0 {
		set("file_index", fmt.Sprintf("%#x", s.FileIndex))
	}
	if s.Buf3.Ref != 0 {
		set("addr3", "(unsigned long)("+w.pointer(s.Buf3)+")")
	}
	number("addr3", s.Addr3)
	number("__pad2[0]", s.Pad2)
	set("user_data", fmt.Sprint(cases.UserData(i)))
}

// indexOf is the index of an SQE in program order: steps are written in order.
func (w *writer) indexOf(*cases.SQE) int {
	w.index++
	return w.index - 1
}

// headerOps is how many opcodes the oldest headers know that are expected: those of Linux 6.1.
const headerOps = uring.OpSendmsgZc + 1

func opcode(op uring.Op) string {
	if op < headerOps {
		return "IORING_OP_" + strings.ToUpper(op.String())
	}
	return fmt.Sprintf("%d /* %s */", op, op)
}

var flagBits = []struct {
	bit  uring.SQEFlags
	name string
}{
	{uring.FixedFile, "FIXED_FILE"}, {uring.IODrain, "IO_DRAIN"}, {uring.IOLink, "IO_LINK"}, {uring.IOHardlink, "IO_HARDLINK"},
	{uring.Async, "ASYNC"}, {uring.BufferSelect, "BUFFER_SELECT"}, {uring.CQESkipSuccess, "CQE_SKIP_SUCCESS"}, {uring.SQEGroup, "SQE_GROUP"},
}

func flagWords(f uring.SQEFlags) string {
	var words []string
	for _, b := range flagBits {
		if f&b.bit != 0 {
			words = append(words, "IOSQE_"+b.name)
		}
	}
	return strings.Join(words, " | ")
}
