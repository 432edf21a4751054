// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/vm/probe"
	"github.com/ringproof/ringproof/vm/wire"
)

// selfExe is what workers are started from. It stays valid when the file is gone.
const selfExe = "/proc/self/exe"

// channel is the stream to the host, a *port.
type channel interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	Close() error
	waitHost() error
	drain()
}

// A guest is PID 1. Its state belongs to the goroutine that runs serve;
// everything else reaches it as an event.
type guest struct {
	sys    system
	ch     channel
	port   *port // ch, where it is real: its descriptor survives an exec
	events chan any
	out    *outbox
	sched  *scheduler
	carry  handover
	// foreign is the process of an Exec that is under way; nil for none.
	foreign *foreign

	settings wire.Settings // what is in force
	trace    *tracing
	traceErr error // why there are no probes though they were asked for
	info     *wire.GuestInfo
	buildID  func() string
}

// Events of the channel.
type (
	hostSaid struct {
		conn *wire.Conn
		msg  any
	}
	hostLeft struct {
		conn *wire.Conn
		err  error
	}
	hostPushed struct {
		conn   *wire.Conn
		binary *pushed
	}
)

func initMain() {
	boottime := bootClock()
	// PID 1 waits in Go's poller. With a single P its goroutines hand over to
	// each other without waking threads, which is dear under emulation.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(128 << 20)
	g := &guest{sys: linux{}, events: make(chan any, 256)}
	defer g.powerOff() // PID 1 must not return
	defer g.rescue()

	carry, err := readHandover(os.Getenv(pushedEnv))
	if err != nil || carry.Port < 0 {
		carry = handover{Boot: boottime, Port: -1, BuildID: os.Getenv(buildEnv)}
		complaints, err := mountAll(g.sys)
		complaints = append(complaints, writeSysctls(g.sys, false, 1)...)
		for _, c := range complaints {
			g.console("%s", c)
		}
		if err != nil {
			g.console("%v", err)
			return
		}
	} else {
		remount(g.sys)
	}
	os.Unsetenv(pushedEnv)
	g.carry = carry
	g.buildID = identify(carry.BuildID)
	if carry.Port >= 0 {
		unix.CloseOnExec(carry.Port)
		g.port, err = newPort(carry.Port)
	} else {
		g.port, err = openPort("/sys", "/dev", wire.PortName)
	}
	if err != nil {
		g.console("%v", err)
		return
	}
	g.ch = g.port
	g.out = newOutbox()
	g.sched = newScheduler(selfExe, g.post, g.answer, g.log)
	g.sched.notice = func(text string) { g.out.send(&wire.Log{Text: text, Notice: true}) }
	g.spawn(g.reap)
	g.spawn(g.out.run)
	g.spawn(g.listen)
	g.serve()
}

func bootClock() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}

func (g *guest) post(ev any) { g.events <- ev }

// spawn runs f in a goroutine whose panic ends the guest in good order.
func (g *guest) spawn(f func()) {
	go func() {
		defer g.rescue()
		f()
	}()
}

// rescue is deferred in every goroutine of PID 1: a panic that escaped would
// make the kernel panic and look like the kernel's fault.
func (g *guest) rescue() {
	v := recover()
	if v == nil {
		return
	}
	text := fmt.Sprintf("the agent panicked: %v\n%s", v, debug.Stack())
	g.console("%s", text)
	if g.out != nil {
		told := make(chan struct{})
		go func() { g.out.last(&wire.Fault{Text: text}); close(told) }()
		select {
		case <-told:
		case <-time.After(2 * time.Second):
		}
	}
	g.powerOff()
}

func (g *guest) powerOff() {
	if err := g.sys.PowerOff(); err != nil {
		g.console("power off: %v", err)
	}
	select {} // never return from PID 1
}

// console writes a line to the guest's console.
func (g *guest) console(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "ringproof: "+format+"\n", args...)
}

// log sends a line to the host.
func (g *guest) log(format string, args ...any) {
	g.out.send(&wire.Log{Text: fmt.Sprintf(format, args...)})
}

func (g *guest) answer(m *wire.Ran) { g.out.send(m) }

// serve is PID 1's life.
func (g *guest) serve() {
	timer := time.NewTimer(time.Hour)
	clock := newPatientClock(time.Now)
	g.sched.now = clock.look
	for {
		wait := time.Hour
		if t := g.sched.next(); !t.IsZero() {
			wait = min(max(t.Sub(clock.look()), 0), lookEvery)
		}
		timer.Reset(wait)
		select {
		case ev := <-g.events:
			clock.look()
			g.handle(ev)
		case <-timer.C:
			g.sched.tick(clock.look())
		}
	}
}

func (g *guest) handle(ev any) {
	switch ev := ev.(type) {
	case hostSaid:
		g.heard(ev.conn, ev.msg)
	case hostLeft:
		g.out.detach(ev.conn)
		var bad *wire.FrameError
		if errors.As(ev.err, &bad) {
			g.console("the host sent no valid message: %v", ev.err)
		}
	case hostPushed:
		g.become(ev.conn, ev.binary)
	case execEnded:
		g.foreign = nil
		if !ev.e.orphan {
			g.out.send(ev.answer)
		}
	case childExited:
		if e := g.foreign; e != nil && e.pid == ev.pid {
			e.ended <- ev.status
			return
		}
		g.sched.handle(ev)
	default:
		g.sched.handle(ev)
	}
}

