// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"slices"
	"strings"
	"time"

	"github.com/ringproof/ringproof/cases/uring"
)

// addStep appends a step; the parser goes on with it in place.
func (p *parser) addStep(l line, kind StepKind) *Step {
	n := len(p.prog.Steps)
	if n >= MaxSteps {
		p.errorAt(l.toks[0].at, "more than %d steps", MaxSteps)
		p.stop = true
	}
	p.marks[place{inStep, n, 0}] = l.toks[0].at
	p.prog.Steps = append(p.prog.Steps, Step{Kind: kind, Comment: p.takeComment(l), Thread: l.thread, Background: l.background})
	s := &p.prog.Steps[n]
	p.last = &s.Comment
	return s
}

func (p *parser) ringStep(l line) {
	kind := map[string]StepKind{"submit": StepSubmit, "wait": StepWait, "cancel": StepCancel}[l.toks[0].text]
	s := p.addStep(l, kind)
	step := len(p.prog.Steps) - 1
	if kind == StepSubmit {
		p.submit = step // even if the line is wrong: SQEs follow
	}
	w, ok := p.operands(l, 1, -1)
	if !ok {
		return
	}
	p.lookup(w[0], inRing, "ring", &s.Ring)
	opts := w[1:]
	if len(opts) > 0 && kind != StepSubmit && !strings.Contains(opts[0].text, "=") {
		if kind == StepWait {
			n := p.count(opts[0])
			if n == 0 {
				p.errorAt(opts[0].at, "a wait for everything names no count")
			}
			s.N = n
		} else {
			p.target(opts[0], step, -1)
		}
		opts = opts[1:]
	}
	allowed := []setting{{"timeout", false, func(v token) { p.duration(v, &s.Timeout) }}}
	switch kind {
	case StepSubmit:
		allowed = append(allowed, setting{"wait", false, func(v token) { s.N = p.count(v) }})
	case StepWait:
		allowed = append(allowed, setting{"min", false, func(v token) { p.duration(v, &s.MinWait) }})
	case StepCancel:
		allowed = append(allowed,
			setting{"fd", false, func(v token) { p.fd(v, &s.FD) }},
			setting{"op", false, func(v token) { p.opcode(v, &s.CancelOp) }},
			setting{"flags", false, func(v token) { p.flags(v, cancelFlags, &s.CancelFlags) }})
	}
	p.settings(opts, allowed...)
}

// opcode reads the value of op=, a name or a number.
func (p *parser) opcode(v token, op *uring.Op) {
	if v.text != "" && v.text[0] >= '0' && v.text[0] <= '9' {
		*op = uring.Op(p.number(v, 255))
		return
	}
	o, err := parseOp(v)
	if err != nil {
		p.errorAt(v.at, "%s", err)
		return
	}
	*op = o
}

func (p *parser) fdStep(l line) {
	kind := StepFeed
	if l.toks[0].text == "take" {
		kind = StepTake
	}
	s := p.addStep(l, kind)
	w, ok := p.operands(l, 2, -1)
	if !ok {
		return
	}
	p.fd(w[0], &s.FD)
	s.N = p.count(w[1])
	if kind == StepFeed {
		p.settings(w[2:], setting{"fill", false, func(v token) { p.fill(v, &s.Fill) }})
	} else if len(w) > 2 {
		p.usage(l, w[2].at, "unexpected "+quote(w[2].text))
	}
}

func (p *parser) closeStep(l line) {
	s := p.addStep(l, StepCloseFD)
	w, ok := p.operands(l, 1, 1)
	if !ok {
		return
	}
	if n, ok := p.names[w[0].text]; ok && n.kind == inRing {
		s.Kind, s.Ring = StepCloseRing, n.index
		return
	}
	p.fd(w[0], &s.FD)
}

func (p *parser) endStep(l line) {
	kind := map[string]StepKind{"exit": StepExit, "kill": StepKill, "exec": StepExec, "exit-thread": StepExitThread}[l.toks[0].text]
	s := p.addStep(l, kind)
	hi := 0
	if kind == StepKill {
		hi = 1
	}
	if w, ok := p.operands(l, 0, hi); ok && len(w) == 1 {
		p.fd(w[0], &s.FD)
	}
}

func (p *parser) join(l line) {
	s := p.addStep(l, StepJoin)
	if w, ok := p.operands(l, 1, 1); ok {
		s.Join = w[0].text
	}
}

func (p *parser) uid(l line) {
	s := p.addStep(l, StepUID)
	if w, ok := p.operands(l, 1, 1); ok {
		s.N = p.count(w[0])
	}
}

func (p *parser) fault(l line) {
	s := p.addStep(l, StepFault)
	w, ok := p.operands(l, 2, -1)
	if !ok {
		return
	}
	var kinds []string
	for k := FaultSlab; k < faultKinds; k++ {
		if kinds = append(kinds, k.String()); k.String() == w[0].text {
			s.Fault = k
		}
	}
	if s.Fault == FaultNone {
		p.errorAt(w[0].at, "unknown fault %s%s", quote(w[0].text), suggest(w[0].text, kinds))
	}
	p.settings(w[1:], setting{"nth", false, func(v token) { s.N = p.count(v) }})
}

