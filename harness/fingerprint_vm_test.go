// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
)

// proposed takes a series' fingerprint and returns the profile that it proposes.
func proposed(t *testing.T, series, file string) *cases.Profile {
	t.Helper()
	status, stdout, stderr := ringproof(t, "fingerprint", "--series", series, "--write", file)
	if status != 0 {
		t.Fatalf("%s: exit status %d\n%s\n%s", series, status, stdout, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cases.ParseProfile(text)
	if err != nil {
		t.Fatalf("%s: %v\n%s", series, err, text)
	}
	return p
}

// The built-in series and the kernel without groups show the profiles that they are judged by.
func TestFingerprints(t *testing.T) {
	needVM(t)
	for _, series := range []string{"none", "v4", "v7"} {
		t.Run(series, func(t *testing.T) {
			want, err := cases.LoadProfile(series)
			if err != nil {
				t.Fatal(err)
			}
			if got := proposed(t, series, filepath.Join(t.TempDir(), "p.toml")); *got != *want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// renamed gives what a series adds to the kernel other names.
var renamed = strings.NewReplacer("grp_refs", "gang_pending", "grp_leader", "gang_head", "grp_link", "gang_next",
	"grp_failed", "gang_broken", "REQ_F_SQE_GROUP", "REQ_F_GANG", "REQ_F_GROUP_LEADER", "REQ_F_GANG_HEAD",
	"REQ_F_GROUP_REF", "REQ_F_GANG_HOLD", "REQ_F_GROUP_UNISSUED", "REQ_F_GANG_UNISSUED")

// A series whose fields and flags have other names is probed by the profile
// that its fingerprint proposes, reference count included.
func TestRenamedSeries(t *testing.T) {
	needVM(t)
	if os.Getenv("RINGPROOF_RENAMED") == "" {
		t.Skip("builds a kernel of its own and runs the catalogue, some 3 minutes: set RINGPROOF_RENAMED=1")
	}
	series := filepath.Join(t.TempDir(), "gang")
	if err := os.Mkdir(series, 0o755); err != nil {
		t.Fatal(err)
	}
	patches, err := filepath.Glob("../images/series/v4/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatal(patches, err)
	}
	old := regexp.MustCompile(`grp_|REQ_F_(SQE_)?GROUP`)
	for _, p := range patches {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		now := renamed.Replace(string(text))
		if left := old.FindString(now); left != "" {
			t.Fatalf("%s: %s has kept its name", p, left)
		}
		if err := os.WriteFile(filepath.Join(series, filepath.Base(p)), []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "gang.toml")
	want, err := cases.LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	want.Name = "gang"
	want.Kernel.RefsField, want.Kernel.LeaderField = "gang_pending", "gang_head"
	want.Kernel.GroupFlag, want.Kernel.LeaderFlag = "REQ_F_GANG_BIT", "REQ_F_GANG_HEAD_BIT"
	if got := proposed(t, series, file); *got != *want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	status, stdout, stderr := ringproof(t, "test", "--series", series, "--profile", file, "--out", t.TempDir())
	if status != 0 {
		t.Errorf("the catalogue: exit status %d\n%s\n%s", status, stdout, stderr)
	}
}
