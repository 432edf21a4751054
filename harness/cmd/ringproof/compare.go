// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/compare"
	"github.com/ringproof/ringproof/harness/report"
)

type compareCmd struct {
	sourceFlags
	guestFlags
	outFlags
	A         string   `arg:"" help:"The kernel before: a series as for test --series, or the directory of a run of test."`
	B         string   `arg:"" help:"The kernel after, likewise. What fails there and did not in A is broken."`
	Flavour   string   `default:"fast" help:"Kernel configuration: ${flavours}. Default: ${default}."`
	SourceB   string   `name:"source-b" placeholder:"SPEC" help:"B is built from another source than --source."`
	RevisionB int      `name:"revision-b" placeholder:"N" help:"B is another [PATCH vN] of its archive than --revision."`
	PatchB    []string `name:"patch-b" sep:"none" placeholder:"FILE" help:"One more patch on top of B only; may be repeated."`
	ProfileB  string   `name:"profile-b" help:"B is judged by another profile than --profile."`
	Only      string   `placeholder:"REGEXP" help:"Only the programs of the catalogue whose name matches."`
	Corpus    []string `sep:"none" type:"existingdir" placeholder:"DIR" help:"The programs of a fuzz corpus as well, *.ring or in Go's format; may be repeated."`
	Store     []string `sep:"none" type:"existingdir" placeholder:"DIR" help:"The programs of earlier findings as well: all *.ring below DIR; may be repeated."`
	Confirm   int      `default:"4" placeholder:"N" help:"Try a failure N more times, each in a fresh guest. Default: ${default}."`
	Measure   int      `default:"6" placeholder:"N" help:"Measure the time of N programs of each family; 0 measures none. Default: ${default}."`
}

// Validate checks what the types cannot say.
func (c *compareCmd) Validate() error {
	if c.Confirm < 0 || c.Measure < 0 {
		return fmt.Errorf("--confirm %d, --measure %d: give 0 or more", c.Confirm, c.Measure)
	}
	return nil
}

func (c *compareCmd) Run(ctx context.Context, s *streams) error {
	programs, err := c.programs()
	if err != nil {
		return err
	}
	a, err := c.side(c.A, c.sourceFlags, c.guestFlags)
	if err != nil {
		return err
	}
	source, guest := c.sourceFlags, c.guestFlags
	source.Patch = append(slices.Clone(source.Patch), c.PatchB...)
	if c.SourceB != "" {
		source.Source = c.SourceB
	}
	if c.RevisionB != 0 {
		source.Revision = c.RevisionB
	}
	if c.ProfileB != "" {
		guest.Profile = c.ProfileB
	}
	b, err := c.side(c.B, source, guest)
	if err != nil {
		return err
	}
	if b.Name == a.Name {
		a.Name, b.Name = a.Name+" (A)", b.Name+" (B)"
	}
	dir, err := runDir(c.Out, "compare-"+filepath.Base(c.A), filepath.Base(c.B))
	if err != nil {
		return &exit{exitInfra, err}
	}
	for _, side := range []struct {
		to   *harness.CompareSide
		name string
	}{{a, "a"}, {b, "b"}} {
		if side.to.Run != nil {
			continue
		}
		side.to.Dir = filepath.Join(dir, side.name)
		if err := os.Mkdir(side.to.Dir, 0o755); err != nil {
			return &exit{exitInfra, err}
		}
	}
	p := newProgress(s.err)
	defer p.close()
	result, runs, err := harness.Compare(ctx, harness.CompareSpec{
		A: *a, B: *b, Programs: programs, Confirm: c.Confirm, Measure: c.Measure,
		Version: version, Progress: p.event, Case: p.verdict,
	})
	p.close()
	if result == nil {
		return err
	}
	return errors.Join(err, c.write(s, dir, result, runs, a, b))
}

// side is a run that is there already, or a kernel to be tested.
func (c *compareCmd) side(name string, source sourceFlags, guest guestFlags) (*harness.CompareSide, error) {
	out := &harness.CompareSide{Name: name, Guest: guest.guests()}
	if _, err := os.Stat(filepath.Join(name, report.ResultsFile)); err == nil {
		if out.Run, err = harness.LoadCompared(name); err == nil {
			out.Name, out.Dir = out.Run.Kernel.Series, name
		}
		return out, err
	}
	out.Kernel = source.kernel(name, c.Flavour)
	out.Again = again("test", out.Kernel, &guest)
	_, err := harness.LoadProfile(guest.Profile, name) // before minutes of building
	return out, err
}

func (c *compareCmd) programs() ([]*cases.Program, error) {
	programs, err := pick(c.Only)
	if err != nil {
		return nil, err
	}
	for _, dir := range slices.Concat(c.Corpus, c.Store) {
		more, err := harness.ProgramsBelow(dir)
		if err != nil {
			return nil, err
		}
		programs = append(programs, more...)
	}
	return programs, nil
}

// write writes the comparison and the two runs, prints it, and returns its exit status.
func (c *compareCmd) write(s *streams, dir string, result *compare.Comparison, runs [2]*report.Run, a, b *harness.CompareSide) error {
	var bad []error
	for i, side := range []*harness.CompareSide{a, b} {
		to := []*compare.Summary{&result.A, &result.B}[i]
		to.Dir = side.Dir
		if side.Run == nil {
			bad = append(bad, report.Write(side.Dir, runs[i]))
			to.Dir = filepath.Base(side.Dir)
		} else if abs, err := filepath.Abs(side.Dir); err == nil {
			to.Dir = abs
		}
	}
	bad = append(bad, compare.Write(dir, result, runs[:]))
	if err := errors.Join(bad...); err != nil { // what is known is said all the same
		explain(s.err, &exit{exitInfra, err})
	}
	text := s.out
	if c.JSON {
		text = s.err
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", " ")
		if err := enc.Encode(result); err != nil {
			return err
		}
	}
	if err := result.WriteText(text); err != nil {
		return err
	}
	fmt.Fprintln(text, filepath.Join(dir, compare.HTMLFile))
	switch {
	case result.Exit != 0:
		return &exit{status: result.Exit}
	case errors.Join(bad...) != nil:
		return &exit{status: exitInfra}
	}
	return nil
}
