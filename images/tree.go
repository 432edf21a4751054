// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"sort"
	"syscall"
	"time"
)

// buildTree is where one source is compiled in one flavour, again and again:
// src is the source with the present series on it, obj is make's O=. Files
// of src are hard links into the pristine source until they are replaced, by
// new files, so that the source never changes.
//
// Whoever uses it holds the lock of (kindBuilds, its name) exclusively.
type buildTree struct {
	dir      string
	pristine string // root of the unpacked source
	state    treeState
}

// treeState is what has to be known of a build tree when the next process
// finds it.
type treeState struct {
	Recipe int    `json:"recipe"`
	Source string `json:"source"`
	// Deviating names the files of src that may differ from the source.
	Deviating []string `json:"deviating"`
	// Building is set while make runs: found set, the last build was killed.
	Building bool `json:"building"`
	// Configured identifies what obj/.config was made from.
	Configured string `json:"configured"`
	// Built: a build has succeeded here, so the next one only follows changes.
	Built bool `json:"built"`
}

func (t *buildTree) src() string       { return filepath.Join(t.dir, "src") }
func (t *buildTree) obj() string       { return filepath.Join(t.dir, "obj") }
func (t *buildTree) log() string       { return filepath.Join(t.dir, "build.log") }
func (t *buildTree) statePath() string { return filepath.Join(t.dir, "state.json") }
func (t *buildTree) save() error       { return writeJSON(t.statePath(), &t.state) }

// openTree returns the build tree in dir, made anew where it is not there or
// was not finished.
func openTree(dir, pristine, sourceID string) (*buildTree, error) {
	t := &buildTree{dir: dir, pristine: pristine}
	err := readJSON(t.statePath(), &t.state)
	if err == nil && t.state.Recipe == recipe && t.state.Source == sourceID {
		return t, t.mend()
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(t.obj(), 0o755); err != nil {
		return nil, err
	}
	if err := cloneTree(t.src(), pristine, linkOrCopy, nil); err != nil {
		return nil, err
	}
	t.state = treeState{Recipe: recipe, Source: sourceID}
	return t, t.save()
}

// suspectWindow is how long before a build's death a file may have been left
// half-written: longer than any single step of make takes.
const suspectWindow = 2 * time.Minute

// mend makes a killed build's objects trustworthy. A compiler that is
// killed leaves a truncated object, which make takes for up to date since it
// is younger than its sources. So all that was written in the last minutes
// before the death goes; make builds it again.
func (t *buildTree) mend() error {
	if !t.state.Building {
		return nil
	}
	var death time.Time
	written := map[string]time.Time{}
	err := filepath.WalkDir(t.obj(), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		written[p] = st.ModTime()
		if st.ModTime().After(death) {
			death = st.ModTime()
		}
		return nil
	})
	for p, at := range written {
		if err == nil && death.Sub(at) <= suspectWindow {
			err = os.Remove(p)
		}
	}
	if err != nil {
		return fmt.Errorf("clean up after a killed build: %w", err)
	}
	t.state.Building, t.state.Configured = false, ""
	return t.save()
}

// wanted is the state of all files that differ from the source: what the
// series, ringproof's own changes, the mutants that are woven in and then the
// flavour's overlays do. It also says which of ringproof's own are in.
func (r *request) wanted(pristine string) (map[string]*change, []InstrumentProvenance, error) {
	files, became, err := r.changes(pristine)
	if err != nil {
		return nil, nil, err
	}
	mutated, err := weave(pristine, files, r.Mutants, r.AllowBuildFiles)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(files, mutated)
	a := &applier{root: pristine, files: files}
	for _, o := range r.flavour.Overlays {
		c, aerr := a.get(o.Path)
		if aerr != nil {
			return nil, nil, aerr
		}
		if c == nil {
			return nil, nil, fmt.Errorf("flavour %s: the kernel has no %s to append to", r.flavour.Name, o.Path)
		}
		text := bytes.Clone(c.content)
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(text, '\n')
		}
		files[o.Path] = &change{content: append(text, o.Append...), exec: c.exec}
	}
	return files, became, nil
}

// rewrite brings src to the wanted state and returns the number of files that
// it wrote or removed. make rebuilds exactly what these touch.
func (t *buildTree) rewrite(files map[string]*change) (int, error) {
	before := t.state.Deviating
	all := map[string]bool{}
	for _, p := range before {
		all[p] = true
	}
	for p := range files {
		all[p] = true
	}
	t.state.Deviating = keys(all)
	if err := t.save(); err != nil { // before the first file changes
		return 0, err
	}
	n, err := materialise(t.src(), t.pristine, files, before)
	if err != nil {
		return n, err
	}
	t.state.Deviating = keys(files)
	return n, t.save()
}

// materialise makes the named files of dst what files says, and those of
// before that files does not name what they are in pristine. Files that are
// right already keep their times.
func materialise(dst, pristine string, files map[string]*change, before []string) (written int, err error) {
	todo := map[string]*change{}
	for _, p := range before {
		if todo[p], err = pristineFile(pristine, p); err != nil {
			return 0, err
		}
	}
	for p, c := range files {
		todo[p] = c
	}
	// Removals first: a file may make way for a directory.
	for _, removing := range []bool{true, false} {
		for _, p := range keys(todo) {
			if c := todo[p]; c.deleted == removing {
				changed, err := setFile(dst, p, c)
				if err != nil {
					return written, err
				}
				if changed {
					written++
				}
			}
		}
	}
	return written, nil
}

func pristineFile(root, p string) (*change, error) {
	full := filepath.Join(root, filepath.FromSlash(p))
	st, err := os.Lstat(full)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return &change{deleted: true}, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(full)
	return &change{content: b, exec: st.Mode()&0o100 != 0}, err
}

// setFile gives one file its state, through a new inode: the old one may be
// shared with the source.
func setFile(root, p string, c *change) (changed bool, err error) {
	full := filepath.Join(root, filepath.FromSlash(p))
	if c.deleted {
		err := os.Remove(full)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return false, nil
		}
		for dir := path.Dir(p); err == nil && dir != "."; dir = path.Dir(dir) {
			if os.Remove(filepath.Join(root, filepath.FromSlash(dir))) != nil {
				break // not empty
			}
		}
		return true, err
	}
	mode := fs.FileMode(0o644)
	if c.exec {
		mode = 0o755
	}
	if st, err := os.Lstat(full); err == nil && st.Mode().IsRegular() && (st.Mode()&0o100 != 0) == c.exec {
		if have, err := os.ReadFile(full); err == nil && bytes.Equal(have, c.content) {
			return false, nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return false, err
	}
	return true, writeAtomic(full, c.content, mode)
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
