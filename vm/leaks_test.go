// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"
	"time"

	"github.com/ringproof/ringproof/vm/wire"
)

func TestLeaks(t *testing.T) {
	g, p := fakeGuest(t, 1)
	type result struct {
		leaks []Leak
		err   error
	}
	c := make(chan result, 1)
	go func() {
		leaks, err := g.Leaks(t.Context())
		c <- result{leaks, err}
	}()
	if m := next[wire.Shell](p); m.Line != "leaks" {
		t.Errorf("the agent is asked for %q", m.Line)
	}
	p.body.tty.WriteString("[ 20.0] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)\n[ 20.1] BUG: of another kind\n")
	p.send(&wire.ShellOutput{Text: `unreferenced object 0xff110000042c0f48 (size 8):
  comm "ringproof", pid 63, jiffies 4294901260 (at 15000000000 ns, within 4000000)
  backtrace (crc 7d3fb1de):
    [<000000006d0f5ed8>] io_submit_sqes+0x1c8/0x2a0
unreferenced object 0xff110000042c0f50 (size 8):
  comm "iou-wrk-63", pid 64, jiffies 4294901261 (at 15004000000 ns, within 4000000)
`})
	r := <-c
	if r.err != nil || len(r.leaks) != 2 || r.leaks[0].Born != 15*time.Second || r.leaks[0].Within != 4*time.Millisecond || len(r.leaks[0].Lines) != 4 || len(r.leaks[1].Lines) != 2 {
		t.Errorf("got %+v", r)
	}
	if got := g.Stray(); len(got) != 1 {
		t.Errorf("on the console: %q, want the line that is not kmemleak's", got)
	}
}
