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
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

type soakCmd struct {
	sourceFlags
	guestFlags
	outFlags
	Series  []string      `default:"none,v4,v7" help:"Patch series, one after the other; see test --series. Default: ${default}."`
	Flavour []string      `default:"fast" help:"Kernel configuration: ${flavours}; several like series. Default: ${default}."`
	Time    time.Duration `default:"30m" help:"How long each kernel is soaked; a round that has begun is finished. Default: ${default}."`
	Seed    uint64        `placeholder:"SEED" help:"Seed of the first round's schedule noise, a number from 1 on; each round has the next. Default: chosen by the clock."`
	Quiet   bool          `name:"no-noise" help:"Run without schedule noise."`
	Only    string        `placeholder:"REGEXP" help:"Run only the programs of the catalogue whose name matches."`
	Confirm int           `default:"4" placeholder:"N" help:"Try a failure N more times, each in a fresh guest. Default: ${default}."`
}

// Validate checks what the types cannot say.
func (c *soakCmd) Validate() error {
	switch {
	case c.Time <= 0:
		return fmt.Errorf("--time %v: give how long each kernel is soaked, such as 30m", c.Time)
	case c.Confirm < 0:
		return fmt.Errorf("--confirm %d: give 0 or more", c.Confirm)
	case c.Quiet && c.Seed != 0:
		return fmt.Errorf("--seed %d and --no-noise: give one of them", c.Seed)
	}
	return nil
}

// Names of the files with a soak's figures.
const (
	soakResults = "soak.json"
	soakSummary = "soak.md"
)

// soakJSON is soak.json.
type soakJSON struct {
	Schema  int               `json:"schema"`
	Tool    report.Tool       `json:"tool"`
	Started time.Time         `json:"started"`
	Command []string          `json:"command"`
	Kernels []*harness.Soaked `json:"kernels"`
}

func (c *soakCmd) Run(ctx context.Context, s *streams) error {
	programs, err := pick(c.Only)
	if err != nil {
		return err
	}
	k := kernelsFlags{sourceFlags: c.sourceFlags, Series: c.Series, Flavour: c.Flavour}
	kernels, err := k.kernels()
	if err != nil {
		return err
	}
	for _, spec := range kernels {
		if _, err := harness.LoadProfile(c.Profile, spec.Series); err != nil {
			return err
		}
	}
	switch {
	case c.Quiet:
		c.Seed = 0
	case c.Seed == 0:
		c.Seed = uint64(time.Now().Unix())
	}
	dir, err := runDir(c.Out, "soak", strings.Join(c.Flavour, "-"))
	if err != nil {
		return &exit{exitInfra, err}
	}
	id, err := harness.BuildID()
	if err != nil {
		return err
	}
	text := s.out
	if c.JSON {
		text = s.err
	}
	all := soakJSON{Schema: report.Schema, Tool: report.Tool{Version: version, BuildID: id}, Started: time.Now(), Command: os.Args}
	var failures []error
	for _, spec := range kernels {
		out, err := c.kernel(ctx, s, text, spec, dir, programs)
		if out != nil {
			all.Kernels = append(all.Kernels, out)
		}
		if err != nil {
			failures = append(failures, err)
			if ctx.Err() != nil {
				break
			}
			explain(s.err, err)
		}
	}
	if err := all.write(dir); err != nil {
		return &exit{exitInfra, err}
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", " ")
		if err := enc.Encode(all); err != nil {
			return err
		}
	}
	fmt.Fprintln(text)
	all.table(text)
	fmt.Fprintln(text, filepath.Join(dir, soakSummary))
	return all.status(failures)
}

