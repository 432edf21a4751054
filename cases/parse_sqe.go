// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/ringproof/ringproof/cases/uring"
)

func isSpace(r rune) bool { return unicode.IsSpace(r) }

// quote shortens what a hostile text may have made long.
func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return strconv.Quote(s)
}

// sqe reads one indented line below a submit.
func (p *parser) sqe(l line) {
	if p.sqes++; p.sqes > MaxSQEs {
		p.errorAt(l.toks[0].at, "more than %d SQEs", MaxSQEs)
		p.stop = true
		return
	}
	step := p.submit
	st := &p.prog.Steps[step]
	pos := len(st.SQEs)
	p.marks[place{inSQE, step, pos}] = l.toks[0].at
	st.SQEs = append(st.SQEs, SQE{Comment: p.takeComment(l)})
	s := &st.SQEs[pos]
	p.last = &s.Comment

	toks := l.toks
	if label, ok := strings.CutSuffix(toks[0].text, ":"); ok {
		if !validIdent(label) {
			p.errorAt(toks[0].at, "the label %s is not 1 to %d lower case letters, digits, dashes and underscores that start with a letter", quote(label), maxIdent)
		}
		s.Label = label
		if toks = toks[1:]; len(toks) == 0 {
			p.errorAt(mark{l.toks[0].at.line, l.toks[0].at.col + len(l.toks[0].text)}, "an opcode such as nop or read comes behind the label")
			return
		}
	}
	op, err := parseOp(toks[0])
	if err != nil {
		p.errorAt(toks[0].at, "%s", err)
		return
	}
	s.Op = op
	f := &sqeFields{p: p, s: s, form: formOf(op), step: step, pos: pos, seen: map[string]bool{}}
	f.read(toks[1:])
}

// parseOp reads an opcode's name, or op=N.
func parseOp(t token) (uring.Op, error) {
	if key, v, isPair := t.key(); isPair && key == "op" {
		n, err := strconv.ParseUint(v.text, 0, 8)
		if err != nil {
			return 0, fmt.Errorf("%s is not an opcode's number from 0 to 255", quote(v.text))
		}
		return uring.Op(n), nil
	}
	if op, ok := uring.OpByName(t.text); ok {
		return op, nil
	}
	names := make([]string, uring.OpLast)
	for i := range names {
		names[i] = uring.Op(i).String()
	}
	return 0, fmt.Errorf("unknown opcode %s%s (an opcode without a name is written op=N)", quote(t.text), closest(t.text, names))
}

// sqeFields reads what stands behind an opcode.
type sqeFields struct {
	p    *parser
	s    *SQE
	form opForm
	step int
	pos  int
	next int // of form.operands
	seen map[string]bool
}

func (f *sqeFields) read(toks []token) {
	for _, t := range toks {
		key, value, isPair := t.key()
		if isPair {
			f.pair(t, key, value)
			continue
		}
		if bit, ok := sqeFlags.byName(t.text); ok {
			if f.s.Flags&uring.SQEFlags(bit) != 0 {
				f.p.errorAt(t.at, "%s is given twice", t.text)
			}
			f.s.Flags |= uring.SQEFlags(bit)
			continue
		}
		if c := t.text[0]; c >= 'A' && c <= 'Z' {
			f.p.errorAt(t.at, "unknown SQE flag %s%s", quote(t.text), suggest(t.text, sqeFlags.names()))
			continue
		}
		f.operand(t)
	}
}

// operand reads a word that stands in its opcode's usual place.
func (f *sqeFields) operand(t token) {
	if f.next >= len(f.form.operands) {
		if hint := closest(t.text, sqeFlags.names()); hint != "" {
			f.p.errorAt(t.at, "unexpected %s%s", quote(t.text), hint)
			return
		}
		f.p.errorAt(t.at, "unexpected %s: %s takes %s", quote(t.text), f.opText(), f.takes())
		return
	}
	o := f.form.operands[f.next]
	f.next++
	if f.once(t, operandKeys[o]) {
		f.set(o, t)
	}
}

func (f *sqeFields) opText() string {
	if n := f.s.Op.String(); n != "" {
		return n
	}
	return fmt.Sprintf("op=%d", f.s.Op)
}

func (f *sqeFields) takes() string {
	if len(f.form.operands) == 0 {
		return "key=value pairs and flags only"
	}
	var hints []string
	for _, o := range f.form.operands {
		hints = append(hints, operandHints[o])
	}
	return strings.Join(hints, ", then ")
}

