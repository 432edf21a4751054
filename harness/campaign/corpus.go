// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/ringproof/ringproof/cases"
)

// Entry is a program worth mutating.
type Entry struct {
	Name    string // its file's in the corpus directory
	Program *cases.Program
	// Edges are the stable ones that it was the first to show; their number is its novelty.
	Edges int
	// Cost is how long it took in the guest.
	Cost time.Duration

	picked, fruits int
}

// Corpus is the programs that a campaign mutates. The zero value is ready. It
// is not safe for concurrent use.
type Corpus struct {
	entries []*Entry
	names   map[string]bool
	total   float64   // of weights
	weights []float64 // by entry
	costs   time.Duration
}

// Len is the number of entries.
func (c *Corpus) Len() int { return len(c.entries) }

// Add takes an entry in, and tells whether it was not there yet, by its name.
func (c *Corpus) Add(e *Entry) bool {
	if c.names[e.Name] {
		return false
	}
	if c.names == nil {
		c.names = map[string]bool{}
	}
	c.names[e.Name] = true
	c.entries = append(c.entries, e)
	c.costs += e.Cost
	c.weights = append(c.weights, 0)
	c.weigh(len(c.entries) - 1)
	return true
}

// Pick returns an entry to mutate, nil if there is none. What showed much that
// was new, costs little, has not often been picked and had fruits is picked more often.
func (c *Corpus) Pick(rng *rand.Rand) *Entry {
	i := c.pick(rng)
	if i < 0 {
		return nil
	}
	c.entries[i].picked++
	c.weigh(i)
	return c.entries[i]
}

// Donor returns an entry for others to take parts from, nil if there is none: any is as likely.
func (c *Corpus) Donor(rng *rand.Rand) *Entry {
	if len(c.entries) == 0 {
		return nil
	}
	return c.entries[rng.IntN(len(c.entries))]
}

// Fruit notes that a mutation of e was worth keeping.
func (c *Corpus) Fruit(e *Entry) {
	e.fruits++
	for i := range c.entries {
		if c.entries[i] == e {
			c.weigh(i)
		}
	}
}

func (c *Corpus) pick(rng *rand.Rand) int {
	if len(c.entries) == 0 {
		return -1
	}
	at := rng.Float64() * c.total
	for i, w := range c.weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(c.weights) - 1
}

// weigh brings an entry's energy up to date. An entry that costs ten times the
// mean gets a third of the share; one picked a hundred times in vain a tenth.
func (c *Corpus) weigh(i int) {
	e := c.entries[i]
	novelty := 1 + math.Log2(1+float64(e.Edges))
	mean := float64(c.costs) / float64(len(c.entries))
	cost := 1.0
	if mean > 0 {
		cost = math.Sqrt(max(float64(e.Cost)/mean, 0.25))
	}
	tired := math.Sqrt(1 + float64(e.picked)/float64(1+4*e.fruits))
	w := novelty / cost / tired
	c.total += w - c.weights[i]
	c.weights[i] = w
}
