// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"fmt"
	"strings"
)

// tristate is the value of an expression, ordered as Kconfig orders it.
type tristate int

const (
	no tristate = iota
	mod
	yes
)

// expr is a parsed Kconfig expression. The grammar is that of
// Documentation/kbuild/kconfig-language.rst, "Menu dependencies".
type expr struct {
	op   string // "", "!", "&&", "||", "=", "!=", "<", ">", "<=", ">="
	l, r *expr
	// word is a symbol, a quoted constant, or a macro $(…) for op "".
	word string
}

func (e *expr) String() string {
	switch e.op {
	case "":
		return e.word
	case "!":
		if e.l.op == "" {
			return "!" + e.l.String()
		}
		return "!(" + e.l.String() + ")"
	case "&&", "||":
		return e.side(e.l) + " " + e.op + " " + e.side(e.r)
	}
	return e.l.String() + e.op + e.r.String()
}

func (e *expr) side(s *expr) string {
	if (s.op == "&&" || s.op == "||") && s.op != e.op {
		return "(" + s.String() + ")"
	}
	return s.String()
}

// isMacro tells whether the word is decided by a test of the host or compiler.
func (e *expr) isMacro() bool { return e.op == "" && strings.HasPrefix(e.word, "$(") }

// isConst tells whether the word stands for itself.
func (e *expr) isConst() bool {
	return strings.HasPrefix(e.word, `"`) || e.word == "y" || e.word == "m" || e.word == "n"
}

// eval computes the expression. A macro counts as y: [Check] names it only
// where nothing else explains the result.
func (e *expr) eval(c DotConfig) tristate {
	switch e.op {
	case "":
		if e.isMacro() {
			return yes
		}
		return asTristate(e.value(c))
	case "!":
		return yes - e.l.eval(c)
	case "&&":
		return min(e.l.eval(c), e.r.eval(c))
	case "||":
		return max(e.l.eval(c), e.r.eval(c))
	}
	l, r := e.l.value(c), e.r.value(c)
	var ok bool
	switch e.op {
	case "=":
		ok = l == r
	case "!=":
		ok = l != r
	default:
		d := compareNumbers(l, r)
		ok = e.op == "<" && d < 0 || e.op == ">" && d > 0 || e.op == "<=" && d <= 0 || e.op == ">=" && d >= 0
	}
	if ok {
		return yes
	}
	return no
}

func (e *expr) value(c DotConfig) string {
	if e.isConst() || e.isMacro() {
		return strings.Trim(e.word, `"`)
	}
	v, ok := c[e.word]
	if !ok && e.word != "" && e.word[0] >= '0' && e.word[0] <= '9' {
		return e.word // a number is a constant
	}
	if !ok {
		return "n"
	}
	return strings.Trim(v, `"`)
}

func asTristate(v string) tristate {
	switch v {
	case "y":
		return yes
	case "m":
		return mod
	}
	return no
}

func compareNumbers(l, r string) int {
	var a, b int64
	_, e1 := fmt.Sscan(l, &a)
	_, e2 := fmt.Sscan(r, &b)
	if e1 != nil || e2 != nil {
		return strings.Compare(l, r)
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// symbols appends the symbols named in the expression.
func (e *expr) symbols(out []string) []string {
	if e == nil {
		return out
	}
	if e.op == "" {
		if e.isConst() || e.isMacro() {
			return out
		}
		return append(out, e.word)
	}
	return e.r.symbols(e.l.symbols(out))
}

// macros appends the $(…) tests in the expression.
func (e *expr) macros(out []string) []string {
	if e == nil {
		return out
	}
	if e.op == "" {
		if e.isMacro() {
			return append(out, e.word)
		}
		return out
	}
	return e.r.macros(e.l.macros(out))
}

// conjuncts splits a && b && c into its parts.
func (e *expr) conjuncts(out []*expr) []*expr {
	if e == nil {
		return out
	}
	if e.op == "&&" {
		return e.r.conjuncts(e.l.conjuncts(out))
	}
	return append(out, e)
}

// parseExpr reads a whole expression.
func parseExpr(text string) (*expr, error) {
	p := &exprParser{toks: lexExpr(text)}
	e, err := p.or()
	if err == nil && p.pos < len(p.toks) {
		err = fmt.Errorf("unexpected %q", p.toks[p.pos])
	}
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", text, err)
	}
	return e, nil
}

type exprParser struct {
	toks []string
	pos  int
}

func (p *exprParser) peek() string {
	if p.pos < len(p.toks) {
		return p.toks[p.pos]
	}
	return ""
}

func (p *exprParser) or() (*expr, error)  { return p.chain("||", p.and) }
func (p *exprParser) and() (*expr, error) { return p.chain("&&", p.unary) }

func (p *exprParser) chain(op string, next func() (*expr, error)) (*expr, error) {
	l, err := next()
	for err == nil && p.peek() == op {
		p.pos++
		var r *expr
		if r, err = next(); err == nil {
			l = &expr{op: op, l: l, r: r}
		}
	}
	return l, err
}

func (p *exprParser) unary() (*expr, error) {
	t := p.peek()
	p.pos++
	switch t {
	case "":
		return nil, fmt.Errorf("ends too early")
	case "!":
		e, err := p.unary()
		return &expr{op: "!", l: e}, err
	case "(":
		e, err := p.or()
		if err == nil && p.peek() != ")" {
			err = fmt.Errorf("missing )")
		}
		p.pos++
		return e, err
	}
	l := &expr{word: t}
	switch op := p.peek(); op {
	case "=", "!=", "<", ">", "<=", ">=":
		p.pos++
		r := p.peek()
		if r == "" {
			return nil, fmt.Errorf("ends after %s", op)
		}
		p.pos++
		return &expr{op: op, l: l, r: &expr{word: r}}, nil
	}
	return l, nil
}

// lexExpr splits an expression into operators, words, quoted strings and
// macros with their brackets.
func lexExpr(s string) []string {
	var toks []string
	for i := 0; i < len(s); {
		switch rest := s[i:]; {
		case s[i] == ' ' || s[i] == '\t':
			i++
			continue
		case strings.HasPrefix(rest, "&&"), strings.HasPrefix(rest, "||"), strings.HasPrefix(rest, "!="),
			strings.HasPrefix(rest, "<="), strings.HasPrefix(rest, ">="):
			toks = append(toks, rest[:2])
			i += 2
			continue
		case strings.IndexByte("!()=<>", s[i]) >= 0:
			toks = append(toks, s[i:i+1])
			i++
			continue
		}
		n := wordLen(s[i:])
		toks = append(toks, s[i:i+n])
		i += n
	}
	return toks
}

// wordLen returns the length of the word at the start of s: a quoted string,
// a macro with balanced brackets, or everything up to a space or operator.
func wordLen(s string) int {
	if s[0] == '"' || s[0] == '\'' {
		if end := strings.IndexByte(s[1:], s[0]); end >= 0 {
			return end + 2
		}
		return len(s)
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "$("), s[i] == '(' && depth > 0:
			if s[i] == '$' {
				i++
			}
			depth++
		case s[i] == ')' && depth > 0:
			depth--
		case depth == 0 && strings.IndexByte(" \t!()=<>&|\"", s[i]) >= 0:
			return max(i, 1)
		}
	}
	return len(s)
}
