// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/reach"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// TestSpec is a run: programs on one kernel.
type TestSpec struct {
	Kernel   images.Spec
	Guest    GuestSpec
	Programs []*cases.Program
	// Noise is the seed of the schedule noise; 0 is none. Repeat is how often each
	// program runs, the n-th time under Noise+n-1; less than 1 is 1.
	Noise  uint64
	Repeat int
	// Confirm is how often a failure is tried again in a fresh guest; 0 is never.
	Confirm int
	// Dir gets the console's log; the caller writes the report there.
	Dir     string
	Version string // of ringproof, for the report
	// Again is for the report: see [report.Run].
	Again []string
	// Progress and Case may be nil. Case is called with each finished case, one
	// at a time, and again when more is known of it: it was worse than it seemed, or was tried again.
	Progress func(Progress)
	Case     func(c report.Case, done, total int)
	// Reached, if not nil, has coverage collected, and is called with what the
	// programs reached of the kernel once all have run, or as many as ran.
	Reached func(*reach.Map, *reach.Report) error
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
	spec.Guest.Noise = spec.Guest.Noise || spec.Noise != 0
	host, err := Open(ctx, spec.Kernel, spec.Guest, spec.Dir, spec.Progress)
	if err != nil {
		return nil, err
	}
	defer host.Close()
	x := newExplainer(ctx, host, spec.Kernel)
	defer x.close()
	return host.test(ctx, spec, x, started)
}

// test runs programs on the host's kernel, as [Test] does.
func (host *Host) test(ctx context.Context, spec TestSpec, x *explainer, started time.Time) (*report.Run, error) {
	run := &report.Run{
		Schema: report.Schema, Started: started, Command: os.Args, Again: spec.Again,
		Tool:   report.Tool{Version: spec.Version, BuildID: host.config.BuildID},
		Kernel: describe(host.Kernel, host.Profile),
	}
	finished := 0
	r := runner{
		spawn:   func(ctx context.Context) (guest, error) { return host.Guest(ctx) },
		profile: host.Profile,
		options: vm.RunOptions{Noise: spec.Noise, Coverage: spec.Reached != nil},
		repeat:  spec.Repeat, confirm: spec.Confirm,
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
	var c collector
	if spec.Reached != nil {
		r.reached = c.add
	}
	var err error
	run.Cases, err = r.run(ctx, spec.Programs, max(spec.Guest.Guests, 1))
	var boot *BootError
	if errors.As(err, &boot) {
		c := report.Case{Name: bootCase, Verdict: lost(boot.GuestError),
			Outcome: &cases.Outcome{End: cases.EndDied, Error: boot.Error(), Console: boot.Console}}
		x.explain(&c)
		c.Tries = []report.Try{report.NewTry(&c, host.Profile)}
		run.Cases = append(run.Cases, c)
		r.done(c)
		err = nil
	} else if console := host.complaint(); console != nil {
		e := &vm.GuestError{Kind: vm.GuestFault, Detail: "the kernel complained while it came up", Console: console}
		c := report.Case{Name: bootCase, Verdict: lost(e), Outcome: &cases.Outcome{End: cases.EndDone, Console: console}}
		x.explain(&c)
		c.Tries = []report.Try{report.NewTry(&c, host.Profile)}
		run.Cases = append([]report.Case{c}, run.Cases...)
		r.done(c)
	}
	run.Partial = err != nil
	if spec.Reached != nil {
		if err := c.report(ctx, host, &spec); err != nil {
			host.notice(fmt.Sprintf("what was reached cannot be told: %v", err))
		}
	}
	run.Took = time.Since(started).Seconds()
	tally, notices := host.Tally()
	run.Guest = report.Guest{
		Accel: string(host.Accel), QEMU: host.QEMU.Version, CPUs: guestCPUs, MemMB: host.config.MemMB,
		Boots: tally.Boots, Restores: tally.Restores, BootSeconds: tally.Up, Info: tally.Info,
	}
	run.Notes = notices
	if text := spec.repeats(); text != "" {
		run.Notes = append(run.Notes, text)
	}
	return run, err
}

// repeats says how often each program ran and under which noise, "" for once and none.
func (spec *TestSpec) repeats() string {
	n := max(spec.Repeat, 1)
	switch last := noiseOf(spec.Noise, n-1); {
	case spec.Noise == 0 && n == 1:
		return ""
	case spec.Noise == 0:
		return fmt.Sprintf("each program ran %d times", n)
	case n == 1:
		return fmt.Sprintf("each program ran under schedule noise %d", last)
	default:
		return fmt.Sprintf("each program ran %d times, under schedule noise %d to %d", n, spec.Noise, last)
	}
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
		Origin: report.Origin(p.Series.Origin),
	}
	for _, patch := range p.Series.Patches {
		out.Patches = append(out.Patches, report.Patch{
			Name: patch.Name, Subject: patch.Subject, SHA256: patch.SHA256, Number: patch.Number, Total: patch.Total,
			Author: patch.Author, Date: patch.Date, MessageID: patch.MessageID,
		})
	}
	for _, in := range p.Instruments {
		out.Instruments = append(out.Instruments, report.Instrument(in))
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
