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
		{"setup flag unsupported", "name x\nring r0 flags=SQE128\n", 2, 1, "not supported"},
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
		{"unknown fd", head + "  read p1.r b0\n", 7, 8, `no file, pipe, socket or eventfd is called "p1"; did you mean "p0"?`},
		{"pipe without end", head + "  read p0 b0\n", 7, 8, "write p0.r or p0.w"},
		{"file with end", head + "  read f0.r b0\n", 7, 8, "no ends"},
		{"buffer for fd", head + "  read b0 b0\n", 7, 8, "b0 is not a file, pipe, socket or eventfd"},
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
