// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// resource is a [cases.Resource] made real.
type resource struct {
	fds  [2]int
	open [2]bool
	// late reads a file that the program has closed; 0 if there is none.
	late int
}

func (r *resource) closeAll() {
	for end, open := range r.open {
		if open {
			unix.Close(r.fds[end])
		}
	}
	if r.late > 0 {
		unix.Close(r.late)
	}
}

func (e *execution) makeResources() error {
	e.resources = make([]resource, 0, len(e.prog.Resources))
	for i := range e.prog.Resources {
		spec := &e.prog.Resources[i]
		r := resource{fds: [2]int{-1, -1}}
		flags, err := 0, error(nil)
		if spec.NonBlock {
			flags = unix.O_NONBLOCK
		}
		switch spec.Kind {
		case cases.ResFile:
			r.fds[0], err = e.makeFile(spec)
			r.open[0] = true
		case cases.ResPipe:
			err = unix.Pipe2(r.fds[:], flags)
			r.open = [2]bool{true, true}
		case cases.ResSocketPair:
			r.fds, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|flags, 0)
			r.open = [2]bool{true, true}
		case cases.ResEventFD:
			r.fds[0], err = unix.Eventfd(0, flags)
			r.open[0] = true
		default:
			err = fmt.Errorf("unknown kind %d: host and guest are different builds", spec.Kind)
		}
		if err != nil {
			return fmt.Errorf("resource %s: %w", spec.Name, err)
		}
		e.resources = append(e.resources, r)
	}
	return nil
}

// makeFile makes a file without a name, so that nothing of it outlives its descriptors.
func (e *execution) makeFile(spec *cases.Resource) (int, error) {
	if int(spec.FS) >= len(e.x.dirs) || e.x.dirs[spec.FS] == "" {
		return -1, fmt.Errorf("filesystem %d is not there", spec.FS)
	}
	dir := e.x.dirs[spec.FS]
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR, 0o600)
	if err != nil {
		return -1, fmt.Errorf("make a file in %s: %w", dir, err)
	}
	if err := fillFile(fd, spec); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func fillFile(fd int, spec *cases.Resource) error {
	if spec.Size > cases.MaxBuffer {
		return fmt.Errorf("a file of %d bytes, the limit is %d", spec.Size, cases.MaxBuffer)
	}
	if err := unix.Ftruncate(fd, int64(spec.Size)); err != nil {
		return fmt.Errorf("size the file to %d bytes: %w", spec.Size, err)
	}
	if spec.Fill != 0 {
		b := make([]byte, spec.Size)
		spec.Fill.Bytes(b, 0)
		for off := 0; off < len(b); {
			n, err := unix.Pwrite(fd, b[off:], int64(off))
			if err != nil {
				return fmt.Errorf("fill the file at %d: %w", off, err)
			}
			off += n
		}
	}
	flags := unix.O_RDWR
	if spec.NonBlock {
		flags |= unix.O_NONBLOCK
	}
	if spec.Direct {
		flags |= unix.O_DIRECT
	}
	if flags != unix.O_RDWR {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags); err != nil {
			return fmt.Errorf("set the file's flags %#x (O_DIRECT, O_NONBLOCK): %w", flags, err)
		}
	}
	return nil
}

// fd is the descriptor's number, -1 for none.
func (e *execution) fd(f cases.FD) int {
	switch {
	case f.Ref > 0 && f.Ref <= len(e.resources):
		return e.resources[f.Ref-1].fds[f.End&1]
	case f.Ref == 0 && f.HasRaw:
		return int(f.Raw)
	}
	return -1
}

func (e *execution) closeFD(f cases.FD) error {
	if f.Ref > 0 && f.Ref <= len(e.resources) {
		r := &e.resources[f.Ref-1]
		r.open[f.End&1] = false
		if e.prog.Resources[f.Ref-1].Kind == cases.ResFile && r.late == 0 && e.usesResource(f.Ref) {
			// A file description of its own, so that the close is the last of the program's.
			if fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(r.fds[0]), unix.O_RDONLY, 0); err == nil {
				r.late = fd
			}
		}
	}
	return unix.Close(e.fd(f))
}

