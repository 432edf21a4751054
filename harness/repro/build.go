// SPDX-License-Identifier: Apache-2.0

package repro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Exit statuses of a program that [C] wrote.
const (
	Shows  = 1 // the bug shows
	Cannot = 2 // the machine or the kernel cannot run it
)

// Compiler is what builds the programs of [C].
const Compiler = "gcc"

// BuildError says what the compiler has against a source.
type BuildError struct{ Output string }

func (e *BuildError) Error() string { return "it does not compile: " + e.Output }

// Build compiles a C program into a static executable, which needs nothing of the
// machine that it runs on but the kernel. A warning is an error. The error is a *BuildError, or
// says why there was no compiling: wraps [exec.ErrNotFound] where there is no compiler.
func Build(ctx context.Context, source []byte) ([]byte, error) {
	cc, err := exec.LookPath(Compiler)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ringproof-repro-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "repro.c"), filepath.Join(dir, "repro")
	if err := os.WriteFile(in, source, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, cc, "-static", "-s", "-O1", "-Wall", "-Werror", "-pthread", "-o", out, in)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var failed *exec.ExitError
		if !errors.As(err, &failed) {
			return nil, fmt.Errorf("run %s: %w", cc, err)
		}
		return nil, &BuildError{string(bytes.ReplaceAll(said.Bytes(), []byte(dir+"/"), nil))}
	}
	return os.ReadFile(out)
}
