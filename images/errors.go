// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/ringproof/ringproof/kconfig"
)

// SpecError says that what was asked for cannot be: an unknown flavour or
// series, a source that is not there, a checksum that does not match. The
// user has to change the request.
type SpecError struct {
	What  string // "source", "series", "flavour"
	Value string // as given
	Err   error
}

func (e *SpecError) Error() string { return fmt.Sprintf("%s %q: %v", e.What, e.Value, e.Err) }
func (e *SpecError) Unwrap() error { return e.Err }

// ApplyError says that a series does not apply or is refused. No file was
// changed. Fields that do not fit the case are zero.
type ApplyError struct {
	Patch string // name of the patch file
	// Subject of the patch, where it has one.
	Subject string
	File    string // path in the tree
	Hunk    int    // 1 is the file's first
	Line    int    // line of the file at which the hunk was expected
	Reason  string
	Cause   Cause // "" where it is none of the known ones
	// Details are what helps to mend it, one or more lines each: expected and
	// found lines, patches that are missing, a base on which the series applies.
	Details []string
	// Refused: the series was well-formed but is not allowed; AllowBuildFiles
	// would let it through if BuildFile is set too.
	Refused   bool
	BuildFile bool

	err   error    // tells some cases apart
	near  []string // Details about the place
	lacks []string // lines that are expected and nowhere in the file
}

func (e *ApplyError) Error() string {
	var b strings.Builder
	verb := "does not apply"
	if e.Refused {
		verb = "is refused"
	}
	fmt.Fprintf(&b, "patch %s %s", e.Patch, verb)
	if e.File != "" {
		fmt.Fprintf(&b, ": %s", e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
	}
	if e.Hunk > 0 {
		fmt.Fprintf(&b, ": hunk %d", e.Hunk)
	}
	fmt.Fprintf(&b, ": %s", e.Reason)
	if e.Subject != "" {
		fmt.Fprintf(&b, "\n  subject: %s", e.Subject)
	}
	for _, d := range e.Details {
		b.WriteString("\n  " + d)
	}
	return b.String()
}

// ConfigError says that the kernel did not take symbols that the flavour needs.
type ConfigError struct {
	Flavour  string
	Version  string // of the kernel
	Problems []kconfig.Problem
}

func (e *ConfigError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "flavour %s: Linux %s did not take %d symbol(s) of its configuration:", e.Flavour, e.Version, len(e.Problems))
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  %s", p)
	}
	return b.String()
}

// BuildError says that the kernel does not compile or link.
type BuildError struct {
	Stage  Stage
	Errors []string // the first errors as the tools printed them, at most ten
	Log    string   // path of the whole output
	// Mutants names those of the woven ones that the errors are about.
	Mutants []string
	// Instruments are those of ringproof's own changes that were in.
	Instruments []string

	clones []int // numbers of the mutants
}

func (e *BuildError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the kernel does not build (%s)", e.Stage)
	if len(e.Mutants) > 0 {
		fmt.Fprintf(&b, " because of the mutants that are woven in: %s", strings.Join(e.Mutants, ", "))
	}
	b.WriteByte(':')
	for _, l := range e.Errors {
		fmt.Fprintf(&b, "\n  %s", l)
	}
	fmt.Fprintf(&b, "\nThe whole output is in %s", e.Log)
	if len(e.Instruments) > 0 {
		fmt.Fprintf(&b, "\nIf the errors are about ringproof's own changes (%s), build without them (--no-instrument)", strings.Join(e.Instruments, ", "))
	}
	return b.String()
}

// InfraError says that our side broke: disk, network, a missing tool. It says
// nothing about the kernel or the series.
type InfraError struct {
	Op     string // what was attempted
	Err    error
	Advice string // what to do next
}

func (e *InfraError) Error() string {
	s := fmt.Sprintf("%s: %v", e.Op, e.Err)
	if e.Advice != "" {
		s += ". " + e.Advice
	}
	return s
}
func (e *InfraError) Unwrap() error { return e.Err }

// infra wraps err as an InfraError, with advice where the cause is known.
// Errors that already have a type of this package, and nil, pass unchanged.
func (s *Store) infra(op string, err error) error {
	var (
		ie *InfraError
		se *SpecError
		ae *ApplyError
		be *BuildError
		ce *ConfigError
	)
	if err == nil || errors.As(err, &ie) || errors.As(err, &se) || errors.As(err, &ae) || errors.As(err, &be) || errors.As(err, &ce) {
		return err
	}
	e := &InfraError{Op: op, Err: err}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Advice = s.diskAdvice()
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EPERM):
		e.Advice = fmt.Sprintf("Make %s writable or point XDG_CACHE_HOME elsewhere", s.dir)
	}
	return e
}

func (s *Store) diskAdvice() string {
	return fmt.Sprintf("Free space in %s (\"ringproof cache\" shows and prunes it; a kernel needs about 4 GB) or point XDG_CACHE_HOME elsewhere, then run again", s.dir)
}