func (f *sqeFields) once(t token, key string) bool {
	if f.seen[key] {
		f.p.errorAt(t.at, "%s is given twice", key)
		return false
	}
	f.seen[key] = true
	return true
}

func (f *sqeFields) set(o operand, t token) {
	switch o {
	case operandFD:
		f.p.fd(t, &f.s.FD)
	case operandBuf:
		f.p.buffer(t, &f.s.Buf)
	case operandTarget:
		f.p.target(t, f.step, f.pos)
	case operandTimeout:
		f.p.duration(t, &f.s.Timeout)
	}
}

func (f *sqeFields) pair(t token, key string, v token) {
	field := key
	switch key { // the opcode's own word and the general one are the same field
	case f.form.off:
		field = "off"
	case f.form.flagsKey:
		field = "flags"
	}
	for o, name := range operandKeys {
		if name == field {
			if f.once(t, key) {
				f.set(operand(o), v)
			}
			return
		}
	}
	var read func(token)
	s := f.s
	switch field {
	case "off":
		read = func(v token) { f.p.offset(v, &s.Off) }
	case "addr":
		read = func(v token) { f.p.offset(v, &s.Addr) }
	case "addr2":
		read = func(v token) { f.p.buffer(v, &s.Buf2) }
	case "addr3":
		read = func(v token) {
			if c := v.text; c != "" && (c[0] == '-' || c[0] >= '0' && c[0] <= '9') {
				f.p.offset(v, &s.Addr3)
			} else {
				f.p.buffer(v, &s.Buf3)
			}
		}
	case "fd2":
		read = func(v token) { f.p.fd(v, &s.FD2) }
	case "len":
		read = func(v token) { f.p.bits(v, f.form.lens, math.MaxUint32, &s.Len) }
	case "flags":
		read = func(v token) { f.p.flags(v, f.form.flags, &s.OpFlags) }
	case "index":
		read = func(v token) { f.p.size16(v, &s.BufIndex) }
	case "file_index":
		read = func(v token) {
			if v.text == "ALLOC" {
				s.FileIndex = FileIndexAlloc
			} else {
				f.p.size32(v, &s.FileIndex)
			}
		}
	case "personality":
		read = func(v token) { f.p.size16(v, &s.Personality) }
	case "pad":
		read = func(v token) { f.p.offset(v, &s.Pad2) }
	case "ioprio":
		read = func(v token) {
			var n uint32
			f.p.bits(v, f.form.prios, math.MaxUint16, &n)
			s.IOPrio = uint16(n)
		}
	case "inject":
		read = f.inject
	default:
		keys := []string{f.form.off + "=", "len=", f.form.flagsKey + "=", "addr=", "addr2=", "addr3=", "fd2=", "index=",
			"file_index=", "personality=", "ioprio=", "pad=", "inject="}
		for _, o := range operandKeys {
			keys = append(keys, o+"=")
		}
		f.p.errorAt(t.at, "unexpected %s%s", quote(t.text), suggest(key+"=", keys))
		return
	}
	if f.once(t, field) {
		read(v)
	}
}

func (f *sqeFields) inject(v token) {
	res, err := parseResult(v.text)
	if err != nil {
		f.p.errorAt(v.at, "inject: %s", err)
		return
	}
	f.s.HasInject, f.s.Inject = true, res
}

// lookup finds a declared name of one kind.
func (p *parser) lookup(t token, kind placeKind, what string, index *int) bool {
	n, ok := p.names[t.text]
	if ok && n.kind == kind {
		*index = n.index
		return true
	}
	if ok {
		p.errorAt(t.at, "%s is not a %s", t.text, what)
		return false
	}
	var names []string
	for name, n := range p.names {
		if n.kind == kind {
			names = append(names, name)
		}
	}
	p.errorAt(t.at, "no %s is called %s%s", what, quote(t.text), closest(t.text, names))
	return false
}

