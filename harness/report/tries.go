// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/vm/noise"
)

// Try is one time that a case's program was run. A program is tried again
// because a try said nothing (INFRA, INCONCLUSIVE), because repeats were asked for, or to
// confirm a failure. The case's verdict is its first failure's, whatever the other tries say.
type Try struct {
	Status judge.Status `json:"status"`
	// Class says what failed, see [Classify]; "" unless Status is FAIL, CRASH or HANG.
	Class string `json:"class,omitempty"`
	// Why is the verdict in one line; "" for PASS.
	Why string `json:"why,omitempty"`
	// Noise is the seed of the schedule noise that the program ran under; 0 is none.
	Noise uint64 `json:"noise,omitempty,string"`
	// Confirms is set for a try that was made because an earlier one had
	// failed: in a fresh guest, under that one's seed.
	Confirms bool `json:"confirms,omitempty"`
	// Served is how many programs the guest had served before.
	Served int `json:"served,omitempty"`
	// What the probes saw of this try, and what was lost of it.
	Events uint64 `json:"events,omitempty"`
	Lost   uint64 `json:"lost,omitempty"`
	Missed uint64 `json:"missed,omitempty"`
}

// Failed tells whether the try says something against the kernel.
func (t *Try) Failed() bool { return isFailed(t.Status) }

// decided tells whether the try says anything of the kernel at all.
func (t *Try) decided() bool { return t.Failed() || t.Status == judge.Pass }

// NewTry returns what a case's verdict, outcome and seed are as a try of it.
func NewTry(c *Case, profile *cases.Profile) Try {
	t := Try{Status: c.Verdict.Status, Noise: c.Noise}
	if o := c.Outcome; o != nil {
		t.Events, t.Lost, t.Missed = o.Evidence.Events, o.Evidence.Lost, o.Evidence.Missed
	}
	if t.Status != judge.Pass {
		t.Why = headline(c)
	}
	if t.Failed() {
		t.Class = Classify(c, profile)
	}
	return t
}

// Classify says in one line what failed, in words that are the same for every
// failure that is taken to be the same: for CRASH the complaint's title, for
// FAIL and HANG the first broken rule and whether a leader, a member or a
// plain request broke it. "" for a case that did not fail.
func Classify(c *Case, profile *cases.Profile) string {
	v := &c.Verdict
	switch {
	case !isFailed(v.Status):
		return ""
	case v.Status == judge.Crash:
		return "CRASH " + crashTitle(c)
	case len(v.Violations) == 0:
		return string(v.Status) + " " + crash.Stable(v.Reason)
	}
	x := &v.Violations[0]
	class := string(v.Status) + " " + x.Rule
	if role := roleOf(c.Program, profile, x.SQEs); role != "" {
		class += " of a " + role
	}
	return class
}

func crashTitle(c *Case) string {
	if c.Outcome == nil {
		return crash.Stable(c.Verdict.Reason)
	}
	if title, ok := crash.Title(c.Outcome.Console); ok {
		return title
	}
	last := crash.LastWords(c.Outcome.Console)
	return last.Title
}

// roleOf says what the first of the SQEs is in its program; "" where there is none.
func roleOf(p *cases.Program, profile *cases.Profile, sqes []int) string {
	if p == nil || profile == nil || len(sqes) == 0 {
		return ""
	}
	st := model.Assemble(p, profile)
	for i := range st.Groups {
		switch g := &st.Groups[i]; {
		case g.Leader == sqes[0]:
			return "leader"
		case slices.Contains(g.Members, sqes[0]):
			return "member"
		}
	}
	return "plain request"
}

// Score says how often the program failed and how often it was tried, counting the
// tries under the verdict's seed that said anything of the kernel.
func (c *Case) Score() (failed, tried int) {
	for i := range c.Tries {
		if t := &c.Tries[i]; t.Noise == c.Noise && t.decided() {
			tried++
			if t.Failed() {
				failed++
			}
		}
	}
	return failed, tried
}

// Rare tells whether the program failed once and no more, though it was tried again.
func (c *Case) Rare() bool {
	failed, tried := c.Score()
	return failed == 1 && tried > 1
}

// Seeds returns the seeds under which the program failed, in the order they
// were tried, and how many there were that said anything.
func (c *Case) Seeds() (failing []uint64, tried int) {
	seen := map[uint64]bool{}
	for i := range c.Tries {
		t := &c.Tries[i]
		if t.Noise == 0 || !t.decided() {
			continue
		}
		if !seen[t.Noise] {
			seen[t.Noise] = true
			tried++
		}
		if t.Failed() && !slices.Contains(failing, t.Noise) {
			failing = append(failing, t.Noise)
		}
	}
	return failing, tried
}

