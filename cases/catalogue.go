// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

//go:embed catalogue/*.ring fingerprint/*.ring
var programFS embed.FS

// Catalogue returns the built-in programs in the order of their names. The
// caller owns them.
func Catalogue() ([]*Program, error) { return builtin("catalogue") }

// Fingerprint returns, in the same way, the programs that tell revisions of
// the feature apart. Each is about few knobs of a [Profile].
func Fingerprint() ([]*Program, error) { return builtin("fingerprint") }

func builtin(dir string) ([]*Program, error) {
	files, err := fs.Glob(programFS, dir+"/*.ring") // sorted
	if err != nil {
		return nil, fmt.Errorf("list the programs in cases/%s: %w", dir, err)
	}
	var programs []*Program
	var errs []error
	for _, f := range files {
		text, err := programFS.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read the program %s: %w", f, err)
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
