// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases/uring"
)

// flagName gives one bit of a flag word its name in the text form.
type flagName struct {
	bit  uint32
	name string
}

// flagSet is a flag word's names, in the order in which they are printed.
type flagSet []flagName

func (s flagSet) names() []string {
	n := make([]string, len(s))
	for i, f := range s {
		n[i] = f.name
	}
	return n
}

func (s flagSet) byName(name string) (uint32, bool) {
	for _, f := range s {
		if f.name == name {
			return f.bit, true
		}
	}
	return 0, false
}

// format prints v as names joined by "|"; bits without a name follow as one hex number.
func (s flagSet) format(v uint32) string {
	var words []string
	for _, f := range s {
		if v&f.bit != 0 {
			words = append(words, f.name)
			v &^= f.bit
		}
	}
	if v != 0 || len(words) == 0 {
		words = append(words, "0x"+strconv.FormatUint(uint64(v), 16))
	}
	return strings.Join(words, "|")
}

// parse is the inverse of format; it takes numbers of any base among the names.
func (s flagSet) parse(text string) (uint32, error) {
	var v uint32
	for _, w := range strings.Split(text, "|") {
		if bit, ok := s.byName(w); ok {
			v |= bit
			continue
		}
		if w != "" && w[0] >= '0' && w[0] <= '9' {
			n, err := strconv.ParseUint(w, 0, 32)
			if err != nil {
				return 0, fmt.Errorf("%s is not a 32-bit number", quote(w))
			}
			v |= uint32(n)
			continue
		}
		if len(s) == 0 {
			return 0, fmt.Errorf("unknown flag %s: give a number, the flags of this opcode have no names here", quote(w))
		}
		return 0, fmt.Errorf("unknown flag %s%s", quote(w), suggest(w, s.names()))
	}
	return v, nil
}

// sqeFlags are the words for IOSQE_*. The group comes first, since it says
// more about a line's place in the program than anything else.
var sqeFlags = flagSet{
	{uint32(uring.SQEGroup), "GROUP"},
	{uint32(uring.IOLink), "LINK"},
	{uint32(uring.IOHardlink), "HARDLINK"},
	{uint32(uring.IODrain), "DRAIN"},
	{uint32(uring.Async), "ASYNC"},
	{uint32(uring.CQESkipSuccess), "SKIP"},
	{uint32(uring.BufferSelect), "BUFFER_SELECT"},
	{uint32(uring.FixedFile), "FIXED_FILE"},
}

// setupFlags are the words for IORING_SETUP_*. CQSIZE is written cq=N, ATTACH_WQ attach=RING.
var setupFlags = flagSet{
	{uint32(uring.SetupIOPoll), "IOPOLL"},
	{uint32(uring.SetupSQPoll), "SQPOLL"},
	{uint32(uring.SetupSQAff), "SQ_AFF"},
	{uint32(uring.SetupCQSize), "CQSIZE"},
	{uint32(uring.SetupClamp), "CLAMP"},
	{uint32(uring.SetupAttachWq), "ATTACH_WQ"},
	{uint32(uring.SetupRDisabled), "R_DISABLED"},
	{uint32(uring.SetupSubmitAll), "SUBMIT_ALL"},
	{uint32(uring.SetupCoopTaskrun), "COOP_TASKRUN"},
	{uint32(uring.SetupTaskrunFlag), "TASKRUN_FLAG"},
	{uint32(uring.SetupSQE128), "SQE128"},
	{uint32(uring.SetupCQE32), "CQE32"},
	{uint32(uring.SetupSingleIssuer), "SINGLE_ISSUER"},
	{uint32(uring.SetupDeferTaskrun), "DEFER_TASKRUN"},
	{uint32(uring.SetupNoMmap), "NO_MMAP"},
	{uint32(uring.SetupRegisteredFdOnly), "REGISTERED_FD_ONLY"},
	{uint32(uring.SetupNoSQArray), "NO_SQARRAY"},
}

