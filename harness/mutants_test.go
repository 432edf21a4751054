// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/harness/coverage"
	"github.com/ringproof/ringproof/harness/matrix"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// What a guest of a firing range does with a program.
type does int

const (
	passes          does = iota
	breaksG4             // the leader's CQE is not the last
	breaksAndOopses      // likewise, and oopses after its answer
	hangs                // the guest falls silent: HANG, by G11
	oopses               // NULL pointer dereference in io_foo
	qemuDies             // our side breaks
	starves              // nothing can be said
	oopsesLate           // passes, and oopses after its answer
)

var oops = []string{"[ 3.1] BUG: kernel NULL pointer dereference, address: 0", "[ 3.1] RIP: 0010:io_foo+0x1/0x2"}

// firingRange says what guests do with a program, by "program/mutant": one
// after the other, then what comes last for ever.
type firingRange struct {
	t    *testing.T
	pr   *cases.Profile
	does map[string][]does
	ran  []string // "program/mutant", in order
	open int      // guests
}

type rangeGuest struct {
	*firingRange
	late []string
}

func (r *firingRange) spawn(context.Context) (guest, error) {
	r.open++
	return &rangeGuest{firingRange: r}, nil
}

func (g *rangeGuest) Info() *wire.GuestInfo {
	return &wire.GuestInfo{Groups: true, NopInject: true, Probes: sim.Probes()}
}
func (g *rangeGuest) Close()                                   { g.open-- }
func (g *rangeGuest) Linger(context.Context) []string          { return g.Stray() }
func (g *rangeGuest) Leaks(context.Context) ([]vm.Leak, error) { return nil, nil }
func (g *rangeGuest) Stray() []string {
	lines := g.late
	g.late = nil
	return lines
}

func (g *rangeGuest) Run(_ context.Context, p *cases.Program, o vm.RunOptions) (*cases.Outcome, error) {
	key := fmt.Sprintf("%s/%d", p.Name, o.Mutant)
	g.ran = append(g.ran, key)
	what := passes
	if list := g.does[key]; len(list) > 0 {
		what = list[0]
		if len(list) > 1 {
			g.does[key] = list[1:]
		}
	}
	switch what {
	case breaksAndOopses:
		g.late = oops
		return sim.RunWith(p, g.pr, 1, sim.LeaderFirst), nil
	case breaksG4:
		return sim.RunWith(p, g.pr, 1, sim.LeaderFirst), nil
	case hangs:
		return nil, &vm.GuestError{Kind: vm.GuestSilent}
	case oopses:
		return nil, &vm.GuestError{Kind: vm.GuestPanicked, Console: oops}
	case qemuDies:
		return nil, &vm.InfraError{Op: "talk to QEMU", Err: errors.New("killed")}
	case starves:
		out := sim.Run(p, g.pr, 1)
		out.Evidence.Lost = 1
		return out, nil
	case oopsesLate:
		g.late = oops
	}
	return sim.Run(p, g.pr, 1), nil
}

// catalogued returns programs of the catalogue.
func catalogued(t *testing.T, names ...string) []*cases.Program {
	t.Helper()
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	var found []*cases.Program
	for _, name := range names {
		i := slices.IndexFunc(all, func(p *cases.Program) bool { return p.Name == name })
		if i < 0 {
			t.Fatalf("the catalogue has no program %s", name)
		}
		found = append(found, all[i])
	}
	return found
}

