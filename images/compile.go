// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringproof/ringproof/kconfig"
)

// What make prints: "  CC      io_uring/rw.o", and what went wrong.
var (
	stepLine    = regexp.MustCompile(`^  [A-Z][A-Z0-9_+ ]*\S*  +\S`)
	errorLine   = regexp.MustCompile(`(: (fatal )?error: |: undefined reference to |^ld: |: multiple definition of |^FAILED|^BTF: )`)
	scopeLine   = regexp.MustCompile(`: (In function |At top level:)`)
	makeLine    = regexp.MustCompile(`^make(\[\d+\])?: \*\*\* `)
	warningLine = regexp.MustCompile(`^\S+:\d+:(\d+:)? warning: |^WARNING: `)
)

// First guesses at the number of make's steps, before a build of that kind
// was counted.
const (
	coldSteps   = 2300
	changeSteps = 60
)

const (
	maxErrors   = 10
	maxWarnings = 50
)

// reproducible fixes what the kernel would otherwise take from the machine
// and the clock (Documentation/kbuild/reproducible-builds.rst).
var reproducible = []string{
	"KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
	"KBUILD_BUILD_USER=ringproof",
	"KBUILD_BUILD_HOST=ringproof",
	"KBUILD_BUILD_VERSION=1",
	"LOCALVERSION=",
}

// compile configures and builds the tree and returns the compiler's warnings.
func (s *Store) compile(ctx context.Context, t *buildTree, r *request, p Progress) (warnings []string, err error) {
	kind := r.flavour.Name + " cold"
	if t.state.Built {
		kind = r.flavour.Name + " change"
	}
	m := &maker{store: s, tree: t, progress: p}
	if err := m.open(); err != nil {
		return nil, err
	}
	defer m.log.Close()

	t.state.Building = true
	if err := t.save(); err != nil {
		return nil, err
	}
	err = m.configure(ctx, r)
	if err == nil {
		err = m.run(ctx, StageCompile, s.expectedSteps(kind, t.state.Built), fmt.Sprintf("-j%d", s.jobs), "bzImage", "vmlinux")
	}
	if err == nil {
		t.state.Built = true
		s.rememberSteps(kind, m.steps)
	}
	// After a kill or a full disk objects may be half-written: leave the mark.
	var be *BuildError
	var ce *ConfigError
	if err == nil || errors.As(err, &be) || errors.As(err, &ce) {
		t.state.Building = false
		if serr := t.save(); err == nil {
			err = serr
		}
	}
	return m.warnings, err
}

func (s *Store) stepsPath() string { return filepath.Join(s.dir, "steps.json") }

// expectedSteps estimates a build from the last one of its kind.
func (s *Store) expectedSteps(kind string, change bool) int {
	var steps map[string]int
	_ = readJSON(s.stepsPath(), &steps)
	switch n := steps[kind]; {
	case n > 0:
		return n
	case change:
		return changeSteps
	}
	return coldSteps
}

// rememberSteps is for the next estimate; losing it harms nothing.
func (s *Store) rememberSteps(kind string, n int) {
	steps := map[string]int{}
	_ = readJSON(s.stepsPath(), &steps)
	steps[kind] = n
	_ = writeJSON(s.stepsPath(), steps)
}

// maker runs make in one build tree.
type maker struct {
	store    *Store
	tree     *buildTree
	progress Progress
	log      *os.File
	out      *bufio.Writer

	inside   int   // number of the mutant whose clone the compiler was last talking about
	clones   []int // numbers of mutants that errors are about
	steps    int
	errors   []string
	stopped  string // make's own first word on why it stops
	warnings []string
	full     bool // the disk
}

func (m *maker) open() error {
	f, err := os.Create(m.tree.log())
	if err != nil {
		return err
	}
	m.log, m.out = f, bufio.NewWriter(f)
	return nil
}

