// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/harness/stuck"
)

// view is one case laid out for reading; every rendering draws from it.
type view struct {
	c   *Case
	dir string // below the run's directory, with slashes
	// also are the views of the case's other evidence, see [Case.Also].
	also []*view
	// lanes holds one lane per SQE in program order, so that an SQE's index is
	// its lane's, then one per ring that had events of no SQE.
	lanes     []lane
	structure *model.Structure
	laneOf    []int // per event
	// cqeOf gives the number of the CQE that an event posted, 0 for none;
	// eventOf the event that posted a CQE, -1 for none.
	cqeOf    []int
	eventOf  []int
	order    []int    // per CQE: its number within its ring, from 1
	argText  []string // per event: what Arg says, "" for nothing
	badEvent map[int]bool
	badSQE   map[int]bool
	start    uint64 // time of the first event
	stuck    *stuck.Hang
}

// lane is one request's row, or a ring's.
type lane struct {
	SQE    int    // index in program order, -1 for a ring's lane
	Name   string // "@3", as targets are written in programs; "ring r0"
	Label  string // the SQE's label
	sqe    *cases.SQE
	Text   string // the SQE's line in the text form
	Op     string
	Flags  string // names of the SQE's flags
	Role   string // "leader", "member" or ""
	Group  int    // index into structure.Groups, -1 for none
	Chain  int    // index into structure.Chains, -1 for none; members have their leader's
	Events []int
	CQEs   []int // indices into Outcome.CQEs
	Phases []phase
}

// phase is a stretch of a request's life between two of its events.
type phase struct {
	From, To int // event indices; To is -1 where the evidence ends first
	Kind     phaseKind
}

type phaseKind string

const (
	phaseQueued   phaseKind = "queued"   // accepted, not issued
	phaseDeferred phaseKind = "deferred" // held back by a drain
	phaseRunning  phaseKind = "running"  // its issue handler runs in the task
	phaseWorker   phaseKind = "worker"   // an io-wq worker has it
	phaseHanded   phaseKind = "handed"   // queued for io-wq or as task work
	phaseWaiting  phaseKind = "waiting"  // issued; the completion is to come
	phaseParked   phaseKind = "parked"   // its work is done, its CQE not yet posted
	phasePosted   phaseKind = "posted"   // completed, not yet freed
)

// title is the short name that texts use: "@3 leader".
func (l *lane) title() string {
	if l.Label != "" {
		return l.Name + " " + l.Label
	}
	if l.Op != "" {
		return l.Name + " " + l.Op
	}
	return l.Name
}

// profile returns what is known of the semantics the run was judged by. A
// profile that is not built in is taken as the first built-in one with
// groups: only the grouping depends on it here.
func (r *Run) profile() *cases.Profile {
	if p, err := cases.LoadProfile(r.Kernel.Profile); err == nil {
		return p
	}
	for _, name := range cases.Profiles() {
		if p, err := cases.LoadProfile(name); err == nil && p.Groups {
			return p
		}
	}
	return new(cases.Profile)
}

// newView never fails: indices that point nowhere are dropped, since a run
// that is read back may have been edited.
func newView(c *Case, pr *cases.Profile) *view {
	v := &view{c: c, structure: new(model.Structure), badEvent: map[int]bool{}, badSQE: map[int]bool{}}
	if c.Program != nil {
		v.structure = model.Assemble(c.Program, pr)
		v.addSQEs(c.Program)
	}
	if c.Outcome != nil {
		v.addEvents(c.Outcome.Events)
		v.addCQEs(c.Outcome)
		for i := range v.lanes {
			v.lanes[i].Phases = phases(c.Outcome.Events, v.lanes[i].Events)
		}
	}
	// A run of an earlier ringproof has stacks only as the guest showed them.
	if v.stuck = c.Stuck; v.stuck == nil && c.Outcome != nil && c.Outcome.Hang != nil {
		v.stuck = stuck.Find(c.Program, v.structure, c.Outcome)
	}
	for i := range c.Verdict.Violations {
		x := &c.Verdict.Violations[i]
		for _, e := range x.Events {
			if e >= 0 && e < len(v.laneOf) {
				v.badEvent[e] = true
			}
		}
		for _, s := range x.SQEs {
			if s >= 0 && s < v.sqes() {
				v.badSQE[s] = true
			}
		}
	}
	return v
}

func (v *view) sqes() int {
	n := 0
	for n < len(v.lanes) && v.lanes[n].SQE >= 0 {
		n++
	}
	return n
}

func (v *view) addSQEs(p *cases.Program) {
	for _, ref := range p.SQEs() {
		op := ref.SQE.Op.String()
		if op == "" {
			op = fmt.Sprintf("op=%d", ref.SQE.Op)
		}
		v.lanes = append(v.lanes, lane{
			SQE: ref.Index, Name: "@" + strconv.Itoa(ref.Index+1), Label: ref.SQE.Label, sqe: ref.SQE, Op: op,
			Text: p.SQEText(ref.SQE), Flags: cases.SQEFlagNames(ref.SQE.Flags), Group: -1, Chain: -1,
		})
	}
	for ci := range v.structure.Chains {
		for _, e := range v.structure.Chains[ci].Elements {
			v.lanes[e.SQE].Chain = ci
		}
	}
	for gi := range v.structure.Groups {
		g := &v.structure.Groups[gi]
		v.lanes[g.Leader].Role, v.lanes[g.Leader].Group = "leader", gi
		for _, m := range g.Members {
			v.lanes[m].Role, v.lanes[m].Group, v.lanes[m].Chain = "member", gi, g.Chain
		}
	}
}

