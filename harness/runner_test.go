// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// answer is what a fake guest does with one program.
type answer struct {
	outcome *cases.Outcome
	err     error
}

// fakeGuest gives its answers one after the other.
type fakeGuest struct {
	answers []answer
	closed  bool
	// late holds what the console prints after each answer, in order.
	late [][]string
	// leaks are what is found when the guest has served.
	leaks []vm.Leak
}

func (g *fakeGuest) Stray() []string {
	if len(g.late) == 0 {
		return nil
	}
	lines := g.late[0]
	g.late = g.late[1:]
	return lines
}
func (g *fakeGuest) Linger(context.Context) []string { return g.Stray() }
func (g *fakeGuest) Leaks(context.Context) ([]vm.Leak, error) {
	return g.leaks, nil
}

func (g *fakeGuest) Info() *wire.GuestInfo { return &wire.GuestInfo{} }
func (g *fakeGuest) Close()                { g.closed = true }
func (g *fakeGuest) Run(context.Context, *cases.Program, vm.RunOptions) (*cases.Outcome, error) {
	a := g.answers[0]
	g.answers = g.answers[1:]
	return a.outcome, a.err
}

func plainProgram(name string) *cases.Program {
	return &cases.Program{
		Name: name, Rings: []cases.Ring{{Name: "r0", Entries: 4}},
		Steps: []cases.Step{{Kind: cases.StepSubmit, SQEs: []cases.SQE{{Op: uring.OpNop}}}, {Kind: cases.StepWait}},
	}
}

// runFake runs n programs on the given guests in turn.
func runFake(t *testing.T, n int, guests ...*fakeGuest) ([]report.Case, error) {
	t.Helper()
	used := 0
	r := runner{
		profile: &cases.Profile{Name: "none"},
		spawn: func(context.Context) (guest, error) {
			if used == len(guests) {
				t.Fatalf("asked for guest %d, there are %d", used+1, len(guests))
			}
			used++
			return guests[used-1], nil
		},
	}
	var programs []*cases.Program
	for i := range n {
		programs = append(programs, plainProgram([]string{"a", "b", "c"}[i]))
	}
	out, err := r.run(context.Background(), programs, 1)
	if used != len(guests) {
		t.Errorf("used %d guests, want %d", used, len(guests))
	}
	for i, g := range guests {
		if !g.closed {
			t.Errorf("guest %d was left running", i)
		}
	}
	return out, err
}

func TestLostGuests(t *testing.T) {
	qemuKilled := answer{err: &vm.InfraError{Op: "talk to QEMU", Err: errors.New("killed")}}
	ended := answer{outcome: &cases.Outcome{End: cases.EndError, Error: "no ring"}} // an INFRA that needs no guest lost
	oops := []string{"[    3.1] BUG: kernel NULL pointer dereference, address: 0000000000000008"}
	panicked := func(kind vm.GuestErrorKind, console []string) answer {
		return answer{err: &vm.GuestError{Kind: kind, Console: console}}
	}
	for _, test := range []struct {
		name     string
		guests   []*fakeGuest
		want     judge.Status
		attempts int
	}{
		{"QEMU killed once is tried again", []*fakeGuest{{answers: []answer{qemuKilled}}, {answers: []answer{ended}}}, judge.Infra, 2},
		{"QEMU killed twice is INFRA", []*fakeGuest{{answers: []answer{qemuKilled}}, {answers: []answer{qemuKilled}}}, judge.Infra, 2},
		{"a panic is CRASH at once", []*fakeGuest{{answers: []answer{panicked(vm.GuestPanicked, oops)}}}, judge.Crash, 1},
		{"a silent reset is CRASH", []*fakeGuest{{answers: []answer{panicked(vm.GuestReset, nil)}}}, judge.Crash, 1},
		{"silence is HANG", []*fakeGuest{{answers: []answer{panicked(vm.GuestSilent, nil)}}}, judge.Hang, 1},
		{"silence after an oops is CRASH", []*fakeGuest{{answers: []answer{panicked(vm.GuestSilent, oops)}}}, judge.Crash, 1},
		{"garbage after an oops is CRASH", []*fakeGuest{{answers: []answer{panicked(vm.GuestGarbage, oops)}}}, judge.Crash, 1},
		{"garbage without a word is ours", []*fakeGuest{
			{answers: []answer{panicked(vm.GuestGarbage, nil)}}, {answers: []answer{panicked(vm.GuestGarbage, nil)}}}, judge.Infra, 2},
		{"a retired guest is replaced", []*fakeGuest{
			{answers: []answer{panicked(vm.GuestRetired, nil)}}, {answers: []answer{panicked(vm.GuestPanicked, oops)}}}, judge.Crash, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := runFake(t, 1, test.guests...)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || got[0].Verdict.Status != test.want || len(got[0].Tries) != test.attempts {
				t.Errorf("got %+v, want %s after %d attempts", got, test.want, test.attempts)
			}
		})
	}
}

