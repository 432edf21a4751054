// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/kconfig"
	"github.com/ringproof/ringproof/vm"
	"github.com/ringproof/ringproof/vm/wire"
)

// BuildID identifies the running binary, which is what guests run: the hex SHA-256 of its file.
func BuildID() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	return vm.HashFile(path)
}

// Host brings up guests of one kernel. It is made by [Open] and must be closed.
type Host struct {
	Kernel  *images.Kernel
	Profile *cases.Profile
	Accel   vm.Accel
	QEMU    *vm.QEMU

	store     *images.Store
	config    vm.GuestConfig
	initramfs *images.Lock
	console   *os.File
	leaks     bool // the kernel can be searched for memory leaks

	mu      sync.Mutex
	tally   Tally
	notices []string
}

// maxNotices bounds what is kept for the user, however long guests are served.
const maxNotices = 100

// guestCPUs is what races need at least.
const guestCPUs = 2

// Tally counts what guests cost.
type Tally struct {
	Boots, Restores int
	// Up is the time to the agent's hello of the last boot, in seconds; 0 without one.
	Up   float64
	Info *wire.GuestInfo // of the last guest
	// Complaint is the console of the first guest whose kernel complained
	// before any program ran; nil if all came up clean.
	Complaint []string
}

// Open builds or finds the kernel and prepares everything that its guests
// need. dir is where the console log goes; "" is none. progress may be nil.
func Open(ctx context.Context, k images.Spec, g GuestSpec, dir string, progress func(Progress)) (*Host, error) {
	profile, err := LoadProfile(g.Profile, k.Series)
	if err != nil {
		return nil, err
	}
	return openFor(ctx, k, g, profile, dir, progress)
}

