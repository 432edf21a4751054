// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"cmp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/cases/uring"
)

func find(t testing.TB, name string) *cases.Program {
	t.Helper()
	for _, p := range catalogue(t) {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("the catalogue has no program %s", name)
	return nil
}

// A kernel with a mistake is caught in every run of a program that shows
// it, under the rule that it breaks.
func TestMistakenKernelFails(t *testing.T) {
	pr := profile(t, "v4")
	for _, test := range []struct {
		name    string
		bug     sim.Bug
		program string
		rule    string
		status  []Status
	}{
		{"leader first", sim.LeaderFirst, "group-nop-3", "G4", []Status{Fail}},
		{"leader first, waiting", sim.LeaderFirst, "group-batches", "G4", []Status{Fail}},
		{"leader first, overflow", sim.LeaderFirst, "group-overflow", "G4", []Status{Fail}},
		{"double drop", sim.DoubleDrop, "group-nop-3", "G10", []Status{Fail, Hang}},
		{"double drop of two", sim.DoubleDrop, "group-nop-2", "G10", []Status{Fail, Hang}},
		{"double drop, waiting", sim.DoubleDrop, "group-batches", "G10", []Status{Fail, Hang}},
		{"lost member", sim.LostMember, "group-nop-3", "P4.1", []Status{Fail, Hang}},
		{"lost member, linked", sim.LostMember, "group-chain-before-plain", "P4.1", []Status{Fail, Hang}},
		{"drain ignored", sim.DrainIgnored, "group-drain-leader", "G8", []Status{Fail}},
		{"drain ignored, waiting", sim.DrainIgnored, "group-drain-leader-waits", "G8", []Status{Fail}},
		{"drain of a rejected leader ignored", sim.DrainIgnored, "group-drain-rejected-leader", "G8", []Status{Fail}},
		{"chain unbroken", sim.ChainUnbroken, "group-linked-member-fails-run", "G6", []Status{Fail}},
		{"chain unbroken, group", sim.ChainUnbroken, "group-linked-member-fails-group", "G6", []Status{Fail}},
		{"member waits", sim.MemberWaits, "group-pipe-blocks-leader", "P4.1", []Status{Fail}},
		{"member waits for ever", sim.MemberWaits, "group-member-feeds-leader", "P4.1", []Status{Fail, Hang}},
		{"leader cancels", sim.LeaderCancels, "group-pipe-blocks-member", "", nil},
		{"member punted", sim.MemberPunted, "group-async-leader", "G9", []Status{Fail}},
		{"next too early", sim.NextTooEarly, "group-chain-member-holds-next", "G5", []Status{Fail}},
		{"overflow leaks", sim.LeakOverflow, "group-overflow", "G3", []Status{Fail}},
		{"cancelled shown", sim.CancelledShown, "group-chain-broken-skip-hidden", "G7", []Status{Fail}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := find(t, test.program)
			for seed := range uint64(10) {
				out := sim.RunWith(p, pr, seed, test.bug)
				v := Judge(input(p, pr, out))
				if test.rule == "" { // the mistake does not touch this program
					if v.Status != Pass {
						t.Fatalf("seed %d: %s", seed, dump(&v, out))
					}
					continue
				}
				if !slices.Contains(test.status, v.Status) || !slices.Contains(v.Rules(), test.rule) {
					t.Fatalf("seed %d: want %v with %s\n%s", seed, test.status, test.rule, dump(&v, out))
				}
			}
		})
	}
}

// A group that is refused without a reason is blamed on what refuses groups, and
// not on its members, which are cancelled along with it.
func TestGroupRefusedForNothing(t *testing.T) {
	pr := profile(t, "v7")
	for program, rule := range map[string]string{"group-skip-leader": "P7.3", "group-drain-leader": "P7.2"} {
		p := find(t, program)
		group := model.Expect(p, pr).Structure.Groups[0]
		out := sim.Run(p, pr, 1)
		of := func(user uint64) bool {
			return slices.ContainsFunc(group.Requests(), func(i int) bool { return cases.UserData(i) == user })
		}
		out.Events = slices.DeleteFunc(out.Events, func(e cases.Event) bool {
			return of(e.UserData) && (e.Kind == cases.EvIssue || e.Kind == cases.EvIssueReturn)
		})
		out.CQEs = slices.DeleteFunc(out.CQEs, func(c cases.CQE) bool { return of(c.UserData) })
		for _, i := range group.Members {
			out.CQEs = append(out.CQEs, cases.CQE{UserData: cases.UserData(i), Res: -model.ECANCELED})
		}
		out.CQEs = append(out.CQEs, cases.CQE{UserData: cases.UserData(group.Leader), Res: -model.EINVAL})
		if v := Judge(input(p, pr, out)); !slices.Contains(v.Rules(), rule) || slices.Contains(v.Rules(), "P7.7") {
			t.Errorf("%s: want %s and no P7.7\n%s", program, rule, dump(&v, out))
		}
	}
}

