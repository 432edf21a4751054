// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Tool is something that the kernel's build needs on the host.
type Tool struct {
	Name    string // program, or header file below /usr/include
	Package string // that brings it in Debian
	Header  bool
}

// Tools are all of them.
var Tools = []Tool{
	{Name: "make", Package: "build-essential"},
	{Name: "gcc", Package: "build-essential"},
	{Name: "ld", Package: "build-essential"},
	{Name: "flex", Package: "flex"},
	{Name: "bison", Package: "bison"},
	{Name: "bc", Package: "bc"},
	{Name: "pahole", Package: "dwarves"},
	{Name: "tar", Package: "tar"},
	{Name: "xz", Package: "xz-utils"},
	{Name: "lz4", Package: "lz4"},
	{Name: "perl", Package: "perl"},
	{Name: "gelf.h", Package: "libelf-dev", Header: true},
	{Name: "openssl/ssl.h", Package: "libssl-dev", Header: true},
}

const installAdvice = "\"ringproof doctor\" shows what is missing and how to install it"

// Missing returns the tools that this host lacks.
func Missing() []Tool {
	var out []Tool
	for _, t := range Tools {
		var err error
		if t.Header {
			_, err = os.Stat("/usr/include/" + t.Name)
		} else {
			_, err = exec.LookPath(t.Name)
		}
		if err != nil {
			out = append(out, t)
		}
	}
	return out
}

// toolchain describes everything that turns source into binaries, and fails
// where something is missing.
func toolchain(ctx context.Context) (string, error) {
	if missing := Missing(); len(missing) > 0 {
		var names []string
		packages := map[string]bool{}
		for _, t := range missing {
			names = append(names, t.Name)
			packages[t.Package] = true
		}
		return "", &InfraError{Op: "build a kernel", Err: fmt.Errorf("missing: %s", strings.Join(names, ", ")),
			Advice: "Run as root: apt-get update && apt-get install -y " + strings.Join(keys(packages), " ")}
	}
	var lines []string
	for _, tool := range []string{"gcc", "ld", "pahole"} {
		out, err := output(ctx, "/", tool, "--version")
		if err != nil {
			return "", &InfraError{Op: "ask " + tool + " for its version", Err: err, Advice: installAdvice}
		}
		first, _, _ := strings.Cut(out, "\n")
		if tool == "pahole" {
			first = "pahole " + first
		}
		lines = append(lines, strings.TrimSpace(first))
	}
	return strings.Join(lines, "; "), nil
}

func errorsIsNotFound(err error) bool {
	return errors.Is(err, exec.ErrNotFound)
}
