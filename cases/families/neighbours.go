// SPDX-License-Identifier: Apache-2.0

package families

import "fmt"

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
			w.submit(w.slow("first").with("LINK"), w.fails("bad").with("LINK"), sqe("third: nop"), sqe("mark: nop"))
			w.finish("first")
			w.settle(2) // first and mark
			w.fail("bad")
			w.end()
		},
	},
	{
		Name: "group-own-files", Rules: "G13 G4", In: everywhere,
		About: "Each request of a group has its own file, offset and buffer. Data that went by " +
			"another's differs from what is expected.",
		Write: func(w *Writer) {
			w.submit(w.group(w.data("leader"), w.data("m1"), w.data("m2"), w.data("m3")))
			w.finish("m3", "leader", "m2", "m1")
			w.end()
		},
	},
}}

// copies: N:M dependencies, with the data compared (G14).
var copies = Family{"copies", []Shape{
	{
		Name: "group-read-many-write-one", Rules: "G14 G5", In: but(task, iopoll, chain),
		About: "Three reads into one buffer, then one write of all. A write that came too early " +
			"writes what was not yet read.",
		Write: func(w *Writer) {
			b, f := w.buf(192, 0), w.scratch()
			w.submit(w.group(w.readInto("leader", b, 0).with("LINK"), w.readInto("m1", b, 64), w.readInto("m2", b, 128)),
				sqe(fmt.Sprintf("next: write %s %s len=192%s", f, b, w.force())))
			w.finish("m2", "m1", "leader")
			w.end()
		},
	},
	{
		Name: "group-read-one-write-many", Rules: "G14 G5", In: but(task, iopoll, chain),
		About: "One read, then three files get what it read.",
		Write: func(w *Writer) {
			b := w.buf(64, 0)
			var writes []SQEs
			for i, l := range []string{"leader", "m1", "m2"} {
				_ = i
				writes = append(writes, sqe(fmt.Sprintf("%s: write %s %s len=64%s", l, w.scratch(), b, w.force())))
			}
			w.submit(w.readInto("ahead", b, 0).with("LINK"), w.group(writes...))
			w.finish("ahead")
			w.end()
		},
	},
	{
		Name: "group-write-many-read-back", Rules: "G14 G5", In: but(task, poll, iopoll, chain),
		About: "Three files get the same data, then each is read back: three requests that depend on three.",
		Write: func(w *Writer) {
			out := w.buf(64, 7)
			var writes, reads []SQEs
			for i := range 3 {
				f := w.scratch()
				writes = append(writes, sqe(fmt.Sprintf("w%d: write %s %s len=64%s", i, f, out, w.force())))
				reads = append(reads, sqe(fmt.Sprintf("r%d: read %s %s len=64%s", i, f, w.buf(64, 0), w.force())))
			}
			writes[0] = writes[0].with("LINK")
			w.submit(w.group(writes...), w.group(reads...))
			w.end()
		},
	},
}}
