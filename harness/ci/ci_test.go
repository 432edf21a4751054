// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness/report"
)

func TestCellNames(t *testing.T) {
	var m Matrix
	for _, test := range []struct{ series, want string }{
		{"v4", "v4-fast"},
		{"./patches/v5", "v5-fast"},
		{"../other/v5", "v5-fast-2"},
		{"git:repo base..head", "git-repo-base..head-fast"},
		{"..", "fast"},
	} {
		c := Cell{Series: test.series, Flavour: "fast"}
		m.Name(&c)
		if c.ID != test.want {
			t.Errorf("series %q: the cell is called %q, want %q", test.series, c.ID, test.want)
		}
		m.Cells = append(m.Cells, c)
	}
	if c, err := m.Find("v5-fast-2"); err != nil || c.Series != "../other/v5" {
		t.Errorf("found %+v, %v", c, err)
	}
	if _, err := m.Find("v9-fast"); err == nil || !strings.Contains(err.Error(), "v5-fast-2") {
		t.Errorf("a cell that is not there: %v", err)
	}
}

// What fromJSON makes of the matrix comes back as the cell that it was, and
// nothing else is taken for one.
func TestCellAsJSON(t *testing.T) {
	want := Cell{ID: "v5-kasan", Series: "./v5", Flavour: "kasan", Profile: "p.toml", Source: "dir:x", Key: "0123"}
	text, err := json.Marshal(Matrix{[]Cell{want}})
	if err != nil {
		t.Fatal(err)
	}
	var matrix struct{ Include []json.RawMessage }
	if err := json.Unmarshal(text, &matrix); err != nil || len(matrix.Include) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	if got, err := ParseCell(string(matrix.Include[0])); err != nil || *got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "{}", "{", `{"id":"../x","series":"v4","flavour":"fast","source":"s"}`, `{"id":"x","series":"v4","flavour":"fast","source":"s","what":1}`} {
		if _, err := ParseCell(bad); err == nil {
			t.Errorf("%q is taken for a cell", bad)
		}
	}
}

// A cell's directory is emptied of its earlier results and of nothing else,
// and says that the cell was not finished until it is.
func TestDir(t *testing.T) {
	out := t.TempDir()
	c := &Cell{ID: "v4-fast", Series: "v4"}
	dir, err := Dir(out, c)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := Results(out); err != nil || len(all) != 1 || all[0].Exit != report.ExitInconclusive || all[0].Error == "" {
		t.Errorf("before it is finished: %+v, %v", all, err)
	}
	stale := filepath.Join(dir, "stale")
	if err := os.WriteFile(stale, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if again, err := Dir(out, c); err != nil || again != dir {
		t.Fatalf("the second time: %s, %v", again, err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("the results of an earlier run are still there")
	}
	other := filepath.Join(out, "home")
	if err := os.MkdirAll(other, 0o755); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(other, "thesis")
	if err := os.WriteFile(mine, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Dir(out, &Cell{ID: "home"}); err == nil {
		t.Error("a directory of somebody else's is taken for a cell's")
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	out := t.TempDir()
	for _, r := range []Result{
		{Cell: Cell{ID: "v7-fast"}, Exit: 1, Counts: report.Counts{Pass: 5, Fail: 1, Crash: 1}},
		{Cell: Cell{ID: "v4-fast"}, Counts: report.Counts{Pass: 7, Skip: 2}},
		{Cell: Cell{ID: "v5-fast"}, Exit: 2, Error: "0001.patch does not apply: a|b\nmore"},
		{Cell: Cell{ID: "v8-fast"}, Exit: report.ExitInfra, Counts: report.Counts{Infra: 3}},
	} {
		dir, err := Dir(filepath.Join(out, "artifact-"+r.ID), &r.Cell)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Results(out)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := WriteTable(&b, all); err != nil {
		t.Fatal(err)
	}
	want := `| cell | passed | failed | skipped | no answer | |
|---|---:|---:|---:|---:|---|
| v4-fast | 7 | 0 | 2 | 0 | passed |
| v5-fast | 0 | 0 | 0 | 0 | **failed**: 0001.patch does not apply: a\|b |
| v7-fast | 5 | 2 | 0 | 0 | **failed** |
| v8-fast | 0 | 0 | 0 | 3 | infrastructure |
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
