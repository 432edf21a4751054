// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
)

func TestProgramsBelow(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const one = "name one\n\nring r0 entries=8\n\nsubmit r0\n  nop\nwait r0\n"
	write("a/program.ring", one)
	write("b/program.ring", one)
	write("c/program.ring", "name one\n\nring r0 entries=8\n\nsubmit r0\n  nop\n  nop\nwait r0\n")
	write("notes.txt", "not a program")
	p, err := cases.Parse("x.ring", []byte("name x\n\nring r0 entries=8\n\nsubmit r0\n  nop ASYNC\nwait r0\n"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := fuzz.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	entry := fuzz.MarshalEntry(data)
	write("corpus/"+fuzz.EntryName(entry), string(entry))

	programs, err := ProgramsBelow(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range programs {
		names = append(names, p.Name)
	}
	if len(names) != 3 || names[0] != "one" || names[1] != "one-2" || names[2] != "corpus-"+fuzz.EntryName(entry) {
		t.Errorf("programs %v", names)
	}
	var usage *UsageError
	write("d/bad.ring", "no program")
	if _, err := ProgramsBelow(dir); !errors.As(err, &usage) {
		t.Errorf("a file that is no program: %v", err)
	}
	if _, err := ProgramsBelow(t.TempDir()); !errors.As(err, &usage) {
		t.Errorf("an empty directory: %v", err)
	}
}
