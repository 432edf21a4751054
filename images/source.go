// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// DefaultSource is the distribution's kernel source.
const DefaultSource = "debian:linux-source-6.12"

// SourceForms describes the source specs, for help texts.
const SourceForms = `debian:PACKAGE            the distribution's source package (installed if missing)
tar:FILE                  a kernel tarball
dir:TREE                  a kernel tree; it is copied
git:REPO@REF              a revision of a local git repository
url:URL#sha256=HEX        a tarball to download`

// SourceInfo says where a kernel came from.
type SourceInfo struct {
	Spec string `json:"spec"` // as asked for
	ID   string `json:"id"`   // names the content
	// Version is the kernel's, such as "6.12.117".
	Version string `json:"version"`
	// Package is the distribution's package with its version, where the
	// source came from one.
	Package string `json:"package,omitempty"`
}

// source is a kernel source whose content is known but which may not be unpacked yet.
type source struct {
	SourceInfo
	// unpack writes the tree into the existing empty directory dst.
	unpack func(ctx context.Context, dst string, p Progress) error
}

// resolve finds the source's content ID, fetching what is needed for that.
func (s *Store) resolve(ctx context.Context, spec string, p Progress) (*source, error) {
	form, arg, ok := strings.Cut(spec, ":")
	bad := func(err error) error { return &SpecError{What: "source", Value: spec, Err: err} }
	if !ok || arg == "" {
		return nil, bad(fmt.Errorf("not one of the forms\n%s", SourceForms))
	}
	var src *source
	var err error
	switch form {
	case "debian":
		src, err = s.debianSource(ctx, arg, p)
	case "tar":
		src, err = s.tarSource(arg, p)
	case "dir":
		src, err = s.dirSource(arg, p)
	case "git":
		src, err = s.gitSource(ctx, arg)
	case "url":
		src, err = s.urlSource(arg)
	default:
		err = fmt.Errorf("%q is not one of the forms\n%s", form, SourceForms)
	}
	var ie *InfraError
	switch {
	case err == nil:
		src.Spec = spec
		return src, nil
	case errors.As(err, &ie), ctx.Err() != nil:
		return nil, err
	case errors.Is(err, syscall.ENOSPC):
		return nil, s.infra("prepare source "+spec, err)
	}
	return nil, bad(err)
}

// tarSource names a tarball by its hash, which is remembered as long as the
// file looks the same.
func (s *Store) tarSource(file string, p Progress) (*source, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("not a file (for a tree write dir:TREE)")
	}
	sum, err := s.remembered(file, stamp(st), func() (string, error) {
		p.send(Event{Stage: StageSource, Line: "hashing " + file})
		sum, _, err := hashFile(file)
		return sum, err
	})
	if err != nil {
		return nil, err
	}
	return &source{
		SourceInfo: SourceInfo{ID: "tar-" + sum},
		unpack:     func(ctx context.Context, dst string, p Progress) error { return untar(ctx, file, dst, p) },
	}, nil
}

// untar unpacks with the system's tar, which knows all compressions and
// refuses members outside dst.
func untar(ctx context.Context, file, dst string, p Progress) error {
	p.send(Event{Stage: StageSource, Line: "unpacking " + file})
	var said complaint
	c := command{
		args:   []string{"tar", "-x", "-f", file, "-C", dst, "--no-same-owner", "--no-same-permissions"},
		env:    buildEnv(),
		onLine: said.hear,
	}
	return said.explain("unpack "+file, c.run(ctx))
}

// complaint gathers what a tool says before it fails: the first line says
// most, what follows is often hundreds of the same. apt-get says a lot before
// its first error, which begins with "E: ".
type complaint struct {
	first string
	full  bool // the disk
}

func (c *complaint) hear(line string) {
	const apt = "E: "
	if c.first == "" || strings.HasPrefix(line, apt) && !strings.HasPrefix(c.first, apt) {
		c.first = line
	}
	c.full = c.full || strings.Contains(line, noSpace)
}

// explain joins what was heard with the tool's exit.
func (c *complaint) explain(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case c.full:
		return fmt.Errorf("%s: %w", op, syscall.ENOSPC)
	case c.first == "":
		return fmt.Errorf("%s: %w", op, err)
	}
	return fmt.Errorf("%s: %w: %s", op, err, c.first)
}

// noSpace is how tools spell ENOSPC in the C locale.
const noSpace = "No space left on device"

// sourceDir returns the directory of an unpacked source and unpacks it if
// needed. The caller holds the returned lock, shared, as long as it reads there.
func (s *Store) sourceDir(ctx context.Context, src *source, p Progress) (root string, held *Lock, err error) {
	dir := filepath.Join(s.dir, kindSources, src.ID)
	for range 3 { // another process may prune it between the two locks
		held, err = s.Lock(ctx, kindSources, src.ID, false, p)
		if err != nil {
			return "", nil, err
		}
		var info SourceInfo
		if err := readJSON(filepath.Join(dir, "source.json"), &info); err == nil {
			src.Version = info.Version
			if src.Package == "" {
				src.Package = info.Package
			}
			touchUsed(dir)
			return filepath.Join(dir, "tree"), held, nil
		}
		held.Unlock()
		if err := s.unpackSource(ctx, src, dir, p); err != nil {
			return "", nil, err
		}
	}
	return "", nil, &InfraError{Op: "unpack source " + src.Spec, Err: errors.New("it keeps disappearing"), Advice: "Is another process emptying the cache?"}
}

