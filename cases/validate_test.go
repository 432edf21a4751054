// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// What no text can say, a Program made by code can.
func TestValidate(t *testing.T) {
	base := func() *cases.Program {
		return &cases.Program{
			Name:      "x",
			Rings:     []cases.Ring{{Name: "r0", Entries: 8}},
			Resources: []cases.Resource{{Name: "f0"}, {Name: "e0", Kind: cases.ResEventFD}},
			Buffers:   []cases.Buffer{{Name: "b0", Size: 64}},
			Steps: []cases.Step{
				{Kind: cases.StepSubmit, SQEs: []cases.SQE{{}}},
				{Kind: cases.StepWait},
			},
		}
	}
	if err := base().Validate(); err != nil {
		t.Fatalf("the program to spoil is not valid: %v", err)
	}
	sqe := func(s cases.SQE) func(*cases.Program) {
		return func(p *cases.Program) { p.Steps[0].SQEs[0] = s }
	}
	step := func(s cases.Step) func(*cases.Program) {
		return func(p *cases.Program) { p.Steps[1] = s }
	}
	for _, tt := range []struct {
		name  string
		spoil func(*cases.Program)
		msg   string
	}{
		{"no ring", step(cases.Step{Kind: cases.StepWait, Ring: 3}), "step 2 (wait): there is no ring 3"},
		{"negative ring", step(cases.Step{Kind: cases.StepWait, Ring: -1}), "no ring -1"},
		{"step kind", step(cases.Step{Kind: 99}), "unknown kind of step 99"},
		{"stray field", step(cases.Step{Kind: cases.StepWait, Fill: 1}), "Fill is set"},
		{"stray SQEs", step(cases.Step{Kind: cases.StepWait, SQEs: []cases.SQE{{}}}), "SQEs is set"},
		{"no resource", sqe(cases.SQE{FD: cases.FD{Ref: 9}}), "SQE @1: there is no resource 9"},
		{"end of a file", sqe(cases.SQE{FD: cases.FD{Ref: 1, End: 1}}), "no end 1"},
		{"two fds", sqe(cases.SQE{FD: cases.FD{Ref: 1, HasRaw: true}}), "either"},
		{"hidden number", sqe(cases.SQE{FD: cases.FD{Raw: 3}}), "nobody asked for"},
		{"no buffer", sqe(cases.SQE{Buf: cases.BufRef{Ref: -1}}), "no buffer -1"},
		{"offset into nothing", sqe(cases.SQE{Buf: cases.BufRef{Off: 1}}), "no buffer"},
		{"wraps around", sqe(cases.SQE{Op: uring.OpRead, Buf: cases.BufRef{Ref: 1, Off: 64}, Len: 1<<32 - 1}), "has 64"},
		{"target", sqe(cases.SQE{Target: 2}), "no SQE @2"},
		{"negative time", sqe(cases.SQE{Timeout: -time.Second}), "timeout=-1s"},
		{"inject unset", sqe(cases.SQE{Inject: 3}), "HasInject"},
		{"inject and len", sqe(cases.SQE{HasInject: true, Len: 3}), "give either"},
		{"setup bits", func(p *cases.Program) { p.Rings[0].Flags = 1 << 30 }, "ring r0: the flags 0x40000000 are unknown"},
		{"fd without resource", step(cases.Step{Kind: cases.StepTake, N: 8, FD: cases.FD{HasRaw: true}}), "needs a file"},
		{"eventfd", step(cases.Step{Kind: cases.StepFeed, N: 8, Fill: 1, FD: cases.FD{Ref: 2}}), "takes a number"},
		{"comment", func(p *cases.Program) { p.Steps[0].Comment = "a\rb" }, "control character"},
		{"comment end", func(p *cases.Program) { p.Steps[0].Comment = "a \nb" }, "ends with a space"},
		{"about", func(p *cases.Program) { p.About = "\na" }, "empty line"},
		{"licence in about", func(p *cases.Program) { p.About = "SPDX-License-Identifier: MIT" }, "belongs into License"},
		{"licence", func(p *cases.Program) { p.License = "MIT\n" }, "one line"},
		{"resource kind", func(p *cases.Program) { p.Resources[0].Kind = 77 }, "unknown kind of resource"},
		{"pipe with size", func(p *cases.Program) { p.Resources[1].Size = 7 }, "which a eventfd does not have"},
		{"thread's name", func(p *cases.Program) { p.Steps[1].Thread = "T" }, "lower case"},
		{"threads", func(p *cases.Program) {
			for i := range cases.MaxThreads + 1 {
				p.Steps = append(p.Steps, cases.Step{Kind: cases.StepWait, Thread: fmt.Sprintf("t%d", i)})
			}
		}, "more than 8 threads"},
		{"nothing registered", step(cases.Step{Kind: cases.StepRegister}), "what to register is missing"},
		{"registration's stray field", step(cases.Step{Kind: cases.StepRegister, Reg: &cases.Registration{Op: uring.RegisterFiles, FDs: make([]cases.FD, 1), Size: 3}}), "Size is set"},
		{"registration without a list", step(cases.Step{Kind: cases.StepRegister, Reg: &cases.Registration{Op: uring.RegisterBuffers}}), "0 listed"},
		{"clone of no ring", step(cases.Step{Kind: cases.StepRegister, Reg: &cases.Registration{Op: uring.RegisterCloneBuffers, Source: 9}}), "no ring 8"},
		{"stray Reg", step(cases.Step{Kind: cases.StepWait, Reg: &cases.Registration{}}), "Reg is set"},
		{"fault kind", step(cases.Step{Kind: cases.StepFault, Fault: 9, N: 1}), "unknown kind of fault 9"},
		{"min without a count", step(cases.Step{Kind: cases.StepWait, MinWait: time.Second}), "only a wait for a number"},
		{"uid", func(p *cases.Program) {
			p.Steps[1] = cases.Step{Kind: cases.StepUID, Thread: "t", N: 1 << 20}
		}, "not a user ID"},
		{"ring as fd", sqe(cases.SQE{FD: cases.FD{Ring: 2}}), "either a ring's"},
		{"ring and resource", sqe(cases.SQE{FD: cases.FD{Ring: 1, Ref: 1}}), "either a ring's"},
		{"addr and buffer", sqe(cases.SQE{Addr: 1, Buf: cases.BufRef{Ref: 1}}), "share one field"},
		{"two addr3", sqe(cases.SQE{Addr3: 1, Buf3: cases.BufRef{Ref: 1}}), "either a buffer or a number"},
		{"attach to itself", func(p *cases.Program) { p.Rings[0].Attach = 1 }, "an earlier one"},
		{"idle of a part", func(p *cases.Program) {
			p.Rings[0].Flags, p.Rings[0].Idle = uring.SetupSQPoll, time.Microsecond
		}, "whole number of milliseconds"},
		{"buffer kind", func(p *cases.Program) { p.Buffers[0].Kind = 99 }, "unknown kind of buffer"},
		{"buffer's stray field", func(p *cases.Program) { p.Buffers[0].Text = "x" }, "Text is set"},
		{"absolute text", func(p *cases.Program) {
			p.Buffers[0] = cases.Buffer{Name: "n0", Kind: cases.BufText, Text: "/dev/null"}
		}, "without / at an end"},
		{"iovec of itself", func(p *cases.Program) {
			p.Buffers[0] = cases.Buffer{Name: "v0", Kind: cases.BufIovec, Parts: []cases.Part{{Buf: cases.BufRef{Ref: 1}}}}
		}, "no buffer 1 ahead"},
		{"filesystem", func(p *cases.Program) { p.Resources[0].FS = 7 }, "unknown filesystem"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := base()
			tt.spoil(p)
			err := p.Validate()
			if err == nil || !strings.Contains(err.Error(), tt.msg) {
				t.Errorf("got %v, want ...%s...", err, tt.msg)
			}
			_ = p.Text() // for crash reports: never panics
		})
	}
}

