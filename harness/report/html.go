// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/answers"
	"github.com/ringproof/ringproof/harness/judge"
)

// The page is one file. All that decides (summary, table, verdicts, programs,
// CQEs, console) is static HTML; only the timelines and the event tables are
// drawn by assets/timeline.js, from one JSON block per case and when they come
// into view.
//
//go:embed assets/report.html.tmpl assets/answers.html.tmpl assets/crash.html.tmpl assets/report.css assets/answers.css assets/crash.css assets/timeline.js assets/report.js
var assets embed.FS

var page = template.Must(template.New("report.html.tmpl").Funcs(template.FuncMap{
	"ruleText": cases.RuleText,
	"glyph":    func(s judge.Status) string { return glyphs[s] },
	"lower":    func(s judge.Status) string { return strings.ToLower(string(s)) },
	"join":     strings.Join,
	"seconds":  func(s float64) string { return fmt.Sprintf("%.2f", s) },
	"short":    shortHash,
	"brief":    func(s string) string { return hash.ReplaceAllStringFunc(s, shortHash) },
	"isFailed": isFailed,
	"standing": func(s answers.Standing) string { return standingGlyphs[s] },
	"figure":   figureText,
	"caseID":   caseID,
	"add":      func(a, b int) int { return a + b },
	"hex":      func(n uint64) string { return "0x" + strconv.FormatUint(n, 16) },
	"plural":   plural,
	"anchor": func(dir string) string {
		return "case-" + strings.ReplaceAll(strings.TrimPrefix(dir, casesDir+"/"), "/", ".")
	},
}).ParseFS(assets, "assets/report.html.tmpl", "assets/answers.html.tmpl", "assets/crash.html.tmpl"))

// glyphs tell statuses apart where colours do not.
var glyphs = map[judge.Status]string{
	judge.Pass: "✓", judge.Fail: "✗", judge.Crash: "!", judge.Hang: "∞", judge.Skip: "–", judge.Inconclusive: "?", judge.Infra: "⚠",
}

// hash is a SHA-256 in hex, which the page shows by its beginning.
var hash = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// drawnEvents bounds how many events of one case the page holds; the rest is
// in evidence.json and in the trace.
const drawnEvents = 20000

type pageData struct {
	Run      *Run
	Title    string
	CSS      template.CSS
	JS       template.JS
	Policy   string // Content-Security-Policy: no network, this one script
	Counts   Counts
	ByStatus []statusCount
	Facts    []fact
	Missing  []string
	Holes    string // "" where no evidence was lost
	Answers  *pageAnswers
	Findings []Finding
	Cases    []*pageCase
}

type statusCount struct {
	Status judge.Status
	N      int
}

type pageCase struct {
	*Case
	View       *view
	ID         string
	Dir        string
	Open       bool
	IsAlso     bool   // further evidence of the case before
	Again      string // the command that tries it again
	NoiseText  string
	Why        string
	Adds       bool // the reason says more than the violations
	Rules      string
	About      string
	Violations []pageViolation
	Unchecked  []judge.Unchecked
	CQEs       []pageCQE
	Steps      []pageStep
	Reports    []pageCrash // of the kernel, one for each title
	Stuck      []pageStuck
	Tasks      []pageTask
	Timeline   *timeline // nil where there are no events
	Checks     int
}

type pageViolation struct {
	judge.Violation
	Index    int
	Requests string
	Events   string // in words, one per line
	CQEList  string
}

type pageCQE struct {
	Order            int
	Ring, Request    string
	Res, Flags, When string
	Bad              bool
}

type pageStep struct {
	N         int
	Text, Ret string
	Took      string
	Failed    bool
}

