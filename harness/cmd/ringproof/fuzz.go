// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

type fuzzCmd struct {
	kernelFlags
	Time          time.Duration `default:"10m" help:"How long; with --hunt for each mutant. What was found in that time is still looked into, for two minutes at most. Default: ${default}."`
	Executions    int           `placeholder:"N" help:"End after N executions as well; with --hunt for each mutant."`
	Jobs          int           `default:"2" help:"Guests that run at the same time. Default: ${default}."`
	Seed          uint64        `default:"1" help:"Begin of the random numbers. Default: ${default}."`
	Corpus        string        `type:"path" placeholder:"DIR" help:"Where the corpus is kept, in the form of Go's fuzz corpora; what is there is loaded. Default: one for each series in the cache."`
	NoSeeds       bool          `help:"Do not begin with the catalogue."`
	NoCoverage    bool          `help:"Do not let what is new steer: it is only counted, for comparison."`
	Noise         uint64        `placeholder:"SEED" help:"Run programs under the schedule noise of this seed, a number from 1 on. Default: none."`
	StopOnFinding bool          `help:"End with the first finding that is confirmed."`
	Hunt          bool          `help:"How long does it take to find each deliberate mistake from nothing? A campaign without corpus and seeds for each mutant, in --jobs guests side by side."`
	Only          string        `placeholder:"REGEXP" help:"With --hunt: only the mutants whose name matches."`
	Mutate        []string      `sep:"none" placeholder:"FILE|DIR|SERIES" help:"With --hunt: mutants instead of the series' built-in ones, as for mutants; may be repeated."`
	Profile       string        `help:"Semantics to judge by: a built-in profile (${profiles}) or a file. Default: the one named like the series."`
	Accel         string        `enum:"auto,kvm,tcg" default:"auto" help:"Acceleration: auto, kvm, tcg."`
	NoSnapshot    bool          `help:"Boot every guest from power-on."`
	Slowdown      float64       `default:"1" help:"Stretch every timeout by this factor, on top of what emulation needs."`
	outFlags
}

// Help is printed by --help.
func (fuzzCmd) Help() string {
	return "Every execution is judged as in test. What fails is run again alone in fresh guests; only what shows there is a finding. " +
		"Each gets a folder with the program, a minimised one, a C source, a report and how to run it again.\n\n" +
		"Exit status 1 if there are findings (with --hunt: if a mutant was not found), 3 if no guest could be had, " +
		"4 if a failure was seen that no program showed again, or if it was interrupted."
}

// Validate checks what the types cannot say.
func (c *fuzzCmd) Validate() error {
	switch {
	case c.Jobs < 1:
		return fmt.Errorf("--jobs %d: at least one guest is needed", c.Jobs)
	case c.Time < 0 || c.Time == 0 && c.Executions == 0:
		return fmt.Errorf("--time %v: give a time, or 0 with --executions", c.Time)
	case c.Executions < 0:
		return fmt.Errorf("--executions %d: give a number from 1 on", c.Executions)
	case !c.Hunt && (c.Only != "" || len(c.Mutate) > 0):
		return errors.New("--only and --mutate choose mutants: they need --hunt")
	case c.Hunt && (c.Corpus != "" || c.NoSeeds || c.StopOnFinding || c.NoCoverage):
		return errors.New("--hunt begins each time with nothing and ends with the first finding: no --corpus, --no-seeds, --stop-on-finding or --no-coverage")
	}
	return nil
}

func (c *fuzzCmd) guests() harness.GuestSpec {
	return harness.GuestSpec{Profile: c.Profile, Accel: vm.Accel(c.Accel), Guests: c.Jobs, NoSnapshot: c.NoSnapshot, Slowdown: c.Slowdown}
}

func (c *fuzzCmd) Run(ctx context.Context, s *streams) error {
	if c.Hunt {
		return c.hunt(ctx, s)
	}
	if _, err := harness.LoadProfile(c.Profile, c.Series); err != nil {
		return err
	}
	var seeds []*cases.Program
	if !c.NoSeeds {
		var err error
		if seeds, err = cases.Catalogue(); err != nil {
			return err
		}
	}
	corpus := c.Corpus
	if corpus == "" {
		dir, err := images.CacheDir()
		if err != nil {
			return err
		}
		corpus = filepath.Join(dir, "corpus", filepath.Base(c.Series))
	}
	dir, err := runDir(c.Out, "fuzz-"+c.Series, c.Flavour)
	if err != nil {
		return &exit{exitInfra, err}
	}
	text := s.out
	if c.JSON {
		text = s.err
	}
	live := newLive(s.err)
	defer live.close()
	r, err := harness.Fuzz(ctx, harness.FuzzSpec{
		Kernel: c.kernel(), Guest: c.guests(), Time: c.Time, Executions: c.Executions, Seed: c.Seed, Corpus: corpus, Seeds: seeds,
		Blind: c.NoCoverage, Noise: c.Noise, StopOnFinding: c.StopOnFinding, Dir: dir, Version: version,
		Again:    again("run", c.kernel(), &guestFlags{Profile: c.Profile}),
		Progress: live.event, Status: live.status,
		Finding: func(f *campaign.Finding) { live.line("finding", f.Line()) },
	})
	live.close()
	if r == nil {
		os.Remove(dir) // only if nothing was written
		return err
	}
	if werr := campaign.Write(dir, r); werr != nil {
		return &exit{exitInfra, errors.Join(err, werr)}
	}
	if c.JSON {
		if err := printJSON(s.out, r); err != nil {
			return err
		}
	}
	r.Print(text)
	fmt.Fprintln(text, filepath.Join(dir, campaign.SummaryFile))
	return fuzzStatus(r, err)
}

// fuzzStatus is what a campaign exits with.
func fuzzStatus(r *campaign.Result, err error) error {
	switch {
	case r.Found > 0 || r.Complaints() > 0:
		return &exit{exitFailed, err}
	case err != nil:
		return err
	case r.Unconfirmed > 0 || r.Judged == 0:
		return &exit{status: exitInconclusive}
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(v)
}

// statusEvery is how often a campaign says something where no terminal shows its status.
const statusEvery = time.Minute

// live shows a campaign's status: a line that changes on a terminal, plain lines elsewhere.
type live struct {
	*progress
	bar  *mpb.Bar
	now  string
	said time.Time
}

func newLive(w io.Writer) *live { return &live{progress: newProgress(w), said: time.Now()} }

func (l *live) line(word, text string) { fmt.Fprintf(l.w, "%-9s %s\n", word, text) }

func (l *live) status(s campaign.Status) {
	if l.bars == nil {
		if time.Since(l.said) >= statusEvery {
			l.said = time.Now()
			l.line("fuzz", s.String())
		}
		return
	}
	if l.bar == nil {
		l.endBar()
		l.bar = l.bars.New(0, mpb.NopStyle(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return l.now })), mpb.BarRemoveOnComplete())
		l.progress.bar = l.bar // ends with the progress
	}
	l.now = s.String()
}
