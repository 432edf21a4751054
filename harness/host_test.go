// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/vm"
)

// A guest that our side lost while it came up is no kernel that does not come up.
func TestBlameStart(t *testing.T) {
	oops := []string{"[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000008"}
	for _, test := range []struct {
		name  string
		err   error
		blame bool
	}{
		{"panic", &vm.GuestError{Kind: vm.GuestPanicked}, true},
		{"silence", &vm.GuestError{Kind: vm.GuestSilent}, true},
		{"garbage", &vm.GuestError{Kind: vm.GuestGarbage}, false},
		{"a message did not arrive", &vm.GuestError{Kind: vm.GuestFault}, false},
		{"garbage after an oops", &vm.GuestError{Kind: vm.GuestGarbage, Console: oops}, true},
		{"QEMU was killed", &vm.InfraError{Op: "use the guest", Err: errors.New("killed")}, false},
	} {
		err := blameStart(test.err)
		if blame, ours := isA[*BootError](err), isA[*vm.InfraError](err); blame != test.blame || ours == test.blame {
			t.Errorf("%s: %T %v", test.name, err, err)
		}
	}
}

// A kernel that complains of time while the host had no CPU for its guest is
// excused, and of nothing else.
func TestComplaintsWhileComingUp(t *testing.T) {
	lockup := "[   30.1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [init:1]"
	warning := "[   30.2] WARNING: CPU: 0 PID: 1 at io_uring/io_uring.c:1 io_f+0x1/0x2"
	for _, test := range []struct {
		name    string
		console []string
		stolen  time.Duration
		says    bool
		excused bool
	}{
		{"silence", []string{"[    1.0] hello"}, 59 * time.Second, false, false},
		{"a lockup", []string{lockup}, 0, true, false},
		{"a lockup without a CPU", []string{lockup}, 50 * time.Second, true, true},
		{"a warning without a CPU", []string{warning}, 50 * time.Second, true, false},
		{"a lockup and a warning without a CPU", []string{lockup, warning}, 50 * time.Second, true, false},
	} {
		title, excused := complained(vm.Origin{Up: time.Minute, Stolen: test.stolen, Console: test.console})
		if (title != "") != test.says || excused != test.excused {
			t.Errorf("%s: %q, excused %v", test.name, title, excused)
		}
	}
}

// A full disk costs the console's log, says so once, and stops nobody.
func TestConsoleLogOnAFullDisk(t *testing.T) {
	var notices []string
	l := &logWriter{file: full{}, notice: func(s string) { notices = append(notices, s) }}
	for range 3 {
		l.Write([]byte("line\n"))
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "no space left") {
		t.Errorf("notices: %q", notices)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, unix.ENOSPC }
