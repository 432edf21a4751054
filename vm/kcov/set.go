// SPDX-License-Identifier: Apache-2.0

package kcov

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
)

// Path is KCOV's file.
const Path = "/sys/kernel/debug/kcov"

// sectionFile holds the address of the function whose block begins each
// section of what the remote descriptor collects. Only kernels with the instrument have it.
const sectionFile = "/sys/module/io_uring/parameters/kcov_section"

// From include/uapi/linux/kcov.h.
const (
	initTrace    = 0x80086301 // KCOV_INIT_TRACE
	enable       = 0x6364     // KCOV_ENABLE
	disable      = 0x6365     // KCOV_DISABLE
	remoteEnable = 0x40186366 // KCOV_REMOTE_ENABLE
	tracePC      = 0          // KCOV_TRACE_PC
)

// remoteArg is struct kcov_remote_arg without handles but the common one.
type remoteArg struct {
	traceMode, areaSize, numHandles uint32
	_                               uint32
	commonHandle                    uint64
}

const (
	// Tasks is how many tasks of a program a set has descriptors for: all.
	Tasks = 1 + cases.MaxThreads
	// Descriptors is how many a set has in all.
	Descriptors = Tasks + 1
	remote      = Tasks // index of the one for the others
)

// Sizes of buffers in words. The first task makes and closes everything. The remote
// buffer has the size of one section's: if a section's was full, it is full as well.
const (
	firstWords  = 1 << 16
	threadWords = 1 << 15
	remoteWords = 1 << 16
)

func wordsOf(i int) int {
	switch i {
	case 0:
		return firstWords
	case remote:
		return remoteWords
	}
	return threadWords
}

// Missing says why the running kernel has no coverage, "" if it has.
func Missing() string {
	f, err := os.Open(Path)
	if err == nil {
		f.Close()
		return ""
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "the kernel has no KCOV (no " + Path + "): use a kernel that ringproof built"
	}
	return fmt.Sprintf("KCOV cannot be used: %v", err)
}

// section reads the address of the function that begins sections; 0 if there are none.
func section() uint64 {
	b, err := os.ReadFile(sectionFile)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n
}

// Lacks names the tasks that the running kernel does not cover, with the reason.
func Lacks() []string {
	if section() != 0 {
		return nil
	}
	return []string{"io-wq workers, SQPOLL threads, exiting tasks: the kernel is without the instrument coverage-tasks"}
}

// A Set is a process's descriptors. Its buffers take up to 3 MiB of the kernel's
// memory, from [Set.Prepare] until all who have the descriptors have closed them.
type Set struct {
	fds   [Descriptors]int
	made  [Descriptors]bool     // the buffer, in who opened the set
	areas [Descriptors][]uint64 // where it is mapped
	mark  uint64
	stop  chan struct{} // ends the remote collection
	ended chan struct{} // tells that it has
}

// Open opens the descriptors. That is all that is done until coverage is asked for.
func Open() (*Set, error) {
	s := new(Set)
	for i := range s.fds {
		fd, err := unix.Open(Path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			for _, fd := range s.fds[:i] {
				unix.Close(fd)
			}
			return nil, fmt.Errorf("open %s: %w", Path, err)
		}
		s.fds[i] = fd
	}
	return s, nil
}

// Inherit is the set whose descriptors begin at first, in the process that it was handed to.
func Inherit(first int) *Set {
	s := new(Set)
	for i := range s.fds {
		s.fds[i] = first + i
	}
	return s
}

// FDs are the descriptors, for [Inherit] in their order.
func (s *Set) FDs() []int { return s.fds[:] }

// used are the indices of what a program of n tasks takes.
func used(n int) []int {
	all := []int{remote}
	for i := range n {
		all = append(all, i)
	}
	return all
}

