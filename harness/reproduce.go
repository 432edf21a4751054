// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/harness/repro"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// Form is one way in which a finding is written down: a program, whatever file
// it was read from, or an executable that tells by its exit status.
type Form struct {
	Name    string // for people: "program", "corpus entry", "C program"
	Program *cases.Program
	Binary  []byte
}

// ReproduceSpec asks how often forms of a finding show it on one kernel.
type ReproduceSpec struct {
	Profile *cases.Profile
	// Guest brings up a guest of the kernel; each try has a fresh one.
	Guest func(ctx context.Context) (*vm.Guest, error)
	// Options are those of each program, its Mutant also that of an executable.
	Options vm.RunOptions
	// Class is what has to show, see [report.Classify]; "" is what the first
	// program that fails shows first, and without one whatever an executable says.
	Class string
	Tries int // of each form; less than 1 is 1
}

// Reproduced says how often a form showed a finding.
type Reproduced struct {
	Form  string `json:"form"`
	Class string `json:"class,omitempty"` // what was looked for
	Score
	// Others counts what else failed, by class; Silent the tries that said nothing of the kernel.
	Others map[string]int `json:"others,omitempty"`
	Silent int            `json:"silent,omitempty"`
	// Why says in a line why tries said nothing, or the form could not be tried; "" for no reason.
	Why string `json:"why,omitempty"`
	// Case is the first try of a program that showed it; nil where none did.
	Case *report.Case `json:"-"`
}

// patienceOfC is how long an executable's program may take, and then once more to go when it
// is killed, in time of a machine as fast as real hardware. execBound bounds all of it.
const (
	patienceOfC = vm.DefaultDeadline
	execBound   = 3 * patienceOfC
)

// reproducer tries the forms of a finding.
type reproducer struct {
	ReproduceSpec
	spawn func(context.Context) (guest, error)
	exec  func(ctx context.Context, g guest, binary []byte, o vm.ExecOptions) (*vm.Executed, error)
	scale float64
}

// Reproduce tries a form of a finding. The error is ctx's, or says that no guest could be had.
func Reproduce(ctx context.Context, spec ReproduceSpec, f *Form, accel vm.Accel) (*Reproduced, error) {
	r := &reproducer{ReproduceSpec: spec, scale: vm.NewTimeouts(accel, 1).Scale,
		spawn: func(ctx context.Context) (guest, error) { return spec.Guest(ctx) },
		exec: func(ctx context.Context, g guest, binary []byte, o vm.ExecOptions) (*vm.Executed, error) {
			return g.(*vm.Guest).Exec(ctx, binary, o)
		}}
	return r.form(ctx, f)
}

func (r *reproducer) form(ctx context.Context, f *Form) (*Reproduced, error) {
	out := &Reproduced{Form: f.Name, Class: r.Class, Others: map[string]int{}}
	for range max(r.Tries, 1) {
		class, err := r.try(ctx, f, out)
		if err != nil {
			return out, err
		}
		switch {
		case class == silent:
			out.Silent++
			continue
		case class == impossible:
			return out, nil
		case class == "":
		case out.Class == "" || class == out.Class:
			out.Class = class
			out.Shown++
		default:
			out.Others[class]++
		}
		out.Of++
	}
	return out, nil
}

// What a try says instead of a class.
const (
	silent     = "?" // nothing of the kernel
	impossible = "-" // that it cannot be tried on this kernel
)

// try tries a form once and returns the class of what failed, "" for nothing.
func (r *reproducer) try(ctx context.Context, f *Form, out *Reproduced) (string, error) {
	if f.Program == nil {
		return r.execute(ctx, f.Binary, out)
	}
	s := stand{spawn: r.spawn, profile: r.Profile, mutant: r.Options.Mutant}
	h, err := s.alone(ctx, shot{program: f.Program, options: r.Options}, true)
	if err != nil {
		return "", err
	}
	switch {
	case h.verdict.Status == judge.Skip:
		out.Why = h.verdict.Reason
		return impossible, nil
	case unjudged(h.verdict.Status):
		out.Why = fmt.Sprintf("%s: %s", h.verdict.Status, h.verdict.Reason)
		return silent, nil
	}
	c := h.asCase()
	class := report.Classify(c, r.Profile)
	if class != "" && out.Case == nil && (out.Class == "" || class == out.Class) {
		out.Case = c
	}
	return class, nil
}

// execute runs a binary in a fresh guest. Its word counts as long as the kernel
// does not contradict it: one that complains has failed, whatever the program says.
func (r *reproducer) execute(ctx context.Context, binary []byte, out *Reproduced) (string, error) {
	g, err := r.spawn(ctx)
	if err != nil {
		return "", err
	}
	defer g.Close()
	seconds := max(int(patienceOfC.Seconds()*r.scale), 1)
	x, err := r.exec(ctx, g, binary, vm.ExecOptions{Args: []string{fmt.Sprint(seconds), fmt.Sprint(max(int(r.scale), 1))}, Bound: execBound, Mutant: r.Options.Mutant})
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if e, blamed := blamesKernel(err); blamed {
		v := lost(e)
		return report.Classify(&report.Case{Verdict: v, Outcome: lostOutcome(e)}, nil), nil
	}
	if err != nil {
		out.Why = err.Error()
		return silent, nil
	}
	console := append(x.Console, g.Linger(ctx)...)
	if title, complained := crash.Title(console); complained {
		return "CRASH " + title, nil
	}
	hung := x.Late || x.Stuck
	if (hung || strings.HasPrefix(out.Class, string(judge.Hang))) && cases.Starved(x.Stolen, x.Waited) {
		out.Why = fmt.Sprintf("the guest could not run for %v of %v", x.Stolen.Round(time.Millisecond), x.Waited.Round(time.Millisecond))
		return silent, nil
	}
	switch {
	case hung && strings.HasPrefix(out.Class, string(judge.Hang)):
		return out.Class, nil
	case hung:
		return fmt.Sprintf("HANG of step or end, killed after %d s", seconds), nil
	case x.Signal != 0:
		return fmt.Sprintf("died of signal %d", x.Signal), nil
	case x.Status == repro.Shows:
		return cmp.Or(out.Class, "exit status 1"), nil
	case x.Status == repro.Cannot:
		out.Why = "exit status 2: " + strings.TrimSpace(string(x.Output))
		return impossible, nil
	case x.Status != 0:
		return fmt.Sprintf("exit status %d", x.Status), nil
	}
	return "", nil
}

// Executable compiles a C program for a Form. The error is an *images.InfraError, or ctx's; a
// *repro.BuildError in it says that the source is to blame.
func Executable(ctx context.Context, source []byte) ([]byte, error) {
	binary, err := repro.Build(ctx, source)
	if err == nil || ctx.Err() != nil {
		return binary, err
	}
	e := &images.InfraError{Op: "compile a C program", Err: err}
	if errors.Is(err, exec.ErrNotFound) {
		e.Advice = "Install a compiler: " + aptInstall(repro.Compiler+" libc6-dev")
	}
	return nil, e
}
