// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// fakeBody stands in for a machine.
type fakeBody struct {
	console *Console
	tty     *os.File
	done    chan struct{}
	exit    Exit
	once    sync.Once
	mu      sync.Mutex
	state   signs
}

func (b *fakeBody) Console() *Console     { return b.console }
func (b *fakeBody) Done() <-chan struct{} { return b.done }
func (b *fakeBody) Exit() Exit            { <-b.done; return b.exit }
func (b *fakeBody) Close()                { b.end(Exit{Kind: ExitClosed}) }
func (b *fakeBody) Registers(context.Context) (string, error) {
	return "RIP=ffffffff81000000", nil
}

func (b *fakeBody) signs() signs {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

func (b *fakeBody) end(x Exit) {
	b.once.Do(func() { b.exit = x; close(b.done) })
}

// peer is the guest's side of a fake guest.
type peer struct {
	t    *testing.T
	conn *wire.Conn
	raw  net.Conn
	body *fakeBody
}

func fakeGuest(t *testing.T, window int) (*Guest, *peer) {
	t.Helper()
	return fakeGuestBounded(t, window, NewTimeouts(KVM, 1))
}

func fakeGuestBounded(t *testing.T, window int, bounds Timeouts) (*Guest, *peer) {
	t.Helper()
	host, guest := net.Pipe()
	console, tty := testConsole(t, nil)
	b := &fakeBody{console: console, tty: tty, done: make(chan struct{})}
	g := newGuest(b, host, bounds, window, nil)
	g.decode = func(raw []byte, run uint32) ([]cases.Event, error) {
		if string(raw) == "damaged" {
			return nil, errors.New("damaged")
		}
		return nil, nil
	}
	t.Cleanup(g.Close)
	t.Cleanup(func() { guest.Close() })
	return g, &peer{t, wire.NewConn(guest), guest, b}
}

// next returns the next message, which must be a *T.
func next[T any](p *peer) *T {
	p.t.Helper()
	msg, err := p.conn.Recv()
	if err != nil {
		p.t.Fatal(err)
	}
	m, ok := msg.(*T)
	if !ok {
		p.t.Fatalf("received %T, want %T", msg, m)
	}
	return m
}

func (p *peer) send(m any) {
	p.t.Helper()
	if err := p.conn.Send(m); err != nil {
		p.t.Error(err)
	}
}

type ranResult struct {
	out *cases.Outcome
	err error
}

func goRun(g *Guest, name string, o RunOptions) <-chan ranResult {
	c := make(chan ranResult, 1)
	go func() {
		out, err := g.Run(context.Background(), &cases.Program{Name: name}, o)
		c <- ranResult{out, err}
	}()
	return c
}

func TestRunAnswersOutOfOrder(t *testing.T) {
	g, p := fakeGuest(t, 4)
	a, b := goRun(g, "a", RunOptions{Deadline: time.Second}), goRun(g, "b", RunOptions{Coverage: true})
	for range 2 {
		m := next[wire.Run](p)
		if m.Program.Name == "a" && m.Deadline != time.Second || m.Program.Name == "b" && (!m.Coverage || m.Deadline != DefaultDeadline) {
			t.Errorf("sent %+v", m)
		}
		defer p.send(&wire.Log{Text: "no one listens"})
		go func() { // answers come in any order
			p.send(&wire.Ran{ID: m.ID, Outcome: cases.Outcome{End: cases.EndDone, Error: m.Program.Name}})
		}()
	}
	for name, c := range map[string]<-chan ranResult{"a": a, "b": b} {
		r := <-c
		if r.err != nil || r.out.Error != name {
			t.Errorf("run %s got %+v, %v", name, r.out, r.err)
		}
	}
}

// Coverage is unpacked where it was asked for, and nothing else of a guest passes for it.
func TestRunUnpacksCoverage(t *testing.T) {
	g, p := fakeGuest(t, 1)
	for _, asked := range []bool{false, true} {
		c := goRun(g, "a", RunOptions{Coverage: asked})
		m := next[wire.Run](p)
		p.send(&wire.Ran{ID: m.ID, Coverage: []byte{0, 2, 7, 0, 0, 0, 5, 0, 0, 0, 0, 0}, Outcome: cases.Outcome{Coverage: &cases.Coverage{PCs: []uint64{1}}}})
		r := <-c
		if r.err != nil {
			t.Fatal(r.err)
		}
		var want *cases.Coverage
		if asked {
			want = &cases.Coverage{PCs: []uint64{0xffffffff80000005, 0xffffffff80000007}, Edges: []uint32{}}
		}
		if d := cmp.Diff(want, r.out.Coverage); d != "" {
			t.Errorf("asked for: %v: %s", asked, d)
		}
	}
}

func TestWindowBoundsWhatIsOutstanding(t *testing.T) {
	g, p := fakeGuest(t, 2)
	var results []<-chan ranResult
	for i := range 5 {
		results = append(results, goRun(g, fmt.Sprint(i), RunOptions{}))
	}
	most := 0
	for range 5 {
		m := next[wire.Run](p)
		most = max(most, g.outstanding())
		p.send(&wire.Ran{ID: m.ID})
	}
	for _, r := range results {
		if r := <-r; r.err != nil {
			t.Error(r.err)
		}
	}
	if most > 2 {
		t.Errorf("%d programs were outstanding, the window is 2", most)
	}
}

func TestAloneMeansAlone(t *testing.T) {
	g, p := fakeGuest(t, 3)
	first := goRun(g, "first", RunOptions{})
	m := next[wire.Run](p)
	alone := goRun(g, "alone", RunOptions{Alone: true})
	p.body.tty.WriteString("of the first\n")
	p.send(&wire.Ran{ID: m.ID})
	if r := <-first; r.err != nil || !cmp.Equal(r.out.Console, []string{"of the first"}) {
		t.Errorf("first: %+v, %v", r.out, r.err)
	}
	m = next[wire.Run](p)
	if m.Program.Name != "alone" || g.outstanding() != 1 {
		t.Errorf("%s runs with %d outstanding", m.Program.Name, g.outstanding())
	}
	last := goRun(g, "last", RunOptions{})
	p.body.tty.WriteString("of the lonely\n")
	p.send(&wire.Ran{ID: m.ID})
	if r := <-alone; r.err != nil || !cmp.Equal(r.out.Console, []string{"of the lonely"}) {
		t.Errorf("alone: %+v, %v", r.out, r.err)
	}
	p.send(&wire.Ran{ID: next[wire.Run](p).ID})
	if r := <-last; r.err != nil || r.out.Console != nil {
		t.Errorf("last: %+v, %v", r.out, r.err)
	}
}

func TestConsoleLinesGoToAllSuspects(t *testing.T) {
	g, p := fakeGuest(t, 2)
	p.body.tty.WriteString("before\n")
	a := goRun(g, "a", RunOptions{})
	ma := next[wire.Run](p)
	b := goRun(g, "b", RunOptions{})
	mb := next[wire.Run](p)
	p.body.tty.WriteString("WARNING: both\n")
	p.send(&wire.Ran{ID: ma.ID})
	ra := <-a
	p.body.tty.WriteString("b only\n")
	p.send(&wire.Ran{ID: mb.ID})
	rb := <-b
	if d := cmp.Diff([]string{"WARNING: both"}, ra.out.Console); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"WARNING: both", "b only"}, rb.out.Console); d != "" {
		t.Error(d)
	}
}

