// SPDX-License-Identifier: Apache-2.0

// Package ci is what a CI needs to know of a run: the cells of a matrix of
// series and flavours, the directory that a cell's results are in, and the
// table over all cells. It runs nothing.
package ci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/harness/report"
)

// Cell is one kernel of a matrix.
type Cell struct {
	// ID is unique in its matrix, and fit for the name of a file or an artifact.
	ID      string `json:"id"`
	Series  string `json:"series"` // as --series takes it
	Flavour string `json:"flavour"`
	// Profile is that of --profile; "" is the one named like the series.
	Profile string `json:"profile,omitempty"`
	Source  string `json:"source"` // as --source takes it
	// Key names the kernel's image by all that goes into it: for caches.
	Key string `json:"key"`
}

// Matrix has the shape that strategy.matrix of GitHub Actions takes by fromJSON.
type Matrix struct {
	Cells []Cell `json:"include"`
}

// Find returns the cell with that ID.
func (m *Matrix) Find(id string) (*Cell, error) {
	var ids []string
	for i := range m.Cells {
		if m.Cells[i].ID == id {
			return &m.Cells[i], nil
		}
		ids = append(ids, m.Cells[i].ID)
	}
	return nil, fmt.Errorf("the matrix has no cell %q: there is %s", id, strings.Join(ids, ", "))
}

// ParseCell reads a cell as [Matrix] writes it.
func ParseCell(text string) (*Cell, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	c := new(Cell)
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("read a cell of the matrix from %q: %w", text, err)
	}
	if c.ID != fit(c.ID) || c.Series == "" || c.Flavour == "" || c.Source == "" {
		return nil, fmt.Errorf("read a cell of the matrix from %q: give it as ringproof ci matrix printed it", text)
	}
	return c, nil
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func fit(s string) string { return strings.TrimLeft(unfit.ReplaceAllString(s, "-"), ".-") }

// Name gives the cell its ID, unlike those of the cells before it.
func (m *Matrix) Name(c *Cell) {
	base := fit(filepath.Base(c.Series) + "-" + c.Flavour)
	c.ID = base
	for n := 2; slices.ContainsFunc(m.Cells, func(o Cell) bool { return o.ID == c.ID }); n++ {
		c.ID = base + "-" + strconv.Itoa(n)
	}
}

// Result is what became of a cell, kept beside its report as cell.json.
type Result struct {
	Cell
	Exit int `json:"exit_status"`
	// Error says why the cell ended early, or could not be tested at all; "" if it did neither.
	Error  string        `json:"error,omitempty"`
	Counts report.Counts `json:"counts"`
}

const resultFile = "cell.json"

// Dir makes an empty directory for a cell below out. What an earlier run of
// the cell left there goes; anything else that is there is an error.
func Dir(out string, c *Cell) (string, error) {
	dir := filepath.Join(out, c.ID)
	old, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("make a directory for the cell: %w", err)
	}
	if len(old) > 0 {
		if _, err := os.Stat(filepath.Join(dir, resultFile)); err != nil {
			return "", fmt.Errorf("make a directory for the cell: %s holds files that are not a cell's; choose another with --out", dir)
		}
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("remove the results of an earlier run: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a directory for the cell: %w; choose another with --out", err)
	}
	return dir, (&Result{Cell: *c, Exit: report.ExitInconclusive, Error: "it was not finished"}).Write(dir)
}

// Write writes the result into its directory.
func (r *Result) Write(dir string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, resultFile), append(b, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the cell's result: %w", err)
	}
	return nil
}

// Results reads the results of all cells below dir, wherever an artifact was unpacked to.
func Results(dir string) ([]Result, error) {
	var all []Result
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != resultFile {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var r Result
		if err := json.Unmarshal(b, &r); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, r)
		return fs.SkipDir
	})
	if err != nil {
		return nil, fmt.Errorf("read the results of cells: %w", err)
	}
	slices.SortFunc(all, func(a, b Result) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// WriteTable writes a row of Markdown per cell.
func WriteTable(w io.Writer, all []Result) error {
	var b bytes.Buffer
	b.WriteString("| cell | passed | failed | skipped | no answer | |\n|---|---:|---:|---:|---:|---|\n")
	for i := range all {
		r, c := &all[i], &all[i].Counts
		word := map[int]string{report.ExitPassed: "passed", report.ExitInfra: "infrastructure", report.ExitInconclusive: "inconclusive"}[r.Exit]
		if word == "" {
			word = "**failed**"
		}
		if r.Error != "" {
			word += ": " + cell(r.Error)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %s |\n", cell(r.ID), c.Pass, c.Failed(), c.Skip, c.Infra+c.Inconclusive, word)
	}
	_, err := w.Write(b.Bytes())
	return err
}

const longestCell = 200

// cell makes one line of s that a table of Markdown shows as it is.
func cell(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > longestCell {
		s = strings.ToValidUTF8(s[:longestCell], "") + "…"
	}
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'", "@", "@\u200b").Replace(s)
}
