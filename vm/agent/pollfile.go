// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A pollFile is a non-blocking descriptor in Go's poller. Unlike those of an
// os.File its system calls are hidden from Go's scheduler: they never block, and
// under emulation they are slow enough for the scheduler to bring up another
// thread meanwhile, which is slower still.
type pollFile struct {
	file *os.File
	raw  syscall.RawConn
}

// newPollFile takes over a non-blocking descriptor.
func newPollFile(fd int, name string) (*pollFile, error) {
	f := os.NewFile(uintptr(fd), name)
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &pollFile{f, raw}, nil
}

// Read waits until there is something, and returns io.EOF at the end of the stream.
func (p *pollFile) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var errno error
	err = p.raw.Read(func(fd uintptr) bool {
		n, errno = rawIO(unix.SYS_READ, fd, b)
		return errno != unix.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case errno != nil:
		return 0, &os.PathError{Op: "read", Path: p.file.Name(), Err: errno}
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write waits until all of b is written.
func (p *pollFile) Write(b []byte) (sent int, err error) {
	var errno error
	err = p.raw.Write(func(fd uintptr) bool {
		for sent < len(b) {
			var n int
			if n, errno = rawIO(unix.SYS_WRITE, fd, b[sent:]); errno != nil {
				return errno != unix.EAGAIN
			}
			sent += n
		}
		return true
	})
	if err == nil && errno != nil {
		err = &os.PathError{Op: "write", Path: p.file.Name(), Err: errno}
	}
	return sent, err
}

// SetReadDeadline makes Reads fail that wait at t or later; zero is never.
func (p *pollFile) SetReadDeadline(t time.Time) error { return p.file.SetReadDeadline(t) }

// Close closes the descriptor; a Read or Write that waits returns an error.
func (p *pollFile) Close() error { return p.file.Close() }

// rawIO is read(2) or write(2), repeated while a signal interrupts it.
func rawIO(trap, fd uintptr, b []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
