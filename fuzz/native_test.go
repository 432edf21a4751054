// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness/judge"
)

// FuzzGroup looks for one submission that a kernel does not treat as its profile
// says. Without RINGPROOF_VM that kernel is the simulated one, see lab_test.go.
func FuzzGroup(f *testing.F) {
	lab := newLab(f)
	addCatalogue(f)
	f.Fuzz(func(t *testing.T, data []byte) { lab.examine(t, fuzz.Single(fuzz.Decode(data))) })
}

// FuzzRing does the same with whole programs: several submissions, rings and threads, ends of rings and processes.
func FuzzRing(f *testing.F) {
	lab := newLab(f)
	addCatalogue(f)
	f.Fuzz(func(t *testing.T, data []byte) { lab.examine(t, fuzz.Decode(data)) })
}

// addCatalogue makes every program of the catalogue a seed, unless seedlessEnv is set.
func addCatalogue(f *testing.F) {
	f.Helper()
	if os.Getenv(seedlessEnv) != "" {
		return
	}
	all, err := cases.Catalogue()
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range all {
		data, err := fuzz.Encode(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// complain fails the test with all that there is to know about a verdict that blames the kernel.
func complain(t *testing.T, p *cases.Program, v *judge.Verdict, note string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s%s\n", v.Status, v.Reason, note)
	for _, x := range v.Violations {
		fmt.Fprintf(&b, "  %s: %s\n  (%s)\n", x.Rule, x.Text, cases.RuleText(x.Rule))
	}
	t.Errorf("%s\n%s", b.String(), p.Text())
}

// FuzzParse looks for a text that is read wrongly: what is parsed is printed and parsed without loss.
func FuzzParse(f *testing.F) {
	all, err := cases.Catalogue()
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range all {
		f.Add(p.Text())
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := cases.Parse("fuzz.ring", []byte(text))
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("parsed, but not valid: %v", err)
		}
		printed := p.Text()
		again, err := cases.Parse("fuzz.ring", []byte(printed))
		if err != nil {
			t.Fatalf("printed, it cannot be parsed: %v\n%s", err, printed)
		}
		if got := again.Text(); got != printed {
			t.Errorf("printed, parsed and printed again it is\n%s\nand was\n%s", got, printed)
		}
		a, b := fuzz.Bare(p), fuzz.Bare(again)
		if a.Text() != b.Text() {
			t.Errorf("parsed again it means\n%s\nand meant\n%s", b.Text(), a.Text())
		}
	})
}
