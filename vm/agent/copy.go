// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/wire"
)

// A copyShape is one way to copy a file: its units of work, each a number of
// blocks that lie behind one another, in phases. A unit goes on to its next phase
// when all CQEs of the one before have been read by the program.
type copyShape struct {
	name   string
	blocks int // of a unit
	phases [][]copySQE
}

// copySQE is an SQE of a unit: it reads or writes n of its blocks from block on.
type copySQE struct {
	op       uring.Op
	block, n int
	flags    uring.SQEFlags
}

func read(block int, flags uring.SQEFlags) copySQE {
	return copySQE{uring.OpRead, block, 1, flags}
}

func write(block, n int) copySQE { return copySQE{uring.OpWrite, block, n, 0} }

// copyShapes are what is compared. None of them skips CQEs, since not every
// revision lets members do so.
var copyShapes = []copyShape{
	// Each read is linked to its own write: no dependency between blocks.
	{wire.CopyLinked, 1, [][]copySQE{{read(0, uring.IOLink), write(0, 1)}}},
	// Reads, then as many writes once userspace has seen all reads.
	{wire.CopySeparate, 4, [][]copySQE{
		{read(0, 0), read(1, 0), read(2, 0), read(3, 0)},
		{write(0, 1), write(1, 1), write(2, 1), write(3, 1)},
	}},
	// Reads, then one write of all once userspace has seen all reads.
	{wire.CopyCoalesced, 4, [][]copySQE{
		{read(0, 0), read(1, 0), read(2, 0), read(3, 0)},
		{write(0, 4)},
	}},
	// A group of reads, linked to one write of all.
	{wire.CopyGrouped, 4, [][]copySQE{{
		read(0, uring.SQEGroup|uring.IOLink), read(1, uring.SQEGroup), read(2, uring.SQEGroup), read(3, 0),
		write(0, 4),
	}}},
}

// copier copies one file to another by one shape.
type copier struct {
	ring     *uring.Ring
	src, dst int
	mem      []byte // depth blocks
	block    int    // bytes
	size     int    // bytes of the file
	depth    int    // blocks in flight
	units    []copyUnit
	queued   []queuedSQE
	enters   int
	sqes     int
}

// copyUnit is a place for a unit in flight.
type copyUnit struct {
	off     int // in the file; -1 is a free place
	phase   int
	waiting int // CQEs of the phase that have not come
}

type queuedSQE struct {
	unit int
	sqe  copySQE
}

// copyEntries is the size of the ring that holds whatever a shape has in flight.
func copyEntries(depth int) uint32 {
	n := uint32(1)
	for n < uint32(2*depth) {
		n *= 2
	}
	return n
}

// run copies the file. Every shape goes through this one loop: fill what can
// go, enter once, wait until so many CQEs have come as any unit needs at least
// to go on, read them.
func (c *copier) run(sh *copyShape) error {
	c.units = make([]copyUnit, c.depth/sh.blocks)
	for i := range c.units {
		c.units[i].off = -1
	}
	next, left := 0, c.size
	for left > 0 {
		for i := range c.units {
			if u := &c.units[i]; u.off < 0 && next < c.size {
				*u = copyUnit{off: next}
				next += sh.blocks * c.block
				c.queue(sh, i)
			}
		}
		n := c.fill(sh)
		c.ring.Publish()
		got, err := c.ring.Enter(uint32(n), c.least(), uring.EnterGetEvents, 0)
		c.enters++
		if err == unix.EINTR && n == 0 {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("io_uring_enter for %d SQEs: %w", n, err)
		}
		if got != n {
			return fmt.Errorf("the kernel took %d of %d SQEs", got, n)
		}
		for {
			q, ok := c.ring.Reap()
			if !ok {
				break
			}
			done, err := c.completed(sh, q)
			if err != nil {
				return err
			}
			left -= done
		}
	}
	return nil
}

// queue has the SQEs of a unit's phase filled in.
func (c *copier) queue(sh *copyShape, i int) {
	u := &c.units[i]
	u.waiting = len(sh.phases[u.phase])
	for _, s := range sh.phases[u.phase] {
		c.queued = append(c.queued, queuedSQE{i, s})
	}
}

// fill puts what is queued into the ring and returns how many SQEs that are.
func (c *copier) fill(sh *copyShape) int {
	for _, q := range c.queued {
		*c.ring.Next() = c.sqe(sh, q) // the ring has room for all that is in flight
	}
	n := len(c.queued)
	c.queued = c.queued[:0]
	c.sqes += n
	return n
}

