// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
)

func program(name string) *cases.Program { return &cases.Program{Name: name, About: name} }

func TestSnapshotAndRestore(t *testing.T) {
	cfg := needVM(t)
	cfg.SnapshotDir = t.TempDir()
	var notices []string
	cfg.Notice = func(s string) { notices = append(notices, s) }

	g, first, err := StartGuest(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Run(t.Context(), program("nop"), RunOptions{}); err != nil {
		t.Errorf("run after saving: %v", err)
	}
	g.Close()
	if first.Restored || first.Saved == 0 {
		t.Errorf("first start: %+v, want a boot and a snapshot", first)
	}
	files, _ := filepath.Glob(filepath.Join(cfg.SnapshotDir, "*"))
	if len(files) != 1 {
		t.Fatalf("snapshot directory holds %v, want one file", files)
	}
	st, _ := os.Stat(files[0])
	t.Logf("cold start: hello after %v, saving took %v (%d MB)", first.Up, first.Saved, st.Size()>>20)

	began := time.Now()
	g, second, err := StartGuest(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.Run(t.Context(), program("nop"), RunOptions{})
	took := time.Since(began)
	if err != nil || out.End != cases.EndDone {
		t.Errorf("run after restoring: %+v, %v", out, err)
	}
	if !second.Restored || second.Pushed {
		t.Errorf("second start: %+v, want a restore", second)
	}
	g.Close()
	t.Logf("from snapshot: hello %v after QEMU's start, first program answered after %v in all", second.Up, took)

	if len(notices) != 0 {
		t.Errorf("unexpected notices: %q", notices)
	}

	// An altered snapshot is noticed, and replaced by a new one.
	b, _ := os.ReadFile(files[0])
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o644); err != nil {
		t.Fatal(err)
	}
	g, third, err := StartGuest(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	if third.Restored || third.Saved == 0 || len(notices) != 1 || !strings.Contains(notices[0], "altered") {
		t.Errorf("after an alteration: %+v, notices %q", third, notices)
	}
}

// TestSnapshotOfASilentAgent restores a state in which the agent answers
// nobody any more: the guest must boot afresh, and say so.
func TestSnapshotOfASilentAgent(t *testing.T) {
	cfg := needVM(t)
	cfg.SnapshotDir = t.TempDir()
	var notices []string
	cfg.Notice = func(s string) { notices = append(notices, s) }
	s, err := newStarter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g, _, err := StartGuest(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := g.Console().Subscribe(func(l Line) {
		if strings.Contains(l.Text, "falling silent") {
			cancel()
		}
	})
	g.Run(ctx, program("silent"), RunOptions{})
	stop()
	if err := g.body.(*Machine).Snapshot(t.Context(), s.snapshot, s.key); err != nil {
		t.Fatal(err)
	}
	g.Close()

	s.timeouts.Restored = 200 * time.Millisecond
	if _, _, ok := s.restore(t.Context()); ok {
		t.Error("a silent agent passes for an answering one")
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "no hello from the agent") {
		t.Errorf("notices: %q", notices)
	}
	if _, err := os.Stat(s.snapshot); err == nil {
		t.Error("the snapshot is still there")
	}
}

func TestPushReplacesAgent(t *testing.T) {
	cfg := needVM(t)
	cfg.SnapshotDir = t.TempDir()
	g := bootGuest(t, cfg)
	g.Close()

	// Another build: the same program with some bytes behind it.
	b, _ := os.ReadFile(cfg.Executable)
	cfg.Executable = filepath.Join(t.TempDir(), "other")
	os.WriteFile(cfg.Executable, append(b, "other build"...), 0o755)
	cfg.BuildID = ""
	for i, want := range []Origin{{Restored: true, Pushed: true}, {Restored: true}} {
		g, o, err := StartGuest(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Run(t.Context(), program("nop"), RunOptions{}); err != nil {
			t.Error(err)
		}
		g.Close()
		t.Logf("start %d: %+v", i, o)
		if o.Restored != want.Restored || o.Pushed != want.Pushed {
			t.Errorf("start %d: %+v, want %+v", i, o, want)
		}
	}
}

func TestGuestsThatFail(t *testing.T) {
	cfg := needVM(t)
	cfg.SnapshotDir = t.TempDir()
	bootGuest(t, cfg).Close()
	tests := []struct {
		program string
		kind    GuestErrorKind
		want    string
	}{
		{"panic", GuestPanicked, "sysrq triggered crash"},
		{"power-off", GuestPoweredOff, ""},
		{"reset", GuestReset, ""},
		{"garbage", GuestGarbage, "no frame starts with"},
		{"oversized", GuestGarbage, "4294967295 bytes of payload announced"},
		{"silent", GuestSilent, "no answer to a ping"},
		{"lost", GuestSilent, "answers pings, but its programs do not end"},
	}
	for _, tt := range tests {
		t.Run(tt.program, func(t *testing.T) {
			g := bootGuest(t, cfg)
			g.timeouts.Overtime, g.timeouts.Ping = 300*time.Millisecond, time.Second
			other := make(chan error, 1)
			o := RunOptions{Deadline: time.Millisecond}
			_, err := g.Run(t.Context(), program(tt.program), o)
			go func() {
				_, err := g.Run(t.Context(), program("nop"), o)
				other <- err
			}()
			var ge *GuestError
			if !errors.As(err, &ge) || ge.Kind != tt.kind || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v with %q", err, tt.kind, tt.want)
			}
			t.Logf("error: %v", err)
			if tt.kind == GuestSilent && !strings.Contains(ge.Registers, "RIP=") {
				t.Errorf("no registers of a silent guest: %q", ge.Registers)
			}
			if err := <-other; !errors.As(err, &ge) {
				t.Errorf("a later run said %v", err)
			}
			select {
			case <-g.Down():
			default:
				t.Error("the guest is not down")
			}
		})
	}
}

func TestQEMUKilledInMidRun(t *testing.T) {
	cfg := needVM(t)
	g := bootGuest(t, cfg)
	done := make(chan error, 1)
	go func() {
		_, err := g.Run(t.Context(), program("silent"), RunOptions{})
		done <- err
	}()
	for g.outstanding() == 0 {
		runtime.Gosched()
	}
	syscall.Kill(g.body.(*Machine).PID(), syscall.SIGKILL)
	var ie *InfraError
	if err := <-done; !errors.As(err, &ie) || !strings.Contains(err.Error(), "signal 9") {
		t.Errorf("got %v, want an InfraError that names the signal", err)
	}
}

func TestFatalOutcomeRetiresGuest(t *testing.T) {
	g := bootGuest(t, needVM(t))
	out, err := g.Run(t.Context(), program("fatal"), RunOptions{})
	if err != nil || out == nil {
		t.Errorf("the fatal outcome itself: %v, %v", out, err)
	}
	_, err = g.Run(t.Context(), program("nop"), RunOptions{})
	var ge *GuestError
	if !errors.As(err, &ge) || ge.Kind != GuestRetired {
		t.Errorf("the next run: %v, want GuestRetired", err)
	}
}

func TestConsoleLinesOfAProgram(t *testing.T) {
	g := bootGuest(t, needVM(t))
	p := program("print")
	p.About = "mine"
	out, err := g.Run(t.Context(), p, RunOptions{Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Console) != 1 || !strings.HasSuffix(out.Console[0], "a line of mine") {
		t.Errorf("console of the program: %q; its tail: %q", out.Console, g.Console().Tail(5))
	}
	out, err = g.Run(t.Context(), program("nop"), RunOptions{Alone: true})
	if err != nil || len(out.Console) != 0 {
		t.Errorf("console of the next program: %q, %v", out.Console, err)
	}
}

// TestFloodedConsole prints much while nobody reads: no line may be missing,
// and none damaged.
func TestFloodedConsole(t *testing.T) {
	cfg := needVM(t)
	flooded := make(chan struct{})
	cfg.Log = func(string) { close(flooded) }
	g := bootGuest(t, cfg)
	const lines = 2000
	next, other := 0, ""
	g.Console().Subscribe(func(l Line) {
		if strings.HasSuffix(l.Text, fmt.Sprintf("] line %d of a flood", next)) {
			next++
		} else if other == "" { // the kernel's own, or a damaged one
			other = l.Text
		}
	})
	p := program("flood")
	p.Steps = []cases.Step{{N: lines}}
	ended := make(chan error, 1)
	go func() {
		out, err := g.Run(t.Context(), p, RunOptions{Deadline: time.Minute})
		if err == nil && out.End != cases.EndDone {
			err = errors.New(out.Error)
		}
		ended <- err
	}()
	for g.outstanding() == 0 { // Run has a look at the console first
		runtime.Gosched()
	}
	g.Console().mu.Lock()
	select {
	case <-flooded:
	case <-g.Down():
	}
	g.Console().mu.Unlock()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	g.Console().Sync()
	if next != lines {
		t.Errorf("%d of %d lines came whole and in order; first other one: %q", next, lines, other)
	}
}

func TestContextEndsGuest(t *testing.T) {
	cfg := needVM(t)
	ctx, cancel := context.WithCancel(t.Context())
	g, _, err := StartGuest(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-g.body.Done()
	g.Close()
	if k := g.body.Exit().Kind; k != ExitClosed {
		t.Errorf("exit kind %d, want ExitClosed", k)
	}
}

func TestShellAndPowerOff(t *testing.T) {
	g := bootGuest(t, needVM(t))
	out, err := g.Shell(t.Context(), "ls")
	if err != nil || out.Text != "did ls" {
		t.Errorf("shell: %+v, %v", out, err)
	}
	g.PowerOff(t.Context())
	if k := g.body.Exit().Kind; k != ExitPoweredOff {
		t.Errorf("exit kind %d, want ExitPoweredOff", k)
	}
}

func TestKernelThatPanicsAtBoot(t *testing.T) {
	cfg := needVM(t)
	cfg.Initramfs = ""
	_, _, err := StartGuest(t.Context(), cfg)
	var ge *GuestError
	if !errors.As(err, &ge) || ge.Kind != GuestPanicked {
		t.Fatalf("got %v, want GuestPanicked", err)
	}
	t.Log(err)
}

func TestSnapshotOnFullDisk(t *testing.T) {
	cfg := needVM(t)
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small tmpfs")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("mount a small tmpfs: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	g := bootGuest(t, cfg)
	err := g.body.(*Machine).Snapshot(t.Context(), filepath.Join(dir, "s.snap"), "key")
	var ie *InfraError
	if !errors.As(err, &ie) || ie.Hint == "" {
		t.Errorf("got %v, want an InfraError with a hint", err)
	}
	t.Log(err)
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, partialPrefix+"*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := g.Run(t.Context(), program("nop"), RunOptions{}); err != nil {
		t.Errorf("the guest did not go on: %v", err)
	}
}

func TestAutoProvesKVM(t *testing.T) {
	cfg := needVM(t)
	choice, err := ChooseAccel(t.Context(), AccelAuto, cfg.Config)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("chosen: %+v", choice)
	if (choice.Accel == TCG) != (choice.Notice != "") {
		t.Errorf("%+v: a fall back to TCG must say why, and nothing else may", choice)
	}
}
