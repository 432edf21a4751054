// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// iocbQueued is EIOCBQUEUED of include/linux/errno.h, which io_issue_sqe()
// returns of a request that completes later (IOU_ISSUE_SKIP_COMPLETE).
const iocbQueued = 529

// Shown says by a run's events in which ways requests really completed. It is
// what the table's construction is checked against.
func Shown(p *cases.Program, o *cases.Outcome) map[Path]bool {
	shown := map[Path]bool{}
	waits := map[uint64]bool{} // by user_data: was armed, punted, or completes later
	for k := range o.Events {
		ev := &o.Events[k]
		if ev.Ring < 0 || ev.Ring >= len(p.Rings) {
			continue
		}
		flags := p.Rings[ev.Ring].Flags
		switch ev.Kind {
		case cases.EvPollArm:
			waits[ev.UserData] = true
			shown[Poll] = true
		case cases.EvWorker:
			waits[ev.UserData] = true
			shown[IOWQ] = true
		case cases.EvTaskAdd, cases.EvTaskRun:
			waits[ev.UserData] = true
			shown[TaskWork] = true
			if flags&uring.SetupDeferTaskrun != 0 {
				shown[Defer] = true
			}
		case cases.EvIssueReturn:
			if ev.Res == -iocbQueued && flags&uring.SetupIOPoll != 0 {
				waits[ev.UserData] = true
				shown[IOPoll] = true
			}
		case cases.EvSubmit, cases.EvPrepFail:
			// The kernel's thread is one of its own I/O threads, as a worker is.
			if flags&uring.SetupSQPoll != 0 && ev.Worker {
				shown[SQPoll] = true
			}
		case cases.EvComplete, cases.EvFree:
			if !waits[ev.UserData] {
				shown[Inline] = true
			}
		case cases.EvOverflow:
			shown[Overflow] = true
		case cases.EvLink:
			shown[InChain] = true
		}
	}
	return shown
}

// Unshown lists the ways of completion that the program is counted for under a profile and
// that a run of it did not show. Whether requests wait is left open where the
// kernel's thread submits: what they wait for may be quicker.
func Unshown(p *cases.Program, pr *cases.Profile, o *cases.Outcome) (missing []Path) {
	shown := Shown(p, o)
	e := model.Expect(p, pr)
	full := overflowing(p)
	counted := map[Path]bool{}
	for i := range e.Requests {
		for _, path := range pathsOf(e, i, full[i]) {
			if p.Rings[e.Requests[i].Ring].Flags&uring.SetupSQPoll == 0 || path == SQPoll || path == InChain {
				counted[path] = true
			}
		}
	}
	for _, path := range Paths() {
		if counted[path] && !shown[path] {
			missing = append(missing, path)
		}
	}
	return missing
}
