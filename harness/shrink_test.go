// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// simulated is a kernel with a mistake, and the guests that run it.
type simulated struct {
	t       *testing.T
	profile *cases.Profile
	bug     sim.Bug
	// acts says what the kernel does to the n-th program of a guest, instead
	// of running it as it should; nil and a nil answer are that.
	acts func(p *cases.Program, n int) *answer
	runs uint64
	open int
}

func (k *simulated) spawn(context.Context) (guest, error) {
	k.open++
	return &simulatedGuest{kernel: k}, nil
}

type simulatedGuest struct {
	kernel *simulated
	served int
	closed bool
}

func (g *simulatedGuest) Run(_ context.Context, p *cases.Program, _ vm.RunOptions) (*cases.Outcome, error) {
	k := g.kernel
	k.runs++
	g.served++
	if err := p.Validate(); err != nil {
		k.t.Errorf("an invalid program is run: %v", err)
	}
	if k.acts != nil {
		if a := k.acts(p, g.served); a != nil {
			return a.outcome, a.err
		}
	}
	return sim.RunWith(p, k.profile, k.runs, k.bug), nil
}

func (g *simulatedGuest) Info() *wire.GuestInfo {
	return &wire.GuestInfo{Groups: true, NopInject: true, Ops: allOps, Probes: sim.Probes()}
}
func (g *simulatedGuest) Stray() []string                          { return nil }
func (g *simulatedGuest) Linger(context.Context) []string          { return nil }
func (g *simulatedGuest) Leaks(context.Context) ([]vm.Leak, error) { return nil, nil }
func (g *simulatedGuest) Close() {
	if !g.closed {
		g.closed = true
		g.kernel.open--
	}
}

var allOps = func() (ops []uint8) {
	for op := range uring.Op(64) {
		ops = append(ops, uint8(op))
	}
	return ops
}()

func shrinkOn(t *testing.T, k *simulated, spec ShrinkSpec) (*Shrunk, error) {
	t.Helper()
	pr, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	k.t, k.profile, spec.Profile = t, pr, pr
	out, err := shrink(t.Context(), spec, k.spawn)
	if k.open != 0 {
		t.Errorf("%d guests were left running", k.open)
	}
	return out, err
}

func hasGroup(p *cases.Program) bool {
	return slices.ContainsFunc(p.SQEs(), func(r cases.SQERef) bool { return r.SQE.Flags&uring.SQEGroup != 0 })
}

func TestShrink(t *testing.T) {
	crashed := &answer{outcome: &cases.Outcome{End: cases.EndDone, Console: oops}}
	hung := &answer{outcome: &cases.Outcome{End: cases.EndTimeout}}
	for _, test := range []struct {
		name    string
		program string
		kernel  simulated
		spec    ShrinkSpec
		class   string
		sqes    int // at most
		before  string
	}{
		{name: "what CQEs show", program: "group-batches", kernel: simulated{bug: sim.LeaderFirst}, class: "FAIL G4 of a leader", sqes: 2, before: "3 of 3"},
		{name: "what only probes show", program: "group-async-leader", kernel: simulated{bug: sim.MemberPunted}, class: "FAIL G9 of a member", sqes: 2, before: "3 of 3"},
		{name: "a crash", program: "group-batches", class: "CRASH NULL pointer dereference in io_foo", sqes: 2, before: "3 of 3",
			kernel: simulated{acts: func(p *cases.Program, _ int) *answer {
				if hasGroup(p) {
					return crashed
				}
				return nil
			}}},
		{name: "a hang", program: "group-batches", class: "HANG G11", sqes: 2, before: "2 of 2",
			kernel: simulated{acts: func(p *cases.Program, _ int) *answer {
				if hasGroup(p) {
					return hung
				}
				return nil
			}}},
		{name: "a class that was asked for", program: "group-batches", kernel: simulated{bug: sim.LeaderFirst},
			spec: ShrinkSpec{Class: "FAIL G4 of a leader", Userspace: true}, class: "FAIL G4 of a leader", sqes: 2, before: "3 of 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.spec.Program = catalogued(t, test.program)[0]
			before := test.spec.Program.Text()
			runs := 0
			test.spec.Smaller = func(_ *cases.Program, n int) { runs = n }
			out, err := shrinkOn(t, &test.kernel, test.spec)
			if err != nil {
				t.Fatal(err)
			}
			p := out.Case.Program
			t.Logf("%d runs, %d guests\n%s", out.Runs, out.Guests, p.Text())
			if !strings.HasPrefix(out.Class, test.class) || out.Before.String() != test.before || out.After.Shown != out.After.Of || out.After.Of == 0 {
				t.Errorf("%q, %s before and %s after; want %q, %s", out.Class, out.Before, out.After, test.class, test.before)
			}
			if n := len(p.SQEs()); n > test.sqes || !hasGroup(p) {
				t.Errorf("left are %d SQEs, want at most %d with a group", n, test.sqes)
			}
			if test.spec.Program.Text() != before {
				t.Error("the program that was given has changed")
			}
			if runs == 0 {
				t.Error("nobody was told of a smaller program")
			}
		})
	}
}

