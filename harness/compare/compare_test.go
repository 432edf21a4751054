// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm/wire"
)

func load(t testing.TB, name string) *cases.Profile {
	t.Helper()
	p, err := cases.LoadProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func program(t testing.TB, name, steps string) *cases.Program {
	t.Helper()
	p, err := cases.Parse(name+".ring", []byte("name "+name+"\nneeds groups\n\nring r0 entries=8\n"+steps))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// simulated runs programs on a simulated kernel, once per round.
func simulated(t testing.TB, profile string, rounds int, programs ...*cases.Program) *Side {
	t.Helper()
	s := &Side{Name: profile, Profile: load(t, profile)}
	for seed := range uint64(rounds) {
		run := &report.Run{Schema: report.Schema, Kernel: report.Kernel{Series: profile, Profile: profile, Flavour: "fast", Version: "6.12"},
			Guest: report.Guest{Accel: "tcg", Info: &wire.GuestInfo{Groups: true, Probes: sim.Probes()}}}
		for _, p := range programs {
			out := sim.Run(p, s.Profile, seed)
			c := report.Case{Name: p.Name, Text: p.Text(), Program: p, Outcome: out, Verdict: judge.Judge(judge.Input{Program: p, Profile: s.Profile, Outcome: out, Probes: sim.Probes()})}
			c.Tries = []report.Try{report.NewTry(&c, s.Profile)}
			run.Cases = append(run.Cases, c)
		}
		s.Runs = append(s.Runs, run)
	}
	return s
}

// only returns the one program of a comparison.
func only(t testing.TB, c *Comparison) *Program {
	t.Helper()
	if len(c.Programs) != 1 {
		t.Fatalf("%d programs", len(c.Programs))
	}
	return &c.Programs[0]
}

// Each choice of the profiles is what explains the program that is written for it, alone where it can be.
func TestEachChoiceExplains(t *testing.T) {
	for _, x := range []struct{ key, steps string }{
		{"members_after_leader", "pipe p0\nbuf b0 size=16\nsubmit r0\n read p0.r b0 len=16 GROUP\n nop\nwait r0 1 timeout=1ms\nfeed p0.w 16\nwait r0\n"},
		{"member_link_flags", "submit r0\n nop GROUP\n nop GROUP LINK\n nop\nwait r0\n"},
		{"member_skip", "submit r0\n nop GROUP\n nop GROUP SKIP\n nop\nwait r0\n"},
		{"link_timeout", "submit r0\n nop GROUP LINK\n nop\n link_timeout 10ms\nwait r0\n"},
		{"leader_failure_cancels", "submit r0\n nop inject=-EIO GROUP\n nop\nwait r0\n"},
		{"member_prep_failure_cancels", "submit r0\n nop GROUP\n op=255 GROUP\n nop\nwait r0\n"},
		{"member_failure_breaks", "submit r0\n nop GROUP SKIP\n nop inject=-EIO\n nop\nwait r0\n"},
		{"group_of_one", "submit r0\n nop GROUP\nwait r0\n"},
		{"open_group", "submit r0\n nop inject=-EIO LINK\n nop GROUP\n nop GROUP\nwait r0\n"},
		{"complete_in_task", "submit r0\n nop GROUP\n nop ASYNC\nwait r0\n"},
	} {
		t.Run(x.key, func(t *testing.T) {
			p := program(t, "p", x.steps)
			c := Compare(simulated(t, "v4", 3, p), simulated(t, "v7", 3, p))
			got := only(t, c)
			var keys []string
			for _, r := range got.Reasons {
				keys = append(keys, r.Key)
			}
			if got.Kind != Changed || !slices.Contains(keys, x.key) {
				t.Fatalf("%s by %v, differences %+v", got.Kind, keys, got.Differences)
			}
			for i := range c.Rules {
				r := &c.Rules[i]
				if shown := slices.Contains(r.Programs, "p"); shown && !slices.Contains(keys, r.Key) || r.Key == x.key && !shown {
					t.Errorf("row %s: programs %v", r.Key, r.Programs)
				}
			}
			if len(c.Rules) != len(cases.Knobs()) {
				t.Errorf("%d rows, want one per choice", len(c.Rules))
			}
		})
	}
}

// A kernel against itself shows nothing, whatever its schedule.
func TestSameKernel(t *testing.T) {
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"v4", "v7"} {
		a, b := simulated(t, name, 2, all...), simulated(t, name, 4, all...)
		b.Runs = b.Runs[2:]
		c := Compare(a, b)
		if c.Exit != 0 || c.Counts[Same]+c.Counts[SkippedBoth] != len(all) {
			t.Errorf("%s: %s", name, c)
			for _, p := range c.Of(Unexplained) {
				t.Logf("%s: %+v", p.Name, p.Differences)
			}
		}
	}
}

// alter changes the flags of an SQE's CQE in all rounds of a side, which no rule speaks of.
func alter(s *Side, sqe int, flags uint32) {
	for _, run := range s.Runs {
		o := run.Cases[0].Outcome
		for i := range o.CQEs {
			if o.CQEs[i].UserData == cases.UserData(sqe) {
				o.CQEs[i].Flags = flags
			}
		}
	}
}

// What no rule explains is unexplained, also where another part of the program is explained.
func TestUnexplained(t *testing.T) {
	p := program(t, "p", "submit r0\n nop\n nop inject=-EIO GROUP\n nop\nwait r0\n")
	a, b := simulated(t, "v4", 3, p), simulated(t, "v7", 3, p)
	alter(b, 0, 4)
	got := only(t, Compare(a, b))
	var open []string
	for _, d := range got.Differences {
		if d.By == "" {
			open = append(open, d.What)
		}
	}
	if got.Kind != Unexplained || len(open) != 1 || open[0] != "result of @1 nop" {
		t.Errorf("%s, without explanation: %v", got.Kind, open)
	}
	if len(got.Shown()) == 0 {
		t.Error("the group's difference is not explained any more")
	}
}

// A difference that only some rounds show is none.
func TestUnstable(t *testing.T) {
	p := program(t, "p", "submit r0\n nop\nwait r0\n")
	a, b := simulated(t, "v4", 3, p), simulated(t, "v4", 3, p)
	alter(&Side{Runs: b.Runs[:2]}, 0, 4)
	if got := only(t, Compare(a, b)); got.Kind != Same {
		t.Errorf("%s: %+v", got.Kind, got.Differences)
	}
	alter(b, 0, 4)
	if got := only(t, Compare(a, b)); got.Kind != Unexplained {
		t.Errorf("the same difference in all rounds: %s", got.Kind)
	}
	for i, run := range b.Runs { // such as a time stamp
		alter(&Side{Runs: []*report.Run{run}}, 0, uint32(8+i))
	}
	if got := only(t, Compare(a, b)); got.Kind != Same {
		t.Errorf("another value each time: %s: %+v", got.Kind, got.Differences)
	}
}

// The content of a buffer counts if it is the same in every round, and not if it is a process ID.
func TestContent(t *testing.T) {
	p := program(t, "p", "pipe p0\nbuf b0 size=16\nsubmit r0\n read p0.r b0 len=16\nfeed p0.w 16\nwait r0\n")
	for _, x := range []struct {
		fill [3]byte // by round, on B
		want Kind
	}{{[3]byte{7, 7, 7}, Unexplained}, {[3]byte{7, 8, 7}, Same}} {
		a, b := simulated(t, "v4", 3, p), simulated(t, "v4", 3, p)
		for i, run := range b.Runs {
			run.Cases[0].Outcome.Data = []cases.Blob{{Buffer: 1, Bytes: bytes.Repeat(x.fill[i:i+1], 16)}}
		}
		if got := only(t, Compare(a, b)); got.Kind != x.want {
			t.Errorf("%v: %s: %+v", x.fill, got.Kind, got.Differences)
		}
	}
}

// Verdicts decide first, and only what is broken makes the command fail.
func TestKinds(t *testing.T) {
	failing := judge.Verdict{Status: judge.Fail, Violations: []judge.Violation{{Rule: "G4", Text: "late"}}}
	other := judge.Verdict{Status: judge.Fail, Violations: []judge.Violation{{Rule: "G8", Text: "early"}}}
	pass, skip := judge.Verdict{Status: judge.Pass}, judge.Verdict{Status: judge.Skip}
	hole, infra := judge.Verdict{Status: judge.Inconclusive}, judge.Verdict{Status: judge.Infra}
	p := program(t, "p", "submit r0\n nop\nwait r0\n")
	for _, x := range []struct {
		a, b judge.Verdict
		want Kind
		exit int
	}{
		{pass, failing, Broken, 1}, {skip, failing, Broken, 1}, {failing, other, Broken, 1},
		{failing, pass, Fixed, 0}, {failing, failing, Failing, 0}, {pass, skip, NewlySkipped, 0}, {failing, skip, NewlySkipped, 0},
		{skip, pass, NewlyRun, 0}, {skip, skip, SkippedBoth, 0}, {pass, hole, Undecided, 4}, {hole, failing, Undecided, 4},
		{pass, infra, Undecided, 3}, {pass, pass, Same, 0},
	} {
		a, b := simulated(t, "v4", 1, p), simulated(t, "v4", 1, p)
		a.Runs[0].Cases[0].Verdict, b.Runs[0].Cases[0].Verdict = x.a, x.b
		c := Compare(a, b)
		if got := only(t, c).Kind; got != x.want || c.Exit != x.exit {
			t.Errorf("%s and %s: %s, exit %d, want %s, %d", x.a.Status, x.b.Status, got, c.Exit, x.want, x.exit)
		}
	}
	// A later round that fails is not lost.
	a, b := simulated(t, "v4", 3, p), simulated(t, "v4", 3, p)
	b.Runs[2].Cases[0].Verdict = failing
	if got := only(t, Compare(a, b)); got.Kind != Broken || got.B.Failed != 1 || got.B.Rounds != 3 {
		t.Errorf("%s, failed %d of %d", got.Kind, got.B.Failed, got.B.Rounds)
	}
	// One that says nothing takes nothing from those that do.
	a, b = simulated(t, "v4", 3, p), simulated(t, "v4", 3, p)
	b.Runs[0].Cases[0].Verdict = hole
	if c := Compare(a, b); only(t, c).Kind != Same || only(t, c).B.Rounds != 2 || c.Exit != 0 {
		t.Errorf("one silent round: %s, %d rounds, exit %d", only(t, c).Kind, only(t, c).B.Rounds, c.Exit)
	}
	// Neither is a kernel that does not come up.
	b = simulated(t, "v4", 1)
	b.Runs[0].Cases = []report.Case{{Name: "boot", Verdict: judge.Verdict{Status: judge.Crash}}}
	if c := Compare(simulated(t, "v4", 1, p), b); c.Exit != 1 || c.Counts[OneOnly] != 1 {
		t.Errorf("no boot: exit %d, %s", c.Exit, c)
	}
}

func TestTimes(t *testing.T) {
	p := program(t, "p", "submit r0\n nop\nwait r0\n")
	a, b := simulated(t, "v4", MeasuredRounds+1, p), simulated(t, "v4", MeasuredRounds+1, p)
	set := func(s *Side, times ...time.Duration) {
		for i, d := range times {
			s.Runs[i].Cases[0].Outcome.Took = d * time.Millisecond
		}
	}
	set(a, 90, 10, 11, 12, 13, 14)
	set(b, 1, 15, 16, 17, 18, 19)
	rows := Compare(a, b).Families
	if len(rows) != 1 || !rows[0].Shown() || rows[0].Verdict() != "B takes 42% longer" {
		t.Fatalf("%+v", rows)
	}
	set(b, 1, 14, 16, 17, 18, 19)
	if rows := Compare(a, b).Families; rows[0].Shown() || rows[0].Verdict() != "no difference shown" {
		t.Errorf("ranges that touch: %+v", rows)
	}
	b.Runs = b.Runs[:3]
	if rows := Compare(a, b).Families; len(rows) != 0 {
		t.Errorf("three rounds are too few: %+v", rows)
	}
}

// What is written holds what a reader looks for, and text of programs does not come alive.
func TestWrite(t *testing.T) {
	p := program(t, "p", "submit r0\n nop inject=-EIO GROUP\n nop\nwait r0\n")
	a, b := simulated(t, "v4", 2, p), simulated(t, "v7", 2, p)
	b.Name = "<script>x"
	c := Compare(a, b)
	c.Notes = []string{"a|b"}
	dir := t.TempDir()
	if err := Write(dir, c, []*report.Run{a.Runs[0], b.Runs[0]}); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read(HTMLFile)
	for _, want := range []string{"P4.4 → P7.5", "none → P7.10", "tl-data", "class Timeline", "is broken by what A does:"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script>x") {
		t.Error("a name comes alive in the page")
	}
	if n := strings.Count(page, `class="tl-data"`); n != 2 {
		t.Errorf("%d timelines, want one for each side", n)
	}
	if md := read(MarkdownFile); !strings.Contains(md, "| P4.4 → P7.5 |") || !strings.Contains(md, `a\|b`) {
		t.Errorf("markdown:\n%s", md)
	}
	back, err := Load(dir)
	if err != nil || back.String() != c.String() {
		t.Fatalf("read back %v: %v", back, err)
	}
	var again bytes.Buffer
	if err := back.WriteReply(&again); err != nil || again.String() != read(report.ReplyFile) {
		t.Errorf("the reply of what was read back: %v\n%s", err, again.String())
	}
	var out bytes.Buffer
	if err := c.WriteText(&out); err != nil || !strings.HasSuffix(out.String(), c.String()+"\n") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// The reply tells what is broken with its rule, its program and how to run it again, in lines that fit a mail.
func TestReply(t *testing.T) {
	p := program(t, "p", "submit r0\n nop\nwait r0\n")
	q := program(t, "q", "submit r0\n nop inject=-EIO GROUP\n nop\nwait r0\n")
	a, b := simulated(t, "v4", 1, p, q), simulated(t, "v7", 1, p, q)
	b.Runs[0].Cases[0].Verdict = judge.Verdict{Status: judge.Fail, Violations: []judge.Violation{{Rule: "G4", Text: "the CQE of the leader came first"}}}
	b.Runs[0].Again = []string{"ringproof", "test", "--series", "v7"}
	var out bytes.Buffer
	if err := Compare(a, b).WriteReply(&out); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"Broken in B: 1.", "B: FAIL: the CQE of the leader came first", "Rule G4: ", "submit r0 nop", "ringproof test --series v7 --only '^p$'",
		"P4.4 -> P7.5, what a failing leader does to its members: 1 program", "no times were compared",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the reply lacks %q:\n%s", want, out.String())
		}
	}
	for _, l := range strings.Split(out.String(), "\n") {
		if len([]rune(l)) > report.ReplyWidth && !strings.HasPrefix(l, "    ") {
			t.Errorf("%d columns: %s", len([]rune(l)), l)
		}
	}
}
