// SPDX-License-Identifier: Apache-2.0

// Command guest is PID 1 of the guest in which the probes are tested. It runs
// scenarios on traced rings, checks what the probes saw, and writes one line
// per scenario to the console: "RESULT ok NAME", "RESULT skip NAME: why" or
// "RESULT FAIL NAME: why".
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/probe"
)

const (
	run  = 77
	ring = 3
	slot = probe.Slots - 1
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	if os.Getpid() != 1 {
		work(os.Args[1])
		return
	}
	defer syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	defer func() {
		if r := recover(); r != nil {
			fmt.Println("RESULT FAIL guest:", r)
		}
	}()
	for dir, fs := range map[string]string{"/sys": "sysfs", "/proc": "proc", "/dev": "devtmpfs"} {
		os.MkdirAll(dir, 0o755)
		must(unix.Mount(fs, dir, fs, 0, ""))
	}
	off := groupCost(nil)
	p, err := cases.LoadProfile("v4")
	must(err)
	start := time.Now()
	t, err := probe.Load(probe.Options{Profile: *p})
	must(err)
	fmt.Println("RESULT info loaded in", time.Since(start).Round(time.Millisecond))
	for _, a := range t.Attached() {
		fmt.Println("RESULT attached", a)
	}
	for _, m := range t.Missing() {
		fmt.Println("RESULT missing", m)
	}
	groups := strings.Contains(strings.Join(t.Attached(), " "), "group_refs=")
	ctl, err := probe.OpenControl(t.ControlFile())
	must(err)
	for _, s := range scenarios {
		if s.groups && !groups {
			fmt.Printf("RESULT skip %s: the kernel has no groups\n", s.name)
			continue
		}
		result(s.name, try(t, ctl, s))
	}
	result("many-groups", many(t, ctl, off))
	must(ctl.Close())
	must(t.Close())
	result("tiny-buffer", tiny(*p))
	result("noise", noisy(*p))
}

func result(name string, err error) {
	if err != nil {
		fmt.Printf("RESULT FAIL %s: %v\n", name, err)
		return
	}
	fmt.Println("RESULT ok", name)
}

// try runs one scenario in a process of its own and checks its events.
func try(t *probe.Tracer, ctl *probe.Control, s scenario) error {
	// Counters of the slot's last ring: NextRing runs in the worker.
	cmd := exec.Command("/proc/self/exe", s.name)
	cmd.ExtraFiles = []*os.File{t.ControlFile()}
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil && !s.dies {
		return err
	}
	pid := cmd.ProcessState.Pid()
	var raw []byte
	for {
		var err error
		if raw, err = t.Read(raw); err != nil {
			return err
		}
		if n := len(raw); n > 0 && probe.KindOf(raw[n-probe.RecordSize:]) == cases.EvRingGone {
			break
		}
		if err := t.Wait(time.Minute); err != nil {
			return err
		}
	}
	awaitGone(ctl, slot)
	recs, err := probe.Decode(raw)
	if err != nil {
		return err
	}
	if err := check(recs, ctl, s, uint32(pid)); err != nil {
		for _, r := range recs[:min(len(recs), 100)] {
			fmt.Printf("  %+v\n", r)
		}
		return err
	}
	if lost, missed := t.Counts(); lost+missed != 0 {
		return fmt.Errorf("%d records lost, %d probe runs missed", lost, missed)
	}
	return nil
}

// awaitGone waits for the counters, which follow the events.
func awaitGone(ctl *probe.Control, slot int) {
	for {
		if _, _, _, gone := ctl.Counters(slot); gone {
			return
		}
		runtime.Gosched()
	}
}

type life struct {
	req uint64
	gen uint32
}

// check holds for every scenario: each request begins once, completes at most
// once, is freed once, in that order, and the counters agree.
func check(recs []probe.Record, ctl *probe.Control, s scenario, pid uint32) error {
	lives := map[life]cases.EventKind{}
	kinds := map[cases.EventKind]int{}
	var begun, completed, freed uint64
	for i, r := range recs {
		kinds[r.Kind]++
		if r.Run != run || r.Ring != ring {
			return fmt.Errorf("event %d is of run %d, ring %d", i, r.Run, r.Ring)
		}
		at := life{r.Req, r.Gen}
		was, known := lives[at]
		switch r.Kind {
		case cases.EvSubmit, cases.EvPrepFail:
			if known {
				return fmt.Errorf("event %d: %x.%d begins twice", i, r.Req, r.Gen)
			}
			begun++
		case cases.EvRingCreate, cases.EvRingGone, cases.EvTaskExit, cases.EvExtraCQE, cases.EvOverflow:
			continue
		case cases.EvComplete:
			if !known || was != cases.EvSubmit {
				return fmt.Errorf("event %d: %x.%d completes after %v", i, r.Req, r.Gen, was)
			}
			completed++
		case cases.EvFree:
			if !known || was == cases.EvFree {
				return fmt.Errorf("event %d: %x.%d is freed after %v", i, r.Req, r.Gen, was)
			}
			freed++
		default:
			if !known {
				return fmt.Errorf("event %d: %v of %x.%d, which never began", i, r.Kind, r.Req, r.Gen)
			}
			continue
		}
		lives[at] = r.Kind
		if r.Kind == cases.EvPrepFail {
			lives[at] = cases.EvSubmit
		}
	}
	if first := recs[0]; first.Kind != cases.EvRingCreate || first.TGID != pid {
		return fmt.Errorf("the first event is %v of process %d, want ring_create of %d", first.Kind, first.TGID, pid)
	}
	for kind, n := range s.want {
		if kinds[kind] < n {
			return fmt.Errorf("%d %v events, want at least %d", kinds[kind], kind, n)
		}
	}
	sub, comp, free, gone := ctl.Counters(slot)
	if sub != begun || comp != begun || free != freed || begun != freed || !gone || begun != s.requests {
		return fmt.Errorf("%d of %d requests began, %d were freed; counters say %d, %d, %d, gone %v", begun, s.requests, freed, sub, comp, free, gone)
	}
	if s.groups {
		return checkRefs(recs)
	}
	return nil
}

