// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// ringFlags are the setup flags that rings get; SQPOLL and IOPOLL are dear.
var ringFlags = []weighted[uring.SetupFlags]{
	{6, uring.SetupSubmitAll},
	{6, uring.SetupDeferTaskrun | uring.SetupSingleIssuer},
	{2, uring.SetupCoopTaskrun},
	{1, uring.SetupCoopTaskrun | uring.SetupTaskrunFlag},
	{1, uring.SetupSingleIssuer},
	{1, uring.SetupCQE32},
	{1, uring.SetupSQE128},
	{1, uring.SetupNoSQArray},
	{1, uring.SetupRDisabled | uring.SetupSingleIssuer | uring.SetupDeferTaskrun},
	{1, uring.SetupClamp},
}

func (w *work) addRing() {
	if len(w.p.Rings) >= 2 {
		return
	}
	r := cases.Ring{Entries: any1[uint32](w.Mutator, 4, 8, 8, 16)}
	for w.chance(40) {
		r.Flags |= pick(w.Mutator, ringFlags)
	}
	if w.chance(12) { // a queue that overflows
		r.Entries = any1[uint32](w.Mutator, 1, 2, 4)
		r.CQEntries = r.Entries
	}
	if len(w.p.Rings) > 0 && w.chance(15) {
		r.Attach = 1
	}
	w.p.Rings = append(w.p.Rings, r)
	if r.Flags&uring.SetupRDisabled != 0 {
		w.insertStep(0, cases.Step{Kind: cases.StepRegister, Ring: len(w.p.Rings) - 1, Reg: &cases.Registration{Op: uring.RegisterEnableRings}})
	}
}

// addSubmission inserts a submission of a few elements: plain requests and groups, linked, drained and so on.
func (w *work) addSubmission(at int) {
	s := cases.Step{Kind: cases.StepSubmit, Ring: w.rnd.IntN(len(w.p.Rings))}
	elements := w.few(5, 30+20*w.lean.link)
	drained := false // the open chain
	for k := range elements {
		last := k == elements-1
		first := len(s.SQEs)
		if !w.chance(28 * w.lean.plain) {
			for range 1 + w.small(5) {
				q := w.memberFlags(w.sqe())
				q.Flags |= uring.SQEGroup
				s.SQEs = append(s.SQEs, q)
			}
			if !last || !w.chance(15*w.lean.open) { // else it is the end of the submission that closes it
				s.SQEs[len(s.SQEs)-1].Flags &^= uring.SQEGroup
			}
		} else {
			s.SQEs = append(s.SQEs, w.sqe())
			if last && w.chance(8) {
				s.SQEs[first].Flags |= uring.SQEGroup // a group of one
			}
		}
		head := &s.SQEs[first]
		w.headFlags(&head.Flags, drained)
		linked := !last && w.chance(40*w.lean.link)
		if linked {
			head.Flags |= any1(w.Mutator, uring.IOLink, uring.IOLink, uring.IOLink, uring.IOHardlink)
		}
		drained = linked && (drained || head.Flags&uring.IODrain != 0)
	}
	if w.chance(5) {
		s.N = 1 + w.rnd.IntN(len(s.SQEs))
	}
	w.insertStep(at, s)
}

// memberFlags gives an SQE flags as a member may have them. Those that mean nothing
// there, or make the kernel refuse the group, come seldom.
func (w *work) memberFlags(q cases.SQE) cases.SQE {
	for _, f := range []weighted[uring.SQEFlags]{
		{2, uring.IOLink}, {1, uring.IOHardlink}, {2, uring.IODrain}, {14 * w.lean.async, uring.Async}, {3, uring.CQESkipSuccess},
	} {
		if w.chance(f.weight) {
			q.Flags |= f.is
		}
	}
	return q
}

// stepMakers make steps between submissions.
var stepMakers = []weighted[func(*work) cases.Step]{
	{30, (*work).waitStep},
	{30, (*work).feedStep},
	{8, (*work).cancelStep},
	{4, (*work).closeStep},
	{1, (*work).takeStep},
	{1, (*work).closeRingStep},
	{3, (*work).registerStep},
	{1, (*work).refillStep},
}

func (w *work) addStep(at int) {
	w.insertStep(at, pick(w.Mutator, stepMakers)(w))
}

func (w *work) aRing() int { return w.rnd.IntN(len(w.p.Rings)) }

func (w *work) waitStep() cases.Step {
	s := cases.Step{Kind: cases.StepWait, Ring: w.aRing()}
	if w.chance(70) {
		s.N = w.small(6)
		if w.chance(5) {
			s.MinWait = shortest
		}
	}
	return s
}

