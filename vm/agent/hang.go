// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
)

// Bounds on what a hang report holds.
const (
	maxSysRqLines = 4000
	maxStacks     = 256
)

// ringExit is the work function that tears a ring down.
const ringExit = "io_ring_exit_work"

// ringStackMarks are functions on the stack of a task that has to do with
// io_uring though it belongs to no program, above all the kworker that tears a ring down.
var ringStackMarks = []string{ringExit, "io_uring_cancel", "io_wq_", "io_sq_thread", "__io_uring_"}

// taskStacks returns the stacks of all threads of a process. Its io-wq
// workers and SQPOLL threads are threads of it.
func taskStacks(proc string, pid int) []cases.TaskStack {
	dir := filepath.Join(proc, strconv.Itoa(pid), "task")
	entries, _ := os.ReadDir(dir)
	var out []cases.TaskStack
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil && len(out) < maxStacks {
			out = append(out, taskStack(filepath.Join(dir, e.Name()), tid))
		}
	}
	return out
}

// ringStacks returns the stacks of all other tasks that io_uring is at work in.
func ringStacks(proc string, notPID int) []cases.TaskStack {
	tasks, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "task", "[0-9]*"))
	self := os.Getpid()
	var out []cases.TaskStack
	for _, dir := range tasks {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(dir))))
		tid, _ := strconv.Atoi(filepath.Base(dir))
		if pid == notPID || pid == self || len(out) >= maxStacks {
			continue
		}
		t := taskStack(dir, tid)
		if strings.HasPrefix(t.Comm, "iou-") || hasMark(t.Stack) {
			out = append(out, t)
		}
	}
	return out
}

func hasMark(stack []string) bool {
	for _, line := range stack {
		for _, m := range ringStackMarks {
			if strings.Contains(line, m) {
				return true
			}
		}
	}
	return false
}

func taskStack(dir string, tid int) cases.TaskStack {
	read := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.TrimSpace(string(b))
	}
	t := cases.TaskStack{PID: tid, Comm: read("comm"), State: stateOf(read("stat"))}
	if w := read("wchan"); w != "" && w != "0" {
		t.State += " in " + w
	}
	if s := read("stack"); s != "" {
		t.Stack = strings.Split(s, "\n")
	}
	return t
}

// stateOf takes the state letter out of /proc/PID/stat, behind the comm in
// parentheses, which may hold anything.
func stateOf(stat string) string {
	_, rest, ok := cutLast(stat, ")")
	if f := strings.Fields(rest); ok && len(f) > 0 {
		return f[0]
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// ringInfo reads the fdinfo of a worker's rings, by ring name.
func ringInfo(proc string, pid int, rings []cases.Ring, fds []int32) map[string]string {
	info := make(map[string]string)
	for i, fd := range fds {
		if i >= len(rings) {
			break
		}
		b, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "fdinfo", strconv.Itoa(int(fd))))
		name := rings[i].Name
		if name == "" {
			name = strconv.Itoa(i)
		}
		switch {
		case errors.Is(err, os.ErrNotExist):
			info[name] = "the ring is closed"
		case err != nil:
			info[name] = err.Error()
		default:
			info[name] = string(b)
		}
	}
	return info
}

// sysRq has the kernel print the stacks of what runs (l), what blocks (w) and
// all tasks (t), and takes it out of the kernel log. The console is kept quiet meanwhile: a serial line under
// emulation would take seconds for it.
func sysRq() []string {
	log, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return []string{fmt.Sprintf("no sysrq output: open /dev/kmsg: %v", err)}
	}
	defer unix.Close(log)
	unix.Seek(log, 0, unix.SEEK_END)

	const printk = "/proc/sys/kernel/printk"
	if old, err := os.ReadFile(printk); err == nil {
		if os.WriteFile(printk, []byte("1"), 0) == nil {
			defer os.WriteFile(printk, old, 0)
		}
	}
	var lines []string
	for _, key := range []string{"l", "w", "t"} {
		if err := os.WriteFile("/proc/sysrq-trigger", []byte(key), 0); err != nil {
			lines = append(lines, fmt.Sprintf("sysrq-%s failed: %v", key, err))
		}
		lines = append(lines, readKmsg(log, maxSysRqLines-len(lines))...)
	}
	return lines
}

// readKmsg reads the records that are there now.
func readKmsg(fd, limit int) (lines []string) {
	var b [8192]byte
	for len(lines) < limit {
		n, err := unix.Read(fd, b[:])
		switch {
		case err == unix.EPIPE: // records were overwritten before they were read
			lines = append(lines, "[some lines were lost]")
		case err == unix.EINTR:
		case err != nil || n <= 0:
			return lines
		default:
			lines = append(lines, kmsgText(string(b[:n])))
		}
	}
	return lines
}

// kmsgText turns a record of /dev/kmsg, "prio,seq,usec,flags;text\n key=value…", into a line as dmesg shows it.
func kmsgText(rec string) string {
	head, text, ok := strings.Cut(rec, ";")
	if !ok {
		return strings.TrimSpace(rec)
	}
	text, _, _ = strings.Cut(text, "\n")
	if f := strings.Split(head, ","); len(f) >= 3 {
		if usec, err := strconv.ParseInt(f[2], 10, 64); err == nil {
			return fmt.Sprintf("[%5d.%06d] %s", usec/1e6, usec%1e6, text)
		}
	}
	return text
}

// collect gathers the evidence of a program that does not end. Reading from
// a sick kernel may block for ever, so each part has a bound and what is not
// there by then is missing.
func collect(bound time.Duration, step, pid int, rings []cases.Ring, fds []int32) *cases.HangInfo {
	h := collectTasks(bound, step, pid, rings, fds)
	within(bound, func() func() {
		s := sysRq()
		return func() { h.SysRq = s }
	})
	return h
}

// collectTasks is collect without the kernel's own description.
func collectTasks(bound time.Duration, step, pid int, rings []cases.Ring, fds []int32) *cases.HangInfo {
	h := &cases.HangInfo{Step: step}
	var own, others []cases.TaskStack
	within(bound, func() func() {
		s := taskStacks("/proc", pid)
		return func() { own = s }
	})
	within(bound, func() func() {
		s := ringStacks("/proc", pid)
		return func() { others = s }
	})
	within(bound, func() func() {
		i := ringInfo("/proc", pid, rings, fds)
		return func() { h.FDInfo = i }
	})
	sort.SliceStable(others, func(i, j int) bool { return others[i].PID < others[j].PID })
	h.Stacks = append(own, others...)
	return h
}

// within runs f, and then in the caller's goroutine what f returned, unless f
// takes longer than bound: then f is left to itself.
func within(bound time.Duration, f func() func()) {
	done := make(chan func(), 1)
	go func() {
		// What the kernel shows of a broken task may be anything; a mistake
		// in reading it costs this part, not PID 1.
		defer func() {
			if recover() != nil {
				done <- func() {}
			}
		}()
		done <- f()
	}()
	select {
	case store := <-done:
		store()
	case <-time.After(bound):
	}
}
