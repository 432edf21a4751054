// SPDX-License-Identifier: Apache-2.0

package agent

import "time"

// A patientClock measures how long programs had to come to their end. It is
// the guest's clock without the leaps that the guest had no part in: a QEMU that was
// stopped goes on with a clock that ran meanwhile, and every bound of the
// guest would be over before any program had a chance to run on.
//
// It must be looked at every [lookEvery] at least while somebody relies on it.
type patientClock struct {
	now     func() time.Time
	last    time.Time
	skipped time.Duration
}

const (
	lookEvery = 500 * time.Millisecond
	// longestLook is the most that counts between two looks. What lies above
	// is a leap, or a guest so busy that PID 1 did not get to look.
	longestLook = 2 * lookEvery
)

func newPatientClock(now func() time.Time) *patientClock {
	return &patientClock{now: now, last: now()}
}

// look returns the time by this clock.
func (c *patientClock) look() time.Time {
	now := c.now()
	if d := now.Sub(c.last); d > longestLook {
		c.skipped += d - longestLook
	}
	c.last = now
	return now.Add(-c.skipped)
}
