// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const aDiff = "diff --git a/io_uring/a.c b/io_uring/a.c\n--- a/io_uring/a.c\n+++ b/io_uring/a.c\n@@ -4,3 +4,3 @@\n line 4\n-line 5\n+changed\n line 6\n"

func TestLoadMutant(t *testing.T) {
	load := func(text string) (*Mutant, error) {
		p := filepath.Join(t.TempDir(), "some-mistake.patch")
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return LoadMutant(p)
	}
	m, err := load("SPDX-License-Identifier: GPL-2.0-only\nSubject: what it is\nPlausible: a long\n  story\n\tthat goes on\n" +
		"Rules: P4.5, G6 I1\nCrash: KASAN: .*free\nCrash: ^BUG\nProfile: v4\nFlavour: kasan\n\nA remark: here.\n\n" + aDiff)
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "some-mistake" || m.What != "what it is" || m.Plausible != "a long story that goes on" || m.Profile != "v4" ||
		m.Flavour != "kasan" || cmp.Diff([]string{"P4.5", "G6", "I1"}, m.Rules) != "" || len(m.Crash) != 2 ||
		!m.Crash[0].MatchString("KASAN: use-after-free") || m.Diff != aDiff || m.complete() != nil {
		t.Errorf("%+v", m)
	}
	for name, text := range map[string]string{
		"plain diff": aDiff,
		"mail": "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: Mon, 2 Jan 2006 15:04:05 -0700\n" +
			"Subject: [PATCH 1/2] what it is\n\nBecause.\n\nSigned-off-by: A <a@example.org>\n---\n io_uring/a.c | 2 +-\n\n" + aDiff + "-- \n2.39.5\n",
	} {
		m, err := load(text)
		if err != nil || name == "mail" && m.What != "what it is" {
			t.Errorf("%s: %+v, %v", name, m, err)
		} else if m.complete() == nil {
			t.Errorf("%s: would do as a built-in mutant", name)
		}
	}
	tests := []struct{ name, text, want string }{
		{"unknown header", "Subject: x\nRule: G1\n\n" + aDiff, "line 2: unknown header Rule (there are: "},
		{"no header", "Subject: x\nand so on\n\n" + aDiff, `line 2: "and so on" is no header`},
		{"header behind an empty line", "Subject: x\n\nRules: G1\n\n" + aDiff, "line 3: Rules stands behind an empty line"},
		{"regexp", "Subject: x\nCrash: (\n\n" + aDiff, "line 2: header Crash: error parsing regexp"},
		{"flavour", "Flavour: slow\n\n" + aDiff, `line 1: kernel flavour "slow" does not exist (there are: fast`},
		{"rule", "Rules: G6 group\n\n" + aDiff, `line 1: header Rules: "group" is no rule`},
		{"twice", "Rules: G6\nRules: G7\n\n" + aDiff, "line 2: a second Rules"},
		{"empty", "Rules:\n\n" + aDiff, "line 1: Rules is empty"},
		{"no change", "Subject: x\n", "holds no change"},
		{"malformed", "Subject: x\n\n" + strings.Replace(aDiff, "-4,3 +4,3", "-4,9 +4,9", 1), "malformed patch"},
	}
	for _, tt := range tests {
		_, err := load(tt.text)
		var se *SpecError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "some-mistake.patch") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := LoadMutants("v99"); err == nil || !strings.Contains(err.Error(), "v4") {
		t.Errorf("mutants of a series that is not: %v", err)
	}
}

// TestBuiltinMutants holds the mutants that come with ringproof against
// the format and, where RINGPROOF_SOURCE_TREE names a kernel or the cache
// holds the default one, against the series.
func TestBuiltinMutants(t *testing.T) {
	for _, series := range BuiltinSeries() {
		ms, err := LoadMutants(series)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(ms) == 0 {
			continue
		}
		s, source := realSource(t)
		if s == nil {
			continue
		}
		a, err := s.Arrange(context.Background(), Spec{Source: source, Series: series}, ms, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, r := range a.Refused {
			t.Errorf("series %s: %v", series, r.Why)
		}
		for _, r := range a.Alone {
			t.Logf("series %s: mutant %s needs a kernel of its own: %v", series, r.Mutant.Name, r.Why)
		}
		t.Logf("series %s: %d mutants, %d of them in one kernel", series, len(ms), len(a.Together))
	}
}

// realSource finds a kernel source that needs no unpacking; nil where there is none.
func realSource(t *testing.T) (*Store, string) {
	s, err := Open("")
	if err != nil {
		return nil, ""
	}
	if tree := os.Getenv("RINGPROOF_SOURCE_TREE"); tree != "" {
		if s, err = Open(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		return s, "dir:" + tree
	}
	unpacked, _ := filepath.Glob(filepath.Join(s.Dir(), kindSources, "*", "source.json"))
	for _, p := range unpacked {
		var info SourceInfo
		if readJSON(p, &info) == nil && info.Spec == DefaultSource {
			return s, DefaultSource
		}
	}
	return nil, ""
}