func TestTrial(t *testing.T) {
	const a, b, c = "group-nop-2", "group-nop-3", "group-nop-64"
	pr, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	forever := func(d does) []does { return []does{d} }
	for _, test := range []struct {
		name  string
		does  map[string][]does
		rules []string
		crash string
		all   bool

		status matrix.Status
		kills  string // "program how", one after the other
		others string
		ran    string // what is run on which mutant; "" is not looked at
		unfit  string
	}{
		{
			name: "nobody sees it", rules: []string{"G4"},
			status: matrix.Survived, ran: "a/1 b/1 c/1",
		},
		{
			name: "the first kill ends it, repeated with and without the mistake", rules: []string{"G4"},
			does:   map[string][]does{b + "/1": forever(breaksG4), c + "/1": forever(breaksG4)},
			status: matrix.Killed, kills: b + " FAIL 2 of 2", ran: "a/1 b/1 b/1 b/0",
		},
		{
			name: "all of them", rules: []string{"G4"}, all: true,
			does:   map[string][]does{b + "/1": forever(breaksG4), c + "/1": forever(breaksG4)},
			status: matrix.Killed, kills: b + " FAIL 2 of 2, " + c + " FAIL", ran: "a/1 b/1 b/1 b/0 c/1",
		},
		{
			name: "one that fails and oopses is one kill", rules: []string{"G4"}, crash: "NULL pointer", all: true,
			does:   map[string][]does{a + "/1": forever(breaksG4), b + "/1": forever(breaksAndOopses)},
			status: matrix.Killed, kills: a + " FAIL 2 of 2, " + b + " FAIL",
		},
		{
			name: "a reason that the header does not allow", rules: []string{"G8"},
			does:   map[string][]does{a + "/1": forever(breaksG4)},
			status: matrix.Otherwise, others: a + " FAIL 2 of 2", ran: "a/1 b/1 c/1 a/1 a/0",
		},
		{
			name: "the search goes on behind such a reason", rules: []string{"G11"},
			does:   map[string][]does{a + "/1": forever(breaksG4), b + "/1": forever(hangs)},
			status: matrix.Killed, kills: b + " HANG 2 of 2", others: a + " FAIL",
		},
		{
			name: "a header that names no reason allows all",
			does: map[string][]does{a + "/1": forever(breaksG4)}, status: matrix.Killed, kills: a + " FAIL 2 of 2",
		},
		{
			name: "a crash is allowed by its title", rules: []string{"G4"}, crash: "NULL pointer dereference in io_foo",
			does:   map[string][]does{a + "/1": forever(oopses)},
			status: matrix.Killed, kills: a + " CRASH 2 of 2",
		},
		{
			name: "a crash is not allowed by a rule", rules: []string{"G4", "I9"}, crash: "KASAN",
			does:   map[string][]does{a + "/1": forever(oopses)},
			status: matrix.Otherwise, others: a + " CRASH 2 of 2",
		},
		{
			name: "a crash behind the answer is the program's that answered last", rules: []string{"G4"}, crash: "NULL pointer",
			does:   map[string][]does{b + "/1": forever(oopsesLate)},
			status: matrix.Killed, kills: b + " CRASH 2 of 2",
		},
		{
			name: "what shows once in four guests is rare, and counts", rules: []string{"G4"},
			does:   map[string][]does{a + "/1": {breaksG4, passes}},
			status: matrix.Killed, kills: a + " FAIL 1 of 4", ran: "a/1 a/1 a/1 a/1 a/0 a/0 a/0",
		},
		{
			name: "a hang that shows once does not: a host that stood still looks like it", rules: []string{"G11"},
			does:   map[string][]does{a + "/1": {hangs, passes}},
			status: matrix.Survived,
		},
		{
			name: "a program that fails without the mistake as well kills nothing", rules: []string{"G4"},
			does:   map[string][]does{a + "/1": forever(breaksG4), a + "/0": forever(breaksG4)},
			status: matrix.Survived, unfit: a, ran: "a/1 a/1 a/0 b/1 c/1",
		},
		{
			name: "nor is it a kill for another reason", rules: []string{"G8"},
			does:   map[string][]does{a + "/1": forever(breaksG4), a + "/0": forever(breaksG4)},
			status: matrix.Survived, unfit: a,
		},
		{
			name: "a program that is too slow for a short deadline gets the usual one", rules: []string{"G11"},
			does:   map[string][]does{a + "/1": forever(hangs), a + "/0": {hangs, passes}},
			status: matrix.Killed, kills: a + " HANG 2 of 2", ran: "a/1 a/1 a/0 a/1 a/0",
		},
		{
			name: "our side breaks for a while", rules: []string{"G4"},
			does:   map[string][]does{a + "/1": {qemuDies, passes}, b + "/1": {starves, starves, passes}},
			status: matrix.Survived,
		},
		{
			name: "nothing could be said, but can when it is tried again", rules: []string{"G4"},
			does:   map[string][]does{a + "/1": {starves, starves, starves, breaksG4}},
			status: matrix.Killed, kills: a + " FAIL 2 of 2", ran: "a/1 a/1 a/1 b/1 c/1 a/1 a/1 a/0",
		},
		{
			name: "our side breaks: neither killed nor survived", rules: []string{"G4"},
			does:   map[string][]does{b + "/1": forever(qemuDies)},
			status: matrix.NotTested,
		},
		{
			name: "nothing can be said of a program: neither killed nor survived", rules: []string{"G4"},
			does:   map[string][]does{b + "/1": forever(starves)},
			status: matrix.NotTested,
		},
		{
			name: "our side breaks, but another program kills", rules: []string{"G4"},
			does:   map[string][]does{a + "/1": forever(qemuDies), b + "/1": forever(breaksG4)},
			status: matrix.Killed, kills: b + " FAIL 2 of 2",
		},
		{
			name: "our side breaks where a kill is proved", rules: []string{"G4"},
			does:   map[string][]does{a + "/1": forever(breaksG4), a + "/0": forever(qemuDies)},
			status: matrix.NotTested,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &firingRange{t: t, pr: pr, does: test.does}
			m := &images.Mutant{Name: "m", Rules: test.rules}
			if test.crash != "" {
				m.Crash = []*regexp.Regexp{regexp.MustCompile(test.crash)}
			}
			tr := &trial{mutant: m, all: test.all, unfit: &unfit{},
				with: stand{spawn: r.spawn, profile: pr, mutant: 1}, without: stand{spawn: r.spawn, profile: pr}}
			for _, p := range catalogued(t, a, b, c) {
				tr.shots = append(tr.shots, shot{program: p, options: vm.RunOptions{Deadline: time.Second}})
			}
			if err := tr.run(context.Background()); err != nil {
				t.Fatal(err)
			}
			res := &tr.result
			if res.Status != test.status {
				t.Errorf("%s (%s), want %s", res.Status, res.Why, test.status)
			}
			say := func(kills []matrix.Kill) string {
				var all []string
				for _, k := range kills {
					s := k.Program + " " + string(k.Status)
					if k.Of > 0 {
						s += fmt.Sprintf(" %d of %d", k.Shown, k.Of)
					}
					all = append(all, s)
				}
				return strings.Join(all, ", ")
			}
			if got := say(res.Kills); got != test.kills {
				t.Errorf("kills %q, want %q", got, test.kills)
			}
			if got := say(res.Others); got != test.others {
				t.Errorf("kills for other reasons %q, want %q", got, test.others)
			}
			ran := strings.NewReplacer(a, "a", b, "b", c, "c").Replace(strings.Join(r.ran, " "))
			if test.ran != "" && ran != test.ran {
				t.Errorf("ran %q, want %q", ran, test.ran)
			}
			unfit := ""
			for _, u := range tr.unfit.list {
				unfit += u.Program
			}
			if unfit != test.unfit {
				t.Errorf("unfit %q, want %q", unfit, test.unfit)
			}
			if r.open != 0 {
				t.Errorf("%d guests were left running", r.open)
			}
		})
	}
}

