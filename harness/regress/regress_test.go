// SPDX-License-Identifier: Apache-2.0

package regress

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

const text = "# A group.\nname bug\nrules G4\nneeds groups\n\nring r0 entries=4\n\nsubmit r0\n  nop GROUP\n  nop\nwait r0\n"

func finding(t *testing.T, name string, seen ...Sight) *Finding {
	t.Helper()
	p, err := cases.Parse("bug.ring", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &Finding{Name: name, Program: p, Record: Record{Class: "FAIL G4 of a leader", Why: "the CQE came \"early\"", Seen: seen}}
}

func TestStoreKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "findings")
	a := finding(t, "early-g4", Sight{"v4", "6.12.117", "fast", "2026-11-28", true})
	b := finding(t, "bare")
	for _, f := range []*Finding{a, b} {
		if err := Add(dir, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := Add(dir, b); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a finding is written over: %v", err)
	}
	if err := Add(dir, finding(t, "../out")); err == nil {
		t.Error("a finding is written outside the store")
	}
	got, err := Load(dir)
	if err != nil || len(got) != 2 || got[0].Name != "bare" || got[1].Name != "early-g4" {
		t.Fatalf("%v: %+v", err, got)
	}
	if d := cmp.Diff(a.Record, got[1].Record); d != "" {
		t.Error(d)
	}
	if want := strings.Replace(text, "name bug", "name early-g4", 1); got[1].Program.Text() != want {
		t.Errorf("the program is\n%s\nwant\n%s", got[1].Program.Text(), want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("%v: files %v", err, entries)
	}
}

func TestBadStores(t *testing.T) {
	const good = "class = \"FAIL G4\"\nwhy = \"\"\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no record", map[string]string{"a.ring": text}, "what is known of"},
		{"no class", map[string]string{"a.ring": text, "a.toml": "why = \"x\"\n"}, "a.toml: class is missing"},
		{"a word too many", map[string]string{"a.ring": text, "a.toml": good + "clas = 1\n"}, "a.toml: there is no \"clas\""},
		{"no TOML", map[string]string{"a.ring": text, "a.toml": "class"}, "a.toml: "},
		{"no program", map[string]string{"a.ring": "nonsense\n", "a.toml": good}, "a.ring:1:"},
		{"a huge file", map[string]string{"a.ring": strings.Repeat("#\n", maxFile), "a.toml": good}, "at most"},
		{"all are named", map[string]string{"a.ring": "x\n", "b.ring": text, "b.toml": ""}, "b.toml: class"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range test.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a store that is not there: %v", err)
	}
}

func TestCompare(t *testing.T) {
	showed := func(series string, shows bool) Sight { return Sight{Series: series, Shows: shows} }
	fails := report.Try{Status: judge.Fail, Class: "FAIL G4 of a leader"}
	other := report.Try{Status: judge.Hang, Class: "HANG G11"}
	pass := report.Try{Status: judge.Pass}
	for _, test := range []struct {
		name   string
		seen   []Sight
		status judge.Status
		tries  []report.Try
		want   Change
		notes  bool
	}{
		{"shows", []Sight{showed("v5", true)}, judge.Fail, []report.Try{fails}, StillThere, false},
		{"shows on a new revision", []Sight{showed("v4", true)}, judge.Fail, []report.Try{fails}, StillThere, true},
		{"without a record", nil, judge.Fail, []report.Try{fails}, StillThere, true},
		{"is gone", []Sight{showed("v4", true)}, judge.Pass, []report.Try{pass}, Fixed, true},
		{"was gone", []Sight{showed("v4", true), showed("v5", false)}, judge.Pass, []report.Try{pass}, StaysFixed, false},
		{"comes back", []Sight{showed("v4", true), showed("v5", false)}, judge.Fail, []report.Try{fails}, BackAgain, true},
		{"the same series counts, not the latest", []Sight{showed("v5", true), showed("v6", false)}, judge.Fail, []report.Try{fails}, StillThere, false},
		{"shows among others", []Sight{showed("v4", true)}, judge.Hang, []report.Try{other, fails}, StillThere, true},
		{"fails otherwise", []Sight{showed("v4", true)}, judge.Hang, []report.Try{other}, Otherwise, false},
		{"nothing can be said", []Sight{showed("v4", true)}, judge.Inconclusive, []report.Try{{Status: judge.Inconclusive}}, Unknown, false},
		{"did not run", []Sight{showed("v4", true)}, "", nil, Unknown, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := finding(t, "bug", test.seen...)
			run := &report.Run{Kernel: report.Kernel{Series: "v5", Version: "6.12.118", Flavour: "fast"}}
			if test.tries != nil {
				run.Cases = []report.Case{{Name: "another"}, {Program: f.Program, Tries: test.tries, Verdict: judge.Verdict{Status: test.status}}}
			}
			r := Compare([]*Finding{f}, run, "2026-11-29")[0]
			if r.Change != test.want {
				t.Errorf("%s (%s), want %s", r.Change, r.Why, test.want)
			}
			if got := r.Note(); got != test.notes {
				t.Errorf("noted: %v", got)
			}
			if n := len(f.Seen); test.notes && (n != len(test.seen)+1 || f.Seen[n-1].Series != "v5" || f.Seen[n-1].Date != "2026-11-29") {
				t.Errorf("the record is %+v", f.Seen)
			}
		})
	}
}
