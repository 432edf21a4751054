// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func (b *bench) tarball() string {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "linux.tar.gz")
	if out, err := exec.Command("tar", "-C", filepath.Dir(b.tree), "-czf", file, "linux").CombinedOutput(); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
	return file
}

func (b *bench) from(source string) (*Kernel, error) {
	k, err := b.Kernel(context.Background(), Spec{Source: source}, b.progress)
	if err == nil {
		b.t.Cleanup(func() { k.Close() })
	}
	return k, err
}

func TestSourceTarball(t *testing.T) {
	b := newBench(t)
	file := b.tarball()
	k, err := b.from("tar:" + file)
	if err != nil {
		t.Fatal(err)
	}
	if k.Provenance.Source.Version != "6.12.99" {
		t.Errorf("%+v", k.Provenance.Source)
	}
	other := filepath.Join(t.TempDir(), "copy.tar")
	if err := copyFile(other, file, false); err != nil {
		t.Fatal(err)
	}
	if k, err = b.from("tar:" + other); err != nil || !k.Cached || k.Provenance.Source.Spec != "tar:"+other {
		t.Errorf("the same tarball under another name: %v, %+v", err, k)
	}
	if err := os.Truncate(other, 100); err != nil {
		t.Fatal(err)
	}
	var ie *InfraError
	if _, err = b.from("tar:" + other); !errors.As(err, &ie) || !strings.Contains(err.Error(), other) {
		t.Errorf("truncated: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(b.Dir(), "sources", ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestSourceDirChanges(t *testing.T) {
	b := newBench(t)
	k := b.must("none")
	writeFiles(t, b.tree, map[string]string{"io_uring/b.c": "int c;\n"})
	k2 := b.must("none")
	if k2.Cached || k2.Dir == k.Dir || !strings.Contains(readFile(t, k2.Vmlinux), "int c;") {
		t.Error("a change in the tree was not noticed")
	}
	writeFiles(t, b.tree, map[string]string{".config": "CONFIG_X=y\n"})
	if _, err := b.kernel("none"); err == nil || !strings.Contains(err.Error(), "make mrproper") {
		t.Errorf("a tree that was built in: %v", err)
	}
}

func TestSourceGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	b := newBench(t)
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(git, append([]string{"-C", b.tree, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v %s", args, err, out)
		}
	}
	run("init", "-q")
	run("add", ".")
	run("commit", "-q", "-m", "x")
	run("tag", "v1")
	writeFiles(t, b.tree, map[string]string{"io_uring/b.c": "not committed\n", ".config": "not committed\n"})
	k, err := b.from("git:" + b.tree + "@v1")
	if err != nil {
		t.Fatal(err)
	}
	if text := readFile(t, k.Vmlinux); !strings.Contains(text, "int b;") || strings.Contains(text, "not committed") {
		t.Error("not the revision's content")
	}
	if _, err := b.from("git:" + b.tree + "@v2"); err == nil || !strings.Contains(err.Error(), `no revision "v2"`) {
		t.Errorf("unknown revision: %v", err)
	}
}

func TestSourceURL(t *testing.T) {
	b := newBench(t)
	file := b.tarball()
	sum, _, err := hashFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		http.ServeFile(w, r, file)
	}))
	defer ts.Close()
	spec := "url:" + ts.URL + "/linux.tar.gz#sha256=" + sum
	if _, err := b.from(spec); err != nil {
		t.Fatal(err)
	}
	if k, err := b.from(spec); err != nil || !k.Cached || n != 1 {
		t.Errorf("second time: %v, %d requests", err, n)
	}
	if left, _ := filepath.Glob(filepath.Join(b.Dir(), "downloads", "*")); len(left) > 0 {
		t.Errorf("unpacked tarballs are kept: %q", left)
	}
	var se *SpecError
	wrong := "url:" + ts.URL + "#sha256=" + strings.Repeat("a", 64)
	if _, err := b.from(wrong); !errors.As(err, &se) || !strings.Contains(err.Error(), "wrong checksum") {
		t.Errorf("wrong checksum: %v", err)
	}
}

func TestSourceDebian(t *testing.T) {
	b := newBench(t)
	b.usrSrc, b.euid = t.TempDir(), 1000
	var ie *InfraError
	_, err := b.from("debian:linux-source-6.12")
	if !errors.As(err, &ie) || !strings.Contains(err.Error(), "sudo sh -c 'apt-get update && apt-get install -y linux-source-6.12'") {
		t.Errorf("not installed, not root: %v", err)
	}
	// As root, apt-get is run; this one "installs" our tarball.
	bin := t.TempDir()
	script := "#!/bin/sh\necho \"apt $*\"\ncase \"$*\" in *install*) cp " + b.tarball() + " " + b.usrSrc + "/linux-source-6.12.tar.xz ;; esac\n"
	if err := os.WriteFile(filepath.Join(bin, "apt-get"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	b.euid = 0
	if _, err := b.from("debian:linux-source-6.12"); err != nil {
		t.Fatal(err)
	}
	if said := b.lines(StageSource); !strings.Contains(said, "apt-get -q update; apt -q update; apt-get -q install") {
		t.Errorf("apt-get was run as %q", said)
	}
}

func TestSourceBadSpecs(t *testing.T) {
	b := newBench(t)
	empty := t.TempDir()
	for spec, want := range map[string]string{
		"linux":                           "not one of the forms",
		"ftp:x":                           "not one of the forms",
		"tar:":                            "not one of the forms",
		"tar:/no/such/file":               "no such file",
		"tar:" + empty:                    "dir:TREE",
		"dir:" + empty:                    "not a kernel tree",
		"git:/x":                          "REPO@REF",
		"git:/no/such/repo@v1":            "only local ones",
		"git:" + empty + "@--upload-pack": "not a revision",
		"url:https://example.org/x":       "needs its checksum",
		"url:ftp://example.org/x#sha256=" + strings.Repeat("a", 64): "not an http",
		"debian:bash":           "not a kernel source package",
		"debian:../../etc/pass": "not a kernel source package",
	} {
		_, err := b.from(spec)
		var se *SpecError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), spec) {
			t.Errorf("%s: %v", spec, err)
		}
	}
	if _, err := b.Kernel(context.Background(), Spec{Flavour: "slow"}, nil); err == nil || !strings.Contains(err.Error(), `flavour "slow"`) {
		t.Errorf("flavour: %v", err)
	}
}

func TestNotAKernelInTarball(t *testing.T) {
	b := newBench(t)
	if err := os.RemoveAll(filepath.Join(b.tree, "io_uring")); err != nil {
		t.Fatal(err)
	}
	var se *SpecError
	if _, err := b.from("tar:" + b.tarball()); !errors.As(err, &se) || !strings.Contains(err.Error(), "no Linux kernel") {
		t.Errorf("error %v", err)
	}
}
