// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// writeKTAP writes KTAP version 1, see Documentation/dev-tools/ktap.rst in the
// kernel: diagnostics stand before the result line that they explain.
func writeKTAP(w io.Writer, r *Run, views []*view) error {
	var b strings.Builder
	fmt.Fprintf(&b, "KTAP version 1\n1..%d\n", len(views))
	for _, f := range r.facts() {
		fmt.Fprintf(&b, "# %s: %s\n", f.Name, oneLine(f.Value))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "# note: %s\n", oneLine(n))
	}
	for _, f := range r.Findings() {
		fmt.Fprintf(&b, "# finding: %s: %s, in %s\n", oneLine(f.Class), f.Score(), oneLine(f.programList()))
	}
	if r.Partial {
		b.WriteString("# note: this run was interrupted; cases are missing\n")
	}
	for i, v := range views {
		ktapCase(&b, i+1, v)
	}
	counts := r.Counts()
	fmt.Fprintf(&b, "# %s\n", counts.String())
	_, err := io.WriteString(w, b.String())
	return err
}

func ktapCase(b *strings.Builder, n int, v *view) {
	c := v.c
	name := strings.ReplaceAll(oneLine(c.Name), "#", "_") // # starts the directive
	status := c.Verdict.Status
	if status != judge.Pass && status != judge.Skip {
		for i := range c.Verdict.Violations {
			x := &c.Verdict.Violations[i]
			fmt.Fprintf(b, "# %s: %s: %s\n", name, x.Rule, oneLine(x.Text))
			if text := cases.RuleText(x.Rule); text != "" {
				fmt.Fprintf(b, "#   rule %s: %s\n", x.Rule, text)
			}
		}
		fmt.Fprintf(b, "# %s: evidence in %s\n", name, v.dir)
	}
	result, directive := "not ok", ""
	switch status {
	case judge.Pass:
		result = "ok"
	case judge.Skip:
		result, directive = "ok", "SKIP "
	case judge.Hang:
		directive = "TIMEOUT "
	case judge.Fail:
	case judge.Crash:
		directive = "CRASH "
	default:
		directive = "ERROR " + string(status) + " "
	}
	line := fmt.Sprintf("%s %d %s", result, n, name)
	if text := strings.TrimSpace(directive + c.headlineAndTries()); text != "" {
		line += " # " + text
	}
	b.WriteString(line + "\n")
}
