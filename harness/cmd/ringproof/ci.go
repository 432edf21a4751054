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
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/ci"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

type ciCmd struct {
	Matrix  ciMatrixCmd  `cmd:"" help:"Print the matrix of series and flavours as JSON, with the key of each kernel's image."`
	Run     ciRunCmd     `cmd:"" help:"Test cells of the matrix, each into a directory of its own that has the cell's name."`
	Summary ciSummaryCmd `cmd:"" help:"Print a table of all cells whose results are below a directory."`
}

// matrixFlags say of what a matrix is made.
type matrixFlags struct {
	sourceFlags
	Series  []string `default:"none,v4,v7" help:"Patch series, as ringproof test takes them. Default: ${default}."`
	Flavour []string `default:"fast,kasan,kcsan" help:"Kernel configurations: ${flavours}. Default: ${default}."`
	Profile string   `help:"Semantics to judge those series by that are not called like a built-in profile (${profiles}): one of these or a file."`
}

// noImage is the key of a kernel whose series does not apply: its cell says so when it is run.
const noImage = "no-image"

// matrix returns the cells; their keys are looked up only where key is not nil.
func (f *matrixFlags) matrix(key func(images.Spec) (string, error)) (*ci.Matrix, error) {
	k := kernelsFlags{sourceFlags: f.sourceFlags, Series: f.Series, Flavour: f.Flavour}
	specs, err := k.kernels()
	if err != nil {
		return nil, err
	}
	m := new(ci.Matrix)
	for _, spec := range specs {
		c := ci.Cell{Series: spec.Series, Flavour: spec.Flavour, Source: spec.Source}
		if !slices.Contains(cases.Profiles(), spec.Series) {
			c.Profile = f.Profile
		}
		if _, err := harness.LoadProfile(c.Profile, c.Series); err != nil {
			return nil, err
		}
		if key != nil {
			if c.Key, err = key(spec); err != nil {
				return nil, err
			}
		}
		m.Name(&c)
		m.Cells = append(m.Cells, c)
	}
	return m, nil
}

type ciMatrixCmd struct {
	matrixFlags
}

