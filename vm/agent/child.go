// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// makeChild makes a process that does nothing until it is killed, and returns
// its PID and pidfd. It dies with the calling thread at the latest. It has no
// descriptor of this process, so that it keeps nothing open.
func makeChild() (pid, pidfd int, err error) {
	var fd int32 = -1
	n, errno := fork(&fd)
	if errno != 0 {
		return 0, -1, fmt.Errorf("make a child process: %w", errno)
	}
	return int(n), int(fd), nil
}

// endChild kills a child and waits for it, unless the program has done both.
func endChild(pid int) {
	if n, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); n != 0 || err != nil {
		return // its number may be another's by now
	}
	unix.Kill(pid, unix.SIGKILL)
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// fork is clone(2) as fork(2), with a pidfd. The child makes nothing but
// system calls that Go's runtime does not know of: it has no other thread, and no runtime to speak of.
//
//go:norace
//go:noinline
func fork(pidfd *int32) (uintptr, unix.Errno) {
	const flags = unix.CLONE_PIDFD | uintptr(unix.SIGCHLD)
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, flags, 0, uintptr(unsafe.Pointer(pidfd)), 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0, 0)
	unix.RawSyscall(unix.SYS_CLOSE_RANGE, 0, uintptr(^uint32(0)), 0)
	for {
		unix.RawSyscall(unix.SYS_PAUSE, 0, 0, 0)
	}
}
