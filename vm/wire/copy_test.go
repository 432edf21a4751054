// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strings"
	"testing"
)

func TestCopyCheck(t *testing.T) {
	good := Copy{FS: "tmpfs", Size: 1 << 20, Block: 4096, QueueDepth: 8, Rounds: 1}
	if err := good.Check(); err != nil {
		t.Errorf("%+v: %v", good, err)
	}
	for _, c := range []struct {
		name   string
		change func(*Copy)
		want   string
	}{
		{"block", func(c *Copy) { c.Block = 1000 }, "multiple of 4096"},
		{"no block", func(c *Copy) { c.Block = 0 }, "multiple of 4096"},
		{"depth", func(c *Copy) { c.QueueDepth = 6 }, "multiple of 4"},
		{"deep", func(c *Copy) { c.QueueDepth = 4096 }, "up to 1024"},
		{"size", func(c *Copy) { c.Size = 4096 }, "multiple of 4 reads"},
		{"large", func(c *Copy) { c.Size = 1 << 30 }, "up to"},
		{"rounds", func(c *Copy) { c.Rounds = 0 }, "rounds"},
	} {
		spec := good
		c.change(&spec)
		if err := spec.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