// Any valid Program survives its text form, whatever the fields hold: this
// is what the fuzzer's findings and the minimiser rely on.
func TestTextOfRandomPrograms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		p := randomProgram(rng)
		if err := p.Validate(); err != nil {
			t.Fatalf("the generator makes programs that are not valid: %v", err)
		}
		text := p.Text()
		again, err := cases.Parse("random.ring", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(p, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("text lost something (-program +reparsed):\n%s\n%s", diff, text)
		}
	}
}

func randomProgram(rng *rand.Rand) *cases.Program {
	some := func() bool { return rng.IntN(3) == 0 }
	note := func() string {
		return []string{"", "", "why", "a\n\nb", "  # odd", strings.Repeat("long ", 20) + "x", "ü"}[rng.IntN(7)]
	}
	p := &cases.Program{
		Name:  "random",
		About: note(),
		Rings: []cases.Ring{{Name: "r0", Entries: 64, Comment: note()}, {Name: "r1", Entries: 16, CQEntries: 32}},
		Resources: []cases.Resource{
			{Name: "f0", Comment: note(), FS: cases.FS(rng.IntN(2)), Size: rng.Uint32N(5000), Fill: cases.Fill(rng.Uint32()), Direct: some()},
			{Name: "p0", Kind: cases.ResPipe, NonBlock: some()},
			{Name: "s0", Kind: cases.ResSocketPair},
			{Name: "e0", Kind: cases.ResEventFD},
		},
		Buffers: []cases.Buffer{{Name: "b0", Size: 4096, Comment: note(), Fill: cases.Fill(rng.IntN(3))}},
	}
	const batches, batch = 3, 5
	for range batches {
		s := cases.Step{Kind: cases.StepSubmit, Ring: rng.IntN(2), Comment: note()}
		for range batch {
			s.SQEs = append(s.SQEs, randomSQE(rng, batches*batch, note()))
		}
		p.Steps = append(p.Steps, s)
	}
	p.Steps[1].SQEs[0].Label = "a"
	p.Steps = append(p.Steps,
		cases.Step{Kind: cases.StepWait, N: rng.IntN(3), Timeout: time.Duration(rng.Int64N(int64(time.Second))), Comment: note()},
		cases.Step{Kind: cases.StepCancel, Target: rng.IntN(batches*batch + 1), CancelFlags: rng.Uint32()},
		cases.Step{Kind: cases.StepFeed, FD: cases.FD{Ref: 2, End: 1}, N: 1 + rng.IntN(100), Fill: cases.Fill(rng.Uint32())},
		cases.Step{Kind: cases.StepTake, FD: cases.FD{Ref: 3, End: rng.IntN(2)}, N: 1 + rng.IntN(100)},
		cases.Step{Kind: cases.StepCloseFD, FD: cases.FD{Ref: 4}},
		cases.Step{Kind: cases.StepRegister, Reg: randomRegistration(rng), Comment: note()},
		cases.Step{Kind: cases.StepWait, Thread: "t1", N: 1 + rng.IntN(3), MinWait: time.Duration(rng.IntN(1000)) * time.Microsecond, Background: some()},
		cases.Step{Kind: cases.StepJoin, Join: "t1"},
		cases.Step{Kind: cases.StepCloseRing, Ring: 1},
		cases.Step{Kind: []cases.StepKind{cases.StepExit, cases.StepKill}[rng.IntN(2)], Comment: note()})
	return p
}