// sqe is the request for one SQE of a unit. Its user_data is the unit's place
// and the number of bytes that it must move.
func (c *copier) sqe(sh *copyShape, q queuedSQE) uring.SQE {
	s, u := q.sqe, &c.units[q.unit]
	fd := c.src
	if s.op == uring.OpWrite {
		fd = c.dst
	}
	at := (q.unit*sh.blocks + s.block) * c.block
	return uring.SQE{
		Opcode: s.op, Flags: s.flags, FD: int32(fd), Off: uint64(u.off + s.block*c.block),
		Addr: uint64(uintptr(unsafe.Pointer(&c.mem[at]))), Len: uint32(s.n * c.block),
		UserData: uint64(q.unit)<<32 | uint64(s.n*c.block),
	}
}

// least is the number of CQEs without which no unit can go on.
func (c *copier) least() uint32 {
	least := 0
	for i := range c.units {
		if u := &c.units[i]; u.off >= 0 && (least == 0 || u.waiting < least) {
			least = u.waiting
		}
	}
	return uint32(least)
}

// completed takes a CQE in and returns how many bytes of the file it finished.
func (c *copier) completed(sh *copyShape, q uring.CQE) (int, error) {
	i, want := int(q.UserData>>32), int32(uint32(q.UserData))
	if i >= len(c.units) || c.units[i].off < 0 {
		return 0, fmt.Errorf("a CQE came for unit %d, which is not in flight", i)
	}
	u := &c.units[i]
	if q.Res != want {
		return 0, fmt.Errorf("a request of the unit at offset %d has the result %s, want %d", u.off, cases.ResultText(q.Res), want)
	}
	if u.waiting--; u.waiting > 0 {
		return 0, nil
	}
	if u.phase++; u.phase < len(sh.phases) {
		c.queue(sh, i)
		return 0, nil
	}
	u.off = -1
	return sh.blocks * c.block, nil
}

// copyOrders are the orders in which k shapes run: a balanced square, in whose k rows
// each shape stands once in each place and once behind each other one. k is even.
func copyOrders(k int) [][]int {
	rows := make([][]int, k)
	for r := range rows {
		lo, hi := 0, k-1
		for i := range k {
			at := lo
			switch {
			case i == 0:
				lo++
			case i%2 == 1:
				at = lo
				lo++
			default:
				at = hi
				hi--
			}
			rows[r] = append(rows[r], (at+r)%k)
		}
	}
	return rows
}

// copyBench holds the files and the memory of a comparison.
type copyBench struct {
	spec     *wire.Copy
	shapes   []copyShape
	src, dst int
	want     []byte // what the file holds
	page     []byte // aligned, for checks
	mem      []byte
	tamper   func(shape string) // of tests: called before the copy is checked
}

// runCopy compares the shapes as spec says.
func runCopy(spec *wire.Copy, dir string) ([]wire.CopyRun, error) {
	b := &copyBench{spec: spec, shapes: copyShapes}
	if err := b.open(dir); err != nil {
		return nil, err
	}
	defer b.close()
	return b.rounds()
}

func (b *copyBench) rounds() ([]wire.CopyRun, error) {
	var runs []wire.CopyRun
	orders := copyOrders(len(b.shapes))
	for round := -1; round < b.spec.Rounds; round++ { // the first is for warmth and is not counted
		for place, i := range orders[max(round, 0)%len(orders)] {
			run, err := b.one(&b.shapes[i])
			if err != nil {
				return nil, fmt.Errorf("copy %s, round %d: %w", b.shapes[i].name, round, err)
			}
			run.Round, run.Place = round, place
			if round >= 0 {
				runs = append(runs, run)
			}
		}
	}
	return runs, nil
}

// one times one copy. The target holds something else before, and is compared after.
func (b *copyBench) one(sh *copyShape) (wire.CopyRun, error) {
	if err := b.spoil(); err != nil {
		return wire.CopyRun{}, err
	}
	ring, err := uring.New(copyEntries(b.spec.QueueDepth), 0, 0)
	if err != nil {
		return wire.CopyRun{}, err
	}
	defer ring.Close()
	c := &copier{ring: ring, src: b.src, dst: b.dst, mem: b.mem, block: b.spec.Block, size: b.spec.Size, depth: b.spec.QueueDepth}
	start := monotonic()
	if err := c.run(sh); err != nil {
		return wire.CopyRun{}, err
	}
	took := time.Duration(monotonic() - start)
	if b.tamper != nil {
		b.tamper(sh.name)
	}
	if err := b.check(); err != nil {
		return wire.CopyRun{}, err
	}
	return wire.CopyRun{Shape: sh.name, Took: took, Enters: c.enters, SQEs: c.sqes}, nil
}

