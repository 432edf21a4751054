// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
)

// A fuzzed kernel may have the guest say anything: the judge must answer, not panic.
func TestGarbageOutcome(t *testing.T) {
	pr := profile(t, "v4")
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, p := range catalogue(t) {
		for range 20 {
			out := sim.Run(p, pr, rnd.Uint64())
			for range 1 + rnd.IntN(8) {
				garble(out, rnd)
			}
			Judge(input(p, pr, out))
		}
	}
}

func garble(out *cases.Outcome, rnd *rand.Rand) {
	ev, cq := rnd.IntN(len(out.Events)), 0
	if len(out.CQEs) > 0 {
		cq = rnd.IntN(len(out.CQEs))
	}
	wild := func() int64 { return []int64{-1 << 63, -1, 0, 1, 5, 1 << 40, 1<<63 - 1}[rnd.IntN(7)] }
	switch rnd.IntN(12) {
	case 0:
		out.Events[ev].UserData = uint64(wild())
	case 1:
		out.Events[ev].Kind = cases.EventKind(wild())
	case 2:
		out.Events[ev].Ring, out.Events[ev].Res = int(wild()), int32(wild())
	case 3:
		out.Events = slices.Insert(out.Events, rnd.IntN(len(out.Events)), out.Events[ev])
	case 4:
		if len(out.Events) > 1 {
			out.Events = slices.Delete(out.Events, ev, ev+1)
		}
	case 5:
		out.CQEs = append(out.CQEs, cases.CQE{Ring: int(wild()), UserData: uint64(wild()), Step: int(wild())})
	case 6:
		if cq < len(out.CQEs) {
			out.CQEs = slices.Delete(out.CQEs, cq, cq+1)
		}
	case 7:
		if n := len(out.Steps); n > 0 {
			out.Steps[rnd.IntN(n)] = cases.StepResult{Ret: wild(), Errno: []int32{0, 62, 9}[rnd.IntN(3)]}
		}
	case 8:
		if n := len(out.Steps); n > 0 {
			out.Steps = out.Steps[:rnd.IntN(n)]
		}
	case 9:
		out.End, out.Hang = cases.EndTimeout, &cases.HangInfo{Step: int(wild())}
	case 10:
		out.Data = append(out.Data, cases.Blob{File: int(wild()), Buffer: int(wild()), Bytes: make([]byte, 9)})
	case 11:
		out.RingsGone = append(out.RingsGone, false)
	}
}
