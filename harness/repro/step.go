// SPDX-License-Identifier: Apache-2.0

package repro

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

func (w *writer) step(b *strings.Builder, st *cases.Step) {
	ring := ""
	if len(w.p.Rings) > 0 {
		ring = "&" + name(w.p.Rings[st.Ring].Name)
	}
	switch st.Kind {
	case cases.StepSubmit:
		for i := range st.SQEs {
			w.sqe(b, ring, &st.SQEs[i])
		}
		fmt.Fprintf(b, "\tsubmit(%s, %d, %d, %d);\n", ring, len(st.SQEs), st.N, bound(st.Timeout))
	case cases.StepWait:
		w.need["wait"] = true
		fmt.Fprintf(b, "\twait_for(%s, %d, %d);\n", ring, st.N, bound(st.Timeout))
	case cases.StepFeed:
		w.feed(b, st)
	case cases.StepTake:
		fmt.Fprintf(b, "\t{\n\t\tstatic char taken[%d];\n\n\t\tif (read(%s, taken, sizeof(taken)) < 0)\n\t\t\tperror(\"read\");\n\t}\n",
			max(st.N, 8), w.fd(st.FD))
	case cases.StepCloseFD:
		fmt.Fprintf(b, "\tclose(%s);\n", w.fd(st.FD))
	case cases.StepCloseRing:
		w.need["close_ring"] = true
		fmt.Fprintf(b, "\tclose_ring(%s);\n", ring)
	case cases.StepCancel:
		w.need["cancel"] = true
		target := uint64(0)
		if st.Target > 0 {
			target = cases.UserData(st.Target - 1)
		}
		fmt.Fprintf(b, "\tsync_cancel(%s, %d, %s, %#x, %d, %d);\n", ring, target, w.fd(st.FD), st.CancelFlags, st.CancelOp, st.Timeout/time.Millisecond)
	case cases.StepExit:
		b.WriteString("\t_exit(0);\n")
	case cases.StepKill:
		if st.FD.Ref > 0 {
			fmt.Fprintf(b, "\tsyscall(__NR_pidfd_send_signal, %s, SIGKILL, NULL, 0);\n", w.fd(st.FD))
		} else {
			b.WriteString("\tkill(getpid(), SIGKILL);\n")
		}
	case cases.StepExec:
		b.WriteString("\texecl(\"/proc/self/exe\", \"repro\", \"arrived\", NULL);\n")
	case cases.StepJoin:
		if st.Join != "" {
			fmt.Fprintf(b, "\tsettle(&thread_%s);\n", name(st.Join))
		}
	case cases.StepUID:
		fmt.Fprintf(b, "\tsyscall(__NR_setresuid, %d, %d, %d);\n", st.N, st.N, st.N)
	case cases.StepRegister:
		w.register(b, ring, st)
	case cases.StepRefill:
		w.refill(b, st)
	default:
		w.cannot("step %s", st.Kind)
	}
}

func (w *writer) feed(b *strings.Builder, st *cases.Step) {
	if st.FD.Ref > 0 && w.p.Resources[st.FD.Ref-1].Kind == cases.ResEventFD {
		fmt.Fprintf(b, "\tif (write(%s, &(unsigned long long){ %d }, 8) < 0)\n\t\tperror(\"write\");\n", w.fd(st.FD), st.N)
		return
	}
	w.need["fill"] = true
	fmt.Fprintf(b, "\t{\n\t\tstatic unsigned char fed[%d];\n\n\t\tfill(fed, %d, sizeof(fed));\n\t\tif (write(%s, fed, sizeof(fed)) < 0)\n\t\t\tperror(\"write\");\n\t}\n",
		st.N, uint32(st.Fill), w.fd(st.FD))
}

// bufRing names the buffer ring that a step registers.
func (w *writer) bufRing(st *cases.Step) string {
	return fmt.Sprintf("buffers%d", slices.IndexFunc(w.p.Steps, func(o cases.Step) bool { return o.Reg == st.Reg }))
}