func TestCancelledRunKeepsItsSlot(t *testing.T) {
	g, p := fakeGuest(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := g.Run(ctx, &cases.Program{}, RunOptions{})
		done <- err
	}()
	m := next[wire.Run](p)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := g.Run(ctx, &cases.Program{}, RunOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a run under a cancelled context: %v", err)
	}
	after := goRun(g, "after", RunOptions{})
	p.send(&wire.Ran{ID: m.ID}) // late, and dropped
	p.send(&wire.Ran{ID: next[wire.Run](p).ID})
	if r := <-after; r.err != nil {
		t.Error(r.err)
	}
}

func TestDeathOfTheGuestEndsAllRuns(t *testing.T) {
	g, p := fakeGuest(t, 4)
	a := goRun(g, "a", RunOptions{})
	next[wire.Run](p)
	p.body.tty.WriteString("oops\n[ 1.0] Kernel panic - not syncing: boo\n")
	p.body.console.Sync()
	b := goRun(g, "b", RunOptions{})
	next[wire.Run](p)
	p.body.end(Exit{Kind: ExitPanicked})
	p.raw.Close()
	var ge *GuestError
	if r := <-a; !errors.As(r.err, &ge) || ge.Kind != GuestPanicked || len(ge.Console) != 2 {
		t.Errorf("a: %v", r.err)
	}
	if r := <-b; !errors.As(r.err, &ge) || ge.Kind != GuestPanicked || len(ge.Console) != 0 {
		t.Errorf("b: %v, console %q; it was sent after the panic", r.err, ge.Console)
	}
	if _, err := g.Run(t.Context(), &cases.Program{}, RunOptions{}); !errors.As(err, &ge) {
		t.Errorf("a later run: %v", err)
	}
}

