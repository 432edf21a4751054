// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness/matrix"
)

// mutants runs "ringproof mutants --json" with a few programs and returns what it says.
func mutants(t *testing.T, args ...string) (status int, m *matrix.Matrix, stderr string) {
	t.Helper()
	args = append([]string{"mutants", "--json", "--out", t.TempDir(), "--programs", "^group-nop-[23]$|^group-linked-member-fails-run$"}, args...)
	status, stdout, stderr := ringproof(t, args...)
	m = new(matrix.Matrix)
	if err := json.Unmarshal([]byte(stdout), m); err != nil {
		t.Fatalf("ringproof %s: exit %d, no matrix: %v\n%s", strings.Join(args, " "), status, err, stderr)
	}
	return status, m, stderr
}

// Two mutants that break rules, one whose header does not allow what it
// breaks, and one that cannot be told from the series.
func TestMutants(t *testing.T) {
	needVM(t)
	status, m, stderr := mutants(t, "--mutate", "testdata/mutants")
	if status != 1 {
		t.Errorf("exit status %d, want 1: a mutant was killed for another reason only\n%s", status, stderr)
	}
	got := map[string]matrix.Status{}
	for _, r := range m.Results {
		got[r.Mutant] = r.Status
		for _, k := range r.Kills {
			if !slices.ContainsFunc(k.Rules, func(id string) bool { return slices.Contains(r.Rules, id) }) {
				t.Errorf("%s: killed by %s for breaking %v, its header allows %v", r.Mutant, k.Program, k.Rules, r.Rules)
			}
			if k.Of < 2 || k.Rare() {
				t.Errorf("%s: %s showed it in %d of %d guests", r.Mutant, k.Program, k.Shown, k.Of)
			}
		}
		if r.Status == matrix.Survived && r.Ran != len(m.Programs) {
			t.Errorf("%s survived %d programs of %d", r.Mutant, r.Ran, len(m.Programs))
		}
	}
	want := map[string]matrix.Status{
		"last-member-never-queued": matrix.Killed,
		"leader-posts-twice":       matrix.Killed,
		"reason-not-allowed":       matrix.Otherwise,
		"stores-swapped":           matrix.Survived,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v\n%s", got, want, stderr)
	}
	if want := "4 mutants: 2 killed, 0 survived, 1 equivalent (proved), 0 not tested, 1 killed for another reason only"; m.Score() != want {
		t.Errorf("%s, want %s", m.Score(), want)
	}
	if len(m.Unfit) > 0 {
		t.Errorf("programs that do not pass on a kernel that makes no mistake: %+v", m.Unfit)
	}
	if len(m.Kernels) != 1 {
		t.Errorf("%d kernels were built for four mutants that can share one", len(m.Kernels))
	}

	// The same mutants on somebody's own series: nothing about it is built in.
	// It has the same content, so the kernel is there already.
	args := []string{"--series", ownSeries(t), "--only", "^leader-"}
	for _, r := range m.Results {
		args = append(args, "--mutate", filepath.Join("testdata", "mutants", r.Mutant+".patch"))
	}
	status, own, stderr := mutants(t, args...)
	if status != 0 || len(own.Results) != 1 || own.Results[0].Status != matrix.Killed {
		t.Errorf("on a series of one's own: exit status %d, %+v\n%s", status, own.Results, stderr)
	}
	if own.Profile != "v4" || len(own.Kernels) != 1 || own.Kernels[0].Key != m.Kernels[0].Key {
		t.Errorf("on a series of one's own: profile %s, kernels %+v", own.Profile, own.Kernels)
	}
}

// ownSeries copies series v4 as somebody might have it, with one file renamed.
func ownSeries(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../images/series/v4/*.patch")
	if err != nil || len(files) == 0 {
		t.Fatalf("no patches of series v4: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "mine")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(f)
		if i == len(files)-1 {
			name = name[:4] + "-mine.patch"
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
