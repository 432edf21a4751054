// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"slices"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/cases/uring"
)

// shape is something that a mistake in a series needs to show.
type shape struct {
	name string
	is   func(e *model.Expectation, out *cases.Outcome) bool
}

// inGroup returns a shape that some group of at least two has.
func inGroup(is func(e *model.Expectation, g *model.Group) bool) func(*model.Expectation, *cases.Outcome) bool {
	return func(e *model.Expectation, _ *cases.Outcome) bool {
		return slices.ContainsFunc(e.Structure.Groups, func(g model.Group) bool { return len(g.Members) > 0 && is(e, &g) })
	}
}

func flagged(e *model.Expectation, i int, f uring.SQEFlags) bool {
	return e.Requests[i].SQE.Flags&f != 0
}

// ahead are the elements ahead of a group in its chain.
func ahead(e *model.Expectation, g *model.Group) []model.Element {
	l := &e.Requests[g.Leader]
	if l.Chain < 0 {
		return nil
	}
	return e.Structure.Chains[l.Chain].Elements[:l.Element]
}

// endsWith tells that the last step is of one of the kinds.
func endsWith(e *model.Expectation, kinds ...cases.StepKind) bool {
	n := len(e.Program.Steps)
	return n > 0 && slices.Contains(kinds, e.Program.Steps[n-1].Kind)
}

// drainedChain returns a shape that some chain has whose head drains, with more behind it in its submission.
func drainedChain(is func(e *model.Expectation, c *model.Chain) bool) func(*model.Expectation, *cases.Outcome) bool {
	return func(e *model.Expectation, _ *cases.Outcome) bool {
		return slices.ContainsFunc(e.Structure.Chains, func(c model.Chain) bool {
			head := &e.Requests[c.Elements[0].SQE]
			return head.SQE.Flags&uring.IODrain != 0 && !head.Prep.Fails() && behind(e, &c) != nil && is(e, &c)
		})
	}
}

// behind is the request that comes next behind a chain, of the same submission; nil where there is none.
func behind(e *model.Expectation, c *model.Chain) *model.Request {
	last := c.Elements[len(c.Elements)-1]
	i := last.SQE
	if last.Group >= 0 {
		i += len(e.Structure.Groups[last.Group].Members)
	}
	if i++; i >= len(e.Requests) || e.Requests[i].Step != e.Requests[last.SQE].Step {
		return nil
	}
	return &e.Requests[i]
}

// hides tells whether one of the elements is hidden, and of the kind asked for: a group's leader or a plain request.
func hides(e *model.Expectation, elements []model.Element, leader bool) bool {
	return slices.ContainsFunc(elements, func(el model.Element) bool {
		r := &e.Requests[el.SQE]
		return r.Skip && !r.Prep.Fails() && leader == (el.Group >= 0 && len(e.Structure.Groups[el.Group].Members) > 0)
	})
}

