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
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// change is the state in which a series leaves one file.
type change struct {
	content []byte
	exec    bool // mode 0755 instead of 0644
	deleted bool
	// by tells for each line which patch wrote it, counted from 1; 0 is the
	// source itself. nil where no patch did.
	by []int
}

// equal: the tree is the same with either.
func (c *change) equal(o *change) bool {
	return c.deleted == o.deleted && (c.deleted || c.exec == o.exec && bytes.Equal(c.content, o.content))
}

// Git's modes, as they stand in a patch.
const (
	gitTypeMask = 0o170000
	gitRegular  = 0o100000
)

// patched computes what the series makes of the tree at root, without
// touching it: path → resulting state, for all files that any patch names. It
// has the semantics of git apply -p1: a hunk's context must match exactly, but
// may be found at another line.
func patched(root string, s *Series, allowBuildFiles bool) (map[string]*change, error) {
	a := &applier{root: root, files: map[string]*change{}, allow: allowBuildFiles}
	for i := range s.Patches {
		a.patch = i + 1
		before := &applier{root: root, files: maps.Clone(a.files)}
		for _, f := range s.Patches[i].files {
			if err := a.file(f); err != nil {
				diagnose(before, s, i, f, err)
				return nil, err
			}
		}
	}
	return a.files, nil
}

type applier struct {
	root  string
	files map[string]*change
	allow bool
	patch int // that is being applied, counted from 1
}

var errAbsent = errors.New("no such file")

func refuse(file, format string, args ...any) *ApplyError {
	return &ApplyError{File: file, Refused: true, Reason: fmt.Sprintf(format, args...)}
}

func conflict(file, format string, args ...any) *ApplyError {
	return &ApplyError{File: file, Reason: fmt.Sprintf(format, args...)}
}

// file applies one file's part of a patch to the state so far.
func (a *applier) file(f *gitdiff.File) *ApplyError {
	if f.IsNew {
		f.OldName = ""
	}
	if f.IsDelete {
		f.NewName = ""
	}
	name := f.NewName
	if name == "" {
		name = f.OldName
	}
	if name == "" || f.OldName == "" && !f.IsNew || f.NewName == "" && !f.IsDelete {
		return refuse(name, "the patch does not say which file it changes")
	}
	for _, p := range []string{f.OldName, f.NewName} {
		if p == "" {
			continue
		}
		if err := a.allowed(p); err != nil {
			return err
		}
	}
	if f.IsBinary {
		return refuse(name, "binary patches are not accepted; a reader cannot review them")
	}
	for _, m := range []os.FileMode{f.OldMode, f.NewMode} {
		if m != 0 && m&gitTypeMask != gitRegular {
			return refuse(name, "mode %o: only regular files may be changed, no symbolic links or submodules", uint32(m))
		}
	}
	if f.NewMode&0o111 != 0 && f.NewMode != f.OldMode && !a.allow {
		return a.buildFile(name, "it makes a file executable")
	}

	old, err := a.old(f)
	if err != nil {
		return err
	}
	if f.NewName != "" && f.NewName != f.OldName {
		if cur, err := a.get(f.NewName); err != nil {
			return err
		} else if cur != nil {
			return conflict(f.NewName, "it already exists")
		}
	}
	content, by, herr := applyHunks(old, f.TextFragments, a.patch)
	if herr != nil {
		herr.File = name
		return herr
	}
	if f.IsDelete || f.IsRename {
		a.files[f.OldName] = &change{deleted: true}
	}
	if f.IsDelete {
		if len(content) > 0 {
			return conflict(name, "the patch deletes it, but %d bytes would be left over", len(content))
		}
		return nil
	}
	exec := old.exec
	if f.NewMode != 0 {
		exec = f.NewMode&0o111 != 0
	}
	a.files[f.NewName] = &change{content: content, exec: exec, by: by}
	return nil
}

// old returns the file that the patch starts from, an empty one for a new file.
func (a *applier) old(f *gitdiff.File) (*change, *ApplyError) {
	if f.OldName == "" {
		return &change{}, nil
	}
	c, err := a.get(f.OldName)
	if err == nil && c == nil {
		err = conflict(f.OldName, "the tree has no such file")
		err.err = errAbsent
	}
	return c, err
}

// get returns a file's state so far, nil where there is none.
func (a *applier) get(p string) (*change, *ApplyError) {
	if c, ok := a.files[p]; ok {
		if c.deleted {
			return nil, nil
		}
		return c, nil
	}
	full := filepath.Join(a.root, filepath.FromSlash(p))
	st, err := os.Lstat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, conflict(p, "%v", err)
	case !st.Mode().IsRegular():
		return nil, conflict(p, "it is not a regular file in the tree")
	}
	b, err := os.ReadFile(full)
	if err != nil {
		return nil, conflict(p, "%v", err)
	}
	return &change{content: b, exec: st.Mode()&0o100 != 0}, nil
}

