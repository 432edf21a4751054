// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
)

// Names of the files that [Hunt.Write] makes.
const (
	HuntFile        = "hunt.json"
	HuntSummaryFile = "hunt.md"
)

// SmallEnough is the number of SQEs that a minimised program should not exceed.
const SmallEnough = 6

// Hunt is how long it took to find each deliberate mistake of a series from
// nothing; hunt.json is this structure.
type Hunt struct {
	Schema  int         `json:"schema"`
	Tool    report.Tool `json:"tool"`
	Started time.Time   `json:"started"`
	Took    float64     `json:"took_seconds"`
	Command []string    `json:"command"`
	Series  string      `json:"series"`
	Profile string      `json:"profile"`
	Accel   string      `json:"accel,omitempty"`
	Jobs    int         `json:"jobs"`
	Seed    uint64      `json:"seed,string"`
	// Limit is the seconds after which a mutant counts as not found; 0 is none. Executions likewise.
	Limit      float64  `json:"limit_seconds"`
	Executions int      `json:"limit_executions,omitempty"`
	Results    []Hunted `json:"results"`
	// Unfit are programs that failed on the kernel without a mistake as well: false alarms.
	Unfit   []Unfit  `json:"unfit,omitempty"`
	Partial bool     `json:"partial,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// HuntStatus says what came of the hunt for one mutant.
type HuntStatus string

// The statuses, in the order in which they are shown.
const (
	NotFound  HuntStatus = "not found"
	Otherwise HuntStatus = "other reason" // found, but only for reasons that its header does not allow
	NotTested HuntStatus = "not tested"   // our side broke
	Found     HuntStatus = "found"
)

var huntStatuses = []HuntStatus{NotFound, Otherwise, NotTested, Found}

// Hunted is what came of one mutant.
type Hunted struct {
	Mutant     string     `json:"mutant"`
	What       string     `json:"what"`
	Rules      []string   `json:"rules,omitempty"`
	Equivalent string     `json:"equivalent,omitempty"` // the proof that it cannot be found
	Status     HuntStatus `json:"status"`
	Why        string     `json:"why,omitempty"`     // of NotTested and Otherwise
	Program    string     `json:"program,omitempty"` // the text form of what failed, of Otherwise
	// Seconds is the time from the request for the first guest until the finding was
	// confirmed, or that was spent in vain; Executions what ran until then, Seen when the failure was first seen.
	Seconds    float64 `json:"seconds"`
	Seen       float64 `json:"seen_seconds,omitempty"`
	Executions int     `json:"executions"`
	Edges      int     `json:"edges"`
	CorpusSize int     `json:"corpus_size"`
	Class      string  `json:"class,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	// Example is the program that found it.
	Example *Example `json:"example,omitempty"`
	// C says how often its C program exited with 1, or had the kernel complain, with the mistake
	// and without; nil if there is no C program.
	C *CProgram `json:"c,omitempty"`
}

// CProgram says how often a finding's C program showed it, of how many runs that said anything.
type CProgram struct {
	Shown      int    `json:"shown"`
	Tried      int    `json:"tried"`
	RightShown int    `json:"right_shown"` // on the kernel without the mistake
	RightTried int    `json:"right_tried"`
	Why        string `json:"why,omitempty"` // runs said nothing, or it could not be tried
}

// Tells tells that the program shows the mistake, and never on the right kernel.
func (c *CProgram) Tells() bool {
	return c != nil && c.Shown > 0 && c.RightTried > 0 && c.RightShown == 0
}

func (c *CProgram) cell() string {
	switch {
	case c == nil:
		return "no"
	case c.Tried == 0 && c.RightTried == 0:
		return cell(firstLine(c.Why))
	}
	return fmt.Sprintf("%d of %d, right kernel %d of %d", c.Shown, c.Tried, c.RightShown, c.RightTried)
}

// Unfit is a program that fails without a mistake.
type Unfit struct {
	Mutant string       `json:"mutant"` // during the hunt for which it was made
	Class  string       `json:"class"`
	Status judge.Status `json:"status"`
	Reason string       `json:"reason"`
	Text   string       `json:"program"`
}

// Count counts the mutants of a status, those that are proved equivalent aside.
func (h *Hunt) Count(s HuntStatus) (n int) {
	for i := range h.Results {
		if h.Results[i].Status == s && h.Results[i].Equivalent == "" {
			n++
		}
	}
	return n
}