func (s *Store) unpackSource(ctx context.Context, src *source, dir string, p Progress) error {
	l, err := s.lockMaking(ctx, kindSources, src.ID, p)
	if err != nil {
		return err
	}
	defer l.Unlock()
	if _, err := os.Stat(filepath.Join(dir, "source.json")); err == nil {
		return nil // someone else was faster
	}
	op := "unpack source " + src.Spec
	tmp := filepath.Join(s.dir, kindSources, tmpPrefix+src.ID)
	for _, d := range []string{tmp, dir} { // a killed process may have left either
		if err := os.RemoveAll(d); err != nil {
			return s.infra(op, err)
		}
	}
	defer os.RemoveAll(tmp)
	unpacked := filepath.Join(tmp, "unpacked")
	if err := os.MkdirAll(unpacked, 0o755); err != nil {
		return s.infra(op, err)
	}
	if err := src.unpack(ctx, unpacked, p); err != nil {
		return s.infra(op, err)
	}
	root, err := kernelRoot(unpacked)
	if err == nil {
		src.Version, err = kernelVersion(filepath.Join(root, "Makefile"))
	}
	if err != nil {
		return &SpecError{What: "source", Value: src.Spec, Err: err}
	}
	err = os.Rename(root, filepath.Join(tmp, "tree"))
	if err == nil {
		err = os.RemoveAll(unpacked)
	}
	if err == nil {
		err = writeJSON(filepath.Join(tmp, "source.json"), src.SourceInfo)
	}
	if err == nil {
		err = os.Rename(tmp, dir)
	}
	return s.infra(op, err)
}

// kernelRoot finds the kernel in what was unpacked: there, or one level down.
func kernelRoot(dir string) (string, error) {
	if isKernel(dir) {
		return dir, nil
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, d := range list {
		if sub := filepath.Join(dir, d.Name()); d.IsDir() && isKernel(sub) {
			return sub, nil
		}
	}
	return "", errors.New("it holds no Linux kernel (no Makefile with a VERSION beside an io_uring directory)")
}

func isKernel(dir string) bool {
	_, err := kernelVersion(filepath.Join(dir, "Makefile"))
	st, err2 := os.Stat(filepath.Join(dir, "io_uring"))
	return err == nil && err2 == nil && st.IsDir()
}

// kernelVersion reads the version from the head of the kernel's Makefile.
func kernelVersion(makefile string) (string, error) {
	f, err := os.Open(makefile)
	if err != nil {
		return "", err
	}
	defer f.Close()
	v := map[string]string{}
	sc := bufio.NewScanner(f)
	for n := 0; sc.Scan() && n < 20; n++ {
		if k, val, ok := strings.Cut(sc.Text(), "="); ok {
			v[strings.TrimSpace(k)] = strings.TrimSpace(val)
		}
	}
	if v["VERSION"] == "" || v["PATCHLEVEL"] == "" {
		return "", fmt.Errorf("%s is not a kernel's Makefile", makefile)
	}
	version := v["VERSION"] + "." + v["PATCHLEVEL"]
	if v["SUBLEVEL"] != "" {
		version += "." + v["SUBLEVEL"]
	}
	return version + v["EXTRAVERSION"], nil
}

// stamp says what a file looks like from outside; a change of its content
// changes it.
func stamp(st fs.FileInfo) string { return string(appendStamp(nil, st)) }

func appendStamp(b []byte, st fs.FileInfo) []byte {
	sys := st.Sys().(*syscall.Stat_t)
	for _, n := range []int64{int64(sys.Dev), int64(sys.Ino), sys.Size, unix.TimespecToNsec(unix.Timespec(sys.Mtim)), unix.TimespecToNsec(unix.Timespec(sys.Ctim))} {
		b = append(strconv.AppendInt(b, n, 10), ':')
	}
	return b
}

// remembered returns compute's result for the thing named what, from the last
// time if its stamp is the same. The memory is a cache of a cache: lost
// updates between processes only cost time.
func (s *Store) remembered(what, stamp string, compute func() (string, error)) (string, error) {
	type memory struct{ Stamp, Value string }
	path := filepath.Join(s.dir, "hashes.json")
	all := map[string]memory{}
	_ = readJSON(path, &all)
	if m, ok := all[what]; ok && m.Stamp == stamp {
		return m.Value, nil
	}
	value, err := compute()
	if err != nil {
		return "", err
	}
	all[what] = memory{stamp, value}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return "", err
	}
	return value, writeJSON(path, all)
}
