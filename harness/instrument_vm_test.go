// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// A series whose free list looks otherwise is tested without what makes recycled
// requests visible to KASAN, and every report says so. The bug that TestPlantedBugs
// sees with it goes unnoticed.
func TestInstrumentLeftOut(t *testing.T) {
	needVM(t)
	needFlavour(t, "kasan")
	out := t.TempDir()
	run := runJSON(t, "run", "--json", "--out", out, "--series", "v4", "--flavour", "kasan",
		"--patch", filepath.Join(planted, "use-after-recycle.patch"),
		"--patch", filepath.Join("testdata", "context", "free-list.patch"),
		filepath.Join("..", "cases", "catalogue", "c5-poll-leader.ring"))
	if v := run.Cases[0].Verdict; v.Status != judge.Pass {
		t.Errorf("verdict %s (%s), want PASS", v.Status, v.Reason)
		for _, c := range run.Cases[0].Crashes {
			t.Log(strings.Join(c.Lines, "\n"))
		}
	}
	in := map[string]bool{}
	for _, i := range run.Kernel.Instruments {
		in[i.Name] = i.LeftOut == ""
		if i.What == "" || len(i.SHA256) != 64 {
			t.Errorf("%+v", i)
		}
	}
	if len(in) != 4 || in["recycle-poison"] || !in["coverage-tasks"] || !in["recycle-trap"] || !in["recycle-late"] {
		t.Errorf("in the kernel: %v, want all but recycle-poison", in)
	}
	const why = "patch recycle-poison.patch does not apply: io_uring/io_uring.c"
	if notes := strings.Join(run.Notes, "\n"); !strings.Contains(notes, "tested without recycle-poison") || !strings.Contains(notes, why) {
		t.Errorf("notes: %s", notes)
	}
	dirs, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%v, %v", dirs, err)
	}
	const fact = "coverage-tasks, recycle-late, recycle-trap; without recycle-poison"
	for _, name := range []string{report.HTMLFile, report.JUnitFile, report.SummaryFile, report.ResultsFile} {
		text, err := os.ReadFile(filepath.Join(dirs[0], name))
		if err != nil {
			t.Fatal(err)
		}
		if name != report.ResultsFile && !strings.Contains(strings.ReplaceAll(string(text), `\-`, "-"), fact) || name == report.ResultsFile && !strings.Contains(string(text), why) {
			t.Errorf("%s does not say which instruments are in", name)
		}
	}
}
