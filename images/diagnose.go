// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// Cause is why a patch does not apply, as far as it can be told.
type Cause string

// Causes.
const (
	CauseContext  Cause = "context"  // the lines around the change read otherwise
	CauseAbsent   Cause = "absent"   // the tree has no such file
	CauseApplied  Cause = "applied"  // the tree has the change already
	CauseMissing  Cause = "missing"  // patches that belong in front are not there
	CauseOrder    Cause = "order"    // what it needs comes from a patch behind it
	CauseStrip    Cause = "strip"    // names have another number of leading directories
	CauseNotAtEnd Cause = "position" // the lines are there, but not at the file's beginning or end
)

// diagnose says why the n-th patch of the series, from 0, does not apply to
// the state that those before it left. at is the file's part of it that failed.
func diagnose(before *applier, s *Series, n int, at *gitdiff.File, e *ApplyError) {
	p := &s.Patches[n]
	e.Patch, e.Subject = p.Name, p.Subject
	if e.Refused {
		return
	}
	d := diagnosis{before, s, n, e}
	switch {
	case d.applied():
	case errors.Is(e.err, errAbsent):
		d.absent(at)
	case e.Cause == CauseContext && e.Hunk > 0 && e.near != nil:
		e.Details = append(e.Details, e.near...)
		d.writtenLater(at.TextFragments[e.Hunk-1])
	}
	d.missing()
}

type diagnosis struct {
	before *applier
	s      *Series
	n      int
	*ApplyError
}

func (d *diagnosis) say(cause Cause, format string, args ...any) {
	d.Cause = cause
	d.Details = append(d.Details, fmt.Sprintf(format, args...))
}

// applied finds what is in the tree already: the patch, or all of the series.
func (d *diagnosis) applied() bool {
	if reverses(d.before, d.s.Patches[d.n:d.n+1]) {
		d.say(CauseApplied, "the tree has this change already: taking it back would apply")
		return true
	}
	if len(d.s.Patches) > 1 && reverses(&applier{root: d.before.root, allow: true}, d.s.Patches) {
		d.say(CauseApplied, "the tree has the whole series already: taking it back would apply")
		return true
	}
	return false
}

// reverses tells whether taking back patches, the last one first, applies.
func reverses(from *applier, patches []Patch) bool {
	a := &applier{root: from.root, files: maps.Clone(from.files), allow: true}
	if a.files == nil {
		a.files = map[string]*change{}
	}
	for i := len(patches) - 1; i >= 0; i-- {
		for _, f := range slices.Backward(patches[i].files) {
			if f.IsCopy || a.file(reverse(f)) != nil {
				return false
			}
		}
	}
	return true
}

// reverse returns the change that takes f back.
func reverse(f *gitdiff.File) *gitdiff.File {
	r := *f
	r.OldName, r.NewName, r.OldMode, r.NewMode = f.NewName, f.OldName, f.NewMode, f.OldMode
	r.IsNew, r.IsDelete, r.TextFragments = f.IsDelete, f.IsNew, nil
	for _, h := range f.TextFragments {
		back := *h
		back.OldPosition, back.OldLines, back.NewPosition, back.NewLines = h.NewPosition, h.NewLines, h.OldPosition, h.OldLines
		back.Lines = slices.Clone(h.Lines)
		for i := range back.Lines {
			switch back.Lines[i].Op {
			case gitdiff.OpAdd:
				back.Lines[i].Op = gitdiff.OpDelete
			case gitdiff.OpDelete:
				back.Lines[i].Op = gitdiff.OpAdd
			}
		}
		r.TextFragments = append(r.TextFragments, &back)
	}
	return &r
}

// absent looks for a file that the tree lacks: under a name with more or fewer
// directories, or made by a patch behind this one.
func (d *diagnosis) absent(f *gitdiff.File) {
	d.Cause = CauseAbsent
	for _, raw := range rawNames(d.s.Patches[d.n].diff, f) {
		for strip := 0; strip <= strings.Count(raw, "/"); strip++ {
			name := strings.Join(strings.Split(raw, "/")[strip:], "/")
			if st, err := os.Lstat(filepath.Join(d.before.root, filepath.FromSlash(name))); err == nil && filepath.IsLocal(name) && st.Mode().IsRegular() {
				d.say(CauseStrip, "the patch calls it %s; without the first %d directories that is %s, which is there. "+
					"Names have to be as in a/%[3]s; a quilt series file may say -p%[2]d behind the patch", raw, strip, name)
				return
			}
		}
	}
	for i := d.n + 1; i < len(d.s.Patches); i++ {
		for _, g := range d.s.Patches[i].files {
			if g.NewName == f.OldName && (g.IsNew || g.IsRename || g.IsCopy) {
				d.say(CauseOrder, "%s makes it, and comes later", d.s.Patches[i].Name)
				return
			}
		}
	}
}

