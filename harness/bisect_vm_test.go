// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/images"
)

// mailEnd is the signature at the end of a patch as git writes it.
var mailEnd = regexp.MustCompile(`\n-- \n[^\n]*\n*\z`)

// folded writes a built-in series in which a mutant is part of the patch whose lines it changes: the first one
// on which it applies. It returns that patch's number.
func folded(t *testing.T, series, mutant string) (dir string, number int) {
	t.Helper()
	m, err := images.LoadMutant(filepath.Join("..", "images", "mutants", series, mutant+".patch"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("..", "images", "series", series, "*.patch"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the series %s: %v", series, err)
	}
	store, err := images.Open("")
	if err != nil {
		t.Fatal(err)
	}
	for number := 1; number <= len(files); number++ {
		dir := t.TempDir()
		for i, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if i+1 == number {
				text = append(mailEnd.ReplaceAll(text, []byte("\n")), m.Diff...)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s, err := images.LoadSeries(dir)
		if err != nil {
			t.Fatal(err)
		}
		cut, err := images.Compose("cut", s.Patches[:number])
		if err != nil {
			t.Fatal(err)
		}
		tree, err := store.Tree(t.Context(), images.Spec{Source: "debian:linux-source-6.12", Composed: cut})
		if err != nil {
			continue
		}
		tree.Close()
		return dir, number
	}
	t.Fatalf("%s applies on no patch of %s", mutant, series)
	return "", 0
}

// A mutant that was folded into one of the patches of v7: with the right series at hand bisect names that patch.
func TestBisectNamesThePatch(t *testing.T) {
	needVM(t)
	if status, _, stderr := ringproof(t, "kernel", "build", "--series", "v7"); status != 0 { // unpacks the source as well
		t.Fatal(stderr)
	}
	for _, x := range []struct {
		mutant, program string
		patch           int
	}{
		{"member-failure-for-linked-leader-only", "group-hidden-leader-member-fails-inline", 3},
	} {
		t.Run(x.mutant, func(t *testing.T) {
			dir, number := folded(t, "v7", x.mutant)
			if number != x.patch {
				t.Fatalf("%s changes what patch %d wrote, not %d", x.mutant, number, x.patch)
			}
			status, stdout, stderr := ringproof(t, "bisect", "--json", "--out", t.TempDir(), "--series", dir, "--profile", "v7", "--good", "v7", "--only", x.program)
			out := new(harness.Bisected)
			if err := json.Unmarshal([]byte(stdout), out); err != nil {
				t.Fatalf("exit %d: %v\n%s", status, err, stderr)
			}
			if status != 1 || out.Result == nil || !out.Result.Found() || out.Result.First != x.patch {
				t.Errorf("exit %d: %v, want patch %d\n%s", status, out.Result, x.patch, stderr)
			}
		})
	}
}
