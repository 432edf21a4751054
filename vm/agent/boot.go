// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"math"
	"strconv"

	"golang.org/x/sys/unix"
)

// mounts is what PID 1 mounts, in order.
var mounts = []struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
	optional               bool // a kernel without it still serves
}{
	{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "", false},
	{"sysfs", "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "", false},
	{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID, "", false},
	{"tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "size=50%", false},
	{"debugfs", "/sys/kernel/debug", "debugfs", 0, "", true},
	{"tracefs", "/sys/kernel/tracing", "tracefs", 0, "", true},
	{"configfs", "/sys/kernel/config", "configfs", 0, "", true},
}

// mountAll mounts the table. It returns complaints about optional entries.
func mountAll(sys system) (complaints []string, err error) {
	for _, m := range mounts {
		err := sys.Mkdir(m.target)
		if err == nil {
			err = sys.Mount(m.source, m.target, m.fstype, m.flags, m.data)
		}
		switch {
		case err == nil:
		case m.optional:
			complaints = append(complaints, fmt.Sprintf("no %s on %s: %v", m.fstype, m.target, err))
		default:
			return complaints, fmt.Errorf("mount %s on %s: %w: the guest's kernel must be built with ringproof's configuration", m.fstype, m.target, err)
		}
	}
	return complaints, nil
}

// remount mounts what an agent of an earlier build, in whose place this one
// was pushed, may not have known. What is mounted already is refused as busy.
func remount(sys system) {
	for _, m := range mounts {
		if m.optional && sys.Mkdir(m.target) == nil {
			sys.Mount(m.source, m.target, m.fstype, m.flags, m.data)
		}
	}
}

// sysctls is what PID 1 writes. panic_on_oops is deliberately not among them:
// the kernel's configuration chose it.
var sysctls = []struct {
	path  string
	value int
	// scaled values are seconds on real hardware, stretched by the time scale
	// up to limit (0 is none).
	scaled bool
	limit  int
}{
	{path: "/proc/sys/kernel/sysrq", value: 1},
	{path: "/proc/sys/kernel/io_uring_disabled", value: 0},
	{path: "/proc/sys/kernel/hung_task_warnings", value: -1},
	{path: "/proc/sys/kernel/hung_task_timeout_secs", value: 30, scaled: true},
	{path: "/proc/sys/kernel/watchdog_thresh", value: 10, scaled: true, limit: 60},
	{path: "/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout", value: 30, scaled: true, limit: 300},
}

// writeSysctls writes the table's scaled or its other part. A kernel that
// lacks one of them is complained about and otherwise left alone.
func writeSysctls(sys system, scaled bool, scale float64) (complaints []string) {
	for _, s := range sysctls {
		if s.scaled != scaled {
			continue
		}
		v := s.value
		if scaled {
			v = int(math.Ceil(float64(v) * scale))
			if s.limit > 0 {
				v = min(v, s.limit)
			}
		}
		if err := sys.WriteFile(s.path, strconv.Itoa(v)); err != nil {
			complaints = append(complaints, fmt.Sprintf("sysctl not set: %v", err))
		}
	}
	return complaints
}
