// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/reach"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// FuzzSpec is a campaign on one kernel.
type FuzzSpec struct {
	Kernel images.Spec
	Guest  GuestSpec
	// Time is after which nothing new is begun; 0 does not end it. Executions likewise.
	Time       time.Duration
	Executions int
	Seed       uint64
	// Corpus is the directory in which the corpus is kept; "" keeps none.
	Corpus string
	// Seeds are programs for the first campaign on a corpus to begin with.
	Seeds []*cases.Program
	// Blind measures coverage, but does not let it decide what is mutated.
	Blind bool
	// Noise is the seed of the schedule noise that programs run under; 0 is none.
	Noise uint64
	// StopOnFinding ends the campaign with the first confirmed finding.
	StopOnFinding bool
	// Dir gets findings and the console's log; the caller writes the result there.
	Dir     string
	Version string
	Again   []string // for reports, see [report.Run]
	// What follows may be nil. Status is called about once a second.
	Progress func(Progress)
	Status   func(campaign.Status)
	Finding  func(*campaign.Finding)
}

// Fuzz runs a campaign. The result is nil if it never came to that; otherwise
// it holds what there is, and is marked partial if ctx ended it. An error
// that is not ctx's says why no guest could be had any more.
func Fuzz(ctx context.Context, spec FuzzSpec) (*campaign.Result, error) {
	started := time.Now()
	spec.Guest.Noise = spec.Guest.Noise || spec.Noise != 0
	host, err := Open(ctx, spec.Kernel, spec.Guest, spec.Dir, spec.Progress)
	if err != nil {
		return nil, err
	}
	defer host.Close()
	store, err := campaign.OpenStore(spec.Corpus)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	x := newExplainer(ctx, host, spec.Kernel)
	defer x.close()

	f := newFuzzer(host, newRand(spec.Seed, store.State.Campaigns))
	f.limit, f.stopOnFinding, f.blind = spec.Executions, spec.StopOnFinding, spec.Blind
	f.options.Noise = spec.Noise
	f.keep = store.Keep
	f.inquirer.runner.explain = x.explain
	f.inquirer.tell = spec.Finding
	f.inquirer.budget, f.inquirer.patience = minimiseRuns, minimiseTime
	if sites := sitesOf(host); sites != nil {
		f.blocks = func(pc uint64) bool { return sites[pc] }
		f.status.TotalBlocks = len(sites)
	}
	loaded, skipped, err := store.Load()
	if err != nil {
		return nil, err
	}
	for _, why := range skipped {
		host.notice(why)
	}
	for _, p := range loaded {
		f.seeds = append(f.seeds, &input{program: p.Program(), kept: p.Name})
	}
	if store.State.Campaigns == 0 { // later ones find in the corpus what was worth keeping of them
		for _, p := range spec.Seeds {
			f.seeds = append(f.seeds, &input{program: fuzz.Bare(p)})
		}
	}
	f.status.Loaded = len(loaded)

	id := host.config.BuildID
	r := &campaign.Result{
		Schema: campaign.Schema, Tool: report.Tool{Version: spec.Version, BuildID: id}, Started: started, Command: os.Args,
		Kernel: describe(host.Kernel, host.Profile), Accel: string(host.Accel), Jobs: max(spec.Guest.Guests, 1),
		Seed: spec.Seed, Noise: spec.Noise, Blind: spec.Blind, Corpus: spec.Corpus, Earlier: store.State,
	}
	w := exampleWriter{dir: spec.Dir, kernel: r.Kernel, tool: r.Tool, again: spec.Again, guest: host.described}
	f.inquirer.write = w.write
	stopWatching := f.watch(r, spec.Status)
	err = f.run(ctx, r.Jobs, spec.Time)
	stopWatching()

	r.Status, r.Findings = f.summary()
	tally, notices := host.Tally()
	r.Boots, r.Restores, r.Notes = tally.Boots, tally.Restores, notices
	r.Curve = append(r.Curve, r.Status.Point())
	if ctx.Err() != nil {
		r.Partial = true
	}
	if rerr := f.writeReached(ctx, host, spec); rerr != nil {
		r.Notes = append(r.Notes, "what was reached is not told by line: "+rerr.Error())
	}
	if serr := store.Save(campaign.State{Campaigns: 1, Executions: r.Executions, Seconds: r.Seconds}); serr != nil {
		err = errors.Join(err, serr)
	}
	return r, err
}

