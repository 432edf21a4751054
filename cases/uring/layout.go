// SPDX-License-Identifier: Apache-2.0

package uring

// The structures below are those of include/uapi/linux/io_uring.h. Their
// sizes are checked by a test.

// SQE is struct io_uring_sqe, 64 bytes. The unions carry the name of the
// member that ringproof uses most.
type SQE struct {
	Opcode      Op
	Flags       SQEFlags
	IOPrio      uint16
	FD          int32
	Off         uint64
	Addr        uint64
	Len         uint32
	OpFlags     uint32 // rw_flags and all others that share its place
	UserData    uint64
	BufIndex    uint16 // buf_index or buf_group
	Personality uint16
	SpliceFDIn  int32
	Addr3       uint64
	Pad2        uint64 // __pad2[0]
}

// Flags of a CQE, IORING_CQE_F_*.
const (
	CQEBuffer uint32 = 1 << 0 // the upper 16 bits name the provided buffer
	CQEMore   uint32 = 1 << 1 // more CQEs of this request will come
)

// CQE is struct io_uring_cqe without the second half that CQE32 adds.
type CQE struct {
	UserData uint64
	Res      int32
	Flags    uint32
}

// Params is struct io_uring_params: flags and sizes go in, all of it comes back.
type Params struct {
	SQEntries    uint32
	CQEntries    uint32
	Flags        SetupFlags
	SQThreadCPU  uint32
	SQThreadIdle uint32 // milliseconds
	Features     uint32
	WqFD         uint32
	_            [3]uint32
	SQOff        SQOffsets
	CQOff        CQOffsets
}

// SQOffsets is struct io_sqring_offsets.
type SQOffsets struct {
	Head, Tail, RingMask, RingEntries, Flags, Dropped, Array, _ uint32
	UserAddr                                                    uint64
}

// CQOffsets is struct io_cqring_offsets.
type CQOffsets struct {
	Head, Tail, RingMask, RingEntries, Overflow, CQEs, Flags, _ uint32
	UserAddr                                                    uint64
}

// Timespec is struct __kernel_timespec, which TIMEOUT and LINK_TIMEOUT point to.
type Timespec struct {
	Sec, Nsec int64
}

// geteventsArg is struct io_uring_getevents_arg.
type geteventsArg struct {
	sigmask   uint64
	sigmaskSz uint32
	minWait   uint32
	ts        uint64
}

// syncCancelReg is struct io_uring_sync_cancel_reg.
type syncCancelReg struct {
	addr    uint64
	fd      int32
	flags   uint32
	timeout Timespec
	opcode  uint8
	_       [7]uint8
	_       [3]uint64
}

// rsrcUpdate is struct io_uring_rsrc_update.
type rsrcUpdate struct {
	offset uint32
	_      uint32
	data   uint64
}

// rsrcUpdate2 is struct io_uring_rsrc_update2.
type rsrcUpdate2 struct {
	offset     uint32
	_          uint32
	data, tags uint64
	nr         uint32
	_          uint32
}

// bufReg is struct io_uring_buf_reg.
type bufReg struct {
	ringAddr    uint64
	ringEntries uint32
	bgid        uint16
	flags       uint16
	_           [3]uint64
}

// buf is struct io_uring_buf. The last field of a ring's first one is the ring's tail.
type buf struct {
	addr uint64
	len  uint32
	bid  uint16
	tail uint16
}

// fileIndexRange is struct io_uring_file_index_range.
type fileIndexRange struct {
	off, len uint32
	_        uint64
}

// cloneBuffers is struct io_uring_clone_buffers.
type cloneBuffers struct {
	srcFD, flags uint32
	_            [6]uint32
}

// Iovec is struct iovec.
type Iovec struct{ Base, Len uint64 }

// probeOp is struct io_uring_probe_op.
type probeOp struct {
	op    uint8
	_     uint8
	flags uint16
	_     uint32
}

