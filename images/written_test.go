// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"strings"
	"testing"
)

// Every line begins with the number of the patch that wrote it. The second
// patch moves the first one's lines, rewrites one of them, and applies at
// another place than it says; the third renames the file.
func TestWrittenBy(t *testing.T) {
	dir := t.TempDir()
	var source []string
	for i := range 30 {
		source = append(source, fmt.Sprintf("0 line %d", i+1))
	}
	writeFiles(t, dir, map[string]string{"io_uring/a.c": strings.Join(source, "\n") + "\n"})
	s := &Series{Name: "test"}
	for i, text := range []string{
		`--- a/io_uring/a.c
+++ b/io_uring/a.c
@@ -19,6 +19,8 @@
 0 line 19
 0 line 20
 0 line 21
+1 new
+1 will be rewritten
 0 line 22
 0 line 23
 0 line 24
`, `--- a/io_uring/a.c
+++ b/io_uring/a.c
@@ -2,4 +2,5 @@
 0 line 2
 0 line 3
+2 new
 0 line 4
 0 line 5
@@ -20,7 +22,6 @@
 0 line 20
 0 line 21
 1 new
-1 will be rewritten
-0 line 22
+2 rewritten
 0 line 23
 0 line 24
`, `diff --git a/io_uring/a.c b/io_uring/b.c
similarity index 90%
rename from io_uring/a.c
rename to io_uring/b.c
--- a/io_uring/a.c
+++ b/io_uring/b.c
@@ -29,3 +29,4 @@
 0 line 28
 0 line 29
 0 line 30
+3 last
`} {
		if err := s.add(fmt.Sprintf("%d.patch", i+1), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	changed, err := patched(dir, s, true)
	if err != nil {
		t.Fatal(err)
	}
	tree := &Tree{root: dir, names: []string{"1.patch", "2.patch", "3.patch"}, patches: 3, changed: changed, lines: map[string][]string{}}
	lines := tree.Lines("io_uring/b.c", 1, 1000)
	if len(lines) != 33 {
		t.Fatalf("%d lines, want 33", len(lines))
	}
	for i, l := range lines {
		want := l[:1] + ".patch"
		if l[0] == '0' {
			want = ""
		}
		if got := tree.WrittenBy("io_uring/b.c", i+1); got != want {
			t.Errorf("line %d, %q: written by %q, want %q", i+1, l, got, want)
		}
	}
	if got := fmt.Sprint(tree.Written(), tree.Patches()); got != "[io_uring/b.c] [1.patch 2.patch 3.patch]" {
		t.Errorf("written files and patches: %s", got)
	}
	for _, out := range []int{-1, 0, 34, 1 << 30} {
		if got := tree.WrittenBy("io_uring/b.c", out); got != "" {
			t.Errorf("line %d, which is not there, was written by %q", out, got)
		}
	}
	if got := tree.Lines("../../etc/passwd", 1, 2); got != nil {
		t.Errorf("a file outside of the tree was read: %q", got)
	}
}
