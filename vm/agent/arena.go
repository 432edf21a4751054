// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// An arena is memory outside Go's heap that requests may point to.
type arena struct{ mem []byte }

// arenas keeps arenas between programs, since mapping one is dear. An arena
// of a program that left requests behind is set aside for good: such a request
// may still write to it, long after its program.
type arenas struct {
	free   *arena
	aside  []*arena
	asideN int // bytes
}

const (
	minArena = 64 << 10
	// maxAside bounds the memory set aside; beyond it the oldest goes.
	maxAside = 32 << 20
)

func pageAlign(n int) int {
	p := os.Getpagesize()
	return (n + p - 1) &^ (p - 1)
}

// take returns an arena of at least size bytes. Its content is undefined.
func (a *arenas) take(size int) (*arena, error) {
	if a.free != nil && len(a.free.mem) >= size {
		got := a.free
		a.free = nil
		return got, nil
	}
	size = max(pageAlign(size), minArena)
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes for the program's buffers: %w", size, err)
	}
	return &arena{mem}, nil
}

// release gives an arena back; clean says that no request can still use it.
func (a *arenas) release(m *arena, clean bool) {
	switch {
	case m == nil:
	case !clean:
		a.aside = append(a.aside, m)
		a.asideN += len(m.mem)
		for a.asideN > maxAside && len(a.aside) > 1 {
			old := a.aside[0]
			a.aside = a.aside[1:]
			a.asideN -= len(old.mem)
			unix.Munmap(old.mem)
		}
	case a.free == nil || len(a.free.mem) < len(m.mem):
		if a.free != nil {
			unix.Munmap(a.free.mem)
		}
		a.free = m
	default:
		unix.Munmap(m.mem)
	}
}
