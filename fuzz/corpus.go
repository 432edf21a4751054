// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// The files of a corpus are those of go test -fuzz: a line with the version,
// then one with each argument of the target as a Go expression. Here there is one argument.
const (
	entryVersion = "go test fuzz v1"
	// maxEntryFile bounds a file: every byte of the largest program written as \x00, and some room.
	maxEntryFile = 4*MaxRecords*RecordSize + 1024
)

// MarshalEntry returns the corpus file of go test -fuzz that holds data, a target's one argument of type []byte.
func MarshalEntry(data []byte) []byte {
	return fmt.Appendf(nil, "%s\n[]byte(%q)\n", entryVersion, data)
}

// UnmarshalEntry is the inverse of [MarshalEntry]. It takes what Go takes for one argument of type []byte
// or string.
func UnmarshalEntry(file []byte) ([]byte, error) {
	if len(file) > maxEntryFile {
		return nil, fmt.Errorf("%d bytes are more than a program takes (%d)", len(file), maxEntryFile)
	}
	version, rest, _ := strings.Cut(string(file), "\n")
	if strings.TrimSuffix(version, "\r") != entryVersion {
		return nil, fmt.Errorf("the first line is not %q", entryVersion)
	}
	var literal string
	for line := range strings.Lines(rest) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case literal != "":
			return nil, errors.New("more than one argument")
		default:
			literal = line
		}
	}
	for _, kind := range []string{"[]byte(", "string("} {
		inner, ok := strings.CutPrefix(literal, kind)
		if !ok || !strings.HasSuffix(inner, ")") {
			continue
		}
		inner = strings.TrimSuffix(inner, ")")
		text, err := strconv.Unquote(strings.TrimSpace(inner))
		if err != nil {
			return nil, fmt.Errorf("%s is no quoted string", strconv.Quote(inner[:min(len(inner), 40)]))
		}
		return []byte(text), nil
	}
	return nil, errors.New("the argument is not written []byte(\"...\")")
}

// EntryName is the name that Go gives to a corpus file: the first 16 hex digits of its SHA-256.
func EntryName(file []byte) string {
	sum := sha256.Sum256(file)
	return fmt.Sprintf("%x", sum[:8])
}

// Dir is a directory with the corpus of one target, such as
// testdata/fuzz/FuzzRing beside it or $(go env GOCACHE)/fuzz/PACKAGE/FuzzRing. Several
// processes may add to it at once, go test -fuzz among them: files appear whole.
type Dir string

// Entry is one file of a [Dir].
type Entry struct {
	Name string // of the file in its directory
	Data []byte
}

// Program is the program that the entry is.
func (e *Entry) Program() *cases.Program { return Decode(e.Data) }

// CorpusError names a file of a corpus that could not be read.
type CorpusError struct {
	Path string
	Err  error
}

func (e *CorpusError) Error() string {
	return fmt.Sprintf("read corpus file %s: %v; remove it if go test -fuzz cannot read it either", e.Path, e.Err)
}
func (e *CorpusError) Unwrap() error { return e.Err }

// Read returns the entries in the order of their names, at most limit of them
// where limit is above 0. A directory that is not there is empty. Files that
// cannot be read are left out and joined into the error, each as a
// *[CorpusError]; the other entries are returned all the same.
func (d Dir) Read(limit int) ([]Entry, error) {
	files, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read corpus: %w", err)
	}
	var entries []Entry
	var errs []error
	for _, f := range files {
		if f.IsDir() || strings.HasPrefix(f.Name(), tempPrefix) {
			continue
		}
		if limit > 0 && len(entries) == limit {
			break
		}
		path := filepath.Join(string(d), f.Name())
		data, err := readEntry(path)
		if err != nil {
			errs = append(errs, &CorpusError{path, err})
			continue
		}
		entries = append(entries, Entry{f.Name(), data})
	}
	return entries, errors.Join(errs...)
}

func readEntry(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, maxEntryFile+1))
	if err != nil {
		return nil, err
	}
	return UnmarshalEntry(file)
}

// tempPrefix begins the names of files that are being written.
const tempPrefix = ".tmp-"

// Add writes an entry and returns its file's name. Data that is in the directory already is left as it is.
func (d Dir) Add(data []byte) (name string, err error) {
	file := MarshalEntry(data)
	name = EntryName(file)
	if err := d.write(name, file); err != nil {
		return "", fmt.Errorf("add %s to corpus %s: %w", name, d, err)
	}
	return name, nil
}

// AddProgram is Add of a program in its byte form.
func (d Dir) AddProgram(p *cases.Program) (name string, err error) {
	data, err := Encode(p)
	if err != nil {
		return "", err
	}
	return d.Add(data)
}

func (d Dir) write(name string, file []byte) error {
	path := filepath.Join(string(d), name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, file) {
		return nil
	}
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(string(d), tempPrefix)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is not there after a rename
	_, err = f.Write(file)
	if err := cmp.Or(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Remove takes entries out of the directory, by name. Those that are not there are no error.
func (d Dir) Remove(names ...string) error {
	for _, name := range names {
		if filepath.Base(name) != name {
			return fmt.Errorf("remove %q from corpus %s: not the name of a file in it", name, d)
		}
		if err := os.Remove(filepath.Join(string(d), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove from corpus: %w", err)
		}
	}
	return nil
}

// IsEntryName tells whether a file is called as Go and [EntryName] call the files of a corpus.
func IsEntryName(name string) bool {
	_, err := strconv.ParseUint(name, 16, 64)
	return err == nil && len(name) == 16
}
