// SPDX-License-Identifier: Apache-2.0

package repro

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// features are what the source of a program is made of.
func features(p *cases.Program) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for i := range p.Rings {
		add("setup %#x", p.Rings[i].Flags)
	}
	for i := range p.Resources {
		add("resource %s", p.Resources[i].Kind)
	}
	for i := range p.Buffers {
		add("buffer %s", p.Buffers[i].Kind)
	}
	for i := range p.Steps {
		st := &p.Steps[i]
		add("step %s by another %v", st.Kind, st.Thread != "")
		if st.Reg != nil {
			add("register %d", st.Reg.Op)
		}
	}
	for _, r := range p.SQEs() {
		add("opcode %s", r.SQE.Op)
	}
	return list
}

// Every program of the catalogue has a form in C that compiles without a
// warning, or an error that says what has none. Those that have nothing new in
// them are compiled only with RINGPROOF_C=all, which takes a minute and more.
func TestCatalogueCompiles(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc")
	}
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	// What is left of a finding may be very little.
	for _, steps := range []string{"", "submit r0\n  nop\n"} {
		p, err := cases.Parse("bare.ring", []byte(fmt.Sprintf("name bare-%d\nring r0 entries=2\n", len(steps))+steps))
		if err != nil {
			t.Fatal(err)
		}
		all = append([]*cases.Program{p}, all...)
	}
	dir := t.TempDir()
	var files []string
	refused := map[string]int{}
	seen := map[string]bool{}
	for i, p := range all {
		bug := &Bug{Rule: "G4", Text: "for a test", SQEs: []int{0}, CQEs: []cases.CQE{{UserData: 1}}, Steps: i%2 == 0}
		switch i % 7 {
		case 1:
			bug = &Bug{Hang: true}
		case 4:
			bug = &Bug{Stays: true}
		case 2:
			bug = &Bug{Crash: true}
		case 3:
			bug = nil
		case 5:
			bug = &Bug{Workers: judge.NoWorkers}
		case 6:
			bug = &Bug{Workers: judge.SomeWorkers}
		}
		src, err := C(p, bug)
		if err != nil {
			refused[err.Error()[strings.LastIndex(err.Error(), ": ")+2:]]++
			continue
		}
		if back, err := Program(src); err != nil || back.Text() != p.Text() {
			t.Errorf("%s: the program does not come back: %v", p.Name, err)
		}
		news := os.Getenv("RINGPROOF_C") == "all"
		for _, f := range features(p) {
			news = news || !seen[f]
			seen[f] = true
		}
		if !news {
			continue
		}
		file := filepath.Join(dir, p.Name+".c")
		if err := os.WriteFile(file, src, 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	t.Logf("%d compiled, refused: %v", len(files), refused)
	// Some warnings come only where code is made, and by how much it is optimised.
	cmd := exec.Command(gcc, append([]string{"-O1", "-Wall", "-Wextra", "-Werror", "-c"}, files...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%.4000s", err, out)
	}
}

// The exit status tells whether the CQEs are those of the bug. Needs a host with io_uring.
func TestExitStatus(t *testing.T) {
	if _, err := exec.LookPath(Compiler); err != nil {
		t.Skip("no gcc")
	}
	p, err := cases.Parse("test.ring", []byte(`name status
ring r0 entries=4
pipe p0
buf b0 size=8
submit r0
  nop LINK
  read p0.r b0 len=8
  nop inject=-EIO
t1: feed p0.w 8 fill=3
wait r0
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		bug  Bug
		want int
	}{
		{"the same", Bug{SQEs: []int{0, 1}, CQEs: []cases.CQE{{UserData: 1}, {UserData: 2, Res: 8}}}, 1},
		{"another result", Bug{SQEs: []int{0, 1}, CQEs: []cases.CQE{{UserData: 1}, {UserData: 2, Res: 7}}}, 0},
		{"another order", Bug{SQEs: []int{0, 1}, CQEs: []cases.CQE{{UserData: 2, Res: 8}, {UserData: 1}}}, 0},
		{"one too many", Bug{SQEs: []int{0, 1}, CQEs: []cases.CQE{{UserData: 1}}}, 0},
		{"none, where one comes", Bug{SQEs: []int{1}}, 0},
		{"no hang", Bug{Hang: true}, 0},
		{"no ring that stays", Bug{Stays: true}, 0},
		{"no worker, where there is none", Bug{Workers: judge.NoWorkers}, 1},
		{"a worker, where there is none", Bug{Workers: judge.SomeWorkers}, 0},
		{"in the same step", Bug{SQEs: []int{1}, CQEs: []cases.CQE{{UserData: 2, Res: 8, Step: 2}}, Steps: true}, 1},
		{"in another step", Bug{SQEs: []int{1}, CQEs: []cases.CQE{{UserData: 2, Res: 8, Step: 3}}, Steps: true}, 0},
		{"with its neighbours", Bug{SQEs: []int{1}, CQEs: []cases.CQE{{UserData: 2, Res: 8}}, Beside: []int{0, 2}, Others: []cases.CQE{{UserData: 3, Res: -5}, {UserData: 1}}}, 1},
		{"another neighbour", Bug{SQEs: []int{1}, CQEs: []cases.CQE{{UserData: 2, Res: 8}}, Beside: []int{0, 2}, Others: []cases.CQE{{UserData: 3}, {UserData: 1}}}, 0},
		{"a neighbour too many", Bug{SQEs: []int{1}, CQEs: []cases.CQE{{UserData: 2, Res: 8}}, Beside: []int{0, 2}, Others: []cases.CQE{{UserData: 1}}}, 0},
		{"nothing to look for", Bug{Rule: "G9"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src, err := C(p, &tc.bug)
			if err != nil {
				t.Fatal(err)
			}
			binary, err := Build(t.Context(), src)
			if err != nil {
				t.Fatal(err)
			}
			prog := filepath.Join(t.TempDir(), "repro")
			if err := os.WriteFile(prog, binary, 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(prog)
			out, _ := cmd.CombinedOutput()
			if status := cmd.ProcessState.ExitCode(); status == 2 {
				t.Skipf("%s", out)
			} else if status != tc.want {
				t.Errorf("exit status %d, want %d\n%s", status, tc.want, out)
			}
		})
	}
}