func (g *guest) heard(conn *wire.Conn, msg any) {
	switch m := msg.(type) {
	case *wire.Hello:
		g.hello(conn, m)
	case *wire.Run:
		g.sched.submit(m)
	case *wire.Ping:
		g.out.send(&wire.Pong{Nonce: m.Nonce})
	case *wire.Pong:
	case *wire.Shell:
		g.shell(m.Line)
	case *wire.Copy:
		g.copy(m)
	case *wire.Exec:
		g.exec(m)
	case *wire.PowerOff:
		g.powerOff()
	case *wire.Log:
		g.console("host: %s", m.Text)
	case *wire.Fault:
		g.console("host gave up: %s", m.Text)
	default:
		g.log("the guest has no use for a %T", msg)
	}
}

// hello prepares what the host wants and answers. Runs of an earlier host are forgotten.
func (g *guest) hello(conn *wire.Conn, m *wire.Hello) {
	g.out.attach(conn)
	g.sched.abandon()
	if g.foreign != nil {
		g.foreign.orphan = true
		g.foreign.kill()
	}
	if m.Version != wire.Version {
		// Such a host can only push its own build: tell it what this one is.
		g.out.send(&wire.Hello{Version: wire.Version, BuildID: g.buildID(), Nonce: m.Nonce})
		return
	}
	want := g.settings
	if m.Settings != nil {
		want = *m.Settings
	}
	if want.TimeScale <= 0 {
		want.TimeScale = 1
	}
	if g.info == nil || want != g.settings {
		g.configure(want)
	}
	info := *g.info
	info.Boot = g.carry.Boot
	info.Ready = bootClock()
	if g.trace != nil {
		info.Probes, info.Missing = g.trace.tracer.Attached(), g.trace.tracer.Missing()
		info.Noise, info.Silent = g.trace.tracer.Noise()
	} else if g.traceErr != nil {
		info.Missing = []string{"all: " + g.traceErr.Error()}
	}
	g.out.send(&wire.Hello{Version: wire.Version, BuildID: g.buildID(), Guest: &info, Nonce: m.Nonce})
}

// configure loads the probes anew and starts workers that use them.
func (g *guest) configure(want wire.Settings) {
	g.sched.shutdown()
	if g.trace != nil {
		if err := g.trace.stop(); err != nil {
			g.log("detach the probes: %v", err)
		}
		g.trace = nil
	}
	for _, c := range writeSysctls(g.sys, true, want.TimeScale) {
		g.log("%s", c)
	}
	described := make(chan wire.GuestInfo, 1)
	if g.info == nil {
		g.spawn(func() { described <- describeGuest(selfExe, want.TimeScale) })
	}
	g.traceErr = nil
	if want.Probes {
		g.trace, g.traceErr = startTracing(probe.Options{Profile: want.Profile, RingBytes: want.RingBytes, Noise: want.Noise})
	}
	if g.info == nil {
		info := <-described
		g.info = &info
	}
	g.settings = want
	g.sched.configure(g.trace, want.TimeScale)
}

// framePatience bounds how long a frame of the host may take; the host writes it at once.
const framePatience = 5 * time.Second

// listen receives from one host after the other.
func (g *guest) listen() {
	for {
		if err := g.ch.waitHost(); err != nil {
			panic(err)
		}
		g.attend()
	}
}

// attend receives from the host that is connected, until it goes away or
// what comes of it is damaged.
func (g *guest) attend() {
	conn := wire.NewConn(g.ch)
	conn.SetPatience(framePatience)
	err := g.listenTo(conn)
	var bad *wire.FrameError
	if errors.As(err, &bad) {
		// The host waits for an answer to what did not arrive: silence would
		// look like a kernel that hangs.
		_ = conn.Send(&wire.Fault{Text: fmt.Sprintf("a message of the host did not arrive whole: %v", err)})
	}
	g.post(hostLeft{conn, err})
	if bad != nil {
		g.ch.drain()
	}
}

func (g *guest) listenTo(conn *wire.Conn) error {
	var in incoming
	for {
		msg, err := conn.Recv()
		if err != nil {
			in.abort()
			return err
		}
		binary, mine, err := in.take(msg)
		switch {
		case err != nil:
			// The host waits for PushDone and gets a Fault instead.
			if e := conn.Send(&wire.Fault{Text: err.Error()}); e != nil {
				return e
			}
		case binary != nil:
			// Nothing more may be read: it is for the new binary.
			g.post(hostPushed{conn, binary})
			<-binary.failed
		case !mine:
			g.post(hostSaid{conn, msg})
		}
	}
}

// reap waits for children, PID 1's own and orphans, and posts their ends.
func (g *guest) reap() {
	sig := make(chan os.Signal, 16)
	signal.Notify(sig, unix.SIGCHLD)
	for range sig {
		for {
			var ws unix.WaitStatus
			pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
			if err == unix.EINTR {
				continue
			}
			if pid <= 0 {
				break
			}
			g.post(childExited{pid, ws})
		}
	}
}
