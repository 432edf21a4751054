// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/regress"
	"github.com/ringproof/ringproof/harness/report"
)

// storeFlags name the findings of earlier revisions.
type storeFlags struct {
	Store  string `placeholder:"DIR" type:"path" help:"Run the findings kept in this directory as well, and say of each: fixed, still there, back again."`
	Update bool   `help:"Record in --store what came of them. Otherwise nothing there is written."`
}

// replay is a store in a run. A nil one is none.
type replay struct {
	storeFlags
	findings []*regress.Finding
}

// open reads the store; only is as for the catalogue.
func (f *storeFlags) open(only string) (*replay, error) {
	if f.Store == "" {
		if f.Update {
			return nil, &exit{exitUsage, errors.New("--update records in a store: name it with --store DIR")}
		}
		return nil, nil
	}
	re, err := compileFlag("--only", only)
	if err != nil {
		return nil, err
	}
	all, err := regress.Load(f.Store)
	if err != nil {
		return nil, &exit{exitUsage, fmt.Errorf("--store: %w", err)}
	}
	all = slices.DeleteFunc(all, func(g *regress.Finding) bool { return !re.MatchString(g.Name) })
	return &replay{storeFlags: *f, findings: all}, nil
}

func (r *replay) programs() (list []*cases.Program) {
	if r != nil {
		for _, f := range r.findings {
			list = append(list, f.Program)
		}
	}
	return list
}

// args are those that a command line needs to have the store's programs.
func (r *replay) args() []string {
	if r == nil {
		return nil
	}
	return []string{"--store", r.Store}
}

// tell says what became of the findings on one kernel, and records it where that was asked for.
func (r *replay) tell(w io.Writer, run *report.Run) error {
	if r == nil {
		return nil
	}
	results := regress.Compare(r.findings, run, time.Now().UTC().Format(time.DateOnly))
	count := map[regress.Change]int{}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	var errs []error
	for i := range results {
		x := &results[i]
		count[x.Change]++
		text := x.Class
		if x.Why != "" {
			text += "; " + firstLine(x.Why)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", x.Change, x.Name, text)
		if r.Update && x.Note() {
			errs = append(errs, x.Save(r.Store))
		}
	}
	table.Flush()
	var parts []string
	for _, c := range []regress.Change{regress.BackAgain, regress.StillThere, regress.Fixed, regress.StaysFixed, regress.Otherwise, regress.Unknown} {
		if count[c] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[c], c))
		}
	}
	fmt.Fprintf(w, "%d findings of %s: %s\n", len(results), r.Store, strings.Join(parts, ", "))
	return errors.Join(errs...)
}

// keep adds what a minimised program shows to a store.
func keep(dir string, out *harness.Shrunk, text string, h *harness.Host) error {
	p, err := cases.Parse("", []byte(text))
	if err != nil {
		return err
	}
	name := p.Name
	if rules := out.Case.Verdict.Rules(); len(rules) > 0 {
		name += "-" + strings.ReplaceAll(strings.ToLower(rules[0]), ".", "-")
	}
	k := harness.KernelOf(h)
	f := &regress.Finding{Name: name, Program: p, Record: regress.Record{Class: out.Class, Why: firstLine(out.Case.Verdict.Reason),
		Seen: []regress.Sight{{Series: k.Series, Kernel: k.Version, Flavour: k.Flavour, Date: time.Now().UTC().Format(time.DateOnly), Shows: true}}}}
	if err := regress.Add(dir, f); err != nil {
		return fmt.Errorf("keep the finding in %s: %w", filepath.Clean(dir), err)
	}
	return nil
}
