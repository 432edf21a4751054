// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"regexp"
	"strings"
)

// complaint recognises one kind of kernel complaint. Its first submatch, if
// there is one, names the place and is appended to the title.
type complaint struct {
	title string
	re    *regexp.Regexp
}

// The order matters where one line fits several.
var complaints = []complaint{
	{"KASAN", regexp.MustCompile(`BUG: KASAN: (\S+(?: \S+)*? in [\w.]+)`)},
	{"KASAN", regexp.MustCompile(`BUG: KASAN: (\S+)`)},
	{"KCSAN", regexp.MustCompile(`BUG: KCSAN: (.+?)\s*$`)},
	{"KFENCE", regexp.MustCompile(`BUG: KFENCE: (.+?)(?:\+0x|\s*$)`)},
	{"UBSAN", regexp.MustCompile(`UBSAN: (.+?)\s*$`)},
	{"refcount_t", regexp.MustCompile(`refcount_t: (.+?)\.?\s*$`)},
	{"list corruption", regexp.MustCompile(`list_(add|del) corruption`)},
	{"lockdep: possible circular locking dependency", regexp.MustCompile(`WARNING: possible circular locking dependency detected`)},
	{"lockdep: possible recursive locking", regexp.MustCompile(`WARNING: possible recursive locking detected`)},
	{"lockdep: inconsistent lock state", regexp.MustCompile(`WARNING: inconsistent lock state`)},
	{"lockdep: bad unlock balance", regexp.MustCompile(`WARNING: bad unlock balance detected`)},
	{"lockdep", regexp.MustCompile(`WARNING: (possible .*|suspicious RCU usage|held lock freed!|lock held when returning to user space!|Nested lock was not taken)`)},
	{"lockdep", regexp.MustCompile(`(INFO: trying to register non-static key|DEBUG_LOCKS_WARN_ON)`)},
	{"hung task", regexp.MustCompile(`INFO: task (\S+?):\d+ blocked for more than`)},
	{"RCU stall", regexp.MustCompile(`rcu: INFO: .*(?:self-detected stall|detected stalls|detected expedited stalls)`)},
	{"soft lockup", regexp.MustCompile(`watchdog: BUG: soft lockup`)},
	{"hard lockup", regexp.MustCompile(`(?i)watchdog: .*hard lockup`)},
	{"sleeping in atomic context", regexp.MustCompile(`BUG: (?:sleeping function called from invalid context|scheduling while atomic)`)},
	{"NULL pointer dereference", regexp.MustCompile(`BUG: kernel NULL pointer dereference`)},
	{"page fault", regexp.MustCompile(`BUG: unable to handle page fault`)},
	{"general protection fault", regexp.MustCompile(`(?:Oops: )?general protection fault`)},
	{"stack overflow", regexp.MustCompile(`BUG: (?:TASK )?stack guard page was hit|kernel stack overflow`)},
	{"kernel BUG", regexp.MustCompile(`kernel BUG at (\S+?:\d+)`)},
	{"slab corruption", regexp.MustCompile(`BUG \S+ .*: (Object already free|Freelist Pointer check fails|.*overwritten|Wrong slab page)`)},
	{"leak", regexp.MustCompile(`kmemleak: \d+ new suspected memory leaks`)},
	{"WARN", regexp.MustCompile(`WARNING: CPU: \d+ PID: \d+ at (\S+?:\d+)`)},
	{"WARN", regexp.MustCompile(`WARNING: (\S+?:\d+) at `)},
	{"Oops", regexp.MustCompile(`Oops: [0-9a-fA-F]{4}|Internal error: Oops`)},
	{"bad page", regexp.MustCompile(`BUG: Bad (page \S+|rss-counter state|page state)`)},
	{"BUG", regexp.MustCompile(`\bBUG: (.+?)\s*$`)},
	{"panic", regexp.MustCompile(`Kernel panic - not syncing: (.+?)\s*$`)},
}

// mayComplain are pieces of which one is in every complaint: most lines are
// done with a few substring searches.
var mayComplain = []string{"BUG", "WARN", "UBSAN", "refcount_t", "corruption", "INFO: ", "general protection", "Oops", "panic", "kmemleak", "lockup", "stack overflow"}

var (
	position = regexp.MustCompile(`\+0x[0-9a-f]+/0x[0-9a-f]+|\b[0-9a-f]{16}\b`)
	duration = regexp.MustCompile(`\b\d+s\b`)
)

// Complaint finds the first kernel complaint in console lines and gives it a
// title which is the same each time the same trouble shows: it holds no
// address, process or time, but the function where that is known.
func Complaint(lines []string) (title string, ok bool) {
	for k, line := range lines {
		title, place := match(line)
		if title == "" {
			continue
		}
		if place != "" {
			title += ": " + place
		}
		return title + faultingFunction(title, lines[k+1:]), true
	}
	return "", false
}

var instruction = regexp.MustCompile(`RIP: [0-9a-fA-F]{4}:([\w.]+)\+0x`)

// faultingFunction finds " in FUNCTION" in the register dump that follows an exception.
func faultingFunction(title string, lines []string) string {
	const reach = 60 // lines between an exception's first line and its registers
	if strings.Contains(title, " in ") {
		return ""
	}
	for _, line := range lines[:min(reach, len(lines))] {
		if m := instruction.FindStringSubmatch(line); m != nil {
			return " in " + m[1]
		}
	}
	return ""
}

func match(line string) (title, place string) {
	hit := false
	for _, piece := range mayComplain {
		if strings.Contains(line, piece) {
			hit = true
			break
		}
	}
	if !hit {
		return "", ""
	}
	for i := range complaints {
		m := complaints[i].re.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if len(m) > 1 {
			place = strings.TrimSpace(duration.ReplaceAllString(position.ReplaceAllString(m[1], ""), "Ns"))
		}
		return complaints[i].title, place
	}
	return "", ""
}
