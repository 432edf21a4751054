// SPDX-License-Identifier: Apache-2.0

package families

import (
	"fmt"
	"slices"
	"strings"
)

// neighbours: what is outside of a group goes on (G12), and what a member has is its own (G13).
var neighbours = Family{"neighbours", []Shape{
	{
		Name: "group-beside-requests", Rules: "G12", In: everywhere,
		About: "While a group is in flight, plain requests are submitted with it and after it. " +
			"They complete as ever.",
		Write: func(w *Writer) {
			w.submit(w.slow("before"), w.group(w.slow("leader"), w.slow("m1")), sqe("after: nop"))
			w.submit(w.slow("late"), sqe("latest: nop"))
			w.finish("late", "before")
			w.settle(3)
			w.finish("m1", "leader")
			w.end()
		},
	},
	{
		Name: "group-beside-ring", Rules: "G12", In: everywhere,
		About: "Two rings, each with a group. The second ring's must not wait for the first ring's.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader0"), w.slow("m0")))
			w.submitTo("r1", w.group(w.slow("leader1"), w.slow("m1")))
			w.finish("leader1", "m1")
			w.step("wait r1")
			w.finish("leader0", "m0")
			w.end()
		},
	},
	{
		Name: "link-chain", Rules: "G12", In: linked,
		About: "A link chain without any group, and requests beside it: a kernel with groups must do what " +
			"one without does.",
		Write: func(w *Writer) {
			w.submit(w.slow("first").with("LINK"), w.slow("second").with("LINK"), sqe("third: nop"), w.slow("beside"))
			w.finish("beside", "first", "second")
			w.end()
		},
	},
	{
		Name: "link-chain-broken", Rules: "G12", In: linked,
		About: "A link chain without any group breaks in its middle.",
		Write: func(w *Writer) {
			bad := w.timer("bad", 1, false)
			if w.Way == Inline || w.Way == IOWQ || w.Way == IOPoll {
				bad = w.fails("bad")
			}
			w.submit(w.slow("first").with("LINK"), bad.with("LINK"), sqe("third: nop"), sqe("mark: nop"))
			w.finish("first")
			w.end()
		},
	},
	{
		Name: "group-own-files", Rules: "G13 G4", In: slices.Concat(everywhere, []Setting{direct}),
		About: "Each request of a group has its own file, offset and buffer. Data that went by " +
			"another's differs from what is expected.",
		Write: func(w *Writer) {
			w.submit(w.group(w.data("leader"), w.data("m1"), w.data("m2"), w.data("m3")))
			w.finish("m3", "leader", "m2", "m1")
			w.end()
		},
	},
	{
		Name: "group-fixed-files", Rules: "G13 G4", In: but(task),
		About: "Each request of a group names a registered file by its slot, and the slots are in another " +
			"order than the requests.",
		Write: func(w *Writer) {
			m2, m1 := w.fixedFile("m2"), w.fixedFile("m1")
			w.submit(w.group(w.fixedFile("leader"), m1, m2))
			w.finish("leader", "m2", "m1")
			w.end()
		},
	},
	{
		Name: "group-fixed-buffers", Rules: "G13 G4", In: but(task),
		About: "Each request of a group reads into a registered buffer of its own.",
		Write: func(w *Writer) {
			m2, m1 := w.fixedBuffer("m2"), w.fixedBuffer("m1")
			w.submit(w.group(w.fixedBuffer("leader"), m1, m2))
			w.finish("m1", "leader", "m2")
			w.end()
		},
	},
	{
		Name: "group-buffer-ring", Rules: "G13 G4", In: but(task, iopoll),
		About: "The requests of a group take their buffers from one buffer ring, each another one.",
		Write: func(w *Writer) {
			pool := w.buf(256, 0)
			w.step("register r0 bufring %s group=1 entries=4 size=64", pool)
			w.submit(w.group(w.chosenBuffer("leader"), w.chosenBuffer("m1"), w.quick("m2")))
			w.finish("m1", "leader")
			w.end()
		},
	},
	{
		Name: "group-provided-buffers", Rules: "G13 G4", In: []Setting{inline, poll, deferd},
		About: "The requests of a group take their buffers from those that an earlier request has provided.",
		Write: func(w *Writer) {
			w.submit(sqe(fmt.Sprintf("provide_buffers 4 %s len=64 off=0 index=1", w.buf(256, 0))))
			w.step("wait r0")
			w.submit(w.group(w.chosenBuffer("leader"), w.chosenBuffer("m1"), w.quick("m2")))
			w.finish("leader", "m1")
			w.end()
		},
	},
	{
		Name: "group-own-personality", Rules: "G13", In: []Setting{inline, poll, iowq},
		About: "Leader and member have registered personalities, another member one that is not registered: " +
			"it is rejected by its own fault.",
		Write: func(w *Writer) {
			w.submitAll()
			w.step("register r0 personality")
			w.submit(w.group(w.slow("leader").with("personality=1"), w.slow("m1").with("personality=1"), sqe("bad: nop personality=7"), w.quick("m3")), sqe("mark: nop"))
			w.settle(1)
			w.finish("leader", "m1")
			w.end()
		},
	},
	{
		Name: "group-two-threads", Rules: "G12 G2", In: []Setting{inline, poll, iowq, task, full},
		About: "Two threads submit groups to one ring. Each submission is its own: what one thread leaves open " +
			"ends there.",
		Write: func(w *Writer) {
			w.step("t1: submit r0 &\n  %s", strings.Join(w.open(w.slow("leader0"), w.slow("m0")), "\n  "))
			w.submit(w.group(w.slow("leader1"), w.slow("m1")), sqe("after: nop"))
			w.step("join t1")
			w.finish("leader1", "leader0", "m0", "m1")
			w.end()
		},
	},
}}

