// SPDX-License-Identifier: Apache-2.0

package families

import (
	"slices"
	"strings"
)

// endings: groups that are in flight when something ends them (G11).
var endings = Family{"endings", []Shape{
	ending("group-cancel-leader", "The leader is cancelled while it waits.", []Setting{iowq}, // elsewhere group-leader-fails does this
		func(w *Writer) {
			w.step("cancel r0 leader timeout=1s")
			w.finish("m1")
			w.end()
		}),
	{
		Name: "group-cancel-member", Rules: "G11 G4", In: held,
		About: "A member is cancelled while it waits. The leader has done its work and completes with the group.",
		Write: func(w *Writer) {
			w.submit(w.group(w.held("leader"), w.held("m1"), w.quick("m2")))
			w.finish("leader")
			w.settle(1)
			w.step("cancel r0 m1 timeout=1s")
			w.end()
		},
	},
	ending("group-cancelled-by-sqe", "A request cancels the leader by its user_data.", held, func(w *Writer) {
		w.submit(sqe("async_cancel leader"))
		w.finish("m1")
		w.end()
	}),
	ending("group-cancelled-by-fd", "A request cancels everything that waits for the leader's file.", held, func(w *Writer) {
		w.submit(sqe("async_cancel fd=p0.r flags=ALL|FD"))
		w.finish("m1")
		w.end()
	}),
	ending("group-cancelled-whole", "One call cancels everything on the ring.", held, func(w *Writer) {
		w.step("cancel r0 flags=ALL|ANY timeout=1s")
		w.end()
	}),
	ending("group-closed-ring", "The ring is closed while leader and member wait.", held, func(w *Writer) {
		w.step("close r0")
	}),
	ending("group-process-exits", "The process exits while leader and member wait.", held, func(w *Writer) {
		w.step("exit")
	}),
	ending("group-process-killed", "The process is killed while leader and member wait.", held, func(w *Writer) {
		w.step("kill")
	}),
	ending("group-process-execs", "The process executes itself anew while leader and member wait, which ends its rings.", []Setting{poll, task, iowq, deferd, sqpoll}, func(w *Writer) {
		w.step("exec")
	}),
	{
		Name: "group-thread-exits", Rules: "G11", In: []Setting{poll, task, iowq, full},
		About: "The thread that has submitted a group exits while it waits. The process goes on, and so does the ring.",
		Write: func(w *Writer) {
			lines := slices.Concat(w.group(w.held("leader"), w.held("m1"), w.quick("m2")), sqe("mark: nop"))
			w.step("t1: submit r0\n  %s", strings.Join(lines, "\n  "))
			w.step("t1: exit-thread")
			w.step("cancel r0 flags=ALL|ANY timeout=1s")
			w.end()
		},
	},
	{
		Name: "group-member-outlives-process", Rules: "G11", In: held,
		About: "The process is killed when the leader has done its work and a member still waits: the leader must go " +
			"with the last of its group, not before and not never.",
		Write: func(w *Writer) {
			w.submit(w.group(w.held("leader"), w.held("m1"), w.quick("m2")))
			w.finish("leader")
			w.settle(1)
			w.step("kill")
		},
	},
	{
		Name: "group-polled-when-ring-closes", Rules: "G11 G10", In: []Setting{iopoll},
		About: "The ring is closed while the kernel still has to poll for the requests of a group.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader"), w.slow("m1"), w.quick("m2")))
			w.step("close r0")
		},
	},
	{
		Name: "group-polled-when-killed", Rules: "G11 G10", In: []Setting{iopoll},
		About: "The process is killed while the kernel still has to poll for the requests of a group.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader"), w.slow("m1"), w.quick("m2")))
			w.step("kill")
		},
	},
	{
		Name: "group-held-when-killed", Rules: "G11 G5", In: loose,
		About: "The process is killed while a whole group waits for the link ahead of it, and another for a drain.",
		Write: func(w *Writer) {
			w.submit(sqe("first: nop"), w.held("ahead").with("LINK"), w.group(w.quick("leader0"), w.quick("m0")),
				w.group(w.quick("leader1").with("DRAIN"), w.held("m1")))
			w.settle(1)
			w.step("kill")
		},
	},
}}