// readEnds lists what the program's requests read from or poll.
func (w *work) readEnds() (fds []cases.FD) {
	for _, at := range w.p.SQEs() {
		fd := at.SQE.FD
		if fd.Ref == 0 || at.SQE.Flags&uring.FixedFile != 0 {
			continue
		}
		switch k := w.p.Resources[fd.Ref-1].Kind; {
		case k == cases.ResPipe && fd.End == 0, k == cases.ResSocketPair, k == cases.ResEventFD:
			if !slices.Contains(fds, fd) {
				fds = append(fds, fd)
			}
		}
	}
	return fds
}

// feedStep ends the wait of some request.
func (w *work) feedStep() cases.Step {
	fd := cases.FD{Ref: w.resource(cases.ResPipe)}
	if ends := w.readEnds(); len(ends) > 0 {
		fd = ends[w.rnd.IntN(len(ends))]
	}
	return w.feed(fd, any1(w.Mutator, 16, 64, 64, 256, 1024))
}

func (w *work) feed(fd cases.FD, n int) cases.Step {
	s := cases.Step{Kind: cases.StepFeed, FD: fd, N: n, Fill: cases.Fill(1 + w.rnd.IntN(9))}
	switch w.p.Resources[fd.Ref-1].Kind {
	case cases.ResEventFD:
		s.N, s.Fill = 1, 0
	default:
		s.FD.End = 1 - fd.End
	}
	return s
}

func (w *work) cancelStep() cases.Step {
	s := cases.Step{Kind: cases.StepCancel, Ring: w.aRing(), Timeout: cancelPatience}
	switch w.rnd.IntN(6) {
	case 0:
		s.CancelFlags = uring.CancelAll | uring.CancelAny
	case 1:
		if ends := w.readEnds(); len(ends) > 0 {
			s.FD, s.CancelFlags = ends[w.rnd.IntN(len(ends))], uring.CancelFD|uring.CancelAll
		}
	case 2:
		s.CancelFlags, s.CancelOp = uring.CancelOp|uring.CancelAll, any1(w.Mutator, uring.OpRead, uring.OpPollAdd, uring.OpNop)
	default:
		s.Target = w.target()
	}
	return s
}

// closeStep closes one end of a pipe or socket, which requests hold or wait for.
func (w *work) closeStep() cases.Step {
	if ends := w.readEnds(); len(ends) > 0 && w.chance(80) {
		fd := ends[w.rnd.IntN(len(ends))]
		if w.p.Resources[fd.Ref-1].Kind != cases.ResEventFD && w.chance(75) {
			fd.End = 1 - fd.End
		}
		return cases.Step{Kind: cases.StepCloseFD, FD: fd}
	}
	return cases.Step{Kind: cases.StepCloseFD, FD: cases.FD{Ref: w.resource(cases.ResPipe), End: 1}}
}

func (w *work) takeStep() cases.Step {
	s := cases.Step{Kind: cases.StepTake, FD: cases.FD{Ref: w.resource(cases.ResPipe)}, N: 64}
	if ends := w.readEnds(); len(ends) > 0 {
		s.FD = ends[w.rnd.IntN(len(ends))]
	}
	return s
}

func (w *work) closeRingStep() cases.Step {
	return cases.Step{Kind: cases.StepCloseRing, Ring: w.aRing()}
}

func (w *work) registerStep() cases.Step {
	s := cases.Step{Kind: cases.StepRegister, Ring: w.aRing()}
	switch w.rnd.IntN(16) {
	case 0, 1:
		return w.registerFiles()
	case 2, 3:
		return w.registerBuffers()
	case 4, 5:
		return w.registerBufRing()
	case 6:
		s.Reg = &cases.Registration{Op: uring.RegisterEventFD, FDs: []cases.FD{{Ref: w.resource(cases.ResEventFD)}}}
	case 7:
		s.Reg = &cases.Registration{Op: uring.RegisterIOWQMaxWorkers, Counts: [2]uint32{1, 1}}
	case 8:
		s.Reg = &cases.Registration{Op: uring.RegisterPersonality}
	case 9:
		s.Reg = &cases.Registration{Op: uring.RegisterRingFDs}
	case 10:
		s.Reg = &cases.Registration{Op: uring.RegisterFilesUpdate, FDs: []cases.FD{w.fd()}}
	case 11:
		s.Reg = &cases.Registration{Op: uring.RegisterBuffersUpdate, Bufs: []cases.Part{{Buf: w.buffer()}}}
	case 12:
		s.Reg = &cases.Registration{Op: uring.RegisterIOWQAff, Counts: [2]uint32{1, 0}}
	case 13:
		s.Reg = &cases.Registration{Op: uring.RegisterFileAllocRange, Entries: 2}
	default:
		s.Reg = &cases.Registration{Op: any1(w.Mutator, uring.UnregisterFiles, uring.UnregisterBuffers, uring.UnregisterPbufRing,
			uring.UnregisterEventFD, uring.UnregisterRingFDs, uring.UnregisterIOWQAff, uring.UnregisterPersonality, uring.RegisterCloneBuffers), Source: 1, From: 1}
	}
	return s
}

