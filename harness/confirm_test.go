// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// flaky is a kernel of which each program's tries end as a script says: one
// letter a try, in the order of the tries, whichever guest they are made in.
//
//	p passes              f fails one rule      F fails another
//	c crashes             C crashes otherwise   h hangs
//	i loses QEMU          ? leaves holes in the evidence
type flaky struct {
	t *testing.T

	mu     sync.Mutex
	script map[string]string
	guests int
	seen   []string // "name/letter", with @seed where there is noise, * for the first program of a guest
	bounds []time.Duration
	broken int // guests from this number on cannot be had; 0 is none
	bad    int // as many from there on; 0 is all
}

func (f *flaky) spawn(context.Context) (guest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.guests++; f.broken > 0 && f.guests >= f.broken && (f.bad == 0 || f.guests < f.broken+f.bad) {
		return nil, &vm.InfraError{Op: "start QEMU", Err: errors.New("no memory")}
	}
	return &flakyGuest{flaky: f}, nil
}

type flakyGuest struct {
	*flaky
	served int
}

func (g *flakyGuest) Info() *wire.GuestInfo                    { return &wire.GuestInfo{} }
func (g *flakyGuest) Close()                                   {}
func (g *flakyGuest) Stray() []string                          { return nil }
func (g *flakyGuest) Linger(context.Context) []string          { return nil }
func (g *flakyGuest) Leaks(context.Context) ([]vm.Leak, error) { return nil, nil }
func (g *flakyGuest) letter(p *cases.Program, seed uint64) (l byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	script := g.script[p.Name]
	if script == "" {
		g.t.Errorf("%s was tried more often than planned", p.Name)
		script = "p"
	}
	g.script[p.Name] = script[1:]
	name := p.Name + "/" + script[:1]
	if seed != 0 {
		name += fmt.Sprintf("@%d", seed)
	}
	if g.served++; g.served == 1 {
		name += "*"
	}
	g.seen = append(g.seen, name)
	return script[0]
}

func (g *flakyGuest) Run(_ context.Context, p *cases.Program, o vm.RunOptions) (*cases.Outcome, error) {
	letter := g.letter(p, o.Noise)
	g.mu.Lock()
	g.bounds = append(g.bounds, o.Deadline)
	g.mu.Unlock()
	out := &cases.Outcome{End: cases.EndDone, Evidence: cases.Evidence{Probes: true},
		Steps: []cases.StepResult{{Ret: 1}, {Ret: 1}}, CQEs: []cases.CQE{{UserData: 1}}}
	switch letter {
	case 'p':
	case 'f': // its CQE never comes
		out.CQEs = nil
	case 'F': // the wrong result
		out.CQEs[0].Res = -5
	case 'c':
		out.Console = []string{"[    3.1] BUG: kernel NULL pointer dereference, address: 0000000000000008"}
	case 'C':
		out.Console = []string{"[    3.1] WARNING: CPU: 0 PID: 60 at io_uring/io_uring.c:100 io_free_req+0x1/0x2"}
	case 'h':
		out.End, out.CQEs = cases.EndTimeout, nil
	case 'i':
		return nil, &vm.InfraError{Op: "talk to QEMU", Err: errors.New("killed")}
	case '?':
		out.Evidence.Lost = 3
	default:
		g.t.Fatalf("letter %c in a script", letter)
	}
	return out, nil
}

// runFlaky runs the programs of the script, in the order of their names.
func runFlaky(t *testing.T, f *flaky, change func(*runner)) []report.Case {
	t.Helper()
	r := runner{spawn: f.spawn, profile: &cases.Profile{Name: "none"}, confirm: 4}
	if change != nil {
		change(&r)
	}
	var programs []*cases.Program
	for c := 'a'; f.script[string(c)] != ""; c++ {
		programs = append(programs, plainProgram(string(c)))
	}
	f.t = t
	got, err := r.run(t.Context(), programs, 1)
	if err != nil || len(got) != len(programs) {
		t.Fatalf("%d cases of %d, error %v", len(got), len(programs), err)
	}
	return got
}

// statuses writes a case's tries as letters.
func statuses(c *report.Case) string {
	var b strings.Builder
	for _, try := range c.Tries {
		b.WriteByte(map[judge.Status]byte{judge.Pass: 'p', judge.Fail: 'f', judge.Crash: 'c', judge.Hang: 'h',
			judge.Infra: 'i', judge.Inconclusive: '?'}[try.Status])
	}
	return b.String()
}