// The decision to show a broken chain is one for the members of a rejected group in it, too.
func TestMembersHiddenInShownChain(t *testing.T) {
	pr := profile(t, "v7")
	p := find(t, "group-hidden-leader-rejected-in-chain")
	out := sim.Run(p, pr, 1)
	if v := Judge(input(p, pr, out)); v.Status != Pass {
		t.Fatal(dump(&v, out))
	}
	member := func(user uint64) bool { return user == cases.UserData(2) || user == cases.UserData(3) }
	out.Events = slices.DeleteFunc(out.Events, func(e cases.Event) bool { return member(e.UserData) && e.Kind == cases.EvComplete })
	out.CQEs = slices.DeleteFunc(out.CQEs, func(c cases.CQE) bool { return member(c.UserData) })
	if v := Judge(input(p, pr, out)); !slices.Contains(v.Rules(), "G7") {
		t.Errorf("want G7\n%s", dump(&v, out))
	}
}

// A wait that ends by its timeout was to be woken for task work of its own task, but
// not for what a kernel thread does instead of a task that has ended.
func TestOverslept(t *testing.T) {
	p, err := cases.Parse("overslept", []byte("name overslept\nring r0 entries=4\npipe p\nsubmit r0\n  poll_add p.r events=IN\n"+
		"feed p.w 1\nwait r0 1 timeout=10ms\n"))
	if err != nil {
		t.Fatal(err)
	}
	pr := profile(t, "v4")
	wait := len(p.Steps) - 1
	for _, test := range []struct {
		by     string
		other  bool          // another thread
		stolen time.Duration // of a second in which others were outstanding: the CPU may have been gone just then, whatever the share is
		slept  bool
	}{
		{by: "its own", slept: true},
		{by: "a kernel thread", other: true},
		{by: "its own, when the CPU is there again", stolen: 200 * time.Millisecond},
	} {
		out := sim.Run(p, pr, 1)
		out.Waited, out.Stolen, out.Spread = time.Second, test.stolen, test.stolen > 0
		out.Steps[wait].Took = 20 * bound(&p.Steps[wait])
		begin := slices.IndexFunc(out.Events, func(e cases.Event) bool { return e.Kind == cases.EvSubmit })
		out.Events = slices.DeleteFunc(out.Events, func(e cases.Event) bool {
			return e.Kind == cases.EvTaskAdd || e.Kind == cases.EvTaskRun
		})
		add := out.Events[begin]
		add.Kind = cases.EvTaskAdd
		run := add
		run.Kind, run.Time = cases.EvTaskRun, add.Time+uint64(out.Steps[wait].Took)
		if test.other {
			run.TID++
		}
		end := slices.IndexFunc(out.Events, func(e cases.Event) bool { return e.Kind == cases.EvComplete })
		out.Events = slices.Insert(out.Events, end, add, run)
		for k := end + 1; k < len(out.Events); k++ {
			out.Events[k].Time = max(out.Events[k].Time, run.Time)
		}
		v := Judge(input(p, pr, out))
		if slept := slices.Contains(v.Rules(), "I8"); slept != test.slept || slept != v.Late() {
			t.Errorf("task work run by %s: I8 broken: %v\n%s", test.by, slept, dump(&v, out))
		}
	}
}

