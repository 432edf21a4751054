// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlavours(t *testing.T) {
	for _, f := range Flavours() {
		t.Run(f.Name, func(t *testing.T) {
			s, err := f.Settings()
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]string{}
			for _, x := range s {
				if seen[x.Symbol] != "" {
					t.Errorf("%s twice: %s and %s", x.Symbol, seen[x.Symbol], x.Origin)
				}
				seen[x.Symbol] = x.Origin
			}
			for _, must := range []string{"IO_URING", "DEBUG_INFO_BTF", "BPF_SYSCALL", "EXT4_FS"} {
				if seen[must] == "" {
					t.Errorf("%s is not asked for", must)
				}
			}
		})
	}
	if _, err := ByName("fats"); err == nil || !strings.Contains(err.Error(), "there are: fast") {
		t.Errorf("unknown flavour: %v", err)
	}
}

func TestParseFragment(t *testing.T) {
	got, err := ParseFragment("a.config", "# comment\n\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=n\nCONFIG_D=\"x y\"\nCONFIG_E=30\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{{"A", "y", "a.config:3"}, {"B", "n", "a.config:4"}, {"C", "n", "a.config:5"},
		{"D", `"x y"`, "a.config:6"}, {"E", "30", "a.config:7"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"CONFIG_A", "A=y", "CONFIG_A="} {
		if _, err := ParseFragment("b.config", "\n"+bad); err == nil || !strings.Contains(err.Error(), "b.config:2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMergeLastWins(t *testing.T) {
	got := Merge(
		[]Setting{{"A", "y", "1"}, {"B", "y", "1"}},
		[]Setting{{"C", "y", "2"}, {"A", "n", "2"}},
	)
	want := []Setting{{"A", "n", "2"}, {"B", "y", "1"}, {"C", "y", "2"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestOnto(t *testing.T) {
	got := Onto("# head\nCONFIG_HZ_250=y\n# CONFIG_HZ_1000 is not set\nCONFIG_X=y", []Setting{{"HZ_1000", "y", ""}, {"X", "n", ""}})
	want := "# head\nCONFIG_HZ_250=y\nCONFIG_HZ_1000=y\n# CONFIG_X is not set\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExpressions(t *testing.T) {
	c := DotConfig{"Y": "y", "M": "m", "N": "n", "V": "120200", "S": `"foo"`}
	for text, want := range map[string]tristate{
		"Y":                        yes,
		"M":                        mod,
		"MISSING":                  no,
		"!N":                       yes,
		"!M":                       mod,
		"Y && M":                   mod,
		"N || M":                   mod,
		"N || Y && !N":             yes,
		"(N || Y) && N":            no,
		"!(Y && N)":                yes,
		"M=m":                      yes,
		"M=y || M=N":               no,
		"Y!=n":                     yes,
		"V >= 120000 && V < 13000": no,
		`S = "foo"`:                yes,
		"$(cc-option,-ffoo(x))&&Y": yes,
		"MISSING=n":                yes,
	} {
		e, err := parseExpr(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := e.eval(c); got != want {
			t.Errorf("%s = %d, want %d", text, got, want)
		}
		again, err := parseExpr(e.String())
		if err != nil || again.String() != e.String() || again.eval(c) != want {
			t.Errorf("%s prints as %s, which does not read back the same", text, e)
		}
	}
	for _, bad := range []string{"", "A &&", "(A", "A )", "A ="} {
		if _, err := parseExpr(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// fakeTree is small, but has the traps of the real one: nested menus and ifs,
// help texts with keywords in them, choices, selects, macros, two definitions
// of a symbol.
var fakeTree = map[string]string{
	"Kconfig": `mainmenu "Linux"
mydir := sub
source "arch/$(SRCARCH)/Kconfig"
source "$(mydir)/Kconfig"
`,
	"arch/x86/Kconfig": `
config X86
	def_bool y
	select HAVE_ARCH_KASAN

config HAVE_ARCH_KASAN
	bool

config SYSFS
	bool "sysfs" if EXPERT
	default y
`,
	"sub/Kconfig": `
menu "Slab"
	depends on MMU

config SLUB_TINY
	bool "tiny"  # saves memory
	depends on EXPERT
	help
	  Drops KASAN.
	  depends on NOTHING

	  endmenu

config SLUB_DEBUG
	default y
	bool "debug" if EXPERT
	depends on SYSFS && !SLUB_TINY

endmenu

config KASAN
	bool "KASAN"
	depends on ((HAVE_ARCH_KASAN && CC_HAS_KASAN) || \
		    HAVE_ARCH_KASAN_SW)
	depends on SYSFS && !SLUB_TINY
	select STACKDEPOT
	help
	  Finds bugs.

config STACKDEPOT
	bool

config CC_HAS_KASAN
	def_bool $(cc-option, -fsanitize=kernel-address)

choice
	prompt "HZ"
	default HZ_250
config HZ_250
	bool "250"
config HZ_1000
	bool "1000"
endchoice

if NET
config UNIX
	tristate "unix"
	depends on BLOCK=y
endif

config PLUGIN
	bool "needs a compiler"
	depends on $(success,test -e /plugin)

config TWICE
	bool "one"
	depends on A
config TWICE
	bool "two"
	depends on B
`,
}

func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCheckNamesUnmetDependency(t *testing.T) {
	tree, err := ReadTree(writeTree(t, fakeTree), "x86")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, fragment, config string
		want                   []string // one per problem, "" matches nothing
	}{
		{"all took effect", "CONFIG_SYSFS=y\n# CONFIG_KASAN is not set\nCONFIG_ABSENT=n\n", "CONFIG_SYSFS=y\n", nil},
		{"SLUB_TINY drops KASAN and SLUB_DEBUG", "CONFIG_KASAN=y\nCONFIG_SLUB_DEBUG=y\n",
			"CONFIG_MMU=y\nCONFIG_SYSFS=y\nCONFIG_SLUB_TINY=y\nCONFIG_HAVE_ARCH_KASAN=y\nCONFIG_CC_HAS_KASAN=y\n",
			[]string{
				"CONFIG_KASAN: wanted y (f:1), got n: depends on !SLUB_TINY, but CONFIG_SLUB_TINY=y",
				"CONFIG_SLUB_DEBUG: wanted y (f:2), got n: depends on !SLUB_TINY, but CONFIG_SLUB_TINY=y",
			}},
		{"a part of an alternative", "CONFIG_KASAN=y\n", "CONFIG_SYSFS=y\nCONFIG_HAVE_ARCH_KASAN=y\n",
			[]string{"CONFIG_KASAN: wanted y (f:1), got n: depends on (HAVE_ARCH_KASAN && CC_HAS_KASAN) || HAVE_ARCH_KASAN_SW, " +
				"but CONFIG_HAVE_ARCH_KASAN=y, CONFIG_CC_HAS_KASAN=n, CONFIG_HAVE_ARCH_KASAN_SW=n"}},
		{"no such symbol", "CONFIG_SUPER_KASAN=y\n", "",
			[]string{"CONFIG_SUPER_KASAN: wanted y (f:1), got n: this kernel has no such symbol"}},
		{"menu", "CONFIG_SLUB_TINY=y\n", "CONFIG_EXPERT=y\n",
			[]string{"CONFIG_SLUB_TINY: wanted y (f:1), got n: depends on MMU, but CONFIG_MMU=n"}},
		{"if and module", "CONFIG_UNIX=y\n", "CONFIG_BLOCK=m\nCONFIG_UNIX=m\n",
			[]string{"CONFIG_UNIX: wanted y (f:1), got m: depends on NET, but CONFIG_NET=n; depends on BLOCK=y, but CONFIG_BLOCK=m"}},
		{"prompt's condition", "CONFIG_SYSFS=n\n", "CONFIG_SYSFS=y\n",
			[]string{"CONFIG_SYSFS: wanted n (f:1), got y: depends on EXPERT, but CONFIG_EXPERT=n"}},
		{"selected", "# CONFIG_STACKDEPOT is not set\n", "CONFIG_STACKDEPOT=y\nCONFIG_KASAN=y\n",
			[]string{"CONFIG_STACKDEPOT: wanted n (f:1), got y: selected by CONFIG_KASAN"}},
		{"no prompt", "CONFIG_STACKDEPOT=y\n", "",
			[]string{"CONFIG_STACKDEPOT: wanted y (f:1), got n: CONFIG_STACKDEPOT cannot be set by hand (it has no prompt); it is selected by CONFIG_KASAN"}},
		{"choice", "CONFIG_HZ_1000=y\n", "CONFIG_HZ_250=y\n",
			[]string{"CONFIG_HZ_1000: wanted y (f:1), got n: its choice has CONFIG_HZ_250=y instead"}},
		{"compiler test", "CONFIG_PLUGIN=y\n", "",
			[]string{"CONFIG_PLUGIN: wanted y (f:1), got n: depends on a test of the compiler or host that failed: $(success,test -e /plugin)"}},
		{"two definitions", "CONFIG_TWICE=y\n", "",
			[]string{"CONFIG_TWICE: wanted y (f:1), got n: sub/Kconfig:55 depends on A, but CONFIG_A=n; sub/Kconfig:58 depends on B, but CONFIG_B=n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wanted, err := ParseFragment("f", tt.fragment)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := ParseDotConfig(tt.config)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range Check(wanted, cfg, tree) {
				got = append(got, p.String())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReadTreeErrors(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"missing source": {"Kconfig": "source \"gone/Kconfig\"\n"},
		"sources itself": {"Kconfig": "source \"Kconfig\"\n"},
		"endif alone":    {"Kconfig": "endif\n"},
		"bad expression": {"Kconfig": "config A\n\tdepends on B &&\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadTree(writeTree(t, files), "x86"); err == nil || !strings.Contains(err.Error(), "Kconfig") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// What guests of a flavour get is said in one place, for every flavour.
func TestFlavoursAreComplete(t *testing.T) {
	for _, f := range Flavours() {
		settings, err := f.Settings()
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if f.Slowdown < 1 || f.MemMB < 512 || f.About == "" {
			t.Errorf("%s: %+v is incomplete", f.Name, f)
		}
		have := map[string]string{}
		for _, s := range settings {
			have[s.Symbol] = s.Value
		}
		// A probe that is skipped under preemption is lost evidence, and coverage is for every flavour.
		if have["PREEMPT_VOLUNTARY"] != "y" || have["KCOV_INSTRUMENT_ALL"] != "n" {
			t.Errorf("%s lacks what every flavour has", f.Name)
		}
		if f.Leaks != (have["DEBUG_KMEMLEAK"] == "y") {
			t.Errorf("%s: Leaks is %v, kmemleak %q", f.Name, f.Leaks, have["DEBUG_KMEMLEAK"])
		}
		if have["KASAN"] == "y" && have["KCSAN"] == "y" {
			t.Errorf("%s: KASAN and KCSAN exclude each other", f.Name)
		}
	}
}
