// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestClassifyExit(t *testing.T) {
	const killed, aborted = syscall.WaitStatus(9), syscall.WaitStatus(6)
	exited := func(code int) syscall.WaitStatus { return syscall.WaitStatus(code << 8) }
	tests := []struct {
		name   string
		facts  exitFacts
		kind   ExitKind
		detail string
		guilty GuestErrorKind // 0: infrastructure
	}{
		{"closed by us", exitFacts{closed: true, status: killed}, ExitClosed, "", 0},
		{"killed", exitFacts{status: killed}, ExitKilled, "signal 9", 0},
		{"killed after a panic", exitFacts{status: killed, panicked: true}, ExitKilled, "signal 9", 0},
		{"aborted", exitFacts{status: aborted, said: "failed to set MSR\nAssertion"}, ExitKilled, "failed to set MSR | Assertion", 0},
		{"bad option", exitFacts{status: exited(1), said: "invalid option"}, ExitFailed, "status 1; it said: invalid option", 0},
		{"terminated", exitFacts{status: exited(0), shutdown: "host-signal"}, ExitKilled, "host-signal", 0},
		{"quit by QMP", exitFacts{status: exited(0), shutdown: "host-qmp-quit"}, ExitKilled, "host-qmp-quit", 0},
		{"panicked", exitFacts{status: exited(0), shutdown: "guest-reset", panicked: true}, ExitPanicked, "", GuestPanicked},
		{"powered off", exitFacts{status: exited(0), shutdown: "guest-shutdown"}, ExitPoweredOff, "", GuestPoweredOff},
		{"reset", exitFacts{status: exited(0), shutdown: "guest-reset"}, ExitReset, "", GuestReset},
		{"no word", exitFacts{status: exited(0)}, ExitReset, "", GuestReset},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := classify(tt.facts)
			if outside := tt.kind == ExitKilled && tt.facts.said == ""; x.Outside != outside {
				t.Errorf("ended from outside: %v, want %v", x.Outside, outside)
			}
			if x.Kind != tt.kind || !strings.Contains(x.Detail, tt.detail) {
				t.Errorf("got %d %q, want %d with %q", x.Kind, x.Detail, tt.kind, tt.detail)
			}
			err := x.asError([]string{"line", ""})
			var ge *GuestError
			var ie *InfraError
			switch {
			case tt.guilty == 0 && !errors.As(err, &ie):
				t.Errorf("error %v, want an InfraError", err)
			case tt.guilty != 0 && (!errors.As(err, &ge) || ge.Kind != tt.guilty):
				t.Errorf("error %v, want a GuestError of kind %v", err, tt.guilty)
			}
		})
	}
}

func TestGuestErrorQuotesThePanic(t *testing.T) {
	err := &GuestError{Kind: GuestPanicked, Console: []string{"a", "[ 1.0] Kernel panic - not syncing: boo", "---[ end"}}
	if want := "guest panicked (console: [ 1.0] Kernel panic - not syncing: boo)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestMissingQEMU(t *testing.T) {
	for _, name := range []string{"no-such-qemu", "/nowhere/qemu"} {
		_, err := FindQEMU(t.Context(), name)
		var ie *InfraError
		if !errors.As(err, &ie) || !strings.Contains(err.Error(), "apt-get install qemu-system-x86") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// script writes an executable that stands in for QEMU.
func script(t *testing.T, body string) *QEMU {
	t.Helper()
	path := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	return &QEMU{Path: path, Version: "fake"}
}

func TestStartFailures(t *testing.T) {
	kernel := filepath.Join(t.TempDir(), "bzImage")
	os.WriteFile(kernel, []byte("kernel"), 0o644)
	tests := []struct {
		name, want string
		cfg        Config
	}{
		{"gives up", "status 1; it said: invalid accelerator", Config{QEMU: script(t, "echo invalid accelerator >&2; exit 1"), Kernel: kernel}},
		{"dies", "signal 6", Config{QEMU: script(t, "kill -6 $$"), Kernel: kernel}},
		{"not executable", "permission denied", Config{QEMU: &QEMU{Path: kernel}, Kernel: kernel}},
		{"no kernel file", "no such file", Config{QEMU: script(t, ""), Kernel: "/nowhere/bzImage"}},
		{"no kernel", "no kernel given", Config{QEMU: script(t, "")}},
		{"no QEMU", "no QEMU given", Config{Kernel: kernel}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Accel = TCG
			tt.cfg.CacheDir = t.TempDir()
			_, err := Start(t.Context(), tt.cfg)
			var ie *InfraError
			if !errors.As(err, &ie) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an InfraError with %q", err, tt.want)
			}
			lock, err := lockBoot(t.Context(), tt.cfg.CacheDir)
			if err != nil {
				t.Fatal(err)
			}
			lock.release()
		})
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), socketDirPrefix+"*", socketName)); len(left) > 3 {
		t.Errorf("sockets left behind: %v", left)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	kernel := filepath.Join(t.TempDir(), "bzImage")
	os.WriteFile(kernel, []byte("kernel"), 0o644)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Start(ctx, Config{QEMU: script(t, "sleep 1000"), Accel: TCG, Kernel: kernel})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestBootLockIsExclusive(t *testing.T) {
	dir := t.TempDir()
	first, err := lockBoot(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lockBoot(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("second lock: %v, want context.Canceled", err)
	}
	first.release()
	first.release()
	second, err := lockBoot(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	second.release()
}

func TestSocketDirs(t *testing.T) {
	base := t.TempDir()
	d, err := newSocketDir(base)
	if err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(d.path); st.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, want 0700", st.Mode())
	}
	// One that a killed process left: its lock is free.
	left := filepath.Join(base, socketDirPrefix+"1")
	os.Mkdir(left, 0o700)
	os.WriteFile(filepath.Join(left, "lock"), nil, 0o600)
	sweepSocketDirs(base)
	if _, err := os.Stat(left); err == nil {
		t.Error("what a killed process left was not removed")
	}
	if _, err := os.Stat(d.path); err != nil {
		t.Error("a directory in use was removed")
	}
	d.remove()
	if _, err := os.Stat(d.path); err == nil {
		t.Error("the directory is still there")
	}
	long, err := newSocketDir(filepath.Join(base, strings.Repeat("long", 30)))
	if err != nil {
		t.Fatalf("with a long TMPDIR: %v", err)
	}
	long.remove()
}
