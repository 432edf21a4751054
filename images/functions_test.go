// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFunctions(t *testing.T) {
	text, err := os.ReadFile("testdata/style.c")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	var got []string
	for _, f := range functions(text) {
		var how string
		if f.static {
			how += " static"
		}
		if f.inline {
			how += " inline"
		}
		got = append(got, fmt.Sprintf("%s(%s)%s %q %q", f.name, strings.Join(f.params, ", "), how, f.problem, f.head))
		if string(text[f.nameAt:f.nameAt+len(f.name)]) != f.name {
			t.Errorf("%s: its name is said to stand at %q", f.name, text[f.nameAt:f.nameAt+len(f.name)])
		}
		if !strings.HasSuffix(lines[f.open], "{") || lines[f.end-1][0] != '}' || strings.TrimSpace(lines[f.start-1]) != "" && lines[f.start-1][0] != '#' && lines[f.start-1][0] != '/' {
			t.Errorf("%s: from line %d with a body from %d to %d", f.name, f.start+1, f.open+1, f.end)
		}
	}
	want := []string{
		`plain(p) static inline "" "static inline bool plain(const struct pair *p)"`,
		`with_comment(p, flags) static inline "" "static __always_inline struct pair *with_comment(struct pair *p , unsigned int flags) __must_hold(&p->lock)"`,
		`own_line() static "" "static __cold noinline void own_line(void)"`,
		`attributed(fmt, arg) static "" "__printf(1, 0) static void attributed(const char *fmt, void *arg __maybe_unused)"`,
		`callbacks(p, done, cmp, list) static "" "static int callbacks(struct pair *p, void (*done)(struct pair *p, int res), int (*const cmp)(int, int), int list[2])"`,
		`global(p) "it takes a variable number of arguments" "struct pair global(struct pair p, ...)"`,
		`SYSCALL_DEFINE2(__user) "the macro SYSCALL_DEFINE2 makes its head" "SYSCALL_DEFINE2(io_uring_setup, u32, entries, struct io_uring_params __user *, params)"`,
		// either has lines of the preprocessor between its head and its body: it is not seen.
		`twice(a) static "" "static int twice(int a)"`,
		`twice(b) static "" "static int twice(int b)"`,
		`handler() static "it returns a pointer to a function" "static void (*handler(int nr))(int)"`,
		`with_semicolon() static "" "static int __init with_semicolon(void)"`,
		`last(p, out, user_data) "" "unsigned long long last(struct pair *p, const struct pair **out, __u64 user_data)"`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestFunctionsOfKernel looks for bodies that the scanner does not see, in the kernel
// that TestBuiltinMutants uses.
func TestFunctionsOfKernel(t *testing.T) {
	s, source := realSource(t)
	if s == nil {
		t.Skip("no kernel source is unpacked, and RINGPROOF_SOURCE_TREE is not set")
	}
	for _, series := range BuiltinSeries() {
		tree, err := s.Tree(t.Context(), Spec{Source: source, Series: series})
		if err != nil {
			t.Skip(err)
		}
		defer tree.Close()
		files, _ := filepath.Glob(filepath.Join(tree.root, "io_uring", "*.[ch]"))
		seen := 0
		for _, p := range files {
			p = "io_uring/" + filepath.Base(p)
			lines := tree.Lines(p, 1, 1<<30)
			bodies := map[int]bool{}
			for _, f := range functions([]byte(strings.Join(lines, "\n") + "\n")) {
				bodies[f.open] = true
				if f.problem != "" && !strings.Contains(f.problem, "macro SYSCALL_DEFINE") {
					t.Errorf("series %s: %s:%d: %s: %s", series, p, f.start+1, f.name, f.problem)
				}
			}
			for i, l := range lines {
				if l == "{" && !bodies[i] {
					t.Errorf("series %s: %s:%d: no function is seen here", series, p, i+1)
				}
			}
			seen += len(bodies)
		}
		t.Logf("series %s: %d functions in io_uring/", series, seen)
	}
}