func TestConfirmation(t *testing.T) {
	for _, test := range []struct {
		name    string
		script  string // of program a
		confirm int
		tries   string
		want    judge.Status
		failed  int
		tried   int
		rare    bool
		also    int
		text    string
	}{
		{name: "a pass is not tried again", script: "p", confirm: 4, tries: "p", want: judge.Pass, tried: 1},
		{name: "every time", script: "fffff", confirm: 4, tries: "fffff", want: judge.Fail, failed: 5, tried: 5, text: "failed 5 of 5"},
		{name: "3 of 5", script: "fpfpf", confirm: 4, tries: "fpfpf", want: judge.Fail, failed: 3, tried: 5, text: "failed 3 of 5"},
		{name: "once is a failure", script: "fpppp", confirm: 4, tries: "fpppp", want: judge.Fail, failed: 1, tried: 5, rare: true, text: "failed 1 of 5, rare"},
		{name: "fewer tries", script: "fp", confirm: 1, tries: "fp", want: judge.Fail, failed: 1, tried: 2, rare: true, text: "failed 1 of 2, rare"},
		{name: "switched off", script: "f", confirm: 0, tries: "f", want: judge.Fail, failed: 1, tried: 1, text: "tried once"},
		{name: "a try that loses QEMU twice does not count", script: "fiipfp", confirm: 4, tries: "fiipfp", want: judge.Fail, failed: 2, tried: 4,
			text: "failed 2 of 4; 2 of 6 tries said nothing (INFRA)"},
		{name: "a hole in the evidence, then an answer", script: "f?pppp", confirm: 4, tries: "f?pppp", want: judge.Fail, failed: 1, tried: 5, rare: true,
			text: "failed 1 of 5, rare; 1 of 6 tries said nothing (INCONCLUSIVE)"},
		{name: "two ways to fail", script: "fcpFc", confirm: 4, tries: "fcpfc", want: judge.Fail, failed: 4, tried: 5, also: 2,
			text: "failed 4 of 5; also CRASH NULL pointer dereference (2 times), FAIL I6 of a plain request"},
		{name: "a hang that comes again is enough", script: "hh", confirm: 4, tries: "hh", want: judge.Hang, failed: 2, tried: 2, text: "failed 2 of 2"},
		{name: "a hang that does not come again", script: "hpppp", confirm: 4, tries: "hpppp", want: judge.Hang, failed: 1, tried: 5, rare: true, text: "failed 1 of 5, rare"},
		{name: "a hang among the tries ends them", script: "fph", confirm: 4, tries: "fph", want: judge.Fail, failed: 2, tried: 3, also: 1},
		{name: "asked again for a hole", script: "?p", confirm: 4, tries: "?p", want: judge.Pass, tried: 1, text: "1 of 2 tries said nothing (INCONCLUSIVE)"},
		{name: "asked again in vain", script: "??", confirm: 4, tries: "??", want: judge.Inconclusive, text: "2 of 2 tries said nothing (INCONCLUSIVE)"},
		{name: "fails when asked again", script: "?fffff", confirm: 4, tries: "?fffff", want: judge.Fail, failed: 5, tried: 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &flaky{script: map[string]string{"a": test.script}}
			c := &runFlaky(t, f, func(r *runner) { r.confirm = test.confirm })[0]
			failed, tried := c.Score()
			if got := statuses(c); got != test.tries || c.Verdict.Status != test.want || failed != test.failed || tried != test.tried || c.Rare() != test.rare {
				t.Errorf("tries %s, verdict %s, failed %d of %d, rare %v; want %s, %s, %d of %d, %v",
					got, c.Verdict.Status, failed, tried, c.Rare(), test.tries, test.want, test.failed, test.tried, test.rare)
			}
			if len(c.Also) != test.also {
				t.Errorf("%d other classes with evidence, want %d", len(c.Also), test.also)
			}
			if f.script["a"] != "" {
				t.Errorf("planned tries %q were not made", f.script["a"])
			}
			if test.text != "" && c.TriesText() != test.text {
				t.Errorf("says %q, want %q", c.TriesText(), test.text)
			}
		})
	}
}

