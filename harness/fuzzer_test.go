// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// fuzzed is a kernel for campaigns: what a program does is in its name, which
// begins with one of these words. Without one it passes.
//
//	fail      breaks a rule           once     breaks a rule the first time that it runs
//	warn      the kernel complains    late     it complains when the program is done
//	hang      does not end            panic    costs the guest, with all that is outstanding
//	after     fails if a program of a guest hung or warned before it
//	slow      does not complete in time, where it is not alone in a guest that was busy
//	lost      leaves holes in the evidence, lose1 the first time only
//	qemu      costs the guest by our side's doing the first time, qemus every time
//	N edges…  passes, and reaches edge number N
type fuzzed struct {
	mu     sync.Mutex
	ran    map[string]int
	guests int
	alone  []string // programs that were the first of a guest
}

type fuzzedGuest struct {
	*fuzzed
	served int
	harmed bool
	down   chan struct{}
	kill   sync.Once
	stray  []string
}

const panicText = "[    3.1] Kernel panic - not syncing: Fatal exception"

func (f *fuzzed) spawn(context.Context) (guest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.guests++
	return &fuzzedGuest{fuzzed: f, down: make(chan struct{})}, nil
}

func (g *fuzzedGuest) Info() *wire.GuestInfo                    { return &wire.GuestInfo{} }
func (g *fuzzedGuest) Close()                                   {}
func (g *fuzzedGuest) Leaks(context.Context) ([]vm.Leak, error) { return nil, nil }
func (g *fuzzedGuest) Linger(context.Context) []string          { return g.Stray() }
func (g *fuzzedGuest) Stray() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	lines := g.stray
	g.stray = nil
	return lines
}

func (g *fuzzedGuest) Run(ctx context.Context, p *cases.Program, _ vm.RunOptions) (*cases.Outcome, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.down:
		return nil, &vm.GuestError{Kind: vm.GuestPanicked, Console: []string{panicText}}
	default:
	}
	word := strings.TrimRight(p.Name, "0123456789-")
	g.ran[p.Name]++
	first := g.ran[p.Name] == 1
	if g.served++; g.served == 1 {
		g.alone = append(g.alone, p.Name)
	}
	out := &cases.Outcome{End: cases.EndDone, Evidence: cases.Evidence{Probes: true}, Took: time.Millisecond,
		Steps: []cases.StepResult{{Ret: 1}, {Ret: 1}}, CQEs: []cases.CQE{{UserData: 1}}}
	fail := func() { out.CQEs[0].Res = -5 }
	warning := []string{"[    3.1] WARNING: CPU: 0 PID: 60 at io_uring/io_uring.c:100 io_free_req+0x1/0x2"}
	switch {
	case word == "fail", word == "once" && first, word == "after" && g.harmed:
		fail()
	case word == "warn":
		out.Console, g.harmed = warning, true
	case word == "late":
		g.stray, g.harmed = warning, true
	case word == "hang":
		out.End, out.CQEs, g.harmed = cases.EndTimeout, nil, true
	case word == "tardy" && first, word == "never" && first:
		out.Steps[1] = cases.StepResult{Errno: int32(syscall.ETIME), Took: 30 * time.Millisecond}
		if out.CQEs[0].Step = 2; word == "never" { // behind the wait, which is the last step
			out.CQEs = nil
		}
	case word == "slow":
		out.Steps[1], out.CQEs = cases.StepResult{Errno: int32(syscall.ETIME), Took: 30 * time.Millisecond}, nil
		if g.served > 1 {
			out.Waited, out.Stolen = time.Second, time.Second/2
		}
	case word == "panic":
		g.kill.Do(func() { close(g.down) })
		return nil, &vm.GuestError{Kind: vm.GuestPanicked, Console: []string{panicText}}
	case word == "lost", word == "lose" && first:
		out.Evidence.Lost = 3
	case word == "qemus", word == "qemu" && first:
		return nil, &vm.InfraError{Op: "talk to QEMU", Err: errors.New("killed")}
	}
	var edge uint32
	if n, _ := fmt.Sscanf(p.Name, "edge%d", &edge); n == 1 {
		out.Coverage = &cases.Coverage{Edges: []uint32{edge}, PCs: []uint64{uint64(edge)}}
	}
	if word == "flicker" && first {
		out.Coverage = &cases.Coverage{Edges: []uint32{99}, PCs: []uint64{99}}
	}
	return out, nil
}

// dealer hands out named programs, and then plain ones.
type dealer struct {
	names   []string
	mutated []string // names of the programs that were mutated
}

