// SPDX-License-Identifier: Apache-2.0

package answers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/cases/uring"
)

// race is what one KCSAN report says.
type race struct {
	title   string
	program string
	leader  int // offset into the struct io_kiocb of a group's leader, none if elsewhere
}

// reqFlagsOff and reqFlagsSize place io_kiocb.flags in 6.12: behind the file
// or command (64 bytes), opcode, iopoll_completed, buf_index and nr_tw.
const (
	reqFlagsOff  = 72
	reqFlagsSize = 8
	// reqSize is more than any configuration's struct io_kiocb, and less than two.
	reqSize = 256
)

// reqFInflight is REQ_F_INFLIGHT of 6.12, enum io_req_flags.
const reqFInflight = 1 << 9

// c1 looks for KCSAN's reports in the consoles.
func (s *survey) c1(a *Answer) {
	var races []race
	var sides, inflight, onLeader count
	for _, st := range s.seen {
		races = append(races, st.races()...)
	}
	groups := 0
	s.teams(func(t team) {
		groups++
		a.Programs = append(a.Programs, t.name)
		if t.manyThreads() {
			sides.add(t.name)
		}
		if t.tracksInflight() {
			inflight.add(t.name)
		}
		if t.inflightForMember() {
			onLeader.add(t.name)
		}
	})
	a.figure("groups", float64(groups))
	a.figure("groups handled by two threads or more", float64(sides.n))
	a.figure("groups with in-flight tracking", float64(inflight.n))
	a.figure("leaders marked as in flight for a member", float64(onLeader.n))
	events := fmt.Sprintf("By the events two threads or more handled %s; in-flight tracking was on in %d, and marked the leader for a member in %d",
		plural(sides.n, "group", "groups"), inflight.n, onLeader.n)
	if !strings.Contains(s.Flavour, "kcsan") {
		a.say(Open, "not answered", "Only KCSAN sees it, and flavour %s is without: run --flavour kcsan. %s.", s.Flavour, events)
		return
	}
	var onFlags, onOther, elsewhere count
	for _, r := range races {
		c := &elsewhere
		switch {
		case r.leader >= reqFlagsOff && r.leader < reqFlagsOff+reqFlagsSize:
			c = &onFlags
		case r.leader != none:
			c = &onOther
		}
		c.add(r.program)
		a.Offenders = append(a.Offenders, r.program)
	}
	a.figure("KCSAN reports", float64(len(races)))
	a.figure("KCSAN reports on a leader's flags", float64(onFlags.n))
	a.figure("KCSAN reports on other members of a leader", float64(onOther.n))
	a.figure("KCSAN reports elsewhere", float64(elsewhere.n))
	if len(races) > 0 {
		t := Table{Title: "KCSAN's reports", Columns: []string{"program", "report", "where"}}
		for _, r := range races {
			t.Rows = append(t.Rows, []string{r.program, r.title, r.where()})
		}
		a.Tables = append(a.Tables, t)
	}
	switch {
	case onFlags.n > 0:
		a.say(Bad, "yes", "KCSAN reports %s on the flags of a leader%s.", plural(onFlags.n, "race", "races"), onFlags.where())
	case onOther.n+elsewhere.n > 0:
		a.say(Bad, "no, but", "KCSAN reports no race on the flags of a leader; %s elsewhere%s. %s.",
			plural(onOther.n+elsewhere.n, "race", "races"), elsewhere.where(), events)
	case sides.n == 0:
		a.say(Open, "cannot say", "KCSAN reports nothing, but no group of the run was handled by two threads.")
	default:
		a.say(Good, "not seen", "KCSAN reports no race in %s. %s.", plural(groups, "group", "groups"), events)
	}
}

func (r *race) where() string {
	switch {
	case r.leader == none:
		return "not a leader's memory"
	case r.leader >= reqFlagsOff && r.leader < reqFlagsOff+reqFlagsSize:
		return "a leader's flags"
	}
	return fmt.Sprintf("byte %d of a leader", r.leader)
}

// races reads KCSAN's reports from the console: a title, and the address of
// each access, which it prints as it is.
func (st *sight) races() []race {
	const title = "BUG: KCSAN: "
	var all []race
	for _, line := range st.out.Console {
		if at := strings.Index(line, title); at >= 0 {
			all = append(all, race{title: strings.TrimSpace(line[at+len(title):]), program: st.name, leader: none})
			continue
		}
		if len(all) == 0 || all[len(all)-1].leader != none {
			continue
		}
		if at := strings.Index(line, " to 0x"); at >= 0 && strings.Contains(line, " bytes by ") {
			var addr uint64
			if _, err := fmt.Sscanf(line[at+len(" to "):], "0x%x", &addr); err == nil {
				all[len(all)-1].leader = st.offsetInLeader(addr)
			}
		}
	}
	return all
}

