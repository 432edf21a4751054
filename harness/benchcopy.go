// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// CopySpec says how ways to copy a file are compared by [BenchCopy].
type CopySpec struct {
	Kernel images.Spec
	Guest  GuestSpec
	// Size of the file and of one read, in bytes; QueueDepth is the number of
	// reads on their way at once; Rounds is how often each way is timed. For
	// their ranges see [wire.Copy]. Rounds must be a multiple of four from eight on, so that each way
	// runs equally often in each place of the order.
	Size, Block, QueueDepth, Rounds int
	Progress                        func(Progress)
}

// CopyBench is what [BenchCopy] measured.
type CopyBench struct {
	Series     string `json:"series"`
	Kernel     string `json:"kernel"`
	Flavour    string `json:"flavour"`
	Accel      string `json:"accel"`
	Size       int    `json:"size"`
	Block      int    `json:"block"`
	QueueDepth int    `json:"queue_depth"`
	Rounds     int    `json:"rounds"`
	// Method says how it was measured, and what must be known to read the figures.
	Method []string   `json:"method"`
	Files  []CopyFile `json:"files"`
}

// CopyFile is the comparison on one kind of file.
type CopyFile struct {
	FS     string    `json:"fs"`
	Direct bool      `json:"direct"`
	Ways   []CopyWay `json:"ways"`
	// Ratios compare the speed of the grouped copy with each other way's.
	Ratios []CopyRatio `json:"ratios"`
}

// CopyWay is one way to copy.
type CopyWay struct {
	Name    string    `json:"name"`
	About   string    `json:"about"`
	SQEs    int       `json:"sqes"` // of one copy
	Enters  Spread    `json:"enters"`
	MBs     Spread    `json:"mb_per_s"` // 10^6 bytes
	Seconds []float64 `json:"seconds"`  // by round
}

// CopyRatio is the speed of the grouped copy divided by that of another way,
// round by round: above 1 the group is faster.
type CopyRatio struct {
	Against string `json:"against"`
	Spread
	// Low and High hold the median with at least 95% confidence.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Says puts the ratio into words, with what it allows to conclude.
func (r *CopyRatio) Says() string {
	verdict := "no difference shown"
	switch {
	case r.Low > 1:
		verdict = "grouped is faster"
	case r.High < 1:
		verdict = "grouped is slower"
	}
	return fmt.Sprintf("%+.1f%% [%+.1f%%, %+.1f%%] %s", 100*(r.Median-1), 100*(r.Low-1), 100*(r.High-1), verdict)
}

var copyAbout = map[string]string{
	wire.CopyLinked:    "each read linked to its own write",
	wire.CopySeparate:  "four reads, wait for all, four writes",
	wire.CopyCoalesced: "four reads, wait for all, one write",
	wire.CopyGrouped:   "a group of four reads linked to one write",
}

// copyFiles are the files that are compared on.
var copyFiles = []CopyFile{{FS: "tmpfs"}, {FS: "ext4"}, {FS: "ext4", Direct: true}}

func (f *CopyFile) title() string {
	if f.Direct {
		return "direct I/O, " + f.FS
	}
	return "buffered, " + f.FS
}

// copyBound is the time after which a guest that copies is given up.
const copyBound = 10 * time.Minute

// BenchCopy compares ways to copy a file in one guest, without probes.
func BenchCopy(ctx context.Context, spec CopySpec) (*CopyBench, error) {
	copying := wire.Copy{Size: spec.Size, Block: spec.Block, QueueDepth: spec.QueueDepth, Rounds: spec.Rounds}
	if err := copying.Check(); err != nil {
		return nil, &UsageError{fmt.Errorf("copy: %w", err)}
	}
	if spec.Rounds < 8 || spec.Rounds%4 != 0 {
		return nil, &UsageError{fmt.Errorf("%d rounds: use a multiple of 4 from 8 on, so that each way to copy runs equally often in each place of the order", spec.Rounds)}
	}
	spec.Guest.NoProbes = true
	spec.Guest.NoSnapshot = true // a restored guest has a cold emulator, and this one is used once
	host, err := Open(ctx, spec.Kernel, spec.Guest, "", spec.Progress)
	if err != nil {
		return nil, err
	}
	defer host.Close()
	g, err := host.Guest(ctx)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	if !g.Info().Groups {
		return nil, &UsageError{fmt.Errorf("series %s has no SQE groups (%s): there is nothing to compare", spec.Kernel.Series, g.Info().GroupsWhy)}
	}
	kernel := describe(host.Kernel, host.Profile)
	out := &CopyBench{
		Series: kernel.Series, Kernel: kernel.Version, Flavour: kernel.Flavour, Accel: string(host.Accel),
		Size: spec.Size, Block: spec.Block, QueueDepth: spec.QueueDepth, Rounds: spec.Rounds,
		Method: copyMethod(&spec, host.Accel),
	}
	for i, f := range copyFiles {
		if spec.Progress != nil {
			spec.Progress(Progress{Stage: "copy", Done: i, Total: len(copyFiles), Text: f.title()})
		}
		copying.FS, copying.Direct = f.FS, f.Direct
		runs, err := copyBounded(ctx, g, copying)
		if err != nil {
			return nil, fmt.Errorf("copy a file (%s): %w", f.title(), err)
		}
		if err := f.fill(runs, spec.Size, spec.Rounds); err != nil {
			return nil, fmt.Errorf("copy a file (%s): %w", f.title(), err)
		}
		out.Files = append(out.Files, f)
	}
	return out, nil
}

func copyBounded(ctx context.Context, g *vm.Guest, spec wire.Copy) ([]wire.CopyRun, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, copyBound, fmt.Errorf("the guest did not end within %v", copyBound))
	defer cancel()
	runs, err := g.Copy(ctx, spec)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return runs, err
}

