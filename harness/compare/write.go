// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ringproof/ringproof/harness/report"
)

// Names of the files that [Write] makes.
const (
	JSONFile     = "compare.json"
	MarkdownFile = "compare.md"
	HTMLFile     = "compare.html"
)

// Load reads back what [Write] wrote. Evidence is in the two runs, and is not read.
func Load(dir string) (*Comparison, error) {
	path := filepath.Join(dir, JSONFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a comparison: %w", err)
	}
	c := new(Comparison)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if c.Schema > report.Schema {
		return nil, fmt.Errorf("read %s: its schema is %d and this ringproof reads up to %d; use the ringproof that wrote it, or a newer one", path, c.Schema, report.Schema)
	}
	return c, nil
}

// Write writes c into dir in every format. runs are the two first rounds, for the timelines.
func Write(dir string, c *Comparison, runs []*report.Run) error {
	var errs []error
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{JSONFile, c.writeJSON},
		{MarkdownFile, c.writeMarkdown},
		{report.ReplyFile, c.WriteReply},
		{HTMLFile, func(w io.Writer) error { return c.writeHTML(w, runs) }},
	} {
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			errs = append(errs, fmt.Errorf("write %s: %w", f.name, err))
		} else if err := os.WriteFile(filepath.Join(dir, f.name), b.Bytes(), 0o644); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (c *Comparison) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(c)
}
