// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/vm"
)

// Chaos carries out a plan on the guests of one run; it is their [vm.Meddler].
type Chaos struct {
	// Snapshots is the directory of the snapshots. Foreign is a snapshot of
	// another kernel, "" if there is none.
	Snapshots, Foreign string
	// Disks are the directories of the disks that can be filled, by name. Each must be
	// the root of a small file system.
	Disks map[string]string
	// Log takes a line for each fault as it is carried out. May be nil.
	Log func(string)

	mu       sync.Mutex
	plan     []Fault
	count    map[Event]int
	done     []Fault
	machines map[int]int // pidfds by process ID
	fillers  []string

	pending sync.WaitGroup // faults that take their time
	over    chan struct{}  // closed when no fault shall begin any more
}

// New returns a Chaos that will carry out the plan.
func New(plan []Fault) *Chaos {
	return &Chaos{plan: plan, count: make(map[Event]int), machines: make(map[int]int), over: make(chan struct{})}
}

// Stage implements [vm.Meddler].
func (c *Chaos) Stage(s vm.Stage, pid int) {
	if s == vm.StageStarted {
		// The number may be another process's by the time of the fault.
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			c.mu.Lock()
			c.machines[pid] = fd
			c.mu.Unlock()
		}
	}
	c.Happens(Event(s), pid)
}

// Channel implements [vm.Meddler].
func (c *Chaos) Channel(pid int, ch net.Conn) net.Conn { return &line{Conn: ch, chaos: c, pid: pid} }

// Happens counts an event, and carries out the faults that wait for it. Those
// of a frame are returned, for they are the line's to carry out.
func (c *Chaos) Happens(e Event, pid int) (frame []Fault) {
	c.mu.Lock()
	c.count[e]++
	var now, later []Fault
	for _, f := range c.plan {
		if f.On == e && f.N == c.count[e] {
			now = append(now, f)
		} else {
			later = append(later, f)
		}
	}
	c.plan = later
	c.mu.Unlock()
	for _, f := range now {
		switch f.Kind {
		case Kill, Term, Stop:
			c.signal(f, pid)
		case SnapFlip, SnapCut, SnapGone, SnapForeign:
			c.damage(f)
		case DiskFull:
			c.fill(f)
		default:
			frame = append(frame, f)
		}
	}
	return frame
}

// injected notes that a fault was carried out.
func (c *Chaos) injected(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = append(c.done, f)
	if c.Log != nil {
		c.Log(f.String())
	}
}

// signal kills or stops QEMU, at once or after a while.
func (c *Chaos) signal(f Fault, pid int) {
	c.mu.Lock()
	fd, known := c.machines[pid]
	c.mu.Unlock()
	if !known {
		return
	}
	act := func() {
		if !c.wait(f.After) {
			return
		}
		sig := map[Kind]unix.Signal{Kill: unix.SIGKILL, Term: unix.SIGTERM, Stop: unix.SIGSTOP}[f.Kind]
		if unix.PidfdSendSignal(fd, sig, nil, 0) != nil {
			return // it was gone already
		}
		c.injected(f)
		if f.Kind == Stop {
			c.wait(f.For)
			unix.PidfdSendSignal(fd, unix.SIGCONT, nil, 0)
		}
	}
	c.pending.Add(1)
	run := func() { defer c.pending.Done(); act() }
	if f.After == 0 && f.Kind != Stop {
		run() // in this very moment
		return
	}
	go run()
}

// wait tells whether d passed before the chaos was over.
func (c *Chaos) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.over:
		return false
	}
}

// damage alters the snapshots that are there.
func (c *Chaos) damage(f Fault) {
	files, _ := filepath.Glob(filepath.Join(c.Snapshots, "*.snap"))
	for _, name := range files {
		if c.damageFile(f, name) == nil {
			c.injected(f)
			f.Seed++
		}
	}
}

func (c *Chaos) damageFile(f Fault, name string) error {
	st, err := os.Stat(name)
	if err != nil || st.Size() == 0 {
		return fmt.Errorf("nothing to damage: %w", err)
	}
	rnd := f.rand()
	switch f.Kind {
	case SnapGone:
		return os.Remove(name)
	case SnapCut:
		return os.Truncate(name, rnd.Int64N(st.Size()))
	case SnapForeign:
		if c.Foreign == "" {
			return os.ErrNotExist
		}
		b, err := os.ReadFile(c.Foreign)
		if err == nil {
			err = os.WriteFile(name, b, 0o600)
		}
		return err
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	at := rnd.Int64N(st.Size())
	if rnd.IntN(4) == 0 {
		at = rnd.Int64N(min(st.Size(), 200)) // its description
	}
	var b [1]byte
	if _, err := file.ReadAt(b[:], at); err != nil {
		return err
	}
	b[0] ^= 1 << rnd.IntN(8)
	_, err = file.WriteAt(b[:], at)
	return err
}

// fill fills a disk but for the fault's room.
func (c *Chaos) fill(f Fault) {
	dir := c.Disks[f.Disk]
	if dir == "" {
		return
	}
	filler, err := os.CreateTemp(dir, fillerPrefix)
	if err != nil {
		return // it is full
	}
	defer filler.Close()
	c.mu.Lock()
	c.fillers = append(c.fillers, filler.Name())
	c.mu.Unlock()
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return
	}
	if size := int64(fs.Bavail)*fs.Bsize - f.Room; size > 0 {
		if err := unix.Fallocate(int(filler.Fd()), 0, 0, size); err != nil {
			return
		}
		c.injected(f)
	}
}

const fillerPrefix = "filler-"

// End ends all faults, lets what was stopped go on and returns those that were carried out.
func (c *Chaos) End() []Fault {
	close(c.over)
	c.pending.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.fillers {
		os.Remove(name)
	}
	for _, fd := range c.machines {
		unix.Close(fd)
	}
	c.fillers, c.machines, c.plan = nil, map[int]int{}, nil
	return c.done
}

// Machines returns the process IDs of all QEMUs that were started.
func (c *Chaos) Machines() (pids []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pid := range c.machines {
		pids = append(pids, pid)
	}
	return pids
}
