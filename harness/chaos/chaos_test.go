// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm/wire"
)

var someLimits = Limits{Programs: 8, Faults: 6, LongestStop: 6 * time.Second, LongestDelay: 3 * time.Second, Disks: true}

func TestPlanComesAgain(t *testing.T) {
	kinds := map[Kind]int{}
	for seed := range uint64(300) {
		plan := Plan(seed, someLimits)
		if d := cmp.Diff(plan, Plan(seed, someLimits)); d != "" {
			t.Fatalf("seed %d gives another plan the second time:\n%s", seed, d)
		}
		if len(plan) == 0 || len(plan) > someLimits.Faults {
			t.Errorf("seed %d: %d faults", seed, len(plan))
		}
		for _, f := range plan {
			kinds[f.Kind]++
			if f.N < 1 || f.On == "" || f.For > someLimits.LongestStop {
				t.Errorf("seed %d: %+v", seed, f)
			}
		}
	}
	for _, k := range []Kind{Kill, Term, Stop, FrameFlip, FrameCut, FrameLost, FrameTwice, FrameLength, FrameGarbage, FrameLate, FrameTrickle,
		SnapFlip, SnapCut, SnapGone, SnapForeign, DiskFull} {
		if kinds[k] == 0 {
			t.Errorf("no plan of 300 has the fault %q", k)
		}
	}
	only := someLimits
	only.Only = []Kind{SnapFlip}
	for seed := range uint64(20) {
		for _, f := range Plan(seed, only) {
			if f.Kind != SnapFlip {
				t.Fatalf("seed %d: %s, wanted is %s only", seed, f.Kind, SnapFlip)
			}
		}
	}
	without := someLimits
	without.Disks = false
	for seed := range uint64(300) {
		for _, f := range Plan(seed, without) {
			if f.Kind == DiskFull {
				t.Fatalf("seed %d fills a disk where none can be filled", seed)
			}
		}
	}
}

