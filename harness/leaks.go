// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/vm"
)

// searchLeaks looks for memory that the programs of the seat's guest left
// behind, and makes each case a crash whose program allocated some. It takes
// seconds, so it is done once, when the guest has served; a guest that is lost
// earlier is not searched.
func (s *seat) searchLeaks(ctx context.Context) {
	if s.guest == nil || !s.search || len(s.suspects) == 0 || ctx.Err() != nil {
		return
	}
	leaks, err := s.guest.Leaks(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.say(fmt.Sprintf("the guest was not searched for memory leaks: %v", err))
		}
		return
	}
	found, elsewhere := blameLeaks(leaks, s.suspects)
	if len(elsewhere) > 0 {
		s.say(fmt.Sprintf("kmemleak: %d objects that were allocated before any program ran are not referred to; the first: %q",
			len(elsewhere), elsewhere[0].Lines))
	}
	for i, mine := range found {
		if len(mine) == 0 {
			continue
		}
		c := s.suspects[i].c
		c.Outcome.Console = append(c.Outcome.Console, fmt.Sprintf("kmemleak: %d new suspected memory leaks", len(mine)))
		for _, l := range mine {
			c.Outcome.Console = append(c.Outcome.Console, l.Lines...)
		}
		if c.Verdict.Status != judge.Crash {
			c.Verdict = judgeOutcome(s.profile, s.guest.Info(), c.Program, c.Outcome)
		}
		s.worsened(s.suspects[i])
	}
}

// say passes on what the user should know.
func (s *seat) say(text string) {
	if s.notice != nil {
		s.notice(text)
	}
}

// blameLeaks finds whose each leak is. Programs of one guest run one after the
// other, so memory is of the last one that had begun, by its first event, when it was allocated.
// What no program had begun for is returned as elsewhere.
func blameLeaks(leaks []vm.Leak, suspects []*try) (found [][]vm.Leak, elsewhere []vm.Leak) {
	found = make([][]vm.Leak, len(suspects))
	for _, l := range leaks {
		guilty := -1
		for i := range suspects {
			if events := suspects[i].c.Outcome.Events; len(events) > 0 && time.Duration(events[0].Time) <= l.Born+l.Within {
				guilty = i
			}
		}
		if guilty < 0 {
			elsewhere = append(elsewhere, l)
			continue
		}
		found[guilty] = append(found[guilty], l)
	}
	return found, elsewhere
}
