// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A port is the guest's end of the virtio-serial channel. It is non-blocking
// and belongs to Go's poller alone: the driver's wake-ups are lost where the
// poller and blocking system calls share it. One goroutine may read and another write.
type port struct {
	*pollFile
	fd int
}

// errHostAway says that no host is connected. What was being sent is lost.
var errHostAway = errors.New("no host is connected to the channel")

// openPort finds the virtio-serial port by its name through sysfs and opens it.
func openPort(sysfs, dev, name string) (*port, error) {
	files, _ := filepath.Glob(filepath.Join(sysfs, "class/virtio-ports/*/name"))
	var seen []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		got := strings.TrimSpace(string(b))
		if got != name {
			seen = append(seen, got)
			continue
		}
		path := filepath.Join(dev, filepath.Base(filepath.Dir(f)))
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("open the channel to the host, %s: %w", path, err)
		}
		return newPort(fd)
	}
	return nil, fmt.Errorf("find the channel to the host: no virtio-serial port is named %q (there are: %s): start QEMU with a virtserialport of that name",
		name, strings.Join(seen, ", "))
}

// newPort takes over a non-blocking descriptor.
func newPort(fd int) (*port, error) {
	f, err := newPollFile(fd, "channel")
	if err != nil {
		return nil, fmt.Errorf("use the channel: %w", err)
	}
	return &port{f, fd}, nil
}

// Read returns io.EOF when the host has gone away; [port.waitHost] then waits
// for the next one. A Write that waits for the host that has gone is ended then.
func (p *port) Read(b []byte) (int, error) {
	n, err := p.pollFile.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.file.SetWriteDeadline(time.Now())
	}
	return n, err
}

// Write sends all of b, or fails with errHostAway.
func (p *port) Write(b []byte) (int, error) {
	n, err := p.pollFile.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ENODEV) {
		err = errHostAway
	}
	return n, err
}

// Close does nothing: a wire.Conn lives as long as one host, the port longer.
func (p *port) Close() error { return nil }

// waitHost returns once a host is connected. The driver offers no way to
// block for that: poll(2) returns at once with POLLHUP until then.
func (p *port) waitHost() error {
	for {
		fds := []unix.PollFd{{Fd: int32(p.fd)}}
		switch _, err := unix.Poll(fds, 0); {
		case err == unix.EINTR:
		case err != nil:
			return fmt.Errorf("poll the channel: %w", err)
		case fds[0].Revents&unix.POLLHUP == 0:
			return p.file.SetWriteDeadline(time.Time{})
		default:
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// drain throws away what has arrived, to find the start of a frame again
// after garbage: the host sends its next Hello only after it has seen an
// answer or lost patience.
func (p *port) drain() {
	var b [4096]byte
	for {
		if n, err := unix.Read(p.fd, b[:]); n <= 0 && err != unix.EINTR {
			return
		}
	}
}
