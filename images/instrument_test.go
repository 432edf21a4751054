// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
	"github.com/google/go-cmp/cmp"
)

func mustInstruments(t *testing.T, flavour string) []*instrument {
	t.Helper()
	all, err := instruments(flavour)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInstrumentsOfFlavours(t *testing.T) {
	for flavour, want := range map[string][]string{
		"fast":  {"coverage-tasks"},
		"kasan": {"coverage-tasks", "recycle-late", "recycle-poison", "recycle-trap"},
		"kcsan": {"coverage-tasks"},
		"other": nil,
	} {
		var names []string
		for _, in := range mustInstruments(t, flavour) {
			names = append(names, in.name)
		}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("%s: %s", flavour, d)
		}
	}
}

func TestParseInstrumentRefuses(t *testing.T) {
	head := "Subject: s\nWhy: w\nNeeds: n\nFlavour: kasan\n\n"
	diff := modA + "@@ -4,3 +4,3 @@ foo\n line 4\n-line 5\n+LINE 5\n line 6\n"
	if in, err := parseInstrument("x.patch", head+diff); err != nil || in.name != "x" || in.what != "s" {
		t.Errorf("%+v, %v", in, err)
	}
	for _, name := range []string{"Subject", "Why", "Needs", "Flavour"} {
		text := strings.Replace(head, name+": ", "X-"+name+": ", 1) + diff
		if _, err := parseInstrument("x.patch", text); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, err := parseInstrument("x.patch", head+"nothing\n"); err == nil {
		t.Error("a file without a change was accepted")
	}
}

// contextOf is a tree that an instrument applies to: what its hunks expect.
func contextOf(in *instrument) map[string]string {
	files := map[string]string{}
	for _, f := range in.patch.files {
		files[f.OldName] = "first line\n"
		for _, h := range f.TextFragments {
			files[f.OldName] += expected(h)
		}
	}
	return files
}

func expected(h *gitdiff.TextFragment) string {
	var b strings.Builder
	for _, l := range h.Lines {
		if l.Old() {
			b.WriteString(l.Line)
		}
	}
	return b.String() + "between\n"
}

// Each is applied as a whole or not at all, and does without what is not its
// context; none needs another one.
func TestInstrumented(t *testing.T) {
	for _, in := range mustInstruments(t, "kasan") {
		t.Run(in.name, func(t *testing.T) {
			tree := contextOf(in)
			root := t.TempDir()
			writeFiles(t, root, tree)
			r := &request{instruments: []*instrument{in}}
			files, became := r.instrumented(root, map[string]*change{})
			if len(files) != len(in.patch.files) || became[0].LeftOut != "" {
				t.Fatalf("%d files changed, left out: %q", len(files), became[0].LeftOut)
			}
			for name, c := range files {
				for i, by := range c.by {
					if by != 0 {
						t.Errorf("%s:%d is said to be of patch %d", name, i+1, by)
					}
				}
			}

			// The last hunk of the last file does not fit.
			last := in.patch.files[len(in.patch.files)-1]
			tree[last.OldName] = strings.TrimSuffix(tree[last.OldName], expected(last.TextFragments[len(last.TextFragments)-1]))
			root = t.TempDir()
			writeFiles(t, root, tree)
			files, became = r.instrumented(root, map[string]*change{})
			if len(files) != 0 {
				t.Errorf("a part of it was applied: %d files", len(files))
			}
			for _, want := range []string{in.name + ".patch does not apply", last.OldName, "its context is nowhere"} {
				if !strings.Contains(became[0].LeftOut, want) {
					t.Errorf("left out since %q, want %q", became[0].LeftOut, want)
				}
			}
		})
	}
}

// A kernel without the context is built all the same, and its provenance says
// what is missing.
func TestKernelWithoutContext(t *testing.T) {
	b := newBench(t)
	spec := Spec{Source: "dir:" + b.tree, Flavour: "kasan"}
	keys := map[string]bool{}
	for _, off := range []bool{false, true, true} { // once more from the cache
		spec.NoInstrument = off
		k, err := b.Kernel(context.Background(), spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		k.Close()
		keys[k.Provenance.Key] = true
		if len(k.Provenance.Instruments) != 4 {
			t.Fatalf("%d instruments in the provenance, want 4", len(k.Provenance.Instruments))
		}
		for _, p := range k.Provenance.Instruments {
			if p.What == "" || off != (p.LeftOut == notAskedFor) || !off && !strings.Contains(p.LeftOut, "does not apply") {
				t.Errorf("switched off %v: %+v", off, p)
			}
		}
	}
	if len(keys) != 2 {
		t.Errorf("%d keys with and without instruments, want 2", len(keys))
	}
}

// Compiler errors may be about a change of ours whose text fits and whose
// meaning does not.
func TestBuildErrorNamesInstruments(t *testing.T) {
	b := newBench(t)
	in := mustInstruments(t, "kasan")[0]
	writeFiles(t, b.tree, contextOf(in))
	writeFiles(t, b.tree, map[string]string{"io_uring/a.c": "BAD\n"})
	_, err := b.Kernel(context.Background(), Spec{Source: "dir:" + b.tree, Flavour: "kasan"}, nil)
	var be *BuildError
	if !errors.As(err, &be) || !cmp.Equal(be.Instruments, []string{in.name}) || !strings.Contains(err.Error(), "--no-instrument") {
		t.Errorf("%#v\n%v", be, err)
	}
}
