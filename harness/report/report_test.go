// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// TestKeep writes the fake run where RINGPROOF_REPORT says, for a look at it.
func TestKeep(t *testing.T) {
	dir := os.Getenv("RINGPROOF_REPORT")
	if dir == "" {
		t.Skip("RINGPROOF_REPORT names no directory")
	}
	r := fakeRun(t)
	for i := range 50 { // a catalogue's worth
		c := fakePass(t)
		if i%5 == 0 {
			c = fakeLinks(t)
		}
		c.Name += "-" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		r.Cases = append(r.Cases, c)
	}
	big := fakeMany(t)
	big.Name = "big"
	for range 40 {
		big.Outcome.Events = append(big.Outcome.Events, fakeMany(t).Outcome.Events...)
	}
	r.Cases = append(r.Cases, big)
	if err := Write(dir, r); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(os.Stdout, r, TextOptions{Dir: dir}); err != nil {
		t.Fatal(err)
	}
}

func TestWriteLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out", "run")
	want := fakeRun(t)
	if err := Write(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	opts := []cmp.Option{cmpopts.EquateEmpty(), cmp.Transformer("utf8", func(s string) string { return strings.ToValidUTF8(s, "\ufffd") })}
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("read back differs (-written +read):\n%s", diff)
	}
	if err := Write(dir, got); err != nil {
		t.Fatal("render again:", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v (%v)", left, err)
	}
}

