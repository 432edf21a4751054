// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
	"github.com/ringproof/ringproof/vm/kcov"
	"github.com/ringproof/ringproof/vm/wire"
)

// describeGuest finds out what does not change while the guest runs. The
// trial submission is left to a worker process made from exe: on a broken
// kernel it may never end.
func describeGuest(exe string, scale float64) wire.GuestInfo {
	info := wire.GuestInfo{CPUs: runtime.NumCPU()}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		info.Release = unix.ByteSliceToString(uts.Release[:])
		info.Version = unix.ByteSliceToString(uts.Version[:])
	}
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) == nil {
		info.MemMB = int(uint64(si.Totalram) * uint64(si.Unit) >> 20)
	}
	info.Lacks = lacks()
	if info.NoCoverage = kcov.Missing(); info.NoCoverage == "" {
		info.Uncovered = kcov.Lacks()
	}
	r, err := uring.New(2, 0, 0)
	if err != nil {
		info.GroupsWhy = err.Error()
		return info
	}
	info.Features = r.Params().Features
	if ops, err := r.Supported(); err == nil {
		for _, o := range ops {
			info.Ops = append(info.Ops, uint8(o))
		}
	}
	r.Close()
	cqes, err := runTrial(exe, scale)
	if err != nil {
		// A kernel that hangs on a group has them, and a machine too busy for the trial
		// must not make a run of nothing but skips: programs will show which it is.
		info.Groups, info.NopInject = true, true
		info.GroupsWhy = fmt.Sprintf("taken to be there, since the trial did not tell: %v", err)
		return info
	}
	info.Groups, info.GroupsWhy = judgeGroups(cqes)
	info.NopInject = judgeInject(cqes)
	return info
}

// lacks finds out which needs of programs this guest cannot meet, and why.
func lacks() map[string]string {
	found := map[string]string{}
	for need, why := range map[cases.Need]string{
		cases.NeedNullBlk: nullBlkMissing(),
		cases.NeedFaults:  faultsMissing(),
		cases.NeedKASAN:   kasanMissing(),
	} {
		if why != "" {
			found[string(need)] = why
		}
	}
	return found
}

// kasanMissing looks for a function of KASAN's in the kernel's BTF, which is
// read faster than its table of symbols.
func kasanMissing() string {
	btf, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	switch {
	case err != nil:
		return fmt.Sprintf("KASAN cannot be looked for: %v", err)
	case !bytes.Contains(btf, []byte("\x00kasan_report\x00")):
		return "the kernel was built without KASAN: use the flavour kasan"
	}
	return ""
}

// Results of the trial's NOPs by ring.
const (
	trialGroup = iota
	trialInject
)

const trialResult = -4242 // no errno: only an injected result can be this

// trialProgram submits a group of two NOPs on one ring, and a NOP with an
// injected result on another.
func trialProgram() cases.Program {
	return cases.Program{
		Name:  "trial",
		Rings: []cases.Ring{{Name: "group", Entries: 2}, {Name: "inject", Entries: 2}},
		Steps: []cases.Step{
			{Kind: cases.StepSubmit, Ring: trialGroup, SQEs: []cases.SQE{{Op: uring.OpNop, Flags: uring.SQEGroup}, {Op: uring.OpNop}}},
			{Kind: cases.StepSubmit, Ring: trialInject, SQEs: []cases.SQE{{Op: uring.OpNop, HasInject: true, Inject: trialResult}}},
			{Kind: cases.StepWait, Ring: trialInject, N: 1, Timeout: time.Second},
			{Kind: cases.StepWait, Ring: trialGroup, Timeout: time.Second},
		},
	}
}

// trialBound bounds the trial before scaling.
const trialBound = 10 * time.Second

func runTrial(exe string, scale float64) ([]cases.CQE, error) {
	w, err := startWorker(exe, nil, false)
	if err != nil {
		return nil, err
	}
	defer w.free()
	defer w.kill()
	j := &job{Tag: 1, Scale: scale, Program: trialProgram()}
	if err := w.pipe.send(j); err != nil {
		return nil, fmt.Errorf("send the trial program to a worker: %w", err)
	}
	over := make(chan struct{})
	defer close(over)
	go func() { // the bound is by time that the guest had
		clock := newPatientClock(time.Now)
		end := clock.look().Add(time.Duration(float64(trialBound) * scale))
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for clock.look().Before(end) {
			select {
			case <-tick.C:
			case <-over:
				return
			}
		}
		w.sock.file.SetReadDeadline(time.Now())
	}()
	var rep report
	if err := w.pipe.recv(&rep); err != nil {
		return nil, fmt.Errorf("run the trial program in a worker: %w; %s", err, w.lastWords())
	}
	if rep.Err != "" {
		return nil, fmt.Errorf("run the trial program: %s", rep.Err)
	}
	var o cases.Outcome
	w.ledger.pages[j.Page].harvest(j.Tag, &o)
	return o.CQEs, nil
}

// judgeGroups tells whether the kernel takes groups. What it makes of them
// is not asked here: a kernel that gets them wrong must be tested, not skipped.
func judgeGroups(cqes []cases.CQE) (bool, string) {
	var seen []string
	refused, leader := false, false
	for _, c := range cqes {
		if c.Ring != trialGroup {
			continue
		}
		who := "member"
		if c.UserData == cases.UserData(0) {
			who, leader = "leader", true
			refused = c.Res == -int32(unix.EINVAL)
		}
		seen = append(seen, fmt.Sprintf("%s %d", who, c.Res))
	}
	what := "a group of two NOPs completed as: " + strings.Join(seen, ", ")
	switch {
	case refused:
		return false, "IOSQE_SQE_GROUP is refused with EINVAL"
	case len(seen) == 0:
		return true, "IOSQE_SQE_GROUP is taken, but a group of two NOPs did not complete"
	case !leader:
		return true, what + ", but its leader did not"
	}
	return true, what
}

func judgeInject(cqes []cases.CQE) bool {
	for _, c := range cqes {
		if c.Ring == trialInject {
			return c.Res == trialResult
		}
	}
	return false
}
