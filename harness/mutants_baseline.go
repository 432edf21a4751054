// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/matrix"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// Bounds on a program that meets a mutant. They are of the time that it took on
// a kernel that makes no mistake, and as short as [maxTries] allows.
const (
	patience     = 20 // times
	leastTime    = time.Second
	leastForEnds = 2 * time.Second // for the end of its process, and of its rings
)

// baseline is what the programs do on a kernel that makes no mistake.
type baseline struct {
	flavour string
	took    map[string]time.Duration // of those that pass
	skipped map[string]bool          // the kernel lacks what they need
	unfit   []matrix.Unfit
}

// fit tells whether a program may meet the mutants of a flavour. One that the baseline's
// kernel cannot run may run on another.
func (b *baseline) fit(p *cases.Program, flavour string) bool {
	_, passed := b.took[p.Name]
	return passed || b.skipped[p.Name] && flavour != b.flavour
}

// options bounds a program by what it took.
func (b *baseline) options(p *cases.Program, accel vm.Accel) vm.RunOptions {
	took, passed := b.took[p.Name]
	if !passed {
		return vm.RunOptions{} // as in any run
	}
	// The guest stretches bounds by what emulation and its flavour cost; the
	// baseline's time holds the former already.
	scale := vm.NewTimeouts(accel, 1).Scale
	bound := func(least time.Duration) time.Duration {
		return time.Duration(float64(max(least, patience*took)) / scale)
	}
	return vm.RunOptions{Deadline: bound(leastTime), Ends: bound(leastForEnds)}
}

// measure makes the baseline on the first kernel that comes up, or finds it in the cache.
func (h *hunt) measure(ctx context.Context, host *Host) error {
	if h.baseline != nil {
		return nil
	}
	b := &baseline{flavour: host.Kernel.Provenance.Flavour, took: map[string]time.Duration{}, skipped: map[string]bool{}}
	path, err := h.baselinePath(host)
	if err != nil {
		return err
	}
	if !b.load(path) {
		if err := h.runBaseline(ctx, host, b); err != nil {
			return err
		}
		b.save(path)
	}
	h.baseline = b
	var known []*cases.Program
	for _, p := range h.Programs {
		if slices.ContainsFunc(h.flavours, func(f string) bool { return b.fit(p, f) }) {
			known = append(known, p)
			h.matrix.Programs = append(h.matrix.Programs, p.Name)
		}
	}
	h.candidates = candidates(known, h.profile, b.took)
	return nil
}

// runBaseline runs the programs on the host's kernel without a mistake.
func (h *hunt) runBaseline(ctx context.Context, host *Host, b *baseline) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	u := &unfit{flavour: b.flavour}
	next := make(chan *cases.Program)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards b, done and progress
	done := 0
	started := time.Now()
	for range min(h.Guest.Guests, len(h.Programs)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := stand{spawn: func(ctx context.Context) (guest, error) { return host.Guest(ctx) }, profile: h.profile}
			defer s.leave()
			for p := range next {
				hit, err := s.shoot(ctx, shot{program: p})
				if l := s.late(ctx, false); err == nil && l != nil {
					hit = *l
				}
				if err == nil && hit.verdict.Status != judge.Pass && hit.verdict.Status != judge.Skip {
					hit, err = s.alone(ctx, shot{program: p}, true) // it may have been another's doing
				}
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				switch hit.verdict.Status {
				case judge.Pass:
					b.took[p.Name] = hit.took
				case judge.Skip:
					b.skipped[p.Name] = true
				default:
					u.add(&hit)
				}
				done++
				if h.Progress != nil {
					h.Progress(Progress{Stage: "baseline", Done: done, Total: len(h.Programs), Elapsed: time.Since(started), Text: p.Name})
				}
				mu.Unlock()
			}
		}()
	}
feed:
	for _, p := range h.Programs {
		select {
		case next <- p:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	b.unfit = u.list
	return context.Cause(ctx)
}

// storedBaseline is a baseline in the cache.
type storedBaseline struct {
	Took    map[string]time.Duration `json:"took_ns"`
	Skipped map[string]bool          `json:"skipped"`
}

// baselinePath names a baseline by all that decides what the programs do and
// how long they take: the image, the acceleration, the programs and what they are judged by.
func (h *hunt) baselinePath(host *Host) (string, error) {
	store, err := images.Open("")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s %d\n", host.Kernel.Provenance.Key, host.Accel, h.Guest.Guests)
	if err := json.NewEncoder(sum).Encode(h.profile); err != nil {
		return "", err
	}
	for _, p := range h.Programs {
		fmt.Fprintf(sum, "%q %q\n", p.Name, p.Text())
	}
	return filepath.Join(store.Dir(), "baselines", hex.EncodeToString(sum.Sum(nil))[:32]+".json"), nil
}

func (b *baseline) load(path string) bool {
	text, err := os.ReadFile(path)
	var s storedBaseline
	if err != nil || json.Unmarshal(text, &s) != nil || len(s.Took) == 0 {
		return false
	}
	b.took, b.skipped = s.Took, s.Skipped
	now := time.Now()
	os.Chtimes(path, now, now) // when it was last used, for the cache's listing
	return true
}

// save keeps a baseline in which nothing is amiss. Losing it costs a minute.
func (b *baseline) save(path string) {
	if len(b.unfit) > 0 {
		return
	}
	text, err := json.Marshal(storedBaseline{b.took, b.skipped})
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), path) != nil {
		os.Remove(f.Name())
	}
}
