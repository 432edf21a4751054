// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/matrix"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

// MutantsSpec is a kill matrix to be made: deliberate mistakes in one series,
// and the programs that are to find them.
type MutantsSpec struct {
	// Kernel is the series with its source. Its flavour is that of mutants that name none.
	Kernel images.Spec
	Guest  GuestSpec
	// Mutants share kernels as far as they can. Chosen tells which of them are
	// tried; nil is all. The kernels are the same whichever are chosen.
	Mutants  []*images.Mutant
	Chosen   func(*images.Mutant) bool
	Programs []*cases.Program
	// All goes on after a mutant's first kill.
	All bool
	// Dir gets the consoles' log; the caller writes the matrix there.
	Dir     string
	Version string
	// Progress and Result may be nil. Result is called with each mutant that is done, one at a time.
	Progress func(Progress)
	Result   func(r matrix.Result, done, total int)
}

// Mutants makes a kill matrix. It is nil if it never came to that; otherwise it
// holds what there is. The error says of every mutant that could not be
// tested what stood in the way, and is nil if there was none; ctx's among others.
func Mutants(ctx context.Context, spec MutantsSpec) (*matrix.Matrix, error) {
	mm, err := meet(ctx, spec.Kernel, &spec.Guest, spec.Mutants, &spec.Chosen, spec.Progress)
	if err != nil {
		return nil, err
	}
	h := &hunt{MutantsSpec: spec, profile: mm.profile}
	for _, m := range spec.Mutants {
		if h.Chosen(m) {
			h.total++
		}
	}
	started := time.Now()
	h.matrix = &matrix.Matrix{
		Schema: matrix.Schema, Started: started, Command: os.Args, Tool: report.Tool{Version: spec.Version, BuildID: mm.id},
		Series: spec.Kernel.Series, Profile: mm.profile.Name, Guests: h.Guest.Guests, All: spec.All,
		Programs: []string{}, Results: []matrix.Result{},
	}
	for _, lot := range mm.lots {
		h.flavours = append(h.flavours, lot.Kernel.Flavour)
	}
	for _, lot := range mm.lots {
		if ctx.Err() == nil {
			h.lot(ctx, lot)
		}
	}
	h.matrix.Took = time.Since(started).Seconds()
	if ctx.Err() != nil {
		h.matrix.Partial = true
		h.errs = append(h.errs, context.Cause(ctx))
	}
	h.sort()
	return h.matrix, errors.Join(h.errs...)
}

// meeting is what mutants need before programs meet them.
type meeting struct {
	profile *cases.Profile
	lots    []Lot
	id      string // of this build
}

// meet prepares the mutants of a series, and completes guest and chosen. Nothing is built.
func meet(ctx context.Context, kernel images.Spec, guest *GuestSpec, ms []*images.Mutant, chosen *func(*images.Mutant) bool, progress func(Progress)) (*meeting, error) {
	name, profile, err := MutantsProfile(guest.Profile, kernel.Series, ms)
	if err != nil {
		return nil, err
	}
	lots, err := Arrange(ctx, kernel, ms, progress)
	if err != nil {
		return nil, err
	}
	id, err := BuildID()
	if err != nil {
		return nil, err
	}
	guest.Profile, guest.Guests = name, max(guest.Guests, 1)
	if *chosen == nil {
		*chosen = func(*images.Mutant) bool { return true }
	}
	return &meeting{profile, lots, id}, nil
}

// MutantsProfile returns the semantics to judge a series and its mutants by, and
// the name to load them by: those asked for, else those of the series, else those that
// all the mutants name.
func MutantsProfile(name, series string, ms []*images.Mutant) (string, *cases.Profile, error) {
	p, err := LoadProfile(name, series)
	if name != "" || err == nil && p.Name == "none" {
		return name, p, err
	}
	if err != nil {
		var named []string
		for _, m := range ms {
			if m.Profile != "" && !slices.Contains(named, m.Profile) {
				named = append(named, m.Profile)
			}
		}
		if len(named) != 1 {
			return "", nil, err
		}
		name = named[0]
		if p, err = LoadProfile(name, series); err != nil {
			return "", nil, fmt.Errorf("a mutant's header: %w", err)
		}
	}
	for _, m := range ms {
		if m.Profile != "" && m.Profile != p.Name {
			return "", nil, &UsageError{fmt.Errorf("mutant %s is of profile %s, series %s is judged by %s: "+
				"leave the mutant out, or say with --profile by which to judge all", m.Name, m.Profile, series, p.Name)}
		}
	}
	return name, p, nil
}

