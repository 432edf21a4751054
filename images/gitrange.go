// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ringproof/ringproof/images/intake"
)

// git runs git in a repository that need not be trusted: nothing that its
// configuration, hooks or attributes name is started, nothing is fetched, and the user's
// own configuration does not change the result.
func git(ctx context.Context, repo string, args ...string) (string, error) {
	safe := append([]string{"git", "--no-pager", "--no-replace-objects",
		"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.attributesFile=/dev/null",
		"-c", "core.quotePath=true", "-c", "diff.external=", "-c", "diff.suppressBlankEmpty=false",
		"-c", "protocol.allow=never", "-c", "gc.auto=0"}, args...)
	return outputEnv(ctx, repo, gitEnv, safe...)
}

var gitEnv = []string{
	"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
	"GIT_ALLOW_PROTOCOL=", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0", "GIT_ASKPASS=/bin/false",
}

// formatPatch writes commits as patches that depend on no configuration.
var formatPatch = []string{
	"format-patch", "--quiet", "--no-color", "--no-ext-diff", "--no-textconv", "--no-attach", "--no-thread", "--no-cover-letter",
	"--no-signature", "--no-notes", "--no-to", "--no-cc", "--no-add-header", "--no-base", "--subject-prefix=PATCH", "--numbered",
	"--start-number=1", "--suffix=.patch", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--full-index", "-U3",
	"--inter-hunk-context=0", "--diff-algorithm=myers", "-M", "-O/dev/null", "--submodule=short",
}

// gitRange reads the commits of "REPO BASE..HEAD".
func gitRange(ctx context.Context, arg string) (*intake.Series, error) {
	repo, rev, ok := cutLast(strings.TrimSpace(arg), " ")
	base, head, isRange := strings.Cut(rev, "..")
	if !ok || !isRange || base == "" || head == "" || strings.HasPrefix(head, ".") {
		return nil, errors.New(`write "git:REPO BASE..HEAD" as one argument`)
	}
	if st, err := os.Stat(repo); err != nil || !st.IsDir() {
		return nil, fmt.Errorf("%s is not a directory; clone the repository first, only local ones are read", repo)
	}
	for _, r := range []*string{&base, &head} {
		id, err := commitID(ctx, repo, *r)
		if err != nil {
			return nil, err
		}
		*r = id
	}
	merges, err := git(ctx, repo, "rev-list", "--merges", "--max-count=1", base+".."+head)
	if err != nil {
		return nil, err
	}
	if merges != "" {
		return nil, fmt.Errorf("%s holds a merge (%.12s), which no patch can say: rebase the branch onto one base, or name the commits behind the merge", rev, merges)
	}
	fork, err := git(ctx, repo, "merge-base", base, head)
	if err != nil {
		return nil, fmt.Errorf("%s: the two have no commit in common: %w", rev, err)
	}
	dir, err := os.MkdirTemp("", "ringproof-series-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, err := git(ctx, repo, append(formatPatch, "-o", dir, base+".."+head)...); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("there are no commits in %s", rev)
	}
	s, err := intake.Dir(os.DirFS(dir), intake.Options{})
	if err != nil {
		return nil, err
	}
	s.Version = 0 // the prefix was ours
	s.BaseCommit = strings.TrimSpace(fork)
	return s, nil
}

// commitID resolves a revision that a user named.
func commitID(ctx context.Context, repo, rev string) (string, error) {
	out, err := git(ctx, repo, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("%s has no commit %q (%w)", repo, rev, err)
	}
	return strings.TrimSpace(out), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}
