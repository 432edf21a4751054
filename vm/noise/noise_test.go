// SPDX-License-Identifier: Apache-2.0

package noise

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

func catalogue(t *testing.T) []*cases.Program {
	t.Helper()
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSameSeedSameNoise(t *testing.T) {
	for _, p := range catalogue(t)[:50] {
		for seed := range uint64(20) {
			a, b := For(seed, p), For(seed, p)
			if !reflect.DeepEqual(a, b) || a.String() != b.String() {
				t.Fatalf("%s, seed %d: two plans: %v; %v", p.Name, seed, a, b)
			}
			again, err := cases.Parse(p.Name+".ring", []byte(p.Text()))
			if err != nil {
				t.Fatal(err)
			}
			if c := For(seed, again); !reflect.DeepEqual(a, c) {
				t.Fatalf("%s, seed %d: another plan after printing and parsing: %v; %v", p.Name, seed, a, c)
			}
		}
	}
}

func TestSeedZeroIsSilence(t *testing.T) {
	p := catalogue(t)[0]
	plan := For(0, p)
	if plan != nil || plan.Bound() != 0 || plan.String() != "no noise" {
		t.Errorf("seed 0 gives %v, bound %v", plan, plan.Bound())
	}
}

// TestSeedsDiffer: two seeds, and two programs under one seed, have plans of their own.
func TestSeedsDiffer(t *testing.T) {
	all := catalogue(t)
	keys := map[uint64]bool{}
	texts := map[string]bool{}
	for seed := uint64(1); seed <= 200; seed++ {
		for _, p := range all[:5] {
			plan := For(seed, p)
			keys[plan.Key], texts[plan.String()] = true, true
		}
	}
	if len(keys) != 1000 || len(texts) != 1000 {
		t.Errorf("1000 plans have %d keys and %d texts", len(keys), len(texts))
	}
}

// TestOnePartLeavesTheOthers: a further step changes no wait before the others, nor the probes.
func TestOnePartLeavesTheOthers(t *testing.T) {
	p := catalogue(t)[0]
	longer := *p
	longer.Steps = append(slices.Clone(p.Steps), cases.Step{Kind: cases.StepWait, N: 1})
	for seed := uint64(1); seed < 50; seed++ {
		a, b := For(seed, p), For(seed, &longer)
		if !reflect.DeepEqual(a.Steps, b.Steps[:len(a.Steps)]) || a.Probes != b.Probes || !reflect.DeepEqual(a.Threads, b.Threads) {
			t.Errorf("seed %d: a step at the end changes the noise before it", seed)
		}
	}
}

// TestBounds holds every plan of the catalogue against what the package promises.
func TestBounds(t *testing.T) {
	var longest time.Duration
	kinds := map[string]int{}
	for _, p := range catalogue(t) {
		for seed := uint64(1); seed <= 10; seed++ {
			plan := For(seed, p)
			check(t, p, plan, kinds)
			longest = max(longest, plan.Bound())
		}
	}
	if longest > 2*time.Second {
		t.Errorf("a plan may take %v", longest)
	}
	for _, kind := range []string{"pinned", "idle", "batch", "ext", "nice", "spin", "sleep", "yield", "rival", "few workers", "pinned workers", "disk", "hooks"} {
		if kinds[kind] == 0 {
			t.Errorf("no plan has %q", kind)
		}
	}
	t.Logf("the longest bound is %v; kinds: %v", longest, kinds)
}

func check(t *testing.T, p *cases.Program, plan *Plan, kinds map[string]int) {
	t.Helper()
	count := func(kind string, yes bool) {
		if yes {
			kinds[kind]++
		}
	}
	if len(plan.Threads) != 1+len(p.Threads()) || len(plan.Steps) != len(p.Steps) || len(plan.Disks) != len(p.Resources) {
		t.Fatalf("%s: the plan is of another shape: %v", p.Name, plan)
	}
	for _, th := range plan.Threads {
		if th.CPU < AnyCPU || th.CPU >= CPUs || th.Nice < -5 || th.Nice > 10 {
			t.Fatalf("%s: thread %v", p.Name, th)
		}
		count("pinned", th.CPU != AnyCPU)
		count(th.Class.String(), true)
		count("nice", th.Nice != 0)
	}
	var pauses time.Duration
	for i, s := range plan.Steps {
		if s.Spin > maxSpin+time.Microsecond || s.Sleep > maxLate+time.Microsecond || s.Sleep > 0 && !feeds(&p.Steps[i]) {
			t.Fatalf("%s: step %d waits %+v", p.Name, i, s)
		}
		pauses += s.Spin + s.Sleep
		count("spin", s.Spin > 0)
		count("sleep", s.Sleep > 0)
		count("yield", s.Yields > 0)
	}
	for _, r := range plan.Rivals {
		if busy := time.Duration(r.Turns) * r.Busy; busy > maxRival {
			t.Fatalf("%s: a rival is busy for %v", p.Name, busy)
		}
		count("rival", true)
	}
	for i, d := range plan.Disks {
		if s := &p.Resources[i]; d > maxDisk+time.Microsecond || d > 0 && (s.Kind != cases.ResNullBlk || s.Poll) {
			t.Fatalf("%s: %s completes %v late", p.Name, s.Name, d)
		}
		count("disk", d > 0)
	}
	for h, d := range plan.Probes.Delays {
		limit := Hook(h).limit()
		if d.Chance > Always || d.Max > limit+time.Microsecond || d.Max != d.Max.Truncate(time.Microsecond) {
			t.Fatalf("%s: at %v requests wait %+v", p.Name, Hook(h), d)
		}
		count("hooks", d.Chance > 0)
	}
	count("few workers", plan.Workers.Bounded > 0 && plan.Workers.Bounded < 4)
	count("pinned workers", plan.Workers.CPU != AnyCPU)
	if pauses > stepsBudget || plan.Bound() < 2*pauses {
		t.Fatalf("%s: waits before steps take %v, the bound is %v", p.Name, pauses, plan.Bound())
	}
}

// TestProgramsSpeakForThemselves: what a program says of workers, privilege
// and spinning threads, the noise leaves alone.
func TestProgramsSpeakForThemselves(t *testing.T) {
	limits := &cases.Program{Name: "p", Rings: []cases.Ring{{Entries: 8}}, Steps: []cases.Step{
		{Kind: cases.StepRegister, Reg: &cases.Registration{Op: uring.RegisterIOWQMaxWorkers, Counts: [2]uint32{1, 1}}}}}
	splices := &cases.Program{Name: "p", Rings: []cases.Ring{{Entries: 8}}, Steps: []cases.Step{
		{Kind: cases.StepSubmit, SQEs: []cases.SQE{{Op: uring.OpSplice}, {Op: uring.OpTee}, {Op: uring.OpSplice}}}}}
	user := &cases.Program{Name: "p", Rings: []cases.Ring{{Entries: 8}}, Steps: []cases.Step{{Kind: cases.StepUID, Thread: "t", N: 1000}}}
	polls := &cases.Program{Name: "p", Rings: []cases.Ring{{Entries: 8, Flags: uring.SetupSQPoll}}}
	for seed := uint64(1); seed < 200; seed++ {
		if w := For(seed, limits).Workers; w.Bounded != 0 || w.CPU != AnyCPU {
			t.Errorf("seed %d: workers %+v of a program that limits them", seed, w)
		}
		if w := For(seed, splices).Workers; w.Bounded < 4 {
			t.Errorf("seed %d: %d bounded workers for three requests that may block them", seed, w.Bounded)
		}
		for _, th := range For(seed, user).Threads {
			if th.Class != Other || th.Nice != 0 {
				t.Errorf("seed %d: %v in a program that gives up its privilege", seed, th)
			}
		}
		if th := For(seed, polls).Threads[0]; th.Class == Idle {
			t.Errorf("seed %d: an idle thread beside one that spins", seed)
		}
	}
}

func TestWait(t *testing.T) {
	p := Probes{Key: 42}
	p.Delays[HookIssue] = Delay{Chance: Always, Max: 100 * time.Microsecond}
	p.Delays[HookComplete] = Delay{Chance: 64, Max: 10 * time.Microsecond}
	var waits, sum int
	for ud := range uint64(4096) {
		if p.Wait(HookPunt, ud, 0) != 0 {
			t.Fatal("a request waits at a hook that is silent")
		}
		w := p.Wait(HookIssue, ud, 0)
		if w < time.Microsecond || w > 100*time.Microsecond || w != p.Wait(HookIssue, ud, 0) {
			t.Fatalf("request %d waits %v", ud, w)
		}
		sum += int(w / time.Microsecond)
		if p.Wait(HookComplete, ud, 3) > 0 {
			waits++
		}
	}
	if mean := sum / 4096; mean < 45 || mean > 55 {
		t.Errorf("waits of up to 100 µs are %d µs on average", mean)
	}
	if waits < 900 || waits > 1150 {
		t.Errorf("%d of 4096 requests wait where 64 of 256 shall", waits)
	}
}

func TestString(t *testing.T) {
	p := &cases.Program{Name: "p", Rings: []cases.Ring{{Entries: 8}}, Steps: make([]cases.Step, 9)}
	text := For(3, p).String()
	for _, want := range []string{"seed 3", "thread ", "io-wq: at most", "requests wait: "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if strings.Contains(text, "\n") {
		t.Errorf("several lines: %q", text)
	}
}
