// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/cases/uring"
)

// seedsEnv says how many random programs are tried; CI does with the default.
const seedsEnv = "RINGPROOF_SEEDS"

func seeds(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv(seedsEnv)
	if text == "" {
		return 2000
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q is no number of programs: %v", seedsEnv, text, err)
	}
	return n
}

// Any program, on any schedule, passes on a correct kernel of either profile.
func TestRandomProgramsPass(t *testing.T) {
	for _, name := range []string{"v4", "v7", "none"} {
		pr := profile(t, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds(t) {
				p := randomProgram(seed)
				if err := p.Validate(); err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, p.Text())
				}
				out := sim.Run(p, pr, seed)
				if v := Judge(input(p, pr, out)); v.Status != Pass {
					t.Fatalf("seed %d: %s\n%s", seed, dump(&v, out), p.Text())
				}
			}
		})
	}
}

// randomProgram makes a program of groups, chains, drains and what blocks, fails
// and cancels. The same seed makes the same program.
func randomProgram(seed uint64) *cases.Program {
	g := generator{rnd: rand.New(rand.NewPCG(seed, 7)), p: &cases.Program{Name: fmt.Sprint("random-", seed)}}
	flags := []uring.SetupFlags{0, 0, uring.SetupSubmitAll, uring.SetupSubmitAll, uring.SetupDeferTaskrun | uring.SetupSingleIssuer, uring.SetupCoopTaskrun, uring.SetupSQPoll}
	for i := range 1 + g.rnd.IntN(2) {
		r := cases.Ring{Name: fmt.Sprint("r", i), Entries: 16, Flags: flags[g.rnd.IntN(len(flags))]}
		g.p.Rings = append(g.p.Rings, r)
	}
	for i := range 3 {
		g.p.Resources = append(g.p.Resources, cases.Resource{Name: fmt.Sprint("p", i), Kind: cases.ResPipe})
	}
	g.p.Resources = append(g.p.Resources, cases.Resource{Name: "f0", Kind: cases.ResFile, Size: 256, Fill: 5})
	for range 1 + g.rnd.IntN(3) {
		g.submit()
		g.between()
	}
	g.end()
	return g.p
}

type generator struct {
	rnd  *rand.Rand
	p    *cases.Program
	sqes int
}

func (g *generator) one(percent int) bool { return g.rnd.IntN(100) < percent }

func (g *generator) ring() int { return g.rnd.IntN(len(g.p.Rings)) }

func (g *generator) submit() {
	st := cases.Step{Kind: cases.StepSubmit, Ring: g.ring()}
	for range 1 + g.rnd.IntN(8) {
		st.SQEs = append(st.SQEs, g.sqe())
		g.sqes++
	}
	g.p.Steps = append(g.p.Steps, st)
}

func (g *generator) sqe() cases.SQE {
	q := g.op()
	for _, f := range []struct {
		flag    uring.SQEFlags
		percent int
	}{
		{uring.SQEGroup, 50}, {uring.IOLink, 20}, {uring.IOHardlink, 6}, {uring.IODrain, 4}, {uring.Async, 15}, {uring.CQESkipSuccess, 10},
	} {
		if g.one(f.percent) {
			q.Flags |= f.flag
		}
	}
	return q
}

func (g *generator) op() cases.SQE {
	switch n := g.rnd.IntN(100); {
	case n < 40:
		return cases.SQE{Op: uring.OpNop}
	case n < 50:
		return cases.SQE{Op: uring.OpNop, HasInject: true, Inject: -5}
	case n < 55:
		return cases.SQE{Op: 255}
	case n < 70:
		return cases.SQE{Op: uring.OpRead, FD: g.pipe(0), Buf: g.buffer(), Len: 16}
	case n < 78:
		return cases.SQE{Op: uring.OpPollAdd, FD: g.pipe(0), OpFlags: 1}
	case n < 86:
		return cases.SQE{Op: uring.OpRead, FD: cases.FD{Ref: 4}, Buf: g.buffer(), Len: 64, Off: uint64(64 * g.rnd.IntN(5))}
	case n < 92:
		return cases.SQE{Op: uring.OpTimeout, Timeout: 20 * time.Millisecond}
	case n < 97 && g.sqes > 0:
		return cases.SQE{Op: uring.OpAsyncCancel, Target: 1 + g.rnd.IntN(g.sqes)}
	case n < 99:
		return cases.SQE{Op: uring.OpLinkTimeout, Timeout: 30 * time.Millisecond}
	}
	return cases.SQE{Op: uring.OpWrite, FD: g.pipe(1), Buf: g.buffer(), Len: 16}
}

func (g *generator) pipe(end int) cases.FD { return cases.FD{Ref: 1 + g.rnd.IntN(3), End: end} }

func (g *generator) buffer() cases.BufRef {
	g.p.Buffers = append(g.p.Buffers, cases.Buffer{Name: fmt.Sprint("b", len(g.p.Buffers)), Size: 64})
	return cases.BufRef{Ref: len(g.p.Buffers)}
}

func (g *generator) feed(ref, n int) {
	g.p.Steps = append(g.p.Steps, cases.Step{Kind: cases.StepFeed, FD: cases.FD{Ref: ref, End: 1}, N: n, Fill: cases.Fill(ref)})
}

// between is what happens from one submission to the next.
func (g *generator) between() {
	for range g.rnd.IntN(3) {
		switch n := g.rnd.IntN(100); {
		case n < 40:
			g.p.Steps = append(g.p.Steps, cases.Step{Kind: cases.StepWait, Ring: g.ring(), N: g.rnd.IntN(3), Timeout: 200 * time.Millisecond})
		case n < 80:
			g.feed(1+g.rnd.IntN(3), 16)
		default:
			g.p.Steps = append(g.p.Steps, cases.Step{Kind: cases.StepCancel, Ring: g.ring(), Target: 1 + g.rnd.IntN(g.sqes), Timeout: time.Second})
		}
	}
}

func (g *generator) end() {
	switch n := g.rnd.IntN(100); {
	case n < 70: // give everybody what it waits for
		for ref := range 3 {
			g.feed(ref+1, 512)
		}
		for r := range g.p.Rings {
			g.p.Steps = append(g.p.Steps, cases.Step{Kind: cases.StepWait, Ring: r, Timeout: time.Second})
		}
	case n < 80:
		g.p.Steps = append(g.p.Steps, cases.Step{Kind: cases.StepCloseRing, Ring: g.ring()})
	case n < 90:
		g.p.Steps = append(g.p.Steps, cases.Step{Kind: cases.StepKill})
	case n < 95:
		g.p.Steps = append(g.p.Steps, cases.Step{Kind: cases.StepExit})
	}
}
