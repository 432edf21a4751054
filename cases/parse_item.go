// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"slices"
	"sort"
	"strings"
	"time"
)

type section uint8

const (
	sectionHeader section = iota
	sectionDecl
	sectionStep
)

// directive is what a line that is not indented may start with.
type directive struct {
	section section
	usage   string
	parse   func(*parser, line)
}

var directives map[string]directive

func init() { // not an initialiser: the parse functions use the table
	directives = map[string]directive{
		"name":  {sectionHeader, "name NAME", (*parser).name},
		"rules": {sectionHeader, "rules ID...", (*parser).rules},
		"needs": {sectionHeader, "needs FEATURE...", (*parser).needs},

		"ring":    {sectionDecl, "ring NAME [entries=N] [cq=N] [flags=A|B]", (*parser).ring},
		"file":    {sectionDecl, "file NAME size=N [fill=N] [fs=tmpfs|ext4] [direct]", (*parser).resource},
		"pipe":    {sectionDecl, "pipe NAME [nonblock]", (*parser).resource},
		"sockets": {sectionDecl, "sockets NAME [nonblock]", (*parser).resource},
		"eventfd": {sectionDecl, "eventfd NAME [nonblock]", (*parser).resource},
		"buf":     {sectionDecl, "buf NAME size=N [fill=N]", (*parser).buf},

		"submit": {sectionStep, "submit RING", (*parser).ringStep},
		"wait":   {sectionStep, "wait RING [COUNT] [timeout=TIME]", (*parser).ringStep},
		"cancel": {sectionStep, "cancel RING [TARGET] [fd=FD] [flags=A|B] [timeout=TIME]", (*parser).ringStep},
		"feed":   {sectionStep, "feed FD BYTES [fill=N]", (*parser).fdStep},
		"take":   {sectionStep, "take FD BYTES", (*parser).fdStep},
		"close":  {sectionStep, "close RING or close FD", (*parser).closeStep},
		"exit":   {sectionStep, "exit", (*parser).endStep},
		"kill":   {sectionStep, "kill", (*parser).endStep},
	}
}

