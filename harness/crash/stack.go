// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	frameLine = rx(`^\s*(?:\[<[0-9a-fx]+>\]\s*)?(\? )?([A-Za-z_][\w.$]*)\+0x([0-9a-f]+)/0x([0-9a-f]+)(?: \[(\w+)\])?\s*$`)
	ripFrame  = rx(`^\s*RIP: 0010:([A-Za-z_][\w.$]*)\+0x([0-9a-f]+)/0x([0-9a-f]+)(?: \[(\w+)\])?\s*$`)
)

// sections are the lines that begin a stack, with the title it gets.
var sections = []struct {
	re    *regexp.Regexp
	title string
}{
	{rx(`^\s*Call Trace:`), ""},
	{rx(`^(Allocated|Freed) by task \d+`), "$1 by"},
	{rx(`^(Last potentially related work creation|Second to last potentially related work creation):`), "$1"},
	{rx(`^(?:race at unknown origin, with )?(read-write|read|write|assert no accesses|assert no writes)( \(marked\))? to 0x[0-9a-f]+ of (\d+) bytes by `), "$1 of $3 bytes$2"},
	{rx(`^\s*-> #(\d+) \((.+?)\)\{`), "-> #$1 $2"},
	{rx(`^\s*\{(\S+)\} state was registered at:`), "{$1} state was registered at"},
	{rx(`^\s*(hardirqs|softirqs) last +(enabled|disabled) at`), "-"},
	{rx(`^\s*backtrace(?: \(crc \w+\))?:`), ""},
	{rx(`^\s*task:(\S+)\s+state:\S+`), "task $1"},
}

// stacks takes the stacks out of a report's lines.
func stacks(lines []string) []Stack {
	var out []Stack
	var rip *Frame
	open := false
	for _, l := range lines {
		if strings.HasPrefix(l, endTrace) {
			break // the registers come once more
		}
		if m := ripFrame.FindStringSubmatch(l); m != nil {
			f := newFrame(m[1], m[2], m[3], m[4])
			f.Exact = true
			if open && len(out) > 0 {
				out[len(out)-1].Frames = append(out[len(out)-1].Frames, f)
			} else {
				rip = &f
			}
			continue
		}
		if cpuLine.MatchString(l) {
			open = false // a RIP that follows is the first frame of the next stack
		}
		if title, ok := section(l); ok {
			if n := len(out); title == "" && open && n > 0 && len(out[n-1].Frames) == 0 {
				continue // "task:" said whose it is
			}
			s := Stack{Title: title}
			if rip != nil && title == "" {
				s.Frames = append(s.Frames, *rip)
			}
			rip, open = nil, true
			out = append(out, s)
			continue
		}
		if m := frameLine.FindStringSubmatch(l); m != nil && open {
			f := newFrame(m[2], m[3], m[4], m[5])
			f.Guess = m[1] != ""
			s := &out[len(out)-1]
			s.Frames = append(s.Frames, f)
		}
	}
	if rip != nil {
		out = append(out, Stack{Frames: []Frame{*rip}})
	}
	kept := out[:0]
	for _, s := range out {
		if len(s.Frames) > 0 && s.Title != "-" {
			kept = append(kept, s)
		}
	}
	return kept
}

func section(l string) (title string, ok bool) {
	for _, s := range sections {
		if m := s.re.FindStringSubmatch(l); m != nil {
			title = s.title
			for i := 1; i < len(m); i++ {
				title = strings.ReplaceAll(title, "$"+strconv.Itoa(i), m[i])
			}
			return title, true
		}
	}
	return "", false
}

func newFrame(name, offset, size, module string) Frame {
	f := Frame{Func: name, Module: module, Machinery: machinery(name)}
	f.Offset, _ = strconv.ParseUint(offset, 16, 64)
	f.Size, _ = strconv.ParseUint(size, 16, 64)
	return f
}

