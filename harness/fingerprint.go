// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/fingerprint"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// FingerprintSpec is a kernel to take the fingerprint of. Guest.Profile means nothing.
type FingerprintSpec struct {
	Kernel   images.Spec
	Guest    GuestSpec
	Progress func(Progress)                       // may be nil
	Case     func(c report.Case, done, total int) // likewise; the verdicts mean nothing
}

// The two of the programs in cases/fingerprint that are not about knobs.
const (
	groupsProgram = "groups"
	fieldsProgram = "fields"
)

// Fingerprint runs the programs of cases/fingerprint and finds out which
// profile the kernel shows. A kernel that does not come up is an error, one that
// crashes in a program is a result with gaps.
func Fingerprint(ctx context.Context, spec FingerprintSpec) (*fingerprint.Result, error) {
	programs, err := cases.Fingerprint()
	if err != nil {
		return nil, err
	}
	unknown := &cases.Profile{Name: "fingerprint", Groups: true, Semantics: fingerprint.Variant(0).Semantics()}
	host, err := openFor(ctx, spec.Kernel, spec.Guest, unknown, "", spec.Progress)
	if err != nil {
		return nil, err
	}
	defer host.Close()
	types, err := fingerprint.ReadTypes(host.Kernel.Vmlinux)
	if err != nil {
		return nil, &images.InfraError{Op: "take a fingerprint", Err: err}
	}
	host.config.Settings.Profile.Kernel = types.Guess()
	f := finger{host: host, spec: &spec, types: types, programs: map[string]*cases.Program{}, seen: map[string]*report.Case{}}
	if err := f.runAll(ctx, programs); err != nil {
		return nil, err
	}
	return f.result(ctx, programs)
}

type finger struct {
	host     *Host
	spec     *FingerprintSpec
	types    *fingerprint.Types
	programs map[string]*cases.Program
	seen     map[string]*report.Case
	probes   []string // of the guests that ran the programs
	lacks    func([]cases.Need) string
	release  string
	features uint32
}

func (f *finger) runAll(ctx context.Context, programs []*cases.Program) error {
	done := 0
	r := runner{
		spawn:   func(ctx context.Context) (guest, error) { return f.host.Guest(ctx) },
		profile: f.host.Profile,
		done: func(c report.Case) {
			if done++; f.spec.Case != nil {
				f.spec.Case(c, done, len(programs))
			}
		},
		notice: f.host.notice,
	}
	all, err := r.run(ctx, programs, 1)
	if err != nil {
		return err
	}
	for i := range all {
		f.seen[all[i].Name], f.programs[all[i].Name] = &all[i], all[i].Program
	}
	tally, _ := f.host.Tally()
	if tally.Info == nil { // every program has ended in the same way
		return &vm.InfraError{Op: "take a fingerprint", Err: errors.New(all[0].Verdict.Reason)}
	}
	f.probes, f.lacks = tally.Info.Probes, tally.Info.Unmet
	f.release, f.features = tally.Info.Release, tally.Info.Features
	return nil
}

func (f *finger) result(ctx context.Context, programs []*cases.Program) (*fingerprint.Result, error) {
	p := &f.host.Kernel.Provenance
	r := &fingerprint.Result{
		Name:   profileName(p.Series.Name),
		Kernel: fmt.Sprintf("series %s, flavour %s, Linux %s", p.Series.Name, p.Flavour, f.release),
	}
	r.Groups = fingerprint.HasGroups(f.programs[groupsProgram], f.seen[groupsProgram].Outcome, f.probes)
	if !r.HasGroups() {
		return r, nil
	}
	r.Feature = []fingerprint.Answer{fingerprint.FeatureBit(f.release, f.features)}
	var all []fingerprint.Observation
	for _, p := range programs {
		if p.Name != groupsProgram && p.Name != fieldsProgram {
			all = append(all, f.observe(p))
		}
	}
	d := fingerprint.Decide(all)
	r.Semantics, r.Strange = d.Answers, d.Strange
	var err error
	r.Fields, err = f.fields(ctx, d.Semantics)
	return r, err
}

func (f *finger) observe(p *cases.Program) fingerprint.Observation {
	c := f.seen[p.Name]
	if c.Outcome == nil || c.Verdict.Status == judge.Crash || c.Verdict.Status == judge.Hang {
		return fingerprint.Observation{Program: p.Name, Problem: fmt.Sprintf("%s: %s", c.Verdict.Status, c.Verdict.Reason)}
	}
	return fingerprint.Observe(p, c.Outcome, f.lacks(p.Needs), f.probes)
}

// fields finds the names by which the probes know a group.
func (f *finger) fields(ctx context.Context, s cases.Semantics) ([]fingerprint.Answer, error) {
	search := fingerprint.Search{Types: f.types, Semantics: s, Program: f.programs[fieldsProgram], Run: f.look}
	search.GroupFlag, search.LeaderFlag = fingerprint.FlagNames(f.types, search.Program, f.seen[fieldsProgram].Outcome)
	return search.Fields(ctx)
}

// look runs the program about fields in a guest of its own, whose probes know
// these names, unless it ran under them before.
func (f *finger) look(ctx context.Context, names cases.Kernel) (*cases.Outcome, []string, error) {
	if names == f.host.config.Settings.Profile.Kernel {
		return f.seen[fieldsProgram].Outcome, f.probes, nil
	}
	if f.spec.Progress != nil {
		f.spec.Progress(Progress{Stage: "fields", Text: strings.TrimSpace("reading io_kiocb." + names.LeaderField + " " + names.RefsField)})
	}
	cfg := f.host.config
	cfg.Settings.Profile.Kernel = names
	g, err := f.host.start(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	defer g.Close()
	o, err := g.Run(ctx, f.programs[fieldsProgram], vm.RunOptions{})
	return o, g.Info().Probes, err
}

// profileName makes a profile's name of a series' name or path.
func profileName(series string) string {
	base := filepath.Base(series)
	return strings.TrimSuffix(base, filepath.Ext(base))
}
