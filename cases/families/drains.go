// SPDX-License-Identifier: Apache-2.0

package families

// drains: IO_DRAIN on a leader (G8).
var drains = Family{"drains", []Shape{
	{
		Name: "group-drain-waits", Rules: "G8", In: everywhere,
		About: "A drained group must wait for everything submitted earlier, a group among it.",
		Write: func(w *Writer) {
			w.submit(w.slow("early"), sqe("leader0: nop GROUP"), w.slow("m0"), w.group(w.quick("leader").with("DRAIN"), w.slow("m1")))
			w.finish("early", "m0", "m1")
			w.end()
		},
	},
	{
		Name: "group-drain-holds", Rules: "G8", In: but(deferd, full, chain),
		About: "What is submitted after a drained group must wait until all of it has completed, " +
			"the member that is done last included.",
		Write: func(w *Writer) {
			w.submit(sqe("early: nop"), w.group(w.quick("leader").with("DRAIN"), w.slow("m1"), w.quick("m2")), sqe("later: nop"))
			w.submit(sqe("latest: nop"))
			w.finish("m1")
			w.end()
		},
	},
}}

// workers: IOSQE_ASYNC is about its own request alone (G9, P7.10).
var workers = Family{"workers", []Shape{
	{
		Name: "group-async-for-leader", Rules: "G9 P7.10", In: but(iowq),
		About: "Only the leader asks for io-wq. It must run there, and its members must not be sent there with it.",
		Write: func(w *Writer) {
			w.submit(w.group(w.async("leader"), w.slow("m1"), w.quick("m2")))
			w.settle(1)
			w.finish("m1")
			w.end()
		},
	},
	{
		Name: "group-async-for-member", Rules: "G9 G4 P7.10", In: but(iowq),
		About: "Only a member asks for io-wq, and is done there on its own. The leader's CQE still comes last, " +
			"and the others must not be sent to io-wq.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader"), w.async("m1"), w.quick("m2")))
			w.finish("leader")
			w.end()
		},
	},
}}
