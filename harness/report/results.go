// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/answers"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/stuck"
	"github.com/ringproof/ringproof/vm/wire"
)

// The structures here are results.json as docs/reports.md documents it: the
// names in them are a promise, whatever the Go structures behind are called.
// Events, data and coverage are in each case's evidence.json.

// bareRun is Run without its methods.
type bareRun Run

// resultsJSON is the file; its fields take the place of Run's of the same name.
type resultsJSON struct {
	bareRun
	Counts  Counts           `json:"counts"`
	Exit    int              `json:"exit_status"`
	Guest   guestJSON        `json:"guest"`
	Answers []answers.Answer `json:"answers,omitempty"`
	// Findings are worked out from the cases, and are for readers only.
	Findings []Finding  `json:"findings,omitempty"`
	Cases    []caseJSON `json:"cases"`
}

type guestJSON struct {
	Guest
	Info *guestInfoJSON `json:"info,omitempty"`
}

type guestInfoJSON struct {
	Release   string   `json:"release"`
	Version   string   `json:"version"`
	CPUs      int      `json:"cpus"`
	MemMB     int      `json:"mem_mb"`
	Features  uint32   `json:"features"`
	Groups    bool     `json:"groups"`
	GroupsWhy string   `json:"groups_why"`
	NopInject bool     `json:"nop_inject"`
	Ops       []int    `json:"ops"`
	Probes    []string `json:"probes"`
	Missing   []string `json:"missing,omitempty"`
	Noise     []string `json:"noise,omitempty"`
	Silent    []string `json:"noise_missing,omitempty"`
	Boot      int64    `json:"boot_ns"`
	Ready     int64    `json:"ready_ns"`
}

type caseJSON struct {
	Name     string         `json:"name"`
	Dir      string         `json:"dir"`
	Text     string         `json:"text"`
	Verdict  verdictJSON    `json:"verdict"`
	Outcome  *outcomeJSON   `json:"outcome,omitempty"`
	Crashes  []crash.Report `json:"crashes,omitempty"`
	Stuck    *stuck.Hang    `json:"stuck,omitempty"`
	Attempts int            `json:"attempts"` // len(Tries), for readers
	Noise    uint64         `json:"noise,omitempty,string"`
	Tries    []Try          `json:"tries,omitempty"`
	Also     []caseJSON     `json:"also,omitempty"`
	Seconds  float64        `json:"seconds"`
}

type verdictJSON struct {
	Status     judge.Status    `json:"status"`
	Reason     string          `json:"reason,omitempty"`
	Violations []violationJSON `json:"violations,omitempty"`
	Userspace  *userspaceJSON  `json:"userspace,omitempty"`
	Workers    judge.Workers   `json:"workers,omitempty"`
	Unchecked  []uncheckedJSON `json:"unchecked,omitempty"`
	Checked    map[string]int  `json:"checked,omitempty"`
}

type violationJSON struct {
	Rule   string `json:"rule"`
	Text   string `json:"text"`
	SQEs   []int  `json:"sqes,omitempty"`
	Events []int  `json:"events,omitempty"`
	CQEs   []int  `json:"cqes,omitempty"`
	Late   bool   `json:"late,omitempty"`
}

type userspaceJSON struct {
	violationJSON
	Steps bool `json:"steps,omitempty"`
}

type uncheckedJSON struct {
	Rule string `json:"rule"`
	Why  string `json:"why"`
}

type outcomeJSON struct {
	End       cases.End    `json:"end"`
	Error     string       `json:"error,omitempty"`
	Took      int64        `json:"took_ns"`
	Steps     []stepJSON   `json:"steps"`
	CQEs      []cqeJSON    `json:"cqes"`
	RingsGone []bool       `json:"rings_gone,omitempty"`
	Evidence  evidenceNums `json:"evidence"`
	Hang      *hangJSON    `json:"hang,omitempty"`
	Console   []string     `json:"console,omitempty"`
}

type evidenceNums struct {
	Events uint64 `json:"events"`
	Lost   uint64 `json:"lost"`
	Missed uint64 `json:"missed"`
	Probes bool   `json:"probes"`
}

