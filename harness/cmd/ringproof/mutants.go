// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/matrix"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/kconfig"
	"github.com/ringproof/ringproof/vm"
)

type mutantsCmd struct {
	sourceFlags
	Series     []string `default:"v4" help:"Patch series, as in test; several by repeating it or with commas. Default: ${default}."`
	Flavour    string   `default:"fast" help:"Kernel of the mutants whose header names none: ${flavours}. Default: ${default}."`
	Mutate     []string `sep:"none" placeholder:"FILE|DIR|SERIES" help:"Mutants to try instead of the series' built-in ones: a patch with a header, a directory of them, or another built-in series' (${series}); may be repeated."`
	Only       string   `placeholder:"REGEXP" help:"Try only the mutants whose name matches."`
	Programs   string   `placeholder:"REGEXP" help:"Kill only with the programs whose name matches."`
	All        bool     `help:"Run every program on every mutant, and say which kill none and which alone kill some. Takes as long as that many runs of the catalogue."`
	Check      bool     `help:"Only read the mutants, apply them, and say which cannot share a kernel. Nothing is built."`
	Profile    string   `help:"Semantics to judge by: a built-in profile (${profiles}) or a file. Default: the one named like the series, or in the mutants' headers."`
	Accel      string   `enum:"auto,kvm,tcg" default:"auto" help:"Acceleration: auto, kvm, tcg."`
	Guests     int      `help:"Guests that run at the same time. Default: one for each CPU of this host."`
	NoSnapshot bool     `help:"Boot every guest from power-on."`
	Slowdown   float64  `default:"1" help:"Stretch every timeout by this factor, on top of what emulation needs."`
	outFlags
}

// Help is printed by --help.
func (mutantsCmd) Help() string {
	return "A mutant is a plausible mistake in a series: a patch whose header says which rules it breaks. It counts as killed by the " +
		"first program that fails, hangs or crashes for a reason that the header allows, and that passes without the mistake.\n\n" +
		"Exit status 1 if a mutant survives that is not proved equivalent, if one is killed that is, or if one is killed for " +
		"other reasons only; 2 if one does not apply or build; 3 if one could not be tested."
}

func (c *mutantsCmd) Run(ctx context.Context, s *streams) error {
	only, err := compileFlag("--only", c.Only)
	if err != nil {
		return err
	}
	if _, err := kconfig.ByName(c.Flavour); err != nil {
		return &exit{exitUsage, err}
	}
	programs, err := c.programs()
	if err != nil {
		return err
	}
	type job struct {
		series  string
		mutants []*images.Mutant
	}
	var jobs []job
	for _, series := range c.Series { // all faults of the command line first
		ms, err := c.load(series)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(ms, func(m *images.Mutant) bool { return only.MatchString(m.Name) }) {
			return &exit{exitUsage, fmt.Errorf("series %s: no mutant's name matches --only %s", series, c.Only)}
		}
		if _, _, err := harness.MutantsProfile(c.Profile, series, ms); err != nil && !c.Check {
			return err
		}
		jobs = append(jobs, job{series, ms})
	}
	seen := map[int]bool{}
	for _, j := range jobs {
		var err error
		if c.Check {
			err = c.check(ctx, s, j.series, j.mutants, only)
		} else {
			err = c.hunt(ctx, s, j.series, j.mutants, only, programs)
		}
		if len(jobs) == 1 {
			return err
		}
		explain(s.err, err)
		seen[exitStatus(err)] = true
		if ctx.Err() != nil {
			break
		}
	}
	for _, status := range severity {
		if seen[status] && status != exitOK {
			return &exit{status: status}
		}
	}
	return nil
}

// compileFlag compiles a flag's regular expression; an empty one matches all.
func compileFlag(flag, expr string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, &exit{exitUsage, fmt.Errorf("%s: %w", flag, err)}
	}
	return re, nil
}

func (c *mutantsCmd) programs() ([]*cases.Program, error) {
	re, err := compileFlag("--programs", c.Programs)
	if err != nil {
		return nil, err
	}
	all, err := cases.Catalogue()
	if err != nil {
		return nil, err
	}
	some := slices.DeleteFunc(slices.Clone(all), func(p *cases.Program) bool { return !re.MatchString(p.Name) })
	if len(some) == 0 {
		return nil, &exit{exitUsage, fmt.Errorf("--programs %s: no program of the catalogue matches (ringproof test --list shows them)", c.Programs)}
	}
	return some, nil
}

// load reads the mutants that are to be tried on a series.
func (c *mutantsCmd) load(series string) ([]*images.Mutant, error) {
	if len(c.Mutate) == 0 {
		ms, err := images.LoadMutants(series)
		if err == nil && len(ms) == 0 {
			err = &exit{exitUsage, fmt.Errorf("series %s has no built-in mutants: give some with --mutate", series)}
		}
		if err != nil && !slices.Contains(images.BuiltinSeries(), series) {
			err = &exit{exitUsage, fmt.Errorf("series %s is not built in and has no mutants of its own: give some with --mutate FILE, or a built-in series' with --mutate NAME", series)}
		}
		return ms, err
	}
	var all []*images.Mutant
	for _, arg := range c.Mutate {
		ms, err := loadMutants(arg)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			if slices.ContainsFunc(all, func(o *images.Mutant) bool { return o.Name == m.Name }) {
				return nil, &exit{exitUsage, fmt.Errorf("--mutate %s: there are two mutants of the name %s", arg, m.Name)}
			}
			all = append(all, m)
		}
	}
	return all, nil
}