// ParseStack reads the frames of a stack as /proc/PID/stack shows it, or as
// lines of a call trace. Lines that are no frames are passed over.
func ParseStack(lines []string) []Frame {
	var out []Frame
	for _, l := range lines {
		_, l = stripPrefix(l)
		if m := ripFrame.FindStringSubmatch(l); m != nil {
			f := newFrame(m[1], m[2], m[3], m[4])
			f.Exact = true
			out = append(out, f)
		} else if m := frameLine.FindStringSubmatch(l); m != nil {
			f := newFrame(m[2], m[3], m[4], m[5])
			f.Guess = m[1] != ""
			out = append(out, f)
		} else if m := bareAddress.FindStringSubmatch(l); m != nil {
			f := Frame{Exact: true}
			f.Address, _ = strconv.ParseUint(m[1], 16, 64)
			out = append(out, f)
		}
	}
	return out
}

// bareAddress is how an instruction pointer is given that nobody resolved.
var bareAddress = rx(`^RIP=([0-9a-f]{16})$`)

// Functions that bring a report about, wait, or delay, and those through which
// every system call and probe goes. A bug is not looked for in them.

var machineryPrefixes = []string{
	"dump_stack", "show_", "print_", "report_bug", "handle_bug", "__warn", "warn_slowpath", "panic", "oops_", "__die", "die_", "die.",
	"kasan_", "__kasan_", "__asan_", "__hwasan_", "check_memory_region", "kcsan_", "__tsan_", "__kcsan_", "__ubsan_", "ubsan_",
	"exc_", "asm_exc_", "asm_sysvec_", "sysvec_", "page_fault_", "do_user_addr_fault", "no_context", "bad_area",
	"refcount_warn_saturate", "__list_", "fixup_", "do_error_trap", "do_trap", "math_error",
	"lock_acquire", "__lock_acquire", "lock_release", "lockdep_", "check_noncircular", "check_prev_add", "check_prevs_add", "validate_chain",
	"mark_lock", "mark_usage", "print_lock", "debug_check_no_locks", "reacquire_held", "__lock_", "valid_state", "find_usage",
	"_raw_spin_", "_raw_read_", "_raw_write_", "__raw_spin_", "do_raw_spin_", "queued_spin_", "native_queued_spin_", "rt_spin_",
	"mutex_lock", "__mutex_", "mutex_unlock", "down_", "up_", "rwsem_",
	"__schedule", "schedule", "preempt_schedule", "__cond_resched", "wait_for_completion", "__wait_for", "do_wait_", "io_schedule", "__might_resched", "__might_sleep", "__schedule_bug",
	"delay_", "__delay", "__const_udelay", "__udelay", "udelay_", "mdelay", "native_", "pv_native", "kvm_wait", "__pv_queued",
	"rcu_sched_clock", "rcu_gp_", "rcu_dump", "print_cpu_stall", "check_cpu_stall", "nmi_", "__nmi_", "update_process_times", "tick_", "hrtimer_interrupt", "__hrtimer_run",
	"watchdog_timer_fn", "irq_work_", "end_repeat_nmi", "asm_common_interrupt", "common_interrupt",
	"memcpy", "__memcpy", "memset", "__memset", "memmove", "__memmove", "memcmp", "memscan", "strlen", "strnlen", "string",
	"arch_stack_walk", "stack_trace_", "save_stack", "unwind_", "kfree", "__kmalloc", "kmalloc", "kmem_cache_", "__kmem_cache", "slab_", "__slab_", "___slab_", "poison_", "____kasan",
	"bpf_trampoline", "bpf_trace_run", "__bpf_", "bpf_prog_", "ftrace_", "__traceiter_", "trace_event_", "trace_call_bpf",
	"entry_SYSCALL", "do_syscall_64", "x64_sys_call", "__x64_sys_", "__do_sys_", "__se_sys_", "ret_from_fork", "kthread",
	"rcu_note_context", "msleep", "usleep_range", "syscall_exit_to_user_mode", "exit_to_user_mode", "irqentry_", "should_fail", "fault_", "__should_fail", "bust_spinlocks", "vpanic",
}

func machinery(name string) bool {
	for _, p := range machineryPrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
