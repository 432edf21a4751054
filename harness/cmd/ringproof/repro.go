// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/repro"
	"github.com/ringproof/ringproof/vm"
)

type reproCmd struct {
	targetFlags
	Tries int      `default:"5" placeholder:"N" help:"Try each form N times, each time in a fresh guest. Default: ${default}."`
	Also  []string `placeholder:"SERIES" help:"Try the forms on this series as well, such as none; several by repeating it or with commas."`
	Class string   `placeholder:"CLASS" help:"What has to show, as reports word it. Default: what the program shows first."`
	C     bool     `name:"c" help:"Only write the C program to standard output. If the program does not fail, one that prints its CQEs."`
	JSON  bool     `help:"Machine-readable, on standard output."`
	Files []string `arg:"" type:"path" help:"Programs (.ring), corpus entries, C programs that ringproof wrote, or findings' directories."`
}

// Help is printed by --help.
func (reproCmd) Help() string {
	return "A finding has three forms: the program, the same as an entry of a go fuzz corpus, and a C program that needs nothing but a kernel " +
		"and tells by its exit status. Each is run in the guest, and the report says how often it showed the finding. The C program is " +
		"compiled on this host (gcc -static -Wall -Werror) and runs in the guest only.\n\n" +
		"Exit status 1 if any form shows it on the series under test, 0 if none does, 4 if nothing can be said."
}

// Validate checks what the types cannot say.
func (c *reproCmd) Validate() error {
	switch {
	case c.Tries < 1:
		return fmt.Errorf("--tries %d: give 1 or more", c.Tries)
	case c.C && len(c.Files) > 1:
		return errors.New("--c writes one C program: give one file")
	case c.C && c.JSON:
		return errors.New("--c and --json both write to standard output: give one of them")
	}
	return nil
}

// formFiles are the forms of a finding that were given, and those that can be made of them.
type formFiles struct {
	path    string
	program *cases.Program
	entry   *cases.Program // the corpus entry's
	why     string         // why there is no entry
	source  []byte         // of the C program; nil is the one that is made of what the program shows
}

func (c *reproCmd) Run(ctx context.Context, s *streams) error {
	var all []*formFiles
	var bad []error
	for _, f := range c.Files {
		forms, err := readForms(f)
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", f, err))
			continue
		}
		all = append(all, forms)
	}
	if len(bad) > 0 {
		return &exit{exitUsage, errors.Join(bad...)}
	}
	for _, series := range c.Also { // before minutes of building
		if _, err := harness.LoadProfile("", series); err != nil {
			return err
		}
	}
	t, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer t.Close()
	if c.C {
		return c.writeC(ctx, s, t, all[0])
	}
	var results []*reproduction
	for _, f := range all {
		r, err := c.reproduce(ctx, s, t, f)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	if err := c.others(ctx, s, t, all, results); err != nil {
		return err
	}
	return c.report(s, results)
}

// readForms finds out what a file is by what it begins with, and makes the other forms of it.
func readForms(path string) (*formFiles, error) {
	f := &formFiles{path: path}
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		err = f.read(path)
	} else {
		err = f.readDir(path)
	}
	if err == nil && f.program == nil {
		if f.program = f.entry; f.program == nil {
			f.program, err = repro.Program(f.source)
		}
	}
	if err != nil {
		return nil, err
	}
	if f.entry == nil {
		data, err := fuzz.Encode(f.program)
		if err != nil {
			f.why = err.Error()
		} else {
			f.entry = fuzz.Decode(data)
		}
	}
	return f, nil
}

// maxForm bounds a file that is read.
const maxForm = 1 << 20

func (f *formFiles) read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxForm))
	if err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(text, []byte("go test fuzz v1")):
		data, err := fuzz.UnmarshalEntry(text)
		if err != nil {
			return err
		}
		f.entry = fuzz.Decode(data)
	case filepath.Ext(path) == ".c":
		f.source = text
	default:
		f.program, err = cases.Parse(path, text)
	}
	return err
}

// findingFiles are those of a finding's directory that hold its forms, the better ones first.
var findingFiles = []string{"minimised.ring", "program.ring", "repro.c", "corpus/*"}

