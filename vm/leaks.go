// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Leak is memory that nothing refers to any more, as kmemleak found it.
type Leak struct {
	// Born is when it was allocated, on the guest's clock that events have too: not
	// before, and not later than Within after it, which is the kernel's tick.
	Born, Within time.Duration
	// Lines are kmemleak's own: size, task, contents, and the stack that allocated it.
	Lines []string
}

var born = regexp.MustCompile(`\(at (-?\d+) ns, within (\d+)\)$`)

// Leaks searches the guest's memory for leaks, which takes five seconds at
// least, as memory that young is not called leaked. The kernel needs
// kmemleak, and no program may be outstanding. What the kernel prints about it on the
// console is taken off what [Guest.Stray] returns.
func (g *Guest) Leaks(ctx context.Context) ([]Leak, error) {
	out, err := g.Shell(ctx, "leaks")
	if err != nil {
		return nil, err
	}
	if out.Err != "" {
		return nil, errors.New(out.Err)
	}
	g.body.Console().Sync()
	g.mu.Lock()
	kept := g.stray[:0]
	for _, line := range g.stray {
		if !strings.Contains(line, "kmemleak: ") {
			kept = append(kept, line)
		}
	}
	g.stray = kept
	g.mu.Unlock()
	return parseLeaks(out.Text), nil
}

func parseLeaks(text string) []Leak {
	var leaks []Leak
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "unreferenced object") {
			leaks = append(leaks, Leak{})
		}
		if len(leaks) == 0 {
			continue
		}
		l := &leaks[len(leaks)-1]
		if m := born.FindStringSubmatch(line); m != nil {
			at, _ := strconv.ParseInt(m[1], 10, 64)
			within, _ := strconv.ParseInt(m[2], 10, 64)
			l.Born, l.Within = time.Duration(at), time.Duration(within)
		}
		l.Lines = append(l.Lines, line)
	}
	return leaks
}
