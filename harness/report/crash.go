// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/ringproof/ringproof/harness/crash"
)

// Bounds on what texts say of one report: stacks, and frames of each.
const (
	textStacks = 4
	textFrames = 24
)

// crashLines lays a report out as a bug report begins: the place with its
// source, then the stacks. Guesses and the machinery at the top are left out;
// they are in report.html and in the raw lines.
func crashLines(r *crash.Report) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if c := r.Blamed(); c != nil {
		add("at %s:%d in %s, written by %s", c.File, c.Line, c.Func, c.Patch)
		out = append(out, sourceLines(c)...)
	}
	if r.Note != "" {
		add("note: %s", r.Note)
	}
	for i := range r.Stacks {
		if i == textStacks {
			add("... %d more stacks", len(r.Stacks)-textStacks)
			break
		}
		s := &r.Stacks[i]
		title := s.Title
		if title == "" {
			title = "stack"
		}
		add("%s:", title)
		n, left := 0, 0
		for f := range s.Frames {
			fr := &s.Frames[f]
			if fr.Guess || fr.Machinery {
				continue
			}
			if n++; n > textFrames {
				left++
				continue
			}
			out = append(out, frameLines(fr)...)
		}
		if left > 0 {
			add("  ... %d more frames", left)
		}
	}
	if r.Cut {
		add("(the report is cut off)")
	}
	if r.Mixed {
		add("(another report was printed at the same time: a frame may be that one's)")
	}
	return out
}

// frameLines is one frame, one line for each function that it stands for.
func frameLines(f *crash.Frame) []string {
	if len(f.Calls) == 0 {
		return []string{"  " + frameName(f)}
	}
	var out []string
	for i := range f.Calls {
		c := &f.Calls[i]
		name := c.Func + " (inlined)"
		if i == len(f.Calls)-1 {
			name = frameName(f)
		}
		line := fmt.Sprintf("  %-36s %s:%d", name, c.File, c.Line)
		if c.Patch != "" {
			line += "  <- " + c.Patch
		}
		out = append(out, line)
	}
	return out
}

func frameName(f *crash.Frame) string {
	if f.Func == "" {
		return fmt.Sprintf("%#x", f.Address)
	}
	name := fmt.Sprintf("%s+%#x/%#x", f.Func, f.Offset, f.Size)
	if f.Module != "" {
		name += " [" + f.Module + "]"
	}
	return name
}

// sourceLines quotes a call's source; "+" is for lines of patches under test, ">" for the line.
func sourceLines(c *crash.Call) []string {
	if c.Source == nil {
		return nil
	}
	var out []string
	for i, l := range c.Source.Lines {
		at, by := " ", " "
		if c.Source.First+i == c.Line {
			at = ">"
		}
		if i < len(c.Source.Patches) && c.Source.Patches[i] != "" {
			by = "+"
		}
		out = append(out, fmt.Sprintf("  %s%s%5d  %s", at, by, c.Source.First+i, l))
	}
	return out
}

// pageCrash is a report, and how often there were reports of that title.
type pageCrash struct {
	*crash.Report
	Times int
}

// distinct returns the first report of each title.
func distinct(reports []crash.Report) []pageCrash {
	var out []pageCrash
	at := map[string]int{}
	for i := range reports {
		title := reports[i].Title
		if k, ok := at[title]; ok {
			out[k].Times++
			continue
		}
		at[title] = len(out)
		out = append(out, pageCrash{&reports[i], 1})
	}
	return out
}

func (c *pageCrash) heading() string {
	if c.Times > 1 {
		return fmt.Sprintf("%s (%d times; the first)", c.Title, c.Times)
	}
	return c.Title
}

// crashes prints what the kernel said.
func (t *textWriter) crashes(c *Case) {
	const most = 3
	all := distinct(c.Crashes)
	for i := range all[:min(len(all), most)] {
		t.block(plain(all[i].heading()), crashLines(all[i].Report), 80)
	}
	if len(all) > most {
		t.printf("  ... %d more reports\n", len(all)-most)
	}
}

// mdCrashes is a bug report for each complaint, its raw lines folded.
func mdCrashes(b *strings.Builder, c *Case) {
	for _, r := range distinct(c.Crashes) {
		fmt.Fprintf(b, "\n### %s\n\n", mdLine(r.heading()))
		if call := r.Blamed(); call != nil {
			fmt.Fprintf(b, "At `%s:%d` in `%s()`, a line of **%s**.\n\n", call.File, call.Line, call.Func, mdLine(call.Patch))
		}
		b.WriteString(mdFence(strings.Join(crashLines(r.Report), "\n")))
		b.WriteString("\n<details><summary>The kernel's words</summary>\n\n" + mdFence(strings.Join(r.Lines, "\n")) + "\n</details>\n")
	}
}