// openFor is [Open] for a profile at hand.
func openFor(ctx context.Context, k images.Spec, g GuestSpec, profile *cases.Profile, dir string, progress func(Progress)) (h *Host, err error) {
	if g.RingBytes != 0 && (g.RingBytes < 4096 || g.RingBytes&(g.RingBytes-1) != 0) {
		return nil, &UsageError{fmt.Errorf("a probe buffer of %d bytes: want a power of two of at least 4096", g.RingBytes)}
	}
	qemu, err := vm.FindQEMU(ctx, "") // before minutes of building
	if err != nil {
		return nil, err
	}
	store, err := images.Open("")
	if err != nil {
		return nil, err
	}
	h = &Host{Profile: profile, QEMU: qemu, store: store}
	defer func() {
		if err != nil {
			h.Close()
			h = nil
		}
	}()
	if h.Kernel, err = store.Kernel(ctx, k, FromImages(progress)); err != nil {
		return h, err
	}
	for _, note := range h.Kernel.Provenance.Series.Notes {
		h.notice("series " + k.Series + ": " + note)
	}
	for _, in := range h.Kernel.Provenance.Instruments {
		if in.LeftOut != "" && !k.NoInstrument {
			h.notice(fmt.Sprintf("tested without %s (%s): %s", in.Name, in.What, in.LeftOut))
		}
	}
	flavour, err := kconfig.ByName(h.Kernel.Provenance.Flavour)
	if err != nil {
		return h, err
	}
	binary := g.Executable
	if binary == "" {
		if binary, err = os.Executable(); err != nil {
			return h, &images.InfraError{Op: "find the running executable", Err: err}
		}
	}
	buildID, err := vm.HashFile(binary)
	if err != nil {
		return h, &images.InfraError{Op: "read " + binary, Err: err}
	}
	initramfs, held, err := store.Initramfs(ctx, binary)
	if err != nil {
		return h, err
	}
	h.initramfs = held
	h.config = vm.GuestConfig{
		Config: vm.Config{
			QEMU: qemu, Kernel: h.Kernel.BzImage, Initramfs: initramfs, InitramfsBuild: buildID,
			CacheDir: filepath.Join(store.Dir(), "vm"), GDB: g.GDB,
			Meddler: g.Meddler,
			CPUs:    guestCPUs, Slowdown: max(g.Slowdown, 1) * flavour.Slowdown, MemMB: flavour.MemMB,
		},
		Executable: binary, BuildID: buildID,
		Settings: wire.Settings{Profile: *profile, Probes: !g.NoProbes, RingBytes: g.RingBytes, Noise: g.Noise},
		Notice:   h.notice,
		Fit:      clean,
	}
	if !g.NoSnapshot && g.GDB == "" {
		h.config.SnapshotDir = filepath.Join(store.Dir(), "snapshots")
	}
	if dir != "" {
		h.console, err = os.OpenFile(filepath.Join(dir, "console.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return h, &images.InfraError{Op: "write the console's log", Err: err}
		}
		h.config.ConsoleLog = &logWriter{file: h.console, notice: h.notice}
	}
	choice, err := vm.ChooseAccel(ctx, g.Accel, h.config.Config)
	if err != nil {
		return h, err
	}
	h.Accel, h.config.Accel = choice.Accel, choice.Accel
	h.leaks = flavour.Leaks
	if choice.Notice != "" {
		h.notice(choice.Notice)
	}
	return h, nil
}

// Close releases what the host holds. Guests must be closed before.
func (h *Host) Close() {
	if h.initramfs != nil {
		h.initramfs.Unlock()
	}
	if h.Kernel != nil {
		h.Kernel.Close()
	}
	if h.console != nil {
		h.console.Close()
	}
}

// Guest brings up one guest. The caller closes it; it is killed when ctx ends.
func (h *Host) Guest(ctx context.Context) (*vm.Guest, error) { return h.start(ctx, h.config) }

func (h *Host) start(ctx context.Context, cfg vm.GuestConfig) (*vm.Guest, error) {
	g, origin, err := vm.StartGuest(ctx, cfg)
	if err != nil {
		return nil, blameStart(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if origin.Restored {
		h.tally.Restores++
	} else {
		h.tally.Boots++
		h.tally.Up = origin.Up.Seconds()
	}
	h.tally.Info = g.Info()
	switch title, excused := complained(origin); {
	case title == "":
	case excused:
		h.notices = append(h.notices, fmt.Sprintf("the kernel said %q while it came up, which is not held against it: the guest could not run for %v of %v",
			title, origin.Stolen.Round(time.Second), origin.Up.Round(time.Second)))
	case h.tally.Complaint == nil:
		h.tally.Complaint = origin.Console
	}
	return g, nil
}

// blameStart tells a kernel that does not come up from a guest that our side
// lost on the way there.
func blameStart(err error) error {
	var ge *vm.GuestError
	if !errors.As(err, &ge) {
		return err
	}
	if _, blamed := blamesKernel(ge); !blamed {
		return &vm.InfraError{Op: "bring up a guest", Err: ge}
	}
	return &BootError{ge}
}

// complained returns the title of what the kernel complained of while it came
// up, "" if it did not. It is excused where it says only that something took too long,
// and the guest could not run for half of the time.
func complained(o vm.Origin) (title string, excused bool) {
	for _, r := range crash.Parse(o.Console) {
		if !r.Kind.OfTime() || 2*o.Stolen < o.Up {
			return r.Title, false
		}
		title, excused = r.Title, true
	}
	return title, excused
}

// complaint returns [Tally]'s.
func (h *Host) complaint() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tally.Complaint
}

// clean tells whether a console holds no complaint of the kernel.
func clean(console []string) bool {
	_, complained := crash.Title(console)
	return !complained
}

func (h *Host) notice(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch len(h.notices) {
	case maxNotices:
		return
	case maxNotices - 1:
		text = "there was more to be said; the rest is left out"
	}
	h.notices = append(h.notices, text)
}

// logWriter writes a log for which nobody stops: when it cannot be written
// any more, that is said once. It is safe for concurrent use.
type logWriter struct {
	file   io.Writer
	notice func(string)
	once   sync.Once
}

// Write implements io.Writer.
func (l *logWriter) Write(b []byte) (int, error) {
	n, err := l.file.Write(b)
	if err != nil {
		l.once.Do(func() { l.notice(fmt.Sprintf("the console's log is not complete: %v", err)) })
	}
	return n, err
}

// Tally returns what the guests so far cost, and what the user should know of them.
func (h *Host) Tally() (Tally, []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tally, append([]string(nil), h.notices...)
}

// BootError says that a kernel did not come up as far as the agent's first word.
type BootError struct{ *vm.GuestError }

func (e *BootError) Error() string { return "the kernel does not come up: " + e.GuestError.Error() }
func (e *BootError) Unwrap() error { return e.GuestError }
