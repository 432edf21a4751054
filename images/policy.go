// SPDX-License-Identifier: Apache-2.0

package images

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// buildPrefixes are names of files that make or Kconfig read, at any depth.
// Kconfig is among them since its macros can run a shell: $(shell,…).
var buildPrefixes = []string{"makefile", "gnumakefile", "kbuild", "kconfig", "localversion", ".config"}

// buildSuffixes are kinds of files that the build runs or includes.
var buildSuffixes = []string{".mk", ".sh", ".pl", ".py", ".awk", ".bc", ".sed", ".include"}

// buildDirs hold programs that the build compiles for the host and runs.
var buildDirs = map[string]bool{"scripts": true, "tools": true, "certs": true, "usr": true}

// buildSystemFile tells why changing path could run code on the host when the
// tree at root is built; "" when it cannot, as far as its name and the
// makefile beside it show. Ordinary code is compiled, never run.
func buildSystemFile(root, p string) string {
	base := strings.ToLower(path.Base(p))
	for _, prefix := range buildPrefixes {
		if strings.HasPrefix(base, prefix) {
			return "it belongs to the build system"
		}
	}
	for _, suffix := range buildSuffixes {
		if strings.HasSuffix(base, suffix) {
			return "it is a script or part of a makefile"
		}
	}
	for i, dir := range strings.Split(path.Dir(p), "/") {
		// usr/ and certs/ only at the top: include/ and drivers/ have dirs of such names.
		if buildDirs[dir] && (i == 0 || dir == "scripts" || dir == "tools") {
			return "the build runs programs from " + dir + "/"
		}
	}
	if hostProgram(root, p) {
		return "it is the source of a program that the build compiles and runs"
	}
	return ""
}

var hostLine = regexp.MustCompile(`(?m)^\s*(?:hostprogs[\w-]*|[\w-]+-objs|HOSTCFLAGS_[\w.-]+)\s*[:+]?=\s*((?:.*\\\n)*.*)$`)

// hostProgram looks for path's stem among the host programs of its directory's makefile.
func hostProgram(root, p string) bool {
	stem := strings.TrimSuffix(path.Base(p), path.Ext(p))
	for _, mk := range []string{"Makefile", "Kbuild"} {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path.Dir(p)), mk))
		if err != nil || !strings.Contains(string(text), "hostprogs") {
			continue
		}
		for _, m := range hostLine.FindAllStringSubmatch(string(text), -1) {
			for _, word := range strings.Fields(strings.ReplaceAll(m[1], "\\\n", " ")) {
				if strings.TrimSuffix(word, ".o") == stem {
					return true
				}
			}
		}
	}
	return false
}
