// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Files of a run's directory.
const (
	MarkdownFile = "coverage.md"
	JSONFile     = "coverage.json"
)

// Write writes the report into a run's directory: coverage.md, coverage.json and, for
// each patch, its annotated lines.
func (m *Map) Write(dir string, r *Report) error {
	files := map[string]func(io.Writer) error{MarkdownFile: r.Markdown, JSONFile: r.JSON}
	for i := range r.Patches {
		p := &r.Patches[i]
		files[AnnotatedName(p.Name)] = func(w io.Writer) error { return m.Annotated(w, p) }
	}
	for name, write := range files {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write what was reached: %w", err)
		}
	}
	return nil
}
