// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/vm"
)

type minimizeCmd struct {
	targetFlags
	Class     string `placeholder:"CLASS" help:"What has to show, as reports word it: 'FAIL G4 of a leader'. Default: what the program shows most."`
	Tries     int    `placeholder:"N" help:"Run each smaller program up to N times. Default: by how often the given one shows it."`
	Need      int    `placeholder:"K" help:"Of these, K runs must show it. Default: 1."`
	Budget    int    `placeholder:"N" help:"End the search after N runs. Default: 2000."`
	Userspace bool   `default:"true" negatable:"" help:"Where the CQEs alone show it, keep it so, and a C program can tell. Default: yes."`
	Output    string `short:"o" placeholder:"FILE" help:"Where the smaller program goes. Default: standard output."`
	Store     string `placeholder:"DIR" type:"path" help:"Keep the smaller program as a finding in this directory, for ringproof test --store."`
	File      string `arg:"" type:"existingfile" help:"A program in its text form (.ring)."`
}

// Help is printed by --help.
func (minimizeCmd) Help() string {
	return "Makes a program smaller for as long as it shows the same: the same status, and the same first broken rule of the same kind of " +
		"request or the same crash. The program is first tried in fresh guests; what shows k of n times is looked for as patiently. What " +
		"comes out shows it in fresh guests.\n\n" +
		"Exit status 1 if the program fails, and then the smaller one is written; 0 if it does not fail, and then nothing is; " +
		"4 if the search was interrupted, and then what it had found is."
}

// Validate checks what the types cannot say.
func (c *minimizeCmd) Validate() error {
	if c.Tries < 0 || c.Need < 0 || c.Budget < 0 || c.Tries > 0 && c.Need > c.Tries {
		return fmt.Errorf("--need %d of --tries %d within --budget %d: give numbers of 1 or more, and no more to need than to try", c.Need, c.Tries, c.Budget)
	}
	if c.Store != "" && c.Mutate != "" {
		return errors.New("--store keeps what a revision shows, and with --mutate that is a mistake made on purpose: give one of them")
	}
	return nil
}

func (c *minimizeCmd) Run(ctx context.Context, s *streams) error {
	program, err := readProgram(c.File)
	if err != nil {
		return err
	}
	t, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer t.Close()
	fmt.Fprintf(s.err, "minimize  %s: %s, on %s\n", program.Name, sizeText(program), t.what)
	out, err := harness.Shrink(ctx, harness.ShrinkSpec{
		Program: program, Profile: t.Profile, Accel: t.Accel, Options: t.options,
		Guest: func(ctx context.Context) (*vm.Guest, error) { return t.Guest(ctx) },
		Class: c.Class, Need: c.Need, Tries: c.Tries, Budget: c.Budget, Userspace: c.Userspace,
		Smaller: func(p *cases.Program, runs int) {
			fmt.Fprintf(s.err, "minimize  %s after %d runs\n", sizeText(p), runs)
		},
	})
	switch {
	case out == nil:
		return saidNothing(err)
	case out.Case.Program == nil && c.Class != "":
		fmt.Fprintf(s.err, "%s does not show %q on %s: it did not in %d tries\n", program.Name, c.Class, t.what, out.Before.Of)
		return err
	case out.Case.Program == nil:
		fmt.Fprintf(s.err, "%s does not fail on %s: it passed %d of %d times\n", program.Name, t.what, out.Before.Of, out.Before.Of)
		return err
	}
	small := out.Case.Program
	fmt.Fprintf(s.err, "minimize  %s, %d runs in %d guests: %s\n", sizeText(small), out.Runs, out.Guests, shownText(out))
	text := out.Text(program, t.what)
	if err := writeTo(s, c.Output, text); err != nil {
		return &exit{exitInfra, err}
	}
	if err != nil {
		return err
	}
	if c.Store != "" {
		if err := keep(c.Store, out, text, t.Host); err != nil {
			return &exit{exitInfra, err}
		}
	}
	return &exit{status: exitFailed}
}

func sizeText(p *cases.Program) string {
	return fmt.Sprintf("%d SQEs, %d steps", len(p.SQEs()), len(p.Steps))
}

// shownText says how often what showed.
func shownText(out *harness.Shrunk) string {
	if out.After.Of == 0 {
		return out.Class + ", not tried again since the search was interrupted"
	}
	return fmt.Sprintf("%s, %s tries in fresh guests", out.Class, out.After)
}

// writeTo writes a file, whole or not at all; "" is standard output.
func writeTo(s *streams, file, text string) error {
	if file == "" {
		_, err := s.out.Write([]byte(text))
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".tmp-")
	if err != nil {
		return fmt.Errorf("write %s: %w; choose another place with -o", file, err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
