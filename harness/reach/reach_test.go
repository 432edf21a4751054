// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
)

// A program that covers itself stands for the kernel. A comment says which patch
// wrote a line, and what is to be said of it when the program runs without arguments.
const (
	source = `extern int printf(const char *, ...);
int sink;

struct s {
	int field;			//a.patch no-code
};

static inline __attribute__((always_inline)) void leaf(int n)
{
	if (n > 3)			//a.patch reached
		sink += n;		//a.patch never
}

static __attribute__((noinline)) int work(int argc, struct s *s)
{					//b.patch reached
	int n = argc;

	/* not for those without */	//b.patch no-code
	if (n > 1) {			//b.patch reached
		printf("many\n");	//b.patch never
		leaf(n);		//b.patch never
	} else {
		leaf(s->field);		//b.patch reached
		sink++;			//b.patch reached
	}
	return sink;			//b.patch reached
}

static __attribute__((noinline)) void nobody(void)
{
	sink -= 2;
}

int main(int argc, char **argv)
{
	struct s s = { argc };

	if (argc > 7)
		nobody();
	return work(argc, &s) < 0;
}
`
	runtime = `extern int printf(const char *, ...);
void __sanitizer_cov_trace_pc(void)
{
	printf("pc %lx\n", (unsigned long)__builtin_return_address(0));
}
`
)

type fakeSource []string

func (fakeSource) Patches() []string { return []string{"a.patch", "b.patch", "c.patch"} }
func (fakeSource) Written() []string { return []string{main} }
func (f fakeSource) Lines(file string, first, last int) []string {
	if file != main || first > len(f) {
		return nil
	}
	return f[max(first, 1)-1 : min(last, len(f))]
}
func (f fakeSource) WrittenBy(_ string, line int) string {
	by, _ := f.marked(line)
	return by
}

func (f fakeSource) marked(line int) (by string, want State) {
	_, mark, _ := strings.Cut(f[line-1], "//")
	by, state, _ := strings.Cut(mark, " ")
	return by, State(state)
}

// covered compiles the program and returns its map and what a run of it reaches.
func covered(t *testing.T, args ...string) (*Map, *Collected) {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("needs gcc")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"src/" + main: source, "src/runtime.c": runtime, "obj/x": ""} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = filepath.Join(dir, "obj")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
		}
		return string(out)
	}
	run(gcc, "-g", "-O2", "-c", "-fsanitize-coverage=trace-pc", "-o", "a.o", dir+"/src/"+main)
	run(gcc, "-g", "-O2", "-no-pie", "-o", "vmlinux", dir+"/src/runtime.c", "a.o")
	m, err := New(filepath.Join(dir, "obj", "vmlinux"), fakeSource(strings.Split(strings.TrimSuffix(source, "\n"), "\n")))
	if err != nil {
		t.Fatal(err)
	}
	of := &cases.Coverage{Lacks: []string{"somebody: why"}}
	for _, l := range strings.Split(run("./vmlinux", args...), "\n") {
		var pc uint64
		if n, _ := fmt.Sscanf(l, "pc %x", &pc); n == 1 {
			of.PCs = append(of.PCs, pc)
		}
	}
	slices.Sort(of.PCs)
	of.PCs = slices.Compact(of.PCs)
	c := new(Collected)
	c.Add(nil)
	c.Add(of)
	return m, c
}

func TestReport(t *testing.T) {
	m, c := covered(t)
	r := m.Report(c)
	if r.Programs != 1 || r.Unknown != 0 || len(r.Patches) != 3 {
		t.Errorf("%d programs, %d unknown places, %d patches", r.Programs, r.Unknown, len(r.Patches))
	}
	src := m.source.(fakeSource)
	got := map[int]Line{}
	for _, p := range r.Patches {
		for _, l := range p.Lines {
			got[l.Line] = l
		}
	}
	never := 0
	for i := range src {
		by, want := src.marked(i + 1)
		l := got[i+1]
		if l.Patch != by || l.State != want {
			t.Errorf("line %d is %s of %q, want %s of %q: %s", i+1, l.State, l.Patch, want, by, src[i])
		}
		if want == Never {
			never++
		}
	}
	if len(r.Never) != never || r.Series.Total-r.Series.Reached != never {
		t.Errorf("%d lines never reached, series %+v, want %d", len(r.Never), r.Series, never)
	}
	functions := map[string]Function{}
	for i, f := range r.Functions {
		functions[f.Name] = f
		if i > 0 && f.Series && !r.Functions[i-1].Series {
			t.Errorf("%s comes behind functions that the series does not touch", f.Name)
		}
	}
	for name, want := range map[string]Function{
		"leaf":   {Series: true, Blocks: Share{0, 1}},
		"nobody": {Blocks: Share{0, 1}},
	} {
		if f := functions[name]; f.Series != want.Series || f.Blocks != want.Blocks {
			t.Errorf("%s: %+v, want %+v", name, f, want)
		}
	}
	if f := functions["work"]; !f.Series || f.Blocks.Reached == 0 || f.Blocks.Reached == f.Blocks.Total {
		t.Errorf("work: %+v", f)
	}
}

// With more arguments, the other lines are reached: the report follows the coverage.
func TestReportOfAnotherRun(t *testing.T) {
	m, c := covered(t, "1", "2", "3", "4", "5", "6", "7")
	for _, p := range m.Report(c).Patches {
		for _, l := range p.Lines {
			if strings.Contains(l.Text, "many") && l.State != Reached || strings.Contains(l.Text, "sink++") && l.State != Never {
				t.Errorf("%s: %s", l.State, l.Text)
			}
		}
	}
	other := new(Collected)
	other.Add(&cases.Coverage{PCs: []uint64{1, 2}, Full: true})
	if r := m.Report(other); r.Unknown != 2 || r.Full != 1 || r.Series.Reached != 0 {
		t.Errorf("another kernel's coverage: %+v", r)
	}
}

func TestWrite(t *testing.T) {
	m, c := covered(t)
	r := m.Report(c)
	dir := t.TempDir()
	if err := m.Write(dir, r); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	annotated := read("b.reached")
	for _, want := range []string{"b.patch: 5 of 7", "\n+    19 \tif (n > 1) {", "\n!    20 \t\tprintf", "\n.    22 \t} else {", "\n     18 \t/* not for"} {
		if !strings.Contains(annotated, want) {
			t.Errorf("the annotated patch lacks %q:\n%s", want, annotated)
		}
	}
	if none := read("c.reached"); !strings.Contains(none, "c.patch: 0 of 0") {
		t.Error(none)
	}
	md := read(MarkdownFile)
	for _, want := range []string{r.Summary(), "Not seen: somebody: why.", "printf(\"many", "[b.patch](b.reached)", "| `nobody` |"} {
		if !strings.Contains(md, want) {
			t.Errorf("%s lacks %q:\n%s", MarkdownFile, want, md)
		}
	}
	var back Report
	if err := json.Unmarshal([]byte(read(JSONFile)), &back); err != nil || back.Series != r.Series || len(back.Never) != len(r.Never) {
		t.Errorf("%v, %+v", err, back.Series)
	}
	var text bytes.Buffer
	if err := r.Text(&text); err != nil || !strings.Contains(text.String(), "! "+main+":20 printf") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}
