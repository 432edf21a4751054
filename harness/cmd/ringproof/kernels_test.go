// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

func TestKernels(t *testing.T) {
	f := kernelsFlags{sourceFlags: sourceFlags{Source: "dir:x", Patch: []string{"p"}, AllowBuild: true},
		Series: []string{"v4", "v7", "v4"}, Flavour: []string{"fast", "kcsan", "fast"}}
	specs, err := f.kernels()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range specs {
		got = append(got, s.Series+"-"+s.Flavour)
		if s.Source != "dir:x" || len(s.Patches) != 1 || !s.AllowBuildFiles {
			t.Errorf("%+v lacks what every kernel is built from", s)
		}
	}
	if want := "v4-fast v7-fast v4-kcsan v7-kcsan"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	f.Flavour = []string{"fast", "slow"}
	if _, err := f.kernels(); exitStatus(err) != exitUsage || !strings.Contains(err.Error(), `"slow"`) {
		t.Errorf("an unknown flavour: %v", err)
	}
}

// The command that runs a program again names all that the kernel is made of.
func TestAgain(t *testing.T) {
	f := sourceFlags{Source: "dir:x", Patch: []string{"p"}, NoInstrument: true, AllowBuild: true}
	got := strings.Join(again("run", f.kernel("v4", "kasan"), &guestFlags{Profile: "v7"}), " ")
	want := "ringproof run --source dir:x --series v4 --flavour kasan --patch p --no-instrument --allow-build-files --profile v7"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	f = sourceFlags{Source: defaultSource}
	if got := strings.Join(again("test", f.kernel("v4", "fast"), &guestFlags{}), " "); got != "ringproof test --series v4 --flavour fast" {
		t.Errorf("without flags: %s", got)
	}
}

func ended(series string, statuses ...judge.Status) tested {
	run := &report.Run{}
	for _, s := range statuses {
		run.Cases = append(run.Cases, report.Case{Verdict: judge.Verdict{Status: s}})
	}
	return tested{kernel: images.Spec{Series: series, Flavour: "fast"}, dir: "out/" + series, run: run}
}

func TestSummary(t *testing.T) {
	notBuilt := tested{kernel: images.Spec{Series: "bad", Flavour: "kasan"}, err: &images.BuildError{Errors: []string{"x.c:1: error"}}}
	noDisk := tested{kernel: images.Spec{Series: "v7", Flavour: "kasan"}, err: &vm.InfraError{Op: "write", Err: errors.New("disk full")}}
	for _, c := range []struct {
		name    string
		all     []tested
		planned int
		last    string
		status  int
	}{
		{"all pass", []tested{ended("v4", judge.Pass), ended("v7", judge.Pass, judge.Skip)}, 2, "2 passed, 0 failed, 1 skipped", exitOK},
		{"a failure outweighs", []tested{ended("v4", judge.Fail), ended("v7", judge.Infra, judge.Inconclusive)}, 2,
			"0 passed, 1 failed, 0 skipped, 1 inconclusive, 1 infrastructure", exitFailed},
		{"our side outweighs a gap", []tested{ended("v4", judge.Infra), ended("v7", judge.Inconclusive)}, 2,
			"0 passed, 0 failed, 0 skipped, 1 inconclusive, 1 infrastructure", exitInfra},
		{"one is not built", []tested{ended("v4", judge.Pass), notBuilt}, 2, "1 passed, 0 failed, 0 skipped, 1 of 2 kernels not tested", exitFailed},
		{"our side breaks", []tested{ended("v4", judge.Pass), noDisk}, 2, "1 passed, 0 failed, 0 skipped, 1 of 2 kernels not tested", exitInfra},
		{"interrupted before the last", []tested{ended("v4", judge.Pass)}, 2, "1 passed, 0 failed, 0 skipped, 1 of 2 kernels not tested", exitInconclusive},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			status := exitStatus(summarise(&b, c.all, c.planned))
			lines := strings.Split(strings.TrimSpace(b.String()), "\n")
			if last := lines[len(lines)-1]; last != c.last || status != c.status {
				t.Errorf("exit %d, last line %q, want %d, %q", status, last, c.status, c.last)
			}
			for _, k := range c.all {
				if !strings.Contains(b.String(), k.kernel.Series) || (k.run != nil && !strings.Contains(b.String(), "out/"+k.kernel.Series+"/report.html")) {
					t.Errorf("no line for %s:\n%s", k.kernel.Series, b.String())
				}
			}
		})
	}
}
