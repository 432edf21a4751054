// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"

	"golang.org/x/sys/unix"
)

// system is what PID 1 needs of the kernel to bring the guest up and down.
// Tests replace it.
type system interface {
	Mkdir(path string) error
	Mount(source, target, fstype string, flags uintptr, data string) error
	WriteFile(path, text string) error
	// PowerOff does not return on success.
	PowerOff() error
}

// linux is the real system.
type linux struct{}

func (linux) Mkdir(path string) error { return os.MkdirAll(path, 0o755) }

func (linux) Mount(source, target, fstype string, flags uintptr, data string) error {
	return unix.Mount(source, target, fstype, flags, data)
}

func (linux) WriteFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }

func (linux) PowerOff() error { return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) }
