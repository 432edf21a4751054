// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/ringproof/ringproof/harness"
)

type shellCmd struct {
	kernelFlags
	guestFlags
	GDB     string   `name:"gdb" placeholder:"ADDR" help:"Let gdb attach there, such as 127.0.0.1:1234. A crash then still ends the guest."`
	Command []string `arg:"" optional:"" help:"Run one command and leave; without one, commands are read from standard input."`
}

func (c *shellCmd) Run(ctx context.Context, s *streams) error {
	p := newProgress(s.err)
	spec := c.guests()
	spec.GDB = c.GDB
	host, err := harness.Open(ctx, c.kernel(), spec, "", p.event)
	p.close()
	if err != nil {
		return err
	}
	defer host.Close()
	g, err := host.Guest(ctx)
	if err != nil {
		return err
	}
	defer g.Close()
	if c.GDB != "" {
		fmt.Fprintf(s.err, "gdb %s -ex 'target remote %s'\n", host.Kernel.Vmlinux, c.GDB)
	}
	run := func(line string) error {
		out, err := g.Shell(ctx, line)
		if err != nil {
			return err
		}
		fmt.Fprint(s.out, out.Text)
		if out.Err != "" {
			return errors.New(out.Err)
		}
		return nil
	}
	if len(c.Command) > 0 {
		line := ""
		for _, w := range c.Command {
			line += w + " "
		}
		return run(line)
	}
	prompt := ""
	if f, ok := s.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(s.err, "Linux %s; \"help\" lists the commands, Ctrl-D leaves.\n", g.Info().Release)
		prompt = "ringproof> "
	}
	lines := bufio.NewScanner(s.in)
	for fmt.Fprint(s.err, prompt); lines.Scan(); fmt.Fprint(s.err, prompt) {
		if lines.Text() == "exit" {
			break
		}
		if err := run(lines.Text()); err != nil {
			if g.Err() != nil { // the guest is gone
				return err
			}
			fmt.Fprintf(s.err, "%v\n", err)
		}
	}
	fmt.Fprintln(s.err)
	return lines.Err()
}
