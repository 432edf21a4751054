// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Config describes a machine.
type Config struct {
	// QEMU is what [FindQEMU] returned.
	QEMU *QEMU
	// Accel is KVM or TCG: resolve a user's wish with [ChooseAccel].
	Accel Accel
	// Kernel is a bzImage, Initramfs a cpio archive, both by path.
	Kernel    string
	Initramfs string
	// InitramfsBuild is the hex SHA-256 of the initramfs's /init. "" is
	// always right: then the agent computes it, which takes a moment.
	InitramfsBuild string
	// CPUs is the number of virtual CPUs; 0 is 2.
	CPUs int
	// MemMB is the guest's memory in MiB; 0 is 512.
	MemMB int
	// KernelArgs are further words of the kernel's command line.
	KernelArgs []string
	// Slowdown is how much slower than a plain kernel this one is: it
	// stretches every bound on what the guest does. Below 1 counts as 1.
	Slowdown float64
	// CacheDir is shared by all processes that boot guests; it holds the lock
	// that serialises boots under emulation. "" is no serialisation.
	CacheDir string
	// ConsoleLog gets the console's bytes as they come; may be nil. An error
	// of it does not stop the guest: see [Console.LogError].
	ConsoleLog io.Writer
	// GDB is the address for gdb's stub, such as "127.0.0.1:1234"; "" is none.
	GDB string
	// Meddler breaks things in tests; nil leaves them whole.
	Meddler Meddler
}

func (c *Config) complete() (err error) {
	if c.QEMU == nil {
		return infra("start QEMU", errors.New("no QEMU given"))
	}
	if c.Accel != KVM && c.Accel != TCG {
		return infra("start QEMU", fmt.Errorf("accelerator %q is not resolved", c.Accel))
	}
	if c.CPUs == 0 {
		c.CPUs = 2
	}
	if c.MemMB == 0 {
		c.MemMB = 512
	}
	for _, p := range []*string{&c.Kernel, &c.Initramfs} {
		if *p == "" {
			continue
		}
		if *p, err = filepath.Abs(*p); err == nil {
			_, err = os.Stat(*p)
		}
		if err != nil {
			return infra("start QEMU", err)
		}
	}
	if c.Kernel == "" {
		return infra("start QEMU", errors.New("no kernel given"))
	}
	return nil
}

// Timeouts returns the bounds that hold for this machine.
func (c *Config) Timeouts() Timeouts { return NewTimeouts(c.Accel, c.Slowdown) }

// Machine is a running QEMU. Its methods are safe for concurrent use.
type Machine struct {
	cfg      Config
	timeouts Timeouts
	proc     *process
	mon      *monitor
	console  *Console
	channel  *net.UnixConn
	boot     *bootLock
	started  time.Time

	closeOnce sync.Once
	closed    chan struct{} // closed when this side ends the machine

	done chan struct{} // closed once exit is set
	exit Exit
}

var errClosed = errors.New("the machine was closed")

// Start boots a machine. Under emulation it first waits until no other boot
// is under way; call [Machine.Booted] once the guest is up to let the next one begin.
//
// The machine is killed when ctx is done, however long after Start that is.
func Start(ctx context.Context, cfg Config) (*Machine, error) {
	var lock *bootLock
	if cfg.Accel != KVM {
		var err error
		if lock, err = lockBoot(ctx, cfg.CacheDir); err != nil {
			return nil, err
		}
	}
	return start(ctx, cfg, lock, nil)
}

