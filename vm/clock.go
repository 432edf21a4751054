// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A guestClock measures the time that a guest had: the host's, less what QEMU
// was stopped for, waited for a CPU, or was not looked after. A guest under
// emulation does nothing meanwhile, though its clock goes on, so being late
// by the host's clock says nothing about its kernel.
type guestClock struct {
	mu     sync.Mutex
	last   time.Time
	had    time.Duration // since the clock was made
	stolen time.Duration
	paused time.Duration         // for how long QEMU has been stopped without a break
	delays map[int]time.Duration // see signs
	alarms map[chan struct{}]time.Duration
}

const (
	// lookEvery is how often a guestClock is looked at.
	lookEvery = 100 * time.Millisecond
	// longestLook is the most that counts between two looks: where more
	// passed, this process did not run either, and answers wait to be read.
	longestLook = 10 * lookEvery
)

// signs is what the host knows of a QEMU at one moment.
type signs struct {
	// stopped by a signal or a debugger.
	stopped bool
	// delays holds by thread how long it has waited for a CPU while it could
	// have run, since it was started. Empty where the host's kernel does not tell.
	delays map[int]time.Duration
}

func newGuestClock() *guestClock {
	return &guestClock{last: time.Now(), alarms: make(map[chan struct{}]time.Duration)}
}

// look takes in what happened since the last look, and rings the alarms that are due.
func (c *guestClock) look(now time.Time, s signs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := max(now.Sub(c.last), 0)
	c.last = now
	counts := min(passed, longestLook)
	if s.stopped {
		c.paused += passed
		counts = 0
	} else {
		c.paused = 0
		var most time.Duration
		for tid, d := range s.delays {
			if before, known := c.delays[tid]; known {
				most = max(most, d-before)
			}
		}
		counts = min(counts, max(passed-most, 0))
	}
	c.delays = s.delays
	c.had += counts
	c.stolen += passed - counts
	for alarm, at := range c.alarms {
		if c.had >= at {
			close(alarm)
			delete(c.alarms, alarm)
		}
	}
}

// read returns the time that the guest had, and what was taken from it.
func (c *guestClock) read() (had, stolen time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.had, c.stolen
}

// stopped returns for how long QEMU has been stopped, 0 if it is not.
func (c *guestClock) stopped() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// after returns a channel that is closed once the guest had d more time, and a
// function that releases it.
func (c *guestClock) after(d time.Duration) (<-chan struct{}, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	alarm := make(chan struct{})
	c.alarms[alarm] = c.had + d
	return alarm, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.alarms, alarm)
	}
}

// signsOf reads what /proc says of a process (proc(5)). Of one that is gone it says nothing.
func signsOf(proc string, pid int) signs {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	s := signs{delays: make(map[int]time.Duration)}
	stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
	if i := strings.LastIndexByte(string(stat), ')'); i >= 0 { // behind the name, which may hold anything
		state := strings.TrimSpace(string(stat[i+1:]))
		s.stopped = strings.HasPrefix(state, "T") || strings.HasPrefix(state, "t")
	}
	if s.stopped {
		return s
	}
	files, _ := filepath.Glob(filepath.Join(dir, "task", "[0-9]*", "schedstat"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		var ran, waited, slices uint64 // nanoseconds, nanoseconds, a number
		if _, err := fmt.Sscan(string(text), &ran, &waited, &slices); err != nil {
			continue
		}
		if tid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			s.delays[tid] = time.Duration(waited)
		}
	}
	return s
}
