// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/repro"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// shownMutants are mistakes whose kernels are asked for their smallest program
// and its C form, and programs of the catalogue of which one shows each.
// RINGPROOF_MUTANTS, a regular expression, chooses among all of the series instead.
var shownMutants = map[string]string{
	"v4": "^(complete-at-one|rejected-member-issued)$",
	"v7": "^(group-of-one-runs|member-skip-accepted)$",
}

var showPrograms = []string{
	"group-nop-3", "group-batches", "group-linked-member-fails-run", "group-linked-member-fails-prep", "group-member-fails-prep-last",
	"group-leader-fails-run", "group-leader-fails-prep", "group-chain-broken-before", "group-chain-member-holds-next",
	"group-chain-broken-skip-hidden", "group-chain-middle", "group-linked-leader-fails-run", "group-hardlink-member-fails",
	"group-skip-leader", "group-skip-member", "group-drain-leader", "group-drain-sequence", "group-member-link-flags-ignored",
	"group-async-leader", "group-async-all", "group-overflow", "group-two-in-flight", "group-open-at-end", "group-of-one",
	"group-never-spans", "group-pipe-blocks-leader", "group-pipe-cancel-member", "group-all-fail-prep", "group-linked-two-rejected",
}

// What is found is made small, and its C program tells the kernel with the mistake from the one without.
func TestMutantsReproduce(t *testing.T) {
	needVM(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if agent := os.Getenv("RINGPROOF_AGENT"); agent != "" {
		path = agent
	}
	slow, _ := strconv.ParseFloat(os.Getenv("RINGPROOF_SLOWDOWN"), 64)
	for _, series := range []string{"v4", "v7"} {
		expr := shownMutants[series]
		if all := os.Getenv("RINGPROOF_MUTANTS"); all != "" {
			expr = all
		}
		ms, err := images.LoadMutants(series)
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(expr)
		i := slices.IndexFunc(ms, func(m *images.Mutant) bool { return re.MatchString(m.Name) })
		if i < 0 {
			if expr == shownMutants[series] {
				t.Errorf("series %s comes with none of %s", series, expr)
			}
			continue
		}
		host, _, err := harness.OpenMutated(t.Context(), images.Spec{Source: "debian:linux-source-6.12", Series: series, Flavour: "fast"},
			ms[i], ms, harness.GuestSpec{Accel: vm.AccelAuto, Executable: path, Slowdown: slow}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer host.Close()
		for _, m := range host.Kernel.Provenance.Mutants {
			if re.MatchString(m.Name) {
				t.Run(series+"/"+m.Name, func(t *testing.T) { reproduceMutant(t, host, m.Number) })
			}
		}
	}
}

func reproduceMutant(t *testing.T, host *harness.Host, number int) {
	started := time.Now()
	guest := func(ctx context.Context) (*vm.Guest, error) { return host.Guest(ctx) }
	options := vm.RunOptions{Mutant: number}
	killer := killerOf(t, host, number)
	if killer == nil {
		t.Fatal("no program of showPrograms shows it: add one that does")
	}
	out, err := harness.Shrink(t.Context(), harness.ShrinkSpec{Program: killer, Profile: host.Profile, Guest: guest, Accel: host.Accel,
		Options: options, Budget: 300, Userspace: true})
	if err != nil {
		t.Fatal(err)
	}
	small := out.Case.Program
	if small == nil {
		t.Fatalf("%s does not show it in a fresh guest: %s", killer.Name, out.Before)
	}
	row := fmt.Sprintf("%s | %s | %d | %d | %s, %s | %d runs, %d guests", out.Class, killer.Name, len(killer.SQEs()), len(small.SQEs()), out.Before, out.After, out.Runs, out.Guests)
	if len(small.SQEs()) > 6 {
		t.Errorf("%d SQEs are left\n%s", len(small.SQEs()), small.Text())
	}
	bug := repro.BugOf(small, &out.Case.Verdict, out.Case.Outcome)
	source, err := repro.C(small, bug)
	if err != nil || !bug.Visible() {
		t.Logf("ROW %s | no C: visible %v, %v | %.0f s\n%s", row, bug.Visible(), err, time.Since(started).Seconds(), small.Text())
		return
	}
	binary, err := harness.Executable(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, mutant := range []int{number, 0} {
		got, err := harness.Reproduce(t.Context(), harness.ReproduceSpec{Profile: host.Profile, Guest: guest, Options: vm.RunOptions{Mutant: mutant},
			Class: out.Class, Tries: 2}, &harness.Form{Name: "C program", Binary: binary}, host.Accel)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, fmt.Sprintf("%s %v %s", got.Score, got.Others, got.Why))
		if got.Of == 0 || (got.Shown > 0) != (mutant != 0) || len(got.Others) > 0 {
			t.Errorf("the C program with mistake %d: shown %s, others %v, %s", mutant, got.Score, got.Others, got.Why)
		}
	}
	t.Logf("ROW %s | %s | %.0f s\n%s", row, strings.Join(said, " | "), time.Since(started).Seconds(), small.Text())
	if t.Failed() {
		t.Logf("%s", source)
	}
}

// killerOf returns the first of showPrograms that shows a mistake.
func killerOf(t *testing.T, host *harness.Host, number int) *cases.Program {
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	var g *vm.Guest
	defer func() {
		if g != nil {
			g.Close()
		}
	}()
	for _, name := range showPrograms {
		p := all[slices.IndexFunc(all, func(p *cases.Program) bool { return p.Name == name })]
		if g == nil || g.Err() != nil {
			if g, err = host.Guest(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		outcome, err := g.Run(t.Context(), p, vm.RunOptions{Mutant: number, Brief: true, Deadline: time.Second, Ends: time.Second / 4})
		if err != nil {
			if t.Context().Err() != nil {
				t.Fatal(err)
			}
			return p // it cost the guest
		}
		v := judge.Judge(judge.Input{Program: p, Profile: host.Profile, Outcome: outcome, GuestLacks: g.Info().Unmet(p.Needs), Probes: g.Info().Probes})
		if v.Status == judge.Fail || v.Status == judge.Crash || v.Status == judge.Hang {
			return p
		}
	}
	return nil
}
