// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"hash/fnv"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
)

// Ways that a request went, as bits.
const (
	wentWorker = 1 << iota
	wentPoll
	wentTaskWork
	wentDeferred
	wentOverflow
	wentLinkFailed
)

// behaviour is what a campaign tells requests apart by, apart from the code that they reached.
type behaviour struct {
	role  uint8 // plain, leader, member
	flags uint8 // of the SQE
	way   uint8
	end   uint8 // see endOf
	// other is the end of the first other request of the group that did not end well, else 0.
	other uint8
}

// Behaviours returns hashes of how the requests of a program went: by role, flags, path and
// result, and how the others of their groups ended. They are edges beside those that KCOV
// sees, which does not know whose the code is that it sees. They are distinct.
func Behaviours(p *cases.Program, profile *cases.Profile, o *cases.Outcome) []uint32 {
	sqes := p.SQEs()
	all := make([]behaviour, len(sqes))
	for i := range sqes {
		all[i].flags = uint8(sqes[i].SQE.Flags)
	}
	for i := range o.CQEs {
		if n, ok := p.IndexOf(o.CQEs[i].UserData); ok && n < len(all) {
			all[n].end = endOf(o.CQEs[i].Res)
		}
	}
	for i := range o.Events {
		ev := &o.Events[i]
		n, ok := p.IndexOf(ev.UserData)
		if !ok || n >= len(all) {
			continue
		}
		b := &all[n]
		switch ev.Kind {
		case cases.EvWorker:
			b.way |= wentWorker
		case cases.EvPollArm:
			b.way |= wentPoll
		case cases.EvTaskRun:
			b.way |= wentTaskWork
		case cases.EvDefer:
			b.way |= wentDeferred
		case cases.EvOverflow:
			b.way |= wentOverflow
		case cases.EvFailLink:
			b.way |= wentLinkFailed
		case cases.EvFree:
			if b.end == 0 { // its CQE was skipped
				b.end = endOf(ev.Res) | endHidden
			}
		}
	}
	st := model.Assemble(p, profile)
	for g := range st.Groups {
		requests := st.Groups[g].Requests()
		for k, i := range requests {
			if all[i].role = 2; k == 0 {
				all[i].role = 1
			}
			for _, j := range requests {
				if e := all[j].end &^ endHidden; j != i && e > endWell {
					all[i].other = e
					break
				}
			}
		}
	}
	hashes := make([]uint32, len(all))
	for i, b := range all {
		h := fnv.New32a()
		h.Write([]byte{b.role, b.flags, b.way, b.end, b.other})
		hashes[i] = h.Sum32()
	}
	slices.Sort(hashes)
	return slices.Compact(hashes)
}

// How a request ended; 0 is not known.
const (
	endWell uint8 = 1 + iota
	endCancelled
	endInvalid
	endBadly
	endHidden uint8 = 0x80
)

func endOf(res int32) uint8 {
	switch {
	case res >= 0:
		return endWell
	case res == -int32(unix.ECANCELED):
		return endCancelled
	case res == -int32(unix.EINVAL):
		return endInvalid
	}
	return endBadly
}
