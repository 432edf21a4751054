// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/wire"
)

// Every shape must move each block of its unit once, all write behind their
// reads, or the comparison is of different work.
func TestCopyShapesMoveTheSame(t *testing.T) {
	for _, sh := range copyShapes {
		var read, written []int
		for _, phase := range sh.phases {
			for _, s := range phase {
				list := &read
				if s.op == uring.OpWrite {
					list = &written
				}
				for b := s.block; b < s.block+s.n; b++ {
					if s.op == uring.OpWrite && !slices.Contains(read, b) {
						t.Errorf("%s writes block %d before it is read", sh.name, b)
					}
					*list = append(*list, b)
				}
			}
		}
		var want []int
		for b := range sh.blocks {
			want = append(want, b)
		}
		if !slices.Equal(read, want) || !slices.Equal(written, want) {
			t.Errorf("%s reads %v and writes %v of %v", sh.name, read, written, want)
		}
		if wire.CopyUnit%sh.blocks != 0 {
			t.Errorf("%s has units of %d blocks, which do not fit a queue depth", sh.name, sh.blocks)
		}
	}
}

func TestCopyRequests(t *testing.T) {
	c := &copier{src: 5, dst: 6, block: 4096, mem: make([]byte, 8*4096), units: []copyUnit{{off: 0}, {off: 4 * 4096}}}
	sh := copyShapes[slices.IndexFunc(copyShapes, func(s copyShape) bool { return s.name == wire.CopyGrouped })]
	c.queue(&sh, 1)
	var got []uring.SQE
	for _, q := range c.queued {
		got = append(got, c.sqe(&sh, q))
	}
	if len(got) != 5 || c.least() != 5 && c.units[1].waiting != 5 {
		t.Fatalf("a grouped unit has %d SQEs and waits for %d CQEs", len(got), c.units[1].waiting)
	}
	flags := []uring.SQEFlags{uring.SQEGroup | uring.IOLink, uring.SQEGroup, uring.SQEGroup, 0, 0}
	for i, q := range got {
		fd, off, n, op := int32(5), uint64((4+i)*4096), uint32(4096), uring.OpRead
		if i == 4 {
			fd, off, n, op = 6, 4*4096, 4*4096, uring.OpWrite
		}
		if q.Opcode != op || q.FD != fd || q.Off != off || q.Len != n || q.Flags != flags[i] {
			t.Errorf("SQE %d is %v fd=%d off=%d len=%d flags=%#x, want %v fd=%d off=%d len=%d flags=%#x",
				i, q.Opcode, q.FD, q.Off, q.Len, q.Flags, op, fd, off, n, flags[i])
		}
	}
	if got[0].Addr == 0 || got[4].Addr != got[0].Addr || got[1].Addr != got[0].Addr+4096 {
		t.Errorf("the write is from %#x, the reads are to %#x and %#x", got[4].Addr, got[0].Addr, got[1].Addr)
	}
}

// In each row every shape runs once; over all rows, once in each place and
// once behind each other shape.
func TestCopyOrdersAreBalanced(t *testing.T) {
	const k = 4
	behind, place := map[[2]int]int{}, map[[2]int]int{}
	for _, row := range copyOrders(k) {
		for i, s := range row {
			place[[2]int{i, s}]++
			if i > 0 {
				behind[[2]int{row[i-1], s}]++
			}
		}
	}
	for a := range k {
		for b := range k {
			if place[[2]int{a, b}] != 1 || a != b && behind[[2]int{a, b}] != 1 {
				t.Errorf("shape %d stands %d times in place %d, and %d times behind %d", b, place[[2]int{a, b}], a, behind[[2]int{a, b}], a)
			}
		}
	}
}

func testCopy(t *testing.T, spec wire.Copy) *copyBench {
	t.Helper()
	needUring(t)
	// The host's kernel has no groups.
	b := &copyBench{spec: &spec, shapes: slices.DeleteFunc(slices.Clone(copyShapes), func(s copyShape) bool { return s.name == wire.CopyGrouped })}
	b.shapes = append(b.shapes, b.shapes[0])
	if err := b.open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

func TestCopyCopies(t *testing.T) {
	b := testCopy(t, wire.Copy{Size: 1 << 20, Block: 4096, QueueDepth: 16, Rounds: 2})
	runs, err := b.rounds()
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2*len(b.shapes) {
		t.Fatalf("%d runs, want %d: the warm-up does not count", len(runs), 2*len(b.shapes))
	}
	for _, r := range runs {
		want := map[string]int{wire.CopyLinked: 512, wire.CopySeparate: 512, wire.CopyCoalesced: 320}[r.Shape]
		if r.SQEs != want || r.Enters == 0 || r.Took <= 0 {
			t.Errorf("%s: %d SQEs, want %d; %d enters in %v", r.Shape, r.SQEs, want, r.Enters, r.Took)
		}
	}
}

func TestCopyFindsWrongData(t *testing.T) {
	b := testCopy(t, wire.Copy{Size: 64 << 10, Block: 4096, QueueDepth: 4, Rounds: 1})
	b.tamper = func(string) {
		if _, err := unix.Pwrite(b.dst, []byte{0}, 12345); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.rounds(); err == nil || !strings.Contains(err.Error(), "differs from the source at offset 12345") {
		t.Errorf("one wrong byte: %v", err)
	}
	b.tamper = func(string) {
		if err := unix.Ftruncate(b.dst, 4096); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.rounds(); err == nil || !strings.Contains(err.Error(), "ends at offset 4096") {
		t.Errorf("a short copy: %v", err)
	}
	// A copy that does nothing must not pass on what an earlier one left.
	b.tamper = nil
	if err := b.spoil(); err != nil {
		t.Fatal(err)
	}
	if err := b.check(); err == nil {
		t.Error("the target passes though nothing was copied")
	}
	// Nor does one whose writes come from the wrong place.
	b.shapes = []copyShape{{"swapped", 4, [][]copySQE{{read(0, 0), read(1, 0), read(2, 0), read(3, 0)}, {write(0, 1), write(2, 1), write(1, 1), write(0, 1)}}}}
	if _, err := b.one(&b.shapes[0]); err == nil {
		t.Error("a copy that leaves a block out passes")
	}
}
