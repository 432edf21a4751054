// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"

	"github.com/ringproof/ringproof/images/intake"
)

// seriesFS holds the built-in series, one directory each.
//
//go:embed series
var seriesFS embed.FS

// SeriesNone is the name of the empty series: the kernel as it is.
const SeriesNone = "none"

// Patch is one change to the tree, as read from a file, a mail or a page.
type Patch struct {
	Name    string `json:"name"`              // file name; with "#n" behind it for the n-th mail of a file
	Subject string `json:"subject,omitempty"` // of the commit, where the patch has one
	SHA256  string `json:"sha256"`            // of the patch's text as it was read: the file, mail or page
	// Number and Total are the n/m of the subject, 0 where it has none.
	Number    int    `json:"number,omitempty"`
	Total     int    `json:"total,omitempty"`
	Author    string `json:"author,omitempty"`
	Date      string `json:"date,omitempty"` // RFC 3339
	MessageID string `json:"message_id,omitempty"`

	files []*gitdiff.File
	diff  []byte // what files was parsed from
}

// Origin is what a series says of itself besides its patches.
type Origin struct {
	Version        int    `json:"version,omitempty"` // N of [PATCH vN]; 0 where nothing says
	Cover          string `json:"cover,omitempty"`   // subject of the cover letter
	CoverMessageID string `json:"cover_message_id,omitempty"`
	// Missing are the numbers of patches that the subjects promise and that
	// are not there: the user wanted it without.
	Missing       []int    `json:"missing,omitempty"`
	BaseCommit    string   `json:"base_commit,omitempty"`
	Prerequisites []string `json:"prerequisites,omitempty"` // such as "prerequisite-patch-id 0123…"
	ChangeID      string   `json:"change_id,omitempty"`
	// Notes tell what was there but is not in the series: other revisions, changes in replies.
	Notes []string `json:"notes,omitempty"`
}

// Series is an ordered set of patches.
type Series struct {
	Name    string // as the user gave it
	Patches []Patch
	Origin  Origin
	// ID is a hash over what the patches change. Commit messages, dates and
	// blob IDs are not in it. The same change cut into other patches has another
	// ID, but gives the same image.
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

// SeriesForms describes what a series can be, for help texts.
const SeriesForms = `NAME                      a built-in series
DIR                       *.patch files, a quilt series, saved mails, a maildir
FILE                      an mbox, a mail, a patch, a tracker's page saved as text or HTML
git:REPO BASE..HEAD       commits of a local git repository (one argument)`

// LoadSeries reads a series with no options, see [Spec.LoadSeries].
func LoadSeries(arg string) (*Series, error) {
	return Spec{Series: arg}.LoadSeries(context.Background())
}

// LoadSeries reads the spec's series, see [SeriesForms] and package intake, and
// the spec's further patches on top. A malformed patch is an *ApplyError, a
// series that is not there or not complete a *SpecError.
func (sp Spec) LoadSeries(ctx context.Context) (*Series, error) {
	s := &Series{Name: sp.Series}
	if s.Name == "" {
		s.Name = SeriesNone
	}
	var err error
	if sp.Composed != nil {
		s = sp.Composed
	} else {
		err = s.load(ctx, intake.Options{Revision: sp.Revision, Partial: sp.Partial})
	}
	var ae *ApplyError
	switch {
	case errors.As(err, &ae), ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, &SpecError{What: "series", Value: sp.Series, Err: err}
	}
	if s, err = s.with(sp.Patches); err != nil {
		return nil, err
	}
	return s.withPlanted(sp.Planted)
}

func (s *Series) load(ctx context.Context, opt intake.Options) error {
	read, err := readSeries(ctx, s.Name, opt)
	if err != nil {
		return malformed(err)
	}
	if read != nil {
		s.Origin = Origin{
			Version: read.Version, Cover: read.Cover, CoverMessageID: read.CoverMessageID, Missing: read.Missing,
			BaseCommit: read.BaseCommit, Prerequisites: read.Prerequisites, ChangeID: read.ChangeID, Notes: read.Notes,
		}
		if err := s.parse(read.Patches); err != nil {
			return err
		}
	}
	return s.finish()
}

// readSeries reads a series; nil is the empty one.
func readSeries(ctx context.Context, arg string, opt intake.Options) (*intake.Series, error) {
	if arg == SeriesNone {
		return nil, nil
	}
	if slices.Contains(BuiltinSeries(), arg) {
		sub, err := fs.Sub(seriesFS, path.Join("series", arg))
		if err != nil {
			return nil, err
		}
		return intake.Dir(sub, intake.Options{})
	}
	if git, ok := strings.CutPrefix(arg, "git:"); ok {
		return gitRange(ctx, git)
	}
	st, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("neither a built-in series (there are: %s) nor a file or directory", strings.Join(BuiltinSeries(), ", "))
	case err != nil:
		return nil, err
	case st.IsDir():
		root, err := os.OpenRoot(arg) // links that lead out of it are refused
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return intake.Dir(root.FS(), opt)
	}
	text, err := readPatchFile(arg)
	if err != nil {
		return nil, err
	}
	return intake.File(filepath.Base(arg), text, opt)
}

