// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/vm/wire"
)

// The built-in shell only looks. Its commands read from root, "/" but in tests.

type command struct {
	name, args, about string
	run               func(w io.Writer, root string, args []string) error
}

// maxOutput bounds one answer in bytes.
const maxOutput = 1 << 20

func commands() []command {
	return []command{
		{"ls", "[PATH…]", "list files", cmdLs},
		{"cat", "FILE…", "show files", cmdCat},
		{"ps", "", "all tasks: TID, process, state, name, where it waits", cmdPs},
		{"stacks", "PID", "kernel stacks of a process's threads", cmdStacks},
		{"rings", "", "every open ring with its fdinfo", cmdRings},
		{"dmesg", "[N]", "the kernel log, or its last N lines", cmdDmesg},
		{"mounts", "", "what is mounted where", cmdMounts},
		{"free", "", "memory in use", cmdFree},
		{"leaks", "", "memory that nothing refers to, by kmemleak; takes seconds", cmdLeaks},
	}
}

// shell answers a command line of the host. Commands run beside PID 1's work, as a
// read from a broken kernel may block.
func (g *guest) shell(line string) {
	if strings.TrimSpace(line) == "agent" {
		g.out.send(&wire.ShellOutput{Text: g.sched.state()})
		return
	}
	g.spawn(func() { g.out.send(shellOutput("/", line)) })
}

func shellOutput(root, line string) *wire.ShellOutput {
	var b strings.Builder
	out := &wire.ShellOutput{}
	if err := shellLine(&b, root, line); err != nil {
		out.Err = err.Error()
	}
	out.Text = b.String()
	if len(out.Text) > maxOutput {
		out.Text = out.Text[:maxOutput] + "\n[cut]\n"
	}
	return out
}

func shellLine(w io.Writer, root, line string) error {
	f := strings.Fields(line)
	if len(f) == 0 {
		return nil
	}
	for _, c := range commands() {
		if c.name == f[0] {
			return c.run(w, root, f[1:])
		}
	}
	if f[0] != "help" {
		return fmt.Errorf("no command %q: try help", f[0])
	}
	for _, c := range commands() {
		fmt.Fprintf(w, "%-16s %s\n", strings.TrimSpace(c.name+" "+c.args), c.about)
	}
	fmt.Fprintf(w, "%-16s %s\n", "agent", "what PID 1 has on its way")
	return nil
}

func cmdLs(w io.Writer, root string, args []string) error {
	if len(args) == 0 {
		args = []string{"/"}
	}
	for _, a := range args {
		path := filepath.Join(root, a)
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			lsLine(w, info)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				lsLine(w, info)
			}
		}
	}
	return nil
}

func lsLine(w io.Writer, info fs.FileInfo) {
	fmt.Fprintf(w, "%s %9d %s\n", info.Mode(), info.Size(), info.Name())
}

func cmdCat(w io.Writer, root string, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("cat: name a file")
	}
	for _, a := range args {
		f, err := os.Open(filepath.Join(root, a))
		if err != nil {
			return err
		}
		_, err = io.Copy(w, io.LimitReader(f, maxOutput))
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func cmdPs(w io.Writer, root string, _ []string) error {
	dirs, _ := filepath.Glob(filepath.Join(root, "proc", "[0-9]*", "task", "[0-9]*"))
	id := func(p string) int { n, _ := strconv.Atoi(filepath.Base(p)); return n }
	sort.Slice(dirs, func(i, j int) bool { return id(dirs[i]) < id(dirs[j]) })
	for _, d := range dirs {
		t := taskStack(d, id(d))
		fmt.Fprintf(w, "%6d %6s %-16s %s\n", t.PID, filepath.Base(filepath.Dir(filepath.Dir(d))), t.Comm, t.State)
	}
	return nil
}

func cmdStacks(w io.Writer, root string, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("stacks: name one PID")
	}
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("stacks: %q is no PID", args[0])
	}
	stacks := taskStacks(filepath.Join(root, "proc"), pid)
	if len(stacks) == 0 {
		return fmt.Errorf("stacks: there is no process %d", pid)
	}
	for _, t := range stacks {
		fmt.Fprintf(w, "%d %s %s\n", t.PID, t.Comm, t.State)
		for _, l := range t.Stack {
			fmt.Fprintf(w, "  %s\n", l)
		}
	}
	return nil
}

func cmdRings(w io.Writer, root string, _ []string) error {
	fds, _ := filepath.Glob(filepath.Join(root, "proc", "[0-9]*", "fd", "[0-9]*"))
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err != nil || to != "anon_inode:[io_uring]" {
			continue
		}
		pid := filepath.Dir(filepath.Dir(fd))
		fmt.Fprintf(w, "process %s, descriptor %s\n", filepath.Base(pid), filepath.Base(fd))
		b, err := os.ReadFile(filepath.Join(pid, "fdinfo", filepath.Base(fd)))
		if err != nil {
			fmt.Fprintf(w, "  %v\n", err)
		}
		for l := range strings.Lines(string(b)) {
			fmt.Fprintf(w, "  %s", l)
		}
	}
	return nil
}

func cmdDmesg(w io.Writer, root string, args []string) error {
	limit := 0
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return fmt.Errorf("dmesg: %q is no number of lines", args[0])
		}
		limit = n
	}
	fd, err := unix.Open(filepath.Join(root, "dev/kmsg"), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("dmesg: open /dev/kmsg: %w", err)
	}
	defer unix.Close(fd)
	lines := readKmsg(fd, 1<<16)
	if limit > 0 && len(lines) > limit {
		lines = lines[len(lines)-limit:]
	}
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
	return nil
}

func cmdMounts(w io.Writer, root string, _ []string) error {
	return cmdCat(w, root, []string{"proc/self/mounts"})
}

func cmdFree(w io.Writer, root string, _ []string) error {
	b, err := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	if err != nil {
		return err
	}
	for l := range strings.Lines(string(b)) {
		switch key, _, _ := strings.Cut(l, ":"); key {
		case "MemTotal", "MemFree", "MemAvailable", "Cached", "Shmem", "Slab", "SUnreclaim", "KernelStack":
			fmt.Fprint(w, l)
		}
	}
	return nil
}
