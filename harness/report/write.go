// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/harness/repro"
)

// Names of the files that [Write] makes in a run's directory.
const (
	ResultsFile = "results.json"
	HTMLFile    = "report.html"
	TraceFile   = "trace.perfetto-trace"
	JUnitFile   = "junit.xml"
	KTAPFile    = "results.ktap"
	SummaryFile = "summary.md"
	ReplyFile   = "reply.txt"

	casesDir     = "cases"         // one directory per case, see caseDirs
	evidenceFile = "evidence.json" // events, data, coverage
	programFile  = "program.ring"
	eventsFile   = "events.txt"
	consoleFile  = "console.txt"
	reproFile    = "repro.c" // of a failure that userspace can see
)

// Write renders r into dir, which is made if need be. Every file is written
// beside its place and renamed into it, and what [Load] needs comes first, so
// that a full disk costs a rendering and not the run. Files of an earlier
// rendering are replaced; others are left alone.
func Write(dir string, r *Run) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	kernel := r.kernelName()
	views := make([]*view, len(r.Cases))
	for i, d := range caseDirs(r.Cases) {
		v := newView(&r.Cases[i], r.profile())
		v.dir = d
		views[i] = v
		for k := range v.c.Also {
			also := newView(&v.c.Also[k], r.profile())
			also.dir = alsoDir(d, k)
			v.also = append(v.also, also)
		}
		for _, v := range append([]*view{v}, v.also...) {
			if err := writeCase(dir, v, kernel); err != nil {
				return err
			}
		}
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{ResultsFile, func(w io.Writer) error { return writeResults(w, r) }},
		{HTMLFile, func(w io.Writer) error { return writeHTML(w, r, views) }},
		{TraceFile, func(w io.Writer) error { return writePerfetto(w, r, views) }},
		{JUnitFile, func(w io.Writer) error { return writeJUnit(w, r, views) }},
		{KTAPFile, func(w io.Writer) error { return writeKTAP(w, r, views) }},
		{SummaryFile, func(w io.Writer) error { return writeMarkdown(w, r, views) }},
		{ReplyFile, func(w io.Writer) error { return WriteReply(w, r) }},
	} {
		if err := writeFile(filepath.Join(dir, f.name), f.write); err != nil {
			return err
		}
	}
	return nil
}

// kernelName names what was tested, for a reproducer.
func (r *Run) kernelName() string {
	return fmt.Sprintf("Linux %s, series %s, flavour %s", r.Kernel.Version, r.Kernel.Series, r.Kernel.Flavour)
}

// writeCase writes what there is of one case; kernel names what it ran on.
func writeCase(dir string, v *view, kernel string) error {
	d := filepath.Join(dir, filepath.FromSlash(v.dir))
	if err := makeDir(d); err != nil {
		return err
	}
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	if err := writeFile(filepath.Join(d, programFile), text(v.c.Text)); err != nil {
		return err
	}
	o := v.c.Outcome
	if o == nil {
		return nil
	}
	if err := writeFile(filepath.Join(d, evidenceFile), func(w io.Writer) error { return writeEvidence(w, o) }); err != nil {
		return err
	}
	if source := reproducer(v.c, kernel); source != nil {
		if err := writeFile(filepath.Join(d, reproFile), text(string(source))); err != nil {
			return err
		}
	}
	if len(o.Console) > 0 {
		if err := writeFile(filepath.Join(d, consoleFile), text(strings.Join(o.Console, "\n")+"\n")); err != nil {
			return err
		}
	}
	if len(o.Events) == 0 {
		return nil
	}
	return writeFile(filepath.Join(d, eventsFile), v.writeEvents)
}

// reproducer returns a C program that shows a failure, nil where there is
// none: userspace cannot see it, or the program has no form in C.
func reproducer(c *Case, kernel string) []byte {
	if !isFailed(c.Verdict.Status) || c.Program == nil {
		return nil
	}
	bug := repro.BugOf(c.Program, &c.Verdict, c.Outcome)
	if bug.On = kernel; !bug.Visible() {
		return nil
	}
	source, err := repro.C(c.Program, bug)
	if err != nil {
		return nil
	}
	return source
}

// caseDirs gives each case its directory below the run's, with slashes. A
// name that comes twice, as in a repeated run, gets a number.
func caseDirs(cs []Case) []string {
	dirs := make([]string, len(cs))
	used := map[string]bool{}
	for i := range cs {
		base := safeName(cs[i].Name)
		name := base
		for n := 2; used[name]; n++ {
			name = base + "." + strconv.Itoa(n)
		}
		used[name] = true
		dirs[i] = casesDir + "/" + name
	}
	return dirs
}

// alsoDir is the directory of the evidence of a case's other class of that
// index, where dir is the case's.
func alsoDir(dir string, k int) string { return dir + "/also-" + strconv.Itoa(k+1) }

// safeName makes a file name of a program's name, which may come from anywhere.
func safeName(s string) string {
	const longest = 100
	b := []byte(s[:min(len(s), longest)])
	for i, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.' && i > 0:
		default:
			b[i] = '_'
		}
	}
	if len(b) == 0 {
		return "unnamed"
	}
	return string(b)
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the report's directory %s: %w; choose another output directory", dir, errors.Unwrap(err))
	}
	return nil
}

// writeFile writes path by way of a temporary file in the same directory, so
// that path holds either its former content or all of the new one.
func writeFile(path string, write func(io.Writer) error) (err error) {
	fail := func(err error) error {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the path is said below; the temporary one helps nobody
		}
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fail(err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	bw := bufio.NewWriterSize(f, 64<<10)
	if err := write(bw); err != nil {
		return fail(err)
	}
	if err := bw.Flush(); err != nil {
		return fail(err)
	}
	if err := f.Chmod(0o644); err != nil {
		return fail(err)
	}
	if err := f.Close(); err != nil {
		return fail(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fail(err)
	}
	return nil
}
