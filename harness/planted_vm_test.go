// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/harness/stuck"
)

const planted = "testdata/planted"

// plantedBug is a mistake that a patch of testdata/planted makes, and what a
// program must show of it.
type plantedBug struct {
	patch   string
	program string // of the catalogue, or a file beside the patch
	status  judge.Status
	title   string // regular expression on the first report's title
	line    string // that must be blamed
	by      string // patch that must be blamed for it, if not the planted one
	note    string // part of what the report must explain
	// For hangs: a regular expression on the verdict's reason, and the function
	// that a thread of the program is stuck in, at a line of the patch.
	reason, in string
}

// One kernel per flavour carries all of its bugs; each is reached by its own program.
var plantedBugs = map[string][]plantedBug{
	"fast": {
		{patch: "null-dereference", program: "group-of-one", status: judge.Crash,
			title: `^NULL pointer dereference in io_\w+$`, line: "if (req->grp_link->flags & REQ_F_FAIL)"},
		{patch: "member-waits", program: "member-waits.ring", status: judge.Hang,
			reason: `m1 \(write\) was never issued.*; stuck: @1 leader: poll-armed; @2 m1: never issued`, in: "io_queue_group"},
	},
	"kasan": {
		{patch: "use-after-free", program: "group-linked-member-fails-run", status: judge.Crash,
			title: `^KASAN: slab-use-after-free in io_\w+ \(read of size 4\)$`, line: "*leader->grp_why < 0"},
		{patch: "deadlock", program: "deadlock.ring", status: judge.Crash,
			title: `^lockdep: possible circular locking dependency in io_queue_linked_timeout$`, line: "spin_lock(&ctx->completion_lock);"},
		{patch: "leak", program: "group-drain-leader", status: judge.Crash,
			title: `^memory leak in io_\w+$`, line: "req->grp_seq = kmalloc"},
		{patch: "use-after-recycle", program: "c5-poll-leader", status: judge.Crash,
			title: `^KASAN: slab-use-after-free in io_group_flush \(read of size 8\)$`, line: "req->grp_last->ctx != req->ctx"},
		{patch: "stale-field", program: "group-hardlink-leader-fails", status: judge.Crash,
			title: `^UBSAN: invalid-load in io_\w+$`, line: "leader->grp_failed &&",
			by: "0004-io_uring-cancel-groups-that-were-not-issued.patch", note: "recycle-trap"},
	},
	"kcsan": {
		{patch: "data-race", program: "data-race.ring", status: judge.Crash,
			title: `^KCSAN: data-race in io_\w+ / io_wq_submit_work$`, line: "grp_waiting"},
	},
}

// Each planted bug is reported as what it is, at the right line, in the right patch.
func TestPlantedBugs(t *testing.T) {
	needVM(t)
	for _, flavour := range []string{"fast", "kasan", "kcsan"} {
		t.Run(flavour, func(t *testing.T) {
			needFlavour(t, flavour)
			var patches []string
			for _, b := range plantedBugs[flavour] {
				patches = append(patches, "--patch", filepath.Join(planted, b.patch+".patch"))
			}
			for _, b := range plantedBugs[flavour] {
				t.Run(b.patch, func(t *testing.T) {
					c := runPlanted(t, flavour, patches, &b)
					t.Logf("%s: %s", c.Verdict.Status, c.Verdict.Reason)
					if c.Verdict.Status != b.status {
						t.Errorf("verdict %s (%s), want %s", c.Verdict.Status, c.Verdict.Reason, b.status)
					}
					if b.status == judge.Hang {
						checkHang(t, c, &b)
					} else {
						checkCrash(t, c, &b)
					}
				})
			}
		})
	}
}

// needFlavour skips a flavour that RINGPROOF_FLAVOURS leaves out.
func needFlavour(t *testing.T, flavour string) {
	t.Helper()
	if only := os.Getenv("RINGPROOF_FLAVOURS"); only != "" && !strings.Contains(","+only+",", ","+flavour+",") {
		t.Skipf("RINGPROOF_FLAVOURS is %q", only)
	}
}

func runPlanted(t *testing.T, flavour string, patches []string, b *plantedBug) *report.Case {
	t.Helper()
	file := filepath.Join(planted, b.program)
	if !strings.HasSuffix(file, ".ring") {
		file = filepath.Join("..", "cases", "catalogue", b.program+".ring")
	}
	args := append([]string{"run", "--json", "--confirm", "0", "--out", t.TempDir(), "--series", "v4", "--flavour", flavour}, patches...)
	run := runJSON(t, append(args, file)...)
	if len(run.Cases) != 1 {
		t.Fatalf("%d cases, want 1", len(run.Cases))
	}
	return &run.Cases[0]
}

// runJSON runs the command line and returns the results that it prints.
func runJSON(t *testing.T, args ...string) *report.Run {
	t.Helper()
	status, stdout, stderr := ringproof(t, args...)
	run := new(report.Run)
	if err := json.Unmarshal([]byte(stdout), run); err != nil {
		t.Fatalf("ringproof %s: exit %d, no results: %v\n%s", strings.Join(args, " "), status, err, stderr)
	}
	return run
}

func checkCrash(t *testing.T, c *report.Case, b *plantedBug) {
	if len(c.Crashes) == 0 {
		t.Fatal("no report of the kernel was recognised")
	}
	r := &c.Crashes[0]
	if !regexp.MustCompile(b.title).MatchString(r.Title) || c.Verdict.Reason != r.Title {
		t.Errorf("title %q, reason %q, want %q", r.Title, c.Verdict.Reason, b.title)
	}
	if !strings.Contains(r.Note, b.note) {
		t.Errorf("note %q, want one with %q", r.Note, b.note)
	}
	call := r.Blamed()
	if call == nil {
		t.Fatalf("no line of a patch is on any stack: %+v", r.Stacks)
	}
	t.Logf("%s at %s:%d in %s, %s", r.Title, call.File, call.Line, call.Func, call.Patch)
	if by := cmp.Or(b.by, b.patch+".patch"); call.Patch != by {
		t.Errorf("blamed on %s, want %s", call.Patch, by)
	}
	if call.Source == nil {
		t.Fatalf("in %s:%d without source", call.File, call.Line)
	}
	if got := call.Source.Lines[call.Line-call.Source.First]; !strings.Contains(got, b.line) {
		t.Errorf("line %d is %q, want one with %q", call.Line, got, b.line)
	}
}

func checkHang(t *testing.T, c *report.Case, b *plantedBug) {
	if !regexp.MustCompile(b.reason).MatchString(c.Verdict.Reason) {
		t.Errorf("reason %q, want %q", c.Verdict.Reason, b.reason)
	}
	if c.Stuck == nil || len(c.Stuck.Requests) == 0 {
		t.Fatal("no request is said to be stuck")
	}
	var seen []string
	for _, task := range c.Stuck.Tasks {
		for _, f := range task.Frames {
			for _, call := range f.Calls {
				seen = append(seen, fmt.Sprintf("%s: %s %s:%d %s", task.Role, call.Func, call.File, call.Line, call.Patch))
				if task.Role == stuck.RoleProgram && call.Func == b.in && call.Patch == b.patch+".patch" {
					return
				}
			}
		}
	}
	t.Errorf("no thread of the program is in %s at a line of %s:\n%s", b.in, b.patch, strings.Join(seen, "\n"))
}
