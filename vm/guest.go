// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/ringproof/ringproof/vm/wire"
)

// Guest is a machine whose agent answers. Its methods are safe for concurrent use.
type Guest struct {
	body     body
	conn     *wire.Conn
	timeouts Timeouts
	decode   decoder
	log      func(*wire.Log)
	clock    *guestClock
	info     *wire.GuestInfo
	buildID  string // of the agent
	slots    *slots
	unwatch  func()

	out    chan any         // to the writer
	hellos chan *wire.Hello // from the reader
	pushed chan *wire.PushDone
	shell  chan *wire.ShellOutput
	shells chan struct{} // holds a token: one Shell at a time
	copied chan *wire.Copied
	copies chan struct{} // likewise for Copy

	mu                sync.Mutex
	calls             map[uint64]*call
	stray             []string  // console lines that came while no program was outstanding
	spoke             time.Time // when the console's last line came
	nextID            uint64
	heard             time.Duration // by clock, when the last message came, or the first call went out
	served            time.Duration // by clock, when the last call was answered, or the first one went out
	beating, checking bool          // watch's questions that are on their way
	pongs             map[uint64]chan struct{}
	failure           error
	down              chan struct{} // closed once failure is set
}

// body is what a Guest needs of its [Machine].
type body interface {
	Console() *Console
	Done() <-chan struct{}
	Exit() Exit
	Registers(context.Context) (string, error)
	Close()
	signs() signs
}

// newGuest takes over a machine and its channel. No message is sent yet.
func newGuest(b body, channel net.Conn, t Timeouts, window int, log func(*wire.Log)) *Guest {
	if log == nil {
		log = func(*wire.Log) {}
	}
	g := &Guest{
		body: b, conn: wire.NewHostConn(channel), timeouts: t, decode: decodeEvents, log: log,
		clock: newGuestClock(), slots: newSlots(window), out: make(chan any), hellos: make(chan *wire.Hello, 1),
		pushed: make(chan *wire.PushDone, 1),
		shell:  make(chan *wire.ShellOutput, 1), shells: make(chan struct{}, 1),
		copied: make(chan *wire.Copied, 1), copies: make(chan struct{}, 1),
		calls: make(map[uint64]*call), pongs: make(map[uint64]chan struct{}),
		down: make(chan struct{}),
	}
	g.conn.SetPatience(t.Frame)
	g.unwatch = b.Console().Subscribe(g.consoleLine)
	go g.read()
	go g.write()
	go g.watch()
	return g
}

// Info is what the agent said about itself and its kernel.
func (g *Guest) Info() *wire.GuestInfo { return g.info }

// Console returns the machine's console.
func (g *Guest) Console() *Console { return g.body.Console() }

// Down is closed when the guest is of no more use; Err says why.
func (g *Guest) Down() <-chan struct{} { return g.down }

// Err returns why the guest is of no more use, or nil: a *GuestError or an *InfraError.
func (g *Guest) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failure
}

// Close kills the guest. Calls in progress return an error. It may be called more than once.
func (g *Guest) Close() {
	g.fail(infra("use the guest", errClosed))
	g.body.Close()
	g.conn.Close()
	g.unwatch()
}

// PowerOff asks the guest to power itself off and waits for its end, which it
// hastens where the guest takes too long. It is for those who want the guest
// to end in order; Close is faster.
func (g *Guest) PowerOff(ctx context.Context) {
	defer g.Close()
	if g.send(ctx, &wire.PowerOff{}) != nil {
		return
	}
	late, release := g.clock.after(g.timeouts.Ping)
	defer release()
	select {
	case <-g.body.Done():
	case <-g.down:
	case <-ctx.Done():
	case <-late:
	}
}

// fail ends the guest's use with the first error that it gets.
func (g *Guest) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure == nil {
		g.failure = err
		close(g.down)
	}
}

// failGuest is fail for the kernel's or the agent's doing; it ends the machine.
func (g *Guest) failGuest(kind GuestErrorKind, detail, registers string) {
	g.body.Console().Sync()
	g.fail(&GuestError{Kind: kind, Detail: detail, Registers: registers, Console: g.body.Console().Tail(lastLines)})
	go g.body.Close()
}

// lastLines is how much of the console goes into an error that is not about one program.
const lastLines = 60

// send hands a message to the writer.
func (g *Guest) send(ctx context.Context, msg any) error {
	select {
	case g.out <- msg:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-g.down:
		return g.Err()
	}
}

// write is the only sender: a guest that does not read blocks it and nobody else.
func (g *Guest) write() {
	for {
		select {
		case msg := <-g.out:
			if err := g.conn.Send(msg); err != nil {
				g.channelEnded(err)
				return
			}
		case <-g.down:
			return
		}
	}
}

