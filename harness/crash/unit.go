// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"cmp"
	"debug/dwarf"
	"io"
	"slices"
)

// unit is a compile unit that was looked at.
type unit struct {
	lines     []lineSpan // by address
	files     []*dwarf.LineFile
	functions []subprogram
	stretches []stretch // of functions, by address
}

// lineSpan is code of one line of source.
type lineSpan struct {
	low, high uint64
	file      *dwarf.LineFile
	line      int
}

// stretch is a part of a function that lies in one piece.
type stretch struct {
	low, high uint64
	function  int // index
}

// readLines reads the line table. Of several entries at one address, the last one has the code.
func (u *unit) readLines(data *dwarf.Data, e *dwarf.Entry) error {
	lr, err := data.LineReader(e)
	if err != nil || lr == nil {
		return err
	}
	u.files = lr.Files()
	var last dwarf.LineEntry
	for n := 0; ; n++ {
		var le dwarf.LineEntry
		if err := lr.Next(&le); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if n > 0 && !last.EndSequence && last.File != nil && last.Address < le.Address {
			u.lines = append(u.lines, lineSpan{last.Address, le.Address, last.File, last.Line})
		}
		last = le
	}
	slices.SortFunc(u.lines, func(a, b lineSpan) int { return cmp.Compare(a.low, b.low) })
	return nil
}

func (u *unit) sortStretches() {
	for i := range u.functions {
		for _, r := range u.functions[i].ranges {
			u.stretches = append(u.stretches, stretch{r[0], r[1], i})
		}
	}
	slices.SortFunc(u.stretches, func(a, b stretch) int { return cmp.Compare(a.low, b.low) })
}

// stretchAt returns what an address is in; nil if it is in no function.
func (u *unit) stretchAt(addr uint64) *stretch {
	i, found := slices.BinarySearchFunc(u.stretches, addr, func(s stretch, a uint64) int { return cmp.Compare(s.low, a) })
	if !found {
		i--
	}
	if i < 0 || addr >= u.stretches[i].high {
		return nil
	}
	return &u.stretches[i]
}

func (u *unit) file(i int64) string {
	if i >= 0 && int(i) < len(u.files) && u.files[i] != nil {
		return u.files[i].Name
	}
	return ""
}

// position finds the line of an address.
func (u *unit) position(addr uint64) (file string, line int) {
	i, found := slices.BinarySearchFunc(u.lines, addr, func(l lineSpan, a uint64) int { return cmp.Compare(l.low, a) })
	if !found {
		i--
	}
	if i < 0 || addr >= u.lines[i].high {
		return "", 0
	}
	return u.lines[i].file.Name, u.lines[i].line
}
