// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// progInfo is struct bpf_prog_info of linux/bpf.h up to the member that is read.
type progInfo struct {
	before [208]byte
	misses uint64 // recursion_misses, since Linux 5.12
}

// infoAttr is the member info of union bpf_attr.
type infoAttr struct {
	fd, len uint32
	info    unsafe.Pointer
}

// skippedRuns adds up how often the kernel did not run the loaded programs with
// these descriptors because they were already running on that CPU. It is asked for after every program that a guest runs, so it does
// without what [ebpf.Program.Stats] reads besides, and its system calls are hidden
// from Go's scheduler, which would otherwise wake its monitor thread for them.
func skippedRuns(fds []int) (sum uint64, err error) {
	var info progInfo
	var attr infoAttr
	for _, fd := range fds {
		// Both are the kernel's to change, and what it would find in info of an
		// earlier call is a wish for more.
		info = progInfo{}
		attr = infoAttr{fd: uint32(fd), len: uint32(unsafe.Sizeof(info)), info: unsafe.Pointer(&info)}
		_, _, errno := unix.RawSyscall(unix.SYS_BPF, unix.BPF_OBJ_GET_INFO_BY_FD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		if errno != 0 {
			return sum, fmt.Errorf("ask how often a probe was skipped (BPF_OBJ_GET_INFO_BY_FD): %w", errno)
		}
		sum += info.misses
	}
	return sum, nil
}
