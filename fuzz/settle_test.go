// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
)

// A device that takes ten seconds for each request would keep a guest for minutes, and be taken for one that hangs.
func TestSettleSpeedsDevicesUp(t *testing.T) {
	p, err := cases.Parse("slow", []byte("name slow\nneeds null-blk\n\nring r0 entries=4\nnullb n size=65536 delay=9s\ntimerfd t delay=9s\n"))
	if err != nil {
		t.Fatal(err)
	}
	pr, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	fuzz.Settle(p, pr, 0)
	if d := p.Resources[0].Delay; d <= 0 || d > 10*time.Millisecond {
		t.Errorf("each request still takes %v", d)
	}
	if d := p.Resources[1].Delay; d != 9*time.Second {
		t.Errorf("a timer was changed to %v", d)
	}
}
