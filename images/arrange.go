// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"maps"
)

// Arrangement says how mutants of one series can be built.
type Arrangement struct {
	// Together can live in one image: Spec.Mutants.
	Together []*Mutant
	// Alone need an image of their own: Spec.Planted. Why says what stands in the way.
	Alone []SetAside
	// Refused are no mutants of this series: Why is an *ApplyError where the
	// change does not apply, else a *SpecError: it changes nothing, or the
	// same as another one.
	Refused []SetAside
}

// SetAside is a mutant and why it is where it is.
type SetAside struct {
	Mutant *Mutant
	Why    error
}

// Arrange tells which mutants of spec's series can be woven into one image and which
// need one of their own, keeping their order. Mutants of spec itself are not
// looked at. Nothing is built; the source is unpacked if it is not yet. An error
// is about spec, not about a mutant.
func (s *Store) Arrange(ctx context.Context, spec Spec, ms []*Mutant, progress Progress) (*Arrangement, error) {
	spec.Mutants, spec.Planted = nil, nil
	r, err := s.request(ctx, spec.withDefaults(), progress)
	if err != nil {
		return nil, err
	}
	root, held, err := s.sourceDir(ctx, r.source, progress)
	if err != nil {
		return nil, err
	}
	defer held.Unlock()
	base, _, err := r.changes(root)
	if err != nil {
		return nil, err
	}
	return arrange(root, base, len(r.series.Patches), r.AllowBuildFiles, ms), nil
}

func arrange(root string, base map[string]*change, patches int, allow bool, ms []*Mutant) *Arrangement {
	var out Arrangement
	var before []mutation
	for _, m := range ms {
		mu, err := mutate(root, base, m, patches+1, allow)
		if err == nil {
			err = mu.same(before)
		}
		if err != nil {
			out.Refused = append(out.Refused, SetAside{m, err})
			continue
		}
		before = append(before, mu)
		switch pairs, err := mu.pairs(&applier{root: root, files: base}); {
		case err != nil:
			out.Alone = append(out.Alone, SetAside{m, err})
		case len(pairs) == 0:
			out.Refused = append(out.Refused, SetAside{m, mu.refuse("it changes nothing but comments and layout")})
		default:
			out.Together = append(out.Together, m)
		}
	}
	return &out
}

// mutation is a mutant applied to the tree.
type mutation struct {
	*Mutant
	files map[string]*change // those that it changes
}

// mutate applies a mutant on top of base, which it leaves alone. by is the number
// under which the lines that it writes are known, see change.
func mutate(root string, base map[string]*change, m *Mutant, by int, allow bool) (mutation, error) {
	a := &applier{root: root, files: maps.Clone(base), allow: allow, patch: by}
	for _, f := range m.patch.files {
		if err := a.file(f); err != nil {
			err.Patch, err.Details = m.patch.Name, err.near
			return mutation{}, err
		}
	}
	mu := mutation{Mutant: m, files: map[string]*change{}}
	old := &applier{root: root, files: base}
	for p, c := range a.files {
		if base[p] == c {
			continue
		}
		was, err := old.get(p)
		if err != nil {
			return mutation{}, err
		}
		if c.deleted && was == nil || was != nil && c.equal(was) {
			continue
		}
		mu.files[p] = c
	}
	if len(mu.files) == 0 {
		return mu, mu.refuse("it changes nothing")
	}
	return mu, nil
}

// same refuses a mutation that makes of the tree what one of others does.
func (mu mutation) same(others []mutation) error {
	for _, o := range others {
		if maps.EqualFunc(mu.files, o.files, (*change).equal) {
			return mu.refuse("it is the same change as mutant %s", o.Name)
		}
	}
	return nil
}

func (mu mutation) refuse(format string, args ...any) error {
	return &SpecError{What: "mutant", Value: mu.Name, Err: fmt.Errorf(format, args...)}
}
