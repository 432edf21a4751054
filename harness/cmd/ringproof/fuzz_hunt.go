// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/images"
)

// hunt is what --hunt does.
func (c *fuzzCmd) hunt(ctx context.Context, s *streams) error {
	only, err := compileFlag("--only", c.Only)
	if err != nil {
		return err
	}
	mutants, err := (&mutantsCmd{Mutate: c.Mutate}).load(c.Series)
	if err != nil {
		return err
	}
	chosen := func(m *images.Mutant) bool { return only.MatchString(m.Name) }
	if !slices.ContainsFunc(mutants, chosen) {
		return &exit{exitUsage, fmt.Errorf("series %s: no mutant's name matches --only %s", c.Series, c.Only)}
	}
	if _, _, err := harness.MutantsProfile(c.Profile, c.Series, mutants); err != nil {
		return err
	}
	dir, err := runDir(c.Out, "hunt-"+c.Series, c.Flavour)
	if err != nil {
		return &exit{exitInfra, err}
	}
	text := s.out
	if c.JSON {
		text = s.err
	}
	p := newProgress(s.err)
	defer p.close()
	h, err := harness.HuntMutants(ctx, harness.HuntSpec{
		Kernel: c.kernel(), Guest: c.guests(), Mutants: mutants, Chosen: chosen, Time: c.Time, Executions: c.Executions, Seed: c.Seed,
		Dir: dir, Version: version, Again: again("repro", c.kernel(), &guestFlags{Profile: c.Profile}), Progress: p.event,
		Result: func(r campaign.Hunted, done, total int) {
			fmt.Fprintf(p.w, "%-9s %s\n", fmt.Sprintf("%d/%d", done, total), r.Line())
			p.event(harness.Progress{Stage: "hunt", Done: done, Total: total, Text: r.Mutant})
		},
	})
	p.close()
	if h == nil {
		os.Remove(dir) // only if nothing was written
		return err
	}
	if werr := h.Write(dir); werr != nil {
		return &exit{exitInfra, errors.Join(err, werr)}
	}
	if c.JSON {
		if err := printJSON(s.out, h); err != nil {
			return err
		}
	}
	h.Print(text)
	fmt.Fprintln(text, filepath.Join(dir, campaign.HuntSummaryFile))
	if err == nil && (h.Count(campaign.NotFound) > 0 || h.Count(campaign.Otherwise) > 0) {
		return &exit{status: exitFailed}
	}
	return err
}
