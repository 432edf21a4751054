// SPDX-License-Identifier: Apache-2.0

// Package probe watches io_uring requests in the guest through eBPF. A
// [Tracer] loads and attaches the programs and reads their records; a
// [Control] in a worker process says which rings are traced; [Decode] turns
// records into events on the host.
package probe

import (
	"errors"
	"os"
	"time"

	"github.com/ringproof/ringproof/cases"
)

// Options say what to trace.
type Options struct {
	// Profile names the kernel's fields and flags for groups.
	Profile cases.Profile
	// RingBytes is the size of the record buffer, a power of two of at least
	// one page; 0 is [DefaultRingBytes].
	RingBytes uint32
}

// DefaultRingBytes holds about 170,000 records.
const DefaultRingBytes = 16 << 20

// Tracer is a set of loaded and attached probes with their record buffer.
// Read, Wait and Counts may be called by one goroutine at a time.
type Tracer struct{}

// Load loads and attaches every probe that this kernel has a place for. What
// it lacks is listed by [Tracer.Missing]; an error means that nothing can be traced.
func Load(o Options) (*Tracer, error) { return nil, errors.ErrUnsupported }

// Attached lists the attached probes as "kind=attach point", such as "issue=fentry/io_issue_sqe".
func (t *Tracer) Attached() []string { return nil }

// Missing lists what could not be attached as "kind=attach point: reason".
func (t *Tracer) Missing() []string { return nil }

// ControlFile is the file for [OpenControl]; the Tracer owns it.
func (t *Tracer) ControlFile() *os.File { return nil }

// Read appends all records that are available now to buf. It never blocks.
func (t *Tracer) Read(buf []byte) ([]byte, error) { return buf, nil }

// Wait blocks until a record may be available or the timeout is over.
func (t *Tracer) Wait(timeout time.Duration) error { return nil }

// Counts returns how many records were lost for want of space and how many
// probe runs the kernel skipped, since Load.
func (t *Tracer) Counts() (lost, missed uint64) { return 0, 0 }

// Close detaches and frees everything.
func (t *Tracer) Close() error { return nil }
