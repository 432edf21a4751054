// SPDX-License-Identifier: Apache-2.0

package kcov

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
)

// fakeSet has buffers of ordinary memory, of size words.
func fakeSet(size int) *Set {
	s := &Set{mark: textBase + 0x5000}
	for i := range s.areas {
		s.areas[i] = make([]uint64, size)
	}
	return s
}

// trace does as the kernel does: the number of PCs first, and none beyond the buffer's end.
func (s *Set) trace(task int, pcs ...uint64) {
	a := s.areas[task]
	for _, pc := range pcs {
		if n := a[0] + 1; n < uint64(len(a)) {
			a[0], a[n] = n, pc
		}
	}
}

func edges(pairs ...uint64) []uint32 {
	var all []uint32
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, cases.EdgeHash(pairs[i], pairs[i+1]))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestReduce(t *testing.T) {
	const a, b, c, d, mark = 0xffffffff81000010, 0xffffffff81000020, 0xffffffff81000030, 0xffffffff82000000, textBase + 0x5000 + 10
	for _, test := range []struct {
		name  string
		trace func(*Set)
		want  cases.Coverage
	}{
		{"nothing", func(*Set) {}, cases.Coverage{}},
		{"one task", func(s *Set) { s.trace(0, c, a, b, a, b, b) },
			cases.Coverage{PCs: []uint64{a, b, c}, Edges: edges(c, a, a, b, b, a, b, b)}},
		{"no edge from one task to another", func(s *Set) { s.trace(0, a, b); s.trace(1, c, d) },
			cases.Coverage{PCs: []uint64{a, b, c, d}, Edges: edges(a, b, c, d)}},
		{"a task that the program does not have", func(s *Set) { s.trace(0, a); s.trace(2, b) },
			cases.Coverage{PCs: []uint64{a}}},
		{"no edge from one section to the next", func(s *Set) { s.trace(remote, mark, a, b, mark, c, mark, a, d) },
			cases.Coverage{PCs: []uint64{a, b, c, d}, Edges: edges(a, b, a, d)}},
		{"a task's own place like a mark", func(s *Set) { s.trace(0, a, mark, b) },
			cases.Coverage{PCs: []uint64{mark, a, b}, Edges: edges(a, mark, mark, b)}},
		{"a buffer that is full", func(s *Set) { s.trace(1, a, b, c, d, a, b, c, d, a) },
			cases.Coverage{PCs: []uint64{a, b, c, d}, Edges: edges(a, b, b, c, c, d, d, a), Full: true}},
		{"counted and not yet written", func(s *Set) { s.trace(0, a, 0, b) },
			cases.Coverage{PCs: []uint64{a, b}, Edges: edges(a, b)}},
		{"a count that cannot be", func(s *Set) { s.areas[0][0], s.areas[0][1] = ^uint64(0), a },
			cases.Coverage{PCs: []uint64{a}, Full: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := fakeSet(10)
			test.trace(s)
			got, err := Unpack(s.Reduce(2, NewReducer(nil)))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&test.want, got, cmp.Transformer("", func(v []uint64) []uint64 { return append([]uint64{}, v...) }),
				cmp.Transformer("", func(v []uint32) []uint32 { return append([]uint32{}, v...) })); d != "" {
				t.Error(d)
			}
		})
	}
}

// One Reducer serves many programs, and nothing of one is in the next.
func TestReducerForgets(t *testing.T) {
	r := NewReducer([]string{"kworkers: why"})
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 50 {
		s := fakeSet(20000)
		pcs := make([]uint64, rng.IntN(19999))
		for i := range pcs {
			pcs[i] = 0xffffffff81000000 + uint64(rng.IntN(30000))*16
		}
		s.trace(0, pcs...)
		got, err := Unpack(s.Reduce(1, r))
		if err != nil {
			t.Fatal(err)
		}
		var want []uint32
		for i := 1; i < len(pcs); i++ {
			want = append(want, cases.EdgeHash(pcs[i-1], pcs[i]))
		}
		slices.Sort(want)
		slices.Sort(pcs)
		if !slices.Equal(got.PCs, slices.Compact(pcs)) || !slices.Equal(got.Edges, slices.Compact(want)) || len(got.Lacks) != 1 {
			t.Fatalf("program %d: %d PCs, %d edges, lacks %q", n, len(got.PCs), len(got.Edges), got.Lacks)
		}
	}
}

func TestClear(t *testing.T) {
	s := fakeSet(8)
	s.trace(0, textBase+1, textBase+2)
	s.trace(remote, textBase+3)
	s.Clear()
	if got, err := Unpack(s.Reduce(Tasks, NewReducer(nil))); err != nil || len(got.PCs) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	good := func() []byte {
		s := fakeSet(8)
		s.trace(0, textBase+7, textBase+9)
		return s.Reduce(1, NewReducer([]string{"why"}))
	}()
	if _, err := Unpack(good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := Unpack(good[:n]); err == nil {
			t.Errorf("the first %d bytes were accepted", n)
		}
	}
	v := binary.AppendUvarint
	for name, test := range map[string]struct {
		b    []byte
		want string
	}{
		"behind the end": {append(slices.Clone(good), 0), "1 bytes follow"},
		"flag":           {[]byte{2, 0, 0, 0}, "larger than 1"},
		"many announced": {v([]byte{0}, 1<<40), "larger than"},
		"twice":          {[]byte{0, 2, 5, 0, 0, 0, 5, 0, 0, 0, 0, 0}, "PCs: one comes twice"},
		"texts":          {append(v([]byte{0, 0, 0}, maxTexts+1), bytes.Repeat([]byte{0}, maxTexts+1)...), "lacks: a number"},
		"long text":      {[]byte{0, 0, 0, 1, 2, 'x'}, "lacks: it ends early"},
	} {
		if _, err := Unpack(test.b); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{0, 1, 7, 0, 0, 0, 1, 9, 0, 0, 0, 1, 1, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Unpack(b)
		if err != nil {
			return
		}
		if !slices.IsSorted(c.PCs) || !slices.IsSorted(c.Edges) || len(c.PCs)+len(c.Edges) > len(b) {
			t.Errorf("%d bytes became %+v", len(b), c)
		}
	})
}

func BenchmarkReduce(b *testing.B) {
	s, r := fakeSet(firstWords), NewReducer(nil)
	for i := range 3000 {
		s.trace(0, 0xffffffff81000000+uint64(i*i%700)*16)
	}
	for b.Loop() {
		s.Reduce(1, r)
	}
}