func (d *dealer) deal() *cases.Program {
	if len(d.names) == 0 {
		return plainProgram("plain")
	}
	name := d.names[0]
	d.names = d.names[1:]
	return plainProgram(name)
}
func (d *dealer) Generate() *cases.Program { return d.deal() }
func (d *dealer) Mutate(p, _ *cases.Program) *cases.Program {
	d.mutated = append(d.mutated, p.Name)
	return d.deal()
}

// fuzzWith runs a campaign over the named programs and then plain ones, n executions in all.
func fuzzWith(t *testing.T, n int, names []string, change func(*fuzzer)) (*fuzzer, *fuzzed) {
	t.Helper()
	k := &fuzzed{ran: map[string]int{}}
	f := &fuzzer{
		spawn: k.spawn, profile: &cases.Profile{Name: "none"}, window: 4, limit: n, mutator: &dealer{names: names},
		rng: rand.New(rand.NewPCG(1, 1)), keep: func(p *cases.Program) (string, error) { return p.Name, nil },
		notice: func(text string) { t.Log(text) }, learn: kcovOnly,
	}
	f.inquirer.runner = runner{spawn: k.spawn, profile: f.profile}
	if change != nil {
		change(f)
	}
	if err := f.run(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	return f, k
}

// oneAhead has a campaign end only when every program that it began has been run to the end.
func oneAhead(f *fuzzer) { f.window = 1 }

func kcovOnly(_ *cases.Program, o *cases.Outcome) ([]uint32, []uint64) {
	if o.Coverage == nil {
		return nil, nil
	}
	return o.Coverage.Edges, o.Coverage.PCs
}

// found describes the findings: the status, and how often the first example failed if it was confirmed.
func found(f *fuzzer) []string {
	var list []string
	for _, x := range f.findings.All() {
		text := strings.Fields(x.Class)[0]
		if x.Confirmed {
			text += " " + x.Examples[0].Score()
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

func TestCampaignFindings(t *testing.T) {
	for _, test := range []struct {
		name  string
		names []string
		want  []string
	}{
		{"nothing", []string{"a", "b"}, nil},
		{"a broken rule", []string{"fail"}, []string{"FAIL 4 of 4"}},
		{"the same one twice is one", []string{"fail1", "fail2", "fail3", "fail4"}, []string{"FAIL 4 of 4"}},
		{"not seen again", []string{"once"}, []string{"FAIL"}},
		{"not seen again, and only late", []string{"tardy"}, nil},
		{"not seen again, and never there", []string{"never"}, []string{"FAIL"}},
		{"a complaint has several suspects", []string{"a", "b", "warn", "c"}, []string{"CRASH 4 of 4"}},
		{"a hang", []string{"hang"}, []string{"HANG 2 of 2"}},
		{"a panic", []string{"a", "panic", "b"}, []string{"CRASH 4 of 4"}},
		{"what a hang left behind", []string{"hang", "after", "after"}, []string{"HANG 2 of 2"}},
		{"what a complaint left behind", []string{"warn", "after", "after"}, []string{"CRASH 4 of 4"}},
		{"our side is no finding", []string{"qemu", "qemus"}, nil},
		{"holes in the evidence are no finding", []string{"lost", "lose"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, _ := fuzzWith(t, 500, test.names, nil)
			if got := found(f); !slices.Equal(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
			if sum := f.status.Counts.Total() + f.status.AskedAgain; f.status.Executions < 500 || sum < f.status.Executions {
				t.Errorf("%+v does not add up", f.status)
			}
		})
	}
}

// A suspect is run as the first program of a fresh guest, the innocent ones too.
func TestSuspectsRunAlone(t *testing.T) {
	_, k := fuzzWith(t, 12, []string{"a", "b", "panic", "c", "d"}, nil)
	if !slices.Contains(k.alone, "panic") {
		t.Errorf("first programs of guests: %v, want panic among them", k.alone)
	}
	if n := k.ran["panic"]; n < 5 {
		t.Errorf("the guilty one ran %d times, want 5: with others, then 4 times alone", n)
	}
}

// What the console says when nothing is outstanding any more is of the last programs.
func TestLateComplaintHasSuspects(t *testing.T) {
	f, k := fuzzWith(t, 6, []string{"a", "b", "late"}, nil)
	if got := found(f); !slices.Equal(got, []string{"CRASH 4 of 4"}) || !slices.Contains(k.alone, "late") {
		t.Errorf("found %q, alone: %v", got, k.alone)
	}
}

// What our side or a hole in the evidence kept from a verdict is asked again once, and then counts as what it is.
func TestCampaignSaysNothingOfWhatItDoesNotKnow(t *testing.T) {
	f, k := fuzzWith(t, 500, []string{"qemu", "qemus", "lost", "lose"}, nil)
	c := f.status.Counts
	if c.Infra != 1 || c.Inconclusive != 1 || c.Failed() != 0 {
		t.Errorf("%+v: want one INFRA and one INCONCLUSIVE", c)
	}
	for name, want := range map[string]int{"qemu": 2, "qemus": 2, "lost": 2, "lose": 2} {
		if k.ran[name] != want {
			t.Errorf("%s ran %d times, want %d", name, k.ran[name], want)
		}
	}
	if want := f.status.Executions - 3; f.status.Judged != want { // lost twice, lose once
		t.Errorf("judged %d, want %d: holes in the evidence are no verdict", f.status.Judged, want)
	}
}

// What is late counts, though the guest did not have all of the time in which it was late with others.
func TestCampaignLooksIntoWhatIsLate(t *testing.T) {
	f, k := fuzzWith(t, 20, []string{"a", "slow"}, oneAhead)
	if f.findings.Confirmed() != 1 {
		t.Errorf("findings %v, slow ran %d times", found(f), k.ran["slow"])
	}
}

// A failure counts where its waits had time.
func TestClampWaits(t *testing.T) {
	p := plainProgram("x")
	p.Steps[1].Timeout = 10 * time.Millisecond
	p.Steps = append(p.Steps, cases.Step{Kind: cases.StepCancel, Timeout: 10 * time.Millisecond}, cases.Step{Kind: cases.StepWait})
	for _, test := range []struct{ least, most, want, cancel, last time.Duration }{
		{0, time.Millisecond, time.Millisecond, time.Millisecond, time.Millisecond},
		{patientWait, patientWait, patientWait, 10 * time.Millisecond, patientWait},
		{0, cases.DefaultWait, 10 * time.Millisecond, 10 * time.Millisecond, 0},
	} {
		q := clampWaits(p, test.least, test.most)
		if q.Steps[1].Timeout != test.want || q.Steps[2].Timeout != test.cancel || q.Steps[3].Timeout != test.last {
			t.Errorf("%v to %v: %v, %v, %v", test.least, test.most, q.Steps[1].Timeout, q.Steps[2].Timeout, q.Steps[3].Timeout)
		}
	}
	if p.Steps[1].Timeout != 10*time.Millisecond || clampWaits(p, 0, cases.DefaultWait) != p {
		t.Error("the program was changed, or copied for nothing")
	}
}

// What costs one guest after the other does not take all of the campaign.
func TestCampaignGoesOnBehindAPanic(t *testing.T) {
	f, k := fuzzWith(t, 20, []string{"panic"}, oneAhead)
	if n := f.status.Restarts; n != mostLost || f.status.Counts.Pass != 20 {
		t.Errorf("%d guests lost to a program that ran %d times, want %d; %+v", n, k.ran["panic"], mostLost, f.status.Counts)
	}
}

func TestCampaignCorpus(t *testing.T) {
	f, k := fuzzWith(t, 1000, []string{"edge1", "edge2-1", "edge2-2", "flicker", "a"}, oneAhead)
	if got := f.corpus.Len(); got != 2 {
		t.Errorf("%d programs in the corpus, want the two that reach a stable edge first", got)
	}
	if k.ran["edge1"] != campaign.Needed || k.ran["flicker"] != campaign.Runs {
		t.Errorf("edge1 ran %d times, flicker %d times: want %d, %d", k.ran["edge1"], k.ran["flicker"], campaign.Needed, campaign.Runs)
	}
	if f.coverage.Edges() != 2 || f.coverage.PCs() != 3 {
		t.Errorf("%d edges, %d PCs: want 2 stable edges and 3 PCs", f.coverage.Edges(), f.coverage.PCs())
	}
	d := f.mutator.(*dealer)
	if len(d.mutated) == 0 || slices.ContainsFunc(d.mutated, func(s string) bool { return !strings.HasPrefix(s, "edge") }) {
		t.Errorf("mutated: %v, want only what is in the corpus", d.mutated)
	}
	blind, _ := fuzzWith(t, 1000, []string{"edge1", "edge2"}, func(f *fuzzer) { f.blind = true })
	if blind.corpus.Len() != 0 || blind.coverage.PCs() != 2 {
		t.Errorf("without steering: %d in the corpus, %d PCs: want 0, 2", blind.corpus.Len(), blind.coverage.PCs())
	}
}

// Seeds come first, and those of the corpus stay in it.
func TestCampaignResumes(t *testing.T) {
	f, k := fuzzWith(t, 1000, nil, func(f *fuzzer) {
		oneAhead(f)
		f.keep = func(p *cases.Program) (string, error) { t.Errorf("%s was stored again", p.Name); return p.Name, nil }
		f.seeds = []*input{{program: plainProgram("old"), kept: "x"}, {program: plainProgram("edge1"), kept: "y"}, {program: plainProgram("seed")}}
	})
	if f.corpus.Len() != 2 || k.ran["old"] != 1 || k.ran["edge1"] != campaign.Needed || k.ran["seed"] != 1 {
		t.Errorf("%d in the corpus, runs %v: want the two that were loaded", f.corpus.Len(), k.ran)
	}
}

// An interrupt ends the campaign at once and keeps what there is.
func TestCampaignInterrupted(t *testing.T) {
	k := &fuzzed{ran: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	f := &fuzzer{
		spawn: k.spawn, profile: &cases.Profile{Name: "none"}, window: 4, rng: rand.New(rand.NewPCG(1, 1)),
		keep: func(p *cases.Program) (string, error) { return p.Name, nil }, notice: func(string) {}, learn: kcovOnly,
	}
	n := 0
	f.mutator = mutatorFunc(func() *cases.Program {
		if n++; n == 50 {
			cancel()
		}
		return plainProgram(fmt.Sprintf("edge%d-", n))
	})
	f.inquirer.runner = runner{spawn: k.spawn, profile: f.profile}
	if err := f.run(ctx, 2, time.Hour); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that it was interrupted", err)
	}
	s, _ := f.summary()
	if s.Executions == 0 || s.CorpusSize == 0 || s.Judged != s.Executions {
		t.Errorf("%+v: what was done is lost", s)
	}
}

type mutatorFunc func() *cases.Program

func (f mutatorFunc) Generate() *cases.Program                  { return f() }
func (f mutatorFunc) Mutate(_, _ *cases.Program) *cases.Program { return f() }

// The minimiser keeps to the class, and the program that is found is confirmed alone.
func TestCampaignMinimises(t *testing.T) {
	var written []string
	f, _ := fuzzWith(t, 10, []string{"fail"}, func(f *fuzzer) {
		f.inquirer.budget, f.inquirer.patience = 100, time.Hour
		f.inquirer.write = func(class string, found, small *record, e *campaign.Example) error {
			written = append(written, class)
			if small == nil || len(small.c.Program.Steps) >= len(found.c.Program.Steps) || e.SmallTried != 4 {
				t.Errorf("minimised: %+v", e)
			}
			return nil
		}
	})
	if len(written) != 1 || f.findings.Confirmed() != 1 {
		t.Errorf("written %v, %d findings", written, f.findings.Confirmed())
	}
}

// A finding that the campaign does not look for does not end it.
func TestCampaignAccepts(t *testing.T) {
	var asked []judge.Status
	f, _ := fuzzWith(t, 0, nil, func(f *fuzzer) {
		refused := false // what is looked for comes behind what is not
		f.mutator = mutatorFunc(func() *cases.Program {
			f.mu.Lock()
			defer f.mu.Unlock()
			if refused {
				return plainProgram("hang")
			}
			return plainProgram("fail")
		})
		f.stopOnFinding = true
		f.inquirer.accept = func(_ context.Context, rec *record) (bool, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			asked, refused = append(asked, rec.c.Verdict.Status), true
			return rec.c.Verdict.Status == judge.Hang, nil
		}
	})
	if len(asked) < 2 || asked[0] != judge.Fail || !slices.Contains(found(f), "HANG 2 of 2") || f.findings.Confirmed() != 1 {
		t.Errorf("asked for %v, found %v", asked, found(f))
	}
}

// What still fails when the campaign has found what it looked for is counted, and no more.
func TestCampaignFailsBehindItsEnd(t *testing.T) {
	f, _ := fuzzWith(t, 1, nil, func(f *fuzzer) { f.stopOnFinding = true })
	f.stopped = true
	before := f.status.Executions
	f.ran(new(voyage), suspect{in: &input{program: plainProgram("fail")}, outcome: new(cases.Outcome), verdict: judge.Verdict{Status: judge.Fail, Reason: "late"}})
	if f.status.Executions != before+1 || len(f.findings.All()) != 0 || len(f.inquirer.queue) != 0 {
		t.Errorf("%d executions, findings %v, %d inquiries", f.status.Executions-before, f.findings.All(), len(f.inquirer.queue))
	}
}
