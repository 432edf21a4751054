// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tree is the source that an image was compiled from, the series applied: for
// quoting lines, and for telling which patch wrote them. Of woven mutants it has the
// files that their clones' lines are numbered by: io_uring/io_uring.c@m17 is that file with
// mutant 17. It is not safe for concurrent use.
type Tree struct {
	root    string
	names   []string // of the patches, then the mutants
	patches int      // how many of names are patches
	changed map[string]*change
	held    *Lock
	lines   map[string][]string // of files that were looked at
}

// Tree returns the source of the image for spec. The caller closes it. It
// fails where the source is not in the cache any more: nothing is fetched or
// unpacked for it.
func (s *Store) Tree(ctx context.Context, spec Spec) (*Tree, error) {
	r, err := s.request(ctx, spec.withDefaults(), nil)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(s.dir, kindSources, r.source.ID, "source.json")); err != nil {
		return nil, &InfraError{Op: "look into the source " + r.Source, Err: errors.New("it is not unpacked in the cache")}
	}
	root, held, err := s.sourceDir(ctx, r.source, nil)
	if err != nil {
		return nil, err
	}
	t := &Tree{root: root, held: held, lines: map[string][]string{}}
	if err := t.fill(r); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Tree) fill(r *request) (err error) {
	for _, p := range r.series.Patches {
		t.names = append(t.names, p.Name)
	}
	t.patches = len(t.names)
	if t.changed, _, err = r.changes(t.root); err != nil {
		return err
	}
	base := maps.Clone(t.changed)
	for i, m := range r.Mutants {
		t.names = append(t.names, "mutant "+m.Name)
		mu, err := mutate(t.root, base, m, len(t.names), r.AllowBuildFiles)
		if err != nil {
			return err
		}
		for p, c := range mu.files {
			t.changed[clonesFile(p, i+1)] = c
		}
	}
	return nil
}

// Close lets the source be pruned. Safe to call twice.
func (t *Tree) Close() { t.held.Unlock() }

// WrittenBy returns the name of the patch that wrote a line of the final tree, or
// "mutant NAME", and "" where it is the source's own. file is relative to the tree's root;
// lines count from 1. A line that several patches wrote is the last one's.
func (t *Tree) WrittenBy(file string, line int) string {
	c := t.changed[file]
	if c == nil || line < 1 || line > len(c.by) || c.by[line-1] == 0 {
		return ""
	}
	return t.names[c.by[line-1]-1]
}

// Lines returns the lines of a file of the final tree from first to last,
// counted from 1, as far as they exist, without their ends.
func (t *Tree) Lines(file string, first, last int) []string {
	all, known := t.lines[file]
	if !known {
		all = t.read(file)
		t.lines[file] = all
	}
	first, last = max(first, 1), min(last, len(all))
	if first > last {
		return nil
	}
	return all[first-1 : last]
}

func (t *Tree) read(file string) []string {
	var text []byte
	if c := t.changed[file]; c != nil {
		text = c.content
	} else if filepath.IsLocal(filepath.FromSlash(file)) {
		text, _ = os.ReadFile(filepath.Join(t.root, filepath.FromSlash(file)))
	}
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// Patches are the names of the series' patches, in order, as WrittenBy says them.
func (t *Tree) Patches() []string { return slices.Clone(t.names[:t.patches]) }

// Written lists the files that hold lines of the series' patches, sorted.
func (t *Tree) Written() []string {
	var files []string
	for name, c := range t.changed {
		if !clonesOf.MatchString(name) && slices.ContainsFunc(c.by, func(by int) bool { return by > 0 && by <= t.patches }) {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return files
}