var shapes = []shape{
	{"something behind a drained chain with a hidden leader", drainedChain(func(e *model.Expectation, c *model.Chain) bool {
		return hides(e, c.Elements[1:], true)
	})},
	{"something behind a drained chain with a hidden request", drainedChain(func(e *model.Expectation, c *model.Chain) bool {
		return hides(e, c.Elements[1:], false)
	})},
	{"an open group behind a drained chain", drainedChain(func(e *model.Expectation, c *model.Chain) bool {
		r := behind(e, c)
		return r.Group >= 0 && e.Structure.Groups[r.Group].Open
	})},
	{"a drained leader that is rejected", inGroup(func(e *model.Expectation, g *model.Group) bool {
		l := &e.Requests[g.Leader]
		return flagged(e, g.Leader, uring.IODrain) && l.Prep.Fails() && l.SQE.Op > uring.OpLast
	})},
	{"two rejected requests in a group", inGroup(func(e *model.Expectation, g *model.Group) bool {
		n := 0
		for _, i := range g.Requests() {
			if e.Requests[i].Prep.Fails() {
				n++
			}
		}
		return n > 1
	})},
	{"a rejected last member of a linked group", inGroup(func(e *model.Expectation, g *model.Group) bool {
		return e.Requests[g.Leader].Linked() && e.Requests[g.Members[len(g.Members)-1]].Prep.Fails()
	})},
	{"a drained group directly behind another", inGroup(func(e *model.Expectation, g *model.Group) bool {
		return flagged(e, g.Leader, uring.IODrain) && slices.ContainsFunc(e.Structure.Groups, func(o model.Group) bool {
			return len(o.Members) > 0 && flagged(e, o.Leader, uring.IODrain) && o.Members[len(o.Members)-1] == g.Leader-1
		})
	})},
	{"a group behind one that io-wq runs", inGroup(func(e *model.Expectation, g *model.Group) bool {
		el := ahead(e, g)
		return len(el) > 0 && el[len(el)-1].Group < 0 && flagged(e, el[len(el)-1].SQE, uring.Async)
	})},
	{"an asynchronous leader behind another element", inGroup(func(e *model.Expectation, g *model.Group) bool {
		return len(ahead(e, g)) > 0 && flagged(e, g.Leader, uring.Async)
	})},
	{"a hidden request in the chain of a drained group", inGroup(func(e *model.Expectation, g *model.Group) bool {
		l := &e.Requests[g.Leader]
		return flagged(e, g.Leader, uring.IODrain) && !l.Prep.Fails() && l.Chain >= 0 && slices.ContainsFunc(e.Requests, func(r model.Request) bool {
			return r.Chain == l.Chain && r.Skip && !r.Prep.Fails()
		})
	})},
	{"a group that the submission ends, behind an open chain", inGroup(func(e *model.Expectation, g *model.Group) bool {
		return g.Open && g.Leader > 0 && e.Requests[g.Leader-1].Step == e.Requests[g.Leader].Step && flagged(e, g.Leader-1, uring.IOLink)
	})},
	{"a chain that breaks ahead of a group", inGroup(func(e *model.Expectation, g *model.Group) bool {
		return slices.ContainsFunc(e.Requests[g.Leader].Cancels, func(c model.Cancel) bool { return c.Rule == "G6" && c.By != nil })
	})},
	{"a leader on a ring's file when the process ends", inGroup(func(e *model.Expectation, g *model.Group) bool {
		return e.Requests[g.Leader].SQE.FD.Ring != 0 && endsWith(e, cases.StepExit, cases.StepKill, cases.StepExec)
	})},
	{"a leader's file that a step closes", inGroup(func(e *model.Expectation, g *model.Group) bool {
		return slices.ContainsFunc(e.Program.Steps, func(s cases.Step) bool {
			return s.Kind == cases.StepCloseFD && s.FD == e.Requests[g.Leader].SQE.FD
		})
	})},
	{"a LINK_TIMEOUT at a group's end", inGroup(func(e *model.Expectation, g *model.Group) bool {
		return e.Requests[g.Members[len(g.Members)-1]].SQE.Op == uring.OpLinkTimeout
	})},
	{"a LINK_TIMEOUT behind a linked group", func(e *model.Expectation, _ *cases.Outcome) bool {
		return slices.ContainsFunc(e.Structure.Chains, func(c model.Chain) bool {
			for k := range c.Elements[1:] {
				if c.Elements[k].Group >= 0 && c.Elements[k+1].Group < 0 && e.Requests[c.Elements[k+1].SQE].SQE.Op == uring.OpLinkTimeout {
					return true
				}
			}
			return false
		})
	}},
	{"a leader's CQE that overflows", func(e *model.Expectation, out *cases.Outcome) bool {
		return slices.ContainsFunc(out.Events, func(ev cases.Event) bool {
			i := int(ev.UserData) - 1
			return ev.Kind == cases.EvOverflow && e.Requests[i].Role == model.Leader && len(e.Structure.Groups[e.Requests[i].Group].Members) > 0
		})
	}},
	{"a ring that is closed over a deferred group", func(e *model.Expectation, out *cases.Outcome) bool {
		return endsWith(e, cases.StepCloseRing) && slices.ContainsFunc(out.Events, func(ev cases.Event) bool {
			return ev.Kind == cases.EvDefer && e.Requests[ev.UserData-1].Role == model.Leader
		})
	}},
	{"a group in memory of an earlier one", func(e *model.Expectation, _ *cases.Outcome) bool {
		steps := map[int]bool{}
		for i := range e.Structure.Groups {
			steps[e.Requests[e.Structure.Groups[i].Leader].Step] = true
		}
		return len(steps) > 1
	}},
}

// What the mistakes need that a series can make comes by itself, in one of a thousand programs at least.
func TestShapesAreReached(t *testing.T) {
	const n, seeds = 1500, 10 // what one corpus has much of is chance
	for _, profile := range []string{"v4", "v7"} {
		o := options(t, profile)
		count := make([]int, len(shapes))
		for seed := range uint64(seeds) {
			evolve(seed, n, o, func(p *cases.Program) {
				e, out := model.Expect(p, o.Profile), sim.Run(p, o.Profile, 1)
				for i := range shapes {
					if shapes[i].is(e, out) {
						count[i]++
					}
				}
			})
		}
		for i := range shapes {
			t.Logf("%s: %4d %s", profile, count[i], shapes[i].name)
			if count[i] < seeds*n/1000 {
				t.Errorf("%s: %s comes in %d of %d programs", profile, shapes[i].name, count[i], seeds*n)
			}
		}
	}
}
