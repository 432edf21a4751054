// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/fuzz/sink"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/vm/wire"
)

// guide tells the engine which code of the kernel programs reach.
type guide struct {
	edges   fuzz.Edges
	blind   bool
	reached map[uint64]bool
	log     *os.File // nil where nobody asked for it
	began   time.Time
}

// newGuide returns nil where a guest's kernel has no coverage.
func newGuide(t *testing.T, info *wire.GuestInfo) *guide {
	if info.NoCoverage != "" {
		t.Logf("the kernel's coverage does not guide: %s", info.NoCoverage)
		return nil
	}
	g := &guide{blind: os.Getenv(blindEnv) != "", reached: map[uint64]bool{}, began: time.Now()}
	if path := os.Getenv(reachedEnv); path != "" {
		var err error
		if g.log, err = os.Create(fmt.Sprintf("%s.%d", path, os.Getpid())); err != nil {
			t.Fatalf("note what is reached (%s): %v", reachedEnv, err)
		}
	}
	return g
}

// errNoAnswer: the program was run once more, and nothing can be said of that.
var errNoAnswer = errors.New("no coverage of another run")

// follow tells the engine what a program reached, of what counts.
func (l *lab) follow(t *testing.T, p *cases.Program, out *cases.Outcome) {
	if out.Coverage == nil {
		return
	}
	g := l.guide
	g.note(out.Coverage.PCs)
	if g.blind {
		return
	}
	stable, err := g.edges.Stable(out.Coverage.Edges, func() ([]uint32, error) {
		shown := l.run(t, p)
		if shown.Verdict.Status != judge.Pass || shown.Outcome.Coverage == nil {
			return nil, errNoAnswer
		}
		return shown.Outcome.Coverage.Edges, nil
	})
	if err != nil {
		t.Logf("only edges that are known count: %v", err)
	}
	for _, e := range stable {
		sink.Hit(e)
	}
}

func (g *guide) note(pcs []uint64) {
	for _, pc := range pcs {
		if g.reached[pc] {
			continue
		}
		g.reached[pc] = true
		if g.log != nil {
			fmt.Fprintf(g.log, "%.1f %#x\n", time.Since(g.began).Seconds(), pc)
		}
	}
}
