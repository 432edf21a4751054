// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"regexp"
	"strings"
)

// A header is the line that makes a complaint one of a kind.
type header struct {
	kind Kind
	re   *regexp.Regexp
	// what is the title up to the place; "$1" is the first submatch.
	what string
	// in appends " in FUNCTION", the function found in the stack.
	in bool
	// traced: what the kernel says about it ends with "---[ end trace".
	traced bool
}

func rx(s string) *regexp.Regexp { return regexp.MustCompile(s) }

// headers are the kernel's words, as of 6.12. The order matters where one
// line fits several.
var headers = []header{
	{KASAN, rx(`BUG: KASAN: (.+?) in ([\w.]+)(?:\+|\s*$)`), "KASAN: $1 in $2", false, false},
	{KASAN, rx(`BUG: KASAN: (\S+)`), "KASAN: $1", true, false},
	{KCSAN, rx(`BUG: KCSAN: (.+?)\s*$`), "KCSAN: $1", false, false},
	{KFENCE, rx(`BUG: KFENCE: (.+?) in ([\w.]+)`), "KFENCE: $1 in $2", false, false},
	{UBSAN, rx(`UBSAN: (.+?) in \S+:\d+`), "UBSAN: $1", true, true},
	{Refcount, rx(`refcount_t: (.+?)\.?\s*$`), "refcount: $1", true, true},
	{List, rx(`(list_add|list_del|hlist_\w+) corruption`), "list corruption ($1)", true, true},
	{Lockdep, rx(`WARNING: possible circular locking dependency detected`), "lockdep: possible circular locking dependency", true, false},
	{Lockdep, rx(`WARNING: possible recursive locking detected`), "lockdep: possible recursive locking", true, false},
	{Lockdep, rx(`WARNING: possible irq lock inversion`), "lockdep: possible irq lock inversion", true, false},
	{Lockdep, rx(`WARNING: (.*-safe -> .*-unsafe lock order) detected`), "lockdep: $1", true, false},
	{Lockdep, rx(`WARNING: inconsistent lock state`), "lockdep: inconsistent lock state", true, false},
	{Lockdep, rx(`WARNING: bad unlock balance detected`), "lockdep: bad unlock balance", true, false},
	{Lockdep, rx(`WARNING: (suspicious RCU usage|held lock freed|lock held when returning to user space|Nested lock was not taken|possible .*?)[!\s]*$`), "lockdep: $1", true, false},
	{Lockdep, rx(`\[ BUG: (Invalid wait context) \]`), "lockdep: $1", true, false},
	{Lockdep, rx(`INFO: (trying to register non-static key)`), "lockdep: $1", true, false},
	{Lockdep, rx(`DEBUG_LOCKS_WARN_ON`), "lockdep: DEBUG_LOCKS_WARN_ON", true, true},
	{HungTask, rx(`INFO: task \S+ (blocked for more than|blocked on)`), "hung task", true, false},
	{SoftLockup, rx(`watchdog: BUG: soft lockup`), "soft lockup", true, false},
	{HardLockup, rx(`(?i)watchdog: .*hard lockup`), "hard lockup", true, false},
	{Workqueue, rx(`BUG: workqueue lockup`), "workqueue lockup", false, false},
	{RCUStall, rx(`rcu: INFO: .*(?:self-detected stall|detected stalls|detected expedited stalls)`), "RCU stall", true, false},
	{Atomic, rx(`BUG: sleeping function called from invalid context`), "sleeping in atomic context", true, false},
	{Atomic, rx(`BUG: scheduling while atomic`), "scheduling while atomic", true, false},
	{Oops, rx(`BUG: kernel NULL pointer dereference`), "NULL pointer dereference", true, true},
	{Oops, rx(`BUG: unable to handle page fault`), "page fault", true, true},
	{Oops, rx(`BUG: (?:TASK |IRQ )?stack guard page was hit|kernel stack overflow`), "stack overflow", true, true},
	{Bug, rx(`kernel BUG at \S+?:\d+`), "kernel BUG", true, true},
	{Slab, rx(`BUG \S+ .*: (Object already free|Freelist Pointer check fails|[\w ]*overwritten|Wrong slab page|Invalid object pointer|Object padding overwritten)`), "slab corruption: $1", true, false},
	{BadPage, rx(`BUG: Bad (page \S+|rss-counter state|page state)`), "bad page", true, false},
	{Leak, rx(`kmemleak: \d+ new suspected memory leaks`), "memory leak", true, false},
	{Leak, rx(`unreferenced object 0x`), "memory leak", true, false},
	{Warning, rx(`WARNING: CPU: \d+ PID: \d+ at \S+?:\d+ ([\w.]+)`), "WARNING in $1", false, true},
	{Warning, rx(`WARNING: (?:CPU: \d+ PID: \d+ at )?\S+?:\d+(?: at ([\w./]+))?`), "WARNING", true, true},
	{Oops, rx(`Oops: (general protection fault)`), "$1", true, true},
	{Oops, rx(`Oops: (divide error|invalid opcode|int3|stack guard page|stack segment|alignment check|double fault|[\w ]+?): [0-9a-fA-F]{4}`), "$1", true, true},
	{Oops, rx(`general protection fault.*: [0-9a-fA-F]{4} \[#`), "general protection fault", true, true},
	{Oops, rx(`Oops: [0-9a-fA-F]{4}|Internal error: Oops`), "oops", true, true},
	{Bug, rx(`\bBUG: (.+?)\s*$`), "BUG: $1", false, false},
	{Unknown, rx(`^WARNING: (.+?)\s*$`), "warning: $1", false, false},
	{Panic, rx(`Kernel panic - not syncing: (.+?)\s*$`), "panic: $1", false, false},
}

