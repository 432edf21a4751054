// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases/uring"
)

// The process's first thread belongs to no test, as in a worker it belongs to
// no thread of a program: it is the one that cannot end.
func init() { runtime.LockOSThread() }

// The test binary is its own worker, as ringproof is in the guest.
func TestMain(m *testing.M) {
	if Dispatch() {
		return
	}
	os.Exit(m.Run())
}

// needUring skips a test where the host does not let it use io_uring.
func needUring(t testing.TB) {
	t.Helper()
	r, err := uring.New(2, 0, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skipf("this host does not allow io_uring: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}
