// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"cmp"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Symbolizer finds the source of a frame in a kernel's vmlinux. A trace names
// places as function+offset/size, which holds wherever the kernel was loaded, so
// KASLR needs no thought.
//
// The file is mapped and not read: of its 175 MB, nearly all of it DWARF, a
// look-up touches the symbol table, the index of address ranges, and the
// compile units that it needs. It is not safe for concurrent use.
type Symbolizer struct {
	mapped  []byte
	data    *dwarf.Data
	symbols map[string][]symbol // functions by name
	ranges  []unitRange         // of .debug_aranges, by address
	units   map[dwarf.Offset]*unit
	root    string // of the source when it was compiled, with a slash at the end
	code    []code
}

type symbol struct{ addr, size uint64 }

// unitRange is a stretch of addresses of one compile unit.
type unitRange struct {
	low, high uint64
	unit      dwarf.Offset
}

// subprogram is a function of a unit with code, and what is inlined into it.
type subprogram struct {
	name    string
	ranges  [][2]uint64
	inlined []inlined
}

type inlined struct {
	depth    int // 1 is inlined into the function itself
	name     string
	ranges   [][2]uint64
	callFile int64
	callLine int
}

// OpenSymbolizer maps a vmlinux. The caller closes the Symbolizer.
func OpenSymbolizer(vmlinux string) (*Symbolizer, error) {
	s := &Symbolizer{units: map[dwarf.Offset]*unit{}}
	if err := s.open(vmlinux); err != nil {
		s.Close()
		return nil, fmt.Errorf("read the symbols of %s: %w", vmlinux, err)
	}
	return s, nil
}

// Close releases the mapping.
func (s *Symbolizer) Close() {
	if s.mapped != nil {
		unix.Munmap(s.mapped)
		s.mapped = nil
	}
}

func (s *Symbolizer) open(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Size() < 64 {
		return errors.New("it is no ELF file")
	}
	if s.mapped, err = unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
		return err
	}
	file, err := elf.NewFile(f)
	if err != nil {
		return err
	}
	if err := s.readSymbols(file); err != nil {
		return err
	}
	sections := map[string][]byte{}
	for _, sec := range file.Sections {
		if sec.Flags&elf.SHF_EXECINSTR != 0 && sec.Type == elf.SHT_PROGBITS {
			b, err := s.section(sec)
			if err != nil {
				return err
			}
			s.code = append(s.code, code{sec.Addr, b})
		}
		if strings.HasPrefix(sec.Name, ".debug_") {
			if sections[sec.Name], err = s.section(sec); err != nil {
				return err
			}
		}
	}
	if len(sections[".debug_info"]) == 0 {
		return errors.New("it has no DWARF: was it built without CONFIG_DEBUG_INFO?")
	}
	s.data, err = dwarf.New(sections[".debug_abbrev"], nil, nil, sections[".debug_info"], sections[".debug_line"],
		nil, sections[".debug_ranges"], sections[".debug_str"])
	if err != nil {
		return err
	}
	for _, n := range []string{".debug_addr", ".debug_line_str", ".debug_str_offsets", ".debug_rnglists"} {
		if err := s.data.AddSection(n, sections[n]); err != nil {
			return err
		}
	}
	return s.readRanges(sections[".debug_aranges"], file.ByteOrder)
}

// section returns a section's bytes: mapped, unless it is compressed.
func (s *Symbolizer) section(sec *elf.Section) ([]byte, error) {
	if sec.Flags&elf.SHF_COMPRESSED != 0 || sec.Type == elf.SHT_NOBITS {
		return sec.Data()
	}
	if sec.Offset > uint64(len(s.mapped)) || sec.FileSize > uint64(len(s.mapped))-sec.Offset {
		return nil, fmt.Errorf("section %s lies outside of the file", sec.Name)
	}
	return s.mapped[sec.Offset : sec.Offset+sec.FileSize], nil
}

// readSymbols reads the functions of the symbol table. debug/elf would make a
// string of every name first.
func (s *Symbolizer) readSymbols(file *elf.File) error {
	tab := file.SectionByType(elf.SHT_SYMTAB)
	if tab == nil || int(tab.Link) >= len(file.Sections) || file.Class != elf.ELFCLASS64 {
		return errors.New("it has no 64-bit symbol table")
	}
	syms, err := s.section(tab)
	if err != nil {
		return err
	}
	names, err := s.section(file.Sections[tab.Link])
	if err != nil {
		return err
	}
	s.symbols = make(map[string][]symbol, len(syms)/elf.Sym64Size/2)
	for ; len(syms) >= elf.Sym64Size; syms = syms[elf.Sym64Size:] {
		kind := elf.ST_TYPE(syms[4])
		at := file.ByteOrder.Uint32(syms)
		if (kind != elf.STT_FUNC && kind != elf.STT_NOTYPE) || int(at) >= len(names) {
			continue
		}
		sym := symbol{file.ByteOrder.Uint64(syms[8:]), file.ByteOrder.Uint64(syms[16:])}
		end := slices.Index(names[at:], 0)
		if sym.addr == 0 || end <= 0 {
			continue
		}
		name := string(names[at : int(at)+end])
		s.symbols[name] = append(s.symbols[name], sym)
	}
	return nil
}

