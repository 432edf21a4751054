// SPDX-License-Identifier: Apache-2.0

// Package campaign is the bookkeeping of a fuzzing campaign: which edges were
// reached and can be relied on, which programs are worth mutating, which
// findings are the same, and how it all is written down. It knows no guest.
package campaign

// Stability of an edge: a program is run Runs times in all if that takes it, and of the edges that
// it is the first to show those count that were seen in Needed of them. A timer's
// interrupt or a race reaches an edge now and then; a corpus that grew by those would grow for ever.
const (
	Runs   = 3
	Needed = 2
)

// unsteady is in how many programs an edge may fail to be stable until it is
// not looked at any more.
const unsteady = 6

// Coverage knows the edges that a campaign has reached. The zero value is
// ready. It is not safe for concurrent use.
type Coverage struct {
	known   map[uint32]bool // stable
	pending map[uint32]bool // of programs that are being run again
	fickle  map[uint32]int  // edge → programs in which it was not stable
	reached map[uint64]bool // PCs, of whatever run
}

// Reach notes the PCs of a run and returns those that are new.
func (c *Coverage) Reach(pcs []uint64) (fresh []uint64) {
	if c.reached == nil {
		c.reached = map[uint64]bool{}
	}
	for _, pc := range pcs {
		if !c.reached[pc] {
			c.reached[pc] = true
			fresh = append(fresh, pc)
		}
	}
	return fresh
}

// Reached calls f with every PC that was reached, in no order.
func (c *Coverage) Reached(f func(pc uint64)) {
	for pc := range c.reached {
		f(pc)
	}
}

// PCs is the number of PCs reached, Edges that of stable edges.
func (c *Coverage) PCs() int   { return len(c.reached) }
func (c *Coverage) Edges() int { return len(c.known) }

// Candidate returns a proof to be made for a run that showed edges that are
// neither known nor being proved; nil if it showed none.
func (c *Coverage) Candidate(edges []uint32) *Proof {
	var fresh map[uint32]int
	for _, e := range edges {
		if c.known[e] || c.pending[e] || c.fickle[e] >= unsteady {
			continue
		}
		if fresh == nil {
			fresh = map[uint32]int{}
		}
		fresh[e] = 1
	}
	if fresh == nil {
		return nil
	}
	if c.known == nil {
		c.known, c.pending, c.fickle = map[uint32]bool{}, map[uint32]bool{}, map[uint32]int{}
	}
	for e := range fresh {
		c.pending[e] = true
	}
	return &Proof{coverage: c, fresh: fresh, runs: 1}
}

// Proof is of edges that one program was the first to show: are they stable?
type Proof struct {
	coverage *Coverage
	fresh    map[uint32]int // edge → runs that showed it
	runs     int
}

// Ran takes in what another run of the program showed, and tells whether it was the last one
// needed: another could not change which edges are stable.
func (p *Proof) Ran(edges []uint32) (done bool) {
	for _, e := range edges {
		if _, mine := p.fresh[e]; mine {
			p.fresh[e]++
		}
	}
	p.runs++
	for _, n := range p.fresh {
		if n < Needed && n+Runs-p.runs >= Needed {
			return false
		}
	}
	return true
}

// Close ends the proof and returns the edges that are stable: from now on they
// are known. A proof that was given up before its last run ([Proof.Drop]) says nothing of any.
func (p *Proof) Close() (stable []uint32) {
	for e, n := range p.fresh {
		delete(p.coverage.pending, e)
		if n >= Needed {
			p.coverage.known[e] = true
			stable = append(stable, e)
		} else {
			p.coverage.fickle[e]++
		}
	}
	return stable
}

// Drop gives the proof up: its edges are open again.
func (p *Proof) Drop() {
	for e := range p.fresh {
		delete(p.coverage.pending, e)
	}
}
