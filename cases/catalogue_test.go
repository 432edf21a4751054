// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

func catalogue(t testing.TB) []*cases.Program {
	t.Helper()
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The files are written in canonical form, so they are their own goldens.
// With RINGPROOF_UPDATE set the test rewrites them.
func TestCatalogueIsCanonical(t *testing.T) {
	checkCanonical(t, "catalogue", catalogue(t))
}

func TestFingerprintIsCanonical(t *testing.T) {
	programs, err := cases.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	checkCanonical(t, "fingerprint", programs)
}

func checkCanonical(t *testing.T, dir string, programs []*cases.Program) {
	t.Helper()
	for _, p := range programs {
		file := filepath.Join(dir, p.Name+".ring")
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := p.Text()
		if diff := cmp.Diff(want, string(have)); diff != "" {
			t.Errorf("%s is not in canonical form (-want +file):\n%s", file, diff)
			if os.Getenv("RINGPROOF_UPDATE") != "" {
				if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, l := range strings.Split(want, "\n") {
			if len(l) > 72 {
				t.Errorf("%s:%d: %d columns, mail takes 72", file, i+1, len(l))
			}
		}
	}
}

// A program must say what it needs and what it is for, or a reader of a
// report and a kernel without groups are left alone with it.
func TestCatalogueDescribesItself(t *testing.T) {
	for _, p := range catalogue(t) {
		if n := strings.Count(p.About, "\n") + 1; p.About == "" || n > 8 {
			t.Errorf("%s: About has %d lines, want 1 to 8", p.Name, n)
		}
		if p.License == "" {
			t.Errorf("%s: no SPDX line", p.Name)
		}
		if len(p.Rules) == 0 {
			t.Errorf("%s: names no rule", p.Name)
		}
		groups, inject := false, false
		for _, r := range p.SQEs() {
			groups = groups || r.SQE.Flags&uring.SQEGroup != 0
			inject = inject || r.SQE.HasInject
		}
		if has := slices.Contains(p.Needs, cases.NeedGroups); has != groups {
			t.Errorf("%s: needs groups is %v, but GROUP is used: %v", p.Name, has, groups)
		}
		if has := slices.Contains(p.Needs, cases.NeedNopInject); has != inject {
			t.Errorf("%s: needs nop-inject is %v, but inject is used: %v", p.Name, has, inject)
		}
	}
}

// An unpatched kernel must have enough to pass, and the feature enough to fail.
func TestCatalogueCovers(t *testing.T) {
	plain, groups := 0, 0
	rules := map[string]bool{}
	for _, p := range catalogue(t) {
		if slices.Contains(p.Needs, cases.NeedGroups) {
			groups++
		} else {
			plain++
		}
		for _, r := range p.Rules {
			rules[r] = true
		}
	}
	if plain < 12 || groups < 33 {
		t.Errorf("%d programs without groups and %d with, want at least 12 and 33", plain, groups)
	}
	for _, r := range cases.Rules() {
		if r.ID[0] == 'G' || strings.HasPrefix(r.ID, "P4.") {
			if !rules[r.ID] {
				t.Errorf("no program is written for %s: %s", r.ID, r.Text)
			}
		}
	}
}
