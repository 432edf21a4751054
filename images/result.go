// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// resultID names what the series makes of the source: the files that differ
// afterwards, and nothing of how the change is cut into patches.
func (s *Store) resultID(ctx context.Context, r *request, p Progress) (string, error) {
	if len(r.series.Patches) == 0 {
		return r.series.ID, nil
	}
	// Build files are refused or not by the spec, so it is a part of the question.
	what := fmt.Sprintf("series %s on %s, build files %v", r.series.ID, r.source.ID, r.AllowBuildFiles)
	return s.remembered(what, "result 1", func() (string, error) {
		root, held, err := s.sourceDir(ctx, r.source, p)
		if err != nil {
			return "", err
		}
		defer held.Unlock()
		files, err := patched(root, r.series, r.AllowBuildFiles)
		var ae *ApplyError
		if errors.As(err, &ae) {
			s.adviseBase(ctx, r, ae)
		}
		if err != nil {
			return "", err
		}
		return hashResult(root, files)
	})
}

// hashResult hashes the files that differ from those at root.
func hashResult(root string, files map[string]*change) (string, error) {
	h := sha256.New()
	for _, p := range keys(files) {
		was, err := pristineFile(root, p)
		if err != nil {
			return "", err
		}
		if c := files[p]; !c.equal(was) {
			fmt.Fprintf(h, "%q %v %v %d\n", p, c.deleted, c.exec, len(c.content))
			h.Write(c.content)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
