// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// reqFlags are the bits of req->flags above the SQE's own byte, from bit 8 on:
// the REQ_F_*_BIT of include/linux/io_uring_types.h in 6.12. A series adds
// its own behind the last, which shows as a number.
var reqFlags = []string{
	"FAIL", "INFLIGHT", "CUR_POS", "NOWAIT", "LINK_TIMEOUT", "NEED_CLEANUP", "POLLED",
	"BUFFER_SELECTED", "BUFFER_RING", "REISSUE", "CREDS", "REFCOUNT", "ARM_LTIMEOUT",
	"ASYNC_DATA", "SKIP_LINK_CQES", "SINGLE_POLL", "DOUBLE_POLL", "MULTISHOT",
	"APOLL_MULTISHOT", "CLEAR_POLLIN", "HASH_LOCKED", "SUPPORT_NOWAIT", "ISREG",
	"POLL_NO_LAZY", "CAN_POLL", "BL_EMPTY", "BL_NO_RECYCLE", "BUFFERS_COMMIT", "BUF_MORE",
}

// reqRefcount is REQ_F_REFCOUNT: without it req->refs means nothing.
const reqRefcount = 1 << 19

// flagWords names the bits of req->flags. The names above the first byte hold
// for 6.12 only, so they are used for that kernel alone.
func flagWords(flags uint64, is612 bool) string {
	var w []string
	if low := uring.SQEFlags(flags); low != 0 {
		w = append(w, cases.SQEFlagNames(low))
	}
	for rest := flags >> 8; rest != 0; rest &= rest - 1 {
		bit := bits.TrailingZeros64(rest)
		if is612 && bit < len(reqFlags) {
			w = append(w, reqFlags[bit])
		} else {
			w = append(w, "bit"+strconv.Itoa(bit+8))
		}
	}
	return strings.Join(w, " ")
}

func (r *Run) is612() bool { return strings.HasPrefix(r.Kernel.Version, "6.12.") }

// issueFlagWords names issue flags, enum io_uring_cmd_flags of include/linux/io_uring_types.h.
func issueFlagWords(arg uint64) string {
	f := uint64(uint32(arg)) // an unsigned int in the kernel
	var w []string
	for _, n := range []struct {
		bit  uint64
		name string
	}{{1, "COMPLETE_DEFER"}, {2, "UNLOCKED"}, {4, "MULTISHOT"}, {8, "IOWQ"}, {1 << 31, "NONBLOCK"}} {
		if f&n.bit != 0 {
			w = append(w, n.name)
			f &^= n.bit
		}
	}
	if f != 0 {
		w = append(w, "0x"+strconv.FormatUint(f, 16))
	}
	return strings.Join(w, " ")
}

// arg says what an event's Arg means; at maps request addresses to lanes.
func (v *view) arg(e *cases.Event, at map[uint64]int) string {
	switch e.Kind {
	case cases.EvRingCreate:
		if s := cases.SetupFlagNames(uring.SetupFlags(e.Arg)); s != "" {
			return "flags " + s
		}
	case cases.EvLink, cases.EvFailLink:
		word := "behind "
		if e.Kind == cases.EvFailLink {
			word = "fails "
		}
		if li, ok := at[e.Arg]; ok {
			return word + v.lanes[li].Name
		}
		if e.Arg != 0 {
			return word + "0x" + strconv.FormatUint(e.Arg, 16)
		}
	case cases.EvIssue:
		return issueFlagWords(e.Arg)
	case cases.EvPollArm:
		return "mask 0x" + strconv.FormatUint(e.Arg, 16)
	case cases.EvComplete, cases.EvOverflow, cases.EvExtraCQE:
		if e.Arg != 0 {
			return "cflags 0x" + strconv.FormatUint(e.Arg, 16)
		}
	}
	return ""
}

// resText is the event's result in words, "" where Res means nothing.
func resText(e *cases.Event) string {
	switch e.Kind {
	case cases.EvPrepFail, cases.EvComplete, cases.EvExtraCQE, cases.EvOverflow, cases.EvFree, cases.EvIssueReturn:
		return cases.ResultText(e.Res)
	}
	return ""
}

// refsText is the request's own reference count, "" where it is not counted.
func refsText(e *cases.Event) string {
	if e.Flags&reqRefcount == 0 {
		return ""
	}
	return strconv.Itoa(int(e.Refs))
}

func groupRefsText(e *cases.Event) string {
	if !e.HasGroupRefs {
		return ""
	}
	return strconv.Itoa(int(e.GroupRefs))
}

// micros prints ns as microseconds with all digits, such as "12.345".
func micros(ns uint64) string { return fmt.Sprintf("%d.%03d", ns/1000, ns%1000) }

// eventLine is one event in words, without its time.
func (v *view) eventLine(i int) string {
	e := &v.c.Outcome.Events[i]
	var b strings.Builder
	fmt.Fprintf(&b, "%-16s %-12s", v.lanes[v.laneOf[i]].title(), e.Kind)
	if s := resText(e); s != "" {
		fmt.Fprintf(&b, " res=%s", s)
	}
	if n := v.cqeOf[i]; n > 0 {
		fmt.Fprintf(&b, " cqe=%d", n)
	}
	if s := refsText(e); s != "" {
		fmt.Fprintf(&b, " refs=%s", s)
	}
	if s := groupRefsText(e); s != "" {
		fmt.Fprintf(&b, " group_refs=%s", s)
	}
	if s := v.argText[i]; s != "" {
		fmt.Fprintf(&b, " (%s)", s)
	}
	return strings.TrimRight(b.String(), " ")
}

// writeEvents writes the events one per line, for grep and mail.
func (v *view) writeEvents(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "# %s: time in us since the first event, CPU, thread (w: io-wq worker), request, event\n", v.c.Name); err != nil {
		return err
	}
	for i := range v.c.Outcome.Events {
		e := &v.c.Outcome.Events[i]
		worker := ' '
		if e.Worker {
			worker = 'w'
		}
		bad := ' '
		if v.badEvent[i] {
			bad = '!'
		}
		if _, err := fmt.Fprintf(w, "%c%5d %12s cpu%-2d %6d%c %s\n", bad, i, micros(e.Time-v.start), e.CPU, e.TID, worker, v.eventLine(i)); err != nil {
			return err
		}
	}
	return nil
}
