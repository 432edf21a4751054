// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/noise"
)

// needNoise skips a test where this process may not do to its threads what PID 1's worker may.
func needNoise(t *testing.T) {
	t.Helper()
	d := &din{cpus: runtime.NumCPU()}
	for _, th := range []noise.Thread{{CPU: noise.AnyCPU, Nice: -5}, {CPU: 0}, {CPU: 1, Class: noise.Idle}, {CPU: noise.AnyCPU}} {
		if err := d.schedule(0, th); errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
			t.Skipf("needs to be root on the first CPUs: %v", err)
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// state is what noise must leave as it was.
type state struct {
	attr    unix.SchedAttr
	cpus    unix.CPUSet
	workers [2]uint32
	procs   int
}

func stateOfThread(t *testing.T) state {
	t.Helper()
	s := state{procs: runtime.GOMAXPROCS(0)}
	attr, err := unix.SchedGetAttr(0, 0)
	if err == nil {
		s.attr = *attr
		err = unix.SchedGetaffinity(0, &s.cpus)
	}
	if err == nil {
		err = iowq(&s.workers, noise.AnyCPU)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestNoiseChangesNoResult runs a program with threads, a pipe and a request
// for io-wq under many seeds. Its results and the state of the process stay what they are without noise.
func TestNoiseChangesNoResult(t *testing.T) {
	x, l := newExecutor(t)
	needNoise(t)
	prog := &cases.Program{Name: "p", Rings: ring(8), Resources: []cases.Resource{{Name: "p", Kind: cases.ResPipe}},
		Buffers: []cases.Buffer{{Size: 16}}, Steps: []cases.Step{
			submit(cases.SQE{Op: uring.OpRead, FD: end(1, 0), Buf: cases.BufRef{Ref: 1}, Len: 16}, nop(uring.Async)),
			{Kind: cases.StepFeed, FD: end(1, 1), N: 16, Fill: 3, Thread: "t"},
			wait(2),
		}}
	before := stateOfThread(t)
	want := sorted(execute(x, l, prog))
	kinds := map[string]bool{}
	for seed := uint64(1); seed <= 60; seed++ {
		plan := noise.For(seed, prog)
		kinds[plan.Threads[0].Class.String()] = true
		rep := x.run(&job{Tag: 1, Scale: 1, Noise: seed, Program: *prog}, l.pages[0])
		if rep.Err != "" {
			t.Fatalf("%v: %s", plan, rep.Err)
		}
		var o cases.Outcome
		l.pages[0].harvest(1, &o)
		if got := sorted(o); !slices.Equal(got, want) {
			t.Errorf("%v: %q, without noise %q", plan, got, want)
		}
		if after := stateOfThread(t); after != before {
			t.Fatalf("%v: left %+v of %+v", plan, after, before)
		}
	}
	if len(kinds) < 4 {
		t.Errorf("the seeds tried only the classes %v", kinds)
	}
}

func sorted(o cases.Outcome) []string {
	var out []string
	for _, c := range o.CQEs {
		out = append(out, fmt.Sprintf("%d=%d", c.UserData, c.Res))
	}
	slices.Sort(out)
	return append(out, rets(o)...)
}

// TestPatienceUnderNoise: bounds on waits are later by what the noise may take.
func TestPatienceUnderNoise(t *testing.T) {
	prog := &cases.Program{Name: "p", Rings: ring(8)}
	e := &execution{job: &job{Scale: 2}, prog: prog, din: din{plan: noise.For(1, prog)}}
	if got, want := e.patience(time.Second), 2*time.Second+e.din.plan.Bound(); got != want {
		t.Errorf("a bound of 1s became %v, want %v", got, want)
	}
	if got := e.patience(0); got != 0 {
		t.Errorf("no bound became %v", got)
	}
	e.din.plan = nil
	if got := e.patience(time.Second); got != 2*time.Second {
		t.Errorf("without noise a bound of 1s became %v, want 2s", got)
	}
}
