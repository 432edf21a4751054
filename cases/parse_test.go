// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// sloppy holds everything the grammar allows and the canonical form does not use.
const sloppy = "# SPDX-License-Identifier: MIT\r\n" +
	`#   An indented line,
#
# then another paragraph.

name everything
rules  G3	G4   # to About
needs groups nop-inject
# the ring
ring r0 flags=DEFER_TASKRUN|SINGLE_ISSUER entries=8 cq=16 # with a small CQ
buf b0 fill=3 size=4k
file f0 size=1M fs=ext4 direct fill=7
file f1 size=0 fs=tmpfs
pipe p0 nonblock

sockets s0
eventfd e0


submit r0   # one batch
	leader: read p0.r b0+0x10 GROUP ASYNC len=0x40
  # above
   #   the SQE
   m1: nop SKIP inject=-EIO GROUP
   write len=10 buf=b0 off=-1 fd=f0 flags=APPEND|0x80
   op=255 LINK
   poll_add s0.b events=IN|RDHUP
   timeout 1.5ms count=2 flags=ABS
   async_cancel @1 flags=ALL
   async_cancel target=late HARDLINK DRAIN BUFFER_SELECT FIXED_FILE index=3
submit r0
  late: link_timeout 2us
  op=0
  read -1 b0
  splice fd=f0 len=7 ioprio=9 timeout=3s
wait r0 2 timeout=100ms
cancel r0 late timeout=1s flags=ALL|ANY fd=p0.r
cancel r0
feed p0.w 64 fill=9
feed e0 1
take p0.r 4k
close p0.w
close r0
kill
# the end
`

const canonical = `# SPDX-License-Identifier: MIT
#   An indented line,
#
# then another paragraph.
# to About
name everything
rules G3 G4
needs groups nop-inject

# the ring
# with a small CQ
ring r0 entries=8 cq=16 flags=SINGLE_ISSUER|DEFER_TASKRUN
file f0 size=1048576 fill=7 fs=ext4 direct
file f1 size=0
pipe p0 nonblock
sockets s0
eventfd e0
buf b0 size=4096 fill=3

submit r0  # one batch
  leader: read p0.r b0+16 len=64 GROUP ASYNC
  # above
  #   the SQE
  m1: nop inject=-EIO GROUP SKIP
  write f0 b0 len=10 off=-1 flags=APPEND|0x80
  op=255 LINK
  poll_add s0.b events=IN|RDHUP
  timeout 1.5ms count=2 flags=ABS
  async_cancel leader flags=ALL
  async_cancel late index=3 HARDLINK DRAIN BUFFER_SELECT FIXED_FILE
submit r0
  late: link_timeout 2us
  nop
  read -1 b0
  splice f0 timeout=3s len=7 ioprio=9
wait r0 2 timeout=100ms
cancel r0 late fd=p0.r flags=ALL|ANY timeout=1s
cancel r0
feed p0.w 64 fill=9
feed e0 1
take p0.r 4096
close p0.w
close r0
kill  # the end
`

