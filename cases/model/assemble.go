// SPDX-License-Identifier: Apache-2.0

package model

import (
	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// Structure says how a Program's SQEs form groups and link chains. SQEs are
// named by their index in program order, see [cases.Program.SQEs].
type Structure struct {
	Groups []Group
	// Chains holds the link chains of at least two elements.
	Chains []Chain
}

// Group is one SQE group. A group of one has no members.
type Group struct {
	Leader  int
	Members []int // in submission order, without the leader
	Step    int
	Ring    int
	Chain   int // index into Structure.Chains, -1 for none
}

// Size is the number of requests in the group, the leader included.
func (g *Group) Size() int { return 1 + len(g.Members) }

// Chain is one link chain.
type Chain struct {
	Elements []Element
	Step     int
	Ring     int
}

// Element is what a chain is made of: one plain request or one whole group.
type Element struct {
	SQE   int // the plain request, or the group's leader
	Group int // index into Structure.Groups, -1 for a plain request
}

const linkFlags = uring.IOLink | uring.IOHardlink

// Assemble forms the groups (G1, G2) and link chains of p as a kernel of
// profile pr does. Every submission is taken to be consumed whole: where the
// kernel stops early, what it leaves behind is whole groups and chains.
func Assemble(p *cases.Program, pr *cases.Profile) *Structure {
	s := new(Structure)
	index := 0
	for step := range p.Steps {
		st := &p.Steps[step]
		if st.Kind != cases.StepSubmit {
			continue
		}
		a := assembly{s: s, pr: pr, step: step, ring: st.Ring, group: -1}
		for i := range st.SQEs {
			a.add(index+i, &st.SQEs[i])
		}
		a.end()
		index += len(st.SQEs)
	}
	return s
}

// assembly is the state of one submission batch: a link chain that may be
// open, and a group that may be open.
type assembly struct {
	s          *Structure
	pr         *cases.Profile
	step, ring int
	chain      []Element // of the open chain, empty if none is open
	group      int       // index of the open group, -1 if none is open
	linked     bool      // the open group's leader has LINK or HARDLINK
}

func (a *assembly) add(index int, q *cases.SQE) {
	inGroup := a.pr.Groups && q.Flags&uring.SQEGroup != 0
	if a.group >= 0 {
		g := &a.s.Groups[a.group]
		g.Members = append(g.Members, index)
		if !inGroup { // G1: the first SQE without the bit belongs to the group and ends it
			a.closeGroup(false)
		}
		return
	}
	if inGroup { // G1: the first SQE with the bit leads
		a.s.Groups = append(a.s.Groups, Group{Leader: index, Step: a.step, Ring: a.ring, Chain: -1})
		a.group = len(a.s.Groups) - 1
		a.linked = q.Flags&linkFlags != 0 // P4.2, P7.2: a member's link flags never link
		return
	}
	a.element(Element{SQE: index, Group: -1}, q.Flags&linkFlags != 0)
}

// closeGroup makes the open group an element; atEnd says that the batch
// ended and not the group (G2).
func (a *assembly) closeGroup(atEnd bool) {
	if atEnd && a.pr.Semantics.OpenGroup == "after-chain" { // P4.8; P7.9 lets it join
		a.closeChain()
	}
	e := Element{SQE: a.s.Groups[a.group].Leader, Group: a.group}
	a.group = -1
	a.element(e, a.linked)
}

// element appends to the open chain, which goes on only behind a link flag (G5).
func (a *assembly) element(e Element, linked bool) {
	a.chain = append(a.chain, e)
	if !linked {
		a.closeChain()
	}
}

func (a *assembly) closeChain() {
	if len(a.chain) > 1 {
		for _, e := range a.chain {
			if e.Group >= 0 {
				a.s.Groups[e.Group].Chain = len(a.s.Chains)
			}
		}
		a.s.Chains = append(a.s.Chains, Chain{Elements: a.chain, Step: a.step, Ring: a.ring})
	}
	a.chain = nil
}

func (a *assembly) end() {
	if a.group >= 0 {
		a.closeGroup(true)
	}
	a.closeChain()
}