func (st *sight) offsetInLeader(addr uint64) int {
	for k := range st.out.Events {
		if l := st.out.Events[k].Leader; l != 0 && addr >= l && addr < l+reqSize {
			return int(addr - l)
		}
	}
	return none
}

// manyThreads tells that two threads or more, workers and the task, issued the
// group's requests or handed them to io-wq.
func (t *team) manyThreads() bool {
	var first uint32
	for _, i := range t.Requests() {
		tr := &t.tracks[i]
		for _, k := range slices.Concat(tr.issues, tr.punted) {
			switch tid := t.out.Events[k].TID; {
			case first == 0:
				first = tid
			case tid != first:
				return true
			}
		}
	}
	return false
}

// tracksInflight tells that a request of the group had REQ_F_INFLIGHT.
func (t *team) tracksInflight() bool {
	return slices.ContainsFunc(t.Requests(), func(i int) bool { return t.tracks[i].inflight })
}

// inflightForMember tells that the leader was marked, though the file that it works on is no ring.
func (t *team) inflightForMember() bool {
	return t.leader().inflight && t.sqe(t.Leader).FD.Ring == 0
}

// c2 compares the ways of members with those of plain requests that do the same.
func (s *survey) c2(a *Answer) {
	if !s.have["issue"] {
		a.unseen("this kernel build offers no probe for issue events")
		return
	}
	// A plain request does the same if it has the same opcode, asks for io-wq
	// likewise, and its ring runs task work likewise.
	plain := map[way]*means{}
	for _, st := range s.seen {
		if !st.whole {
			continue
		}
		for i := range st.tracks {
			r := &st.exp.Requests[i]
			if t := &st.tracks[i]; r.Group < 0 && r.Chain < 0 && t.ran() && !st.drains(i) {
				k := st.wayOf(i)
				if plain[k] == nil {
					plain[k] = new(means)
				}
				plain[k].add(t)
			}
		}
	}
	var members, asked, again, extra count
	var like, own means          // of plain requests, and of members
	var likeLeader, ofLead means // likewise for the leaders
	lone := 0
	s.teams(func(t team) {
		if !t.whole || !t.leader().worked || !t.healthy() || t.drains(t.Leader) {
			return
		}
		a.Programs = append(a.Programs, t.name)
		if p := plain[t.wayOf(t.Leader)]; p != nil && t.Chain < 0 {
			ofLead.add(t.leader())
			likeLeader.addMean(p)
		}
		for _, m := range t.Members {
			tr := &t.tracks[m]
			if !tr.ran() {
				continue
			}
			if t.exp.Path(m) == model.PathIOWQ {
				asked.add(t.name)
				continue
			}
			members.add(t.name)
			if tr.again {
				again.add(t.name)
			}
			if p := plain[t.wayOf(m)]; p != nil {
				own.add(tr)
				like.addMean(p)
			} else {
				lone++
			}
			if tr.worked && !tr.again {
				extra.add(t.name)
			}
		}
	})
	if members.n == 0 {
		a.unseen("no group of the run had a leader in io-wq and a member that did not ask for it")
		return
	}
	task := members.n - extra.n
	a.figure("members of io-wq leaders", float64(members.n))
	a.figure("members that asked for io-wq", float64(asked.n))
	a.figure("members issued by the submitting task", float64(task))
	a.figure("of these sent to io-wq by their own -EAGAIN", float64(again.n))
	a.figure("members issued in io-wq, unasked", float64(extra.n))
	text := of(task, members.n, "members of io-wq leaders were issued by the submitting task")
	if again.n > 0 {
		text += fmt.Sprintf(" (%d of them went to io-wq by their own -EAGAIN)", again.n)
	}
	if own.n > 0 {
		a.figure("members with a plain request to compare", float64(own.n))
		a.figure("io-wq hops per member", own.perPunt())
		a.figure("io-wq hops per plain request", like.perPunt())
		a.figure("task-work hops per member", own.perHop())
		a.figure("task-work hops per plain request", like.perHop())
		text += fmt.Sprintf("; io-wq hops per member %.1f (plain request: %.1f), task-work hops per member %.1f (plain request: %.1f)",
			own.perPunt(), like.perPunt(), own.perHop(), like.perHop())
	} else {
		text += "; no plain request of the run did the same, so hops are not compared"
	}
	a.figure("members without a plain request to compare", float64(lone))
	if ofLead.n > 0 {
		a.figure("unlinked leaders with a plain request to compare", float64(ofLead.n))
		a.figure("task-work hops per leader", ofLead.perHop())
		a.figure("task-work hops per plain request in io-wq", likeLeader.perHop())
		text += fmt.Sprintf("; per leader %.1f (plain request in io-wq: %.1f)", ofLead.perHop(), likeLeader.perHop())
	}
	a.Tables = append(a.Tables, s.hopTable())
	switch {
	case extra.n > 0:
		a.Offenders = extra.names
		a.say(Bad, "yes", "%s went through io-wq though nobody asked for it%s. %s.",
			of(extra.n, members.n, "members of io-wq leaders"), extra.where(), text)
	case own.n > 0 && own.perHop() > like.perHop()+slack, ofLead.perHop() > likeLeader.perHop()+slack:
		a.say(Note, "not through io-wq, but by more task work", "%s.", text)
	default:
		a.say(Good, "no", "%s.", text)
	}
}