// writeReached writes what of the kernel was reached, by line and patch, into the campaign's directory.
func (f *fuzzer) writeReached(ctx context.Context, host *Host, spec FuzzSpec) error {
	var pcs []uint64
	f.coverage.Reached(func(pc uint64) { pcs = append(pcs, pc) })
	if len(pcs) == 0 || spec.Dir == "" {
		return nil
	}
	var all reach.Collected
	all.Add(&cases.Coverage{PCs: pcs})
	all.Programs = f.status.Executions
	tree, err := host.store.Tree(context.WithoutCancel(ctx), spec.Kernel) // an interrupted campaign is told about, too
	if err != nil {
		return err
	}
	defer tree.Close()
	m, err := reach.New(host.Kernel.Vmlinux, tree)
	if err != nil {
		return err
	}
	return m.Write(spec.Dir, m.Report(&all))
}

// countedFile is the file of which a campaign counts the blocks that it reaches.
const countedFile = "io_uring/io_uring.c"

// sitesOf returns the blocks of countedFile, nil where they are not known.
func sitesOf(host *Host) map[uint64]bool {
	symbols, err := crash.OpenSymbolizer(host.Kernel.Vmlinux)
	if err != nil {
		host.notice("blocks are not counted: " + err.Error())
		return nil
	}
	defer symbols.Close()
	sites, err := symbols.Sites(countedFile)
	if err != nil {
		host.notice("blocks are not counted: " + err.Error())
	}
	return sites
}

// Bounds on the minimiser.
const (
	minimiseRuns = 600
	minimiseTime = 2 * time.Minute
)

// newFuzzer prepares a campaign in a host's guests.
func newFuzzer(host *Host, rng *rand.Rand) *fuzzer {
	spawn := func(ctx context.Context) (guest, error) { return host.Guest(ctx) }
	f := &fuzzer{
		spawn: spawn, profile: host.Profile, window: vm.DefaultWindow, rng: rng, notice: host.notice,
		mutator: fuzz.NewMutator(rng.Uint64(), fuzz.Options{Profile: host.Profile, Dear: fuzz.DefaultDear}),
		learn:   learner(host.Profile),
		options: vm.RunOptions{Brief: true, Ends: hastyRest},
	}
	f.inquirer.runner = runner{spawn: spawn, profile: host.Profile, notice: host.notice}
	return f
}

// curvePoints is how many points a curve has at most, the last one aside.
const curvePoints = 600

// watch reports the status about once a second and draws the curve, until the
// function that it returns is called.
func (f *fuzzer) watch(r *campaign.Result, report func(campaign.Status)) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for every, n := 5, 0; ; n++ {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			s, _ := f.summary()
			if n%every == 0 {
				r.Curve = append(r.Curve, s.Point())
			}
			if len(r.Curve) == curvePoints { // every second one goes, and from now on they come half as often
				for i := range curvePoints / 2 {
					r.Curve[i] = r.Curve[2*i]
				}
				r.Curve, every = r.Curve[:curvePoints/2], 2*every
			}
			if report != nil {
				report(s)
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (h *Host) described() report.Guest {
	t, _ := h.Tally()
	return report.Guest{
		Accel: string(h.Accel), QEMU: h.QEMU.Version, CPUs: guestCPUs, MemMB: h.config.MemMB,
		Boots: t.Boots, Restores: t.Restores, BootSeconds: t.Up, Info: t.Info,
	}
}
