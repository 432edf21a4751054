// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/cases/uring"
)

// Every cell has a program, or a reason to have none.
func TestNoUnexplainedHole(t *testing.T) {
	table, list, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(table, list); err != nil {
		t.Error(err)
	}
	if want := []string{"v4", "v7"}; !slices.Equal(table.Profiles, want) {
		t.Errorf("profiles %v, want %v", table.Profiles, want)
	}
}

func profile(t *testing.T, name string) *cases.Profile {
	t.Helper()
	pr, err := cases.LoadProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return pr
}

// A program is written for rules that the model really checks on it, under the profile that the rule is of.
func TestProgramsClaimTheirRules(t *testing.T) {
	programs, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	claimed := map[[2]string]bool{} // program, rule
	for _, name := range []string{"v4", "v7"} {
		pr := profile(t, name)
		for _, p := range programs {
			for _, c := range model.Expect(p, pr).Claims() {
				if Concerns(c.Rule, name) {
					claimed[[2]string{p.Name, c.Rule}] = true
				}
			}
		}
	}
	for _, p := range programs {
		for _, rule := range p.Rules {
			if rule[0] != 'C' && !claimed[[2]string{p.Name, rule}] {
				t.Errorf("%s is written for %s, which the model does not check on it under any profile", p.Name, rule)
			}
		}
	}
}

func parse(t *testing.T, text string) *cases.Program {
	t.Helper()
	p, err := cases.Parse("test.ring", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const small = `# A group that waits, with the completion queue full.
name small
rules G4
needs groups

ring r0 entries=4 cq=4 flags=SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
buf b0 size=64

submit r0
  nop
  nop
  nop
  nop
submit r0
  leader: read p0.r b0 len=64 GROUP
  m1: nop
feed p0.w 64
wait r0
`

func TestOf(t *testing.T) {
	var got []Path
	for _, c := range Of(parse(t, small), profile(t, "v4")) {
		if c.Rule == "G4" {
			got = append(got, c.Path)
		}
	}
	for _, want := range []Path{Inline, Poll, Defer, Overflow} {
		if !slices.Contains(got, want) {
			t.Errorf("G4 is not covered for %s", want)
		}
	}
	for _, not := range []Path{IOWQ, SQPoll, IOPoll, InChain, TaskWork} {
		if slices.Contains(got, not) {
			t.Errorf("G4 is said to be covered for %s", not)
		}
	}
}

// A CQE overflows only where as many are unreaped as the queue holds.
func TestOverflowing(t *testing.T) {
	p := parse(t, strings.Replace(small, "submit r0\n  leader", "wait r0 4\nsubmit r0\n  leader", 1))
	if full := overflowing(p); slices.Contains(full, true) {
		t.Errorf("overflow after the queue was reaped: %v", full)
	}
	if full, want := overflowing(parse(t, small)), []bool{false, false, false, false, true, true}; !slices.Equal(full, want) {
		t.Errorf("got %v, want %v", full, want)
	}
}

// What Check is for: each of its complaints.
func TestCheck(t *testing.T) {
	table := &Table{Profiles: []string{"v4"}, Rules: []string{"G4", "P7.1"}, Programs: map[Cell][]string{}}
	for _, path := range Paths() {
		if path != IOPoll {
			table.Programs[Cell{"G4", "v4", path}] = []string{"some"}
		}
	}
	hole := Explanation{Rules: []string{"G*"}, Paths: []string{"iopoll"}, Why: "because"}
	for _, c := range []struct {
		name string
		list []Explanation
		want string
	}{
		{"explained", []Explanation{hole}, ""},
		{"hole", nil, "G4 on v4, iopoll: no program covers it"},
		{"stale", []Explanation{hole, {Rules: []string{"G4"}, Paths: []string{"poll"}, Why: "was so"}}, "G4 on v4, poll: explained as empty"},
		{"of nothing", []Explanation{hole, {Rules: []string{"G99"}, Why: "typo"}}, "matches no cell"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(table, c.list)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestParseExplanations(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[[explain]]\nrules = ['G4']\nwhy = 'so'\n", ""},
		{"[[explain]]\nrules = ['G4']\n", "needs rules and a why"},
		{"[[explain]]\nwhy = 'so'\n", "needs rules and a why"},
		{"[[explain]]\nrules = ['G[']\nwhy = 'so'\n", "pattern"},
		{"[[explain]]\nrule = 'G4'\nwhy = 'so'\n", "unknown key"},
	} {
		_, err := ParseExplanations([]byte(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
}

func TestWriteText(t *testing.T) {
	table := Compute([]*cases.Program{parse(t, small)}, []*cases.Profile{profile(t, "v4")})
	var b bytes.Buffer
	list := []Explanation{{Rules: []string{"G4"}, Paths: []string{"io*"}, Why: "there is no worker here"}}
	show := func(c Cell) bool { return c.Rule == "G4" }
	if err := WriteText(&b, table, list, TextOptions{Show: show, Programs: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"G4 on v4, defer:\n    small\n", ".1  there is no worker here", "NONE", "v4     inline poll"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "G5") {
		t.Errorf("a rule is shown that was not asked for:\n%s", b.String())
	}
}

// A simulated run shows what it was counted for, and lacks what it has lost.
func TestShown(t *testing.T) {
	p, pr := parse(t, strings.Replace(small, " cq=4", "", 1)), profile(t, "v4")
	out := sim.Run(p, pr, 1)
	if missing := Unshown(p, pr, out); len(missing) > 0 {
		t.Errorf("the run does not show %v", missing)
	}
	out.Events = slices.DeleteFunc(out.Events, func(ev cases.Event) bool { return ev.Kind == cases.EvPollArm })
	if missing := Unshown(p, pr, out); !slices.Equal(missing, []Path{Poll}) {
		t.Errorf("without its poll_arm event the run lacks %v, want poll", missing)
	}
}

// Each kind of event stands for its way.
func TestShownByEvents(t *testing.T) {
	ring := func(flags uring.SetupFlags) *cases.Program {
		return &cases.Program{Rings: []cases.Ring{{Flags: flags}}}
	}
	for _, c := range []struct {
		name  string
		flags uring.SetupFlags
		ev    cases.Event
		want  Path
	}{
		{"issue succeeds", 0, cases.Event{Kind: cases.EvIssueReturn}, Inline},
		{"worker", 0, cases.Event{Kind: cases.EvWorker}, IOWQ},
		{"task work", 0, cases.Event{Kind: cases.EvTaskRun}, TaskWork},
		{"deferred task work", uring.SetupDeferTaskrun, cases.Event{Kind: cases.EvTaskRun}, Defer},
		{"kernel's thread", uring.SetupSQPoll, cases.Event{Kind: cases.EvSubmit, Worker: true}, SQPoll},
		{"polled read", uring.SetupIOPoll, cases.Event{Kind: cases.EvIssueReturn, Op: uint8(uring.OpRead)}, IOPoll},
		{"overflow", 0, cases.Event{Kind: cases.EvOverflow}, Overflow},
	} {
		t.Run(c.name, func(t *testing.T) {
			if shown := Shown(ring(c.flags), &cases.Outcome{Events: []cases.Event{c.ev}}); !shown[c.want] {
				t.Errorf("got %v, want %s", shown, c.want)
			}
		})
	}
	if shown := Shown(ring(uring.SetupSQPoll), &cases.Outcome{Events: []cases.Event{{Kind: cases.EvSubmit}}}); shown[SQPoll] {
		t.Error("a submission by the task itself shows no SQPOLL")
	}
}