// What a right kernel does, and a judge may take for a mistake.
func TestNoMistake(t *testing.T) {
	for _, test := range []struct {
		name, program string
		profile       string // v4 where it is empty
		alter         func(*cases.Program, *cases.Outcome)
		mistake       func(*cases.Program, *cases.Outcome) // is like it, and is none of a right kernel
		rule          string                               // that it breaks
	}{
		{
			name:    "the notification of a rejected send",
			program: "ring r0 entries=4\nsubmit r0\n  nop GROUP\n  sendmsg_zc\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				out.CQEs = append(out.CQEs, cases.CQE{UserData: cases.UserData(1), Flags: cqeNotif, Step: 1})
			},
			mistake: func(_ *cases.Program, out *cases.Outcome) {
				out.CQEs = append(out.CQEs, cases.CQE{UserData: cases.UserData(1), Step: 1})
			},
			rule: "G4",
		},
		{
			name:    "a wait by another task than the one that submits",
			program: "ring r0 entries=4 flags=R_DISABLED|SINGLE_ISSUER|DEFER_TASKRUN\nt1: register r0 enable\nwait r0 1\n",
			alter: func(p *cases.Program, out *cases.Outcome) {
				out.Steps[len(p.Steps)-1] = cases.StepResult{Ret: -1, Errno: int32(syscall.EEXIST)}
			},
			mistake: func(p *cases.Program, out *cases.Outcome) {
				out.Steps[len(p.Steps)-1] = cases.StepResult{Ret: -1, Errno: int32(syscall.EINVAL)}
			},
			rule: "I6",
		},
		{
			name:    "one of several CQEs behind one that was not reaped",
			program: "ring r0 entries=4\npipe p\nsubmit r0\n  nop\n  timeout 1ms count=2 flags=MULTISHOT\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				out.CQEs = []cases.CQE{{UserData: cases.UserData(1), Res: -model.ETIME, Flags: cqeMore, Step: 1}}
			},
			mistake: func(_ *cases.Program, out *cases.Outcome) {
				out.CQEs = []cases.CQE{{UserData: cases.UserData(1), Res: -model.ETIME, Step: 1}}
			},
			rule: "I1",
		},
		{
			name:    "a drained request that its thread does not live to issue",
			program: "ring r0 entries=4\npipe p\nbuf b size=16\nt1: submit r0\n  read p.r b len=1\n  nop DRAIN\nt1: exit-thread\nfeed p.w 1\nwait r0\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				completeWith(out, 1, -model.EFAULT)
				out.Events = slices.DeleteFunc(out.Events, func(e cases.Event) bool {
					return e.UserData == cases.UserData(1) && (e.Kind == cases.EvIssue || e.Kind == cases.EvIssueReturn)
				})
			},
			mistake: func(_ *cases.Program, out *cases.Outcome) { completeWith(out, 1, -model.EFAULT) },
			rule:    "I6",
		},
		{
			name:    "a step that waits for what uses what it unregisters",
			program: "ring r0 entries=4\npipe p\nbuf b size=16\nregister r0 files p.r\nregister r0 buffers b\nsubmit r0\n  read 0 b len=1 FIXED_FILE\nunregister r0 buffers\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { hangAt(out, 3) },
			mistake: func(_ *cases.Program, out *cases.Outcome) { hangAt(out, 0) },
			rule:    "I8",
		},
		{
			name:    "a step that reads what nobody has written",
			program: "ring r0 entries=4\npipe p\nbuf b size=16\nfeed p.w 8\nsubmit r0\n  read p.r b len=4\ntake p.r 1\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				out.Steps[0].Ret = 4
				hangAt(out, 2)
			},
			mistake: func(_ *cases.Program, out *cases.Outcome) { hangAt(out, 2) },
			rule:    "I8",
		},
		{
			name:    "a request that SQPOLL's thread may have linked to a hidden one",
			program: "ring r0 entries=4 flags=SQPOLL\nsubmit r0\n  op=99 GROUP\nsubmit r0\n  read LINK SKIP\n  nop\nwait r0\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { hide(out, 2) },
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[1].SQEs[0].Flags &^= uring.CQESkipSuccess
				hide(out, 2)
			},
			rule: "I1",
		},
		{
			name:    "a cancellation that counts",
			program: "ring r0 entries=4\nbuf b size=8\nsubmit r0\n  futex_wait 130 b addr3=1 GROUP\nsubmit r0\n  async_cancel @1\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { completeWith(out, 1, 1) },
			mistake: func(_ *cases.Program, out *cases.Outcome) { completeWith(out, 1, 2) },
			rule:    "G12",
		},
		{
			name:    "a file that the program writes to while it is read",
			program: "ring r0 entries=4\nfile f size=1\nfile g size=1\nbuf b size=1\nsubmit r0\n  read f b len=1 GROUP ASYNC\n  nop\nfeed f 1 fill=7\nwait r0\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { out.Data[0].Bytes = []byte{7} },
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[1].FD.Ref = 2
				out.Data[0].Bytes = []byte{7}
			},
			rule: "G13",
		},
		{
			name:    "a linked timeout behind a group that is not done",
			program: "ring r0 entries=4\npipe p\nbuf b size=1\nsubmit r0\n  op=99 GROUP LINK\n  read p.r b len=1\n  link_timeout 1m\nwait r0 timeout=1ms\n",
			alter:   func(*cases.Program, *cases.Outcome) {},
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[0].SQEs[1].Op = uring.OpNop
				completeWith(out, 1, 0)
				out.CQEs = append(out.CQEs, cases.CQE{UserData: cases.UserData(1), Step: 1}, cases.CQE{UserData: cases.UserData(0), Res: -model.EINVAL, Step: 1})
			},
			rule: "G6",
		},
		{
			name:    "memory of a notification that the next one gets",
			program: "ring r0 entries=4\nsubmit r0\n  nop GROUP\n  send_zc\n  send_zc\n  nop\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				for i := range 2 {
					out.Events = append(out.Events, cases.Event{Kind: cases.EvExtraCQE, UserData: cases.UserData(1 + i), Req: 0xfff0, Flags: cqeNotif})
				}
			},
			mistake: func(_ *cases.Program, out *cases.Outcome) {
				for i := range 2 {
					out.Events = append(out.Events, cases.Event{Kind: cases.EvTaskRun, UserData: cases.UserData(3 * i), Req: 0xfff0})
				}
			},
			rule: "I1",
		},
		{
			name:    "a request behind a drain that a hidden cancellation holds back",
			program: "ring r0 entries=4\nsubmit r0\n  op=99 LINK SKIP\n  nop DRAIN\n  nop\nwait r0 2 timeout=1ms\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				neverDone(out, 2, 1, 1)
			},
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[0].SQEs[0].Op, p.Steps[0].SQEs[0].IOPrio = uring.OpNop, 1 // is rejected as well, but later
				neverDone(out, 2, 1, 1)
			},
			rule: "I8",
		},
		{
			name:    "a request behind a drain that a notification upsets",
			program: "ring r0 entries=4\nsockets s\nbuf b size=16\nsubmit r0\n  send_zc s.a b len=16\n  nop DRAIN\nwait r0 1\nwait r0 timeout=1ms\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { neverDone(out, 1, 2, 0) },
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[0].SQEs[0].Op = uring.OpSend
				neverDone(out, 1, 2, 0)
			},
			rule: "I8",
		},
		{
			name:    "a hidden zero-copy send whose notification overflows",
			program: "ring r0 entries=4\nsockets s\nbuf b size=16\nsubmit r0\n  op=99 GROUP SKIP\n  sendmsg_zc s.a\nwait r0 1\n",
			profile: "v7",
			alter:   notified(1, 1<<3),
			mistake: notified(1, 0),
			rule:    "G4",
		},
		{
			name:    "a read from an eventfd that is closed",
			program: "ring r0 entries=4\neventfd e\nbuf b size=8\nsubmit r0\n  read e b len=8\nclose e\nwait r0 timeout=1ms\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				neverDone(out, 0, 2, 0)
			},
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[1] = cases.Step{Kind: cases.StepFeed, FD: p.Steps[1].FD, N: 8}
				neverDone(out, 0, 2, 0)
				out.Steps[1] = cases.StepResult{Ret: 8}
			},
			rule: "I8",
		},
		{
			name:    "a wait on a ring whose number is another thread's",
			program: "ring r0 entries=4\nt1: register r0 ring-fd\nwait r0 1\n",
			alter: func(p *cases.Program, out *cases.Outcome) {
				out.Steps[len(p.Steps)-1] = cases.StepResult{Ret: -1, Errno: int32(syscall.EBADF)}
			},
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[0].Thread = ""
				out.Steps[len(p.Steps)-1] = cases.StepResult{Ret: -1, Errno: int32(syscall.EBADF)}
			},
			rule: "I6",
		},
		{
			name:    "a read that is done when the program is, of which only a poll knows that goes on",
			program: "ring r0 entries=4\nfile f size=16 fill=3\npipe p\nbuf b size=16\nsubmit r0\n  read f b len=16\n  poll_add p.r len=ADD_MULTI events=IN\nfeed p.w 8\nwait r0 1\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				out.CQEs = []cases.CQE{{UserData: cases.UserData(1), Res: 1, Flags: cqeMore, Step: 2}}
				out.Events = append(out.Events, cases.Event{Kind: cases.EvComplete, UserData: cases.UserData(1), Res: -model.ECANCELED})
				out.Data[0].Bytes = make([]byte, 16)
			},
			mistake: func(_ *cases.Program, out *cases.Outcome) { out.Data[0].Bytes = make([]byte, 16) },
			rule:    "I6",
		},
		{
			name:    "a chain ahead of an open group that is drained",
			program: "ring r0 entries=4\npipe p\nbuf b size=1\nsubmit r0\n  read p.r b len=1\n  nop LINK\n  nop GROUP DRAIN\n  nop GROUP\nwait r0 timeout=1ms\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				neverDone(out, 1, 1, 0)
			},
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[0].SQEs[1].Flags = 0 // nothing holds it back
				neverDone(out, 1, 1, 0)
			},
			rule: "I8",
		},
		{
			name:    "numbers that may be too large together for an eventfd",
			program: "ring r0 entries=4\neventfd e\nbuf b size=8 fill=8\nsubmit r0\n  write e b len=8\n  write e b len=8\nwait r0 timeout=1ms\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				neverDone(out, 1, 1, 1)
			},
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[0].SQEs[0].Op = uring.OpNop
				neverDone(out, 1, 1, 1)
			},
			rule: "I8",
		},
		{
			name:    "a leader that goes on behind what was reaped of it",
			program: "ring r0 entries=4\npipe p\nsubmit r0\n  poll_add p.r len=ADD_MULTI events=IN GROUP\n  nop\nfeed p.w 8\nwait r0 timeout=1ms\n",
			profile: "v7",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				out.Events = slices.DeleteFunc(out.Events, func(e cases.Event) bool { return e.UserData == cases.UserData(1) && e.Kind != cases.EvSubmit })
				out.CQEs = []cases.CQE{{UserData: cases.UserData(0), Res: 1, Flags: cqeMore, Step: 2}}
				completeWith(out, 0, -model.ECANCELED)
				out.CQEs[0].Res = 1
				out.Steps[2] = cases.StepResult{Ret: 1, Errno: int32(syscall.ETIME)}
			},
			mistake: func(_ *cases.Program, out *cases.Outcome) {
				hide(out, 1)
				out.CQEs = []cases.CQE{{UserData: cases.UserData(0), Res: -model.ECANCELED, Step: 2}}
				out.Steps[2] = cases.StepResult{Ret: 1, Errno: int32(syscall.ETIME)}
			},
			rule: "P7.5",
		},
		{
			name:    "a socket whose peer is closed with something unread",
			program: "ring r0 entries=4\nsockets s\nbuf b size=1\nsubmit r0\n  nop GROUP\n  recv s.b b len=1\nfeed s.b 1\nclose s.a\nwait r0\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { completeWith(out, 1, -model.ECONNRESET) },
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[2].FD = p.Steps[1].FD
				p.Steps[2].Kind, p.Steps[2].N = cases.StepFeed, 1
				completeWith(out, 1, -model.ECONNRESET)
			},
			rule: "G13",
		},
		{
			name:    "a hidden leader that shows how its member's polls ended",
			program: "ring r0 entries=4\npipe p\nsubmit r0\n  nop GROUP LINK SKIP\n  poll_add p.r len=ADD_MULTI\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				out.CQEs = append(out.CQEs, cases.CQE{UserData: cases.UserData(1), Res: 1, Flags: cqeMore})
			},
			mistake: func(_ *cases.Program, out *cases.Outcome) {
				out.CQEs = append(out.CQEs, cases.CQE{UserData: cases.UserData(1), Res: 1})
			},
			rule: "G3",
		},
		{
			name:    "a poll of a pipe whose closed end a ring has registered",
			program: "ring r0 entries=4\nring r1 entries=4\npipe p\nsubmit r0\n  poll_add p.r events=IN\nregister r1 files p.w\nclose p.w\nwait r0 timeout=1ms\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { neverDone(out, 0, 3, 0) },
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[1].Reg.FDs[0].End = 0
				neverDone(out, 0, 3, 0)
			},
			rule: "I8",
		},
		{
			name:    "a cancelled zero-copy send whose notification is still to come",
			program: "ring r0 entries=4\nsockets s\nbuf b size=16\nsubmit r0\n  nop GROUP\n  send_zc s.a b len=16 GROUP\n  op=99\nwait r0 timeout=1ms\n",
			profile: "v7",
			alter:   announced(1),
			mistake: func(_ *cases.Program, out *cases.Outcome) {
				announced(1)(nil, out)
				for k := range out.CQEs {
					out.CQEs[k].Step = 2
				}
			},
			rule: "P7.6",
		},
		{
			name:    "a futex that a step has cancelled unseen",
			program: "ring r0 entries=4 flags=DEFER_TASKRUN|SINGLE_ISSUER\nbuf b size=4096\nsubmit r0\n  futex_wait 130 b addr3=1\ncancel r0 flags=ANY\nsubmit r0\n  async_cancel @1\n",
			alter:   notFound(0, 1),
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[1] = cases.Step{Kind: cases.StepWait, N: 1}
				notFound(0, 1)(p, out)
			},
			rule: "G12",
		},
		{
			name:    "a write of nothing behind the end",
			program: "ring r0 entries=4\nfile f size=2\nsubmit r0\n  write f off=9\nwait r0\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { out.Data = []cases.Blob{{File: 1, Bytes: make([]byte, 2)}} },
			mistake: func(_ *cases.Program, out *cases.Outcome) { out.Data = []cases.Blob{{File: 1, Bytes: make([]byte, 1)}} },
			rule:    "I6",
		},
		{
			name:    "a write that appends",
			program: "ring r0 entries=4\nfile f size=2\nbuf b size=1 fill=3\nsubmit r0\n  write f b len=1 off=1 flags=APPEND\nwait r0\n",
			alter: func(_ *cases.Program, out *cases.Outcome) {
				file := &out.Data[len(out.Data)-1]
				file.Bytes = append(file.Bytes, file.Bytes[1])
				file.Bytes[1] = 0
			},
			mistake: func(p *cases.Program, out *cases.Outcome) {
				p.Steps[0].SQEs[0].OpFlags = 0
				out.Data[len(out.Data)-1].Bytes = []byte{0, 0, 3}
			},
			rule: "I6",
		},
		{
			name:    "a cancellation of whatever there is, and there is nothing",
			program: "ring r0 entries=4\npipe p\nsubmit r0\n  async_cancel flags=ANY\n  poll_add p.r events=IN\nwait r0 timeout=1ms\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { completeWith(out, 0, 0); neverDone(out, 1, 1, 1) },
			mistake: func(p *cases.Program, out *cases.Outcome) {
				q := &p.Steps[0].SQEs[0]
				q.OpFlags, q.Target = 0, 2
				completeWith(out, 0, 0)
				neverDone(out, 1, 1, 1)
			},
			rule: "I8",
		},
		{
			name:    "a poll that says the peer is gone",
			program: "ring r0 entries=4\nsockets s\nsubmit r0\n  poll_add s.a events=IN\nclose s.b\nwait r0\n",
			alter:   func(_ *cases.Program, out *cases.Outcome) { completeWith(out, 0, 0x2011) },
			mistake: func(_ *cases.Program, out *cases.Outcome) { completeWith(out, 0, 0x4011) },
			rule:    "I6",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			pr := profile(t, cmp.Or(test.profile, "v4"))
			for _, wrong := range []bool{false, true} {
				p, err := cases.Parse("program", []byte("name program\n"+test.program))
				if err != nil {
					t.Fatal(err)
				}
				out := sim.Run(p, pr, 1)
				if wrong {
					test.mistake(p, out)
				} else {
					test.alter(p, out)
				}
				if v := Judge(input(p, pr, out)); slices.Contains(v.Rules(), test.rule) != wrong {
					t.Errorf("a mistake: %v, %s broken: %v\n%s", wrong, test.rule, !wrong, dump(&v, out))
				}
			}
		})
	}
}

