// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// executions are what executables do, one after the other.
type execution struct {
	x   vm.Executed
	err error
}

func reproduceOn(t *testing.T, k *simulated, spec ReproduceSpec, f *Form, does ...execution) (*Reproduced, error) {
	t.Helper()
	pr, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	k.t, k.profile, spec.Profile = t, pr, pr
	n := 0
	r := &reproducer{ReproduceSpec: spec, spawn: k.spawn, scale: 8,
		exec: func(_ context.Context, _ guest, _ []byte, o vm.ExecOptions) (*vm.Executed, error) {
			if len(o.Args) != 2 || o.Args[0] != "40" || o.Args[1] != "8" || o.Bound != execBound || o.Mutant != spec.Options.Mutant {
				t.Errorf("executed with %+v", o)
			}
			n++
			return &does[n-1].x, does[n-1].err
		}}
	out, err := r.form(t.Context(), f)
	if k.open != 0 {
		t.Errorf("%d guests were left running", k.open)
	}
	return out, err
}

func TestReproducePrograms(t *testing.T) {
	p := catalogued(t, "group-nop-3")[0]
	lost := &answer{err: &vm.InfraError{Op: "talk to QEMU", Err: errors.New("killed")}}
	rarely := func(a *answer) func(*cases.Program, int) *answer {
		n := 0
		return func(*cases.Program, int) *answer {
			if n++; n%2 == 0 {
				return a
			}
			return nil
		}
	}
	for _, test := range []struct {
		name   string
		kernel simulated
		class  string
		want   string // class, score, silent
		others map[string]int
	}{
		{"always", simulated{bug: sim.LeaderFirst}, "", "FAIL G4 of a leader, 4 of 4, 0", nil},
		{"never", simulated{}, "", ", 0 of 4, 0", nil},
		{"now and then", simulated{acts: rarely(&answer{outcome: &cases.Outcome{End: cases.EndDone, Console: oops}})}, "",
			"CRASH NULL pointer dereference in io_foo, 2 of 4, 0", nil},
		{"something else", simulated{bug: sim.LeaderFirst}, "FAIL G8 of a leader", "FAIL G8 of a leader, 0 of 4, 0", map[string]int{"FAIL G4 of a leader": 4}},
		{"in two ways", simulated{bug: sim.LeaderFirst, acts: rarely(&answer{outcome: &cases.Outcome{End: cases.EndDone, Console: oops}})}, "",
			"FAIL G4 of a leader, 2 of 4, 0", map[string]int{"CRASH NULL pointer dereference in io_foo": 2}},
		{"our side breaks", simulated{acts: func(*cases.Program, int) *answer { return lost }}, "", ", 0 of 0, 4", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := reproduceOn(t, &test.kernel, ReproduceSpec{Class: test.class, Tries: 4}, &Form{Name: "program", Program: p})
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s, %s, %d", out.Class, out.Score, out.Silent)
			if got != test.want || !maps.Equal(out.Others, test.others) {
				t.Errorf("%s, others %v; want %s, %v", got, out.Others, test.want, test.others)
			}
			if (out.Case != nil) != (out.Shown > 0) || (out.Why != "") != (out.Silent > 0) {
				t.Errorf("case %v, why %q", out.Case, out.Why)
			}
		})
	}
}

// An executable's word counts, unless the kernel or the guest say otherwise.
func TestReproduceExecutables(t *testing.T) {
	title, _ := crash.Title(oops)
	exits := func(status int) execution { return execution{x: vm.Executed{Execed: wire.Execed{Status: status}}} }
	oopsed := exits(0)
	oopsed.x.Console = oops
	late := execution{x: vm.Executed{Execed: wire.Execed{Late: true, Signal: 9}, Waited: time.Second}}
	starved := late
	starved.x.Stolen = time.Second
	panicked := execution{err: &vm.GuestError{Kind: vm.GuestPanicked, Console: oops}}
	infra := execution{err: &vm.InfraError{Op: "talk to QEMU", Err: errors.New("killed")}}
	const g4 = "FAIL G4 of a leader"
	for _, test := range []struct {
		name   string
		class  string
		does   []execution
		want   string // score, silent
		others map[string]int
		why    string // part of it
	}{
		{"shows it twice", g4, []execution{exits(1), exits(0), exits(1)}, "2 of 3, 0", nil, ""},
		{"nobody knows what", "", []execution{exits(1), exits(0)}, "1 of 2, 0", nil, ""},
		{"the kernel complains instead", g4, []execution{oopsed, exits(1)}, "1 of 2, 0", map[string]int{"CRASH " + title: 1}, ""},
		{"the complaint is what is looked for", "CRASH " + title, []execution{oopsed, panicked, exits(0)}, "2 of 3, 0", nil, ""},
		{"a hang that is looked for", "HANG G11", []execution{late, exits(1), exits(0)}, "2 of 3, 0", nil, ""},
		{"a hang that is not", g4, []execution{late, exits(1)}, "1 of 2, 0", map[string]int{"HANG of step or end, killed after 40 s": 1}, ""},
		{"a guest that could not run", "HANG G11", []execution{starved, exits(0)}, "0 of 1, 1", nil, "could not run"},
		{"our side breaks", g4, []execution{infra, exits(1)}, "1 of 1, 1", nil, "killed"},
		{"the kernel cannot run it", g4, []execution{exits(2)}, "0 of 0, 0", nil, "exit status 2"},
		{"an exit status of its own", g4, []execution{exits(7)}, "0 of 1, 0", map[string]int{"exit status 7": 1}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := ReproduceSpec{Class: test.class, Tries: len(test.does), Options: vm.RunOptions{Mutant: 3}}
			out, err := reproduceOn(t, &simulated{}, spec, &Form{Name: "C program", Binary: []byte("binary")}, test.does...)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s, %d", out.Score, out.Silent); got != test.want || !maps.Equal(out.Others, test.others) || !strings.Contains(out.Why, test.why) {
				t.Errorf("%s, others %v, why %q; want %s, %v, %q", got, out.Others, out.Why, test.want, test.others, test.why)
			}
		})
	}
}
