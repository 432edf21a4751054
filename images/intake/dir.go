// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Dir reads a series from a directory: a maildir, a quilt series (a file
// "series" names the patches), *.patch and *.diff files by name, or saved mails
// (*.eml, *.mbox) and pages (*.html, *.txt). dir must not lead outside of itself: see os.Root.
func Dir(dir fs.FS, opt Options) (*Series, error) {
	d := &directory{fs: dir}
	if isMaildir(dir) {
		all, err := d.read([]string{"cur/*", "new/*"}) // tmp holds what is not delivered yet
		if err != nil {
			return nil, err
		}
		return choose(all, opt, true)
	}
	if series, err := d.file("series"); err == nil {
		return d.quilt(string(series), opt)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all, err := d.read([]string{"*.patch", "*.diff"})
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		return choose(all, opt, false)
	}
	if all, err = d.read([]string{"*.eml", "*.mbox", "*.mbx", "*.html", "*.htm", "*.txt"}); err != nil {
		return nil, err
	}
	if len(all) > 0 {
		return choose(all, opt, true)
	}
	return nil, errors.New("the directory holds no *.patch or *.diff files, no mails or pages (*.eml, *.mbox, *.html, *.txt), no quilt series and no maildir")
}

func isMaildir(dir fs.FS) bool {
	for _, sub := range []string{"cur", "new"} {
		if st, err := fs.Stat(dir, sub); err != nil || !st.IsDir() {
			return false
		}
	}
	return true
}

type directory struct {
	fs    fs.FS
	total int // bytes read so far
}

// file reads one file, within the bounds.
func (d *directory) file(name string) ([]byte, error) {
	st, err := fs.Stat(d.fs, name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := d.fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(MaxSize-d.total)+1))
	if d.total += len(text); err == nil && d.total > MaxSize {
		err = fmt.Errorf("%s: the series has more than %d MiB", name, MaxSize>>20)
	}
	return text, err
}

// read takes all files apart whose names match, by name.
func (d *directory) read(patterns []string) (all []*message, err error) {
	var names []string
	for _, p := range patterns {
		more, err := fs.Glob(d.fs, p)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("the directory holds %d files; at most %d are read", len(names), maxFiles)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(path.Base(a), path.Base(b)) })
	for _, name := range names {
		text, err := d.file(name)
		if err != nil {
			return nil, err
		}
		more, err := messages(path.Base(name), text)
		if err != nil {
			return nil, err
		}
		if all = append(all, more...); len(all) > maxMails {
			return nil, fmt.Errorf("the directory holds more than %d mails", maxMails)
		}
	}
	return all, nil
}

// quilt reads the patches that a series file names, in its order. It may say
// -pN behind a name.
func (d *directory) quilt(series string, opt Options) (*Series, error) {
	var all []*message
	for line := range strings.SplitSeq(series, "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		strip, err := quiltOptions(f[1:])
		if err != nil {
			return nil, fmt.Errorf("quilt series file, %s: %w", f[0], err)
		}
		if !fs.ValidPath(f[0]) {
			return nil, fmt.Errorf("quilt series file: %s leads out of the directory", f[0])
		}
		text, err := d.file(f[0])
		if err != nil {
			return nil, err
		}
		more, err := messages(f[0], text)
		if err != nil {
			return nil, err
		}
		for _, m := range more {
			m.Diff = restrip(m.Diff, strip)
		}
		if all = append(all, more...); len(all) > maxPatches {
			return nil, fmt.Errorf("the quilt series has more than %d patches", maxPatches)
		}
	}
	return chooseQuilt(all, opt)
}

func quiltOptions(opts []string) (strip int, err error) {
	strip = 1
	for _, o := range opts {
		n, ok := strings.CutPrefix(o, "-p")
		if n == "ab" {
			n = "1"
		}
		if strip, err = strconv.Atoi(n); !ok || err != nil || strip < 0 || strip > 10 {
			return 0, fmt.Errorf("option %q is not known; there is -pN, the number of components to take off names", o)
		}
	}
	return strip, nil
}

// restrip rewrites a diff's names so that taking off one component gives what
// taking off n gave.
func restrip(diff []byte, n int) []byte {
	if n == 1 {
		return diff
	}
	rename := func(name, side string) string {
		if strings.HasPrefix(name, "/dev/null") {
			return name
		}
		for range n {
			_, rest, ok := strings.Cut(name, "/")
			if !ok {
				break
			}
			name = rest
		}
		return side + name
	}
	lines := strings.SplitAfter(string(diff), "\n")
	for i := 0; i < len(lines); {
		if !strings.HasPrefix(lines[i], "@@ ") {
			switch f := strings.Fields(lines[i]); {
			case len(f) == 4 && strings.HasPrefix(lines[i], "diff --git "):
				lines[i] = "diff --git " + rename(f[2], "a/") + " " + rename(f[3], "b/") + "\n"
			case strings.HasPrefix(lines[i], "--- "):
				lines[i] = "--- " + rename(lines[i][4:], "a/")
			case strings.HasPrefix(lines[i], "+++ "):
				lines[i] = "+++ " + rename(lines[i][4:], "b/")
			}
			i++
			continue
		}
		length, _ := hunkLength(lines[i:])
		i += max(length, 1)
	}
	return []byte(strings.Join(lines, ""))
}

// chooseQuilt takes all patches in the order of the file; it says what they
// are a part of if they all say the same.
func chooseQuilt(all []*message, opt Options) (*Series, error) {
	var patches []*message
	for _, m := range all {
		if m.isPatch() {
			m.subject.reply = false
			patches = append(patches, m)
		}
	}
	if len(patches) == 0 {
		return nil, errNothing
	}
	r := &revision{version: patches[0].version, total: patches[0].Total, patches: patches}
	var have []int
	for _, m := range patches {
		if m.version != r.version || m.Total != r.total {
			r.version, r.total = 0, 0 // of several series
		}
		have = append(have, m.Number)
	}
	slices.Sort(have)
	if r.missing = gaps(have, r.total); len(r.missing) > 0 && !opt.Partial {
		return nil, &IncompleteError{Version: r.version, Total: r.total, Missing: r.missing, Have: slices.Compact(have)}
	}
	s := &Series{}
	return s, s.fill(r, all)
}
