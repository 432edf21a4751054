// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness/repro"
)

// Whatever form a finding is given in, the others are made of it, and all are the same program.
func TestReadForms(t *testing.T) {
	const text = "name small\nneeds groups\n\nring r0 entries=4\n\nsubmit r0\n  nop GROUP\n  nop\nwait r0\n"
	p, err := cases.Parse("small.ring", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	source, err := repro.C(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := fuzz.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	entry := string(fuzz.MarshalEntry(data))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"small.ring": text, "small.c": string(source), "0123abcd": entry,
		"finding/program.ring": "name large\nring r0 entries=4\nsubmit r0\n  nop\n  nop\n  nop\nwait r0\n", "finding/minimised.ring": text,
		"finding/repro.c": string(source), "finding/corpus/0123abcd": entry, "case/program.ring": text,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		path string
		c    bool // it has a source of its own
	}{{"small.ring", false}, {"small.c", true}, {"0123abcd", false}, {"finding", true}, {"case", false}} {
		f, err := readForms(filepath.Join(dir, test.path))
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		want := fuzz.Bare(p).Text()
		if got := fuzz.Bare(f.program).Text(); got != want {
			t.Errorf("%s: the program is\n%s", test.path, got)
		}
		if f.entry == nil || fuzz.Bare(f.entry).Text() != want {
			t.Errorf("%s: the corpus entry is another program (%s)", test.path, f.why)
		}
		if (f.source != nil) != test.c {
			t.Errorf("%s: C source of its own: %v", test.path, f.source != nil)
		}
	}
}
