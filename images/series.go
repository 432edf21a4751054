// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// seriesFS holds the built-in series, one directory each.
//
//go:embed series
var seriesFS embed.FS

// SeriesNone is the name of the empty series: the kernel as it is.
const SeriesNone = "none"

// Patch is one change to the tree, as read from a file or a mailbox.
type Patch struct {
	Name    string `json:"name"`              // file name; with "#n" behind it for the n-th of a mailbox
	Subject string `json:"subject,omitempty"` // of the commit, where the patch has one
	SHA256  string `json:"sha256"`            // of the patch's text

	files []*gitdiff.File
}

// Series is an ordered set of patches.
type Series struct {
	Name    string // as the user gave it
	Patches []Patch
	// ID is a hash over what the patches change. Commit messages, dates and
	// blob IDs are not in it: editing those rebuilds nothing.
	ID string
}

// BuiltinSeries returns the names of the built-in series, SeriesNone first.
func BuiltinSeries() []string {
	names := []string{SeriesNone}
	dirs, _ := fs.ReadDir(seriesFS, "series")
	for _, d := range dirs {
		if files, _ := fs.Glob(seriesFS, "series/"+d.Name()+"/*.patch"); d.IsDir() && len(files) > 0 {
			names = append(names, d.Name())
		}
	}
	return names
}

// LoadSeries reads a series: the name of a built-in one, a directory of
// *.patch files (in the order of a quilt "series" file if there is one, else
// by name), or one patch file or mailbox. A path is told from a name by its
// slash or by not being a name. A malformed patch is an *ApplyError, a series
// that is not there a *SpecError.
func LoadSeries(arg string) (*Series, error) {
	s, err := loadSeries(arg)
	var ae *ApplyError
	if err != nil && !errors.As(err, &ae) {
		return nil, &SpecError{What: "series", Value: arg, Err: err}
	}
	return s, err
}

func loadSeries(arg string) (*Series, error) {
	s := &Series{Name: arg}
	if arg == "" || arg == SeriesNone {
		s.Name = SeriesNone
		return s.finish()
	}
	for _, b := range BuiltinSeries() {
		if arg == b {
			sub, err := fs.Sub(seriesFS, path.Join("series", b))
			if err != nil {
				return nil, err
			}
			return s.fromDir(sub)
		}
	}
	st, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("neither a built-in series (there are: %s) nor a file or directory", strings.Join(BuiltinSeries(), ", "))
	case err != nil:
		return nil, err
	case st.IsDir():
		return s.fromDir(os.DirFS(arg))
	}
	text, err := os.ReadFile(arg)
	if err != nil {
		return nil, err
	}
	if err := s.add(filepath.Base(arg), text); err != nil {
		return nil, err
	}
	return s.finish()
}

func (s *Series) fromDir(dir fs.FS) (*Series, error) {
	names, err := quiltOrder(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		if err := s.add(name, text); err != nil {
			return nil, err
		}
	}
	return s.finish()
}

// quiltOrder returns the names of a directory's patches in order.
func quiltOrder(dir fs.FS) ([]string, error) {
	if text, err := fs.ReadFile(dir, "series"); err == nil {
		var names []string
		for _, line := range strings.Split(string(text), "\n") {
			line, _, _ = strings.Cut(line, "#")
			if f := strings.Fields(line); len(f) > 1 {
				return nil, fmt.Errorf("quilt series file: %q: options such as -p0 are not supported", strings.TrimSpace(line))
			} else if len(f) == 1 {
				names = append(names, f[0])
			}
		}
		return names, nil
	}
	names, err := fs.Glob(dir, "*.patch")
	if err == nil && len(names) == 0 {
		err = errors.New("the directory holds no *.patch files")
	}
	sort.Strings(names)
	return names, err
}

// with returns the series with the patches of the given files on top.
func (s *Series) with(files []string) (*Series, error) {
	if len(files) == 0 {
		return s, nil
	}
	sum := &Series{Name: s.Name, Patches: slices.Clone(s.Patches)}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, &SpecError{What: "patch", Value: f, Err: err}
		}
		if err := sum.add(filepath.Base(f), text); err != nil {
			return nil, err
		}
		sum.Name += "+" + strings.TrimSuffix(filepath.Base(f), filepath.Ext(f))
	}
	return sum.finish()
}

// finish checks that there is something in the series and computes its ID.
func (s *Series) finish() (*Series, error) {
	if len(s.Patches) == 0 && s.Name != SeriesNone {
		return nil, errors.New("no patch in it changes a file (mails must be decoded: base64 and quoted-printable bodies are not read)")
	}
	h := sha256.New()
	for _, p := range s.Patches {
		for _, f := range p.files {
			fmt.Fprintf(h, "%q %q %v %v %v %v %o %o %v\n", f.OldName, f.NewName, f.IsNew, f.IsDelete, f.IsCopy, f.IsRename, f.OldMode, f.NewMode, f.IsBinary)
			for _, frag := range f.TextFragments {
				fmt.Fprintf(h, "@%d,%d,%d,%d\n", frag.OldPosition, frag.OldLines, frag.NewPosition, frag.NewLines)
				for _, l := range frag.Lines {
					fmt.Fprintf(h, "%s%q\n", l.Op, l.Line)
				}
			}
		}
	}
	s.ID = hex.EncodeToString(h.Sum(nil))
	return s, nil
}

// mboxFrom is the line that git format-patch and b4 begin each mail with.
var mboxFrom = regexp.MustCompile(`(?m)^From [^\n]*\d{4}\n`)

var subjectLine = regexp.MustCompile(`(?m)^Subject: (?:\[[^]]*\] )?(.*)$`)

// add parses text, which may be a mailbox. A part that changes nothing, such
// as a cover letter, is left out.
func (s *Series) add(name string, text []byte) error {
	parts := splitMbox(text)
	for i, part := range parts {
		p := Patch{Name: name}
		if len(parts) > 1 {
			p.Name = fmt.Sprintf("%s#%d", name, i+1)
		}
		files, preamble, err := gitdiff.Parse(bytes.NewReader(part))
		if err != nil {
			return &ApplyError{Patch: p.Name, Reason: "malformed patch: " + strings.TrimPrefix(err.Error(), "gitdiff: ")}
		}
		if len(files) == 0 {
			continue
		}
		if hdr, err := gitdiff.ParsePatchHeader(preamble); err == nil {
			p.Subject = hdr.Title
		}
		if m := subjectLine.FindStringSubmatch(preamble); p.Subject == "" && m != nil {
			p.Subject = m[1]
		}
		p.SHA256 = hashString(string(part))
		p.files = files
		stripTraditional(files, !bytes.Contains(part, []byte("diff --git ")))
		s.Patches = append(s.Patches, p)
	}
	return nil
}

func splitMbox(text []byte) [][]byte {
	at := mboxFrom.FindAllIndex(text, -1)
	if len(at) < 2 {
		return [][]byte{text}
	}
	var parts [][]byte
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		parts = append(parts, text[m[0]:end])
	}
	return parts
}

// stripTraditional takes the first component off names that the parser left
// as they were, those of diffs without a "diff --git" line (git apply's -p1).
func stripTraditional(files []*gitdiff.File, all bool) {
	strip := func(name string) string {
		dir, rest, ok := strings.Cut(name, "/")
		if ok && (all || dir == "a" || dir == "b") {
			return rest
		}
		return name
	}
	for _, f := range files {
		f.OldName, f.NewName = strip(f.OldName), strip(f.NewName)
	}
}
