// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringproof/ringproof/vm/wire"
)

func TestGuestClock(t *testing.T) {
	const ms = time.Millisecond
	running := func(waited ...time.Duration) signs {
		s := signs{delays: map[int]time.Duration{}}
		for tid, w := range waited {
			s.delays[tid] = w
		}
		return s
	}
	type look struct {
		passed time.Duration
		signs
	}
	for _, test := range []struct {
		name        string
		looks       []look
		had, stolen time.Duration
	}{
		{"it runs", []look{{100 * ms, running()}, {100 * ms, running()}}, 200 * ms, 0},
		{"stopped", []look{{100 * ms, running()}, {100 * ms, signs{stopped: true}}, {time.Hour, signs{stopped: true}}}, 100 * ms, time.Hour + 100*ms},
		{"it waits for a CPU", []look{{100 * ms, running(50*ms, 0)}, {100 * ms, running(80*ms, 60*ms)}}, 140 * ms, 60 * ms},
		{"what it waited before is not known", []look{{100 * ms, running(time.Hour)}, {100 * ms, running(time.Hour)}}, 200 * ms, 0},
		{"a new thread has not waited yet", []look{{100 * ms, running()}, {100 * ms, running(time.Hour)}}, 200 * ms, 0},
		{"nobody looked", []look{{100 * ms, running()}, {time.Hour, running()}}, 100*ms + longestLook, time.Hour - longestLook},
		{"nothing is known", []look{{100 * ms, signs{}}}, 100 * ms, 0},
		{"it cannot wait for longer than passed", []look{{100 * ms, running(0)}, {100 * ms, running(time.Hour)}}, 100 * ms, 100 * ms},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newGuestClock()
			now := c.last
			for _, l := range test.looks {
				now = now.Add(l.passed)
				c.look(now, l.signs)
			}
			if had, stolen := c.read(); had != test.had || stolen != test.stolen {
				t.Errorf("had %v, stolen %v; want %v, %v", had, stolen, test.had, test.stolen)
			}
		})
	}
}

func TestGuestClockAlarms(t *testing.T) {
	c := newGuestClock()
	now := c.last
	rung := func(alarm <-chan struct{}) bool {
		select {
		case <-alarm:
			return true
		default:
			return false
		}
	}
	second, _ := c.after(time.Second)
	_, release := c.after(time.Second)
	release()
	now = now.Add(time.Hour)
	c.look(now, signs{stopped: true})
	if c.stopped() != time.Hour {
		t.Errorf("stopped for %v", c.stopped())
	}
	now = now.Add(999 * time.Millisecond)
	if c.look(now, signs{}); rung(second) || c.stopped() != 0 {
		t.Errorf("the alarm counts time in which the guest was stopped, or it still is (%v)", c.stopped())
	}
	now = now.Add(time.Millisecond)
	if c.look(now, signs{}); !rung(second) {
		t.Error("the guest had its second, and no alarm rang")
	}
	if len(c.alarms) != 0 {
		t.Errorf("%d alarms are left", len(c.alarms))
	}
}

func TestSigns(t *testing.T) {
	proc := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(proc, "7", name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("stat", "7 (qemu) T (x) S 1 7 7 0")
	write("task/7/schedstat", "100 2000 3\n")
	write("task/8/schedstat", "nonsense")
	if s := signsOf(proc, 7); s.stopped || len(s.delays) != 1 || s.delays[7] != 2000 {
		t.Errorf("of a running process: %+v", s)
	}
	for _, state := range []string{"T", "t"} {
		write("stat", "7 (qemu) "+state+" 1 7 7 0")
		if s := signsOf(proc, 7); !s.stopped {
			t.Errorf("state %s is not stopped", state)
		}
	}
	if s := signsOf(proc, 8); s.stopped || len(s.delays) != 0 {
		t.Errorf("of no process: %+v", s)
	}
	if s := signsOf("/proc", os.Getpid()); s.stopped {
		t.Errorf("of this process: %+v", s)
	}
}

// lossy loses what is written while lose is set.
type lossy struct {
	net.Conn
	lose atomic.Bool
}

func (l *lossy) Write(b []byte) (int, error) {
	if l.lose.Load() {
		return len(b), nil
	}
	return l.Conn.Write(b)
}

// An answer that is lost on its way is no hang: the beat makes the gap show.
func TestLostAnswer(t *testing.T) {
	bounds := NewTimeouts(KVM, 1)
	bounds.Beat = time.Millisecond
	g, p := fakeGuestBounded(t, 1, bounds)
	line := &lossy{Conn: p.raw}
	p.conn = wire.NewConn(line)
	p.send(&wire.Log{Text: "here"})
	run := goRun(g, "x", RunOptions{})
	m := next[wire.Run](p)
	line.lose.Store(true)
	p.send(&wire.Ran{ID: m.ID})
	line.lose.Store(false)
	p.raw.SetReadDeadline(time.Now().Add(20 * time.Second)) // else a host that does not ask would take the whole test's time
	ping := next[wire.Ping](p)
	p.conn.Send(&wire.Pong{Nonce: ping.Nonce})
	var ge *GuestError
	if r := <-run; !errors.As(r.err, &ge) || ge.Kind != GuestGarbage || !strings.Contains(r.err.Error(), "frames were lost") {
		t.Errorf("got %v, want garbage: frames were lost", r.err)
	}
}

// A QEMU that is stopped and stays stopped is our trouble, not the kernel's.
func TestStoppedForGood(t *testing.T) {
	bounds := NewTimeouts(KVM, 1)
	bounds.Stopped = 150 * time.Millisecond
	bounds.Overtime = 0
	g, p := fakeGuestBounded(t, 1, bounds)
	p.body.mu.Lock()
	p.body.state.stopped = true
	p.body.mu.Unlock()
	run := goRun(g, "x", RunOptions{Deadline: time.Millisecond})
	next[wire.Run](p)
	var ie *InfraError
	if r := <-run; !errors.As(r.err, &ie) || !strings.Contains(r.err.Error(), "stopped") {
		t.Errorf("got %v, want an InfraError that says it is stopped", r.err)
	}
	<-g.body.Done()
}

// A long answer that comes slowly is not late while it comes.
func TestReceivingIsNotOverdue(t *testing.T) {
	g, p := fakeGuest(t, 1)
	goRun(g, "x", RunOptions{Deadline: time.Millisecond})
	next[wire.Run](p)
	if g.overdue(time.Hour) == "" {
		t.Fatal("not overdue after an hour")
	}
	p.raw.Write([]byte("RP"))
	for !g.conn.Receiving() {
		runtime.Gosched()
	}
	if late := g.overdue(time.Hour); late != "" {
		t.Errorf("in the midst of a frame: %s", late)
	}
}
