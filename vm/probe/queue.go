// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets and sizes of struct entry and struct queue in bpf/record.h.
const (
	entrySize = 128
	offSeq    = entrySize - 8
	offTail   = 64
	queueSize = 128
)

// queue is the reader's side of the records. The memory is shared with the
// BPF programs.
type queue struct {
	entries []byte // capacity times struct entry
	shared  []byte // struct queue
	tail    uint64 // number of the next record to read
	// overwritten counts records that were gone before they were read.
	overwritten uint64
}

// mapQueue maps the memory of the two array maps. capacity is the number of
// entries, a power of two that fills whole pages.
func mapQueue(entriesFD, queueFD, capacity int) (*queue, error) {
	entries, err := unix.Mmap(entriesFD, 0, capacity*entrySize, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the %d entries of the record queue: %w", capacity, err)
	}
	shared, err := unix.Mmap(queueFD, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		unix.Munmap(entries)
		return nil, fmt.Errorf("map the record queue's positions: %w", err)
	}
	return &queue{entries: entries, shared: shared}, nil
}

func u64At(mem []byte, off uint64) *uint64 { return (*uint64)(unsafe.Pointer(&mem[off])) }

// read appends all committed records to out, in order. It stops at the first
// that is still being written.
func (q *queue) read(out []byte) []byte {
	mask := uint64(len(q.entries)/entrySize - 1)
	for {
		at := (q.tail & mask) * entrySize
		seq := u64At(q.entries, at+offSeq)
		got := atomic.LoadUint64(seq)
		if got < q.tail+1 {
			break
		}
		start := len(out)
		out = append(out, q.entries[at:at+RecordSize]...)
		if got != q.tail+1 || atomic.LoadUint64(seq) != got {
			out = out[:start]
			q.overwritten++
		}
		q.tail++
	}
	atomic.StoreUint64(u64At(q.shared, offTail), q.tail)
	return out
}

func (q *queue) unmap() error {
	return errors.Join(unix.Munmap(q.entries), unix.Munmap(q.shared))
}

// bell is a BPF ring buffer whose records mean nothing: the programs ring it
// to wake the reader.
type bell struct {
	epoll    int
	consumer []byte // a page each with the positions up to which
	producer []byte // records were read and written
}

func openBell(fd int) (_ *bell, err error) {
	b := &bell{epoll: -1}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	page := os.Getpagesize()
	if b.consumer, err = unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map the wakeups' consumer page: %w", err)
	}
	if b.producer, err = unix.Mmap(fd, int64(page), page, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map the wakeups' producer page: %w", err)
	}
	if b.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("watch for wakeups: %w", err)
	}
	if err = unix.EpollCtl(b.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		return nil, fmt.Errorf("watch for wakeups: %w", err)
	}
	return b, nil
}

// wait blocks until the bell was rung since the last wait, or the timeout is over.
func (b *bell) wait(timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	var events [1]unix.EpollEvent
	for {
		left := max(0, time.Until(deadline))
		ms := int((left + time.Millisecond - 1) / time.Millisecond)
		_, err := unix.EpollWait(b.epoll, events[:], ms)
		if err == unix.EINTR && left > 0 {
			continue
		}
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for probe records: %w", err)
		}
		// What is rung from now on is for the next wait.
		atomic.StoreUint64(u64At(b.consumer, 0), atomic.LoadUint64(u64At(b.producer, 0)))
		return nil
	}
}

func (b *bell) close() error {
	var errs []error
	if b.epoll >= 0 {
		errs = append(errs, unix.Close(b.epoll))
	}
	for _, mem := range [][]byte{b.consumer, b.producer} {
		if mem != nil {
			errs = append(errs, unix.Munmap(mem))
		}
	}
	return errors.Join(errs...)
}