// A complaint on the console costs the guest, though it still answers.
func TestComplaintReplacesGuest(t *testing.T) {
	warned := answer{outcome: &cases.Outcome{End: cases.EndDone, Console: []string{"[    3.1] WARNING: CPU: 0 PID: 60 at io_uring/io_uring.c:100 io_free_req+0x1/0x2"}}}
	got, err := runFake(t, 2, &fakeGuest{answers: []answer{warned}}, &fakeGuest{answers: []answer{warned}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range got {
		if c.Verdict.Status != judge.Crash {
			t.Errorf("%s: %s %s, want CRASH", c.Name, c.Verdict.Status, c.Verdict.Reason)
		}
	}
}

// A report may come when the program it is about has answered already: from an
// interrupt, or from a kernel thread. It is that program's, and no other's.
func TestLateComplaint(t *testing.T) {
	race := []string{"[    3.1] BUG: KCSAN: data-race in io_wq_submit_work / io_issue_sqe"}
	fine := func() answer { return answer{outcome: &cases.Outcome{End: cases.EndDone}} }
	for _, test := range []struct {
		name   string
		guests []*fakeGuest
		guilty string
	}{
		{"before the next program", []*fakeGuest{
			{answers: []answer{fine()}, late: [][]string{race}}, {answers: []answer{fine(), fine()}}}, "a"},
		{"after the last program", []*fakeGuest{
			{answers: []answer{fine(), fine(), fine()}, late: [][]string{nil, nil, race}}}, "c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := runFake(t, 3, test.guests...)
			if err != nil || len(got) != 3 {
				t.Fatalf("%d cases, error %v", len(got), err)
			}
			for _, c := range got {
				if (c.Verdict.Status == judge.Crash) != (c.Name == test.guilty) {
					t.Errorf("%s: %s %s", c.Name, c.Verdict.Status, c.Verdict.Reason)
				}
				if len(c.Tries) != 1 {
					t.Errorf("%s: %d tries", c.Name, len(c.Tries))
				}
			}
		})
	}
}

// What was finished before an end is kept, in order.
func TestNoGuestToBeHad(t *testing.T) {
	boot := &BootError{&vm.GuestError{Kind: vm.GuestPanicked, Detail: "at boot"}}
	first := &fakeGuest{answers: []answer{{err: &vm.GuestError{Kind: vm.GuestPanicked}}}}
	n := 0
	r := runner{profile: &cases.Profile{Name: "none"}, spawn: func(context.Context) (guest, error) {
		if n++; n > 1 {
			return nil, boot
		}
		return first, nil
	}}
	got, err := r.run(context.Background(), []*cases.Program{plainProgram("a"), plainProgram("b")}, 1)
	if !errors.Is(err, boot) || len(got) != 1 || got[0].Name != "a" {
		t.Errorf("got %d cases and error %v, want case a and the boot's error", len(got), err)
	}
	if BlameFor(err) != BlameKernel {
		t.Errorf("a kernel that does not come up is blamed on %v", BlameFor(err))
	}
}

// A QEMU that is lost while its guest comes up is tried once more, too. Then
// the program ends in INFRA and the others go on, until it is hopeless.
func TestGuestLostWhileComingUp(t *testing.T) {
	for _, test := range []struct {
		name   string
		broken int // the first guest that is lost
		bad    int // how many are
		want   string
		guests int
	}{
		{"one", 1, 1, "iP P P P P", 2},
		{"two", 1, 2, "iI P P P P", 3},
		{"for two programs", 1, 4, "iI iI P P P", 5},
		{"for ever", 1, 0, "iI iI iI I I", 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &flaky{script: map[string]string{"a": "p", "b": "p", "c": "p", "d": "p", "e": "p"}, broken: test.broken, bad: test.bad}
			var got []string
			for _, c := range runFlaky(t, f, nil) {
				tries := statuses(&c)
				got = append(got, tries[:len(tries)-1]+strings.ToUpper(tries[len(tries)-1:]))
			}
			if s := strings.Join(got, " "); s != test.want || f.guests != test.guests {
				t.Errorf("tries %s with %d guests, want %s with %d", s, f.guests, test.want, test.guests)
			}
		})
	}
}
