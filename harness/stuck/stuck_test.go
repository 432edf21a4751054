// SPDX-License-Identifier: Apache-2.0

package stuck

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
)

// events builds a history: each request lives at the address 0x100 times its number.
type history struct{ events []cases.Event }

func (h *history) add(sqe int, kind cases.EventKind, change ...func(*cases.Event)) {
	e := cases.Event{Kind: kind, UserData: uint64(sqe), Req: uint64(sqe) << 8, TID: 50, Time: uint64(len(h.events))}
	for _, c := range change {
		c(&e)
	}
	h.events = append(h.events, e)
}

func res(n int32) func(*cases.Event)    { return func(e *cases.Event) { e.Res = n } }
func behind(sqe int) func(*cases.Event) { return func(e *cases.Event) { e.Arg = uint64(sqe) << 8 } }
func inWorker(e *cases.Event)           { e.Worker = true }
func groupRefs(n int32) func(*cases.Event) {
	return func(e *cases.Event) { e.GroupRefs, e.HasGroupRefs = n, true }
}
func refs(n int32) func(*cases.Event) {
	return func(e *cases.Event) { e.Refs = n; e.Flags |= reqFRefcount }
}

const head = "name test\nneeds groups\n\nring r0 entries=8\npipe p0\nbuf b0 size=64\n\nsubmit r0\n"

