// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/cases/uring"
)

func options(t testing.TB, profile string) Options {
	t.Helper()
	pr, err := cases.LoadProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Profile: pr, Dear: DefaultDear}
}

// evolve makes n programs as a campaign does: some from nothing, most from earlier ones.
func evolve(seed uint64, n int, o Options, see func(p *cases.Program)) {
	m := NewMutator(seed, o)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var corpus []*cases.Program
	for range n {
		var p *cases.Program
		if len(corpus) < 8 || rnd.IntN(5) == 0 {
			p = m.Generate()
		} else {
			p = m.Mutate(corpus[rnd.IntN(len(corpus))], corpus[rnd.IntN(len(corpus))])
		}
		see(p)
		if len(corpus) < 64 {
			corpus = append(corpus, p)
		} else if rnd.IntN(4) == 0 {
			corpus[rnd.IntN(len(corpus))] = p
		}
	}
}

func checkMade(t *testing.T, p *cases.Program) {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatalf("%v\n%s", err, p.Text())
	}
	if !reflect.DeepEqual(p, Bare(p)) {
		t.Fatalf("not bare:\n%s", p.Text())
	}
	if _, err := Encode(p); err != nil {
		t.Fatalf("%v\n%s", err, p.Text())
	}
	if len(p.SQEs()) > mostSQEs || len(p.Steps) > mostSteps {
		t.Fatalf("too large:\n%s", p.Text())
	}
}

func TestMadeProgramsAreValid(t *testing.T) {
	for _, profile := range []string{"v4", "v7", "none"} {
		o := options(t, profile)
		evolve(1, 1500, o, func(p *cases.Program) {
			checkMade(t, p)
			model.Expect(p, o.Profile).Claims() // of what nobody has thought of
		})
	}
	o := options(t, "v4")
	o.Profile = nil
	evolve(1, 500, o, func(p *cases.Program) { checkMade(t, p) })
}

// What a mutation starts from may be anything, a large program of the catalogue for one, and is not changed.
func TestMutateLeavesItsParents(t *testing.T) {
	all := catalogue(t)
	m := NewMutator(2, options(t, "v7"))
	for i, p := range all {
		donor := all[(i*7+3)%len(all)]
		before, donorBefore := p.Clone(), donor.Clone()
		for range 3 {
			checkMade(t, m.Mutate(p, donor))
		}
		checkMade(t, m.Mutate(p, nil))
		if !reflect.DeepEqual(p, before) || !reflect.DeepEqual(donor, donorBefore) {
			t.Fatalf("%s or %s was changed", p.Name, donor.Name)
		}
	}
	checkMade(t, m.Mutate(new(cases.Program), new(cases.Program)))
}

func TestTheSeedDecides(t *testing.T) {
	texts := func(seed uint64) (list []string) {
		evolve(seed, 300, options(t, "v4"), func(p *cases.Program) { list = append(list, p.Text()) })
		return list
	}
	first := texts(5)
	if !reflect.DeepEqual(first, texts(5)) {
		t.Error("the same seed makes different programs")
	}
	if reflect.DeepEqual(first, texts(6)) {
		t.Error("another seed makes the same programs")
	}
}