// mayComplain are pieces of which one is in every header: most lines are done
// with a few substring searches.
var mayComplain = []string{"BUG", "WARN", "UBSAN", "refcount_t", "corruption", "INFO: ", "general protection",
	"Oops", "panic", "kmemleak", "unreferenced object", "lockup", "stack overflow"}

// matchHeader returns what a line begins, and its submatches.
func matchHeader(text string) (*header, []string) {
	hit := false
	for _, piece := range mayComplain {
		if strings.Contains(text, piece) {
			hit = true
			break
		}
	}
	if !hit {
		return nil, nil
	}
	for i := range headers {
		if m := headers[i].re.FindStringSubmatch(text); m != nil {
			return &headers[i], m
		}
	}
	return nil, nil
}

// consequence are panics that follow from a complaint and are none of their own.
var consequence = rx(`not syncing: (Fatal |softlockup|hung_task|Hard LOCKUP|hardlockup|RCU Stall|\S+: panic_on_|panic_on_|kernel: panic_on_|kasan\.fault|KASAN|UBSAN|Attempted to kill init|corrupted stack|Aiee)`)

// absorbs tells whether a header within an open report is part of it.
func (b *building) absorbs(h *header, text string) bool {
	near := len(b.report.Lines) <= 8
	switch h.kind {
	case Panic:
		return consequence.MatchString(text)
	case Oops:
		return near && (b.head.kind == Oops || b.head.kind == Bug || b.head.kind == List) && strings.Contains(text, "Oops:")
	case Bug, Warning:
		// The list and refcount checks say what is wrong and then call BUG() or WARN().
		return near && (b.head.kind == List || b.head.kind == Refcount || b.head.what == "lockdep: DEBUG_LOCKS_WARN_ON")
	case RCUStall:
		return b.head.kind == RCUStall && !b.closed
	case Lockdep, Unknown:
		return near && b.head.kind == Lockdep && !b.closed
	case Leak:
		return b.head.kind == Leak && len(b.report.Stacks) == 0 && strings.Contains(b.report.Lines[len(b.report.Lines)-1], "kmemleak:")
	}
	return false
}
