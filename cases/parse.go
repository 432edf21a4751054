// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError is one mistake in a program's text.
type SyntaxError struct {
	File string
	Line int // from 1
	Col  int // in characters, from 1
	Msg  string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
}

// Parse reads a program's text form, which docs/programs.md describes. The
// file name is used for errors only. A Program that is returned without an
// error has passed [Program.Validate]. The error joins one *[SyntaxError] for
// each mistake found, in order of lines and at most about twenty of them;
// there is no Program then.
func Parse(filename string, text []byte) (*Program, error) {
	p := &parser{
		file:  filename,
		prog:  &Program{},
		marks: map[place]mark{},
		names: map[string]decl{},
	}
	p.parse(text)
	if len(p.errs) == 0 {
		for _, c := range p.prog.check() {
			p.errorAt(p.marks[c.at], "%s", c.msg)
		}
	}
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return p.prog, nil
}

// mark is a position in the text.
type mark struct{ line, col int }

// token is a word of a line.
type token struct {
	text string
	at   mark
}

// key splits "key=value"; isPair is false for a word without "=".
func (t token) key() (key string, value token, isPair bool) {
	k, v, ok := strings.Cut(t.text, "=")
	if !ok {
		return "", t, false
	}
	return k, token{v, mark{t.at.line, t.at.col + len(k) + 1}}, true
}

// line is one line of the text.
type line struct {
	toks     []token
	indented bool
	comment  string
	hash     bool // there is a comment, though it may be empty
	// thread and background are those of a step: "t1: wait r0 &".
	thread     string
	background bool
}

// decl is a ring, resource or buffer that was declared.
type decl struct {
	kind  placeKind
	index int
}

// unresolved is a target that names a label, which may come later in the text.
type unresolved struct {
	step, sqe int // sqe is -1 for the step's own target
	label     token
}

type parser struct {
	file  string
	errs  []error
	prog  *Program
	marks map[place]mark
	names map[string]decl

	pending   []string // comment lines that wait for the item below them
	last      *string  // Comment of the last item: takes what stands at the very end
	named     bool     // a name line was seen
	declared  bool     // a declaration was seen: comments belong to items now
	submit    int      // index of the submit step whose SQEs follow, or -1
	sqes      int
	targets   []unresolved
	stop      bool
	firstLine mark // of the name line, for complaints about the whole program
}

func (p *parser) errorAt(at mark, format string, args ...any) {
	if p.stop {
		return
	}
	if len(p.errs) >= maxComplaints {
		p.stop = true
		format, args = "too many mistakes, the rest is not shown", nil
	}
	p.errs = append(p.errs, &SyntaxError{p.file, max(at.line, 1), max(at.col, 1), fmt.Sprintf(format, args...)})
}

func (p *parser) parse(text []byte) {
	if len(text) > MaxText {
		p.errorAt(mark{}, "the text has %d bytes, at most %d are allowed", len(text), MaxText)
		return
	}
	p.submit = -1
	end := mark{1, 1}
	for n, rest := 1, string(text); rest != "" && !p.stop; n++ {
		var raw string
		raw, rest, _ = strings.Cut(rest, "\n")
		end.line = n
		if l, ok := p.split(n, strings.TrimSuffix(raw, "\r")); ok {
			p.line(l)
		}
	}
	p.finish(end)
}

// split makes tokens of a line. It returns false after an error.
func (p *parser) split(n int, raw string) (line, bool) {
	var l line
	code := raw
	if i := strings.IndexByte(raw, '#'); i >= 0 {
		code = raw[:i]
		l.hash = true
		note, bad := cleanComment(raw[i+1:])
		if bad >= 0 {
			p.errorAt(mark{n, utf8.RuneCountInString(raw[:i+1+bad]) + 1}, "a comment holds a control character or is not UTF-8")
			return l, false
		}
		l.comment = note
	}
	l.indented = code != "" && (code[0] == ' ' || code[0] == '\t')
	for i, r := range code {
		if r < ' ' && r != '\t' || r > '~' {
			p.errorAt(mark{n, utf8.RuneCountInString(code[:i]) + 1}, "unexpected character %q: outside of comments everything is plain ASCII", r)
			return l, false
		}
	}
	for i := 0; i < len(code); {
		if code[i] == ' ' || code[i] == '\t' {
			i++
			continue
		}
		j := i
		for j < len(code) && code[j] != ' ' && code[j] != '\t' {
			j++
		}
		l.toks = append(l.toks, token{code[i:j], mark{n, i + 1}})
		i = j
	}
	return l, true
}

// cleanComment takes the text behind "#": one space is dropped in front, all
// white space at the end, and tabs become spaces. bad is the offset of the first
// byte that a comment cannot hold, or -1.
func cleanComment(s string) (clean string, bad int) {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return "", i
			}
		}
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return "", i
		}
	}
	s = strings.ReplaceAll(s, "\t", " ")
	return strings.TrimRightFunc(strings.TrimPrefix(s, " "), isSpace), -1
}

