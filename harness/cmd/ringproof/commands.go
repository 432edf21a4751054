// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// kernelFlags say which kernel is meant.
type kernelFlags struct {
	Source     string   `default:"debian:linux-source-6.12" placeholder:"SPEC" help:"Where the kernel comes from: debian:PACKAGE, tar:FILE, dir:TREE, git:REPO@REF, url:URL#sha256=HEX. Default: ${default}."`
	Series     string   `default:"v4" help:"Patch series: a built-in name (${series}), a directory of patches, a patch or an mbox. Default: ${default}."`
	Patch      []string `placeholder:"FILE" help:"One more patch on top of the series; may be repeated."`
	Flavour    string   `default:"fast" help:"Kernel configuration: ${flavours}. Default: ${default}."`
	AllowBuild bool     `name:"allow-build-files" help:"Accept a series that changes Makefiles, Kconfig, scripts/ or tools/: building it runs them on this host."`
}

func (k *kernelFlags) kernel() images.Spec {
	return images.Spec{
		Source: k.Source, Series: k.Series, Patches: k.Patch, Flavour: k.Flavour, AllowBuildFiles: k.AllowBuild,
	}
}

// guestFlags say how guests are run and judged.
type guestFlags struct {
	Profile    string  `help:"Semantics to judge by: a built-in profile (${profiles}) or a file. Default: the one named like the series."`
	Accel      string  `enum:"auto,kvm,tcg" default:"auto" help:"Acceleration: auto, kvm, tcg. auto uses KVM only where a guest came up under it."`
	Guests     int     `default:"1" help:"Guests that run at the same time."`
	NoSnapshot bool    `help:"Boot every guest from power-on."`
	NoProbes   bool    `help:"Do not attach the eBPF probes: every verdict that needs them is INCONCLUSIVE."`
	RingBytes  uint32  `placeholder:"N" help:"Size of the probes' buffer in bytes, a power of two; too small a one loses records."`
	Slowdown   float64 `default:"1" help:"Stretch every timeout by this factor, on top of what emulation needs."`
}

func (g *guestFlags) guests() harness.GuestSpec {
	return harness.GuestSpec{
		Profile: g.Profile, Accel: vm.Accel(g.Accel), Guests: g.Guests, NoSnapshot: g.NoSnapshot,
		NoProbes: g.NoProbes, RingBytes: g.RingBytes, Slowdown: g.Slowdown,
	}
}

// outFlags say where the run's files go and what is printed.
type outFlags struct {
	Out  string `default:"out" type:"path" help:"Directory under which the run's own directory is made. Default: ${default}."`
	JSON bool   `help:"Print results.json on standard output, everything else on standard error."`
}

type testCmd struct {
	kernelFlags
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
	return testPrograms(ctx, s, c.kernelFlags, c.guestFlags, c.outFlags, programs, false)
}

type runCmd struct {
	kernelFlags
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
	return testPrograms(ctx, s, c.kernelFlags, c.guestFlags, c.outFlags, programs, true)
}

// testPrograms runs programs on the chosen kernel, writes the report and
// turns its result into the exit status.
func testPrograms(ctx context.Context, s *streams, k kernelFlags, g guestFlags, o outFlags, programs []*cases.Program, verbose bool) error {
	dir, err := runDir(o.Out, k.Series, k.Flavour)
	if err != nil {
		return &exit{exitInfra, err}
	}
	p := newProgress(s.err)
	defer p.close()
	text := s.out
	if o.JSON {
		text = s.err
	}
	run, err := harness.Test(ctx, harness.TestSpec{
		Kernel: k.kernel(), Guest: g.guests(), Programs: programs, Dir: dir,
		Version: version, Progress: p.event, Case: p.verdict,
	})
	p.close()
	if run == nil {
		os.Remove(dir) // only if nothing was written: a console log is kept
		return err
	}
	if werr := report.Write(dir, run); werr != nil {
		return &exit{exitInfra, werr}
	}
	if o.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", " ")
		if err := enc.Encode(run); err != nil {
			return err
		}
	}
	terr := report.WriteText(text, run, report.TextOptions{Dir: dir, Detail: verbose, Color: isTerminal(text)})
	if err != nil {
		return err
	}
	if terr != nil {
		return terr
	}
	if status := report.ExitCode(run); status != 0 {
		return &exit{status: status}
	}
	return nil
}

type reportCmd struct {
	Dir string `arg:"" type:"existingdir" help:"A run's directory: the one that holds results.json."`
}

func (c *reportCmd) Run(s *streams) error {
	run, err := report.Load(c.Dir)
	if err != nil {
		return &exit{exitUsage, err}
	}
	if err := report.Write(c.Dir, run); err != nil {
		return &exit{exitInfra, err}
	}
	return report.WriteText(s.out, run, report.TextOptions{Dir: c.Dir, Color: isTerminal(s.out)})
}

type doctorCmd struct {
	JSON bool `help:"Machine-readable."`
}

func (c *doctorCmd) Run(s *streams) error {
	dir, err := images.CacheDir()
	if err != nil {
		return err
	}
	findings := harness.Doctor(dir)
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Fprintf(s.out, "%-8s %-20s %s\n", f.State, f.What, f.Found)
			if f.Fix != "" && f.State != "ok" {
				fmt.Fprintf(s.out, "%-8s %-20s   fix: %s\n", "", "", f.Fix)
			}
		}
	}
	if !harness.Healthy(findings) {
		return &exit{status: exitInfra}
	}
	return nil
}

type versionCmd struct{}

func (versionCmd) Run(s *streams) error {
	id, err := harness.BuildID()
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "ringproof %s\nbuild ID %s\n", version, id)
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
