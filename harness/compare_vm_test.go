// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/ringproof/ringproof/harness/compare"
)

func compared(t *testing.T, args ...string) (status int, c *compare.Comparison) {
	t.Helper()
	status, stdout, stderr := ringproof(t, append([]string{"compare", "--json", "--measure", "0", "--confirm", "0", "--out", t.TempDir()}, args...)...)
	c = new(compare.Comparison)
	if err := json.Unmarshal([]byte(stdout), c); err != nil {
		t.Fatalf("exit %d: %v\n%s", status, err, stderr)
	}
	return status, c
}

func TestCompareFindsWhatBreaks(t *testing.T) {
	needVM(t)
	status, c := compared(t, "v4", "v4", "--patch-b", filepath.Join("testdata", "wrong", "leader-cqe-first.patch"), "--only", "^group-nop-3$|^plain-nop$")
	if status != 1 || c.Counts[compare.Broken] != 1 || c.Of(compare.Broken)[0].Name != "group-nop-3" || c.Counts[compare.Same] != 1 {
		t.Errorf("exit %d: %s", status, c)
	}
}

// Real kernels of the two built-in series differ in these programs by the choice that each is about, and in the last not
// at all.
func TestCompareNamesTheRule(t *testing.T) {
	needVM(t)
	want := map[string]string{
		"c6-link-on-member":                     "member_link_flags",
		"group-skip-member":                     "member_skip",
		"group-of-one-inline":                   "group_of_one",
		"group-hidden-leader-member-fails-poll": "member_failure_breaks",
		"plain-nop":                             "",
	}
	only := "^nothing$"
	for name := range want {
		only += "|^" + name + "$"
	}
	status, c := compared(t, "v4", "v7", "--only", only)
	if status != 0 || len(c.Programs) != len(want) {
		t.Fatalf("exit %d: %s", status, c)
	}
	for i := range c.Programs {
		p := &c.Programs[i]
		kind, shown := compare.Changed, false
		if want[p.Name] == "" {
			kind, shown = compare.Same, true
		}
		for _, r := range p.Reasons {
			shown = shown || r.Key == want[p.Name]
		}
		if p.Kind != kind || !shown {
			t.Errorf("%s: %s by %+v, want %s by %q; differences %+v", p.Name, p.Kind, p.Reasons, kind, want[p.Name], p.Differences)
		}
	}
}
