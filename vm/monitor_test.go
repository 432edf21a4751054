// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeQMP serves one monitor connection. answer returns what to write for a
// command: replies and events, one per line; ok is false to close the connection.
func fakeQMP(t *testing.T, answer func(cmd string) (lines []string, ok bool)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "q")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.Write([]byte(`{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}` + "\n"))
		dec := json.NewDecoder(bufio.NewReader(c))
		for {
			var cmd struct{ Execute string }
			if dec.Decode(&cmd) != nil {
				return
			}
			if cmd.Execute == "qmp_capabilities" {
				c.Write([]byte(`{"return": {}}` + "\n"))
				continue
			}
			lines, ok := answer(cmd.Execute)
			for _, l := range lines {
				c.Write([]byte(l + "\n"))
			}
			if !ok {
				return
			}
		}
	}()
	return path
}

func dialFake(t *testing.T, timeout time.Duration, answer func(string) ([]string, bool)) *monitor {
	t.Helper()
	m, err := dialMonitor(t.Context(), fakeQMP(t, answer), timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m
}

const long = time.Minute // a bound that no test meets

func TestMonitorCommands(t *testing.T) {
	event := `{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}, "timestamp": {"seconds": 1, "microseconds": 2}}`
	m := dialFake(t, long, func(cmd string) ([]string, bool) {
		switch cmd {
		case "query-status":
			return []string{`{"return": {"status": "paused", "running": false}}`}, true
		case "events-first":
			lines := make([]string, 100)
			for i := range lines {
				lines[i] = `{"event": "RTC_CHANGE"}`
			}
			return append(lines, event, `{"return": {}}`), true
		}
		return []string{`{"error": {"class": "GenericError", "desc": "no such thing"}}`}, true
	})
	if s, err := m.status(t.Context()); s != "paused" || err != nil {
		t.Errorf("status %q, %v", s, err)
	}
	if err := m.run(t.Context(), "events-first", nil, nil); err != nil {
		t.Errorf("a reply behind many events: %v", err)
	}
	if err := m.run(t.Context(), "nonsense", nil, nil); err == nil || !strings.Contains(err.Error(), "QMP nonsense: no such thing") {
		t.Errorf("an error reply: %v", err)
	}
	if _, err := m.status(t.Context()); err != nil {
		t.Errorf("after an error reply: %v", err)
	}
	m.close()
	<-m.gone
	if r := m.shutdownReason(); r != "guest-reset" {
		t.Errorf("shutdown reason %q", r)
	}
	if err := m.run(t.Context(), "stop", nil, nil); !errors.Is(err, errMonitorGone) {
		t.Errorf("after close: %v", err)
	}
}

func TestMonitorFailures(t *testing.T) {
	tests := []struct {
		name, want string
		timeout    time.Duration
		answer     func(string) ([]string, bool)
	}{
		{"no answer", "QMP stop: no answer within 1ms", time.Millisecond, func(string) ([]string, bool) { return nil, true }},
		{"closed", "QMP stop: the QMP monitor is closed", long, func(string) ([]string, bool) { return nil, false }},
		{"too long", "QMP stop: the reply is longer than 65536 bytes", long, func(string) ([]string, bool) {
			return []string{`{"return": "` + strings.Repeat("x", 70<<10) + `"}`}, true
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := dialFake(t, long, tt.answer)
			m.timeout = tt.timeout
			if err := m.run(t.Context(), "stop", nil, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err := m.run(t.Context(), "cont", nil, nil); err == nil || !strings.Contains(err.Error(), "unusable") {
				t.Errorf("the next command: %v, want the monitor to be unusable", err)
			}
		})
	}
}

func TestMonitorThatNeverGreets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := dialMonitor(t.Context(), path, 10*time.Millisecond); err == nil || !strings.Contains(err.Error(), "QMP negotiate: no answer") {
		t.Errorf("got %v", err)
	}
}
