// SPDX-License-Identifier: Apache-2.0

// Package images turns a kernel source, a patch series and a flavour into a
// bootable image, and keeps what it made: sources, build trees, images and
// initramfs archives, all below one cache directory that may be deleted at
// any time.
//
// An image is named by a key over everything that went into it, so asking for
// one again costs a look-up. Building one rewrites only those files of the
// build tree that differ, so make does only what the change asks for.
//
// Errors tell whose fault it is: [SpecError] the request, [ApplyError] and
// [BuildError] the series, [ConfigError] the flavour on this kernel,
// [InfraError] this machine.
package images

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
)

// recipe is the version of what this package does to build an image. Raise
// it whenever the same inputs would give another image.
const recipe = 1

// tmpPrefix begins names of entries in the making, which belong to whoever
// holds the lock of making them; gonePrefix those of entries being removed.
const (
	tmpPrefix  = ".tmp-"
	gonePrefix = ".gone-"
)

// Store is the cache. Its methods may be called concurrently, and by several
// processes.
type Store struct {
	dir    string
	client *http.Client

	// What follows is fixed but for tests.
	make      []string // the make program and leading arguments
	jobs      int
	usrSrc    string // where source packages install their tarballs
	euid      int
	toolchain func(context.Context) (string, error)
	pause     func(context.Context, int) // between download attempts
}

// CacheDir returns $XDG_CACHE_HOME/ringproof, or ~/.cache/ringproof where the
// variable is not set. It looks at the environment each time. Other parts of
// ringproof keep their caches in directories beside this package's.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", &InfraError{Op: "find the cache directory", Err: err, Advice: "Set XDG_CACHE_HOME to an absolute path"}
	}
	return filepath.Join(base, "ringproof"), nil
}

// Open returns the store in dir, or in [CacheDir] where dir is empty. It
// touches nothing yet.
func Open(dir string) (*Store, error) {
	var err error
	if dir == "" {
		dir, err = CacheDir()
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, err
	}
	return &Store{
		dir:       dir,
		client:    &http.Client{},
		make:      []string{"make"},
		jobs:      runtime.NumCPU(),
		usrSrc:    "/usr/src",
		euid:      os.Geteuid(),
		toolchain: toolchain,
	}, nil
}

// Dir returns the cache's directory.
func (s *Store) Dir() string { return s.dir }

// Spec is a wanted image.
type Spec struct {
	Source string // see [SourceForms]; empty is DefaultSource
	Series string // see [SeriesForms]; empty is SeriesNone
	// Revision is the N of [PATCH vN] where the series' source holds several; 0
	// is the newest that is complete.
	Revision int
	// ThreeWay lets git merge a series that does not apply, where Source is a
	// repository that has the series' base.
	ThreeWay bool
	// Partial takes a series of which patches are missing by their numbers.
	Partial bool
	// Composed takes the place of Series; see [Compose].
	Composed *Series
	// Patches are files of further patches, applied on top of the series in order.
	Patches []string
	// Planted is a mutant that this kernel has: one more patch on top.
	Planted *Mutant
	// Mutants are woven into the kernel, which behaves like the n-th of them, from
	// 1, while its knob io_uring.mutant is n, and as if there were none while it is 0.
	// [Store.Arrange] tells which can be. They are part of the image's key.
	Mutants []*Mutant
	Flavour string // see kconfig.Flavours; empty is "fast"
	// NoInstrument leaves out ringproof's own changes, see [InstrumentProvenance].
	NoInstrument bool
	// AllowBuildFiles lets the series change files that the build runs. Only
	// for series that are trusted as much as a program that is started.
	AllowBuildFiles bool
}

func (sp Spec) withDefaults() Spec {
	if sp.Source == "" {
		sp.Source = DefaultSource
	}
	if sp.Series == "" {
		sp.Series = SeriesNone
	}
	if sp.Flavour == "" {
		sp.Flavour = "fast"
	}
	return sp
}

func (sp Spec) String() string {
	return fmt.Sprintf("%s, series %s, flavour %s", sp.Source, sp.Series, sp.Flavour)
}

// Kernel is an image ready to boot. Its files are not to be changed. Close
// it when it is no longer used: until then it cannot be pruned.
type Kernel struct {
	Dir     string
	BzImage string // what boots
	Vmlinux string // with DWARF and BTF, for symbols and stacks
	Config  string // the resulting .config
	// Cached: it was there; nothing was built.
	Cached     bool
	Provenance Provenance

	lock *Lock
}

// Close lets the image be pruned. Safe to call twice.
func (k *Kernel) Close() error {
	k.lock.Unlock()
	return nil
}
