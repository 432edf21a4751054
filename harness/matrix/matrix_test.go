// SPDX-License-Identifier: Apache-2.0

package matrix

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/harness/judge"
)

func kill(program string, rules ...string) Kill {
	return Kill{Program: program, Status: judge.Fail, Rules: rules, Reason: "it broke", Shown: 2, Of: 2}
}

// sample has a mutant of each kind.
func sample() *Matrix {
	return &Matrix{Series: "v4", Profile: "v4", Programs: []string{"p1", "p2", "p3"}, Took: 12, Results: []Result{
		{Mutant: "found", Status: Killed, Flavour: "fast", Ran: 1, Kills: []Kill{kill("p1", "G3", "G4")}},
		{Mutant: "missed", What: "nobody sees it", Status: Survived, Flavour: "fast", Ran: 3},
		{Mutant: "same", Status: Survived, Flavour: "fast", Equivalent: "The field is dead. Nobody reads it.", Ran: 3},
		{Mutant: "not-same", Status: Killed, Flavour: "fast", Equivalent: "so it seemed", Kills: []Kill{kill("p2", "G6")}},
		{Mutant: "elsewhere", Status: Otherwise, Flavour: "fast", Rules: []string{"G8"}, Crash: []string{"KASAN:"}, Others: []Kill{kill("p3", "G4")}},
		{Mutant: "stale", Status: NotTested, Flavour: "kasan", Why: "patch stale does not apply\nat all"},
		{Mutant: "crashes", Status: Killed, Flavour: "kasan", Kills: []Kill{{Program: "p1", Status: judge.Crash, Crash: "KASAN: use-after-free", Shown: 1, Of: 4}}},
	}}
}

func TestScore(t *testing.T) {
	m := sample()
	want := "7 mutants: 3 killed, 1 survived, 1 equivalent (proved), 1 not tested, 1 killed for another reason only"
	if got := m.Score(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What speaks against the programs or a header, and nothing else: not a mutant
// that was not tested, nor one that is proved equivalent and survives.
func TestDefects(t *testing.T) {
	got := strings.Join(sample().Defects(), "\n")
	for _, want := range []string{
		"missed survived 3 programs",
		"not-same is said to be equivalent, but p2 tells it from the original (FAIL G6): its proof is wrong",
		"elsewhere was killed by p3 for another reason only (FAIL G4): its header allows G8, a crash like KASAN:",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 3 {
		t.Errorf("%d defects, want 3:\n%s", n, got)
	}
	if d := (&Matrix{Results: []Result{{Status: Killed, Kills: []Kill{kill("p")}}, {Status: NotTested}}}).Defects(); d != nil {
		t.Errorf("defects of a matrix without any: %q", d)
	}
}

// Survivors come first, then kills for other reasons; the score is the last line.
func TestText(t *testing.T) {
	var b strings.Builder
	if err := WriteText(&b, sample()); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	at := -1
	for _, want := range []string{
		"SURVIVED", "missed", "nobody sees it",
		"OTHER REASON", "elsewhere", "allowed: G8, a crash like KASAN:",
		"NOT TESTED", "stale", "does not apply\n",
		"KILLED", "found", "FAIL G3 G4", "crashes", "CRASH KASAN: use-after-free (1 of 4)",
		"EQUIVALENT", "same", "The field is dead.\n",
		"its proof is wrong", "7 mutants: 3 killed",
	} {
		i := strings.Index(text[at+1:], want)
		if i < 0 {
			t.Fatalf("%q is missing, or not where it belongs, in\n%s", want, text)
		}
		at += 1 + i
	}
}

func TestNeed(t *testing.T) {
	m := &Matrix{All: true, Programs: []string{"a", "b", "c", "d", "e"}, Results: []Result{
		{Mutant: "m1", Status: Killed, Kills: []Kill{kill("a"), kill("b")}},
		{Mutant: "m2", Status: Killed, Kills: []Kill{kill("b"), kill("c")}},
		{Mutant: "m3", Status: Killed, Kills: []Kill{kill("c")}},
		{Mutant: "m4", Status: Killed, Kills: []Kill{kill("d")}, Spared: []string{"a", "b"}},
		{Mutant: "m5", Status: Survived},
	}}
	want := &Need{
		Enough: []string{"b", "c", "d"}, Spare: []string{"a", "e"},
		Sole: map[string][]string{"c": {"m3"}}, Idle: []string{"e"}, Open: []string{"m4"},
	}
	if d := cmp.Diff(want, m.Need()); d != "" {
		t.Error(d)
	}
	m.All = false // the same kills do not say that there are no others
	if d := cmp.Diff(&Need{Enough: want.Enough, Spare: want.Spare}, m.Need()); d != "" {
		t.Error(d)
	}
	m.Results = m.Results[4:]
	if m.Need() != nil {
		t.Error("mutants of which none was killed are said to need programs")
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	m := sample()
	m.Results[1].What = "a | b <c>"
	if err := Write(dir, m); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Matrix
		Score string
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m.Results, back.Results); d != "" || back.Score != m.Score() {
		t.Errorf("read back: %s\nscore %q", d, back.Score)
	}
	md, err := os.ReadFile(filepath.Join(dir, SummaryFile))
	if err != nil || !strings.Contains(string(md), `| missed | a \| b &lt;c> | survived |`) {
		t.Errorf("%v\n%s", err, md)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); left != nil {
		t.Errorf("left behind: %q", left)
	}
}
