// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Each file has its own blocks, and what is not instrumented has none.
func TestSites(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("needs gcc")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a.c": unitA, "b.c": unitB, "trace.c": "void __sanitizer_cov_trace_pc(void) {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := func(args ...string) {
		cmd := exec.Command(gcc, append([]string{"-g", "-O1", "-no-pie"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gcc %v: %v\n%s", args, err, out)
		}
	}
	build("-fsanitize-coverage=trace-pc", "-c", "a.c", "b.c")
	build("-o", "vmlinux", "a.o", "b.o", "trace.c")
	s, err := OpenSymbolizer(filepath.Join(dir, "vmlinux"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a, err := s.Sites("a.c")
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Sites("b.c")
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Returns(traceFunc)
	if err != nil || len(a) == 0 || len(b) == 0 || len(a)+len(b) != len(all) {
		t.Errorf("%d and %d of %d blocks, error %v", len(a), len(b), len(all), err)
	}
	for pc := range a {
		if b[pc] {
			t.Errorf("%#x is in both files", pc)
		}
	}
	for _, file := range []string{"trace.c", "gone.c"} {
		if sites, err := s.Sites(file); err == nil {
			t.Errorf("%s has %d blocks", file, len(sites))
		}
	}
}