// completeWith makes the SQE's CQE and its event tell that result.
func completeWith(out *cases.Outcome, sqe int, res int32) {
	for i := range out.CQEs {
		if out.CQEs[i].UserData == cases.UserData(sqe) {
			out.CQEs[i].Res = res
		}
	}
	for i := range out.Events {
		if e := &out.Events[i]; e.UserData == cases.UserData(sqe) && (e.Kind == cases.EvComplete || e.Kind == cases.EvFree) {
			e.Res = res
		}
	}
}

// hide takes the SQE's CQE away, and the event of its posting.
func hide(out *cases.Outcome, sqe int) {
	out.CQEs = slices.DeleteFunc(out.CQEs, func(c cases.CQE) bool { return c.UserData == cases.UserData(sqe) })
	out.Events = slices.DeleteFunc(out.Events, func(e cases.Event) bool { return e.UserData == cases.UserData(sqe) && e.Kind == cases.EvComplete })
}

// neverDone hides the SQE's CQE, and has the wait in that step run out of time with as many CQEs as it reaped.
func neverDone(out *cases.Outcome, sqe, wait int, reaped int64) {
	hide(out, sqe)
	out.Steps[wait] = cases.StepResult{Ret: reaped, Errno: int32(syscall.ETIME)}
}

// hangAt makes the program end in that step, out of time.
func hangAt(out *cases.Outcome, step int) {
	out.End, out.Hang = cases.EndTimeout, &cases.HangInfo{Step: step}
	out.Steps = out.Steps[:step]
}

