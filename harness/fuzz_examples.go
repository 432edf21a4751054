// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/harness/repro"
)

// exampleWriter gives each example of a finding a folder below dir.
type exampleWriter struct {
	dir    string
	kernel report.Kernel
	tool   report.Tool
	guest  func() report.Guest
	again  []string

	mu sync.Mutex
	n  int
}

// Names of a finding's files, beside what package report writes.
const (
	findingsDir     = "findings"
	foundFile       = "program.ring"
	minimisedFile   = "minimised.ring"
	reproducerFile  = "repro.c"
	consoleTextFile = "console.txt"
)

// write keeps an example: the programs, the C source where there is one, the
// corpus entry, a report with timelines, the console, and how to run it again. small may be nil.
func (w *exampleWriter) write(class string, found, small *record, e *campaign.Example) error {
	w.mu.Lock()
	w.n++
	e.Name = fmt.Sprintf("%03d-%s", w.n, slug(class))
	w.mu.Unlock()
	e.Dir = filepath.Join(findingsDir, e.Name)
	dir := filepath.Join(w.dir, e.Dir)

	run := &report.Run{Schema: report.Schema, Tool: w.tool, Started: time.Now(), Command: os.Args, Kernel: w.kernel, Guest: w.guest()}
	best := found
	for _, c := range []struct {
		rec  *record
		name string
	}{{found, "found"}, {small, "minimised"}} {
		if c.rec == nil {
			continue
		}
		best = c.rec
		named := c.rec.c
		named.Name = e.Name + "-" + c.name
		run.Cases = append(run.Cases, named)
		run.Took += named.Seconds
	}
	if err := report.Write(dir, run); err != nil {
		return err
	}
	files := map[string][]byte{foundFile: []byte(found.c.Text), "README.md": nil}
	if small != nil {
		files[minimisedFile] = []byte(small.c.Text)
	}
	if o := best.c.Outcome; o != nil && len(o.Console) > 0 {
		files[consoleTextFile] = []byte(strings.Join(o.Console, "\n") + "\n")
	}
	on := fmt.Sprintf("Linux %s, series %s, flavour %s", w.kernel.Version, w.kernel.Series, w.kernel.Flavour)
	source, why := reproducerOf(&best.c, on)
	if source == nil && best != found { // what the minimiser took away may be what userspace saw it by
		source, _ = reproducerOf(&found.c, on)
	}
	if e.C = source != nil; e.C {
		files[reproducerFile] = source
	}
	entry, text, err := campaign.CorpusFile(best.c.Program)
	if err == nil {
		files[filepath.Join("corpus", entry)] = text
	}
	files["README.md"] = w.readme(class, best, e, why, entry)
	return writeFiles(dir, files)
}

// reproducerOf returns a failure as a C program, or why there is none.
func reproducerOf(c *report.Case, on string) (source []byte, why string) {
	if c.Outcome == nil {
		return nil, "nothing is known of how the program ended"
	}
	bug := repro.BugOf(c.Program, &c.Verdict, c.Outcome)
	if bug.On = on; !bug.Visible() {
		return nil, "userspace cannot see what went wrong, only the probes can"
	}
	source, err := repro.C(c.Program, bug)
	if err != nil {
		return nil, err.Error()
	}
	return source, ""
}

// readme says what the folder holds and how to run it again.
func (w *exampleWriter) readme(class string, best *record, e *campaign.Example, noC, entry string) []byte {
	var b bytes.Buffer
	program := foundFile
	if best.c.Text != "" && e.SmallTried > 0 {
		program = minimisedFile
	}
	fmt.Fprintf(&b, "# %s\n\n%s\n\nFound by a campaign on Linux %s, series %s, flavour %s.\n\n", class, best.c.Tries[best.verdict].Why,
		w.kernel.Version, w.kernel.Series, w.kernel.Flavour)
	fmt.Fprintf(&b, "| program | SQEs | failed, alone in fresh guests |\n|---|---:|---|\n| %s, as found | %d | %d of %d |\n", foundFile, e.SQEs, e.Failed, e.Tried)
	if e.SmallTried > 0 {
		fmt.Fprintf(&b, "| %s | %d | %d of %d |\n", minimisedFile, e.SmallSQEs, e.SmallFailed, e.SmallTried)
	}
	for _, v := range best.c.Verdict.Violations {
		if text := cases.RuleText(v.Rule); text != "" {
			fmt.Fprintf(&b, "\n**%s**: %s\n\nInstead: %s\n", v.Rule, text, v.Text)
		}
	}
	fmt.Fprintf(&b, "\n## Run it again\n\nFrom this directory:\n\n    %s %s\n", strings.Join(w.again, " "), program)
	if e.C {
		fmt.Fprintf(&b, "\nOn the kernel itself, where it exits with 1 if the bug shows:\n\n    gcc -Wall -pthread -o repro %s && ./repro\n", reproducerFile)
	} else {
		fmt.Fprintf(&b, "\nThere is no C program: %s.\n", noC)
	}
	if entry != "" {
		fmt.Fprintf(&b, "\n`corpus/%s` is the program as an entry of a Go fuzz corpus. `report.html` has the timelines.\n", entry)
	}
	return b.Bytes()
}

func writeFiles(dir string, files map[string][]byte) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("keep a finding: %w; choose another directory with --out", err)
		}
	}
	return nil
}

// slug makes part of a file name of a class.
func slug(class string) string {
	const longest = 60
	words := strings.FieldsFunc(strings.ToLower(class), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '.')
	})
	s := strings.Join(words, "-")
	return strings.Trim(s[:min(len(s), longest)], "-.")
}
