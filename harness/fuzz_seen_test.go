// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// wrongGuest is a guest of the simulator's kernel that makes a mistake.
type wrongGuest struct {
	*fuzzedGuest
	profile *cases.Profile
	bug     sim.Bug
}

func (g *wrongGuest) Info() *wire.GuestInfo { return &wire.GuestInfo{Probes: sim.Probes()} }
func (g *wrongGuest) Run(_ context.Context, p *cases.Program, _ vm.RunOptions) (*cases.Outcome, error) {
	return sim.RunWith(p, g.profile, 1, g.bug), nil
}

// What only probes see of a failure is not all that is tried: the smallest program is one
// that userspace can be shown, where there is one.
func TestSmallestProgramIsSeen(t *testing.T) {
	profile, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, program string
		bug           sim.Bug
		waits         bool // take it to be seen
	}{
		{"no wait", "submit r0\n  nop GROUP\n  nop\n  nop\n", sim.LostMember, true},
		{"seen as it is", "submit r0\n  nop GROUP\n  nop\n  nop\nwait r0\n", sim.LeaderFirst, false},
		{"an order", "pipe p\nbuf b size=1\nsubmit r0\n  nop GROUP LINK\n  read p.r b len=1\n  nop\nfeed p.w 1\n", sim.NextTooEarly, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := cases.Parse("program", []byte("name program\nring r0 entries=8\n"+test.program))
			if err != nil {
				t.Fatal(err)
			}
			spawn := func(context.Context) (guest, error) {
				return &wrongGuest{&fuzzedGuest{fuzzed: &fuzzed{ran: map[string]int{}}, down: make(chan struct{})}, profile, test.bug}, nil
			}
			f := &fuzzer{
				spawn: spawn, profile: profile, window: 1, limit: 1, mutator: mutatorFunc(func() *cases.Program { return p }), rng: rand.New(rand.NewPCG(1, 1)),
				keep: func(*cases.Program) (string, error) { return "", nil }, notice: func(text string) { t.Log(text) }, learn: kcovOnly,
			}
			i := &f.inquirer
			i.runner = runner{spawn: spawn, profile: profile}
			i.budget, i.patience = 100, time.Hour
			written := 0
			i.write = func(class string, found, small *record, _ *campaign.Example) error {
				written++
				if small == nil || !small.visible() || !like(small.class(), class) {
					t.Fatalf("%s: found\n%s, no smaller one that userspace sees", class, found.c.Text)
				}
				if waits := slices.ContainsFunc(small.c.Program.Steps, func(s cases.Step) bool { return s.Kind == cases.StepWait }); test.waits && !waits {
					t.Errorf("userspace sees what nothing waits for:\n%s", small.c.Text)
				}
				return nil
			}
			if err := f.run(t.Context(), 1, 0); err != nil {
				t.Fatal(err)
			}
			if written != 1 {
				t.Errorf("%d examples", written)
			}
		})
	}
}