// Single alterations of a correct outcome are noticed.
func TestAlteredOutcomeFails(t *testing.T) {
	pr := profile(t, "v4")
	first := func(out *cases.Outcome, kind cases.EventKind, sqe int) int {
		return slices.IndexFunc(out.Events, func(e cases.Event) bool { return e.Kind == kind && e.UserData == cases.UserData(sqe) })
	}
	cqe := func(out *cases.Outcome, sqe int) int {
		return slices.IndexFunc(out.CQEs, func(c cases.CQE) bool { return c.UserData == cases.UserData(sqe) })
	}
	drop := func(out *cases.Outcome, kind cases.EventKind, sqe int) {
		out.Events = slices.Delete(out.Events, first(out, kind, sqe), first(out, kind, sqe)+1)
	}
	for _, test := range []struct {
		name    string
		program string
		rule    string
		status  Status
		alter   func(out *cases.Outcome)
	}{
		{"CQEs of leader and member swapped", "group-nop-2", "G4", Fail, func(out *cases.Outcome) {
			out.CQEs[0], out.CQEs[1] = out.CQEs[1], out.CQEs[0]
		}},
		{"CQE dropped", "group-nop-3", "G3", Fail, func(out *cases.Outcome) {
			out.CQEs = slices.Delete(out.CQEs, 1, 2)
		}},
		{"CQE twice", "group-nop-3", "G3", Fail, func(out *cases.Outcome) { out.CQEs = append(out.CQEs, out.CQEs[1]) }},
		{"plain CQE twice", "plain-nop", "I1", Fail, func(out *cases.Outcome) { out.CQEs = append(out.CQEs, out.CQEs[0]) }},
		{"foreign CQE", "plain-nop", "I6", Fail, func(out *cases.Outcome) {
			out.CQEs = append(out.CQEs, cases.CQE{UserData: 77})
		}},
		{"next issued before the group is done", "group-chain-before-plain", "G5", Fail, func(out *cases.Outcome) {
			k := first(out, cases.EvIssue, 3)
			ev := out.Events[k]
			out.Events = slices.Delete(out.Events, k, k+1)
			out.Events = slices.Insert(out.Events, first(out, cases.EvComplete, 1), ev)
		}},
		{"plain link issued before its turn", "link-nop-3", "I4", Fail, func(out *cases.Outcome) {
			k := first(out, cases.EvIssue, 1)
			ev := out.Events[k]
			out.Events = slices.Delete(out.Events, k, k+1)
			out.Events = slices.Insert(out.Events, first(out, cases.EvComplete, 0), ev)
		}},
		{"reference dropped below the end", "group-nop-3", "G10", Fail, func(out *cases.Outcome) {
			out.Events[first(out, cases.EvFree, 1)].GroupRefs = -1
		}},
		{"reference dropped too early", "group-nop-3", "G10", Fail, func(out *cases.Outcome) {
			out.Events[first(out, cases.EvComplete, 2)].GroupRefs = 0
		}},
		{"leader freed with references left", "group-nop-3", "G10", Fail, func(out *cases.Outcome) {
			out.Events[first(out, cases.EvFree, 1)].GroupRefs = 1
		}},
		{"member follows another leader", "group-nop-3", "G1", Fail, func(out *cases.Outcome) {
			out.Events[first(out, cases.EvIssue, 2)].Leader = 42
		}},
		{"never freed", "group-nop-3", "I8", Fail, func(out *cases.Outcome) { drop(out, cases.EvFree, 2) }},
		{"freed twice", "group-nop-3", "I1", Fail, func(out *cases.Outcome) {
			out.Events = append(out.Events, out.Events[first(out, cases.EvFree, 2)])
		}},
		{"used after free", "group-nop-3", "I1", Fail, func(out *cases.Outcome) {
			out.Events = append(out.Events, out.Events[first(out, cases.EvIssue, 2)])
		}},
		{"leader freed before its member is done", "group-nop-3", "G10", Fail, func(out *cases.Outcome) {
			k := first(out, cases.EvFree, 1)
			ev := out.Events[k]
			out.Events = slices.Delete(out.Events, k, k+1)
			out.Events = slices.Insert(out.Events, first(out, cases.EvComplete, 2), ev)
		}},
		{"reference count out of range", "group-nop-3", "I3", Fail, func(out *cases.Outcome) {
			k := first(out, cases.EvComplete, 2)
			out.Events[k].Flags |= reqFRefcount
			out.Events[k].Refs = -1
		}},
		{"wrong result", "group-nop-3", "I6", Fail, func(out *cases.Outcome) {
			out.CQEs[cqe(out, 2)].Res = 5
			out.Events[first(out, cases.EvComplete, 2)].Res = 5
		}},
		{"member cancelled with its leader", "group-leader-fails-run", "P4.4", Fail, func(out *cases.Outcome) {
			out.CQEs[cqe(out, 1)].Res = -model.ECANCELED
			out.Events[first(out, cases.EvComplete, 1)].Res = -model.ECANCELED
		}},
		{"leader loses its result to a member", "group-linked-member-fails-run", "P4.5", Fail, func(out *cases.Outcome) {
			out.CQEs[cqe(out, 0)].Res = -5
			out.Events[first(out, cases.EvComplete, 0)].Res = -5
		}},
		{"linked leader runs beside a rejected member", "group-linked-member-fails-prep", "P4.6", Fail, func(out *cases.Outcome) {
			out.CQEs[cqe(out, 0)].Res = 0
			out.Events[first(out, cases.EvComplete, 0)].Res = 0
		}},
		{"chain goes on", "group-chain-broken-before", "G7", Fail, func(out *cases.Outcome) {
			out.CQEs[cqe(out, 1)].Res = 0
			out.Events[first(out, cases.EvComplete, 1)].Res = 0
		}},
		{"hard link broken", "group-hardlink-member-fails", "G6", Fail, func(out *cases.Outcome) {
			out.CQEs[cqe(out, 3)].Res = -model.ECANCELED
			out.Events[first(out, cases.EvComplete, 3)].Res = -model.ECANCELED
		}},
		{"skipped CQE posted", "group-skip-member", "G3", Fail, func(out *cases.Outcome) {
			ev := out.Events[first(out, cases.EvComplete, 2)]
			ev.UserData = cases.UserData(1)
			ev.Req = out.Events[first(out, cases.EvFree, 1)].Req
			out.Events = slices.Insert(out.Events, first(out, cases.EvComplete, 2), ev)
			out.CQEs = slices.Insert(out.CQEs, 0, cases.CQE{UserData: cases.UserData(1)})
		}},
		{"asked for io-wq in vain", "group-async-member", "G9", Fail, func(out *cases.Outcome) {
			out.Events[first(out, cases.EvIssue, 1)].Worker = false
		}},
		{"data in the wrong place", "group-nm-read-many-write-one", "G14", Fail, func(out *cases.Outcome) {
			for i := range out.Data {
				if len(out.Data[i].Bytes) >= 4096 {
					out.Data[i].Bytes[1030] ^= 0xff
				}
			}
		}},
		{"plain data wrong", "plain-read-write", "I6", Fail, func(out *cases.Outcome) { out.Data[0].Bytes[3] ^= 1 }},
		{"ring stays", "plain-nop", "I8", Hang, func(out *cases.Outcome) { out.RingsGone[0] = false }},
		{"ring stays with a group", "group-nop-3", "G11", Hang, func(out *cases.Outcome) { out.RingsGone[0] = false }},
		{"process died", "plain-nop", "I8", Fail, func(out *cases.Outcome) { out.End = cases.EndDied }},
		{"kernel complains", "plain-nop", "I9", Crash, func(out *cases.Outcome) {
			out.Console = []string{"[    3.1] refcount_t: underflow; use-after-free."}
		}},
		{"submission stops", "group-nop-3", "I6", Fail, func(out *cases.Outcome) {
			out.Steps[0].Ret = 2
		}},
		{"waiting member not found", "group-pipe-cancel-member", "G11", Fail, func(out *cases.Outcome) {
			drop(out, cases.EvTaskAdd, 2)
			out.CQEs[cqe(out, 4)].Res = -model.ENOENT
			out.Events[first(out, cases.EvComplete, 4)].Res = -model.ENOENT
		}},
		{"records lost", "group-nop-3", "", Inconclusive, func(out *cases.Outcome) { out.Evidence.Lost = 3 }},
		{"runs missed", "group-nop-3", "", Inconclusive, func(out *cases.Outcome) { out.Evidence.Missed = 1 }},
		{"no probes", "group-nop-3", "", Inconclusive, func(out *cases.Outcome) {
			out.Evidence, out.Events = cases.Evidence{}, nil
		}},
		{"events lost", "group-nop-3", "", Inconclusive, func(out *cases.Outcome) {
			out.Evidence.Lost = 9
			out.Events = out.Events[:len(out.Events)/2]
		}},
		{"submission unseen", "group-nop-3", "", Inconclusive, func(out *cases.Outcome) { drop(out, cases.EvSubmit, 2) }},
		{"wrong order in spite of lost events", "group-nop-2", "G4", Fail, func(out *cases.Outcome) {
			out.Evidence.Lost = 9
			out.Events = nil
			out.CQEs[0], out.CQEs[1] = out.CQEs[1], out.CQEs[0]
		}},
		{"not set up", "plain-nop", "", Infra, func(out *cases.Outcome) { out.End = cases.EndError }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := find(t, test.program)
			out := sim.Run(p, pr, 3)
			test.alter(out)
			v := Judge(input(p, pr, out))
			if v.Status != test.status || test.rule != "" && !slices.Contains(v.Rules(), test.rule) {
				t.Fatalf("want %s with %q\n%s", test.status, test.rule, dump(&v, out))
			}
			if test.rule == "" && len(v.Violations) > 0 {
				t.Fatalf("want no violation\n%s", dump(&v, out))
			}
			for _, x := range v.Violations {
				if cases.RuleText(x.Rule) == "" {
					t.Errorf("rule %s is not listed", x.Rule)
				}
			}
		})
	}
}

