// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
)

// State and lock are beside the corpus directory, not in it: Go's engine, which
// reads the same directory, takes every file in it for an entry.
const (
	stateSuffix = ".campaign.json"
	lockSuffix  = ".lock"
)

// Store is a corpus directory: files in Go's format for fuzz corpora, named by
// their content, and the state of the campaigns on it. One with an empty path keeps nothing.
type Store struct {
	// State is the sum of the campaigns before this one.
	State State
	dir   fuzz.Dir
	lock  *flock.Flock
}

// OpenStore opens a corpus directory, which is made if need be, for one campaign at a time.
func OpenStore(dir string) (*Store, error) {
	s := &Store{dir: fuzz.Dir(filepath.Clean(dir))}
	if dir == "" {
		return &Store{}, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the corpus directory: %w; choose another with --corpus", err)
	}
	s.lock = flock.New(string(s.dir) + lockSuffix)
	if mine, err := s.lock.TryLock(); err != nil {
		return nil, fmt.Errorf("lock the corpus directory: %w; choose another with --corpus", err)
	} else if !mine {
		return nil, fmt.Errorf("another campaign is at work on the corpus %s: wait for it, or choose another with --corpus", dir)
	}
	text, err := os.ReadFile(s.statePath())
	if err == nil {
		err = json.Unmarshal(text, &s.State)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Close()
		return nil, fmt.Errorf("read what earlier campaigns left in %s: %w; remove the file to begin again", s.statePath(), err)
	}
	return s, nil
}

// Close lets other campaigns use the directory.
func (s *Store) Close() {
	if s.lock != nil {
		s.lock.Close()
	}
}

func (s *Store) statePath() string { return string(s.dir) + stateSuffix }

// Load returns what is in the directory. Of files that cannot be read, skipped says why.
func (s *Store) Load() (list []fuzz.Entry, skipped []string, err error) {
	if s.dir == "" {
		return nil, nil, nil
	}
	list, err = s.dir.Read(0)
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			skipped = append(skipped, e.Error())
		}
		err = nil
	}
	return list, skipped, err
}

// Keep stores a program, if it is not there already, and returns its file's name.
func (s *Store) Keep(p *cases.Program) (string, error) {
	if s.dir == "" {
		name, _, err := CorpusFile(p)
		return name, err
	}
	return s.dir.AddProgram(p)
}

// CorpusFile returns a program as a file of a Go fuzz corpus, and that file's name.
func CorpusFile(p *cases.Program) (name string, text []byte, err error) {
	data, err := fuzz.Encode(p)
	if err != nil {
		return "", nil, fmt.Errorf("store a program in the corpus: %w", err)
	}
	text = fuzz.MarshalEntry(data)
	return fuzz.EntryName(text), text, nil
}

// Save adds a campaign to the state.
func (s *Store) Save(add State) error {
	if s.dir == "" {
		return nil
	}
	sum := State{s.State.Campaigns + add.Campaigns, s.State.Executions + add.Executions, s.State.Seconds + add.Seconds}
	text, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	return replace(s.statePath(), append(text, '\n'))
}

// replace writes a file so that it is there as a whole or not at all.
func replace(path string, text []byte) error {
	part := path + ".part"
	if err := os.WriteFile(part, text, 0o644); err != nil {
		return fmt.Errorf("write the state of the campaigns: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		os.Remove(part)
		return fmt.Errorf("write the state of the campaigns: %w", err)
	}
	return nil
}
