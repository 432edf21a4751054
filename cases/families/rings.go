// SPDX-License-Identifier: Apache-2.0

package families

// rings: a group on every kind of ring (G1, G4, G10).
var rings = Family{"rings", func() (shapes []Shape) {
	for _, r := range []struct{ name, flags, about string }{
		{"coop-taskrun", "COOP_TASKRUN", "Task work does not interrupt the task."},
		{"taskrun-flag", "COOP_TASKRUN|TASKRUN_FLAG", "The ring says when there is task work."},
		{"single-issuer", "SINGLE_ISSUER", "One task alone submits."},
		{"sqe128", "SQE128", "SQEs are twice as big."},
		{"cqe32", "CQE32", "CQEs are twice as big."},
		{"sqe128-cqe32-defer", "SQE128|CQE32|SINGLE_ISSUER|DEFER_TASKRUN", "Big SQEs and CQEs, completed when the task asks."},
		{"no-sqarray", "NO_SQARRAY", "There is no array between queue and SQEs."},
		{"no-mmap", "NO_MMAP", "The ring is in memory of the program."},
		{"clamp", "CLAMP", "The ring's sizes are clamped."},
		{"submit-all", "SUBMIT_ALL", "A rejected SQE does not end its submission."},
		{"iopoll-defer", "IOPOLL|SINGLE_ISSUER|DEFER_TASKRUN", "The device is polled, and task work runs when the task asks."},
	} {
		way, reads := Poll, "A group of reads that wait for their pipes."
		if r.name == "iopoll-defer" {
			way, reads = IOPoll, "A group of reads of a block device."
		}
		shapes = append(shapes, Shape{
			Name: "group-on", Rules: "G1 G4 G10", About: reads,
			In: []Setting{{Name: r.name, Flags: r.flags, About: r.about, Way: way}},
			Write: func(w *Writer) {
				w.submit(w.group(w.slow("leader"), w.slow("m1"), w.quick("m2")), sqe("after: nop"))
				w.finish("leader", "m1")
				w.end()
			},
		})
	}
	return append(shapes, Shape{
		Name: "group-enabled", Rules: "G1 G4 G10",
		About: "A ring is enabled only by the thread that will submit to it. The group completes as on any ring.",
		In: []Setting{{Name: "r-disabled", Flags: "R_DISABLED|SINGLE_ISSUER|DEFER_TASKRUN", Way: Poll,
			About: "Requests wait in an armed poll, and complete when the task asks."}},
		Write: func(w *Writer) {
			w.step("register r0 enable")
			w.submit(w.group(w.slow("leader"), w.slow("m1"), w.quick("m2")))
			w.finish("leader", "m1")
			w.end()
		},
	}, Shape{
		Name: "group-by-registered", Rules: "G1 G4 G10",
		About: "The ring is entered by its registered descriptor.",
		In:    []Setting{poll, deferd},
		Write: func(w *Writer) {
			w.step("register r0 ring-fd")
			w.submit(w.group(w.slow("leader"), w.slow("m1"), w.quick("m2")))
			w.finish("leader", "m1")
			w.end()
		},
	})
}()}
