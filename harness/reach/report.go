// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// Collected is the union of many programs' coverage. The zero value is empty. Not
// for concurrent use.
type Collected struct {
	Programs int
	Full     int // programs of which a part is missing
	pcs      map[uint64]bool
	lacks    map[string]bool
}

// Add takes a program's coverage in; nil is none.
func (c *Collected) Add(of *cases.Coverage) {
	if of == nil {
		return
	}
	if c.pcs == nil {
		c.pcs, c.lacks = map[uint64]bool{}, map[string]bool{}
	}
	c.Programs++
	if of.Full {
		c.Full++
	}
	for _, pc := range of.PCs {
		c.pcs[pc] = true
	}
	for _, l := range of.Lacks {
		c.lacks[l] = true
	}
}

// PCs returns what was reached, ascending.
func (c *Collected) PCs() []uint64 { return slices.Sorted(maps.Keys(c.pcs)) }

// Share is how many of what there is were reached.
type Share struct {
	Reached int `json:"reached"`
	Total   int `json:"total"`
}

func (s *Share) add(reached bool) {
	s.Total++
	if reached {
		s.Reached++
	}
}

// Percent of the total, 100 only for all of it.
func (s Share) Percent() int {
	if s.Total == 0 {
		return 0
	}
	return 100 * s.Reached / s.Total
}

// Report is what programs reached of a kernel.
type Report struct {
	Programs int      `json:"programs"`
	Full     int      `json:"full"`            // programs whose coverage is not all there
	Lacks    []string `json:"lacks,omitempty"` // tasks that were not covered, with the reason
	// Unknown is how many places were reached that no block begins with. Some always are: where
	// a function jumps to KCOV's at its end, its caller's place is reported.
	// Many are, if the coverage is another kernel's.
	Unknown int `json:"unknown"`
	// Blocks of files that were compiled and of what they include. A block counts once per line
	// with which it begins, however often the compiler put it there.
	Files     []File     `json:"files"`
	Functions []Function `json:"functions"` // those that the series touches first
	// Series counts the lines of the series that have code.
	Series  Share   `json:"series"`
	Patches []Patch `json:"patches"`
	Never   []Line  `json:"never"` // lines of the series that no program reached
}

// File is a source file's blocks.
type File struct {
	Name   string `json:"name"`
	Blocks Share  `json:"blocks"`
}

// Function is a function's blocks, whether it is inlined or not.
type Function struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Line   int    `json:"line"` // of its first block
	Series bool   `json:"series"`
	Blocks Share  `json:"blocks"`
}

// Patch holds the lines that a patch added and that are still its own in the final sources.
type Patch struct {
	Name  string `json:"name"`
	Code  Share  `json:"code"`
	Lines []Line `json:"lines"`
}

// State says what is known of a line.
type State string

const (
	Reached State = "reached"
	Never   State = "never"
	NoCode  State = "no-code" // a declaration, a comment, or optimised away
)

// Line is a line of a patch as it stands in the final sources.
type Line struct {
	Patch    string `json:"patch"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Function string `json:"function,omitempty"`
	State    State  `json:"state"`
	Text     string `json:"text"`
}

// Report says what of the kernel was reached.
func (m *Map) Report(c *Collected) *Report {
	r := &Report{Programs: c.Programs, Full: c.Full, Lacks: slices.Sorted(maps.Keys(c.lacks))}
	hit := make([]bool, len(m.pcs))
	for pc := range c.pcs {
		if i, found := slices.BinarySearch(m.pcs, pc); found {
			hit[i] = true
		} else {
			r.Unknown++
		}
	}
	any := func(blocks []int) bool { return slices.ContainsFunc(blocks, func(i int) bool { return hit[i] }) }
	m.count(r, any)
	m.annotate(r, any)
	return r
}

func (m *Map) count(r *Report, any func([]int) bool) {
	files, functions := map[string]*File{}, map[place]*Function{}
	for at, c := range m.lines {
		id := place{c.home + ":" + c.function, 0}
		f := functions[id]
		if f == nil {
			f = &Function{Name: c.function, File: c.home, Line: at.line}
			functions[id] = f
		}
		f.Series = f.Series || m.written[at] != "" && at.file == c.home
		f.Line = min(f.Line, at.line)
		if len(c.begins) == 0 {
			continue
		}
		reached := any(c.begins)
		f.Blocks.add(reached)
		if files[at.file] == nil {
			files[at.file] = &File{Name: at.file}
		}
		files[at.file].Blocks.add(reached)
	}
	for _, f := range files {
		r.Files = append(r.Files, *f)
	}
	for _, f := range functions {
		if f.Blocks.Total > 0 {
			r.Functions = append(r.Functions, *f)
		}
	}
	slices.SortFunc(r.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Functions, func(a, b Function) int {
		if a.Series != b.Series {
			if a.Series {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
}

func (m *Map) annotate(r *Report, any func([]int) bool) {
	number := map[string]int{}
	for i, name := range m.source.Patches() {
		number[name] = i
		r.Patches = append(r.Patches, Patch{Name: name})
	}
	places := slices.SortedFunc(maps.Keys(m.written), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	for _, at := range places {
		by := m.written[at]
		l := Line{Patch: by, File: at.file, Line: at.line, State: NoCode, Text: strings.Join(m.source.Lines(at.file, at.line, at.line), "")}
		p := &r.Patches[number[by]]
		if c := m.lines[at]; c != nil && len(c.begins)+len(c.part) > 0 {
			l.Function, l.State = c.function, Never
			if any(c.begins) || len(c.begins) == 0 && any(c.part) {
				l.State = Reached
			}
			p.Code.add(l.State == Reached)
			r.Series.add(l.State == Reached)
		}
		p.Lines = append(p.Lines, l)
		if l.State == Never {
			r.Never = append(r.Never, l)
		}
	}
}

// main is the file that most of a series is in.
const main = "io_uring/io_uring.c"

// file returns the blocks of one file.
func (r *Report) file(name string) Share {
	for _, f := range r.Files {
		if f.Name == name {
			return f.Blocks
		}
	}
	return Share{}
}

// all adds up the blocks below io_uring/.
func (r *Report) all() (s Share) {
	for _, f := range r.Files {
		if path.Dir(f.Name) == path.Dir(main) {
			s.Reached += f.Blocks.Reached
			s.Total += f.Blocks.Total
		}
	}
	return s
}