// With all that is dear allowed, everything that a program can do comes.
func TestEverythingIsReached(t *testing.T) {
	o := options(t, "v4")
	o.Dear = Dear{SQPoll: 50, IOPoll: 50, NullBlk: 50, Ext4: 50, Thread: 200, Process: 100, Child: 50, Fault: 50}
	ops, flags, steps := map[uring.Op]int{}, map[uring.SQEFlags]int{}, map[cases.StepKind]int{}
	resources, setup, registered := map[cases.ResourceKind]int{}, map[uring.SetupFlags]int{}, map[uring.RegisterOp]int{}
	background := 0
	evolve(3, 8000, o, func(p *cases.Program) {
		for _, q := range p.SQEs() {
			ops[q.SQE.Op]++
			for f := uring.SQEFlags(1); f != 0; f <<= 1 {
				if q.SQE.Flags&f != 0 {
					flags[f]++
				}
			}
		}
		for i := range p.Steps {
			steps[p.Steps[i].Kind]++
			if p.Steps[i].Reg != nil {
				registered[p.Steps[i].Reg.Op]++
			}
			if p.Steps[i].Background {
				background++
			}
		}
		for i := range p.Resources {
			resources[p.Resources[i].Kind]++
		}
		for i := range p.Rings {
			for f := uring.SetupFlags(1); f != 0; f <<= 1 {
				if p.Rings[i].Flags&f != 0 {
					setup[f]++
				}
			}
		}
	})
	for op := range uring.OpLast {
		if ops[op] == 0 {
			t.Errorf("opcode %s never comes", op)
		}
	}
	for f := uring.SQEFlags(1); f != 0; f <<= 1 {
		if flags[f] < 50 {
			t.Errorf("flag %s comes %d times", cases.SQEFlagNames(f), flags[f])
		}
	}
	for k := cases.StepSubmit; k.String() != "step"; k++ {
		if steps[k] == 0 {
			t.Errorf("step %s never comes", k)
		}
	}
	for _, k := range []cases.ResourceKind{cases.ResFile, cases.ResPipe, cases.ResSocketPair, cases.ResEventFD, cases.ResEpoll,
		cases.ResSocket, cases.ResDir, cases.ResNullBlk, cases.ResChild} {
		if resources[k] == 0 {
			t.Errorf("resource %s never comes", k)
		}
	}
	for _, f := range []uring.SetupFlags{uring.SetupSubmitAll, uring.SetupDeferTaskrun, uring.SetupCoopTaskrun, uring.SetupSQPoll, uring.SetupIOPoll,
		uring.SetupRDisabled, uring.SetupCQE32, uring.SetupSQE128} {
		if setup[f] == 0 {
			t.Errorf("setup flag %s never comes", cases.SetupFlagNames(f))
		}
	}
	if len(registered) < 15 || background == 0 {
		t.Errorf("%d registrations, %d steps in the background", len(registered), background)
	}
}

// Programs that cost a guest much are few.
func TestFewProgramsAreDear(t *testing.T) {
	const n = 3000
	dear := map[string]int{}
	evolve(4, n, options(t, "v4"), func(p *cases.Program) {
		for what, is := range map[string]bool{
			"polling": ringsWith(p, uring.SetupSQPoll|uring.SetupIOPoll), "null_blk": has(p, cases.ResNullBlk), "child": has(p, cases.ResChild),
			"process": len(p.Steps) > 0 && p.Steps[len(p.Steps)-1].Kind.Ends(), "threads": len(p.Threads()) > 0,
		} {
			if is {
				dear[what]++
			}
		}
		for i := range p.Steps {
			if s := &p.Steps[i]; s.Timeout > cancelPatience || s.Kind == cases.StepFault {
				t.Fatalf("too long or never run:\n%s", p.Text())
			}
		}
	})
	for what, most := range map[string]int{"polling": 2, "null_blk": 0, "child": 0, "process": 10, "threads": 10} { // percent
		if 100*dear[what] > most*n {
			t.Errorf("%d of %d programs have %s, want at most %d%%", dear[what], n, what, most)
		}
	}
	t.Logf("of %d: %v", n, dear)
}

// Waits are for what comes, on other schedules as well.
func TestWaitsAreForWhatComes(t *testing.T) {
	for _, profile := range []string{"v4", "v7"} {
		o := options(t, profile)
		waits, late := 0, 0
		evolve(5, 3000, o, func(p *cases.Program) {
			out := sim.Run(p, o.Profile, 99)
			for i := range out.Steps {
				if p.Steps[i].Kind == cases.StepWait {
					waits++
					if out.Steps[i].Errno != 0 {
						late++
					}
				}
			}
		})
		t.Logf("%s: %d of %d waits", profile, late, waits)
		if waits < 3000 || 50*late > waits { // who races for data may lose
			t.Errorf("%s: %d of %d waits run out of time", profile, late, waits)
		}
	}
}

func ringsWith(p *cases.Program, f uring.SetupFlags) bool {
	for i := range p.Rings {
		if p.Rings[i].Flags&f != 0 {
			return true
		}
	}
	return false
}

func has(p *cases.Program, k cases.ResourceKind) bool {
	for i := range p.Resources {
		if p.Resources[i].Kind == k {
			return true
		}
	}
	return false
}

func BenchmarkMutator(b *testing.B) {
	o := options(b, "v4")
	b.Run("generate", func(b *testing.B) {
		m := NewMutator(1, o)
		for b.Loop() {
			m.Generate()
		}
	})
	b.Run("mutate", func(b *testing.B) {
		m := NewMutator(1, o)
		var corpus []*cases.Program
		for range 100 {
			corpus = append(corpus, m.Generate())
		}
		i := 0
		for b.Loop() {
			m.Mutate(corpus[i%100], corpus[(i*7+1)%100])
			i++
		}
	})
}