var (
	// RWF_* of include/uapi/linux/fs.h
	rwFlags = flagSet{
		{0x01, "HIPRI"}, {0x02, "DSYNC"}, {0x04, "SYNC"}, {0x08, "NOWAIT"},
		{0x10, "APPEND"}, {0x20, "NOAPPEND"}, {0x40, "ATOMIC"},
	}
	// IORING_FSYNC_DATASYNC
	fsyncFlags = flagSet{{0x1, "DATASYNC"}}
	// EPOLL* of include/uapi/linux/eventpoll.h
	pollEvents = flagSet{
		{0x1, "IN"}, {0x2, "PRI"}, {0x4, "OUT"}, {0x8, "ERR"}, {0x10, "HUP"}, {0x20, "NVAL"},
		{0x40, "RDNORM"}, {0x80, "RDBAND"}, {0x100, "WRNORM"}, {0x200, "WRBAND"}, {0x400, "MSG"},
		{0x2000, "RDHUP"}, {1 << 28, "EXCLUSIVE"}, {1 << 30, "ONESHOT"}, {1 << 31, "ET"},
	}
	// IORING_TIMEOUT_* and IORING_LINK_TIMEOUT_UPDATE
	timeoutFlags = flagSet{
		{1 << 0, "ABS"}, {1 << 1, "UPDATE"}, {1 << 2, "BOOTTIME"}, {1 << 3, "REALTIME"},
		{1 << 4, "LINK_UPDATE"}, {1 << 5, "ETIME_SUCCESS"}, {1 << 6, "MULTISHOT"},
	}
	// IORING_ASYNC_CANCEL_*
	cancelFlags = flagSet{
		{1 << 0, "ALL"}, {1 << 1, "FD"}, {1 << 2, "ANY"}, {1 << 3, "FD_FIXED"},
		{1 << 4, "USERDATA"}, {1 << 5, "OP"},
	}
	// MSG_* of include/linux/socket.h
	msgFlags = flagSet{
		{0x2, "PEEK"}, {0x40, "DONTWAIT"}, {0x100, "WAITALL"}, {0x4000, "NOSIGNAL"}, {0x8000, "MORE"},
	}
	// SOCK_NONBLOCK, SOCK_CLOEXEC
	acceptFlags = flagSet{{0x800, "NONBLOCK"}, {0x80000, "CLOEXEC"}}
	// O_* of include/uapi/asm-generic/fcntl.h
	openFlags = flagSet{
		{0x1, "WRONLY"}, {0x2, "RDWR"}, {0x40, "CREAT"}, {0x80, "EXCL"}, {0x200, "TRUNC"}, {0x400, "APPEND"},
		{0x800, "NONBLOCK"}, {0x4000, "DIRECT"}, {0x10000, "DIRECTORY"}, {0x20000, "NOFOLLOW"}, {0x80000, "CLOEXEC"},
		{0x200000, "PATH"},
	}
	// AT_* of include/uapi/linux/fcntl.h
	atFlags = flagSet{{0x100, "SYMLINK_NOFOLLOW"}, {0x200, "REMOVEDIR"}, {0x400, "SYMLINK_FOLLOW"}, {0x1000, "EMPTY_PATH"}}
	// RENAME_* of include/uapi/linux/fs.h
	renameFlags = flagSet{{1, "NOREPLACE"}, {2, "EXCHANGE"}, {4, "WHITEOUT"}}
	// SPLICE_F_* of include/linux/splice.h and of include/uapi/linux/io_uring.h
	spliceFlags = flagSet{{1, "MOVE"}, {2, "NONBLOCK"}, {4, "MORE"}, {1 << 31, "FD_IN_FIXED"}}
	// XATTR_* of include/uapi/linux/xattr.h
	xattrFlags = flagSet{{1, "CREATE"}, {2, "REPLACE"}}
	// IORING_MSG_RING_*
	msgRingFlags = flagSet{{1, "CQE_SKIP"}, {2, "FLAGS_PASS"}}
	// IORING_NOP_INJECT_RESULT
	nopFlags = flagSet{{1, "INJECT_RESULT"}}
	// IORING_FIXED_FD_NO_CLOEXEC
	installFlags = flagSet{{1, "NO_CLOEXEC"}}
	// IORING_POLL_*, in len
	pollLens = flagSet{{1, "ADD_MULTI"}, {2, "UPDATE_EVENTS"}, {4, "UPDATE_USER_DATA"}, {8, "ADD_LEVEL"}}
	// IORING_RECVSEND_* and others, in ioprio
	recvPrios = flagSet{{1, "POLL_FIRST"}, {2, "MULTISHOT"}, {4, "FIXED_BUF"}, {8, "ZC_REPORT_USAGE"}, {16, "BUNDLE"}}
	// IORING_ACCEPT_*, in ioprio
	acceptPrios = flagSet{{1, "MULTISHOT"}, {2, "DONTWAIT"}, {4, "POLL_FIRST"}}
	// IOU_PBUF_RING_*
	pbufFlags = flagSet{{1, "MMAP"}, {2, "INC"}}
)