// rawNames returns the names that a file has in a patch's text.
func rawNames(diff []byte, f *gitdiff.File) (names []string) {
	for line := range strings.SplitSeq(string(diff), "\n") {
		for _, side := range []string{"--- ", "+++ "} {
			name, ok := strings.CutPrefix(line, side)
			name, _, _ = strings.Cut(name, "\t")
			if ok && f.OldName != "" && strings.HasSuffix(name, f.OldName) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// writtenLater finds a patch behind this one that writes what the hunk's
// context expects and the file lacks.
func (d *diagnosis) writtenLater(h *gitdiff.TextFragment) {
	lacking := map[string]bool{}
	for _, l := range d.lacks {
		lacking[l] = true
	}
	for i := d.n + 1; i < len(d.s.Patches); i++ {
		for _, f := range d.s.Patches[i].files {
			for _, frag := range f.TextFragments {
				for _, l := range frag.Lines {
					if frag != h && l.Op == gitdiff.OpAdd && lacking[l.Line] && f.NewName == d.File {
						d.say(CauseOrder, "%s writes the line %q that is expected, and comes later", d.s.Patches[i].Name, strings.TrimSpace(l.Line))
						return
					}
				}
			}
		}
	}
}

// missing says which patches should have been there before this one.
func (d *diagnosis) missing() {
	if d.Cause == CauseApplied || d.Cause == CauseStrip {
		return
	}
	p := &d.s.Patches[d.n]
	var before []int
	for _, n := range d.s.Origin.Missing {
		if n < p.Number {
			before = append(before, n)
		}
	}
	if len(before) > 0 {
		d.say(CauseMissing, "it is patch %d of %d, and of those before it these are missing: %s", p.Number, p.Total, strings.Trim(fmt.Sprint(before), "[]"))
	}
	if pre := d.s.Origin.Prerequisites; len(pre) > 0 {
		d.Details = append(d.Details, "the series names prerequisites, which have to be in the tree: "+strings.Join(pre, ", "))
	}
	if d.Cause == CauseContext && len(d.lacks) > 0 && len(before) == 0 {
		d.Details = append(d.Details, fmt.Sprintf("nothing in the file reads %q: a change that the patch builds on is not in this tree, or the tree has moved on", strings.TrimSpace(d.lacks[0])))
	}
}

// near finds where in the file the lines of a hunk fit best, and shows
// how that place differs. lacks are lines of the hunk that the file has nowhere.
func (m *image) near(h *gitdiff.TextFragment, pre []string) (text, lacks []string) {
	in := map[string]bool{}
	for _, l := range m.lines {
		in[l] = true
	}
	telling := map[string]bool{} // lines that are not everywhere
	for _, l := range pre {
		if len(strings.TrimSpace(l)) > 2 {
			telling[l] = true
			if !in[l] && !slices.Contains(lacks, l) {
				lacks = append(lacks, l)
			}
		}
	}
	if pre = pre[:min(len(pre), 200)]; len(m.lines) > 200_000 {
		return nil, lacks // generated to take long
	}
	const room = 3 // lines that may have come in between
	want := max(int(h.NewPosition)-1, 0)
	best, score := -1, 0
	for at := range m.lines {
		n := 0
		for _, l := range m.lines[at:min(at+len(pre)+room, len(m.lines))] {
			if telling[l] {
				n++
			}
		}
		if n > score || n == score && n > 0 && abs(at-want) < abs(best-want) {
			best, score = at, n
		}
	}
	if score == 0 {
		return []string{"nothing in the file resembles what the hunk expects:\n" + quoteLines("-", pre)}, lacks
	}
	from := max(best-room, 0)
	diff, same, first := compareLines(pre, m.lines[from:min(best+len(pre)+2*room, len(m.lines))])
	place := from + first
	moved := "where it should be"
	if d := place - want; d != 0 {
		moved = fmt.Sprintf("%d lines further down", d)
		if d < 0 {
			moved = fmt.Sprintf("%d lines further up", -d)
		}
		if abs(d) == 1 {
			moved = strings.Replace(moved, "lines", "line", 1)
		}
	}
	return []string{fmt.Sprintf("it fits best at line %d, %s, where %d of %d lines agree (- expected, + found):\n%s",
		place+1, moved, same, len(pre), strings.TrimSuffix(diff, "\n"))}, lacks
}

func abs(n int) int { return max(n, -n) }

func quoteLines(mark string, lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		if i == 12 {
			fmt.Fprintf(&b, "    … %d more lines", len(lines)-i)
			break
		}
		b.WriteString("    " + mark + strings.TrimRight(l, "\r\n") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// compareLines shows how found differs from expected, by their longest common
// subsequence. same counts the lines that agree; first is the index of found at
// which the expected lines begin.
func compareLines(expected, found []string) (text string, same, first int) {
	n, m := len(expected), len(found)
	length := make([][]int, n+1)
	for i := range length {
		length[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if expected[i] == found[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var b strings.Builder
	show := func(mark string, lines []string) {
		for _, l := range lines {
			b.WriteString("    " + mark + strings.TrimRight(l, "\r\n") + "\n")
		}
	}
	first = -1
	for i, j := 0, 0; i < n; {
		// What differs, up to the next line that agrees.
		k, l := i, j
		for k < n && l < m && expected[k] != found[l] {
			if length[k][l+1] >= length[k+1][l] && length[k][l] > 0 {
				l++
			} else {
				k++
			}
		}
		if length[i][j] == 0 {
			k, l = n, min(m, j+n-i) // the rest
		}
		differing := found[j:l]
		if first < 0 { // as many lines in front as there should be
			first = max(l-k, 0)
			differing = found[first:l]
		}
		show("-", expected[i:k])
		show("+", differing)
		if k < n {
			show(" ", expected[k:k+1])
		}
		i, j = k+1, l+1
	}
	return b.String(), length[0][0], max(first, 0)
}
