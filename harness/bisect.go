// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/bisect"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

// BisectSpec is a search for the patch that breaks a program.
type BisectSpec struct {
	Kernel images.Spec // with the series that is bad
	// Good is a series on which the program passes, such as the revision before; "" is none.
	Good string
	// Enable is the number of the patch that makes visible what the program needs; 0 finds out.
	Enable  int
	Guest   GuestSpec
	Program *cases.Program
	// Repeat is how often the program runs at each step: it is bad if it fails once.
	Repeat int
	// Dir gets a report for each step.
	Dir      string
	Version  string
	Progress func(Progress)
	Step     func(s *BisectStep) // may be nil
}

// Bisected is what a search came to: bisect.json is this structure.
type Bisected struct {
	Schema  int            `json:"schema"`
	Tool    report.Tool    `json:"tool"`
	Started time.Time      `json:"started"`
	Took    float64        `json:"took_seconds"`
	Command []string       `json:"command"`
	Series  string         `json:"series"`
	Good    string         `json:"good,omitempty"`
	Profile string         `json:"profile"`
	Flavour string         `json:"flavour"`
	Program string         `json:"program"`
	Text    string         `json:"text"`
	Patches []report.Patch `json:"patches"`
	// Class is how the program fails with the whole series, see report.Classify. Only that counts as bad.
	Class  string         `json:"class,omitempty"`
	Steps  []BisectStep   `json:"steps"`
	Result *bisect.Result `json:"result,omitempty"` // nil where the search was ended early
}

// BisectStep is one kernel that was tested, or could not be.
type BisectStep struct {
	// Patches is how many of the series' patches it has, from the first on.
	Patches int `json:"patches"`
	// On says what it has besides; "" is nothing.
	On      string         `json:"on,omitempty"`
	Verdict bisect.Verdict `json:"verdict"`
	Status  judge.Status   `json:"status,omitempty"` // "" where there is no kernel
	Class   string         `json:"class,omitempty"`
	Why     string         `json:"why,omitempty"`
	Failed  int            `json:"failed"` // of Tried
	Tried   int            `json:"tried"`
	Build   float64        `json:"build_seconds"` // 0 for one that was there
	Dir     string         `json:"dir,omitempty"` // of its report
}

// Bisect looks for the patch of a series that breaks a program. What it came to is nil only if
// nothing could begin; otherwise it holds every step that was made, whatever the error.
//
// A series shows what it adds with its last patch as a rule, so a series that is cut earlier lacks
// what the program needs and tells nothing. With a good series each step has the first patches
// of the bad one, and what follows them of the good one. Without, the patch that makes the feature visible is put on
// top of what is before it, as far as it applies and builds there.
func Bisect(ctx context.Context, spec BisectSpec) (*Bisected, error) {
	b := &bisecting{spec: &spec}
	if err := b.load(ctx); err != nil {
		return nil, err
	}
	id, err := BuildID()
	if err != nil {
		return nil, err
	}
	out := &b.out
	out.Schema, out.Started, out.Command = report.Schema, time.Now(), os.Args
	out.Tool = report.Tool{Version: spec.Version, BuildID: id}
	out.Series, out.Good, out.Profile, out.Flavour = spec.Kernel.Series, spec.Good, spec.Guest.Profile, spec.Kernel.Flavour
	out.Program, out.Text = spec.Program.Name, spec.Program.Text()
	for _, p := range b.bad.Patches {
		out.Patches = append(out.Patches, report.Patch{Name: p.Name, Subject: p.Subject, SHA256: p.SHA256})
	}
	out.Result, err = bisect.Search(len(b.bad.Patches), func(k int) (bisect.Verdict, error) { return b.test(ctx, k) })
	out.Took = time.Since(out.Started).Seconds()
	return out, err
}

// bisecting is a search in the making.
type bisecting struct {
	spec      *BisectSpec
	bad, good *images.Series // good is nil where there is none
	enable    int
	// lacks is the most patches with which what the program needs was not there.
	lacks int
	out   Bisected
}

func (b *bisecting) load(ctx context.Context) (err error) {
	if b.bad, err = b.spec.Kernel.LoadSeries(ctx); err != nil {
		return err
	}
	n := len(b.bad.Patches)
	switch {
	case n == 0:
		return &UsageError{fmt.Errorf("series %s has no patches to choose from", b.spec.Kernel.Series)}
	case b.spec.Enable < 0 || b.spec.Enable > n:
		return &UsageError{fmt.Errorf("patch %d cannot enable anything: the series has patches 1 to %d", b.spec.Enable, n)}
	case b.spec.Enable > 0 && b.spec.Good != "":
		return &UsageError{errors.New("with a good series everything is enabled by its own last patches: give one of the two")}
	}
	b.enable, b.lacks = b.spec.Enable, -1
	if b.enable > 0 {
		b.lacks = b.enable - 1
	}
	if b.spec.Good != "" {
		b.good, err = images.LoadSeries(b.spec.Good)
	}
	return err
}

// test answers for the first k patches.
func (b *bisecting) test(ctx context.Context, k int) (bisect.Verdict, error) {
	n := len(b.bad.Patches)
	if b.good != nil {
		rest := counterpart(b.bad.Patches, b.good.Patches, k)
		on := fmt.Sprintf("%s from patch %d on", b.spec.Good, rest+1)
		if rest == len(b.good.Patches) {
			on = ""
		}
		return b.step(ctx, k, on, slices.Concat(b.bad.Patches[:k], b.good.Patches[rest:]))
	}
	if k > b.lacks {
		v, err := b.step(ctx, k, "", b.bad.Patches[:k])
		if err != nil || b.out.Steps[len(b.out.Steps)-1].Status != judge.Skip {
			return v, err
		}
		if b.lacks = max(b.lacks, k); b.enable == 0 && k == n-1 {
			b.enable = n
		}
		if k == 0 || b.enable == 0 {
			return v, nil
		}
	}
	if b.enable == 0 || k >= b.enable-1 || k == 0 {
		return bisect.Skip, nil
	}
	return b.step(ctx, k, fmt.Sprintf("patch %d", b.enable), append(slices.Clone(b.bad.Patches[:k]), b.bad.Patches[b.enable-1]))
}