func TestStates(t *testing.T) {
	for _, tt := range []struct {
		name, sqes string
		history    func(h *history)
		want       []string
	}{
		{"all done", "  nop\n", func(h *history) {
			h.add(1, cases.EvSubmit)
			h.add(1, cases.EvIssue)
			h.add(1, cases.EvIssueReturn)
			h.add(1, cases.EvComplete)
			h.add(1, cases.EvFree)
		}, nil},
		{"not taken", "  nop\n", func(h *history) {}, []string{"@1 nop: not submitted"}},
		{"a member waits for what its leader blocks on", "  leader: read p0.r b0 len=64 GROUP\n  m1: write p0.w b0 len=64\n", func(h *history) {
			h.add(1, cases.EvSubmit)
			h.add(2, cases.EvSubmit)
			h.add(1, cases.EvIssue)
			h.add(1, cases.EvPollArm, groupRefs(2))
		}, []string{"@1 leader: poll-armed", "@2 m1: never issued"}},
		{"a leader waits for its members", "  leader: nop GROUP\n  m1: read p0.r b0 len=64 ASYNC\n", func(h *history) {
			h.add(1, cases.EvSubmit)
			h.add(2, cases.EvSubmit)
			h.add(1, cases.EvIssue)
			h.add(1, cases.EvIssueReturn)
			h.add(2, cases.EvPunt)
			h.add(2, cases.EvWorker, inWorker)
			h.add(2, cases.EvIssue, inWorker, refs(2))
		}, []string{"@1 leader: done with its own work, waits for @2 m1", "@2 m1: in io-wq"}},
		{"a chain", "  nop LINK\n  g: nop GROUP LINK\n  m1: nop\n  last: nop\n", func(h *history) {
			for i := 1; i <= 4; i++ {
				h.add(i, cases.EvSubmit)
			}
			h.add(2, cases.EvLink, behind(1))
			h.add(4, cases.EvLink, behind(2))
			h.add(1, cases.EvIssue)
			h.add(1, cases.EvTaskAdd)
		}, []string{"@1 nop: task work not run", "@2 g: linked behind @1 nop", "@3 m1: linked behind @1 nop", "@4 last: linked behind @2 g, @3 m1"}},
		{"drained", "  read p0.r b0 len=64\n  nop DRAIN\n", func(h *history) {
			h.add(1, cases.EvSubmit)
			h.add(1, cases.EvIssue)
			h.add(1, cases.EvIssueReturn, res(issueSkipComplete))
			h.add(2, cases.EvSubmit)
			h.add(2, cases.EvDefer)
		}, []string{"@1 read: issued", "@2 nop: deferred until @1 read completed"}},
		{"completed but kept", "  nop\n", func(h *history) {
			h.add(1, cases.EvSubmit)
			h.add(1, cases.EvIssue)
			h.add(1, cases.EvComplete)
		}, []string{"@1 nop: completed, not freed"}},
		{"its CQE is missing", "  nop\n", func(h *history) {
			h.add(1, cases.EvSubmit)
			h.add(1, cases.EvIssue)
			h.add(1, cases.EvIssueReturn)
		}, []string{"@1 nop: done, not posted"}},
		{"never returns", "  nop\n", func(h *history) {
			h.add(1, cases.EvSubmit)
			h.add(1, cases.EvIssue)
		}, []string{"@1 nop: being issued"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := cases.Parse("test.ring", []byte(head+tt.sqes))
			if err != nil {
				t.Fatal(err)
			}
			profile, err := cases.LoadProfile("v4")
			if err != nil {
				t.Fatal(err)
			}
			var h history
			tt.history(&h)
			found := Find(p, model.Assemble(p, profile), &cases.Outcome{Events: h.events, Evidence: cases.Evidence{Probes: true}})
			var got []string
			for _, r := range found.Requests {
				got = append(got, Name(p, r.SQE)+": "+r.Text(p))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReferencesAndTasks(t *testing.T) {
	p, err := cases.Parse("test.ring", []byte(head+"  leader: read p0.r b0 len=64 GROUP\n  m1: nop\n"))
	if err != nil {
		t.Fatal(err)
	}
	profile, _ := cases.LoadProfile("v4")
	var h history
	h.add(1, cases.EvSubmit, groupRefs(77)) // of an earlier life
	h.add(2, cases.EvSubmit)
	h.add(1, cases.EvIssue, groupRefs(2))
	h.add(1, cases.EvPollArm, groupRefs(1), refs(3))
	got := Find(p, model.Assemble(p, profile), &cases.Outcome{Events: h.events, Evidence: cases.Evidence{Probes: true}, Hang: &cases.HangInfo{
		Stacks: []cases.TaskStack{
			{PID: 50, Comm: "ringproof-worke", State: "R"},
			{PID: 51, Comm: "exe", State: "S in futex_wait_queue", Stack: []string{"[<0>] futex_wait_queue+0x60/0x80"}},
			{PID: 52, Comm: "iou-wrk-50", State: "D", Stack: []string{"[<0>] io_wq_worker+0x1/0x2"}},
			{PID: 53, Comm: "iou-sqp-50", State: "S", Stack: []string{"[<0>] io_sq_thread+0x1/0x2"}},
			{PID: 54, Comm: "kworker/u8:1", State: "D", Stack: []string{"[<0>] io_ring_exit_work+0x1/0x2"}},
		},
		SysRq: []string{
			"[    9.000001] NMI backtrace for cpu 1",
			"[    9.000002] CPU: 1 UID: 0 PID: 50 Comm: ringproof-worke Not tainted 6.12.117 #1",
			"[    9.000003] RIP: 0010:delay_tsc+0x27/0x70",
			"[    9.000004] Call Trace:",
			"[    9.000005]  <TASK>",
			"[    9.000006]  io_issue_sqe+0x66/0xa10",
			"[    9.000007]  </TASK>",
			"[    9.000008]  other+0x1/0x2",
		},
	}})
	r := got.Requests[0]
	if r.GroupRefs == nil || *r.GroupRefs != 1 || r.Refs == nil || *r.Refs != 3 || r.Task != 50 {
		t.Errorf("references of the leader: %+v", r)
	}
	if m := got.Requests[1]; m.GroupRefs != nil || m.Refs != nil {
		t.Errorf("references of a member that nobody counted: %+v", m)
	}
	var roles []Role
	for _, task := range got.Tasks {
		roles = append(roles, task.Role)
	}
	if diff := cmp.Diff([]Role{RoleProgram, RoleIdle, RoleIOWQ, RoleSQPoll, RoleExit}, roles); diff != "" {
		t.Errorf("roles (-want +got)\n%s", diff)
	}
	first := got.Tasks[0]
	if first.Refs != 2 || len(first.Frames) != 2 || first.Frames[0].Func != "delay_tsc" || first.Frames[1].Func != "io_issue_sqe" {
		t.Errorf("the running task has %d references and the stack %+v", first.Refs, first.Frames)
	}
}
