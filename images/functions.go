// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// function is the definition of a C function in the kernel's style: its head
// starts in column 0, its body ends with a } in column 0 (the kernel has some with a ; behind).
type function struct {
	name string
	// Lines of the file, counted from 0: the head starts at start, the line
	// with the body's { is open, the first one behind its } is end.
	start, open, end int
	nameAt           int      // byte of the file at which the name stands in the head
	head             string   // on one line, without comments and {
	params           []string // names of the parameters
	static, inline   bool
	// problem is why it cannot be defined a second time under another name, "" if it can.
	problem string
}

// What a byte of a C file belongs to.
type class byte

const (
	code class = iota
	comment
	literal      // between and with quotes
	preprocessor // lines of it, and what #if 0 leaves out
)

// classify tells for each byte of a C file what it belongs to.
func classify(text []byte) []class {
	out := make([]class, len(text))
	fill := func(from, to int, c class) int {
		for i := from; i < to; i++ {
			out[i] = c
		}
		return to
	}
	lineStart := true // nothing but blanks and comments so far on this line
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case bytes.HasPrefix(text[i:], []byte("//")):
			i = fill(i, lineEnd(text, i), comment)
		case bytes.HasPrefix(text[i:], []byte("/*")):
			i = fill(i, behind(text, i+2, "*/"), comment)
		case c == '"' || c == '\'':
			i = fill(i, literalEnd(text, i), literal)
			lineStart = false
		case c == '#' && lineStart:
			end := directiveEnd(text, i)
			if skipped.Match(text[i:end]) {
				end = elseOf(text, end)
			}
			i = fill(i, end, preprocessor)
		default:
			lineStart = c == '\n' || lineStart && (c == ' ' || c == '\t')
			i++
		}
	}
	return out
}

var (
	skipped     = regexp.MustCompile(`^#[ \t]*if[ \t]+0\s*$`)
	conditional = regexp.MustCompile(`^[ \t]*#[ \t]*(if|else|elif|endif)`)
)

func lineEnd(text []byte, from int) int {
	if n := bytes.IndexByte(text[from:], '\n'); n >= 0 {
		return from + n
	}
	return len(text)
}

func behind(text []byte, from int, what string) int {
	if n := bytes.Index(text[from:], []byte(what)); n >= 0 {
		return from + n + len(what)
	}
	return len(text)
}

// literalEnd returns the place behind a string or character that starts at from;
// an apostrophe that nothing closes, as in text that #if leaves out, ends with its line.
func literalEnd(text []byte, from int) int {
	for i := from + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\n':
			return i
		case text[from]:
			return i + 1
		}
	}
	return len(text)
}

// directiveEnd returns the end of a preprocessor line with its continuations. A comment
// may continue it, too.
func directiveEnd(text []byte, from int) int {
	for i := from; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case bytes.HasPrefix(text[i:], []byte("/*")):
			i = behind(text, i+2, "*/") - 1
		case text[i] == '\n':
			return i
		}
	}
	return len(text)
}

// elseOf returns the place where what an #if 0 leaves out ends.
func elseOf(text []byte, from int) int {
	depth := 0
	for i := from; i < len(text); i = lineEnd(text, i) + 1 {
		m := conditional.FindSubmatch(text[i:lineEnd(text, i)])
		switch {
		case m == nil:
		case string(m[1]) == "if":
			depth++
		case depth == 0:
			return i
		case string(m[1]) == "endif":
			depth--
		}
	}
	return len(text)
}

// only returns text with everything that is not of the given classes blanked, lines kept.
func only(text []byte, of []class, keep ...class) []byte {
	out := bytes.Clone(text)
	for i, c := range of {
		if out[i] != '\n' && !slices.Contains(keep, c) {
			out[i] = ' '
		}
	}
	return out
}

// functions finds the definitions of functions in a C file, in order.
func functions(text []byte) []function {
	of := classify(text)
	lines := bytes.SplitAfter(only(text, of, code), []byte("\n"))
	starts := make([]int, len(lines)+1) // of lines, in bytes
	for i, l := range lines {
		starts[i+1] = starts[i] + len(l)
	}
	var out []function
	floor := 0 // behind the function before
	for i := 0; i < len(lines); i++ {
		if !opensBody(lines[i]) {
			continue
		}
		end := i + 1
		for end < len(lines) && !bytes.HasPrefix(lines[end], []byte("}")) {
			end++
		}
		if end == len(lines) || string(bytes.TrimRight(bytes.TrimSpace(lines[end]), ";")) != "}" {
			continue // a struct with a name behind
		}
		f := function{start: headStart(lines, floor, i), open: i, end: end + 1}
		from := starts[f.start]
		to := starts[i] + bytes.LastIndexByte(lines[i], '{')
		if !f.parseHead(text[from:to], of[from:to]) {
			continue
		}
		f.nameAt += from
		out = append(out, f)
		floor, i = end+1, end
	}
	return out
}

// opensBody tells whether a line, blank but for code, may open a function's body: a {
// alone in column 0 or, as some headers have it, behind a head on one line.
func opensBody(line []byte) bool {
	before, found := bytes.CutSuffix(bytes.TrimRight(line, " \t\r\n"), []byte("{"))
	before = bytes.TrimRight(before, " \t")
	return found && (len(before) == 0 && line[0] == '{' || bytes.HasSuffix(before, []byte(")")) && line[0] > ' ')
}

