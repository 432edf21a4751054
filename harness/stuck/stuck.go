// SPDX-License-Identifier: Apache-2.0

// Package stuck works out of a program's evidence what hangs: which requests
// have not completed, how far the events say that each has come and what it
// waits for, and what the tasks around them are doing.
package stuck

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/harness/crash"
)

// State says how far a request has come.
type State string

const (
	// NotSubmitted: the kernel has not taken the SQE.
	NotSubmitted State = "not submitted"
	// Linked: submitted; it is not its turn before what is ahead of it in its chain has completed.
	Linked State = "linked behind another"
	// Deferred: held back by a drain.
	Deferred State = "deferred"
	// NeverIssued: submitted, and nothing it should wait for is left.
	NeverIssued State = "never issued"
	// Issuing: its issue handler has not returned.
	Issuing State = "being issued"
	// Issued: its handler returned, and the completion is to come from elsewhere.
	Issued State = "issued"
	// PollArmed: it waits for its file to become ready.
	PollArmed State = "poll-armed"
	// QueuedIOWQ: it was handed to io-wq, and no worker has begun with it.
	QueuedIOWQ State = "queued for io-wq"
	// InIOWQ: an io-wq worker runs it.
	InIOWQ State = "in io-wq"
	// TaskWork: its task work is queued and has not run.
	TaskWork State = "task work not run"
	// WaitsForMembers: a leader that is done with its own work.
	WaitsForMembers State = "waits for members"
	// Unposted: its work is done, and its CQE was not posted.
	Unposted State = "done, not posted"
	// NotFreed: it has completed and was not freed.
	NotFreed State = "completed, not freed"
)

// Request is one request that is stuck.
type Request struct {
	SQE   int   `json:"sqe"` // index in program order
	State State `json:"state"`
	// For lists the SQEs that it waits for, as far as the events tell.
	For []int `json:"for,omitempty"`
	// Refs is its own reference count when it was last seen; nil where the kernel does not count.
	Refs *int32 `json:"refs,omitempty"`
	// GroupRefs is the group's count when the leader was last seen; only for leaders.
	GroupRefs *int32 `json:"group_refs,omitempty"`
	// Task is the thread that submitted it, which it holds a reference to; 0 if unknown.
	Task int `json:"task,omitempty"`
	// Last is the index of its last event, -1 without one.
	Last int `json:"last"`
}

// Task is one task with its stack.
type Task struct {
	PID   int    `json:"pid"`
	Comm  string `json:"comm"`
	Role  Role   `json:"role"`
	State string `json:"state"`
	// Refs is how many requests hold a reference to the task: those that it submitted and that were not freed.
	Refs   int           `json:"refs,omitempty"`
	Frames []crash.Frame `json:"frames,omitempty"`
	// Raw is the stack as the kernel showed it.
	Raw []string `json:"-"`
}

// Role says what a task does for the program.
type Role string

const (
	RoleProgram Role = "program" // a thread of the program's process
	RoleIOWQ    Role = "io-wq worker"
	RoleSQPoll  Role = "SQPOLL thread"
	RoleExit    Role = "tears a ring down"
	RoleIdle    Role = "idle thread of the agent" // of Go's runtime: it has nothing to do with a ring
	RoleCPU     Role = "CPU"                      // no task: where a CPU of a silent guest is
	RoleOther   Role = "other"
)

// Hang is what a hang looks like from outside.
type Hang struct {
	Requests []Request `json:"requests"`
	Tasks    []Task    `json:"tasks"`
}

// Values of 6.12 that an issue handler returns (io_uring/io_uring.h).
const (
	issueSkipComplete = -529 // IOU_ISSUE_SKIP_COMPLETE
	retry             = -11  // -EAGAIN: would block
)

const reqFRefcount = 1 << 19 // REQ_F_REFCOUNT

// Find looks through the evidence of a program that did not end as it should.
// The model's structure says what groups and chains there are.
func Find(p *cases.Program, st *model.Structure, o *cases.Outcome) *Hang {
	h := &Hang{}
	if p != nil {
		f := newFinder(p, st, o)
		if o.Evidence.Probes { // else nothing is known of them
			h.Requests = f.requests()
		}
		h.Tasks = f.tasks(o.Hang)
	} else if o.Hang != nil {
		h.Tasks = (&finder{}).tasks(o.Hang)
	}
	return h
}

type finder struct {
	p      *cases.Program
	st     *model.Structure
	events []cases.Event
	last   []int // per SQE: its last event, -1 for none
	life   []facts
	at     map[uint64]int // request address → SQE
}

// facts sums up one request's events.
type facts struct {
	begun, issued, posted, freed, deferred bool
	behind                                 int // SQE it was linked behind, -1
	task                                   int
	refs, groupRefs                        *int32
}

func newFinder(p *cases.Program, st *model.Structure, o *cases.Outcome) *finder {
	n := len(p.SQEs())
	f := &finder{p: p, st: st, events: o.Events, last: make([]int, n), life: make([]facts, n), at: map[uint64]int{}}
	for i := range f.last {
		f.last[i], f.life[i].behind = -1, -1
	}
	for k := range o.Events {
		f.event(k, &o.Events[k])
	}
	for i := range o.CQEs { // a CQE that was read was posted, whatever the probes saw
		if s, ok := p.IndexOf(o.CQEs[i].UserData); ok && s < n {
			f.life[s].posted = true
		}
	}
	return f
}