// Lot is mutants that are tried on kernels of one flavour.
type Lot struct {
	Kernel images.Spec // without mutants
	*images.Arrangement
}

// Arrange finds out which mutants can share a kernel, by flavour, kernel's own
// first. Nothing is built. progress may be nil.
func Arrange(ctx context.Context, kernel images.Spec, ms []*images.Mutant, progress func(Progress)) ([]Lot, error) {
	store, err := images.Open("")
	if err != nil {
		return nil, err
	}
	flavours := []string{kernel.Flavour}
	byFlavour := map[string][]*images.Mutant{}
	for _, m := range ms {
		f := m.Flavour
		if f == "" {
			f = kernel.Flavour
		}
		if !slices.Contains(flavours, f) {
			flavours = append(flavours, f)
		}
		byFlavour[f] = append(byFlavour[f], m)
	}
	var lots []Lot
	for _, f := range flavours {
		if byFlavour[f] == nil {
			continue
		}
		spec := kernel
		spec.Flavour = f
		a, err := store.Arrange(ctx, spec, byFlavour[f], FromImages(progress))
		if err != nil {
			return nil, err
		}
		lots = append(lots, Lot{spec, a})
	}
	return lots, nil
}

// hunt is a matrix in the making.
type hunt struct {
	MutantsSpec
	profile    *cases.Profile
	total      int
	flavours   []string    // of all kernels
	baseline   *baseline   // of the first kernel that came up
	candidates []candidate // by it

	mu     sync.Mutex // guards what follows
	matrix *matrix.Matrix
	errs   []error
}

// lot tries the mutants of one flavour: those that share a kernel side by
// side in its guests, then each that needs a kernel of its own.
func (h *hunt) lot(ctx context.Context, lot Lot) {
	for _, r := range lot.Refused {
		h.notTested(r.Mutant, lot.Kernel.Flavour, r.Why)
	}
	pick := func(ms []*images.Mutant) []*images.Mutant {
		return slices.DeleteFunc(slices.Clone(ms), func(m *images.Mutant) bool { return !h.Chosen(m) })
	}
	together := pick(lot.Together)
	var alone []*images.Mutant
	for _, a := range lot.Alone {
		alone = append(alone, a.Mutant)
	}
	alone = pick(alone)
	if len(together)+len(alone) == 0 {
		return
	}
	spec := lot.Kernel
	if len(together) > 0 {
		spec.Mutants = lot.Together
	}
	host, err := h.open(ctx, spec)
	if err == nil {
		defer host.Close()
		err = h.measure(ctx, host)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		for _, m := range append(together, alone...) {
			h.notTested(m, lot.Kernel.Flavour, err)
		}
		return
	}
	u := &unfit{flavour: lot.Kernel.Flavour}
	if h.baseline.flavour == u.flavour {
		u.list = slices.Clone(h.baseline.unfit)
	}
	defer func() { h.matrix.Unfit = append(h.matrix.Unfit, u.list...) }()

	var trials []*trial
	for _, m := range together {
		n, err := numberOf(m, host.Kernel.Provenance)
		if err != nil {
			h.notTested(m, lot.Kernel.Flavour, err)
			continue
		}
		trials = append(trials, h.trial(m, host, n, host, u))
	}
	h.runTrials(ctx, trials, h.Guest.Guests)
	for _, m := range alone {
		if ctx.Err() != nil {
			return
		}
		h.alone(ctx, lot.Kernel, m, host, u)
	}
}

// numberOf returns the number by which an image knows a mutant. With a wrong one
// another would be tried, or the series itself.
func numberOf(m *images.Mutant, p images.Provenance) (int, error) {
	for _, known := range p.Mutants {
		if known.Name == m.Name && known.SHA256 == m.SHA256 && known.Number > 0 {
			return known.Number, nil
		}
	}
	return 0, &images.InfraError{Op: "find mutant " + m.Name + " in kernel " + p.Key, Err: errors.New("it is not woven into it"),
		Advice: "Remove the image (ringproof cache prune) and run again"}
}

