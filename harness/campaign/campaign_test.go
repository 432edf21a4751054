// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness/judge"
)

func TestEdgesCountWhenStable(t *testing.T) {
	for _, test := range []struct {
		name string
		runs [][]uint32
		want []uint32
	}{
		{"at once again", [][]uint32{{1, 2}, {1, 2}}, []uint32{1, 2}},
		{"twice", [][]uint32{{1}, {}, {1}}, []uint32{1}},
		{"once", [][]uint32{{1}, {}, {}}, nil},
		{"some of them", [][]uint32{{1, 2, 3}, {2, 4}, {3, 4}}, []uint32{2, 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c Coverage
			p := c.Candidate(test.runs[0])
			for i, edges := range test.runs[1:] {
				if done := p.Ran(edges); done != (i+2 == len(test.runs)) {
					t.Fatalf("done is %v after %d runs", done, i+2)
				}
			}
			got := p.Close()
			slices.Sort(got)
			if !slices.Equal(got, test.want) || c.Edges() != len(test.want) {
				t.Errorf("stable: %v, %d known, want %v", got, c.Edges(), test.want)
			}
			if again := c.Candidate(test.want); again != nil {
				t.Error("known edges make a candidate")
			}
		})
	}
}

// An edge that is never stable is not looked at for ever; one whose proof was given up is.
func TestFickleEdges(t *testing.T) {
	var c Coverage
	for n := 0; ; n++ {
		p := c.Candidate([]uint32{7})
		if p == nil {
			if n != unsteady {
				t.Errorf("given up after %d programs, want %d", n, unsteady)
			}
			break
		}
		if c.Candidate([]uint32{7}) != nil {
			t.Fatal("two proofs of one edge at once")
		}
		p.Ran(nil)
		p.Ran(nil)
		p.Close()
	}
	c.Candidate([]uint32{8}).Drop()
	if c.Candidate([]uint32{8}) == nil {
		t.Error("an edge whose proof was given up is lost")
	}
}

func TestCorpusPicks(t *testing.T) {
	var c Corpus
	rng := rand.New(rand.NewPCG(1, 1))
	if c.Pick(rng) != nil || c.Donor(rng) != nil {
		t.Fatal("an empty corpus has something to give")
	}
	for i := range 3 {
		c.Add(&Entry{Name: fmt.Sprint(i), Edges: 4, Cost: time.Millisecond})
	}
	dear := &Entry{Name: "dear", Edges: 4, Cost: time.Second}
	rich := &Entry{Name: "rich", Edges: 1000, Cost: time.Millisecond}
	c.Add(dear)
	c.Add(rich)
	if c.Add(&Entry{Name: "rich"}) || c.Len() != 5 {
		t.Error("one program is in the corpus twice")
	}
	n := map[*Entry]int{}
	for range 2000 {
		n[c.Pick(rng)]++
	}
	if usual := (2000 - n[dear] - n[rich]) / 3; n[rich] <= usual || n[dear] >= usual || n[dear] == 0 {
		t.Errorf("picked: rich %d, dear %d, others %d each", n[rich], n[dear], usual)
	}
}

func TestFindingsAreOnePerClass(t *testing.T) {
	var f Findings
	saw := func(class string) bool { return f.Saw(class, judge.Fail, "why", 1, 10) }
	if !saw("FAIL G4") || saw("FAIL G4") {
		t.Error("want one inquiry at a time")
	}
	f.Looked("FAIL G4")
	for i := range MaxExamples {
		if !saw("FAIL G4") || !f.Wanted("FAIL G4", fmt.Sprint(i)) {
			t.Fatalf("example %d is not wanted", i)
		}
		f.Show("FAIL G4", judge.Fail, "why", 1, 10, Example{Shape: fmt.Sprint(i)})
		f.Looked("FAIL G4")
	}
	if saw("FAIL G4") || f.Wanted("FAIL G4", "another") {
		t.Error("more examples than a reader wants")
	}
	if len(f.All()) != 1 || f.Confirmed() != 1 || f.All()[0].Seen != MaxExamples+3 {
		t.Errorf("%+v", f.All()[0])
	}
	// A class that no program shows alone is not looked into for ever, and stays unconfirmed.
	n := 0
	for range 100 {
		if saw("CRASH x") {
			n++
			f.Looked("CRASH x")
		}
	}
	if n != maxInquiries || f.Confirmed() != 1 || len(f.All()) != 2 {
		t.Errorf("%d inquiries, %d findings, %d confirmed", n, len(f.All()), f.Confirmed())
	}
	// What there is another explanation for is taken back, as often as it was seen.
	saw("FAIL G5")
	saw("FAIL G5")
	f.Excuse("FAIL G5")
	if f.Of("FAIL G5") == nil {
		t.Error("a sighting that nothing explains is gone")
	}
	if !f.Excuse("FAIL G5") || f.Excuse("FAIL G4") || f.Of("FAIL G5") != nil || f.Of("FAIL G4") == nil {
		t.Error("want what is explained gone, and what is confirmed kept")
	}
}

func nops(flags ...uring.SQEFlags) *cases.Program {
	st := cases.Step{Kind: cases.StepSubmit}
	for _, f := range flags {
		st.SQEs = append(st.SQEs, cases.SQE{Flags: f})
	}
	return fuzz.Bare(&cases.Program{Rings: []cases.Ring{{Entries: 8}}, Steps: []cases.Step{st, {Kind: cases.StepWait}}})
}