func (f *finder) event(k int, e *cases.Event) {
	i, ok := f.p.IndexOf(e.UserData)
	if !ok || i >= len(f.last) || e.Req == 0 {
		return
	}
	l := &f.life[i]
	switch e.Kind {
	case cases.EvSubmit, cases.EvPrepFail:
		l.begun, l.task = true, int(e.TID)
		f.at[e.Req] = i
	case cases.EvLink:
		if b, ok := f.at[e.Arg]; ok && b != i {
			l.behind = b
		}
	case cases.EvDefer:
		l.deferred = true
	case cases.EvIssue, cases.EvWorker:
		l.issued, l.deferred = true, false
	case cases.EvComplete, cases.EvOverflow:
		l.posted = true
	case cases.EvFree:
		l.freed = true
	}
	if e.Flags&reqFRefcount != 0 {
		refs := e.Refs
		l.refs = &refs
	}
	if e.HasGroupRefs && e.Kind != cases.EvSubmit { // before that the field is of an earlier life
		refs := e.GroupRefs
		l.groupRefs = &refs
	}
	f.last[i] = k
}

func (f *finder) requests() []Request {
	var out []Request
	for i := range f.life {
		l := &f.life[i]
		if l.freed || l.posted && f.st == nil {
			continue
		}
		r := Request{SQE: i, Refs: l.refs, Task: l.task, Last: f.last[i]}
		r.State, r.For = f.state(i)
		if r.State == "" {
			continue
		}
		if g := f.groupOf(i); g != nil && g.Leader == i {
			r.GroupRefs = l.groupRefs
		}
		out = append(out, r)
	}
	return out
}

// groupOf returns the group that an SQE belongs to, or nil.
func (f *finder) groupOf(i int) *model.Group {
	for g := range f.st.Groups {
		grp := &f.st.Groups[g]
		if grp.Leader == i {
			return grp
		}
		for _, m := range grp.Members {
			if m == i {
				return grp
			}
		}
	}
	return nil
}

// state says how far SQE i has come, and what it waits for. "" is for an SQE
// of which nothing more is to be expected.
func (f *finder) state(i int) (State, []int) {
	l := &f.life[i]
	switch {
	case l.posted:
		return NotFreed, nil
	case !l.begun:
		return NotSubmitted, nil
	case l.deferred:
		return Deferred, f.unfinishedBefore(i)
	case !l.issued:
		if ahead := f.ahead(i); len(ahead) > 0 {
			return Linked, ahead
		}
		return NeverIssued, nil
	}
	e := &f.events[f.last[i]]
	switch e.Kind {
	case cases.EvPollArm:
		return PollArmed, nil
	case cases.EvPunt:
		return QueuedIOWQ, nil
	case cases.EvWorker:
		return InIOWQ, nil
	case cases.EvTaskAdd:
		return TaskWork, nil
	case cases.EvIssue:
		if e.Worker {
			return InIOWQ, nil
		}
		return Issuing, nil
	case cases.EvIssueReturn:
		switch {
		case e.Res == issueSkipComplete:
			return Issued, nil
		case e.Res == retry && e.Worker:
			return InIOWQ, nil
		case e.Res == retry:
			return NeverIssued, nil // it was to be tried again
		}
	}
	if g := f.groupOf(i); g != nil && g.Leader == i {
		if left := f.unfinished(g.Members); len(left) > 0 {
			return WaitsForMembers, left
		}
	}
	return Unposted, nil
}

// ahead lists what an SQE that was not issued has to wait for in its chain.
func (f *finder) ahead(i int) []int {
	if b := f.life[i].behind; b >= 0 {
		return f.unfinished(f.element(b))
	}
	head := i
	if g := f.groupOf(i); g != nil {
		if g.Leader != i && f.life[g.Leader].issued {
			return nil // members go with their leader
		}
		head = g.Leader
	}
	for c := range f.st.Chains {
		for k, e := range f.st.Chains[c].Elements {
			if e.SQE == head && k > 0 {
				return f.unfinished(f.element(f.st.Chains[c].Elements[k-1].SQE))
			}
		}
	}
	return nil
}

// element lists the requests of the chain's element that an SQE stands for.
func (f *finder) element(i int) []int {
	if g := f.groupOf(i); g != nil {
		return append([]int{g.Leader}, g.Members...)
	}
	return []int{i}
}

func (f *finder) unfinished(list []int) (out []int) {
	for _, i := range list {
		if !f.life[i].posted && !f.life[i].freed {
			out = append(out, i)
		}
	}
	return out
}

// unfinishedBefore lists what was submitted before an SQE and has not completed.
func (f *finder) unfinishedBefore(i int) []int {
	own := f.element(i)
	var out []int
	for k := range i {
		if f.life[k].begun && len(f.unfinished([]int{k})) > 0 && !contains(own, k) {
			out = append(out, k)
		}
	}
	return out
}

