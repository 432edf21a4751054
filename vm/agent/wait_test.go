// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// unfreedTags say from the first look on that the request has completed, and
// never that it is freed.
type unfreedTags struct{ fakeTags }

func (*unfreedTags) Counters(int) (submitted, completed, freed uint64, gone bool) {
	return 1, 1, 0, false
}

// The probes see a completion before its CQE is published. A thread that is
// interrupted between the two, or whose CPU the host takes away, may take long over it:
// its CQE is waited for.
func TestWaitForAllWaitsForThePublication(t *testing.T) {
	x, l := newExecutor(t)
	x.tags = new(unfreedTags)
	rep := x.run(&job{Tag: 1, Slots: []int{0}, Scale: 1, Program: cases.Program{Rings: ring(2),
		Steps: []cases.Step{submit(cases.SQE{Op: uring.OpTimeout, Timeout: 60 * time.Millisecond}), wait(0)}}}, l.pages[0])
	var o cases.Outcome
	l.pages[0].harvest(1, &o)
	if rep.Err != "" || len(o.CQEs) != 1 || o.Steps[1].Errno != 0 {
		t.Errorf("%q, %d CQEs, steps %v", rep.Err, len(o.CQEs), rets(o))
	}
}
