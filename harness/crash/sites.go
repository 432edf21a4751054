// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"debug/dwarf"
	"fmt"
	"strings"
)

// traceFunc is what a kernel with KCOV calls once for each basic block.
const traceFunc = "__sanitizer_cov_trace_pc"

// Sites returns the places of a source file's compile unit that KCOV reports when they are
// reached, one for each basic block, what it includes and what is inlined there among them.
// file is a path's end, such as io_uring/io_uring.c.
func (s *Symbolizer) Sites(file string) (map[uint64]bool, error) {
	unit, err := s.unitNamed(file)
	if err != nil {
		return nil, err
	}
	all, err := s.Returns(traceFunc)
	if err != nil {
		return nil, err
	}
	sites := map[uint64]bool{}
	for _, r := range s.ranges {
		if r.unit != unit {
			continue
		}
		for _, pc := range all {
			if pc > r.low && pc <= r.high {
				sites[pc] = true
			}
		}
	}
	if len(sites) == 0 {
		return nil, fmt.Errorf("%s calls %s nowhere: it is not instrumented", file, traceFunc)
	}
	return sites, nil
}

// unitNamed finds the compile unit of a source file.
func (s *Symbolizer) unitNamed(file string) (dwarf.Offset, error) {
	seen := map[dwarf.Offset]bool{}
	for _, r := range s.ranges {
		if seen[r.unit] {
			continue
		}
		seen[r.unit] = true
		if e, _, err := s.entryOf(r.unit); err == nil {
			if name, _ := e.Val(dwarf.AttrName).(string); name == file || strings.HasSuffix(name, "/"+file) {
				return r.unit, nil
			}
		}
	}
	return 0, fmt.Errorf("no compile unit of %s", file)
}
