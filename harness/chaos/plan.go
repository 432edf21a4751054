// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Limits bound what a plan may do.
type Limits struct {
	Programs int // of the run
	Faults   int // at most
	// LongestStop bounds a stop of QEMU, and LongestDelay what the channel takes.
	LongestStop, LongestDelay time.Duration
	// Disks tells that a disk can be filled here.
	Disks bool
	// Only are the kinds of faults to choose from; none is all.
	Only []Kind
}

// Plan chooses the faults of one run. The same seed and limits give the same plan.
func Plan(seed uint64, l Limits) []Fault {
	rnd := rand.New(rand.NewPCG(seed, 0))
	var faults []Fault
	want := 1 + rnd.IntN(max(l.Faults, 1))
	for tries := 0; len(faults) < want && tries < 1000; tries++ {
		faults = append(faults, wanted(choose(rnd, l), l.Only)...)
	}
	return faults[:min(len(faults), max(l.Faults, 1))]
}

// wanted keeps what ends in a fault of the given kinds.
func wanted(faults []Fault, only []Kind) []Fault {
	if len(only) > 0 && !slices.Contains(only, faults[len(faults)-1].Kind) {
		return nil
	}
	return faults
}

// choose returns a fault, and before it what makes its moment come.
func choose(rnd *rand.Rand, l Limits) []Fault {
	f := Fault{Seed: rnd.Uint64(), N: 1}
	pick := func(kinds ...Kind) Kind { return kinds[rnd.IntN(len(kinds))] }
	message := func() {
		f.On = []Event{Sent, Received}[rnd.IntN(2)]
		f.N = 1 + rnd.IntN(l.Programs+2) // a guest that is restored says hello, and then serves programs
	}
	between := func(low, high time.Duration) time.Duration {
		return low + time.Duration(rnd.Int64N(int64(max(high-low, 1))))
	}
	switch w := rnd.IntN(100); {
	case w < 40: // to QEMU
		f.Kind = pick(Kill, Kill, Term, Stop, Stop, Stop)
		if f.Kind == Stop {
			// Short ones are the more frequent, but seconds must be among them.
			f.For = between(20*time.Millisecond, l.LongestStop>>rnd.IntN(4))
		}
		if rnd.IntN(2) == 0 {
			f.After = between(0, 50*time.Millisecond)
		}
		switch rnd.IntN(10) {
		case 0, 1:
			f.On, f.N = Started, 1+rnd.IntN(2)
			f.After = between(0, 400*time.Millisecond)
		case 2:
			f.On, f.After = pickEvent(rnd, Saving, Saved), 0
			// There is something to save only where there is no snapshot.
			return []Fault{{Kind: SnapGone, On: Restoring, N: 1, Seed: f.Seed}, f}
		default:
			message()
		}
	case w < 70: // to a frame, that does not arrive as it was sent
		f.Kind = pick(FrameFlip, FrameFlip, FrameFlip, FrameCut, FrameLost, FrameTwice, FrameLength, FrameGarbage)
		message()
	case w < 82:
		f.Kind, f.For = pick(FrameLate, FrameTrickle), between(10*time.Millisecond, l.LongestDelay)
		message()
	case w < 92 || !l.Disks:
		f.Kind, f.On = pick(SnapFlip, SnapCut, SnapGone, SnapForeign), Restoring
		if f.Kind == SnapCut && rnd.IntN(2) == 0 {
			f.On = Started // it was found whole, and is being read
		}
	case w < 96:
		f.Kind, f.On, f.Disk = DiskFull, Restoring, SnapshotDisk
		f.Room = rnd.Int64N(100 << 20)
		return []Fault{{Kind: SnapGone, On: Restoring, N: 1, Seed: f.Seed}, f}
	default:
		f.Kind, f.On, f.Disk = DiskFull, pickEvent(rnd, Reporting, Restoring), ReportDisk
		f.Room = rnd.Int64N(200 << 10)
	}
	return []Fault{f}
}

func pickEvent(rnd *rand.Rand, events ...Event) Event { return events[rnd.IntN(len(events))] }
