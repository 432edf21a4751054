// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

// OpenMutated is [Open] for a kernel that makes the mistake of one mutant, whose
// number it returns for vm.RunOptions.Mutant. others are those that it shares
// an image with where it can, itself among them: with all of a series the image is the one of
// [Mutants]. A mutant that cannot share one gets its own, and number 0.
func OpenMutated(ctx context.Context, k images.Spec, m *images.Mutant, others []*images.Mutant, g GuestSpec, progress func(Progress)) (h *Host, number int, err error) {
	if g.Profile, _, err = MutantsProfile(g.Profile, k.Series, []*images.Mutant{m}); err != nil {
		return nil, 0, err
	}
	lots, err := Arrange(ctx, k, others, progress)
	if err != nil {
		return nil, 0, err
	}
	is := func(o *images.Mutant) bool { return o.Name == m.Name && o.SHA256 == m.SHA256 }
	for _, lot := range lots {
		spec := lot.Kernel
		if i := slices.IndexFunc(lot.Refused, func(a images.SetAside) bool { return is(a.Mutant) }); i >= 0 {
			return nil, 0, lot.Refused[i].Why
		}
		switch {
		case slices.ContainsFunc(lot.Together, is):
			spec.Mutants = lot.Together
		case slices.ContainsFunc(lot.Alone, func(a images.SetAside) bool { return is(a.Mutant) }):
			spec.Planted = m
		default:
			continue
		}
		if h, err = Open(ctx, spec, g, "", progress); err != nil {
			return nil, 0, err
		}
		if spec.Planted != nil {
			return h, 0, nil
		}
		if number, err = numberOf(m, h.Kernel.Provenance); err != nil {
			h.Close()
			return nil, 0, err
		}
		return h, number, nil
	}
	return nil, 0, &images.InfraError{Op: "find a kernel for mutant " + m.Name, Err: errors.New("nobody has arranged one")}
}

// KernelOf is what a report says of the kernel that a host's guests run.
func KernelOf(h *Host) report.Kernel { return describe(h.Kernel, h.Profile) }

// Describe says in a few words what a host's guests run.
func (h *Host) Describe() string {
	k := describe(h.Kernel, h.Profile)
	return fmt.Sprintf("Linux %s, series %s, flavour %s", k.Version, k.Series, k.Flavour)
}