// ending is a shape in which something happens to a group that waits.
func ending(name, about string, in []Setting, then func(w *Writer)) Shape {
	return Shape{
		Name: name, Rules: "G11", In: in,
		About: about + " Everything must complete in bounded time, once.",
		Write: func(w *Writer) {
			w.submit(w.group(w.held("leader"), w.held("m1"), w.quick("m2")), sqe("mark: nop"))
			w.settle(1)
			then(w)
		},
	}
}

// timeouts: timers in and around groups.
var timeouts = Family{"timeouts", []Shape{
	{
		Name: "group-timers", Rules: "G3 G4 G10", In: timers,
		About: "Leader and members are timers of different lengths that count their expiry as success. " +
			"The leader's CQE is the last, though its time is over first.",
		Write: func(w *Writer) {
			w.submit(w.group(w.timer("leader", 1, true), w.timer("m1", 3, true), w.timer("m2", 2, true)))
			w.end()
		},
	},
	{
		Name: "group-timer-fails-in-chain", Rules: "G6 P4.5 P7.7", In: timers,
		About: "A member is a timer, whose expiry is a failure. The chain must break in its task work.",
		Write: func(w *Writer) {
			w.submit(w.group(w.quick("leader").with("LINK"), w.timer("bad", 1, false), w.timer("m2", 2, true)), sqe("next: nop"))
			w.end()
		},
	},
	{
		Name: "group-timer-leads-and-fails", Rules: "P4.4 P7.5 G4", In: timers,
		About: "The leader is a timer, whose expiry is a failure, while its members take longer.",
		Write: func(w *Writer) {
			w.submit(w.group(w.timer("leader", 1, false), w.timer("m1", 2, true), w.quick("m2")))
			w.end()
		},
	},
	{
		Name: "group-timer-ahead", Rules: "G5", In: timers,
		About: "A timer is linked ahead of a group, and another group behind that: each starts in task work.",
		Write: func(w *Writer) {
			w.submit(w.timer("ahead", 1, true).with("LINK"), w.group(w.timer("leader0", 1, true).with("LINK"), w.quick("m0")),
				w.group(w.quick("leader1"), w.timer("m1", 1, true)))
			w.end()
		},
	},
	{
		Name: "group-timer-removed", Rules: "G11 G4", In: timers,
		About: "The leader is a timer of a minute that a request removes: the group must complete at once.",
		Write: func(w *Writer) {
			w.submit(w.group(sqe("leader: timeout 1m"), w.quick("m1"), w.timer("m2", 1, true)), sqe("mark: nop"))
			w.settle(1)
			w.submit(sqe("timeout_remove leader"))
			w.end()
		},
	},
	{
		Name: "group-behind-link-timeout", Rules: "G7", In: []Setting{poll, deferd, sqpoll},
		About: "A linked timeout ends the request ahead of a group: the group is cancelled.",
		Write: func(w *Writer) {
			w.submit(w.held("ahead").with("LINK"), sqe("lt: link_timeout 2ms LINK"), w.group(w.quick("leader"), w.quick("m1")))
			w.end()
		},
	},
	{
		Name: "group-poll-removed", Rules: "G11", In: []Setting{task},
		About: "A member polls, and is removed by poll_remove: the group must complete.",
		Write: func(w *Writer) {
			w.submit(w.group(w.quick("leader"), w.held("m1"), w.quick("m2")))
			w.settle(1)
			w.submit(sqe("poll_remove m1"))
			w.end()
		},
	},
}}

// timers are the settings for programs whose requests are timers.
var timers = []Setting{task, {Name: "defer", About: "DEFER_TASKRUN: timers complete when the task asks.", Way: TaskWork, Flags: "SINGLE_ISSUER|DEFER_TASKRUN"},
	{Name: "sqpoll", About: "The kernel's thread submits the timers.", Way: TaskWork, Flags: "SQPOLL"}}
