// SPDX-License-Identifier: Apache-2.0

// Package report renders a finished run: HTML, Perfetto, JUnit, KTAP, JSON
// and Markdown, all from one [Run], and reads results.json back.
package report

import (
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/answers"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/stuck"
	"github.com/ringproof/ringproof/vm/wire"
)

// Schema is the version of results.json. It changes when a reader of the
// old one would misread the new one.
const Schema = 1

// Run is one execution of a set of programs on one kernel: results.json is
// this structure.
type Run struct {
	Schema  int       `json:"schema"`
	Tool    Tool      `json:"tool"`
	Started time.Time `json:"started"`
	// Took is wall-clock seconds from start to the last verdict.
	Took float64 `json:"took_seconds"`
	// Command is the command line that was given.
	Command []string `json:"command"`
	// Again is the command line that runs one program of this run again, but
	// for what names the program and its noise; nil where it is not known.
	Again  []string `json:"again,omitempty"`
	Kernel Kernel   `json:"kernel"`
	Guest  Guest    `json:"guest"`
	Cases  []Case   `json:"cases"`
	// Partial is set when the run was interrupted: cases may be missing.
	Partial bool `json:"partial,omitempty"`
	// Notes are things a reader must know, such as a fall-back from KVM to TCG.
	Notes []string `json:"notes,omitempty"`
	// Answers are those to the questions C1 to C8, as they were found when the run was
	// written; nil in a run that was not, or whose evidence is all there.
	Answers []answers.Answer `json:"answers,omitempty"`
}

// Tool says which ringproof this was.
type Tool struct {
	Version string `json:"version"`
	BuildID string `json:"build_id"`
}

// Kernel says what was tested.
type Kernel struct {
	Series  string `json:"series"`  // as the user named it
	Profile string `json:"profile"` // the semantics it was judged by
	Flavour string `json:"flavour"`
	Source  string `json:"source"`  // such as debian:linux-source-6.12
	Version string `json:"version"` // such as 6.12.117-1~deb12u1
	Key     string `json:"key"`     // the image's content key
	// Patches are the series' patches in order, with their SHA-256.
	Patches []Patch `json:"patches,omitempty"`
	// Origin is what the series says of itself besides.
	Origin Origin `json:"origin,omitzero"`
	// Instruments are ringproof's own changes for this flavour, in or left out.
	Instruments []Instrument `json:"instruments,omitempty"`
	Config      string       `json:"config_sha256,omitempty"`
	Compiler    string       `json:"compiler,omitempty"`
}

// Guest says where it ran.
type Guest struct {
	Accel       string          `json:"accel"` // kvm or tcg
	QEMU        string          `json:"qemu"`
	CPUs        int             `json:"cpus"`
	MemMB       int             `json:"mem_mb"`
	Boots       int             `json:"boots"`    // guests booted from power-on
	Restores    int             `json:"restores"` // guests restored from a snapshot
	BootSeconds float64         `json:"boot_seconds"`
	Info        *wire.GuestInfo `json:"info,omitempty"`
}

// Case is one program with its verdict and evidence.
type Case struct {
	Name string `json:"name"`
	// Text is the program in its text form.
	Text    string         `json:"text"`
	Program *cases.Program `json:"-"` // parsed again from Text when read back
	Verdict judge.Verdict  `json:"verdict"`
	// Outcome is nil where the program did not run (SKIP, INFRA).
	Outcome *cases.Outcome `json:"outcome,omitempty"`
	// Crashes are the kernel's complaints, as far as symbols and source were at
	// hand with files, lines and patches; only for CRASH and HANG.
	Crashes []crash.Report `json:"crashes,omitempty"`
	// Stuck says what hangs; only for HANG.
	Stuck *stuck.Hang `json:"stuck,omitempty"`
	// Noise is the seed of the schedule noise under which the verdict was found; 0 is none.
	Noise uint64 `json:"noise,omitempty"`
	// Tries are all times that the program was run, in order. Verdict, Outcome
	// and Noise are those of the first that failed; where none did, of the worst.
	Tries []Try `json:"tries"`
	// Also holds the first evidence of each other class in which the program
	// failed: cases of the same program with a single try.
	Also []Case `json:"also,omitempty"`
	// Seconds is wall-clock time on the host from send to verdict, of all tries.
	Seconds float64 `json:"seconds"`
}
