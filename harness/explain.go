// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"regexp"
	"sync"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/harness/stuck"
	"github.com/ringproof/ringproof/images"
)

// explainer finds out what crashes and hangs are about. It opens the kernel's
// symbols and source when the first case needs them, since most runs never do.
type explainer struct {
	ctx     context.Context
	store   *images.Store
	spec    images.Spec
	kernel  *images.Kernel
	profile *cases.Profile
	notice  func(string)

	mu      sync.Mutex
	opened  bool
	symbols *crash.Symbolizer // nil where they are not to be had
	tree    *images.Tree      // likewise
}

func newExplainer(ctx context.Context, host *Host, spec images.Spec) *explainer {
	return &explainer{ctx: ctx, store: host.store, spec: spec, kernel: host.Kernel, profile: host.Profile, notice: host.notice}
}

// close releases what was opened.
func (x *explainer) close() {
	if x.symbols != nil {
		x.symbols.Close()
	}
	if x.tree != nil {
		x.tree.Close()
	}
}

// open makes do without what is not there, and says so.
func (x *explainer) open() {
	if x.opened {
		return
	}
	x.opened = true
	var err error
	if x.symbols, err = crash.OpenSymbolizer(x.kernel.Vmlinux); err != nil {
		x.notice(fmt.Sprintf("stacks are without files and lines: %v", err))
		return
	}
	if x.tree, err = x.store.Tree(x.ctx, x.spec); err != nil {
		x.notice(fmt.Sprintf("stacks are without source lines, and do not tell patches: %v", err))
	}
}

// explain adds to a case that crashed or hung what the evidence says of it.
func (x *explainer) explain(c *report.Case) {
	if c.Outcome == nil || c.Verdict.Status != judge.Crash && c.Verdict.Status != judge.Hang {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.open()
	var source crash.Source
	if x.tree != nil {
		source = x.tree
	}
	c.Crashes = crash.Parse(c.Outcome.Console)
	if len(c.Crashes) == 0 && c.Verdict.Status == judge.Crash {
		c.Crashes = []crash.Report{crash.LastWords(c.Outcome.Console)}
	}
	crash.Explain(c.Crashes, x.symbols, source)
	noteTraps(x.kernel, c.Crashes)
	if c.Verdict.Status != judge.Hang {
		return
	}
	var st *model.Structure
	if c.Program != nil {
		st = model.Assemble(c.Program, x.profile)
	}
	c.Stuck = stuck.Find(c.Program, st, c.Outcome)
	for i := range c.Stuck.Tasks {
		crash.ExplainFrames(c.Stuck.Tasks[i].Frames, x.symbols, source)
	}
	if c.Program == nil {
		return
	}
	if s := c.Stuck.Summary(c.Program); s != "" {
		c.Verdict.Reason += "; " + s
	}
}

var (
	cpuBlock = regexp.MustCompile(`(?m)^CPU#(\d+)`)
	ripValue = regexp.MustCompile(`\bRIP=([0-9a-f]{16})\b`)
)

// whereCPUs takes out of a silent guest's registers, as QEMU prints them, what
// each CPU was executing. nil where there are none.
func whereCPUs(registers string) *cases.HangInfo {
	var h *cases.HangInfo
	at := cpuBlock.FindAllStringSubmatchIndex(registers, -1)
	for i, m := range at {
		end := len(registers)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		rip := ripValue.FindStringSubmatch(registers[m[1]:end])
		if rip == nil {
			continue
		}
		if h == nil {
			h = &cases.HangInfo{}
		}
		h.Stacks = append(h.Stacks, cases.TaskStack{
			Comm:  "CPU " + registers[m[2]:m[3]] + " of the silent guest was at",
			Stack: []string{"RIP=" + rip[1]},
		})
	}
	return h
}
