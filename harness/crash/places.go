// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// code is an executable section.
type code struct {
	addr uint64
	b    []byte
}

// Returns lists, ascending, where the calls of a function of the kernel return
// to. They are the near calls with an operand of 32 bits that lead there (x86-64).
func (s *Symbolizer) Returns(function string) ([]uint64, error) {
	all := s.symbols[function]
	if len(all) != 1 {
		return nil, fmt.Errorf("the kernel has %d functions %s", len(all), function)
	}
	const call, length = 0xe8, 5
	var found []uint64
	for _, c := range s.code {
		for i := 0; i+length <= len(c.b); i++ {
			if c.b[i] != call {
				continue
			}
			next := c.addr + uint64(i) + length
			if next+uint64(int64(int32(binary.LittleEndian.Uint32(c.b[i+1:])))) == all[0].addr {
				found = append(found, next)
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// At returns what stands at an address of the kernel as it was linked: the functions
// that were inlined there, innermost first, and last the function itself; nil where nothing is known.
func (s *Symbolizer) At(addr uint64) []Call {
	u, err := s.unitOf(addr)
	if err != nil || u == nil {
		return nil
	}
	return s.calls(u, addr, "")
}

// Spot is where code of one line of source begins.
type Spot struct {
	Addr uint64
	// From is where the stretch of a function begins that Addr is in.
	From uint64
}

// Spots lists the line table of the compile units that the addresses are in, by
// address, as far as it is about functions.
func (s *Symbolizer) Spots(addrs []uint64) ([]Spot, error) {
	var spots []Spot
	seen := map[*unit]bool{}
	for _, a := range addrs {
		u, err := s.unitOf(a)
		if err != nil {
			return nil, err
		}
		if u == nil || seen[u] {
			continue
		}
		seen[u] = true
		for i := range u.lines {
			if st := u.stretchAt(u.lines[i].low); st != nil {
				spots = append(spots, Spot{u.lines[i].low, st.low})
			}
		}
	}
	slices.SortFunc(spots, func(a, b Spot) int { return cmp.Compare(a.Addr, b.Addr) })
	return spots, nil
}