// SQEFlagNames returns the text form's words for the bits set in f, such as
// "GROUP LINK"; "" for none.
func SQEFlagNames(f uring.SQEFlags) string {
	if f == 0 {
		return ""
	}
	return strings.ReplaceAll(sqeFlags.format(uint32(f)), "|", " ")
}

// SetupFlagNames returns the text form's words for the bits set in f, joined
// by "|"; "" for none.
func SetupFlagNames(f uring.SetupFlags) string {
	if f == 0 {
		return ""
	}
	return setupFlags.format(uint32(f))
}

// maxErrno is MAX_ERRNO of include/linux/err.h.
const maxErrno = 4095

var errnoByName = func() map[string]int32 {
	m := make(map[string]int32)
	for e := int32(1); e < 200; e++ {
		if n := unix.ErrnoName(syscall.Errno(e)); n != "" {
			m[n] = e
		}
	}
	return m
}()

// ResultText prints a CQE's result: a negated errno by name ("-EIO") where it
// has one, anything else as a number.
func ResultText(res int32) string {
	if res < 0 && res >= -maxErrno {
		if n := unix.ErrnoName(syscall.Errno(-res)); n != "" {
			return "-" + n
		}
	}
	return strconv.Itoa(int(res))
}

// parseResult is the inverse of [ResultText].
func parseResult(text string) (int32, error) {
	if name, ok := strings.CutPrefix(text, "-E"); ok {
		if e, ok := errnoByName["E"+name]; ok {
			return -e, nil
		}
		names := make([]string, 0, len(errnoByName))
		for n := range errnoByName {
			names = append(names, "-"+n)
		}
		return 0, fmt.Errorf("unknown errno %s%s", quote(text), closest(text, names))
	}
	if _, ok := errnoByName[text]; ok {
		return 0, fmt.Errorf("a result is a negated errno: write -%s", text)
	}
	n, err := strconv.ParseInt(text, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("%s is neither a negated errno such as -EIO nor a 32-bit number", quote(text))
	}
	return int32(n), nil
}

// suggest returns a hint for a word that is none of the candidates: the
// nearest one if one is near, or else all of them where they are few.
func suggest(word string, candidates []string) string {
	if c := closest(word, candidates); c != "" {
		return c
	}
	if len(candidates) > 0 && len(candidates) <= 18 {
		return " (there are: " + strings.Join(candidates, ", ") + ")"
	}
	return ""
}

// closest returns `; did you mean "x"?`, or "" if no candidate is near.
func closest(word string, candidates []string) string {
	if len(word) > 64 {
		return ""
	}
	plain := func(s string) string {
		s = strings.ToLower(s)
		for _, prefix := range []string{"iosqe_", "ioring_op_", "ioring_setup_", "ioring_", "io_"} {
			s = strings.TrimPrefix(s, prefix)
		}
		return s
	}
	best, bestDist := "", 0
	for _, c := range candidates {
		d := editDistance(plain(word), plain(c))
		if best == "" || d < bestDist || d == bestDist && c < best {
			best, bestDist = c, d
		}
	}
	if best == "" || bestDist > bits.Len(uint(len(best))) || bestDist >= len(best) {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance counts the letters to insert, drop, replace, or swap with
// their neighbour (optimal string alignment).
func editDistance(a, b string) int {
	var before []int // two rows up
	above := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j-1]+cost, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
