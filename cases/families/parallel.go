// SPDX-License-Identifier: Apache-2.0

package families

// parallel: where the revisions differ (P4.x, P7.x).
var parallel = Family{"revisions", append([]Shape{
	{
		Name: "group-beside-its-leader", Rules: "P4.1 P7.1", In: but(inline, iopoll), Alone: true,
		About: "The leader waits until it is let go. Members that run beside it are issued before " +
			"that, members that run after it only then.",
		Write: func(w *Writer) {
			w.submit(w.group(w.held("leader"), w.quick("m1"), w.slow("m2")), sqe("mark: nop"))
			w.settle(1)
			w.finish("leader", "m2")
			w.end()
		},
	},
	{
		Name: "group-member-skips", Rules: "P4.3 P7.3", In: everywhere,
		About: "A member has CQE_SKIP_SUCCESS: one revision hides its CQE, the other refuses the group.",
		Write: func(w *Writer) {
			w.submitAll()
			w.submit(w.group(w.slow("leader"), w.slow("m1").with("SKIP"), w.quick("m2")))
			w.finish("leader", "m1")
			w.end()
		},
	},
	{
		Name: "group-leader-fails", Rules: "P4.4 P7.5", In: everywhere,
		About: "The leader of a group fails. Its members go their own way in one revision and are cancelled " +
			"in the other.",
		Write: func(w *Writer) {
			w.submit(w.group(w.fails("leader"), w.slow("m1"), w.quick("m2")), sqe("mark: nop"))
			w.settle(1)
			w.fail("leader")
			w.finish("m1")
			w.end()
		},
	},
	{
		Name: "group-hidden-leader-member-fails", Rules: "G3 P7.7", In: everywhere,
		About: "A member fails, and the leader has CQE_SKIP_SUCCESS. Where that marks the leader failed, " +
			"its CQE must come, with its own result; elsewhere it stays hidden unless a chain is broken.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader").with("SKIP"), w.fails("bad"), w.quick("m2")))
			w.finish("leader")
			w.settle(1)
			w.fail("bad")
			w.end()
		},
	},
	{
		Name: "group-linked-member-rejected", Rules: "P4.6 P7.6 G6", In: linked,
		About: "A member of a linked group is rejected while it is parsed. It keeps its own errno, " +
			"the leader is cancelled, and with it what is linked behind; the revisions differ in the other members.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader").with("LINK"), w.slow("m1"), w.rejected("bad"), w.quick("m3")), sqe("next: nop"), sqe("mark: nop"))
			w.settle(1)
			w.finish("m1")
			w.end()
		},
	},
	{
		Name: "group-member-rejected", Rules: "P7.6 P4.6 G3", In: but(chain),
		About: "A member of a group that is not linked is rejected while it is parsed. One revision runs " +
			"the others, the other cancels them.",
		Write: func(w *Writer) {
			w.submit(w.group(w.slow("leader"), w.rejected("bad"), w.slow("m2")), sqe("mark: nop"))
			w.settle(1)
			w.finish("leader", "m2")
			w.end()
		},
	},
	{
		Name: "group-of-one", Rules: "P4.7 P7.8", In: but(chain),
		About: "A group of one, closed by the end of its submission: a plain request in one revision, " +
			"refused in the other.",
		Write: func(w *Writer) {
			w.submitAll()
			w.submit(sqe("mark: nop"), w.slow("leader").with("GROUP"))
			w.settle(1)
			w.finish("leader")
			w.end()
		},
	},
	{
		Name: "group-of-one-behind-link", Rules: "P4.7 P7.8", In: []Setting{inline, poll, iowq, task, deferd},
		About: "A group of one behind an open chain. It is like a plain request, or fails what it stands in.",
		Write: func(w *Writer) {
			w.submitAll()
			w.submit(w.slow("ahead").with("LINK"), w.slow("leader").with("GROUP"))
			w.finish("ahead", "leader")
			w.end()
		},
	},
	{
		Name: "group-open-behind-chain", Rules: "G2 P4.8 P7.9", In: linked,
		About: "A link chain is open when a group begins that the end of the submission closes. In one revision " +
			"the group comes after the chain, in the other it is its last element.",
		Write: func(w *Writer) {
			w.submit(w.slow("ahead").with("LINK"), w.slow("second").with("LINK"), w.slow("leader").with("GROUP"), w.quick("m1").with("GROUP"))
			w.finish("ahead", "second", "leader")
			w.end()
		},
	},
	{
		Name: "group-open-behind-broken-chain", Rules: "P4.8 P7.9", In: []Setting{inline, task, iowq, deferd},
		About: "The chain that is open ahead of an open group breaks. The group is none of its elements in one " +
			"revision, and is cancelled in the other.",
		Write: func(w *Writer) {
			bad := w.timer("bad", 1, false) // nothing but time fails what waits and was sent to io-wq
			if w.Way == Inline || w.Way == IOWQ {
				bad = w.fails("bad")
			}
			w.submit(bad.with("LINK"), w.slow("leader").with("GROUP"), w.quick("m1").with("GROUP"))
			w.finish("leader")
			w.end()
		},
	},
	{
		Name: "group-link-timeout-member", Rules: "P7.4", In: but(iopoll),
		About: "LINK_TIMEOUT is a member. The revision that refuses it fails the group; the other has it " +
			"go its own way and promises nothing of its result.",
		Write: func(w *Writer) {
			w.submitAll()
			w.submit(w.group(w.slow("leader"), sqe("lt: link_timeout 500ms"), w.slow("m2")), sqe("mark: nop"))
			w.settle(1)
			w.finish("leader", "m2")
			w.end()
		},
	},
	{
		Name: "group-link-timeout-leader", Rules: "P7.4", In: but(iopoll),
		About: "LINK_TIMEOUT leads a group. The revision that refuses it fails the group.",
		Write: func(w *Writer) {
			w.submitAll()
			w.submit(w.group(sqe("lt: link_timeout 500ms"), w.slow("m1"), w.quick("m2")), sqe("mark: nop"))
			w.settle(1)
			w.finish("m1")
			w.end()
		},
	},
	{
		Name: "group-link-timeout-behind", Rules: "P7.4", In: but(iopoll, chain),
		About: "LINK_TIMEOUT stands directly behind a linked group. The revision that refuses it fails the chain.",
		Write: func(w *Writer) {
			w.submitAll()
			w.submit(w.group(w.slow("leader").with("LINK"), w.slow("m1")), sqe("lt: link_timeout 500ms"), sqe("mark: nop"))
			w.settle(1)
			w.finish("leader", "m1")
			w.end()
		},
	},
}, flagged()...)}

