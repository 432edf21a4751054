// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/kcov"
)

// coverage is a worker's side of KCOV. It lasts from program to program.
type coverage struct {
	set     *kcov.Set
	reducer *kcov.Reducer
	plain   uint64 // how many tasks the process had when none was the kernel's
	// own are tasks of Go's that were there before the first program, and stay.
	own map[string]bool
	// settled tells that nothing is left of earlier programs that would count towards the next one.
	settled bool
}

// coverBegin begins to collect, if the program shall be covered.
func (e *execution) coverBegin() error {
	c := e.x.coverage
	if !e.job.Coverage {
		if c != nil {
			c.settled = false
		}
		return nil
	}
	if c == nil {
		return fmt.Errorf("coverage was asked for, and the worker has no KCOV descriptors")
	}
	if err := c.set.Map(1 + len(e.prog.Threads())); err != nil {
		return err
	}
	if c.reducer == nil {
		c.reducer = kcov.NewReducer(kcov.Lacks())
	}
	if !c.settled && !c.tasksRest(e.scaled(restBound)) {
		return fmt.Errorf("begin coverage: io-wq workers are still busy with an earlier program")
	}
	c.set.Clear()
	if err := c.set.Enable(0); err != nil {
		return err
	}
	e.cover = c
	return nil
}

// coverEnd ends it once all is done that the program had begun, and returns what
// was collected. rest says that something goes on, and will count towards the
// next program: the process must not run one.
func (e *execution) coverEnd() (packed []byte, rest bool, err error) {
	c := e.cover
	if c == nil {
		return nil, false, nil
	}
	deadline := time.Now().Add(e.scaled(restBound))
	for i := range e.rings {
		rests, told := e.ringRests(i)
		for again := told && !e.heldOpen(i); again && !rests && time.Now().Before(deadline); {
			pause()
			rests, _ = e.ringRests(i)
		}
		rest = rest || !rests
	}
	rest = !c.tasksRest(time.Until(deadline)) || rest
	c.settled = !rest
	if err := c.set.Disable(0); err != nil {
		return nil, true, err
	}
	return c.set.Reduce(1+len(e.prog.Threads()), c.reducer), rest, nil
}

// coverThread collects what the calling thread of the program does.
func (e *execution) coverThread(number int) {
	if e.cover == nil {
		return
	}
	if err := e.cover.set.Enable(1 + number); err != nil && e.coverErr == nil {
		e.coverErr = err
	}
}

// restBound is how long the requests and tasks that a program leaves behind are waited for, before scaling.
const restBound = 200 * time.Millisecond

// pause lets others run for a moment, in this thread: nothing tells when what is waited
// for has come. Looking more often is dear on an emulated CPU.
func pause() {
	ts := unix.Timespec{Nsec: 1e6}
	unix.Nanosleep(&ts, nil)
}

// ringRests tells whether no request of a closed ring will do anything any
// more, and whether that can be told at all. An SQPOLL thread is seen to end only with its ring.
func (e *execution) ringRests(i int) (rests, told bool) {
	r, polls := &e.rings[i], e.prog.Rings[i].Flags&uring.SetupSQPoll != 0
	if e.x.tags == nil || r.slot < 0 {
		return r.done && !polls, false
	}
	submitted, _, freed, gone := e.x.tags.Counters(r.slot)
	return gone || !polls && submitted == freed, true
}

// heldOpen tells whether a request that had not completed may hold closed ring i's file open, as one that
// waits for the ring itself does. Such a ring ends with the process: there is no use in waiting for it.
func (e *execution) heldOpen(i int) bool {
	return !e.rings[i].done && slices.ContainsFunc(e.refs, func(q cases.SQERef) bool { return q.SQE.FD.Ring == i+1 })
}

// tasksRest waits until no io-wq worker of this process is at work. What they
// collect arrives when they are done with a work item, and that's after its CQE.
func (c *coverage) tasksRest(bound time.Duration) bool {
	deadline := time.Now().Add(bound)
	for {
		var st unix.Stat_t
		if unix.Stat("/proc/self/task", &st) == nil && st.Nlink == c.plain {
			return true
		}
		busy, others := c.kernelTasks()
		if others == 0 {
			c.plain = st.Nlink
		}
		if busy == 0 {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		pause()
	}
}

// kernelTasks counts the process's io-wq workers and SQPOLL threads, and of the former those that do not sleep.
func (c *coverage) kernelTasks() (busy, all int) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 1, 1
	}
	first := c.own == nil
	if first {
		c.own = map[string]bool{}
	}
	for _, t := range tasks {
		if c.own[t.Name()] {
			continue
		}
		comm, state := commState(readShort("/proc/self/task/" + t.Name() + "/stat"))
		switch {
		case strings.HasPrefix(comm, "iou-"):
			all++
			if strings.HasPrefix(comm, "iou-wrk") && state != 'S' {
				busy++
			}
		case first:
			c.own[t.Name()] = true
		}
	}
	return busy, all
}

// readShort reads the beginning of a file, without what package os does for
// files that one might wait for. It is empty if the file is not there any more.
func readShort(path string) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	b := make([]byte, 128)
	n, _ := unix.Read(fd, b)
	return b[:max(n, 0)]
}

// commState reads a task's name and state from its stat file.
func commState(stat []byte) (comm string, state byte) {
	from, to := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if from < 0 || to < from || to+2 >= len(stat) {
		return "", 0
	}
	return string(stat[from+1 : to]), stat[to+2]
}
