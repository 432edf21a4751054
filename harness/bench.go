// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// Figure is one thing that [Bench] measured. Values are in Unit.
type Figure struct {
	What   string    `json:"what"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"` // one per repetition, as measured
	Note   string    `json:"note,omitempty"`
}

// Median returns the middle value, the upper one of two; 0 without values.
func (f Figure) Median() float64 {
	if len(f.Values) == 0 {
		return 0
	}
	sorted := slices.Clone(f.Values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// BenchSpec says what to measure.
type BenchSpec struct {
	Kernel images.Spec
	Guest  GuestSpec
	// Builds measures kernel builds as well: a change to the series, and with
	// Cold a first build in an empty cache of its own. They take minutes.
	Builds, Cold bool
	Progress     func(Progress)
	Figure       func(Figure) // called with each figure when it is there
}

// bencher measures one thing after the other; nothing else should run.
type bencher struct {
	BenchSpec
	tmp string
}

// Bench measures what docs/performance.md records.
func Bench(ctx context.Context, spec BenchSpec) error {
	tmp, err := os.MkdirTemp("", "ringproof-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	b := &bencher{BenchSpec: spec, tmp: tmp}
	// First a run for warmth: it builds what is missing and saves the snapshot.
	host, err := Open(ctx, spec.Kernel, spec.Guest, "", spec.Progress)
	if err != nil {
		return err
	}
	defer host.Close()
	for _, step := range []func(context.Context, *Host) error{
		b.boots, b.restores, b.throughput, b.probeCost, b.catalogue, b.unchanged,
	} {
		if err := step(ctx, host); err != nil {
			return err
		}
	}
	if b.Builds {
		if err := b.seriesChange(ctx); err != nil {
			return err
		}
	}
	if b.Cold {
		return b.coldBuild(ctx)
	}
	return nil
}

// guest brings one up and closes it after use.
func (b *bencher) guest(ctx context.Context, host *Host, cfg vm.GuestConfig, use func(*vm.Guest) error) error {
	g, err := host.start(ctx, cfg)
	if err != nil {
		return err
	}
	defer g.Close()
	return use(g)
}

func (b *bencher) boots(ctx context.Context, host *Host) error {
	f := Figure{What: "QEMU started to hello with probes attached, cold", Unit: "s"}
	cold := host.config
	cold.SnapshotDir = ""
	for range 5 {
		start := time.Now()
		if err := b.guest(ctx, host, cold, func(*vm.Guest) error {
			f.Values = append(f.Values, time.Since(start).Seconds())
			return nil
		}); err != nil {
			return err
		}
	}
	b.Figure(f)
	return nil
}

func (b *bencher) restores(ctx context.Context, host *Host) error {
	nothing := func(*vm.Guest) error { return nil }
	if err := b.guest(ctx, host, host.config, nothing); err != nil { // saves the snapshot
		return err
	}
	p := groupProgram("bench-restore", 1)
	f := Figure{What: "snapshot to the first answered program", Unit: "s"}
	for range 5 {
		start := time.Now()
		if err := b.guest(ctx, host, host.config, func(g *vm.Guest) error {
			_, err := g.Run(ctx, p, vm.RunOptions{})
			f.Values = append(f.Values, time.Since(start).Seconds())
			return err
		}); err != nil {
			return err
		}
	}
	b.Figure(f)
	return nil
}

// benchPrograms is how many small programs one repetition sends.
const benchPrograms = 2000

func (b *bencher) throughput(ctx context.Context, host *Host) error {
	p := groupProgram("bench-small", 1)
	plain := Figure{What: "small programs, sent, run, events back, judged, one guest", Unit: "programs/s"}
	covered := Figure{What: "the same with kernel coverage", Unit: "programs/s"}
	err := b.guest(ctx, host, host.config, func(g *vm.Guest) error {
		for range 3 {
			for _, f := range []*Figure{&plain, &covered} { // in turns, so that what slows one down slows both
				o := vm.RunOptions{Coverage: f == &covered}
				if covered.Note = g.Info().NoCoverage; o.Coverage && covered.Note != "" {
					continue
				}
				start := time.Now()
				if err := b.flood(ctx, host, g, p, benchPrograms, o); err != nil {
					return err
				}
				f.Values = append(f.Values, benchPrograms/time.Since(start).Seconds())
			}
		}
		plain.Note = fmt.Sprintf("ringproof's memory at its highest: %s", peakMemory())
		return nil
	})
	if err == nil {
		b.Figure(plain)
		b.Figure(covered)
	}
	return err
}

// flood runs p n times in one guest, as many at a time as its window takes.
func (b *bencher) flood(ctx context.Context, host *Host, g *vm.Guest, p *cases.Program, n int, o vm.RunOptions) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan struct{})
	var wg sync.WaitGroup
	for range vm.DefaultWindow {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range todo {
				out, err := g.Run(ctx, p, o)
				if err == nil {
					v := judgeOutcome(host.Profile, g.Info(), p, out)
					if v.Status != judge.Pass {
						err = fmt.Errorf("%s is no measure: %s: %s", p.Name, v.Status, v.Reason)
					}
				}
				if err != nil {
					cancel(err)
					return
				}
			}
		}()
	}
feed:
	for range n {
		select {
		case todo <- struct{}{}:
		case <-ctx.Done():
			break feed
		}
	}
	close(todo)
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// groupsPerProgram is as many three-NOP groups as a submission can hold.
const groupsPerProgram = cases.MaxEntries / 3

// probeCost measures three-NOP groups in the guest with and without probes:
// 10,000 and more in a row.
func (b *bencher) probeCost(ctx context.Context, host *Host) error {
	const programs = 8
	p := groupProgram("bench-groups", groupsPerProgram)
	var lost, events uint64
	measure := func(cfg vm.GuestConfig) (Figure, error) {
		f := Figure{Unit: "µs/group"}
		err := b.guest(ctx, host, cfg, func(g *vm.Guest) error {
			for range programs {
				out, err := g.Run(ctx, p, vm.RunOptions{})
				if err != nil {
					return err
				}
				if out.End != cases.EndDone || len(out.CQEs) != 3*groupsPerProgram {
					return fmt.Errorf("%s is no measure: %s, %d CQEs %s", p.Name, out.End, len(out.CQEs), out.Error)
				}
				lost += out.Evidence.Lost + out.Evidence.Missed
				events += out.Evidence.Events
				f.Values = append(f.Values, float64(out.Took.Microseconds())/groupsPerProgram)
			}
			return nil
		})
		return f, err
	}
	with, err := measure(host.config)
	if err != nil {
		return err
	}
	with.What = "three-NOP groups, probes on"
	with.Note = fmt.Sprintf("%d groups in a row, %d records, %d lost", programs*groupsPerProgram, events, lost)
	bare := host.config
	bare.Settings.Probes = false
	without, err := measure(bare)
	if err != nil {
		return err
	}
	without.What = "three-NOP groups, probes off"
	b.Figure(with)
	b.Figure(without)
	b.Figure(Figure{What: "probes on against off", Unit: "times", Values: []float64{with.Median() / without.Median()}})
	return nil
}

// groupProgram is n three-NOP groups in one submission.
func groupProgram(name string, n int) *cases.Program {
	entries := uint32(4)
	for entries < uint32(3*n) {
		entries *= 2
	}
	submit := cases.Step{Kind: cases.StepSubmit}
	for range n {
		submit.SQEs = append(submit.SQEs,
			cases.SQE{Op: uring.OpNop, Flags: uring.SQEGroup}, cases.SQE{Op: uring.OpNop, Flags: uring.SQEGroup},
			cases.SQE{Op: uring.OpNop})
	}
	return &cases.Program{
		Name: name, Needs: []cases.Need{cases.NeedGroups},
		Rings: []cases.Ring{{Name: "r0", Entries: entries}},
		Steps: []cases.Step{submit, {Kind: cases.StepWait, Timeout: 10 * time.Second}},
	}
}

// catalogue times this program's own "test" as a user starts it.
func (b *bencher) catalogue(ctx context.Context, _ *Host) error {
	f := Figure{What: "ringproof test, the whole catalogue, warm, start to exit", Unit: "s"}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	k := b.Kernel
	args := []string{"test", "--source", k.Source, "--series", k.Series, "--flavour", k.Flavour,
		"--accel", string(b.Guest.Accel), "--out", filepath.Join(b.tmp, "out")}
	if b.Guest.Profile != "" {
		args = append(args, "--profile", b.Guest.Profile)
	}
	for range 3 {
		start := time.Now()
		out, err := exec.CommandContext(ctx, self, args...).CombinedOutput()
		f.Values = append(f.Values, time.Since(start).Seconds())
		if err != nil {
			return fmt.Errorf("ringproof %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	b.Figure(f)
	return nil
}

func (b *bencher) unchanged(ctx context.Context, _ *Host) error {
	f := Figure{What: "kernel, nothing changed", Unit: "s"}
	for range 3 {
		took, _, err := b.build(ctx, "", b.Kernel)
		if err != nil {
			return err
		}
		f.Values = append(f.Values, took)
	}
	b.Figure(f)
	return nil
}

// seriesChange builds the series with one more patch, which no cache has seen.
func (b *bencher) seriesChange(ctx context.Context) error {
	changed := b.Kernel
	patch := filepath.Join(b.tmp, "bench.patch")
	text := fmt.Sprintf("--- a/io_uring/nop.h\n+++ b/io_uring/nop.h\n@@ -1,3 +1,4 @@\n // SPDX-License-Identifier: GPL-2.0\n"+
		"+/* %d */\n \n int io_nop_prep(struct io_kiocb *req, const struct io_uring_sqe *sqe);\n", time.Now().UnixNano())
	if err := os.WriteFile(patch, []byte(text), 0o644); err != nil {
		return err
	}
	changed.Patches = append(slices.Clone(changed.Patches), patch)
	took, cached, err := b.build(ctx, "", changed)
	if err != nil {
		return err
	}
	if cached {
		return fmt.Errorf("the changed series was in the cache: nothing was measured")
	}
	b.Figure(Figure{What: "kernel, after a change to the series", Unit: "s", Values: []float64{took}})
	return nil
}

func (b *bencher) coldBuild(ctx context.Context) error {
	took, _, err := b.build(ctx, filepath.Join(b.tmp, "cache"), b.Kernel)
	if err == nil {
		b.Figure(Figure{What: "kernel, cold, from an empty cache", Unit: "s", Values: []float64{took}})
	}
	return err
}

// build asks for a kernel in the given cache, "" is the user's own.
func (b *bencher) build(ctx context.Context, cache string, spec images.Spec) (seconds float64, cached bool, err error) {
	start := time.Now()
	store, err := images.Open(cache)
	if err != nil {
		return 0, false, err
	}
	k, err := store.Kernel(ctx, spec, FromImages(b.Progress))
	if err != nil {
		return 0, false, err
	}
	defer k.Close()
	return time.Since(start).Seconds(), k.Cached, nil
}

// peakMemory is this process's largest resident set, as the kernel counts it.
func peakMemory() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}