// readDir reads the directory of a finding or of a failed case.
func (f *formFiles) readDir(dir string) error {
	for _, name := range findingFiles {
		paths, err := filepath.Glob(filepath.Join(dir, name))
		if err != nil || len(paths) == 0 || filepath.Ext(name) == ".ring" && f.program != nil {
			continue
		}
		if err := f.read(paths[0]); err != nil {
			return fmt.Errorf("%s: %w", paths[0], err)
		}
	}
	if f.program == nil && f.entry == nil && f.source == nil {
		return fmt.Errorf("the directory holds none of %s", strings.Join(findingFiles, ", "))
	}
	return nil
}

// reproduction is what came of one finding on all kernels.
type reproduction struct {
	File   string     `json:"file"`
	Class  string     `json:"class"` // "" if it did not show
	Why    string     `json:"why,omitempty"`
	On     []onKernel `json:"on"`
	forms  []*harness.Form
	absent []harness.Reproduced // forms that there are none of, and why
}

// onKernel is what the forms showed on one kernel.
type onKernel struct {
	Kernel string               `json:"kernel"`
	Forms  []harness.Reproduced `json:"forms"`
}

func (c *reproCmd) spec(t *target, class string) harness.ReproduceSpec {
	return harness.ReproduceSpec{
		Profile: t.Profile, Options: t.options, Class: class, Tries: c.Tries,
		Guest: func(ctx context.Context) (*vm.Guest, error) { return t.Guest(ctx) },
	}
}

// reproduce tries the forms of a finding on the kernel under test.
func (c *reproCmd) reproduce(ctx context.Context, s *streams, t *target, f *formFiles) (*reproduction, error) {
	r := &reproduction{File: f.path, Class: c.Class}
	on := onKernel{Kernel: t.what}
	try := func(form *harness.Form) (*harness.Reproduced, error) {
		fmt.Fprintf(s.err, "repro     %s: %s, %d tries on %s\n", f.path, form.Name, c.Tries, t.what)
		out, err := harness.Reproduce(ctx, c.spec(t, r.Class), form, t.Accel)
		if err != nil {
			return nil, err
		}
		r.forms = append(r.forms, form)
		on.Forms = append(on.Forms, *out)
		r.Class = out.Class
		return out, nil
	}
	first, err := try(&harness.Form{Name: "program", Program: f.program})
	if err != nil {
		return nil, err
	}
	if first.Case != nil {
		r.Why = first.Case.Verdict.Reason
	}
	absent := func(form, why string) { r.absent = append(r.absent, harness.Reproduced{Form: form, Why: why}) }
	if f.entry == nil {
		absent("corpus entry", f.why)
	} else if _, err := try(&harness.Form{Name: "corpus entry", Program: f.entry}); err != nil {
		return nil, err
	}
	source := f.source
	if source == nil {
		var bug *repro.Bug
		if bug, source, err = sourceOf(f.program, first, t.what); err != nil {
			absent("C program", err.Error())
		} else if !bug.Visible() {
			source = nil
			absent("C program", whyNoC(first))
		}
	}
	if source != nil {
		binary, err := harness.Executable(ctx, source)
		if err != nil {
			return nil, blameSource(f, err)
		}
		if _, err := try(&harness.Form{Name: "C program", Binary: binary}); err != nil {
			return nil, err
		}
	}
	on.Forms = append(on.Forms, r.absent...)
	r.On = append(r.On, on)
	return r, nil
}

// blameSource says who is to blame for a C program that does not compile.
func blameSource(f *formFiles, err error) error {
	var build *repro.BuildError
	if f.source != nil && errors.As(err, &build) {
		return &exit{exitUsage, fmt.Errorf("%s: %w", f.path, build)}
	}
	return err
}

func whyNoC(first *harness.Reproduced) string {
	if first.Case == nil {
		return "the program did not show what a C program could look for"
	}
	return "the CQEs do not show it, only the probes, the clock or the content of memory do"
}

// sourceOf writes a C program that shows what a program showed.
func sourceOf(p *cases.Program, shown *harness.Reproduced, on string) (*repro.Bug, []byte, error) {
	bug := &repro.Bug{On: on}
	if shown.Case != nil {
		bug = repro.BugOf(p, &shown.Case.Verdict, shown.Case.Outcome)
		bug.On = on
	}
	source, err := repro.C(p, bug)
	return bug, source, err
}

