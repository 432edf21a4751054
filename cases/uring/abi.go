// SPDX-License-Identifier: Apache-2.0

// Package uring is the raw io_uring ABI of Linux 6.12: constants, structures,
// and a Ring made with plain system calls. No liburing, no cgo.
package uring

// Op is sqe->opcode, enum io_uring_op in include/uapi/linux/io_uring.h.
type Op uint8

const (
	OpNop Op = iota
	OpReadv
	OpWritev
	OpFsync
	OpReadFixed
	OpWriteFixed
	OpPollAdd
	OpPollRemove
	OpSyncFileRange
	OpSendmsg
	OpRecvmsg
	OpTimeout
	OpTimeoutRemove
	OpAccept
	OpAsyncCancel
	OpLinkTimeout
	OpConnect
	OpFallocate
	OpOpenat
	OpClose
	OpFilesUpdate
	OpStatx
	OpRead
	OpWrite
	OpFadvise
	OpMadvise
	OpSend
	OpRecv
	OpOpenat2
	OpEpollCtl
	OpSplice
	OpProvideBuffers
	OpRemoveBuffers
	OpTee
	OpShutdown
	OpRenameat
	OpUnlinkat
	OpMkdirat
	OpSymlinkat
	OpLinkat
	OpMsgRing
	OpFsetxattr
	OpSetxattr
	OpFgetxattr
	OpGetxattr
	OpSocket
	OpUringCmd
	OpSendZc
	OpSendmsgZc
	OpReadMultishot
	OpWaitid
	OpFutexWait
	OpFutexWake
	OpFutexWaitv
	OpFixedFdInstall
	OpFtruncate
	OpBind
	OpListen
	// OpLast is one past the last opcode of 6.12.
	OpLast
)

var opNames = [OpLast]string{
	"nop",
	"readv",
	"writev",
	"fsync",
	"read_fixed",
	"write_fixed",
	"poll_add",
	"poll_remove",
	"sync_file_range",
	"sendmsg",
	"recvmsg",
	"timeout",
	"timeout_remove",
	"accept",
	"async_cancel",
	"link_timeout",
	"connect",
	"fallocate",
	"openat",
	"close",
	"files_update",
	"statx",
	"read",
	"write",
	"fadvise",
	"madvise",
	"send",
	"recv",
	"openat2",
	"epoll_ctl",
	"splice",
	"provide_buffers",
	"remove_buffers",
	"tee",
	"shutdown",
	"renameat",
	"unlinkat",
	"mkdirat",
	"symlinkat",
	"linkat",
	"msg_ring",
	"fsetxattr",
	"setxattr",
	"fgetxattr",
	"getxattr",
	"socket",
	"uring_cmd",
	"send_zc",
	"sendmsg_zc",
	"read_multishot",
	"waitid",
	"futex_wait",
	"futex_wake",
	"futex_waitv",
	"fixed_fd_install",
	"ftruncate",
	"bind",
	"listen",
}

// String returns the opcode's kernel name in lower case without IORING_OP_,
// "" for an opcode that 6.12 does not have.
func (o Op) String() string {
	if o < OpLast {
		return opNames[o]
	}
	return ""
}

// OpByName is the inverse of [Op.String].
func OpByName(name string) (Op, bool) {
	for i, n := range opNames {
		if n == name {
			return Op(i), true
		}
	}
	return 0, false
}

// SQEFlags is sqe->flags.
type SQEFlags uint8

const (
	FixedFile      SQEFlags = 1 << iota // IOSQE_FIXED_FILE
	IODrain                             // IOSQE_IO_DRAIN
	IOLink                              // IOSQE_IO_LINK
	IOHardlink                          // IOSQE_IO_HARDLINK
	Async                               // IOSQE_ASYNC
	BufferSelect                        // IOSQE_BUFFER_SELECT
	CQESkipSuccess                      // IOSQE_CQE_SKIP_SUCCESS
	SQEGroup                            // IOSQE_SQE_GROUP, the feature under test: bit 7
)

// SetupFlags are IORING_SETUP_*.
type SetupFlags uint32

const (
	SetupIOPoll           SetupFlags = 1 << 0  // IORING_SETUP_IOPOLL
	SetupSQPoll           SetupFlags = 1 << 1  // IORING_SETUP_SQPOLL
	SetupSQAff            SetupFlags = 1 << 2  // IORING_SETUP_SQ_AFF
	SetupCQSize           SetupFlags = 1 << 3  // IORING_SETUP_CQSIZE
	SetupClamp            SetupFlags = 1 << 4  // IORING_SETUP_CLAMP
	SetupAttachWq         SetupFlags = 1 << 5  // IORING_SETUP_ATTACH_WQ
	SetupRDisabled        SetupFlags = 1 << 6  // IORING_SETUP_R_DISABLED
	SetupSubmitAll        SetupFlags = 1 << 7  // IORING_SETUP_SUBMIT_ALL
	SetupCoopTaskrun      SetupFlags = 1 << 8  // IORING_SETUP_COOP_TASKRUN
	SetupTaskrunFlag      SetupFlags = 1 << 9  // IORING_SETUP_TASKRUN_FLAG
	SetupSQE128           SetupFlags = 1 << 10 // IORING_SETUP_SQE128
	SetupCQE32            SetupFlags = 1 << 11 // IORING_SETUP_CQE32
	SetupSingleIssuer     SetupFlags = 1 << 12 // IORING_SETUP_SINGLE_ISSUER
	SetupDeferTaskrun     SetupFlags = 1 << 13 // IORING_SETUP_DEFER_TASKRUN
	SetupNoMmap           SetupFlags = 1 << 14 // IORING_SETUP_NO_MMAP
	SetupRegisteredFdOnly SetupFlags = 1 << 15 // IORING_SETUP_REGISTERED_FD_ONLY
	SetupNoSQArray        SetupFlags = 1 << 16 // IORING_SETUP_NO_SQARRAY
)

// Feature bits of io_uring_params.features that ringproof asks for by name.
const (
	FeatSingleMmap uint32 = 1 << 0  // IORING_FEAT_SINGLE_MMAP
	FeatNoDrop     uint32 = 1 << 1  // IORING_FEAT_NODROP
	FeatExtArg     uint32 = 1 << 8  // IORING_FEAT_EXT_ARG
	FeatCQESkip    uint32 = 1 << 11 // IORING_FEAT_CQE_SKIP
)
