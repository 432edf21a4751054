// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// polled are the operations that wait for the device to be polled on a ring
// with IORING_SETUP_IOPOLL: those with iopoll_queue in io_uring/opdef.c.
var polled = []uring.Op{
	uring.OpReadv, uring.OpWritev, uring.OpRead, uring.OpWrite, uring.OpReadFixed, uring.OpWriteFixed,
}

// Shown says by a run's events in which ways requests really completed. It is
// what the table's construction is checked against. What is in a chain is not asked of events.
func Shown(p *cases.Program, o *cases.Outcome) map[Path]bool {
	shown := map[Path]bool{}
	waited := map[uint64]bool{} // by user_data: a poll was armed, or a worker ran it
	for k := range o.Events {
		ev := &o.Events[k]
		if ev.Ring < 0 || ev.Ring >= len(p.Rings) {
			continue
		}
		flags := p.Rings[ev.Ring].Flags
		switch ev.Kind {
		case cases.EvPollArm:
			waited[ev.UserData] = true
			shown[Poll] = true
		case cases.EvWorker:
			waited[ev.UserData] = true
			shown[IOWQ] = true
		case cases.EvTaskAdd, cases.EvTaskRun:
			shown[TaskWork] = true
			if flags&uring.SetupDeferTaskrun != 0 {
				shown[Defer] = true
			}
		case cases.EvIssueReturn:
			switch {
			case ev.Res == 0 && flags&uring.SetupIOPoll != 0 && slices.Contains(polled, uring.Op(ev.Op)):
				shown[IOPoll] = true
			case ev.Res == 0 && !waited[ev.UserData]:
				shown[Inline] = true
			}
		case cases.EvSubmit, cases.EvPrepFail:
			// The kernel's thread is one of its own I/O threads, as a worker is.
			if flags&uring.SetupSQPoll != 0 && ev.Worker {
				shown[SQPoll] = true
			}
		case cases.EvOverflow:
			shown[Overflow] = true
		}
	}
	return shown
}

// Unshown lists the ways of completion that the program is counted for under a profile and
// that a run of it did not show. Left open is what the program does not decide: whether
// requests wait that the kernel's thread submits, since what they wait for may be quicker;
// what may be cancelled; and members that were to run after a leader that the end of ring or process took.
func Unshown(p *cases.Program, pr *cases.Profile, o *cases.Outcome) (missing []Path) {
	shown := Shown(p, o)
	e := model.Expect(p, pr)
	full := overflowing(p)
	counted := map[Path]bool{}
	for i := range e.Requests {
		r := &e.Requests[i]
		if len(r.Cancels) > 0 || r.Prep.Unsure || r.SQE.Op == uring.OpLinkTimeout {
			continue
		}
		if r.Role == model.Member && pr.Semantics.MembersAfterLeader && !endsByWait(p) {
			continue
		}
		for _, path := range pathsOf(e, i, full[i]) {
			switch {
			case p.Rings[r.Ring].Flags&uring.SetupSQPoll != 0 && path != SQPoll:
			case path == Inline && isFile(e, r): // the file system's own matter
			default:
				counted[path] = true
			}
		}
	}
	for _, path := range Paths() {
		if counted[path] && !shown[path] && path != InChain {
			missing = append(missing, path)
		}
	}
	return missing
}

func endsByWait(p *cases.Program) bool {
	return len(p.Steps) > 0 && p.Steps[len(p.Steps)-1].Kind == cases.StepWait
}

func isFile(e *model.Expectation, r *model.Request) bool {
	fd, _ := e.File(r)
	res := e.Resource(fd)
	return res != nil && res.Kind == cases.ResFile
}
