// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"testing"

	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/images"
)

func TestNoteTraps(t *testing.T) {
	with := &images.Kernel{Provenance: images.Provenance{Instruments: []images.InstrumentProvenance{{Name: trap}}}}
	for _, line := range []string{
		"Oops: general protection fault, probably for non-canonical address 0x5a5a5a5a5a5a5a5a: 0000 [#1]",
		"KASAN: maybe wild-memory-access in range [0x5a5a5a5a5a5a5aa0-0x5a5a5a5a5a5a5aa7]",
		"RAX: 0000000000000000 RBX: 000000005a5a5a5a RCX: dffffc0000000000",
		"refcount_t: underflow at 0x5a5a5a5a;",
		"load of value 90 is not a valid value for type '_Bool'",
		"index 1515870810 is out of range for type 'u32 [4]'",
	} {
		reports := []crash.Report{{Lines: []string{"first", line}}}
		noteTraps(with, reports)
		if reports[0].Note == "" {
			t.Errorf("no note on %q", line)
		}
	}
	for _, line := range []string{
		"load of value 9 is not a valid value for type '_Bool'",
		"BUG: KASAN: slab-use-after-free in io_group_flush+0x309/0x360",
		"Read of size 8 at addr ff1100005a5a07e0 by task ringproof-worke/55",
	} {
		reports := []crash.Report{{Lines: []string{line}}}
		if noteTraps(with, reports); reports[0].Note != "" {
			t.Errorf("a note on %q", line)
		}
	}

	trapped := []crash.Report{{Lines: []string{"load of value 90 is not a valid value for type '_Bool'"}}}
	without := &images.Kernel{Provenance: images.Provenance{Instruments: []images.InstrumentProvenance{{Name: trap, LeftOut: "switched off"}}}}
	for _, k := range []*images.Kernel{without, {}} {
		if noteTraps(k, trapped); trapped[0].Note != "" {
			t.Error("a note on a kernel without traps")
		}
	}
}
