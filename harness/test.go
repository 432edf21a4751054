// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// TestSpec is a run: programs on one kernel.
type TestSpec struct {
	Kernel   images.Spec
	Guest    GuestSpec
	Programs []*cases.Program
	// Dir gets the console's log; the caller writes the report there.
	Dir     string
	Version string // of ringproof, for the report
	// Progress and Case may be nil. Case is called with each finished case, one at a time.
	Progress func(Progress)
	Case     func(c report.Case, done, total int)
}

// bootCase names the case that stands for the kernel's boot. It is in a run
// only if the boot failed, or if the kernel complained before any program ran:
// a checker that has complained once may look away from then on (lockdep
// does), so that what the programs show is less than it seems.
const bootCase = "boot"

// Test runs programs on a kernel. The run is nil if it never came to that;
// otherwise it holds all verdicts there are, and is marked partial if the
// error, ctx's for instance, ended it early. A kernel that does not come up is
// no error but a case of its own, with verdict CRASH or HANG.
func Test(ctx context.Context, spec TestSpec) (*report.Run, error) {
	started := time.Now()
	host, err := Open(ctx, spec.Kernel, spec.Guest, spec.Dir, spec.Progress)
	if err != nil {
		return nil, err
	}
	defer host.Close()

	run := &report.Run{
		Schema: report.Schema, Started: started, Command: os.Args,
		Tool:   report.Tool{Version: spec.Version, BuildID: host.config.BuildID},
		Kernel: describe(host.Kernel, host.Profile),
	}
	x := &explainer{ctx: ctx, spec: spec.Kernel, vmlinux: host.Kernel.Vmlinux, profile: host.Profile, notice: host.notice}
	defer x.close()
	finished := 0
	r := runner{
		spawn:   func(ctx context.Context) (guest, error) { return host.Guest(ctx) },
		profile: host.Profile,
		explain: x.explain,
		done: func(c report.Case) {
			finished++
			if spec.Case != nil {
				spec.Case(c, finished, len(spec.Programs))
			}
		},
		leaks: host.leaks,
		amended: func(c report.Case) {
			if spec.Case != nil {
				spec.Case(c, finished, len(spec.Programs))
			}
		},
		notice: host.notice,
	}
	run.Cases, err = r.run(ctx, spec.Programs, max(spec.Guest.Guests, 1))
	var boot *BootError
	if errors.As(err, &boot) {
		c := report.Case{Name: bootCase, Attempts: 1, Verdict: lost(boot.GuestError),
			Outcome: &cases.Outcome{End: cases.EndDied, Error: boot.Error(), Console: boot.Console}}
		x.explain(&c)
		run.Cases = append(run.Cases, c)
		r.done(c)
		err = nil
	} else if console := host.complaint(); console != nil {
		e := &vm.GuestError{Kind: vm.GuestFault, Detail: "the kernel complained while it came up", Console: console}
		c := report.Case{Name: bootCase, Attempts: 1, Verdict: lost(e), Outcome: &cases.Outcome{End: cases.EndDone, Console: console}}
		x.explain(&c)
		run.Cases = append([]report.Case{c}, run.Cases...)
		r.done(c)
	}
	run.Partial = err != nil
	run.Took = time.Since(started).Seconds()
	tally, notices := host.Tally()
	run.Guest = report.Guest{
		Accel: string(host.Accel), QEMU: host.QEMU.Version, CPUs: guestCPUs, MemMB: host.config.MemMB,
		Boots: tally.Boots, Restores: tally.Restores, BootSeconds: tally.Up, Info: tally.Info,
	}
	run.Notes = notices
	return run, err
}

func describe(k *images.Kernel, profile *cases.Profile) report.Kernel {
	p := k.Provenance
	version := p.Source.Package
	if version == "" {
		version = p.Source.Version
	}
	out := report.Kernel{
		Series: p.Series.Name, Profile: profile.Name, Flavour: p.Flavour, Source: p.Source.Spec,
		Version: version, Key: p.Key, Config: p.ConfigSHA256, Compiler: p.Toolchain,
	}
	for _, patch := range p.Series.Patches {
		out.Patches = append(out.Patches, report.Patch{Name: patch.Name, Subject: patch.Subject, SHA256: patch.SHA256})
	}
	return out
}

// lost is the verdict on a guest that was lost by the kernel's doing.
func lost(e *vm.GuestError) judge.Verdict {
	v := judge.Verdict{Status: judge.Crash, Reason: e.Error()}
	title, complained := crash.Title(e.Console)
	switch {
	case complained:
		v.Reason = title
	case e.Kind == vm.GuestSilent:
		v.Status = judge.Hang
	}
	v.Violations = []judge.Violation{{Rule: "I9", Text: e.Error()}}
	if complained {
		v.Violations[0].Text = "the kernel complained: " + title
	}
	if v.Status == judge.Hang {
		v.Violations[0].Rule = "G11"
	}
	return v
}