// readRanges reads .debug_aranges, the index from addresses to compile units
// (DWARF 5, section 6.1.2).
func (s *Symbolizer) readRanges(b []byte, order binary.ByteOrder) error {
	for len(b) >= 12 {
		length := order.Uint32(b)
		if length == 0xffffffff || uint64(length)+4 > uint64(len(b)) || length < 8 {
			return errors.New("its .debug_aranges is not readable")
		}
		set := b[:4+length]
		b = b[4+length:]
		offset := dwarf.Offset(order.Uint32(set[6:]))
		if set[10] != 8 {
			continue // addresses of another size
		}
		for at := 16; at+16 <= len(set); at += 16 { // the tuples are aligned to their size
			low, size := order.Uint64(set[at:]), order.Uint64(set[at+8:])
			if low == 0 && size == 0 {
				break
			}
			s.ranges = append(s.ranges, unitRange{low, low + size, offset})
		}
	}
	slices.SortFunc(s.ranges, func(a, b unitRange) int { return cmp.Compare(a.low, b.low) })
	return nil
}

// Calls returns what a frame stands for, innermost first: the functions that
// were inlined at its place and last the function itself. It is nil where the
// function is not known or there is more than one of that name and size.
//
// A frame that has an address only gets its function as well; that is right for
// a kernel that runs where it was linked to, without KASLR.
func (s *Symbolizer) Calls(f *Frame) []Call {
	if f.Module != "" {
		return nil
	}
	if f.Func == "" && f.Address != 0 {
		s.resolve(f)
	}
	addr, ok := s.address(f)
	if !ok {
		return nil
	}
	if !f.Exact && f.Offset > 0 {
		addr-- // of the call, not of what it returns to
	}
	u, err := s.unitOf(addr)
	if err != nil || u == nil {
		return nil
	}
	return s.calls(u, addr, f.Func)
}

// resolve finds the function that a frame's address is in.
func (s *Symbolizer) resolve(f *Frame) {
	for name, all := range s.symbols {
		for _, sym := range all {
			if f.Address >= sym.addr && f.Address < sym.addr+sym.size {
				f.Func, f.Offset, f.Size = name, f.Address-sym.addr, sym.size
				f.Machinery = machinery(name)
				return
			}
		}
	}
}

// address finds the function of a frame. Functions of one name are told apart
// by their size, which a trace rounds up to the next function's start.
func (s *Symbolizer) address(f *Frame) (uint64, bool) {
	all := s.symbols[f.Func]
	if len(all) == 1 {
		return all[0].addr + f.Offset, true
	}
	const padding = 64 // alignment of functions, and what tracing puts before them
	var found []symbol
	for _, sym := range all {
		if f.Size >= sym.size && f.Size < sym.size+padding {
			found = append(found, sym)
		}
	}
	if len(found) != 1 {
		return 0, false
	}
	return found[0].addr + f.Offset, true
}

func (s *Symbolizer) unitOf(addr uint64) (*unit, error) {
	i, found := slices.BinarySearchFunc(s.ranges, addr, func(r unitRange, a uint64) int { return cmp.Compare(r.low, a) })
	if !found {
		i--
	}
	if i < 0 || addr >= s.ranges[i].high {
		return nil, nil
	}
	at := s.ranges[i].unit
	if u, ok := s.units[at]; ok {
		return u, nil
	}
	u, err := s.readUnit(at)
	s.units[at] = u
	return u, err
}

// entryOf reads the first entry of the compile unit whose header is at an offset. It
// is 12 bytes behind that (DWARF 5, section 7.5.1.1), in versions before 11. The reader stands behind it.
func (s *Symbolizer) entryOf(at dwarf.Offset) (*dwarf.Entry, *dwarf.Reader, error) {
	r := s.data.Reader()
	for _, header := range []dwarf.Offset{12, 11} {
		r.Seek(at + header)
		if e, err := r.Next(); err == nil && e != nil && e.Tag == dwarf.TagCompileUnit {
			return e, r, nil
		}
	}
	return nil, nil, fmt.Errorf("no compile unit at %#x", at)
}

func (s *Symbolizer) readUnit(at dwarf.Offset) (*unit, error) {
	e, r, err := s.entryOf(at)
	if err != nil {
		return nil, err
	}
	u := &unit{}
	if err := u.readLines(s.data, e); err != nil {
		return nil, err
	}
	if s.root == "" {
		s.root = sourceRoot(e)
	}
	if err := s.readFunctions(u, r); err != nil {
		return u, err
	}
	u.sortStretches()
	return u, nil
}

