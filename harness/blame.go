// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"

	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// Blame says whose fault it is that a job could not be finished.
type Blame int

const (
	// BlameInfra: this machine or ringproof. Everything that is not known to be another's.
	BlameInfra Blame = iota
	// BlameKernel: the kernel under test does not build or does not come up.
	BlameKernel
	// BlameUser: what was asked for cannot be: a series that does not apply, an unknown flavour.
	BlameUser
	// BlameInterrupt: somebody stopped the job.
	BlameInterrupt
)

// UsageError is a wrong request that this package found.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// BlameFor classifies an error of this package.
func BlameFor(err error) Blame {
	switch {
	case errors.Is(err, context.Canceled):
		return BlameInterrupt
	case isA[*images.BuildError](err), isA[*vm.GuestError](err):
		return BlameKernel
	case isA[*images.SpecError](err), isA[*images.ApplyError](err), isA[*images.ConfigError](err), isA[*UsageError](err):
		return BlameUser
	}
	return BlameInfra
}

func isA[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}
