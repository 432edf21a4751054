// SPDX-License-Identifier: Apache-2.0

package answers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
)

var allProbes = []string{"issue=x", "free=x", "complete=x", "worker=x"}

// fake makes a run of a program's text and what happened, one event a line:
//
//	KIND SQE [RES] [w] [inflight]
//
// SQEs count from 1, as in programs; w puts the event into an io-wq worker.
// Completions make CQEs. Every SQE is submitted first.
func fake(t *testing.T, text, events string) Run {
	t.Helper()
	p, err := cases.Parse("fake.ring", []byte("name fake\nneeds groups\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	o := &cases.Outcome{End: cases.EndDone, Evidence: cases.Evidence{Probes: true}}
	kinds := map[string]cases.EventKind{}
	for k := cases.EvNone; k.String() != "unknown"; k++ {
		kinds[k.String()] = k
	}
	const addr = 0xffff888003a10000
	leader := map[int]int{}
	st := see(Run{p, o}, profile(t, "v4")).structure
	for _, g := range st.Groups {
		for _, i := range g.Requests() {
			leader[i] = g.Leader
		}
	}
	add := func(kind string, sqe int, res int32, words []string) {
		k, ok := kinds[kind]
		if !ok {
			t.Fatalf("no event is called %q", kind)
		}
		q := p.SQEs()[sqe].SQE
		e := cases.Event{Kind: k, TID: 50, TGID: 50, Req: addr + uint64(sqe)*256, Gen: 1, UserData: cases.UserData(sqe),
			Op: uint8(q.Op), Flags: uint64(q.Flags), Res: res}
		if l, ok := leader[sqe]; ok && k != cases.EvSubmit {
			e.Leader = addr + uint64(l)*256
		}
		if slices.Contains(words, "w") {
			e.Worker, e.TID, e.CPU = true, 60, 1
		}
		if slices.Contains(words, "inflight") {
			e.Flags |= reqFInflight
		}
		o.Events = append(o.Events, e)
		if k == cases.EvComplete || k == cases.EvOverflow {
			o.CQEs = append(o.CQEs, cases.CQE{UserData: e.UserData, Res: res})
		}
	}
	for i := range p.SQEs() {
		add("submit", i, 0, nil)
	}
	for line := range strings.Lines(events) {
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		var sqe int
		var res int32
		fmt.Sscan(w[1], &sqe)
		if len(w) > 2 {
			fmt.Sscan(w[2], &res)
		}
		add(w[0], sqe-1, res, w[2:])
	}
	return Run{p, o}
}

func profile(t *testing.T, name string) *cases.Profile {
	t.Helper()
	p, err := cases.LoadProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask answers one question on the given runs.
func ask(t *testing.T, rule, flavour string, runs ...Run) *Answer {
	t.Helper()
	for i := range runs {
		runs[i].Program.Rules = []string{rule}
	}
	all := Answers(&Input{Profile: profile(t, "v4"), Flavour: flavour, Probes: allProbes, Runs: runs})
	if len(all) != 1 || all[0].Rule != rule {
		t.Fatalf("asked %s, the answers are %v", rule, all)
	}
	return &all[0]
}

func (a *Answer) value(t *testing.T, name string) float64 {
	t.Helper()
	for _, f := range a.Figures {
		if f.Name == name {
			return f.Value
		}
	}
	t.Fatalf("%s has no figure %q: %v", a.Rule, name, a.Figures)
	return 0
}

func (a *Answer) check(t *testing.T, want Standing, words ...string) {
	t.Helper()
	if a.Standing != want {
		t.Errorf("%s is %s, want %s: %s", a.Rule, a.Standing, want, a)
	}
	for _, w := range words {
		if !strings.Contains(a.String(), w) {
			t.Errorf("the answer does not say %q: %s", w, a)
		}
	}
	if want == Bad && !slices.Contains(a.Offenders, "fake") {
		t.Errorf("no program is named for %s", a)
	}
}

const (
	ring  = "ring r0 entries=8\npipe p0\nbuf b0 size=64\n"
	group = ring + "submit r0\n  nop GROUP\n  nop GROUP\n  nop\n"
	// inline completes SQEs 1 to 3 in their submission, members first.
	inline = "issue 1\nissue_return 1\nissue 2\nissue_return 2\nissue 3\nissue_return 3\n" +
		"complete 2\ncomplete 3\ncomplete 1\nfree 1\nfree 2\nfree 3\n"
)

func TestNothingSeen(t *testing.T) {
	plain := fake(t, ring+"submit r0\n  nop\n", "issue 1\nissue_return 1\ncomplete 1\nfree 1\n")
	for n := 2; n <= 8; n++ {
		rule := fmt.Sprintf("C%d", n)
		a := ask(t, rule, "fast", plain)
		if a.Standing != Open || !strings.Contains(a.Text, "Not seen") {
			t.Errorf("of a run without groups: %s (%s)", a, a.Standing)
		}
	}
}

func TestOnlyWhatIsAsked(t *testing.T) {
	r := fake(t, group, inline)
	if all := Answers(&Input{Profile: profile(t, "v4"), Runs: []Run{r}}); all != nil {
		t.Errorf("nobody asked, the answers are %v", all)
	}
	r.Program.Rules = []string{"C3"}
	if all := Answers(&Input{Profile: profile(t, "none"), Runs: []Run{r}}); all != nil {
		t.Errorf("answers on a kernel without groups: %v", all)
	}
}

func TestHolesAreNotCounted(t *testing.T) {
	r := fake(t, group, inline)
	r.Outcome.Evidence.Lost = 1
	ask(t, "C8", "fast", r).check(t, Open)
}

func TestC1(t *testing.T) {
	split := func() Run {
		return fake(t, ring+"submit r0\n  nop GROUP\n  nop ASYNC\n",
			"issue 1\nissue_return 1\npunt 2\nworker 2 w\nissue 2 w\nissue_return 2 w\ncomplete 2 w\ncomplete 1 w\nfree 2\nfree 1\n")
	}
	ask(t, "C1", "fast", split()).check(t, Open, "not answered", "run --flavour kcsan", "two threads or more handled 1 group;")
	ask(t, "C1", "kcsan", split()).check(t, Good, "no race in 1 group")
	for _, c := range []struct {
		name, addr string
		standing   Standing
		word       string
	}{
		{"flags", "0xffff888003a10048", Bad, "1 race on the flags of a leader"},
		{"count", "0xffff888003a10090", Bad, "no race on the flags of a leader; 1 race elsewhere"},
		{"member", "0xffff888003a10148", Bad, "no race on the flags of a leader; 1 race elsewhere"},
	} {
		r := split()
		r.Outcome.Console = []string{"[    3.1] BUG: KCSAN: data-race in io_issue_sqe / io_wq_submit_work", "",
			"[    3.1] write (marked) to " + c.addr + " of 8 bytes by task 50 on cpu 0:", "[    3.1]  io_issue_sqe+0x1/0x2"}
		a := ask(t, "C1", "kcsan", r)
		a.check(t, c.standing, c.word)
		if got := a.value(t, "KCSAN reports"); got != 1 {
			t.Errorf("%s: %v reports", c.name, got)
		}
	}
	r := split()
	for i := range r.Outcome.Events {
		r.Outcome.Events[i].Flags |= reqFInflight
	}
	if got := ask(t, "C1", "kcsan", r).value(t, "leaders marked as in flight for a member"); got != 1 {
		t.Errorf("%v leaders are marked for a member, want 1", got)
	}
}

func TestC2(t *testing.T) {
	text := ring + "submit r0\n  nop GROUP ASYNC\n  nop\n  nop\n"
	leader := "punt 1\n"
	rest := "worker 1 w\nissue 1 w\nissue_return 1 w\ncomplete 1 w\ntask_add 1 w\ntask_run 1\nfree 1\n" +
		"issue 3\nissue_return 3\ncomplete 3\nfree 3\n"
	good := fake(t, text, leader+"issue 2\nissue_return 2\ncomplete 2\nfree 2\n"+rest)
	a := ask(t, "C2", "fast", good)
	a.check(t, Good, "C2: no. 1 of 1 members", "io-wq hops per member 0.0 (plain request: 0.0)", "task-work hops per member 0.0 (plain request: 0.0)")

	bad := fake(t, text, leader+"worker 2 w\nissue 2 w\nissue_return 2 w\ncomplete 2 w\ntask_add 2 w\ntask_run 2\nfree 2\n"+rest)
	a = ask(t, "C2", "fast", bad)
	a.check(t, Bad, "yes", "1 of 1 members of io-wq leaders went through io-wq")
	if got := a.value(t, "task-work hops per member"); got != 1 {
		t.Errorf("%v task-work hops per member, want 1", got)
	}

	// Its own -EAGAIN is nobody's push, and a member that is tagged ASYNC asked for it.
	own := fake(t, text, leader+"issue 2\nissue_return 2 -11\npunt 2\nworker 2 w\nissue 2 w\nissue_return 2 w\ncomplete 2 w\nfree 2\n"+rest)
	ask(t, "C2", "fast", own).check(t, Good, "1 of them went to io-wq by their own -EAGAIN")
	asked := fake(t, strings.Replace(text, "  nop\n", "  nop ASYNC\n", 1), leader+"punt 2\nworker 2 w\nissue 2 w\nissue_return 2 w\ncomplete 2 w\nfree 2\n"+rest)
	ask(t, "C2", "fast", asked).check(t, Open)

	// Task work that is queued twice before it runs is one hop, and a wakeup whose queueing no probe saw another.
	hops := fake(t, text, leader+"issue 2\ntask_add 2\ntask_add 2\ntask_run 2\ntask_run 2\ncomplete 2\nfree 2\n"+rest)
	a = ask(t, "C2", "fast", hops)
	a.check(t, Note)
	if got := a.value(t, "task-work hops per member"); got != 2 {
		t.Errorf("%v task-work hops per member, want 2", got)
	}
}

func TestC3(t *testing.T) {
	tidy := fake(t, group, inline)
	swapped := fake(t, group, strings.Replace(inline, "complete 2\ncomplete 3\n", "complete 3\ncomplete 2\n", 1))
	a := ask(t, "C3", "fast", tidy, swapped)
	a.check(t, Good, "last in 2 of 2 groups, in 1 of 9 completion paths", "out of the order of submission in 1", "Not seen: poll")
	broken := fake(t, group, strings.Replace(inline, "complete 3\ncomplete 1\n", "complete 1\ncomplete 3\n", 1))
	a = ask(t, "C3", "fast", tidy, broken)
	a.check(t, Bad, "1 of 2 groups")
	if rows := a.Tables[0].Rows; len(rows) != 2 || rows[0][0] != "inline" || rows[1][4] != "1" {
		t.Errorf("the table is %v", rows)
	}
}

func TestC4(t *testing.T) {
	text := ring + "submit r0\n  nop GROUP LINK\n  nop ASYNC\n  nop\n"
	head := "issue 1\nissue_return 1\npunt 2\nworker 2 w\nissue 2 w\nissue_return 2 w\ncomplete 2 w\n"
	next := "task_add 3\ntask_run 3\nissue 3\nissue_return 3\ncomplete 3\nfree 1\nfree 2\nfree 3\n"
	ask(t, "C4", "fast", fake(t, text, head+"complete 1 w\n"+next)).check(t, Good, "yes", "1 of 1 groups", "1 of 1 were issued after it")
	ask(t, "C4", "fast", fake(t, text, head+"complete 1 w\ncomplete 1 w\n"+next)).check(t, Bad, "0 of 1 groups")
	ask(t, "C4", "fast", fake(t, text, head+next)).check(t, Bad, "0 of 1 groups")
	ask(t, "C4", "fast", fake(t, text, head+"issue 3\nissue_return 3\ncomplete 1 w\ncomplete 3\nfree 1\nfree 2\nfree 3\n")).check(t, Bad, "0 of 1 were issued")
	ask(t, "C4", "fast", fake(t, group, inline)).check(t, Open)
}

func TestC5(t *testing.T) {
	text := ring + "submit r0\n  read p0.r b0 len=64 GROUP\n  nop\n"
	head := "issue 1\nissue_return 1 -11\npoll_arm 1\n"
	member := "issue 2\nissue_return 2\n"
	tail := "complete 2\nfree 2\ntask_add 1\ntask_run 1\nissue 1\nissue_return 1\ncomplete 1 64\nfree 1\n"
	a := ask(t, "C5", "fast", fake(t, text, head+member+tail))
	a.check(t, Good, "neither", "1 of 1 members", "1 polls armed")
	ask(t, "C5", "fast", fake(t, text, head+member+member+tail)).check(t, Bad, "1 twice (fake), 0 never")
	ask(t, "C5", "fast", fake(t, text, head+tail)).check(t, Bad, "0 twice, 1 never (fake)")
}

func TestC6(t *testing.T) {
	text := ring + "submit r0\n  nop GROUP\n  nop GROUP LINK\n  nop DRAIN\n"
	ask(t, "C6", "fast", fake(t, text, inline)).check(t, Note, "silently dropped", "1 of 1 groups", "Not seen: HARDLINK")
	rejected := fake(t, text, "complete 2 -125\ncomplete 3 -125\ncomplete 1 -22\n")
	ask(t, "C6", "fast", rejected).check(t, Bad, "not as promised")
}

func TestC7(t *testing.T) {
	text := ring + "submit r0\n  nop\n  nop GROUP DRAIN\n  nop\n  nop\n"
	ahead := "issue 1\nissue_return 1\ncomplete 1\nfree 1\n"
	drained := "issue 2\nissue_return 2\nissue 3\nissue_return 3\n"
	over := "complete 3\ncomplete 2\nfree 2\nfree 3\n"
	behind := "issue 4\nissue_return 4\ncomplete 4\nfree 4\n"
	ask(t, "C7", "fast", fake(t, text, ahead+drained+over+behind)).check(t, Good, "1 of 1 requests behind 1 drained group", "1 of 1 requests ahead")
	ask(t, "C7", "fast", fake(t, text, ahead+drained+behind+over)).check(t, Bad, "0 of 1 requests behind")
	ask(t, "C7", "fast", fake(t, text, drained+ahead+over+behind)).check(t, Bad, "0 of 1 requests ahead")
}

func TestC8(t *testing.T) {
	same := fake(t, group, inline)
	late := fake(t, ring+"submit r0\n  nop GROUP\n  read p0.r b0 len=64\n",
		"issue 1\nissue_return 1\nissue 2\nissue_return 2 -11\npoll_arm 2\ntask_add 2\ntask_run 2\nissue 2\nissue_return 2\ncomplete 2 64\ncomplete 1\nfree 2\nfree 1\n")
	first := fake(t, ring+"submit r0\n  read p0.r b0 len=64 GROUP\n  nop\n",
		"issue 1\nissue_return 1 -11\npoll_arm 1\nissue 2\nissue_return 2\ncomplete 2\nfree 2\ntask_add 1\ntask_run 1\nissue 1\nissue_return 1\ncomplete 1 64\nfree 1\n")
	// A poll that finds its event at once completes by its issue, though it is posted later.
	atOnce := fake(t, ring+"submit r0\n  poll_add p0.w events=OUT GROUP\n  nop\n",
		"issue 1\nissue_return 1\nissue 2\nissue_return 2\ncomplete 2\ncomplete 1 4\nfree 2\nfree 1\n")
	ask(t, "C8", "fast", atOnce).check(t, Good, "in the leader's batch: 1")
	a := ask(t, "C8", "fast", same, late, first)
	a.check(t, Good, "3 of 3 leaders were freed exactly once", "in the leader's batch: 1, in a later batch: 1, 1 before it")
	ask(t, "C8", "fast", fake(t, group, inline+"free 1\n")).check(t, Bad, "1 twice")
	ask(t, "C8", "fast", fake(t, group, strings.Replace(inline, "free 1\n", "", 1))).check(t, Bad, "1 not (fake)")
	ask(t, "C8", "fast", first).check(t, Open, "no leader passed the completion path twice")
}
