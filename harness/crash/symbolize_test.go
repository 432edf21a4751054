// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Two units with a function of the same name but another size each, one of
// which has a function inlined into it.
const (
	unitA = `int sink;
static inline __attribute__((always_inline)) void leaf(int *p)
{
	*p = sink;
}

static __attribute__((noinline)) void twice(int *p)
{
	sink++;
	leaf(p);
}

void a(int *p) { twice(p); sink--; }
`
	unitB = `extern int sink;
static __attribute__((noinline)) void twice(int *p)
{
	for (int i = 0; i < *p; i++)
		sink += i * p[i] * p[i + 1] ^ p[i + 2] / (p[i + 3] | 1) + p[i + 4] / (p[i + 5] | 1);
	sink *= *p;
	p[7] = sink / (*p | 1) + sink % (p[8] | 1);
}

void b(int *p) { twice(p); sink -= 2; }
void a(int *p);
int main(int argc, char **argv) { a(&argc); b(&argc); return sink; }
`
)

// compile builds a program with DWARF of the given version, as the kernel is
// built: sources in one directory, objects in another.
func compile(t *testing.T, version int) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("needs gcc")
	}
	dir := t.TempDir()
	src, obj := filepath.Join(dir, "src", "io_uring"), filepath.Join(dir, "obj")
	for _, d := range []string{src, obj} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"a.c": unitA, "b.c": unitB} {
		if err := os.WriteFile(filepath.Join(src, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(obj, "vmlinux")
	cmd := exec.Command(gcc, fmt.Sprintf("-gdwarf-%d", version), "-O2", "-fno-ipa-icf", "-fno-ipa-sra", "-fno-ipa-cp", "-no-pie", "-o", out, src+"/a.c", src+"/b.c")
	cmd.Dir = obj
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, text)
	}
	return out
}

func TestSymbolizer(t *testing.T) {
	for _, version := range []int{4, 5} {
		t.Run(fmt.Sprintf("DWARF %d", version), func(t *testing.T) {
			path := compile(t, version)
			s, err := OpenSymbolizer(path)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for file, size := range sizes(t, path, "twice") {
				seen := map[string]bool{}
				for off := range size {
					calls := s.Calls(&Frame{Func: "twice", Offset: off, Size: (size + 15) &^ 15, Exact: true})
					if len(calls) == 0 {
						t.Fatalf("%s: nothing known of twice+%#x/%#x", file, off, size)
					}
					last := calls[len(calls)-1]
					if last.Func != "twice" || last.File != "io_uring/"+file {
						t.Fatalf("twice+%#x/%#x is in %s of %s, want io_uring/%s", off, size, last.Func, last.File, file)
					}
					for _, c := range calls {
						seen[fmt.Sprintf("%s:%d", c.Func, c.Line)] = true
					}
				}
				want := []string{"leaf:4", "twice:10"} // inlined, and where it is called
				if file == "b.c" {
					want = []string{"twice:5", "twice:7"}
				}
				for _, w := range want {
					if !seen[w] {
						t.Errorf("%s: no place in twice is %s; seen %v", file, w, seen)
					}
				}
			}
			// What a call returns to is the line behind it; the call is meant.
			if got := s.Calls(&Frame{Func: "no_such_function"}); got != nil {
				t.Errorf("an unknown function has a source: %v", got)
			}
			if got := s.Calls(&Frame{Func: "twice", Size: 0x4000}); got != nil {
				t.Errorf("a function of unknown size was told from others of its name: %v", got)
			}
		})
	}
}

// sizes returns the sizes of the functions of that name, by source file.
func sizes(t *testing.T, path, name string) map[string]uint64 {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	out, file := map[string]uint64{}, ""
	for _, s := range syms {
		switch {
		case elf.ST_TYPE(s.Info) == elf.STT_FILE:
			file = s.Name
		case s.Name == name:
			out[file] = s.Size
		}
	}
	if len(out) != 2 {
		t.Fatalf("functions named %s: %v, want two", name, out)
	}
	return out
}

func TestSymbolizerOfNoKernel(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "text": strings.Repeat("no ELF ", 100)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if s, err := OpenSymbolizer(path); err == nil {
			s.Close()
			t.Errorf("%s was taken for a kernel", name)
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
	}
}
