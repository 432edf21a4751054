// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
)

// served is a case that a guest has answered and that was delivered.
type served struct {
	index int
	c     *report.Case
}

// tick is the precision of [vm.Leak.Born]: CONFIG_HZ=250.
const tick = 4 * time.Millisecond

// searchLeaks looks for memory that the programs of the seat's guest left
// behind, and makes each case a crash whose program allocated some. It takes
// seconds, so it is done once, when the guest has served; a guest that is lost
// earlier is not searched.
func (s *seat) searchLeaks(ctx context.Context) {
	if s.guest == nil || !s.leaks || len(s.served) == 0 || ctx.Err() != nil {
		return
	}
	leaks, err := s.guest.Leaks(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.say(fmt.Sprintf("the guest was not searched for memory leaks: %v", err))
		}
		return
	}
	found, elsewhere := blameLeaks(leaks, s.served)
	if len(elsewhere) > 0 {
		s.say(fmt.Sprintf("kmemleak: %d objects that were allocated before any program ran are not referred to; the first: %q",
			len(elsewhere), elsewhere[0].Lines))
	}
	for i, mine := range found {
		if len(mine) == 0 {
			continue
		}
		c := s.served[i].c
		c.Outcome.Console = append(c.Outcome.Console, fmt.Sprintf("kmemleak: %d new suspected memory leaks", len(mine)))
		for _, l := range mine {
			c.Outcome.Console = append(c.Outcome.Console, l.Lines...)
		}
		if c.Verdict.Status != judge.Crash {
			c.Verdict = judgeOutcome(s.profile, s.guest.Info(), c.Program, c.Outcome)
		}
		s.amend(s.served[i].index, c)
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
func blameLeaks(leaks []vm.Leak, served []served) (found [][]vm.Leak, elsewhere []vm.Leak) {
	found = make([][]vm.Leak, len(served))
	for _, l := range leaks {
		guilty := -1
		for i := range served {
			if events := served[i].c.Outcome.Events; len(events) > 0 && time.Duration(events[0].Time) <= l.Born+tick {
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