// Groups are a SKIP where the guest has none; the rest passes under the profile without them.
func TestWithoutGroups(t *testing.T) {
	pr := profile(t, "none")
	for _, p := range catalogue(t) {
		out := sim.Run(p, pr, 1)
		v := Judge(input(p, pr, out))
		want := Pass
		if slices.Contains(p.Needs, cases.NeedGroups) {
			want = Skip
		}
		if v.Status != want {
			t.Errorf("%s: want %s\n%s", p.Name, want, dump(&v, out))
		}
	}
}

// Bit 7 is refused by a kernel that does not know it, also in the middle of a chain.
func TestBitSevenWithoutGroups(t *testing.T) {
	p := &cases.Program{
		Name:  "bit-seven",
		Rings: []cases.Ring{{Entries: 8, Flags: uring.SetupSubmitAll}},
		Steps: []cases.Step{
			{Kind: cases.StepSubmit, SQEs: []cases.SQE{
				{Flags: uring.SQEGroup}, {}, {Flags: uring.IOLink}, {Flags: uring.SQEGroup | uring.IOLink}, {},
			}},
			{Kind: cases.StepWait, N: 5},
		},
	}
	pr := profile(t, "none")
	out := sim.Run(p, pr, 1)
	if v := Judge(input(p, pr, out)); v.Status != Pass {
		t.Fatal(dump(&v, out))
	}
	var got []int32
	for _, c := range out.CQEs {
		got = append(got, c.Res)
	}
	slices.Sort(got)
	if want := []int32{-model.ECANCELED, -model.ECANCELED, -model.EINVAL, -model.EINVAL, 0}; !slices.Equal(got, want) {
		t.Errorf("results %v, want %v", got, want)
	}
}

