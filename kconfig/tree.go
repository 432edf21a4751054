// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Tree is what the Kconfig files of a kernel tree say about its symbols, as
// far as it takes to explain why a symbol has the value it has.
type Tree struct {
	defs map[string][]*definition
}

// definition is one "config SYM" entry; a symbol may have several.
type definition struct {
	symbol  string
	pos     string // file:line
	deps    []*expr
	prompts []*expr // the condition of each prompt, nil for none
	selects []selection
	choice  *choice
}

type selection struct {
	target string
	cond   *expr
	from   *definition
}

// choice is a block of which one member is set.
type choice struct{ members []string }

// ReadTree reads root's Kconfig and everything that it sources, for srcarch
// (such as "x86"). Constructs that say nothing about dependencies are skipped.
func ReadTree(root, srcarch string) (*Tree, error) {
	t := &Tree{defs: map[string][]*definition{}}
	r := &reader{root: root, vars: map[string]string{"SRCARCH": srcarch, "srctree": "."}, tree: t}
	if err := r.file("Kconfig"); err != nil {
		return nil, fmt.Errorf("read the Kconfig files of %s: %w", root, err)
	}
	return t, nil
}

// block is an open if, menu or choice: its condition holds for all in it.
type block struct {
	kind   string
	cond   *expr
	choice *choice
}

type reader struct {
	root   string
	vars   map[string]string
	tree   *Tree
	blocks []block
	cur    *definition // entry that attribute lines belong to; nil in a menu, choice or comment
	depth  int
}

var (
	varRef    = regexp.MustCompile(`\$\((\w+)\)`)
	assign    = regexp.MustCompile(`^(\w+)\s*:?=\s*(.*)$`)
	quoted    = regexp.MustCompile(`^("(?:[^"\\]|\\.)*"|'[^']*')\s*(.*)$`)
	typeWords = map[string]bool{"bool": true, "tristate": true, "string": true, "int": true, "hex": true,
		"def_bool": true, "def_tristate": true}
)

// maxSourceDepth bounds "source" nesting against a file that sources itself.
const maxSourceDepth = 40

