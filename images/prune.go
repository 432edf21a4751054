// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// Entry is one thing in the cache.
type Entry struct {
	Kind string // "images", "builds", "sources", "initramfs", "downloads", or another part's
	Key  string
	// Size in bytes on disk; what a build tree shares with its source counts there.
	Size     int64
	LastUsed time.Time
	// About says what it is, for people; may be empty.
	About string

	dir string
}

// List returns all entries, grouped by kind, the last used first.
func (s *Store) List() ([]Entry, error) {
	kinds, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.infra("list the cache", err)
	}
	var out []Entry
	for _, k := range kinds {
		if !k.IsDir() || k.Name() == lockDir {
			continue
		}
		list, err := os.ReadDir(filepath.Join(s.dir, k.Name()))
		if err != nil {
			return nil, s.infra("list the cache", err)
		}
		for _, e := range list {
			if strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".lock") { // in the making, on its way out, or in use
				continue
			}
			out = append(out, s.entry(k.Name(), e.Name()))
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Kind != out[j].Kind {
			return out[i].Kind < out[j].Kind
		}
		return out[i].LastUsed.After(out[j].LastUsed)
	})
	return out, nil
}

func (s *Store) entry(kind, key string) Entry {
	e := Entry{Kind: kind, Key: key, dir: filepath.Join(s.dir, kind, key)}
	e.Size = diskUsage(e.dir, kind == kindBuilds)
	for _, p := range []string{filepath.Join(e.dir, usedFile), e.dir} {
		if st, err := os.Stat(p); err == nil {
			e.LastUsed = st.ModTime()
			break
		}
	}
	switch kind {
	case kindImages:
		var p Provenance
		if readJSON(filepath.Join(e.dir, provenanceFile), &p) == nil {
			e.About = "Linux " + p.Source.Version + ", series " + p.Series.Name + ", " + p.Flavour
			if n := len(p.Mutants); n > 0 {
				e.About += fmt.Sprintf(", %d mutants", n)
			}
		}
	case kindSources:
		var info SourceInfo
		if readJSON(filepath.Join(e.dir, "source.json"), &info) == nil {
			e.About = "Linux " + info.Version + " from " + info.Spec
		}
	}
	return e
}

// diskUsage adds up the blocks below dir. Files that vanish meanwhile count nothing.
func diskUsage(dir string, skipShared bool) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		st, err := d.Info()
		if err != nil {
			return nil
		}
		if sys, ok := st.Sys().(*syscall.Stat_t); ok && (!skipShared || sys.Nlink == 1) {
			sum += sys.Blocks * 512 // st_blocks is in units of 512 bytes on Linux
		}
		return nil
	})
	return sum
}

// Policy says what to prune. An entry goes if any of the conditions holds.
type Policy struct {
	All bool
	// OlderThan: not used for that long; 0 is no limit.
	OlderThan time.Duration
	// KeepNewest: not among that many last used of its kind; 0 is no limit.
	KeepNewest int
	// Kinds limits pruning to these kinds; empty is all.
	Kinds []string
	// DryRun only says what would go.
	DryRun bool
}

// Pruned is the result of a [Store.Prune].
type Pruned struct {
	Removed []Entry
	InUse   []Entry // would have gone, but another process holds them
}

// Prune removes entries. Those in use are left, and named.
func (s *Store) Prune(policy Policy) (Pruned, error) {
	var out Pruned
	list, err := s.List()
	if err != nil {
		return out, err
	}
	if !policy.DryRun {
		if err := s.sweep(); err != nil {
			return out, s.infra("clean up the cache", err)
		}
	}
	rank := map[string]int{}
	now := time.Now()
	for _, e := range list {
		rank[e.Kind]++
		if !policy.matches(e, rank[e.Kind], now) {
			continue
		}
		gone, err := s.remove(e, policy.DryRun)
		if err != nil {
			return out, s.infra("remove "+e.dir, err)
		}
		if gone {
			out.Removed = append(out.Removed, e)
		} else {
			out.InUse = append(out.InUse, e)
		}
	}
	return out, nil
}

// sweep removes what killed processes left half made or half removed.
func (s *Store) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.dir, "*", ".*-*"))
	for _, p := range left {
		name, kind := filepath.Base(p), filepath.Base(filepath.Dir(p))
		lock := kind
		key, ok := strings.CutPrefix(name, gonePrefix)
		if !ok {
			if key, ok = strings.CutPrefix(name, tmpPrefix); !ok {
				continue
			}
			lock = making + kind
		}
		l, free, lerr := s.tryLock(lock, key, true)
		if lerr != nil {
			return lerr
		}
		if free {
			err = errors.Join(err, os.RemoveAll(p))
		}
		l.Unlock()
	}
	return err
}

func (p Policy) matches(e Entry, rank int, now time.Time) bool {
	ofKind := len(p.Kinds) == 0
	for _, k := range p.Kinds {
		ofKind = ofKind || k == e.Kind
	}
	return ofKind && (p.All ||
		p.OlderThan > 0 && now.Sub(e.LastUsed) > p.OlderThan ||
		p.KeepNewest > 0 && rank > p.KeepNewest)
}

// remove takes an entry away unless it is locked: first out of sight by a
// rename, so that a kill in the middle leaves no half of it.
func (s *Store) remove(e Entry, dryRun bool) (bool, error) {
	l, free, err := s.tryLock(e.Kind, e.Key, true)
	if err != nil || !free {
		return false, err
	}
	defer l.Unlock()
	if dryRun {
		return true, nil
	}
	tmp := filepath.Join(filepath.Dir(e.dir), gonePrefix+e.Key)
	if err := os.RemoveAll(tmp); err != nil {
		return false, err
	}
	if err := os.Rename(e.dir, tmp); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		return false, err
	}
	return true, os.RemoveAll(tmp)
}
