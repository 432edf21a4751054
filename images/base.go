// SPDX-License-Identifier: Apache-2.0

package images

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxRefs is how many of a repository's tags and branches are tried as a base.
const maxRefs = 300

// adviseBase adds to e the nearest tree at hand on which the series applies:
// among the sources in the cache, and the tags and branches of a repository that
// the spec names.
func (s *Store) adviseBase(ctx context.Context, r *request, e *ApplyError) {
	if e.Refused || e.Cause != CauseContext && e.Cause != CauseAbsent && e.Cause != CauseNotAtEnd {
		return
	}
	say := func(format string, args ...any) { e.Details = append(e.Details, fmt.Sprintf(format, args...)) }
	if base := r.series.Origin.BaseCommit; base != "" {
		say("the series was made for commit %s", base)
	}
	if v, spec := s.nearestSource(ctx, r); spec != "" {
		say("it applies to Linux %s: --source %s", v, spec)
	}
	if repo, rev := r.repository(); repo != "" {
		if ref := nearestRef(ctx, repo, rev, r.series); ref != "" {
			say("it applies to %s: --source git:%s@%[1]s", ref, repo)
		}
	}
}

// repository is the git repository that the spec names, and the revision that is wanted of it.
func (r *request) repository() (repo, rev string) {
	if arg, ok := strings.CutPrefix(r.Source, "git:"); ok {
		repo, rev, _ = cutLast(arg, "@")
	} else if arg, ok := strings.CutPrefix(r.Series, "git:"); ok {
		repo, rev, _ = cutLast(arg, " ")
		_, rev, _ = strings.Cut(rev, "..")
	}
	return repo, rev
}

// nearestSource looks among the unpacked sources for the one of the nearest
// version to which the series applies.
func (s *Store) nearestSource(ctx context.Context, r *request) (version, spec string) {
	names, _ := filepath.Glob(filepath.Join(s.dir, kindSources, "*", "source.json"))
	var infos []SourceInfo
	for _, name := range names {
		var info SourceInfo
		if readJSON(name, &info) == nil && info.ID != r.source.ID {
			infos = append(infos, info)
		}
	}
	want := versionNumber(r.source.Version)
	slices.SortFunc(infos, func(a, b SourceInfo) int {
		return cmp.Compare(abs(versionNumber(a.Version)-want), abs(versionNumber(b.Version)-want))
	})
	for _, info := range infos {
		held, err := s.Lock(ctx, kindSources, info.ID, false, nil)
		if err != nil {
			return "", ""
		}
		_, err = patched(filepath.Join(s.dir, kindSources, info.ID, "tree"), r.series, r.AllowBuildFiles)
		held.Unlock()
		if err == nil {
			return info.Version, info.Spec
		}
	}
	return "", ""
}

// versionNumber makes 6.12.117 comparable.
func versionNumber(v string) int {
	n := 0
	parts := strings.Split(v, ".")
	for i := range 3 {
		n *= 1000
		if i < len(parts) {
			digits := strings.TrimRight(parts[i], "abcdefghijklmnopqrstuvwxyz-+_")
			d, _ := strconv.Atoi(digits)
			n += min(d, 999)
		}
	}
	return n
}

// nearestRef returns the tag or branch, by date the nearest to rev, on which
// the series applies; "" if there is none, or git does not answer.
func nearestRef(ctx context.Context, repo, rev string, s *Series) string {
	at, err := git(ctx, repo, "log", "-1", "--format=%ct", "--end-of-options", rev)
	if err != nil {
		return ""
	}
	want, _ := strconv.Atoi(strings.TrimSpace(at))
	out, err := git(ctx, repo, "for-each-ref", "--format=%(creatordate:unix) %(refname:short)", "refs/tags", "refs/heads")
	if err != nil {
		return ""
	}
	type ref struct {
		name string
		away int
	}
	var refs []ref
	for line := range strings.Lines(out) {
		if when, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			t, _ := strconv.Atoi(when)
			refs = append(refs, ref{name, abs(t - want)})
		}
	}
	slices.SortStableFunc(refs, func(a, b ref) int { return cmp.Compare(a.away, b.away) })
	tried := map[string]bool{} // by the blobs that the series names
	for _, r := range refs[:min(len(refs), maxRefs)] {
		blobs, err := git(ctx, repo, append([]string{"ls-tree", "--full-tree", r.name, "--"}, s.names()...)...)
		if err != nil || tried[blobs] {
			continue
		}
		tried[blobs] = true
		if appliesTo(ctx, repo, r.name, blobs, s) {
			return r.name
		}
	}
	return ""
}

// names returns the files that the series names.
func (s *Series) names() []string {
	seen := map[string]bool{}
	for _, p := range s.Patches {
		for _, f := range p.files {
			for _, n := range []string{f.OldName, f.NewName} {
				if filepath.IsLocal(n) {
					seen[n] = true
				}
			}
		}
	}
	return keys(seen)
}

// appliesTo tries the series on a revision's files, of which listing is git's ls-tree.
func appliesTo(ctx context.Context, repo, rev, listing string, s *Series) bool {
	dir, err := os.MkdirTemp("", "ringproof-base-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	args := []string{"archive", "--format=tar", "-o", filepath.Join(dir, "base.tar"), rev, "--"}
	for line := range strings.Lines(listing) {
		if _, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			args = append(args, name)
		}
	}
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return false
	}
	if strings.TrimSpace(listing) != "" {
		if _, err := git(ctx, repo, args...); err != nil {
			return false
		}
		if err := untar(ctx, filepath.Join(dir, "base.tar"), tree, nil); err != nil {
			return false
		}
	}
	_, err = patched(tree, s, true)
	return err == nil
}