// loadMutants reads what one --mutate names.
func loadMutants(arg string) ([]*images.Mutant, error) {
	if slices.Contains(images.BuiltinSeries(), arg) {
		return images.LoadMutants(arg)
	}
	files := []string{arg}
	if st, err := os.Stat(arg); err == nil && st.IsDir() {
		if files, err = filepath.Glob(filepath.Join(arg, "*.patch")); err != nil || len(files) == 0 {
			return nil, &exit{exitUsage, fmt.Errorf("--mutate %s: the directory holds no *.patch files", arg)}
		}
	}
	var all []*images.Mutant
	var bad []error
	for _, f := range files {
		m, err := images.LoadMutant(f)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		all = append(all, m)
	}
	return all, errors.Join(bad...)
}

func (c *mutantsCmd) guests() harness.GuestSpec {
	n := c.Guests
	if n <= 0 {
		n = runtime.NumCPU()
	}
	return harness.GuestSpec{Profile: c.Profile, Accel: vm.Accel(c.Accel), Guests: n, NoSnapshot: c.NoSnapshot, Slowdown: c.Slowdown}
}

// hunt makes, writes and prints the matrix of one series.
func (c *mutantsCmd) hunt(ctx context.Context, s *streams, series string, ms []*images.Mutant, only *regexp.Regexp, programs []*cases.Program) error {
	dir, err := runDir(c.Out, series, "mutants")
	if err != nil {
		return &exit{exitInfra, err}
	}
	text := s.out
	if c.JSON {
		text = s.err
	}
	started := time.Now()
	p := newProgress(s.err)
	defer p.close()
	m, err := harness.Mutants(ctx, harness.MutantsSpec{
		Kernel: c.kernel(series, c.Flavour), Guest: c.guests(), Mutants: ms, Programs: programs, All: c.All, Dir: dir, Version: version,
		Chosen:   func(m *images.Mutant) bool { return only.MatchString(m.Name) },
		Progress: p.event,
		Result:   func(r matrix.Result, done, total int) { p.mutant(r, done, total, time.Since(started)) },
	})
	p.close()
	if m == nil {
		os.Remove(dir) // only if nothing was written
		return err
	}
	if werr := matrix.Write(dir, m); werr != nil {
		return &exit{exitInfra, werr}
	}
	if c.JSON {
		b, jerr := m.JSON()
		if jerr != nil {
			return &exit{exitInfra, jerr}
		}
		s.out.Write(b)
	}
	if werr := matrix.WriteText(text, m); werr != nil {
		return &exit{exitInfra, werr}
	}
	fmt.Fprintln(text, filepath.Join(dir, matrix.SummaryFile))
	switch {
	case len(m.Defects()) > 0:
		return &exit{status: exitFailed}
	case err != nil:
		return &exit{status: exitStatus(err)} // the matrix says why
	}
	return nil
}

// mutant takes a mutant that is done with. Only what was not killed is worth a
// line while the run goes on.
func (p *progress) mutant(r matrix.Result, done, total int, elapsed time.Duration) {
	if r.Status != matrix.Killed {
		why := r.What
		if r.Status == matrix.NotTested {
			why = firstLine(r.Why)
		}
		fmt.Fprintf(p.w, "%-12s %s: %s\n", r.Status, r.Mutant, why)
	}
	p.event(harness.Progress{Stage: "mutants", Done: done, Total: total, Elapsed: elapsed, Text: r.Mutant})
}

// check says which mutants apply, and which can share a kernel.
func (c *mutantsCmd) check(ctx context.Context, s *streams, series string, ms []*images.Mutant, only *regexp.Regexp) error {
	p := newProgress(s.err)
	defer p.close()
	lots, err := harness.Arrange(ctx, c.kernel(series, c.Flavour), ms, p.event)
	p.close()
	if err != nil {
		return err
	}
	var together, alone, refused int
	table := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	for _, lot := range lots {
		for _, m := range lot.Together {
			if only.MatchString(m.Name) {
				together++
				fmt.Fprintf(table, "%s\t%s\tshares\t%s\n", m.Name, lot.Kernel.Flavour, m.What)
			}
		}
		alone += set(table, lot.Alone, only, lot.Kernel.Flavour, "alone")
		refused += set(table, lot.Refused, only, lot.Kernel.Flavour, "REFUSED")
	}
	table.Flush()
	fmt.Fprintf(s.out, "series %s: %d mutants share a kernel, %d need one of their own, %d are refused\n", series, together, alone, refused)
	if refused > 0 {
		return &exit{status: exitUsage}
	}
	return nil
}

func set(w io.Writer, list []images.SetAside, only *regexp.Regexp, flavour, how string) (n int) {
	for _, a := range list {
		if only.MatchString(a.Mutant.Name) {
			n++
			fmt.Fprintf(w, "%s\t%s\t%s\t%v\n", a.Mutant.Name, flavour, how, a.Why)
		}
	}
	return n
}
