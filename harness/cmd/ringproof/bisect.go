// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/bisect"
)

type bisectCmd struct {
	kernelFlags
	guestFlags
	outFlags
	Good   string `placeholder:"SERIES" help:"A series on which the program passes, such as the revision before. Each step then has the first patches of the bad series and the rest of this one."`
	Enable int    `placeholder:"N" help:"The patch, counted from 1, that makes visible what the program needs: it is put on top of each cut. Default: the last one, if the program is skipped without it."`
	Only   string `placeholder:"NAME" help:"The program of the catalogue with this name."`
	Repeat int    `default:"5" placeholder:"N" help:"Run the program N times at each step; one failure makes it bad. Default: ${default}."`
	File   string `arg:"" optional:"" type:"existingfile" help:"The program in its text form (.ring)."`
}

// Validate checks what the types cannot say.
func (c *bisectCmd) Validate() error {
	switch {
	case c.Repeat < 1:
		return fmt.Errorf("--repeat %d: a program runs once at least", c.Repeat)
	case (c.Only == "") == (c.File == ""):
		return fmt.Errorf("give one program: a .ring file, or --only and a name of the catalogue")
	case len(c.Patch) > 0:
		return fmt.Errorf("--patch: a patch on top of the series is none of those to choose from; put it into the series")
	}
	return nil
}

// bisectResults is the file with a search's steps.
const bisectResults = "bisect.json"

func (c *bisectCmd) Run(ctx context.Context, s *streams) error {
	program, err := c.program()
	if err != nil {
		return err
	}
	guest := c.guests()
	if _, err := harness.LoadProfile(guest.Profile, c.Series); err != nil { // before minutes of building
		return err
	}
	if guest.Profile == "" {
		guest.Profile = c.Series
	}
	dir, err := runDir(c.Out, "bisect-"+filepath.Base(c.Series), c.Flavour)
	if err != nil {
		return &exit{exitInfra, err}
	}
	text := s.out
	if c.JSON {
		text = s.err
	}
	p := newProgress(s.err)
	defer p.close()
	out, err := harness.Bisect(ctx, harness.BisectSpec{
		Kernel: c.kernel(), Good: c.Good, Enable: c.Enable, Guest: guest, Program: program, Repeat: c.Repeat,
		Dir: dir, Version: version, Progress: p.event,
		Step: func(s *harness.BisectStep) {
			p.endBar()
			fmt.Fprintf(text, "%d patches%s: %s %s\n", s.Patches, with(s.On), s.Verdict, s.Why)
		},
	})
	p.close()
	if out == nil {
		os.Remove(dir)
		return err
	}
	if err := c.write(s, text, dir, out); err != nil {
		return &exit{exitInfra, err}
	}
	if err != nil {
		return err
	}
	return bisectStatus(out.Result)
}

// bisectStatus: 0 if nothing fails, 1 if the patch was found, 4 if it could not be told.
func bisectStatus(r *bisect.Result) error {
	switch {
	case r.Last == 0:
		return nil
	case r.Found():
		return &exit{status: exitFailed}
	}
	return &exit{status: exitInconclusive}
}

func (c *bisectCmd) program() (*cases.Program, error) {
	if c.File == "" {
		all, err := cases.Catalogue()
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			if p.Name == c.Only {
				return p, nil
			}
		}
		return nil, &exit{exitUsage, fmt.Errorf("--only %s: no program of the catalogue is called so (test --list shows them)", c.Only)}
	}
	text, err := os.ReadFile(c.File)
	if err == nil {
		var p *cases.Program
		if p, err = cases.Parse(c.File, text); err == nil {
			return p, nil
		}
	}
	return nil, &exit{exitUsage, err}
}

func (c *bisectCmd) write(s *streams, text io.Writer, dir string, out *harness.Bisected) error {
	b, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if err := os.WriteFile(filepath.Join(dir, bisectResults), b, 0o644); err != nil {
		return err
	}
	if c.JSON {
		if _, err := s.out.Write(b); err != nil {
			return err
		}
	}
	return printBisect(text, dir, out)
}

// printBisect prints the steps by their last patch, and what they come to.
func printBisect(w io.Writer, dir string, out *harness.Bisected) error {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "patch\tverdict\tfailed\tbuilt in\tsubject\n")
	for k := range len(out.Patches) + 1 {
		subject := "(none of the series)"
		if k > 0 {
			subject = patchTitle(out, k)
		}
		tested := false
		for i := range out.Steps {
			if s := &out.Steps[i]; s.Patches == k {
				tested = true
				fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s%s\n", k, s.Verdict, tries(s), seconds(s.Build), subject, with(s.On))
			}
		}
		if !tested {
			fmt.Fprintf(t, "%d\tnot tested\t\t\t%s\n", k, subject)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nprogram %s", out.Program)
	if out.Class != "" {
		fmt.Fprintf(w, ", %s", out.Class)
	}
	fmt.Fprintf(w, "\n%s\n", filepath.Join(dir, bisectResults))
	switch r := out.Result; {
	case r == nil:
		fmt.Fprintln(w, "the search was ended early")
	case r.Found():
		fmt.Fprintf(w, "%s: %s\n", r, patchTitle(out, r.First))
	default:
		fmt.Fprintln(w, r)
		if !r.Sure && r.Last > 0 && out.Good == "" {
			fmt.Fprintln(w, "A revision on which the program passes would tell more: --good SERIES")
		}
	}
	return nil
}

func patchTitle(out *harness.Bisected, k int) string {
	p := out.Patches[k-1]
	if p.Subject != "" {
		return p.Subject
	}
	return p.Name
}

func with(on string) string {
	if on == "" {
		return ""
	}
	return " + " + on
}

func tries(s *harness.BisectStep) string {
	if s.Tried == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d", s.Failed, s.Tried)
}

func seconds(s float64) string {
	if s == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f s", s)
}
