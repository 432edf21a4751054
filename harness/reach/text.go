// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Summary is the report in one line.
func (r *Report) Summary() string {
	s := fmt.Sprintf("%s %d%% of blocks", path.Base(main), r.file(main).Percent())
	if len(r.Patches) > 0 {
		s += fmt.Sprintf(", series lines %d of %d, %d never reached", r.Series.Reached, r.Series.Total, len(r.Never))
	}
	return s
}

// JSON writes the report as data.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// writer keeps the first error.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.w, format, args...)
	}
}

// caveats are what the figures do not cover.
func (r *Report) caveats() []string {
	all := []string{
		"Not seen: what runs in interrupts (timers that expire) and in kworkers (the end of a ring). Lines that only they run count as never reached.",
	}
	for _, l := range r.Lacks {
		all = append(all, "Not seen: "+l+".")
	}
	if r.Full > 0 {
		all = append(all, fmt.Sprintf("Of %d programs a buffer was full: what they reached last may be missing.", r.Full))
	}
	if r.Unknown > r.all().Reached {
		all = append(all, fmt.Sprintf("%d places were reached that this kernel does not have: the coverage is another kernel's.", r.Unknown))
	}
	return all
}

// Markdown writes the report for people: what was never reached first.
func (r *Report) Markdown(w io.Writer) error {
	out := &writer{w: w}
	all := r.all()
	out.printf("# What %d programs reached\n\n%s; io_uring/ %d of %d blocks (%d%%).\n\n", r.Programs, r.Summary(), all.Reached, all.Total, all.Percent())
	for _, c := range r.caveats() {
		out.printf("%s\n", c)
	}
	if len(r.Patches) > 0 {
		out.printf("\n## Lines of the series that no program reached\n\n")
		out.never(r.Never)
		out.printf("\n## Patches\n\n| patch | lines with code | reached |\n|---|---:|---:|\n")
		for _, p := range r.Patches {
			out.printf("| [%s](%s) | %d | %d |\n", p.Name, AnnotatedName(p.Name), p.Code.Total, p.Code.Reached)
		}
		out.printf("\n## Functions that the series touches\n\n")
		out.functions(r.Functions, true)
	}
	out.printf("\n## Files\n\n| file | blocks | reached | |\n|---|---:|---:|---:|\n")
	for _, f := range r.Files {
		out.printf("| %s | %d | %d | %d%% |\n", f.Name, f.Blocks.Total, f.Blocks.Reached, f.Blocks.Percent())
	}
	out.printf("\n## All other functions\n\n")
	out.functions(r.Functions, false)
	return out.err
}

// never prints lines under the functions that they are in.
func (w *writer) never(lines []Line) {
	if len(lines) == 0 {
		w.printf("None.\n")
		return
	}
	w.printf("```\n")
	for i, l := range lines {
		if i == 0 || lines[i-1].Function != l.Function || lines[i-1].File != l.File {
			w.printf("%s: %s\n", l.File, l.Function)
		}
		w.printf("%6d %s\n", l.Line, strings.ReplaceAll(l.Text, "\t", "    "))
	}
	w.printf("```\n")
}

func (w *writer) functions(all []Function, series bool) {
	w.printf("| function | | blocks | reached | |\n|---|---|---:|---:|---:|\n")
	for _, f := range all {
		if f.Series == series {
			w.printf("| `%s` | %s:%d | %d | %d | %d%% |\n", f.Name, f.File, f.Line, f.Blocks.Total, f.Blocks.Reached, f.Blocks.Percent())
		}
	}
}

// Text writes what a terminal wants to see: the summary, the functions that the
// series touches and are not all reached, and the lines that no program reached.
func (r *Report) Text(w io.Writer) error {
	out := &writer{w: w}
	out.printf("coverage of %d programs: %s\n", r.Programs, r.Summary())
	for _, f := range r.Functions {
		if f.Series && f.Blocks.Reached < f.Blocks.Total {
			out.printf("  %-32s %3d of %3d blocks\n", f.Name, f.Blocks.Reached, f.Blocks.Total)
		}
	}
	for _, l := range r.Never {
		out.printf("  ! %s:%d %s\n", l.File, l.Line, strings.TrimSpace(l.Text))
	}
	for _, c := range r.caveats() {
		out.printf("  %s\n", c)
	}
	return out.err
}

// AnnotatedName is the name of the file with a patch's annotated lines.
func AnnotatedName(patch string) string {
	return strings.TrimSuffix(path.Base(patch), ".patch") + ".reached"
}

// around is how many lines are shown around those that a patch wrote.
const around = 3

var marks = map[State]byte{Reached: '+', Never: '!', NoCode: ' '}

// Annotated writes the lines that a patch added, as they stand in the final sources with
// some of what is around them. A line of the patch begins with + if it was reached, with ! if it
// never was, and with a blank if it has no code; all others with a dot.
func (m *Map) Annotated(w io.Writer, p *Patch) error {
	out := &writer{w: w}
	out.printf("%s: %d of %d lines with code reached\n", p.Name, p.Code.Reached, p.Code.Total)
	out.printf("+ reached   ! never reached   (blank) no code   . not of this patch\n")
	for from := 0; from < len(p.Lines); {
		to := from + 1
		for to < len(p.Lines) && p.Lines[to].File == p.Lines[from].File && p.Lines[to].Line-p.Lines[to-1].Line <= 2*around {
			to++
		}
		m.annotatedRun(out, p.Lines[from:to])
		from = to
	}
	return out.err
}

func (m *Map) annotatedRun(out *writer, lines []Line) {
	file, first, last := lines[0].File, lines[0].Line, lines[len(lines)-1].Line
	title := ""
	if i := slices.IndexFunc(lines, func(l Line) bool { return l.Function != "" }); i >= 0 {
		title = " " + lines[i].Function
	}
	out.printf("\n@@ %s:%d%s\n", file, first, title)
	next := 0
	start := max(first-around, 1)
	for i, text := range m.source.Lines(file, start, last+around) {
		mark := byte('.')
		if next < len(lines) && lines[next].Line == start+i {
			mark = marks[lines[next].State]
			next++
		}
		out.printf("%c %5d %s\n", mark, start+i, text)
	}
}