// A kernel of its own that does not come up is killed, if its header allows
// that; one that several mutants share says nothing of any.
func TestTrialBootFails(t *testing.T) {
	pr, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	boot := &BootError{&vm.GuestError{Kind: vm.GuestPanicked, Console: oops}}
	for _, test := range []struct {
		name   string
		mutant int
		crash  string
		want   matrix.Status
	}{
		{"allowed", 0, "NULL pointer dereference in io_foo", matrix.Killed},
		{"not allowed", 0, "KASAN", matrix.Otherwise},
		{"a shared kernel", 3, "NULL pointer dereference in io_foo", matrix.NotTested},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := &trial{mutant: &images.Mutant{Name: "m", Crash: []*regexp.Regexp{regexp.MustCompile(test.crash)}}, unfit: &unfit{}, with: stand{
				spawn: func(context.Context) (guest, error) { return nil, boot }, profile: pr, mutant: test.mutant}}
			for _, p := range catalogued(t, "group-nop-2", "group-nop-3") {
				tr.shots = append(tr.shots, shot{program: p})
			}
			err := tr.run(context.Background())
			if tr.result.Status != test.want || (err != nil) != (test.want == matrix.NotTested) {
				t.Errorf("%s (%v), want %s", tr.result.Status, err, test.want)
			}
		})
	}
}

// A mutant on which everything hangs costs so many guests and no more.
func TestTrialSparesPrograms(t *testing.T) {
	pr, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	r := &firingRange{t: t, pr: pr, does: map[string][]does{}}
	tr := &trial{mutant: &images.Mutant{Name: "m", Rules: []string{"G11"}}, all: true, unfit: &unfit{},
		with: stand{spawn: r.spawn, profile: pr, mutant: 1}, without: stand{spawn: r.spawn, profile: pr}}
	const programs = 3 * maxLost
	for _, p := range all[:programs] {
		r.does[p.Name+"/1"] = []does{hangs}
		tr.shots = append(tr.shots, shot{program: p})
	}
	if err := tr.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if k, s := len(tr.result.Kills), len(tr.result.Spared); k != maxLost || k+s != programs {
		t.Errorf("%d kills and %d programs spared, want %d of %d", k, s, maxLost, programs)
	}
}

