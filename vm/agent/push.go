// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/vm/wire"
)

// buildEnv may carry the build ID of the initramfs's own binary, set on the
// kernel command line by whoever wrote the initramfs; without it PID 1 computes it.
const buildEnv = "RINGPROOF_BUILD"

// maxBinary bounds a pushed binary in bytes.
const maxBinary = 128 << 20

// incoming puts a pushed binary together.
type incoming struct {
	file *os.File // memfd
	sum  hash.Hash
	left int64
	want string
}

// pushed is a complete binary whose sum is right.
type pushed struct {
	file *os.File
	sum  string
	// failed is closed when the binary could not be executed, so that the channel is read again.
	failed chan struct{}
}

// take takes a message if it belongs to a push (mine). It returns the binary
// when it is complete. An error ends the push.
func (in *incoming) take(msg any) (done *pushed, mine bool, err error) {
	switch m := msg.(type) {
	case *wire.Push:
		in.abort()
		if m.Size <= 0 || m.Size > maxBinary {
			return nil, true, fmt.Errorf("push: a binary of %d bytes, the limit is %d", m.Size, int64(maxBinary))
		}
		fd, err := unix.MemfdCreate("ringproof", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, true, fmt.Errorf("push: make a file for the binary: %w", err)
		}
		*in = incoming{os.NewFile(uintptr(fd), "ringproof"), sha256.New(), m.Size, strings.ToLower(m.SHA256)}
		return nil, true, nil
	case *wire.PushData:
		if in.file == nil {
			return nil, true, errors.New("push: data without an announcement")
		}
		if int64(len(m.Data)) > in.left {
			in.abort()
			return nil, true, errors.New("push: more data than announced")
		}
		if _, err := in.file.Write(m.Data); err != nil {
			in.abort()
			return nil, true, fmt.Errorf("push: store the binary: %w", err)
		}
		in.sum.Write(m.Data)
		if in.left -= int64(len(m.Data)); in.left > 0 {
			return nil, true, nil
		}
		got := hex.EncodeToString(in.sum.Sum(nil))
		if got != in.want {
			want := in.want
			in.abort()
			return nil, true, fmt.Errorf("push: the binary arrived with SHA-256 %s, announced was %s: push it again", got, want)
		}
		p := &pushed{in.file, got, make(chan struct{})}
		*in = incoming{}
		return p, true, nil
	}
	return nil, false, nil
}

// abort drops a push that is not complete.
func (in *incoming) abort() {
	if in.file != nil {
		in.file.Close()
	}
	*in = incoming{}
}

// handover is what PID 1 tells the binary that takes its place, as JSON in
// the environment variable pushedEnv.
type handover struct {
	Boot    time.Duration // as GuestInfo.Boot
	Port    int           // the channel's descriptor, -1 for none
	BuildID string
}

func readHandover(s string) (handover, error) {
	h := handover{Port: -1}
	if s == "" {
		return h, nil
	}
	if err := json.Unmarshal([]byte(s), &h); err != nil {
		return handover{Port: -1}, fmt.Errorf("read %s: %w", pushedEnv, err)
	}
	return h, nil
}

// become executes a pushed binary in PID 1's place. It returns only on failure.
func (g *guest) become(conn *wire.Conn, p *pushed) {
	g.out.attach(conn)
	g.sched.shutdown()
	if g.trace != nil {
		g.trace.stop()
		g.trace = nil
	}
	g.info = nil // a failed exec leaves an agent that must be configured anew
	g.out.send(&wire.PushDone{SHA256: p.sum})
	g.out.flush()

	h, _ := json.Marshal(handover{Boot: g.carry.Boot, Port: g.port.fd, BuildID: p.sum})
	err := os.NewSyscallError("fcntl", setCloseOnExec(g.port.fd, false))
	if err == nil {
		path := fmt.Sprintf("/proc/self/fd/%d", p.file.Fd())
		err = syscall.Exec(path, []string{initName}, append(os.Environ(), pushedEnv+"="+string(h)))
	}
	setCloseOnExec(g.port.fd, true)
	p.file.Close()
	g.log("execute the pushed binary: %v", err)
	g.console("execute the pushed binary: %v", err)
	close(p.failed)
}

func setCloseOnExec(fd int, on bool) error {
	flags := 0
	if on {
		flags = unix.FD_CLOEXEC
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags)
	return err
}

// identify returns a function that yields the build ID: the known one, or the
// hash of the running binary, computed in the background from now on.
func identify(known string) func() string {
	if known != "" {
		return func() string { return known }
	}
	sum := sync.OnceValue(func() string {
		f, err := os.Open(selfExe)
		if err != nil {
			return ""
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return ""
		}
		return hex.EncodeToString(h.Sum(nil))
	})
	go sum()
	return sum
}