// allowed refuses names that leave the tree and, unless allowed, files that
// the build would run.
func (a *applier) allowed(p string) *ApplyError {
	if p != path.Clean(p) || path.IsAbs(p) || p == "." || p == ".." || strings.HasPrefix(p, "../") ||
		strings.ContainsAny(p, "\x00\n\\") || filepath.IsAbs(p) {
		return refuse(p, "the path is not plainly inside the kernel tree")
	}
	parts := strings.Split(p, "/")
	for i, part := range parts {
		if strings.EqualFold(part, ".git") {
			return refuse(p, "the path leads into git's own files")
		}
		if i == len(parts)-1 {
			break
		}
		dir := strings.Join(parts[:i+1], "/")
		if c, ok := a.files[dir]; ok && !c.deleted {
			return conflict(p, "%s is a file, not a directory", dir)
		}
		st, err := os.Lstat(filepath.Join(a.root, filepath.FromSlash(dir)))
		if err != nil {
			continue // it will be created
		}
		if st.Mode()&fs.ModeSymlink != 0 {
			return refuse(p, "the path goes through the symbolic link %s", dir)
		}
		if !st.IsDir() {
			return conflict(p, "%s is a file, not a directory", dir)
		}
	}
	if why := buildSystemFile(a.root, p); why != "" && !a.allow {
		return a.buildFile(p, why)
	}
	return nil
}

func (a *applier) buildFile(p, why string) *ApplyError {
	e := refuse(p, "%s, so building this series could run anything on this machine. If you trust it, allow build-system files (--allow-build-files)", why)
	e.BuildFile = true
	return e
}

// image is a file's lines while hunks are applied to it.
type image struct {
	lines []string
	// done marks lines that a hunk of this patch wrote: another one must not
	// match them again.
	done []bool
	by   []int // see change
}

func newImage(c *change) *image {
	lines := strings.SplitAfter(string(c.content), "\n")
	if n := len(lines) - 1; lines[n] == "" {
		lines = lines[:n]
	}
	by := c.by
	if len(by) != len(lines) {
		by = make([]int, len(lines))
	}
	return &image{lines: lines, done: make([]bool, len(lines)), by: by}
}

// applyHunks applies the hunks of one file in order, as apply_one_fragment
// and find_pos of git's apply.c do it.
func applyHunks(old *change, hunks []*gitdiff.TextFragment, patch int) (content []byte, by []int, _ *ApplyError) {
	if len(hunks) == 0 {
		return old.content, old.by, nil
	}
	img := newImage(old)
	for i, h := range hunks {
		var pre, post []string
		var from []int // per line of post: its place in pre, -1 for an added one
		for _, l := range h.Lines {
			if l.New() {
				post = append(post, l.Line)
				if l.Old() {
					from = append(from, len(pre))
				} else {
					from = append(from, -1)
				}
			}
			if l.Old() {
				pre = append(pre, l.Line)
			}
		}
		at := img.find(h, pre)
		if at < 0 {
			return nil, nil, img.mismatch(i+1, h, pre)
		}
		img.replace(at, len(pre), post, from, patch)
	}
	return []byte(strings.Join(img.lines, "")), img.by, nil
}

// find returns the index of the line at which pre matches, looking first where the
// hunk says and then ever further away on both sides; -1 where it matches nowhere.
func (m *image) find(h *gitdiff.TextFragment, pre []string) int {
	// A hunk for the first line must match at the beginning, and one without
	// trailing context at the end.
	atStart, atEnd := h.OldPosition <= 1, h.TrailingContext == 0
	line := max(int(h.NewPosition)-1, 0)
	switch {
	case atStart:
		line = 0
	case atEnd:
		line = len(m.lines) - len(pre)
	}
	if line < 0 || line > len(m.lines) {
		line = len(m.lines)
	}
	for d := 0; line-d >= 0 || line+d <= len(m.lines); d++ {
		for _, at := range []int{line + d, line - d} {
			if at >= 0 && at <= len(m.lines) && m.match(at, pre, atStart, atEnd) {
				return at
			}
		}
	}
	return -1
}

func (m *image) match(at int, pre []string, atStart, atEnd bool) bool {
	if at+len(pre) > len(m.lines) || atStart && at != 0 || atEnd && at+len(pre) != len(m.lines) {
		return false
	}
	for i, l := range pre {
		if m.done[at+i] || m.lines[at+i] != l {
			return false
		}
	}
	return true
}

// replace puts post in the place of n lines. Lines that it shares with them
// stay whose they are, the others are the patch's.
func (m *image) replace(at, n int, post []string, from []int, patch int) {
	done, by := make([]bool, len(post)), make([]int, len(post))
	for i := range done {
		done[i], by[i] = true, patch
		if from[i] >= 0 {
			by[i] = m.by[at+from[i]]
		}
	}
	m.by = append(append(append([]int(nil), m.by[:at]...), by...), m.by[at+n:]...)
	m.lines = append(append(append([]string(nil), m.lines[:at]...), post...), m.lines[at+n:]...)
	m.done = append(append(append([]bool(nil), m.done[:at]...), done...), m.done[at+n:]...)
}

// mismatch says how the file differs from the n-th hunk.
func (m *image) mismatch(n int, h *gitdiff.TextFragment, pre []string) *ApplyError {
	e := &ApplyError{Hunk: n, Line: int(h.OldPosition), Cause: CauseContext, Reason: "its context is nowhere in the file"}
	if at := m.find(&gitdiff.TextFragment{OldPosition: 2, NewPosition: h.NewPosition, TrailingContext: 1}, pre); at >= 0 {
		e.Cause = CauseNotAtEnd
		e.Reason = fmt.Sprintf("its context is at line %d, but the hunk says that it is at the beginning or end of the file", at+1)
		return e
	}
	e.near, e.lacks = m.near(h, pre)
	return e
}
