// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/harness/chaos"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/images"
)

// The chaos test runs programs of the catalogue on the built-in series v4
// while package chaos breaks what is around the guests. RINGPROOF_CHAOS_FAULTS is how
// many faults it carries out at least (20), RINGPROOF_CHAOS_SEED where its seeds begin (1),
// RINGPROOF_CHAOS_ONLY a list of the kinds of faults to choose from, separated by commas (all).
// It takes a process of its own, so that nothing else is running in it, and
// where the host allows it a mount namespace, so that disks can be full.
const chaosEnv = "RINGPROOF_CHAOS_DIR"

func TestChaos(t *testing.T) {
	needVM(t)
	if _, err := binary(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	within := func(attr *syscall.SysProcAttr) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChaosWithin$", "-test.v", "-test.timeout=6h")
		cmd.Env = append(os.Environ(), chaosEnv+"="+dir, "RINGPROOF_CHAOS_BINARY="+filepath.Join(built, "ringproof"),
			"TMPDIR="+filepath.Join(dir, "tmp"), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"),
			"RINGPROOF_CHAOS_CACHE="+userCache(t))
		cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
		cmd.SysProcAttr = attr
		return cmd
	}
	err := fs.ErrPermission
	if os.Geteuid() == 0 {
		err = run(within(&syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}))
	}
	if errors.Is(err, fs.ErrPermission) {
		err = run(within(&syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}))
	}
	if errors.Is(err, fs.ErrPermission) {
		err = run(within(nil))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a command. An error that is fs.ErrPermission means that it was not started.
func run(cmd *exec.Cmd) error { return cmd.Run() }

func userCache(t *testing.T) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "ringproof")
}

// chaosFigures is what a chaos test has to tell in the end.
type chaosFigures struct {
	runs, programs          int // of runs with faults
	faults                  map[string]int
	verdicts                map[judge.Status]int
	tries, boots, restores  int
	unwritten, wrong, notes int
}

// TestChaosWithin is the part of TestChaos that runs in a process of its own.
func TestChaosWithin(t *testing.T) {
	base := os.Getenv(chaosEnv)
	if base == "" {
		t.Skip("run by TestChaos")
	}
	seed := number(t, "RINGPROOF_CHAOS_SEED", 1)
	want := number(t, "RINGPROOF_CHAOS_FAULTS", 20)
	var only []chaos.Kind
	for _, k := range strings.FieldsFunc(os.Getenv("RINGPROOF_CHAOS_ONLY"), func(r rune) bool { return r == ',' }) {
		only = append(only, chaos.Kind(k))
	}
	w := newChaosWorld(t, base)
	programs, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}

	w.round(t, programs[:2], nil, false) // what is made once
	w.makeForeign(t)
	*w.figures = chaosFigures{faults: map[string]int{}, verdicts: map[judge.Status]int{}}
	began := time.Now()
	injected := 0
	for ; injected < want && !t.Failed(); seed++ {
		rnd := rand.New(rand.NewPCG(uint64(seed), 2))
		some := make([]*cases.Program, 4+rnd.IntN(9))
		for i := range some {
			some[i] = programs[rnd.IntN(len(programs))]
		}
		some = slices.CompactFunc(sortedByName(some), func(a, b *cases.Program) bool { return a.Name == b.Name })
		plan := chaos.Plan(uint64(seed), chaos.Limits{Programs: len(some), Faults: 10, Disks: w.disks != nil,
			LongestStop: 6 * time.Second, LongestDelay: 3 * time.Second, Only: only})
		w.agent = w.agents[0]
		if rnd.IntN(8) == 0 {
			w.agent = w.agents[1] // the snapshot's agent is replaced
		}
		t.Logf("%v, %d faults so far; seed %d: %d programs, %d faults planned", time.Since(began).Round(time.Second), injected, seed, len(some), len(plan))
		n := w.round(t, some, plan, rnd.IntN(6) == 0)
		injected += n
		w.round(t, some[:2], nil, false)
		if t.Failed() {
			t.Logf("again: RINGPROOF_CHAOS_SEED=%d RINGPROOF_CHAOS_FAULTS=1 make chaos", seed)
		}
	}
	w.figures.print(t, injected, time.Since(began))
}

