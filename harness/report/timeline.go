// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// timeline is what assets/timeline.js draws one case from. Events are arrays,
// and texts that repeat are indices into Words, to keep the page small.
type timeline struct {
	Lanes      []tlLane      `json:"lanes"`
	Groups     []tlGroup     `json:"groups"`
	Links      []tlLink      `json:"links"`
	Events     [][]any       `json:"events"` // see eventRow
	Words      []string      `json:"words"`
	Violations []tlViolation `json:"violations"`
	Total      int           `json:"total"` // events there are, drawn or not
}

type tlLane struct {
	Name   string   `json:"name"`
	Label  string   `json:"label,omitempty"`
	Op     string   `json:"op,omitempty"`
	Text   string   `json:"text,omitempty"`
	Flags  string   `json:"flags,omitempty"`
	Role   string   `json:"role,omitempty"`
	Group  int      `json:"group"`
	Chain  int      `json:"chain"`
	Drain  bool     `json:"drain,omitempty"` // an effective drain: not a member's
	Result string   `json:"result,omitempty"`
	Bad    bool     `json:"bad,omitempty"`
	Phases [][3]any `json:"phases"` // from and to as event indices, kind
}

type tlGroup struct {
	Leader int   `json:"leader"`
	Last   int   `json:"last"`
	Size   int   `json:"size"`
	Lanes  []int `json:"lanes"`
}

type tlLink struct {
	Chain  int  `json:"chain"`
	A      int  `json:"a"` // lanes
	B      int  `json:"b"`
	From   int  `json:"from"` // events, -1 where not seen
	To     int  `json:"to"`
	Issued bool `json:"issued"`
	Hard   bool `json:"hard"`
}

type tlViolation struct {
	Rule   string `json:"rule"`
	SQEs   []int  `json:"sqes"`
	Events []int  `json:"events"`
}

// words interns texts; index 0 is "".
type words struct {
	list []string
	at   map[string]int
}

func (w *words) index(s string) int {
	if i, ok := w.at[s]; ok {
		return i
	}
	w.list = append(w.list, s)
	w.at[s] = len(w.list) - 1
	return len(w.list) - 1
}

// Timeline returns what class Timeline of [TimelineAssets] draws c from, a value for JSON; nil where there are no events.
func (r *Run) Timeline(c *Case) any {
	if c.Outcome == nil || len(c.Outcome.Events) == 0 {
		return nil
	}
	return newTimeline(newView(c, r.profile()), r.is612())
}

// TimelineAssets returns the style sheet of reports and the script that defines class Timeline, whose
// constructor takes an element to draw into and a value of [Run.Timeline].
func TimelineAssets() (css, js []byte, err error) {
	if css, err = readAssets("assets/report.css"); err == nil {
		js, err = readAssets("assets/timeline.js")
	}
	return css, js, err
}

func newTimeline(v *view, is612 bool) *timeline {
	t := &timeline{Total: len(v.laneOf), Groups: []tlGroup{}, Links: []tlLink{}, Violations: []tlViolation{}}
	drawn := min(t.Total, drawnEvents)
	for li := range v.lanes {
		t.Lanes = append(t.Lanes, v.tlLane(li, drawn))
	}
	for _, g := range v.structure.Groups {
		out := tlGroup{Leader: g.Leader, Last: g.Leader, Size: g.Size(), Lanes: append([]int{g.Leader}, g.Members...)}
		if n := len(g.Members); n > 0 {
			out.Last = g.Members[n-1]
		}
		t.Groups = append(t.Groups, out)
	}
	for _, l := range v.links() {
		out := tlLink{Chain: l.Chain, A: l.Lanes[0], B: l.Lanes[1], From: l.From, To: l.To, Issued: l.Issued}
		if out.From >= drawn || out.To >= drawn {
			out.From, out.To = -1, -1
		}
		out.Hard = v.lanes[out.A].sqe.Flags&uring.IOHardlink != 0
		t.Links = append(t.Links, out)
	}
	w := &words{at: map[string]int{}}
	w.index("")
	t.Events = make([][]any, drawn)
	for i := range drawn {
		t.Events[i] = v.eventRow(i, w, is612)
	}
	t.Words = w.list
	for _, x := range v.c.Verdict.Violations {
		y := tlViolation{Rule: x.Rule, SQEs: []int{}, Events: []int{}}
		for _, e := range x.Events {
			if e >= 0 && e < drawn {
				y.Events = append(y.Events, e)
			}
		}
		for _, s := range x.SQEs {
			if s >= 0 && s < v.sqes() {
				y.SQEs = append(y.SQEs, s)
			}
		}
		t.Violations = append(t.Violations, y)
	}
	return t
}

func (v *view) tlLane(li, drawn int) tlLane {
	l := &v.lanes[li]
	out := tlLane{
		Name: l.Name, Label: l.Label, Op: l.Op, Text: l.Text, Flags: l.Flags, Role: l.Role,
		Group: l.Group, Chain: l.Chain, Bad: v.badSQE[li] && l.SQE >= 0, Result: v.result(l), Phases: [][3]any{},
	}
	if l.sqe != nil && l.Role != "member" {
		out.Drain = l.sqe.Flags&uring.IODrain != 0
	}
	for _, p := range l.Phases {
		if p.From < drawn && p.To < drawn {
			out.Phases = append(out.Phases, [3]any{p.From, p.To, p.Kind})
		}
	}
	return out
}

// result says in short how a request ended: "CQE 3: -EIO", or why there is none.
func (v *view) result(l *lane) string {
	if l.SQE < 0 {
		return ""
	}
	s := ""
	for _, q := range l.CQEs {
		if s != "" {
			s += ", "
		}
		s += fmt.Sprintf("CQE %d: %s", v.order[q], cases.ResultText(v.c.Outcome.CQEs[q].Res))
	}
	switch {
	case s != "":
		return s
	case len(l.Events) == 0:
		return "not seen"
	}
	return "no CQE"
}

// eventRow is [time in ns since the first event, kind, lane, CPU, thread,
// worker, result, flags, refs, group refs, request, detail, CQE number];
// kind, result, flags, request and detail are words, refs are texts as words.
func (v *view) eventRow(i int, w *words, is612 bool) []any {
	e := &v.c.Outcome.Events[i]
	worker, req := 0, ""
	if e.Worker {
		worker = 1
	}
	if e.Req != 0 {
		req = fmt.Sprintf("%#x gen %d", e.Req, e.Gen)
	}
	return []any{
		e.Time - v.start, w.index(e.Kind.String()), v.laneOf[i], e.CPU, e.TID, worker, w.index(resText(e)),
		w.index(flagWords(e.Flags, is612)), w.index(refsText(e)), w.index(groupRefsText(e)), w.index(req),
		w.index(v.argText[i]), v.cqeOf[i],
	}
}
