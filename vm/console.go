// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Line is one line of a guest's console.
type Line struct {
	// Text is the line without its end; bytes that are no text are kept.
	Text string
	// Guest is the time that printk put before the line, counted from the
	// kernel's start; valid only where HasTime is set.
	Guest   time.Duration
	HasTime bool
}

// Console reads a guest's serial console, always and at once: a UART that
// nobody empties stops the kernel that prints on it.
type Console struct {
	pipe *os.File
	log  io.Writer // may be nil

	mu      sync.Mutex
	partial []byte
	tail    []string // the last lines, at most consoleTail
	panicAt string   // the panic's line
	paniced chan struct{}
	booted  bool
	up      chan struct{} // closed when the kernel starts its init
	subs    map[int]func(Line)
	nextSub int
	logErr  error
	ended   bool
	done    chan struct{} // closed at the end of the stream
}

const (
	consoleTail = 2000
	maxLine     = 4096
	// consoleAhead is how many bytes of the console fit between QEMU and a
	// reader that is late. It is what an unprivileged process may ask for by
	// default (/proc/sys/fs/pipe-max-size).
	consoleAhead = 1 << 20
)

// consolePipe returns both ends of what carries a console's bytes. The
// kernel waits for its UART for 10 ms per character and then prints on, into a
// full buffer if need be (wait_for_xmitr in drivers/tty/serial/8250), so
// what is full for longer loses text. QEMU writes byte by byte. A pipe packs
// those into pages, where a socket would spend a buffer of its own on each and
// be full after some 300.
func consolePipe() (near, far *os.File, err error) {
	near, far, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe for the console: %w", err)
	}
	raw, err := near.SyscallConn()
	if err != nil {
		near.Close()
		far.Close()
		return nil, nil, fmt.Errorf("make a pipe for the console: %w", err)
	}
	raw.Control(func(fd uintptr) {
		for size := consoleAhead; size > 64<<10; size /= 2 {
			if _, err := unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size); err == nil {
				break // else a smaller one has to do: the user has many pipes
			}
		}
	})
	return near, far, nil
}

// newConsole starts reading the near end of a consolePipe. Lines also go to
// log, if it is not nil, as they come.
func newConsole(pipe *os.File, log io.Writer) (*Console, error) {
	c := &Console{pipe: pipe, log: log, subs: make(map[int]func(Line)),
		paniced: make(chan struct{}), up: make(chan struct{}), done: make(chan struct{})}
	raw, err := pipe.SyscallConn()
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(c.done)
		raw.Read(func(fd uintptr) bool { return c.pump(fd) })
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.partial) > 0 {
			c.line()
		}
	}()
	return c, nil
}

// pump reads what is there without waiting, and tells whether the stream has ended.
func (c *Console) pump(fd uintptr) (ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var buf [16 << 10]byte
	for !c.ended {
		n, err := unix.Read(int(fd), buf[:]) // os.Pipe made it non-blocking
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return false
		case err != nil || n == 0:
			c.ended = true
		default:
			c.take(buf[:n])
		}
	}
	return true
}

// Sync takes in everything that QEMU has written so far. Whoever has just
// received a message of the channel calls it to have all lines that the kernel
// printed before that message was sent.
func (c *Console) Sync() {
	if raw, err := c.pipe.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { c.pump(fd) })
	}
}

// take splits bytes into lines. c.mu is held.
func (c *Console) take(p []byte) {
	if c.log != nil && c.logErr == nil {
		if _, err := c.log.Write(p); err != nil {
			c.logErr = err // keep draining: the guest must not wait for our disk
		}
	}
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			i = len(p)
		}
		room := maxLine - len(c.partial)
		if i > room {
			c.partial = append(c.partial, p[:room]...)
			p = p[room:]
			c.line()
			continue
		}
		c.partial = append(c.partial, p[:i]...)
		if i == len(p) {
			return
		}
		p = p[i+1:]
		c.line()
	}
}

// line publishes c.partial. c.mu is held.
func (c *Console) line() {
	text := strings.TrimRight(string(c.partial), "\r")
	c.partial = c.partial[:0]
	l := Line{Text: text}
	l.Guest, l.HasTime = printkTime(text)
	if len(c.tail) == consoleTail {
		c.tail = append(c.tail[:0], c.tail[consoleTail/2:]...)
	}
	c.tail = append(c.tail, text)
	if c.panicAt == "" && isPanic(text) {
		c.panicAt = text
		close(c.paniced)
	}
	if !c.booted && strings.Contains(text, initMark) {
		c.booted = true
		close(c.up)
	}
	for _, f := range c.subs {
		f(l)
	}
}

// initMark is in the line that the kernel prints when it starts PID 1 (init/main.c).
const initMark = "as init process"

// isPanic recognises the first line of a panic (kernel/panic.c).
func isPanic(line string) bool { return strings.Contains(line, "Kernel panic - not syncing") }

// printkTime parses the prefix "[    1.234567] " of CONFIG_PRINTK_TIME.
func printkTime(line string) (time.Duration, bool) {
	if !strings.HasPrefix(line, "[") {
		return 0, false
	}
	stamp, _, ok := strings.Cut(line[1:], "]")
	sec, usec, dot := strings.Cut(strings.TrimSpace(stamp), ".")
	if !ok || !dot || len(usec) != 6 {
		return 0, false
	}
	s, err1 := strconv.ParseUint(sec, 10, 32)
	us, err2 := strconv.ParseUint(usec, 10, 32)
	if err1 != nil || err2 != nil {
		return 0, false
	}
	return time.Duration(s)*time.Second + time.Duration(us)*time.Microsecond, true
}

// Subscribe calls f with every further line, until the returned function is
// called. Calls are made one after the other on the reading goroutine: f must
// not block and must not call methods of the Console.
func (c *Console) Subscribe(f func(Line)) (cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.nextSub
	c.nextSub++
	c.subs[id] = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subs, id)
	}
}

// Tail returns the last n lines, or as many as are kept.
func (c *Console) Tail(n int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = min(n, len(c.tail))
	return append([]string(nil), c.tail[len(c.tail)-n:]...)
}

// Panicked is closed when the kernel prints a panic.
func (c *Console) Panicked() <-chan struct{} { return c.paniced }

// Up is closed when the kernel starts its first process: the guest came up.
func (c *Console) Up() <-chan struct{} { return c.up }

// panicLine returns the panic's line, or "".
func (c *Console) panicLine() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.panicAt
}

// LogError returns why the console's log is incomplete, or nil.
func (c *Console) LogError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.logErr == nil {
		return nil
	}
	return infra("write the console's log", fmt.Errorf("%w (the guest went on)", c.logErr))
}
