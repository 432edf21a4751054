// SPDX-License-Identifier: Apache-2.0

package images

import "time"

// Stage is a phase on the way from a request to an image.
type Stage string

const (
	StageSource    Stage = "source"    // finding, downloading, unpacking; counts bytes where known
	StageWait      Stage = "wait"      // another process holds a lock; Line says who
	StagePatch     Stage = "patch"     // counts files written
	StageConfigure Stage = "configure" // tinyconfig, fragments, olddefconfig
	StageCompile   Stage = "compile"   // counts make's steps
	StageStore     Stage = "store"     // copying the result
	StageNotice    Stage = "notice"    // something the user should know; Line is the text
)

// Event is one report of progress.
type Event struct {
	Stage Stage
	// Done of Total units; Total is an estimate (for StageCompile, from the
	// last build of that kind), may be exceeded, and is 0 where unknown.
	Done, Total int
	Elapsed     time.Duration // since the stage began
	Line        string        // make's line, or a text for people
}

// Progress receives events, one at a time. It must not block. A nil Progress is allowed.
type Progress func(Event)

func (p Progress) send(e Event) {
	if p != nil {
		p(e)
	}
}

func (p Progress) notice(line string) { p.send(Event{Stage: StageNotice, Line: line}) }
