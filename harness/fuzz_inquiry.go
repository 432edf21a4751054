// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/fuzz"
	"github.com/ringproof/ringproof/harness/campaign"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/harness/repro"
	"github.com/ringproof/ringproof/vm"
)

// inquiry is a class of failures that a guest with many programs ahead has shown.
type inquiry struct {
	class    string
	first    suspect  // with the evidence
	suspects []*input // in the order in which they are tried
}

// Bounds on an inquiry.
const (
	aloneTries  = 3 // of one suspect, until it fails for the first time
	fewSuspects = 4 // more than these get one try each
	confirmRuns = 3 // after the first failure alone
	// graceTime is for what has to be looked into when the campaign's time is over.
	graceTime = 2 * time.Minute
	// patientRest is as hastyRest, for a program that has the guest for itself.
	patientRest = time.Second
	// The minimiser's runs are many, and what it finds is confirmed with patience.
	searchWait = 30 * time.Millisecond
	searchRest = 250 * time.Millisecond
	// Of a program that userspace sees nothing of so many are tried, for so long, that are like it.
	variations    = 300
	variationTime = time.Minute
)

// inquirer looks into what guests with many programs ahead have shown, one
// inquiry after the other: it runs the suspects alone, each in a fresh guest.
type inquirer struct {
	runner runner
	// accept tells whether a confirmed failure is what the campaign looks for; nil accepts all.
	accept func(ctx context.Context, rec *record) (bool, error)
	// budget bounds the runs of the minimiser, patience its time; a budget below 1 does without.
	budget   int
	patience time.Duration
	// write keeps an example and completes it. May be nil.
	write func(class string, found, small *record, e *campaign.Example) error
	// tell is called with each finding that gets an example. May be nil.
	tell func(*campaign.Finding)

	wake  chan struct{} // of size one
	queue []inquiry     // guarded by the fuzzer's mu, like over
	over  bool          // no inquiry comes any more
}

// saw notes a failure, and asks for an inquiry where one is due. The caller holds mu.
func (f *fuzzer) saw(q inquiry) {
	why := q.first.verdict.Reason
	if f.stopped && f.stopOnFinding {
		return
	}
	if !f.findings.Saw(q.class, q.first.verdict.Status, why, time.Since(f.started).Seconds(), f.status.Executions) {
		return
	}
	f.inquirer.queue = append(f.inquirer.queue, q)
	f.wakeInquirer()
}

func (f *fuzzer) wakeInquirer() {
	select {
	case f.inquirer.wake <- struct{}{}:
	default:
	}
}

// finish lets the inquirer end when it has done all there is.
func (f *fuzzer) finish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inquirer.over = true
	f.wakeInquirer()
}

