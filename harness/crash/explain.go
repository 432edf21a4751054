// SPDX-License-Identifier: Apache-2.0

package crash

// Source is the tree that a kernel was built from, its series applied.
type Source interface {
	// WrittenBy names the patch that wrote a line, "" where none did.
	WrittenBy(file string, line int) string
	// Lines returns lines first to last of a file, as far as there are such.
	Lines(file string, first, last int) []string
}

// Bounds on the source that is quoted: lines before and behind the one that
// matters, and quotations for each report.
const (
	around    = 4
	quotesMax = 8
)

// Explain finds the source of all frames of the reports, marks the lines that
// patches wrote, and quotes the lines that a reader wants to see first. Either
// of symbols and source may be nil: then what it would tell is left out.
func Explain(reports []Report, symbols *Symbolizer, source Source) {
	for i := range reports {
		quotes := 0
		for s := range reports[i].Stacks {
			st := &reports[i].Stacks[s]
			ExplainFrames(st.Frames, symbols, source)
			quotes += quote(st.Frames, source, quotesMax-quotes)
		}
	}
}

// ExplainFrames is Explain for the frames of one stack, without quotations.
func ExplainFrames(frames []Frame, symbols *Symbolizer, source Source) {
	if symbols == nil {
		return
	}
	for f := range frames {
		frames[f].Calls = symbols.Calls(&frames[f])
		if source == nil {
			continue
		}
		for c := range frames[f].Calls {
			call := &frames[f].Calls[c]
			call.Patch = source.WrittenBy(call.File, call.Line)
		}
	}
}

// quote adds the source of the place that a stack is about, and of the
// innermost line that a patch wrote. It returns how many quotations it made.
func quote(frames []Frame, source Source, most int) int {
	if source == nil {
		return 0
	}
	made := 0
	add := func(c *Call) {
		if made >= most || c.Source != nil || c.Line == 0 {
			return
		}
		first := max(c.Line-around, 1)
		if lines := source.Lines(c.File, first, c.Line+around); len(lines) > 0 {
			by := make([]string, len(lines))
			for i := range by {
				by[i] = source.WrittenBy(c.File, first+i)
			}
			c.Source = &Excerpt{First: first, Lines: lines, Patches: by}
			made++
		}
	}
	for f := range frames {
		if fr := &frames[f]; !fr.Guess && !fr.Machinery && len(fr.Calls) > 0 {
			add(&fr.Calls[0])
			break
		}
	}
	for f := range frames {
		for c := range frames[f].Calls {
			if call := &frames[f].Calls[c]; call.Patch != "" && !frames[f].Guess {
				add(call)
				return made
			}
		}
	}
	return made
}