// checkRefs checks that group counts fall from the number of requests to 0.
func checkRefs(recs []probe.Record) error {
	low := map[uint64]int32{}
	for i, r := range recs {
		if !r.HasGroupRefs {
			continue
		}
		if last, ok := low[r.Leader]; ok && r.GroupRefs > last && r.GroupRefs != 3 || !ok && r.GroupRefs != 3 {
			return fmt.Errorf("event %d: group count %d", i, r.GroupRefs)
		}
		low[r.Leader] = r.GroupRefs
	}
	for _, n := range low {
		if n != 0 {
			return fmt.Errorf("a group's count ends at %d", n)
		}
	}
	if len(low) == 0 {
		return fmt.Errorf("no event has a group count")
	}
	return nil
}

const manyGroups = 10000

// groupCost is the time per submission of three NOPs, the best of several rounds.
func groupCost(each func()) time.Duration {
	best := time.Duration(1 << 62)
	for range 5 {
		if each != nil {
			each()
		}
		r, err := uring.New(8, 0, 0)
		must(err)
		start := time.Now()
		for range manyGroups {
			for i := range 3 {
				*r.Next() = uring.SQE{UserData: uint64(i + 1)}
			}
			r.Publish()
			if _, err := r.Enter(3, 3, uring.EnterGetEvents, 0); err != nil {
				panic(err)
			}
			for range 3 {
				r.Reap()
			}
		}
		best = min(best, time.Since(start))
		must(r.Close())
	}
	return best / manyGroups
}

// many submits 10,000 times three NOPs in a row while the records are read as
// the agent reads them, several times, and prints what it costs.
func many(t *probe.Tracer, ctl *probe.Control, off time.Duration) error {
	// submit, issue, issue_return, complete, free; ring_create, ring_gone
	const perRound = manyGroups*3*5 + 2
	var read atomic.Int64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var raw []byte
		for {
			must(t.Wait(50 * time.Millisecond))
			var err error
			raw, err = t.Read(raw[:0])
			must(err)
			read.Add(int64(len(raw) / probe.RecordSize))
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	rounds := 0
	settle := func() {
		if rounds > 0 {
			awaitGone(ctl, rounds-1)
		}
		for lost, _ := t.Counts(); lost == 0 && read.Load() < int64(rounds*perRound); lost, _ = t.Counts() {
			runtime.Gosched()
		}
	}
	on := groupCost(func() {
		settle()
		ctl.NextRing(run, ring, rounds)
		rounds++
	})
	settle()
	close(stop)
	<-done
	fmt.Printf("RESULT info three NOPs take %v without probes, %v with them: %.1f times as long\n", off, on, float64(on)/float64(off))
	if lost, missed := t.Counts(); lost+missed != 0 {
		return fmt.Errorf("%d records lost, %d probe runs missed", lost, missed)
	}
	if n, want := read.Load(), int64(rounds*perRound); n != want {
		return fmt.Errorf("%d records, want %d", n, want)
	}
	return nil
}

// tiny overflows a buffer of one page and checks that the loss is counted.
func tiny(p cases.Profile) error {
	t, err := probe.Load(probe.Options{Profile: p, RingBytes: 4096})
	if err != nil {
		return err
	}
	defer t.Close()
	ctl, err := probe.OpenControl(t.ControlFile())
	if err != nil {
		return err
	}
	defer ctl.Close()
	ctl.NextRing(run, ring, 0)
	r, err := uring.New(64, 0, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	for range 64 {
		r.Next()
	}
	if _, err := r.Submit(); err != nil {
		return err
	}
	raw, err := t.Read(nil)
	if err != nil {
		return err
	}
	got := uint64(len(raw) / probe.RecordSize)
	if lost, _ := t.Counts(); got == 0 || got+lost != 64*5+1 {
		return fmt.Errorf("%d records arrived and %d were lost, want 321 together", got, lost)
	}
	if sub, comp, free, _ := ctl.Counters(0); sub != 64 || comp != 64 || free != 64 {
		return fmt.Errorf("counters without records: %s", strconv.Itoa(int(sub)))
	}
	return nil
}
