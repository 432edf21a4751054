// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
)

// fuzzer is a campaign apart from where guests come from and where results go.
//
// Each guest gets many programs ahead, so a line on the console, a panic and a
// silent guest have several suspects. Nothing that such a guest shows is a
// finding: it is the reason for an inquiry (fuzz_inquiry.go), which runs suspects alone, each in a fresh guest.
type fuzzer struct {
	spawn   func(ctx context.Context) (guest, error)
	profile *cases.Profile
	options vm.RunOptions
	mutator mutator
	// window is how many programs a guest gets ahead of its answers.
	window int
	// learn returns the edges and PCs that a program which passed has shown. It is called concurrently.
	learn func(p *cases.Program, o *cases.Outcome) (edges []uint32, pcs []uint64)
	// blind does not let coverage decide what is mutated.
	blind bool
	// limit bounds the executions; 0 does not.
	limit int
	// keep stores a program that has earned a place in the corpus and returns its name.
	keep func(p *cases.Program) (name string, err error)
	// blocks counts the PCs that are to be counted apart. May be nil.
	blocks func(pc uint64) bool
	notice func(string)
	// stopOnFinding ends the campaign with the first confirmed finding.
	stopOnFinding bool

	inquirer inquirer
	making   sync.Mutex // guards mutator: what others learn does not wait for it

	mu       sync.Mutex // guards what follows
	rng      *rand.Rand
	corpus   campaign.Corpus
	coverage campaign.Coverage
	findings campaign.Findings
	doubts   []doubt
	seeds    []*input
	again    []*input
	started  time.Time
	ends     time.Time // zero is never
	stopped  bool      // nothing new is begun
	status   campaign.Status
}

// run fuzzes in the given number of guests until the time is over, ctx ends
// or no guest can be had, and returns ctx's error or why there is no guest. Inquiries that are due are finished, but for ctx.
func (f *fuzzer) run(ctx context.Context, guests int, length time.Duration) error {
	f.started = time.Now()
	if length > 0 {
		f.ends = f.started.Add(length)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	inquiries := make(chan struct{})
	f.inquirer.wake = make(chan struct{}, 1)
	go func() {
		defer close(inquiries)
		f.inquire(ctx)
	}()
	var wg sync.WaitGroup
	for range guests {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := f.berth(ctx); err != nil {
				cancel(err)
			}
		}()
	}
	wg.Wait()
	f.finish()
	<-inquiries
	f.settleDoubts()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// over tells whether nothing new is begun any more. The caller holds mu.
func (f *fuzzer) over() bool {
	return f.stopped || !f.ends.IsZero() && !time.Now().Before(f.ends) || f.limit > 0 && f.status.Executions >= f.limit
}

// berth has one guest after the other served.
func (f *fuzzer) berth(ctx context.Context) error {
	barren := 0
	for ctx.Err() == nil {
		f.mu.Lock()
		over := f.over()
		f.mu.Unlock()
		if over {
			return nil
		}
		g, err := f.spawn(ctx)
		switch {
		case err == nil:
			barren = 0
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !isA[*vm.InfraError](err):
			return err
		default:
			if barren++; barren >= hopeless {
				return err
			}
			continue
		}
		f.serve(ctx, g)
	}
	return nil
}

// voyage is the time of one guest.
type voyage struct {
	guest guest

	mu       sync.Mutex
	spoilt   bool // a program crashed it or hung: what others show from then on is not theirs
	spoiler  int  // the order of the first such program
	issued   int
	recent   []*input // the last that were answered
	suspects []suspect
}

// suspect is a program that may have caused a failure.
type suspect struct {
	in      *input
	order   int // in which it was issued
	verdict judge.Verdict
	outcome *cases.Outcome
	class   string
	// What it reached, if it passed.
	edges []uint32
	pcs   []uint64
}

// recentPrograms is how many answered programs may have caused what the kernel says late.
const recentPrograms = 8

// spoil notes that the guest is not to be trusted any more. The caller holds mu.
func (v *voyage) spoil(by *suspect) {
	if !v.spoilt {
		v.spoilt, v.spoiler = true, by.order
	}
}

// tainted tells whether what a program showed may be what one that crashed or hung
// in the same guest left behind: it was not issued long before that one.
func (v *voyage) tainted(order, window int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.spoilt && order+window >= v.spoiler
}

func (v *voyage) isSpoilt() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.spoilt
}

