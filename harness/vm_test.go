// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// The tests in this file build kernels and boot them. They run where
// RINGPROOF_VM is set, as `make test` does.

// needVM skips a test that builds or boots a kernel where that was not asked for.
func needVM(t *testing.T) {
	t.Helper()
	if os.Getenv("RINGPROOF_VM") == "" {
		t.Skip("builds and boots a kernel: run by make test, or with RINGPROOF_VM=1")
	}
}

// built is the directory of the binary under test, "" before it is built.
var built string

// binary builds ringproof once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ringproof-test-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "ringproof")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/ringproof")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(status)
}

// ringproof runs the command line and returns its exit status and output.
func ringproof(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// test runs "ringproof test --json" and returns what it says.
func test(t *testing.T, args ...string) (status int, run *report.Run, stderr string) {
	t.Helper()
	args = append([]string{"test", "--json", "--out", t.TempDir()}, args...)
	status, stdout, stderr := ringproof(t, args...)
	run = new(report.Run)
	if err := json.Unmarshal([]byte(stdout), run); err != nil {
		t.Fatalf("ringproof %s: exit %d, no results: %v\n%s", strings.Join(args, " "), status, err, stderr)
	}
	return status, run, stderr
}

// Each patch in testdata/wrong plants one mistake in the built-in series.
// The programs named here must turn red for it, by one of the rules.
func TestWrongKernels(t *testing.T) {
	needVM(t)
	for _, wrong := range []struct {
		patch string
		only  string   // programs
		rules []string // at least one violation must name one of these
	}{
		{"leader-cqe-first", "^group-nop-3$|^group-nop-64$", []string{"G4"}},
		{"group-ref-dropped-twice", "^group-nop-3$|^group-async-", []string{"G10", "I2"}},
		{"member-never-queued", "^group-nop-3$|^group-nop-2$", []string{"P4.1", "G3"}},
		{"drain-not-honoured", "^group-drain-", []string{"G8"}},
		{"chain-not-broken", "^group-linked-member-fails-", []string{"G6", "P4.5"}},
	} {
		t.Run(wrong.patch, func(t *testing.T) {
			status, run, stderr := test(t, "--confirm", "0", "--patch", filepath.Join("testdata", "wrong", wrong.patch+".patch"), "--only", wrong.only)
			if status != 1 {
				t.Errorf("exit status %d, want 1\n%s", status, stderr)
			}
			caught := false
			for _, c := range run.Cases {
				t.Logf("%s: %s %v %s", c.Name, c.Verdict.Status, c.Verdict.Rules(), c.Verdict.Reason)
				switch c.Verdict.Status {
				case judge.Fail, judge.Crash, judge.Hang:
					caught = caught || slices.ContainsFunc(c.Verdict.Rules(), func(id string) bool {
						return slices.Contains(wrong.rules, id)
					})
				case judge.Infra:
					t.Errorf("%s: %s: the kernel's mistake was taken for ours", c.Name, c.Verdict.Reason)
				}
			}
			if !caught {
				t.Errorf("no program failed by any of the rules %v", wrong.rules)
			}
		})
	}
}

// A kernel without groups: what needs them is skipped, the rest passes.
func TestUnpatchedKernel(t *testing.T) {
	needVM(t)
	status, run, stderr := test(t, "--series", "none")
	if status != 0 {
		t.Errorf("exit status %d, want 0\n%s", status, stderr)
	}
	passed := 0
	for _, c := range run.Cases {
		want := judge.Pass
		if slices.Contains(c.Program.Needs, cases.NeedGroups) || slices.Contains(c.Program.Needs, cases.NeedFaults) {
			want = judge.Skip
		} else {
			passed++
		}
		if c.Verdict.Status != want {
			t.Errorf("%s: %s (%s), want %s", c.Name, c.Verdict.Status, c.Verdict.Reason, want)
		}
	}
	if passed < 10 {
		t.Errorf("only %d programs do without groups", passed)
	}
}

// Lost records make PASS impossible.
func TestTinyProbeBuffer(t *testing.T) {
	needVM(t)
	status, run, stderr := test(t, "--ring-bytes", "4096", "--only", "^group-nop-64$")
	if status != 4 {
		t.Errorf("exit status %d, want 4\n%s", status, stderr)
	}
	for _, c := range run.Cases {
		if c.Verdict.Status != judge.Inconclusive {
			t.Errorf("%s: %s (%s), want INCONCLUSIVE", c.Name, c.Verdict.Status, c.Verdict.Reason)
		}
		if c.Outcome == nil || c.Outcome.Evidence.Lost == 0 {
			t.Errorf("%s: no record was lost: the test shows nothing", c.Name)
		}
	}
}

// A kernel that panics while it boots is CRASH, not INFRA, and the report holds its words.
func TestKernelPanicsAtBoot(t *testing.T) {
	needVM(t)
	status, run, stderr := test(t, "--series", "none", "--patch", "testdata/bad/panics-at-boot.patch", "--only", "^plain-nop$")
	if status != 1 {
		t.Errorf("exit status %d, want 1\n%s", status, stderr)
	}
	if len(run.Cases) != 1 || run.Cases[0].Verdict.Status != judge.Crash || !strings.Contains(run.Cases[0].Verdict.Reason, "planted panic") {
		t.Errorf("got %+v, want one CRASH that quotes the panic", run.Cases)
	}
}

// A kernel that does not compile: the first errors and the log's path, exit 1.
func TestKernelDoesNotCompile(t *testing.T) {
	needVM(t)
	status, _, stderr := ringproof(t, "test", "--series", "none", "--patch", "testdata/bad/does-not-compile.patch", "--out", t.TempDir())
	if status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	for _, want := range []string{"does not build", "io_uring/nop.c", "error:", ".log"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error lacks %q:\n%s", want, stderr)
		}
	}
}
