// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"slices"

	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/report"
	"github.com/ringproof/ringproof/vm"
)

// confirmPrograms is how many programs of one class of failures are tried
// again at most. A wrong kernel fails hundreds in the same way; the first that fails in
// all of its tries settles how sure the class is.
const confirmPrograms = 3

// confirmHang is how much more time a program gets than at first when a hang
// is confirmed: one that was only slow ends, whatever else the machine had to do.
const confirmHang = 2

// confirmAll tries failures again, each time in a fresh guest and under the
// same seed. Nothing that these tries say takes a failure back. An error
// means that ctx ended; where guests cannot be had any more, the user is told.
func (r *runner) confirmAll(ctx context.Context, records []record, guests int) error {
	if r.confirm <= 0 {
		return nil
	}
	var order []string
	byClass := map[string][]*record{}
	for i := range records {
		rec := &records[i]
		if len(rec.c.Tries) == 0 || !rec.c.Tries[rec.verdict].Failed() {
			continue
		}
		class := rec.c.Tries[rec.verdict].Class
		if byClass[class] == nil {
			order = append(order, class)
		}
		byClass[class] = append(byClass[class], rec)
	}
	err := r.spread(ctx, min(guests, len(order)), len(order), func(ctx context.Context, next <-chan int) error {
		for i := range next {
			if err := r.confirmClass(ctx, byClass[order[i]]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		if r.notice != nil {
			r.notice(fmt.Sprintf("not every failure was tried again: %v", err))
		}
		err = nil
	}
	return err
}

// confirmClass tries the first programs of a class again, until one fails every time.
func (r *runner) confirmClass(ctx context.Context, class []*record) error {
	for _, rec := range class[:min(len(class), confirmPrograms)] {
		err := r.confirmOne(ctx, rec)
		r.mu.Lock()
		if r.amended != nil && len(rec.c.Tries) > 1 {
			r.amended(rec.c)
		}
		failed, tried := rec.c.Score()
		r.mu.Unlock()
		if err != nil || failed == tried && tried > 1 {
			return err
		}
	}
	return nil
}

// confirmOne tries one program again. A hang is dear, so the first that comes
// again is the last; tries that end are cheap.
func (r *runner) confirmOne(ctx context.Context, rec *record) error {
	c := &rec.c
	o := r.options
	o.Noise = c.Noise
	if c.Verdict.Status == judge.Hang {
		if o.Deadline == 0 {
			o.Deadline = vm.DefaultDeadline
		}
		o.Deadline *= confirmHang
	}
	for range r.confirm {
		s := seat{runner: r, search: r.leaks && leaked(c)}
		t, err := s.one(ctx, c.Program, o, 0)
		if err != nil {
			s.leave()
			return err
		}
		t.to, t.confirms = rec, true
		s.hold(t)
		s.part(ctx)
		if c.Tries[len(c.Tries)-1].Status == judge.Hang {
			return nil
		}
	}
	return nil
}

// leaked tells whether a case is about memory that nothing refers to, which
// takes a search of the guest to be seen.
func leaked(c *report.Case) bool {
	return c.Outcome != nil && slices.ContainsFunc(crash.Parse(c.Outcome.Console), func(r crash.Report) bool { return r.Kind == crash.Leak })
}
