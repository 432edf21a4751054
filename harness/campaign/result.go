// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"fmt"
	"time"

	"github.com/ringproof/ringproof/harness/report"
)

// Schema is the version of fuzz.json and hunt.json. It changes when a reader of
// the old one would misread the new one.
const Schema = 1

// Result is what came of one campaign; fuzz.json is this structure.
type Result struct {
	Schema  int           `json:"schema"`
	Tool    report.Tool   `json:"tool"`
	Started time.Time     `json:"started"`
	Command []string      `json:"command"`
	Kernel  report.Kernel `json:"kernel"`
	Accel   string        `json:"accel"`
	Jobs    int           `json:"jobs"` // guests that ran at the same time
	Seed    uint64        `json:"seed,string"`
	Noise   uint64        `json:"noise,omitempty,string"`
	// Blind is set where coverage did not decide what is mutated.
	Blind bool `json:"blind,omitempty"`
	// Corpus is the directory of the corpus, "" where none was kept.
	Corpus string `json:"corpus,omitempty"`
	Status
	// Curve is the status over time, the last one at the end.
	Curve    []Point    `json:"curve"`
	Findings []*Finding `json:"findings"`
	// Earlier is the sum of the campaigns on the same corpus before this one.
	Earlier State `json:"earlier"`
	// Partial is set when it was interrupted.
	Partial bool     `json:"partial,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Status is a campaign's figures at one moment.
type Status struct {
	// Seconds is wall clock since the first guest was asked for. Left is what remains, 0 where no time was given.
	Seconds float64 `json:"seconds"`
	Left    float64 `json:"-"`
	// Executions counts programs that ran, Judged those of them with a verdict
	// on the kernel: PASS, FAIL, CRASH or HANG. Inquiries and the minimiser's runs are not included.
	Executions int           `json:"executions"`
	Judged     int           `json:"judged"`
	Counts     report.Counts `json:"counts"`
	// AskedAgain counts executions that said nothing and whose program was run once more.
	AskedAgain int `json:"asked_again"`
	Edges      int `json:"edges"`
	PCs        int `json:"pcs"`
	// Blocks of TotalBlocks basic blocks of io_uring/io_uring.c were reached; both are 0 where that is not known.
	Blocks      int `json:"io_uring_c_blocks"`
	TotalBlocks int `json:"io_uring_c_total_blocks,omitempty"`
	CorpusSize  int `json:"corpus_size"`
	Loaded      int `json:"corpus_loaded"`
	Found       int `json:"findings_confirmed"`
	Unconfirmed int `json:"findings_unconfirmed"`
	// Restarts counts guests that were replaced, after a crash, a hang or trouble on our side.
	Restarts int `json:"restarts"`
	Boots    int `json:"boots"`
	Restores int `json:"restores"`
	// Inquiries are programs that were run again alone, those of the minimiser included.
	Inquiries int `json:"inquiry_runs"`
}

// Rate is executions a second over the whole campaign.
func (s *Status) Rate() float64 {
	if s.Seconds <= 0 {
		return 0
	}
	return float64(s.Executions) / s.Seconds
}

// String is the status in one line.
func (s *Status) String() string {
	line := fmt.Sprintf("%d executions, %.0f/s, %d judged; %d edges", s.Executions, s.Rate(), s.Judged, s.Edges)
	if s.TotalBlocks > 0 {
		line += fmt.Sprintf(", %d blocks of io_uring.c", s.Blocks)
	}
	line += fmt.Sprintf("; corpus %d; %d findings", s.CorpusSize, s.Found)
	if s.Unconfirmed > 0 {
		line += fmt.Sprintf(" and %d not seen again", s.Unconfirmed)
	}
	line += fmt.Sprintf("; %d restarts; %v", s.Restarts, seconds(s.Seconds))
	if s.Left > 0 {
		line += fmt.Sprintf(", %v left", seconds(s.Left))
	}
	return line
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Second)
}

// Point is a status for the curve.
type Point struct {
	Seconds    float64 `json:"seconds"`
	Executions int     `json:"executions"`
	Edges      int     `json:"edges"`
	PCs        int     `json:"pcs"`
	Blocks     int     `json:"io_uring_c_blocks"`
	CorpusSize int     `json:"corpus_size"`
	Found      int     `json:"findings_confirmed"`
}

// Point returns what the curve keeps of a status.
func (s *Status) Point() Point {
	return Point{s.Seconds, s.Executions, s.Edges, s.PCs, s.Blocks, s.CorpusSize, s.Found}
}

// State is what is kept beside a corpus, so that the next campaign on it goes
// on and does not begin again.
type State struct {
	// Campaigns that were run so far; it is part of the next one's random numbers.
	Campaigns  int     `json:"campaigns"`
	Executions int     `json:"executions"`
	Seconds    float64 `json:"seconds"`
}