// Score is the line that a hunt ends with.
func (h *Hunt) Score() string {
	found := h.Count(Found)
	all := found + h.Count(NotFound) + h.Count(Otherwise)
	line := fmt.Sprintf("%d of %d mutants found from nothing", found, all)
	if all > 0 {
		line += fmt.Sprintf(" (%d%%)", 100*found/all)
	}
	if times := h.times(); len(times) > 0 {
		line += fmt.Sprintf(", median %.0f s, slowest %.0f s", times[len(times)/2], times[len(times)-1])
	}
	small, c := 0, 0
	for i := range h.Results {
		if e := h.Results[i].Example; e != nil {
			if e.SmallSQEs <= SmallEnough {
				small++
			}
		}
		if h.Results[i].C.Tells() {
			c++
		}
	}
	if found > 0 {
		line += fmt.Sprintf("; %d with at most %d SQEs, %d as C programs that the right kernel passes", small, SmallEnough, c)
	}
	if n := h.Count(NotTested); n > 0 {
		line += fmt.Sprintf("; %d not tested", n)
	}
	return line
}

func (h *Hunt) times() (times []float64) {
	for i := range h.Results {
		if h.Results[i].Status == Found {
			times = append(times, h.Results[i].Seconds)
		}
	}
	slices.Sort(times)
	return times
}

// Write writes the hunt into dir, for machines and for people.
func (h *Hunt) Write(dir string) error {
	b, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return fmt.Errorf("write %s: %w", HuntFile, err)
	}
	return writeBoth(dir, HuntFile, append(b, '\n'), HuntSummaryFile, h.markdown())
}

// Line is what came of a mutant in one line.
func (r *Hunted) Line() string {
	switch r.Status {
	case Found:
		return fmt.Sprintf("%s: found after %.0f s, %d executions: %s, %d SQEs", r.Mutant, r.Seconds, r.Executions, r.Class, r.Example.SmallSQEs)
	case NotTested, Otherwise:
		return fmt.Sprintf("%s: %s: %s", r.Mutant, r.Status, firstLine(r.Why))
	}
	return fmt.Sprintf("%s: not found in %.0f s, %d executions", r.Mutant, r.Seconds, r.Executions)
}

// Print writes what needs a reader, and the score.
func (h *Hunt) Print(w io.Writer) {
	for i := range h.Results {
		if h.Results[i].Status != Found {
			fmt.Fprintln(w, h.Results[i].Line())
		}
	}
	for _, u := range h.Unfit {
		fmt.Fprintf(w, "false alarm (during %s): %s: %s\n", u.Mutant, u.Class, firstLine(u.Reason))
	}
	for _, n := range h.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	fmt.Fprintln(w, h.Score())
}

func (h *Hunt) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# ringproof fuzz --hunt: %s\n\nSeries **%s**, profile %s, %s, %d guests side by side, at most %.0f s each, %.0f s in all.\n",
		h.Score(), cell(h.Series), cell(h.Profile), h.Accel, h.Jobs, h.Limit, h.Took)
	if h.Partial {
		b.WriteString("\n> **Partial:** this hunt was interrupted; mutants are missing.\n")
	}
	for _, n := range h.Notes {
		fmt.Fprintf(&b, "\n> **Note:** %s\n", cell(n))
	}
	for _, u := range h.Unfit {
		fmt.Fprintf(&b, "\n- false alarm during %s: %s: %s\n", cell(u.Mutant), cell(u.Class), cell(firstLine(u.Reason)))
	}
	b.WriteString("\n| mutant | outcome | s | executions | by | SQEs found | minimised | k of n | C exits 1 |\n|---|---|---:|---:|---|---:|---:|---|---|\n")
	sorted := slices.Clone(h.Results)
	slices.SortStableFunc(sorted, func(a, b Hunted) int {
		return cmp.Or(cmp.Compare(slices.Index(huntStatuses, a.Status), slices.Index(huntStatuses, b.Status)), cmp.Compare(b.Seconds, a.Seconds))
	})
	for i := range sorted {
		r := &sorted[i]
		by := r.Class
		if r.Status != Found {
			by = firstLine(r.Why)
		}
		row := []string{r.Mutant, string(r.Status), fmt.Sprintf("%.0f", r.Seconds), fmt.Sprint(r.Executions), cell(by), "", "", "", ""}
		if e := r.Example; e != nil {
			row = append(row[:5], fmt.Sprint(e.SQEs), fmt.Sprint(e.SmallSQEs), e.Score(), r.C.cell())
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.Bytes()
}
