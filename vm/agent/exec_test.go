// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// shell runs a script as a foreign process and returns how that ended.
func shell(t *testing.T, bound time.Duration, script string) *wire.Execed {
	t.Helper()
	sh, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Skip(err)
	}
	e, err := startForeign(sh, []string{"-c", script})
	if err != nil {
		t.Fatal(err)
	}
	go func() { // as PID 1 does
		var ws unix.WaitStatus
		for {
			if _, err := unix.Wait4(e.pid, &ws, 0, nil); err != unix.EINTR {
				break
			}
		}
		e.ended <- ws
	}()
	return e.wait(bound, time.Minute)
}

func TestForeignEnds(t *testing.T) {
	for _, test := range []struct {
		name, script string
		want         wire.Execed
	}{
		{"passes", "exit 0", wire.Execed{}},
		{"with a status and words on both streams", "echo out; echo err >&2; exit 7", wire.Execed{Status: 7, Output: []byte("out\nerr\n")}},
		{"by a signal", "kill -SEGV $$", wire.Execed{Signal: int(unix.SIGSEGV)}},
		{"with children that go on", "sleep 1000 & exit 3", wire.Execed{Status: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := shell(t, time.Minute, test.script)
			if got.Status != test.want.Status || got.Signal != test.want.Signal || string(got.Output) != string(test.want.Output) ||
				got.Late || got.Stuck || got.Cut != 0 || got.Err != "" {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// Who does not end in time goes, and the children with it.
func TestForeignIsBounded(t *testing.T) {
	got := shell(t, 100*time.Millisecond, "sleep 1000 & echo $!; wait; wait; while :; do :; done")
	if !got.Late || got.Stuck || got.Signal != int(unix.SIGKILL) {
		t.Errorf("got %+v", got)
	}
	if child, err := strconv.Atoi(strings.TrimSpace(string(got.Output))); err == nil {
		var st unix.Stat_t
		if unix.Kill(child, 0) == nil && unix.Stat("/proc/"+strconv.Itoa(child)+"/exe", &st) == nil {
			t.Errorf("its child %d is still there", child)
		}
	}
}

func TestForeignOutputIsBounded(t *testing.T) {
	const all = 1000000
	got := shell(t, time.Minute, "head -c "+strconv.Itoa(all)+" /dev/zero")
	if len(got.Output) != wire.MaxOutput || got.Cut != all-wire.MaxOutput || got.Status != 0 {
		t.Errorf("%d bytes kept, %d cut, exit status %d", len(got.Output), got.Cut, got.Status)
	}
}

func TestForeignIsNoExecutable(t *testing.T) {
	if _, err := startForeign([]byte("no executable"), nil); err == nil || !strings.Contains(err.Error(), "static executable") {
		t.Errorf("got %v", err)
	}
}

// A foreign process gets the kernel that it was asked for, and never beside programs.
func TestForeignMistake(t *testing.T) {
	var forced []int
	s := &scheduler{byTag: map[uint32]*run{}, force: func(n int) error { forced = append(forced, n); return nil }}
	for _, n := range []int{0, 3, 3, 0} {
		if err := s.makeMistake(n); err != nil {
			t.Error(err)
		}
	}
	if len(forced) != 2 || forced[0] != 3 || forced[1] != 0 {
		t.Errorf("forced %v, want 3 and then 0", forced)
	}
	s.byTag[1] = &run{prog: &cases.Program{}}
	if err := s.makeMistake(0); err == nil {
		t.Error("a program is under way, and nobody minds")
	}
}
