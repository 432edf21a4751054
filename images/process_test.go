// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// lifeline is a FIFO that processes under test hold open: reading it to its
// end means that the last of them is gone.
type lifeline struct {
	path string
	r    *bufio.Reader
}

func newLifeline(t *testing.T) *lifeline {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return &lifeline{path: path}
}

// started waits until a process writes a line, and returns it.
func (l *lifeline) started(t *testing.T) string {
	t.Helper()
	f, err := os.Open(l.path) // blocks until a writer comes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	l.r = bufio.NewReader(f)
	line, err := l.r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// gone waits until no process holds the lifeline.
func (l *lifeline) gone(t *testing.T) {
	t.Helper()
	if _, err := io.Copy(io.Discard, l.r); err != nil {
		t.Fatal(err)
	}
}

// family starts children and grandchildren that would live long.
const family = `exec 9>"$1"; sleep 1000 & sh -c 'sleep 1000 & sleep 1000' & echo $$ >&9; wait`

func TestCommandCancelKillsAll(t *testing.T) {
	l := newLifeline(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	c := command{args: []string{"sh", "-c", family, "sh", l.path}, env: buildEnv()}
	go func() { done <- c.run(ctx) }()
	l.started(t)
	cancel()
	l.gone(t)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestCommandKilledFromOutside(t *testing.T) {
	l := newLifeline(t)
	done := make(chan error)
	c := command{args: []string{"sh", "-c", family, "sh", l.path}, env: buildEnv()}
	go func() { done <- c.run(context.Background()) }()
	pid, err := strconv.Atoi(l.started(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.gone(t)
	if err := <-done; !errors.Is(err, errKilled) {
		t.Errorf("error %v, want errKilled", err)
	}
}

// TestCommandHelper is not a test: TestCommandDiesWithParent runs it as the
// parent that is killed.
func TestCommandHelper(t *testing.T) {
	path := os.Getenv("RINGPROOF_TEST_LIFELINE")
	if path == "" {
		t.Skip("only run by TestCommandDiesWithParent")
	}
	c := command{args: []string{"sh", "-c", family, "sh", path}, env: buildEnv()}
	_ = c.run(context.Background())
}

func TestCommandDiesWithParent(t *testing.T) {
	l := newLifeline(t)
	parent := exec.Command(os.Args[0], "-test.run=^TestCommandHelper$")
	parent.Env = append(os.Environ(), "RINGPROOF_TEST_LIFELINE="+l.path)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	l.started(t)
	if err := parent.Process.Kill(); err != nil { // SIGKILL: no handler runs
		t.Fatal(err)
	}
	_ = parent.Wait()
	l.gone(t)
}

func TestCommandOutputAndStatus(t *testing.T) {
	var lines []string
	long := strings.Repeat("x", 3*maxLine)
	c := command{args: []string{"sh", "-c", `echo out; echo err >&2; cat; printf end; exit 3`}, env: buildEnv(),
		onLine: func(l string) { lines = append(lines, l) }}
	err := c.run(context.Background())
	var ee *exec.ExitError
	if !errors.As(err, &ee) || ee.ExitCode() != 3 {
		t.Errorf("error %v, want exit status 3", err)
	}
	if got := strings.Join(lines, "|"); got != "out|err|end" {
		t.Errorf("lines %q", got)
	}
	lines = nil
	c = command{args: []string{"sh", "-c", `head -c "$1" /dev/zero | tr "\\0" x; echo; echo after`, "sh", fmt.Sprint(len(long))}, env: buildEnv(), onLine: c.onLine}
	if err := c.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 2 || lines[0] != long[:maxLine] || lines[1] != "after" {
		t.Errorf("%d lines, the first of %d bytes", len(lines), len(lines[0]))
	}
	if err := (&command{args: []string{"no-such-program-here"}}).run(context.Background()); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("missing program: %v", err)
	}
}

func TestBuildEnvHidesMake(t *testing.T) {
	for _, name := range []string{"MAKEFLAGS", "ARCH", "KCFLAGS", "CROSS_COMPILE", "KBUILD_OUTPUT"} {
		t.Setenv(name, "poison")
	}
	for _, e := range buildEnv() {
		if strings.Contains(e, "poison") {
			t.Error(e)
		}
	}
}