// alone tries a mutant on a kernel of its own; without is a host of one that does not make the mistake.
func (h *hunt) alone(ctx context.Context, spec images.Spec, m *images.Mutant, without *Host, u *unfit) {
	spec.Planted = m
	with, err := h.open(ctx, spec)
	if err == nil {
		defer with.Close()
	}
	switch {
	case ctx.Err() != nil:
		return
	case isA[*images.BuildError](err):
		err = &UsageError{fmt.Errorf("mutant %s does not build: %v", m.Name, err)} // not the series' fault
		fallthrough
	case err != nil:
		h.notTested(m, spec.Flavour, err)
		return
	}
	t := h.trial(m, with, 0, without, u)
	t.result.Alone = true
	h.runTrials(ctx, []*trial{t}, 1)
}

// open opens a host and notes its kernel.
func (h *hunt) open(ctx context.Context, spec images.Spec) (*Host, error) {
	host, err := Open(ctx, spec, h.Guest, h.Dir, h.Progress)
	if err != nil {
		return nil, err
	}
	k := matrix.Kernel{Kernel: describe(host.Kernel, host.Profile), Mutants: []string{}}
	for _, m := range host.Kernel.Provenance.Mutants {
		k.Mutants = append(k.Mutants, m.Name)
	}
	if spec.Planted != nil {
		k.Mutants = append(k.Mutants, spec.Planted.Name)
	}
	h.matrix.Kernels = append(h.matrix.Kernels, k)
	h.matrix.Accel = string(host.Accel)
	return host, nil
}

// trial prepares the meeting of a mutant with the programs.
func (h *hunt) trial(m *images.Mutant, with *Host, number int, without *Host, u *unfit) *trial {
	spawner := func(host *Host) func(context.Context) (guest, error) {
		return func(ctx context.Context) (guest, error) { return host.Guest(ctx) }
	}
	t := &trial{
		mutant: m, all: h.All, unfit: u,
		with:    stand{spawn: spawner(with), profile: h.profile, mutant: number},
		without: stand{spawn: spawner(without), profile: h.profile},
	}
	fit := slices.DeleteFunc(slices.Clone(h.candidates), func(c candidate) bool { return !h.baseline.fit(c.program, u.flavour) })
	sorted, promised := order(fit, m.Rules)
	for _, c := range sorted {
		t.shots = append(t.shots, shot{c.program, h.baseline.options(c.program, with.Accel)})
	}
	t.result = newResult(m, u.flavour)
	t.result.Promised = promised
	return t
}

func newResult(m *images.Mutant, flavour string) matrix.Result {
	r := matrix.Result{Mutant: m.Name, What: m.What, Rules: m.Rules, Flavour: flavour, Equivalent: m.Equivalent}
	for _, c := range m.Crash {
		r.Crash = append(r.Crash, c.String())
	}
	return r
}

// runTrials runs trials on the given number of guests.
func (h *hunt) runTrials(ctx context.Context, trials []*trial, guests int) {
	next := make(chan *trial)
	var wg sync.WaitGroup
	for range min(guests, len(trials)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for t := range next {
				err := t.run(ctx)
				if ctx.Err() != nil && t.result.Status == matrix.NotTested {
					continue // interrupted: nothing can be said
				}
				if err == nil && t.result.Status == matrix.NotTested {
					err = errors.New(t.result.Why)
				}
				h.report(t.result, err)
			}
		}()
	}
	for _, t := range trials {
		if ctx.Err() != nil {
			break
		}
		next <- t
	}
	close(next)
	wg.Wait()
}

// notTested enters a mutant that no program met.
func (h *hunt) notTested(m *images.Mutant, flavour string, why error) {
	if !h.Chosen(m) {
		return
	}
	r := newResult(m, flavour)
	r.Status, r.Why = matrix.NotTested, why.Error()
	h.report(r, why)
}

// report enters a mutant that is done with.
func (h *hunt) report(r matrix.Result, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.matrix.Results = append(h.matrix.Results, r)
	if err != nil {
		h.errs = append(h.errs, fmt.Errorf("mutant %s: %w", r.Mutant, err))
	}
	if h.Result != nil {
		h.Result(r, len(h.matrix.Results), h.total)
	}
}

// sort brings the results into the order of the mutants.
func (h *hunt) sort() {
	place := map[string]int{}
	for i, m := range h.Mutants {
		place[m.Name] = i
	}
	slices.SortStableFunc(h.matrix.Results, func(a, b matrix.Result) int { return place[a.Mutant] - place[b.Mutant] })
}
