// SPDX-License-Identifier: Apache-2.0

package repro

import (
	"reflect"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

func TestBugOf(t *testing.T) {
	p, err := cases.Parse("test.ring", []byte("name bug\nring r0 entries=4\nsubmit r0\n  nop GROUP\n  nop\n  nop\nwait r0\n"))
	if err != nil {
		t.Fatal(err)
	}
	o := &cases.Outcome{CQEs: []cases.CQE{{UserData: 1}, {UserData: 3}, {UserData: 2}, {UserData: 99}}}
	for _, tc := range []struct {
		name string
		v    judge.Verdict
		want Bug
	}{
		{"order", failed(judge.Violation{Rule: "G4", Text: "early", SQEs: []int{1, 0}, CQEs: []int{0, 2}}, false),
			Bug{Rule: "G4", Text: "early", SQEs: []int{0, 1}, CQEs: []cases.CQE{{UserData: 1}, {UserData: 2}}, Beside: []int{2}, Others: []cases.CQE{{UserData: 3}}}},
		{"late", failed(judge.Violation{Rule: "P4.1", Text: "late", SQEs: []int{1}}, true),
			Bug{Rule: "P4.1", Text: "late", SQEs: []int{1}, CQEs: []cases.CQE{{UserData: 2}}, Steps: true, Beside: []int{0, 2}, Others: []cases.CQE{{UserData: 1}, {UserData: 3}}}},
		{"only probes", judge.Verdict{Status: judge.Fail, Violations: []judge.Violation{{Rule: "G9", Text: "in io-wq", SQEs: []int{1}}}},
			Bug{Rule: "G9", Text: "in io-wq"}},
		{"a worker that is not there", judge.Verdict{Status: judge.Fail, Workers: judge.NoWorkers, Violations: []judge.Violation{{Rule: "G9", Text: "outside", SQEs: []int{1}}}},
			Bug{Rule: "G9", Text: "outside", Workers: judge.NoWorkers}},
		{"a foreign CQE", failed(judge.Violation{Rule: "I6", Text: "unknown", CQEs: []int{3}}, false), Bug{Rule: "I6", Text: "unknown"}},
		{"hang", judge.Verdict{Status: judge.Hang, Reason: "stuck", Violations: []judge.Violation{{Rule: "G11", Text: "stuck", SQEs: []int{1}}}},
			Bug{Rule: "G11", Text: "stuck", Hang: true}},
		{"crash", judge.Verdict{Status: judge.Crash, Reason: "KASAN: x", Violations: []judge.Violation{{Rule: "I9", Text: "the kernel complained: KASAN: x"}}},
			Bug{Rule: "I9", Text: "the kernel complained: KASAN: x", Crash: true}},
	} {
		o.End = cases.EndTimeout
		if tc.v.Workers != "" {
			o.End = cases.EndDone
		}
		if got := BugOf(p, &tc.v, o); !reflect.DeepEqual(*got, tc.want) {
			t.Errorf("%s: %+v, want %+v", tc.name, *got, tc.want)
		} else if got.Visible() == (tc.name == "a foreign CQE" || tc.name == "only probes") {
			t.Errorf("%s: visible is %v", tc.name, got.Visible())
		}
	}
}

// A ring that stays when its process has ended is another thing to wait for than a process that does not end.
func TestRingThatStays(t *testing.T) {
	v := &judge.Verdict{Status: judge.Hang, Violations: []judge.Violation{{Rule: "G10", Text: "the ring is still there"}}}
	for end, want := range map[cases.End]bool{cases.EndDone: false, cases.EndExited: false, cases.EndTimeout: true, cases.EndDied: true} {
		got := BugOf(&cases.Program{}, v, &cases.Outcome{End: end, RingsGone: []bool{true, false}})
		if got.Hang != want || got.Stays == want || !got.Visible() {
			t.Errorf("%s: hang %v, ring stays %v, visible %v, want hang %v", end, got.Hang, got.Stays, got.Visible(), want)
		}
	}
	if got := BugOf(&cases.Program{}, v, &cases.Outcome{End: cases.EndDone, RingsGone: []bool{true}}); got.Visible() {
		t.Errorf("there is nothing to see: %+v", got)
	}
}

// failed is a verdict that probes had something else to say of first.
func failed(seen judge.Violation, steps bool) judge.Verdict {
	return judge.Verdict{Status: judge.Fail, Userspace: &judge.Userspace{Violation: seen, Steps: steps},
		Violations: []judge.Violation{{Rule: "I4", Text: "by the events", SQEs: []int{2}}, seen}}
}