// Each confirming try has a guest of its own and the failure's seed; a hang gets more time.
func TestConfirmationIsFresh(t *testing.T) {
	f := &flaky{script: map[string]string{"a": "p", "b": "fpp", "c": "hh"}}
	got := runFlaky(t, f, func(r *runner) { r.confirm, r.options.Noise = 2, 7 })
	want := []string{"a/p@7*", "b/f@7", "c/h@7", "b/p@7*", "b/p@7*", "c/h@7*"}
	if diff := cmp.Diff(want, f.seen); diff != "" {
		t.Error(diff)
	}
	if got[1].Tries[0].Served != 1 || got[1].Tries[1].Served != 0 || !got[1].Tries[1].Confirms {
		t.Errorf("tries of b: %+v", got[1].Tries)
	}
	if f.bounds[0] != 0 || f.bounds[5] != confirmHang*vm.DefaultDeadline {
		t.Errorf("deadlines %v: only a hang's confirmation gets a longer one", f.bounds)
	}
}

// A kernel that fails hundreds of programs in one way costs a few tries, one
// that fails in several ways a few for each.
func TestConfirmationIsBounded(t *testing.T) {
	f := &flaky{script: map[string]string{}}
	for c := 'a'; c <= 'z'; c++ {
		f.script[string(c)] = "f"
	}
	f.script["a"], f.script["b"], f.script["y"] = "fffff", "c"+"cccc", "h"+"h"
	runFlaky(t, f, nil)
	if len(f.seen) != 26+4+4+1 {
		t.Errorf("%d tries of 26 programs in three classes: %v", len(f.seen), f.seen)
	}

	// A class whose programs do not fail every time: the first few are tried.
	f = &flaky{script: map[string]string{"a": "fpfpp", "b": "fpppp", "c": "fpppp", "d": "f", "e": "f"}}
	got := runFlaky(t, f, nil)
	if len(f.seen) != 5+3*4 {
		t.Errorf("%d tries: %v", len(f.seen), f.seen)
	}
	run := report.Run{Cases: got}
	found := run.Findings()
	if len(found) != 1 || found[0].Failed != 4 || found[0].Tried != 15 || found[0].Rare || len(found[0].Programs) != 5 {
		t.Errorf("findings %+v", found)
	}
}