// writeC tries the program until it shows what the C program shall look for.
func (c *reproCmd) writeC(ctx context.Context, s *streams, t *target, f *formFiles) error {
	var shown *harness.Reproduced
	for range c.Tries {
		spec := c.spec(t, c.Class)
		spec.Tries = 1
		var err error
		if shown, err = harness.Reproduce(ctx, spec, &harness.Form{Name: "program", Program: f.program}, t.Accel); err != nil {
			return err
		}
		if shown.Case != nil {
			break
		}
	}
	bug, source, err := sourceOf(f.program, shown, t.what)
	if err != nil {
		return &exit{exitUsage, err}
	}
	s.out.Write(source)
	switch {
	case shown.Case == nil:
		fmt.Fprintf(s.err, "%s does not fail on %s in %d tries: the C program prints its CQEs\n", f.path, t.what, c.Tries)
		return nil
	case !bug.Visible():
		fmt.Fprintf(s.err, "%s: %s, but %s: the C program prints them\n", f.path, shown.Class, whyNoC(shown))
	}
	return &exit{status: exitFailed}
}

// others tries all forms on the other kernels: without the mistake that the
// first one made on demand, and on every other series.
func (c *reproCmd) others(ctx context.Context, s *streams, t *target, all []*formFiles, results []*reproduction) error {
	if t.options.Mutant != 0 {
		without := *t
		without.options.Mutant, without.what = 0, "the same kernel without the mistake"
		if err := c.on(ctx, s, &without, results); err != nil {
			return err
		}
	}
	for _, series := range c.Also {
		flags := c.targetFlags
		flags.Series, flags.Profile, flags.Mutate, flags.Patch = series, "", "", nil
		other, err := flags.open(ctx, s)
		if err != nil {
			return err
		}
		err = c.on(ctx, s, other, results)
		other.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *reproCmd) on(ctx context.Context, s *streams, t *target, results []*reproduction) error {
	for _, r := range results {
		on := onKernel{Kernel: t.what}
		for _, form := range r.forms {
			fmt.Fprintf(s.err, "repro     %s: %s, %d tries on %s\n", r.File, form.Name, c.Tries, t.what)
			out, err := harness.Reproduce(ctx, c.spec(t, r.Class), form, t.Accel)
			if err != nil {
				return err
			}
			on.Forms = append(on.Forms, *out)
		}
		r.On = append(r.On, on)
	}
	return nil
}

// report prints the results and returns the exit status.
func (c *reproCmd) report(s *streams, results []*reproduction) error {
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(results); err != nil {
			return &exit{exitInfra, err}
		}
	} else {
		for _, r := range results {
			r.print(s.out)
		}
	}
	shown, said := false, true
	for _, r := range results {
		tried := 0
		for i := range r.On[0].Forms {
			shown = shown || r.On[0].Forms[i].Shown > 0
			tried += r.On[0].Forms[i].Of
		}
		said = said && tried > 0
	}
	switch {
	case shown:
		return &exit{status: exitFailed}
	case !said:
		return &exit{status: exitInconclusive}
	}
	return nil
}

func (r *reproduction) print(w io.Writer) {
	what := r.Class
	switch {
	case what == "":
		what = "it does not fail"
	case r.Why != "":
		what += ": " + r.Why
	}
	fmt.Fprintf(w, "%s: %s\n", r.File, what)
	for _, on := range r.On {
		fmt.Fprintf(w, "  on %s\n", on.Kernel)
		table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		for i := range on.Forms {
			fmt.Fprintf(table, "    %s\t%s\n", on.Forms[i].Form, formText(&on.Forms[i]))
		}
		table.Flush()
	}
}

// formText says how often a form showed the finding, and what else there was.
func formText(f *harness.Reproduced) string {
	text := f.Score.String()
	if f.Of == 0 {
		text = "not tried"
	}
	for _, class := range slices.Sorted(maps.Keys(f.Others)) {
		text += fmt.Sprintf(", %d times %s", f.Others[class], class)
	}
	if f.Silent > 0 {
		text += fmt.Sprintf(", %d tries said nothing", f.Silent)
	}
	if f.Why != "" {
		text += ": " + f.Why
	}
	return text
}