func (w *work) registerFiles() cases.Step {
	reg := &cases.Registration{Op: uring.RegisterFiles, FDs: []cases.FD{w.fd(), w.fd()}}
	return cases.Step{Kind: cases.StepRegister, Ring: w.aRing(), Reg: reg}
}

func (w *work) registerBuffers() cases.Step {
	reg := &cases.Registration{Op: uring.RegisterBuffers, Bufs: []cases.Part{{Buf: w.buffer()}, {Buf: w.buffer()}}}
	return cases.Step{Kind: cases.StepRegister, Ring: w.aRing(), Reg: reg}
}

func (w *work) registerBufRing() cases.Step {
	reg := &cases.Registration{Op: uring.RegisterPbufRing, Bufs: []cases.Part{{Buf: w.bigBuffer(256)}}, Entries: 4, Size: 64}
	return cases.Step{Kind: cases.StepRegister, Ring: w.aRing(), Reg: reg}
}

func (w *work) refillStep() cases.Step {
	return cases.Step{Kind: cases.StepRefill, Ring: w.aRing(), Reg: &cases.Registration{From: uint32(w.rnd.IntN(2))}}
}

// addEnder adds a step that ends the wait of the SQE with that index.
func (w *work) addEnder(index, at int) {
	q := w.p.SQEs()[index]
	switch fd := q.SQE.FD; {
	case w.chance(20):
		w.insertStep(at, cases.Step{Kind: cases.StepCancel, Ring: q.Ring, Target: index + 1, Timeout: cancelPatience})
	case w.chance(15):
		w.insertStep(at, cases.Step{Kind: cases.StepSubmit, Ring: q.Ring, SQEs: []cases.SQE{w.cancelOf(index)}})
	case fd.Ref != 0 && slices.Contains(w.readEnds(), fd):
		w.insertStep(at, w.feed(fd, 64))
	}
}

// addEnd ends the program: all get what they wait for and are waited for, or
// ring or process end with whatever waits then.
func (w *work) addEnd() {
	n := w.rnd.IntN(100)
	if n < 60 {
		for _, fd := range w.readEnds() {
			w.p.Steps = append(w.p.Steps, w.feed(fd, 1024))
		}
	}
	switch {
	case n < 75:
	case n < 85:
		w.p.Steps = append(w.p.Steps, cases.Step{Kind: cases.StepCancel, Ring: w.aRing(), CancelFlags: uring.CancelAll | uring.CancelAny, Timeout: cancelPatience})
	case n < 92:
		w.endWith(w.closeRingStep())
		return
	}
	for i := range w.p.Rings {
		w.p.Steps = append(w.p.Steps, cases.Step{Kind: cases.StepWait, Ring: i})
	}
}

// endWith makes s the last step, at the end or before it.
func (w *work) endWith(s cases.Step) {
	n := len(w.p.Steps)
	if n > 1 && w.chance(50) {
		cut := 1 + w.rnd.IntN(n)
		for i := n - 1; i >= cut; i-- {
			w.p.DropStep(i)
		}
	}
	w.p.Steps = append(w.p.Steps, s)
}

// addThread lets another thread do some of the steps.
func (w *work) addThread() {
	name := threadName(uint8(1 + w.rnd.IntN(2)))
	for i := range w.p.Steps {
		if s := &w.p.Steps[i]; w.chance(40) && s.Kind != cases.StepFault {
			s.Thread, s.Background = name, w.chance(40)
		}
	}
	var s cases.Step
	switch w.rnd.IntN(5) {
	case 0, 1:
		s = cases.Step{Kind: cases.StepExitThread, Thread: name}
	case 2:
		s = cases.Step{Kind: cases.StepUID, Thread: name, N: 1000}
	case 3:
		s = cases.Step{Kind: cases.StepJoin, Join: name}
	default:
		return
	}
	w.insertStep(w.rnd.IntN(len(w.p.Steps)+1), s)
}

// addFault makes something fail in one of the steps.
func (w *work) addFault() {
	at := w.rnd.IntN(len(w.p.Steps) + 1)
	s := cases.Step{Kind: cases.StepFault, Fault: any1(w.Mutator, cases.FaultSlab, cases.FaultPage, cases.FaultUsercopy), N: w.small(8)}
	if at < len(w.p.Steps) {
		s.Thread = w.p.Steps[at].Thread
	}
	w.insertStep(at, s)
}
