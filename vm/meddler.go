// SPDX-License-Identifier: Apache-2.0

package vm

import "net"

// A Meddler is there for tests of what happens when our own side fails: it
// sees what a guest goes through and may break what it sees. Its methods are called
// from the goroutine that brings the guest there, of several guests at once if need be.
type Meddler interface {
	// Stage is called when a guest has come to a stage. pid is QEMU's, 0 where it was not started yet.
	Stage(s Stage, pid int)
	// Channel returns what the host shall use in place of a guest's channel.
	// It is called once per guest, before anything was sent.
	Channel(pid int, channel net.Conn) net.Conn
}

// Stage is a moment in which a [Meddler] may meddle.
type Stage string

const (
	StageRestoring Stage = "restoring" // a snapshot is about to be opened
	StageStarted   Stage = "started"   // QEMU was started, to boot or to load a snapshot that was found whole
	StageSaving    Stage = "saving"    // the guest stands still, and QEMU is about to write its state
	StageSaved     Stage = "saved"     // the snapshot is complete, and about to get its name
)

func (c *Config) stage(s Stage, pid int) {
	if c.Meddler != nil {
		c.Meddler.Stage(s, pid)
	}
}