// extended is in canonical form, and has each thing that can be said about
// rings, resources, memory, threads and registrations at least once.
const extended = `name everything-else
needs null-blk fault-injection kasan op:futex_wait

ring r0 entries=8 flags=SQPOLL|SQ_AFF idle=20ms cpu=1
ring r1 entries=8 flags=IOPOLL|SQE128|CQE32 attach=r0
ring r2 entries=8 flags=R_DISABLED|SINGLE_ISSUER|DEFER_TASKRUN|NO_SQARRAY
ring r3 entries=8 flags=CLAMP|NO_MMAP|REGISTERED_FD_ONLY
pipe p0
epoll ep
timerfd t0 nonblock delay=10ms
socket s0 nonblock
dir d0 fs=ext4
nullb n0 size=4096 fill=3 direct poll
nullb n1 delay=5ms
child c0
buf b0 size=4096
text name some/File.txt
iovec v0 b0:16 b0+64 b0+128:8
msg m0 iov=v0
addr a0 server
msg m1 iov=v0 name=a0 control=b0+8:16
msg m2
time later 5ms
event ev0 IN|ET data=7
fds l0 p0.r - 5 r0
how h0 flags=RDWR|CREAT mode=384 resolve=8
how h1
waitv w0 b0+8:1 b0+16

register r2 enable
register r0 files p0.r - d0 -2
register r0 files-update p0.w from=1
register r0 file-alloc-range from=2 entries=2
register r0 buffers b0:512 b0+1024 -
register r0 buffers-update b0 from=2
register r1 clone-buffers r0
register r0 bufring b0 group=3 entries=8 size=64 flags=INC
register r0 eventfd-async p0.w
register r0 iowq-max 1 0
register r0 iowq-aff 3
register r0 personality
register r0 ring-fd
register r0 op=27 b0 entries=1
unregister r0 bufring group=3
unregister r0 personality from=1
t1: uid 1000
t1: submit r0 wait=1 timeout=20ms
  openat d0 name len=384 flags=RDWR|CREAT file_index=ALLOC personality=1
  statx -100 name addr2=b0 flags=EMPTY_PATH
  renameat d0 name fd2=d0 addr2=name
  splice p0.w fd2=p0.r len=5 flags=NONBLOCK|FD_IN_FIXED
  epoll_ctl ep ev0 fd2=p0.r len=1
  poll_add p0.r len=ADD_MULTI events=IN
  recv s0 b0 ioprio=MULTISHOT BUFFER_SELECT
  futex_wait 130 b0 addr3=4294967295
t1: wait r0 2 min=5ms &
refill r0 group=3 from=2
cancel r0 op=read flags=ALL|OP
t1: fault slab nth=3
t1: submit r0
  msg_ring r1 addr=1 addr3=2 flags=CQE_SKIP
  setxattr name addr2=b0 addr3=name len=4 flags=CREATE
  read_fixed 0 b0 len=8 index=1 pad=9 FIXED_FILE
  accept s0 file_index=1 ioprio=MULTISHOT|0x10
  sendmsg s0 m0
join t1
kill c0
t1: exit-thread
exec
`

func TestExtendedForm(t *testing.T) {
	p, err := cases.Parse("extended.ring", []byte(extended))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(extended, p.Text()); diff != "" {
		t.Errorf("Text (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"t1"}, p.Threads()); diff != "" {
		t.Errorf("Threads (-want +got):\n%s", diff)
	}
}

func TestParsePrint(t *testing.T) {
	p, err := cases.Parse("sloppy.ring", []byte(sloppy))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(canonical, p.Text()); diff != "" {
		t.Errorf("Text (-want +got):\n%s", diff)
	}
	again, err := cases.Parse("canonical.ring", []byte(canonical))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again); diff != "" {
		t.Errorf("the canonical text means another program (-sloppy +canonical):\n%s", diff)
	}
}

func TestParseFields(t *testing.T) {
	p, err := cases.Parse("sloppy.ring", []byte(sloppy))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.License, "MIT"; got != want {
		t.Errorf("License %q, want %q", got, want)
	}
	sqes := p.SQEs()
	want := []cases.SQE{
		0: {Label: "leader", Op: uring.OpRead, Flags: uring.SQEGroup | uring.Async, FD: cases.FD{Ref: 3},
			Buf: cases.BufRef{Ref: 1, Off: 16}, Len: 64},
		1: {Label: "m1", Comment: "above\n  the SQE", Op: uring.OpNop, Flags: uring.SQEGroup | uring.CQESkipSuccess,
			HasInject: true, Inject: -5},
		2: {Op: uring.OpWrite, FD: cases.FD{Ref: 1}, Buf: cases.BufRef{Ref: 1}, Len: 10, Off: math.MaxUint64, OpFlags: 0x90},
		3: {Op: 255, Flags: uring.IOLink},
		4: {Op: uring.OpPollAdd, FD: cases.FD{Ref: 4, End: 1}, OpFlags: 0x2001},
		5: {Op: uring.OpTimeout, Timeout: 1500 * time.Microsecond, Off: 2, OpFlags: 1},
		6: {Op: uring.OpAsyncCancel, Target: 1, OpFlags: 1},
		7: {Op: uring.OpAsyncCancel, Target: 9, BufIndex: 3,
			Flags: uring.IOHardlink | uring.IODrain | uring.BufferSelect | uring.FixedFile},
		8:  {Label: "late", Op: uring.OpLinkTimeout, Timeout: 2 * time.Microsecond},
		9:  {Op: uring.OpNop},
		10: {Op: uring.OpRead, FD: cases.FD{HasRaw: true, Raw: -1}, Buf: cases.BufRef{Ref: 1}},
		11: {Op: uring.OpSplice, FD: cases.FD{Ref: 1}, Len: 7, IOPrio: 9, Timeout: 3 * time.Second},
	}
	var got []cases.SQE
	for _, r := range sqes {
		got = append(got, *r.SQE)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SQEs (-want +got):\n%s", diff)
	}
}

