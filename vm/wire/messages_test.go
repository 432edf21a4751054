// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

func TestUnmet(t *testing.T) {
	op := cases.NeedOp(uring.OpNop)
	able := GuestInfo{Groups: true, NopInject: true, Ops: []uint8{0}}
	faults := GuestInfo{Groups: true, Lacks: map[string]string{string(cases.NeedFaults): "no fail-nth"}}
	for _, tc := range []struct {
		name  string
		info  GuestInfo
		needs []cases.Need
		want  string // part of the answer; "" is an empty one
	}{
		{"nothing needed", GuestInfo{}, nil, ""},
		{"all there", able, []cases.Need{cases.NeedGroups, cases.NeedNopInject, op, cases.NeedFaults}, ""},
		{"groups", GuestInfo{}, []cases.Need{cases.NeedGroups}, "no SQE groups"},
		{"inject", faults, []cases.Need{cases.NeedGroups, cases.NeedNopInject}, "IORING_NOP_INJECT_RESULT"},
		{"opcode", faults, []cases.Need{op}, "opcode"},
		{"as the guest says", faults, []cases.Need{cases.NeedGroups, cases.NeedFaults}, "no fail-nth"},
		{"the first one", GuestInfo{}, []cases.Need{cases.NeedNopInject, cases.NeedGroups}, "IORING_NOP_INJECT_RESULT"},
	} {
		got := tc.info.Unmet(tc.needs)
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
