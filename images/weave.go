// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Weaving puts many mutants into one kernel. Of a function F that mutants 3 and 17
// change, the woven file has
//
//	F__m3, F__m17   the function as these mutants have it
//	F__as_is        the function as the series has it
//	F               what everybody calls: it looks at io_uring_mutant and calls one of them
//
// Line numbers stay true. A file's own lines, F__as_is among them, keep the
// numbers that they have without mutants. The clones of mutant 17 stand in a
// file of their own, io_uring.c@m17 beside io_uring.c, whose lines are numbered as
// in io_uring.c with that mutant applied; so compiler errors, warnings of the
// kernel and DWARF name the mutant, and [Tree] knows such files.
//
// F cannot be inlined or changed for its callers (noipa), so that probes attach by
// its name, unless it was inline before.

// knobFile defines io_uring_mutant; its name makes the parameter's prefix.
const knobFile = "io_uring/io_uring.c"

const knob = woven + "\n" +
	"#include <linux/moduleparam.h>\n" +
	"int io_uring_mutant;\n" +
	"module_param_named(mutant, io_uring_mutant, int, 0644);\n"

// woven begins each line that weaving adds to a file, directives aside.
const woven = "/* woven */ "

func (f *function) clone(number int) string { return fmt.Sprintf("%s__m%d", f.name, number) }
func (f *function) asIs() string            { return f.name + "__as_is" }

// clonesFile is the name of the file with the clones of one mutant of a file.
func clonesFile(p string, number int) string { return fmt.Sprintf("%s@m%d", p, number) }

// clonesOf finds the mutant's number in what a compiler or linker printed.
var clonesOf = regexp.MustCompile(`(?:@m|\w__m)(\d+)\b`)

// pair is a function that a mutant changes: as it was and as it is, in files of the same name.
type pair struct{ was, is function }

// pairs returns the functions that a mutation changes, by file. An error says why
// they cannot be woven. Files in which only comments change are left out.
func (mu mutation) pairs(base *applier) (map[string][]pair, error) {
	out := map[string][]pair{}
	for _, p := range keys(mu.files) {
		c := mu.files[p]
		was, aerr := base.get(p)
		switch {
		case aerr != nil:
			return nil, aerr
		case was == nil:
			return nil, fmt.Errorf("it adds %s", p)
		case c.deleted:
			return nil, fmt.Errorf("it removes %s", p)
		case was.exec != c.exec:
			return nil, fmt.Errorf("it changes the mode of %s", p)
		case path.Ext(p) != ".c" && path.Ext(p) != ".h":
			return nil, fmt.Errorf("%s holds no functions", p)
		}
		changed, err := changedFunctions(was.content, c.content)
		if err != nil {
			return nil, fmt.Errorf("%s%w", p, err)
		}
		if len(changed) > 0 {
			out[p] = changed
		}
	}
	return out, nil
}

// changedFunctions compares two states of a file, which may differ in the bodies of
// functions only. An error begins with the place, ":LINE: …".
func changedFunctions(was, is []byte) ([]pair, error) {
	wasFuncs, isFuncs := functions(was), functions(is)
	wasLines, isLines := bytes.SplitAfter(was, []byte("\n")), bytes.SplitAfter(is, []byte("\n"))
	same := func(wasFrom, wasTo, isFrom, isTo int) bool {
		a, b := wasLines[wasFrom:wasTo], isLines[isFrom:isTo]
		return slices.EqualFunc(a, b, bytes.Equal) || gist(a) == gist(b)
	}
	var out []pair
	wasAt, isAt := 0, 0
	// What follows the last function ends with one without a name.
	wasFuncs = append(wasFuncs, function{start: len(wasLines)})
	isFuncs = append(isFuncs, function{start: len(isLines)})
	for i, w := range wasFuncs {
		s := isFuncs[min(i, len(isFuncs)-1)]
		switch {
		case w.name != s.name:
			return nil, fmt.Errorf(":%d: it adds, removes or renames a function", isAt+1)
		case !same(wasAt, w.start, isAt, s.start):
			return nil, fmt.Errorf(":%d: it changes what is outside of functions", isAt+1)
		case w.name == "":
			continue
		case !same(w.start, w.open, s.start, s.open) || w.head != s.head:
			return nil, fmt.Errorf(":%d: it changes the head of %s", s.start+1, s.name)
		}
		if !same(w.open, w.end, s.open, s.end) {
			if w.problem != "" {
				return nil, fmt.Errorf(":%d: %s cannot be cloned: %s", s.start+1, s.name, w.problem)
			}
			out = append(out, pair{w, s})
		}
		wasAt, isAt = w.end, s.end
	}
	return out, nil
}

// gist is code without comments and layout.
func gist(lines [][]byte) string {
	text := bytes.Join(lines, nil)
	of := classify(text)
	return strings.Join(strings.Fields(string(only(text, of, code, literal, preprocessor))), " ")
}

// variant is a function of a file with the mutants that change it.
type variant struct {
	function
	numbers []int // in rising order
}

