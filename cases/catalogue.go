// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

//go:embed catalogue/*.ring
var catalogueFS embed.FS

// Catalogue returns the built-in programs in the order of their names. The
// caller owns them.
func Catalogue() ([]*Program, error) {
	files, err := fs.Glob(catalogueFS, "catalogue/*.ring") // sorted
	if err != nil {
		return nil, fmt.Errorf("list the catalogue: %w", err)
	}
	var programs []*Program
	var errs []error
	for _, f := range files {
		text, err := catalogueFS.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read the catalogue: %w", err)
		}
		p, err := Parse(f, text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if want := p.Name + ".ring"; path.Base(f) != want {
			errs = append(errs, fmt.Errorf("%s: the program's name is %s, so its file is to be called %s", f, p.Name, want))
		}
		programs = append(programs, p)
	}
	return programs, errors.Join(errs...)
}
