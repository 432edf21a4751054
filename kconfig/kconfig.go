// SPDX-License-Identifier: Apache-2.0

// Package kconfig holds the kernel configuration of each flavour as fragments
// and tells whether a kernel really took them.
//
// Kconfig drops a symbol whose dependencies are not met without a word:
// tinyconfig sets SLUB_TINY, and a fragment asking for KASAN is then ignored.
// [Check] compares what was wanted with the resulting .config and names, for
// each symbol that did not take effect, the dependency that stood in its way.
package kconfig

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.config
var fragmentFS embed.FS

// Flavour is one kind of kernel: fragments that are merged, in order, onto
// tinyconfig, and lines appended to makefiles of the tree.
type Flavour struct {
	Name string
	// About is one line for listings.
	About string
	// Fragments are names of files in this package; a later one overrides an earlier one.
	Fragments []string
	// Overlays are appended to files of the tree after the series, for what
	// Kconfig cannot say, such as instrumenting a single directory.
	Overlays []Overlay
	// Compiler holds the flags that the compiler must understand for it, which
	// Kconfig tests as well and then drops the symbols.
	Compiler []string
	// Slowdown is how much slower than flavour fast the kernel is taken to
	// be, at least 1: what every timeout is stretched by.
	Slowdown float64
	// Leaks tells that kmemleak is on and can be asked for memory leaks.
	Leaks bool
	// MemMB is the memory that a guest with this kernel needs, in MiB.
	MemMB int
}

// Overlay is text that a flavour appends to one file of the kernel tree.
type Overlay struct {
	Path   string // relative to the tree's root, with slashes
	Append string // whole lines
}

// kcovUring limits KCOV to io_uring/: Kconfig's own switch is all or nothing
// (see Documentation/dev-tools/kcov.rst).
var kcovUring = Overlay{Path: "io_uring/Makefile", Append: "KCOV_INSTRUMENT := y\n"}

// kcsanUring limits KCSAN to io_uring/. The variable is what a directory's
// makefile opts out with; exported, it is every directory's default.
var kcsanUring = []Overlay{
	{Path: "Makefile", Append: "export KCSAN_SANITIZE := n\n"},
	{Path: "io_uring/Makefile", Append: "KCOV_INSTRUMENT := y\nKCSAN_SANITIZE := y\n"},
}

// flavours is the table of everything that can be built. A new flavour is a
// line here and a fragment beside it.
var flavours = []Flavour{
	{
		Name:      "fast",
		About:     "BTF, probes, KCOV for io_uring/ only",
		Fragments: []string{"base.config", "fast.config"},
		Overlays:  []Overlay{kcovUring},
		Slowdown:  1,
		MemMB:     512,
	},
	{
		Name:      "kasan",
		About:     "KASAN, lockdep, UBSAN, list and object debugging, fault injection",
		Fragments: []string{"base.config", "kasan.config"},
		Overlays:  []Overlay{kcovUring},
		Compiler:  []string{"-fsanitize=kernel-address", "-fsanitize=undefined"},
		Slowdown:  2,
		Leaks:     true,
		MemMB:     768,
	},
	{
		Name:      "kcsan",
		About:     "KCSAN for io_uring/ only",
		Fragments: []string{"base.config", "kcsan.config"},
		Overlays:  kcsanUring,
		Compiler:  []string{"-fsanitize=thread", "--param", "tsan-distinguish-volatile=1"},
		Slowdown:  2,
		MemMB:     512,
	},
}

// Flavours returns all flavours in the order in which listings show them.
func Flavours() []Flavour { return append([]Flavour(nil), flavours...) }

// ByName returns the flavour with that name. The error lists the names there are.
func ByName(name string) (Flavour, error) {
	var names []string
	for _, f := range flavours {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Flavour{}, fmt.Errorf("kernel flavour %q does not exist (there are: %s)", name, strings.Join(names, ", "))
}

// Settings reads and merges the flavour's fragments.
func (f Flavour) Settings() ([]Setting, error) {
	var all [][]Setting
	for _, name := range f.Fragments {
		text, err := fragmentFS.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("flavour %s: fragment %s is not built in: %w", f.Name, name, err)
		}
		s, err := ParseFragment(name, string(text))
		if err != nil {
			return nil, fmt.Errorf("flavour %s: %w", f.Name, err)
		}
		all = append(all, s)
	}
	return Merge(all...), nil
}