const head = "name x\nring r0 entries=4\npipe p0\nfile f0 size=10\nbuf b0 size=64\nsubmit r0\n"

func TestParseErrors(t *testing.T) {
	many := strings.Repeat("  nop\n", 5)
	for _, tt := range []struct {
		name, text string
		line, col  int
		msg        string // part of the message
	}{
		{"empty", "", 1, 1, "no name"},
		{"two names", "name a\nname b\n", 2, 1, "already"},
		{"bad name", "name A b\n", 1, 8, `usage is "name NAME"`},
		{"upper case name", "name Abc\n", 1, 6, "lower case"},
		{"directive", "name x\nsubmti r0\n", 2, 1, `did you mean "submit"?`},
		{"rule", "name x\nrules G3 G99\n", 2, 10, `unknown rule "G99"`},
		{"rule twice", "name x\nrules G3 G3\n", 2, 10, "twice"},
		{"need", "name x\nneeds group\n", 2, 7, `did you mean "groups"?`},
		{"header late", "name x\nring r0\nneeds groups\n", 3, 1, "before declarations"},
		{"declaration late", head + "  nop\npipe p9\n", 8, 1, "before the first step"},
		{"name taken", "name x\nring r0\npipe r0\n", 3, 6, "taken"},
		{"entries", "name x\nring r0 entries=3\n", 2, 1, "power of two"},
		{"small cq", "name x\nring r0 entries=8 cq=4\n", 2, 1, "cq=4"},
		{"setup flag", "name x\nring r0 flags=DEFER_TASKRUM\n", 2, 15, `did you mean "DEFER_TASKRUN"?`},
		{"setup flag combination", "name x\nring r0 flags=DEFER_TASKRUN\n", 2, 1, "needs SINGLE_ISSUER"},
		{"setup flag with a key of its own", "name x\nring r0 flags=ATTACH_WQ\n", 2, 1, "attach=RING"},
		{"attach to a later ring", "name x\nring r0 attach=r1\nring r1\n", 2, 16, "no ring is called"},
		{"idle without SQPOLL", "name x\nring r0 idle=1s\n", 2, 1, "only SQPOLL"},
		{"registered only", "name x\nring r0 flags=REGISTERED_FD_ONLY\n", 2, 1, "needs NO_MMAP"},
		{"resource key of another kind", "name x\npipe p0 poll\n", 2, 9, "unexpected"},
		{"timerfd without a time", "name x\ntimerfd t0\n", 2, 1, "needs a delay"},
		{"need an opcode", "name x\nneeds op:raed\n", 2, 7, "unknown need"},
		{"text with dots", "name x\ntext n0 a/../b\n", 2, 1, "without an empty"},
		{"text of two", "name x\ntext n0 a b\n", 2, 11, "usage"},
		{"iovec outside", "name x\nbuf b0 size=8\niovec v0 b0+4:5\n", 3, 1, "bytes 4 to 9"},
		{"iovec of later", "name x\niovec v0 b0\nbuf b0 size=8\n", 2, 10, "no buffer is called"},
		{"thread declares", "name x\nt1: ring r0\n", 2, 1, "no step"},
		{"thread named badly", "name x\nring r0\nT1: wait r0\n", 3, 1, "lower case"},
		{"background of the first thread", "name x\nring r0\nwait r0 &\n", 3, 1, "t1: wait"},
		{"background kill", "name x\nt1: kill &\n", 2, 5, "cannot be in the background"},
		{"join nobody", "name x\njoin t1\n", 2, 1, "has begun"},
		{"after exit-thread", "name x\nring r0\nt1: exit-thread\nt1: wait r0\n", 4, 5, "was ended"},
		{"first thread exits", "name x\nexit-thread\n", 2, 1, "t1: exit-thread"},
		{"kill a pipe", head + "  nop\nkill p0.r\n", 8, 1, "no child"},
		{"after exec", head + "  nop\nexec\nwait r0\n", 9, 1, "follow exec"},
		{"fault kind", "name x\nfault slub nth=1\n", 2, 7, `did you mean "slab"?`},
		{"fault number", "name x\nfault slab nth=0\n", 2, 1, "nth=0"},
		{"fault of an exit", "name x\nt1: fault slab nth=1\nt1: exit-thread\n", 3, 5, "under a fault"},
		{"register what", "name x\nring r0\nregister r0 flies p0\n", 3, 13, `did you mean "files"?`},
		{"register nothing", "name x\nring r0\nregister r0 files\n", 3, 13, "register RING files FD..."},
		{"register too much", "name x\nring r0\nregister r0 enable r0\n", 3, 20, "lists nothing"},
		{"register by number", "name x\nring r0\nregister r0 op=2\n", 3, 13, "has a name"},
		{"bufring", "name x\nring r0\nbuf b0 size=64\nregister r0 bufring b0 group=1 entries=3 size=8\n", 4, 1, "power of two"},
		{"bufring size", "name x\nring r0\nbuf b0 size=64\nregister r0 bufring b0 entries=4 size=65\n", 4, 1, "64 bytes of the memory"},
		{"second fd", head + "  read p0.r b0 fd2=f0\n", 7, 3, "no second"},
		{"second fd and its field", head + "  splice p0.w fd2=f0 file_index=1\n", 7, 3, "share one field"},
		{"two second addresses", head + "  statx -100 b0 addr2=b0 off=1\n", 7, 3, "share one field"},
		{"provided outside", head + "  provide_buffers 5 b0 len=16\n", 7, 3, "has 64"},
		{"key", "name x\nring r0 entires=8\n", 2, 9, `did you mean "entries="?`},
		{"key twice", "name x\nring r0 cq=8 cq=8\n", 2, 14, "twice"},
		{"key without value", "name x\nring r0 entries\n", 2, 9, "needs a value"},
		{"word with value", "name x\nfile f0 size=1 direct=1\n", 2, 16, "takes no value"},
		{"number", "name x\nbuf b0 size=12q\n", 2, 13, "not a number"},
		{"number too large", "name x\nbuf b0 size=99999M\n", 2, 13, "too large"},
		{"fs", "name x\nfile f0 size=1 fs=xfs\n", 2, 19, "tmpfs or ext4"},
		{"buffer too large", "name x\nbuf b0 size=2M\n", 2, 1, "not 1 to 1048576"},
		{"no SQE", head, 6, 1, "nothing to submit"},
		{"not indented", head + "nop\n", 7, 1, "SQEs are indented"},
		{"indented", "name x\n  ring r0\n", 2, 3, "only SQEs are indented"},
		{"opcode", head + "  raed p0.r b0\n", 7, 3, `did you mean "read"?`},
		{"opcode in capitals", head + "  IORING_OP_NOP\n", 7, 3, `did you mean "nop"?`},
		{"opcode number", head + "  op=256\n", 7, 3, "0 to 255"},
		{"only a label", head + "  m1:\n", 7, 6, "opcode"},
		{"label twice", head + "  m1: nop\n  m1: nop\n", 8, 3, "already that of an earlier SQE"},
		{"bad label", head + "  M1: nop\n", 7, 3, "label"},
		{"flag", head + "  nop IOSQE_IO_LINK\n", 7, 7, `did you mean "LINK"?`},
		{"flag in lower case", head + "  nop group\n", 7, 7, `did you mean "GROUP"?`},
		{"flag twice", head + "  nop LINK LINK\n", 7, 12, "twice"},
		{"operand too many", head + "  read p0.r b0 b0\n", 7, 16, "read takes a file descriptor"},
		{"unknown fd", head + "  read p1.r b0\n", 7, 8, `no file, pipe, socket or the like is called "p1"; did you mean "p0"?`},
		{"pipe without end", head + "  read p0 b0\n", 7, 8, "write p0.r or p0.w"},
		{"file with end", head + "  read f0.r b0\n", 7, 8, "no ends"},
		{"buffer for fd", head + "  read b0 b0\n", 7, 8, "b0 is not a file, pipe, socket or the like"},
		{"unknown buffer", head + "  read p0.r b9\n", 7, 13, "no buffer"},
		{"outside the buffer", head + "  read p0.r b0 len=65\n", 7, 3, "has 64"},
		{"outside by offset", head + "  read p0.r b0+60 len=5\n", 7, 3, "has 64"},
		{"offset beyond", head + "  readv p0.r b0+65\n", 7, 3, "outside the buffer"},
		{"errno", head + "  nop inject=-EOI\n", 7, 14, `did you mean "-EIO"?`},
		{"errno without sign", head + "  nop inject=EIO\n", 7, 14, "write -EIO"},
		{"inject elsewhere", head + "  read p0.r b0 inject=-EIO\n", 7, 3, "only nop"},
		{"unknown label", head + "  async_cancel leader\n", 7, 16, `no SQE has the label "leader"`},
		{"SQE number", head + "  async_cancel @2\n", 7, 3, "no SQE @2"},
		{"SQE number zero", head + "  async_cancel @0\n", 7, 16, "from @1"},
		{"two addresses", head + "  async_cancel @1 buf=b0\n", 7, 3, "share one field"},
		{"same field twice", head + "  read p0.r fd=f0\n", 7, 13, "fd is given twice"},
		{"same field by two keys", head + "  timeout 1s count=1 off=1\n", 7, 22, "given twice"},
		{"ioprio", head + "  nop ioprio=65536\n", 7, 14, "too large"},
		{"op flag", head + "  poll_add p0.r events=INN\n", 7, 24, `did you mean "IN"?`},
		{"time", head + "  timeout 1\n", 7, 11, "100ms"},
		{"too many for the ring", head + many, 6, 1, "do not fit"},
		{"wait without ring", head + "  nop\nwait\n", 8, 5, `usage is "wait RING`},
		{"wait on a pipe", head + "  nop\nwait p0\n", 8, 6, "p0 is not a ring"},
		{"wait for none", head + "  nop\nwait r0 0\n", 8, 9, "no count"},
		{"wait too long", head + "  nop\nwait r0 timeout=2h\n", 8, 1, "1m0s"},
		{"wait after close", head + "  nop\nclose r0\nwait r0\n", 9, 1, "closed by an earlier"},
		{"feed at the reading end", head + "  nop\nfeed p0.r 1\n", 8, 1, "p0.w"},
		{"feed too much", head + "  nop\nfeed p0.w 2M\n", 8, 1, "from 1 to"},
		{"take with a fill", head + "  nop\ntake p0.r 1 fill=3\n", 8, 13, "usage"},
		{"close what", head + "  nop\nclose q\n", 8, 7, "no file"},
		{"step after exit", head + "  nop\nexit\nwait r0\n", 9, 1, "follow exit"},
		{"control character", "name x\nring r0\x07\n", 2, 8, "unexpected character"},
		{"no-break space", "name x\nring\u00a0r0\n", 2, 5, "unexpected character"},
		{"not UTF-8", "name x\n# caf\xe9\n", 2, 6, "UTF-8"},
		{"NUL in a comment", "name x # a\x00\n", 1, 11, "control character"},
		{"too large", strings.Repeat("#\n", cases.MaxText/2+1), 1, 1, "bytes"},
		{"long word", "name x\n" + strings.Repeat("x", 5000) + "\n", 2, 1, "no declaration"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := cases.Parse("t.ring", []byte(tt.text))
			if err == nil {
				t.Fatalf("no error; the program is\n%s", p.Text())
			}
			var se *cases.SyntaxError
			if !errors.As(err, &se) {
				t.Fatalf("%v is no SyntaxError", err)
			}
			if se.File != "t.ring" || se.Line != tt.line || se.Col != tt.col || !strings.Contains(se.Msg, tt.msg) {
				t.Errorf("got  %v\nwant t.ring:%d:%d: ...%s...", se, tt.line, tt.col, tt.msg)
			}
			if len(err.Error()) > 400 && tt.name != "too large" {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestParseReportsSeveral(t *testing.T) {
	_, err := cases.Parse("t.ring", []byte(head+"  nup\n  nop LINKK\nwiat r0\n"))
	got := strings.Split(fmt.Sprint(err), "\n")
	want := []string{"t.ring:7:3: ", "t.ring:8:7: ", "t.ring:9:1: "}
	if len(got) != len(want) {
		t.Fatalf("got %d errors, want %d:\n%v", len(got), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("error %d is %q, want %q...", i, got[i], want[i])
		}
	}
}

func TestParseGivesUp(t *testing.T) {
	_, err := cases.Parse("t.ring", []byte(strings.Repeat("x\n", 100000)))
	got := strings.Split(fmt.Sprint(err), "\n")
	if len(got) > 25 || !strings.Contains(got[len(got)-1], "too many") {
		t.Errorf("%d errors, the last is %q", len(got), got[len(got)-1])
	}
}

func TestParseBounds(t *testing.T) {
	for name, text := range map[string]string{
		"SQEs":      "name x\nring r0 entries=4096\nsubmit r0\n" + strings.Repeat("  nop\n", 4097),
		"steps":     "name x\nring r0\n" + strings.Repeat("wait r0\n", 4097),
		"resources": "name x\n" + numbered("pipe p%d\n", 65),
		"rings":     "name x\n" + numbered("ring r%d\n", 17),
		"buffers":   "name x\n" + numbered("buf b%d size=1\n", 65),
		"data":      "name x\n" + numbered("file f%d size=1M\n", 5),
		"note":      strings.Repeat("# "+strings.Repeat("x", 70)+"\n", 300) + "name x\n",
	} {
		if _, err := cases.Parse("t.ring", []byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// FuzzParse: no text makes Parse panic, and what it accepts is printed
// without loss, in a form that does not change again.
func FuzzParse(f *testing.F) {
	for _, p := range catalogue(f) {
		f.Add([]byte(p.Text()))
	}
	f.Add([]byte(sloppy))
	f.Add([]byte(extended))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := cases.Parse("fuzz.ring", text)
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("parsed, but not valid: %v", err)
		}
		printed := p.Text()
		again, err := cases.Parse("printed.ring", []byte(printed))
		if err != nil {
			t.Fatalf("its text does not parse: %v\n%s", err, printed)
		}
		if diff := cmp.Diff(p, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("text lost something (-program +reparsed):\n%s\n%s", diff, printed)
		}
		if diff := cmp.Diff(printed, again.Text()); diff != "" {
			t.Fatalf("the text changes when printed again:\n%s", diff)
		}
	})
}

// The worked example of docs/programs.md is a program.
func TestDocumentedExample(t *testing.T) {
	doc, err := os.ReadFile("../docs/programs.md")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.SplitSeq(string(doc), "\n") {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			text.WriteString(code + "\n")
		} else if text.Len() > 0 && line == "" {
			text.WriteString("\n")
		} else if text.Len() > 0 {
			break
		}
	}
	p, err := cases.Parse("programs.md", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(text.String())+"\n", p.Text()); diff != "" {
		t.Errorf("the example is not in canonical form (-doc +canonical):\n%s", diff)
	}
}
