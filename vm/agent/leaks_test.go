// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAnnotateLeaks(t *testing.T) {
	before := ticks{4294900000, 10 * time.Second}
	now := ticks{4294901510, 16 * time.Second} // some ticks late
	jiffy := now.rate(before)
	if jiffy != 4*time.Millisecond {
		t.Fatalf("a jiffy of %v, want 4ms", jiffy)
	}
	var b strings.Builder
	err := annotateLeaks(&b, strings.NewReader(`unreferenced object 0xff110000042c0f48 (size 8):
  comm "ringproof", pid 63, jiffies 4294901260
  hex dump (first 8 bytes):
    01 00 00 00 6b 6b 6b a5                          ....kkk.
  backtrace (crc 7d3fb1de):
    [<000000006d0f5ed8>] __kmalloc_cache_noprof+0x1c8/0x2a0
`), now, jiffy)
	if err != nil || !strings.Contains(b.String(), "jiffies 4294901260 (at 15000000000 ns, within 4000000)\n  hex dump") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestLeaksWithoutKmemleak(t *testing.T) {
	root := t.TempDir()
	list := "Timer List Version: v0.10\nnow at 1000000 nsecs\n\ncpu: 0\njiffies: 4294900000\n"
	if err := os.MkdirAll(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "proc/timer_list"), []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := cmdLeaks(&b, root, nil); err == nil || !strings.Contains(err.Error(), "flavour kasan") {
		t.Errorf("error %v, want one that names the flavour", err)
	}
}
