// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// The structures of junit.xml, as far as Jenkins, GitLab and GitHub actions
// agree on them: testsuites > testsuite > testcase > failure | error | skipped.
// FAIL, CRASH and HANG are failures; INFRA and INCONCLUSIVE are errors, since
// they say nothing against the kernel.

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	Classname string       `xml:"classname,attr"`
	Time      string       `xml:"time,attr"`
	Failure   *junitResult `xml:"failure,omitempty"`
	Error     *junitResult `xml:"error,omitempty"`
	Skipped   *junitResult `xml:"skipped,omitempty"`
	SystemOut string       `xml:"system-out,omitempty"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

func writeJUnit(w io.Writer, r *Run, views []*view) error {
	counts := r.Counts()
	suite := junitSuite{
		Name: "ringproof." + r.Kernel.Series + "." + r.Kernel.Flavour, Tests: counts.Total(), Failures: counts.Failed(),
		Errors: counts.Infra + counts.Inconclusive, Skipped: counts.Skip, Time: seconds(r.Took),
	}
	if !r.Started.IsZero() {
		suite.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for _, p := range r.facts() {
		suite.Properties = append(suite.Properties, junitProperty(p))
	}
	for i, f := range r.Findings() {
		suite.Properties = append(suite.Properties, junitProperty{fmt.Sprintf("finding %d", i+1),
			fmt.Sprintf("%s: %s, in %s", f.Class, f.Score(), f.programList())})
	}
	for _, v := range views {
		suite.Cases = append(suite.Cases, junitOf(v, suite.Name))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{
		Name: "ringproof", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors,
		Skipped: suite.Skipped, Time: suite.Time, Suites: []junitSuite{suite},
	}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitOf(v *view, class string) junitCase {
	c := v.c
	out := junitCase{Name: c.Name, Classname: class, Time: seconds(c.Seconds)}
	res := &junitResult{Message: c.headlineAndTries(), Type: string(c.Verdict.Status)}
	switch c.Verdict.Status {
	case judge.Pass:
		return out
	case judge.Skip:
		res.Type = ""
		out.Skipped = res
		return out
	case judge.Fail, judge.Crash, judge.Hang:
		out.Failure = res
	default:
		out.Error = res
	}
	var b strings.Builder
	for i := range c.Verdict.Violations {
		x := &c.Verdict.Violations[i]
		fmt.Fprintf(&b, "%s: %s\n    rule: %s\n", x.Rule, x.Text, cases.RuleText(x.Rule))
	}
	fmt.Fprintf(&b, "evidence: %s\n\n%s", v.dir, c.Text)
	res.Text = b.String()
	if c.Outcome != nil && len(c.Outcome.Console) > 0 {
		out.SystemOut = strings.Join(c.Outcome.Console, "\n")
	}
	return out
}

// headline is one line that says why a case ended as it did; "" for a PASS.
func headline(c *Case) string {
	v := &c.Verdict
	text := v.Reason
	if text == "" && len(v.Violations) > 0 {
		text = v.Violations[0].Text
	}
	if rules := v.Rules(); len(rules) > 0 {
		text = strings.TrimRight(strings.Join(rules, " ")+": "+text, ": ")
	}
	return oneLine(text)
}

// headlineAndTries is the headline with how often it was so.
func (c *Case) headlineAndTries() string {
	line := headline(c)
	if text := c.TriesText(); text != "" && c.Verdict.Status != judge.Pass {
		line = strings.TrimSpace(line + " (" + oneLine(text) + ")")
	}
	return line
}

func oneLine(s string) string { return strings.Join(strings.Fields(plain(s)), " ") }

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 3, 64) }