// fd reads f0, p0.r, s0.a, or a number.
func (p *parser) fd(t token, fd *FD) {
	if c := t.text; c != "" && (c[0] == '-' || c[0] >= '0' && c[0] <= '9') {
		n, err := strconv.ParseInt(c, 0, 32)
		if err != nil {
			p.errorAt(t.at, "%s is not a 32-bit file descriptor", quote(c))
			return
		}
		*fd = FD{Raw: int32(n), HasRaw: true}
		return
	}
	name, end, hasEnd := strings.Cut(t.text, ".")
	var index int
	if d, ok := p.names[t.text]; ok && d.kind == inRing {
		*fd = FD{Ring: d.index + 1}
		return
	}
	if !p.lookup(token{name, t.at}, inResource, "file, pipe, socket or the like", &index) {
		return
	}
	names := endNames(p.prog.Resources[index].Kind)
	kind := p.prog.Resources[index].Kind
	if names == nil && hasEnd {
		p.errorAt(t.at, "%s is a %s, which has no ends: write %s", name, kind, name)
		return
	}
	for i, n := range names {
		if n == end {
			fd.End = i
			names = nil
			break
		}
	}
	if names != nil {
		p.errorAt(t.at, "%s is a %s: write %s.%s or %s.%s", name, kind, name, names[0], name, names[1])
		return
	}
	fd.Ref = index + 1
}

// buffer reads b0 or b0+64.
func (p *parser) buffer(t token, b *BufRef) {
	name, off, hasOff := strings.Cut(t.text, "+")
	var index int
	if !p.lookup(token{name, t.at}, inBuffer, "buffer", &index) {
		return
	}
	b.Ref = index + 1
	if hasOff {
		p.size32(token{off, mark{t.at.line, t.at.col + len(name) + 1}}, &b.Off)
	}
}

// target reads a label or @N; labels are looked up at the end.
func (p *parser) target(t token, step, pos int) {
	if num, ok := strings.CutPrefix(t.text, "@"); ok {
		n, err := strconv.ParseUint(num, 10, 31)
		if err != nil || n == 0 {
			p.errorAt(t.at, "%s is not an SQE's number, which counts from @1", quote(t.text))
			return
		}
		if st := &p.prog.Steps[step]; pos < 0 {
			st.Target = int(n)
		} else {
			st.SQEs[pos].Target = int(n)
		}
		return
	}
	p.targets = append(p.targets, unresolved{step, pos, t})
}

func (p *parser) flags(t token, set flagSet, v *uint32) {
	n, err := set.parse(t.text)
	if err != nil {
		p.errorAt(t.at, "%s", err)
		return
	}
	*v = n
}

// bits reads a number, or names of its bits where they have some.
func (p *parser) bits(t token, set flagSet, limit uint64, v *uint32) {
	if len(set) == 0 || t.text != "" && t.text[0] >= '0' && t.text[0] <= '9' && !strings.Contains(t.text, "|") {
		*v = uint32(p.number(t, limit))
		return
	}
	var n uint32
	if p.flags(t, set, &n); uint64(n) > limit {
		p.errorAt(t.at, "%s is too large, at most %d is possible", quote(t.text), limit)
		return
	}
	*v = n
}

func (p *parser) fill(t token, f *Fill) { p.size32(t, (*uint32)(f)) }

func (p *parser) size32(t token, v *uint32) { *v = uint32(p.number(t, math.MaxUint32)) }

func (p *parser) size16(t token, v *uint16) { *v = uint16(p.number(t, math.MaxUint16)) }

func (p *parser) offset(t token, v *uint64) {
	if t.text == "-1" { // the current position
		*v = math.MaxUint64
		return
	}
	*v = p.number(t, math.MaxUint64)
}

func (p *parser) count(t token) int { return int(p.number(t, math.MaxInt32)) }

// number reads a number in Go's notation, with k or M for 1024 and 1024*1024.
func (p *parser) number(t token, limit uint64) uint64 {
	digits, unit := t.text, uint64(1)
	if !strings.HasPrefix(digits, "0x") {
		switch {
		case strings.HasSuffix(digits, "k"), strings.HasSuffix(digits, "K"):
			digits, unit = digits[:len(digits)-1], 1<<10
		case strings.HasSuffix(digits, "M"):
			digits, unit = digits[:len(digits)-1], 1<<20
		}
	}
	n, err := strconv.ParseUint(digits, 0, 64)
	switch {
	case err != nil:
		p.errorAt(t.at, "%s is not a number such as 64, 0x40 or 4k", quote(t.text))
	case n > limit/unit:
		p.errorAt(t.at, "%s is too large, at most %d is possible", quote(t.text), limit)
	default:
		return n * unit
	}
	return 0
}