func (r *reader) file(name string) error {
	if r.depth++; r.depth > maxSourceDepth {
		return fmt.Errorf("%s: sourced more than %d levels deep", name, maxSourceDepth)
	}
	defer func() { r.depth-- }()
	text, err := os.ReadFile(filepath.Join(r.root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		pos := fmt.Sprintf("%s:%d", name, i+1)
		line := strings.TrimRight(lines[i], " \t")
		for strings.HasSuffix(line, "\\") && i+1 < len(lines) {
			i++
			line = line[:len(line)-1] + " " + strings.TrimSpace(lines[i])
		}
		trimmed := strings.TrimSpace(line)
		if trimmed == "help" || trimmed == "---help---" {
			i = skipHelp(lines, i)
			continue
		}
		if err := r.line(pos, stripComment(trimmed)); err != nil {
			return fmt.Errorf("%s: %w", pos, err)
		}
	}
	return nil
}

// skipHelp returns the index of the last line of the help text after line i:
// it ends at the first line that is indented less than its first.
func skipHelp(lines []string, i int) int {
	first := -1
	for ; i+1 < len(lines); i++ {
		next := lines[i+1]
		if strings.TrimSpace(next) == "" {
			continue
		}
		in := indent(next)
		if first < 0 {
			first = in
		}
		if in < first || in == 0 {
			return i
		}
	}
	return i
}

func indent(s string) int {
	n := 0
	for _, c := range s {
		switch c {
		case ' ':
			n++
		case '\t':
			n = n&^7 + 8
		default:
			return n
		}
	}
	return n
}

func stripComment(s string) string {
	inQuote := byte(0)
	for i := 0; i < len(s); i++ {
		switch {
		case inQuote != 0:
			if s[i] == inQuote {
				inQuote = 0
			}
		case s[i] == '"' || s[i] == '\'':
			inQuote = s[i]
		case s[i] == '#':
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

func (r *reader) line(pos, line string) error {
	word, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "", "comment", "mainmenu":
		if word != "" {
			r.cur = nil
		}
	case "config", "menuconfig":
		r.cur = r.define(rest, pos)
	case "source":
		r.cur = nil
		return r.source(rest)
	case "menu", "choice":
		r.cur = nil
		b := block{kind: word}
		if word == "choice" {
			b.choice = new(choice)
		}
		r.blocks = append(r.blocks, b)
	case "if":
		r.cur = nil
		e, err := parseExpr(rest)
		r.blocks = append(r.blocks, block{kind: "if", cond: e})
		return err
	case "endif", "endmenu", "endchoice":
		r.cur = nil
		if n := len(r.blocks); n == 0 || "end"+r.blocks[n-1].kind != word {
			return fmt.Errorf("%s without its beginning", word)
		}
		r.blocks = r.blocks[:len(r.blocks)-1]
	case "depends":
		return r.depends(strings.TrimSpace(strings.TrimPrefix(rest, "on")))
	default:
		return r.attribute(word, rest, line)
	}
	return nil
}

func (r *reader) define(symbol, pos string) *definition {
	d := &definition{symbol: symbol, pos: pos}
	for i := range r.blocks {
		b := &r.blocks[i]
		if b.cond != nil {
			d.deps = append(d.deps, b.cond)
		}
		if b.choice != nil {
			d.choice = b.choice
		}
	}
	if d.choice != nil {
		d.choice.members = append(d.choice.members, symbol)
	}
	r.tree.defs[symbol] = append(r.tree.defs[symbol], d)
	return d
}

func (r *reader) depends(text string) error {
	e, err := parseExpr(text)
	if err != nil {
		return err
	}
	switch {
	case r.cur != nil:
		r.cur.deps = append(r.cur.deps, e)
	case len(r.blocks) > 0 && r.blocks[len(r.blocks)-1].kind != "if":
		b := &r.blocks[len(r.blocks)-1]
		if b.cond != nil {
			e = &expr{op: "&&", l: b.cond, r: e}
		}
		b.cond = e
	}
	return nil
}

// attribute reads what else may stand in an entry. Lines of no interest
// (default, range, option, modules, visible, imply) fall through.
func (r *reader) attribute(word, rest, line string) error {
	if r.cur == nil {
		if m := assign.FindStringSubmatch(line); m != nil {
			r.vars[m[1]] = m[2]
		}
		return nil
	}
	switch {
	case typeWords[word] || word == "prompt":
		m := quoted.FindStringSubmatch(rest)
		if m == nil || strings.HasPrefix(word, "def_") {
			return nil
		}
		cond, err := condition(m[2])
		r.cur.prompts = append(r.cur.prompts, cond)
		return err
	case word == "select":
		target, tail, _ := strings.Cut(rest, " ")
		cond, err := condition(strings.TrimSpace(tail))
		r.cur.selects = append(r.cur.selects, selection{target: target, cond: cond, from: r.cur})
		return err
	}
	return nil
}

// condition parses an optional "if EXPR".
func condition(text string) (*expr, error) {
	tail, ok := strings.CutPrefix(text, "if")
	if !ok {
		return nil, nil
	}
	return parseExpr(strings.TrimSpace(tail))
}

func (r *reader) source(arg string) error {
	name := strings.Trim(arg, `"'`)
	for range 4 { // a variable may name another
		name = varRef.ReplaceAllStringFunc(name, func(ref string) string {
			return r.vars[varRef.FindStringSubmatch(ref)[1]]
		})
	}
	if strings.Contains(name, "$(") {
		return fmt.Errorf("source %s: cannot expand", arg)
	}
	err := r.file(filepath.ToSlash(filepath.Clean(name)))
	r.cur = nil
	return err
}
