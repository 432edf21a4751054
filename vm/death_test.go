// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// reexecEnv makes the test binary a process that starts what the variable
// says, prints its process ID and waits to be killed.
const reexecEnv = "RINGPROOF_TEST_REEXEC"

func reexec() {
	spec := os.Getenv(reexecEnv)
	pid := 0
	if spec == "sleep" {
		p, err := spawn("/bin/sleep", []string{"1000"}, nil)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		pid = p.pid()
	} else {
		var cfg Config
		if err := json.Unmarshal([]byte(spec), &cfg); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		m, err := Start(context.Background(), cfg)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		pid = m.PID()
	}
	fmt.Println(pid)
	select {}
}

// killParent starts the test binary again with spec, kills it with sig, and
// returns once its child is gone; the test's deadline bounds that.
func killParent(t *testing.T, spec string, sig syscall.Signal) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), reexecEnv+"="+spec)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		cmd.Process.Kill()
		t.Fatalf("the helper said %q", line)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("child %d: %v", pid, err)
	}
	defer unix.Close(fd)
	cmd.Process.Signal(sig)
	cmd.Wait()
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); err != nil {
		t.Fatal(err)
	}
}

func TestChildDiesWithParent(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) { killParent(t, "sleep", sig) })
	}
}

func TestQEMUDiesWithParent(t *testing.T) {
	cfg := needVM(t)
	cfg.CacheDir = t.TempDir()
	spec, err := json.Marshal(cfg.Config)
	if err != nil {
		t.Fatal(err)
	}
	killParent(t, string(spec), syscall.SIGKILL)
	// The lock of the killed process must not be in the way.
	bootGuest(t, cfg)
}

func TestKillIsFinal(t *testing.T) {
	p, err := spawn("/bin/sleep", []string{"1000"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.kill()
	if ws := waitStatus(p.state); !ws.Signaled() || ws.Signal() != syscall.SIGKILL {
		t.Errorf("status %#x, want SIGKILL", ws)
	}
}