// Failures of the same class are one finding, what is worst comes first.
func TestFindings(t *testing.T) {
	f := &flaky{script: map[string]string{"a": "fffff", "b": "f", "c": "Fpppp", "d": "cffff", "e": "?p"}}
	run := report.Run{Cases: runFlaky(t, f, nil)}
	var got []string
	for _, x := range run.Findings() {
		got = append(got, fmt.Sprintf("%s: %s: %s", x.Class, x.Score(), strings.Join(x.Programs, " ")))
	}
	want := []string{
		"CRASH NULL pointer dereference: 1 of 5 tries, rare: d",
		"FAIL I1 of a plain request: 9 of 10 tries: a b d",
		"FAIL I6 of a plain request: 1 of 5 tries, rare: c",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c := run.Counts(); c.Failed() != 4 || c.Pass != 1 || report.ExitCode(&run) != report.ExitFailed {
		t.Errorf("counts %+v", c)
	}
}

// Repeats run under one seed after the other; the failing ones are named.
func TestRepeats(t *testing.T) {
	f := &flaky{script: map[string]string{"a": "ppppp", "b": "ppfpf" + "pp", "c": "p?ppp" + "p"}}
	got := runFlaky(t, f, func(r *runner) { r.confirm, r.repeat, r.options.Noise = 2, 5, 30 })
	a, b, c := &got[0], &got[1], &got[2]
	if a.Verdict.Status != judge.Pass || len(a.Tries) != 5 || a.Noise != 30 {
		t.Errorf("a: %+v", a)
	}
	if seeds, n := b.Seeds(); b.Verdict.Status != judge.Fail || b.Noise != 32 || n != 5 || !cmp.Equal(seeds, []uint64{32, 34}) {
		t.Errorf("b: noise %d, failing seeds %v of %d", b.Noise, seeds, n)
	}
	if want := "failed 1 of 3 under noise 32, rare (that guest had served 7 programs before); failed under 2 of 5 seeds: 32, 34"; b.TriesText() != want {
		t.Errorf("b says %q, want %q", b.TriesText(), want)
	}
	if want := []string{"b/p@32*", "b/p@32*"}; !cmp.Equal(f.seen[len(f.seen)-2:], want) {
		t.Errorf("confirmed by %v, want %v", f.seen, want)
	}
	if c.Verdict.Status != judge.Pass || statuses(c) != "p?pppp" {
		t.Errorf("c: %s, tries %s", c.Verdict.Status, statuses(c))
	}
}

// Without noise repeats simply repeat. One that says nothing, however often it is asked, is no pass.
func TestRepeatsWithoutNoise(t *testing.T) {
	f := &flaky{script: map[string]string{"a": "pfppp", "b": "p??p"}}
	got := runFlaky(t, f, func(r *runner) { r.confirm, r.repeat = 2, 3 })
	if failed, tried := got[0].Score(); failed != 1 || tried != 5 || !got[0].Rare() {
		t.Errorf("a failed %d of %d", failed, tried)
	}
	if got[1].Verdict.Status != judge.Inconclusive || statuses(&got[1]) != "p??p" {
		t.Errorf("b: %s, tries %s", got[1].Verdict.Status, statuses(&got[1]))
	}
}

// Several guests at once change nothing of what is found.
func TestRepeatsOnSeveralGuests(t *testing.T) {
	f := &flaky{t: t, script: map[string]string{}}
	var programs []*cases.Program
	for c := 'a'; c <= 'l'; c++ {
		f.script[string(c)] = "ppp"
		programs = append(programs, plainProgram(string(c)))
	}
	f.script["c"], f.script["h"], f.script["l"] = "pfp"+"ff", "cpp"+"pc", "Fpp"+"pp"
	r := runner{spawn: f.spawn, profile: &cases.Profile{Name: "none"}, confirm: 2, repeat: 3, options: vm.RunOptions{Noise: 1}}
	got, err := r.run(t.Context(), programs, 3)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for i := range got {
		if got[i].Name != programs[i].Name {
			t.Errorf("case %d is %s", i, got[i].Name)
		}
		if text := got[i].TriesText(); text != "" {
			k, n := got[i].Score()
			failed = append(failed, fmt.Sprintf("%s %d/%d %s", got[i].Name, k, n, statuses(&got[i])))
		}
	}
	if want := []string{"c 3/3 pfpff", "h 2/3 cpppc", "l 1/3 fpppp"}; !cmp.Equal(failed, want) {
		t.Errorf("failed: %q, want %q", failed, want)
	}
}

// The outcomes of passing repeats are let go.
func TestRepeatsKeepOneOutcome(t *testing.T) {
	f := &flaky{script: map[string]string{"a": strings.Repeat("p", 50)}}
	seen := 0
	got := runFlaky(t, f, func(r *runner) {
		r.repeat = 50
		r.done = func(report.Case) { seen++ }
	})
	if got[0].Outcome == nil || len(got[0].Also) != 0 || seen != 1 {
		t.Errorf("case %+v, told %d times", got[0], seen)
	}
}

// Where no guest is to be had any more, the failures stand, and the tries that
// came to nothing are told.
func TestConfirmationWithoutGuests(t *testing.T) {
	f := &flaky{script: map[string]string{"a": "f"}, broken: 2}
	c := &runFlaky(t, f, func(r *runner) { r.confirm = 1 })[0]
	if c.Verdict.Status != judge.Fail || statuses(c) != "fii" || c.TriesText() != "tried once; 2 of 3 tries said nothing (INFRA)" {
		t.Errorf("verdict %s, tries %s: %s", c.Verdict.Status, statuses(c), c.TriesText())
	}
}

// An interrupt while failures are confirmed leaves the cases as they are.
func TestConfirmationInterrupted(t *testing.T) {
	f := &flaky{t: t, script: map[string]string{"a": "fffff"}}
	ctx, cancel := context.WithCancel(t.Context())
	r := runner{spawn: f.spawn, profile: &cases.Profile{Name: "none"}, confirm: 4, done: func(report.Case) { cancel() }}
	got, err := r.run(ctx, []*cases.Program{plainProgram("a")}, 1)
	if !errors.Is(err, context.Canceled) || len(got) != 1 || got[0].Verdict.Status != judge.Fail {
		t.Errorf("cases %+v, error %v", got, err)
	}
}