func TestLoadWithoutEvidence(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, fakeRun(t)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "cases", "group-nop-2", evidenceFile)); err != nil {
		t.Fatal(err)
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if o := r.Cases[0].Outcome; o == nil || len(o.Events) != 0 || len(o.CQEs) != 2 {
		t.Errorf("outcome = %+v, want CQEs and no events", o)
	}
	if n := r.Notes[len(r.Notes)-1]; !strings.Contains(n, "group-nop-2") {
		t.Errorf("note = %q, want it to name the case", n)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, tt := range []struct{ name, results, evidence, want string }{
		{"empty directory", "", "", "there is no results.json"},
		{"not JSON", "{", "", "unexpected end"},
		{"another JSON", "{}", "", "names no schema"},
		{"newer", `{"schema": 99}`, "", "its schema is 99"},
		{"wrong type", `{"schema": 1, "cases": 7}`, "", "cannot unmarshal"},
		{"evidence cut off", `{"schema": 1, "cases": [{"name": "x", "outcome": {}}]}`, `{"schema": 1,`, "unexpected end"},
		{"evidence of an unknown kind", `{"schema": 1, "cases": [{"name": "x", "outcome": {}}]}`,
			`{"schema": 1, "columns": ["kind"], "events": [["issue"], ["dance"]]}`, `event 1: kind "dance"`},
		{"evidence with a short row", `{"schema": 1, "cases": [{"name": "x", "outcome": {}}]}`,
			`{"schema": 1, "columns": ["kind", "cpu"], "events": [["issue"]]}`, "1 values for 2 columns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.results != "" {
				write(t, filepath.Join(dir, ResultsFile), tt.results)
			}
			if tt.evidence != "" {
				write(t, filepath.Join(dir, "cases", "x", evidenceFile), tt.evidence)
			}
			_, err := Load(dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error = %v, want %q and the path", err, tt.want)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, "")
	if err := Write(filepath.Join(file, "run"), fakeRun(t)); err == nil || !strings.Contains(err.Error(), "choose another output directory") {
		t.Errorf("error = %v, want advice", err)
	}
	// A writer that fails leaves the former file and no temporary one.
	path := filepath.Join(dir, "kept")
	write(t, path, "former")
	full := errors.New("disk full")
	if err := writeFile(path, func(w io.Writer) error { return full }); !errors.Is(err, full) || !strings.Contains(err.Error(), path) {
		t.Errorf("error = %v, want the cause and the path", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "former" {
		t.Errorf("file holds %q after a failed write", b)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("directory holds %v", entries)
	}
}

func TestCaseDirs(t *testing.T) {
	got := caseDirs([]Case{{Name: "a"}, {Name: "a"}, {Name: "../../etc"}, {Name: ".hidden"}, {Name: ""}, {Name: "a.2"}, {Name: "a b/c"}})
	want := []string{"cases/a", "cases/a.2", "cases/_._.._etc", "cases/_hidden", "cases/unnamed", "cases/a.2.2", "cases/a_b_c"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		name     string
		statuses []judge.Status
		want     int
		line     string
	}{
		{"none", nil, 0, "0 passed, 0 failed, 0 skipped"},
		{"passed", []judge.Status{judge.Pass, judge.Pass, judge.Skip}, 0, "2 passed, 0 failed, 1 skipped"},
		{"failed", []judge.Status{judge.Fail, judge.Infra, judge.Inconclusive}, 1, "0 passed, 1 failed, 0 skipped, 1 inconclusive, 1 infrastructure"},
		{"crashed", []judge.Status{judge.Crash}, 1, "0 passed, 1 failed, 0 skipped"},
		{"hung", []judge.Status{judge.Hang, judge.Pass}, 1, "1 passed, 1 failed, 0 skipped"},
		{"infrastructure", []judge.Status{judge.Inconclusive, judge.Infra}, 3, "0 passed, 0 failed, 0 skipped, 1 inconclusive, 1 infrastructure"},
		{"inconclusive", []judge.Status{judge.Inconclusive, judge.Pass}, 4, "1 passed, 0 failed, 0 skipped, 1 inconclusive"},
		{"without a verdict", []judge.Status{""}, 3, "0 passed, 0 failed, 0 skipped, 1 infrastructure"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := new(Run)
			for _, s := range tt.statuses {
				r.Cases = append(r.Cases, Case{Name: "x", Verdict: judge.Verdict{Status: s}})
			}
			if got := ExitCode(r); got != tt.want {
				t.Errorf("exit code = %d, want %d", got, tt.want)
			}
			c := r.Counts()
			if c.String() != tt.line {
				t.Errorf("line = %q, want %q", c.String(), tt.line)
			}
			var b strings.Builder
			if err := WriteText(&b, r, TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix("\n"+b.String(), "\n"+tt.line+"\n") {
				t.Errorf("text does not end with the counts:\n%s", b.String())
			}
		})
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := WriteText(&b, fakeRun(t), TextOptions{Dir: "out/x"}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"FAIL         group-leader-last  G4 G10\n",
		"  G4: the leader @1 posted CQE 2, before CQE 3 of member @2\n",
		"rule: Among the CQEs of one group the leader's is the last",
		"@1 lead          complete     res=0 cqe=2",
		"    |   lead: nop GROUP\n",
		"files: out/x/cases/group-leader-last\n",
		"5 findings:\n  CRASH refcount: underflow; use-after-free in __io_submit_flush_completions\n      1 of 7 tries, in 2 programs: refs-dropped-twice, group-leader-last\n",
		"  failed 3 of 5 under noise 7; failed under 2 of 3 seeds: 7, 9; also CRASH refcount",
		"again: ringproof test --series v4 --noise 7 --only '^group-leader-last$'\n",
		"HANG         member-never-queued",
		"step 3 (wait r0) did not return within 5 s",
		"INCONCLUSIVE lossy",
		"    | [    3.118230] refcount_t: underflow; use-after-free.\n",
		"\nreport  out/x/report.html\n",
		"\n3 passed, 5 failed, 1 skipped, 1 inconclusive, 1 infrastructure\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q", want)
		}
	}
	if strings.ContainsAny(text, "\x1b\x00") {
		t.Error("control characters reach the terminal")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestKTAP(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(renderAll(t)[KTAPFile]), "\n")
	if lines[0] != "KTAP version 1" || lines[1] != "1..11" {
		t.Errorf("begins with %q", lines[:2])
	}
	result := regexp.MustCompile(`^(ok|not ok) (\d+) ([^#\n]+?)( # .*)?$`)
	var got []string
	for _, l := range lines[2:] {
		if strings.HasPrefix(l, "# ") {
			continue
		}
		m := result.FindStringSubmatch(l)
		if m == nil {
			t.Errorf("not a KTAP line: %q", l)
			continue
		}
		directive, _, _ := strings.Cut(strings.TrimPrefix(m[4], " # "), " ")
		got = append(got, m[1]+" "+m[2]+" "+directive)
	}
	want := []string{"ok 1 ", "ok 2 ", "ok 3 ", "not ok 4 G4", "not ok 5 G8:", "not ok 6 TIMEOUT", "not ok 7 CRASH", "not ok 8 I1:", "ok 9 SKIP", "not ok 10 ERROR", "not ok 11 ERROR"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJUnit(t *testing.T) {
	var got junitSuites
	if err := xml.Unmarshal([]byte(renderAll(t)[JUnitFile]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 11 || got.Failures != 5 || got.Errors != 2 || got.Skipped != 1 {
		t.Errorf("counts = %d tests, %d failures, %d errors, %d skipped", got.Tests, got.Failures, got.Errors, got.Skipped)
	}
	suite := got.Suites[0]
	if suite.Timestamp != "2025-03-14T09:26:53" || suite.Name != "ringproof.v4.fast" {
		t.Errorf("suite = %q at %q", suite.Name, suite.Timestamp)
	}
	var words []string
	for _, c := range suite.Cases {
		switch {
		case c.Failure != nil:
			words = append(words, "failure "+c.Failure.Type)
		case c.Error != nil:
			words = append(words, "error "+c.Error.Type)
		case c.Skipped != nil:
			words = append(words, "skipped")
		default:
			words = append(words, "passed")
		}
	}
	want := []string{"passed", "passed", "passed", "failure FAIL", "failure FAIL", "failure HANG", "failure CRASH", "failure FAIL", "skipped", "error INCONCLUSIVE", "error INFRA"}
	if diff := cmp.Diff(want, words); diff != "" {
		t.Error(diff)
	}
	if f := suite.Cases[3].Failure; !strings.HasPrefix(f.Message, "G4 G10: the leader @1") || !strings.Contains(f.Text, "lead: nop GROUP") {
		t.Errorf("failure = %+v", f)
	}
}

func TestMarkdown(t *testing.T) {
	text := renderAll(t)[SummaryFile]
	for _, want := range []string{
		"# ringproof: 3 passed, 5 failed, 1 skipped, 1 inconclusive, 1 infrastructure\n",
		"| FAIL | group-leader-last | G4 G10 |", "````text\n", "> **Note:**",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("summary lacks %q", want)
		}
	}
	outside := regexp.MustCompile("(?s)(`{3,})text\n.*?\n`{3,}\n").ReplaceAllString(text, "")
	if strings.Contains(outside, "<script") || strings.Contains(outside, "<img") {
		t.Errorf("markup of a program came alive:\n%s", outside)
	}
}

func TestHTML(t *testing.T) {
	page := renderAll(t)[HTMLFile]
	for _, want := range []string{
		"<h1>3 passed, 5 failed, 1 skipped, 1 inconclusive, 1 infrastructure</h1>",
		"Among the CQEs of one group the leader&#39;s is the last",
		"io_uring: assemble and issue &lt;groups&gt;",
		"/dev/kvm opens but no guest came up under it",
		"io_cqring_wait",
		"lead: nop GROUP",
		`<h2 id="findings">5 findings</h2>`,
		`<td>G4 of a leader</td><td>3 of 7 tries</td><td>group-leader-last</td>`,
		`<a href="#case-group-leader-last">`,
		"failed 3 of 5 under noise 7",
		"Again: <code>ringproof test --series v4 --noise 7 --only &#39;^group-leader-last$&#39;</code>",
		`id="case-group-leader-last.also-1"`,
		"<li>INFRA under noise 7, in a fresh guest: QEMU was killed</li>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	if n := strings.Count(page, "<script"); n != 1+strings.Count(page, `<script type="application/json"`) {
		t.Errorf("%d script elements: more than the page's own and its data", n)
	}
	for _, bad := range []string{"<img", "<script>alert", "http://", "https://", "ZgotmplZ"} {
		text := page
		if strings.HasPrefix(bad, "http") { // the SVG namespace is a name and not an address
			text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")
		}
		if strings.Contains(text, bad) {
			t.Errorf("page holds %q", bad)
		}
	}
	data := regexp.MustCompile(`(?s)<script type="application/json" class="tl-data">(.*?)</script>`).FindAllStringSubmatch(page, -1)
	if len(data) != 10 {
		t.Errorf("%d timelines, want one for each case with events and one for a case's other failure", len(data))
	}
	for _, d := range data {
		var tl timeline
		if err := json.Unmarshal([]byte(d[1]), &tl); err != nil {
			t.Error(err)
		}
	}
}

func TestPhases(t *testing.T) {
	c := fakeLinks(t)
	v := newView(&c, (&Run{Kernel: Kernel{Profile: "v4"}}).profile())
	var got []string
	for _, l := range v.lanes[:6] {
		var ks []string
		for _, p := range l.Phases {
			ks = append(ks, string(p.Kind))
		}
		got = append(got, l.title()+" "+l.Role+": "+strings.Join(ks, " "))
	}
	want := []string{
		"@1 first : queued running parked posted",
		"@2 lead leader: queued running waiting handed running parked posted",
		"@3 m1 member: queued handed worker waiting handed parked posted",
		"@4 m2 member: queued running parked posted",
		"@5 last : queued running parked posted",
		"@6 end : queued running parked posted",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := v.links(); len(n) != 3 || !n[1].Issued || n[1].Lanes != [2]int{1, 4} {
		t.Errorf("links = %+v", n)
	}
}

// TestOddOutcomes renders what a broken guest might send.
func TestOddOutcomes(t *testing.T) {
	for _, o := range []*cases.Outcome{
		{},
		{Events: []cases.Event{{Kind: cases.EvFree}, {Kind: cases.EventKind(200), UserData: 1}}, RingsGone: []bool{true}},
		{CQEs: []cases.CQE{{Ring: -1, UserData: 1}, {Ring: 77}}, Steps: make([]cases.StepResult, 40)},
		{Hang: &cases.HangInfo{Step: -4}},
	} {
		c := fakePass(t)
		c.Outcome = o
		if err := Write(t.TempDir(), &Run{Schema: Schema, Cases: []Case{c, {}}}); err != nil {
			t.Error(err)
		}
	}
}

func renderAll(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir, fakeRun(t)); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range []string{ResultsFile, HTMLFile, JUnitFile, KTAPFile, SummaryFile, TraceFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(bytes.ToValidUTF8(b, nil))
		if name == TraceFile {
			out[name] = string(b)
		}
	}
	return out
}

func BenchmarkWrite(b *testing.B) {
	r := fakeRun(b)
	for range 50 {
		r.Cases = append(r.Cases, fakeMany(b))
	}
	for b.Loop() {
		if err := Write(b.TempDir(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// How often a case failed is in every rendering.
func TestTriesEverywhere(t *testing.T) {
	all := renderAll(t)
	for _, name := range []string{HTMLFile, JUnitFile, KTAPFile, SummaryFile} {
		for _, want := range []string{"failed 3 of 5 under noise 7", "3 of 7 tries", "tried once"} {
			if !strings.Contains(all[name], want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	var results struct {
		Findings []Finding
		Cases    []struct {
			Name  string
			Tries []Try
			Also  []struct{ Dir string }
		}
	}
	if err := json.Unmarshal([]byte(all[ResultsFile]), &results); err != nil {
		t.Fatal(err)
	}
	if len(results.Findings) != 5 || results.Findings[2].Failed != 3 || results.Findings[2].Tried != 7 {
		t.Errorf("findings %+v", results.Findings)
	}
	for _, c := range results.Cases {
		if c.Name == "group-leader-last" && (len(c.Tries) != 8 || len(c.Also) != 1 || c.Also[0].Dir != "cases/group-leader-last/also-1") {
			t.Errorf("case %+v", c)
		}
	}
}

// A results.json from before there were tries has one per case.
func TestLoadWithoutTries(t *testing.T) {
	dir := t.TempDir()
	old := `{"schema": 1, "kernel": {"profile": "v4"}, "cases": [
		{"name": "a", "dir": "cases/a", "text": "", "attempts": 2, "verdict": {"status": "FAIL", "reason": "late", "violations": [{"rule": "G4", "text": "late"}]}}]}`
	if err := os.WriteFile(filepath.Join(dir, ResultsFile), []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if found := r.Findings(); len(found) != 1 || found[0].Class != "FAIL G4" || found[0].Score() != "tried once" {
		t.Errorf("findings %+v", found)
	}
}

// A failure comes with a C program that shows it; what passed has none.
func TestReproducers(t *testing.T) {
	dir := t.TempDir()
	r := fakeRun(t)
	if err := Write(dir, r); err != nil {
		t.Fatal(err)
	}
	written := 0
	for i, d := range caseDirs(r.Cases) {
		c := &r.Cases[i]
		source, err := os.ReadFile(filepath.Join(dir, d, reproFile))
		switch {
		case err == nil && !isFailed(c.Verdict.Status):
			t.Errorf("%s is %s and has a reproducer", c.Name, c.Verdict.Status)
		case err == nil:
			written++
			if rule := c.Verdict.Violations[0].Rule; !strings.Contains(string(source), "Broken rule "+rule) || !strings.Contains(string(source), r.Kernel.Version) {
				t.Errorf("%s: the reproducer names neither rule %s nor kernel:\n%s", c.Name, rule, source)
			}
		}
	}
	if written < 3 {
		t.Errorf("%d reproducers of %d cases", written, len(r.Cases))
	}
}
