// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/stuck"
)

func crashedRun(t *testing.T) *Run {
	t.Helper()
	text := "name c\nneeds groups\n\nring r0 entries=4\n\nsubmit r0\n  lead: nop GROUP\n  nop\nwait r0\n"
	p, err := cases.Parse("c.ring", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	crashes := []crash.Report{{
		Kind: crash.Oops, Title: "NULL pointer dereference in io_<b>foo", Lines: []string{"BUG: kernel NULL pointer dereference", "raw ```words"},
		Stacks: []crash.Stack{{Frames: []crash.Frame{
			{Func: "dump_stack_lvl", Machinery: true},
			{Func: "io_queue_sqe", Offset: 0x12, Size: 0x34, Exact: true, Calls: []crash.Call{
				{Func: "io_group_add", File: "io_uring/io_uring.c", Line: 12, Patch: "0003-bad.patch", Source: &crash.Excerpt{
					First: 11, Lines: []string{"\tif (req)", "\t\treq->link->x = 1;", "}"}, Patches: []string{"", "0003-bad.patch", ""}}},
				{Func: "io_queue_sqe", File: "io_uring/io_uring.c", Line: 99},
			}},
			{Func: "guessed", Guess: true},
		}}, {Title: "Freed by", Frames: []crash.Frame{{Func: "io_free", Offset: 1, Size: 2}}}},
	}}
	two := int32(2)
	hang := &stuck.Hang{
		Requests: []stuck.Request{{SQE: 0, State: stuck.WaitsForMembers, For: []int{1}, GroupRefs: &two, Task: 50, Last: 0}},
		Tasks: []stuck.Task{{PID: 50, Comm: "worker", Role: stuck.RoleProgram, State: "D in io_wait", Refs: 2,
			Frames: []crash.Frame{{Func: "io_cqring_wait", Offset: 1, Size: 2, Calls: []crash.Call{{Func: "io_cqring_wait", File: "io_uring/io_uring.c", Line: 7}}}}}},
	}
	outcome := func() *cases.Outcome {
		return &cases.Outcome{End: cases.EndTimeout, Console: []string{"[ 1.0] BUG: kernel NULL pointer dereference"},
			Events: []cases.Event{{Kind: cases.EvIssueReturn, UserData: 1, Req: 8}}, Evidence: cases.Evidence{Probes: true}}
	}
	return &Run{Schema: Schema, Kernel: Kernel{Series: "v4", Profile: "v4"}, Cases: []Case{
		{Name: "crashed", Text: text, Program: p, Outcome: outcome(), Crashes: crashes,
			Verdict: judge.Verdict{Status: judge.Crash, Reason: crashes[0].Title}},
		{Name: "hung", Text: text, Program: p, Outcome: outcome(), Stuck: hang,
			Verdict: judge.Verdict{Status: judge.Hang, Reason: "the program did not end in time"}},
	}}
}

func mustHold(t *testing.T, what, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

func TestCrashAndHangAreTold(t *testing.T) {
	r := crashedRun(t)
	views := []*view{newView(&r.Cases[0], r.profile()), newView(&r.Cases[1], r.profile())}

	var text bytes.Buffer
	if err := WriteText(&text, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	mustHold(t, "text", text.String(),
		"at io_uring/io_uring.c:12 in io_group_add, written by 0003-bad.patch", ">+   12  \t\treq->link->x = 1;",
		"io_group_add (inlined)", "io_queue_sqe+0x12/0x34", "<- 0003-bad.patch", "Freed by:",
		"@1 lead", "done with its own work, waits for @2 nop", "group refs 2", "50 worker, program: in an uninterruptible wait in io_wait, referred to by 2 requests")
	for _, hidden := range []string{"dump_stack_lvl", "guessed"} {
		if strings.Contains(text.String(), hidden) {
			t.Errorf("the text shows %s", hidden)
		}
	}

	var md bytes.Buffer
	if err := writeMarkdown(&md, r, views); err != nil {
		t.Fatal(err)
	}
	mustHold(t, "Markdown", md.String(), "### NULL pointer dereference in io", "At `io_uring/io_uring.c:12` in `io_group_add()`, a line of **0003-bad.patch**",
		"````text\nBUG: kernel NULL pointer dereference\nraw ```words", "waits for", "io_cqring_wait+0x1/0x2")

	var page bytes.Buffer
	if err := writeHTML(&page, r, views); err != nil {
		t.Fatal(err)
	}
	mustHold(t, "page", page.String(), "NULL pointer dereference in io_&lt;b&gt;foo", `a line of <b class="patch">0003-bad.patch</b>`,
		`<span class="at by" title="0003-bad.patch"><i>12</i>`, "dump_stack_lvl", "? guessed", "waits for @2 nop", "io_uring/io_uring.c:7")
}

func TestCrashAndHangSurviveJSON(t *testing.T) {
	r := crashedRun(t)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Run
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	for i := range r.Cases {
		if diff := cmp.Diff(r.Cases[i].Crashes, back.Cases[i].Crashes); diff != "" {
			t.Errorf("crashes (-written +read)\n%s", diff)
		}
		if diff := cmp.Diff(r.Cases[i].Stuck, back.Cases[i].Stuck); diff != "" {
			t.Errorf("stuck (-written +read)\n%s", diff)
		}
	}
}
