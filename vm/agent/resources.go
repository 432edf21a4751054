// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
)

// resource is a [cases.Resource] made real.
type resource struct {
	fds  [2]int
	open [2]bool
	// late reads a file that the program has closed; 0 if there is none.
	late int
	// dir is the path of a directory, device the name of a null_blk device:
	// what must be removed once nothing holds it.
	dir, device string
	child       int // its PID; 0 for none
}

// remove takes away what closing descriptors does not.
func (r *resource) remove() {
	if r.dir != "" {
		os.RemoveAll(r.dir)
	}
	if r.device != "" {
		removeNullBlk(r.device)
	}
	if r.child > 0 {
		endChild(r.child)
	}
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
	e.resources = make([]resource, len(e.prog.Resources))
	for i := range e.resources {
		spec, r := &e.prog.Resources[i], &e.resources[i]
		r.fds = [2]int{-1, -1}
		if err := e.makeResource(spec, r); err != nil {
			return fmt.Errorf("%s %s: %w", spec.Kind, spec.Name, err)
		}
		for end, fd := range r.fds {
			r.open[end] = fd >= 0
		}
	}
	return nil
}

func (e *execution) makeResource(spec *cases.Resource, r *resource) (err error) {
	flags := 0
	if spec.NonBlock {
		flags = unix.O_NONBLOCK
	}
	switch spec.Kind {
	case cases.ResFile:
		r.fds[0], err = e.makeFile(spec)
	case cases.ResPipe:
		err = unix.Pipe2(r.fds[:], flags)
	case cases.ResSocketPair:
		r.fds, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|flags, 0)
	case cases.ResEventFD:
		r.fds[0], err = unix.Eventfd(0, flags)
	case cases.ResEpoll:
		r.fds[0], err = unix.EpollCreate1(0)
	case cases.ResTimerFD:
		if r.fds[0], err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, flags); err == nil {
			at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(e.scaled(spec.Delay)))}
			err = unix.TimerfdSettime(r.fds[0], 0, &at, nil)
		}
	case cases.ResSocket:
		r.fds[0], err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|flags, 0)
	case cases.ResDir:
		err = e.makeDir(spec, r)
	case cases.ResNullBlk:
		err = e.makeNullBlk(spec, r)
	case cases.ResChild:
		r.child, r.fds[0], err = makeChild()
	default:
		err = fmt.Errorf("unknown kind %d: host and guest are different builds", spec.Kind)
	}
	return err
}

// own is the name of a directory or device that only this process makes. PID 1
// finds by it what a worker that was killed left behind (see removeLeftovers).
func (x *executor) own() string {
	x.made++
	return fmt.Sprintf("%s%d", leftoverPrefix(unix.Getpid()), x.made)
}

func (e *execution) makeDir(spec *cases.Resource, r *resource) error {
	base, err := e.base(spec.FS)
	if err != nil {
		return err
	}
	r.dir = filepath.Join(base, e.x.own())
	if err := unix.Mkdir(r.dir, 0o777); err != nil {
		return fmt.Errorf("make the directory %s: %w", r.dir, err)
	}
	r.fds[0], err = unix.Open(r.dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	return err
}

// base is the directory of a filesystem.
func (e *execution) base(fs cases.FS) (string, error) {
	if int(fs) >= len(e.x.dirs) || e.x.dirs[fs] == "" {
		return "", fmt.Errorf("filesystem %d is not there", fs)
	}
	return e.x.dirs[fs], nil
}

// makeFile makes a file without a name, so that nothing of it outlives its descriptors.
func (e *execution) makeFile(spec *cases.Resource) (int, error) {
	dir, err := e.base(spec.FS)
	if err != nil {
		return -1, err
	}
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

// fillFile gives a file its size, content and flags.
func fillFile(fd int, spec *cases.Resource) error {
	if spec.Size > cases.MaxBuffer {
		return fmt.Errorf("a file of %d bytes, the limit is %d", spec.Size, cases.MaxBuffer)
	}
	if err := unix.Ftruncate(fd, int64(spec.Size)); err != nil {
		return fmt.Errorf("size the file to %d bytes: %w", spec.Size, err)
	}
	if err := writeFill(fd, spec); err != nil {
		return err
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

// writeFill writes a file's or device's first content, if it is not all zeros.
func writeFill(fd int, spec *cases.Resource) error {
	if spec.Fill == 0 {
		return nil
	}
	b := make([]byte, spec.Size)
	spec.Fill.Bytes(b, 0)
	for off := 0; off < len(b); {
		n, err := unix.Pwrite(fd, b[off:], int64(off))
		if err != nil {
			return fmt.Errorf("fill it at %d: %w", off, err)
		}
		off += n
	}
	return nil
}

// fd is the descriptor's number, -1 for none.
func (e *execution) fd(f cases.FD) int {
	switch {
	case f.Ring > 0 && f.Ring <= len(e.rings):
		return e.rings[f.Ring-1].FD()
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
		if hasContent(e.prog.Resources[f.Ref-1].Kind) && r.late == 0 && e.usesResource(f.Ref) {
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

// contents reads back the buffers and files that an SQE names.
func (e *execution) contents() []cases.Blob {
	var blobs []cases.Blob
	for i := range e.buffers {
		if e.prog.Buffers[i].Kind == cases.BufData && e.usesBuffer(i+1) {
			blobs = append(blobs, cases.Blob{Buffer: i + 1, Bytes: slices.Clone(e.buffers[i])})
		}
	}
	for i := range e.resources {
		r := &e.resources[i]
		spec := &e.prog.Resources[i]
		if !hasContent(spec.Kind) || !e.usesResource(i+1) {
			continue
		}
		fd := r.fds[0]
		if !r.open[0] {
			fd = r.late
		}
		if fd <= 0 {
			continue
		}
		limit := cases.MaxBuffer
		if spec.Kind == cases.ResNullBlk {
			limit = int(spec.Size)
		}
		if b, err := readFileFD(fd, limit); err == nil {
			blobs = append(blobs, cases.Blob{File: i + 1, Bytes: b})
		}
	}
	return blobs
}

// hasContent tells whether a resource holds bytes that are compared at the end.
func hasContent(k cases.ResourceKind) bool { return k == cases.ResFile || k == cases.ResNullBlk }

// readFileFD reads a file or device from its start, at most limit bytes,
// without moving its position.
func readFileFD(fd, limit int) ([]byte, error) {
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil && flags&unix.O_DIRECT != 0 {
		// O_DIRECT would ask for an aligned buffer. Nobody uses the descriptor any more.
		unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags&^unix.O_DIRECT)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG {
		limit = int(min(st.Size, int64(limit)))
	}
	b := make([]byte, limit)
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