func (b *copyBench) open(dir string) (err error) {
	s := b.spec
	if err := s.Check(); err != nil {
		return err
	}
	b.src, b.dst = -1, -1
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for _, m := range []struct {
		to   *[]byte
		size int
	}{{&b.want, s.Size}, {&b.page, s.Size}, {&b.mem, s.QueueDepth * s.Block}} {
		if *m.to, err = unix.Mmap(-1, 0, m.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE); err != nil {
			return fmt.Errorf("map %d bytes: %w", m.size, err)
		}
	}
	cases.Fill(1).Bytes(b.want, 0)
	flags := unix.O_TMPFILE | unix.O_RDWR
	if s.Direct {
		flags |= unix.O_DIRECT
	}
	for _, fd := range []*int{&b.src, &b.dst} {
		if *fd, err = unix.Open(dir, flags, 0o600); err != nil {
			return fmt.Errorf("make a file in %s (direct: %v): %w", dir, s.Direct, err)
		}
		if err = writeAll(*fd, b.want); err != nil {
			return fmt.Errorf("fill a file in %s: %w", dir, err)
		}
	}
	return unix.Fsync(b.src)
}

func (b *copyBench) close() {
	for _, fd := range []int{b.src, b.dst} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	for _, m := range [][]byte{b.want, b.page, b.mem} {
		if m != nil {
			unix.Munmap(m)
		}
	}
}

// spoil overwrites target and buffers, so that a copy which does nothing, or
// what an earlier one left behind, does not pass for one.
func (b *copyBench) spoil() error {
	for i := range b.page {
		b.page[i] = 0xdb
	}
	for i := range b.mem {
		b.mem[i] = 0xbd
	}
	if err := writeAll(b.dst, b.page); err != nil {
		return fmt.Errorf("overwrite the target: %w", err)
	}
	if err := unix.Fsync(b.dst); err != nil {
		return fmt.Errorf("write the target back: %w", err)
	}
	return nil
}

// check compares target and source.
func (b *copyBench) check() error {
	for off := 0; off < len(b.page); {
		n, err := unix.Pread(b.dst, b.page[off:], int64(off))
		if err != nil {
			return fmt.Errorf("read the copy back at offset %d: %w", off, err)
		}
		if n == 0 {
			return fmt.Errorf("the copy ends at offset %d of %d", off, len(b.page))
		}
		off += n
	}
	if bytes.Equal(b.page, b.want) {
		return nil
	}
	at := 0
	for b.page[at] == b.want[at] {
		at++
	}
	return fmt.Errorf("the copy differs from the source at offset %d: byte %#x, want %#x", at, b.page[at], b.want[at])
}

func writeAll(fd int, data []byte) error {
	for off := 0; off < len(data); {
		n, err := unix.Pwrite(fd, data[off:], int64(off))
		if err != nil {
			return err
		}
		off += n
	}
	return nil
}

// The comparison runs in a process of its own, so that PID 1 submits nothing
// and no probe or executor is near. It reads a wire.Copy from its standard
// input and writes a wire.Copied to its standard output, both CBOR.

func copyMain() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	var spec wire.Copy
	answer := new(wire.Copied)
	err := cbor.NewDecoder(os.Stdin).Decode(&spec)
	if err == nil {
		answer.Runs, err = copyIn(&spec)
	}
	if err != nil {
		answer.Err = err.Error()
	}
	if err := cbor.NewEncoder(os.Stdout).Encode(answer); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", copyName, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func copyIn(spec *wire.Copy) ([]wire.CopyRun, error) {
	at := slices.Index([]string{cases.TmpFS: "tmpfs", cases.Ext4: "ext4"}, spec.FS)
	if at < 0 {
		return nil, fmt.Errorf("there is no filesystem %q: tmpfs, ext4", spec.FS)
	}
	if cases.FS(at) == cases.Ext4 && !isExt4(ext4Dir) {
		if err := mountExt4(); err != nil {
			return nil, err
		}
	}
	return runCopy(spec, fileDirs[at])
}

func isExt4(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && st.Type == unix.EXT4_SUPER_MAGIC
}

// copy answers a Copy beside PID 1's work.
func (g *guest) copy(m *wire.Copy) {
	g.spawn(func() {
		answer, err := spawnCopy(selfExe, m)
		if err != nil {
			answer = &wire.Copied{Err: err.Error()}
		}
		g.out.send(answer)
	})
}

// spawnCopy starts the process and waits for its answer. PID 1's reaper gets its end.
func spawnCopy(exe string, m *wire.Copy) (*wire.Copied, error) {
	spec, err := cbor.Marshal(m)
	if err != nil {
		return nil, err
	}
	in, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inW.Close()
	outR, out, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	defer outR.Close()
	_, err = os.StartProcess(exe, []string{copyName}, &os.ProcAttr{Files: []*os.File{in, out, os.Stderr},
		Env: []string{"GODEBUG=asyncpreemptoff=1"}})
	in.Close()
	out.Close()
	if err != nil {
		return nil, fmt.Errorf("start the process that copies: %w", err)
	}
	if _, err := inW.Write(spec); err != nil {
		return nil, fmt.Errorf("tell the process that copies what to do: %w", err)
	}
	inW.Close()
	answer := new(wire.Copied)
	if err := cbor.NewDecoder(outR).Decode(answer); err != nil {
		return nil, errors.Join(errors.New("the process that copies died without an answer: see the console"), err)
	}
	return answer, nil
}