// sourceRoot finds out where the kernel's source was. The build is told to
// put objects elsewhere, so that files have absolute names, or names relative to that place.
func sourceRoot(e *dwarf.Entry) string {
	name, _ := e.Val(dwarf.AttrName).(string)
	dir, _ := e.Val(dwarf.AttrCompDir).(string)
	if !path.IsAbs(name) {
		return path.Clean(dir) + "/"
	}
	// The two have the build's directory in common: …/src/init/main.c and …/obj.
	common := 0
	for i := 0; i < len(name) && i < len(dir) && name[i] == dir[i]; i++ {
		if name[i] == '/' {
			common = i + 1
		}
	}
	rest := name[common:]
	if strings.HasPrefix(rest, "src/") {
		common += len("src/")
	}
	return name[:common]
}

func (s *Symbolizer) relative(file string) string {
	file = path.Clean(file)
	file = strings.TrimPrefix(file, s.root)
	return strings.TrimPrefix(file, "./")
}

// readFunctions reads the unit's functions and what is inlined into each.
func (s *Symbolizer) readFunctions(u *unit, r *dwarf.Reader) error {
	for {
		e, err := r.Next()
		if err != nil {
			return err
		}
		if e == nil || e.Tag == 0 || e.Tag == dwarf.TagCompileUnit {
			return nil
		}
		if e.Tag != dwarf.TagSubprogram {
			r.SkipChildren()
			continue
		}
		ranges, err := s.data.Ranges(e)
		if err != nil {
			return err
		}
		if len(ranges) == 0 {
			r.SkipChildren()
			continue
		}
		fn := subprogram{name: s.name(e, 0), ranges: ranges}
		if e.Children {
			if err := s.readInlined(&fn, r); err != nil {
				return err
			}
		}
		u.functions = append(u.functions, fn)
	}
}

// readInlined reads the children of a function, however deep.
func (s *Symbolizer) readInlined(fn *subprogram, r *dwarf.Reader) error {
	// For each entry that is open: whether it was an inlined call.
	var stack []bool
	depth := 0
	for {
		e, err := r.Next()
		if err != nil {
			return err
		}
		if e == nil {
			return errors.New("the debug information of a function ends before its time")
		}
		if e.Tag == 0 {
			if len(stack) == 0 {
				return nil
			}
			if stack[len(stack)-1] {
				depth--
			}
			stack = stack[:len(stack)-1]
			continue
		}
		call := e.Tag == dwarf.TagInlinedSubroutine
		if !call && e.Tag != dwarf.TagLexDwarfBlock {
			r.SkipChildren()
			continue
		}
		if call {
			ranges, err := s.data.Ranges(e)
			if err != nil {
				return err
			}
			in := inlined{depth: depth + 1, name: s.name(e, 0), ranges: ranges}
			in.callFile, _ = e.Val(dwarf.AttrCallFile).(int64)
			line, _ := e.Val(dwarf.AttrCallLine).(int64)
			in.callLine = int(line)
			fn.inlined = append(fn.inlined, in)
		}
		if e.Children {
			stack = append(stack, call)
			if call {
				depth++
			}
		}
	}
}

// name returns an entry's name, or that of what it is an instance of.
func (s *Symbolizer) name(e *dwarf.Entry, depth int) string {
	if n, ok := e.Val(dwarf.AttrName).(string); ok {
		return n
	}
	for _, a := range []dwarf.Attr{dwarf.AttrAbstractOrigin, dwarf.AttrSpecification} {
		if at, ok := e.Val(a).(dwarf.Offset); ok && depth < 8 {
			r := s.data.Reader()
			r.Seek(at)
			if o, err := r.Next(); err == nil && o != nil {
				return s.name(o, depth+1)
			}
		}
	}
	return ""
}

func covers(ranges [][2]uint64, addr uint64) bool {
	for _, r := range ranges {
		if addr >= r[0] && addr < r[1] {
			return true
		}
	}
	return false
}

// calls lays out the functions at an address, innermost first.
func (s *Symbolizer) calls(u *unit, addr uint64, outer string) []Call {
	file, line := u.position(addr)
	var chain []inlined // outermost first
	name := baseName(outer)
	if st := u.stretchAt(addr); st != nil {
		fn := &u.functions[st.function]
		if fn.name != "" {
			name = fn.name
		}
		for i := range fn.inlined {
			if in := &fn.inlined[i]; in.depth == len(chain)+1 && covers(in.ranges, addr) {
				chain = append(chain, *in)
			}
		}
	}
	var out []Call
	for i := len(chain) - 1; i >= 0; i-- {
		out = append(out, Call{Func: chain[i].name, File: s.relative(file), Line: line})
		file, line = u.file(chain[i].callFile), chain[i].callLine
	}
	return append(out, Call{Func: name, File: s.relative(file), Line: line})
}
