// SPDX-License-Identifier: Apache-2.0

package kcov

import "slices"

// sectionBytes bounds how far behind a function's address the first call in it
// returns, and is less than where that of a function behind it may.
const sectionBytes = 20

// A Reducer makes a set of what was collected in order and with repetitions. It
// keeps its memory from one program to the next; not for concurrent use.
type Reducer struct {
	pcs   table
	edges table // pairs of PCs, the low halves
	full  bool
	lacks []string
}

// NewReducer returns a Reducer whose results say what lacks.
func NewReducer(lacks []string) *Reducer { return &Reducer{lacks: lacks} }

func (r *Reducer) reset() {
	r.pcs.reset()
	r.edges.reset()
	r.full = false
}

// add takes in what one task collected or, where mark is not 0, what several
// did one after the other, each beginning with a place right behind mark. Most of
// it is repetition, and an edge that is known leads to a place that is: one look-up tells.
func (r *Reducer) add(pcs []uint64, full bool, mark uint64) {
	r.full = r.full || full
	last := uint64(0)
	for _, pc := range pcs {
		switch {
		case mark != 0 && pc-mark < sectionBytes:
			last = 0
			continue
		case pc == 0:
			continue // counted by the kernel, and not written yet
		case last == 0:
			r.pcs.add(pc)
		case r.edges.add(last<<32 | uint64(uint32(pc))):
			r.pcs.add(pc)
		}
		last = pc
	}
}

// table is a set of numbers, by open addressing. Entries of earlier uses stay and
// do not count, so that emptying it costs nothing.
type table struct {
	slots []slot
	use   uint64
	all   []uint64 // the elements, in the order in which they came
}

type slot struct{ key, use uint64 }

func (t *table) reset() {
	t.all = t.all[:0]
	t.use++
	if t.slots == nil {
		t.slots = make([]slot, 1<<12)
	}
}

// add tells whether the element is new.
func (t *table) add(key uint64) bool {
	mask := uint64(len(t.slots) - 1)
	for i := key * 0x9e3779b97f4a7c15 >> 32; ; i++ {
		s := &t.slots[i&mask]
		if s.use != t.use {
			*s = slot{key, t.use}
			t.all = append(t.all, key)
			if 2*len(t.all) > len(t.slots) {
				t.grow()
			}
			return true
		}
		if s.key == key {
			return false
		}
	}
}

func (t *table) grow() {
	keys := slices.Clone(t.all)
	t.slots = make([]slot, 2*len(t.slots))
	t.all = t.all[:0]
	for _, k := range keys {
		t.add(k)
	}
}
