// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// HuntSpec asks how long a campaign takes to find each deliberate mistake in a
// series, from an empty corpus and without any program to begin with.
type HuntSpec struct {
	Kernel  images.Spec
	Guest   GuestSpec // Guests is how many mutants are hunted side by side, each in one guest
	Mutants []*images.Mutant
	Chosen  func(*images.Mutant) bool // as in [MutantsSpec]
	// Time and Executions bound the hunt for one mutant; 0 does not.
	Time       time.Duration
	Executions int
	Seed       uint64
	Dir        string // gets the findings
	Version    string
	Again      []string // the command that says how often a program shows what was found; --mutate and the mutant's name follow
	Progress   func(Progress)
	Result     func(r campaign.Hunted, done, total int)
}

// HuntMutants hunts. The result is nil if it never came to that; otherwise it holds what
// there is. The error says what stood in the way, and of which mutant.
func HuntMutants(ctx context.Context, spec HuntSpec) (*campaign.Hunt, error) {
	mm, err := meet(ctx, spec.Kernel, &spec.Guest, spec.Mutants, &spec.Chosen, spec.Progress)
	if err != nil {
		return nil, err
	}
	h := &hunter{HuntSpec: spec}
	for _, m := range spec.Mutants {
		if h.Chosen(m) {
			h.quarry = append(h.quarry, m)
		}
	}
	started := time.Now()
	h.out = &campaign.Hunt{
		Schema: campaign.Schema, Tool: report.Tool{Version: spec.Version, BuildID: mm.id}, Started: started, Command: os.Args,
		Series: spec.Kernel.Series, Profile: mm.profile.Name, Jobs: h.Guest.Guests, Seed: spec.Seed,
		Limit: spec.Time.Seconds(), Executions: spec.Executions, Results: []campaign.Hunted{},
	}
	for _, lot := range mm.lots {
		if ctx.Err() == nil {
			h.lot(ctx, lot)
		}
	}
	h.out.Took = time.Since(started).Seconds()
	if ctx.Err() != nil {
		h.out.Partial = true
		h.errs = append(h.errs, context.Cause(ctx))
	}
	place := func(r campaign.Hunted) int {
		return slices.IndexFunc(spec.Mutants, func(m *images.Mutant) bool { return m.Name == r.Mutant })
	}
	slices.SortStableFunc(h.out.Results, func(a, b campaign.Hunted) int { return place(a) - place(b) })
	return h.out, errors.Join(h.errs...)
}

// hunter is a hunt in progress.
type hunter struct {
	HuntSpec
	quarry []*images.Mutant

	mu   sync.Mutex // guards what follows
	out  *campaign.Hunt
	errs []error
}

// lot hunts the mutants of one flavour: those that share a kernel side by
// side, then each that needs a kernel of its own.
func (h *hunter) lot(ctx context.Context, lot Lot) {
	for _, r := range lot.Refused {
		h.notTested(r.Mutant, r.Why)
	}
	spec := lot.Kernel
	var together, alone []*images.Mutant
	for _, m := range lot.Together {
		if h.Chosen(m) {
			together = append(together, m)
		}
	}
	for _, a := range lot.Alone {
		if h.Chosen(a.Mutant) {
			alone = append(alone, a.Mutant)
		}
	}
	if len(together)+len(alone) == 0 {
		return
	}
	if len(together) > 0 {
		spec.Mutants = lot.Together
	}
	host, err := h.open(ctx, spec)
	if err != nil {
		for _, m := range append(together, alone...) {
			h.notTested(m, err)
		}
		return
	}
	defer host.Close()
	h.sideBySide(ctx, together, func(m *images.Mutant) (*Host, int, error) {
		n, err := numberOf(m, host.Kernel.Provenance)
		return host, n, err
	}, host)
	for _, m := range alone {
		if ctx.Err() != nil {
			return
		}
		spec := lot.Kernel
		spec.Planted = m
		own, err := h.open(ctx, spec)
		if err != nil {
			h.notTested(m, err)
			continue
		}
		h.sideBySide(ctx, []*images.Mutant{m}, func(*images.Mutant) (*Host, int, error) { return own, 0, nil }, host)
		own.Close()
	}
}

