// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/report"
)

type fingerprintCmd struct {
	kernelFlags
	guestFlags
	Write string `placeholder:"FILE.toml" help:"Write the proposed profile there, for ringproof test --profile."`
	JSON  bool   `help:"Print the result as JSON."`
}

func (c *fingerprintCmd) Run(ctx context.Context, s *streams) error {
	if c.Profile != "" {
		return &exit{exitUsage, fmt.Errorf("--profile %s: a fingerprint proposes one, and takes none", c.Profile)}
	}
	if c.Write != "" { // before minutes of building
		if st, err := os.Stat(filepath.Dir(c.Write)); err != nil || !st.IsDir() {
			return &exit{exitUsage, fmt.Errorf("--write %s: there is no directory %s", c.Write, filepath.Dir(c.Write))}
		}
	}
	p := newProgress(s.err)
	defer p.close()
	r, err := harness.Fingerprint(ctx, harness.FingerprintSpec{
		Kernel: c.kernel(), Guest: c.guests(), Progress: p.event,
		Case: func(c report.Case, done, total int) {
			p.event(harness.Progress{Stage: "run", Done: done, Total: total, Text: c.Name})
		},
	})
	p.close()
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", " ")
		err = enc.Encode(r)
	} else {
		err = r.WriteText(s.out)
	}
	if err == nil && c.Write != "" {
		err = os.WriteFile(c.Write, []byte(r.Profile()), 0o644)
	}
	switch {
	case err != nil:
		return &exit{exitInfra, fmt.Errorf("write the fingerprint: %w", err)}
	case len(r.Strange) > 0:
		return &exit{status: exitFailed}
	case len(r.Unknown()) > 0:
		return &exit{status: exitInconclusive}
	}
	return nil
}