func sortedByName(ps []*cases.Program) []*cases.Program {
	slices.SortFunc(ps, func(a, b *cases.Program) int { return strings.Compare(a.Name, b.Name) })
	return ps
}

func number(t *testing.T, env string, otherwise int) int {
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s: want a number of at least 1", env, text)
	}
	return n
}

// chaosWorld is where the runs of a chaos test take place.
type chaosWorld struct {
	base, out, snapshots string
	agents               [2]string // executables of different builds
	agent                string
	disks                map[string]string // nil where none can be filled
	foreign              string
	figures              *chaosFigures
	rounds               int
}

// newChaosWorld makes a cache that shares all with the user's but what is to
// be damaged, and small disks for that where the host allows it.
func newChaosWorld(t *testing.T, base string) *chaosWorld {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cache := filepath.Join(base, "cache", "ringproof")
	w := &chaosWorld{base: base, out: filepath.Join(base, "out"), snapshots: filepath.Join(cache, "snapshots"),
		figures: &chaosFigures{faults: map[string]int{}, verdicts: map[judge.Status]int{}}}
	for _, dir := range []string{cache, w.out, w.snapshots, filepath.Join(base, "tmp"), filepath.Join(cache, "initramfs"), filepath.Join(cache, "vm")} {
		must(os.MkdirAll(dir, 0o755))
	}
	shared := os.Getenv("RINGPROOF_CHAOS_CACHE")
	entries, err := os.ReadDir(shared)
	must(err)
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(shared, e.Name()), filepath.Join(cache, e.Name())); !errors.Is(err, fs.ErrExist) {
			must(err)
		}
	}
	if err := smallDisk(w.snapshots, 320<<20); err == nil {
		must(smallDisk(w.out, 16<<20))
		w.disks = map[string]string{chaos.SnapshotDisk: w.snapshots, chaos.ReportDisk: w.out}
	} else {
		t.Logf("no disk can be filled here: %v (run as root, or allow user namespaces)", err)
	}
	w.agents[0] = os.Getenv("RINGPROOF_CHAOS_BINARY")
	w.agents[1] = filepath.Join(base, "other")
	b, err := os.ReadFile(w.agents[0])
	must(err)
	must(os.WriteFile(w.agents[1], append(b, "another build"...), 0o755))
	w.agent = w.agents[0]
	return w
}

// smallDisk mounts a file system of the given size for this mount namespace only.
func smallDisk(dir string, size int64) error {
	var own, first unix.Stat_t
	if unix.Stat("/proc/self/ns/mnt", &own) != nil || unix.Stat("/proc/"+strconv.Itoa(os.Getppid())+"/ns/mnt", &first) != nil || own.Ino == first.Ino {
		return errors.New("no mount namespace of our own")
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		return fmt.Errorf("mount a small file system on %s: %w", dir, err)
	}
	return nil
}