// run runs make with the given targets, reports its steps and reads its errors.
func (m *maker) run(ctx context.Context, stage Stage, total int, targets ...string) error {
	args := append([]string(nil), m.store.make...)
	args = append(args, "-f", "Makefile", "-C", m.tree.src(), "O="+m.tree.obj())
	args = append(args, reproducible...)
	m.steps, m.errors, m.stopped, m.inside, m.clones = 0, nil, "", 0, nil
	started := time.Now()
	c := command{args: append(args, targets...), dir: m.tree.dir, env: buildEnv(), onLine: func(line string) {
		m.line(line)
		m.progress.send(Event{Stage: stage, Done: m.steps, Total: total, Elapsed: time.Since(started), Line: line})
	}}
	err := c.run(ctx)
	if ferr := m.out.Flush(); ferr != nil && err == nil {
		err = ferr
	}
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case m.full:
		return &InfraError{Op: "build the kernel", Err: syscall.ENOSPC, Advice: m.store.diskAdvice()}
	case errors.Is(err, errKilled):
		return &InfraError{Op: "build the kernel", Err: fmt.Errorf("make was %w", err),
			Advice: "Out of memory? The log is " + m.tree.log() + ". Run again to continue"}
	case errorsIsNotFound(err):
		return &InfraError{Op: "build the kernel", Err: err, Advice: installAdvice}
	}
	if len(m.errors) == 0 && m.stopped != "" {
		m.errors = []string{m.stopped}
	}
	if len(m.errors) == 0 {
		m.errors = []string{err.Error()}
	}
	return &BuildError{Stage: stage, Errors: m.errors, Log: m.tree.log(), clones: m.clones}
}

func (m *maker) line(line string) {
	m.out.WriteString(line)
	m.out.WriteByte('\n')
	switch {
	case strings.Contains(line, noSpace):
		m.full = true
	case stepLine.MatchString(line):
		m.steps++
	case scopeLine.MatchString(line):
		m.inside = mutantOf(line)
	case errorLine.MatchString(line):
		m.blame(line)
		if len(m.errors) < maxErrors {
			m.errors = append(m.errors, m.relative(line))
		}
	case makeLine.MatchString(line) && m.stopped == "":
		m.stopped = m.relative(line)
	case warningLine.MatchString(line) && !strings.Contains(line, "resolve_btfids: unresolved symbol"):
		if len(m.warnings) < maxWarnings {
			m.warnings = append(m.warnings, m.relative(line))
		}
	}
}

// blame notes the mutant that an error is about. What macros expand to has the place of
// the macro, but the line before says in which function.
func (m *maker) blame(line string) {
	n := cmp.Or(mutantOf(line), m.inside)
	if n > 0 && !slices.Contains(m.clones, n) {
		m.clones = append(m.clones, n)
	}
}

// relative takes the build tree off paths: "io_uring/rw.c:12:3: error: …".
func (m *maker) relative(line string) string {
	return strings.ReplaceAll(line, m.tree.src()+"/", "")
}

// configure makes obj/.config, unless it was made from the same already, and
// verifies that every symbol took effect.
func (m *maker) configure(ctx context.Context, r *request) error {
	t := m.tree
	id := hashString(fmt.Sprintf("%s %q %q %s", r.source.ID, r.toolchain, kconfig.Format(r.settings), kconfigID(t)))
	dotConfig := filepath.Join(t.obj(), ".config")
	if _, err := os.Stat(dotConfig); err == nil && t.state.Configured == id {
		return nil
	}
	if err := m.run(ctx, StageConfigure, 0, "tinyconfig"); err != nil {
		return err
	}
	tiny, err := os.ReadFile(dotConfig)
	if err != nil {
		return err
	}
	if err := writeAtomic(dotConfig, []byte(kconfig.Onto(string(tiny), r.settings)), 0o644); err != nil {
		return err
	}
	if err := m.run(ctx, StageConfigure, 0, "olddefconfig"); err != nil {
		return err
	}
	if err := checkConfig(dotConfig, t.src(), r); err != nil {
		return err
	}
	t.state.Configured = id
	return t.save()
}

// kconfigID is over the files of the tree that decide the configuration and
// may differ from the source.
func kconfigID(t *buildTree) string {
	var id strings.Builder
	for _, p := range t.state.Deviating {
		if strings.HasPrefix(filepath.Base(p), "Kconfig") || strings.HasPrefix(p, "scripts/") || strings.HasSuffix(p, ".config") {
			sum, _, _ := hashFile(filepath.Join(t.src(), p))
			fmt.Fprintf(&id, "%s %s\n", p, sum)
		}
	}
	return id.String()
}

func checkConfig(dotConfig, src string, r *request) error {
	text, err := os.ReadFile(dotConfig)
	if err != nil {
		return err
	}
	got, err := kconfig.ParseDotConfig(string(text))
	if err != nil {
		return err
	}
	if len(kconfig.Unmet(r.settings, got)) == 0 {
		return nil
	}
	tree, err := kconfig.ReadTree(src, srcArch())
	if err != nil {
		return err
	}
	return &ConfigError{Flavour: r.flavour.Name, Version: r.source.Version, Problems: kconfig.Check(r.settings, got, tree)}
}

// srcArch is the kernel's name for this machine's directory below arch/.
func srcArch() string {
	if runtime.GOARCH == "amd64" {
		return "x86"
	}
	return runtime.GOARCH
}
