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
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// supervise runs "$@" in the process group that the shell leads. Descriptor 3
// is a pipe whose other end only ringproof holds: when ringproof dies, however
// it dies, the read ends and the whole group is killed. PR_SET_PDEATHSIG would
// reach the direct child only, and make's children would build on.
const supervise = `
"$@" 3<&- &
job=$!
{ read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait $job
rc=$?
kill -KILL $watch
exit $rc`

// errKilled says that a command was ended by a signal that we did not send.
var errKilled = errors.New("killed from outside")

// command is an external program that never outlives ringproof. Its standard input is empty.
type command struct {
	args []string
	dir  string
	env  []string
	// onLine gets each line of stdout and stderr, without its end; longer
	// ones are cut at maxLine bytes.
	onLine func(string)
}

const maxLine = 64 << 10

// buildEnv is the whole environment of tools that we run: what the user's
// shell or a make above us exports (MAKEFLAGS, ARCH, KCFLAGS …) must not
// change what is built.
func buildEnv(extra ...string) []string {
	env := []string{"LC_ALL=C", "LANG=C"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "USER", "CCACHE_DIR", "XDG_CACHE_HOME", "http_proxy", "https_proxy", "no_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, extra...)
}

// run starts the command and waits for its end and for that of everything it
// started. When ctx ends, all of it is killed and ctx's error is returned.
// A non-zero exit is an *exec.ExitError; a death by someone else's signal
// wraps errKilled.
func (c *command) run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := exec.LookPath(c.args[0]); err != nil {
		return err
	}
	alive, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hold.Close()
	out, outW, err := os.Pipe()
	if err != nil {
		alive.Close()
		return err
	}
	defer out.Close()

	cmd := exec.Command("/bin/sh", append([]string{"-c", supervise, "ringproof"}, c.args...)...)
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.Stdout, cmd.Stderr = outW, outW
	cmd.ExtraFiles = []*os.File{alive}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	alive.Close()
	outW.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
	lines := make(chan struct{})
	go func() { defer close(lines); readLines(out, c.onLine) }()

	// Wait without reaping: while the leader is a zombie its group cannot be
	// anyone else's, so the sweep below hits only what is ours.
	waitExited(cmd.Process.Pid)
	_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	stop()
	err = cmd.Wait()
	<-lines // everything that had our pipe is gone
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return exitCause(err)
}

func waitExited(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// exitCause tells a death by signal, of the shell or of what it ran (status
// above 128), from an ordinary failure.
func exitCause(err error) error {
	var ee *exec.ExitError
	if !errors.As(err, &ee) {
		return err
	}
	if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return fmt.Errorf("%w (signal %d)", errKilled, ws.Signal())
	}
	if code := ee.ExitCode(); code > 128 && code < 128+65 {
		return fmt.Errorf("%w (signal %d)", errKilled, code-128)
	}
	return err
}

func readLines(r io.Reader, onLine func(string)) {
	br := bufio.NewReaderSize(r, maxLine)
	for {
		line, tooLong, err := br.ReadLine()
		if err != nil {
			return
		}
		if onLine != nil {
			onLine(strings.TrimRight(string(line), "\r"))
		}
		for tooLong && err == nil {
			_, tooLong, err = br.ReadLine()
		}
	}
}

// output runs a short command and returns what it printed.
func output(ctx context.Context, dir string, args ...string) (string, error) {
	return outputEnv(ctx, dir, nil, args...)
}

// outputEnv is output with more in the environment.
func outputEnv(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	var b strings.Builder
	c := command{args: args, dir: dir, env: buildEnv(env...), onLine: func(l string) { b.WriteString(l + "\n") }}
	if err := c.run(ctx); err != nil {
		return b.String(), fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(b.String()))
	}
	return b.String(), nil
}