func (v *view) addEvents(events []cases.Event) {
	n := len(v.lanes)
	v.laneOf, v.cqeOf, v.argText = make([]int, len(events)), make([]int, len(events)), make([]string, len(events))
	ringLane := map[int]int{}
	at := map[uint64]int{} // which lane's request lives at an address
	for i := range events {
		e := &events[i]
		if i == 0 || e.Time < v.start {
			v.start = e.Time
		}
		li := -1
		if v.c.Program != nil && !ofRing(e.Kind) {
			if idx, ok := v.c.Program.IndexOf(e.UserData); ok && idx < n {
				li = idx
			}
		}
		if li < 0 {
			ok := false
			if li, ok = ringLane[e.Ring]; !ok {
				li = len(v.lanes)
				ringLane[e.Ring] = li
				v.lanes = append(v.lanes, lane{SQE: -1, Name: "ring " + v.ringName(e.Ring), Group: -1, Chain: -1})
			}
		} else if e.Req != 0 {
			at[e.Req] = li
		}
		v.laneOf[i] = li
		v.lanes[li].Events = append(v.lanes[li].Events, i)
		v.argText[i] = v.arg(e, at)
	}
}

// ofRing tells whether the kind says something of a ring or process and not of a request.
func ofRing(k cases.EventKind) bool {
	return k == cases.EvRingCreate || k == cases.EvRingGone || k == cases.EvTaskExit
}

func (v *view) ringName(i int) string {
	if p := v.c.Program; p != nil && i >= 0 && i < len(p.Rings) {
		return p.Rings[i].Name
	}
	return "#" + strconv.Itoa(i)
}

func posts(k cases.EventKind) bool {
	return k == cases.EvComplete || k == cases.EvOverflow || k == cases.EvExtraCQE
}

// addCQEs numbers the CQEs and pairs each with the event that posted it: the
// first with its user_data that has no CQE yet.
func (v *view) addCQEs(o *cases.Outcome) {
	v.order, v.eventOf = make([]int, len(o.CQEs)), make([]int, len(o.CQEs))
	type key struct {
		ring int
		ud   uint64
	}
	waiting := map[key][]int{}
	for i := range o.Events {
		if e := &o.Events[i]; posts(e.Kind) {
			k := key{e.Ring, e.UserData}
			waiting[k] = append(waiting[k], i)
		}
	}
	perRing := map[int]int{}
	for i := range o.CQEs {
		q := &o.CQEs[i]
		perRing[q.Ring]++
		v.order[i], v.eventOf[i] = perRing[q.Ring], -1
		k := key{q.Ring, q.UserData}
		if w := waiting[k]; len(w) > 0 {
			v.eventOf[i], v.cqeOf[w[0]] = w[0], v.order[i]
			waiting[k] = w[1:]
		}
		if li := v.laneOfUserData(q.UserData); li >= 0 {
			v.lanes[li].CQEs = append(v.lanes[li].CQEs, i)
		}
	}
}

// laneOfUserData returns the lane of the SQE with that user_data, -1 for a foreign one.
func (v *view) laneOfUserData(ud uint64) int {
	if v.c.Program != nil {
		if idx, ok := v.c.Program.IndexOf(ud); ok {
			return idx
		}
	}
	return -1
}

// requestName names the request of that user_data, a foreign one by its number.
func (v *view) requestName(ud uint64) string {
	if li := v.laneOfUserData(ud); li >= 0 {
		return v.lanes[li].title()
	}
	return fmt.Sprintf("user_data %d (foreign)", ud)
}

// phases cuts one request's life at its events, given by their indices.
func phases(events []cases.Event, idx []int) []phase {
	var out []phase
	open := -1
	begin := func(i int, k phaseKind) {
		if open >= 0 {
			if out[open].Kind == k {
				return // nothing changed: one stretch
			}
			out[open].To = i
		}
		out = append(out, phase{From: i, To: -1, Kind: k})
		open = len(out) - 1
	}
	for n, i := range idx {
		e := &events[i]
		// An issue or task work that leads straight to the completion did the work.
		ends := n+1 < len(idx) && slices.Contains(ending, events[idx[n+1]].Kind)
		switch e.Kind {
		case cases.EvSubmit, cases.EvPrepFail:
			begin(i, phaseQueued)
		case cases.EvDefer:
			begin(i, phaseDeferred)
		case cases.EvIssue, cases.EvWorker:
			k := phaseRunning
			if e.Worker || e.Kind == cases.EvWorker {
				k = phaseWorker
			}
			begin(i, k)
		case cases.EvPunt, cases.EvTaskAdd:
			begin(i, phaseHanded)
		case cases.EvPollArm:
			begin(i, phaseWaiting)
		case cases.EvIssueReturn:
			if ends {
				begin(i, phaseParked)
			} else {
				begin(i, phaseWaiting)
			}
		case cases.EvTaskRun:
			if ends {
				begin(i, phaseParked)
			} else {
				begin(i, phaseRunning)
			}
		case cases.EvComplete, cases.EvOverflow:
			begin(i, phasePosted)
		case cases.EvFree:
			if open >= 0 {
				out[open].To = i
			}
			open = -1
		}
	}
	return out
}

var ending = []cases.EventKind{cases.EvComplete, cases.EvOverflow, cases.EvFree}

// requests lists the SQEs of a chain element.
func (v *view) requests(e model.Element) []int {
	if e.Group < 0 {
		return []int{e.SQE}
	}
	g := &v.structure.Groups[e.Group]
	return append([]int{g.Leader}, g.Members...)
}
