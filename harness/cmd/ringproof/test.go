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
	"github.com/ringproof/ringproof/harness/reach"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

// outFlags say where the run's files go and what is printed.
type outFlags struct {
	Out  string `default:"out" type:"path" help:"Directory under which each kernel's run gets a directory of its own. Default: ${default}."`
	JSON bool   `help:"Print results.json on standard output, one after the other for several kernels, and everything else on standard error."`
}

// triesFlags say how often a program runs.
type triesFlags struct {
	Noise   uint64 `placeholder:"SEED" help:"Run each program under the schedule noise of this seed, a number from 1 on. Default: none."`
	Repeat  int    `default:"1" placeholder:"N" help:"Run each program N times; with --noise under the N seeds from SEED on. Default: ${default}."`
	Confirm int    `default:"4" placeholder:"N" help:"Try a failure N more times, each in a fresh guest; 0 does not. The verdict stays. Default: ${default}."`
}

// Validate checks what the types cannot say.
func (f *triesFlags) Validate() error {
	switch {
	case f.Repeat < 1:
		return fmt.Errorf("--repeat %d: a program runs once at least", f.Repeat)
	case f.Confirm < 0:
		return fmt.Errorf("--confirm %d: give 0 or more", f.Confirm)
	}
	return nil
}

type testCmd struct {
	kernelsFlags
	guestFlags
	outFlags
	triesFlags
	storeFlags
	Only     string `placeholder:"REGEXP" help:"Run only the programs of the catalogue whose name matches."`
	Coverage bool   `help:"Collect what the programs reach of the kernel (KCOV), and write coverage.md, coverage.json and the series' annotated patches."`
	List     bool   `help:"List the programs and leave."`
}

func (c *testCmd) Run(ctx context.Context, s *streams) error {
	st, err := c.storeFlags.open(c.Only)
	if err != nil {
		return err
	}
	programs, err := pick(c.Only)
	if programs = append(programs, st.programs()...); err != nil && len(programs) == 0 {
		return err
	}
	if c.List {
		for _, p := range programs {
			fmt.Fprintf(s.out, "%-36s %s\n", p.Name, firstLine(p.About))
		}
		return nil
	}
	return testKernels(ctx, s, &c.kernelsFlags, &c.guestFlags, &c.outFlags, &c.triesFlags, programs, st, how{coverage: c.Coverage})
}

type runCmd struct {
	kernelsFlags
	guestFlags
	outFlags
	triesFlags
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
	return testKernels(ctx, s, &c.kernelsFlags, &c.guestFlags, &c.outFlags, &c.triesFlags, programs, nil, how{verbose: true})
}

// tested is what came of one kernel.
type tested struct {
	kernel images.Spec
	dir    string
	run    *report.Run // nil if it never came to that: err says why
	err    error
}

// how programs are run, by what a command was told.
type how struct {
	verbose  bool // the programs are the user's own files, and shown in detail
	coverage bool
}

// testKernels runs programs on every chosen kernel, one kernel after the
// other, and ends with the counts of all. A kernel that cannot be tested does not keep the
// others from it. The exit status is the worst.
func testKernels(ctx context.Context, s *streams, k *kernelsFlags, g *guestFlags, o *outFlags, r *triesFlags, programs []*cases.Program, st *replay, h how) error {
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
		t := testKernel(ctx, s, spec, g, o, r, programs, st, text, h)
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
func testKernel(ctx context.Context, s *streams, spec images.Spec, g *guestFlags, o *outFlags, r *triesFlags, programs []*cases.Program, st *replay, text io.Writer, h how) tested {
	dir, err := runDir(o.Out, spec.Series, spec.Flavour)
	if err != nil {
		return tested{kernel: spec, err: &exit{exitInfra, err}}
	}
	return testIn(ctx, s, dir, spec, g, o, r, programs, st, text, h)
}

// testIn is testKernel into a directory at hand.
func testIn(ctx context.Context, s *streams, dir string, spec images.Spec, g *guestFlags, o *outFlags, r *triesFlags, programs []*cases.Program, st *replay, text io.Writer, h how) tested {
	t := tested{kernel: spec, dir: dir}
	p := newProgress(s.err)
	defer p.close()
	var reached *reach.Report
	command := "test"
	if h.verbose {
		command = "run"
	}
	test := harness.TestSpec{
		Kernel: spec, Guest: g.guests(), Programs: programs, Dir: t.dir,
		Noise: r.Noise, Repeat: r.Repeat, Confirm: r.Confirm, Again: append(again(command, spec, g), st.args()...),
		Version: version, Progress: p.event, Case: p.verdict,
	}
	if h.coverage {
		test.Reached = func(m *reach.Map, r *reach.Report) error {
			reached = r
			return m.Write(t.dir, r)
		}
	}
	t.run, t.err = harness.Test(ctx, test)
	p.close()
	if t.run == nil {
		os.Remove(t.dir) // only if nothing was written: a console log is kept
		return t
	}
	written := report.TextOptions{Dir: t.dir, Detail: h.verbose, Color: isTerminal(text)}
	if err := report.Write(t.dir, t.run); err != nil { // what is known is said all the same
		t.err = &exit{exitInfra, errors.Join(t.err, err)}
		written.Dir = ""
	}
	if o.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", " ")
		t.err = errors.Join(t.err, enc.Encode(t.run))
	}
	t.err = errors.Join(t.err, report.WriteText(text, t.run, written), st.tell(text, t.run))
	if reached != nil {
		fmt.Fprintf(text, "coverage: %s  %s\n", reached.Summary(), filepath.Join(t.dir, reach.MarkdownFile))
	}
	return t
}

// again is the command line that runs one program on this kernel, but for
// what names the program: a pattern for "test", else a file.
func again(command string, spec images.Spec, g *guestFlags) []string {
	args := []string{"ringproof", command}
	if spec.Source != defaultSource {
		args = append(args, "--source", spec.Source)
	}
	args = append(args, "--series", spec.Series, "--flavour", spec.Flavour)
	for _, p := range spec.Patches {
		args = append(args, "--patch", p)
	}
	if spec.Revision != 0 {
		args = append(args, "--revision", strconv.Itoa(spec.Revision))
	}
	if spec.Partial {
		args = append(args, "--allow-partial")
	}
	if spec.ThreeWay {
		args = append(args, "--3way")
	}
	if spec.NoInstrument {
		args = append(args, "--no-instrument")
	}
	if spec.AllowBuildFiles {
		args = append(args, "--allow-build-files")
	}
	if g.Profile != "" {
		args = append(args, "--profile", g.Profile)
	}
	return args
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

var unfit = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// fileName is a series' name as a part of a file's: git:REPO A..B has blanks in it.
func fileName(series string) string { return unfit.ReplaceAllString(filepath.Base(series), "-") }

// runDir makes the directory of one run below out, named by time, series and flavour.
func runDir(out, series, flavour string) (string, error) {
	name := time.Now().Format("20060102-150405") + "-" + fileName(series) + "-" + flavour
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
