// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/judge"
	results "github.com/ringproof/ringproof/harness/report"
)

// plainEvery is how often a long stage says something where no terminal shows a bar.
const plainEvery = 20 * time.Second

// progress shows what long work is doing: a bar on a terminal, plain lines elsewhere.
type progress struct {
	w     io.Writer // where lines go: out, or above the bar
	out   io.Writer
	bars  *mpb.Progress // nil where w is no terminal
	bar   *mpb.Bar
	stage string
	said  time.Time
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, out: w}
	if isTerminal(w) {
		p.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))
		p.w = p.bars // lines go above the bar
	}
	return p
}

func (p *progress) close() {
	p.endBar()
	if p.bars != nil {
		p.bars.Wait()
		p.bars = nil
		p.w = p.out
	}
}

func (p *progress) endBar() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bar.Wait()
		p.bar = nil
	}
}

// event takes a report of progress from the harness.
func (p *progress) event(e harness.Progress) {
	changed := e.Stage != p.stage
	if changed {
		p.endBar()
		p.stage = e.Stage
	}
	if e.Total == 0 {
		if e.Text != "" {
			fmt.Fprintf(p.w, "%-9s %s\n", e.Stage, e.Text)
		}
		return
	}
	if p.bars != nil {
		if p.bar == nil {
			p.bar = p.bars.AddBar(int64(e.Total),
				mpb.PrependDecorators(decor.Name(e.Stage, decor.WC{C: decor.DindentRight, W: 10})),
				mpb.AppendDecorators(decor.CountersNoUnit("%d/%d "), decor.Elapsed(decor.ET_STYLE_GO)),
				mpb.BarRemoveOnComplete())
		}
		p.bar.SetTotal(int64(max(e.Total, e.Done+1)), false)
		p.bar.SetCurrent(int64(e.Done))
		return
	}
	if changed || time.Since(p.said) > plainEvery {
		p.said = time.Now()
		fmt.Fprintf(p.w, "%-9s %d/%d  %s  %s\n", e.Stage, e.Done, e.Total, e.Elapsed.Round(time.Second), e.Text)
	}
}

// verdict takes a finished case. Only what did not pass is worth a line
// while the run goes on; the text report follows at the end.
func (p *progress) verdict(c results.Case, done, total int) {
	if c.Verdict.Status != judge.Pass && c.Verdict.Status != judge.Skip {
		line := fmt.Sprintf("%-12s %s: %s", c.Verdict.Status, c.Name, firstLine(c.Verdict.Reason))
		if text := c.TriesText(); len(c.Tries) > 1 {
			line += " (" + text + ")"
		}
		fmt.Fprintln(p.w, line)
	}
	p.event(harness.Progress{Stage: "test", Done: done, Total: total, Text: c.Name})
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
