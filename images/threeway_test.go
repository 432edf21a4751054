// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A branch on which a line of a hunk's context has changed: the series does
// not apply, the base that it applies to is named, and git merges it.
func TestThreeWay(t *testing.T) {
	p := post(t, "v4", 4)
	const file = "io_uring/io_uring.c"
	repo := p.repo()
	third := p.patches[2].diff[strings.Index(p.patches[2].diff, "io_uring.c\n@@"):]
	_, hunk, _ := strings.Cut(third[strings.Index(third, "@@"):], "\n")
	context1, _, _ := strings.Cut(hunk, "\n") // three lines away from what changes
	commit := func(branch, old, with string) {
		p.git(repo, "checkout", "-q", "-b", branch, "base")
		text := strings.Replace(p.base[file], old, with, 1)
		if text == p.base[file] {
			t.Fatalf("%q is not in the file", old)
		}
		if err := os.WriteFile(filepath.Join(repo, file), []byte("/* new */\n"+text), 0o644); err != nil {
			t.Fatal(err)
		}
		p.git(repo, "commit", "-q", "-a", "-m", branch)
	}
	commit("moved-on", context1[1:]+"\n", "\tchanged_meanwhile();\n")
	removed := ""
	for line := range strings.Lines(p.patches[0].diff) {
		if strings.HasPrefix(line, "-\t") {
			removed = line[1:]
			break
		}
	}
	commit("conflict", removed, "\tsomething_else();\n")
	before := p.git(repo, "for-each-ref") + p.git(repo, "status", "--porcelain") + p.git(repo, "count-objects")

	b := newBench(t)
	spec := Spec{Source: "git:" + repo + "@moved-on", Series: "v4"}
	_, err := b.Key(context.Background(), spec, nil)
	var ae *ApplyError
	if !errors.As(err, &ae) || !strings.Contains(err.Error(), "it applies to base: --source git:"+repo+"@base") {
		t.Errorf("without --3way: %v", err)
	}
	spec.ThreeWay = true
	if _, err := b.Key(context.Background(), spec, nil); err != nil {
		t.Fatal(err)
	}
	tree, err := b.Tree(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	text := strings.Join(tree.Lines(file, 1, 1<<20), "\n")
	if !strings.Contains(text, "changed_meanwhile();") || !strings.Contains(text, "io_queue_drained(req);") || strings.Contains(text, "<<<<") {
		t.Error("the merged file lacks one side's change")
	}
	by := map[string]bool{}
	for n := range strings.Count(text, "\n") {
		by[tree.WrittenBy(file, n+1)] = true
	}
	if !by[p.patches[0].file] || !by[p.patches[6].file] || !by[""] {
		t.Errorf("lines of the merged file are blamed on %v", by)
	}

	spec.Source = "git:" + repo + "@conflict"
	_, err = b.Key(context.Background(), spec, nil)
	if !errors.As(err, &ae) || ae.Patch != p.patches[0].file || !strings.Contains(err.Error(), "CONFLICT (content): Merge conflict in "+file) {
		t.Errorf("a conflict: %v", err)
	}
	if after := p.git(repo, "for-each-ref") + p.git(repo, "status", "--porcelain") + p.git(repo, "count-objects"); after != before {
		t.Errorf("the repository was touched:\n%s\nbefore:\n%s", after, before)
	}
}

// The nearest unpacked source to which the series applies is named.
func TestNearestSource(t *testing.T) {
	p := post(t, "v4", 4)
	b := newBench(t)
	at := func(version, old, with string) string {
		dir := t.TempDir()
		writeFiles(t, dir, p.base)
		writeFiles(t, dir, map[string]string{
			"Makefile":            "VERSION = 6\nPATCHLEVEL = " + version + "\nSUBLEVEL = 1\n",
			"io_uring/io_uring.c": strings.ReplaceAll(p.base["io_uring/io_uring.c"], old, with),
		})
		return "dir:" + dir
	}
	near, far, other := at("12", "", ""), at("6", "", ""), at("13", "io_req_task_queue(", "renamed(")
	for _, source := range []string{far, near} {
		if _, err := b.Key(context.Background(), Spec{Source: source, Series: "v4"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.Key(context.Background(), Spec{Source: other, Series: "v4"}, nil)
	if err == nil || !strings.Contains(err.Error(), "it applies to Linux 6.12.1: --source "+near) {
		t.Errorf("got %v", err)
	}
}