// kernel soaks one kernel.
func (c *soakCmd) kernel(ctx context.Context, s *streams, text io.Writer, spec images.Spec, dir string, programs []*cases.Program) (*harness.Soaked, error) {
	p := newProgress(s.err)
	defer p.close()
	return harness.Soak(ctx, harness.SoakSpec{
		Kernel: spec, Guest: c.guests(), Programs: programs, Time: c.Time, Noise: c.Seed, Confirm: c.Confirm,
		Version: version, Again: again("test", spec, &c.guestFlags), Progress: p.event, Case: p.verdict,
		Round: func(o *harness.Soaked) {
			p.endBar()
			fmt.Fprintln(text, o.String())
		},
		Alarm: func(round int, run *report.Run) (string, error) {
			at := filepath.Join(dir, fmt.Sprintf("%s-%s-round-%d", fileName(spec.Series), spec.Flavour, round))
			return at, report.Write(at, run)
		},
	})
}

// table prints a line per kernel.
func (all *soakJSON) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range all.rows() {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush()
}

func (all *soakJSON) rows() [][]string {
	rows := [][]string{{"series", "flavour", "minutes", "rounds", "programs run", "events", "lost", "probe runs skipped", "asked again", "guests", "alarms", ""}}
	for _, o := range all.Kernels {
		note := o.Ended
		if o.Partial {
			note = "interrupted"
		}
		rows = append(rows, []string{o.Kernel.Series, o.Kernel.Flavour, fmt.Sprintf("%.1f", o.Seconds/60), fmt.Sprint(o.Rounds),
			fmt.Sprint(o.Programs), fmt.Sprint(o.Events), fmt.Sprint(o.Lost), fmt.Sprint(o.Missed), fmt.Sprint(o.AskedAgain),
			fmt.Sprint(o.Boots + o.Restores), fmt.Sprint(o.Alarms), note})
	}
	return rows
}

// write puts the figures into dir, as data and as Markdown.
func (all *soakJSON) write(dir string) error {
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	var md strings.Builder
	for i, row := range all.rows() {
		fmt.Fprintf(&md, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			md.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	for _, o := range all.Kernels {
		for _, a := range o.FirstAlarms {
			fmt.Fprintf(&md, "\n- %s %s, round %d, noise %d: **%s** %s: `%s`", o.Kernel.Series, o.Kernel.Flavour, a.Round, a.Noise, a.Status, a.Program,
				strings.ReplaceAll(a.Why, "`", "'"))
			if a.Tries != "" {
				fmt.Fprintf(&md, " (%s)", a.Tries)
			}
		}
	}
	fmt.Fprintf(&md, "\nringproof %s\n", all.Tool.Version)
	return errors.Join(os.WriteFile(filepath.Join(dir, soakResults), append(b, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, soakSummary), []byte(md.String()), 0o644))
}

// status is what the soak exits with: the worst of all kernels.
func (all *soakJSON) status(failures []error) error {
	seen := map[int]bool{}
	for _, err := range failures {
		seen[exitStatus(err)] = true
	}
	for _, o := range all.Kernels {
		switch c := &o.Counts; {
		case c.Failed() > 0:
			seen[exitFailed] = true
		case c.Infra > 0:
			seen[exitInfra] = true
		case c.Inconclusive > 0:
			seen[exitInconclusive] = true
		}
	}
	for _, status := range severity {
		if seen[status] && status != exitOK {
			return &exit{status: status}
		}
	}
	return nil
}

// pick returns the catalogue's programs whose name matches, all for "".
func pick(only string) ([]*cases.Program, error) {
	programs, err := cases.Catalogue()
	if err != nil || only == "" {
		return programs, err
	}
	re, err := regexp.Compile(only)
	if err != nil {
		return nil, &exit{exitUsage, fmt.Errorf("--only: %w", err)}
	}
	programs = slices.DeleteFunc(slices.Clone(programs), func(p *cases.Program) bool { return !re.MatchString(p.Name) })
	if len(programs) == 0 {
		return nil, &exit{exitUsage, fmt.Errorf("--only %s: no program of the catalogue matches (test --list shows them)", only)}
	}
	return programs, nil
}
