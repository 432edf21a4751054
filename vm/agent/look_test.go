// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/cases"
)

func itoa(n int) string { return strconv.Itoa(n) }

// fakeRoot is a guest's /proc with a program's process, its io-wq worker, a
// kworker that tears a ring down, and one that does not.
func fakeRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{
		"proc/50/task/50/comm":  "ringproof-worker\n",
		"proc/50/task/50/stat":  "50 (a) b) S 1 50\n",
		"proc/50/task/50/wchan": "pipe_read",
		"proc/50/task/50/stack": "[<0>] pipe_read+0x1\n[<0>] vfs_read+0x2\n",
		"proc/50/task/61/comm":  "iou-wrk-50\n",
		"proc/50/task/61/stat":  "61 (iou-wrk-50) D 1 50\n",
		"proc/50/fdinfo/6":      "SqMask:\t0x3\n",
		"proc/12/task/12/comm":  "kworker/u8:1\n",
		"proc/12/task/12/stat":  "12 (kworker/u8:1) D 2 0\n",
		"proc/12/task/12/stack": "[<0>] io_ring_exit_work+0x5\n",
		"proc/13/task/13/comm":  "kworker/u8:2\n",
		"proc/13/task/13/stack": "[<0>] worker_thread+0x5\n",
		"proc/meminfo":          "MemTotal: 5 kB\nDirty: 1 kB\n",
		"proc/self/mounts":      "proc /proc proc rw 0 0\n",
	} {
		p := filepath.Join(root, path)
		os.MkdirAll(filepath.Dir(p), 0o755)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	os.MkdirAll(filepath.Join(root, "proc/50/fd"), 0o755)
	os.Symlink("anon_inode:[io_uring]", filepath.Join(root, "proc/50/fd/6"))
	os.Symlink("/dev/null", filepath.Join(root, "proc/50/fd/1"))
	return root
}

func TestStacks(t *testing.T) {
	proc := filepath.Join(fakeRoot(t), "proc")
	own := taskStacks(proc, 50)
	if len(own) != 2 || own[0].Comm != "ringproof-worker" || own[0].State != "S in pipe_read" || len(own[0].Stack) != 2 || own[1].Comm != "iou-wrk-50" {
		t.Errorf("stacks of the process: %+v", own)
	}
	others := ringStacks(proc, 50)
	if len(others) != 1 || others[0].PID != 12 {
		t.Errorf("stacks of others that have to do with rings: %+v", others)
	}
	if gone := taskStacks(proc, 99); len(gone) != 0 {
		t.Errorf("stacks of no process: %+v", gone)
	}
}

func TestRingInfo(t *testing.T) {
	proc := filepath.Join(fakeRoot(t), "proc")
	info := ringInfo(proc, 50, []cases.Ring{{Name: "main"}, {}}, []int32{6, 7, 8})
	if len(info) != 2 || info["main"] != "SqMask:\t0x3\n" || info["1"] != "the ring is closed" {
		t.Errorf("%q", info)
	}
}

func TestKmsgText(t *testing.T) {
	for _, c := range []struct{ rec, want string }{
		{"6,339,5140900,-;NET: Registered\n SUBSYSTEM=x\n", "[    5.140900] NET: Registered"},
		{"4,1,0,c,caller=T1;a; b\n", "[    0.000000] a; b"},
		{"odd;text\n", "text"},
		{"nothing", "nothing"},
	} {
		if got := kmsgText(c.rec); got != c.want {
			t.Errorf("%q became %q, want %q", c.rec, got, c.want)
		}
	}
}

func TestWithinGivesUp(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	within(time.Millisecond, func() func() {
		<-never
		return func() { t.Error("stored after the bound") }
	})
	within(time.Minute, func() func() { panic("odd text") })
	stored := false
	within(time.Minute, func() func() { return func() { stored = true } })
	if !stored {
		t.Error("what came in time was not stored")
	}
}

func TestShell(t *testing.T) {
	root := fakeRoot(t)
	for _, c := range []struct{ line, want, err string }{
		{"", "", ""},
		{"help", "kernel stacks of a process's threads", ""},
		{"ls /proc/50", "fdinfo", ""},
		{"cat /proc/meminfo", "Dirty", ""},
		{"cat", "", "name a file"},
		{"cat /nowhere", "", "no such file"},
		{"ps", "iou-wrk-50", ""},
		{"stacks 50", "pipe_read+0x1", ""},
		{"stacks 99", "", "no process 99"},
		{"stacks me", "", "no PID"},
		{"rings", "process 50, descriptor 6\n  SqMask", ""},
		{"mounts", "proc /proc", ""},
		{"free", "MemTotal", ""},
		{"dmesg x", "", "no number of lines"},
		{"rm -rf /", "", `no command "rm"`},
	} {
		out := shellOutput(root, c.line)
		if !strings.Contains(out.Text, c.want) || !strings.Contains(out.Err, c.err) || (c.err == "") != (out.Err == "") {
			t.Errorf("%q: text %q, error %q; want %q and %q", c.line, out.Text, out.Err, c.want, c.err)
		}
	}
}

func TestDescribeGuest(t *testing.T) {
	needUring(t)
	info := describeGuest(selfExe, 1)
	if info.Release == "" || info.CPUs == 0 || info.MemMB == 0 || info.Features == 0 || len(info.Ops) == 0 {
		t.Errorf("%+v", info)
	}
	if info.Groups == strings.Contains(info.GroupsWhy, "EINVAL") {
		t.Errorf("Groups %v because %q", info.Groups, info.GroupsWhy)
	}
}

// A trial that tells nothing must not make every program with groups a skip.
func TestDescribeGuestWithoutTrial(t *testing.T) {
	needUring(t)
	info := describeGuest("/bin/false", 1)
	if !info.Groups || !info.NopInject || !strings.Contains(info.GroupsWhy, "did not tell") {
		t.Errorf("Groups %v, NopInject %v because %q", info.Groups, info.NopInject, info.GroupsWhy)
	}
}

func TestJudgeGroups(t *testing.T) {
	leader := func(res int32) cases.CQE { return cases.CQE{UserData: 1, Res: res} }
	member := cases.CQE{UserData: 2}
	for _, c := range []struct {
		name string
		cqes []cases.CQE
		want bool
		why  string
	}{
		{"refused", []cases.CQE{leader(int32(einval))}, false, "refused"},
		{"a group", []cases.CQE{member, leader(0)}, true, "member 0, leader 0"},
		// A kernel that gets groups wrong has them: it must be tested, not skipped.
		{"leader first", []cases.CQE{leader(0), member}, true, "leader 0, member 0"},
		{"leader lost", []cases.CQE{member}, true, "its leader did not"},
		{"nothing came", nil, true, "did not complete"},
	} {
		if got, why := judgeGroups(c.cqes); got != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%s: %v, %q", c.name, got, why)
		}
	}
}
