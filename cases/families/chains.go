// SPDX-License-Identifier: Apache-2.0

package families

// chains: a group is one element of a link chain (G5).
var chains = Family{"chains", []Shape{
	{
		Name: "group-waits-for-link", Rules: "G5", In: linked,
		About: "A request ahead in the chain takes its time. Nothing of the group behind it may " +
			"be issued before it has completed.",
		Write: func(w *Writer) {
			w.submit(w.slow("ahead").with("LINK"), w.group(w.quick("leader"), w.slow("m1"), w.quick("m2")))
			w.finish("ahead", "m1")
			w.end()
		},
	},
	{
		Name: "group-holds-link", Rules: "G5", In: linked,
		About: "The request linked behind a group must wait for the member that is done last, " +
			"not only for the leader.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader").with("LINK"), w.quick("m1"), w.slow("m2")), sqe("next: nop"))
			w.finish("leader", "m2")
			w.end()
		},
	},
	{
		Name: "group-waits-for-group", Rules: "G5 G4 G14", In: linked,
		About: "Group behind group: each request of the second depends on all of the first. " +
			"The first's members are done after its leader.",
		Write: func(w *Writer) {
			f, b := w.scratch(1), w.buf(w.unit(), 5)
			w.submit(
				w.group(w.slow("leader0").with("LINK"), w.slow("m0"), w.store("m1", f, b, 1)),
				w.group(w.load("leader1", f), w.slow("m2"), w.quick("m3")))
			w.finish("leader0", "m0", "m2")
			w.end()
		},
	},
}}

// failures: what a failure does to a chain with groups in it (G6, G7), and to the group.
var failures = Family{"failures", []Shape{
	{
		Name: "group-linked-member-fails", Rules: "G6 P4.5 P7.7", In: linked,
		About: "A member of a linked group fails. The rest of the chain must be cancelled, and " +
			"the leader keeps its own result.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader").with("LINK"), w.fails("bad"), w.quick("m2")), sqe("next: nop LINK"), sqe("last: nop"))
			w.finish("leader")
			w.settle(1)
			w.fail("bad")
			w.end()
		},
	},
	{
		Name: "group-linked-leader-fails", Rules: "G6 P4.4 P7.5", In: linked,
		About: "The leader of a linked group fails. What is linked behind the group must be cancelled; " +
			"whether the members are is where the revisions differ.",
		Write: func(w *Writer) {
			w.submit(w.group(w.fails("leader").with("LINK"), w.slow("m1"), w.quick("m2")), sqe("next: nop"), sqe("mark: nop"))
			w.settle(1)
			w.fail("leader")
			w.finish("m1")
			w.end()
		},
	},
	{
		Name: "group-hardlinked-member-fails", Rules: "G6 G5", In: linked,
		About: "A member fails, but the leader has HARDLINK: the chain must go on.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader").with("HARDLINK"), w.fails("bad"), w.quick("m2")), sqe("next: nop"))
			w.finish("leader")
			w.settle(1)
			w.fail("bad")
			w.end()
		},
	},
	{
		Name: "group-broken-ahead", Rules: "G7", In: linked,
		About: "The request ahead of the group fails. Every SQE of the group must complete with " +
			"-ECANCELED, without being issued.",
		Write: func(w *Writer) {
			w.submit(w.fails("bad").with("LINK"), w.group(w.quick("leader").with("LINK"), w.slow("m1"), w.slow("m2")), sqe("next: nop"), sqe("mark: nop"))
			w.settle(1)
			w.fail("bad")
			w.end()
		},
	},
	{
		Name: "group-broken-ahead-hidden", Rules: "G7", In: linked,
		About: "As the request ahead of the group fails, the chain is cancelled, and with its " +
			"CQE_SKIP_SUCCESS no CQE of what is cancelled is shown: leader and members alike.",
		Write: func(w *Writer) {
			w.submit(w.fails("bad").with("LINK SKIP"), w.group(w.quick("leader"), w.slow("m1"), w.quick("m2")), sqe("mark: nop"))
			w.settle(1)
			w.fail("bad")
			w.end()
		},
	},
	{
		Name: "group-broken-by-group", Rules: "G6 G7", In: linked,
		About: "A member of the first group fails, so that all of the second group is cancelled.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader0").with("LINK"), w.quick("m0"), w.fails("bad")), w.group(w.quick("leader1"), w.slow("m1")))
			w.finish("leader0")
			w.settle(1)
			w.fail("bad")
			w.end()
		},
	},
}}
