// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ringproof/ringproof/harness/judge"
)

// Names of the files that [Write] makes in a campaign's directory.
const (
	ResultsFile = "fuzz.json"
	SummaryFile = "fuzz.md"
)

// Write writes a campaign's result into dir, for machines and for people.
func Write(dir string, r *Result) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("write %s: %w", ResultsFile, err)
	}
	return writeBoth(dir, ResultsFile, append(b, '\n'), SummaryFile, r.markdown())
}

func writeBoth(dir, results string, data []byte, summary string, text []byte) error {
	for _, f := range []struct {
		name string
		text []byte
	}{{results, data}, {summary, text}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path+".part", f.text, 0o644); err != nil {
			return fmt.Errorf("write the campaign's result: %w; choose another directory with --out", err)
		}
		if err := os.Rename(path+".part", path); err != nil {
			return fmt.Errorf("write the campaign's result: %w", err)
		}
	}
	return nil
}

// Line is the finding in one line.
func (f *Finding) Line() string {
	if !f.Confirmed {
		return fmt.Sprintf("%s: seen %d times, but by no program alone: %s", f.Class, f.Seen, firstLine(f.Why))
	}
	e := &f.Examples[0]
	size := fmt.Sprintf("%d SQEs", e.SQEs)
	if e.SmallTried > 0 {
		size = fmt.Sprintf("%d SQEs, minimised %d", e.SQEs, e.SmallSQEs)
	}
	return fmt.Sprintf("%s: %s (%s, %s)", f.Class, firstLine(f.Why), e.Score(), size)
}

// Complaints counts the findings that are complaints of the kernel which no
// program made it repeat: it made them all the same.
func (r *Result) Complaints() (n int) {
	for _, f := range r.Findings {
		if !f.Confirmed && f.Status == judge.Crash {
			n++
		}
	}
	return n
}

// curveRows is how many rows the printed curve has, about.
const curveRows = 12

// rows are the curve's points that are printed: the first, the last and some between.
func (r *Result) rows() (rows [][]string) {
	rows = append(rows, []string{"seconds", "executions", "edges", "PCs", "io_uring.c blocks", "corpus", "findings"})
	step := max(1, (len(r.Curve)+curveRows-1)/curveRows)
	for i := range r.Curve {
		if i%step == 0 || i == len(r.Curve)-1 {
			p := &r.Curve[i]
			rows = append(rows, []string{fmt.Sprintf("%.0f", p.Seconds), fmt.Sprint(p.Executions), fmt.Sprint(p.Edges), fmt.Sprint(p.PCs),
				fmt.Sprint(p.Blocks), fmt.Sprint(p.CorpusSize), fmt.Sprint(p.Found)})
		}
	}
	return rows
}

// facts are the result's figures, a line each.
func (r *Result) facts() []string {
	lines := []string{
		fmt.Sprintf("%d executions in %v by %d guests, %.0f/s, %d judged (%s); %d asked again", r.Executions, seconds(r.Seconds), r.Jobs, r.Rate(),
			r.Judged, r.Counts.String(), r.AskedAgain),
	}
	if r.PCs > 0 {
		line := fmt.Sprintf("%d stable edges, %d kernel PCs", r.Edges, r.PCs)
		if r.TotalBlocks > 0 {
			line += fmt.Sprintf(", %d of %d blocks of io_uring/io_uring.c", r.Blocks, r.TotalBlocks)
		}
		if r.Blind {
			line += " (measured, but not followed)"
		}
		lines = append(lines, line)
	}
	lines = append(lines,
		fmt.Sprintf("corpus: %d loaded, %d at the end; %s", r.Loaded, r.CorpusSize, r.corpusText()),
		fmt.Sprintf("guests: %d restored, %d booted, %d replaced after a crash, a hang or trouble; %d runs of suspects and of the minimiser",
			r.Restores, r.Boots, r.Restarts, r.Inquiries))
	return lines
}

func (r *Result) corpusText() string {
	switch {
	case r.Corpus == "":
		return "not kept"
	case r.Earlier.Campaigns > 0:
		return fmt.Sprintf("%d campaigns before, %d executions in %v", r.Earlier.Campaigns, r.Earlier.Executions, seconds(r.Earlier.Seconds))
	}
	return "the first campaign on it"
}

// Print writes the result for a terminal.
func (r *Result) Print(w io.Writer) {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	for _, row := range r.rows() {
		fmt.Fprintln(t, strings.Join(row, "\t")+"\t")
	}
	t.Flush()
	fmt.Fprintln(w)
	for _, line := range r.facts() {
		fmt.Fprintln(w, line)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-12s %s\n", f.word(), f.Line())
		for _, e := range f.Examples {
			fmt.Fprintf(w, "%-12s %s\n", "", e.Dir)
		}
	}
	fmt.Fprintf(w, "%d findings, %d not seen again\n", r.Found, r.Unconfirmed)
}

func (f *Finding) word() string {
	if f.Confirmed {
		return "finding"
	}
	return "seen once"
}

func (r *Result) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# ringproof fuzz: %d findings\n\nLinux %s, series **%s**, profile %s, flavour %s, %s.\n", r.Found, cell(r.Kernel.Version),
		cell(r.Kernel.Series), cell(r.Kernel.Profile), r.Kernel.Flavour, r.Accel)
	if r.Partial {
		b.WriteString("\n> **Partial:** this campaign was interrupted.\n")
	}
	b.WriteString("\n")
	for _, line := range r.facts() {
		fmt.Fprintf(&b, "- %s\n", cell(line))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n> **Note:** %s\n", cell(n))
	}
	if len(r.Findings) > 0 {
		b.WriteString("\n| class | what | k of n | seen | after s | SQEs | C | folder |\n|---|---|---|---:|---:|---:|---|---|\n")
	}
	for _, f := range r.Findings {
		if !f.Confirmed {
			fmt.Fprintf(&b, "| %s | %s | by none alone | %d | %.0f | | | |\n", cell(f.Class), cell(firstLine(f.Why)), f.Seen, f.Seconds)
		}
		for i := range f.Examples {
			e := &f.Examples[i]
			c := "no"
			if e.C {
				c = "yes"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %.0f | %d | %s | %s |\n", cell(f.Class), cell(firstLine(f.Why)), e.Score(), f.Seen, f.Seconds,
				e.SmallSQEs, c, cell(e.Dir))
		}
	}
	b.WriteString("\n")
	table(&b, r.rows())
	return b.Bytes()
}

// table writes rows as a Markdown table of numbers, the first as its head.
func table(w io.Writer, rows [][]string) {
	for i, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(w, "|%s\n", strings.Join(slices.Repeat([]string{"---:|"}, len(row)), ""))
		}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// cell makes text fit into a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", "`", "'").Replace(s)
}
