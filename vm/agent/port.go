// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A port is the guest's end of the virtio-serial channel. Its descriptor is
// non-blocking and never enters Go's poller, which must not share it with
// anyone (the driver wakes waiters in ways that epoll users miss): each side waits
// in poll(2) on a thread of its own. One goroutine may read and another write.
type port struct {
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
		return &port{fd}, nil
	}
	return nil, fmt.Errorf("find the channel to the host: no virtio-serial port is named %q (there are: %s): start QEMU with a virtserialport of that name",
		name, strings.Join(seen, ", "))
}

// Read returns io.EOF when the host has gone away; [port.waitHost] then waits
// for the next one.
func (p *port) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(p.fd, b)
		switch {
		case n > 0:
			return n, nil
		case err == unix.EAGAIN:
			if _, err := p.poll(unix.POLLIN, -1); err != nil {
				return 0, err
			}
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("read from the channel: %w", err)
		case len(b) == 0:
			return 0, nil
		default:
			return 0, io.EOF
		}
	}
}

// Write sends all of b, or fails with errHostAway.
func (p *port) Write(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		n, err := unix.Write(p.fd, b[sent:])
		switch {
		case n > 0:
			sent += n
		case err == unix.EAGAIN:
			ev, err := p.poll(unix.POLLOUT, -1)
			if err != nil {
				return sent, err
			}
			if ev&unix.POLLHUP != 0 {
				return sent, errHostAway
			}
		case err == unix.EINTR:
		case err == unix.EPIPE, err == unix.ENODEV:
			return sent, errHostAway
		case err != nil:
			return sent, fmt.Errorf("write to the channel: %w", err)
		}
	}
	return sent, nil
}

// Close does nothing: a wire.Conn lives as long as one host, the port longer.
func (p *port) Close() error { return nil }

// waitHost returns once a host is connected. The driver offers no way to
// block for that: poll(2) returns at once with POLLHUP until then.
func (p *port) waitHost() error {
	for {
		ev, err := p.poll(0, 0)
		if err != nil {
			return err
		}
		if ev&unix.POLLHUP == 0 {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// drain throws away what has arrived, to find the start of a frame again
// after garbage: the host sends its next Hello only after it has seen an answer or lost patience.
func (p *port) drain() {
	var b [4096]byte
	for {
		if n, err := unix.Read(p.fd, b[:]); n <= 0 && err != unix.EINTR {
			return
		}
	}
}

func (p *port) poll(events int16, timeout int) (int16, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(p.fd), Events: events}}
		_, err := unix.Poll(fds, timeout)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("poll the channel: %w", err)
		default:
			return fds[0].Revents, nil
		}
	}
}
