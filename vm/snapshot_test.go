// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

func writeSnapshot(t *testing.T, path, key, state string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Seek(snapshotHeader, io.SeekStart)
	f.WriteString(state)
	if err := finishSnapshot(f, key); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotFile(t *testing.T) {
	state := strings.Repeat("state", 1<<20)
	tests := []struct {
		name   string
		damage func(b []byte) []byte
		want   string
	}{
		{"whole", func(b []byte) []byte { return b }, ""},
		{"empty", func(b []byte) []byte { return nil }, "cut short"},
		{"header only", func(b []byte) []byte { return b[:snapshotHeader] }, "0 bytes of state"},
		{"cut", func(b []byte) []byte { return b[:len(b)-1] }, "bytes of state, want"},
		{"longer", func(b []byte) []byte { return append(b, 0) }, "bytes of state, want"},
		{"altered", func(b []byte) []byte { b[len(b)/2] ^= 4; return b }, "altered"},
		{"unfinished", func(b []byte) []byte { clear(b[:snapshotHeader]); return b }, "not a snapshot"},
		{"description damaged", func(b []byte) []byte { b[len(snapshotMagic)+1] = '?'; return b }, "description is damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.snap")
			writeSnapshot(t, path, "key", state)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(path, tt.damage(b), 0o644)
			f, err := openSnapshot(path, "key")
			var se *SnapshotError
			if tt.want != "" {
				if !errors.As(err, &se) || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want a SnapshotError with %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if got, _ := io.ReadAll(f); string(got) != state {
				t.Errorf("the file does not stand at the start of the state")
			}
		})
	}
	path := filepath.Join(t.TempDir(), "s.snap")
	if _, err := openSnapshot(path, "key"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	writeSnapshot(t, path, "key", state)
	if _, err := openSnapshot(path, "other"); err == nil || !strings.Contains(err.Error(), "another kernel") {
		t.Errorf("other key: %v", err)
	}
}

func TestSnapshotKey(t *testing.T) {
	dir := t.TempDir()
	kernel := filepath.Join(dir, "bzImage")
	os.WriteFile(kernel, []byte("kernel"), 0o644)
	initramfs := filepath.Join(dir, "initramfs")
	os.WriteFile(initramfs, []byte("agent"), 0o644)
	base := Config{QEMU: &QEMU{Path: "/q", Version: "1"}, Accel: TCG, Kernel: kernel, Initramfs: initramfs}
	key := func(cfg Config, extra ...string) string {
		k, err := SnapshotKey(cfg, extra...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key(base)
	os.WriteFile(initramfs, []byte("other agent"), 0o644)
	if key(base) != first {
		t.Error("another agent changes the key, but a snapshot outlives agents")
	}
	seen := map[string]string{first: "base"}
	for name, change := range map[string]func(*Config){
		"QEMU":    func(c *Config) { c.QEMU = &QEMU{Path: "/q", Version: "2"} },
		"accel":   func(c *Config) { c.Accel = KVM },
		"memory":  func(c *Config) { c.MemMB = 256 },
		"CPUs":    func(c *Config) { c.CPUs = 1 },
		"words":   func(c *Config) { c.KernelArgs = []string{"x"} },
		"gdb":     func(c *Config) { c.GDB = "127.0.0.1:1" },
		"content": func(c *Config) { c.Kernel = initramfs },
	} {
		cfg := base
		change(&cfg)
		k := key(cfg)
		if other, ok := seen[k]; ok {
			t.Errorf("%s and %s share a key", name, other)
		}
		seen[k] = name
	}
	if key(base, "settings") == first {
		t.Error("settings do not change the key")
	}
	cfg := base
	cfg.CPUs, cfg.MemMB = 2, 512
	if key(cfg) != first {
		t.Error("defaults spelled out change the key")
	}
}

func TestSweepPartials(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	file := func(name string) string {
		p := filepath.Join(dir, name)
		os.WriteFile(p, nil, 0o600)
		os.Chtimes(p, old, old)
		return p
	}
	left, used, snap := file(partialPrefix+"1"), file(partialPrefix+"2"), file("x.snap")
	lock := flock.New(used, flock.SetFlag(os.O_RDONLY))
	defer lock.Close()
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	sweepPartials(dir)
	for p, want := range map[string]bool{left: false, used: true, snap: true} {
		if _, err := os.Stat(p); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", filepath.Base(p), err == nil, want)
		}
	}
}
