// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"
)

func TestCacheDirFollowsEnvironment(t *testing.T) {
	for _, dir := range []string{"/one", "/two"} {
		t.Setenv("XDG_CACHE_HOME", dir)
		if got, err := CacheDir(); err != nil || got != dir+"/ringproof" {
			t.Errorf("%q, %v", got, err)
		}
	}
	t.Setenv("XDG_CACHE_HOME", "relative")
	if _, err := CacheDir(); err == nil {
		t.Error("a relative XDG_CACHE_HOME was taken")
	}
}

func TestInitramfs(t *testing.T) {
	b := newBench(t)
	program := filepath.Join(t.TempDir(), "prog")
	if err := os.WriteFile(program, []byte("\x7fELF and so on"), 0o755); err != nil {
		t.Fatal(err)
	}
	path, l, err := b.Initramfs(context.Background(), program)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()
	first := readFile(t, path)
	got := map[string]string{}
	r := cpio.NewReader(bytes.NewReader([]byte(first)))
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(r)
		got[h.Name] = h.Mode.String() + " " + string(content)
	}
	want := map[string]string{
		"dev": "040755 ", "dev/console": "020600 ", "dev/null": "020666 ", "mnt": "040755 ", "proc": "040755 ",
		"run": "040755 ", "sys": "040755 ", "tmp": "041777 ", "init": "0100755 \x7fELF and so on",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// rdevmajor and rdevminor of the console, at their place in its header.
	at := bytes.Index([]byte(first), []byte("dev/console"))
	if dev := first[at-32 : at-16]; dev != "0000000500000001" {
		t.Errorf("console's device is %q", dev)
	}
	// A damaged one is written again, to the same bytes.
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	again, l2, err := b.Initramfs(context.Background(), program)
	if err != nil {
		t.Fatal(err)
	}
	defer l2.Unlock()
	if again != path || readFile(t, again) != first {
		t.Error("the archive differs")
	}
	self, l3, err := b.Initramfs(context.Background(), "")
	switch {
	case err == nil && self != path:
		l3.Unlock()
	case err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0"): // go test may link this one dynamically
		t.Errorf("around the running program: %q, %v", self, err)
	}
}

func TestInitramfsOfDynamicProgram(t *testing.T) {
	var elfFile bytes.Buffer
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	binary.Write(&elfFile, binary.LittleEndian, header)
	binary.Write(&elfFile, binary.LittleEndian, elf.Prog64{Type: uint32(elf.PT_INTERP)})
	program := filepath.Join(t.TempDir(), "prog")
	if err := os.WriteFile(program, elfFile.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	if _, _, err := b.Initramfs(context.Background(), program); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("a program that the guest cannot run was packed: %v", err)
	}
}

// entries lists kind of each entry of the cache.
func (b *bench) entries() map[string]int {
	b.t.Helper()
	list, err := b.List()
	if err != nil {
		b.t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range list {
		if e.Size <= 0 || e.LastUsed.IsZero() {
			b.t.Errorf("entry %+v", e)
		}
		kinds[e.Kind]++
	}
	return kinds
}

func TestListAndPrune(t *testing.T) {
	b := newBench(t)
	if list, err := b.List(); err != nil || len(list) > 0 {
		t.Errorf("empty cache: %v, %v", list, err)
	}
	old := b.must("none")
	b.must(b.series("changed")).Close()
	past := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(old.Dir, usedFile), past, past); err != nil {
		t.Fatal(err)
	}
	all := map[string]int{"images": 2, "builds": 1, "sources": 1}
	if d := cmp.Diff(all, b.entries()); d != "" {
		t.Error(d)
	}
	prune := func(p Policy, removed, inUse int) {
		t.Helper()
		got, err := b.Prune(p)
		if err != nil || len(got.Removed) != removed || len(got.InUse) != inUse {
			t.Errorf("prune %+v: %v, removed %+v, in use %+v", p, err, got.Removed, got.InUse)
		}
	}
	day := Policy{OlderThan: 24 * time.Hour}
	prune(day, 0, 1) // old is still open
	old.Close()
	prune(Policy{OlderThan: day.OlderThan, DryRun: true}, 1, 0)
	prune(Policy{OlderThan: day.OlderThan, Kinds: []string{"builds"}}, 0, 0)
	prune(day, 1, 0)
	prune(Policy{KeepNewest: 1}, 0, 0)
	if d := cmp.Diff(map[string]int{"images": 1, "builds": 1, "sources": 1}, b.entries()); d != "" {
		t.Error(d)
	}
	// What a killed process left goes, unless someone works on it.
	for _, p := range []string{"images/.tmp-x/bzImage", "sources/.gone-y/Makefile", "images/.tmp-busy/bzImage"} {
		writeFiles(t, b.Dir(), map[string]string{p: "x"})
	}
	busy, err := b.lockMaking(context.Background(), "images", "busy", nil)
	if err != nil {
		t.Fatal(err)
	}
	prune(Policy{All: true}, 3, 0)
	if left, _ := filepath.Glob(filepath.Join(b.Dir(), "*", ".*-*")); len(left) != 1 || filepath.Base(left[0]) != ".tmp-busy" {
		t.Errorf("left: %q", left)
	}
	busy.Unlock()
	if d := cmp.Diff(map[string]int{}, b.entries()); d != "" {
		t.Error(d)
	}
	if k := b.must("none"); k.Cached {
		t.Error("cached after everything was pruned")
	}
}

func TestSeriesForms(t *testing.T) {
	if names := BuiltinSeries(); names[0] != SeriesNone {
		t.Errorf("built-in series %q", names)
	}
	for _, name := range BuiltinSeries() {
		s, err := LoadSeries(name)
		if err != nil || (len(s.Patches) == 0) != (name == SeriesNone) {
			t.Errorf("series %s: %v, %+v", name, err, s)
		}
	}
	one := modA + "@@ -4,3 +4,3 @@\n line 4\n-line 5\n+LINE 5\n line 6\n-- \n2.39.5\n\n"
	mail := func(subject, body string) string {
		return "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: Mon, 17 Sep 2001 00:00:00 +0000\nSubject: " + subject + "\n\nText.\n---\n" + body
	}
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"box.mbx":          mail("[PATCH 0/2] cover", "nothing\n") + mail("[PATCH 1/2] first", one) + mail("[PATCH 2/2] second", one),
		"quilt/series":     "# order\nz.patch\na.patch # last\n",
		"quilt/a.patch":    one,
		"quilt/z.patch":    one,
		"quilt/skip.patch": one,
		"plain/0002.patch": one,
		"plain/0001.patch": one,
		"empty/readme":     "x",
		"options/series":   "a.patch -p0\n",
	})
	for name, want := range map[string]string{
		"box.mbx": "box.mbx#2 first, box.mbx#3 second", "quilt": "z.patch , a.patch ", "plain": "0001.patch , 0002.patch ",
	} {
		s, err := LoadSeries(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := ""
		for i, p := range s.Patches {
			if i > 0 {
				got += ", "
			}
			got += p.Name + " " + p.Subject
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"empty", "options", "gone"} {
		if _, err := LoadSeries(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
