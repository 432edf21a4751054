// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"debug/elf"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// covered runs programs in one guest, with coverage.
type covered struct {
	t     *testing.T
	guest *vm.Guest
	syms  []elf.Symbol // functions, by address
}

func newCovered(t *testing.T, g harness.GuestSpec) *covered {
	t.Helper()
	needVM(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	g.Executable = path
	host, err := harness.Open(t.Context(), images.Spec{Series: "v4", Flavour: "fast"}, g, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Close)
	c := &covered{t: t}
	if c.guest, err = host.Guest(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.guest.Close)
	if info := c.guest.Info(); info.NoCoverage != "" || len(info.Uncovered) > 0 {
		t.Fatalf("no coverage: %q, uncovered: %q", info.NoCoverage, info.Uncovered)
	}
	f, err := elf.Open(host.Kernel.Vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c.syms, err = f.Symbols(); err != nil {
		t.Fatal(err)
	}
	c.syms = slices.DeleteFunc(c.syms, func(s elf.Symbol) bool { return elf.ST_TYPE(s.Info) != elf.STT_FUNC })
	slices.SortFunc(c.syms, func(a, b elf.Symbol) int {
		if a.Value < b.Value {
			return -1
		}
		return 1
	})
	return c
}

// run returns the functions that a program's coverage has places in, with their number.
func (c *covered) run(text string) (map[string]int, *cases.Outcome) {
	c.t.Helper()
	p, err := cases.Parse("test.ring", []byte(text))
	if err != nil {
		c.t.Fatal(err)
	}
	o, err := c.guest.Run(c.t.Context(), p, vm.RunOptions{Coverage: true})
	if err != nil {
		c.t.Fatal(err)
	}
	if o.Coverage == nil || o.Coverage.Full || len(o.Coverage.PCs) == 0 || len(o.Coverage.Edges) == 0 {
		c.t.Fatalf("%s: %s, coverage %+v", o.End, o.Error, o.Coverage)
	}
	in := map[string]int{}
	for _, pc := range o.Coverage.PCs {
		i := sort.Search(len(c.syms), func(i int) bool { return c.syms[i].Value >= pc }) - 1
		if i < 0 {
			c.t.Fatalf("%#x is in no function", pc)
		}
		name, _, _ := strings.Cut(c.syms[i].Name, ".")
		in[name]++
	}
	return in, o
}

const (
	plainNop = "name a\nring r0 entries=8\n\nsubmit r0\n  nop\nwait r0\n"
	groupNop = "name b\nneeds groups\n\nring r0 entries=8\n\nsubmit r0\n  nop GROUP\n  nop\nwait r0\n"
	asyncNop = "name c\nring r0 entries=8\n\nsubmit r0\n  nop ASYNC\nwait r0\n"
	// What is still waiting at the end is cancelled when the ring is closed.
	waiting   = "name d\nring r0 entries=8\npipe p0\nbuf b0 size=8\n\nsubmit r0\n  read p0.r b0 len=8\n"
	waitingWq = "name e\nring r0 entries=8\npipe p0\nbuf b0 size=8\n\nsubmit r0\n  read p0.r b0 len=8 ASYNC\n"
	sqpollNop = "name f\nring r0 entries=8 flags=SQPOLL idle=10ms\n\nsubmit r0\n  nop GROUP\n  nop\nwait r0\n"
	exiting   = "name g\nring r0 entries=8\npipe p0\nbuf b0 size=8\n\nsubmit r0\n  read p0.r b0 len=8\nexit\n"
	threads   = "name h\nring r0 entries=8\n\nt1: submit r0\n  nop GROUP\n  nop\nwait r0\n"
)

// What a program reaches is in its coverage, whichever task reached it, and not in the next program's.
func TestKernelCoverage(t *testing.T) {
	for _, g := range []struct {
		name string
		spec harness.GuestSpec
	}{{"probes", harness.GuestSpec{}}, {"no probes", harness.GuestSpec{NoProbes: true}}} {
		t.Run(g.name, func(t *testing.T) {
			c := newCovered(t, g.spec)
			for range 3 { // in another order than at first
				for _, test := range []struct {
					program  string
					has, not []string
					end      cases.End
				}{
					{program: plainNop, has: []string{"io_uring_setup", "io_nop", "io_submit_sqes"},
						not: []string{"io_queue_group", "io_group_put", "io_wq_submit_work", "io_worker_handle_work", "io_read", "io_sq_thread"}},
					{program: groupNop, has: []string{"io_nop", "io_group_sqe", "io_queue_group"}, not: []string{"io_wq_submit_work"}},
					{program: asyncNop, has: []string{"io_wq_submit_work", "io_worker_handle_work", "io_nop"}, not: []string{"io_queue_group"}},
					{program: waiting, has: []string{"io_read"}},
					{program: plainNop, has: []string{"io_nop"}, not: []string{"io_read", "io_poll_task_func", "io_wq_submit_work"}},
					{program: waitingWq, has: []string{"io_wq_enqueue"}},
					{program: plainNop, has: []string{"io_nop"}, not: []string{"io_read", "io_wq_submit_work"}},
					{program: sqpollNop, has: []string{"io_sq_offload_create", "io_nop", "io_queue_group", "io_sq_thread"}},
					{program: exiting, has: []string{"io_read", "io_uring_cancel_generic"}, end: cases.EndExited},
					{program: plainNop, has: []string{"io_nop"}, not: []string{"io_read", "io_uring_cancel_generic", "io_queue_group"}},
					{program: threads, has: []string{"io_queue_group"}},
				} {
					in, o := c.run(test.program)
					name, _, _ := strings.Cut(test.program, "\n")
					if test.end == "" {
						test.end = cases.EndDone
					}
					if o.End != test.end {
						t.Errorf("%s: %s %s", name, o.End, o.Error)
					}
					for _, f := range test.has {
						if in[f] == 0 {
							t.Errorf("%s: nothing of %s was reached: %v", name, f, in)
						}
					}
					for _, f := range test.not {
						if in[f] > 0 {
							t.Errorf("%s: %d places of %s", name, in[f], f)
						}
					}
				}
			}
		})
	}
}

// The same program reaches the same, however often it is run.
func TestKernelCoverageIsStable(t *testing.T) {
	c := newCovered(t, harness.GuestSpec{})
	c.run(groupNop) // what a process does with its first ring
	_, first := c.run(groupNop)
	var pcs, edges int
	began := time.Now()
	const runs = 100
	for range runs {
		_, o := c.run(groupNop)
		if !slices.Equal(o.Coverage.PCs, first.Coverage.PCs) {
			pcs++
		}
		if !slices.Equal(o.Coverage.Edges, first.Coverage.Edges) {
			edges++
		}
	}
	t.Logf("%d PCs, %d edges; of %d runs %d had other PCs, %d other edges; %v each", len(first.Coverage.PCs), len(first.Coverage.Edges),
		runs, pcs, edges, time.Since(began)/runs)
	if pcs > runs/2 {
		t.Errorf("%d of %d runs reached something else", pcs, runs)
	}
}
