// SPDX-License-Identifier: Apache-2.0

package fuzz

import "github.com/ringproof/ringproof/cases/uring"

// leaning says how much one program has of what combines: factors of the usual odds. Most mistakes take several things of few
// kinds, say two drains and a hidden request, which hardly come together where every program has a little of
// all. So each has much of some and nothing of others (swarm testing: Groce et al., ISSTA 2012).
type leaning struct {
	drain, async, skip, link, fail, wait, open, plain int
}

func (m *Mutator) leaning() leaning {
	much := func(much int) int {
		return pick(m, []weighted[int]{{5, 0}, {6, 1}, {9, much}})
	}
	return leaning{drain: much(4), async: much(4), skip: much(3), link: much(2), fail: much(3), wait: much(2), open: much(3), plain: much(2)}
}

// hidesHead is how likely the first of an element posts no CQE, in percent. Ahead of the first drain of a ring, a hidden request
// has the kernel refuse that, so programs that lean to both hide what comes in the drained chain.
func (w *work) hidesHead(drained bool) int {
	switch {
	case drained:
		return 25 * w.lean.skip
	case w.lean.drain > 1:
		return 2 * w.lean.skip
	}
	return 12 * w.lean.skip
}

// headFlags gives an SQE flags as the first of an element has them; drained is what its chain is already.
func (w *work) headFlags(q *uring.SQEFlags, drained bool) {
	for _, f := range []weighted[uring.SQEFlags]{
		{11 * w.lean.drain, uring.IODrain}, {14 * w.lean.async, uring.Async}, {w.hidesHead(drained), uring.CQESkipSuccess},
	} {
		if w.chance(f.weight) {
			*q |= f.is
		}
	}
}
