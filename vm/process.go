// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// process is a child in its own process group that the kernel kills when its
// parent dies, however that happens.
type process struct {
	cmd    *exec.Cmd
	stderr tailBuffer
	done   chan struct{} // closed once state is set
	state  *os.ProcessState

	killOnce sync.Once
}

// spawn starts path with the given arguments and inherited files. The child
// gets no standard input, an empty environment and / as its directory.
func spawn(path string, args []string, files []*os.File) (*process, error) {
	p := &process{done: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir = "/"
	p.cmd.Env = []string{"LC_ALL=C"}
	p.cmd.ExtraFiles = files
	p.cmd.Stdout = &p.stderr
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	started := make(chan error)
	go func() {
		// PR_SET_PDEATHSIG fires when the *thread* that forked ends, so that
		// thread must live as long as the child: it waits for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.cmd.Wait()
		p.state = p.cmd.ProcessState
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// kill ends the child's process group and waits for the child to be gone. It
// may be called any number of times.
func (p *process) kill() {
	p.killOnce.Do(func() {
		select {
		case <-p.done: // the process group's number may be somebody else's by now
		default:
			syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	<-p.done
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// tailBuffer keeps the last bytes of what is written to it.
type tailBuffer struct {
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 8 << 10

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tailBuffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf))
}
