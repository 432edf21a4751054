// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeSystem records what PID 1 does, and fails where it is told to.
type fakeSystem struct {
	did  []string
	fail map[string]error // by target or path
}

func (f *fakeSystem) note(what, key string) error {
	f.did = append(f.did, what+" "+key)
	return f.fail[key]
}

func (f *fakeSystem) Mkdir(path string) error { return f.note("mkdir", path) }
func (f *fakeSystem) Mount(source, target, fstype string, flags uintptr, data string) error {
	return f.note("mount "+fstype, target)
}
func (f *fakeSystem) WriteFile(path, text string) error { return f.note("write "+text, path) }
func (f *fakeSystem) PowerOff() error                   { return f.note("power", "off") }

func TestMountAll(t *testing.T) {
	sys := &fakeSystem{}
	if complaints, err := mountAll(sys); err != nil || complaints != nil {
		t.Fatalf("mountAll = %q, %v", complaints, err)
	}
	for _, want := range []string{"mount proc /proc", "mount devtmpfs /dev", "mount tmpfs /tmp", "mount tracefs /sys/kernel/tracing"} {
		if !slices.Contains(sys.did, want) {
			t.Errorf("%q is missing in %q", want, sys.did)
		}
	}
}

func TestMountAllFailures(t *testing.T) {
	// Each is its own mount point, so a failing mkdir and a failing mount look the same.
	sys := &fakeSystem{fail: map[string]error{"/sys/kernel/debug": unix.ENODEV}}
	complaints, err := mountAll(sys)
	if err != nil || len(complaints) != 1 || !strings.Contains(complaints[0], "no debugfs on /sys/kernel/debug") {
		t.Errorf("without debugfs: %q, %v", complaints, err)
	}
	sys = &fakeSystem{fail: map[string]error{"/tmp": unix.ENODEV}}
	if _, err := mountAll(sys); !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "mount tmpfs on /tmp") {
		t.Errorf("without tmpfs: %v", err)
	}
}

// An agent that was pushed must not cover what is mounted, such as /tmp with its files.
func TestRemount(t *testing.T) {
	sys := &fakeSystem{fail: map[string]error{"/sys/kernel/debug": unix.EBUSY}}
	remount(sys)
	if !slices.Contains(sys.did, "mount configfs /sys/kernel/config") {
		t.Errorf("configfs is missing in %q", sys.did)
	}
	for _, not := range []string{"mount tmpfs /tmp", "mount proc /proc", "mount devtmpfs /dev"} {
		if slices.Contains(sys.did, not) {
			t.Errorf("%q was done again", not)
		}
	}
}

func TestSysctls(t *testing.T) {
	sys := &fakeSystem{fail: map[string]error{"/proc/sys/kernel/watchdog_thresh": unix.ENOENT}}
	if c := writeSysctls(sys, true, 4); len(c) != 1 || !strings.Contains(c[0], "no such file") {
		t.Errorf("complaints: %q", c)
	}
	for _, want := range []string{
		"write 120 /proc/sys/kernel/hung_task_timeout_secs",
		"write 40 /proc/sys/kernel/watchdog_thresh",
		"write 120 /sys/module/rcupdate/parameters/rcu_cpu_stall_timeout",
	} {
		if !slices.Contains(sys.did, want) {
			t.Errorf("scaled by 4: %q is missing in %q", want, sys.did)
		}
	}
	sys = &fakeSystem{}
	writeSysctls(sys, true, 100)
	if want := "write 60 /proc/sys/kernel/watchdog_thresh"; !slices.Contains(sys.did, want) {
		t.Errorf("scaled by 100: %q is missing in %q", want, sys.did)
	}
	sys = &fakeSystem{}
	writeSysctls(sys, false, 1)
	for _, d := range sys.did {
		if strings.Contains(d, "panic_on_oops") || strings.Contains(d, "hung_task_timeout") {
			t.Errorf("at boot PID 1 must not %s", d)
		}
	}
}

func TestRoleOf(t *testing.T) {
	for _, c := range []struct {
		name   string
		pid    int
		argv0  string
		pushed bool
		want   role
	}{
		{"host", 4711, "/usr/bin/ringproof", false, roleHost},
		{"first process of a container", 1, "ringproof", false, roleHost},
		{"initramfs", 1, "/init", false, roleInit},
		{"pushed binary", 1, "anything", true, roleInit},
		{"leaked environment", 4711, "ringproof", true, roleHost},
		{"worker", 4711, workerName, false, roleWorker},
	} {
		if got := roleOf(c.pid, c.argv0, c.pushed); got != c.want {
			t.Errorf("%s: role %d, want %d", c.name, got, c.want)
		}
	}
}