func readPatchFile(name string) ([]byte, error) {
	switch st, err := os.Stat(name); {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, errors.New("not a regular file; it is read more than once, so save what a pipe holds first")
	case st.Size() > intake.MaxSize:
		return nil, fmt.Errorf("it has %d MiB; at most %d are read", st.Size()>>20, intake.MaxSize>>20)
	}
	return os.ReadFile(name)
}

// malformed turns what intake says of an unreadable patch into an *ApplyError.
func malformed(err error) error {
	var me *intake.MalformedError
	if errors.As(err, &me) {
		return &ApplyError{Patch: me.Patch, Reason: "malformed patch: " + me.Reason}
	}
	return err
}

// with returns the series with the patches of the given files on top.
func (s *Series) with(files []string) (*Series, error) {
	if len(files) == 0 {
		return s, nil
	}
	sum := &Series{Name: s.Name, Patches: slices.Clone(s.Patches), Origin: s.Origin}
	for _, f := range files {
		text, err := readPatchFile(f)
		if err != nil {
			return nil, &SpecError{What: "patch", Value: f, Err: err}
		}
		if err := sum.add(filepath.Base(f), text); err != nil {
			return nil, err
		}
		sum.Name += "+" + strings.TrimSuffix(filepath.Base(f), filepath.Ext(f))
	}
	return sum, sum.finish()
}

// withPlanted returns the series with a mutant on top; nil is none.
func (s *Series) withPlanted(m *Mutant) (*Series, error) {
	if m == nil {
		return s, nil
	}
	sum := &Series{Name: s.Name + "+" + m.Name, Patches: append(slices.Clone(s.Patches), m.patch), Origin: s.Origin}
	return sum, sum.finish()
}

// finish checks that there is something in the series and computes its ID.
func (s *Series) finish() error {
	if len(s.Patches) == 0 && s.Name != SeriesNone {
		return errors.New("no patch in it changes a file")
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
	return nil
}

// add appends all patches of a file's text, whatever their subjects say.
func (s *Series) add(name string, text []byte) error {
	patches, err := intake.Patches(name, text)
	if err != nil {
		return malformed(err)
	}
	return s.parse(patches)
}

func (s *Series) parse(patches []intake.Patch) error {
	for _, in := range patches {
		files, _, err := gitdiff.Parse(bytes.NewReader(in.Diff))
		if err != nil {
			return &ApplyError{Patch: in.Name, Reason: "malformed patch: " + strings.TrimPrefix(err.Error(), "gitdiff: ")}
		}
		stripTraditional(files, !bytes.Contains(in.Diff, []byte("diff --git ")))
		s.Patches = append(s.Patches, Patch{
			Name: in.Name, Subject: in.Subject, SHA256: hashString(string(in.Raw)), Number: in.Number, Total: in.Total,
			Author: in.Author, Date: in.Date, MessageID: in.MessageID, files: files, diff: in.Diff,
		})
	}
	return nil
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
