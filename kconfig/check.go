// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is a wanted symbol that the kernel's configuration does not have.
type Problem struct {
	Setting
	Got string // value in the .config; n for "not there"
	// Reasons say why, as far as the Kconfig files tell; never empty.
	Reasons []string
}

func (p Problem) String() string {
	return fmt.Sprintf("CONFIG_%s: wanted %s (%s), got %s: %s",
		p.Symbol, p.Value, p.Origin, p.Got, strings.Join(p.Reasons, "; "))
}

// Unmet returns the wanted settings that the .config does not hold. It is
// cheap; [Check] also explains them and has to read the tree for it.
func Unmet(wanted []Setting, got DotConfig) []Setting {
	var out []Setting
	for _, w := range wanted {
		if got.Get(w.Symbol) != w.Value {
			out = append(out, w)
		}
	}
	return out
}

// Check compares wanted with a .config that olddefconfig produced, and
// explains each difference from the Kconfig files in tree. It returns nil
// when every symbol took effect.
func Check(wanted []Setting, got DotConfig, tree *Tree) []Problem {
	var out []Problem
	for _, w := range Unmet(wanted, got) {
		p := Problem{Setting: w, Got: got.Get(w.Symbol)}
		p.Reasons = tree.explain(w, got)
		out = append(out, p)
	}
	return out
}

func (t *Tree) explain(w Setting, c DotConfig) []string {
	defs := t.defs[w.Symbol]
	if len(defs) == 0 {
		return []string{"this kernel has no such symbol"}
	}
	if r := t.choiceTaken(w, defs, c); r != "" {
		return []string{r}
	}
	if sel := t.selectors(w.Symbol, c); asTristate(c.Get(w.Symbol)) > asTristate(w.Value) && len(sel) > 0 {
		return []string{"selected by " + strings.Join(sel, ", ")}
	}
	var reasons []string
	var macros []string
	for _, d := range defs {
		unmet, tests := d.unmet(wantLevel(w), c)
		if len(defs) > 1 {
			for i := range unmet {
				unmet[i] = d.pos + " " + unmet[i]
			}
		}
		reasons = append(reasons, unmet...)
		macros = append(macros, tests...)
	}
	switch {
	case len(reasons) > 0:
		return reasons
	case !hasPrompt(defs):
		return []string{noPrompt(w.Symbol, t.allSelectors(w.Symbol))}
	case len(macros) > 0:
		return []string{"depends on a test of the compiler or host that failed: " + strings.Join(macros, ", ")}
	}
	return []string{"its dependencies are met (" + defs[0].pos + "); the value may be out of range or overridden by another default"}
}

// wantLevel is the least that a dependency must reach for the setting.
func wantLevel(w Setting) tristate {
	if w.Value == "m" {
		return mod
	}
	return yes
}

// unmet lists the parts of the definition's dependencies that do not hold,
// with the values that decide them, and the host tests among those that do.
// The condition of the only prompt comes last: without it the symbol keeps
// its default.
func (d *definition) unmet(want tristate, c DotConfig) (unmet, tests []string) {
	try := func(dep *expr) {
		for _, part := range dep.conjuncts(nil) {
			tests = part.macros(tests)
			if part.eval(c) < want {
				unmet = append(unmet, "depends on "+part.String()+values(part, c))
			}
		}
	}
	for _, dep := range d.deps {
		try(dep)
	}
	if len(unmet) == 0 && len(d.prompts) == 1 {
		try(d.prompts[0])
	}
	return unmet, tests
}

// values tells the values of an expression's symbols: " (A=n, B=y)".
func values(e *expr, c DotConfig) string {
	var parts []string
	seen := map[string]bool{}
	for _, s := range e.symbols(nil) {
		if !seen[s] {
			seen[s] = true
			parts = append(parts, "CONFIG_"+s+"="+c.Get(s))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ", but " + strings.Join(parts, ", ")
}

// choiceTaken explains a member of a choice that lost against another.
func (t *Tree) choiceTaken(w Setting, defs []*definition, c DotConfig) string {
	for _, d := range defs {
		if d.choice == nil {
			continue
		}
		if unmet, _ := d.unmet(wantLevel(w), c); len(unmet) > 0 {
			continue
		}
		for _, m := range d.choice.members {
			if m != w.Symbol && c.Get(m) == "y" && w.Value == "y" {
				return "its choice has CONFIG_" + m + "=y instead"
			}
		}
	}
	return ""
}

// selectors lists the symbols whose select is in force for symbol.
func (t *Tree) selectors(symbol string, c DotConfig) []string {
	return t.selecting(symbol, func(s selection) bool {
		return c.Get(s.from.symbol) != "n" && (s.cond == nil || s.cond.eval(c) > no)
	})
}

func (t *Tree) allSelectors(symbol string) []string {
	return t.selecting(symbol, func(selection) bool { return true })
}

func (t *Tree) selecting(symbol string, keep func(selection) bool) []string {
	var out []string
	seen := map[string]bool{}
	for name, defs := range t.defs {
		for _, d := range defs {
			for _, s := range d.selects {
				if s.target == symbol && !seen[name] && keep(s) {
					seen[name] = true
					out = append(out, "CONFIG_"+name)
				}
			}
		}
	}
	sort.Strings(out)
	return out
}

func hasPrompt(defs []*definition) bool {
	for _, d := range defs {
		if len(d.prompts) > 0 {
			return true
		}
	}
	return false
}

func noPrompt(symbol string, selectors []string) string {
	const most = 5
	s := "CONFIG_" + symbol + " cannot be set by hand (it has no prompt)"
	if len(selectors) == 0 {
		return s + "; only its default sets it"
	}
	if len(selectors) > most {
		selectors = append(selectors[:most:most], "…")
	}
	return s + "; it is selected by " + strings.Join(selectors, ", ")
}