// copies: N:M dependencies, with the data compared (G14).
var copies = Family{"copies", []Shape{
	{
		Name: "group-read-many-write-one", Rules: "G14 G5", In: moved,
		About: "Three reads into one buffer, then one write of all. A write that came too early " +
			"writes what was not yet read.",
		Write: func(w *Writer) {
			b, to := w.buf(3*w.unit(), 0), w.scratch(3)
			w.submit(w.group(w.fetch("leader", b, 0).with("LINK"), w.fetch("m1", b, 1), w.fetch("m2", b, 2)),
				w.store("next", to, b, 3))
			w.finish("m2", "m1", "leader")
			w.end()
		},
	},
	{
		Name: "group-read-one-write-many", Rules: "G14 G5", In: moved,
		About: "One read, then three files get what it read.",
		Write: func(w *Writer) {
			b := w.buf(w.unit(), 0)
			w.submit(w.fetch("ahead", b, 0).with("LINK"), w.group(
				w.store("leader", w.scratch(1), b, 1), w.store("m1", w.scratch(1), b, 1), w.store("m2", w.scratch(1), b, 1)))
			w.finish("ahead")
			w.end()
		},
	},
	{
		Name: "group-write-many-read-back", Rules: "G14 G5", In: moved,
		About: "Three files get the same data, then each is read back: three requests that depend on three.",
		Write: func(w *Writer) {
			// Where requests wait, what is written was read in the same chain.
			b := w.buf(w.unit(), 0)
			to := []place{w.scratch(1), w.scratch(1), w.scratch(1)}
			w.submit(w.fetch("ahead", b, 0).with("LINK"),
				w.group(w.store("w0", to[0], b, 1).with("LINK"), w.store("w1", to[1], b, 1), w.store("w2", to[2], b, 1)),
				w.group(w.load("r0", to[0]), w.load("r1", to[1]), w.load("r2", to[2])))
			w.finish("ahead")
			w.end()
		},
	},
}}
