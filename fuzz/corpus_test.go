// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCorpusKeepsWhatItIsGiven(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "FuzzRing"))
	if entries, err := dir.Read(0); err != nil || len(entries) != 0 {
		t.Errorf("a directory that is not there: %v, %v", entries, err)
	}
	want := map[string][]byte{}
	for _, data := range [][]byte{nil, {0}, []byte("\"\\\n\r\t`\x7f\x80\xff\u2028"), bytes.Repeat([]byte{0xff}, MaxRecords*RecordSize)} {
		name, err := dir.Add(data)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = data
		if again, err := dir.Add(data); again != name || err != nil {
			t.Errorf("added again: %s, %v", again, err)
		}
	}
	entries, err := dir.Read(0)
	if err != nil || len(entries) != len(want) {
		t.Fatalf("%d entries, want %d: %v", len(entries), len(want), err)
	}
	for _, e := range entries {
		if !bytes.Equal(e.Data, want[e.Name]) {
			t.Errorf("%s holds %q, want %q", e.Name, e.Data, want[e.Name])
		}
	}
	if some, _ := dir.Read(2); len(some) != 2 {
		t.Errorf("%d entries with a limit of 2", len(some))
	}
	if err := dir.Remove(entries[0].Name, "gone"); err != nil {
		t.Error(err)
	}
	if err := dir.Remove("../outside"); err == nil {
		t.Error("a name outside the directory is taken")
	}
	if left, _ := dir.Read(0); len(left) != len(want)-1 {
		t.Errorf("%d entries left", len(left))
	}
}

func TestBadCorpusFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	bad := map[string]string{
		"empty": "", "version": "go test fuzz v2\n[]byte(\"\")\n", "two": "go test fuzz v1\n[]byte(\"\")\n[]byte(\"\")\n",
		"int": "go test fuzz v1\nint(3)\n", "open": "go test fuzz v1\n[]byte(\"\n", "huge": "go test fuzz v1\n[]byte(\"" + strings.Repeat("a", maxEntryFile) + "\")\n",
	}
	for name, text := range bad {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	good, err := Dir(dir).Add([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := Dir(dir).Read(0)
	if len(entries) != 1 || entries[0].Name != good {
		t.Errorf("%d entries", len(entries))
	}
	if !errors.As(err, new(*CorpusError)) {
		t.Fatalf("error %v", err)
	}
	for name := range bad {
		if !strings.Contains(err.Error(), filepath.Join(dir, name)) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}

// Go reads what is written here, and names it the same: a file that its engine
// wrote under the name of its content is read back.
func TestGoReadsTheCorpus(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module corpus\n\ngo 1.24\n",
		"x_test.go": "package corpus\n\nimport \"testing\"\n\nfunc FuzzX(f *testing.F) {\n\tf.Fuzz(func(t *testing.T, b []byte) { t.Logf(\"%q\", b) })\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data := []byte("\x00\xff\"\\`\u2028\x80")
	name, err := Dir(filepath.Join(dir, "testdata/fuzz/FuzzX")).Add(data)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-v", "-run", "FuzzX/"+name)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"\x00\xff\"\\`+"`"+`\u2028\x80"`) {
		t.Errorf("go test: %v\n%s", err, out)
	}
}

// FuzzEntry looks for a corpus file that is read wrongly.
func FuzzEntry(f *testing.F) {
	f.Add([]byte("go test fuzz v1\n[]byte(\"a\\x00\")\n"))
	f.Add([]byte("go test fuzz v1\nstring(`x`)\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		data, err := UnmarshalEntry(file)
		if err != nil {
			return
		}
		if again, err := UnmarshalEntry(MarshalEntry(data)); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%q came back as %q, %v", data, again, err)
		}
	})
}
