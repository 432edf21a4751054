// SPDX-License-Identifier: Apache-2.0

package model_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

const (
	g    = uring.SQEGroup
	l    = uring.IOLink
	h    = uring.IOHardlink
	d    = uring.IODrain
	skip = uring.CQESkipSuccess
)

// nops is a program of NOP batches with the given flags, in one ring.
func nops(batches ...[]uring.SQEFlags) *cases.Program {
	p := &cases.Program{Name: "nops", Rings: []cases.Ring{{Entries: 64, Flags: uring.SetupSubmitAll}}}
	for _, flags := range batches {
		st := cases.Step{Kind: cases.StepSubmit}
		for _, f := range flags {
			st.SQEs = append(st.SQEs, cases.SQE{Flags: f})
		}
		p.Steps = append(p.Steps, st)
	}
	return p
}

func v4(t *testing.T) *cases.Profile { return load(t, "v4") }

func load(t *testing.T, name string) *cases.Profile {
	t.Helper()
	pr, err := cases.LoadProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return pr
}

func TestAssemble(t *testing.T) {
	joins := *v4(t)
	joins.Semantics.OpenGroup = "joins-chain"
	el := func(sqe, group int) model.Element { return model.Element{SQE: sqe, Group: group} }
	for _, test := range []struct {
		name string
		pr   *cases.Profile
		p    *cases.Program
		want model.Structure
	}{
		{"plain", v4(t), nops([]uring.SQEFlags{0, 0}), model.Structure{}},
		{"group", v4(t), nops([]uring.SQEFlags{0, g, g, 0, 0}), model.Structure{
			Groups: []model.Group{{Leader: 1, Members: []int{2, 3}, Chain: -1}},
		}},
		{"two groups side by side", v4(t), nops([]uring.SQEFlags{g, 0, g, 0}), model.Structure{
			Groups: []model.Group{{Leader: 0, Members: []int{1}, Chain: -1}, {Leader: 2, Members: []int{3}, Chain: -1}},
		}},
		{"closed by the end of the submission", v4(t), nops([]uring.SQEFlags{g, g}, []uring.SQEFlags{0, 0}), model.Structure{
			Groups: []model.Group{{Leader: 0, Members: []int{1}, Chain: -1, Open: true}},
		}},
		{"one", v4(t), nops([]uring.SQEFlags{0, g}), model.Structure{
			Groups: []model.Group{{Leader: 1, Chain: -1, Open: true}},
		}},
		{"chain of plain, group, plain", v4(t), nops([]uring.SQEFlags{l, g | l, 0, 0}), model.Structure{
			Groups: []model.Group{{Leader: 1, Members: []int{2}, Chain: 0}},
			Chains: []model.Chain{{Elements: []model.Element{el(0, -1), el(1, 0), el(3, -1)}}},
		}},
		{"member's link flags are ignored", v4(t), nops([]uring.SQEFlags{g, g | l, h | d, 0}), model.Structure{
			Groups: []model.Group{{Leader: 0, Members: []int{1, 2}, Chain: -1}},
		}},
		{"group left open behind an open chain", v4(t), nops([]uring.SQEFlags{l, l, g, g}), model.Structure{
			Groups: []model.Group{{Leader: 2, Members: []int{3}, Chain: -1, Open: true}},
			Chains: []model.Chain{{Elements: []model.Element{el(0, -1), el(1, -1)}}},
		}},
		{"the same where it joins the chain", &joins, nops([]uring.SQEFlags{l, l, g, g}), model.Structure{
			Groups: []model.Group{{Leader: 2, Members: []int{3}, Chain: 0, Open: true}},
			Chains: []model.Chain{{Elements: []model.Element{el(0, -1), el(1, -1), el(2, 0)}}},
		}},
		{"no groups in the kernel", load(t, "none"), nops([]uring.SQEFlags{g | l, 0}), model.Structure{
			Chains: []model.Chain{{Elements: []model.Element{el(0, -1), el(1, -1)}}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(&test.want, model.Assemble(test.p, test.pr)); diff != "" {
				t.Errorf("structure (-want +got):\n%s", diff)
			}
		})
	}
}

func v7(t *testing.T) *cases.Profile { return load(t, "v7") }

// rulesOf lists the rules by which request i may be cancelled, with "!" where it always is.
func rulesOf(e *model.Expectation, i int) (rules []string) {
	for _, c := range e.Requests[i].Cancels {
		rule := c.Rule
		if c.By == nil || c.Parsed {
			rule += "!"
		}
		rules = append(rules, rule)
	}
	return rules
}

func TestExpectCancellation(t *testing.T) {
	bad := func(p *cases.Program, i int) *cases.Program {
		p.SQEs()[i].SQE.Op = 255
		return p
	}
	for _, test := range []struct {
		name string
		pr   *cases.Profile
		p    *cases.Program
		want map[int][]string // by SQE; what is not listed is never cancelled
	}{
		{"alone", v4(t), nops([]uring.SQEFlags{g, g, 0}), nil},
		{"chain", v4(t), nops([]uring.SQEFlags{l, g | l, 0, 0}), map[int][]string{
			1: {"G7"}, 2: {"G7"}, 3: {"I6", "G6"},
		}},
		{"hard link", v4(t), nops([]uring.SQEFlags{g | h, 0, 0}), nil},
		{"rejected member of an unlinked leader", v4(t), bad(nops([]uring.SQEFlags{g, g, 0}), 1), nil},
		{"rejected member of a linked leader", v4(t), bad(nops([]uring.SQEFlags{g | l, g, 0, 0}), 1), map[int][]string{
			0: {"P4.6!"}, 3: {"G6", "G6!"},
		}},
		{"rejected plain request behind a group", v4(t), bad(nops([]uring.SQEFlags{g | l, 0, 0}), 2), map[int][]string{
			0: {"G7!"}, 1: {"G7!"}, 2: {"G6"},
		}},
		{"v7: leader fails", v7(t), nops([]uring.SQEFlags{g, 0}), map[int][]string{1: {"P7.5"}}},
		{"v7: rejected member", v7(t), bad(nops([]uring.SQEFlags{g, g, 0}), 1), map[int][]string{
			0: {"P7.6!"}, 1: {"P7.5"}, 2: {"P7.5", "P7.6!"},
		}},
		{"v7: member with LINK", v7(t), nops([]uring.SQEFlags{g, g | l, 0}), map[int][]string{1: {"P7.2!"}, 2: {"P7.2!"}}},
		{"v7: member with SKIP", v7(t), nops([]uring.SQEFlags{g | skip, skip}), map[int][]string{1: {"P7.3!"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := model.Expect(test.p, test.pr)
			for i := range e.Requests {
				if got := rulesOf(e, i); !slices.Equal(got, test.want[i]) {
					t.Errorf("SQE %d is cancelled by %v, want %v", i, got, test.want[i])
				}
			}
		})
	}
}

// linkTimeouts makes SQEs link timeouts.
func linkTimeouts(p *cases.Program, sqes ...int) *cases.Program {
	for _, i := range sqes {
		q := p.SQEs()[i].SQE
		q.Op, q.Timeout = uring.OpLinkTimeout, time.Millisecond
	}
	return p
}

// withOp gives an SQE another opcode.
func withOp(p *cases.Program, i int, op uring.Op) *cases.Program {
	p.SQEs()[i].SQE.Op = op
	return p
}

// disabled makes the ring begin disabled, and be enabled behind the first step.
func disabled(p *cases.Program) *cases.Program {
	p.Rings[0].Flags |= uring.SetupRDisabled
	p.Steps = slices.Insert(p.Steps, 1, cases.Step{Kind: cases.StepRegister, Reg: &cases.Registration{Op: uring.RegisterEnableRings}})
	return p
}

func TestExpectPrep(t *testing.T) {
	einval, eopnotsupp := int32(-model.EINVAL), int32(-model.EOPNOTSUPP)
	for _, test := range []struct {
		name string
		pr   *cases.Profile
		p    *cases.Program
		want []int32
	}{
		{"bit 7 without groups", load(t, "none"), nops([]uring.SQEFlags{g, 0}), []int32{einval, 0}},
		{"drain after skip", v4(t), nops([]uring.SQEFlags{skip, d, 0}), []int32{0, eopnotsupp, 0}},
		{"drain with skip", v4(t), nops([]uring.SQEFlags{skip | d, 0}), []int32{eopnotsupp, 0}},
		{"drain after skip that never came to the kernel", v4(t), disabled(nops([]uring.SQEFlags{skip}, []uring.SQEFlags{d})), []int32{0, 0}},
		{"drain before skip", v4(t), nops([]uring.SQEFlags{d, skip}), []int32{0, 0}},
		{"no buffers for a NOP", v4(t), nops([]uring.SQEFlags{uring.BufferSelect}), []int32{eopnotsupp}},
		{"group of one", v4(t), nops([]uring.SQEFlags{g}), []int32{0}},
		{"v7: group of one", v7(t), nops([]uring.SQEFlags{g}), []int32{einval}},
		{"v7: group of one that may be rejected by itself", v7(t), withOp(nops([]uring.SQEFlags{g}), 0, uring.OpReadv), []int32{einval}},
		{"v7: member with DRAIN, leader that may be rejected by itself", v7(t), withOp(nops([]uring.SQEFlags{g, d}), 0, uring.OpReadv), []int32{einval, 0}},
		{"two timeouts for one link", v4(t), linkTimeouts(nops([]uring.SQEFlags{l, l, l, 0}), 1, 2), []int32{0, 0, einval, 0}},
		{"v4: timeout behind a linked group", v4(t), linkTimeouts(nops([]uring.SQEFlags{g | l, 0, 0}), 2), []int32{0, 0, 0}},
		{"v7: timeout behind a linked group", v7(t), linkTimeouts(nops([]uring.SQEFlags{g | l, 0, 0}), 2), []int32{0, 0, einval}},
		{"v7: member with DRAIN", v7(t), nops([]uring.SQEFlags{g, d}), []int32{einval, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := model.Expect(test.p, test.pr)
			for i := range e.Requests {
				if got := e.Requests[i].Prep; got.Errno != test.want[i] || got.Unsure {
					t.Errorf("SQE %d: %+v, want %d", i, got, test.want[i])
				}
			}
		})
	}
}

// A group whose last SQE is rejected may end the submission: whether the ring has seen what follows is not known.
func TestPrepBehindOpenEnd(t *testing.T) {
	p := nops([]uring.SQEFlags{g, 0, skip}, []uring.SQEFlags{d})
	p.Rings[0].Flags, p.Steps[0].SQEs[1].Op = 0, uring.OpLast
	if got := model.Expect(p, v4(t)).Requests[3].Prep; !got.Unsure {
		t.Errorf("a drain behind a CQE_SKIP that may not have been taken: %+v, want it unsure", got)
	}
}

// has tells whether the expectation holds the order under the rule.
func has(e *model.Expectation, rule string, before int, bp model.Point, after int, ap model.Point) bool {
	return slices.ContainsFunc(e.Orders, func(o model.Order) bool {
		return o.Rule == rule && o.BeforePoint == bp && o.AfterPoint == ap &&
			slices.Contains(o.Before, before) && slices.Contains(o.After, after)
	})
}

func TestExpectOrder(t *testing.T) {
	e := model.Expect(nops([]uring.SQEFlags{0, g | l | d, 0, 0, 0}), v4(t))
	for _, o := range []struct {
		rule   string
		before int
		bp     model.Point
		after  int
		ap     model.Point
	}{
		{"G4", 2, model.CQE, 1, model.CQE},
		{"G5", 2, model.Done, 3, model.Issued},
		{"G8", 0, model.Done, 1, model.Issued},
		{"G8", 0, model.Done, 2, model.Issued},
		{"G8", 2, model.Done, 4, model.Issued},
	} {
		if !has(e, o.rule, o.before, o.bp, o.after, o.ap) {
			t.Errorf("%s: SQE %d must be %s before SQE %d is %s, but no order says so", o.rule, o.before, o.bp, o.after, o.ap)
		}
	}
	rejected := nops([]uring.SQEFlags{g | d, 0, 0})
	rejected.Steps[0].SQEs[0].Op = uring.OpLast
	if !has(model.Expect(rejected, v4(t)), "G8", 1, model.Done, 2, model.Issued) {
		t.Error("members of a drained leader that is rejected must hold back what is behind them")
	}
	rejected.Steps[0].SQEs = append([]cases.SQE{{Flags: skip}}, rejected.Steps[0].SQEs...)
	if has(model.Expect(rejected, v4(t)), "G8", 2, model.Done, 3, model.Issued) {
		t.Error("a ring that has skipped a CQE does not drain")
	}
	hides := nops([]uring.SQEFlags{g | d, 0, l | skip, 0, 0})
	if !has(model.Expect(hides, v4(t)), "G8", 1, model.Done, 4, model.Issued) {
		t.Error("what is behind the chain behind a drained group must be held back")
	}
	hides.Steps[0].SQEs[2].Op = uring.OpSendZc
	if has(model.Expect(hides, v4(t)), "G8", 1, model.Done, 4, model.Issued) {
		t.Error("a notification upsets the drain's sequence for what comes behind it")
	}
	hides.Steps[0].SQEs[2].Op = uring.OpNop
	hides.Steps[0].SQEs[3].Op = uring.OpLast
	if has(model.Expect(hides, v4(t)), "G8", 1, model.Done, 4, model.Issued) {
		t.Error("a chain that is rejected and hides it has no place in the drain's sequence")
	}
	if has(model.Expect(withOp(nops([]uring.SQEFlags{g | d, 0, 0}), 1, uring.OpSendZc), v4(t)), "G8", 0, model.Done, 2, model.Issued) {
		t.Error("a member that posts two CQEs ends the drain early, by the kernel's own counting")
	}
	timed := model.Expect(linkTimeouts(nops([]uring.SQEFlags{0, l, l, d}), 2), v4(t))
	if has(timed, "I4", 2, model.Done, 3, model.Issued) || !has(timed, "I4", 1, model.Done, 3, model.Issued) {
		t.Error("a drain waits for what is ahead of it, but for a linked timeout of its own chain, which task work ends")
	}
	e = model.Expect(nops([]uring.SQEFlags{0, g, d, 0}), v4(t))
	if has(e, "G8", 0, model.Done, 2, model.Issued) {
		t.Error("DRAIN on a member must be ignored (P4.2)")
	}
}

func TestFailed(t *testing.T) {
	for _, test := range []struct {
		name   string
		q      cases.SQE
		res    int32
		failed bool
	}{
		{"nop", cases.SQE{}, 0, false},
		{"failing nop", cases.SQE{}, -5, true},
		{"short read", cases.SQE{Op: uring.OpRead, Len: 256}, 100, true},
		{"whole read", cases.SQE{Op: uring.OpRead, Len: 256}, 256, false},
		{"timeout", cases.SQE{Op: uring.OpTimeout}, -model.ETIME, true},
		{"timeout whose expiry is a success", cases.SQE{Op: uring.OpTimeout, OpFlags: 1 << 5}, -model.ETIME, false},
		{"poll", cases.SQE{Op: uring.OpPollAdd}, 1, false},
		{"short receive", cases.SQE{Op: uring.OpRecv, Len: 8}, 3, false},
	} {
		if failed, unsure := model.Failed(&test.q, test.res); failed != test.failed || unsure {
			t.Errorf("%s: failed %v, unsure %v, want %v", test.name, failed, unsure, test.failed)
		}
	}
}

// A chain that the end of the submission leaves open goes to io-wq, asked or not.
func TestExpectWorker(t *testing.T) {
	armed := nops([]uring.SQEFlags{uring.Async, uring.Async})
	armed.Steps[0].SQEs[0].Op = uring.OpReadMultishot
	for _, test := range []struct {
		name string
		p    *cases.Program
		want []model.Worker
	}{
		{"plain", nops([]uring.SQEFlags{0, uring.Async}), []model.Worker{model.WorkerNever, model.WorkerMust}},
		{"multishot", armed, []model.Worker{model.WorkerEither, model.WorkerMust}},
		{"closed chain", nops([]uring.SQEFlags{l, 0}), []model.Worker{model.WorkerNever, model.WorkerNever}},
		{"open chain", nops([]uring.SQEFlags{l, l}), []model.Worker{model.WorkerEither, model.WorkerEither}},
		{"open chain ahead of an open group", nops([]uring.SQEFlags{l, g, g}), []model.Worker{model.WorkerEither, model.WorkerNever, model.WorkerNever}},
		{"group with a leader in io-wq", nops([]uring.SQEFlags{g | uring.Async, 0}), []model.Worker{model.WorkerMust, model.WorkerNever}},
		{"behind a drain", nops([]uring.SQEFlags{0, d, 0}), []model.Worker{model.WorkerNever, model.WorkerEither, model.WorkerEither}},
	} {
		e := model.Expect(test.p, v4(t))
		for i := range e.Requests {
			if got := e.Requests[i].Worker; got != test.want[i] {
				t.Errorf("%s: SQE %d: %v, want %v", test.name, i, got, test.want[i])
			}
		}
	}
}

// What SQPOLL's thread finds when its ring is enabled was submitted before, though that was refused.
func TestSubmittedToADisabledRing(t *testing.T) {
	for _, test := range []struct {
		flags uring.SetupFlags
		want  model.Prep
	}{
		{uring.SetupSubmitAll | uring.SetupRDisabled | uring.SetupSQPoll, model.Prep{Errno: -model.EOPNOTSUPP, Unsure: true}},
		{uring.SetupSubmitAll | uring.SetupRDisabled, model.Prep{}},
	} {
		p := nops([]uring.SQEFlags{skip, d})
		p.Rings[0].Flags = test.flags
		p.Steps = append(p.Steps, cases.Step{Kind: cases.StepRegister, Reg: &cases.Registration{Op: uring.RegisterEnableRings}})
		if got := model.Expect(p, v4(t)).Requests[1].Prep; got != test.want {
			t.Errorf("flags %s: %+v, want %+v", cases.SetupFlagNames(test.flags), got, test.want)
		}
	}
}

// With SQPOLL a batch ends where the kernel's thread looks: certainly behind what was waited for.
func TestBatchesOfSQPoll(t *testing.T) {
	open, rest := []uring.SQEFlags{g, g}, []uring.SQEFlags{0, 0}
	for _, test := range []struct {
		name   string
		wait   *cases.Step
		flags  uring.SetupFlags
		unsure int
	}{
		{"one after the other", nil, 0, 4},
		{"waited for all in between", &cases.Step{Kind: cases.StepWait}, 0, 0},
		{"waited for one in between, which may be the rejected first", &cases.Step{Kind: cases.StepWait, N: 1}, 0, 4},
		{"waited for both in between", &cases.Step{Kind: cases.StepWait, N: 2}, 0, 0},
		{"waited for one in between, and none stops the thread", &cases.Step{Kind: cases.StepWait, N: 1}, uring.SetupSubmitAll, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := nops(open, rest)
			p.Rings[0].Flags = uring.SetupSQPoll | test.flags
			if test.wait != nil {
				p.Steps = slices.Insert(p.Steps, 1, *test.wait)
			}
			if got := model.Assemble(p, v4(t)).Unsure; len(got) != test.unsure {
				t.Errorf("it is open what SQEs %v belong to, want %d", got, test.unsure)
			}
		})
	}
	closed := nops([]uring.SQEFlags{g, 0}, rest)
	closed.Rings[0].Flags |= uring.SetupSQPoll
	if got := model.Assemble(closed, v4(t)).Unsure; len(got) != 0 {
		t.Errorf("nothing is open behind a closed group, but SQEs %v are unsure", got)
	}
}

// Background steps are over when something has waited for them.
func TestStepBefore(t *testing.T) {
	steps := []cases.Step{
		{Kind: cases.StepTake, Thread: "t1", Background: true}, // 0
		{Kind: cases.StepTake},                                 // 1
		{Kind: cases.StepTake, Thread: "t2", Background: true}, // 2
		{Kind: cases.StepJoin, Join: "t1"},                     // 3
		{Kind: cases.StepTake, Thread: "t2"},                   // 4
		{Kind: cases.StepTake},                                 // 5
	}
	e := &model.Expectation{Program: &cases.Program{Steps: steps}}
	for _, test := range []struct {
		a, b int
		want bool
	}{
		{0, 1, false}, {0, 3, false}, {0, 4, true}, {1, 2, true}, {2, 3, false}, {2, 4, true}, {2, 5, true}, {1, 0, false}, {0, 6, true}, {-1, 2, false},
	} {
		if got := e.StepBefore(test.a, test.b); got != test.want {
			t.Errorf("step %d is over before step %d begins: %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

// Submissions that the kernel refuses as a whole.
func TestRefused(t *testing.T) {
	enable := cases.Step{Kind: cases.StepRegister, Thread: "t1", Reg: &cases.Registration{Op: uring.RegisterEnableRings}}
	for _, test := range []struct {
		name   string
		flags  uring.SetupFlags
		before []cases.Step
		want   int32
	}{
		{"plain", 0, nil, 0},
		{"not enabled", uring.SetupRDisabled, nil, model.EBADFD},
		{"enabled", uring.SetupRDisabled, []cases.Step{enable}, 0},
		{"by another issuer", uring.SetupRDisabled | uring.SetupSingleIssuer, []cases.Step{enable}, model.EEXIST},
		{"enabled again", uring.SetupRDisabled | uring.SetupSingleIssuer, []cases.Step{{Kind: enable.Kind, Reg: enable.Reg}, enable}, 0},
		{"enabled in vain", uring.SetupSingleIssuer, []cases.Step{enable}, 0},
		{"closed", 0, []cases.Step{{Kind: cases.StepCloseRing}}, model.EBADF},
	} {
		p := nops([]uring.SQEFlags{0})
		p.Rings[0].Flags = test.flags
		p.Steps = append(slices.Clone(test.before), p.Steps...)
		if got, sure := model.Expect(p, v4(t)).Refused(len(test.before)); got != test.want || !sure {
			t.Errorf("%s: errno %d (sure: %v), want %d", test.name, got, sure, test.want)
		}
	}
}

// A ring's number that was registered for one thread is nothing to another.
func TestRefusedElsewhere(t *testing.T) {
	p := nops([]uring.SQEFlags{0})
	p.Steps = []cases.Step{{Kind: cases.StepRegister, Reg: &cases.Registration{Op: uring.RegisterRingFDs}}, p.Steps[0]}
	if got, sure := model.Expect(p, v4(t)).Refused(1); got != 0 || !sure {
		t.Errorf("by the thread itself: errno %d (sure: %v), want 0", got, sure)
	}
	p.Steps[1].Thread = "t1"
	if got, sure := model.Expect(p, v4(t)).Refused(1); got != model.EINVAL || sure {
		t.Errorf("by another: errno %d (sure: %v), want that it may be %d", got, sure, model.EINVAL)
	}
}

// An injected failure may hit the requests of its step, and nothing else is given up for it.
func TestFaultAllowsErrors(t *testing.T) {
	p := nops([]uring.SQEFlags{0}, []uring.SQEFlags{0})
	p.Steps = slices.Insert(p.Steps, 0, cases.Step{Kind: cases.StepFault, Fault: cases.FaultSlab, N: 1})
	e := model.Expect(p, v4(t))
	if r := &e.Requests[0]; !r.Own.Has(-model.ENOMEM) || !r.Prep.Unsure || r.Own.Has(-model.ECANCELED) {
		t.Errorf("the request that fails by chance: %+v", r)
	}
	if r := &e.Requests[1]; r.Own.Has(-model.ENOMEM) || r.Prep.Errno != 0 {
		t.Errorf("a request behind the failure: %+v", r)
	}
}
