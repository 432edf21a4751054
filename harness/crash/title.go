// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"strings"
)

var (
	accessLine = rx(`^(Read|Write) of size (\d+) at addr`)
	kcsanOther = rx(`race at unknown origin`)
	nullRange  = rx(`^KASAN: (null-ptr-deref|probably user-memory-access|maybe wild-memory-access) in range`)
	variant    = rx(`\.(isra|part|constprop|cold|llvm)(\.\d+)*(\.cold)?$`)
	woven      = rx(`__(as_is|m\d+)$`)
)

// title makes the title of what the lines say.
func (b *building) title(r *Report) string {
	what := b.head.what
	for i := len(b.match) - 1; i > 0; i-- {
		what = strings.ReplaceAll(what, fmt.Sprintf("$%d", i), baseName(b.match[i]))
	}
	switch r.Kind {
	case KASAN:
		what = function.ReplaceAllString(what, "$1")
		for _, l := range r.Lines {
			if m := accessLine.FindStringSubmatch(l); m != nil {
				what += fmt.Sprintf(" (%s of size %s)", strings.ToLower(m[1]), m[2])
				break
			}
		}
	case KCSAN:
		what = function.ReplaceAllString(what, "$1")
		for _, l := range r.Lines {
			if kcsanOther.MatchString(l) {
				what += " (the other side is unknown)"
				break
			}
		}
	case Oops:
		// KASAN turns a NULL dereference into an access to its shadow.
		for _, l := range r.Lines {
			if m := nullRange.FindStringSubmatch(l); m != nil && m[1] == "null-ptr-deref" {
				what = "NULL pointer dereference"
			}
		}
	case Panic, Unknown, Bug:
		what = Stable(what)
	}
	if b.head.in {
		if f := r.place(); f != "" {
			what += " in " + f
		}
	}
	return what
}

var function = rx(`([A-Za-z_]\w*)(?:\.[\w.]+)?\+0x[0-9a-f]+/0x[0-9a-f]+`)

// place is the function that a report is about: the innermost that is not
// machinery, "" where no stack names one.
func (r *Report) place() string {
	stack := -1
	for i := range r.Stacks { // the one where it happened, else the first
		if r.Stacks[i].Title == "" && stack < 0 {
			stack = i
		}
	}
	if stack < 0 && len(r.Stacks) > 0 {
		stack = 0
	}
	if stack < 0 {
		return ""
	}
	for _, guess := range []bool{false, true} {
		for _, f := range r.Stacks[stack].Frames {
			if f.Guess == guess && !f.Machinery {
				return baseName(f.Func)
			}
		}
	}
	return ""
}

// baseName takes off what the compiler, and in a kernel with mutants their weaving,
// appended to a function's name.
func baseName(name string) string {
	return woven.ReplaceAllString(variant.ReplaceAllString(name, ""), "")
}

var (
	addresses = rx(`\+0x[0-9a-f]+/0x[0-9a-f]+|\b0x[0-9a-f]+\b|\b[0-9a-f]{8,16}\b`)
	durations = rx(`\b\d+m?s\b`)
	numbers   = rx(`\d+`)
	digits    = rx(`(^|[\s#:=(/\[,-])\d+\b`)
)

// Stable takes out of a line what differs from run to run: addresses become
// ADDR, and numbers that stand alone N.
func Stable(s string) string {
	s = addresses.ReplaceAllStringFunc(s, func(m string) string {
		if strings.HasPrefix(m, "+") {
			return ""
		}
		return "ADDR"
	})
	s = durations.ReplaceAllString(s, "Ns")
	s = digits.ReplaceAllStringFunc(s, func(m string) string { return numbers.ReplaceAllString(m, "N") })
	return strings.Join(strings.Fields(s), " ")
}