// mostSeeds bounds how many failing seeds are named.
const mostSeeds = 12

// TriesText says what the tries of a program that failed add to its verdict,
// "failed 3 of 5", and of another one whose first try said nothing that it was asked again; ""
// where there is nothing to say.
func (c *Case) TriesText() string {
	var parts []string
	if isFailed(c.Verdict.Status) {
		failed, tried := c.Score()
		seeds, all := c.Seeds()
		switch {
		case tried > 1:
			text := fmt.Sprintf("failed %d of %d", failed, tried)
			if c.Noise != 0 {
				text += fmt.Sprintf(" under noise %d", c.Noise)
			}
			if c.Rare() {
				text += ", rare"
				if n := c.served(); n > 0 {
					text += fmt.Sprintf(" (that guest had served %d programs before)", n)
				}
			}
			parts = append(parts, text)
		case all > 1: // that one was not tried again; what follows says enough
		case c.Noise != 0:
			parts = append(parts, fmt.Sprintf("tried once under noise %d", c.Noise))
		case len(c.Tries) > 0:
			parts = append(parts, "tried once")
		}
		if all > 1 {
			parts = append(parts, fmt.Sprintf("failed under %d of %d seeds: %s", len(seeds), all, seedList(seeds)))
		}
		if classes := c.otherClasses(); len(classes) > 0 {
			parts = append(parts, "also "+strings.Join(classes, ", "))
		}
	}
	var silent []string
	n := 0
	for i := range c.Tries {
		t := &c.Tries[i]
		if t.Status == judge.Infra || t.Status == judge.Inconclusive {
			n++
			if !slices.Contains(silent, string(t.Status)) {
				silent = append(silent, string(t.Status))
			}
		}
	}
	if n > 0 && len(c.Tries) > 1 {
		parts = append(parts, fmt.Sprintf("%d of %d tries said nothing (%s)", n, len(c.Tries), strings.Join(silent, ", ")))
	}
	return strings.Join(parts, "; ")
}

// served is how many programs the guest of the first failure had served before it.
func (c *Case) served() int {
	for i := range c.Tries {
		if c.Tries[i].Failed() {
			return c.Tries[i].Served
		}
	}
	return 0
}

// class is that of the verdict.
func (c *Case) class() string {
	for i := range c.Tries {
		if c.Tries[i].Failed() {
			return c.Tries[i].Class
		}
	}
	return ""
}

// otherClasses lists what else failed than what the verdict says, with how often.
func (c *Case) otherClasses() []string {
	own := c.class()
	count := map[string]int{}
	var order []string
	for i := range c.Tries {
		t := &c.Tries[i]
		if t.Failed() && t.Class != own {
			if count[t.Class]++; count[t.Class] == 1 {
				order = append(order, t.Class)
			}
		}
	}
	for i, class := range order {
		if n := count[class]; n > 1 {
			order[i] = fmt.Sprintf("%s (%d times)", class, n)
		}
	}
	return order
}

func seedList(seeds []uint64) string {
	var words []string
	for i, s := range seeds {
		if i == mostSeeds {
			words = append(words, fmt.Sprintf("and %d more", len(seeds)-i))
			break
		}
		words = append(words, strconv.FormatUint(s, 10))
	}
	return strings.Join(words, ", ")
}

// noiseText says what the noise of the case's verdict did, "" for none.
func (c *Case) noiseText() string {
	if c.Noise == 0 || c.Program == nil {
		return ""
	}
	return fmt.Sprintf("noise %d: %v", c.Noise, noise.For(c.Noise, c.Program))
}

// again returns the command line that tries the case once more, with the seed
// of its verdict; "" where the run does not know it.
func (r *Run) again(c *Case, dir string) string {
	if len(r.Again) == 0 || c.Program == nil {
		return ""
	}
	args := slices.Clone(r.Again)
	if c.Noise != 0 {
		args = append(args, "--noise", strconv.FormatUint(c.Noise, 10))
	}
	if slices.Contains(args, "run") {
		args = append(args, dir+"/"+programFile)
	} else {
		args = append(args, "--only", "^"+regexp.QuoteMeta(c.Name)+"$")
	}
	return CommandLine(args)
}

// CommandLine quotes arguments for a shell.
func CommandLine(args []string) string {
	var words []string
	for _, a := range args {
		words = append(words, shellQuote(a))
	}
	return strings.Join(words, " ")
}

// shellQuote quotes an argument for a shell where it needs it.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@+%", r))
	}
	if s != "" && !strings.ContainsFunc(s, plain) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
