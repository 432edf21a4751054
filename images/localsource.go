// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var debianPackage = regexp.MustCompile(`^linux-source-[0-9]+\.[0-9]+$`)

// debianSource takes the tarball that Debian's linux-source-X.Y installs.
func (s *Store) debianSource(ctx context.Context, pkg string, p Progress) (*source, error) {
	if !debianPackage.MatchString(pkg) {
		return nil, fmt.Errorf("%q is not a kernel source package such as linux-source-6.12", pkg)
	}
	file := filepath.Join(s.usrSrc, pkg+".tar.xz")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if err := s.installPackage(ctx, pkg, p); err != nil {
			return nil, err
		}
	}
	src, err := s.tarSource(file, p)
	if err != nil {
		return nil, err
	}
	if v, err := output(ctx, "/", "dpkg-query", "-W", "-f", "${Version}", pkg); err == nil {
		src.Package = pkg + " " + strings.TrimSpace(v)
	}
	return src, nil
}

// installPackage installs a distribution package, or says how to.
func (s *Store) installPackage(ctx context.Context, pkg string, p Progress) error {
	op := "install " + pkg
	fix := "apt-get update && apt-get install -y " + pkg
	if s.euid != 0 {
		return &InfraError{Op: op, Err: errors.New("only root can install packages"),
			Advice: "Run: sudo sh -c '" + fix + "'"}
	}
	for _, args := range [][]string{
		{"apt-get", "-q", "update"}, // security packages move: a stale list answers 404
		{"apt-get", "-q", "install", "-y", "--no-install-recommends", pkg},
	} {
		p.send(Event{Stage: StageSource, Line: strings.Join(args, " ")})
		var said complaint
		c := command{args: args, env: buildEnv("DEBIAN_FRONTEND=noninteractive"), onLine: func(l string) {
			said.hear(l)
			p.send(Event{Stage: StageSource, Line: l})
		}}
		if err := c.run(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &InfraError{Op: op, Err: said.explain(strings.Join(args, " "), err),
				Advice: "Install it by hand (" + fix + ") or name another source with --source"}
		}
	}
	return nil
}

// gitSource takes one revision of a local repository, without its work tree.
func (s *Store) gitSource(ctx context.Context, arg string) (*source, error) {
	at := strings.LastIndex(arg, "@")
	if at <= 0 || at == len(arg)-1 {
		return nil, errors.New("write git:REPO@REF")
	}
	repo, ref := arg[:at], arg[at+1:]
	if strings.HasPrefix(ref, "-") {
		return nil, fmt.Errorf("%q is not a revision", ref)
	}
	if st, err := os.Stat(repo); err != nil || !st.IsDir() {
		return nil, fmt.Errorf("%s is not a directory; clone the repository first, only local ones are read", repo)
	}
	out, err := output(ctx, repo, "git", "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{tree}")
	if err != nil {
		return nil, fmt.Errorf("%s has no revision %q (%w)", repo, ref, err)
	}
	tree := strings.TrimSpace(out)
	return &source{
		SourceInfo: SourceInfo{ID: "git-" + tree},
		unpack: func(ctx context.Context, dst string, p Progress) error {
			tar := dst + ".tar"
			defer os.Remove(tar)
			p.send(Event{Stage: StageSource, Line: "git archive " + ref})
			if _, err := output(ctx, repo, "git", "archive", "--format=tar", "-o", tar, tree); err != nil {
				return err
			}
			return untar(ctx, tar, dst, p)
		},
	}, nil
}

// dirSource copies a tree. Its ID is a hash over all of it, which is
// remembered as long as no file's times or sizes change.
func (s *Store) dirSource(dir string, p Progress) (*source, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if !isKernel(dir) {
		return nil, errors.New("not a kernel tree (no Makefile with a VERSION, or no io_uring directory)")
	}
	for _, dirt := range []string{".config", "include/config", "arch/x86/include/generated"} {
		if _, err := os.Lstat(filepath.Join(dir, dirt)); err == nil {
			return nil, fmt.Errorf("the tree was built in (%s is there). Run make mrproper in it, or use git:%s@HEAD", dirt, dir)
		}
	}
	before, err := treeStamp(dir)
	if err != nil {
		return nil, err
	}
	id, err := s.remembered(dir, before, func() (string, error) {
		p.send(Event{Stage: StageSource, Line: "hashing " + dir})
		return treeHash(dir)
	})
	if err != nil {
		return nil, err
	}
	return &source{
		SourceInfo: SourceInfo{ID: "dir-" + id},
		unpack: func(ctx context.Context, dst string, p Progress) error {
			p.send(Event{Stage: StageSource, Line: "copying " + dir})
			err := cloneTree(dst, dir, func(to, from string) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return copyFile(to, from, false)
			}, isGitDir)
			if err != nil {
				return err
			}
			if after, err := treeStamp(dir); err != nil || after != before {
				return fmt.Errorf("%s changed while it was copied; run again when nothing writes to it", dir)
			}
			return nil
		},
	}, nil
}

func isGitDir(rel string) bool { return rel == ".git" }

// walkFiles calls f for each file and link of a tree, in a fixed order.
func walkFiles(dir string, f func(p, rel string, d fs.DirEntry) error) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		switch {
		case err != nil:
			return err
		case isGitDir(rel):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		return f(p, rel, d)
	})
}

func treeStamp(dir string) (string, error) {
	h := sha256.New()
	var line []byte // 85,000 times: fmt would take most of the time
	err := walkFiles(dir, func(_, rel string, d fs.DirEntry) error {
		st, err := d.Info()
		if err != nil {
			return err
		}
		line = append(append(line[:0], rel...), 0)
		line = strconv.AppendUint(line, uint64(st.Mode()), 8)
		h.Write(append(appendStamp(line, st), '\n'))
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func treeHash(dir string) (string, error) {
	h := sha256.New()
	err := walkFiles(dir, func(p, rel string, d fs.DirEntry) error {
		st, err := d.Info()
		if err != nil {
			return err
		}
		var content string
		if st.Mode()&fs.ModeSymlink != 0 {
			content, err = os.Readlink(p)
		} else {
			content, _, err = hashFile(p)
		}
		fmt.Fprintf(h, "%q %o %q\n", rel, st.Mode()&(fs.ModeType|0o100), content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}
