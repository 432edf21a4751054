// SPDX-License-Identifier: Apache-2.0

package kcov

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ringproof/ringproof/cases"
)

// The packed form: 1 if a buffer was full; the number of PCs and each of them less
// textBase; the number of edges and each of them; the number of texts, and of
// each its length and bytes. Numbers are varints, PCs and edges of 4 bytes and in no order:
// sorting is dear for the guest and cheap for the host.

// textBase is where x86-64 has the kernel's code, __START_KERNEL_map.
const textBase = 0xffffffff80000000

// Bounds on what is taken from a guest. All that a set's buffers hold is less.
const (
	maxPlaces = firstWords + cases.MaxThreads*threadWords + remoteWords
	maxTexts  = 16
)

// pack returns the result in memory of its own. A PC outside of the kernel's code is left out.
func (r *Reducer) pack() []byte {
	pcs := slices.DeleteFunc(r.pcs.all, func(pc uint64) bool { return pc-textBase > math.MaxUint32 })
	b := make([]byte, 0, 4*(len(pcs)+len(r.edges.all))+32)
	b = append(b, 0)
	if r.full {
		b[0] = 1
	}
	b = binary.AppendUvarint(b, uint64(len(pcs)))
	for _, pc := range pcs {
		b = binary.LittleEndian.AppendUint32(b, uint32(pc-textBase))
	}
	b = binary.AppendUvarint(b, uint64(len(r.edges.all)))
	for _, e := range r.edges.all {
		hash := cases.EdgeHash(textBase|e>>32, textBase|e&math.MaxUint32)
		b = binary.LittleEndian.AppendUint32(b, hash)
	}
	b = binary.AppendUvarint(b, uint64(len(r.lacks)))
	for _, t := range r.lacks {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
	}
	return b
}

// Unpack is the other end. It takes nothing for granted: the error says what
// does not hold.
func Unpack(b []byte) (*cases.Coverage, error) {
	u := unpacker{b}
	c := new(cases.Coverage)
	full, err := u.number(1)
	if err != nil {
		return nil, fmt.Errorf("unpack coverage: %w", err)
	}
	c.Full = full == 1
	pcs, err := u.words()
	if err != nil {
		return nil, fmt.Errorf("unpack coverage: PCs: %w", err)
	}
	if c.Edges, err = u.words(); err != nil {
		return nil, fmt.Errorf("unpack coverage: edges: %w", err)
	}
	c.Edges = slices.Compact(c.Edges) // two may have one hash
	if len(slices.Compact(pcs)) != len(pcs) {
		return nil, errors.New("unpack coverage: PCs: one comes twice")
	}
	for _, pc := range pcs {
		c.PCs = append(c.PCs, textBase+uint64(pc))
	}
	if c.Lacks, err = u.texts(); err != nil {
		return nil, fmt.Errorf("unpack coverage: what it lacks: %w", err)
	}
	if len(u.b) > 0 {
		return nil, fmt.Errorf("unpack coverage: %d bytes follow its end", len(u.b))
	}
	return c, nil
}

type unpacker struct{ b []byte }

var errShort = errors.New("it ends early")

// number takes a number of at most limit.
func (u *unpacker) number(limit uint64) (uint64, error) {
	v, n := binary.Uvarint(u.b)
	switch {
	case n == 0:
		return 0, errShort
	case n < 0 || v > limit:
		return 0, fmt.Errorf("a number is larger than %d", limit)
	}
	u.b = u.b[n:]
	return v, nil
}

// words takes a number of words, and returns them sorted.
func (u *unpacker) words() ([]uint32, error) {
	n, err := u.number(min(maxPlaces, uint64(len(u.b)/4)))
	if err != nil {
		return nil, err
	}
	if 4*n > uint64(len(u.b)) {
		return nil, errShort
	}
	all := make([]uint32, n)
	for i := range all {
		all[i] = binary.LittleEndian.Uint32(u.b[4*i:])
	}
	u.b = u.b[4*n:]
	slices.Sort(all)
	return all, nil
}

func (u *unpacker) texts() ([]string, error) {
	n, err := u.number(maxTexts)
	if err != nil {
		return nil, err
	}
	var all []string
	for range n {
		size, err := u.number(uint64(len(u.b)))
		if err != nil {
			return nil, err
		}
		if size > uint64(len(u.b)) {
			return nil, errShort
		}
		all = append(all, string(u.b[:size]))
		u.b = u.b[size:]
	}
	return all, nil
}