func writeHTML(w io.Writer, r *Run, views []*view) error {
	css, err := readAssets("assets/report.css", "assets/answers.css", "assets/crash.css")
	if err != nil {
		return err
	}
	js, err := readAssets("assets/timeline.js", "assets/report.js")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(js)
	d := &pageData{
		Run: r, CSS: template.CSS(css), JS: template.JS(js), Counts: r.Counts(), Facts: r.facts(), Answers: r.pageAnswers(),
		Findings: r.Findings(),
		Policy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
	d.Title = "ringproof: " + d.Counts.String() + ", series " + r.Kernel.Series
	for _, s := range statuses {
		if n := *d.Counts.of(s); n > 0 {
			d.ByStatus = append(d.ByStatus, statusCount{s, n})
		}
	}
	if r.Guest.Info != nil {
		d.Missing = r.Guest.Info.Missing
	}
	if events, lost, missed := r.Evidence(); lost+missed > 0 {
		d.Holes = fmt.Sprintf("Of %d events %d were lost, and %d probe runs were missed.", events+lost, lost, missed)
	}
	// What needs a reader comes first; within a status the run's order stays.
	opened := 0
	for _, s := range statuses {
		for i, v := range views {
			if v.c.Verdict.Status == s || (s == judge.Infra && glyphs[v.c.Verdict.Status] == "") {
				c := newPageCase(r, v, i)
				if isFailed(s) && opened < 5 { // an open case is a case that is drawn
					c.Open = true
					opened++
				}
				d.Cases = append(d.Cases, c)
				for _, a := range v.also {
					also := newPageCase(r, a, i)
					also.IsAlso = true
					d.Cases = append(d.Cases, also)
				}
			}
		}
	}
	return page.Execute(w, d)
}

// readAssets reads files of assets as one.
func readAssets(names ...string) ([]byte, error) {
	var all []byte
	for _, name := range names {
		b, err := assets.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

// CaseAnchor is the anchor of a program's case in report.html.
func CaseAnchor(name string) string { return caseID(name) }

// caseID is the anchor of the case whose directory is below [casesDir] with that name.
func caseID(name string) string { return "case-" + safeName(name) }

func newPageCase(r *Run, v *view, index int) *pageCase {
	c := &pageCase{Case: v.c, View: v, ID: "case-" + strings.ReplaceAll(strings.TrimPrefix(v.dir, casesDir+"/"), "/", "."), Dir: v.dir, Why: v.c.Verdict.Reason}
	if v.dir == "" {
		c.ID = "case-" + strconv.Itoa(index)
	}
	if v.c.Program != nil {
		c.About = v.c.Program.About
	}
	vd := &v.c.Verdict
	if isFailed(vd.Status) {
		c.Again, c.NoiseText = r.again(v.c, v.dir), v.c.noiseText()
	}
	c.Rules = strings.Join(vd.Rules(), " ")
	if c.Why == "" && len(vd.Violations) > 0 {
		c.Why = vd.Violations[0].Text
	}
	for _, n := range vd.Checked {
		c.Checks += n
	}
	c.Unchecked = vd.Unchecked
	c.Reports = distinct(v.c.Crashes)
	c.Stuck, c.Tasks = v.stuckRows(), v.stuckTasks()
	c.Adds = v.c.reasonAdds() && vd.Status != judge.Pass
	for i := range vd.Violations {
		c.Violations = append(c.Violations, newPageViolation(v, i))
	}
	if o := v.c.Outcome; o != nil {
		c.CQEs = pageCQEs(v, o)
		c.Steps = pageSteps(v, o)
		if len(o.Events) > 0 {
			c.Timeline = newTimeline(v, r.is612())
		}
	}
	return c
}

func newPageViolation(v *view, i int) pageViolation {
	x := v.c.Verdict.Violations[i]
	out := pageViolation{Violation: x, Index: i}
	var names, lines, cqes []string
	for _, s := range x.SQEs {
		if s >= 0 && s < v.sqes() {
			names = append(names, v.lanes[s].title())
		}
	}
	for _, e := range x.Events {
		if e >= 0 && e < len(v.laneOf) {
			lines = append(lines, fmt.Sprintf("%10s us  %s", micros(v.c.Outcome.Events[e].Time-v.start), v.eventLine(e)))
		}
	}
	for _, q := range x.CQEs {
		if q >= 0 && q < len(v.order) {
			cqe := v.c.Outcome.CQEs[q]
			cqes = append(cqes, fmt.Sprintf("CQE %d of %s (%s)", v.order[q], v.requestName(cqe.UserData), cases.ResultText(cqe.Res)))
		}
	}
	out.Requests, out.Events, out.CQEList = strings.Join(names, ", "), strings.Join(lines, "\n"), strings.Join(cqes, ", ")
	return out
}

func pageCQEs(v *view, o *cases.Outcome) []pageCQE {
	bad := map[int]bool{}
	for _, x := range v.c.Verdict.Violations {
		for _, q := range x.CQEs {
			bad[q] = true
		}
	}
	var out []pageCQE
	for i, q := range o.CQEs {
		c := pageCQE{Order: v.order[i], Ring: v.ringName(q.Ring), Res: cases.ResultText(q.Res), Bad: bad[i],
			Request: v.requestName(q.UserData)}
		if li := v.laneOfUserData(q.UserData); li >= 0 && v.lanes[li].Role == "leader" {
			c.Request += " (leader)"
		}
		if q.Flags != 0 {
			c.Flags = "0x" + strconv.FormatUint(uint64(q.Flags), 16)
		}
		if e := v.eventOf[i]; e >= 0 {
			c.When = micros(o.Events[e].Time - v.start)
		}
		out = append(out, c)
	}
	return out
}

func pageSteps(v *view, o *cases.Outcome) []pageStep {
	var out []pageStep
	n := len(o.Steps)
	if v.c.Program != nil {
		n = max(n, len(v.c.Program.Steps))
	}
	for i := range n {
		s := pageStep{N: i + 1, Ret: "did not return", Failed: true}
		if v.c.Program != nil && i < len(v.c.Program.Steps) {
			st := &v.c.Program.Steps[i]
			s.Text = v.c.Program.StepText(st)
			if st.Kind == cases.StepSubmit {
				s.Text += fmt.Sprintf(" (%d SQEs)", len(st.SQEs))
			}
			if st.Kind.Ends() && st.FD == (cases.FD{}) {
				s.Ret, s.Failed = "does not return", false
			}
		}
		if i < len(o.Steps) && !o.Steps[i].Pending {
			r := o.Steps[i]
			s.Ret, s.Failed = strconv.FormatInt(r.Ret, 10), r.Errno != 0
			if r.Errno != 0 {
				s.Ret += " " + cases.ResultText(-r.Errno)
			}
			s.Took = micros(uint64(max(0, r.Took.Nanoseconds())))
		}
		out = append(out, s)
	}
	return out
}