// weave returns the files that have to differ from base, in which the series left the
// tree at root, so that the kernel has all mutants. Mutants are numbered from 1. A
// mutant that cannot be woven is a *SpecError, one that does not apply an *ApplyError.
func weave(root string, base map[string]*change, ms []*Mutant, allow bool) (map[string]*change, error) {
	out := map[string]*change{}
	if len(ms) == 0 {
		return out, nil
	}
	old := &applier{root: root, files: base}
	variants := map[string]map[int]*variant{} // by file and the function's first line
	for i, m := range ms {
		number := i + 1
		mu, err := mutate(root, base, m, 0, allow)
		if err != nil {
			return nil, err
		}
		pairs, err := mu.pairs(old)
		if err != nil {
			return nil, mu.refuse("it cannot share a kernel with other mutants: %w", err)
		}
		for p, list := range pairs {
			if variants[p] == nil {
				variants[p] = map[int]*variant{}
			}
			for _, pr := range list {
				v := variants[p][pr.was.start]
				if v == nil {
					v = &variant{function: pr.was}
					variants[p][pr.was.start] = v
				}
				v.numbers = append(v.numbers, number)
			}
			out[clonesFile(p, number)] = &change{content: clones(mu.files[p].content, list, number)}
		}
	}
	for p, byStart := range variants {
		c, aerr := old.get(p)
		if aerr != nil {
			return nil, aerr
		}
		out[p] = &change{content: weaveFile(path.Base(p), c.content, byStart), exec: c.exec}
	}
	c := out[knobFile]
	if c == nil {
		was, aerr := old.get(knobFile)
		if aerr != nil {
			return nil, aerr
		}
		if was == nil {
			return nil, &SpecError{What: "mutant", Value: ms[0].Name, Err: errors.New("the tree has no " + knobFile + ", where mutants are chosen")}
		}
		c = &change{content: was.content, exec: was.exec}
		out[knobFile] = c
	}
	c.content = slices.Concat(c.content, []byte(knob))
	return out, nil
}

// selector is the macro that tells a file of clones which of them to define here: the one
// of the function whose head is in this line of the file without mutants.
const selector = "WOVEN_LINE"

// clones makes the file with the clones of one mutant.
func clones(mutated []byte, list []pair, number int) []byte {
	var b bytes.Buffer
	for _, pr := range list {
		fmt.Fprintf(&b, "#if %s == %d\n#line %d\n", selector, pr.was.start+1, pr.is.start+1)
		b.WriteString(pr.is.define(mutated, pr.is.clone(number)))
		b.WriteString("#endif\n")
	}
	return b.Bytes()
}

// define returns the function's text under another name, static and not inlined unless it
// was to be. text is the file that the function is in.
func (f *function) define(text []byte, name string) string {
	lines := bytes.SplitAfter(text, []byte("\n"))
	from := len(bytes.Join(lines[:f.start], nil))
	body := bytes.TrimSuffix(bytes.Join(lines[f.start:f.end], nil), []byte("\n"))
	prefix := ""
	if !f.static {
		prefix = "static "
	}
	if !f.inline {
		prefix += "noinline "
	}
	at := f.nameAt - from
	return prefix + string(body[:at]) + name + string(body[at+len(f.name):]) + "\n"
}

// weaveFile returns a file with dispatchers in the place of the functions that
// mutants change. base is the last part of its name.
func weaveFile(base string, text []byte, byStart map[int]*variant) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	var b bytes.Buffer
	at := 0
	for _, start := range slices.Sorted(maps.Keys(byStart)) {
		v := byStart[start]
		b.Write(bytes.Join(lines[at:start], nil))
		// Recursion goes through the dispatcher.
		fmt.Fprintf(&b, "%sextern int io_uring_mutant; %s;\n#define %s %d\n", woven, v.head, selector, start+1)
		for _, n := range v.numbers {
			fmt.Fprintf(&b, "#include \"%s\"\n", clonesFile(base, n))
		}
		fmt.Fprintf(&b, "#undef %s\n#line %d\n", selector, start+1)
		b.WriteString(v.define(text, v.asIs()))
		fmt.Fprintf(&b, "#line %d\n%s\n#line %d\n", start+1, woven+v.dispatcher(), v.end+1)
		at = v.end
	}
	b.Write(bytes.Join(lines[at:], nil))
	if n := b.Len(); n > 0 && b.Bytes()[n-1] != '\n' {
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// dispatcher returns the definition, on one line, of the function that everybody calls.
func (v *variant) dispatcher() string {
	var b strings.Builder
	if !v.inline {
		b.WriteString("__attribute__((__noipa__)) ")
	}
	args := "(" + strings.Join(v.params, ", ") + ")"
	b.WriteString(v.head + " { switch (READ_ONCE(io_uring_mutant)) {")
	for _, n := range v.numbers {
		fmt.Fprintf(&b, " case %d: return %s%s;", n, v.clone(n), args)
	}
	fmt.Fprintf(&b, " default: return %s%s; } }", v.asIs(), args)
	return b.String()
}

// mutantOf returns the number of the mutant whose clone a line of make's output is
// about, 0 if it is about none.
func mutantOf(line string) int {
	m := clonesOf.FindStringSubmatch(line)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}
