// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// nops is a program of one submission of n NOPs.
func nops(n int) *cases.Program {
	return &cases.Program{Name: "nops", Rings: []cases.Ring{{Name: "r", Entries: 8}}, Steps: []cases.Step{
		{Kind: cases.StepSubmit, SQEs: make([]cases.SQE, n)}, {Kind: cases.StepWait, N: n}}}
}

// TestRealAgent runs programs through the real agent, which agentEnv names.
func TestRealAgent(t *testing.T) {
	cfg := needVM(t)
	cfg.Executable = os.Getenv(agentEnv)
	if cfg.Executable == "" {
		t.Skipf("needs the real agent: set %s to a static ringproof binary", agentEnv)
	}
	profile, err := cases.LoadProfile("none")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.BuildID, err = HashFile(cfg.Executable); err != nil {
		t.Fatal(err)
	}
	cfg.InitramfsBuild = cfg.BuildID
	cfg.Settings.Profile = *profile
	cfg.Initramfs = filepath.Join(t.TempDir(), "initramfs")
	if err := writeInitramfs(cfg.Initramfs, cfg.Executable); err != nil {
		t.Fatal(err)
	}
	cfg.SnapshotDir = t.TempDir()
	console, err := os.Create(filepath.Join(t.TempDir(), "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	cfg.ConsoleLog = console
	for range 2 {
		began := time.Now()
		g, o, err := StartGuest(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		out, err := g.Run(t.Context(), nops(3), RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v, first answer after %v in all; agent: probes %d, missing %q, boot %v, ready %v", o, time.Since(began),
			len(g.Info().Probes), g.Info().Missing, g.Info().Boot, g.Info().Ready)
		if out.End != cases.EndDone || len(out.CQEs) != 3 {
			t.Errorf("outcome %+v", out)
		}
		issued := 0
		for _, e := range out.Events {
			if e.Kind == cases.EvIssue && e.Op == uint8(uring.OpNop) {
				issued++
			}
		}
		if issued != 3 || out.Evidence.Lost != 0 {
			t.Errorf("%d of 3 requests seen issued, evidence %+v, events %+v", issued, out.Evidence, out.Events)
		}
		const programs = 1000
		began = time.Now()
		var wg sync.WaitGroup
		for range DefaultWindow {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range programs / DefaultWindow {
					if _, err := g.Run(t.Context(), nops(3), RunOptions{}); err != nil {
						t.Error(err)
						return
					}
				}
			}()
		}
		wg.Wait()
		took := time.Since(began)
		t.Logf("%d programs in %v: %.0f a second", programs, took, programs/took.Seconds())
		g.Close()
	}
}
