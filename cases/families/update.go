// SPDX-License-Identifier: Apache-2.0

package families

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Stale compares the directory's .ring files with what the families write. It returns the
// content that each file which differs must have; nil for one that is to be removed.
func Stale(dir string) (map[string][]byte, error) {
	programs, err := Programs()
	if err != nil {
		return nil, err
	}
	stale := map[string][]byte{}
	wanted := map[string]bool{}
	for _, p := range programs {
		file := filepath.Join(dir, p.Name+".ring")
		wanted[file] = true
		have, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		if want := []byte(p.Text()); !bytes.Equal(have, want) {
			stale[file] = want
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.ring"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(text, []byte("\n# "+mark)) && !wanted[file] {
			stale[file] = nil
		}
	}
	return stale, nil
}

// Update brings the directory's files up to date and returns how many programs the families write.
func Update(dir string) (int, error) {
	stale, err := Stale(dir)
	if err != nil {
		return 0, err
	}
	for file, text := range stale {
		if text == nil {
			err = os.Remove(file)
		} else {
			err = os.WriteFile(file, text, 0o644)
		}
		if err != nil {
			return 0, fmt.Errorf("renew the catalogue: %w", err)
		}
	}
	programs, err := Programs()
	return len(programs), err
}