// read is the only receiver.
func (g *Guest) read() {
	for {
		msg, err := g.conn.Recv()
		if err != nil {
			g.channelEnded(err)
			return
		}
		g.mu.Lock()
		g.heard, _ = g.clock.read()
		g.mu.Unlock()
		switch m := msg.(type) {
		case *wire.Ran:
			g.ran(m)
		case *wire.Log:
			g.log(m)
		case *wire.Pong:
			g.mu.Lock()
			if c := g.pongs[m.Nonce]; c != nil {
				close(c)
				delete(g.pongs, m.Nonce)
			}
			g.mu.Unlock()
		case *wire.Ping:
			go g.send(context.Background(), &wire.Pong{Nonce: m.Nonce})
		case *wire.ShellOutput:
			deliver(g.shell, m)
		case *wire.Copied:
			deliver(g.copied, m)
		case *wire.Execed:
			g.execed(m)
		case *wire.Hello:
			deliver(g.hellos, m)
		case *wire.PushDone:
			deliver(g.pushed, m)
		case *wire.Fault:
			g.failGuest(GuestFault, m.Text, "")
			return
		}
	}
}

// deliver puts v into a channel of size one in place of what nobody took.
func deliver[T any](c chan T, v T) {
	for {
		select {
		case c <- v:
			return
		default:
		}
		select {
		case <-c:
		default:
		}
	}
}

// channelEnded finds out what the end of the channel means.
func (g *Guest) channelEnded(err error) {
	var fe *wire.FrameError
	if errors.As(err, &fe) {
		if fe.Op == "send" {
			g.fail(infra("send to the guest", err))
			return
		}
		g.failGuest(GuestGarbage, err.Error(), "")
		return
	}
	// Only QEMU closes the channel, and only by going away.
	timer := time.NewTimer(g.timeouts.Die)
	defer timer.Stop()
	select {
	case <-g.body.Done():
		g.fail(g.body.Exit().asError(g.body.Console().Tail(lastLines)))
	case <-g.down:
	case <-timer.C:
		g.fail(infra("use the guest", fmt.Errorf("the channel broke while QEMU goes on: %w", err)))
	}
}

// watch notices a guest that dies or falls silent.
func (g *Guest) watch() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	panicked := g.body.Console().Panicked()
	for {
		select {
		case <-g.down:
			return
		case <-g.body.Done():
			g.fail(g.body.Exit().asError(g.body.Console().Tail(lastLines)))
			return
		case <-panicked:
			// It reboots, which ends QEMU; but a panic may get stuck.
			panicked = nil
			timer := time.AfterFunc(g.timeouts.Die, func() { g.failGuest(GuestPanicked, "it did not get as far as the reboot", "") })
			defer timer.Stop()
		case <-tick.C:
			g.clock.look(time.Now(), g.body.signs())
			if d := g.clock.stopped(); d > g.timeouts.Stopped {
				g.fail(stoppedError(d))
				go g.body.Close()
				return
			}
			g.beat()
			had, _ := g.clock.read()
			if late := g.overdue(had); late != "" && panicked != nil && g.check() {
				go g.checkAlive(late) // the clock must go on meanwhile
			}
		}
	}
}

// stoppedError says that somebody stopped QEMU and does not let it go on.
func stoppedError(d time.Duration) error {
	return &InfraError{Op: "use the guest", Err: fmt.Errorf("QEMU has been stopped for %v by a signal or a debugger", d.Round(time.Second)),
		Hint: "find out who stops it, and run again"}
}

// beat pings an agent that was not heard for a while though programs are
// outstanding: only the next message shows that one was lost on its way.
func (g *Guest) beat() {
	had, _ := g.clock.read()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.calls) == 0 || g.beating || had-g.heard < g.timeouts.Beat {
		return
	}
	g.beating = true
	go func() {
		_ = g.Ping(context.Background())
		g.mu.Lock()
		defer g.mu.Unlock()
		g.beating = false
	}()
}

// overdue tells what the guest should have answered by now, or "".
func (g *Guest) overdue(had time.Duration) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var longest time.Duration
	for _, c := range g.calls {
		longest = max(longest, c.deadline)
	}
	if len(g.calls) == 0 || g.conn.Receiving() {
		return ""
	}
	if silent := had - g.served; silent > longest+g.timeouts.Overtime {
		return fmt.Sprintf("no answer for %v with %d programs outstanding", silent.Round(time.Millisecond), len(g.calls))
	}
	return ""
}

// check tells whether nobody checks on the agent yet, who then does.
func (g *Guest) check() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.checking
	g.checking = true
	return first
}

// aliveOvertime is how many times the usual overtime an agent gets that still
// answers: what it collects about a hang goes over a console, which a busy host makes slow.
const aliveOvertime = 4