// slack is what the mean of hops may differ by: how often a wakeup comes
// before a request is armed is chance.
const slack = 0.25

// way is what must be alike for two requests' hops to be compared.
type way struct {
	op    uring.Op
	async bool
	ring  uring.SetupFlags
	poll  bool // it had to wait for its file
	again bool // or would have blocked
}

const hopSetup = uring.SetupDeferTaskrun | uring.SetupSQPoll | uring.SetupIOPoll | uring.SetupCoopTaskrun

func (st *sight) wayOf(i int) way {
	r := &st.exp.Requests[i]
	return way{r.SQE.Op, r.SQE.Flags&uring.Async != 0, st.program.Rings[r.Ring].Flags & hopSetup, st.tracks[i].armed, st.tracks[i].again}
}

// drains tells that a request of the ring up to i drains: those that come
// later are sent through io-wq by that alone.
func (st *sight) drains(i int) bool {
	for j := range st.exp.Requests[:i+1] {
		if o := &st.exp.Requests[j]; o.Ring == st.exp.Requests[i].Ring && o.SQE.Flags&uring.IODrain != 0 {
			return true
		}
	}
	return false
}

// means adds up hops.
type means struct {
	n           int
	punts, hops float64
}

func (m *means) add(t *track) {
	m.n++
	m.punts += float64(t.punts)
	m.hops += float64(t.hops)
}

// addMean adds one request that is the mean of others.
func (m *means) addMean(o *means) {
	m.n++
	m.punts += o.perPunt()
	m.hops += o.perHop()
}

func (m *means) perPunt() float64 { return m.punts / float64(max(m.n, 1)) }
func (m *means) perHop() float64  { return m.hops / float64(max(m.n, 1)) }

// hopTable counts hops by a request's part and by whether it asked for io-wq.
func (s *survey) hopTable() Table {
	rows := []string{"plain request", "plain request with ASYNC", "leader", "leader with ASYNC", "member of a leader in the task",
		"member of a leader in io-wq", "member with ASYNC"}
	sum := make([]means, len(rows))
	for _, st := range s.seen {
		if !st.whole {
			continue
		}
		for i := range st.tracks {
			r, t := &st.exp.Requests[i], &st.tracks[i]
			if !t.ran() || r.Chain >= 0 || st.drains(i) {
				continue
			}
			async := 0
			if r.SQE.Flags&uring.Async != 0 {
				async = 1
			}
			switch {
			case r.Group < 0:
				sum[async].add(t)
			case st.structure.Groups[r.Group].Leader == i:
				sum[2+async].add(t)
			case async == 1:
				sum[6].add(t)
			case st.tracks[st.structure.Groups[r.Group].Leader].worked:
				sum[5].add(t)
			default:
				sum[4].add(t)
			}
		}
	}
	t := Table{Title: "Hops per request, unlinked and undrained ones of the whole run", Columns: []string{"request", "n", "io-wq hops", "task-work hops"}}
	for i, name := range rows {
		if sum[i].n > 0 {
			t.Rows = append(t.Rows, []string{name, fmt.Sprint(sum[i].n), fmt.Sprintf("%.2f", sum[i].perPunt()), fmt.Sprintf("%.2f", sum[i].perHop())})
		}
	}
	return t
}

