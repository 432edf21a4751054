// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
)

// ProgramsBelow reads every program below a directory, in the order of their files: *.ring, and files in Go's
// format for fuzz corpora, which are named by their file. The same text is taken once, and of
// two programs that share a name the later one gets a number.
func ProgramsBelow(dir string) ([]*cases.Program, error) {
	var all []*cases.Program
	var bad []error
	texts, names := map[string]bool{}, map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		p, err := programIn(path)
		if err != nil {
			bad = append(bad, err)
		}
		if p == nil || texts[p.Text()] {
			return nil
		}
		texts[p.Text()] = true
		if names[p.Name]++; names[p.Name] > 1 {
			p.Name = fmt.Sprintf("%s-%d", p.Name, names[p.Name])
		}
		all = append(all, p)
		return nil
	})
	if err = errors.Join(append(bad, err)...); err != nil {
		return nil, &UsageError{fmt.Errorf("read the programs below %s: %w", dir, err)}
	}
	if len(all) == 0 {
		return nil, &UsageError{fmt.Errorf("%s holds no program: neither *.ring nor a file of a fuzz corpus", dir)}
	}
	return slices.Clip(all), nil
}

// programIn returns the program of a file, nil for a file that is none.
func programIn(path string) (*cases.Program, error) {
	ring := strings.HasSuffix(path, ".ring")
	name := filepath.Base(path)
	if !ring && !fuzz.IsEntryName(name) {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if ring {
		return cases.Parse(path, text)
	}
	data, err := fuzz.UnmarshalEntry(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p := fuzz.Decode(data)
	p.Name = "corpus-" + name
	return p, nil
}
