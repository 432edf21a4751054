// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// reap takes up to limit CQEs and returns how many there were. The caller holds r.mem.
func (e *execution) reap(ring, step, limit int) int {
	r := &e.rings[ring]
	e.ledgerMu.Lock()
	defer e.ledgerMu.Unlock()
	for n := range limit {
		c, ok := r.Reap()
		if !ok {
			return n
		}
		e.page.reaped(ring, step, c)
		if c.Flags&uring.CQEMore == 0 {
			r.reaped++
		}
	}
	return limit
}

// Waiting for everything cannot rely on CQEs alone, since skipped ones wake
// nobody: it looks again after these times.
const (
	firstLook = time.Millisecond
	lastLook  = 8 * time.Millisecond
	// settleBound is for how long, before scaling, it looks for CQEs of requests
	// that have completed but are not freed: their CQEs may be about to be
	// published, by a thread whose CPU the host has taken away.
	settleBound = 250 * time.Millisecond
)

func (e *execution) wait(step int, st *cases.Step) (int64, int32) {
	r := &e.rings[st.Ring]
	r.mem.Lock()
	defer r.mem.Unlock()
	if st.MinWait > 0 {
		return e.waitMin(step, st)
	}
	deadline := monotonic() + int64(e.bound(st))
	got, look := 0, firstLook
	var settled int64 // when it is done for sure; 0 while it is not done at all
	for {
		if r.Closed() { // by another thread
			return int64(got), int32(unix.EBADF)
		}
		want := maxCQEs
		if st.N > 0 {
			want = st.N - got
		}
		n := e.reap(st.Ring, step, want)
		got += n
		if st.N > 0 && got >= st.N {
			return int64(got), 0
		}
		if n > 0 {
			look = firstLook
		}
		if r.Overflowed() && n > 0 {
			if err := r.look(0, 0, 0); err != nil {
				return int64(got), errnoOf(err)
			}
			continue
		}
		if st.N == 0 {
			switch done, sure := r.quiet(e.x.tags); {
			case !done:
				settled = 0
			case sure || settled != 0 && monotonic() > settled:
				return int64(got), 0
			case settled == 0:
				settled = monotonic() + int64(e.scaled(settleBound))
			}
		}
		left := time.Duration(deadline - monotonic())
		if left <= 0 {
			return int64(got), int32(unix.ETIME)
		}
		missing := 1
		if st.N > 0 {
			missing = st.N - got
		} else {
			left = min(left, look)
			look = min(2*look, lastLook)
		}
		if err := r.look(uint32(missing), left, 0); err != nil {
			return int64(got), errnoOf(err)
		}
	}
}

// waitMin is a wait with a minimum time: one call, which counts the CQEs that
// are there already. The caller holds the ring's mem.
func (e *execution) waitMin(step int, st *cases.Step) (int64, int32) {
	r := &e.rings[st.Ring]
	err := r.look(uint32(st.N), e.bound(st), e.scaled(st.MinWait))
	switch {
	case r.Closed(): // by another thread
		return 0, int32(unix.EBADF)
	case err != nil:
		return 0, errnoOf(err)
	}
	got := e.reap(st.Ring, step, st.N)
	if got < st.N {
		return int64(got), int32(unix.ETIME)
	}
	return int64(got), 0
}

// look enters the kernel to wait for CQEs, for at most bound where that is
// above 0. What ends the wait without them is no error. The caller holds r.mem.
func (r *ringState) look(missing uint32, bound, minWait time.Duration) error {
	polls := r.Params().Flags&(uring.SetupIOPoll|uring.SetupSQPoll) == uring.SetupIOPoll
	if polls {
		// The kernel would spin for them and knows no time here.
		missing, bound = 0, 0
	}
	r.mem.Unlock()
	_, err := r.EnterMin(0, missing, uring.EnterGetEvents, bound, minWait)
	if polls {
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
	r.mem.Lock()
	switch err {
	case unix.ETIME, unix.EINTR:
		return nil
	}
	return err
}