// c4 looks at groups whose last reference was dropped by what ran in io-wq.
func (s *survey) c4(a *Answer) {
	var dropped, twice, missing, held, early count
	s.teams(func(t team) {
		if !t.whole {
			return
		}
		last := t.last()
		if last == none || !t.tracks[last].byWorker {
			return
		}
		dropped.add(t.name)
		l := t.leader()
		skips := t.sqe(t.Leader).Flags&uring.CQESkipSuccess != 0
		switch {
		case len(l.cqes) > 1:
			twice.add(t.name)
		case len(l.cqes) == 0 && !skips && !t.cut:
			missing.add(t.name)
		}
		for _, n := range t.behind() {
			first := t.tracks[n].first
			if first == none || l.over() == none {
				continue
			}
			if first > l.over() {
				held.add(t.name)
			} else {
				early.add(t.name)
			}
		}
	})
	a.Programs = dropped.names
	if dropped.n == 0 {
		a.unseen("no group of the run had its last request end in io-wq")
		return
	}
	wrong := slices.Concat(twice.names, missing.names, early.names)
	a.Offenders = wrong
	a.figure("groups whose last request ended in io-wq", float64(dropped.n))
	a.figure("leader's CQE posted twice", float64(twice.n))
	a.figure("leader's CQE missing", float64(missing.n))
	a.figure("requests linked behind, issued after the leader's CQE", float64(held.n))
	a.figure("requests linked behind, issued before it", float64(early.n))
	next := "no request was linked behind them"
	if n := held.n + early.n; n > 0 {
		next = "of the requests linked behind " + of(held.n, n, "were issued after it")
	}
	text := fmt.Sprintf("%s whose last request ended in io-wq posted the leader's CQE exactly once; %s",
		of(dropped.n-twice.n-missing.n, dropped.n, "groups"), next)
	if len(wrong) > 0 {
		a.say(Bad, "no", "%s.", text)
		return
	}
	a.say(Good, "yes", "%s.", text)
}

// last is the request of the group whose work was over last, none if that is not known.
func (t *team) last() int {
	last := none
	for _, i := range t.Requests() {
		if t.tracks[i].done == none {
			return none
		}
		if last == none || t.tracks[i].done > t.tracks[last].done {
			last = i
		}
	}
	return last
}

// hangsBack tells that the request's handler queued it elsewhere.
func (st *sight) hangsBack(i int) bool {
	t := &st.tracks[i]
	return t.armed || t.punts > 0 || t.ran() && waits(uring.Op(st.sqe(i).Op))
}

// c5 looks at groups in which a handler queued its request elsewhere.
func (s *survey) c5(a *Answer) {
	var polls, timers, workers, once, twice, never count
	s.teams(func(t team) {
		if !t.whole || !t.healthy() || t.cut {
			return
		}
		back := false
		for _, i := range t.Requests() {
			back = back || t.hangsBack(i)
		}
		if !back {
			return
		}
		a.Programs = append(a.Programs, t.name)
		switch l := t.leader(); {
		case l.armed:
			polls.add(t.name)
		case l.punts > 0:
			workers.add(t.name)
		case t.hangsBack(t.Leader):
			timers.add(t.name)
		}
		for _, m := range t.Members {
			switch tr := &t.tracks[m]; {
			case tr.requeued || len(tr.cqes) > 1:
				twice.add(t.name)
			case tr.first == none:
				never.add(t.name)
			default:
				once.add(t.name)
			}
		}
	})
	n := once.n + twice.n + never.n
	if n == 0 {
		a.unseen("no handler in a group of the run queued its request elsewhere")
		return
	}
	a.Offenders = slices.Concat(twice.names, never.names)
	a.figure("members of such groups", float64(n))
	a.figure("queued exactly once", float64(once.n))
	a.figure("queued twice", float64(twice.n))
	a.figure("never queued", float64(never.n))
	a.figure("leaders that armed a poll", float64(polls.n))
	a.figure("leaders that wait for a timer, futex or event", float64(timers.n))
	a.figure("leaders that went to io-wq", float64(workers.n))
	text := fmt.Sprintf("%s in groups whose handlers queue elsewhere (leaders: %d polls armed, %d waits, %d io-wq) were queued exactly once",
		of(once.n, n, "members"), polls.n, timers.n, workers.n)
	if twice.n+never.n > 0 {
		a.say(Bad, "yes", "%s; %d twice%s, %d never%s.", text, twice.n, twice.where(), never.n, never.where())
		return
	}
	a.say(Good, "neither", "%s.", text)
}
