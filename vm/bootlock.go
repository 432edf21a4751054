// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// bootLock lets one guest boot at a time under emulation, across all
// processes that share a cache directory: two at once take longer than one
// after the other, and can upset the calibration of each other's timers.
// Restoring a snapshot needs no lock.
type bootLock struct {
	lock *flock.Flock
	once sync.Once
}

// lockBoot waits for its turn. An empty directory means no lock.
func lockBoot(ctx context.Context, cacheDir string) (*bootLock, error) {
	b := new(bootLock)
	if cacheDir == "" {
		return b, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return nil, infra("make the cache directory", err)
	}
	b.lock = flock.New(filepath.Join(cacheDir, "boot.lock"))
	if _, err := b.lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		b.lock.Close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for another guest to boot: %w", ctx.Err())
		}
		return nil, infra("lock "+b.lock.Path(), err)
	}
	return b, nil
}

// release lets the next one boot. It may be called more than once, and on nil.
func (b *bootLock) release() {
	if b == nil {
		return
	}
	b.once.Do(func() {
		if b.lock != nil {
			b.lock.Close()
		}
	})
}
