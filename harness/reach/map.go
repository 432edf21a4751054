// SPDX-License-Identifier: Apache-2.0

// Package reach says which functions and lines of a kernel programs reached, and
// which lines of the series under test none of them did. What KCOV saw is one
// half; the other, all that there is to see, it reads from the kernel's vmlinux.
package reach

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/harness/crash"
)

// Source is the source that the kernel was compiled from, an *images.Tree.
type Source interface {
	crash.Source
	// Patches are the names of the series' patches, in order.
	Patches() []string
	// Written lists the files that hold lines of them.
	Written() []string
}

// traced is what the compiler has every block call.
const traced = "__sanitizer_cov_trace_pc"

// marker is the function whose block marks sections in what is collected, see
// images/instrument/coverage-tasks.patch. It is no part of the kernel.
const marker = "io_kcov_section"

// A Map is what there is to reach in one kernel.
type Map struct {
	pcs     []uint64 // of all blocks, ascending: as KCOV reports them
	block   []place  // of each
	lines   map[place]*code
	source  Source
	written map[place]string // lines of the series: by which patch
}

// A place is a line of source. The same line may have code at several addresses.
type place struct {
	file string
	line int
}

// code is what a line has of it.
type code struct {
	function string
	home     string // the file that its function is in
	begins   []int  // blocks that begin there, by index
	part     []int  // blocks that have a part of it
}

// New reads the map of a kernel from its vmlinux.
func New(vmlinux string, source Source) (*Map, error) {
	sym, err := crash.OpenSymbolizer(vmlinux)
	if err != nil {
		return nil, err
	}
	defer sym.Close()
	m := &Map{lines: map[place]*code{}, written: map[place]string{}, source: source}
	if m.pcs, err = sym.Returns(traced); err != nil {
		return nil, fmt.Errorf("look for what is covered in %s: %w", vmlinux, err)
	}
	m.addBlocks(sym)
	if len(m.pcs) == 0 {
		return nil, fmt.Errorf("look for what is covered in %s: nothing calls %s: was it built with ringproof's configuration?", vmlinux, traced)
	}
	m.addWritten()
	return m, m.addParts(sym)
}

// addBlocks finds the line that each block begins with. Blocks of
// unknown places, of the marker and of mutants' clones are none.
func (m *Map) addBlocks(sym *crash.Symbolizer) {
	kept := m.pcs[:0]
	for _, pc := range m.pcs {
		calls := sym.At(pc - 1) // within the call
		if len(calls) == 0 || calls[len(calls)-1].Func == marker || strings.Contains(calls[0].File, "@") {
			continue
		}
		at := place{calls[0].File, calls[0].Line}
		c := m.lines[at]
		if c == nil {
			c = &code{function: calls[0].Func, home: calls[0].File}
			m.lines[at] = c
		}
		c.begins = append(c.begins, len(kept))
		m.block = append(m.block, at)
		kept = append(kept, pc)
	}
	m.pcs = kept
}

func (m *Map) addWritten() {
	for _, file := range m.source.Written() {
		for line := 1; len(m.source.Lines(file, line, line)) > 0; line++ {
			if by := m.source.WrittenBy(file, line); by != "" {
				m.written[place{file, line}] = by
			}
		}
	}
}

// addParts finds the code of the series' lines with which no block begins, that of
// calls which were inlined included. It belongs to the block that begins ahead of it in the same
// stretch of a function, or to the first one of that.
func (m *Map) addParts(sym *crash.Symbolizer) error {
	spots, err := sym.Spots(m.pcs)
	if err != nil {
		return err
	}
	for _, s := range spots {
		// The first block whose call returns behind the spot is the next one, or the spot's own.
		n, _ := slices.BinarySearch(m.pcs, s.Addr+1)
		if n > 0 && m.pcs[n-1] > s.From {
			n--
		}
		if n == len(m.pcs) {
			continue
		}
		for _, call := range sym.At(s.Addr) {
			at := place{call.File, call.Line}
			if m.written[at] == "" {
				continue
			}
			c := m.lines[at]
			if c == nil {
				c = &code{function: call.Func, home: call.File}
				m.lines[at] = c
			}
			if len(c.begins) == 0 && !slices.Contains(c.part, n) {
				c.part = append(c.part, n)
			}
		}
	}
	return nil
}
