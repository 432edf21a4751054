// SPDX-License-Identifier: Apache-2.0

package families

// Way is how the requests of a program complete.
type Way uint8

const (
	Inline   Way = iota // at once, while they are submitted
	Poll                // reads of a pipe: a poll is armed, and woken when it is fed
	TaskWork            // polls of a pipe, which complete in task work when it is fed
	IOWQ                // reads of a file in io-wq
	IOPoll              // reads of a null block device that the kernel polls for
	Direct              // direct I/O on ext4, which completes in task work
)

// Setting is one way for requests to complete, and the ring they complete on.
type Setting struct {
	// Name is the last part of the program's name.
	Name string
	// About says in a sentence how requests complete.
	About string
	Way   Way
	// Flags are the ring's.
	Flags string
	// Full fills the completion queue first, so that every CQE overflows.
	Full bool
	// Chain puts the groups into a link chain.
	Chain bool
}

var (
	inline = Setting{Name: "inline", About: "Requests complete while they are submitted."}
	poll   = Setting{Name: "poll", About: "Requests wait in an armed poll until their pipe is fed.", Way: Poll}
	task   = Setting{Name: "task-work", About: "Requests complete in task work.", Way: TaskWork}
	iowq   = Setting{Name: "io-wq", About: "Requests run in io-wq.", Way: IOWQ}
	deferd = Setting{Name: "defer", About: "Requests wait in an armed poll, and DEFER_TASKRUN completes them when the task asks.",
		Way: Poll, Flags: "SINGLE_ISSUER|DEFER_TASKRUN"}
	sqpoll = Setting{Name: "sqpoll", About: "The kernel's thread submits; requests wait in an armed poll.", Way: Poll, Flags: "SQPOLL"}
	iopoll = Setting{Name: "iopoll", About: "Requests are reads that the kernel polls the device for.", Way: IOPoll, Flags: "IOPOLL"}
	direct = Setting{Name: "direct", About: "Requests are direct I/O, which completes in task work.", Way: Direct}
	full   = Setting{Name: "overflow", About: "The completion queue is full: every CQE goes to the overflow list.", Way: Poll, Full: true}
	chain  = Setting{Name: "in-chain", About: "The group is part of a link chain.", Way: Poll, Chain: true}
)

// everywhere are all settings; a shape that is a link chain by itself has no use for the last.
var everywhere = []Setting{inline, poll, task, iowq, deferd, sqpoll, iopoll, full, chain}

func but(not ...Setting) []Setting {
	var list []Setting
	for _, s := range everywhere {
		keep := true
		for _, n := range not {
			keep = keep && n.Name != s.Name
		}
		if keep {
			list = append(list, s)
		}
	}
	return list
}

// These are everywhere but where the shape says nothing.
var (
	linked = but(chain)                       // the shape is a link chain
	held   = but(inline, iopoll)              // the shape needs requests that wait until they are let go
	loose  = but(inline, iopoll, chain)       // both
	moved  = append(but(task, chain), direct) // the shape moves data
)
