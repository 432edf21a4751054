// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"fmt"
	"regexp"
	"strings"
)

// Setting is one wanted symbol.
type Setting struct {
	Symbol string // without CONFIG_
	// Value is as in a .config: y, m, n, a number, or a quoted string. "is
	// not set" and =n are both "n".
	Value  string
	Origin string // file:line that asked for it
}

var (
	setLine   = regexp.MustCompile(`^CONFIG_([A-Za-z0-9_]+)=(.*)$`)
	unsetLine = regexp.MustCompile(`^# CONFIG_([A-Za-z0-9_]+) is not set$`)
)

// parseLine reads one line of a fragment or .config; ok is false for blank
// lines and comments.
func parseLine(line string) (symbol, value string, ok bool, err error) {
	line = strings.TrimSpace(line)
	if m := unsetLine.FindStringSubmatch(line); m != nil {
		return m[1], "n", true, nil
	}
	if line == "" || strings.HasPrefix(line, "#") {
		return "", "", false, nil
	}
	m := setLine.FindStringSubmatch(line)
	if m == nil || m[2] == "" {
		return "", "", false, fmt.Errorf("%q is neither CONFIG_X=value nor \"# CONFIG_X is not set\"", line)
	}
	return m[1], m[2], true, nil
}

// ParseFragment reads a fragment. name is used in Origin and in errors.
func ParseFragment(name, text string) ([]Setting, error) {
	var out []Setting
	for i, line := range strings.Split(text, "\n") {
		sym, val, ok, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		if ok {
			out = append(out, Setting{Symbol: sym, Value: val, Origin: fmt.Sprintf("%s:%d", name, i+1)})
		}
	}
	return out, nil
}

// Merge joins fragments into one list with each symbol once. The last value
// wins and stays at the place where the symbol was first named.
func Merge(fragments ...[]Setting) []Setting {
	var out []Setting
	at := map[string]int{}
	for _, f := range fragments {
		for _, s := range f {
			if i, seen := at[s.Symbol]; seen {
				out[i] = s
				continue
			}
			at[s.Symbol] = len(out)
			out = append(out, s)
		}
	}
	return out
}

// Format prints settings in .config syntax, one per line.
func Format(settings []Setting) string {
	var b strings.Builder
	for _, s := range settings {
		if s.Value == "n" {
			fmt.Fprintf(&b, "# CONFIG_%s is not set\n", s.Symbol)
		} else {
			fmt.Fprintf(&b, "CONFIG_%s=%s\n", s.Symbol, s.Value)
		}
	}
	return b.String()
}

// Onto puts settings onto a .config: lines of the same symbols are taken out
// and the settings appended, so that for a choice the wanted member is the
// last one named, which is the one that Kconfig takes. The result still has to
// go through olddefconfig.
func Onto(dotConfig string, settings []Setting) string {
	wanted := make(map[string]bool, len(settings))
	for _, s := range settings {
		wanted[s.Symbol] = true
	}
	var b strings.Builder
	for _, line := range strings.SplitAfter(dotConfig, "\n") {
		if sym, _, ok, err := parseLine(line); err == nil && ok && wanted[sym] {
			continue
		}
		b.WriteString(line)
	}
	if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
		b.WriteByte('\n')
	}
	b.WriteString(Format(settings))
	return b.String()
}

// DotConfig is a kernel's resulting configuration: symbol → value. What is
// not in it is n.
type DotConfig map[string]string

// ParseDotConfig reads a .config file.
func ParseDotConfig(text string) (DotConfig, error) {
	c := DotConfig{}
	for i, line := range strings.Split(text, "\n") {
		sym, val, ok, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf(".config:%d: %w", i+1, err)
		}
		if ok {
			c[sym] = val
		}
	}
	return c, nil
}

// Get returns the symbol's value, "n" where it is not set.
func (c DotConfig) Get(symbol string) string {
	if v, ok := c[symbol]; ok {
		return v
	}
	return "n"
}