func BenchmarkJudge(b *testing.B) {
	pr := profile(b, "v4")
	for _, name := range []string{"group-nop-3", "group-chain-middle", "group-nop-64", "group-nm-read-one-write-many"} {
		b.Run(name, func(b *testing.B) {
			for _, p := range catalogue(b) {
				if p.Name == name {
					in := input(p, pr, sim.Run(p, pr, 1))
					for b.Loop() {
						Judge(in)
					}
				}
			}
		})
	}
}

// announced has request i say that a notification comes behind its CQE, and the wait in step 1 run out of time.
func announced(i int) func(*cases.Program, *cases.Outcome) {
	return func(_ *cases.Program, out *cases.Outcome) {
		for k := range out.CQEs {
			if out.CQEs[k].UserData == cases.UserData(i) {
				out.CQEs[k].Flags |= cqeMore
			}
		}
		out.Steps[1] = cases.StepResult{Ret: out.Steps[1].Ret, Errno: int32(syscall.ETIME)}
	}
}

// notFound has one SQE, a cancellation, not find the other, its target, and that end only then.
func notFound(target, by int) func(*cases.Program, *cases.Outcome) {
	return func(_ *cases.Program, out *cases.Outcome) {
		completeWith(out, by, -model.ENOENT)
		var end []cases.Event
		out.Events = slices.DeleteFunc(out.Events, func(e cases.Event) bool {
			if e.UserData != cases.UserData(target) || e.Kind == cases.EvSubmit || e.Kind == cases.EvIssue || e.Kind == cases.EvIssueReturn {
				return false
			}
			if e.Kind != cases.EvTaskAdd {
				end = append(end, e)
			}
			return true
		})
		out.Events = append(out.Events, end...)
	}
}

// notified hides the CQE of request i, and has the queue overflow by another one, with the given flags.
func notified(i int, flags uint64) func(*cases.Program, *cases.Outcome) {
	return func(_ *cases.Program, out *cases.Outcome) {
		hide(out, i)
		at := slices.IndexFunc(out.Events, func(e cases.Event) bool { return e.Kind == cases.EvFree && e.UserData == cases.UserData(i) })
		e := out.Events[at]
		e.Kind, e.Res, e.Arg, e.Req = cases.EvOverflow, 0, flags, 0
		out.Events = slices.Insert(out.Events, at+1, e)
	}
}
