// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/images/intake"
)

// FuzzSeries: whatever comes as a series, reading and applying it ends, changes
// nothing by itself, and wants only files to be written that it may.
func FuzzSeries(f *testing.F) {
	root := f.TempDir()
	writeFiles(f, root, smallTree())
	before := readFiles(f, root)
	f.Cleanup(func() {
		if d := cmp.Diff(before, readFiles(f, root)); d != "" {
			f.Errorf("the tree was touched: %s", d)
		}
	})
	p := post(f, "v4", 4)
	for i, e := range encodings {
		headers, body := e.encode(p.patches[i].text)
		f.Add([]byte(p.mail(4, i+1, p.tag(4, i+1)+" "+p.patches[i].subject, headers, body)))
	}
	f.Add([]byte(mbox([]string{p.mail(4, 1, "[PATCH 1/1] x", plain, applyCases[0].patch), p.review(4, 2)})))
	f.Add([]byte(p.page(2)))
	f.Add([]byte(p.htmlPage(2)))
	for _, c := range applyCases {
		f.Add([]byte(c.patch))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := intake.Patches("x", text)
		if err != nil {
			return
		}
		for _, one := range all {
			if strings.Contains(string(one.Diff), "\r\n") {
				continue // what they mean depends on what is around
			}
			again, err := intake.Patches("y", one.Diff)
			if err != nil || len(again) != 1 || string(again[0].Diff) != string(one.Diff) {
				t.Fatalf("what was found in it reads otherwise alone: %v\n%q\n%+v", err, one.Diff, again)
			}
		}
		read, err := intake.File("x", text, intake.Options{Partial: true})
		if err != nil {
			return
		}
		s := &Series{Name: "x"}
		if s.parse(read.Patches) != nil || s.finish() != nil {
			return
		}
		files, err := patched(root, s, false)
		var ae *ApplyError
		if err != nil && !errors.As(err, &ae) {
			t.Fatal(err)
		}
		for name := range files {
			if !filepath.IsLocal(name) || strings.HasPrefix(name, "include/link/") || buildSystemFile(root, name) != "" {
				t.Fatalf("it would write %q", name)
			}
		}
	})
}