// A mistake that shows now and then is found again in programs that show it as rarely.
func TestShrinkRare(t *testing.T) {
	n := 0
	k := &simulated{acts: func(p *cases.Program, _ int) *answer {
		if n++; n%3 == 0 && hasGroup(p) {
			return &answer{outcome: &cases.Outcome{End: cases.EndDone, Console: oops}}
		}
		return nil
	}}
	out, err := shrinkOn(t, k, ShrinkSpec{Program: catalogued(t, "group-batches")[0]})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(out.Case.Program.SQEs()); got > 2 || out.Before.Shown == 0 || out.Before.Shown == out.Before.Of || out.After.Shown == 0 {
		t.Errorf("%d SQEs, %s before, %s after", got, out.Before, out.After)
	}
}

// What takes a guest that has served others is no smaller program: whoever gets it
// runs it in a guest of its own.
func TestShrinkOwesNothingToWhatRanBefore(t *testing.T) {
	k := &simulated{acts: func(p *cases.Program, n int) *answer {
		if len(p.SQEs()) >= 4 || n > 1 {
			return &answer{outcome: &cases.Outcome{End: cases.EndExited, Console: oops}}
		}
		return nil
	}}
	out, err := shrinkOn(t, k, ShrinkSpec{Program: catalogued(t, "group-nop-64")[0]})
	if err != nil || len(out.Case.Program.SQEs()) != 4 {
		t.Errorf("%v: %+v", err, out)
	}
}

func TestShrinkWhatDoesNotFail(t *testing.T) {
	k := &simulated{}
	out, err := shrinkOn(t, k, ShrinkSpec{Program: catalogued(t, "group-nop-3")[0]})
	if err != nil || out.Class != "" || out.Case.Program != nil || out.Before.String() != "0 of 8" {
		t.Errorf("%v: %+v", err, out)
	}
	k = &simulated{bug: sim.LeaderFirst}
	out, err = shrinkOn(t, k, ShrinkSpec{Program: catalogued(t, "group-nop-3")[0], Class: "FAIL G8 of a leader"})
	if err != nil || out.Case.Program != nil || out.Before.Shown != 0 {
		t.Errorf("fails, but not by what was asked for: %v: %+v", err, out)
	}
}

// Our side's trouble shows nothing, and ends nothing that goes on without it.
func TestShrinkTrouble(t *testing.T) {
	lost := &answer{err: &vm.InfraError{Op: "talk to QEMU", Err: errors.New("killed")}}
	n := 0
	k := &simulated{bug: sim.LeaderFirst, acts: func(*cases.Program, int) *answer {
		if n++; n%4 == 0 {
			return lost
		}
		return nil
	}}
	out, err := shrinkOn(t, k, ShrinkSpec{Program: catalogued(t, "group-batches")[0]})
	if err != nil || len(out.Case.Program.SQEs()) != 2 {
		t.Errorf("%v: %+v", err, out)
	}
	k = &simulated{acts: func(*cases.Program, int) *answer { return lost }}
	var silent *SilentError
	if out, err = shrinkOn(t, k, ShrinkSpec{Program: catalogued(t, "group-nop-3")[0]}); out != nil || !errors.As(err, &silent) || silent.Inconclusive() {
		t.Errorf("nothing can be said, but: %v, %+v", err, out)
	}
}

// Who stops the search gets what it has found.
func TestShrinkStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pr, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	k := &simulated{t: t, profile: pr, bug: sim.LeaderFirst}
	p := catalogued(t, "group-nop-64")[0]
	out, err := shrink(ctx, ShrinkSpec{Program: p, Profile: pr, Smaller: func(*cases.Program, int) { cancel() }}, k.spawn)
	if !errors.Is(err, context.Canceled) || out == nil || len(out.Case.Text) >= len(p.Text()) || out.Case.Text != out.Case.Program.Text() || out.Case.Verdict.Status != judge.Fail {
		t.Errorf("%v: %+v", err, out)
	}
}