// headStart returns the first line of the head whose body opens in line open: what is behind
// the last empty line, preprocessor line, or line that ends a declaration, outside of parentheses.
func headStart(lines [][]byte, floor, open int) int {
	depth, start := 0, open
	for i := open; i >= floor; i-- {
		l := bytes.TrimSpace(lines[i])
		if i < open && depth <= 0 && (len(l) == 0 || l[len(l)-1] == ';' || l[len(l)-1] == '}') {
			break
		}
		depth += bytes.Count(l, []byte(")")) - bytes.Count(l, []byte("("))
		start = i
	}
	return start
}

// attributes take arguments but are no functions; what takes none needs no list.
var attributes = []string{
	"__attribute__", "__attribute", "__must_hold", "__acquires", "__releases", "__acquire", "__release", "__cond_acquires",
	"__printf", "__scanf", "__aligned", "__section", "__no_sanitize", "__alloc_size", "__assume_aligned", "__malloc",
	"__nonnull", "__diagnose_as", "__counted_by", "typeof", "__typeof__", "__typeof", "_Alignas", "__bpf_kfunc",
}

var (
	word       = regexp.MustCompile(`[A-Za-z_]\w*`)
	macroName  = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	paramTail  = regexp.MustCompile(`(\[[^]]*\]|\s|\b__(maybe_|always_)?unused\b)+$`) // array bounds and attributes
	callback   = regexp.MustCompile(`^\(\s*\*\s*([A-Za-z_]\w*)\s*\(`)
	callbackID = regexp.MustCompile(`\(\s*\*\s*(?:const\s+)?([A-Za-z_]\w*)`)
)

// parseHead reads a function's head and tells whether it is one. nameAt is relative to it.
func (f *function) parseHead(text []byte, of []class) bool {
	bare := only(text, of, code)
	depth := 0
	closing := -1
	for i := 0; i < len(bare) && closing < 0; i++ {
		switch bare[i] {
		case ')':
			depth--
		case '(':
			depth++
			if depth > 1 {
				continue
			}
			name, at := wordBefore(bare, i)
			if slices.Contains(attributes, name) {
				continue
			}
			if name == "" {
				return false
			}
			if m := callback.FindSubmatchIndex(bare[i:]); m != nil { // void (*f(int))(void)
				f.problem = "it returns a pointer to a function"
				name, at = string(bare[i+m[2]:i+m[3]]), i+m[2]
			}
			f.name, f.nameAt = name, at
			closing = matching(bare, i)
			if closing < 0 {
				return false
			}
			if f.problem == "" {
				f.readParams(string(bare[i+1 : closing]))
			}
		}
	}
	if f.name == "" || bytes.ContainsAny(bare[:f.nameAt], "={;") || bytes.ContainsAny(bare[closing:], "={;") {
		return false
	}
	f.head = strings.Join(strings.Fields(string(only(text, of, code, literal))), " ")
	specifiers := word.FindAllString(string(bare[:f.nameAt]), -1)
	for _, w := range specifiers {
		switch w {
		case "static":
			f.static = true
		case "inline", "__inline", "__inline__", "__always_inline":
			f.inline = true
		}
	}
	switch {
	case slices.Contains(of, preprocessor):
		f.problem = "preprocessor lines are part of its head"
	case macroName.MatchString(f.name) || len(specifiers) == 0:
		f.problem = "the macro " + f.name + " makes its head"
	}
	return true
}

// wordBefore returns the word that ends before place i, but for blanks.
func wordBefore(text []byte, i int) (name string, at int) {
	end := len(bytes.TrimRight(text[:i], " \t\r\n"))
	at = end
	for at > 0 && (text[at-1] == '_' || text[at-1] >= '0' && text[at-1] <= '9' || text[at-1]|0x20 >= 'a' && text[at-1]|0x20 <= 'z') {
		at--
	}
	return string(text[at:end]), at
}

// matching returns the place of the parenthesis that closes the one at from, -1 without.
func matching(text []byte, from int) int {
	depth := 0
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// readParams finds the names in a list of parameters.
func (f *function) readParams(list string) {
	if s := strings.TrimSpace(list); s == "" || s == "void" {
		return
	}
	depth, from := 0, 0
	for i := 0; i <= len(list); i++ {
		switch {
		case i == len(list) || list[i] == ',' && depth == 0:
			f.addParam(strings.TrimSpace(list[from:i]))
			from = i + 1
		case list[i] == '(':
			depth++
		case list[i] == ')':
			depth--
		}
	}
}

func (f *function) addParam(p string) {
	if m := callbackID.FindStringSubmatch(p); m != nil { // void (*done)(int)
		f.params = append(f.params, m[1])
		return
	}
	names := word.FindAllString(paramTail.ReplaceAllString(p, ""), -1)
	switch {
	case p == "...":
		f.problem = "it takes a variable number of arguments"
	case len(names) < 2:
		f.problem = "the name of its parameter \"" + p + "\" is not understood"
	default:
		f.params = append(f.params, names[len(names)-1])
	}
}
