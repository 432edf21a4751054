// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// testConsole returns a console and the file that a guest would print to.
func testConsole(t *testing.T, log *bytes.Buffer) (*Console, *os.File) {
	t.Helper()
	near, far, err := consolePipe()
	if err != nil {
		t.Fatal(err)
	}
	var c *Console
	if log != nil {
		c, err = newConsole(near, log)
	} else {
		c, err = newConsole(near, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close(); <-c.done; near.Close() })
	return c, far
}

func TestConsoleLines(t *testing.T) {
	var log bytes.Buffer
	c, guest := testConsole(t, &log)
	var got []Line
	c.Subscribe(func(l Line) { got = append(got, l) })
	stop := c.Subscribe(func(Line) { t.Error("called after its end") })
	stop()
	text := "[    0.000000] Linux version 6.12\r\n\r\nno stamp\n[   12.3456] odd stamp\n[ 4711.000042] late\n" +
		strings.Repeat("x", maxLine+10) + "\nunfinished"
	guest.WriteString(text)
	guest.Close()
	<-c.done
	want := []Line{
		{Text: "[    0.000000] Linux version 6.12", HasTime: true}, {}, {Text: "no stamp"}, {Text: "[   12.3456] odd stamp"},
		{Text: "[ 4711.000042] late", Guest: 4711*time.Second + 42*time.Microsecond, HasTime: true},
		{Text: strings.Repeat("x", maxLine)}, {Text: strings.Repeat("x", 10)}, {Text: "unfinished"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if log.String() != text {
		t.Error("the log differs from what the guest printed")
	}
	if d := cmp.Diff([]string{strings.Repeat("x", 10), "unfinished"}, c.Tail(2)); d != "" {
		t.Errorf("tail: %s", d)
	}
}

func TestConsoleSyncTakesWhatIsThere(t *testing.T) {
	c, guest := testConsole(t, nil)
	for range 100 {
		n := 0
		stop := c.Subscribe(func(Line) { n++ })
		guest.WriteString("one\ntwo\n")
		c.Sync()
		stop()
		if n != 2 {
			t.Fatalf("%d lines after Sync, want 2", n)
		}
	}
}

// TestConsoleWaitsForALateReader writes as QEMU does, byte by byte and without
// waiting, while the reader is held back.
func TestConsoleWaitsForALateReader(t *testing.T) {
	var log bytes.Buffer
	c, guest := testConsole(t, &log)
	c.mu.Lock()
	text := strings.Repeat("[    1.234567] a line of the kernel's\n", 256<<10/40)
	raw, err := guest.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for i := range len(text) {
		raw.Control(func(fd uintptr) {
			if _, err := unix.Write(int(fd), []byte{text[i]}); err != nil {
				lost++
			}
		})
	}
	c.mu.Unlock()
	guest.Close()
	<-c.done
	if lost > 0 || log.String() != text {
		t.Errorf("%d of %d bytes lost", len(text)-log.Len(), len(text))
	}
}

func TestConsoleNotices(t *testing.T) {
	c, guest := testConsole(t, nil)
	guest.WriteString("[    1.0] Run /init as init process\n")
	<-c.Up()
	select {
	case <-c.Panicked():
		t.Error("panicked without a panic")
	default:
	}
	guest.WriteString("[    2.0] Kernel panic - not syncing: oh\nKernel panic - not syncing: again\n")
	<-c.Panicked()
	if l := c.panicLine(); !strings.HasSuffix(l, "oh") {
		t.Errorf("panic line %q, want the first", l)
	}
}

func TestConsoleKeepsABoundedTail(t *testing.T) {
	c, guest := testConsole(t, nil)
	for range 3 * consoleTail {
		guest.WriteString("line\n")
	}
	guest.Close()
	<-c.done
	if n := len(c.Tail(1 << 20)); n > consoleTail || n < consoleTail/2 {
		t.Errorf("%d lines kept", n)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestConsoleGoesOnWithoutItsLog(t *testing.T) {
	near, guest, err := consolePipe()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	c, err := newConsole(near, fullDisk{})
	if err != nil {
		t.Fatal(err)
	}
	guest.WriteString("one\ntwo\n")
	guest.Close()
	<-c.done
	if len(c.Tail(9)) != 2 {
		t.Errorf("lines: %q", c.Tail(9))
	}
	var ie *InfraError
	if err := c.LogError(); !errors.As(err, &ie) {
		t.Errorf("log error: %v", err)
	}
}
