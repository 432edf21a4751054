// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

// outFlags say where the run's files go and what is printed.
type outFlags struct {
	Out  string `default:"out" type:"path" help:"Directory under which each kernel's run gets a directory of its own. Default: ${default}."`
	JSON bool   `help:"Print results.json on standard output, one after the other for several kernels, and everything else on standard error."`
}

type testCmd struct {
	kernelsFlags
	guestFlags
	outFlags
	Only string `placeholder:"REGEXP" help:"Run only the programs of the catalogue whose name matches."`
	List bool   `help:"List the programs and leave."`
}

func (c *testCmd) Run(ctx context.Context, s *streams) error {
	programs, err := cases.Catalogue()
	if err != nil {
		return err
	}
	if c.Only != "" {
		re, err := regexp.Compile(c.Only)
		if err != nil {
			return &exit{exitUsage, fmt.Errorf("--only: %w", err)}
		}
		programs = selectPrograms(programs, re)
		if len(programs) == 0 {
			return &exit{exitUsage, fmt.Errorf("--only %s: no program of the catalogue matches (--list shows them)", c.Only)}
		}
	}
	if c.List {
		for _, p := range programs {
			fmt.Fprintf(s.out, "%-36s %s\n", p.Name, firstLine(p.About))
		}
		return nil
	}
	return testKernels(ctx, s, &c.kernelsFlags, &c.guestFlags, &c.outFlags, programs, false)
}

type runCmd struct {
	kernelsFlags
	guestFlags
	outFlags
	Files []string `arg:"" type:"existingfile" help:"Programs in their text form (.ring)."`
}

func (c *runCmd) Run(ctx context.Context, s *streams) error {
	var programs []*cases.Program
	var bad []error
	for _, f := range c.Files {
		text, err := os.ReadFile(f)
		if err == nil {
			var p *cases.Program
			if p, err = cases.Parse(f, text); err == nil {
				programs = append(programs, p)
			}
		}
		if err != nil {
			bad = append(bad, err)
		}
	}
	if len(bad) > 0 {
		return &exit{exitUsage, errors.Join(bad...)}
	}
	return testKernels(ctx, s, &c.kernelsFlags, &c.guestFlags, &c.outFlags, programs, true)
}

// tested is what came of one kernel.
type tested struct {
	kernel images.Spec
	dir    string
	run    *report.Run // nil if it never came to that: err says why
	err    error
}

// testKernels runs programs on every chosen kernel, one kernel after the
// other, and ends with the counts of all. A kernel that cannot be tested does not keep the
// others from it. The exit status is the worst.
func testKernels(ctx context.Context, s *streams, k *kernelsFlags, g *guestFlags, o *outFlags, programs []*cases.Program, verbose bool) error {
	kernels, err := k.kernels()
	if err != nil {
		return err
	}
	for _, spec := range kernels {
		if _, err := harness.LoadProfile(g.Profile, spec.Series); err != nil { // before minutes of building
			return err
		}
	}
	text := s.out
	if o.JSON {
		text = s.err
	}
	var all []tested
	for i, spec := range kernels {
		if len(kernels) > 1 {
			fmt.Fprintf(s.err, "%-9s %d/%d  series %s, flavour %s\n", "kernel", i+1, len(kernels), spec.Series, spec.Flavour)
		}
		t := testKernel(ctx, s, spec, g, o, programs, text, verbose)
		all = append(all, t)
		if len(kernels) == 1 {
			return t.status()
		}
		if t.err != nil {
			explain(s.err, t.err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return summarise(text, all, len(kernels))
}

// testKernel runs programs on one kernel and writes and prints its report.
func testKernel(ctx context.Context, s *streams, spec images.Spec, g *guestFlags, o *outFlags, programs []*cases.Program, text io.Writer, verbose bool) tested {
	t := tested{kernel: spec}
	if t.dir, t.err = runDir(o.Out, spec.Series, spec.Flavour); t.err != nil {
		t.err = &exit{exitInfra, t.err}
		return t
	}
	p := newProgress(s.err)
	defer p.close()
	t.run, t.err = harness.Test(ctx, harness.TestSpec{
		Kernel: spec, Guest: g.guests(), Programs: programs, Dir: t.dir,
		Version: version, Progress: p.event, Case: p.verdict,
	})
	p.close()
	if t.run == nil {
		os.Remove(t.dir) // only if nothing was written: a console log is kept
		return t
	}
	if err := report.Write(t.dir, t.run); err != nil {
		t.err = &exit{exitInfra, err}
		return t
	}
	if o.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", " ")
		t.err = errors.Join(t.err, enc.Encode(t.run))
	}
	t.err = errors.Join(t.err, report.WriteText(text, t.run, report.TextOptions{Dir: t.dir, Detail: verbose, Color: isTerminal(text)}))
	return t
}

// status is what a command ends with that tested this kernel only.
func (t *tested) status() error {
	if t.err != nil {
		return t.err
	}
	if status := report.ExitCode(t.run); status != 0 {
		return &exit{status: status}
	}
	return nil
}

// severity orders exit statuses, the worst first: a failure says most, a
// gap in the evidence least.
var severity = []int{exitFailed, exitUsage, exitInfra, exitInconclusive, exitOK}

// summarise prints a line per kernel and the counts of all, and returns the worst status.
func summarise(w io.Writer, all []tested, planned int) error {
	var sum report.Counts
	seen := map[int]bool{}
	untested := planned - len(all)
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i := range all {
		t := &all[i]
		seen[exitStatus(t.status())] = true
		if t.run == nil {
			untested++
			fmt.Fprintf(table, "%s\t%s\tnot tested: %s\n", t.kernel.Series, t.kernel.Flavour, firstLine(t.err.Error()))
			continue
		}
		c := t.run.Counts()
		sum.Add(c)
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", t.kernel.Series, t.kernel.Flavour, c.String(), filepath.Join(t.dir, report.HTMLFile))
	}
	table.Flush()
	last := sum.String()
	if untested > 0 {
		last += fmt.Sprintf(", %d of %d kernels not tested", untested, planned)
		seen[exitInconclusive] = true
	}
	fmt.Fprintln(w, last)
	for _, status := range severity {
		if seen[status] && status != exitOK {
			return &exit{status: status}
		}
	}
	return nil
}

func selectPrograms(all []*cases.Program, re *regexp.Regexp) []*cases.Program {
	var some []*cases.Program
	for _, p := range all {
		if re.MatchString(p.Name) {
			some = append(some, p)
		}
	}
	return some
}

// runDir makes the directory of one run below out, named by time, series and flavour.
func runDir(out, series, flavour string) (string, error) {
	name := time.Now().Format("20060102-150405") + "-" + filepath.Base(series) + "-" + flavour
	err := os.MkdirAll(out, 0o755)
	for n := 1; err == nil; n++ {
		dir := filepath.Join(out, name)
		if n > 1 {
			dir += "." + strconv.Itoa(n)
		}
		if err = os.Mkdir(dir, 0o755); err == nil {
			return dir, nil
		}
		if errors.Is(err, fs.ErrExist) && n < 100 {
			err = nil // another run began in the same second
		}
	}
	return "", fmt.Errorf("make a directory for the report: %w; choose another with --out", err)
}