// serve keeps a guest busy until it is lost or nothing new is begun, and gives it up.
func (f *fuzzer) serve(ctx context.Context, g guest) {
	v := &voyage{guest: g}
	var wg sync.WaitGroup
	for range max(f.window, 1) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for ctx.Err() == nil && !v.isSpoilt() && f.one(ctx, v) {
			}
		}()
	}
	wg.Wait()
	var late []string
	if ctx.Err() == nil && v.spoilt {
		late = g.Linger(ctx)
	} else {
		late = g.Stray()
	}
	g.Close()
	f.accuse(v, late)
	f.mu.Lock()
	if v.spoilt {
		f.status.Restarts++
	}
	f.mu.Unlock()
}

// one runs one program, and tells whether there is more to do.
func (f *fuzzer) one(ctx context.Context, v *voyage) bool {
	f.mu.Lock()
	if f.over() {
		f.mu.Unlock()
		return false
	}
	in := f.next()
	f.mu.Unlock()
	f.make(in)
	if f.skips(v.guest, in) {
		return true
	}
	v.mu.Lock()
	v.issued++
	s := suspect{in: in, order: v.issued}
	v.mu.Unlock()
	p := hasten(in.program, hastyWait)
	o := f.options
	o.Deadline = deadlineOf(p, hastyRest)
	o.Coverage = v.guest.Info().NoCoverage == ""
	outcome, err := v.guest.Run(ctx, p, o)
	if ctx.Err() != nil {
		f.giveUp(in)
		return false
	}
	if err != nil {
		f.lostGuest(v, s, err)
		return false
	}
	outcome.Spread = true // or no wait in here that runs out of time would say anything
	s.outcome = outcome
	s.verdict = judgeOutcome(f.profile, v.guest.Info(), p, outcome)
	if s.verdict.Status == judge.Pass {
		s.edges, s.pcs = f.learn(p, outcome)
	}
	f.ran(v, s)
	return true
}

// hastyRest is what a program may take beside its waits before it is taken to hang, before the guest stretches it.
const hastyRest = 500 * time.Millisecond

// skips tells whether the guest lacks what the program needs.
func (f *fuzzer) skips(g guest, in *input) bool {
	v := judgeOutcome(f.profile, g.Info(), in.program, nil)
	if v.Status != judge.Skip {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Counts.Skip++
	f.drop(in)
	return true
}

// giveUp forgets a program that was not answered. drop does so with mu held.
func (f *fuzzer) giveUp(in *input) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(in)
}

func (f *fuzzer) drop(in *input) {
	if in.proof != nil {
		in.proof.Drop()
		in.proof = nil
	}
}

// lostGuest takes in that a guest was lost while a program was outstanding.
func (f *fuzzer) lostGuest(v *voyage, s suspect, err error) {
	e, blamed := blamesKernel(err)
	if blamed {
		s.outcome = &cases.Outcome{End: cases.EndDied, Error: e.Error(), Console: e.Console, Hang: whereCPUs(e.Registers)}
		s.verdict = lost(e)
	}
	v.mu.Lock()
	v.spoil(&s)
	if blamed {
		v.suspects = append(v.suspects, s)
	}
	v.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	ours := !blamed && !isA[*vm.GuestError](err)
	if s.in.lost++; s.in.lost >= mostLost && !ours { // whatever it is that costs the guests, there are inquiries into it
		f.drop(s.in)
		return
	}
	f.repeat(s.in, ours)
}

// mostLost is how many guests may be lost while a program is outstanding, until it is not run again.
const mostLost = 3

// repeat runs a program again that was not judged. Where our side broke while it ran,
// that is done once: then it ends in INFRA. The caller holds mu.
func (f *fuzzer) repeat(in *input, ours bool) {
	if ours {
		if in.silent++; in.silent >= answers {
			f.status.Counts.Infra++
			f.drop(in)
			return
		}
		f.status.AskedAgain++
	}
	f.again = append(f.again, in)
}

// ran takes a judged execution in.
func (f *fuzzer) ran(v *voyage, s suspect) {
	status := s.verdict.Status
	failed := status == judge.Fail || status == judge.Crash || status == judge.Hang
	v.mu.Lock()
	spoilt := v.spoilt
	if status == judge.Crash || status == judge.Hang {
		v.spoil(&s)
		v.suspects = append(v.suspects, s)
	}
	v.recent = append(v.recent, s.in)
	v.recent = v.recent[max(0, len(v.recent)-recentPrograms):]
	v.mu.Unlock()

	f.mu.Lock()
	defer f.mu.Unlock()
	if failed && spoilt {
		f.repeat(s.in, false) // perhaps another's doing
		return
	}
	f.status.Executions++
	switch {
	case failed:
		f.status.Judged++
		f.count(status)
		f.drop(s.in)
		if status == judge.Fail {
			s.class = f.classify(&s)
			f.saw(inquiry{class: s.class, first: s, suspects: []*input{s.in}})
			if x := f.findings.Of(s.class); x != nil && !x.Confirmed && len(f.doubts) < maxDoubts {
				f.doubts = append(f.doubts, doubt{s.class, v, s.order, s.verdict.Late()})
			}
		}
	case status == judge.Pass:
		f.status.Judged++
		f.status.Counts.Pass++
		f.passed(&s)
	case status == judge.Inconclusive && s.in.silent+1 < answers:
		s.in.silent++
		f.status.AskedAgain++
		f.again = append(f.again, s.in)
	default:
		f.count(status)
		f.drop(s.in)
	}
}

