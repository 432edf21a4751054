// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// QEMU is an installed QEMU.
type QEMU struct {
	// Path is the absolute path of the executable.
	Path string
	// Version is the first line of its --version, packaging suffix included.
	Version string
}

// DefaultQEMU is the executable that FindQEMU looks for when it gets no name.
const DefaultQEMU = "qemu-system-x86_64"

// FindQEMU looks up a QEMU by name in $PATH or by path ("" is [DefaultQEMU])
// and asks for its version. A missing one is an *InfraError that names the
// package to install.
func FindQEMU(ctx context.Context, name string) (*QEMU, error) {
	if name == "" {
		name = DefaultQEMU
	}
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, &InfraError{Op: "find " + name, Err: errors.Unwrap(err),
			Hint: "install it with: apt-get install qemu-system-x86"}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	first, _, _ := strings.Cut(string(out), "\n")
	if err != nil {
		return nil, infra("ask "+path+" for its version", fmt.Errorf("%w: %s", err, first))
	}
	return &QEMU{Path: path, Version: strings.TrimSpace(first)}, nil
}