func (h *hunter) open(ctx context.Context, spec images.Spec) (*Host, error) {
	host, err := Open(ctx, spec, h.Guest, h.Dir, h.Progress)
	if err == nil {
		h.out.Accel = string(host.Accel)
	}
	return host, err
}

// sideBySide hunts mutants in as many guests as there shall be. in says where
// one is made and by which number; without is a host of a kernel that makes none.
func (h *hunter) sideBySide(ctx context.Context, ms []*images.Mutant, in func(*images.Mutant) (*Host, int, error), without *Host) {
	next := make(chan *images.Mutant)
	var wg sync.WaitGroup
	for range min(h.Guest.Guests, len(ms)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for m := range next {
				host, n, err := in(m)
				if err != nil {
					h.notTested(m, err)
					continue
				}
				c := h.chase(m, host, n, without)
				err = c.run(ctx)
				if ctx.Err() != nil {
					continue // interrupted: nothing can be said
				}
				h.report(c.result, err)
			}
		}()
	}
	for _, m := range ms {
		if ctx.Err() != nil {
			break
		}
		next <- m
	}
	close(next)
	wg.Wait()
}

func (h *hunter) notTested(m *images.Mutant, why error) {
	if !h.Chosen(m) {
		return
	}
	r := newHunted(m)
	r.Status, r.Why = campaign.NotTested, why.Error()
	h.report(r, why)
}

func (h *hunter) report(r campaign.Hunted, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out.Results = append(h.out.Results, r)
	if err != nil {
		h.errs = append(h.errs, fmt.Errorf("mutant %s: %w", r.Mutant, err))
	}
	if h.Result != nil {
		h.Result(r, len(h.out.Results), len(h.quarry))
	}
}

func newHunted(m *images.Mutant) campaign.Hunted {
	return campaign.Hunted{Mutant: m.Name, What: m.What, Rules: m.Rules, Equivalent: m.Equivalent, Status: campaign.NotFound}
}

// chase is the hunt for one mutant.
type chase struct {
	*hunter
	mutant  *images.Mutant
	fuzzer  *fuzzer
	dir     string // gets the findings
	in      *Host  // of the kernel that makes the mistake, by its number
	number  int
	right   *Host  // of a kernel that does not make it
	without runner // in guests of that
	result  campaign.Hunted
	started time.Time
}

// chase prepares the hunt for a mutant.
func (h *hunter) chase(m *images.Mutant, host *Host, number int, without *Host) *chase {
	// Each mutant has numbers of its own, whichever others are hunted.
	place := slices.Index(h.Mutants, m)
	f := newFuzzer(host, rand.New(rand.NewPCG(h.Seed, uint64(place))))
	c := &chase{hunter: h, mutant: m, fuzzer: f, in: host, number: number, right: without, result: newHunted(m)}
	c.dir = filepath.Join(h.Dir, "mutants", m.Name)
	c.without = runner{spawn: func(ctx context.Context) (guest, error) { return without.Guest(ctx) }, profile: host.Profile}
	f.options.Mutant = number
	f.limit, f.stopOnFinding = h.Executions, true
	f.keep = (&campaign.Store{}).Keep
	w := exampleWriter{
		dir: c.dir, kernel: describe(host.Kernel, host.Profile), tool: h.out.Tool, guest: host.described, again: append(slices.Clone(h.Again), "--mutate", m.Name),
	}
	i := &f.inquirer
	i.budget, i.patience, i.accept, i.write = minimiseRuns, huntTime, c.accept, w.write
	i.runner.options.Mutant = number
	return c
}

