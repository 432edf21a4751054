// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Kinds of cache entries. Each is a directory of the cache, each entry a
// directory in it. Other parts of ringproof may keep kinds of their own beside them.
const (
	kindSources   = "sources"
	kindBuilds    = "builds"
	kindImages    = "images"
	kindInitramfs = "initramfs"
	kindDownloads = "downloads"

	lockDir = "locks"

	// making begins the kind of the locks that [Store.lockMaking] takes.
	making = "making-"
)

// lockPoll is how often a waiting process looks whether a lock is free.
const lockPoll = 100 * time.Millisecond

// Lock is a hold on one cache entry. The kernel releases it when the process dies.
type Lock struct {
	f      *flock.Flock
	holder string // file that names the exclusive holder
}

// Lock holds the entry kind/name: shared against removal while it is used,
// exclusively while it is removed or, for a build tree, worked in. It waits, and says through
// progress for whom. Lock files stay behind on purpose: removing one that
// another process is about to lock would let two in.
func (s *Store) Lock(ctx context.Context, kind, name string, exclusive bool, progress Progress) (*Lock, error) {
	l, ok, err := s.tryLock(kind, name, exclusive)
	if err != nil || ok {
		return l, err
	}
	progress.send(Event{Stage: StageWait, Line: fmt.Sprintf("waiting for %s/%s, held by %s", kind, name, l.heldBy())})
	try := l.f.TryRLockContext
	if exclusive {
		try = l.f.TryLockContext
	}
	if _, err := try(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("wait for %s/%s, held by %s: %w", kind, name, l.heldBy(), err)
	}
	l.sign(exclusive)
	return l, nil
}

// lockMaking admits one process at a time to making an entry. It is another
// lock than that of the entry: who waits to make something must get his turn
// when it is made, however long others then use it. Temporary files of the
// entry belong to the holder.
func (s *Store) lockMaking(ctx context.Context, kind, name string, progress Progress) (*Lock, error) {
	return s.Lock(ctx, making+kind, name, true, progress)
}

// tryLock is Lock without waiting; the lock is returned in any case so that
// the caller can ask who holds it.
func (s *Store) tryLock(kind, name string, exclusive bool) (*Lock, bool, error) {
	dir := filepath.Join(s.dir, lockDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, false, s.infra("create the cache", err)
	}
	path := filepath.Join(dir, kind+"-"+name+".lock")
	l := &Lock{f: flock.New(path), holder: path + ".holder"}
	try := l.f.TryRLock
	if exclusive {
		try = l.f.TryLock
	}
	ok, err := try()
	if err != nil {
		return nil, false, s.infra("lock "+path, err)
	}
	if ok {
		l.sign(exclusive)
	}
	return l, ok, nil
}

// sign leaves word of who holds the lock exclusively; only for messages.
func (l *Lock) sign(exclusive bool) {
	if !exclusive {
		l.holder = ""
		return
	}
	who := fmt.Sprintf("process %d (%s) since %s", os.Getpid(), strings.Join(os.Args, " "), time.Now().Format(time.DateTime))
	_ = os.WriteFile(l.holder, []byte(who), 0o644)
}

func (l *Lock) heldBy() string {
	if b, err := os.ReadFile(l.holder); err == nil && len(b) > 0 {
		return string(b)
	}
	return "another ringproof"
}

// Unlock gives the entry free. Safe on nil and when called twice.
func (l *Lock) Unlock() {
	if l == nil || l.f == nil {
		return
	}
	if l.holder != "" && l.f.Locked() {
		_ = os.Remove(l.holder)
	}
	_ = l.f.Close()
	l.f = nil
}
