// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Tree is the source that an image was compiled from, the series applied: for
// quoting lines, and for telling which patch wrote them. It is not safe for
// concurrent use.
type Tree struct {
	root    string
	series  *Series
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
	t := &Tree{root: root, series: r.series, held: held, lines: map[string][]string{}}
	if t.changed, err = patched(root, r.series, r.AllowBuildFiles); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Close lets the source be pruned. Safe to call twice.
func (t *Tree) Close() { t.held.Unlock() }

// WrittenBy returns the name of the patch that wrote a line of the final tree,
// "" where it is the source's own. file is relative to the tree's root;
// lines count from 1. A line that several patches wrote is the last one's.
func (t *Tree) WrittenBy(file string, line int) string {
	c := t.changed[file]
	if c == nil || line < 1 || line > len(c.by) || c.by[line-1] == 0 {
		return ""
	}
	return t.series.Patches[c.by[line-1]-1].Name
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
