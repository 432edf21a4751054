// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"slices"
	"sort"
	"strings"
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

		"ring":    {sectionDecl, "ring NAME [entries=N] [cq=N] [flags=A|B] [idle=TIME] [cpu=N] [attach=RING]", (*parser).ring},
		"file":    {sectionDecl, "file NAME size=N [fill=N] [fs=tmpfs|ext4] [direct]", (*parser).resource},
		"pipe":    {sectionDecl, "pipe NAME [nonblock]", (*parser).resource},
		"sockets": {sectionDecl, "sockets NAME [nonblock]", (*parser).resource},
		"eventfd": {sectionDecl, "eventfd NAME [nonblock]", (*parser).resource},
		"epoll":   {sectionDecl, "epoll NAME", (*parser).resource},
		"timerfd": {sectionDecl, "timerfd NAME delay=TIME [nonblock]", (*parser).resource},
		"socket":  {sectionDecl, "socket NAME [nonblock]", (*parser).resource},
		"dir":     {sectionDecl, "dir NAME [fs=tmpfs|ext4]", (*parser).resource},
		"nullb":   {sectionDecl, "nullb NAME [size=N] [fill=N] [direct] [poll] [delay=TIME]", (*parser).resource},
		"child":   {sectionDecl, "child NAME", (*parser).resource},
		"buf":     {sectionDecl, "buf NAME size=N [fill=N]", (*parser).buf},
		"text":    {sectionDecl, "text NAME TEXT", (*parser).structure},
		"iovec":   {sectionDecl, "iovec NAME BUFFER[:BYTES]...", (*parser).structure},
		"msg":     {sectionDecl, "msg NAME [iov=BUFFER] [name=BUFFER] [control=BUFFER]", (*parser).structure},
		"addr":    {sectionDecl, "addr NAME TEXT", (*parser).structure},
		"time":    {sectionDecl, "time NAME TIME", (*parser).structure},
		"event":   {sectionDecl, "event NAME EVENTS [data=N]", (*parser).structure},
		"fds":     {sectionDecl, "fds NAME FD...", (*parser).structure},
		"how":     {sectionDecl, "how NAME [flags=A|B] [mode=N] [resolve=N]", (*parser).structure},
		"waitv":   {sectionDecl, "waitv NAME BUFFER[:VALUE]...", (*parser).structure},

		"submit": {sectionStep, "submit RING [wait=N] [timeout=TIME]", (*parser).ringStep},
		"wait":   {sectionStep, "wait RING [COUNT] [min=TIME] [timeout=TIME]", (*parser).ringStep},
		"cancel": {sectionStep, "cancel RING [TARGET] [fd=FD] [op=OPCODE] [flags=A|B] [timeout=TIME]", (*parser).ringStep},
		"feed":   {sectionStep, "feed FD BYTES [fill=N]", (*parser).fdStep},
		"take":   {sectionStep, "take FD BYTES", (*parser).fdStep},
		"close":  {sectionStep, "close RING or close FD", (*parser).closeStep},
		"exit":   {sectionStep, "exit", (*parser).endStep},
		"kill":   {sectionStep, "kill or kill CHILD", (*parser).endStep},
		"exec":   {sectionStep, "exec", (*parser).endStep},

		"register":    {sectionStep, "register RING WHAT...", (*parser).register},
		"unregister":  {sectionStep, "unregister RING WHAT", (*parser).register},
		"refill":      {sectionStep, "refill RING group=N from=N", (*parser).refill},
		"join":        {sectionStep, "join THREAD", (*parser).join},
		"exit-thread": {sectionStep, "exit-thread", (*parser).endStep},
		"uid":         {sectionStep, "uid N", (*parser).uid},
		"fault":       {sectionStep, "fault slab|page|usercopy nth=N", (*parser).fault},
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
		case !Need(t.text).Valid():
			p.errorAt(t.at, "unknown need %s%s", quote(t.text), suggest(t.text, append(needNames(), needOp+"OPCODE")))
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
		setting{"idle", false, func(v token) { p.duration(v, &r.Idle) }},
		setting{"cpu", false, func(v token) { p.size32(v, &r.CPU) }},
		setting{"attach", false, func(v token) {
			var index int
			if p.lookup(v, inRing, "ring", &index) {
				r.Attach = index + 1
			}
		}},
	)
	p.prog.Rings = append(p.prog.Rings, r)
	p.last = &p.prog.Rings[len(p.prog.Rings)-1].Comment
}

