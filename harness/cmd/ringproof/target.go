// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// targetFlags say on which kernel a finding is looked at, and how.
type targetFlags struct {
	kernelFlags
	guestFlags
	Noise  uint64 `placeholder:"SEED" help:"Run under the schedule noise of this seed, a number from 1 on. Default: none."`
	Mutate string `placeholder:"FILE|NAME" help:"Have the kernel make this mistake: a mutant that comes with the series, by name, or a patch."`
}

// target is the kernel of a finding.
type target struct {
	*harness.Host
	options vm.RunOptions
	what    string // for people
}

// open builds or finds the kernel.
func (f *targetFlags) open(ctx context.Context, s *streams) (*target, error) {
	p := newProgress(s.err)
	defer p.close()
	g := f.guests()
	g.Noise = f.Noise != 0
	t := &target{options: vm.RunOptions{Noise: f.Noise}}
	if f.Mutate == "" {
		h, err := harness.Open(ctx, f.kernel(), g, "", p.event)
		if err != nil {
			return nil, err
		}
		t.Host, t.what = h, h.Describe()
		return t, nil
	}
	m, all, err := f.mutant()
	if err != nil {
		return nil, err
	}
	if t.Host, t.options.Mutant, err = harness.OpenMutated(ctx, f.kernel(), m, all, g, p.event); err != nil {
		return nil, err
	}
	t.what = t.Describe() + ", mutant " + m.Name
	return t, nil
}

// mutant is the one that --mutate names, and those that it shares an image with.
func (f *targetFlags) mutant() (*images.Mutant, []*images.Mutant, error) {
	if slices.Contains(images.BuiltinSeries(), f.Series) {
		all, err := images.LoadMutants(f.Series)
		if err != nil {
			return nil, nil, err
		}
		if i := slices.IndexFunc(all, func(m *images.Mutant) bool { return m.Name == f.Mutate }); i >= 0 {
			return all[i], all, nil
		}
	}
	if _, err := os.Stat(f.Mutate); err != nil {
		return nil, nil, &exit{exitUsage, fmt.Errorf("--mutate %s: series %s comes with no mutant of this name (ringproof mutants --check lists them), and there is no such file", f.Mutate, f.Series)}
	}
	m, err := images.LoadMutant(f.Mutate)
	if err != nil {
		return nil, nil, err
	}
	return m, []*images.Mutant{m}, nil
}

// readProgram reads a program in its text form.
func readProgram(file string) (*cases.Program, error) {
	text, err := os.ReadFile(file)
	if err == nil {
		var p *cases.Program
		if p, err = cases.Parse(file, text); err == nil {
			return p, nil
		}
	}
	return nil, &exit{exitUsage, err}
}

// saidNothing turns a run that said nothing of the kernel into an exit status.
func saidNothing(err error) error {
	var silent *harness.SilentError
	if errors.As(err, &silent) && silent.Inconclusive() {
		return &exit{exitInconclusive, err}
	}
	return err
}