type stepJSON struct {
	Ret   int64 `json:"ret"`
	Errno int32 `json:"errno"`
	Took  int64 `json:"took_ns"`
	// Pending: it had not returned when the program ended, a later one had.
	Pending bool `json:"pending,omitempty"`
}

type cqeJSON struct {
	Ring     int    `json:"ring"`
	UserData uint64 `json:"user_data"`
	Res      int32  `json:"res"`
	Flags    uint32 `json:"flags"`
	Step     int    `json:"step"`
}

type hangJSON struct {
	Step   int               `json:"step"`
	Stacks []stackJSON       `json:"stacks"`
	FDInfo map[string]string `json:"fdinfo,omitempty"`
	SysRq  []string          `json:"sysrq,omitempty"`
}

type stackJSON struct {
	PID   int      `json:"pid"`
	Comm  string   `json:"comm"`
	State string   `json:"state"`
	Stack []string `json:"stack"`
}

// MarshalJSON gives the form of results.json: all of r but events, data and coverage.
func (r Run) MarshalJSON() ([]byte, error) {
	out := resultsJSON{
		bareRun: bareRun(r), Answers: r.answers(), Counts: r.Counts(), Exit: ExitCode(&r),
		Guest:    guestJSON{Guest: r.Guest, Info: infoToJSON(r.Guest.Info)},
		Findings: r.Findings(), Cases: make([]caseJSON, len(r.Cases)),
	}
	for i, dir := range caseDirs(r.Cases) {
		out.Cases[i] = caseToJSON(&r.Cases[i], dir)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads the form of results.json. The programs are parsed again.
func (r *Run) UnmarshalJSON(b []byte) error {
	var in resultsJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*r = Run(in.bareRun)
	r.Answers = in.Answers
	r.Guest = in.Guest.Guest
	r.Guest.Info = infoFromJSON(in.Guest.Info)
	r.Cases = make([]Case, len(in.Cases))
	for i := range in.Cases {
		r.Cases[i] = caseFromJSON(&in.Cases[i], r.profile())
	}
	return nil
}

func writeResults(w io.Writer, r *Run) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}

func caseToJSON(c *Case, dir string) caseJSON {
	v := &c.Verdict
	out := caseJSON{
		Name: c.Name, Dir: dir, Text: c.Text, Noise: c.Noise, Attempts: len(c.Tries), Seconds: c.Seconds,
		Crashes: c.Crashes, Stuck: c.Stuck,
		Verdict: verdictJSON{Status: v.Status, Reason: v.Reason, Workers: v.Workers, Checked: v.Checked},
	}
	for _, x := range v.Violations {
		out.Verdict.Violations = append(out.Verdict.Violations, violationJSON(x))
	}
	if u := v.Userspace; u != nil {
		out.Verdict.Userspace = &userspaceJSON{violationJSON(u.Violation), u.Steps}
	}
	for _, x := range v.Unchecked {
		out.Verdict.Unchecked = append(out.Verdict.Unchecked, uncheckedJSON(x))
	}
	if c.Outcome != nil {
		out.Outcome = outcomeToJSON(c.Outcome)
	}
	if len(c.Tries) > 1 || isFailed(v.Status) {
		out.Tries = c.Tries
	}
	for k := range c.Also {
		out.Also = append(out.Also, caseToJSON(&c.Also[k], alsoDir(dir, k)))
	}
	return out
}

func caseFromJSON(in *caseJSON, profile *cases.Profile) Case {
	c := Case{
		Name: in.Name, Text: in.Text, Noise: in.Noise, Tries: in.Tries, Seconds: in.Seconds, Crashes: in.Crashes, Stuck: in.Stuck,
		Verdict: judge.Verdict{Status: in.Verdict.Status, Reason: in.Verdict.Reason, Workers: in.Verdict.Workers, Checked: in.Verdict.Checked},
	}
	for _, x := range in.Verdict.Violations {
		c.Verdict.Violations = append(c.Verdict.Violations, judge.Violation(x))
	}
	if u := in.Verdict.Userspace; u != nil {
		c.Verdict.Userspace = &judge.Userspace{Violation: judge.Violation(u.violationJSON), Steps: u.Steps}
	}
	for _, x := range in.Verdict.Unchecked {
		c.Verdict.Unchecked = append(c.Verdict.Unchecked, judge.Unchecked(x))
	}
	if in.Outcome != nil {
		c.Outcome = outcomeFromJSON(in.Outcome)
	}
	c.Program = parseProgram(&c)
	if len(c.Tries) == 0 {
		c.Tries = []Try{NewTry(&c, profile)}
	}
	for k := range in.Also {
		c.Also = append(c.Also, caseFromJSON(&in.Also[k], profile))
	}
	return c
}

// parseProgram returns nil for a text that does not parse, such as one of a
// newer ringproof: the report is then rendered from the events alone.
func parseProgram(c *Case) *cases.Program {
	p, err := cases.Parse(c.Name+".ring", []byte(c.Text))
	if err != nil {
		return nil
	}
	return p
}

func outcomeToJSON(o *cases.Outcome) *outcomeJSON {
	out := &outcomeJSON{
		End: o.End, Error: o.Error, Took: int64(o.Took), RingsGone: o.RingsGone,
		Evidence: evidenceNums(o.Evidence), Console: o.Console,
		Steps: make([]stepJSON, len(o.Steps)), CQEs: make([]cqeJSON, len(o.CQEs)),
	}
	for i, s := range o.Steps {
		out.Steps[i] = stepJSON{Ret: s.Ret, Errno: s.Errno, Took: int64(s.Took), Pending: s.Pending}
	}
	for i, q := range o.CQEs {
		out.CQEs[i] = cqeJSON(q)
	}
	if h := o.Hang; h != nil {
		out.Hang = &hangJSON{Step: h.Step, FDInfo: h.FDInfo, SysRq: h.SysRq, Stacks: make([]stackJSON, len(h.Stacks))}
		for i, s := range h.Stacks {
			out.Hang.Stacks[i] = stackJSON(s)
		}
	}
	return out
}

func outcomeFromJSON(in *outcomeJSON) *cases.Outcome {
	o := &cases.Outcome{
		End: in.End, Error: in.Error, Took: time.Duration(in.Took), RingsGone: in.RingsGone,
		Evidence: cases.Evidence(in.Evidence), Console: in.Console,
	}
	for _, s := range in.Steps {
		o.Steps = append(o.Steps, cases.StepResult{Ret: s.Ret, Errno: s.Errno, Took: time.Duration(s.Took)})
	}
	for _, q := range in.CQEs {
		o.CQEs = append(o.CQEs, cases.CQE(q))
	}
	if h := in.Hang; h != nil {
		o.Hang = &cases.HangInfo{Step: h.Step, FDInfo: h.FDInfo, SysRq: h.SysRq}
		for _, s := range h.Stacks {
			o.Hang.Stacks = append(o.Hang.Stacks, cases.TaskStack(s))
		}
	}
	return o
}

func infoToJSON(g *wire.GuestInfo) *guestInfoJSON {
	if g == nil {
		return nil
	}
	ops := make([]int, len(g.Ops)) // not []uint8, which JSON would turn into base64
	for i, op := range g.Ops {
		ops[i] = int(op)
	}
	return &guestInfoJSON{
		Release: g.Release, Version: g.Version, CPUs: g.CPUs, MemMB: g.MemMB, Features: g.Features,
		Groups: g.Groups, GroupsWhy: g.GroupsWhy, NopInject: g.NopInject, Ops: ops,
		Probes: g.Probes, Missing: g.Missing, Noise: g.Noise, Silent: g.Silent, Boot: int64(g.Boot), Ready: int64(g.Ready),
	}
}

func infoFromJSON(g *guestInfoJSON) *wire.GuestInfo {
	if g == nil {
		return nil
	}
	var ops []uint8
	for _, op := range g.Ops {
		ops = append(ops, uint8(op))
	}
	return &wire.GuestInfo{
		Release: g.Release, Version: g.Version, CPUs: g.CPUs, MemMB: g.MemMB, Features: g.Features,
		Groups: g.Groups, GroupsWhy: g.GroupsWhy, NopInject: g.NopInject, Ops: ops,
		Probes: g.Probes, Missing: g.Missing, Noise: g.Noise, Silent: g.Silent, Boot: time.Duration(g.Boot), Ready: time.Duration(g.Ready),
	}
}
