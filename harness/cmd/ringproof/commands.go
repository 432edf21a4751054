// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/compare"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/kconfig"
	"github.com/ringproof/ringproof/vm"
)

// defaultSource is where kernels come from unless --source says otherwise.
const defaultSource = "debian:linux-source-6.12"

// sourceFlags say what every kernel of a command is built from.
type sourceFlags struct {
	Source       string   `default:"${source}" placeholder:"SPEC" help:"Where the kernel comes from: debian:PACKAGE, tar:FILE, dir:TREE, git:REPO@REF, url:URL#sha256=HEX. Default: ${default}."`
	Patch        []string `sep:"none" placeholder:"FILE" help:"One more patch on top of the series; may be repeated."`
	Revision     int      `placeholder:"N" help:"The N of [PATCH vN] where the series is an archive that holds several. Default: the newest."`
	AllowPartial bool     `help:"Take a series although patches of it are missing by the n/m of its subjects."`
	ThreeWay     bool     `name:"3way" help:"Let git merge a series that does not apply; needs --source git:REPO@REF with the series' base in it."`
	NoInstrument bool     `help:"Leave out ringproof's own changes to the kernel that make mistakes visible (flavour kasan) and let coverage see all tasks."`
	AllowBuild   bool     `name:"allow-build-files" help:"Accept a series that changes Makefiles, Kconfig, scripts/ or tools/: building it runs them on this host."`
}

func (f *sourceFlags) kernel(series, flavour string) images.Spec {
	return images.Spec{
		Source: f.Source, Series: series, Patches: f.Patch, Revision: f.Revision, Partial: f.AllowPartial, ThreeWay: f.ThreeWay, Flavour: flavour, NoInstrument: f.NoInstrument, AllowBuildFiles: f.AllowBuild,
	}
}

// kernelFlags say which kernel is meant, where it can be one only.
type kernelFlags struct {
	sourceFlags
	Series  string `default:"v4" help:"Patch series: a built-in name (${series}), a directory of patches, an mbox, maildir or mail, a saved tracker page, a diff, or \"git:REPO BASE..HEAD\". Default: ${default}."`
	Flavour string `default:"fast" help:"Kernel configuration: ${flavours}. Default: ${default}."`
}

func (k *kernelFlags) kernel() images.Spec { return k.sourceFlags.kernel(k.Series, k.Flavour) }

// kernelsFlags say which kernels are meant: every series in every flavour.
type kernelsFlags struct {
	sourceFlags
	Series  []string `default:"v4" help:"Patch series: a built-in name (${series}), a directory of patches, an mbox, maildir or mail, a saved tracker page, a diff, or \"git:REPO BASE..HEAD\"; several by repeating it or with commas. Default: ${default}."`
	Flavour []string `default:"fast" help:"Kernel configuration: ${flavours}; several like series. Default: ${default}."`
}

// kernels returns every series in every flavour, each once, in the order they
// were given, flavours first: what one flavour says of all series is known
// before the next, usually slower one begins.
func (k *kernelsFlags) kernels() ([]images.Spec, error) {
	var specs []images.Spec
	for i, flavour := range k.Flavour {
		if _, err := kconfig.ByName(flavour); err != nil {
			return nil, &exit{exitUsage, err}
		}
		if slices.Contains(k.Flavour[:i], flavour) {
			continue
		}
		for n, series := range k.Series {
			if !slices.Contains(k.Series[:n], series) {
				specs = append(specs, k.kernel(series, flavour))
			}
		}
	}
	return specs, nil
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

type reportCmd struct {
	Dir   string `arg:"" type:"existingdir" help:"A run's directory: the one that holds results.json; with --reply also that of a comparison."`
	Reply bool   `help:"Print the text of a mail to the patches' author instead, and write nothing."`
}

func (c *reportCmd) Run(s *streams) error {
	if _, err := os.Stat(filepath.Join(c.Dir, compare.JSONFile)); err == nil && c.Reply {
		both, err := compare.Load(c.Dir)
		if err != nil {
			return &exit{exitUsage, err}
		}
		return both.WriteReply(s.out)
	}
	run, err := report.Load(c.Dir)
	if err != nil {
		return &exit{exitUsage, err}
	}
	if c.Reply {
		return report.WriteReply(s.out, run)
	}
	if err := report.Write(c.Dir, run); err != nil {
		return &exit{exitInfra, err}
	}
	return report.WriteText(s.out, run, report.TextOptions{Dir: c.Dir, Color: isTerminal(s.out)})
}

type doctorCmd struct {
	Flavour []string `default:"fast" help:"The kernels that shall be built: ${flavours}; several by repeating it or with commas. Default: ${default}."`
	JSON    bool     `help:"Machine-readable."`
}

func (c *doctorCmd) Run(s *streams) error {
	dir, err := images.CacheDir()
	if err != nil {
		return err
	}
	var flavours []kconfig.Flavour
	for _, name := range c.Flavour {
		f, err := kconfig.ByName(name)
		if err != nil {
			return &exit{exitUsage, err}
		}
		flavours = append(flavours, f)
	}
	findings := harness.Doctor(dir, flavours)
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