// start starts QEMU, to boot or to load state from a file. It owns lock.
func start(ctx context.Context, cfg Config, lock *bootLock, state *os.File) (m *Machine, err error) {
	defer func() {
		if err != nil {
			lock.release()
		}
	}()
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	m = &Machine{cfg: cfg, timeouts: cfg.Timeouts(), boot: lock,
		closed: make(chan struct{}), done: make(chan struct{})}

	dir, err := newSocketDir(os.TempDir())
	if err != nil {
		return nil, infra("start QEMU", err)
	}
	defer dir.remove()
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	consoleEnd, f, err := consolePipe()
	if err != nil {
		return nil, infra("start QEMU", err)
	}
	files = append(files, f)
	m.channel, f, err = socketPair("channel")
	if err != nil {
		consoleEnd.Close()
		return nil, infra("start QEMU", err)
	}
	files = append(files, f)
	abandon := func(err error) (*Machine, error) {
		consoleEnd.Close()
		m.channel.Close()
		return nil, infra("start QEMU", err)
	}
	f, err = dir.ln.File()
	if err != nil {
		return abandon(err)
	}
	files = append(files, f)
	list := append(cfg.concerns(), agentBuild(cfg.InitramfsBuild))
	inherit := files
	if state != nil {
		list = append(list, incoming{fdIncoming})
		inherit = append(inherit[:len(inherit):len(inherit)], state)
	}
	m.started = time.Now()
	m.proc, err = spawn(cfg.QEMU.Path, commandLine(list), inherit)
	if err != nil {
		return abandon(err)
	}
	cfg.stage(StageStarted, m.proc.pid())
	// From here on the end of QEMU closes the console, and all else follows.
	for _, f := range files {
		f.Close()
	}
	files = nil
	if m.console, err = newConsole(consoleEnd, cfg.ConsoleLog); err != nil {
		m.proc.kill()
		return abandon(err)
	}
	dir.ln.Close() // ours; QEMU has its own
	m.mon, err = m.connectMonitor(ctx, dir.socket())
	go m.watch()
	if err != nil {
		m.Close()
		return nil, err
	}
	go func() {
		select {
		case <-ctx.Done():
			m.Close()
		case <-m.done:
		}
	}()
	return m, nil
}

// connectMonitor connects, unless QEMU ends first: then its last words are the error.
func (m *Machine) connectMonitor(ctx context.Context, path string) (*monitor, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-m.proc.done:
			cancel(errMonitorGone)
		case <-ctx.Done():
		}
	}()
	mon, err := dialMonitor(ctx, path, m.timeouts.Monitor)
	if err == nil {
		return mon, nil
	}
	wait := time.Duration(0)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EPIPE) {
		wait = time.Second // it is on its way out, and its last words say more
	}
	select {
	case <-time.After(wait):
	case <-m.proc.done:
	}
	select {
	case <-m.proc.done:
		x := classify(exitFacts{status: waitStatus(m.proc.state), said: m.proc.stderr.String()})
		return nil, infra("start QEMU", x.failure())
	default:
		return nil, infra("start QEMU", err)
	}
}

// watch waits for QEMU's end and says how it came about.
func (m *Machine) watch() {
	<-m.proc.done
	<-m.console.done
	facts := exitFacts{
		status:   waitStatus(m.proc.state),
		panicked: m.console.panicLine() != "",
		said:     m.proc.stderr.String(),
	}
	if m.mon != nil {
		// The socket is at its end: the remaining events come at once, unless
		// an unanswered command holds the listener up, which close releases.
		select {
		case <-m.mon.gone:
		case <-time.After(time.Second):
		}
		m.mon.close()
		facts.shutdown = m.mon.shutdownReason()
	}
	select {
	case <-m.closed:
		facts.closed = true
	default:
	}
	m.exit = classify(facts)
	m.boot.release()
	close(m.done)
}

// Close kills the machine and waits until it is gone. It may be called more
// than once and never fails.
func (m *Machine) Close() {
	m.closeOnce.Do(func() {
		select {
		case <-m.proc.done: // it went by itself, and its exit shall say so
		default:
			close(m.closed)
		}
		m.proc.kill()
		<-m.done
		m.channel.Close()
		m.console.pipe.Close()
	})
	<-m.done
}

// Done is closed when QEMU is gone and its console has been read to the end.
func (m *Machine) Done() <-chan struct{} { return m.done }

// Exit says how QEMU ended. It waits for that.
func (m *Machine) Exit() Exit {
	<-m.done
	return m.exit
}

// Booted says that the guest is up, so that the next one may boot.
func (m *Machine) Booted() { m.boot.release() }

// Console returns the machine's console.
func (m *Machine) Console() *Console { return m.console }

// Channel returns the host's end of the virtio-serial port.
func (m *Machine) Channel() net.Conn { return m.channel }

// PID returns QEMU's process ID.
func (m *Machine) PID() int { return m.proc.pid() }

// Age is the time since QEMU was started.
func (m *Machine) Age() time.Duration { return time.Since(m.started) }

// signs returns what the host knows of QEMU at the moment.
func (m *Machine) signs() signs { return signsOf("/proc", m.proc.pid()) }

// Registers returns the CPUs' registers as QEMU prints them.
func (m *Machine) Registers(ctx context.Context) (string, error) {
	text, err := m.mon.human(ctx, "info registers -a")
	if err != nil {
		return "", infra("read the guest's registers", err)
	}
	return text, nil
}
