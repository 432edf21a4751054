// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/kconfig"
)

// fakeMake stands in for make: it "compiles" the .c files of io_uring that
// are newer than their objects, and does what words in them tell it.
const fakeMake = `#!/bin/sh
while [ $# -gt 0 ]; do
	case "$1" in
	-C) src=$2; shift ;;
	-f) shift ;;
	O=*) obj=${1#O=} ;;
	*=*|-j*) ;;
	*) target=$1; targets="$targets $1" ;;
	esac
	shift
done
case "$targets" in
*tinyconfig) echo "CONFIG_TINY=y" > "$obj/.config"; exit ;;
*olddefconfig)
	if [ -f "$src/drop" ]; then grep -v -f "$src/drop" "$obj/.config" > "$obj/c"; mv "$obj/c" "$obj/.config"; fi
	exit ;;
esac
mkdir -p "$obj/io_uring" "$obj/arch/x86/boot"
for c in "$src"/io_uring/*.c; do
	o="$obj/io_uring/$(basename "$c" .c).o"
	if grep -q BAD "$c"; then
		echo "$c:7:3: error: 'BAD' undeclared (first use in this function)" >&2
		echo "make[1]: *** [Makefile:1: $o] Error 1" >&2
		exit 2
	fi
	for m in "$c"@m*; do
		if [ -e "$m" ] && grep -q WRONG "$m"; then
			echo "$m: In function 'f__$(basename "$m" | sed 's/.*@//')':" >&2
			echo "include/linux/macro.h:7:3: error: 'WRONG' undeclared (first use in this function)" >&2
			exit 2
		fi
	done
	if grep -q FULL "$c"; then echo "ld: final link failed: No space left on device" >&2; exit 2; fi
	if grep -q DIE "$c"; then kill -KILL $$; fi
	if [ ! -e "$o" ] || [ -n "$(find "$c" -newer "$o")" ]; then
		if grep -q HANG "$c"; then echo partial > "$o"; exec 9>"$src/fifo"; echo x >&9; sleep 1000; fi
		echo "  CC      io_uring/$(basename "$o")"
		cp "$c" "$o"
	fi
done
cat "$obj"/io_uring/*.o "$src/io_uring/Makefile" > "$obj/vmlinux"
echo "io_uring/warn.c:1:1: warning: unused variable"
echo "boot $(cksum < "$obj/vmlinux")" > "$obj/arch/x86/boot/bzImage"
echo map > "$obj/System.map"
`

// bench is a store on a tiny kernel tree with a fake make.
type bench struct {
	*Store
	t      *testing.T
	tree   string
	mu     sync.Mutex
	events []Event
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, tree: filepath.Join(dir, "linux")}
	writeFiles(t, b.tree, map[string]string{
		"Makefile":          "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 99\nEXTRAVERSION =\n",
		"Kconfig":           "config IO_URING\n\tbool \"io_uring\"\n\tdepends on FUTEX_HASH\n",
		"io_uring/Makefile": "obj-y += a.o\n",
		"io_uring/a.c":      numbered(30),
		"io_uring/b.c":      "int b;\n",
		"io_uring/link@":    "b.c",
	})
	b.Store = openFake(t, filepath.Join(dir, "cache"), filepath.Join(dir, "make"))
	if err := os.WriteFile(b.make[0], []byte(fakeMake), 0o755); err != nil {
		t.Fatal(err)
	}
	return b
}

func openFake(t *testing.T, cache, fake string) *Store {
	t.Helper()
	s, err := Open(cache)
	if err != nil {
		t.Fatal(err)
	}
	s.make = []string{fake}
	s.toolchain = func(context.Context) (string, error) { return "fake gcc 1", nil }
	s.pause = func(context.Context, int) {}
	return s
}

func (b *bench) progress(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

// lines returns what progress said in a stage, and forgets everything.
func (b *bench) lines(stage Stage) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.events {
		if e.Stage == stage && (stage != StageCompile || strings.HasPrefix(e.Line, "  CC")) {
			out = append(out, strings.TrimSpace(e.Line))
		}
	}
	b.events = nil
	return strings.Join(out, "; ")
}

func (b *bench) kernel(series string) (*Kernel, error) {
	k, err := b.Kernel(context.Background(), Spec{Source: "dir:" + b.tree, Series: series}, b.progress)
	if err == nil {
		b.t.Cleanup(func() { k.Close() })
	}
	return k, err
}