func TestShape(t *testing.T) {
	a, b := nops(uring.SQEGroup, 0), nops(uring.SQEGroup, 0)
	b.Rings[0].Entries, b.Steps[1].Timeout = 64, time.Second
	if Shape(a) != Shape(b) || Shape(a) != "(nop GROUP, nop)" {
		t.Errorf("%q and %q", Shape(a), Shape(b))
	}
	if c := nops(uring.SQEGroup, uring.Async); Shape(c) == Shape(a) {
		t.Error("another flag is the same shape")
	}
}

func TestBehavioursTellRequestsApart(t *testing.T) {
	profile, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	of := func(p *cases.Program, res ...int32) []uint32 {
		o := &cases.Outcome{}
		for i, r := range res {
			o.CQEs = append(o.CQEs, cases.CQE{UserData: cases.UserData(i), Res: r})
		}
		return Behaviours(p, profile, o)
	}
	group := nops(uring.SQEGroup, 0)
	same := of(group, 0, 0)
	if len(same) != 2 {
		t.Errorf("leader and member: %v", same)
	}
	if plain := of(nops(0, 0), 0, 0); len(plain) != 1 {
		t.Errorf("two equal requests: %v", plain)
	}
	for i, other := range [][]uint32{of(group, 0, -5), of(group, 0, -125), of(group, -22, 0)} {
		if slices.Equal(same, other) {
			t.Errorf("%d: another result is the same", i)
		}
	}
}

func TestStoreResumes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "corpus", "v4")
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir); err == nil || !strings.Contains(err.Error(), "another campaign") {
		t.Errorf("two campaigns on one corpus: %v", err)
	}
	name, err := s.Keep(nops(uring.SQEGroup, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(State{Campaigns: 1, Executions: 100, Seconds: 10}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	os.WriteFile(filepath.Join(dir, "note"), []byte("not an entry"), 0o644)

	s, err = OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, skipped, err := s.Load()
	if err != nil || len(list) != 1 || list[0].Name != name || len(skipped) != 1 {
		t.Fatalf("loaded %v, skipped %q, error %v", list, skipped, err)
	}
	if got, want := list[0].Program().Text(), nops(uring.SQEGroup, 0).Text(); got != want {
		t.Errorf("loaded %s, want %s", got, want)
	}
	s.Save(State{Campaigns: 1, Executions: 50, Seconds: 5})
	again := s.State
	if again != (State{1, 100, 10}) {
		t.Errorf("earlier campaigns: %+v", again)
	}
	if _, entries, _ := s.Load(); len(entries) != 1 {
		t.Errorf("what a campaign keeps beside its corpus is taken for entries: %q", entries)
	}
}

func TestHuntScore(t *testing.T) {
	h := &Hunt{Results: []Hunted{
		{Mutant: "a", Status: Found, Seconds: 4, Class: "FAIL G4", Example: &Example{SmallSQEs: 3, C: true}, C: &CProgram{Shown: 1, Tried: 2, RightTried: 2}},
		{Mutant: "b", Status: Found, Seconds: 40, Class: "HANG G5", Example: &Example{SmallSQEs: 7, C: true}, C: &CProgram{Shown: 2, Tried: 2, RightShown: 1, RightTried: 2}},
		{Mutant: "c", Status: NotFound, Seconds: 600},
		{Mutant: "d", Status: NotFound, Equivalent: "proved"},
		{Mutant: "e", Status: NotTested, Why: "QEMU"},
	}}
	want := "2 of 3 mutants found from nothing (66%), median 40 s, slowest 40 s; 1 with at most 6 SQEs, 1 as C programs that the right kernel passes; 1 not tested"
	if got := h.Score(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := h.Write(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestResultIsWritten(t *testing.T) {
	r := &Result{Schema: Schema, Status: Status{Seconds: 10, Executions: 5000, Judged: 4990, PCs: 3, TotalBlocks: 9, Found: 1},
		Findings: []*Finding{
			{Class: "FAIL G4 of a leader", Status: judge.Fail, Why: "late | early", Confirmed: true, Seen: 5, Examples: []Example{{Dir: "findings/001", SmallSQEs: 2, SmallTried: 4, SmallFailed: 4, C: true}}},
			{Class: "CRASH WARNING", Status: judge.Crash, Seen: 1},
		}}
	for i := range 100 {
		r.Curve = append(r.Curve, Point{Seconds: float64(i)})
	}
	dir := t.TempDir()
	if err := Write(dir, r); err != nil {
		t.Fatal(err)
	}
	md, _ := os.ReadFile(filepath.Join(dir, SummaryFile))
	for _, want := range []string{"500/s", "4990 judged", "FAIL G4 of a leader", `late \| early`, "4 of 4", "| by none alone |", "| 99 |"} {
		if !strings.Contains(string(md), want) {
			t.Errorf("%s lacks %q:\n%s", SummaryFile, want, md)
		}
	}
	if n := strings.Count(string(md), "\n|"); n > 30 {
		t.Errorf("a curve of %d rows is not read", n)
	}
	if r.Complaints() != 1 {
		t.Errorf("%d complaints that no program repeated, want 1", r.Complaints())
	}
}
