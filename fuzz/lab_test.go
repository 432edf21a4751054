// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// The environment of FuzzGroup and FuzzRing. With RINGPROOF_VM each process that runs
// them, every worker of go test -fuzz, keeps a guest of its own.
const (
	vmEnv     = "RINGPROOF_VM"
	agentEnv  = "RINGPROOF_AGENT"   // the static ringproof binary that guests run; built where it is not set
	sourceEnv = "RINGPROOF_SOURCE"  // the kernel's source, as of --source; the default one where it is not set
	seriesEnv = "RINGPROOF_SERIES"  // as of --series, a path from this directory or an absolute one; v4 where it is not set
	profEnv   = "RINGPROOF_PROFILE" // that of the series where it is not set
	flavEnv   = "RINGPROOF_FLAVOUR" // fast where it is not set
	// blindEnv keeps the kernel's coverage from the engine; what is reached is noted all the same.
	blindEnv = "RINGPROOF_FUZZ_BLIND"
	// seedlessEnv leaves the catalogue out: what does the engine reach from nothing?
	seedlessEnv = "RINGPROOF_FUZZ_NO_SEEDS"
	// reachedEnv names a file to which each place of the kernel's code is added when it is first reached: the
	// seconds since the process began, and the address. Every worker writes its own, with a number behind the name.
	reachedEnv = "RINGPROOF_FUZZ_REACHED"
	// diaryEnv names a file in which workers, whose output go test throws away, say why they gave up.
	diaryEnv = "RINGPROOF_FUZZ_DIARY"
)

func setting(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// lab is where a process runs its programs.
type lab struct {
	profile *cases.Profile
	host    *harness.Host  // nil where programs are simulated
	stand   *harness.Stand // nil until the first program comes
	broken  int            // programs in a row that our side kept from an answer
	guide   *guide         // nil where the guest has no coverage, or none was asked yet
}

// bench is the lab of this process once there is one, for TestMain to close.
var bench *lab

func TestMain(m *testing.M) {
	diary := os.Getenv(diaryEnv)
	mine := diary == "" && os.Getenv(vmEnv) != ""
	if mine {
		if f, err := os.CreateTemp("", "ringproof-fuzz-"); err == nil {
			diary = f.Name()
			f.Close()
			os.Setenv(diaryEnv, diary)
		}
	}
	status := m.Run()
	if bench != nil {
		bench.close()
	}
	if mine && diary != "" {
		text, _ := os.ReadFile(diary)
		os.Stderr.Write(text)
		os.Remove(diary)
	}
	os.Exit(status)
}

func newLab(f *testing.F) *lab {
	f.Helper()
	if bench != nil {
		return bench
	}
	l := &lab{}
	if os.Getenv(vmEnv) == "" {
		var err error
		if l.profile, err = cases.LoadProfile(setting(profEnv, setting(seriesEnv, "v4"))); err != nil {
			f.Fatal(err)
		}
		return l
	}
	host, err := harness.Open(f.Context(), images.Spec{Source: os.Getenv(sourceEnv), Series: setting(seriesEnv, "v4"), Flavour: os.Getenv(flavEnv)},
		harness.GuestSpec{Profile: os.Getenv(profEnv), Executable: agent(f)}, "", nil)
	if err != nil {
		f.Fatalf("no kernel to fuzz: %v", err)
	}
	l.host, l.profile = host, host.Profile
	bench = l
	return l
}

func (l *lab) close() {
	if l.stand != nil {
		l.stand.Close()
	}
	l.host.Close()
}

// agent returns the binary that guests run.
func agent(f *testing.F) string {
	f.Helper()
	if path := os.Getenv(agentEnv); path != "" {
		return path
	}
	path := filepath.Join(f.TempDir(), "ringproof")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../harness/cmd/ringproof")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		f.Fatalf("build what guests run (%s can name it): %v\n%s", agentEnv, err, out)
	}
	return path
}

const (
	// deadline bounds a program's steps, in time of real hardware: what it waits for takes milliseconds.
	deadline = time.Second
	// mostBroken is how many programs in a row our side may keep from an answer.
	mostBroken = 5
	// repeats is how often a program that failed is asked again, to say how often it fails.
	repeats = 2
)

// examine runs a program, and fails the test if the kernel broke a promise.
// Nothing is said where our side broke or the evidence has holes: the input is skipped.
func (l *lab) examine(t *testing.T, p *cases.Program) {
	fuzz.Settle(p, l.profile, 0)
	if l.host == nil {
		out := sim.Run(p, l.profile, 0)
		v := judge.Judge(judge.Input{Program: p, Profile: l.profile, Outcome: out, Probes: sim.Probes()})
		if v.Status != judge.Pass {
			complain(t, p, &v, " (simulated: simulator, model or judge is wrong)")
		}
		return
	}
	shown := l.run(t, p)
	v := &shown.Verdict
	if shown.Late != nil {
		complain(t, shown.Late.Program, &shown.Late.Verdict, " (of the program before)")
	}
	switch v.Status {
	case judge.Pass:
		l.follow(t, p, shown.Outcome)
	case judge.Skip, judge.Inconclusive, judge.Infra:
		t.Skipf("%s: %s", v.Status, v.Reason)
	default:
		failed := 1
		for range repeats {
			if again := l.run(t, p).Verdict; again.Status == judge.Fail || again.Status == judge.Crash || again.Status == judge.Hang {
				failed++
			}
		}
		complain(t, p, v, fmt.Sprintf(" (failed %d of %d)", failed, 1+repeats))
	}
}

// run gets a program's answer; where none can be had it does not return.
func (l *lab) run(t *testing.T, p *cases.Program) *harness.Shown {
	// The context is not the test's: the guest outlives it.
	ctx := context.Background()
	if l.stand == nil {
		l.stand = l.host.NewStand(0)
		info, err := l.stand.Info(ctx)
		if err == nil {
			l.guide = newGuide(t, info)
		}
	}
	shown, err := l.stand.Run(ctx, p, vm.RunOptions{Deadline: deadline, Brief: true, Coverage: l.guide != nil})
	switch {
	case err != nil && harness.BlameFor(err) == harness.BlameKernel:
		t.Fatal(err)
	case err != nil:
		l.giveUp(t, err.Error())
	case shown.Verdict.Status != judge.Infra, shown.Outcome != nil && shown.Outcome.End == cases.EndError: // a ring that the kernel refuses
		l.broken = 0
	default:
		if l.broken++; l.broken >= mostBroken {
			l.giveUp(t, shown.Verdict.Reason)
		}
	}
	return shown
}

// giveUp ends the process where there is no use in going on: to fail the test
// would make a finding of the input that was next.
func (l *lab) giveUp(t *testing.T, why string) {
	t.Helper()
	path := os.Getenv(diaryEnv)
	why = fmt.Sprintf("fuzzing cannot go on, by no fault of the kernel: %s\n", why)
	if f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err == nil {
		f.WriteString(why)
		f.Close()
	}
	if !isWorker() {
		t.Fatal(why)
	}
	l.close()
	syscall.Kill(os.Getpid(), syscall.SIGKILL) // of which go test makes no finding
}

// isWorker tells whether go test -fuzz started this process to run inputs.
func isWorker() bool {
	for _, arg := range os.Args {
		if arg == "-test.fuzzworker" || arg == "-test.fuzzworker=true" {
			return true
		}
	}
	return false
}
