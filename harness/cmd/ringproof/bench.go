// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ringproof/ringproof/harness"
)

type benchCmds struct {
	Self benchCmd     `cmd:"" default:"withargs" help:"Boot, restore, catalogue, throughput, probe cost and builds: what bench does where nothing else is said."`
	Copy benchCopyCmd `cmd:"" help:"Copy a file with groups and without, compared in one guest."`
}

type benchCmd struct {
	kernelFlags
	guestFlags
	Builds bool `help:"Build a kernel after a change to the series, too (a minute or two)."`
	Cold   bool `help:"Build a kernel from an empty cache, too (ten minutes)."`
	JSON   bool `help:"One JSON object per figure, with every repetition."`
}

func (c *benchCmd) Run(ctx context.Context, s *streams) error {
	p := newProgress(s.err)
	defer p.close()
	if !c.JSON {
		fmt.Fprintf(s.out, "| what | median | min | max | unit | |\n|---|---:|---:|---:|---|---|\n")
	}
	return harness.Bench(ctx, harness.BenchSpec{
		Kernel: c.kernel(), Guest: c.guests(), Builds: c.Builds, Cold: c.Cold, Progress: p.event,
		Figure: func(f harness.Figure) {
			if c.JSON {
				_ = json.NewEncoder(s.out).Encode(f)
				return
			}
			fmt.Fprintf(s.out, "| %s | %.3g | %.3g | %.3g | %s | %s |\n",
				f.What, f.Median(), slices.Min(f.Values), slices.Max(f.Values), f.Unit, f.Note)
		},
	})
}