// resourceSettings are the keys and words that each kind of resource takes.
var resourceSettings = [resourceKinds][]string{
	ResFile:       {"size", "fill", "fs", "direct"},
	ResPipe:       {"nonblock"},
	ResSocketPair: {"nonblock"},
	ResEventFD:    {"nonblock"},
	ResTimerFD:    {"delay", "nonblock"},
	ResSocket:     {"nonblock"},
	ResDir:        {"fs"},
	ResNullBlk:    {"size", "fill", "direct", "poll", "delay"},
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
	all := []setting{
		{"size", false, func(v token) { p.size32(v, &r.Size) }},
		{"fill", false, func(v token) { p.fill(v, &r.Fill) }},
		{"fs", false, func(v token) {
			switch v.text {
			case "tmpfs":
				r.FS = TmpFS
			case "ext4":
				r.FS = Ext4
			default:
				p.errorAt(v.at, "fs is %s, want tmpfs or ext4", quote(v.text))
			}
		}},
		{"direct", true, func(token) { r.Direct = true }},
		{"nonblock", true, func(token) { r.NonBlock = true }},
		{"poll", true, func(token) { r.Poll = true }},
		{"delay", false, func(v token) { p.duration(v, &r.Delay) }},
	}
	var allowed []setting
	for _, s := range all {
		if slices.Contains(resourceSettings[r.Kind], s.key) {
			allowed = append(allowed, s)
		}
	}
	p.settings(opts, allowed...)
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

// structure reads a buffer that holds something that requests point to.
func (p *parser) structure(l line) {
	b := Buffer{Kind: 1}
	for b.Kind.String() != l.toks[0].text {
		b.Kind++
	}
	name, words, ok := p.declare(l, inBuffer, len(p.prog.Buffers))
	if !ok {
		return
	}
	b.Name, b.Comment = name, p.takeComment(l)
	if lo := map[BufferKind]int{BufMsg: 0, BufHow: 0}; len(words) == 0 {
		if _, none := lo[b.Kind]; !none {
			p.operands(l, 2, -1)
			return
		}
	}
	var rest []token
	switch b.Kind {
	case BufText, BufAddr:
		b.Text, rest = words[0].text, words[1:]
	case BufIovec, BufWaitv:
		for _, t := range words {
			b.Parts = append(b.Parts, p.part(t))
		}
	case BufTime:
		p.duration(words[0], &b.Time)
		rest = words[1:]
	case BufFDs:
		b.FDs = p.fdList(words)
	case BufMsg:
		p.msg(words, &b)
	case BufEvent:
		var events uint32
		var data uint64
		p.flags(words[0], pollEvents, &events)
		p.settings(words[1:], setting{"data", false, func(v token) { p.offset(v, &data) }})
		b.Words = []uint64{uint64(events), data}
	case BufHow:
		var flags uint32
		b.Words = make([]uint64, len(howKeys))
		p.settings(words,
			setting{howKeys[0], false, func(v token) { p.flags(v, openFlags, &flags); b.Words[0] = uint64(flags) }},
			setting{howKeys[1], false, func(v token) { p.offset(v, &b.Words[1]) }},
			setting{howKeys[2], false, func(v token) { p.offset(v, &b.Words[2]) }})
	}
	if len(rest) > 0 {
		p.usage(l, rest[0].at, "unexpected "+quote(rest[0].text))
	}
	p.prog.Buffers = append(p.prog.Buffers, b)
	p.last = &p.prog.Buffers[len(p.prog.Buffers)-1].Comment
}

// msg reads the parts of a struct msghdr. Those behind the last one that is
// there are left out.
func (p *parser) msg(words []token, b *Buffer) {
	parts := make([]Part, len(msgKeys))
	var allowed []setting
	for i, key := range msgKeys {
		allowed = append(allowed, setting{key, false, func(v token) { parts[i] = p.part(v) }})
	}
	p.settings(words, allowed...)
	for len(parts) > 0 && parts[len(parts)-1] == (Part{}) {
		parts = parts[:len(parts)-1]
	}
	b.Parts = parts
}

// part reads b0, b0+64, b0:32, b0+64:32, or "-" for none.
func (p *parser) part(t token) Part {
	var part Part
	buf, n, hasLen := strings.Cut(t.text, ":")
	if buf != "-" {
		p.buffer(token{buf, t.at}, &part.Buf)
	}
	if hasLen {
		p.size32(token{n, mark{t.at.line, t.at.col + len(buf) + 1}}, &part.Len)
	}
	return part
}

// fdList reads file descriptors, "-" for none.
func (p *parser) fdList(words []token) []FD {
	fds := make([]FD, len(words))
	for i, t := range words {
		if t.text != "-" {
			p.fd(t, &fds[i])
		}
	}
	return fds
}
