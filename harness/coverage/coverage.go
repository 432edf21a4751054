// SPDX-License-Identifier: Apache-2.0

// Package coverage says which programs would fail were a rule broken, by
// profile and by how the requests concerned complete. It is computed from what the
// model claims of each program, never from what a program says of itself.
package coverage

import (
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// Path is a column of the table: a way for requests to complete, or what is around them.
type Path string

// The columns. A program is in several: a read that waits in an armed poll on
// a ring with DEFER_TASKRUN is in two of them.
const (
	Inline   Path = "inline"    // completes while it is submitted
	Poll     Path = "poll"      // waits in an armed poll, then is issued again
	TaskWork Path = "task-work" // completes in task work: timeouts, poll requests
	IOWQ     Path = "io-wq"     // is carried out by a worker
	Defer    Path = "defer"     // waits for its task work on a ring with DEFER_TASKRUN
	SQPoll   Path = "sqpoll"    // is submitted by the kernel's thread
	IOPoll   Path = "iopoll"    // completes when the kernel polls the device
	Overflow Path = "overflow"  // finds the completion queue full
	InChain  Path = "in-chain"  // is an element, or in an element, of a link chain
)

// Paths lists the columns in the order of the table.
func Paths() []Path {
	return []Path{Inline, Poll, TaskWork, IOWQ, Defer, SQPoll, IOPoll, Overflow, InChain}
}

// Cell is one place of the table.
type Cell struct {
	Rule    string
	Profile string
	Path    Path
}

// Table says which programs cover which cell.
type Table struct {
	// Profiles and Rules are the table's rows in reading order. A rule of one
	// profile alone has no rows under the others.
	Profiles []string
	Rules    []string
	Programs map[Cell][]string // in the order of the catalogue
}

// Cells lists every cell in reading order.
func (t *Table) Cells() (cells []Cell) {
	for _, pr := range t.Profiles {
		for _, rule := range t.Rules {
			if !Concerns(rule, pr) {
				continue
			}
			for _, path := range Paths() {
				cells = append(cells, Cell{rule, pr, path})
			}
		}
	}
	return cells
}

// Rules lists the rules of the specification that a program can break: the G and P rules.
func Rules() (ids []string) {
	for _, r := range cases.Rules() {
		if r.ID[0] == 'G' || r.ID[0] == 'P' {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Concerns tells whether the rule is one of the profile's: P4.x are v4's own, G rules everyone's.
func Concerns(rule, profile string) bool {
	number, own := strings.CutPrefix(rule, "P")
	if !own {
		return true
	}
	number, _, _ = strings.Cut(number, ".")
	return profile == "v"+number
}

// Compute makes the table of programs under the profiles.
func Compute(programs []*cases.Program, profiles []*cases.Profile) *Table {
	t := &Table{Rules: Rules(), Programs: map[Cell][]string{}}
	for _, pr := range profiles {
		t.Profiles = append(t.Profiles, pr.Name)
		for _, p := range programs {
			for _, cell := range Of(p, pr) {
				if slices.Contains(t.Rules, cell.Rule) && Concerns(cell.Rule, pr.Name) {
					t.Programs[cell] = append(t.Programs[cell], p.Name)
				}
			}
		}
	}
	return t
}

// Of lists the cells that one program covers under a profile, each once.
func Of(p *cases.Program, pr *cases.Profile) (cells []Cell) {
	e := model.Expect(p, pr)
	full := overflowing(p)
	seen := map[Cell]bool{}
	for _, c := range e.Claims() {
		for _, i := range c.SQEs {
			for _, path := range pathsOf(e, i, full[i]) {
				cell := Cell{c.Rule, pr.Name, path}
				if !seen[cell] {
					seen[cell] = true
					cells = append(cells, cell)
				}
			}
		}
	}
	return cells
}

// pathsOf lists the columns that SQE i is in.
func pathsOf(e *model.Expectation, i int, full bool) (paths []Path) {
	r := &e.Requests[i]
	flags := e.Program.Rings[r.Ring].Flags
	path := e.Path(i)
	switch path {
	case model.PathInline:
		paths = append(paths, Inline)
	case model.PathPoll:
		paths = append(paths, Poll)
	case model.PathTaskWork:
		paths = append(paths, TaskWork)
	case model.PathIOWQ:
		paths = append(paths, IOWQ)
	case model.PathIOPoll:
		paths = append(paths, IOPoll)
	}
	if flags&uring.SetupDeferTaskrun != 0 && (path == model.PathPoll || path == model.PathTaskWork || path == model.PathIOWQ) {
		paths = append(paths, Defer)
	}
	if flags&uring.SetupSQPoll != 0 {
		paths = append(paths, SQPoll)
	}
	if full && !r.Skip && !unhurried(e, i) {
		paths = append(paths, Overflow)
	}
	if r.Chain >= 0 {
		paths = append(paths, InChain)
	}
	return paths
}

// unhurried tells whether SQE i completes in a worker, or no earlier than a
// request that does: the queue may have been reaped by then.
func unhurried(e *model.Expectation, i int) bool {
	r := &e.Requests[i]
	ahead := []int{i}
	if r.Role != model.Plain {
		g := &e.Structure.Groups[r.Group]
		switch {
		case r.Role == model.Leader: // its CQE is the group's last
			ahead = g.Requests()
		case e.Profile.Semantics.MembersAfterLeader:
			ahead = append(ahead, g.Leader)
		}
	}
	return slices.ContainsFunc(ahead, func(i int) bool { return e.Path(i) == model.PathIOWQ })
}

// overflowing tells of each SQE whether the completion queue is full when it is
// submitted, or its CQE does not fit: nothing has been reaped since, and as
// many SQEs as the queue holds are ahead of it.
func overflowing(p *cases.Program) []bool {
	var full []bool
	posted := make([]uint32, len(p.Rings)) // since the ring was last reaped
	for s := range p.Steps {
		st := &p.Steps[s]
		switch st.Kind {
		case cases.StepWait:
			posted[st.Ring] = 0
		case cases.StepSubmit:
			r := &p.Rings[st.Ring]
			size := r.CQEntries
			if size == 0 {
				size = 2 * r.Entries
			}
			for i := range st.SQEs {
				full = append(full, posted[st.Ring] >= size)
				if st.SQEs[i].Flags&uring.CQESkipSuccess == 0 {
					posted[st.Ring]++
				}
			}
		}
	}
	return full
}

// Builtin makes the table of the catalogue under every built-in profile that
// has groups, with the built-in explanations.
func Builtin() (*Table, []Explanation, error) {
	programs, err := cases.Catalogue()
	if err != nil {
		return nil, nil, err
	}
	var profiles []*cases.Profile
	for _, name := range cases.Profiles() {
		pr, err := cases.LoadProfile(name)
		if err != nil {
			return nil, nil, err
		}
		if pr.Groups {
			profiles = append(profiles, pr)
		}
	}
	list, err := Explanations()
	if err != nil {
		return nil, nil, err
	}
	return Compute(programs, profiles), list, nil
}
