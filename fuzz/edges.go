// SPDX-License-Identifier: Apache-2.0

package fuzz

// A program reaches a few edges of the kernel's code by chance: a timer, another task. A fuzzer
// that takes them for the program's doing fills its corpus with programs that
// show nothing. An edge counts when it was seen in stableRuns of mostRuns runs.
const (
	stableRuns = 2
	mostRuns   = 3
)

// Edges knows the edges that count. The zero value knows none. It must not be used concurrently.
type Edges struct{ known map[uint32]bool }

// Stable returns the edges of one run of a program that count: those that are known,
// and of the others those that show again, which are known from then on. again runs
// the program once more; it is not called where all are known. An error is again's; what was known is returned with it.
func (e *Edges) Stable(first []uint32, again func() ([]uint32, error)) (stable []uint32, err error) {
	open := map[uint32]int{} // how often they were seen
	for _, edge := range first {
		if e.known[edge] {
			stable = append(stable, edge)
		} else {
			open[edge] = 1
		}
	}
	for run := 2; run <= mostRuns && len(open) > 0; run++ {
		edges, err := again()
		if err != nil {
			return stable, err
		}
		for _, edge := range edges {
			if open[edge] == 0 {
				continue
			}
			if open[edge]++; open[edge] == stableRuns {
				delete(open, edge)
				stable = append(stable, edge)
				e.add(edge)
			}
		}
		for edge, seen := range open {
			if seen+mostRuns-run < stableRuns {
				delete(open, edge)
			}
		}
	}
	return stable, nil
}

func (e *Edges) add(edge uint32) {
	if e.known == nil {
		e.known = map[uint32]bool{}
	}
	e.known[edge] = true
}

// Len is the number of edges that are known.
func (e *Edges) Len() int { return len(e.known) }