func (c *ciMatrixCmd) Run(ctx context.Context, s *streams) error {
	store, err := images.Open("")
	if err != nil {
		return err
	}
	m, err := c.matrix(func(spec images.Spec) (string, error) {
		key, err := store.Key(ctx, spec, nil)
		var apply *images.ApplyError
		if errors.As(err, &apply) {
			explain(s.err, err)
			return noImage, nil
		}
		return key, err
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(s.out).Encode(m) // one line, as GITHUB_OUTPUT takes it
}

type ciRunCmd struct {
	matrixFlags
	Accel string   `enum:"auto,kvm,tcg" default:"auto" help:"Acceleration: auto, kvm, tcg."`
	Only  string   `placeholder:"REGEXP" help:"Run only the programs of the catalogue whose name matches."`
	Out   string   `default:"out/ci" type:"path" help:"Directory under which each cell gets its own. Default: ${default}."`
	Cells []string `arg:"" optional:"" name:"cell" help:"Cells by their IDs, or as ringproof ci matrix printed them. Default: all."`
}

func (c *ciRunCmd) Run(ctx context.Context, s *streams) error {
	programs, err := pick(c.Only)
	if err != nil {
		return err
	}
	cells, err := c.chosen()
	if err != nil {
		return err
	}
	var all []tested
	for i := range cells {
		if len(cells) > 1 {
			fmt.Fprintf(s.err, "%-9s %d/%d  %s\n", "cell", i+1, len(cells), cells[i].ID)
		}
		t := c.test(ctx, s, &cells[i], programs)
		all = append(all, t)
		if len(cells) == 1 {
			return t.status()
		}
		if t.err != nil {
			explain(s.err, t.err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return summarise(s.out, all, len(cells))
}

// chosen returns the cells of the command line, before anything is built.
func (c *ciRunCmd) chosen() ([]ci.Cell, error) {
	var cells []ci.Cell
	var m *ci.Matrix
	for _, arg := range c.Cells {
		cell, err := (*ci.Cell)(nil), error(nil)
		if strings.HasPrefix(arg, "{") {
			if cell, err = ci.ParseCell(arg); err == nil {
				_, err = harness.LoadProfile(cell.Profile, cell.Series)
			}
		} else {
			if m == nil {
				if m, err = c.matrix(nil); err != nil {
					return nil, err
				}
			}
			cell, err = m.Find(arg)
		}
		if err != nil {
			return nil, &exit{exitUsage, err}
		}
		cells = append(cells, *cell)
	}
	if len(cells) > 0 {
		return cells, nil
	}
	m, err := c.matrix(nil)
	if err != nil {
		return nil, err
	}
	return m.Cells, nil
}

// test runs one cell and leaves its results in its directory, whatever came of it.
func (c *ciRunCmd) test(ctx context.Context, s *streams, cell *ci.Cell, programs []*cases.Program) tested {
	flags := c.sourceFlags
	flags.Source = cell.Source
	spec := flags.kernel(cell.Series, cell.Flavour)
	dir, err := ci.Dir(c.Out, cell)
	if err != nil {
		return tested{kernel: spec, err: &exit{exitInfra, err}}
	}
	guests := guestFlags{Profile: cell.Profile, Accel: c.Accel, Guests: 1, Slowdown: 1}
	t := testIn(ctx, s, dir, spec, &guests, &outFlags{}, &triesFlags{Repeat: 1, Confirm: 4}, programs, nil, s.out, how{})
	written := t.run
	if written == nil {
		written = untested(&spec, t.err)
		if err := report.Write(dir, written); err != nil {
			t.err = &exit{exitInfra, errors.Join(t.err, err)}
		}
	} else if key := written.Kernel.Key; cell.Key != "" && key != cell.Key {
		fmt.Fprintf(s.err, "%-9s the image's key is %s, where the matrix has %s: its source, series or compiler has changed since\n", "note", key, cell.Key)
	}
	r := ci.Result{Cell: *cell, Exit: exitStatus(t.status()), Counts: written.Counts()}
	if t.err != nil {
		r.Error = t.err.Error()
	}
	if err := errors.Join(r.Write(dir), appendSummary(func(w io.Writer) error { return copyFile(w, filepath.Join(dir, report.SummaryFile)) })); err != nil {
		t.err = &exit{exitInfra, errors.Join(t.err, err)}
	}
	return t
}

// untested is the report on a kernel that could not be tested at all, so that
// whoever reads JUnit or a summary finds out.
func untested(spec *images.Spec, err error) *report.Run {
	status := judge.Infra
	switch harness.BlameFor(err) {
	case harness.BlameKernel, harness.BlameUser:
		status = judge.Fail
	case harness.BlameInterrupt:
		status = judge.Inconclusive
	}
	return &report.Run{
		Schema: report.Schema, Started: time.Now(), Command: os.Args, Tool: report.Tool{Version: version}, Partial: true,
		Kernel: report.Kernel{Series: spec.Series, Flavour: spec.Flavour, Source: spec.Source},
		Cases:  []report.Case{{Name: "kernel", Verdict: judge.Verdict{Status: status, Reason: err.Error()}}},
	}
}

type ciSummaryCmd struct {
	Dir string `arg:"" default:"out/ci" type:"existingdir" help:"Where the cells' directories are, at any depth. Default: ${default}."`
}

func (c *ciSummaryCmd) Run(s *streams) error {
	all, err := ci.Results(c.Dir)
	if err != nil {
		return &exit{exitUsage, err}
	}
	if len(all) == 0 {
		return &exit{exitUsage, fmt.Errorf("there is no cell's result below %s", c.Dir)}
	}
	table := func(w io.Writer) error { return ci.WriteTable(w, all) }
	if err := errors.Join(table(s.out), appendSummary(table)); err != nil {
		return &exit{exitInfra, err}
	}
	for _, status := range severity {
		if status != exitOK && slices.ContainsFunc(all, func(r ci.Result) bool { return r.Exit == status }) {
			return &exit{status: status}
		}
	}
	return nil
}

// appendSummary writes to the file that GitHub shows on a job's page, where there is one.
func appendSummary(write func(io.Writer) error) error {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		err = errors.Join(write(f), f.Close())
	}
	if err != nil {
		return fmt.Errorf("append to GITHUB_STEP_SUMMARY: %w", err)
	}
	return nil
}

func copyFile(w io.Writer, path string) error {
	b, err := os.ReadFile(path)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}
