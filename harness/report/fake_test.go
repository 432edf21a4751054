// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/vm/wire"
)

// fakeRun is a run with one case of every kind that a report must show.
func fakeRun(t testing.TB) *Run {
	t.Helper()
	r := &Run{
		Schema:  Schema,
		Tool:    Tool{Version: "v0.1.0", BuildID: strings.Repeat("5f", 32)},
		Started: time.Date(2025, 3, 14, 9, 26, 53, 0, time.UTC),
		Took:    11.62,
		Command: []string{"ringproof", "test", "--series", "v4"},
		Again:   []string{"ringproof", "test", "--series", "v4"},
		Kernel: Kernel{
			Series: "v4", Profile: "v4", Flavour: "fast", Source: "debian:linux-source-6.12", Version: "6.12.117-1~deb12u1",
			Key: strings.Repeat("ab", 32), Config: strings.Repeat("cd", 32), Compiler: "gcc 12.2.0",
			Patches: []Patch{
				{Name: "0001-io_uring-add-group-flag.patch", Subject: "io_uring: reserve a flag for SQE groups", SHA256: strings.Repeat("01", 32)},
				{Name: "0002-io_uring-groups.patch", Subject: "io_uring: assemble and issue <groups>", SHA256: strings.Repeat("02", 32)},
			},
		},
		Guest: Guest{Accel: "tcg", QEMU: "7.2.15", CPUs: 2, MemMB: 512, Boots: 1, Restores: 3, BootSeconds: 2.7, Info: &wire.GuestInfo{
			Release: "6.12.117", Version: "#1 SMP PREEMPT_DYNAMIC", CPUs: 2, MemMB: 480, Features: 1<<16 | 0x7fff, Groups: true,
			GroupsWhy: "member's CQE before the leader's", NopInject: true, Ops: []uint8{0, 1, 22, 23},
			Probes: []string{"issue=fentry/io_issue_sqe"}, Missing: []string{"free=fentry/io_free_req: not in this build"},
			Boot: 1900 * time.Millisecond, Ready: 2600 * time.Millisecond,
		}},
		Notes: []string{"/dev/kvm opens but no guest came up under it: running under TCG."},
	}
	add := func(c Case) { r.Cases = append(r.Cases, c) }
	add(fakePass(t))
	add(fakeLinks(t))
	add(fakeMany(t))
	add(fakeFlaky(t))
	add(fakeDrain(t))
	add(fakeHang(t))
	add(fakeCrash(t))
	add(fakeHostile())
	add(Case{Name: "group-on-old-kernel", Text: "name group-on-old-kernel\nneeds groups\n",
		Program: &cases.Program{Name: "group-on-old-kernel", Needs: []cases.Need{cases.NeedGroups}},
		Verdict: judge.Verdict{Status: judge.Skip, Reason: "the kernel has no SQE groups"}})
	lossy := fakePass(t)
	lossy.Name, lossy.Verdict.Status = "lossy", judge.Inconclusive
	lossy.Verdict.Violations = []judge.Violation{{Rule: "I10", Text: "17 events were lost", SQEs: nil}}
	lossy.Outcome.Evidence.Lost = 17
	add(lossy)
	add(Case{Name: "no-guest", Text: "name no-guest\n", Program: &cases.Program{Name: "no-guest"},
		Verdict: judge.Verdict{Status: judge.Infra, Reason: "QEMU was killed twice"}})
	for i := range r.Cases {
		if c := &r.Cases[i]; len(c.Tries) == 0 {
			c.Tries = []Try{NewTry(c, r.profile())}
		}
	}
	return r
}

// sim makes up a program's events.
type sim struct {
	t      testing.TB
	p      *cases.Program
	o      *cases.Outcome
	now    uint64
	leader map[int]int // SQE to leader
	refs   map[int]int32
	cpu    uint16
	worker bool
}