// probeReg is struct io_uring_probe with room for every 8-bit opcode.
type probeReg struct {
	lastOp uint8
	opsLen uint8
	_      uint16
	_      [3]uint32
	ops    [256]probeOp
}

// EnterFlags are IORING_ENTER_*.
type EnterFlags uint32

const (
	EnterGetEvents EnterFlags = 1 << 0 // IORING_ENTER_GETEVENTS
	EnterSQWakeup  EnterFlags = 1 << 1 // IORING_ENTER_SQ_WAKEUP
	EnterSQWait    EnterFlags = 1 << 2 // IORING_ENTER_SQ_WAIT
	enterExtArg    EnterFlags = 1 << 3 // IORING_ENTER_EXT_ARG

	enterRegisteredRing EnterFlags = 1 << 4 // IORING_ENTER_REGISTERED_RING
)

// Flags that the kernel shows in the SQ ring, IORING_SQ_*.
const (
	sqNeedWakeup uint32 = 1 << 0
	sqCQOverflow uint32 = 1 << 1
	sqTaskrun    uint32 = 1 << 2
)

// NopInjectResult is IORING_NOP_INJECT_RESULT in a NOP's nop_flags: the NOP
// completes with the value of sqe->len. Linux 6.10 and later.
const NopInjectResult uint32 = 1 << 0

// CancelFlags of ASYNC_CANCEL and SYNC_CANCEL, IORING_ASYNC_CANCEL_*.
const (
	CancelAll      uint32 = 1 << 0
	CancelFD       uint32 = 1 << 1
	CancelAny      uint32 = 1 << 2
	CancelFDFixed  uint32 = 1 << 3
	CancelUserData uint32 = 1 << 4
	CancelOp       uint32 = 1 << 5
)

const (
	offSQRing = 0          // IORING_OFF_SQ_RING
	offCQRing = 0x8000000  // IORING_OFF_CQ_RING
	offSQEs   = 0x10000000 // IORING_OFF_SQES

	offPbufRing  = 0x80000000 // IORING_OFF_PBUF_RING
	offPbufShift = 16         // IORING_OFF_PBUF_SHIFT
	pbufRingMmap = 1 << 0     // IOU_PBUF_RING_MMAP
	opSupported  = 1 << 0     // IO_URING_OP_SUPPORTED
)

// RegisterOp is the opcode of io_uring_register(2), enum io_uring_register_op.
type RegisterOp uint32

const (
	RegisterBuffers         RegisterOp = 0
	UnregisterBuffers       RegisterOp = 1
	RegisterFiles           RegisterOp = 2
	UnregisterFiles         RegisterOp = 3
	RegisterEventFD         RegisterOp = 4
	UnregisterEventFD       RegisterOp = 5
	RegisterFilesUpdate     RegisterOp = 6
	RegisterEventFDAsync    RegisterOp = 7
	RegisterProbe           RegisterOp = 8
	RegisterPersonality     RegisterOp = 9
	UnregisterPersonality   RegisterOp = 10
	RegisterRestrictions    RegisterOp = 11
	RegisterEnableRings     RegisterOp = 12
	RegisterBuffersUpdate   RegisterOp = 16
	RegisterIOWQAff         RegisterOp = 17
	UnregisterIOWQAff       RegisterOp = 18
	RegisterIOWQMaxWorkers  RegisterOp = 19
	RegisterRingFDs         RegisterOp = 20
	UnregisterRingFDs       RegisterOp = 21
	RegisterPbufRing        RegisterOp = 22
	UnregisterPbufRing      RegisterOp = 23
	RegisterSyncCancel      RegisterOp = 24
	RegisterFileAllocRange  RegisterOp = 25
	RegisterClock           RegisterOp = 29
	RegisterCloneBuffers    RegisterOp = 30
	registerUseRegisteredFD RegisterOp = 1 << 31 // IORING_REGISTER_USE_REGISTERED_RING
)