func contains(list []int, x int) bool {
	for _, v := range list {
		if v == x {
			return true
		}
	}
	return false
}

// tasks reads the stacks that the guest collected.
func (f *finder) tasks(h *cases.HangInfo) []Task {
	if h == nil {
		return nil
	}
	var out []Task
	for _, s := range h.Stacks {
		t := Task{PID: s.PID, Comm: s.Comm, State: s.State, Raw: s.Stack, Frames: crash.ParseStack(s.Stack)}
		t.Role = role(&s)
		for i := range f.life {
			if l := &f.life[i]; l.begun && !l.freed && l.task == s.PID {
				t.Refs++
			}
		}
		if len(t.Raw) == 0 {
			t.Raw = running(h.SysRq, s.PID)
			t.Frames = crash.ParseStack(t.Raw)
		}
		if t.Role == RoleProgram && t.Refs == 0 && len(t.Raw) > 0 && !mentions(t.Raw, "io_") {
			t.Role = RoleIdle
		}
		out = append(out, t)
	}
	return out
}

// cpuOf is the line of a backtrace that names the task on a CPU.
var cpuOf = regexp.MustCompile(`\bCPU: \d+ (?:UID: \d+ )?PID: (\d+) Comm:`)

// running finds the stack of a task that was running, which only its CPU can
// tell: sysrq-l makes each CPU print it.
func running(sysrq []string, pid int) []string {
	var out []string
	in := false
	for _, l := range sysrq {
		if m := cpuOf.FindStringSubmatch(l); m != nil {
			if out != nil {
				break
			}
			in = m[1] == strconv.Itoa(pid)
		} else if in && strings.HasSuffix(l, "</TASK>") {
			break
		} else if in {
			out = append(out, l)
		}
	}
	return out
}

func mentions(stack []string, mark string) bool {
	for _, l := range stack {
		if strings.Contains(l, mark) {
			return true
		}
	}
	return false
}

func role(s *cases.TaskStack) Role {
	has := func(mark string) bool { return mentions(s.Stack, mark) }
	switch {
	case s.PID == 0 && strings.HasPrefix(s.Comm, "CPU "):
		return RoleCPU
	case strings.HasPrefix(s.Comm, "iou-wrk-") || has("io_wq_worker"):
		return RoleIOWQ
	case strings.HasPrefix(s.Comm, "iou-sqp-") || has("io_sq_thread"):
		return RoleSQPoll
	case has("io_ring_exit_work"):
		return RoleExit
	case strings.HasPrefix(s.Comm, "kworker"):
		return RoleOther
	}
	return RoleProgram
}

// Name names an SQE as programs do: "@3 leader".
func Name(p *cases.Program, i int) string {
	name := "@" + strconv.Itoa(i+1)
	if sqes := p.SQEs(); i < len(sqes) {
		if l := sqes[i].SQE.Label; l != "" {
			return name + " " + l
		}
		if op := sqes[i].SQE.Op.String(); op != "" {
			return name + " " + op
		}
	}
	return name
}

// Text says in words what the state of a request is.
func (r *Request) Text(p *cases.Program) string {
	text := string(r.State)
	if len(r.For) == 0 {
		return text
	}
	var names []string
	for k, i := range r.For {
		if k == 4 {
			names = append(names, fmt.Sprintf("%d more", len(r.For)-4))
			break
		}
		names = append(names, Name(p, i))
	}
	list := strings.Join(names, ", ")
	switch r.State {
	case Linked:
		return "linked behind " + list
	case WaitsForMembers:
		return "done with its own work, waits for " + list
	case Deferred:
		return "deferred until " + list + " completed"
	}
	return text + ": " + list
}

// Summary is one sentence on what is stuck, and where the CPUs of a silent
// guest are, once the tasks' frames have been symbolised. It is "" where nothing is known.
func (h *Hang) Summary(p *cases.Program) string {
	const most = 4
	var parts []string
	n := 0
	for i := range h.Requests {
		r := &h.Requests[i]
		if r.State == NotSubmitted {
			continue
		}
		if n++; n <= most {
			parts = append(parts, Name(p, r.SQE)+": "+r.Text(p))
		}
	}
	if n > most {
		parts = append(parts, fmt.Sprintf("%d more", n-most))
	}
	text := ""
	if n > 0 {
		text = "stuck: " + strings.Join(parts, "; ")
	}
	for i := range h.Tasks {
		if place := h.Tasks[i].place(); place != "" && h.Tasks[i].Role == RoleCPU {
			if text != "" {
				text += "; "
			}
			text += h.Tasks[i].Comm + " " + place
		}
	}
	return text
}

// place is the first function of the stack that is worth a reader's look.
func (t *Task) place() string {
	for i := range t.Frames {
		f := &t.Frames[i]
		if f.Guess || f.Machinery || f.Func == "" {
			continue
		}
		if n := len(f.Calls); n > 0 && f.Calls[n-1].Line > 0 {
			return fmt.Sprintf("%s (%s:%d)", f.Calls[n-1].Func, f.Calls[n-1].File, f.Calls[n-1].Line)
		}
		return f.Func
	}
	return ""
}
