// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeFiles makes a tree; a name ending in "@" is a symbolic link to its content.
func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		link := strings.HasSuffix(name, "@")
		p := filepath.Join(dir, strings.TrimSuffix(name, "@"))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if link {
			err = os.Symlink(text, p)
		} else {
			err = os.WriteFile(p, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// readFiles is the tree as path → "mode content".
func readFiles(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.Walk(dir, func(p string, st os.FileInfo, err error) error {
		if err != nil || st.IsDir() {
			if err == nil && st.Name() == ".git" {
				return filepath.SkipDir
			}
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if st.Mode()&os.ModeSymlink != 0 {
			out[rel], err = os.Readlink(p)
			return err
		}
		b, err := os.ReadFile(p)
		out[rel] = fmt.Sprintf("%v %s", st.Mode()&0o100 != 0, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func numbered(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

func smallTree() map[string]string {
	return map[string]string{
		"io_uring/a.c":      numbered(30),
		"io_uring/b.c":      "same\nsame\nsame\nsame\nsame\nsame\n",
		"io_uring/noeol.c":  "one\ntwo\nthree",
		"io_uring/empty.c":  "",
		"io_uring/crlf.c":   "one\r\ntwo\r\nthree\r\n",
		"include/h.h":       "int f(void);\n",
		"include/link@":     "../io_uring",
		"io_uring/Makefile": "hostprogs := gen\n",
		"io_uring/gen.c":    "int main(void) { return 0; }\n",
		"Makefile":          "VERSION = 6\n",
	}
}

const modA = `diff --git a/io_uring/a.c b/io_uring/a.c
index 1111111..2222222 100644
--- a/io_uring/a.c
+++ b/io_uring/a.c
`

// applyCases are patches whose effect must equal that of git apply.
var applyCases = []struct {
	name, patch string
	fails       bool
}{
	{"change", modA + "@@ -4,3 +4,3 @@ foo\n line 4\n-line 5\n+LINE 5\n line 6\n", false},
	{"found further down", modA + "@@ -1,0 +2,0 @@\n", true},
	{"offset forwards", modA + "@@ -4,3 +4,3 @@\n line 14\n-line 15\n+LINE 15\n line 16\n", false},
	{"offset backwards", modA + "@@ -24,3 +24,3 @@\n line 4\n-line 5\n+LINE 5\n line 6\n", false},
	{"offset beyond the end", modA + "@@ -900,3 +900,3 @@\n line 4\n-line 5\n+LINE 5\n line 6\n", false},
	{"context differs", modA + "@@ -4,3 +4,3 @@\n line 4\n-line five\n+LINE 5\n line 6\n", true},
	{"white space differs", modA + "@@ -4,3 +4,3 @@\n line  4\n-line 5\n+LINE 5\n line 6\n", true},
	{"two hunks", modA + "@@ -2,3 +2,4 @@\n line 2\n+new\n line 3\n line 4\n@@ -20,3 +21,2 @@\n line 20\n-line 21\n line 22\n", false},
	{"second hunk fails", modA + "@@ -2,3 +2,4 @@\n line 2\n+new\n line 3\n line 4\n@@ -20,3 +21,2 @@\n line 20\n-line 99\n line 22\n", true},
	{"first line", modA + "@@ -1,2 +1,3 @@\n+top\n line 1\n line 2\n", false},
	{"first line, elsewhere", modA + "@@ -1,2 +1,3 @@\n+top\n line 2\n line 3\n", true},
	{"at the end", modA + "@@ -29,2 +29,3 @@\n line 29\n line 30\n+line 31\n", false},
	{"no trailing context in the middle", modA + "@@ -4,2 +4,3 @@\n line 4\n line 5\n+new\n", true},
	{"no context at all", modA + "@@ -5 +5 @@\n-line 5\n+LINE 5\n", true},
	{"same lines: nearest wins", "diff --git a/io_uring/b.c b/io_uring/b.c\n--- a/io_uring/b.c\n+++ b/io_uring/b.c\n@@ -3,3 +3,3 @@\n same\n-same\n+other\n same\n", false},
	{"hunk must not match an earlier hunk's output", "diff --git a/io_uring/b.c b/io_uring/b.c\n--- a/io_uring/b.c\n+++ b/io_uring/b.c\n" +
		"@@ -2,2 +2,3 @@\n same\n+same\n same\n@@ -3,3 +3,3 @@\n same\n-same\n+third\n same\n", false},
	{"no newline at the end", "diff --git a/io_uring/noeol.c b/io_uring/noeol.c\n--- a/io_uring/noeol.c\n+++ b/io_uring/noeol.c\n" +
		"@@ -1,3 +1,4 @@\n one\n two\n-three\n\\ No newline at end of file\n+three\n+four\n", false},
	{"newline expected but missing", "diff --git a/io_uring/noeol.c b/io_uring/noeol.c\n--- a/io_uring/noeol.c\n+++ b/io_uring/noeol.c\n" +
		"@@ -1,3 +1,4 @@\n one\n two\n three\n+four\n", true},
	{"carriage returns", "diff --git a/io_uring/crlf.c b/io_uring/crlf.c\n--- a/io_uring/crlf.c\n+++ b/io_uring/crlf.c\n" +
		"@@ -1,3 +1,3 @@\n one\r\n-two\r\n+2\r\n three\r\n", false},
	{"new file", "diff --git a/io_uring/new/n.c b/io_uring/new/n.c\nnew file mode 100644\n--- /dev/null\n+++ b/io_uring/new/n.c\n@@ -0,0 +1,2 @@\n+a\n+b\n", false},
	{"new file exists", "diff --git a/include/h.h b/include/h.h\nnew file mode 100644\n--- /dev/null\n+++ b/include/h.h\n@@ -0,0 +1 @@\n+a\n", true},
	{"empty new file", "diff --git a/io_uring/e.c b/io_uring/e.c\nnew file mode 100644\nindex 0000000..e69de29\n", false},
	{"into an empty file", "diff --git a/io_uring/empty.c b/io_uring/empty.c\n--- a/io_uring/empty.c\n+++ b/io_uring/empty.c\n@@ -0,0 +1 @@\n+a\n", false},
	{"delete", "diff --git a/include/h.h b/include/h.h\ndeleted file mode 100644\n--- a/include/h.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-int f(void);\n", false},
	{"delete what differs", "diff --git a/include/h.h b/include/h.h\ndeleted file mode 100644\n--- a/include/h.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-int g(void);\n", true},
	{"rename", "diff --git a/include/h.h b/include/i.h\nsimilarity index 100%\nrename from include/h.h\nrename to include/i.h\n", false},
	{"rename and change", "diff --git a/io_uring/a.c b/io_uring/z.c\nsimilarity index 90%\nrename from io_uring/a.c\nrename to io_uring/z.c\n--- a/io_uring/a.c\n+++ b/io_uring/z.c\n@@ -4,3 +4,3 @@\n line 4\n-line 5\n+LINE 5\n line 6\n", false},
	{"rename onto a file", "diff --git a/include/h.h b/io_uring/a.c\nsimilarity index 100%\nrename from include/h.h\nrename to io_uring/a.c\n", true},
	{"copy", "diff --git a/include/h.h b/include/i.h\nsimilarity index 100%\ncopy from include/h.h\ncopy to include/i.h\n", false},
	{"no such file", "diff --git a/io_uring/gone.c b/io_uring/gone.c\n--- a/io_uring/gone.c\n+++ b/io_uring/gone.c\n@@ -1 +1 @@\n-a\n+b\n", true},
	{"without git header", "--- a/io_uring/a.c\n+++ b/io_uring/a.c\n@@ -4,3 +4,3 @@ foo\n line 4\n-line 5\n+LINE 5\n line 6\n", false},
	{"other prefix", "--- linux-6.12.orig/io_uring/a.c\t2024-01-01\n+++ linux-6.12/io_uring/a.c\t2024-01-02\n@@ -4,3 +4,3 @@ foo\n line 4\n-line 5\n+LINE 5\n line 6\n", false},
	{"mail around it", "From: A <a@example.org>\nSubject: [PATCH] x\n\nText\n---\n io_uring/a.c | 2 +-\n\n" + modA +
		"@@ -4,3 +4,3 @@ foo\n line 4\n-line 5\n+LINE 5\n line 6\n-- \n2.39.5\n\n", false},
	{"file twice in a patch", modA + "@@ -4,3 +4,3 @@\n line 4\n-line 5\n+LINE 5\n line 6\n" + modA + "@@ -4,3 +4,3 @@\n line 4\n-LINE 5\n+Line 5\n line 6\n", false},
}

func TestApplyEqualsGitApply(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	for _, tt := range applyCases {
		t.Run(tt.name, func(t *testing.T) {
			theirs, ours, patch := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "x.patch")
			writeFiles(t, theirs, smallTree())
			writeFiles(t, ours, smallTree())
			if err := os.WriteFile(patch, []byte(tt.patch), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(git, "apply", patch)
			cmd.Dir = theirs
			cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(theirs), "GIT_CONFIG_NOSYSTEM=1", "HOME="+theirs)
			out, gitErr := cmd.CombinedOutput()

			var files map[string]*change
			s, ourErr := LoadSeries(patch)
			if ourErr == nil {
				files, ourErr = patched(ours, s, false)
			}
			if (gitErr != nil) != tt.fails || (ourErr != nil) != tt.fails {
				t.Fatalf("want failure %v; git: %v %s; ours: %v", tt.fails, gitErr, out, ourErr)
			}
			if ourErr != nil {
				var ae *ApplyError
				if !errors.As(ourErr, &ae) || ae.Patch != "x.patch" {
					t.Errorf("error %#v does not name the patch", ourErr)
				}
			} else if _, err := materialise(ours, ours, files, nil); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(readFiles(t, theirs), readFiles(t, ours)); d != "" {
				t.Errorf("trees differ (-git +ours):\n%s", d)
			}
		})
	}
}

func TestRefusedPatches(t *testing.T) {
	newFile := func(p string) string {
		return fmt.Sprintf("--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+x\n", p)
	}
	tests := []struct {
		name, patch string
		why         string
		buildFile   bool
	}{
		{"parent directory", newFile("../evil.c"), "not plainly inside", false},
		{"parent in the middle", newFile("io_uring/../../evil.c"), "not plainly inside", false},
		{"absolute", "diff --git a/include/h.h b/x\nsimilarity index 100%\nrename from include/h.h\nrename to /etc/evil\n", "not plainly inside", false},
		{"through a symlink", newFile("include/link/x.c"), "symbolic link include/link", false},
		{"git directory", newFile(".git/hooks/post-checkout"), "git's own files", false},
		{"rename to outside", "diff --git a/include/h.h b/../h.h\nsimilarity index 100%\nrename from include/h.h\nrename to ../h.h\n", "not plainly inside", false},
		{"new symlink", "diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n", "symbolic links", false},
		{"binary", "diff --git a/x.bin b/x.bin\nnew file mode 100644\nindex 0000000..1111111\nBinary files /dev/null and b/x.bin differ\n", "binary", false},
		{"Makefile", newFile("io_uring/sub/Makefile"), "build system", true},
		{"GNUmakefile", newFile("GNUmakefile"), "build system", true},
		{"Kbuild", newFile("io_uring/Kbuild.inc"), "build system", true},
		{"Kconfig", newFile("io_uring/Kconfig"), "build system", true},
		{"script", newFile("io_uring/gen.sh"), "script", true},
		{"scripts/", newFile("scripts/mod/x.c"), "scripts/", true},
		{"arch tools/", newFile("arch/x86/tools/x.c"), "tools/", true},
		{"host program", "--- a/io_uring/gen.c\n+++ b/io_uring/gen.c\n@@ -1 +1 @@\n-int main(void) { return 0; }\n+int main(void) { return 1; }\n", "compiles and runs", true},
		{"executable bit", "diff --git a/include/h.h b/include/h.h\nold mode 100644\nnew mode 100755\n", "executable", true},
		{"delete a Makefile", "diff --git a/Makefile b/Makefile\ndeleted file mode 100644\n--- a/Makefile\n+++ /dev/null\n@@ -1 +0,0 @@\n-VERSION = 6\n", "build system", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, patch := t.TempDir(), filepath.Join(t.TempDir(), "x.patch")
			writeFiles(t, dir, smallTree())
			if err := os.WriteFile(patch, []byte(tt.patch), 0o644); err != nil {
				t.Fatal(err)
			}
			s, err := LoadSeries(patch)
			if err != nil {
				t.Fatal(err)
			}
			_, err = patched(dir, s, false)
			var ae *ApplyError
			if !errors.As(err, &ae) || !ae.Refused || ae.BuildFile != tt.buildFile || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("got %v, want a refusal that says %q", err, tt.why)
			}
			if _, err = patched(dir, s, true); (err == nil) != tt.buildFile {
				t.Errorf("with build files allowed: %v", err)
			}
		})
	}
}

func TestApplyErrorNamesThePlace(t *testing.T) {
	dir, patches := t.TempDir(), t.TempDir()
	writeFiles(t, dir, smallTree())
	before := readFiles(t, dir)
	writeFiles(t, patches, map[string]string{
		"0001-ok.patch": modA + "@@ -4,3 +4,3 @@\n line 4\n-line 5\n+LINE 5\n line 6\n",
		"0002-no.patch": modA + "@@ -2,3 +2,4 @@\n line 2\n+new\n line 3\n line 4\n@@ -20,3 +21,2 @@\n line 20\n-line 99\n line 22\n",
	})
	s, err := LoadSeries(patches)
	if err != nil {
		t.Fatal(err)
	}
	_, err = patched(dir, s, false)
	want := `patch 0002-no.patch does not apply: io_uring/a.c:20: hunk 2: its context is nowhere in the file
  it fits best at line 21, where it should be, where 2 of 3 lines agree (- expected, + found):
     line 20
    -line 99
    +line 21
     line 22
  nothing in the file reads "line 99": a change that the patch builds on is not in this tree, or the tree has moved on`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if d := cmp.Diff(before, readFiles(t, dir)); d != "" {
		t.Errorf("the tree was touched: %s", d)
	}
}