// Prepare makes the buffers that a program of n tasks takes, and collects what the
// tasks of process pid do that cannot ask for it, until Close. Only for who opened the set.
func (s *Set) Prepare(pid, n int) error {
	for _, i := range used(n) {
		if s.made[i] {
			continue
		}
		if err := ioctl(s.fds[i], initTrace, uintptr(wordsOf(i))); err != nil {
			return fmt.Errorf("give KCOV a buffer of %d words: %w", wordsOf(i), err)
		}
		s.made[i] = true
	}
	if s.stop != nil {
		return nil
	}
	s.stop, s.ended = make(chan struct{}), make(chan struct{})
	enabled := make(chan error)
	go s.collectFor(pid, enabled)
	err := <-enabled
	if err != nil {
		s.stop = nil
	}
	return err
}

// collectFor has the remote descriptor collect until stop is closed. It does so
// for a task that does nothing else meanwhile: the calling thread.
func (s *Set) collectFor(pid int, enabled chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.ended)
	arg := &remoteArg{traceMode: tracePC, areaSize: remoteWords, commonHandle: uint64(pid)}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s.fds[remote]), remoteEnable, uintptr(unsafe.Pointer(arg)))
	if errno != 0 {
		enabled <- fmt.Errorf("have KCOV collect what process %d does: %w", pid, errno)
		return
	}
	enabled <- nil
	<-s.stop
	ioctl(s.fds[remote], disable, 0)
}

// Map makes the buffers of a program of n tasks readable here. They must have been made.
func (s *Set) Map(n int) error {
	if s.mark == 0 {
		s.mark = section()
	}
	for _, i := range used(n) {
		if s.areas[i] != nil {
			continue
		}
		mem, err := unix.Mmap(s.fds[i], 0, 8*wordsOf(i), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return fmt.Errorf("map KCOV's buffer: %w", err)
		}
		s.areas[i] = unsafe.Slice((*uint64)(unsafe.Pointer(&mem[0])), wordsOf(i))
	}
	return nil
}

// Close gives back what the set holds here.
func (s *Set) Close() {
	if s.stop != nil {
		close(s.stop)
		<-s.ended
	}
	for i, fd := range s.fds {
		if a := s.areas[i]; a != nil {
			unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&a[0])), 8*len(a)))
		}
		unix.Close(fd)
	}
}

// Clear forgets what was collected. Nothing may be collected meanwhile.
func (s *Set) Clear() {
	for _, a := range s.areas {
		if a != nil {
			atomic.StoreUint64(&a[0], 0)
		}
	}
}

// Enable collects what the calling thread does, which must be locked to its
// goroutine, as the program's task number task.
func (s *Set) Enable(task int) error {
	if err := ioctl(s.fds[task], enable, tracePC); err != nil {
		return fmt.Errorf("have KCOV collect what thread %d does: %w", unix.Gettid(), err)
	}
	return nil
}

// Disable ends what Enable began, in the same thread. A thread that ends need not.
func (s *Set) Disable(task int) error {
	if err := ioctl(s.fds[task], disable, 0); err != nil {
		return fmt.Errorf("have KCOV collect no more of thread %d: %w", unix.Gettid(), err)
	}
	return nil
}

// Reduce packs what the program's first n tasks and the others collected.
func (s *Set) Reduce(n int, r *Reducer) []byte {
	r.reset()
	for i := range n {
		pcs, full := collected(s.areas[i])
		r.add(pcs, full, 0)
	}
	pcs, full := collected(s.areas[remote])
	r.add(pcs, full, s.mark)
	return r.pack()
}

// collected is the part of a buffer that is in use, and whether that is all of it.
func collected(area []uint64) (pcs []uint64, full bool) {
	if len(area) == 0 {
		return nil, false
	}
	n := min(atomic.LoadUint64(&area[0]), math.MaxInt32, uint64(len(area)-1))
	return area[1 : 1+n], n == uint64(len(area)-1)
}

// ioctl makes no detour through Go's scheduler, which would cost more than the call.
func ioctl(fd int, request uint, arg uintptr) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), arg); errno != 0 {
		return errno
	}
	return nil
}