func (c *chase) run(ctx context.Context) error {
	c.started = time.Now()
	err := c.fuzzer.run(ctx, 1, c.Time)
	s, findings := c.fuzzer.summary()
	r := &c.result
	r.Edges, r.CorpusSize = s.Edges, s.CorpusSize
	if r.Status != campaign.Found {
		r.Seconds, r.Executions = s.Seconds, s.Executions
		if err != nil {
			r.Status, r.Why = campaign.NotTested, err.Error()
		}
		return err
	}
	for _, x := range findings {
		if x.Class == r.Class && len(x.Examples) > 0 {
			r.Example, r.Seen, r.Reason = &x.Examples[0], x.Seconds, x.Why
			return errors.Join(err, c.tryC(ctx))
		}
	}
	r.Status, r.Why = campaign.NotTested, "it was found, but the program could not be kept"
	return errors.Join(err, errors.New(r.Why))
}

// huntTime bounds each search of the minimiser: many mutants are to come.
const huntTime = 45 * time.Second

// triesOfC is how often a C program is run with the mistake, and as often without.
const triesOfC = 2

// tryC runs the C program of what was found, if there is one, with the mistake and without.
func (c *chase) tryC(ctx context.Context) error {
	r := &c.result
	if !r.Example.C {
		return nil
	}
	r.C = new(campaign.CProgram)
	source, err := os.ReadFile(filepath.Join(c.dir, r.Example.Dir, reproducerFile))
	if err != nil {
		return err
	}
	binary, err := Executable(ctx, source)
	if err != nil {
		r.C.Why = err.Error()
		return err
	}
	try := func(host *Host, mutant int) (*Reproduced, error) {
		spec := ReproduceSpec{Profile: host.Profile, Options: vm.RunOptions{Mutant: mutant}, Class: r.Class, Tries: triesOfC,
			Guest: func(ctx context.Context) (*vm.Guest, error) { return host.Guest(ctx) }}
		out, err := Reproduce(ctx, spec, &Form{Name: "C program", Binary: binary}, host.Accel)
		if out.Why != "" {
			r.C.Why = out.Why
		}
		return out, err
	}
	with, err := try(c.in, c.number)
	if err != nil {
		return err
	}
	right, err := try(c.right, 0)
	failed := func(r *Reproduced) int { // a kernel that complains may do so in other words each time
		n := r.Shown
		for _, k := range r.Others {
			n += k
		}
		return n
	}
	r.C.Shown, r.C.Tried = failed(with), with.Of
	r.C.RightShown, r.C.RightTried = failed(right), right.Of
	return err
}

// cleanRuns is how often a program has to pass without the mistake.
const cleanRuns = 2

// accept tells whether a confirmed failure is the mutant's: its header allows
// the reason, and without the mistake the program passes.
func (c *chase) accept(ctx context.Context, rec *record) (bool, error) {
	h := hit{shot: shot{program: rec.c.Program}, verdict: rec.c.Verdict}
	if rec.c.Outcome != nil {
		h.titles = titles(rec.c.Outcome.Console)
	}
	ok := allowed(c.mutant, &h)
	for range cleanRuns {
		s := seat{runner: &c.without}
		clean := new(record)
		o := c.fuzzer.patiently(rec.c.Program, vm.RunOptions{Brief: true})
		o.Mutant = 0
		t, err := s.one(ctx, rec.c.Program, o, 0)
		if err != nil {
			s.leave()
			return false, err
		}
		t.to = clean
		s.hold(t)
		s.part(ctx)
		switch status := clean.c.Verdict.Status; {
		case status == judge.Infra || status == judge.Inconclusive:
			return false, nil
		case status != judge.Pass:
			c.mu.Lock()
			c.out.Unfit = append(c.out.Unfit, campaign.Unfit{Mutant: c.mutant.Name, Class: clean.class(), Status: status, Reason: clean.c.Verdict.Reason, Text: clean.c.Text})
			c.mu.Unlock()
			return false, nil
		}
	}
	switch r := &c.result; {
	case ok && r.Status != campaign.Found:
		s, _ := c.fuzzer.summary()
		r.Status, r.Why, r.Program, r.Class, r.Seconds, r.Executions = campaign.Found, "", "", rec.class(), s.Seconds, s.Executions
	case !ok && r.Status == campaign.NotFound:
		r.Status, r.Why, r.Program = campaign.Otherwise, rec.class()+": "+rec.c.Verdict.Reason, rec.c.Text
	}
	return ok, nil
}