// count notes a verdict. The caller holds mu.
func (f *fuzzer) count(status judge.Status) {
	var one report.Counts
	switch status {
	case judge.Fail:
		one.Fail = 1
	case judge.Crash:
		one.Crash = 1
	case judge.Hang:
		one.Hang = 1
	case judge.Inconclusive:
		one.Inconclusive = 1
	case judge.Infra:
		one.Infra = 1
	}
	f.status.Counts.Add(one)
}

func (f *fuzzer) classify(s *suspect) string {
	return report.Classify(&report.Case{Program: s.in.program, Verdict: s.verdict, Outcome: s.outcome}, f.profile)
}

// passed learns from the coverage of a program that passed. The caller holds mu.
func (f *fuzzer) passed(s *suspect) {
	in, edges, o := s.in, s.edges, s.outcome
	for _, pc := range f.coverage.Reach(s.pcs) {
		if f.blocks != nil && f.blocks(pc) {
			f.status.Blocks++
		}
	}
	switch {
	case in.proof != nil:
		if !in.proof.Ran(edges) {
			f.again = append(f.again, in)
			return
		}
		if stable := in.proof.Close(); len(stable) > 0 {
			f.admit(in, len(stable), o.Took)
		}
		in.proof = nil
	case f.blind:
		if in.kept != "" {
			f.admit(in, 0, o.Took)
		}
	default:
		if in.proof = f.coverage.Candidate(edges); in.proof != nil {
			f.again = append(f.again, in)
		} else if in.kept != "" {
			f.admit(in, 0, o.Took)
		}
	}
	f.status.Edges, f.status.PCs = f.coverage.Edges(), f.coverage.PCs()
}

// admit takes a program into the corpus. The caller holds mu.
func (f *fuzzer) admit(in *input, edges int, cost time.Duration) {
	name := in.kept
	if name == "" {
		var err error
		if name, err = f.keep(in.program); err != nil {
			f.stopped = true // a campaign whose corpus is not kept is not worth its time
			f.notice("the campaign ends, since its corpus cannot be kept: " + err.Error())
			return
		}
	}
	if f.corpus.Add(&campaign.Entry{Name: name, Program: in.program, Edges: edges, Cost: cost}) && in.parent != nil {
		f.corpus.Fruit(in.parent)
	}
	f.status.CorpusSize = f.corpus.Len()
}

// accuse makes inquiries of what spoilt a guest, by class: late is what its
// console said at the end.
func (f *fuzzer) accuse(v *voyage, late []string) {
	suspects := v.suspects
	slices.SortFunc(suspects, func(a, b suspect) int { return cmp.Compare(a.order, b.order) })
	_, complained := crash.Title(late)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(suspects) == 0 && complained {
		s := suspect{in: &input{program: &cases.Program{Name: "unknown"}}, outcome: &cases.Outcome{End: cases.EndDone, Console: late}}
		s.verdict = lost(&vm.GuestError{Kind: vm.GuestFault, Detail: "the kernel complained when its programs were done", Console: late})
		f.saw(inquiry{class: f.classify(&s), first: s, suspects: v.recent})
		return
	}
	var order []string
	byClass := map[string]*inquiry{}
	for i := range suspects {
		s := suspects[i]
		if complained && s.verdict.Status == judge.Crash {
			s.outcome.Console = append(s.outcome.Console, late...)
		}
		s.class = f.classify(&s)
		if byClass[s.class] == nil {
			byClass[s.class] = &inquiry{class: s.class, first: s}
			order = append(order, s.class)
		}
		byClass[s.class].suspects = append(byClass[s.class].suspects, s.in)
	}
	for _, class := range order {
		i := byClass[class]
		if i.first.verdict.Status == judge.Crash { // the kernel may have needed a moment to say it
			i.suspects = append(i.suspects, v.recent...)
		}
		f.saw(*i)
	}
}
