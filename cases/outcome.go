// SPDX-License-Identifier: Apache-2.0

package cases

import "time"

// EventKind says what a probe saw happen.
type EventKind uint8

const (
	EvNone        EventKind = iota
	EvRingCreate            // io_uring_create: Arg is the setup flags
	EvSubmit                // io_uring_submit_req: after prep, before group and link assembly
	EvPrepFail              // io_uring_req_failed, instead of EvSubmit: Res is the error
	EvLink                  // io_uring_link: Arg is the request it was linked behind
	EvFailLink              // io_uring_fail_link: Arg is the link that is failed
	EvDefer                 // io_uring_defer: held back by a drain
	EvIssue                 // entry of io_issue_sqe: Arg is the issue flags
	EvPunt                  // io_uring_queue_async_work: handed to io-wq
	EvWorker                // entry of io_wq_submit_work: a worker runs it
	EvPollArm               // io_uring_poll_arm: Arg is the mask
	EvTaskAdd               // io_uring_task_add / io_req_*_work_add: task work queued
	EvTaskRun               // task work runs: io_req_task_submit or io_req_task_complete
	EvComplete              // io_uring_complete with a request: a CQE was posted; Res, Arg = cflags
	EvExtraCQE              // io_uring_complete without a request (CQE without its own request)
	EvOverflow              // io_uring_cqe_overflow: the CQE went to the overflow list; Res, Arg = cflags
	EvFree                  // the request is on its way back to the cache; Res is its final cqe.res
	EvRingGone              // return of io_ring_exit_work: the ring context was freed
	EvIssueReturn           // return of io_issue_sqe: Res is its return value
	EvTaskExit              // a process of the program exits
	eventKinds
)

var eventKindNames = [eventKinds]string{
	"none", "ring_create", "submit", "prep_fail", "link", "fail_link", "defer", "issue", "punt",
	"worker", "poll_arm", "task_add", "task_run", "complete", "extra_cqe", "overflow", "free",
	"ring_gone", "issue_return", "task_exit",
}

// String returns the kind's name as used in reports and results.json.
func (k EventKind) String() string {
	if k < eventKinds {
		return eventKindNames[k]
	}
	return "unknown"
}

// Event is one thing a probe saw, in the order of the probes' single buffer,
// which is the order in which the kernel's CPUs reached them.
type Event struct {
	Time uint64 // ns, CLOCK_MONOTONIC of the guest
	Kind EventKind
	CPU  uint16
	TID  uint32 // thread that was running
	TGID uint32
	// Worker is set when the running thread is an io-wq worker (PF_IO_WORKER).
	Worker bool
	Ring   int // index into Program.Rings
	// Req identifies the request by its address, and Gen counts that
	// address's lives: (Req, Gen) is one request from EvSubmit or EvPrepFail to EvFree.
	Req      uint64
	Gen      uint32
	UserData uint64
	Op       uint8
	// Flags is req->flags (REQ_F_*, the low 8 bits are the SQE's flags).
	Flags uint64
	// Refs is req->refs; meaningful only with REQ_F_REFCOUNT in Flags.
	Refs int32
	// GroupRefs is the profile's group reference count of this request, read
	// when the event happened; valid only where HasGroupRefs is set.
	GroupRefs    int32
	HasGroupRefs bool
	// Leader is the address of the group leader this request belongs to (its
	// own for a leader), 0 where there is none or the kernel has no groups.
	Leader uint64
	Res    int32
	Arg    uint64
}

// CQE is one completion as the program's process read it from the ring.
type CQE struct {
	Ring     int
	UserData uint64
	Res      int32
	Flags    uint32
	// Step is the index of the step during which it was reaped;
	// len(Program.Steps) for the final sweep.
	Step int
}

// End says how a program's process ended.
type End string

const (
	EndDone    End = "done"    // all steps carried out
	EndExited  End = "exited"  // left by a StepExit
	EndKilled  End = "killed"  // died by a StepKill
	EndExeced  End = "execed"  // executed itself anew by a StepExec
	EndTimeout End = "timeout" // a step did not return before the program's deadline
	EndDied    End = "died"    // the process died by a signal or exit that no step asked for
	EndError   End = "error"   // a resource or ring could not be set up: see Outcome.Error
)

// StepResult is what a step's system call returned.
type StepResult struct {
	Ret int64 // return value; for a Wait the number of CQEs reaped
	// Errno is the error number, 0 for success. ETIME on a Wait says that its
	// time was over before it had what it waited for.
	Errno int32
	Took  time.Duration
	// Pending says that the step had not returned when the program ended,
	// though a later one had: the rest is zero.
	Pending bool
}

// Blob is the final content of a buffer or file.
type Blob struct {
	// File is 1 plus the index into Program.Resources, or 0; Buffer likewise
	// into Program.Buffers. Exactly one is set.
	File   int
	Buffer int
	Bytes  []byte
}

// Evidence says how complete the events are.
type Evidence struct {
	Events uint64 // records that arrived
	Lost   uint64 // records that the probes could not store
	Missed uint64 // probe runs that the kernel skipped (recursion)
	Probes bool   // probes were attached while the program ran
}

// Outcome is what the guest saw of one run of one Program.
type Outcome struct {
	End   End
	Error string       // for EndError and EndDied: what happened
	Steps []StepResult // of the steps that returned
	CQEs  []CQE        // in ring order per ring
	// Events are those of this program's rings, in order.
	Events []Event
	Data   []Blob
	// RingsGone tells per ring of the program whether its context was freed
	// within the bound after the program's end. Only set where probes watched.
	RingsGone []bool
	Evidence  Evidence
	// Hang holds what was collected when the program did not end.
	Hang *HangInfo
	// Console holds the kernel's lines while the program ran, added by the host.
	Console []string
	// Took is the run time in the guest, from the first step to the last.
	Took time.Duration
	// Coverage is what of the kernel the program reached; nil if it was not asked for.
	Coverage *Coverage
	// Waited is how long the host waited for the outcome. Stolen is the part of
	// it in which the guest could not run: its QEMU was stopped, or waited for a
	// CPU. Both are the host's measurements, to about 0.1 s.
	Waited, Stolen time.Duration
	// Spread takes what was stolen for spread evenly over Waited. It is for a program that waited for others
	// meanwhile, and is run again by itself if it fails: else one stop of QEMU may have hit it alone.
	Spread bool
}

// StolenOf is how much of the time that something took may have been taken from the guest: all that
// was, at the worst, or with Spread its share.
func (o *Outcome) StolenOf(took time.Duration) time.Duration {
	stolen := o.Stolen
	if o.Spread && o.Waited > took {
		stolen = time.Duration(float64(o.Stolen) * float64(took) / float64(o.Waited))
	}
	return min(stolen, took)
}

// Starved tells that of the time that something took, the guest could use less than a
// quarter: then nothing is to be concluded from how long it took.
func Starved(stolen, took time.Duration) bool { return 4*stolen > 3*took }

// HangInfo is the evidence of a program that did not end in time.
type HangInfo struct {
	Step   int               // the step that did not return, or len(Steps) for the end of the rings
	Stacks []TaskStack       // all threads of the program, io-wq workers, ring exit workers
	FDInfo map[string]string // ring name → /proc/PID/fdinfo text
	SysRq  []string          // kernel log lines of sysrq-t and sysrq-w
}

// TaskStack is one task's kernel stack.
type TaskStack struct {
	PID   int
	Comm  string
	State string
	Stack []string
}