// frames is what a side of a channel sends.
func frames(t *testing.T, msgs ...any) []byte {
	t.Helper()
	near, far := net.Pipe()
	c := wire.NewConn(near)
	go func() {
		defer near.Close()
		for _, m := range msgs {
			if err := c.Send(m); err != nil {
				t.Error(err)
			}
		}
	}()
	b, err := io.ReadAll(far)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What happens to a frame never makes another message of it: what follows is
// an error, or the very same messages.
func TestDamageIsNoticed(t *testing.T) {
	ran := &wire.Ran{ID: 2, Outcome: cases.Outcome{End: cases.EndDone, CQEs: []cases.CQE{{UserData: 1}, {UserData: 2, Res: 3}}}}
	msgs := []any{&wire.Log{Text: "before"}, ran, &wire.Pong{Nonce: 1}, &wire.Pong{Nonce: 2}}
	all := frames(t, msgs...)
	first, rest := wire.NextFrame(all)
	second, rest := wire.NextFrame(rest)
	for _, kind := range []Kind{FrameFlip, FrameCut, FrameLost, FrameTwice, FrameLength, FrameGarbage} {
		t.Run(string(kind), func(t *testing.T) {
			noticed := 0
			for seed := range uint64(200) {
				damaged := mangle(Fault{Kind: kind, Seed: seed}, second)
				in, out := net.Pipe()
				go func() {
					out.Write(bytes.Join([][]byte{first, damaged, rest}, nil))
					out.Close()
				}()
				c := wire.NewHostConn(in)
				for i := 0; ; i++ {
					m, err := c.Recv()
					if err == nil {
						if d := cmp.Diff(msgs[i], m); d != "" {
							t.Fatalf("seed %d: message %d became another one:\n%s", seed, i, d)
						}
						continue
					}
					if err != io.EOF {
						noticed++
					} else if i != len(msgs) {
						t.Errorf("seed %d: %d messages of %d came, and no error", seed, i, len(msgs))
					}
					break
				}
				in.Close()
			}
			// A flip in the length may be undone by another one only; the same length may be announced again.
			if noticed < 100 {
				t.Errorf("%d of 200 were noticed: the fault does nothing", noticed)
			}
		})
	}
}

// A channel without faults passes on everything, whatever pieces it comes in.
func TestLineIsTransparent(t *testing.T) {
	near, far := net.Pipe()
	c := New(nil)
	l := c.Channel(0, near)
	msgs := []any{&wire.Log{Text: strings.Repeat("x", 100000)}, &wire.Pong{Nonce: 1}, &wire.Log{Text: "y"}}
	all := frames(t, msgs...)
	go func() {
		for len(all) > 0 {
			n := min(len(all), 7777)
			far.Write(all[:n])
			all = all[n:]
		}
		far.Write([]byte("half"))
		far.Close()
	}()
	host := wire.NewHostConn(l)
	for _, want := range msgs {
		if m, err := host.Recv(); err != nil || !cmp.Equal(want, m) {
			t.Fatalf("got %T, %v", m, err)
		}
	}
	if _, err := host.Recv(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a frame at the end: %v", err)
	}
	c.End()
}

func TestMomentsAreCounted(t *testing.T) {
	near, far := net.Pipe()
	go io.Copy(io.Discard, far)
	lost := Fault{Kind: FrameLost, On: Sent, N: 3}
	c := New([]Fault{lost, {Kind: FrameLost, On: Sent, N: 99}})
	host := wire.NewConn(c.Channel(0, near))
	for n := range 5 {
		if want := n >= 3; len(c.done) > 0 != want {
			t.Errorf("after %d messages: %v", n, c.done)
		}
		if err := host.Send(&wire.Ping{}); err != nil {
			t.Fatal(err)
		}
	}
	if done := c.End(); len(done) != 1 || done[0] != lost {
		t.Errorf("carried out: %v, want %v", done, lost)
	}
	near.Close()
}

func TestSnapshotsAreDamaged(t *testing.T) {
	good := bytes.Repeat([]byte("state"), 10000)
	for _, kind := range []Kind{SnapFlip, SnapCut, SnapGone, SnapForeign} {
		dir := t.TempDir()
		name, foreign := filepath.Join(dir, "a.snap"), filepath.Join(t.TempDir(), "foreign")
		for _, f := range []string{name, foreign} {
			if err := os.WriteFile(f, good, 0o600); err != nil {
				t.Fatal(err)
			}
			good[0]++
		}
		before, _ := os.ReadFile(name)
		c := New([]Fault{{Kind: kind, On: Restoring, N: 1}})
		c.Snapshots, c.Foreign = dir, foreign
		c.Stage("restoring", 0)
		if after, _ := os.ReadFile(name); bytes.Equal(after, before) {
			t.Errorf("%s: nothing happened", kind)
		}
		if len(c.End()) != 1 {
			t.Errorf("%s: it is not counted", kind)
		}
	}
}

// rightRun is a result with nothing wrong in it.
func rightRun() *Result {
	run := &report.Run{}
	r := &Result{Run: run, Read: run}
	for i, s := range []judge.Status{judge.Pass, judge.Skip, judge.Infra, judge.Pass} {
		name := fmt.Sprint("program-", i)
		r.Programs = append(r.Programs, name)
		c := report.Case{Name: name, Verdict: judge.Verdict{Status: s}, Tries: []report.Try{{Status: s}}}
		if s == judge.Infra {
			c.Verdict.Reason = "QEMU was killed"
		}
		run.Cases = append(run.Cases, c)
	}
	r.Faults = []Fault{{Kind: Kill, On: Sent, N: 1}, {Kind: Stop, On: Sent, N: 2}}
	return r
}

// Each way in which ringproof could be wrong about a broken world turns the check red.
func TestCheckFinds(t *testing.T) {
	if wrong := Check(rightRun()); len(wrong) != 0 {
		t.Fatalf("a right result: %q", wrong)
	}
	set := func(i int, v judge.Verdict) func(*Result) {
		return func(r *Result) {
			r.Run.Cases[i].Verdict = v
			r.Run.Cases[i].Tries = []report.Try{{Status: v.Status, Why: v.Reason}}
		}
	}
	full := Fault{Kind: DiskFull, Disk: ReportDisk}
	for _, test := range []struct {
		name, want string
		plant      func(*Result)
	}{
		{"a killed QEMU is taken for a crash", "false CRASH", set(0, judge.Verdict{Status: judge.Crash, Reason: "guest reset itself"})},
		{"a stopped QEMU is taken for a hang", "false HANG", set(0, judge.Verdict{Status: judge.Hang, Reason: "no answer"})},
		{"an altered result is taken for a failure", "false FAIL", set(3, judge.Verdict{Status: judge.Fail})},
		{"a failure that a second try hides", "false FAIL", func(r *Result) {
			r.Run.Cases[0].Tries = []report.Try{{Status: judge.Fail}, {Status: judge.Pass}}
		}},
		{"a verdict of a new kind", "false ODD", set(0, judge.Verdict{Status: "ODD"})},
		{"a result is lost", "program-1: 0 results", func(r *Result) {
			r.Run.Cases = append(r.Run.Cases[:1:1], r.Run.Cases[2:]...)
			r.Read = r.Run
		}},
		{"a result comes twice", "program-0: 2 results", func(r *Result) { r.Run.Cases = append(r.Run.Cases, r.Run.Cases[0]) }},
		{"a kernel that does not come up", "boot: a result of nothing", func(r *Result) {
			r.Run.Cases = append(r.Run.Cases, report.Case{Name: "boot", Verdict: judge.Verdict{Status: judge.Pass}})
		}},
		{"more is lost than the faults can explain", "2 programs without a verdict", set(1, judge.Verdict{Status: judge.Inconclusive, Reason: "x"})},
		{"INFRA without a fault", "1 programs without a verdict", func(r *Result) { r.Faults = nil }},
		{"INFRA without a reason", "without a reason", set(2, judge.Verdict{Status: judge.Infra})},
		{"an error without a fault", "failed without a fault", func(r *Result) { r.Faults, r.Err = nil, errors.New("x") }},
		{"nothing at all", "neither a run nor an error", func(r *Result) { r.Run = nil }},
		{"the report fails on a disk with room", "was not written", func(r *Result) { r.ReportErr = unix.ENOSPC }},
		{"the report fails for another reason", "was not written", func(r *Result) {
			r.ReportErr = unix.EIO
			r.Faults = append(r.Faults, full)
		}},
		{"the report holds less", "does not hold all results", func(r *Result) { r.Read = &report.Run{Cases: r.Run.Cases[1:]} }},
		{"the report holds something else", "the report says PASS", func(r *Result) {
			other := rightRun().Run
			other.Cases[2].Verdict.Status = judge.Pass
			r.Read = other
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := rightRun()
			test.plant(r)
			if wrong := strings.Join(Check(r), "\n"); !strings.Contains(wrong, test.want) {
				t.Errorf("the check found %q, want %q", wrong, test.want)
			}
		})
	}
	r := rightRun()
	r.ReportErr, r.Read = fmt.Errorf("write: %w", unix.ENOSPC), nil
	r.Faults = append(r.Faults, full)
	if wrong := Check(r); len(wrong) != 0 {
		t.Errorf("a full disk that was said: %q", wrong)
	}
}

// Each thing that a run may leave behind is found.
func TestLeftBehind(t *testing.T) {
	goroutines := 5 // as if; those of a test that has just ended would count as well
	for _, test := range []struct {
		name, want string
		leave      func(t *testing.T, dir string)
	}{
		{"nothing", "", func(*testing.T, string) {}},
		{"a process", "process", func(t *testing.T, _ string) {
			p, err := os.StartProcess("/bin/sleep", []string{"sleep", "100"}, &os.ProcAttr{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Kill(); p.Wait() })
		}},
		{"a descriptor", "1 open descriptors of /dev/null", func(t *testing.T, _ string) {
			f, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
		}},
		{"a goroutine", "1 goroutines", func(*testing.T, string) { goroutines++ }},
		{"a file", "socket", func(t *testing.T, dir string) { os.WriteFile(filepath.Join(dir, "empty", "socket"), nil, 0o600) }},
		{"half a snapshot", ".partial-1", func(t *testing.T, dir string) { os.WriteFile(filepath.Join(dir, "whole", ".partial-1"), nil, 0o600) }},
		{"a snapshot", "", func(t *testing.T, dir string) { os.WriteFile(filepath.Join(dir, "whole", "a.snap"), nil, 0o600) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, d := range []string{"empty", "whole"} {
				os.Mkdir(filepath.Join(dir, d), 0o755)
			}
			s := Surroundings{Empty: []string{filepath.Join(dir, "empty")}, Whole: map[string]string{filepath.Join(dir, "whole"): "*.snap"}}
			before := s.Look(func() int { return goroutines })
			test.leave(t, dir)
			left := strings.Join(before.Left(nil, 0), "\n")
			if test.want == "" && left != "" || !strings.Contains(left, test.want) {
				t.Errorf("left behind: %q, want %q", left, test.want)
			}
		})
	}
}