// inquire makes one inquiry after the other.
func (f *fuzzer) inquire(ctx context.Context) {
	for {
		f.mu.Lock()
		var q *inquiry
		if list := f.inquirer.queue; len(list) > 0 {
			q = &list[0]
			f.inquirer.queue = list[1:]
		}
		over := f.inquirer.over
		f.mu.Unlock()
		switch {
		case q != nil:
			f.look(ctx, q, over)
		case over:
			return
		default:
			select {
			case <-f.inquirer.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

// look makes an inquiry. late says that the campaign's time is over.
func (f *fuzzer) look(parent context.Context, q *inquiry, late bool) {
	ctx := parent
	if late {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, f.lateUntil())
		defer cancel()
	}
	rec, err := f.culprit(ctx, q)
	if err == nil && rec != nil {
		err = f.found(ctx, rec)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.findings.Of(q.class); x != nil && !x.Confirmed && len(x.Suspects) == 0 {
		for _, in := range q.suspects[:min(len(q.suspects), fewSuspects)] {
			x.Suspects = append(x.Suspects, in.program.Text())
		}
	}
	f.findings.Looked(q.class)
	if err != nil && parent.Err() == nil {
		f.notice(fmt.Sprintf("%s was not looked into to the end: %v", q.class, err))
	}
}

// doubt is a sighting that may be taken back if no program shows it again.
type doubt struct {
	class  string
	voyage *voyage // another program's crash or hang in there may explain it
	order  int
	late   bool // nothing was wrong but that something came after a hasty wait
}

// maxDoubts bounds the sightings that are remembered as doubtful.
const maxDoubts = 1000

// settleDoubts takes back what no program showed again and what is explained by another
// one, which is known when the guests are gone.
func (f *fuzzer) settleDoubts() {
	f.mu.Lock()
	defer f.mu.Unlock()
	late := 0
	for _, d := range f.doubts {
		if (d.late || d.voyage.tainted(d.order, f.window)) && f.findings.Excuse(d.class) && d.late {
			late++
		}
	}
	f.doubts = nil
	if late > 0 {
		f.notice(fmt.Sprintf("%d executions had something complete only behind a wait of %v; none did so alone, so they count as the machine's", late, hastyWait))
	}
}

// lateUntil is until when inquiries may go on.
func (f *fuzzer) lateUntil() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ends.IsZero() || f.ends.After(time.Now()) { // it ended before its time
		f.ends = time.Now()
	}
	return f.ends.Add(graceTime)
}

// culprit finds the suspect that fails alone, and runs it as often as it takes to
// say how often. nil if none does.
func (f *fuzzer) culprit(ctx context.Context, q *inquiry) (*record, error) {
	tries := aloneTries
	if len(q.suspects) > fewSuspects {
		tries = 1
	}
	for _, in := range q.suspects {
		p := clampWaits(in.program, patientWait, patientWait) // short waits are late by themselves where the machine is busy
		rec := new(record)
		for range tries {
			if err := f.alone(ctx, rec, p, vm.RunOptions{}); err != nil {
				return nil, err
			}
			if rec.failed() {
				return rec, f.confirm(ctx, rec)
			}
		}
	}
	return nil, nil
}

// failed tells whether a try failed.
func (rec *record) failed() bool {
	return len(rec.c.Tries) > 0 && rec.c.Tries[rec.verdict].Failed()
}

// confirm tries what has failed again. A hang is dear: the first that comes again is the last.
func (f *fuzzer) confirm(ctx context.Context, rec *record) error {
	for range confirmRuns {
		if err := f.alone(ctx, rec, rec.c.Program, vm.RunOptions{Brief: true}); err != nil {
			return err
		}
		if rec.c.Tries[len(rec.c.Tries)-1].Status == judge.Hang {
			break
		}
	}
	return nil
}

// alone runs a program once, alone in a fresh guest.
func (f *fuzzer) alone(ctx context.Context, rec *record, p *cases.Program, o vm.RunOptions) error {
	s := seat{runner: &f.inquirer.runner}
	t, err := s.one(ctx, p, f.patiently(p, o), 0)
	f.mu.Lock()
	f.status.Inquiries++
	f.mu.Unlock()
	if err != nil {
		s.leave()
		return err
	}
	t.to, t.confirms = rec, len(rec.c.Tries) > 0
	s.hold(t)
	s.part(ctx)
	return nil
}

// patiently completes the options of a program that has the guest for itself.
func (f *fuzzer) patiently(p *cases.Program, o vm.RunOptions) vm.RunOptions {
	o.Mutant, o.Noise = f.options.Mutant, f.options.Noise
	o.Deadline = deadlineOf(p, patientRest)
	return o
}

// found makes a finding of what failed alone, if it says anything new.
func (f *fuzzer) found(ctx context.Context, rec *record) error {
	class := rec.class()
	if accept := f.inquirer.accept; accept != nil {
		if ok, err := accept(ctx, rec); err != nil || !ok {
			return err
		}
	}
	f.mu.Lock()
	if f.stopOnFinding {
		f.stopped, f.inquirer.queue = true, nil
	}
	wanted := f.findings.Wanted(class, "")
	f.mu.Unlock()
	if !wanted {
		return nil
	}
	small, err := f.smaller(ctx, class, rec)
	if err != nil {
		return err
	}
	e := campaign.Example{SQEs: len(rec.c.Program.SQEs())}
	e.Failed, e.Tried = rec.c.Score()
	shown := rec
	if small != nil {
		e.SmallFailed, e.SmallTried = small.c.Score()
		shown = small
	}
	e.SmallSQEs, e.Shape, e.Text = len(shown.c.Program.SQEs()), campaign.Shape(shown.c.Program), shown.c.Text
	f.mu.Lock()
	wanted = f.findings.Wanted(class, e.Shape)
	f.mu.Unlock()
	if !wanted {
		return nil
	}
	if f.inquirer.write != nil {
		if err := f.inquirer.write(class, rec, small, &e); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &rec.c
	x := f.findings.Show(class, c.Verdict.Status, c.Tries[rec.verdict].Why, time.Since(f.started).Seconds(), f.status.Executions, e)
	if f.inquirer.tell != nil {
		f.inquirer.tell(x)
	}
	return nil
}

// smaller returns the smallest program that shows the class, if there is one to
// userspace as well; nil if it is the one that was found. When the time is over it is the best so far.
func (f *fuzzer) smaller(ctx context.Context, class string, rec *record) (*record, error) {
	if f.inquirer.budget < 1 {
		return nil, nil
	}
	best := rec
	better := func(r *record, err error) error {
		if r != nil && err == nil {
			best = r
		}
		return err
	}
	awaited := func() error { // what nothing waits for may be seen or not
		p := fuzz.Await(best.c.Program, f.inquirer.runner.profile, 1, patientWait)
		if p.Text() == best.c.Text {
			return nil
		}
		return better(f.seen(ctx, class, p))
	}
	err := func() error {
		if !rec.visible() {
			if err := awaited(); err != nil {
				return err
			}
		}
		if err := better(f.minimise(ctx, best.class(), best)); err != nil {
			return err
		}
		if !best.visible() {
			if err := better(f.vary(ctx, class, best, rec)); err != nil || !best.visible() {
				return err
			}
			if err := better(f.minimise(ctx, best.class(), best)); err != nil {
				return err
			}
		}
		if best.visible() && len(best.c.Outcome.CQEs) < len(best.c.Program.SQEs()) {
			return awaited()
		}
		return nil
	}()
	if best == rec {
		best = nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return best, err
}

// vary looks for a program that shows the class to userspace among the mutants of one
// that does not, and of the one that was found; nil if none does.
func (f *fuzzer) vary(ctx context.Context, class string, rec, found *record) (*record, error) {
	bound, cancel := context.WithTimeout(ctx, variationTime)
	defer cancel()
	s := seat{runner: &f.inquirer.runner}
	defer s.leave()
	profile := f.inquirer.runner.profile
	m := fuzz.NewMutator(1, fuzz.Options{Profile: profile})
	for n := range variations {
		from := rec
		if n%4 == 3 {
			from = found
		}
		p := fuzz.Await(m.Mutate(from.c.Program, found.c.Program), profile, uint64(n), patientWait)
		if p.Validate() != nil {
			continue
		}
		t, err := f.quickly(bound, &s, class, p)
		if err == nil && t.failed() && t.visible() && (like(t.class(), class) || f.inquirer.accept != nil) {
			var seen *record
			if seen, err = f.seen(bound, class, p); seen != nil && err == nil {
				return seen, nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case bound.Err() != nil:
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
	return nil, nil
}

// seen runs a program alone in fresh guests, and returns what came of it if userspace sees the
// class there, or whatever else the campaign looks for; else nil.
func (f *fuzzer) seen(ctx context.Context, class string, p *cases.Program) (*record, error) {
	rec := new(record)
	if err := f.alone(ctx, rec, p, vm.RunOptions{}); err != nil || !rec.failed() || !rec.visible() {
		return nil, err
	}
	if !like(rec.class(), class) {
		if f.inquirer.accept == nil {
			return nil, nil
		}
		if ok, err := f.inquirer.accept(ctx, rec); err != nil || !ok {
			return nil, err
		}
	}
	return rec, f.confirm(ctx, rec)
}

// like tells that two classes are one, whether or not the program or its rings came to their end.
func like(a, b string) bool {
	rule := func(class string) string {
		for _, s := range []judge.Status{judge.Fail, judge.Hang} {
			if rest, ok := strings.CutPrefix(class, string(s)+" "); ok {
				return rest
			}
		}
		return class
	}
	return rule(a) == rule(b)
}

// visible tells that userspace sees what the record's verdict is about.
func (rec *record) visible() bool {
	return rec.c.Outcome != nil && repro.BugOf(rec.c.Program, &rec.c.Verdict, rec.c.Outcome).Visible()
}

// minimise returns the smallest program that shows the class, run as often
// alone in fresh guests as it takes to say how often; nil if none was found that is smaller.
// What userspace sees stays so.
func (f *fuzzer) minimise(ctx context.Context, class string, rec *record) (*record, error) {
	small, misled, err := f.minimiseIn(ctx, class, rec, false)
	if misled && err == nil {
		small, _, err = f.minimiseIn(ctx, class, rec, true)
	}
	return small, err
}

// minimiseIn minimises in guests that serve one program after the other, or in fresh ones. misled says
// that what was found there took what had run before it in the same guest.
func (f *fuzzer) minimiseIn(ctx context.Context, class string, rec *record, fresh bool) (again *record, misled bool, err error) {
	bound, cancel := context.WithTimeout(ctx, f.inquirer.patience)
	defer cancel()
	s := seat{runner: &f.inquirer.runner}
	defer s.leave()
	m := fuzz.Minimiser{Budget: f.inquirer.budget}
	if failed, tried := rec.c.Score(); failed < tried {
		m.Tries = aloneTries
	}
	visible := rec.visible()
	suits := func(t *record) bool { return t.failed() && t.class() == class && (t.visible() || !visible) }
	m.Shows = func(ctx context.Context, p *cases.Program) (bool, error) {
		if fresh {
			s.leave()
		}
		t, err := f.quickly(ctx, &s, class, p)
		return err == nil && suits(t), err
	}
	small, _, err := m.Run(bound, rec.c.Program)
	if err != nil && (bound.Err() == nil || ctx.Err() != nil) {
		return nil, false, err
	}
	if small.Text() == rec.c.Text {
		return nil, false, nil
	}
	again = new(record)
	for range aloneTries {
		if err := f.alone(ctx, again, small, vm.RunOptions{}); err != nil {
			return nil, false, err
		}
		if again.failed() {
			break
		}
	}
	if !suits(again) {
		return nil, true, nil
	}
	return again, false, f.confirm(ctx, again)
}

// quickly runs a program of a search for the class: in the guest of the one before it if that did no harm.
func (f *fuzzer) quickly(ctx context.Context, s *seat, class string, p *cases.Program) (*record, error) {
	f.mu.Lock()
	f.status.Inquiries++
	f.mu.Unlock()
	o := f.patiently(p, vm.RunOptions{Brief: true, Ends: searchRest})
	p = hasten(p, searchWait)
	o.Deadline = deadlineOf(p, searchRest)
	t, err := s.one(ctx, p, o, 0)
	if err != nil {
		var boot *BootError
		if errors.As(err, &boot) {
			return nil, &vm.InfraError{Op: "minimise a program", Err: err}
		}
		return nil, err
	}
	t.to = new(record)
	s.hold(t)
	if crashes(class) {
		s.part(ctx) // for what the kernel says late
	} else {
		s.settle(ctx)
	}
	return t.to, nil
}

// crashes tells whether a class is of complaints of the kernel.
func crashes(class string) bool {
	return len(class) > 5 && class[:5] == string(judge.Crash)
}

// summary returns the figures and the findings as they stand.
func (f *fuzzer) summary() (campaign.Status, []*campaign.Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.Seconds = time.Since(f.started).Seconds()
	if left := time.Until(f.ends); !f.ends.IsZero() && left > 0 {
		s.Left = left.Seconds()
	}
	var list []*campaign.Finding
	for _, x := range f.findings.All() {
		c := *x
		c.Examples = slices.Clone(x.Examples)
		list = append(list, &c)
		if x.Confirmed {
			s.Found++
		} else {
			s.Unconfirmed++
		}
	}
	return s, list
}

// class is that of the record's verdict, "" where nothing failed.
func (rec *record) class() string { return rec.c.Tries[rec.verdict].Class }
