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

// Header bits of a record in a BPF ring buffer, include/uapi/linux/bpf.h.
const (
	ringbufBusy    = 1 << 31 // BPF_RINGBUF_BUSY_BIT
	ringbufDiscard = 1 << 30 // BPF_RINGBUF_DISCARD_BIT
	ringbufHeader  = 8       // BPF_RINGBUF_HDR_SZ
)

// buffer is the consumer's side of a BPF ring buffer. Records are copied out
// in bulk, as they are: the ebpf module's reader costs a call per record.
type buffer struct {
	epoll    int
	consumer []byte // one page: the position up to which records were read
	producer []byte // one page with the producer's position, then the data twice
	mask     uint64
}

func newBuffer(fd, size int) (*buffer, error) {
	page := os.Getpagesize()
	c, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the record buffer's consumer page: %w", err)
	}
	p, err := unix.Mmap(fd, int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		unix.Munmap(c)
		return nil, fmt.Errorf("map the record buffer's %d bytes: %w", size, err)
	}
	b := &buffer{epoll: -1, consumer: c, producer: p, mask: uint64(size - 1)}
	if b.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err == nil {
		// Edge-triggered: to be woken when the programs ask for it, not by
		// each record that lies there.
		err = unix.EpollCtl(b.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET})
	}
	if err != nil {
		b.close()
		return nil, fmt.Errorf("watch the record buffer: %w", err)
	}
	return b, nil
}

func position(page []byte) *uint64 { return (*uint64)(unsafe.Pointer(&page[0])) }

// read appends all complete records to out.
func (b *buffer) read(out []byte) ([]byte, error) {
	data := b.producer[os.Getpagesize():]
	pos := atomic.LoadUint64(position(b.consumer))
	end := atomic.LoadUint64(position(b.producer))
	for pos < end {
		at := pos & b.mask
		head := atomic.LoadUint32((*uint32)(unsafe.Pointer(&data[at])))
		if head&ringbufBusy != 0 {
			break
		}
		size := uint64(head &^ (ringbufBusy | ringbufDiscard))
		if head&ringbufDiscard == 0 {
			if size != RecordSize {
				return out, fmt.Errorf("read probe records: one of %d bytes, want %d: the programs are of another build", size, RecordSize)
			}
			out = append(out, data[at+ringbufHeader:at+ringbufHeader+size]...)
		}
		pos += (size + ringbufHeader + 7) &^ 7
	}
	atomic.StoreUint64(position(b.consumer), pos)
	return out, nil
}

// wait blocks until the programs wake the reader or the timeout is over. A
// wakeup between two waits is not lost.
func (b *buffer) wait(timeout time.Duration) error {
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
		return nil
	}
}

func (b *buffer) close() error {
	err := errors.Join(unix.Munmap(b.consumer), unix.Munmap(b.producer))
	if b.epoll >= 0 {
		err = errors.Join(err, unix.Close(b.epoll))
	}
	return err
}
