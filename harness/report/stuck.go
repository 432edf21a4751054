// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/stuck"
)

// pageStuck is one stuck request as the page shows it.
type pageStuck struct {
	Request, Role, State, Refs, GroupRefs, Task, Last string
}

// pageTask is one task as the page shows it.
type pageTask struct {
	stuck.Task
	Why  string // its state in words
	Idle bool   // nothing a reader looks for
}

func (v *view) stuckRows() []pageStuck {
	s := v.stuck
	if s == nil || v.c.Program == nil {
		return nil
	}
	var out []pageStuck
	for i := range s.Requests {
		r := &s.Requests[i]
		if r.SQE < 0 || r.SQE >= v.sqes() {
			continue
		}
		l := &v.lanes[r.SQE]
		row := pageStuck{Request: l.title(), Role: l.Role, State: r.Text(v.c.Program), Refs: count(r.Refs), GroupRefs: count(r.GroupRefs)}
		if r.Task != 0 {
			row.Task = strconv.Itoa(r.Task)
		}
		if r.Last >= 0 && r.Last < len(v.laneOf) {
			e := &v.c.Outcome.Events[r.Last]
			row.Last = fmt.Sprintf("%s at %s us", e.Kind, micros(e.Time-v.start))
			if res := resText(e); res != "" {
				row.Last += ", res " + res
			}
		}
		out = append(out, row)
	}
	return out
}

func count(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}

// stateWords are the letters of /proc/PID/stat (man 5 proc).
var stateWords = map[string]string{"R": "running", "S": "sleeping", "D": "in an uninterruptible wait", "T": "stopped", "t": "traced", "Z": "a zombie", "X": "dead", "I": "idle"}

func (v *view) stuckTasks() []pageTask {
	s := v.stuck
	if s == nil {
		return nil
	}
	var out []pageTask
	for _, t := range s.Tasks {
		letter, rest, _ := strings.Cut(t.State, " ")
		word := stateWords[letter]
		if word == "" {
			word = letter
		}
		why := strings.TrimSpace(word + " " + rest)
		if t.Refs == 1 {
			why += ", referred to by 1 request"
		} else if t.Refs > 1 {
			why += fmt.Sprintf(", referred to by %d requests", t.Refs)
		}
		out = append(out, pageTask{Task: t, Why: why, Idle: t.Role == stuck.RoleOther || t.Role == stuck.RoleIdle})
	}
	return out
}

// stuck prints which requests hang, and the stacks of the tasks.
func (t *textWriter) stuck(v *view) {
	rows := v.stuckRows()
	if len(rows) > 0 {
		lines := make([]string, len(rows))
		for i, r := range rows {
			lines[i] = fmt.Sprintf("%-16s %-8s %s", r.Request, r.Role, r.State)
			for _, x := range []struct{ name, value string }{{"refs", r.Refs}, {"group refs", r.GroupRefs}, {"task", r.Task}} {
				if x.value != "" {
					lines[i] += "  " + x.name + " " + x.value
				}
			}
			if r.Last != "" {
				lines[i] += "  (last: " + r.Last + ")"
			}
		}
		t.block("stuck requests", lines, 40)
	}
	var lines []string
	for _, task := range v.stuckTasks() {
		lines = append(lines, taskTitle(&task))
		if !task.Idle {
			lines = append(lines, taskFrames(task.Frames)...)
		}
	}
	t.block("tasks", lines, 2*textConsole)
}

func taskTitle(t *pageTask) string {
	if t.Role == stuck.RoleCPU {
		return t.Comm
	}
	return fmt.Sprintf("%d %s, %s: %s", t.PID, t.Comm, t.Role, t.Why)
}

// taskFrames is a task's stack in short: what it waits in and how it came there.
func taskFrames(frames []crash.Frame) []string {
	var out []string
	for i := range frames {
		if !frames[i].Machinery && !frames[i].Guess {
			out = append(out, frameLines(&frames[i])...)
		}
	}
	return out
}

// mdStuck is the same for summary.md.
func mdStuck(b *strings.Builder, v *view) {
	rows := v.stuckRows()
	if len(rows) > 0 {
		b.WriteString("\n| request | state | refs | group refs | task | last event |\n|---|---|---|---|---|---|\n")
		for _, r := range rows {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", mdLine(strings.TrimSpace(r.Request+" "+r.Role)), mdLine(r.State),
				r.Refs, r.GroupRefs, r.Task, mdLine(r.Last))
		}
	}
	for _, t := range v.stuckTasks() {
		fmt.Fprintf(b, "\n%s\n", mdLine(taskTitle(&t)))
		if frames := taskFrames(t.Frames); !t.Idle && len(frames) > 0 {
			b.WriteString("\n" + mdFence(strings.Join(frames, "\n")))
		}
	}
}