// fill sorts runs by way and compares.
func (f *CopyFile) fill(runs []wire.CopyRun, size, rounds int) error {
	f.Ways, f.Ratios = nil, nil
	for _, name := range []string{wire.CopyLinked, wire.CopySeparate, wire.CopyCoalesced, wire.CopyGrouped} {
		w := CopyWay{Name: name, About: copyAbout[name], Seconds: make([]float64, rounds)}
		var speed, enters []float64
		for _, r := range runs {
			if r.Shape != name {
				continue
			}
			if r.Round < 0 || r.Round >= rounds || w.Seconds[r.Round] != 0 || r.Took <= 0 {
				return fmt.Errorf("the guest's times make no sense: %s took %v in round %d of %d", name, r.Took, r.Round, rounds)
			}
			w.Seconds[r.Round] = r.Took.Seconds()
			speed = append(speed, float64(size)/1e6/r.Took.Seconds())
			enters = append(enters, float64(r.Enters))
			w.SQEs = r.SQEs
		}
		if len(speed) != rounds {
			return fmt.Errorf("the guest timed %s %d times, not %d", name, len(speed), rounds)
		}
		w.MBs, w.Enters = SpreadOf(speed), SpreadOf(enters)
		f.Ways = append(f.Ways, w)
	}
	grouped := f.Ways[len(f.Ways)-1]
	for _, w := range f.Ways[:len(f.Ways)-1] {
		f.Ratios = append(f.Ratios, ratioOf(w.Name, w.Seconds, grouped.Seconds))
	}
	return nil
}

// ratioOf compares two ways round by round: what slows a round down slows both.
func ratioOf(against string, base, grouped []float64) CopyRatio {
	ratios := make([]float64, len(base))
	for i := range base {
		ratios[i] = base[i] / grouped[i]
	}
	r := CopyRatio{Against: against, Spread: SpreadOf(ratios)}
	r.Low, r.High = MedianInterval(ratios)
	return r
}

func copyMethod(s *CopySpec, accel vm.Accel) []string {
	lines := []string{
		fmt.Sprintf("One guest, one process, no probes. %d rounds; each copies the same %d bytes once in every way, in an order that puts each way "+
			"equally often into each place and behind each other way; a first round is not counted.", s.Rounds, s.Size),
		fmt.Sprintf("Every way reads %d bytes at a time, has %d reads' worth of buffers on their way, goes through one and the same loop, and waits in each "+
			"io_uring_enter(2) for the least number of CQEs with which any of it can go on. No CQE is skipped; the ring has no flags.", s.Block, s.QueueDepth),
		"The target is overwritten and written back before each copy, and compared byte by byte after it, both off the clock.",
		"A ratio is taken within a round. Spread: quartiles; the interval is that of the median, from order statistics, at 95% or more.",
	}
	if accel == vm.TCG {
		lines = append(lines, "The guest is emulated (TCG): instructions cost many times what they cost on a machine, memory copies and devices are off by other factors, "+
			"and the disk is the host's memory behind a loop device. The comparison is fair, its size says nothing about hardware.")
	}
	return lines
}
