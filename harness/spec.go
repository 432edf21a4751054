// SPDX-License-Identifier: Apache-2.0

// Package harness ties the rooms together: it plans a run, builds the kernel,
// keeps guests, runs programs in them and has the outcomes judged.
package harness

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/vm"
)

// GuestSpec says how guests are run and by which semantics they are judged.
type GuestSpec struct {
	// Profile is a built-in profile's name or a file's path; "" is the one named like the series.
	Profile string
	Accel   vm.Accel
	// Guests is how many run at the same time; 0 is 1.
	Guests     int
	NoSnapshot bool
	NoProbes   bool
	// Noise prepares guests for schedule noise, see wire.Settings.Noise: for
	// programs that are run with vm.RunOptions.Noise.
	Noise bool
	// RingBytes is the size of the probes' buffer; 0 is their default.
	RingBytes uint32
	// Slowdown stretches every bound, on top of what emulation needs; below 1 counts as 1.
	Slowdown float64
	// GDB is the address for gdb's stub of the guest; "" is none.
	GDB string
	// Executable is the static binary that guests run; "" is the running one, which is
	// right everywhere but in tests.
	Executable string
	// Meddler breaks things in tests; nil leaves them whole.
	Meddler vm.Meddler
}

// Progress is a report on long work.
type Progress struct {
	Stage string
	// Done of Total units; Total is 0 where there is nothing to count.
	Done, Total int
	Elapsed     time.Duration
	Text        string
}

// FromImages turns progress of a build into ours. nil stays nil.
func FromImages(f func(Progress)) images.Progress {
	if f == nil {
		return nil
	}
	return func(e images.Event) {
		f(Progress{Stage: string(e.Stage), Done: e.Done, Total: e.Total, Elapsed: e.Elapsed, Text: e.Line})
	}
}

// LoadProfile returns the semantics to judge a series by. name is a built-in
// profile, a file, or "" for the built-in one named like the series.
func LoadProfile(name, series string) (*cases.Profile, error) {
	builtin := cases.Profiles()
	switch {
	case name == "" && slices.Contains(builtin, series):
		return cases.LoadProfile(series)
	case name == "":
		return nil, &UsageError{fmt.Errorf(
			"no profile says what series %q promises: give --profile (%s, or a file)", series, strings.Join(builtin, ", "))}
	case slices.Contains(builtin, name):
		return cases.LoadProfile(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, &UsageError{fmt.Errorf("profile %q is neither built in (%s) nor a file: %w", name, strings.Join(builtin, ", "), err)}
	}
	p, err := cases.ParseProfile(text)
	if err != nil {
		return nil, &UsageError{fmt.Errorf("%s: %w", name, err)}
	}
	return p, nil
}
