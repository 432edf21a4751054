// SPDX-License-Identifier: Apache-2.0

// Package regress keeps findings in a directory that can live in git: of each a
// program, NAME.ring, and what is known of it, NAME.toml. Every later revision of a series is
// held against them.
package regress

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/ringproof/ringproof/cases"
)

// Finding is one entry of a store.
type Finding struct {
	Name    string         // of its files
	Program *cases.Program // with Name as its name
	Record
}

// Record is what NAME.toml holds.
type Record struct {
	// Class is what failed, in words that reports use for all failures of a kind.
	Class string `toml:"class"`
	Why   string `toml:"why"` // the first evidence, in one line
	// Seen is what came of it on each revision, the latest last: one entry for each
	// change, not for each run.
	Seen []Sight `toml:"seen"`
}

// Sight is what came of a finding on one revision.
type Sight struct {
	Series  string `toml:"series"`
	Kernel  string `toml:"kernel"` // such as 6.12.117-1~deb12u1
	Flavour string `toml:"flavour"`
	Date    string `toml:"date"` // YYYY-MM-DD
	Shows   bool   `toml:"shows"`
}

// Bounds on what is read: a store may come from anybody.
const (
	maxFindings = 10000
	maxFile     = 1 << 20
)

var validName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Load reads a store, by name. A directory that does not exist is an error, an
// empty one is not. Errors name the file.
func Load(dir string) ([]*Finding, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*Finding
	var bad []error
	for _, e := range entries {
		name, is := strings.CutSuffix(e.Name(), ".ring")
		if !is {
			continue
		}
		if len(all) == maxFindings {
			return nil, fmt.Errorf("%s: more than %d findings", dir, maxFindings)
		}
		f, err := read(dir, name)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		all = append(all, f)
	}
	return all, errors.Join(bad...)
}

func read(dir, name string) (*Finding, error) {
	path := filepath.Join(dir, name)
	text, err := readFile(path + ".ring")
	if err != nil {
		return nil, err
	}
	f := &Finding{Name: name}
	if f.Program, err = cases.Parse(path+".ring", text); err != nil {
		return nil, err
	}
	f.Program.Name = name
	if text, err = readFile(path + ".toml"); err != nil {
		return nil, fmt.Errorf("what is known of %s.ring: %w", path, err)
	}
	meta, err := toml.Decode(string(text), &f.Record)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s.toml: %w", path, err)
	case len(meta.Undecoded()) > 0:
		return nil, fmt.Errorf("%s.toml: there is no %q here: class, why, and [[seen]] with series, kernel, flavour, date, shows", path, meta.Undecoded()[0])
	case f.Class == "":
		return nil, fmt.Errorf("%s.toml: class is missing: what failed, as in \"FAIL G4 of a leader\"", path)
	}
	return f, nil
}

func readFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return nil, fmt.Errorf("%s: no regular file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

// Add writes a new finding. The error is fs.ErrExist's if there is one of the name.
func Add(dir string, f *Finding) error {
	if !validName.MatchString(f.Name) {
		return fmt.Errorf("a finding's name %q: lower-case letters, digits and single dashes", f.Name)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, f.Name+".ring"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: choose another name for the finding, or remove the old one", err)
	}
	if err != nil {
		return err
	}
	p := f.Program.Clone()
	p.Name = f.Name
	_, err = file.WriteString(p.Text())
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return f.Save(dir)
}

// Save writes what is known of a finding.
func (f *Finding) Save(dir string) error {
	var b bytes.Buffer
	b.WriteString("# Kept by ringproof test --store --update.\n")
	enc := toml.NewEncoder(&b)
	enc.Indent = ""
	if err := enc.Encode(f.Record); err != nil {
		return err
	}
	path := filepath.Join(dir, f.Name+".toml")
	tmp, err := os.CreateTemp(dir, ".tmp-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b.Bytes())
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
