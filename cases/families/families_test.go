// SPDX-License-Identifier: Apache-2.0

package families_test

import (
	"path/filepath"
	"testing"

	"github.com/ringproof/ringproof/cases/families"
)

// The catalogue holds what the families write.
func TestCatalogueIsCurrent(t *testing.T) {
	stale, err := families.Stale(filepath.Join("..", "catalogue"))
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for file, text := range stale {
		what := "differs from what its family writes"
		if text == nil {
			what = "is written by no family any more"
		}
		if named++; named <= 5 {
			t.Errorf("%s %s: run make generate", file, what)
		}
	}
	if named > 5 {
		t.Errorf("%d more files are not current", named-5)
	}
}

// Two programs that do the same are one too many.
func TestNoTwins(t *testing.T) {
	programs, err := families.Programs()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, p := range programs {
		name := p.Name
		p.Name, p.About, p.Rules = "twin", "", nil
		text := p.Text()
		if seen[text] != "" {
			t.Errorf("%s does what %s does", name, seen[text])
		}
		seen[text] = name
	}
}

// Each written program says which family it is from.
func TestFamilyOf(t *testing.T) {
	programs, err := families.Programs()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families.Families() {
		names[f.Name] = true
	}
	for _, p := range programs {
		if f := families.FamilyOf(p); !names[f] {
			t.Errorf("%s: family %q", p.Name, f)
		}
	}
}