// flagged are groups of which a member has a link flag or IO_DRAIN.
func flagged() (shapes []Shape) {
	for _, flag := range []struct{ name, text string }{{"link", "LINK"}, {"hardlink", "HARDLINK"}, {"drain", "DRAIN"}} {
		shapes = append(shapes, Shape{
			Name: "group-member-" + flag.name, Rules: "P4.2 P7.2", In: everywhere,
			About: "A member has " + flag.text + ". One revision ignores the flag: nothing waits and nothing is " +
				"cancelled for it. The other refuses the group.",
			Write: func(w *Writer) {
				w.submitAll()
				w.submit(w.group(w.slow("leader"), w.slow("m1").with(flag.text), w.quick("m2")), sqe("mark: nop"))
				w.settle(1)
				w.finish("m1", "leader")
				w.end()
			},
		})
	}
	return append(shapes, Shape{
		Name: "group-last-member-link", Rules: "P4.2 P7.2", In: []Setting{inline, poll, iowq, deferd},
		About: "The last member has LINK: one revision does not take it for the group's own, so that what " +
			"follows is no element of its chain. The other refuses the group.",
		Write: func(w *Writer) {
			w.submitAll()
			w.submit(w.group(w.slow("leader"), w.quick("m1"), w.slow("m2").with("LINK")), sqe("mark: nop"))
			w.settle(1)
			w.finish("leader", "m2")
			w.end()
		},
	})
}