func (b *bench) must(series string) *Kernel {
	b.t.Helper()
	k, err := b.kernel(series)
	if err != nil {
		b.t.Fatal(err)
	}
	return k
}

// series writes a patch that changes line 5 of io_uring/a.c to text.
func (b *bench) series(text string) string {
	p := filepath.Join(b.t.TempDir(), "0001-change.patch")
	patch := "Subject: [PATCH] io_uring: change\n\n" + modA + "@@ -4,3 +4,3 @@\n line 4\n-line 5\n+" + text + "\n line 6\n"
	if err := os.WriteFile(p, []byte(patch), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return p
}

func readFile(t *testing.T, p string) string {
	t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestKernelBuildsOnlyWhatChanges(t *testing.T) {
	b := newBench(t)
	source := readFiles(t, b.tree)
	none := b.must("none")
	if got := b.lines(StageCompile); got != "CC      io_uring/a.o; CC      io_uring/b.o" {
		t.Errorf("cold build compiled %q", got)
	}
	if none.Cached || !strings.Contains(readFile(t, none.Vmlinux), "KCOV_INSTRUMENT := y") {
		t.Error("cold build: cached, or without the flavour's overlay")
	}
	for _, want := range []string{"CONFIG_TINY=y", "CONFIG_IO_URING=y"} {
		if !strings.Contains(readFile(t, none.Config), want) {
			t.Errorf("config lacks %s", want)
		}
	}
	changed := b.must(b.series("changed"))
	if got := b.lines(StageCompile); got != "CC      io_uring/a.o" {
		t.Errorf("a change in a.c compiled %q", got)
	}
	if changed.Dir == none.Dir || !strings.Contains(readFile(t, changed.Vmlinux), "changed") {
		t.Error("the series is not in the image")
	}
	if k := b.must("none"); !k.Cached || k.Dir != none.Dir || b.lines(StageCompile) != "" {
		t.Error("the first image was built again")
	}
	// Another series: a.c goes back to the source's content, b.c is untouched.
	other := filepath.Join(t.TempDir(), "new.patch")
	writeFiles(t, filepath.Dir(other), map[string]string{"new.patch": "--- /dev/null\n+++ b/io_uring/sub/new.c\n@@ -0,0 +1 @@\n+int n;\n"})
	k := b.must(other)
	if got := b.lines(StageCompile); got != "CC      io_uring/a.o" || strings.Contains(readFile(t, k.Vmlinux), "changed") {
		t.Errorf("going to another series compiled %q", got)
	}
	if d := cmp.Diff(source, readFiles(t, b.tree)); d != "" {
		t.Errorf("the user's tree was changed: %s", d)
	}
	pristine, _ := filepath.Glob(filepath.Join(b.Dir(), "sources", "*", "tree"))
	if d := cmp.Diff(source, readFiles(t, pristine[0])); d != "" {
		t.Errorf("the unpacked source was changed through a hard link: %s", d)
	}
}

func TestKernelProvenanceAndKey(t *testing.T) {
	b := newBench(t)
	series := b.series("changed")
	k := b.must(series)
	p := k.Provenance
	if p.Key != filepath.Base(k.Dir) || p.Source.Version != "6.12.99" || p.Flavour != "fast" || p.Toolchain != "fake gcc 1" ||
		len(p.Series.Patches) != 1 || p.Series.Patches[0].Subject != "io_uring: change" || len(p.Warnings) != 1 {
		t.Errorf("provenance %+v", p)
	}
	if sum, _, _ := hashFile(k.Config); sum != p.ConfigSHA256 {
		t.Error("config hash differs")
	}
	// The same change under another message is the same image, with the new names in its provenance.
	renamed := filepath.Join(t.TempDir(), "v2.patch")
	text := strings.Replace(readFile(t, series), "[PATCH] io_uring: change", "[PATCH v2] io_uring: reworded", 1)
	if err := os.WriteFile(renamed, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	k2 := b.must(renamed)
	if !k2.Cached || k2.Provenance.Series.Patches[0].Subject != "io_uring: reworded" || k2.Provenance.Series.Name != renamed {
		t.Errorf("reworded: cached %v, %+v", k2.Cached, k2.Provenance.Series)
	}
	// The compiler is part of the key.
	b.toolchain = func(context.Context) (string, error) { return "fake gcc 2", nil }
	if k3 := b.must(series); k3.Cached || k3.Dir == k.Dir {
		t.Error("another compiler gave the same image")
	}
}

func TestKernelErrors(t *testing.T) {
	b := newBench(t)
	k := b.must("none")
	src := filepath.Join(filepath.Dir(filepath.Dir(k.Dir)), "builds")
	tests := []struct {
		name   string
		series string
		target any
		text   []string
	}{
		{"does not compile", b.series("BAD"), new(*BuildError), []string{"io_uring/a.c:7:3: error: 'BAD' undeclared", "build.log"}},
		{"full disk", b.series("FULL"), new(*InfraError), []string{"no space left on device", "ringproof cache"}},
		{"make killed", b.series("DIE"), new(*InfraError), []string{"killed from outside", "build.log"}},
		{"does not apply", writePatch(t, modA+"@@ -4,3 +4,3 @@\n line 4\n-line 55\n+x\n line 6\n"), new(*ApplyError), []string{"x.patch", "io_uring/a.c", "hunk 1"}},
		{"build system", writePatch(t, "--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-# SPDX\n+$(shell id)\n"), new(*ApplyError), []string{"--allow-build-files"}},
		{"malformed", writePatch(t, modA+"@@ -4,3 +4,9 @@\n line 4\n"), new(*ApplyError), []string{"malformed"}},
		{"no such series", "v99", new(*SpecError), []string{"v99", "none"}},
		{"no patch in the file", writePatch(t, "hello\n"), new(*SpecError), []string{"no patch in it"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trees := readFiles(t, src)
			_, err := b.kernel(tt.series)
			if err == nil || !errors.As(err, tt.target) {
				t.Fatalf("error %T %v", err, err)
			}
			for _, want := range tt.text {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if _, ok := tt.target.(**ApplyError); ok {
				if d := cmp.Diff(trees, readFiles(t, src)); d != "" {
					t.Errorf("the build tree was touched: %s", d)
				}
			}
			if again := b.must("none"); !again.Cached {
				t.Error("the image from before is gone")
			}
			if k := b.must(b.series("good " + tt.name)); !strings.Contains(readFile(t, k.Vmlinux), "good "+tt.name) {
				t.Error("the next build is wrong")
			}
		})
	}
}

func writePatch(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "x.patch")
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKernelConfigNotTaken(t *testing.T) {
	b := newBench(t)
	writeFiles(t, b.tree, map[string]string{"drop": "CONFIG_IO_URING=\nCONFIG_EPOLL=\n"})
	_, err := b.kernel("none")
	var ce *ConfigError
	if !errors.As(err, &ce) || len(ce.Problems) != 2 {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"CONFIG_IO_URING: wanted y", "depends on FUTEX_HASH, but CONFIG_FUTEX_HASH=n", "CONFIG_EPOLL", "no such symbol"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
}

func TestKernelDamagedEntryIsRebuilt(t *testing.T) {
	damage := map[string]func(k *Kernel) error{
		"truncated bzImage": func(k *Kernel) error { return os.Truncate(k.BzImage, 3) },
		"altered bzImage": func(k *Kernel) error {
			return os.WriteFile(k.BzImage, []byte(strings.ToUpper(readFile(t, k.BzImage))), 0o644)
		},
		"altered vmlinux": func(k *Kernel) error {
			return os.WriteFile(k.Vmlinux, []byte(strings.ToUpper(readFile(t, k.Vmlinux))), 0o644)
		},
		"missing vmlinux":    func(k *Kernel) error { return os.Remove(k.Vmlinux) },
		"altered provenance": func(k *Kernel) error { return os.WriteFile(filepath.Join(k.Dir, provenanceFile), []byte("{}"), 0o644) },
		"broken manifest":    func(k *Kernel) error { return os.WriteFile(filepath.Join(k.Dir, manifestFile), []byte("{"), 0o644) },
		"empty manifest":     func(k *Kernel) error { return os.WriteFile(filepath.Join(k.Dir, manifestFile), []byte("{}"), 0o644) },
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			k := b.must("none")
			want := readFile(t, k.Vmlinux)
			k.Close()
			if err := harm(k); err != nil {
				t.Fatal(err)
			}
			b.lines(StageNotice)
			again := b.must("none")
			if note := b.lines(StageNotice); again.Cached || !strings.Contains(note, "damaged") {
				t.Errorf("cached %v, notice %q", again.Cached, note)
			}
			if readFile(t, again.Vmlinux) != want {
				t.Error("the rebuilt image differs")
			}
		})
	}
}

func TestVerify(t *testing.T) {
	b := newBench(t)
	k := b.must("none")
	key := filepath.Base(k.Dir)
	if err := b.Verify(key); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(k.Vmlinux, []byte(strings.ToUpper(readFile(t, k.Vmlinux))), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := b.Verify(key); err == nil || !strings.Contains(err.Error(), "altered") {
		t.Errorf("error %v", err)
	}
}

// TestKernelHelper is not a test: TestKernelSurvivesKill runs it as the
// process that is killed in the middle of a build.
func TestKernelHelper(t *testing.T) {
	dir := os.Getenv("RINGPROOF_TEST_BENCH")
	if dir == "" {
		t.Skip("only run by TestKernelSurvivesKill")
	}
	s := openFake(t, filepath.Join(dir, "cache"), filepath.Join(dir, "make"))
	_, _ = s.Kernel(context.Background(), Spec{Source: "dir:" + filepath.Join(dir, "linux"), Series: os.Getenv("RINGPROOF_TEST_SERIES")}, nil)
}

func TestKernelSurvivesKill(t *testing.T) {
	b := newBench(t)
	b.must(b.series("before"))
	dir := filepath.Dir(b.tree)
	builds, _ := filepath.Glob(filepath.Join(b.Dir(), "builds", "*", "src"))
	l := newLifeline(t)
	if err := os.Symlink(l.path, filepath.Join(builds[0], "fifo")); err != nil {
		t.Fatal(err)
	}
	// The killed build leaves half an object for a series that says HANG …
	hang := b.series("HANG")
	victim := exec.Command(os.Args[0], "-test.run=^TestKernelHelper$")
	victim.Env = append(os.Environ(), "RINGPROOF_TEST_BENCH="+dir, "RINGPROOF_TEST_SERIES="+hang)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	l.started(t)
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	l.gone(t)
	key, err := b.Key(context.Background(), Spec{Source: "dir:" + b.tree, Series: hang}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.imageDir(key)); err == nil {
		t.Error("the killed build left an image")
	}
	// … and a make without the trap finds that object younger than its source.
	if err := os.WriteFile(b.make[0], []byte(strings.Replace(fakeMake, "sleep 1000", ":", 1)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.path+"x", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(l.path+"x", l.path); err != nil {
		t.Fatal(err)
	}
	if k := b.must(hang); k.Cached || !strings.Contains(readFile(t, k.Vmlinux), "line 30") {
		t.Error("half an object of the killed build got into the image")
	}
}

func TestKernelTwoAtOnce(t *testing.T) {
	b := newBench(t)
	series := b.series("changed")
	var wg sync.WaitGroup
	dirs := make([]string, 4)
	for i := range dirs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			k, err := b.kernel([]string{"none", series}[i%2])
			if err != nil {
				t.Error(err)
				return
			}
			dirs[i] = k.Dir
		}()
	}
	wg.Wait()
	if dirs[0] != dirs[2] || dirs[1] != dirs[3] || dirs[0] == dirs[1] {
		t.Errorf("images %q", dirs)
	}
	if got := strings.Count(b.lines(StageCompile), "CC "); got != 3 {
		t.Errorf("%d compilations, want 3: two cold and one after the change", got)
	}
}

func TestWaitSaysWhoHolds(t *testing.T) {
	b := newBench(t)
	l, err := b.Lock(context.Background(), "builds", "x", true, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = b.Lock(ctx, "builds", "x", true, func(e Event) {
		b.progress(e)
		cancel()
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(b.lines(StageWait), "held by process ") {
		t.Errorf("error %v", err)
	}
	l.Unlock()
	l.Unlock()
	if l, err = b.Lock(context.Background(), "builds", "x", false, nil); err != nil {
		t.Fatal(err)
	}
	l.Unlock()
}

func TestFlavourOverlayFilesExist(t *testing.T) {
	for _, f := range kconfig.Flavours() {
		for _, o := range f.Overlays {
			if buildSystemFile(t.TempDir(), o.Path) == "" || !strings.HasSuffix(o.Append, "\n") {
				t.Errorf("flavour %s: overlay %+v should append whole lines to a makefile", f.Name, o)
			}
		}
	}
}