func (e *execution) kindOf(f cases.FD) cases.ResourceKind {
	if f.Ref > 0 && f.Ref <= len(e.prog.Resources) {
		return e.prog.Resources[f.Ref-1].Kind
	}
	return cases.ResFile
}

func (e *execution) feedBytes(st *cases.Step) []byte {
	if e.kindOf(st.FD) == cases.ResEventFD {
		return binary.NativeEndian.AppendUint64(nil, uint64(st.N))
	}
	b := make([]byte, clampSize(st.N))
	st.Fill.Bytes(b, 0)
	return b
}

func (e *execution) takeSize(st *cases.Step) int {
	if e.kindOf(st.FD) == cases.ResEventFD {
		return 8
	}
	return clampSize(st.N)
}

func clampSize(n int) int { return max(0, min(n, cases.MaxBuffer)) }

// makeBuffers lays the program's memory out in an arena: the buffers, each on
// pages of its own, then the timespecs.
func (e *execution) makeBuffers() error {
	size := 0
	for _, b := range e.prog.Buffers {
		if b.Size > cases.MaxBuffer {
			return fmt.Errorf("buffer %s has %d bytes, the limit is %d", b.Name, b.Size, cases.MaxBuffer)
		}
		size += pageAlign(int(b.Size))
	}
	times := size
	size += len(e.refs) * int(unsafe.Sizeof(uring.Timespec{}))
	if size == 0 {
		return nil
	}
	var err error
	if e.mem, err = e.x.mem.take(size); err != nil {
		return err
	}
	e.buffers = make([][]byte, len(e.prog.Buffers))
	off := 0
	for i, b := range e.prog.Buffers {
		e.buffers[i] = e.mem.mem[off : off+int(b.Size) : off+int(b.Size)]
		b.Fill.Bytes(e.buffers[i], 0)
		off += pageAlign(int(b.Size))
	}
	if len(e.refs) > 0 {
		e.times = unsafe.Slice((*uring.Timespec)(unsafe.Pointer(&e.mem.mem[times])), len(e.refs))
	}
	return nil
}

// addr is where the kernel finds the buffer. An offset behind its end is
// taken as it is: what the kernel does with a bad address is its to say.
func (e *execution) addr(b cases.BufRef) uint64 {
	if b.Ref <= 0 || b.Ref > len(e.buffers) {
		return 0
	}
	buf := e.buffers[b.Ref-1]
	if len(buf) == 0 {
		return 0
	}
	return addressOf(&buf[0]) + uint64(b.Off)
}

// addressOf is the address of something in an arena, which never moves.
func addressOf[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

func (e *execution) usesResource(ref int) bool {
	return slices.ContainsFunc(e.refs, func(s cases.SQERef) bool { return s.SQE.FD.Ref == ref })
}

func (e *execution) usesBuffer(ref int) bool {
	return slices.ContainsFunc(e.refs, func(s cases.SQERef) bool { return s.SQE.Buf.Ref == ref })
}

// contents reads back the buffers and files that an SQE names.
func (e *execution) contents() []cases.Blob {
	var blobs []cases.Blob
	for i := range e.buffers {
		if e.usesBuffer(i + 1) {
			blobs = append(blobs, cases.Blob{Buffer: i + 1, Bytes: slices.Clone(e.buffers[i])})
		}
	}
	for i := range e.resources {
		r := &e.resources[i]
		if e.prog.Resources[i].Kind != cases.ResFile || !e.usesResource(i+1) {
			continue
		}
		fd := r.fds[0]
		if !r.open[0] {
			fd = r.late
		}
		if fd <= 0 {
			continue
		}
		if b, err := readFileFD(fd); err == nil {
			blobs = append(blobs, cases.Blob{File: i + 1, Bytes: b})
		}
	}
	return blobs
}

// readFileFD reads a file from its start, at most MaxBuffer bytes, without moving its position.
func readFileFD(fd int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil && flags&unix.O_DIRECT != 0 {
		// O_DIRECT would ask for an aligned buffer. Nobody uses the descriptor any more.
		unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags&^unix.O_DIRECT)
	}
	b := make([]byte, min(st.Size, cases.MaxBuffer))
	n := 0
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], int64(n))
		if err != nil {
			return nil, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return b[:n], nil
}
