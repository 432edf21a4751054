// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// portPair is a port and the host's end of it, on a socket instead of a virtio port.
func portPair(t *testing.T) (*port, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPort(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	host := os.NewFile(uintptr(fds[1]), "host")
	t.Cleanup(func() { p.file.Close(); host.Close() })
	return p, host
}

func TestPortCarriesBothWaysAtOnce(t *testing.T) {
	p, host := portPair(t)
	const size = 4 << 20
	data := bytes.Repeat([]byte("0123456789abcde\n"), size/16)
	got := make(chan []byte, 2)
	for _, r := range []io.Reader{p, host} {
		go func() {
			b := make([]byte, size)
			io.ReadFull(r, b)
			got <- b
		}()
	}
	for _, w := range []io.Writer{p, host} {
		go w.Write(data)
	}
	for range 2 {
		if !bytes.Equal(<-got, data) {
			t.Error("data arrived altered")
		}
	}
}

func TestPortHostGoesAway(t *testing.T) {
	p, host := portPair(t)
	wrote := make(chan error, 1)
	go func() {
		_, err := p.Write(make([]byte, 16<<20)) // more than the socket holds
		wrote <- err
	}()
	io.ReadFull(host, make([]byte, 1000))
	host.Close()
	if err := <-wrote; !errors.Is(err, errHostAway) {
		t.Errorf("a write to a host that went away: %v", err)
	}
	if _, err := p.Read(make([]byte, 1)); err == nil {
		t.Error("a read from a host that went away succeeded")
	}
}

// Half a frame is no host that went away: it can be told so.
func TestPortReadBound(t *testing.T) {
	p, host := portPair(t)
	p.SetReadDeadline(time.Now())
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read that came too late: %v", err)
	}
	if _, err := p.Write([]byte("x")); err != nil {
		t.Errorf("a write afterwards: %v", err)
	}
	host.Write([]byte("y"))
	p.SetReadDeadline(time.Time{})
	if _, err := p.Read(make([]byte, 1)); err != nil {
		t.Errorf("a read without a bound: %v", err)
	}
}

// A host whose message arrived damaged is told so. Were the agent silent, the
// host would take it for a kernel that hangs.
func TestDamageIsReported(t *testing.T) {
	p, host := portPair(t)
	g := &guest{ch: p, events: make(chan any, 16)}
	host.SetReadDeadline(time.Now().Add(20 * time.Second)) // else an agent that is silent would take the whole test's time
	for range 2 {                                          // the channel can be used again
		far := wire.NewConn(host)
		if _, err := host.Write(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		g.attend()
		m, err := far.Recv()
		if f, ok := m.(*wire.Fault); !ok || !strings.Contains(f.Text, "did not arrive whole") {
			t.Fatalf("the host got %v, %v", m, err)
		}
		if ev, ok := (<-g.events).(hostLeft); !ok {
			t.Errorf("PID 1 got %+v", ev)
		}
	}
}

func TestOpenPortFindsItByName(t *testing.T) {
	sysfs, dev := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"vport0p1": "org.other\n", "vport0p2": wire.PortName + "\n"} {
		dir := filepath.Join(sysfs, "class/virtio-ports", name)
		os.MkdirAll(dir, 0o755)
		os.WriteFile(filepath.Join(dir, "name"), []byte(text), 0o644)
	}
	if err := unix.Mkfifo(filepath.Join(dev, "vport0p2"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := openPort(sysfs, dev, wire.PortName)
	if err != nil {
		t.Fatal(err)
	}
	p.file.Close()
	if _, err := openPort(sysfs, dev, "absent"); err == nil || !strings.Contains(err.Error(), "org.other") {
		t.Errorf("a port that is not there: %v", err)
	}
}

func TestOutbox(t *testing.T) {
	p, host := portPair(t)
	o := newOutbox()
	go o.run()
	far := wire.NewConn(host)
	o.send(&wire.Log{Text: "nobody is attached"})
	o.attach(wire.NewConn(p))
	o.send(&wire.Log{Text: "first"})
	// Nine buffers of a megabyte do not fit into a frame.
	big := make([]cases.Blob, 9)
	for i := range big {
		big[i] = cases.Blob{Buffer: i + 1, Bytes: make([]byte, cases.MaxBuffer)}
	}
	o.send(&wire.Ran{ID: 7, Fatal: true, Outcome: cases.Outcome{Data: big}})
	if m, err := far.Recv(); err != nil || m.(*wire.Log).Text != "first" {
		t.Fatalf("got %v, %v", m, err)
	}
	m, err := far.Recv()
	if err != nil {
		t.Fatal(err)
	}
	r := m.(*wire.Ran)
	if r.ID != 7 || !r.Fatal || r.Outcome.End != cases.EndError || !strings.Contains(r.Outcome.Error, "too large") {
		t.Errorf("in place of an oversized outcome came %+v", r)
	}
	o.flush()
}

// pushIn plays a push of data into in, in pieces.
func pushIn(in *incoming, size int64, sum string, data []byte) (*pushed, error) {
	if _, _, err := in.take(&wire.Push{Size: size, SHA256: sum}); err != nil {
		return nil, err
	}
	for len(data) > 0 {
		n := min(len(data), 1000)
		done, _, err := in.take(&wire.PushData{Data: data[:n]})
		if done != nil || err != nil {
			return done, err
		}
		data = data[n:]
	}
	return nil, nil
}

func TestPush(t *testing.T) {
	data := bytes.Repeat([]byte("binary"), 1000)
	h := sha256.Sum256(data)
	sum := hex.EncodeToString(h[:])
	size := int64(len(data))
	var in incoming
	p, err := pushIn(&in, size, strings.ToUpper(sum), data)
	if err != nil || p == nil {
		t.Fatalf("a good push: %v, %v", p, err)
	}
	defer p.file.Close()
	got, _ := os.ReadFile("/proc/self/fd/" + itoa(int(p.file.Fd())))
	if !bytes.Equal(got, data) || p.sum != sum {
		t.Errorf("%d bytes with sum %s arrived", len(got), p.sum)
	}
	for _, c := range []struct {
		name string
		size int64
		sum  string
		want string
	}{
		{"altered", size, strings.Repeat("0", 64), "arrived with SHA-256"},
		{"too much", size - 1, sum, "more data than announced"},
		{"too large", maxBinary + 1, sum, "the limit is"},
	} {
		if _, err := pushIn(&in, c.size, c.sum, data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, _, err := in.take(&wire.PushData{Data: data}); err == nil {
		t.Error("data without an announcement were taken")
	}
	if _, mine, err := in.take(&wire.Ping{}); mine || err != nil {
		t.Errorf("a Ping counted as part of a push: %v, %v", mine, err)
	}
}

func TestHandover(t *testing.T) {
	if h, err := readHandover(""); err != nil || h.Port != -1 {
		t.Errorf("none: %+v, %v", h, err)
	}
	h, err := readHandover(`{"Boot":2000000000,"Port":7,"BuildID":"ab"}`)
	if err != nil || h != (handover{Boot: 2 * time.Second, Port: 7, BuildID: "ab"}) {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err := readHandover("nonsense"); err == nil || h.Port != -1 {
		t.Errorf("nonsense: %+v, %v", h, err)
	}
}
