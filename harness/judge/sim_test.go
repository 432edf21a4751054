// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
)

func profile(t testing.TB, name string) *cases.Profile {
	t.Helper()
	pr, err := cases.LoadProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return pr
}

func input(p *cases.Program, pr *cases.Profile, out *cases.Outcome) Input {
	return Input{Program: p, Profile: pr, Outcome: out, Probes: sim.Probes()}
}

func dump(v *Verdict, out *cases.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", v.Status, v.Reason)
	for _, x := range v.Violations {
		fmt.Fprintf(&b, "  %s: %s (SQEs %v, events %v, CQEs %v)\n", x.Rule, x.Text, x.SQEs, x.Events, x.CQEs)
	}
	fmt.Fprintf(&b, "steps %+v\nCQEs %+v\n", out.Steps, out.CQEs)
	for k, ev := range out.Events {
		fmt.Fprintf(&b, "%3d %-12s sqe %d res %d refs %d worker %v\n", k, ev.Kind, int(ev.UserData)-1, ev.Res, ev.GroupRefs, ev.Worker)
	}
	return b.String()
}

var loadCatalogue = sync.OnceValues(cases.Catalogue)

func catalogue(t testing.TB) []*cases.Program {
	t.Helper()
	ps, err := loadCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// Every run of every program on a correct kernel passes.
func TestCorrectKernelPasses(t *testing.T) {
	for _, name := range []string{"v4", "v7"} {
		pr := profile(t, name)
		for _, p := range catalogue(t) {
			t.Run(name+"/"+p.Name, func(t *testing.T) {
				for seed := range uint64(4) {
					out := sim.Run(p, pr, seed)
					if v := Judge(input(p, pr, out)); v.Status != Pass {
						t.Fatalf("seed %d: %s\n%s", seed, dump(&v, out), p.Text())
					}
				}
			})
		}
	}
}