// refill gives a buffer back to the group's last registration.
func (w *writer) refill(b *strings.Builder, st *cases.Step) {
	var last *cases.Step
	for i := range w.p.Steps {
		o := &w.p.Steps[i]
		if o == st {
			break
		}
		if o.Kind == cases.StepRegister && o.Reg.Op == uring.RegisterPbufRing && o.Ring == st.Ring && o.Reg.Group == st.Reg.Group {
			last = o
		}
	}
	if last == nil || int(st.Reg.From) >= w.p.BufRingCount(last.Reg) {
		b.WriteString("\t/* there is no such buffer */\n")
		return
	}
	fmt.Fprintf(b, "\tgive_buffer(&%s, %s + %d, %d, %d);\n", w.bufRing(last), w.pointer(last.Reg.Bufs[0].Buf), st.Reg.From*last.Reg.Size, last.Reg.Size, st.Reg.From)
}

func (w *writer) register(b *strings.Builder, ring string, st *cases.Step) {
	r := st.Reg
	call := func(arg string, n any) {
		fmt.Fprintf(b, "\tsyscall(__NR_io_uring_register, (%s)->fd, %d, %s, %v);\n", ring, r.Op, arg, n)
	}
	switch r.Op {
	case uring.RegisterFiles, uring.RegisterEventFD, uring.RegisterEventFDAsync:
		var fds []string
		for _, fd := range r.FDs {
			fds = append(fds, w.fd(fd))
		}
		call("((int[]){ "+strings.Join(fds, ", ")+" })", len(fds))
	case uring.RegisterBuffers:
		var iovs []string
		for _, part := range r.Bufs {
			iovs = append(iovs, fmt.Sprintf("{ %s, %d }", w.pointer(part.Buf), w.length(part)))
		}
		call("((struct iovec[]){ "+strings.Join(iovs, ", ")+" })", len(iovs))
	case uring.RegisterFilesUpdate:
		var fds []string
		for _, fd := range r.FDs {
			fds = append(fds, w.fd(fd))
		}
		call(fmt.Sprintf("(&(struct { unsigned offset, resv; unsigned long long fds; }){ %d, 0, (unsigned long)(int[]){ %s } })", r.From, strings.Join(fds, ", ")), len(fds))
	case uring.RegisterPbufRing:
		if r.Flags != 0 || len(r.Bufs) != 1 {
			w.cannot("a buffer ring in the kernel's memory")
			return
		}
		w.need["bufring"], w.need["memory"] = true, true
		fmt.Fprintf(&w.decl, "static struct buf_ring %s;\n", w.bufRing(st))
		fmt.Fprintf(b, "\tregister_buf_ring(%s, &%s, %d, %d, %s, %d, %d);\n", ring, w.bufRing(st), r.Group, r.Entries, w.pointer(r.Bufs[0].Buf), r.Size, w.p.BufRingCount(r))
	case uring.UnregisterPbufRing:
		w.need["bufring"], w.need["memory"] = true, true
		fmt.Fprintf(b, "\tbuf_reg(%s, 23, NULL, 0, %d);\n", ring, r.Group)
	case uring.RegisterIOWQMaxWorkers:
		call(fmt.Sprintf("((unsigned[]){ %d, %d })", r.Counts[0], r.Counts[1]), 2)
	case uring.RegisterIOWQAff:
		call(fmt.Sprintf("&(unsigned long){ %#x }", r.Counts[0]), 8)
	case uring.RegisterPersonality, uring.RegisterEnableRings, uring.UnregisterFiles, uring.UnregisterBuffers,
		uring.UnregisterEventFD, uring.UnregisterIOWQAff:
		call("NULL", 0)
	case uring.UnregisterPersonality:
		call("NULL", r.From)
	default:
		w.cannot("register op=%d", r.Op)
	}
}