func (p *parser) line(l line) {
	if len(l.toks) == 0 {
		if l.hash {
			if !p.headed() && p.prog.License == "" && p.prog.About == "" && len(p.pending) == 0 {
				if id, ok := strings.CutPrefix(l.comment, spdxPrefix); ok && strings.TrimSpace(id) != "" {
					p.prog.License = strings.TrimSpace(id)
					return
				}
			}
			p.pending = append(p.pending, l.comment)
		} else if len(p.pending) > 0 {
			p.pending = append(p.pending, "")
		}
		return
	}
	first := l.toks[0]
	if l.indented {
		if p.submit < 0 {
			p.errorAt(first.at, "only SQEs are indented, below their submit line")
			return
		}
		p.sqe(l)
		return
	}
	p.submit = -1
	d, ok := p.directive(&l)
	switch {
	case !ok:
	case d.section == sectionDecl && len(p.prog.Steps) > 0:
		p.errorAt(first.at, "%s: declarations come before the first step", first.text)
	case d.section == sectionHeader && (p.declared || len(p.prog.Steps) > 0):
		p.errorAt(first.at, "%s comes before declarations and steps", first.text)
	default:
		d.parse(p, l)
	}
}

// directive finds what a line starts with, behind the name of a thread, and
// takes that name and a final "&" off the line.
func (p *parser) directive(l *line) (directive, bool) {
	first := l.toks[0]
	thread, prefixed := strings.CutSuffix(first.text, ":")
	if !prefixed || len(l.toks) == 1 {
		return p.stepOrDecl(l, first)
	}
	if _, ok := directives[l.toks[1].text]; !ok {
		p.unknownDirective(first)
		return directive{}, false
	}
	l.toks = l.toks[1:]
	d, ok := p.stepOrDecl(l, l.toks[0])
	switch {
	case !ok:
	case d.section != sectionStep:
		p.errorAt(first.at, "%s is no step, so no thread carries it out", l.toks[0].text)
		return d, false
	case !validIdent(thread):
		p.errorAt(first.at, "the thread's name %s is not 1 to %d lower case letters, digits, dashes and underscores that start with a letter", quote(thread), maxIdent)
	}
	l.thread = thread
	return d, ok
}

func (p *parser) stepOrDecl(l *line, word token) (directive, bool) {
	d, ok := directives[word.text]
	if !ok {
		p.unknownDirective(word)
		return d, false
	}
	if last := l.toks[len(l.toks)-1]; d.section == sectionStep && len(l.toks) > 1 && last.text == "&" {
		l.background = true
		l.toks = l.toks[:len(l.toks)-1]
	}
	return d, true
}

// headed tells whether the comments at the top, which are About, are over.
func (p *parser) headed() bool { return p.named || p.declared || len(p.prog.Steps) > 0 }

func (p *parser) unknownDirective(t token) {
	word := strings.TrimSuffix(t.text, ":")
	if _, err := parseOp(token{word, t.at}); err == nil || strings.HasSuffix(t.text, ":") {
		p.errorAt(t.at, "%s: SQEs are indented, below their submit line", quote(t.text))
		return
	}
	p.errorAt(t.at, "%s is no declaration and no step%s", quote(t.text), suggest(t.text, directiveNames()))
}

// takeComment hands out the comment of an item: the lines above it and what
// stands behind it.
func (p *parser) takeComment(l line) string {
	lines := p.pending
	if l.comment != "" {
		lines = append(lines, l.comment)
	}
	p.pending = nil
	return joinNote("", lines)
}

// joinNote adds lines to a text, without empty lines at either end.
func joinNote(text string, lines []string) string {
	if text != "" {
		lines = append(strings.Split(text, "\n"), lines...)
	}
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// about takes comments that belong to the whole program.
func (p *parser) about(l line) {
	lines := p.pending
	if l.comment != "" {
		lines = append(lines, l.comment)
	}
	p.pending = nil
	p.prog.About = joinNote(p.prog.About, lines)
}

func (p *parser) finish(end mark) {
	if p.last != nil {
		*p.last = joinNote(*p.last, p.pending)
	} else {
		p.about(line{})
	}
	p.resolve()
	if len(p.errs) == 0 && !p.named {
		p.errorAt(mark{}, "the program has no name: start with a line such as \"name my-case\"")
	}
	p.marks[place{}] = p.firstLine
}

// resolve replaces labels by SQE numbers.
func (p *parser) resolve() {
	labels := map[string]int{}
	var names []string
	for _, r := range p.prog.SQEs() {
		if r.SQE.Label == "" {
			continue
		}
		if _, dup := labels[r.SQE.Label]; !dup {
			labels[r.SQE.Label] = r.Index + 1
			names = append(names, r.SQE.Label)
		}
	}
	for _, u := range p.targets {
		n, ok := labels[u.label.text]
		if !ok {
			p.errorAt(u.label.at, "no SQE has the label %s%s", quote(u.label.text), suggest(u.label.text, names))
			continue
		}
		if st := &p.prog.Steps[u.step]; u.sqe < 0 {
			st.Target = n
		} else {
			st.SQEs[u.sqe].Target = n
		}
	}
}