func TestBadPeers(t *testing.T) {
	tests := []struct {
		name string
		act  func(p *peer, id uint64)
		kind GuestErrorKind
		want string
	}{
		{"garbage", func(p *peer, _ uint64) { p.raw.Write([]byte("BUG: kernel NULL pointer")) }, GuestGarbage, "no frame starts"},
		{"host's message", func(p *peer, _ uint64) { p.conn.Send(&wire.PowerOff{}) }, GuestGarbage, "unexpected message type"},
		{"foreign run", func(p *peer, id uint64) { p.conn.Send(&wire.Ran{ID: id + 1}) }, GuestGarbage, "not outstanding"},
		{"damaged events", func(p *peer, id uint64) { p.conn.Send(&wire.Ran{ID: id, Events: []byte("damaged")}) }, GuestGarbage, "decode the events"},
		{"damaged coverage", func(p *peer, id uint64) { p.conn.Send(&wire.Ran{ID: id, Coverage: []byte{7}}) }, GuestGarbage, "unpack coverage"},
		{"fault", func(p *peer, _ uint64) { p.conn.Send(&wire.Fault{Text: "no memory"}) }, GuestFault, "no memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, p := fakeGuest(t, 1)
			run := goRun(g, "x", RunOptions{Coverage: true})
			m := next[wire.Run](p)
			go tt.act(p, m.ID)
			var ge *GuestError
			if r := <-run; !errors.As(r.err, &ge) || ge.Kind != tt.kind || !strings.Contains(r.err.Error(), tt.want) {
				t.Errorf("got %v, want %v with %q", r.err, tt.kind, tt.want)
			}
			<-g.body.Done() // nothing more is expected of such a guest
		})
	}
}

func TestFatalOutcome(t *testing.T) {
	g, p := fakeGuest(t, 2)
	a, b := goRun(g, "a", RunOptions{}), goRun(g, "b", RunOptions{})
	ids := map[string]uint64{}
	for range 2 {
		m := next[wire.Run](p)
		ids[m.Program.Name] = m.ID
	}
	p.send(&wire.Ran{ID: ids["a"], Fatal: true, Outcome: cases.Outcome{End: cases.EndTimeout}})
	if r := <-a; r.err != nil || r.out.End != cases.EndTimeout {
		t.Errorf("a: %+v, %v", r.out, r.err)
	}
	var ge *GuestError
	if r := <-b; !errors.As(r.err, &ge) || ge.Kind != GuestRetired {
		t.Errorf("b: %v, want GuestRetired", r.err)
	}
}