// had is the time that the guest had so far.
func (g *Guest) had() time.Duration {
	had, _ := g.clock.read()
	return had
}

// checkAlive asks an agent that is late for a sign of life. One that answers
// and still does not deliver has lost a program, and is given up as well.
func (g *Guest) checkAlive(late string) {
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.checking = false
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	patience, release := g.clock.after(g.timeouts.Ping)
	defer release()
	go func() {
		select {
		case <-patience:
			cancel()
		case <-ctx.Done():
		}
	}()
	before := g.outstanding()
	err := g.Ping(ctx)
	if g.Err() != nil {
		return
	}
	detail := late + ", and no answer to a ping"
	if err == nil {
		if g.outstanding() < before || g.overdue(g.had()-(aliveOvertime-1)*g.timeouts.Overtime) == "" {
			return
		}
		detail = late + "; the agent answers pings, but its programs do not end"
	}
	rctx, rcancel := context.WithTimeout(context.Background(), g.timeouts.Monitor)
	defer rcancel()
	regs, _ := g.body.Registers(rctx)
	g.failGuest(GuestSilent, detail, regs)
}

func (g *Guest) outstanding() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls)
}

// Ping waits until the agent gives a sign of life.
func (g *Guest) Ping(ctx context.Context) error {
	nonce := newNonce()
	answered := make(chan struct{})
	g.mu.Lock()
	g.pongs[nonce] = answered
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		delete(g.pongs, nonce)
		g.mu.Unlock()
	}()
	if err := g.send(ctx, &wire.Ping{Nonce: nonce}); err != nil {
		return err
	}
	select {
	case <-answered:
		return nil
	case <-g.down:
		return g.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shell runs one command line of the agent's shell. One runs at a time. The
// error of the command itself is part of the output's Err.
func (g *Guest) Shell(ctx context.Context, line string) (*wire.ShellOutput, error) {
	select {
	case g.shells <- struct{}{}:
		defer func() { <-g.shells }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-g.shell: // an answer that came too late for the last caller
	default:
	}
	if err := g.send(ctx, &wire.Shell{Line: line}); err != nil {
		return nil, err
	}
	select {
	case out := <-g.shell:
		return out, nil
	case <-g.down:
		return nil, g.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hello greets the agent and waits for its answer to this very greeting:
// whatever an agent said to an earlier host is passed over.
func (g *Guest) hello(ctx context.Context, own wire.Hello, bound time.Duration) (*wire.Hello, error) {
	own.Nonce = newNonce()
	late, release := g.clock.after(bound)
	defer release()
	if err := g.send(ctx, &own); err != nil {
		return nil, err
	}
	for {
		select {
		case h := <-g.hellos:
			if h.Nonce != own.Nonce {
				continue
			}
			if h.Version != wire.Version && h.BuildID == own.BuildID {
				return nil, &GuestError{Kind: GuestGarbage,
					Detail: fmt.Sprintf("the agent is of this build but speaks version %d, not %d", h.Version, wire.Version)}
			}
			return h, nil
		case <-g.down:
			return nil, g.Err()
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-late:
			return nil, &GuestError{Kind: GuestSilent, Detail: fmt.Sprintf("no hello from the agent within %v", bound),
				Console: g.body.Console().Tail(lastLines)}
		}
	}
}

// pushChunk is the size of a piece of the executable on its way.
const pushChunk = 256 << 10

// push sends an executable whose SHA-256 is sum. The agent checks it and
// executes it in its place.
func (g *Guest) push(ctx context.Context, path, sum string) error {
	f, err := os.Open(path)
	if err != nil {
		return infra("push the agent", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return infra("push the agent", err)
	}
	if err := g.send(ctx, &wire.Push{Size: st.Size(), SHA256: sum}); err != nil {
		return err
	}
	for left := st.Size(); left > 0; {
		data := make([]byte, min(left, pushChunk))
		if _, err := io.ReadFull(f, data); err != nil {
			return infra("push the agent", fmt.Errorf("read %s: %w", path, err))
		}
		if err := g.send(ctx, &wire.PushData{Data: data}); err != nil {
			return err
		}
		left -= int64(len(data))
	}
	return nil
}

// awaitPushed returns the checksum of what the agent received.
func (g *Guest) awaitPushed(ctx context.Context, bound time.Duration) (string, error) {
	late, release := g.clock.after(bound)
	defer release()
	select {
	case m := <-g.pushed:
		return m.SHA256, nil
	case <-g.down:
		return "", g.Err()
	case <-ctx.Done():
		return "", ctx.Err()
	case <-late:
		return "", &GuestError{Kind: GuestSilent, Detail: fmt.Sprintf("no answer to a push within %v", bound),
			Console: g.body.Console().Tail(lastLines)}
	}
}

func newNonce() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}