func (p *parser) refill(l line) {
	s := p.addStep(l, StepRefill)
	s.Reg = &Registration{}
	w, ok := p.operands(l, 1, -1)
	if !ok {
		return
	}
	p.lookup(w[0], inRing, "ring", &s.Ring)
	p.settings(w[1:], p.registrationSettings(s.Reg, []string{"group", "from"})...)
}

func (p *parser) register(l line) {
	unregister := l.toks[0].text == "unregister"
	s := p.addStep(l, StepRegister)
	s.Reg = &Registration{}
	w, ok := p.operands(l, 2, -1)
	if !ok {
		return
	}
	p.lookup(w[0], inRing, "ring", &s.Ring)
	form, words := rawRegistration(0), w[1:]
	if _, _, isPair := w[1].key(); !isPair || unregister {
		if form, ok = p.registrationForm(w[1], unregister); !ok {
			return
		}
		s.Reg.Op, words = form.op, w[2:]
	}
	var list, opts []token
	for _, t := range words {
		if _, _, isPair := t.key(); isPair {
			opts = append(opts, t)
		} else {
			list = append(list, t)
		}
	}
	p.settings(opts, p.registrationSettings(s.Reg, form.keys)...)
	what := form.word
	if what == "" {
		what = "op=N"
		if !slices.ContainsFunc(opts, func(t token) bool { return strings.HasPrefix(t.text, "op=") }) {
			p.errorAt(w[1].at, "what to register comes behind the ring, such as files or op=N")
		} else if known := formOfRegistration(s.Reg.Op); known.word != "" {
			p.errorAt(w[1].at, "operation %d has a name: %s", s.Reg.Op, known.usage())
		}
	}
	switch {
	case len(list) < form.lo:
		p.errorAt(w[len(w)-1].at, "%s: usage is %q", what, form.usage())
		return
	case len(list) > form.hi && form.list == listNone:
		p.errorAt(list[0].at, "unexpected %s: %s lists nothing", quote(list[0].text), what)
		return
	case len(list) > form.hi:
		p.errorAt(list[form.hi].at, "unexpected %s: %s lists at most %d", quote(list[form.hi].text), what, form.hi)
		return
	}
	p.registrationList(form, list, s.Reg)
}

func (p *parser) registrationList(form registrationForm, list []token, r *Registration) {
	switch form.list {
	case listFDs:
		r.FDs = p.fdList(list)
	case listParts:
		for _, t := range list {
			r.Bufs = append(r.Bufs, p.part(t))
		}
	case listCounts:
		for i, t := range list {
			p.size32(t, &r.Counts[i])
		}
	case listRing:
		var index int
		if p.lookup(list[0], inRing, "ring", &index) {
			r.Source = index + 1
		}
	}
}

// registrationForm finds what is registered by its word.
func (p *parser) registrationForm(t token, unregister bool) (registrationForm, bool) {
	var words []string
	for _, f := range registrationForms {
		if f.unregister != unregister {
			continue
		}
		if f.word == t.text {
			return f, true
		}
		words = append(words, f.word)
	}
	p.errorAt(t.at, "%s is nothing to register or unregister here%s", quote(t.text), suggest(t.text, words))
	return registrationForm{}, false
}

// usage is an example of a registration's line.
func (f registrationForm) usage() string {
	verb := "register"
	if f.unregister {
		verb = "unregister"
	}
	s := verb + " RING"
	if f.word != "" {
		s += " " + f.word
	}
	s += map[regList]string{listFDs: " FD...", listParts: " BUFFER[:BYTES]...", listCounts: " N...", listRing: " RING"}[f.list]
	for _, key := range f.keys {
		s += " " + key + "=N"
	}
	return s
}

func (p *parser) registrationSettings(r *Registration, keys []string) []setting {
	all := []setting{
		{"op", false, func(v token) { p.size32(v, (*uint32)(&r.Op)) }},
		{"group", false, func(v token) { p.size16(v, &r.Group) }},
		{"entries", false, func(v token) { p.size32(v, &r.Entries) }},
		{"size", false, func(v token) { p.size32(v, &r.Size) }},
		{"from", false, func(v token) { p.size32(v, &r.From) }},
		{"flags", false, func(v token) { p.flags(v, pbufFlags, &r.Flags) }},
	}
	return slices.DeleteFunc(all, func(s setting) bool { return !slices.Contains(keys, s.key) })
}

func (p *parser) duration(v token, d *time.Duration) {
	n, err := time.ParseDuration(v.text)
	if err != nil || n <= 0 {
		p.errorAt(v.at, "%s is not a time such as 100ms or 1.5s", quote(v.text))
		return
	}
	*d = n
}