// makeForeign makes a whole snapshot of another key of the one that is there.
func (w *chaosWorld) makeForeign(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(w.snapshots, "*.snap"))
	if len(files) != 1 {
		t.Fatalf("snapshots: %v, want one", files)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	key := []byte(strings.TrimSuffix(filepath.Base(files[0]), ".snap"))
	other := bytes.Repeat([]byte("0"), len(key))
	if bytes.Count(b[:4096], key) != 1 {
		t.Fatalf("%s: its key is not in its description", files[0])
	}
	w.foreign = filepath.Join(w.base, "foreign")
	if err := os.WriteFile(w.foreign, bytes.Replace(b, key, other, 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// round runs programs under a plan of faults, checks all that there is to
// check, and returns how many faults were carried out.
func (w *chaosWorld) round(t *testing.T, programs []*cases.Program, plan []chaos.Fault, two bool) int {
	w.rounds++
	c := chaos.New(plan)
	c.Snapshots, c.Foreign, c.Disks = w.snapshots, w.foreign, w.disks
	c.Log = func(s string) { t.Logf("    %s", s) }
	dir := filepath.Join(w.out, strconv.Itoa(w.rounds))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	around := chaos.Surroundings{Empty: []string{filepath.Join(w.base, "tmp")},
		Whole: map[string]string{w.snapshots: "*.snap", w.out: strconv.Itoa(w.rounds), dir: "[a-z]*",
			filepath.Join(w.base, "cache", "ringproof", "vm"): "boot.lock kvm.json"}}
	before := around.Look(runtime.NumGoroutine)

	spec := harness.TestSpec{
		Kernel: images.Spec{Source: "debian:linux-source-6.12", Series: "v4", Flavour: "fast"}, Programs: programs, Dir: dir,
		Guest: harness.GuestSpec{Executable: w.agent, Meddler: c},
	}
	if two {
		spec.Guest.Guests = 2
	}
	r := chaos.Result{}
	for _, p := range programs {
		r.Programs = append(r.Programs, p.Name)
	}
	r.Run, r.Err = harness.Test(context.Background(), spec)
	c.Happens(chaos.Reporting, 0)
	if r.Run != nil {
		if r.ReportErr = report.Write(dir, r.Run); r.ReportErr == nil {
			r.Read, r.ReportErr = report.Load(dir)
		}
	}
	machines := c.Machines()
	r.Faults = c.End()
	wrong := chaos.Check(&r)
	for _, left := range before.Left(machines, 10*time.Second) {
		wrong = append(wrong, "left behind: "+left)
	}
	if err := os.RemoveAll(dir); err != nil {
		wrong = append(wrong, err.Error())
	}
	for _, text := range wrong {
		t.Error(text)
	}
	if len(wrong) > 0 {
		t.Logf("the run ended with %v; carried out: %v", r.Err, r.Faults)
		if r.Run != nil {
			t.Logf("notes: %q", r.Run.Notes)
		}
	}
	w.figures.add(&r, len(wrong), plan != nil)
	return len(r.Faults)
}

func (f *chaosFigures) add(r *chaos.Result, wrong int, chaotic bool) {
	f.wrong += wrong
	if !chaotic {
		return
	}
	f.runs++
	for i := range r.Faults {
		f.faults[string(r.Faults[i].Kind)]++
	}
	if r.ReportErr != nil {
		f.unwritten++
	}
	if r.Run == nil {
		return
	}
	f.boots += r.Run.Guest.Boots
	f.restores += r.Run.Guest.Restores
	f.notes += len(r.Run.Notes)
	for i := range r.Run.Cases {
		c := &r.Run.Cases[i]
		f.programs++
		f.verdicts[c.Verdict.Status]++
		f.tries += max(len(c.Tries)-1, 0)
	}
}

func (f *chaosFigures) print(t *testing.T, injected int, took time.Duration) {
	t.Logf("%d faults in %d runs, each followed by a clean one, in %v:", injected, f.runs, took.Round(time.Second))
	for _, kind := range slices.Sorted(maps.Keys(f.faults)) {
		t.Logf("  %5d  %s", f.faults[kind], kind)
	}
	t.Logf("%d results, of %d programs:", f.programs, f.programs)
	for _, s := range slices.Sorted(maps.Keys(f.verdicts)) {
		t.Logf("  %5d  %s", f.verdicts[s], s)
	}
	t.Logf("%d programs were run again; %d guests were booted, %d restored; %d reports could not be written, which was said", f.tries, f.boots, f.restores, f.unwritten)
	t.Logf("%d false verdicts, lost results, or things left behind", f.wrong)
}
