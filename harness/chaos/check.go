// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// Result is what came of a run on a kernel that is right.
type Result struct {
	Programs []string
	Faults   []Fault     // that were carried out
	Run      *report.Run // nil if it never came to that
	Err      error       // of the run
	// Read is the run as it was read back, ReportErr why it could not be written.
	Read      *report.Run
	ReportErr error
}

// Check returns what is wrong with a result, in words; nothing if all is well.
// A fault may cost a program its verdict, but only if it hits both of the
// program's tries; and it may cost the report, if that is said.
func Check(r *Result) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var cases []report.Case
	switch {
	case r.Run != nil:
		cases = r.Run.Cases
	case r.Err == nil:
		say("there is neither a run nor an error")
	}
	if r.Err != nil && len(r.Faults) == 0 {
		say("the run failed without a fault: %v", r.Err)
	}
	undecided := 0
	seen := map[string]int{}
	for i := range cases {
		c := &cases[i]
		seen[c.Name]++
		for _, t := range c.Tries {
			if t.Failed() {
				say("%s: a false %s: %s", c.Name, t.Status, t.Why)
			}
		}
		switch v := c.Verdict; v.Status {
		case judge.Pass, judge.Skip:
		case judge.Infra, judge.Inconclusive:
			undecided++
			if v.Reason == "" {
				say("%s: %s without a reason", c.Name, v.Status)
			}
		default:
			say("%s: the verdict is a false %s: %s", c.Name, v.Status, v.Reason)
		}
	}
	for _, p := range r.Programs {
		if seen[p] != 1 {
			say("%s: %d results, want 1", p, seen[p])
		}
		delete(seen, p)
	}
	for name := range seen {
		say("%s: a result of nothing that was run", name)
	}
	if 2*undecided > len(r.Faults) {
		say("%d programs without a verdict, though %d faults can cost %d at most", undecided, len(r.Faults), len(r.Faults)/2)
	}
	return append(wrong, r.checkReport()...)
}

// checkReport: the report holds what the run does, or its failure was said.
func (r *Result) checkReport() (wrong []string) {
	if r.Run == nil {
		return nil
	}
	if r.ReportErr != nil {
		full := slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Kind == DiskFull && f.Disk == ReportDisk })
		if !full || !errors.Is(r.ReportErr, unix.ENOSPC) {
			return []string{fmt.Sprintf("the report was not written: %v", r.ReportErr)}
		}
		return nil
	}
	if r.Read == nil || len(r.Read.Cases) != len(r.Run.Cases) {
		return []string{"the report that was written does not hold all results"}
	}
	for i := range r.Run.Cases {
		if w, g := &r.Run.Cases[i], &r.Read.Cases[i]; w.Name != g.Name || w.Verdict.Status != g.Verdict.Status {
			wrong = append(wrong, fmt.Sprintf("the report says %s of %s, the run %s of %s", g.Verdict.Status, g.Name, w.Verdict.Status, w.Name))
		}
	}
	return wrong
}

// Surroundings are what a run may leave something behind in.
type Surroundings struct {
	// Empty directories have nothing in them before and after a run.
	Empty []string
	// Whole directories hold only files whose names match one of the patterns, which are
	// separated by spaces.
	Whole map[string]string
}

// Before is what was there before a run.
type Before struct {
	s          *Surroundings
	fds        map[string]int
	goroutines func() int
	running    int
}

// Look notes what is there. goroutines counts them, as runtime.NumGoroutine does.
func (s *Surroundings) Look(goroutines func() int) *Before {
	return &Before{s: s, fds: openFiles(), goroutines: goroutines, running: goroutines()}
}

// Left returns what is there that was not before: child processes, the given
// processes, open files, goroutines, files. What ends by itself may take until patience is over.
func (b *Before) Left(pids []int, patience time.Duration) (left []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if left = b.left(pids); len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

func (b *Before) left(pids []int) (left []string) {
	for _, pid := range append(children(os.Getpid()), pids...) {
		if comm, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm")); err == nil {
			left = append(left, fmt.Sprintf("process %d (%s)", pid, strings.TrimSpace(string(comm))))
		}
	}
	for name, n := range openFiles() {
		if n > b.fds[name] {
			left = append(left, fmt.Sprintf("%d open descriptors of %s", n-b.fds[name], name))
		}
	}
	if n := b.goroutines(); n > b.running {
		left = append(left, fmt.Sprintf("%d goroutines", n-b.running))
	}
	for _, dir := range b.s.Empty {
		for _, name := range names(dir) {
			left = append(left, filepath.Join(dir, name))
		}
	}
	for dir, patterns := range b.s.Whole {
		for _, name := range names(dir) {
			if !slices.ContainsFunc(strings.Fields(patterns), func(p string) bool { ok, _ := filepath.Match(p, name); return ok }) {
				left = append(left, filepath.Join(dir, name))
			}
		}
	}
	return left
}

func names(dir string) (list []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), fillerPrefix) {
			list = append(list, e.Name())
		}
	}
	return list
}

// children are the processes whose parent is pid.
func children(pid int) (list []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		b, _ := os.ReadFile(name)
		_, rest, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
				list = append(list, child)
			}
		}
	}
	return list
}

// openFiles counts the open descriptors of this process by what they are of.
// Sockets and the like have numbers of their own, which do not tell.
func openFiles() map[string]int {
	open := map[string]int{}
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		name, err := os.Readlink(fd)
		if err != nil {
			continue // the one that listed them
		}
		if kind, _, numbered := strings.Cut(name, ":["); numbered {
			name = kind
		}
		open[name]++
	}
	return open
}
