// SPDX-License-Identifier: Apache-2.0

package uring

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"io_uring_sqe", unsafe.Sizeof(SQE{}), 64},
		{"io_uring_cqe", unsafe.Sizeof(CQE{}), 16},
		{"io_uring_params", unsafe.Sizeof(Params{}), 120},
		{"io_uring_getevents_arg", unsafe.Sizeof(geteventsArg{}), 24},
		{"io_uring_sync_cancel_reg", unsafe.Sizeof(syncCancelReg{}), 64},
		{"io_uring_rsrc_update", unsafe.Sizeof(rsrcUpdate{}), 16},
		{"io_uring_rsrc_update2", unsafe.Sizeof(rsrcUpdate2{}), 32},
		{"io_uring_buf_reg", unsafe.Sizeof(bufReg{}), 40},
		{"io_uring_buf", unsafe.Sizeof(buf{}), 16},
		{"io_uring_file_index_range", unsafe.Sizeof(fileIndexRange{}), 16},
		{"io_uring_clone_buffers", unsafe.Sizeof(cloneBuffers{}), 32},
		{"iovec", unsafe.Sizeof(Iovec{}), 16},
		{"io_uring_probe_op", unsafe.Sizeof(probeOp{}), 8},
		{"io_uring_probe", unsafe.Sizeof(probeReg{}), 16 + 256*8},
	} {
		if c.got != c.want {
			t.Errorf("struct %s has %d bytes, want %d", c.name, c.got, c.want)
		}
	}
}

// newRing makes a ring on the host's kernel, or skips where that is not
// allowed or the kernel does not know the flags.
func newRing(t *testing.T, entries, cqEntries uint32, flags SetupFlags) *Ring {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	r, err := New(entries, cqEntries, flags)
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		t.Skipf("this host does not allow io_uring: %v", err)
	case errors.Is(err, unix.EINVAL) && flags != 0:
		t.Skipf("this host's kernel does not know set-up flags %#x", uint32(flags))
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestNops(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags SetupFlags
	}{
		{"plain", 0},
		{"defer-taskrun", SetupSingleIssuer | SetupDeferTaskrun},
		{"coop-taskrun", SetupCoopTaskrun | SetupTaskrunFlag},
		{"big-entries", SetupSQE128 | SetupCQE32},
		{"no-sqarray", SetupNoSQArray},
		{"sqpoll", SetupSQPoll},
		{"no-mmap", SetupNoMmap},
		{"no-mmap-big-entries", SetupNoMmap | SetupSQE128 | SetupCQE32},
		{"registered-only", SetupNoMmap | SetupRegisteredFdOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRing(t, 4, 0, c.flags)
			// Twelve rounds of three go around both queues more than once.
			for round := range 12 {
				for i := range 3 {
					for r.Space() == 0 {
						if err := r.WaitSpace(); err != nil {
							t.Fatal(err)
						}
					}
					*r.Next() = SQE{Opcode: OpNop, UserData: uint64(round*10 + i)}
				}
				if n, err := r.Submit(); n != 3 || err != nil {
					t.Fatalf("Submit = %d, %v, want 3", n, err)
				}
				_, err := r.Enter(0, 3, EnterGetEvents, 10*time.Second)
				for err == unix.EINTR { // Go's scheduler signals threads
					_, err = r.Enter(0, 3, EnterGetEvents, 10*time.Second)
				}
				if err != nil {
					t.Fatalf("wait for 3 CQEs: %v", err)
				}
				for i := range 3 {
					cqe, ok := r.Reap()
					if !ok || cqe != (CQE{UserData: uint64(round*10 + i)}) {
						t.Fatalf("round %d: CQE %d = %+v, %v", round, i, cqe, ok)
					}
				}
			}
		})
	}
}

func TestNextStopsWhenFull(t *testing.T) {
	r := newRing(t, 2, 0, 0)
	for i := range 2 {
		if r.Next() == nil {
			t.Fatalf("a queue of 2 gave no SQE %d", i)
		}
	}
	if r.Next() != nil {
		t.Fatal("a full queue gave an SQE")
	}
	if n := r.Withdraw(); n != 2 {
		t.Fatalf("Withdraw = %d, want 2", n)
	}
	if s := r.Space(); s != 2 {
		t.Fatalf("Space after Withdraw = %d, want 2", s)
	}
}

