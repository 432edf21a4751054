// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// GuestConfig describes a guest.
type GuestConfig struct {
	// Config is the machine. Its Initramfs should hold Executable as /init.
	Config
	// Executable is the binary that the guest shall run, BuildID its hex SHA-256
	// ("" computes it). A guest that runs another build gets this one pushed.
	Executable string
	BuildID    string
	// Settings are for the agent; TimeScale is filled in.
	Settings wire.Settings
	// SnapshotDir is where snapshots are kept, by key; "" does without.
	SnapshotDir string
	// Window is how many programs are sent ahead; 0 is [DefaultWindow].
	Window int
	// Fit tells from what the console printed until the agent was ready
	// whether the guest is fit to be kept as a snapshot. nil is always.
	Fit func(console []string) bool
	// Log gets the agent's log lines. Notice gets what the user should know
	// about how the guest came up, such as a snapshot that could not be used.
	// Both may be nil, and may be called from any goroutine.
	Log    func(string)
	Notice func(string)
}

// Origin says how a guest came up.
type Origin struct {
	// Restored tells that it came from a snapshot and did not boot.
	Restored bool
	// Pushed tells that its agent was replaced.
	Pushed bool
	// Up is the time from QEMU's start to the agent's (last) hello.
	Up time.Duration
	// Stolen is the part of it in which the guest could not run, see [cases.Outcome.Stolen].
	Stolen time.Duration
	// Saved is what saving a snapshot took; 0 if none was saved.
	Saved time.Duration
	// Console is what the kernel printed until the guest was ready: since
	// power-on, or since it was restored.
	Console []string
}

// StartGuest brings up a guest the cheapest way that works: from a snapshot
// of the same kernel, machine and settings if there is one, else by a boot, after
// which it saves one. A snapshot that does not restore or whose agent does not
// answer is removed, with a notice; one whose QEMU somebody killed is kept. The guest is killed when ctx is done.
func StartGuest(ctx context.Context, cfg GuestConfig) (*Guest, Origin, error) {
	s, err := newStarter(cfg)
	if err != nil {
		return nil, Origin{}, err
	}
	if g, o, ok := s.restore(ctx); ok {
		return g, o, nil
	}
	if ctx.Err() != nil {
		return nil, Origin{}, ctx.Err()
	}
	return s.bootOrRestore(ctx)
}

type starter struct {
	GuestConfig
	snapshot string // path, or ""
	key      string
	timeouts Timeouts
}

func newStarter(cfg GuestConfig) (*starter, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &starter{GuestConfig: cfg, timeouts: cfg.Timeouts()}
	s.Settings.TimeScale = s.timeouts.Scale
	if s.Notice == nil {
		s.Notice = func(string) {}
	}
	if s.BuildID == "" {
		if s.Executable == "" {
			return nil, infra("start a guest", errors.New("neither an executable nor its build ID is given"))
		}
		sum, err := HashFile(s.Executable)
		if err != nil {
			return nil, infra("start a guest", err)
		}
		s.BuildID = sum
	}
	if s.SnapshotDir != "" {
		settings, err := json.Marshal(s.Settings)
		if err != nil {
			return nil, infra("start a guest", err)
		}
		// An agent that frames its messages otherwise could not even be replaced.
		frames := fmt.Sprintf("frames %d", wire.Format)
		if s.key, err = SnapshotKey(cfg.Config, string(settings), frames); err != nil {
			return nil, err
		}
		s.snapshot = filepath.Join(s.SnapshotDir, s.key+".snap")
	}
	return s, nil
}

// restore tries the snapshot. It fails by notice only.
func (s *starter) restore(ctx context.Context) (*Guest, Origin, bool) {
	if s.snapshot == "" {
		return nil, Origin{}, false
	}
	m, err := Restore(ctx, s.Config, s.snapshot, s.key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Origin{}, false
	}
	if err == nil {
		var g *Guest
		var o Origin
		if g, o, err = s.greet(ctx, m, s.timeouts.Restored); err == nil {
			o.Restored = true
			if o.Pushed {
				s.save(ctx, g, m, &o)
			}
			return g, o, true
		}
	}
	switch {
	case ctx.Err() != nil:
	case endedFromOutside(err): // which says nothing about the snapshot
		s.Notice(fmt.Sprintf("a guest was lost while it was restored: %v", err))
	default:
		s.Notice(fmt.Sprintf("a snapshot could not be used, the guest boots afresh: %v", err))
		os.Remove(s.snapshot)
	}
	return nil, Origin{}, false
}