// Those who promise to show it come first, of these those that watch a rule that few watch;
// shapes take turns, cheap ones first.
func TestOrder(t *testing.T) {
	cell := func(s string) coverage.Cell {
		rule, path, _ := strings.Cut(s, "/")
		return coverage.Cell{Rule: rule, Profile: "v4", Path: coverage.Path(path)}
	}
	mk := func(name string, ms int, cells ...string) candidate {
		c := candidate{program: &cases.Program{Name: name}, cost: time.Duration(ms) * time.Millisecond}
		for _, s := range cells {
			c.cells = append(c.cells, cell(s))
		}
		return c
	}
	sorted, promised := order([]candidate{
		mk("other-cheap", 1, "G9/inline"),
		mk("other-dear", 90, "G9/io-wq"),
		mk("poll-dear", 80, "G4/poll", "G9/poll"),
		mk("inline-1", 10, "G4/inline", "G9/inline"),
		mk("inline-2", 11, "G4/inline"),
		mk("inline-3", 12, "G4/inline"),
		mk("poll", 50, "G4/poll"),
		mk("both", 40, "G4/poll", "G4/inline"),
		mk("special", 95, "P4.1/poll", "G4/poll"),
	}, []string{"G4", "P4.1"})
	var names []string
	for _, c := range sorted {
		names = append(names, c.program.Name)
	}
	want := []string{"special", "inline-1", "both", "poll", "inline-2", "poll-dear", "inline-3", "other-cheap", "other-dear"}
	if d := cmp.Diff(want, names); d != "" || promised != 7 {
		t.Errorf("promised %d, order (-want +got):\n%s", promised, d)
	}
}

// A program is given a multiple of what it took, and never less than a bound; the guest
// multiplies what it gets with what emulation costs.
func TestBaselineOptions(t *testing.T) {
	b := &baseline{flavour: "fast", took: map[string]time.Duration{"quick": time.Millisecond, "slow": time.Second}, skipped: map[string]bool{"faults": true}}
	for _, test := range []struct {
		program        string
		deadline, ends time.Duration // in the guest
		fast, kasan    bool
	}{
		{"quick", leastTime, leastForEnds, true, true},
		{"slow", patience * time.Second, patience * time.Second, true, true},
		{"faults", 0, 0, false, true},
		{"unfit", 0, 0, false, false},
	} {
		p := &cases.Program{Name: test.program}
		o := b.options(p, vm.TCG)
		scale := vm.NewTimeouts(vm.TCG, 1).Scale
		if got := time.Duration(float64(o.Deadline) * scale); got != test.deadline {
			t.Errorf("%s: deadline %v, want %v", test.program, got, test.deadline)
		}
		if got := time.Duration(float64(o.Ends) * scale); got != test.ends {
			t.Errorf("%s: ends %v, want %v", test.program, got, test.ends)
		}
		if b.fit(p, "fast") != test.fast || b.fit(p, "kasan") != test.kasan {
			t.Errorf("%s: fit for fast %v, for kasan %v", test.program, b.fit(p, "fast"), b.fit(p, "kasan"))
		}
	}
}

func TestMutantsProfile(t *testing.T) {
	v4, v7, any := &images.Mutant{Name: "a", Profile: "v4"}, &images.Mutant{Name: "b", Profile: "v7"}, &images.Mutant{Name: "c"}
	for _, test := range []struct {
		name, series string
		mutants      []*images.Mutant
		want         string // "" is an error
	}{
		{"", "v7", []*images.Mutant{v7, any}, "v7"},
		{"", "./mine", []*images.Mutant{v4, any}, "v4"},
		{"", "./mine", []*images.Mutant{any}, ""},
		{"", "./mine", []*images.Mutant{v4, v7}, ""},
		{"", "v7", []*images.Mutant{v4}, ""},
		{"v7", "v4", []*images.Mutant{v4}, "v7"},
	} {
		_, p, err := MutantsProfile(test.name, test.series, test.mutants)
		got := ""
		if err == nil {
			got = p.Name
		} else if BlameFor(err) != BlameUser {
			t.Errorf("--profile %q --series %s: %v is not taken for a wrong request", test.name, test.series, err)
		}
		if got != test.want {
			t.Errorf("--profile %q --series %s: %q (%v), want %q", test.name, test.series, got, err, test.want)
		}
	}
}

// The number is the image's, and a mutant that was edited since is not in it.
func TestNumberOf(t *testing.T) {
	p := images.Provenance{Mutants: []images.MutantProvenance{{Number: 1, Name: "a", SHA256: "1"}, {Number: 2, Name: "b", SHA256: "2"}}}
	if n, err := numberOf(&images.Mutant{Name: "b", SHA256: "2"}, p); n != 2 || err != nil {
		t.Errorf("b is %d, %v", n, err)
	}
	for _, m := range []*images.Mutant{{Name: "c", SHA256: "2"}, {Name: "b", SHA256: "3"}} {
		if n, err := numberOf(m, p); err == nil || BlameFor(err) != BlameInfra {
			t.Errorf("%s with content %s is %d, %v", m.Name, m.SHA256, n, err)
		}
	}
}