func directiveNames() []string {
	names := make([]string, 0, len(directives))
	for n := range directives {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// usage complains about a line that lacks something or has too much.
func (p *parser) usage(l line, at mark, what string) {
	p.errorAt(at, "%s: usage is %q", what, directives[l.toks[0].text].usage)
}

// operands returns the words behind the directive if there are lo to hi of them.
func (p *parser) operands(l line, lo, hi int) ([]token, bool) {
	words := l.toks[1:]
	switch {
	case len(words) < lo:
		t := l.toks[len(l.toks)-1]
		p.usage(l, mark{t.at.line, t.at.col + len(t.text)}, "something is missing")
		return nil, false
	case hi >= 0 && len(words) > hi:
		p.usage(l, words[hi].at, "unexpected "+quote(words[hi].text))
		return nil, false
	}
	return words, true
}

func (p *parser) name(l line) {
	p.about(l)
	at := l.toks[0].at
	if p.named {
		p.errorAt(at, "the program has a name already")
		return
	}
	p.named = true
	p.firstLine = at
	if w, ok := p.operands(l, 1, 1); ok {
		p.prog.Name = w[0].text
		if !validName(p.prog.Name) {
			p.errorAt(w[0].at, "the name %s is not 1 to %d lower case letters, digits and dashes that start with a letter or digit", quote(p.prog.Name), maxName)
		}
	}
}

func (p *parser) rules(l line) {
	p.about(l)
	w, _ := p.operands(l, 1, -1)
	for _, t := range w {
		switch {
		case RuleText(t.text) == "":
			p.errorAt(t.at, "unknown rule %s%s", quote(t.text), suggest(t.text, ruleIDs()))
		case slices.Contains(p.prog.Rules, t.text):
			p.errorAt(t.at, "rule %s is named twice", t.text)
		default:
			p.prog.Rules = append(p.prog.Rules, t.text)
		}
	}
}

func (p *parser) needs(l line) {
	p.about(l)
	w, _ := p.operands(l, 1, -1)
	for _, t := range w {
		switch {
		case !slices.Contains(needNames(), t.text):
			p.errorAt(t.at, "unknown need %s%s", quote(t.text), suggest(t.text, needNames()))
		case slices.Contains(p.prog.Needs, Need(t.text)):
			p.errorAt(t.at, "need %s is named twice", t.text)
		default:
			p.prog.Needs = append(p.prog.Needs, Need(t.text))
		}
	}
}

// declare takes the name of a new item. It returns the options behind it.
func (p *parser) declare(l line, kind placeKind, index int) (name string, options []token, ok bool) {
	p.declared = true
	w, ok := p.operands(l, 1, -1)
	if !ok {
		return "", nil, false
	}
	t := w[0]
	if !validIdent(t.text) {
		p.errorAt(t.at, "the name %s is not 1 to %d lower case letters, digits, dashes and underscores that start with a letter", quote(t.text), maxIdent)
		return "", nil, false
	}
	if _, dup := p.names[t.text]; dup {
		p.errorAt(t.at, "the name %s is taken already", t.text)
		return "", nil, false
	}
	p.names[t.text] = decl{kind, index}
	p.marks[place{kind, index, 0}] = l.toks[0].at
	return t.text, w[1:], true
}

// setting is one key=value, or one word, that a line may have.
type setting struct {
	key  string
	word bool // stands without a value
	set  func(value token)
}

// settings reads options of a line in any order, each at most once.
func (p *parser) settings(opts []token, allowed ...setting) {
	seen := map[string]bool{}
next:
	for _, t := range opts {
		key, value, isPair := t.key()
		if !isPair {
			key = t.text
		}
		var known []string
		for _, s := range allowed {
			label := s.key
			if !s.word {
				label += "="
			}
			known = append(known, label)
			if s.key != key {
				continue
			}
			switch {
			case s.word && isPair:
				p.errorAt(t.at, "%s takes no value", key)
			case !s.word && !isPair:
				p.errorAt(t.at, "%s needs a value: %s=...", key, key)
			case seen[key]:
				p.errorAt(t.at, "%s is given twice", key)
			default:
				seen[key] = true
				s.set(value)
			}
			continue next
		}
		if isPair {
			key += "="
		}
		p.errorAt(t.at, "unexpected %s%s", quote(t.text), suggest(key, known))
	}
}

func (p *parser) ring(l line) {
	r := Ring{Entries: 8}
	name, opts, ok := p.declare(l, inRing, len(p.prog.Rings))
	if !ok {
		return
	}
	r.Name, r.Comment = name, p.takeComment(l)
	p.settings(opts,
		setting{"entries", false, func(v token) { p.size32(v, &r.Entries) }},
		setting{"cq", false, func(v token) { p.size32(v, &r.CQEntries) }},
		setting{"flags", false, func(v token) { p.flags(v, setupFlags, (*uint32)(&r.Flags)) }},
	)
	p.prog.Rings = append(p.prog.Rings, r)
	p.last = &p.prog.Rings[len(p.prog.Rings)-1].Comment
}

func (p *parser) resource(l line) {
	var r Resource
	for r.Kind = 0; r.Kind.String() != l.toks[0].text; r.Kind++ {
	}
	name, opts, ok := p.declare(l, inResource, len(p.prog.Resources))
	if !ok {
		return
	}
	r.Name, r.Comment = name, p.takeComment(l)
	if r.Kind == ResFile {
		p.settings(opts,
			setting{"size", false, func(v token) { p.size32(v, &r.Size) }},
			setting{"fill", false, func(v token) { p.fill(v, &r.Fill) }},
			setting{"fs", false, func(v token) {
				switch v.text {
				case "tmpfs":
					r.FS = TmpFS
				case "ext4":
					r.FS = Ext4
				default:
					p.errorAt(v.at, "fs is %s, want tmpfs or ext4", quote(v.text))
				}
			}},
			setting{"direct", true, func(token) { r.Direct = true }},
		)
	} else {
		p.settings(opts, setting{"nonblock", true, func(token) { r.NonBlock = true }})
	}
	p.prog.Resources = append(p.prog.Resources, r)
	p.last = &p.prog.Resources[len(p.prog.Resources)-1].Comment
}

func (p *parser) buf(l line) {
	name, opts, ok := p.declare(l, inBuffer, len(p.prog.Buffers))
	if !ok {
		return
	}
	b := Buffer{Name: name, Comment: p.takeComment(l)}
	p.settings(opts,
		setting{"size", false, func(v token) { p.size32(v, &b.Size) }},
		setting{"fill", false, func(v token) { p.fill(v, &b.Fill) }},
	)
	p.prog.Buffers = append(p.prog.Buffers, b)
	p.last = &p.prog.Buffers[len(p.prog.Buffers)-1].Comment
}

// addStep appends a step; the parser goes on with it in place.
func (p *parser) addStep(l line, kind StepKind) *Step {
	n := len(p.prog.Steps)
	if n >= MaxSteps {
		p.errorAt(l.toks[0].at, "more than %d steps", MaxSteps)
		p.stop = true
	}
	p.marks[place{inStep, n, 0}] = l.toks[0].at
	p.prog.Steps = append(p.prog.Steps, Step{Kind: kind, Comment: p.takeComment(l)})
	s := &p.prog.Steps[n]
	p.last = &s.Comment
	return s
}

func (p *parser) ringStep(l line) {
	kind := map[string]StepKind{"submit": StepSubmit, "wait": StepWait, "cancel": StepCancel}[l.toks[0].text]
	s := p.addStep(l, kind)
	if kind == StepSubmit {
		p.submit = len(p.prog.Steps) - 1 // even if the line is wrong: SQEs follow
	}
	hi := -1
	if kind == StepSubmit {
		hi = 1
	}
	w, ok := p.operands(l, 1, hi)
	if !ok {
		return
	}
	if p.lookup(w[0], inRing, "ring", &s.Ring); kind == StepSubmit {
		return
	}
	opts := w[1:]
	if len(opts) > 0 && !strings.Contains(opts[0].text, "=") {
		if kind == StepWait {
			n := p.count(opts[0])
			if n == 0 {
				p.errorAt(opts[0].at, "a wait for everything names no count")
			}
			s.N = n
		} else {
			p.target(opts[0], len(p.prog.Steps)-1, -1)
		}
		opts = opts[1:]
	}
	timeout := setting{"timeout", false, func(v token) { p.duration(v, &s.Timeout) }}
	if kind == StepWait {
		p.settings(opts, timeout)
		return
	}
	p.settings(opts, timeout,
		setting{"fd", false, func(v token) { p.fd(v, &s.FD) }},
		setting{"flags", false, func(v token) { p.flags(v, cancelFlags, &s.CancelFlags) }})
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
	kind := StepExit
	if l.toks[0].text == "kill" {
		kind = StepKill
	}
	p.addStep(l, kind)
	p.operands(l, 0, 0)
}

func (p *parser) duration(v token, d *time.Duration) {
	n, err := time.ParseDuration(v.text)
	if err != nil || n <= 0 {
		p.errorAt(v.at, "%s is not a time such as 100ms or 1.5s", quote(v.text))
		return
	}
	*d = n
}
