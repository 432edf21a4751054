// SPDX-License-Identifier: Apache-2.0

package families

// assembly: which requests form a group, and in which order (G1, G2).
var assembly = Family{"assembly", []Shape{
	{
		Name: "group-assembled", Rules: "G1 G4 G12", In: everywhere,
		About: "Two groups back to back between two requests of their own. A kernel that " +
			"assembles them wrongly has somebody follow the wrong leader.",
		Write: func(w *Writer) {
			w.submit(
				sqe("before: nop"),
				w.group(w.slow("leader0"), w.quick("m0"), w.slow("m1")),
				w.group(w.quick("leader1"), w.slow("m2")),
				sqe("after: nop"))
			w.settle(2)
			w.finish("m1", "leader0", "m2")
			w.end()
		},
	},
	{
		Name: "group-closed-by-submission", Rules: "G1 G2 G4", In: but(sqpoll), // its thread may take both at once
		About: "A group is still open when its submission ends, and the next submission begins " +
			"while it is in flight. Had the group gone on, the second leader would follow the first.",
		Write: func(w *Writer) {
			w.submit(w.open(w.slow("leader0"), w.slow("m0")))
			w.submit(w.group(w.slow("leader1"), w.quick("m1")), sqe("after: nop"))
			w.settle(1)
			w.finish("leader0", "m0", "leader1")
			w.end()
		},
	},
}}

// order: each CQE once, the leader's last (G3, G4, G10).
var order = Family{"order", []Shape{
	{
		Name: "group-leader-ready-first", Rules: "G3 G4 G10", In: everywhere,
		About: "The leader has done its work before a member has. Its CQE must wait for that " +
			"member's, and its memory as well.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader"), w.slow("m1"), w.quick("m2")))
			w.finish("leader", "m1")
			w.end()
		},
	},
	{
		Name: "group-members-ready-first", Rules: "G3 G4 G10", In: everywhere,
		About: "The members have what they wait for before the leader has. Each reference must " +
			"drop once, and the leader completes the group.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader"), w.slow("m1"), w.slow("m2"), w.quick("m3")))
			w.finish("m2", "m1", "leader")
			w.end()
		},
	},
	{
		Name: "group-members-only", Rules: "G3 G4 G10", In: but(inline),
		About: "The leader is done at once, and only members take their time. A kernel that completes " +
			"the leader with its own work posts its CQE too early.",
		Write: func(w *Writer) {
			w.submit(w.group(w.quick("leader"), w.slow("m1"), w.slow("m2"), w.quick("m3")))
			w.settle(1)
			w.finish("m1", "m2")
			w.end()
		},
	},
	{
		Name: "group-leader-skips", Rules: "G3 P4.3", In: everywhere,
		About: "The leader succeeds with CQE_SKIP_SUCCESS and posts no CQE. The members' must " +
			"all come.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader").with("SKIP"), w.slow("m1"), w.quick("m2")))
			w.finish("leader", "m1")
			w.end()
		},
	},
}}
