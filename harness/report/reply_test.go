// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness/judge"
)

func reply(t *testing.T, r *Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteReply(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// oneFailure keeps the case with that name and what passed.
func oneFailure(t *testing.T, name string) *Run {
	r := fakeRun(t)
	var keep []Case
	for _, c := range r.Cases {
		if c.Name == name || c.Verdict.Status == judge.Pass || c.Verdict.Status == judge.Skip {
			keep = append(keep, c)
		}
	}
	r.Cases = keep
	return r
}

func TestReplyHoldsTheFinding(t *testing.T) {
	text := reply(t, oneFailure(t, "drain-not-honoured"))
	for _, want := range []string{
		"ringproof ran ", "6.12.117", "series v4 (2 patches)", "Under emulation (TCG)",
		"   1 io_uring: reserve a flag for SQE groups",
		"1 of 1. FAIL G8 of a ", "Tried once, in 1 program: drain-not-honoured.",
		"G8: the drained leader @2 was issued before @1 had completed.",
		"  Rule G8: ",
		"us  @2 lead", "issue", // the events
		"    read p0.r b0 len=8", "submit r0", // the program
		"ringproof test --series v4 --only '^drain-not-honoured$'",
		"What this does not say:", "no KASAN, lockdep or KCSAN", "ran once, without schedule noise",
		"drain-not-honoured in C, exit status 1 if the bug shows:", "int main(",
		"not checked: no request of this program counts", "skipped: the kernel has no SQE groups",
	} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the reply lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestReplyOfACrashHoldsTheTrace(t *testing.T) {
	r := crashedRun(t)
	for i := range r.Cases {
		r.Cases[i].Tries = []Try{NewTry(&r.Cases[i], r.profile())}
	}
	text := reply(t, r)
	for _, want := range []string{"The kernel said: NULL pointer dereference", "at io_uring/io_uring.c:12 in io_group_add(), which 0003-bad.patch wrote",
		"  io_group_add() io_uring/io_uring.c:12\n  io_queue_sqe() io_uring/io_uring.c:99\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the reply lacks %q:\n%s", want, text)
		}
	}
}

// A pass says what was not looked at, and claims no finding.
func TestReplyOfAPass(t *testing.T) {
	text := reply(t, oneFailure(t, ""))
	for _, want := range []string{"No program failed.", "What this does not say:", "To run it again:\n\n  ringproof test --series v4\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the reply lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "1 of ") {
		t.Error("it claims a finding")
	}
	// With nothing that passed it does not say that nothing failed.
	r := oneFailure(t, "")
	for i := range r.Cases {
		r.Cases[i].Verdict = judge.Verdict{Status: judge.Inconclusive, Reason: "lost"}
	}
	if text := reply(t, r); strings.Contains(text, "No program failed") || !strings.Contains(text, "said nothing") {
		t.Errorf("a run without evidence:\n%s", text)
	}
}

// Prose stays within the width; only the program's, the kernel's and C's own lines may be longer. Nothing is
// markup, and no control character gets through.
func TestReplyIsPlain(t *testing.T) {
	text := reply(t, fakeRun(t))
	prose, _, _ := strings.Cut(text, " in C, exit status")
	for _, l := range strings.Split(prose, "\n") {
		if len([]rune(l)) > ReplyWidth && !strings.HasPrefix(l, "  ") {
			t.Errorf("%d columns: %s", len([]rune(l)), l)
		}
		if strings.TrimRight(l, " ") != l {
			t.Errorf("blanks at the end of %q", l)
		}
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r < 0x20 && r != '\n' && r != '\t' }); i >= 0 {
		t.Errorf("a control character at %d", i)
	}
}

func TestReplyIsWritten(t *testing.T) {
	dir, r := t.TempDir(), fakeRun(t)
	if err := Write(dir, r); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, ReplyFile))
	if err != nil || string(got) != reply(t, r) {
		t.Errorf("%v\n%s", err, got)
	}
}
