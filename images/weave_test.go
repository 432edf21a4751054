// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/kconfig"
)

// edit is a mutant's change: the first such text of a file becomes another one.
type edit struct{ file, was, is string }

const wovenTree = "testdata/woven"

// unchanged is the tree without a series.
func unchanged() map[string]*change { return map[string]*change{} }

// mutantOfEdits makes a mutant of edits to the tree at root, at most one for each file.
func mutantOfEdits(t *testing.T, root, name string, edits ...edit) *Mutant {
	t.Helper()
	text := "Subject: " + name + "\n\n"
	for _, e := range edits {
		was := readFile(t, filepath.Join(root, e.file))
		if !strings.Contains(was, e.was) {
			t.Fatalf("%s: %s has no %q", name, e.file, e.was)
		}
		text += diff(e.file, was, strings.Replace(was, e.was, e.is, 1))
	}
	m, err := parseMutant(name+".patch", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// diff is a unified diff of one hunk.
func diff(file, was, is string) string {
	a, b := strings.SplitAfter(was, "\n"), strings.SplitAfter(is, "\n")
	head, tail := 0, 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	before, after := min(head, 3), min(tail-1, 3) // the last one is empty
	var out strings.Builder
	lines := func(mark string, list []string) int {
		for _, l := range list {
			out.WriteString(mark + l)
		}
		return len(list)
	}
	n := lines(" ", a[head-before:head])
	minus := lines("-", a[head:len(a)-tail])
	plus := lines("+", b[head:len(b)-tail])
	n += lines(" ", a[len(a)-tail:len(a)-tail+after])
	return fmt.Sprintf("diff --git a/%[1]s b/%[1]s\n--- a/%[1]s\n+++ b/%[1]s\n@@ -%[2]d,%[3]d +%[2]d,%[4]d @@\n%[5]s",
		file, head-before+1, n+minus, n+plus, out.String())
}

const (
	cFile = "io_uring/io_uring.c"
	hFile = "io_uring/list.h"
)

func someMutants(t *testing.T) []*Mutant {
	return []*Mutant{
		mutantOfEdits(t, wovenTree, "adds-less", edit{cFile, "return a + b;", "return a +\n\t\tb - 1;"}),
		mutantOfEdits(t, wovenTree, "wraps-early", edit{hFile, "n % 16", "n % 8"}),
		mutantOfEdits(t, wovenTree, "two-functions", edit{cFile, // from the body of report to that of shift
			between(t, cFile, "\tHERE();\n#ifdef LOUD", "by);\n\treturn p;\n"),
			strings.NewReplacer("\tHERE();\n#ifdef", "\tif (!what)\n\t\treturn;\n\n\tHERE();\n#ifdef", "p.y + by", "p.y - by").
				Replace(between(t, cFile, "\tHERE();\n#ifdef LOUD", "by);\n\treturn p;\n"))}),
		mutantOfEdits(t, wovenTree, "recursion-skips", edit{cFile, "\tif (n <= 1)\n\t\treturn 1;\n\treturn n * fact(n - 1);", "\tif (n <= 2)\n\t\treturn 1;\n\treturn n * fact(n - 2);"}),
		mutantOfEdits(t, wovenTree, "adds-more", edit{cFile, "\tHERE();\n\treturn a + b;", "\treturn a + b + 1;"}),
		mutantOfEdits(t, wovenTree, "by-pointer-and-in-header", edit{cFile, "half(4 * n)", "half(8 * n)"}, edit{hFile, "n % 16", "n % 32"}),
		mutantOfEdits(t, wovenTree, "does-something", edit{cFile, "nothing(void)\n{\n", "nothing(void)\n{\n\tprintf(\"something \");\n"}),
	}
}

func between(t *testing.T, file, from, to string) string {
	text := readFile(t, filepath.Join(wovenTree, file))
	at := strings.Index(text, from)
	end := strings.Index(text, to)
	if at < 0 || end < at {
		t.Fatalf("%s: no text from %q to %q", file, from, to)
	}
	return text[at : end+len(to)]
}

func TestArrange(t *testing.T) {
	ms := someMutants(t)
	alone := map[*Mutant]string{
		mutantOfEdits(t, wovenTree, "macro", edit{hFile, "#ifndef LIST_H", "#define X 1\n#ifndef LIST_H"}):                    "io_uring/list.h:1: it changes what is outside",
		mutantOfEdits(t, wovenTree, "struct", edit{cFile, "int x, y;", "int x, y, z;"}):                                       "outside",
		mutantOfEdits(t, wovenTree, "head", edit{cFile, "static int twice(int n)", "static long twice(int n)"}):               "io_uring/io_uring.c:59: it changes the head of twice",
		mutantOfEdits(t, wovenTree, "head-with-brace", edit{hFile, "half(int n) {", "half(long n) {"}):                        "io_uring/list.h:11: it changes the head of half",
		mutantOfEdits(t, wovenTree, "variadic", edit{cFile, "\treturn n;\n", "\treturn n + 1;\n"}):                            "count cannot be cloned: it takes a variable number",
		mutantOfEdits(t, wovenTree, "renamed", edit{cFile, "static int twice(int n)", "static int thrice(int n)"}):            "renames a function",
		mutantOfEdits(t, wovenTree, "added", edit{cFile, "static int twice", "static int f(void)\n{\n}\n\nstatic int twice"}): "adds, removes",
		mutantOfEdits(t, wovenTree, "no-c", edit{"include/linux/moduleparam.h", "= perm", "= !perm"}):                         "outside",
	}
	refused := map[*Mutant]string{
		mutantOfEdits(t, wovenTree, "same", edit{hFile, "n % 16", "n % 8"}):                       `mutant "same": it is the same change as mutant wraps-early`,
		mutantOfEdits(t, wovenTree, "comment", edit{hFile, "/* Not changed by", "/* Changed by"}): "nothing but comments",
	}
	elsewhere := mutantOfEdits(t, wovenTree, "elsewhere", edit{hFile, "n % 16", "n % 9"})
	elsewhere.patch.files[0].TextFragments[0].Lines[0].Line = "other context\n"
	refused[elsewhere] = "does not apply: io_uring/list.h:4: hunk 1"
	all := append(slices.Clone(ms), slices.Collect(maps.Keys(alone))...)
	a := arrange(wovenTree, unchanged(), 0, false, append(all, slices.Collect(maps.Keys(refused))...))
	if !slices.Equal(a.Together, ms) || len(a.Alone) != len(alone) || len(a.Refused) != len(refused) {
		t.Errorf("%d together, %d alone, %d refused", len(a.Together), len(a.Alone), len(a.Refused))
	}
	for _, x := range a.Alone {
		if want := alone[x.Mutant]; want == "" || !strings.Contains(x.Why.Error(), want) {
			t.Errorf("%s: alone because %v, want %q", x.Mutant.Name, x.Why, want)
		}
		_, err := weave(wovenTree, unchanged(), append(slices.Clone(ms), x.Mutant), false)
		var se *SpecError
		if !errors.As(err, &se) || se.Value != x.Mutant.Name {
			t.Errorf("%s was woven, or refused with %v", x.Mutant.Name, err)
		}
	}
	for _, x := range a.Refused {
		if want := refused[x.Mutant]; want == "" || !strings.Contains(x.Why.Error(), want) {
			t.Errorf("%s: refused because %v, want %q", x.Mutant.Name, x.Why, want)
		}
	}
}

func TestWeaveNothing(t *testing.T) {
	if files, err := weave(wovenTree, unchanged(), nil, false); err != nil || len(files) > 0 {
		t.Errorf("without mutants %v is written, %v", keys(files), err)
	}
}

var (
	lineDirective = regexp.MustCompile(`^#line (\d+)\n`)
	cloneStart    = regexp.MustCompile(`^ == (\d+)\n#line (\d+)\n`)
	cloneName     = regexp.MustCompile(`(\w)__(m\d+|as_is)\(`)
	cloneHead     = regexp.MustCompile(`^(static )?(noinline )?`)
)

// unweave undoes weaving: number chooses the mutant. It also checks that line
// directives give each line the number that it has in the result.
func unweave(t *testing.T, p string, files map[string]*change, number int) string {
	t.Helper()
	clones := map[int][]string{} // by the first line of the function
	if c := files[clonesFile(p, number)]; c != nil {
		text := string(c.content)
		for _, part := range strings.Split(text, "#endif\n#if "+selector) {
			part = strings.TrimPrefix(strings.TrimSuffix(part, "#endif\n"), "#if "+selector)
			m := cloneStart.FindStringSubmatchIndex(part)
			at, _ := strconv.Atoi(part[m[2]:m[3]])
			clones[at] = []string{part[m[4]:m[5]], part[m[1]:]}
		}
	}
	plain := func(text, original string) string { // the clone under its own name
		text = cloneName.ReplaceAllString(text, "$1(")
		_, isStatic := strings.CutPrefix(original, "static ")
		text = cloneHead.ReplaceAllString(text, "")
		if isStatic && !strings.HasPrefix(text, "static ") {
			text = "static " + text
		}
		return text
	}
	base := readFile(t, filepath.Join(wovenTree, p))
	if p == cFile {
		c := files[p]
		without, found := strings.CutSuffix(string(c.content), knob)
		if !found {
			t.Errorf("%s does not define the knob", p)
		}
		c = &change{content: []byte(without)}
		files = maps.Clone(files)
		files[p] = c
	}
	var out strings.Builder
	originals := strings.SplitAfter(base, "\n")
	next, shift := 1, 0 // the number of the next line without mutants, and what mutants have added so far
	lines := strings.SplitAfter(string(files[p].content), "\n")
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		m := lineDirective.FindStringSubmatch(l)
		switch {
		case strings.HasPrefix(l, woven), strings.HasPrefix(l, "#define "+selector), strings.HasPrefix(l, "#undef "+selector), strings.HasPrefix(l, "#include") && strings.Contains(l, "@m"):
			continue
		case m == nil:
			out.WriteString(l)
			next++
			continue
		}
		n, _ := strconv.Atoi(m[1])
		if strings.HasPrefix(lines[i+1], woven) {
			continue // the dispatcher has the number of the function's head
		}
		if n != next {
			t.Fatalf("%s: %q stands before line %d", p, l, next)
		}
		if !strings.Contains(lines[i+1], "__as_is") && !strings.Contains(lines[i+2], "__as_is") {
			continue // behind a dispatcher
		}
		// F__as_is up to the next directive.
		end := i + 1
		for !strings.HasPrefix(lines[end], "#line ") {
			end++
		}
		text := strings.Join(lines[i+1:end], "")
		if c := clones[n]; c != nil {
			if c[0] != strconv.Itoa(n+shift) {
				t.Errorf("%s: the clone of line %d is numbered from %s, want %d", p, n, c[0], n+shift)
			}
			shift += strings.Count(c[1], "\n") - (end - i - 1)
			text = c[1]
		}
		out.WriteString(plain(text, originals[n-1]))
		next += end - i - 1
		i = end - 1
	}
	return out.String()
}

func TestUnweave(t *testing.T) {
	ms := someMutants(t)
	files, err := weave(wovenTree, unchanged(), ms, false)
	if err != nil {
		t.Fatal(err)
	}
	for number := range len(ms) + 1 {
		want := &applier{root: wovenTree, files: map[string]*change{}}
		if number > 0 {
			for _, f := range ms[number-1].patch.files {
				if err := want.file(f); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, p := range []string{cFile, hFile} {
			c, err := want.get(p)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(c.content), unweave(t, p, files, number)); d != "" {
				t.Errorf("mutant %d, %s: %s", number, p, d)
			}
		}
	}
}

// TestWovenBehaves compiles the program with all mutants woven in, and with each on its
// own: both must do the same, at the same lines.
func TestWovenBehaves(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc here")
	}
	build := func(name string, files map[string]*change, flags ...string) string {
		t.Helper()
		dir := filepath.Join(t.TempDir(), name)
		if err := cloneTree(dir, wovenTree, func(dst, src string) error { return copyFile(dst, src, false) }, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := materialise(dir, wovenTree, files, nil); err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(dir, "program")
		args := append([]string{"-O2", "-Wall", "-Werror", "-Wmissing-prototypes", "-Wno-error=missing-prototypes", "-Iinclude", "-o", program}, flags...)
		cmd := exec.Command("gcc", append(args, cFile)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s does not compile: %v\n%s", name, err, out)
		}
		return program
	}
	run := func(program string, mutant int) string {
		t.Helper()
		out, err := exec.Command(program, strconv.Itoa(mutant)).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %d: %v\n%s", program, mutant, err, out)
		}
		return string(out)
	}
	ms := someMutants(t)
	files, err := weave(wovenTree, unchanged(), ms, false)
	if err != nil {
		t.Fatal(err)
	}
	all := build("woven", files)
	original := run(build("original", nil), 0)
	for _, number := range []int{0, len(ms) + 1, -1} {
		if d := cmp.Diff(original, run(all, number)); d != "" {
			t.Errorf("with mutant %d, which is none: %s", number, d)
		}
	}
	inClone := regexp.MustCompile(`\.[ch]@m(\d+):`)
	inFile := regexp.MustCompile(`(\.[ch]):\d+`)
	for i, m := range ms {
		mu, err := mutate(wovenTree, unchanged(), m, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		want, got := run(build(m.Name, mu.files), 0), run(all, i+1)
		if want == original {
			t.Errorf("mutant %s changes nothing that is printed", m.Name)
		}
		for _, c := range inClone.FindAllStringSubmatch(got, -1) {
			if c[1] != strconv.Itoa(i+1) {
				t.Errorf("mutant %s, number %d: a line of number %s ran", m.Name, i+1, c[1])
			}
		}
		// Lines of clones are numbered as in the mutant; those of the rest as without it.
		words, wantWords := strings.Fields(got), strings.Fields(want)
		for j, w := range words {
			if j < len(wantWords) && inFile.MatchString(w) && !inClone.MatchString(w) {
				words[j], wantWords[j] = inFile.ReplaceAllString(w, "$1"), inFile.ReplaceAllString(wantWords[j], "$1")
			} else {
				words[j] = inClone.ReplaceAllStringFunc(w, func(s string) string { return s[:2] + ":" })
			}
		}
		if d := cmp.Diff(wantWords, words); d != "" {
			t.Errorf("mutant %s: %s\n%s", m.Name, d, got)
		}
	}
	// Every function is there under its own name, and none is inlined into what calls it.
	symbols, err := exec.Command("nm", all).Output()
	if err != nil {
		t.Skip("no nm here")
	}
	for _, name := range []string{"t add", "t add__m1", "t add__m5", "t add__as_is", "T shift", "t shift__m3", "t report__m3", "t nothing"} {
		if !bytes.Contains(symbols, []byte(" "+name+"\n")) {
			t.Errorf("the woven program has no function %s", name)
		}
	}
}

func TestTreeKnowsClones(t *testing.T) {
	ms := someMutants(t)
	r := &request{series: &Series{Patches: []Patch{{Name: "0001.patch"}}}}
	r.Mutants = ms
	tree := &Tree{root: wovenTree, lines: map[string][]string{}}
	if err := tree.fill(r); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		file string
		line int
		by   string
		text string
	}{
		{cFile + "@m1", 27, "mutant adds-less", "\t\tb - 1;"},
		{cFile + "@m1", 28, "", "}"},
		{cFile, 27, "", "}"},
		{hFile + "@m6", 7, "mutant by-pointer-and-in-header", "\treturn n % 32;"},
		{hFile + "@m5", 7, "", ""},
	} {
		lines := strings.Join(tree.Lines(tt.file, tt.line, tt.line), "|")
		if by := tree.WrittenBy(tt.file, tt.line); by != tt.by || lines != tt.text {
			t.Errorf("%s:%d is %q by %q, want %q by %q", tt.file, tt.line, lines, by, tt.text, tt.by)
		}
	}
}

// TestKnobIsOfTheSeries: the knob's file is defined once, whether or not mutants change it.
func TestKnobWithoutMutantOfItsFile(t *testing.T) {
	m := mutantOfEdits(t, wovenTree, "wraps-early", edit{hFile, "n % 16", "n % 8"})
	files, err := weave(wovenTree, unchanged(), []*Mutant{m}, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(files[cFile].content); got != readFile(t, filepath.Join(wovenTree, cFile))+knob {
		t.Errorf("%s is not itself with the knob behind: %s", cFile, got)
	}
	if _, err := weave(t.TempDir(), map[string]*change{hFile: {content: []byte(readFile(t, filepath.Join(wovenTree, hFile)))}}, []*Mutant{m}, false); err == nil || !strings.Contains(err.Error(), cFile) {
		t.Errorf("a tree without %s: %v", cFile, err)
	}
}

func TestMutantOf(t *testing.T) {
	for line, want := range map[string]int{
		"/x/src/io_uring/rw.c@m17:12:3: error: 'x' undeclared (first use in this function)": 17,
		"/x/src/io_uring/rw.c@m3: In function 'io_read__m3':":                               3,
		"io_uring.c:(.text+0x1): in function `f__m4': undefined reference to `x'":           4,
		"/x/src/io_uring/rw.c:12:3: error: 'x' undeclared":                                  0,
		"/x/src/io_uring/rw.c: In function 'io__mutex':":                                    0,
	} {
		if got := mutantOf(line); got != want {
			t.Errorf("%s: mutant %d, want %d", line, got, want)
		}
	}
}

func TestKernelWithMutants(t *testing.T) {
	b := newBench(t)
	tree, err := filepath.Abs(wovenTree)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, b.tree, map[string]string{cFile: readFile(t, filepath.Join(tree, cFile)), hFile: readFile(t, filepath.Join(tree, hFile))})
	kernel := func(planted *Mutant, ms ...*Mutant) (*Kernel, error) {
		k, err := b.Kernel(t.Context(), Spec{Source: "dir:" + b.tree, Mutants: ms, Planted: planted}, b.progress)
		if err == nil {
			t.Cleanup(func() { k.Close() })
		}
		return k, err
	}
	must := func(planted *Mutant, ms ...*Mutant) *Kernel {
		t.Helper()
		k, err := kernel(planted, ms...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ms := someMutants(t)
	none, two := must(nil), must(nil, ms[0], ms[4])
	want := []MutantProvenance{{1, "adds-less", ms[0].SHA256}, {2, "adds-more", ms[4].SHA256}}
	if d := cmp.Diff(want, two.Provenance.Mutants); d != "" || none.Provenance.Mutants != nil || two.Dir == none.Dir {
		t.Errorf("provenance: %s", d)
	}
	if text := readFile(t, two.Vmlinux); !strings.Contains(text, "add__as_is") || strings.Contains(readFile(t, none.Vmlinux), "io_uring.c@m") {
		t.Error("mutants are not where they belong")
	}
	if k := must(nil, ms[4], ms[0]); k.Dir == two.Dir {
		t.Error("other numbers gave the same image")
	}
	if k := must(nil, ms[0], ms[4]); k.Dir != two.Dir || !k.Cached {
		t.Error("the same mutants gave another image")
	}
	planted := must(ms[0])
	if !strings.Contains(readFile(t, planted.Vmlinux), "b - 1;") || strings.Contains(readFile(t, planted.Vmlinux), "io_uring.c@m") ||
		len(planted.Provenance.Series.Patches) != 1 || planted.Provenance.Series.Name != "none+adds-less" {
		t.Errorf("planted: %+v", planted.Provenance.Series)
	}
	bad := mutantOfEdits(t, wovenTree, "bad", edit{cFile, "half(4 * n)", "WRONG"})
	_, err = kernel(nil, ms[0], bad, ms[4])
	var be *BuildError
	if !errors.As(err, &be) || !slices.Equal(be.Mutants, []string{"bad"}) || !strings.Contains(err.Error(), "woven in: bad") {
		t.Errorf("a mutant that does not compile: %v", err)
	}
}

// TestKeyWithoutMutants: an image without mutants and without a series keeps the key that it had before
// there were any, so that nobody's kernels are built again.
func TestKeyWithoutMutants(t *testing.T) {
	r := &request{source: &source{SourceInfo: SourceInfo{ID: "tar-1"}}, series: &Series{}, result: "2", toolchain: "gcc"}
	sum := sha256.Sum256([]byte("recipe 1\nsource tar-1\nseries 2\ntoolchain \"gcc\"\nconfig " + strconv.Quote(kconfig.Format(nil)) + "\n"))
	if got, want := r.computeKey(), hex.EncodeToString(sum[:])[:32]; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	m := someMutants(t)[0]
	r.Mutants = []*Mutant{m}
	woven := r.computeKey()
	reworded := *m
	reworded.What, reworded.Name = "other words", "other-name"
	r.Mutants = []*Mutant{&reworded}
	if got := r.computeKey(); got != woven {
		t.Error("a mutant's words are part of the key")
	}
}
