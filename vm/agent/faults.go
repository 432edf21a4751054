// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
)

// Failures are injected through /proc/thread-self/fail-nth: the N-th chance
// that the calling task gets from then on fails, whatever its kind, and nothing else
// does. The debugfs attributes of each kind are used only to keep the other
// kinds from being counted; they make nothing fail by themselves. See
// Documentation/fault-injection and should_fail_ex() in lib/fault-inject.c.

const (
	failNthPath = "/proc/thread-self/fail-nth"
	debugfsDir  = "/sys/kernel/debug/"
)

// noUsercopy and so on are the attributes that keep a kind out; a stack
// filter that no stack can pass needs CONFIG_FAULT_INJECTION_STACKTRACE_FILTER.
var (
	noUsercopy = attr{"fail_usercopy/require-end", "0"}
	noSlab     = attr{"failslab/cache-filter", "Y"}
	noPage     = attr{"fail_page_alloc/min-order", "64"}
)

type attr struct{ file, value string }

// faultAlways is set for every kind: what sleeps may fail too, and the
// console stays clean.
var faultAlways = []attr{
	{"failslab/verbose", "0"}, {"fail_page_alloc/verbose", "0"}, {"fail_usercopy/verbose", "0"},
	{"failslab/ignore-gfp-wait", "N"}, {"fail_page_alloc/ignore-gfp-wait", "N"}, {"fail_page_alloc/ignore-gfp-highmem", "N"},
}

var faultAttrs = map[cases.FaultKind][]attr{
	cases.FaultSlab:     {{"failslab/cache-filter", "N"}, noPage, noUsercopy},
	cases.FaultPage:     {noSlab, {"fail_page_alloc/min-order", "0"}, noUsercopy},
	cases.FaultUsercopy: {noSlab, noPage, {"fail_usercopy/require-end", "0xffffffffffffffff"}},
}

// faultsMissing says why this kernel cannot inject failures, "" if it can.
func faultsMissing() string {
	for _, path := range []string{failNthPath, debugfsDir + noUsercopy.file, debugfsDir + noSlab.file, debugfsDir + noPage.file} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Sprintf("fault injection: %v", err)
		}
	}
	return ""
}

// arm makes the step's failure the next one of the calling thread.
func (t *thread) arm(st *cases.Step) int32 {
	for _, a := range append(faultAlways, faultAttrs[st.Fault]...) {
		if err := os.WriteFile(debugfsDir+a.file, []byte(a.value), 0); err != nil {
			return errnoOf(err)
		}
	}
	if t.failNth == 0 {
		fd, err := unix.Open(failNthPath, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return errnoOf(err)
		}
		t.failNth = fd
	}
	_, err := rawIO(unix.SYS_WRITE, uintptr(t.failNth), []byte(strconv.Itoa(st.N)))
	return errnoOf(err)
}

// disarm returns 1 if the failure has struck, else 0.
func (t *thread) disarm() int64 {
	var b [16]byte
	unix.Seek(t.failNth, 0, unix.SEEK_SET)
	n, err := rawIO(unix.SYS_READ, uintptr(t.failNth), b[:])
	// Reading it is a chance for a failure as well: then it had not struck before.
	struck := err == nil && strings.TrimSpace(string(b[:n])) == "0"
	for range 2 {
		if _, err := rawIO(unix.SYS_WRITE, uintptr(t.failNth), []byte("0")); err == nil {
			break
		}
	}
	if struck {
		return 1
	}
	return 0
}