func newSim(t testing.TB, text string) *sim {
	t.Helper()
	p, err := cases.Parse("fake.ring", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := &sim{t: t, p: p, now: 2_611_004_217, leader: map[int]int{}, refs: map[int]int32{},
		o: &cases.Outcome{End: cases.EndDone, Evidence: cases.Evidence{Probes: true}}}
	v := newView(&Case{Program: p}, (&Run{Kernel: Kernel{Profile: "v4"}}).profile())
	for _, g := range v.structure.Groups {
		s.refs[g.Leader] = int32(g.Size())
		for _, m := range append([]int{g.Leader}, g.Members...) {
			s.leader[m] = g.Leader
		}
	}
	for range p.Steps {
		s.o.Steps = append(s.o.Steps, cases.StepResult{Ret: 1, Took: 41 * time.Microsecond})
	}
	s.ring(cases.EvRingCreate)
	return s
}

const fakeAddr = 0xffff888003a10000

func (s *sim) ring(k cases.EventKind) {
	s.now += 1700
	s.o.Events = append(s.o.Events, cases.Event{Time: s.now, Kind: k, TID: 88, TGID: 88})
}

// at lets time pass; on moves to another thread.
func (s *sim) at(d time.Duration) *sim { s.now += uint64(d); return s }
func (s *sim) on(worker bool) *sim {
	s.worker, s.cpu = worker, 0
	if worker {
		s.cpu = 1
	}
	return s
}

func (s *sim) ev(k cases.EventKind, sqe int, res int32) int {
	s.now += 900 + uint64(sqe%7)*137
	q := s.p.SQEs()[sqe].SQE
	e := cases.Event{
		Time: s.now, Kind: k, CPU: s.cpu, TID: 88, TGID: 88, Worker: s.worker, Req: fakeAddr + uint64(sqe)*256, Gen: 1,
		UserData: cases.UserData(sqe), Op: uint8(q.Op), Flags: uint64(q.Flags), Res: res,
	}
	if s.worker {
		e.TID = 91
	}
	if k == cases.EvIssue && !s.worker {
		e.Arg = 1 | 1<<31
	}
	if l, ok := s.leader[sqe]; ok {
		e.Leader = fakeAddr + uint64(l)*256
		if l == sqe {
			e.HasGroupRefs, e.GroupRefs = true, s.refs[l]
		}
		if k == cases.EvComplete || k == cases.EvOverflow {
			s.refs[l]--
		}
	}
	s.o.Events = append(s.o.Events, e)
	return len(s.o.Events) - 1
}

func (s *sim) submit(sqes ...int) *sim {
	for _, q := range sqes {
		s.ev(cases.EvSubmit, q, 0)
	}
	return s
}

func (s *sim) issue(sqe int, ret int32) *sim {
	s.ev(cases.EvIssue, sqe, 0)
	s.ev(cases.EvIssueReturn, sqe, ret)
	return s
}

func (s *sim) cqe(sqe int, res int32) {
	s.o.CQEs = append(s.o.CQEs, cases.CQE{UserData: cases.UserData(sqe), Res: res, Step: len(s.p.Steps) - 1})
}

func (s *sim) complete(res int32, sqes ...int) *sim {
	for _, q := range sqes {
		s.ev(cases.EvComplete, q, res)
		s.cqe(q, res)
	}
	return s
}

func (s *sim) free(sqes ...int) *sim {
	for _, q := range sqes {
		s.ev(cases.EvFree, q, 0)
	}
	return s
}

func (s *sim) done(status judge.Status, violations ...judge.Violation) Case {
	if s.o.End == cases.EndDone {
		s.ring(cases.EvRingGone)
		s.o.RingsGone = []bool{true}
	}
	s.o.Evidence.Events = uint64(len(s.o.Events))
	s.o.Took = 310 * time.Microsecond
	var seen *judge.Userspace
	if status == judge.Fail {
		seen = &judge.Userspace{Violation: violations[0]}
	}
	return Case{Name: s.p.Name, Text: s.p.Text(), Program: s.p, Outcome: s.o, Seconds: 0.012, Verdict: judge.Verdict{
		Status: status, Violations: violations, Userspace: seen, Checked: map[string]int{"G3": 2, "G4": 1, "I1": 9},
		Unchecked: []judge.Unchecked{{Rule: "I3", Why: "no request of this program counts references"}},
	}}
}

func fakePass(t testing.TB) Case {
	s := newSim(t, "# The smallest group.\nname group-nop-2\nrules G1 G3 G4 G10\nneeds groups\n\nring r0 entries=8\n\nsubmit r0\n  leader: nop GROUP\n  member: nop\nwait r0\n")
	s.submit(0, 1).issue(0, 0).issue(1, 0).complete(0, 1, 0).free(1, 0)
	return s.done(judge.Pass)
}

func fakeLinks(t testing.TB) Case {
	s := newSim(t, `# Read from a pipe into many, then write one; the group in the middle is linked on both sides.
name chain-of-groups
rules G5 G14
needs groups

ring r0 entries=16
file f0 size=4096 fill=7
pipe p0
buf b0 size=4096
buf b1 size=4096

submit r0
  first: nop LINK
  lead: read p0.r b0 len=64 LINK GROUP
  m1: read f0 b1 len=512 ASYNC GROUP
  m2: nop
  last: write f0 b0 len=64 LINK
  end: nop
feed p0.w 64
wait r0
`)
	s.submit(0, 1, 2, 3, 4, 5)
	for _, q := range []int{1, 4, 5} {
		i := s.ev(cases.EvLink, q, 0)
		s.o.Events[i].Arg = fakeAddr + uint64(max(0, q-1)/4*256)
	}
	s.issue(0, 0).complete(0, 0).free(0)
	s.ev(cases.EvTaskRun, 1, 0)
	s.ev(cases.EvIssue, 1, 0)
	s.ev(cases.EvIssueReturn, 1, -11)
	s.ev(cases.EvPollArm, 1, 0)
	s.ev(cases.EvPunt, 2, 0)
	s.issue(3, 0)
	s.on(true).ev(cases.EvWorker, 2, 0)
	s.issue(2, 0)
	s.ev(cases.EvTaskAdd, 2, 0)
	s.on(false).ev(cases.EvTaskRun, 2, 0)
	s.complete(0, 3).complete(512, 2).free(3, 2)
	s.at(3*time.Millisecond).ev(cases.EvTaskAdd, 1, 0)
	s.ev(cases.EvTaskRun, 1, 0)
	s.issue(1, 0).complete(64, 1).free(1)
	s.issue(4, 0).complete(64, 4).free(4).issue(5, 0)
	i := s.ev(cases.EvOverflow, 5, 0)
	s.o.Events[i].Arg = 2
	s.cqe(5, 0)
	s.free(5)
	s.o.Data = []cases.Blob{{File: 1, Bytes: []byte("written")}, {Buffer: 2, Bytes: []byte{0, 1, 0xff}}}
	s.o.Coverage = &cases.Coverage{PCs: []uint64{0xffffffff81234567}, Full: true, Lacks: []string{"kworkers: why"}}
	return s.done(judge.Pass)
}

func fakeMany(t testing.TB) Case {
	var b strings.Builder
	b.WriteString("# A group of 64, every other member in io-wq.\nname group-nop-64\nneeds groups\n\nring r0 entries=64\n\nsubmit r0\n")
	for i := range 64 {
		fmt.Fprintf(&b, "  n%d: nop%s%s\n", i, map[bool]string{true: " ASYNC"}[i%2 == 1], map[bool]string{true: " GROUP"}[i < 63])
	}
	b.WriteString("wait r0\n")
	s := newSim(t, b.String())
	var order []int
	for i := range 64 {
		s.submit(i)
	}
	for i := range 64 {
		if i%2 == 1 {
			s.ev(cases.EvPunt, i, 0)
		} else {
			s.issue(i, 0)
		}
	}
	for i := 1; i < 64; i += 2 {
		s.on(true).ev(cases.EvWorker, i, 0)
		s.issue(i, 0)
		s.ev(cases.EvTaskAdd, i, 0)
	}
	s.on(false)
	for i := 63; i > 0; i-- {
		if i%2 == 1 {
			s.ev(cases.EvTaskRun, i, 0)
		}
		order = append(order, i)
	}
	s.complete(0, append(order, 0)...).free(append(order, 0)...)
	return s.done(judge.Pass)
}

func fakeLeaderFirst(t testing.TB) Case {
	s := newSim(t, `# The leader's CQE must be the last of its group.
name group-leader-last
rules G4
needs groups

ring r0 entries=8

submit r0
  lead: nop GROUP
  m1: nop ASYNC GROUP
  m2: nop inject=-EIO
wait r0
`)
	s.submit(0, 1, 2).issue(0, 0)
	s.ev(cases.EvPunt, 1, 0)
	s.issue(2, -5).complete(-5, 2)
	lead := s.ev(cases.EvComplete, 0, 0)
	s.cqe(0, 0)
	s.on(true).ev(cases.EvWorker, 1, 0)
	s.issue(1, 0)
	s.ev(cases.EvTaskAdd, 1, 0)
	s.on(false).ev(cases.EvTaskRun, 1, 0)
	m := s.ev(cases.EvComplete, 1, 0)
	s.cqe(1, 0)
	s.free(2, 0, 1)
	return s.done(judge.Fail,
		judge.Violation{Rule: "G4", Text: "the leader @1 posted CQE 2, before CQE 3 of member @2", SQEs: []int{0, 1}, Events: []int{lead, m}, CQEs: []int{1, 2}},
		judge.Violation{Rule: "G10", Text: "group references were 2 when the leader @1 was freed", SQEs: []int{0}, Events: []int{len(s.o.Events) - 2}})
}

func fakeDrain(t testing.TB) Case {
	s := newSim(t, `name drain-not-honoured
rules G8
needs groups

ring r0 entries=8
pipe p0
buf b0 size=4096

submit r0
  before: read p0.r b0 len=8
  lead: nop DRAIN LINK GROUP
  m1: nop inject=-EIO
  behind: nop
feed p0.w 8
wait r0
`)
	s.submit(0).ev(cases.EvIssue, 0, 0)
	s.ev(cases.EvIssueReturn, 0, -11)
	s.ev(cases.EvPollArm, 0, 0)
	s.submit(1, 2, 3)
	s.ev(cases.EvDefer, 1, 0)
	early := s.ev(cases.EvIssue, 1, 0)
	s.ev(cases.EvIssueReturn, 1, 0)
	s.issue(2, -5)
	s.complete(-5, 2).complete(0, 1)
	i := s.ev(cases.EvFailLink, 3, 0)
	s.o.Events[i].Arg = fakeAddr + 3*256
	s.complete(-125, 3).free(2, 1, 3)
	s.at(400*time.Microsecond).ev(cases.EvTaskAdd, 0, 0)
	s.ev(cases.EvTaskRun, 0, 0)
	s.issue(0, 0)
	done := s.ev(cases.EvComplete, 0, 8)
	s.cqe(0, 8)
	s.free(0)
	return s.done(judge.Fail, judge.Violation{Rule: "G8",
		Text: "the drained leader @2 was issued before @1 had completed", SQEs: []int{0, 1}, Events: []int{early, done}})
}

func fakeHang(t testing.TB) Case {
	s := newSim(t, `name member-never-queued
needs groups

ring r0 entries=8
pipe p0
buf b0 size=4096

submit r0
  lead: read p0.r b0 len=8 GROUP
  m1: nop
feed p0.w 8
wait r0
`)
	s.o.End = cases.EndTimeout
	s.submit(0, 1).ev(cases.EvIssue, 0, 0)
	s.ev(cases.EvIssueReturn, 0, -11)
	s.ev(cases.EvPollArm, 0, 0)
	s.o.Steps = s.o.Steps[:2]
	s.o.Hang = &cases.HangInfo{
		Step:   2,
		Stacks: []cases.TaskStack{{PID: 88, Comm: "worker", State: "D (disk sleep)", Stack: []string{"io_cqring_wait+0x3a1/0x7c0", "__do_sys_io_uring_enter+0x5d2/0x930", "do_syscall_64+0x82/0x170"}}},
		FDInfo: map[string]string{"r0": "SqMask:\t0x7\nSqHead:\t2\nSqTail:\t2\nCqHead:\t0\nCqTail:\t0\n"},
		SysRq:  []string{"sysrq: Show Blocked State", "task:worker state:D stack:0 pid:88"},
	}
	c := s.done(judge.Hang, judge.Violation{Rule: "G11", Text: "@2 was never issued", SQEs: []int{1}})
	c.Verdict.Reason = "step 3 (wait r0) did not return within 5 s"
	return c
}

func fakeCrash(t testing.TB) Case {
	c := fakePass(t)
	c.Name = "refs-dropped-twice"
	c.Outcome.End, c.Outcome.Error = cases.EndDied, "killed by signal 9"
	c.Verdict = judge.Verdict{Status: judge.Crash, Reason: "refcount_t: underflow; use-after-free.",
		Violations: []judge.Violation{{Rule: "I9", Text: "refcount_t: underflow; use-after-free."}}}
	c.Outcome.Console = []string{
		"[    3.118203] ------------[ cut here ]------------", "[    3.118230] refcount_t: underflow; use-after-free.",
		"[    3.118261] WARNING: CPU: 1 PID: 88 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110",
		"[    3.118305] RIP: 0010:refcount_warn_saturate+0xba/0x110", "[    3.118310] Call Trace:", "[    3.118314]  <TASK>",
		"[    3.118316]  __io_submit_flush_completions+0x2b1/0x560", "[    3.118320]  </TASK>", "[    3.118322] ---[ end trace 0000000000000000 ]---",
	}
	return c
}

// hostile is text that must not come alive in any format.
const hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \"quotes\" '`' | ]]> # \x1b[31m \x00 *b* \u2028"

func fakeHostile() Case {
	return Case{
		Name: "hostile" + hostile, Text: "this does not parse\n" + hostile + "\n```\n",
		Verdict: judge.Verdict{Status: judge.Fail, Reason: hostile, Violations: []judge.Violation{
			{Rule: "I1", Text: hostile, SQEs: []int{-1, 99}, Events: []int{0, -3, 1000}, CQEs: []int{7, 0}}}},
		Outcome: &cases.Outcome{End: cases.EndDied, Error: hostile, Console: []string{hostile},
			CQEs:   []cases.CQE{{Ring: 3, UserData: 0xdeadbeef, Res: -4096}},
			Events: []cases.Event{{Time: 5, Kind: cases.EvSubmit, Ring: 3, Req: 1, UserData: 1 << 63, Op: uint8(uring.OpLast), Flags: 1 << 63}},
			Hang:   &cases.HangInfo{FDInfo: map[string]string{hostile: hostile}, Stacks: []cases.TaskStack{{Comm: hostile, Stack: []string{hostile}}}}},
	}
}

// fakeFlaky fails 3 of 5 times under seed 7 in two ways, and once under seed 9.
func fakeFlaky(t testing.TB) Case {
	c := fakeLeaderFirst(t)
	c.Noise = 7
	first := NewTry(&c, (&Run{Kernel: Kernel{Profile: "v4"}}).profile())
	first.Served = 41
	passed := Try{Status: judge.Pass, Noise: 8}
	again := Try{Status: judge.Pass, Noise: 7, Confirms: true}
	silent := Try{Status: judge.Infra, Why: "QEMU was killed", Noise: 7, Confirms: true}
	later := first
	later.Confirms, later.Served = true, 0
	also := fakeCrash(t)
	also.Name, also.Program, also.Text, also.Noise = c.Name, c.Program, c.Text, 7
	crashed := NewTry(&also, nil)
	crashed.Confirms = true
	also.Tries = []Try{crashed}
	c.Also = []Case{also}
	ninth := first
	ninth.Noise = 9
	c.Tries = []Try{first, passed, ninth, later, again, silent, crashed, again}
	return c
}
