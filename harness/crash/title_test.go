// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"slices"
	"strings"
	"testing"
)

// Words of the kernel that the logs of testdata do not hold.
func TestTitles(t *testing.T) {
	for _, tt := range []struct{ lines, title string }{
		{"[ 1.0] Linux version 6.12.117\n[ 1.1] random: crng init done", ""},
		{"[ 9.1] BUG: KASAN: slab-use-after-free in io_poll_check_events+0x29a/0x6d0\n[ 9.2] Write of size 8 at addr ffff888004b6c0d8 by task repro/141",
			"KASAN: slab-use-after-free in io_poll_check_events (write of size 8)"},
		{"[ 9.1] BUG: KASAN: double-free in io_foo.isra.0+0x1/0x2", "KASAN: double-free in io_foo"},
		{"[ 9.1] BUG: KASAN: double-free in io_foo__m17.isra.0+0x1/0x2", "KASAN: double-free in io_foo"},
		{"[ 6.0] BUG: kernel NULL pointer dereference, address: 0\n[ 6.0] RIP: 0010:io_foo__as_is+0x1/0x2", "NULL pointer dereference in io_foo"},
		{"BUG: KCSAN: data-race in io_wq_worker_cancel / io_wq_worker_running", "KCSAN: data-race in io_wq_worker_cancel / io_wq_worker_running"},
		{"[ 5.0] WARNING: possible recursive locking detected\n[ 5.1] Call Trace:\n[ 5.1]  dump_stack_lvl+0x1/0x2\n[ 5.2]  lock_acquire+0x1/0x2\n[ 5.2]  io_foo+0x1/0x2",
			"lockdep: possible recursive locking in io_foo"},
		{"[ 5.0] BUG: scheduling while atomic: worker/141/0x00000002", "scheduling while atomic"},
		{"[ 5.0] INFO: task iou-wrk-141:142 blocked for more than 30 seconds.", "hung task"},
		{"[ 5.0] BUG: Bad page state in process repro  pfn:04b6c", "bad page"},
		{"[ 5.0] BUG kmalloc-64 (Not tainted): Object already free", "slab corruption: Object already free"},
		{"[ 5.0] BUG: something new at ffff888004b6c0d8 on CPU#1", "BUG: something new at ADDR on CPU#N"},
		{"[ 5.0] Kernel panic - not syncing: lost 17 marbles at 0xffff888004b6c0d8", "panic: lost N marbles at ADDR"},
		{"[ 5.0] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)", "memory leak"},
		{"[ 5.0] sysrq: Show backtrace of all active CPUs\n[ 5.0] NMI backtrace for cpu 1\n[ 5.0] CPU: 1 UID: 0 PID: 0 Comm: swapper/1\n[ 5.0] Call Trace:\n[ 5.1]  default_idle+0x1/0x2\n[ 5.2]  </TASK>", ""},
		{"[ 5.0] sched_ext: BPF scheduler \"ringproof\" disabled (runnable task stall)\n[ 5.0] sched_ext: ringproof: ringproof-worker[141] failed to run for 30.016s\n[ 5.0]    scx_watchdog_workfn+0x1/0x2\n[ 5.0]    process_one_work+0x1/0x2", ""},
		{"[ 5.0] BUG: kernel NULL pointer dereference, address: 0\n[ 5.0] CPU: 1 UID: 0 PID: 141 Comm: ringproof-worker\n[ 5.0] Sched_ext: ringproof (enabled), task: runnable_at=-4ms\n[ 5.0] RIP: 0010:io_foo+0x1/0x2", "NULL pointer dereference in io_foo"},
		{"[ 5.0] sysrq: Show State\n[ 6.0] BUG: kernel NULL pointer dereference, address: 0\n[ 6.0] RIP: 0010:io_foo+0x1/0x2", "NULL pointer dereference in io_foo"},
		{"[ 5.0] Call Trace:\n[ 5.1]  <TASK>\n[ 5.1]  dump_stack_lvl+0x1/0x2\n[ 5.2]  io_foo+0x1/0x2\n[ 5.2]  </TASK>", "stack dump in io_foo"},
	} {
		got, ok := Title(strings.Split(tt.lines, "\n"))
		if got != tt.title || ok != (tt.title != "") {
			t.Errorf("%q\ngot  %q (%v)\nwant %q", tt.lines, got, ok, tt.title)
		}
	}
}

// Two reports of two CPUs, line by line in turns: where printk names the
// caller they come apart without a guess.
func TestInterleavedWithCallers(t *testing.T) {
	a := Parse(readLog(t, "testdata/fast-list-del.log"))
	b := Parse(readLog(t, "testdata/fast-null-deref.log"))
	var mixed []string
	left, right := readLog(t, "testdata/fast-list-del.log"), readLog(t, "testdata/fast-null-deref.log")
	for i := range max(len(left), len(right)) {
		for k, lines := range [][]string{left, right} {
			if i < len(lines) {
				mixed = append(mixed, strings.Replace(lines[i], "] ", []string{"][   T53] ", "][    C1] "}[k], 1))
			}
		}
	}
	got := Parse(mixed)
	if len(got) != 2 || !slices.Equal(got[0].Lines, a[0].Lines) || !slices.Equal(got[1].Lines, b[0].Lines) {
		t.Errorf("got\n%s\nwant\n%s%s", render(got), render(a), render(b))
	}
}

// A report that is cut off anywhere keeps its kind, and says that it is cut
// until its end is there.
func TestTruncated(t *testing.T) {
	lines := readLog(t, "testdata/fast-list-del.log")
	for n := 1; n <= len(lines); n++ {
		got := Parse(lines[:n])
		if len(got) != 1 || got[0].Kind != List {
			t.Fatalf("after %d lines: %s", n, render(got))
		}
		if ended := strings.Contains(strings.Join(lines[:n], "\n"), endTrace); got[0].Cut == ended {
			t.Errorf("after %d lines: cut %v", n, got[0].Cut)
		}
	}
}

func TestLastWords(t *testing.T) {
	for _, tt := range []struct {
		lines []string
		kind  Kind
		title string
	}{
		{nil, Silence, "the kernel died without a word"},
		{[]string{"", "[ 1.0] "}, Silence, "the kernel died without a word"},
		{readLog(t, "testdata/fast-unknown.log"), Unknown, "the kernel died; its last words: nop: the hamster has left the wheel"},
	} {
		if got := LastWords(tt.lines); got.Kind != tt.kind || got.Title != tt.title {
			t.Errorf("got %s %q, want %s %q", got.Kind, got.Title, tt.kind, tt.title)
		}
	}
}

// Whatever a sick kernel prints, reading it neither fails nor takes long.
func FuzzParse(f *testing.F) {
	f.Add("[ 1.0] BUG: KASAN: x in y\n====================\nCall Trace:\n f+0x1/0x2\n</TASK>")
	f.Add(cutHere + "\nWARNING: CPU: 1 PID: 2 at a.c:3 f+0x1/0x2\nRIP: 0010:f+0x1/0x2\n" + endTrace)
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Parse(strings.Split(s, "\n")) {
			if r.Title == "" || len(r.Lines) == 0 {
				t.Errorf("a report without title or lines: %+v", r)
			}
		}
	})
}
