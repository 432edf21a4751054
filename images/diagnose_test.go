// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// why applies a series to a tree that it does not apply to. The tree is as it
// was afterwards.
func why(t *testing.T, tree map[string]string, series string, partial bool) *ApplyError {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, tree)
	before := readFiles(t, dir)
	s, err := Spec{Series: series, Partial: partial}.LoadSeries(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_, err = patched(dir, s, false)
	var ae *ApplyError
	if !errors.As(err, &ae) {
		t.Fatalf("got %v, want an *ApplyError", err)
	}
	if d := cmp.Diff(before, readFiles(t, dir)); d != "" {
		t.Errorf("the tree was touched: %s", d)
	}
	return ae
}

func TestWhySeriesDoesNotApply(t *testing.T) {
	p := post(t, "v4", 4)
	const file = "io_uring/io_uring.c"
	third := p.patches[2]
	plain := func(change func(i int, text string) string) string {
		dir := t.TempDir()
		for i, l := range p.patches {
			text := change(i, "Subject: "+p.tag(4, i+1)+" "+l.subject+"\n\n"+l.text)
			if text != "" {
				writeFiles(t, dir, map[string]string{l.file: text})
			}
		}
		return dir
	}
	same := func(_ int, text string) string { return text }
	contextLine := "\t\tio_req_task_work_add(req);\n" // made up where the patch does not show it
	for line := range strings.SplitAfterSeq(third.diff[strings.Index(third.diff, "io_uring.c\n@@"):], "\n") {
		if strings.HasPrefix(line, " \t") && strings.Count(p.base[file], line[1:]) == 1 {
			contextLine = line[1:]
			break
		}
	}
	edited := maps.Clone(p.base)
	edited[file] = strings.Replace(p.base[file], contextLine, "\tchanged_meanwhile();\n", 1)
	moved := maps.Clone(edited)
	moved[file] = strings.Repeat("/* new */\n", 40) + edited[file]
	gone := maps.Clone(p.base)
	delete(gone, file)
	done := maps.Clone(p.base)
	s, err := LoadSeries("v4")
	if err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	writeFiles(t, base, p.base)
	files, err := patched(base, s, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range files {
		done[name] = string(c.content)
	}
	first := &Series{Name: "x", Patches: s.Patches[:1]}
	files, _ = patched(base, first, false)
	firstDone := maps.Clone(p.base)
	firstDone[file] = string(files[file].content)

	pages := t.TempDir()
	writeFiles(t, pages, map[string]string{"4.txt": p.page(4)})
	tests := []struct {
		name    string
		tree    map[string]string
		series  string
		cause   Cause
		patch   string
		says    []string
		partial bool
	}{
		{"one line of context differs", edited, plain(same), CauseContext, third.file,
			[]string{file, "hunk", "lines agree", "-" + contextLine, "+\tchanged_meanwhile();\n", "subject: " + third.subject}, false},
		{"moved as well", moved, plain(same), CauseContext, third.file, []string{"40 lines further down", "-" + contextLine}, false},
		{"the hunk is off", p.base, plain(func(i int, text string) string {
			if i == 2 {
				text = strings.ReplaceAll(text, "\n "+contextLine, "\n \tnever_was_there();\n")
			}
			return text
		}), CauseContext, third.file, []string{"-\tnever_was_there();\n", `nothing in the file reads "never_was_there();"`}, false},
		{"no such file", gone, plain(same), CauseAbsent, p.patches[0].file, []string{file, "no such file"}, false},
		{"one is there already", firstDone, plain(same), CauseApplied, p.patches[0].file, []string{"the tree has this change already"}, false},
		{"all are there already", done, plain(same), CauseApplied, p.patches[0].file, []string{"the whole series already"}, false},
		{"earlier ones are missing", p.base, pages, CauseMissing, "4.txt", []string{"patch 4 of 7, and of those before it these are missing: 1 2 3"}, true},
		{"names without a/", p.base, writePatch(t, p0(p.patches[0].diff[strings.Index(p.patches[0].diff, "--- "):])), CauseStrip, "x.patch",
			[]string{"the patch calls it io_uring/io_uring.c", "-p0"}, false},
		{"wrong order", p.base, func() string {
			dir := plain(func(int, string) string { return "" })
			writeFiles(t, dir, map[string]string{"series": p.patches[3].file + "\n" + p.patches[2].file + "\n",
				p.patches[3].file: p.patches[3].diff, p.patches[2].file: p.patches[2].diff})
			return dir
		}(), CauseOrder, p.patches[3].file, []string{p.patches[2].file + " writes the line", "comes later"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := why(t, tt.tree, tt.series, tt.partial)
			if e.Cause != tt.cause || e.Patch != tt.patch {
				t.Errorf("cause %q in %s, want %q in %s", e.Cause, e.Patch, tt.cause, tt.patch)
			}
			for _, want := range tt.says {
				if !strings.Contains(e.Error()+"\n", want) {
					t.Errorf("it does not say %q:\n%v", want, e)
				}
			}
			if testing.Verbose() {
				t.Log(e)
			}
		})
	}
}

// A series of which one patch was taken out names it, by its number or by
// what the next one lacks.
func TestOnePatchMissing(t *testing.T) {
	p := post(t, "v7", 7)
	for i := range p.patches {
		dir := t.TempDir()
		for n, l := range p.patches {
			if n != i {
				writeFiles(t, dir, map[string]string{l.file: "Subject: " + p.tag(7, n+1) + " " + l.subject + "\n\n" + l.text})
			}
		}
		_, err := LoadSeries(dir)
		var se *SpecError
		if want := fmt.Sprintf("patch %d", i+1); !errors.As(err, &se) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "missing") {
			t.Errorf("%v does not name %q", err, want)
		}
	}
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"series": p.patches[6].file + "\n", p.patches[6].file: p.patches[6].diff})
	if e := why(t, p.base, filepath.Join(dir, p.patches[6].file), false); e.Hunk == 0 || len(e.Details) == 0 {
		t.Errorf("%v", e)
	}
}