// A bad opcode stops the submission behind it; what was not consumed must not
// show up in the next one.
func TestWithdrawAfterShortSubmit(t *testing.T) {
	r := newRing(t, 4, 0, 0)
	*r.Next() = SQE{Opcode: 255, UserData: 1}
	*r.Next() = SQE{Opcode: OpNop, UserData: 2}
	if n, err := r.Submit(); n != 1 || err != nil {
		t.Fatalf("Submit = %d, %v, want 1", n, err)
	}
	if n := r.Withdraw(); n != 1 {
		t.Fatalf("Withdraw = %d, want 1", n)
	}
	*r.Next() = SQE{Opcode: OpNop, UserData: 3}
	if n, err := r.Submit(); n != 1 || err != nil {
		t.Fatalf("Submit = %d, %v, want 1", n, err)
	}
	var got []uint64
	for cqe, ok := r.Reap(); ok; cqe, ok = r.Reap() {
		got = append(got, cqe.UserData)
	}
	if !slices.Equal(got, []uint64{1, 3}) {
		t.Errorf("completed %v, want 1 and 3", got)
	}
}

func TestOverflow(t *testing.T) {
	r := newRing(t, 8, 8, 0)
	for batch := range 2 {
		for i := range 8 {
			*r.Next() = SQE{Opcode: OpNop, UserData: uint64(batch*8 + i)}
		}
		if n, err := r.Submit(); n != 8 || err != nil {
			t.Fatalf("Submit = %d, %v, want 8", n, err)
		}
	}
	if !r.Overflowed() || r.Ready() != 8 {
		t.Fatalf("16 CQEs into 8: Overflowed %v, Ready %d", r.Overflowed(), r.Ready())
	}
	next := uint64(0)
	for range 2 {
		for cqe, ok := r.Reap(); ok; cqe, ok = r.Reap() {
			if cqe.UserData != next {
				t.Errorf("CQE %d came in place of %d", cqe.UserData, next)
			}
			next++
		}
		if _, err := r.Enter(0, 0, EnterGetEvents, 0); err != nil {
			t.Fatal(err)
		}
	}
	if next != 16 || r.Overflowed() {
		t.Errorf("reaped %d of 16, Overflowed %v", next, r.Overflowed())
	}
}

func TestEnterTimesOut(t *testing.T) {
	r := newRing(t, 2, 0, 0)
	if _, err := r.Enter(0, 1, EnterGetEvents, time.Millisecond); !errors.Is(err, unix.ETIME) {
		t.Errorf("Enter on an idle ring = %v, want ETIME", err)
	}
}

func TestSyncCancel(t *testing.T) {
	r := newRing(t, 2, 0, 0)
	if _, err := r.SyncCancel(7, -1, 0, 0, time.Second); !errors.Is(err, unix.ENOENT) {
		t.Errorf("cancel of nothing = %v, want ENOENT", err)
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	*r.Next() = SQE{Opcode: OpPollAdd, FD: int32(p[0]), OpFlags: unix.POLLIN, UserData: 7}
	if _, err := r.Submit(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SyncCancel(7, -1, 0, 0, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Enter(0, 1, EnterGetEvents, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if cqe, ok := r.Reap(); !ok || cqe.Res != -int32(unix.ECANCELED) {
		t.Errorf("cancelled poll: CQE %+v, %v", cqe, ok)
	}
}

func TestSupported(t *testing.T) {
	r := newRing(t, 2, 0, 0)
	ops, err := r.Supported()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Op{OpNop, OpRead, OpWrite, OpAsyncCancel} {
		if !slices.Contains(ops, o) {
			t.Errorf("opcode %s is missing in %v", o, ops)
		}
	}
}

// A ring that is registered again gives its place back: there are few, and each holds it open.
func TestRegisteredTwice(t *testing.T) {
	r := newRing(t, 4, 0, 0)
	for n := range 40 { // IO_RINGFD_REG_MAX is 16
		if got, err := r.RegisterRingFD(); got != 1 || err != nil {
			t.Fatalf("time %d: %d, %v", n, got, err)
		}
	}
}