func randomRegistration(rng *rand.Rand) *cases.Registration {
	fds := []cases.FD{{}, {Ref: 1}, {Ref: 2, End: 1}, {Ring: 2}, {HasRaw: true, Raw: -2}}
	parts := []cases.Part{{}, {Buf: cases.BufRef{Ref: 1}}, {Buf: cases.BufRef{Ref: 1, Off: rng.Uint32N(2048)}, Len: rng.Uint32N(2048)}}
	rng.Shuffle(len(fds), func(i, j int) { fds[i], fds[j] = fds[j], fds[i] })
	return []*cases.Registration{
		{Op: uring.RegisterFiles, FDs: fds},
		{Op: uring.RegisterFilesUpdate, FDs: fds[:1+rng.IntN(4)], From: rng.Uint32()},
		{Op: uring.RegisterBuffers, Bufs: parts},
		{Op: uring.RegisterPbufRing, Bufs: parts[1:2], Group: uint16(rng.Uint32()), Entries: 1 << rng.IntN(10), Size: 1 + rng.Uint32N(4096), Flags: rng.Uint32N(4)},
		{Op: uring.UnregisterPersonality, From: rng.Uint32()},
		{Op: uring.RegisterIOWQMaxWorkers, Counts: [2]uint32{rng.Uint32(), rng.Uint32()}},
		{Op: uring.RegisterOp(31 + rng.Uint32N(1000)), Bufs: parts[2:], Entries: rng.Uint32()},
	}[rng.IntN(7)]
}

func randomSQE(rng *rand.Rand, sqes int, comment string) cases.SQE {
	some := func() bool { return rng.IntN(3) == 0 }
	s := cases.SQE{Comment: comment, Op: uring.Op(rng.IntN(int(uring.OpLast) + 2)), Flags: uring.SQEFlags(rng.IntN(256))}
	if some() {
		s.FD = []cases.FD{{Ref: 1}, {Ref: 2, End: 1}, {Ref: 3}, {Ref: 4}, {HasRaw: true}, {HasRaw: true, Raw: -7}}[rng.IntN(6)]
	}
	switch rng.IntN(5) {
	case 0:
		s.Buf = cases.BufRef{Ref: 1, Off: rng.Uint32N(2048)}
	case 1:
		s.Target = 1 + rng.IntN(sqes)
	case 2:
		s.Timeout = time.Duration(1 + rng.Int64N(int64(time.Hour)))
	case 3:
		s.Addr = ^uint64(0) >> rng.IntN(64)
	}
	if splice, off, length := cases.SecondFD(s.Op); (splice || off || length) && some() {
		s.FD2 = cases.FD{Ring: 1}
		return s
	}
	if some() {
		s.FileIndex, s.Personality, s.Pad2 = rng.Uint32()>>rng.IntN(32), uint16(rng.Uint32()), rng.Uint64()>>rng.IntN(64)
	}
	if some() {
		s.Addr3 = ^uint64(0) >> rng.IntN(64)
	}
	if s.Op == uring.OpNop && some() {
		s.HasInject, s.Inject = true, int32(rng.Uint32())>>rng.IntN(32)
		return s
	}
	if some() {
		s.Len = rng.Uint32N(2048)
	}
	if some() {
		s.OpFlags = rng.Uint32() >> rng.IntN(32)
	}
	if some() {
		s.Off = ^uint64(0) >> (rng.IntN(64))
	}
	if some() {
		s.IOPrio = uint16(rng.Uint32())
	}
	if some() {
		s.BufIndex = uint16(rng.Uint32())
	}
	return s
}
