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
	for file, text := range stale {
		if text == nil {
			t.Errorf("%s: no family writes this program any more: run make generate", file)
		} else {
			t.Errorf("%s differs from what its family writes: run make generate", file)
		}
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