func TestHelloSkipsStaleAnswers(t *testing.T) {
	g, p := fakeGuest(t, 1)
	go func() {
		m := next[wire.Hello](p)
		p.send(&wire.Hello{Nonce: m.Nonce + 1, BuildID: "stale"})
		p.send(&wire.Hello{Nonce: m.Nonce, BuildID: "fresh", Version: wire.Version})
	}()
	h, err := g.hello(t.Context(), wire.Hello{BuildID: "fresh"}, long)
	if err != nil || h.BuildID != "fresh" {
		t.Errorf("got %+v, %v", h, err)
	}
}

func TestShell(t *testing.T) {
	g, p := fakeGuest(t, 1)
	go func() {
		m := next[wire.Shell](p)
		p.send(&wire.ShellOutput{Text: "ran " + m.Line})
	}()
	if out, err := g.Shell(t.Context(), "ls /"); err != nil || out.Text != "ran ls /" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestOverdue(t *testing.T) {
	g, p := fakeGuest(t, 4)
	run := goRun(g, "slow", RunOptions{Deadline: time.Second})
	m := next[wire.Run](p)
	g.mu.Lock()
	served := g.served
	g.mu.Unlock()
	bound := time.Second + g.timeouts.Overtime
	if late := g.overdue(served + bound); late != "" {
		t.Errorf("overdue too early: %s", late)
	}
	if late := g.overdue(served + bound + 1); late == "" {
		t.Error("not overdue")
	}
	p.send(&wire.Ran{ID: m.ID})
	<-run
	if late := g.overdue(served + time.Hour); late != "" {
		t.Errorf("overdue with nothing outstanding: %s", late)
	}
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(2)
		down := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		must(s.take(ctx, false, down))
		got := make(chan error, 1)
		go func() { got <- s.take(ctx, true, down) }()
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("all slots were taken with one in use")
		default:
		}
		cancel()
		if err := <-got; err == nil {
			t.Error("no error from a cancelled wait")
		}
		must(s.take(t.Context(), false, down)) // what the cancelled one held is free again
		s.give(false)
		s.give(false)
		must(s.take(t.Context(), true, down))
		close(down)
		if s.take(t.Context(), false, down) == nil {
			t.Error("a slot while one runs alone")
		}
		s.give(true)
	})
}

// Lines that no program was outstanding for are not lost: they come from
// what an earlier one left behind.
func TestStrayLines(t *testing.T) {
	g, p := fakeGuest(t, 1)
	say := func(text string) {
		t.Helper()
		if _, err := p.body.tty.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	say("boot\n")
	if got := g.Stray(); !cmp.Equal(got, []string{"boot"}) {
		t.Errorf("after the boot: %q", got)
	}
	c := goRun(g, "a", RunOptions{})
	m := next[wire.Run](p)
	say("BUG: KCSAN: data-race in f / g\n")
	p.send(&wire.Ran{ID: m.ID, Outcome: cases.Outcome{End: cases.EndDone}})
	r := <-c
	if r.err != nil || !cmp.Equal(r.out.Console, []string{"BUG: KCSAN: data-race in f / g"}) {
		t.Errorf("the program's lines: %+v, %v", r.out, r.err)
	}
	say("read to 0xffff8880 of 4 bytes by task 7 on cpu 1:\n")
	if got := g.Linger(t.Context()); len(got) != 1 || !strings.HasPrefix(got[0], "read to") {
		t.Errorf("the rest of the report: %q", got)
	}
	say("late\n")
	c = goRun(g, "b", RunOptions{})
	m = next[wire.Run](p)
	p.send(&wire.Ran{ID: m.ID, Outcome: cases.Outcome{End: cases.EndDone}})
	if r := <-c; r.err != nil || len(r.out.Console) != 0 {
		t.Errorf("the next program got a line of before: %+v, %v", r.out, r.err)
	}
	if got := g.Stray(); !cmp.Equal(got, []string{"late"}) {
		t.Errorf("a late line: %q", got)
	}
	p.body.end(Exit{Kind: ExitClosed})
	g.Linger(t.Context()) // returns though nothing is silent for long enough
}