// bootOrRestore boots when it is its turn, unless somebody saved a snapshot meanwhile.
func (s *starter) bootOrRestore(ctx context.Context) (*Guest, Origin, error) {
	var lock *bootLock
	var err error
	if s.Accel != KVM {
		if lock, err = lockBoot(ctx, s.CacheDir); err != nil {
			return nil, Origin{}, err
		}
		if s.snapshot != "" {
			if _, err := os.Stat(s.snapshot); err == nil {
				if g, o, ok := s.restore(ctx); ok {
					lock.release()
					return g, o, nil
				}
			}
		}
	}
	m, err := start(ctx, s.Config, lock, nil)
	if err != nil {
		return nil, Origin{}, err
	}
	g, o, err := s.greet(ctx, m, s.timeouts.Boot)
	if err != nil {
		return nil, Origin{}, err
	}
	s.save(ctx, g, m, &o)
	o.Console = append(o.Console, g.Stray()...)
	m.Booted()
	return g, o, nil
}

// greet makes a guest of a machine whose agent answers within bound, and sees
// to it that the agent is of our build. On an error the machine is gone.
func (s *starter) greet(ctx context.Context, m *Machine, bound time.Duration) (g *Guest, o Origin, err error) {
	channel := m.Channel()
	if s.Meddler != nil {
		channel = s.Meddler.Channel(m.PID(), channel)
	}
	g = newGuest(m, channel, s.timeouts, s.Window, s.heard)
	defer func() {
		if err != nil {
			g.Close()
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			g = nil
		}
	}()
	own := wire.Hello{Version: wire.Version, BuildID: s.BuildID, Settings: &s.Settings}
	h, err := g.hello(ctx, own, bound)
	if err != nil {
		return g, o, err
	}
	if h.BuildID != s.BuildID || h.Version != wire.Version {
		if s.Executable == "" {
			return g, o, infra("start a guest", fmt.Errorf(
				"the guest runs build %.12s, this is %.12s, and there is no executable to push", h.BuildID, s.BuildID))
		}
		if h, err = s.replace(ctx, g, own); err != nil {
			return g, o, err
		}
		o.Pushed = true
	}
	if h.Guest == nil {
		return g, o, &GuestError{Kind: GuestGarbage, Detail: "the agent's hello says nothing about the guest"}
	}
	g.info, g.buildID = h.Guest, h.BuildID
	o.Up = m.Age()
	_, o.Stolen = g.clock.read()
	o.Console = g.Stray()
	return g, o, nil
}

// replace pushes our binary and greets what then runs.
func (s *starter) replace(ctx context.Context, g *Guest, own wire.Hello) (*wire.Hello, error) {
	if err := g.push(ctx, s.Executable, s.BuildID); err != nil {
		return nil, err
	}
	sum, err := g.awaitPushed(ctx, s.timeouts.Hello)
	if err != nil {
		return nil, err
	}
	if sum != s.BuildID {
		return nil, infra("push the agent", fmt.Errorf(
			"the guest received %.12s, sent was %.12s: was %s replaced meanwhile?", sum, s.BuildID, s.Executable))
	}
	h, err := g.hello(ctx, own, s.timeouts.Hello)
	if err != nil {
		return nil, err
	}
	if h.BuildID != s.BuildID {
		return nil, &GuestError{Kind: GuestGarbage, Detail: fmt.Sprintf(
			"after a push of build %.12s the agent is still %.12s", s.BuildID, h.BuildID)}
	}
	return h, nil
}

// save takes a snapshot while nothing is outstanding; failing costs only time.
func (s *starter) save(ctx context.Context, g *Guest, m *Machine, o *Origin) {
	if s.snapshot == "" {
		return
	}
	began := time.Now()
	// A program that does nothing: when it is done, what the agent needs to
	// run programs is up and in the snapshot, where it would else start after every
	// restore (0.2 s under emulation). A first program here waits for it anyway.
	out, err := g.Run(ctx, &cases.Program{Name: "warm-up"}, RunOptions{})
	if err == nil {
		o.Console = append(o.Console, out.Console...)
		// An answered ping shows that the agent has read all there was and that
		// nothing of its own is under way: the channel is empty both ways, and
		// a restored agent waits for its first byte.
		pctx, cancel := context.WithTimeout(ctx, s.timeouts.Ping)
		defer cancel()
		err = g.Ping(pctx)
	}
	o.Console = append(o.Console, g.Stray()...)
	if err == nil && s.Fit != nil && !s.Fit(o.Console) {
		return
	}
	if err == nil {
		err = m.Snapshot(ctx, s.snapshot, s.key)
	}
	if err != nil {
		s.Notice(fmt.Sprintf("no snapshot, the next guest will boot: %v", err))
		return
	}
	o.Saved = time.Since(began)
}

// heard takes a line of the agent's.
func (s *starter) heard(m *wire.Log) {
	if m.Notice {
		s.Notice("in the guest: " + m.Text)
	}
	if s.Log != nil {
		s.Log(m.Text)
	}
}
