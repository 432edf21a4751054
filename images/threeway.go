// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// threeWay returns the series as it applies to the source. Where it does not apply
// as it is, each patch is merged by git: between the series on its own base and the
// source. That needs a git: source whose repository has the base. The repository is only read.
func (s *Store) threeWay(ctx context.Context, r *request, p Progress) (*Series, error) {
	root, held, err := s.sourceDir(ctx, r.source, p)
	if err != nil {
		return nil, err
	}
	defer held.Unlock()
	_, err = patched(root, r.series, r.AllowBuildFiles)
	var ae *ApplyError
	if !errors.As(err, &ae) || ae.Refused {
		return r.series, err
	}
	repo, rev, ok := cutLast(strings.TrimPrefix(r.Source, "git:"), "@")
	if !ok || !strings.HasPrefix(r.Source, "git:") {
		ae.Details = append(ae.Details, "--3way needs a source git:REPO@REF, in which the series' base can be found")
		return nil, ae
	}
	base := r.series.Origin.BaseCommit
	if _, err := commitID(ctx, repo, base); base == "" || err != nil {
		base = nearestRef(ctx, repo, rev, r.series)
	}
	if base == "" {
		ae.Details = append(ae.Details, "--3way: the repository has neither the series' base-commit nor a tag or branch to which it applies")
		return nil, ae
	}
	merged, err := mergeSeries(ctx, repo, base, rev, r.series)
	if err != nil {
		return nil, err
	}
	p.notice(fmt.Sprintf("series %s was merged from %s", r.series.Name, base))
	return merged, merged.finish()
}

// scratch is a repository of its own that sees another one's objects.
type scratch struct {
	dir string
	env []string
}

func newScratch(ctx context.Context, repo string) (*scratch, error) {
	objects, err := git(ctx, repo, "rev-parse", "--path-format=absolute", "--git-path", "objects")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ringproof-3way-")
	if err != nil {
		return nil, err
	}
	w := &scratch{dir, append(slices.Clone(gitEnv), "GIT_DIR="+dir+"/git", "GIT_INDEX_FILE="+dir+"/index", "GIT_AUTHOR_NAME=ringproof",
		"GIT_AUTHOR_EMAIL=ringproof@localhost", "GIT_COMMITTER_NAME=ringproof", "GIT_COMMITTER_EMAIL=ringproof@localhost")}
	if _, err = w.git(ctx, "init", "-q", "--bare", "--template=", dir+"/git"); err == nil {
		err = os.MkdirAll(dir+"/git/objects/info", 0o755)
	}
	if err == nil {
		err = os.WriteFile(dir+"/git/objects/info/alternates", []byte(strings.TrimSpace(objects)+"\n"), 0o644)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return w, nil
}

func (w *scratch) git(ctx context.Context, args ...string) (string, error) {
	out, err := outputEnv(ctx, w.dir, w.env, append([]string{"git", "-c", "core.hooksPath=/dev/null"}, args...)...)
	return strings.TrimSpace(out), err
}

// commit makes a commit of a tree.
func (w *scratch) commit(ctx context.Context, tree, parent string) (string, error) {
	return w.git(ctx, "commit-tree", "-m", "ringproof", "-p", parent, tree)
}

// mergeSeries applies the series to base, and carries what each patch does there over to rev.
func mergeSeries(ctx context.Context, repo, base, rev string, s *Series) (*Series, error) {
	ours, err := commitID(ctx, repo, base) // the series' own line
	if err != nil {
		return nil, err
	}
	target, err := commitID(ctx, repo, rev)
	if err != nil {
		return nil, err
	}
	w, err := newScratch(ctx, repo)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(w.dir)
	// For git both lines come from the same commit: what the patch changes is merged, and nothing of their history.
	theirs, err := w.commit(ctx, target+"^{tree}", ours)
	if err != nil {
		return nil, err
	}
	out := &Series{Name: s.Name, Origin: s.Origin}
	out.Origin.Notes = append(slices.Clone(s.Origin.Notes), "merged three-way by git from "+base)
	for _, p := range s.Patches {
		p, ours, theirs, err = w.merge(ctx, p, ours, theirs)
		if err != nil {
			return nil, err
		}
		out.Patches = append(out.Patches, p)
	}
	return out, nil
}

// merge carries one patch over. It returns it as it applies there, and both lines with it on top.
func (w *scratch) merge(ctx context.Context, p Patch, ours, theirs string) (Patch, string, string, error) {
	fail := func(reason string, err error, said string) (Patch, string, string, error) {
		if ctx.Err() != nil {
			return p, "", "", ctx.Err()
		}
		e := &ApplyError{Patch: p.Name, Subject: p.Subject, Cause: CauseContext, Reason: reason}
		for line := range strings.Lines(said) {
			if strings.HasPrefix(line, "CONFLICT") || strings.HasPrefix(line, "error: ") {
				e.Details = append(e.Details, strings.TrimSpace(line))
			}
		}
		if len(e.Details) == 0 {
			e.Details = []string{err.Error()}
		}
		return p, "", "", e
	}
	file := filepath.Join(w.dir, "patch")
	if err := os.WriteFile(file, p.diff, 0o644); err != nil {
		return p, "", "", err
	}
	if _, err := w.git(ctx, "read-tree", ours); err != nil {
		return p, "", "", err
	}
	if said, err := w.git(ctx, "apply", "--cached", "--whitespace=nowarn", file); err != nil {
		return fail("it does not apply to its own base", err, said)
	}
	tree, err := w.git(ctx, "write-tree")
	if err != nil {
		return p, "", "", err
	}
	next, err := w.commit(ctx, tree, ours)
	if err != nil {
		return p, "", "", err
	}
	merged, err := w.git(ctx, "merge-tree", "--write-tree", theirs, next)
	if err != nil {
		return fail("git cannot merge it three-way", err, merged)
	}
	if _, err := w.git(ctx, "diff-tree", "-p", "-M", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "--output="+file, theirs, merged); err != nil {
		return p, "", "", err
	}
	if p.diff, err = os.ReadFile(file); err != nil {
		return p, "", "", err
	}
	if p.files, _, err = gitdiff.Parse(bytes.NewReader(p.diff)); err != nil {
		return p, "", "", err
	}
	result, err := w.commit(ctx, merged, next)
	return p, next, result, err
}
