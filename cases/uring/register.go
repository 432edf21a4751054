// SPDX-License-Identifier: Apache-2.0

package uring

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported asks the kernel by IORING_REGISTER_PROBE which opcodes it knows,
// in ascending order.
func (r *Ring) Supported() ([]Op, error) {
	reg := new(probeReg)
	if _, err := r.register(RegisterProbe, unsafe.Pointer(reg), uint32(len(reg.ops))); err != nil {
		return nil, fmt.Errorf("ask for the supported opcodes (IORING_REGISTER_PROBE): %w", err)
	}
	var ops []Op
	for _, o := range reg.ops[:reg.opsLen] {
		if o.flags&opSupported != 0 {
			ops = append(ops, Op(o.op))
		}
	}
	return ops, nil
}

// SyncCancel is IORING_REGISTER_SYNC_CANCEL: it cancels requests by
// user_data and CancelFlags and waits for them, for at most timeout where that is
// above 0. It returns how many were cancelled; the error is a bare errno,
// ENOENT when nothing matched.
func (r *Ring) SyncCancel(userData uint64, fd int32, flags uint32, timeout time.Duration) (int, error) {
	reg := syncCancelReg{addr: userData, fd: fd, flags: flags, timeout: Timespec{-1, -1}}
	if timeout > 0 {
		reg.timeout = TimespecOf(timeout)
	}
	return r.register(RegisterSyncCancel, unsafe.Pointer(&reg), 1)
}

func (r *Ring) register(opcode RegisterOp, arg unsafe.Pointer, n uint32) (int, error) {
	ret, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), uintptr(opcode), uintptr(arg), uintptr(n), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(ret), nil
}
