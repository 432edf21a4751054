// SPDX-License-Identifier: Apache-2.0

package matrix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Names of the files that [Write] makes in a run's directory.
const (
	ResultsFile = "mutants.json"
	SummaryFile = "mutants.md"
)

// document is what mutants.json holds.
type document struct {
	*Matrix
	Score string `json:"score"`
	Need  *Need  `json:"need,omitempty"`
}

// JSON returns the content of mutants.json.
func (m *Matrix) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(document{m, m.Score(), m.Need()}, "", " ")
	return append(b, '\n'), err
}

// Write writes the matrix into dir, for machines and for people.
func Write(dir string, m *Matrix) error {
	b, err := m.JSON()
	if err != nil {
		return fmt.Errorf("write %s: %w", ResultsFile, err)
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{ResultsFile, b}, {SummaryFile, m.markdown()}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path+".part", f.text, 0o644); err != nil {
			return fmt.Errorf("write the kill matrix: %w", err)
		}
		if err := os.Rename(path+".part", path); err != nil {
			return fmt.Errorf("write the kill matrix: %w", err)
		}
	}
	return nil
}

// markdown is the matrix as a table for a step summary or a mail.
func (m *Matrix) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# ringproof: %s\n\nSeries **%s**, profile %s, %d programs, %.0f s.\n", m.Score(), cell(m.Series), cell(m.Profile), len(m.Programs), m.Took)
	if m.Partial {
		b.WriteString("\n> **Partial:** this run was interrupted; mutants are missing.\n")
	}
	for _, n := range m.Notes {
		fmt.Fprintf(&b, "\n> **Note:** %s\n", cell(n))
	}
	if d := m.Defects(); len(d) > 0 {
		b.WriteString("\n## What needs a reader\n\n")
		for _, line := range d {
			fmt.Fprintf(&b, "- %s\n", cell(line))
		}
	}
	for _, u := range m.Unfit {
		fmt.Fprintf(&b, "- program %s does not pass on flavour %s without a mutant: %s %s\n", cell(u.Program), u.Flavour, u.Status, cell(firstLine(u.Reason)))
	}
	b.WriteString("\n| mutant | what | outcome | by | program | programs run | s |\n|---|---|---|---|---|---:|---:|\n")
	for i, s := range append(slices.Clone(statuses), Survived) {
		for _, r := range m.part(s, i == len(statuses)) {
			by, program := "", ""
			switch {
			case len(r.Kills) > 0:
				by, program = r.Kills[0].By(), programs(r.Kills)
			case len(r.Others) > 0:
				by, program = r.Others[0].By(), programs(r.Others)
			case r.Equivalent != "":
				by = "equivalent: " + r.Equivalent
			default:
				by = firstLine(r.Why)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | %.1f |\n", cell(r.Mutant), cell(r.What), r.Status, cell(by), cell(program), r.Ran, r.Seconds)
		}
	}
	if n := m.Need(); n != nil {
		fmt.Fprintf(&b, "\n%d of %d programs kill all that are killed, and these mutants need no other: %s\n",
			len(n.Enough), len(m.Programs), strings.Join(n.Enough, ", "))
		if m.All {
			fmt.Fprintf(&b, "\n%d programs kill none of these mutants, %d alone kill some.\n", len(n.Idle), len(n.Sole))
		}
	}
	return b.Bytes()
}

// cell makes text fit into a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", "`", "'").Replace(s)
}