// counterpart returns how many patches of good stand for the first k of bad: up to that with the subject of
// the last of them that good has as well. Without any, it goes by number.
func counterpart(bad, good []images.Patch, k int) int {
	if k == len(bad) {
		return len(good)
	}
	shared := false
	for i := range bad {
		at := slices.IndexFunc(good, func(p images.Patch) bool { return p.Subject != "" && p.Subject == bad[i].Subject })
		shared = shared || at >= 0
	}
	if !shared {
		return min(k, len(good))
	}
	for i := k - 1; i >= 0; i-- {
		if at := slices.IndexFunc(good, func(p images.Patch) bool { return p.Subject != "" && p.Subject == bad[i].Subject }); at >= 0 {
			return at + 1
		}
	}
	return 0
}

// step builds and tests one kernel. An error means that the search cannot go on.
func (b *bisecting) step(ctx context.Context, k int, on string, patches []images.Patch) (bisect.Verdict, error) {
	s := BisectStep{Patches: k, On: on, Verdict: bisect.Skip}
	err := b.run(ctx, &s, patches)
	var apply *images.ApplyError
	switch {
	case errors.As(err, &apply) && !apply.Refused, isA[*images.BuildError](err):
		s.Why, err = firstLines(err.Error(), 2), nil
		if k == len(b.bad.Patches) && len(b.out.Steps) == 0 {
			return "", &UsageError{fmt.Errorf("the whole series cannot be tested: %s", s.Why)}
		}
	case err != nil:
		return "", err
	}
	b.out.Steps = append(b.out.Steps, s)
	if b.spec.Step != nil {
		b.spec.Step(&s)
	}
	if whole := k == len(b.bad.Patches); whole && s.Verdict == bisect.Skip || s.Status == judge.Infra {
		return "", b.saysNothing(&s)
	}
	return s.Verdict, nil
}

// saysNothing is why a search cannot go on without an answer to this step.
func (b *bisecting) saysNothing(s *BisectStep) error {
	if s.Status == judge.Skip {
		return &UsageError{fmt.Errorf("the program is skipped with the whole series: %s", s.Why)}
	}
	return &images.InfraError{Op: fmt.Sprintf("run %s with %d patches", b.spec.Program.Name, s.Patches), Err: fmt.Errorf("%s: %s", s.Status, s.Why)}
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], " ")
}

func (b *bisecting) run(ctx context.Context, s *BisectStep, patches []images.Patch) error {
	kernel := b.spec.Kernel
	var err error
	if kernel.Composed, err = images.Compose(fmt.Sprintf("%s[%d]", b.spec.Kernel.Series, s.Patches), patches); err != nil {
		return err
	}
	name := fmt.Sprintf("step-%d", len(b.out.Steps)+1)
	dir := filepath.Join(b.spec.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &images.InfraError{Op: "make a directory for a step's report", Err: err}
	}
	host, err := Open(ctx, kernel, b.spec.Guest, dir, b.spec.Progress)
	if err != nil {
		os.RemoveAll(dir)
		return err
	}
	defer host.Close()
	if !host.Kernel.Cached {
		s.Build = host.Kernel.Provenance.Duration
	}
	x := newExplainer(ctx, host, kernel)
	defer x.close()
	run, err := host.test(ctx, TestSpec{
		Kernel: kernel, Guest: b.spec.Guest, Programs: []*cases.Program{b.spec.Program}, Repeat: b.spec.Repeat,
		Dir: dir, Version: b.spec.Version,
	}, x, time.Now())
	if err != nil {
		return err
	}
	s.Dir = name
	b.judged(s, run)
	return report.Write(dir, run)
}

// judged takes a step's verdict from its run. The first step, with the whole series, says which failure is
// looked for: another one says nothing of it.
func (b *bisecting) judged(s *BisectStep, run *report.Run) {
	c := &run.Cases[len(run.Cases)-1]
	if i := slices.IndexFunc(run.Cases, func(c report.Case) bool { return c.Name == bootCase && c.Program == nil }); i >= 0 {
		c = &run.Cases[i]
	}
	s.Status, s.Why = c.Verdict.Status, c.Verdict.Reason
	for i := range c.Tries {
		switch t := &c.Tries[i]; {
		case t.Failed():
			s.Failed++
			s.Tried++
		case t.Status == judge.Pass:
			s.Tried++
		}
	}
	if s.Failed > 0 {
		s.Class = c.Tries[slices.IndexFunc(c.Tries, func(t report.Try) bool { return t.Failed() })].Class
		if s.Why == "" && len(c.Verdict.Violations) > 0 {
			s.Why = c.Verdict.Violations[0].Text
		}
	}
	whole := s.Patches == len(b.bad.Patches)
	if whole {
		b.out.Class = s.Class
	}
	switch {
	case s.Failed > 0 && (whole || s.Class == b.out.Class):
		s.Verdict = bisect.Bad
	case s.Failed > 0:
		s.Why = "it fails in another way: " + s.Why
	case s.Status == judge.Pass:
		s.Verdict = bisect.Good
	}
}
