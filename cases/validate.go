// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ringproof/ringproof/cases/uring"
)

// Bounds of a Program. They keep a hostile one small enough for a guest, and
// its Outcome small enough for one frame of the channel.
const (
	MaxText      = 1 << 20 // bytes of the text form
	MaxRings     = 16
	MaxResources = 64
	MaxBuffers   = 64
	MaxSteps     = 4096
	MaxSQEs      = 4096           // of the whole program
	MaxEntries   = 4096           // of one submission queue
	MaxCQEntries = 1 << 16        // IORING_MAX_CQ_ENTRIES
	MaxData      = 4 << 20        // bytes of all files and buffers together
	MaxWait      = time.Minute    // Timeout of a Wait or a Cancel
	MaxTimeout   = 24 * time.Hour // Timeout of an SQE
	maxName      = 64             // bytes of a program's name
	MaxIdle      = time.Minute    // of a ring's SQPOLL thread
	maxDelay     = 10 * time.Second
	maxIdent     = 32       // bytes of a ring's, resource's, buffer's name, or of a label
	maxNote      = 16 << 10 // bytes of About, or of one Comment

	maxCPU = 63
)

// place locates a complaint: the program itself (the zero value) or one of its items.
type place struct {
	kind placeKind
	i, j int
}

type placeKind uint8

const (
	inProgram placeKind = iota
	inRing
	inResource
	inBuffer
	inStep
	inSQE // i is the step, j the position
)

// Validate checks everything that must hold before a Program can be run or
// printed without loss: names, references, sizes, and that no field is set
// which its item does not use. The error joins one per problem, each naming the place.
func (p *Program) Validate() error {
	var errs []error
	for _, c := range p.check() {
		where := p.describe(c.at)
		if where != "" {
			where += ": "
		}
		errs = append(errs, fmt.Errorf("program %q: %s%s", p.Name, where, c.msg))
	}
	return errors.Join(errs...)
}

func (p *Program) describe(at place) string {
	switch at.kind {
	case inRing:
		return "ring " + p.Rings[at.i].Name
	case inResource:
		return p.Resources[at.i].Kind.String() + " " + p.Resources[at.i].Name
	case inBuffer:
		return "buffer " + p.Buffers[at.i].Name
	case inStep:
		return fmt.Sprintf("step %d (%s)", at.i+1, p.Steps[at.i].Kind)
	case inSQE:
		n := at.j + 1
		for _, st := range p.Steps[:at.i] {
			n += len(st.SQEs)
		}
		s := fmt.Sprintf("step %d, SQE @%d", at.i+1, n)
		if l := p.Steps[at.i].SQEs[at.j].Label; l != "" {
			s += " (" + l + ")"
		}
		return s
	}
	return ""
}

// complaint is one thing wrong with a program.
type complaint struct {
	at  place
	msg string
}

// checker collects complaints, at most maxComplaints of them.
type checker struct {
	p      *Program
	found  []complaint
	names  map[string]string // name → what has it
	labels map[string]bool
	sqes   int
	closed []bool // rings closed by a step so far
	fds    map[FD]bool
	over   string          // "exit", "kill" or "exec" once such a step was seen
	ended  map[string]bool // threads that a step ended
	begun  map[string]bool // threads that have carried out a step
	armed  map[string]bool // threads whose next step is under a fault
}

const maxComplaints = 20

func (c *checker) add(at place, format string, args ...any) {
	if len(c.found) < maxComplaints {
		c.found = append(c.found, complaint{at, fmt.Sprintf(format, args...)})
	}
}

func (p *Program) check() []complaint {
	c := &checker{p: p, names: map[string]string{}, labels: map[string]bool{}, fds: map[FD]bool{}, closed: make([]bool, len(p.Rings)),
		ended: map[string]bool{}, begun: map[string]bool{}, armed: map[string]bool{}}
	c.header()
	data := uint64(0)
	for i := range p.Rings {
		c.ring(place{inRing, i, 0}, i, &p.Rings[i])
	}
	for i := range p.Resources {
		c.resource(place{inResource, i, 0}, &p.Resources[i])
		data += uint64(p.Resources[i].Size)
	}
	for i := range p.Buffers {
		c.buffer(place{inBuffer, i, 0}, i, &p.Buffers[i])
		data += uint64(p.Buffers[i].Size)
	}
	if data > MaxData {
		c.add(place{}, "files and buffers hold %d bytes together, at most %d are allowed", data, MaxData)
	}
	for i := range p.Steps {
		c.sqes += len(p.Steps[i].SQEs)
	}
	if c.sqes > MaxSQEs {
		c.add(place{}, "%d SQEs, at most %d are allowed", c.sqes, MaxSQEs)
	}
	for i := range p.Steps {
		c.step(place{inStep, i, 0}, &p.Steps[i])
	}
	return c.found
}

func (c *checker) header() {
	p, at := c.p, place{}
	if !validName(p.Name) {
		c.add(at, "the name %q is not 1 to %d lower case letters, digits and dashes that start with a letter or digit", p.Name, maxName)
	}
	c.note(at, "About", p.About)
	if strings.HasPrefix(p.About, spdxPrefix) {
		c.add(at, "About starts with %q: that belongs into License", spdxPrefix)
	}
	if strings.ContainsFunc(p.License, unicode.IsControl) || strings.TrimSpace(p.License) != p.License || !utf8.ValidString(p.License) || len(p.License) > maxNote {
		c.add(at, "License is not one line of plain text")
	}
	seen := map[string]bool{}
	for _, r := range p.Rules {
		if RuleText(r) == "" {
			c.add(at, "unknown rule %q%s", r, suggest(r, ruleIDs()))
		} else if seen[r] {
			c.add(at, "rule %s is named twice", r)
		}
		seen[r] = true
	}
	for _, n := range p.Needs {
		if !n.Valid() {
			c.add(at, "unknown need %q%s", n, suggest(string(n), append(needNames(), needOp+"OPCODE")))
		} else if seen[string(n)] {
			c.add(at, "need %s is named twice", n)
		}
		seen[string(n)] = true
	}
	for _, n := range []struct {
		what     string
		have, of int
	}{{"rings", len(p.Rings), MaxRings}, {"resources", len(p.Resources), MaxResources}, {"buffers", len(p.Buffers), MaxBuffers}, {"steps", len(p.Steps), MaxSteps}} {
		if n.have > n.of {
			c.add(at, "%d %s, at most %d are allowed", n.have, n.what, n.of)
		}
	}
}

// note checks free text that the text form carries in comment lines.
func (c *checker) note(at place, what, text string) {
	if text == "" {
		return
	}
	if len(text) > maxNote {
		c.add(at, "%s holds %d bytes, at most %d are allowed", what, len(text), maxNote)
		return
	}
	lines := strings.Split(text, "\n")
	if lines[0] == "" || lines[len(lines)-1] == "" {
		c.add(at, "%s starts or ends with an empty line", what)
	}
	for _, l := range lines {
		if !utf8.ValidString(l) || strings.ContainsFunc(l, unicode.IsControl) {
			c.add(at, "%s holds a control character or is not UTF-8", what)
			return
		}
		if strings.TrimRightFunc(l, unicode.IsSpace) != l {
			c.add(at, "%s has a line that ends with a space", what)
			return
		}
	}
}

func (c *checker) name(at place, what, name, comment string) {
	c.note(at, "its comment", comment)
	switch prev, dup := c.names[name]; {
	case !validIdent(name):
		c.add(at, "the name %q is not 1 to %d lower case letters, digits, dashes and underscores that start with a letter", name, maxIdent)
	case dup:
		c.add(at, "the name %s is already that of a %s", name, prev)
	default:
		c.names[name] = what
	}
}

func (c *checker) ring(at place, i int, r *Ring) {
	c.name(at, "ring", r.Name, r.Comment)
	if r.Entries == 0 || r.Entries > MaxEntries || r.Entries&(r.Entries-1) != 0 {
		c.add(at, "entries=%d is not a power of two from 1 to %d", r.Entries, MaxEntries)
	}
	if r.CQEntries != 0 && (r.CQEntries < r.Entries || r.CQEntries > MaxCQEntries || r.CQEntries&(r.CQEntries-1) != 0) {
		c.add(at, "cq=%d is not a power of two from entries (%d) to %d", r.CQEntries, r.Entries, MaxCQEntries)
	}
	var known uring.SetupFlags
	for _, f := range setupFlags {
		known |= uring.SetupFlags(f.bit)
	}
	f := r.Flags
	has := func(bits uring.SetupFlags) bool { return f&bits != 0 }
	switch {
	case has(uring.SetupCQSize):
		c.add(at, "the flag CQSIZE is set by giving cq=N")
	case has(uring.SetupAttachWq):
		c.add(at, "the flag ATTACH_WQ is set by giving attach=RING")
	case has(^known):
		c.add(at, "the flags %s are unknown", SetupFlagNames(f&^known))
	case has(uring.SetupDeferTaskrun) && !has(uring.SetupSingleIssuer):
		c.add(at, "DEFER_TASKRUN needs SINGLE_ISSUER")
	case has(uring.SetupSQPoll) && has(uring.SetupCoopTaskrun|uring.SetupTaskrunFlag|uring.SetupDeferTaskrun):
		c.add(at, "SQPOLL excludes COOP_TASKRUN, TASKRUN_FLAG and DEFER_TASKRUN")
	case has(uring.SetupTaskrunFlag) && !has(uring.SetupCoopTaskrun|uring.SetupDeferTaskrun):
		c.add(at, "TASKRUN_FLAG needs COOP_TASKRUN or DEFER_TASKRUN")
	case has(uring.SetupSQAff) && !has(uring.SetupSQPoll):
		c.add(at, "SQ_AFF needs SQPOLL")
	case has(uring.SetupRegisteredFdOnly) && !has(uring.SetupNoMmap):
		c.add(at, "REGISTERED_FD_ONLY needs NO_MMAP")
	case r.Idle != 0 && !has(uring.SetupSQPoll):
		c.add(at, "only SQPOLL rings have an idle time")
	case r.CPU != 0 && !has(uring.SetupSQAff):
		c.add(at, "cpu=%d needs SQ_AFF", r.CPU)
	}
	if r.Idle < 0 || r.Idle > MaxIdle || r.Idle%time.Millisecond != 0 {
		c.add(at, "idle=%s is not a whole number of milliseconds up to %s", durationText(r.Idle), durationText(MaxIdle))
	}
	if r.CPU > maxCPU {
		c.add(at, "cpu=%d is more than %d", r.CPU, maxCPU)
	}
	switch {
	case r.Attach < 0 || r.Attach > i:
		c.add(at, "a ring attaches to an earlier one, not to %d", r.Attach)
	case r.Attach > 0 && c.p.Rings[r.Attach-1].Flags&uring.SetupRegisteredFdOnly != 0:
		c.add(at, "ring %s has no descriptor to attach to", c.p.Rings[r.Attach-1].Name)
	}
}

// An itemField is a field of one resource or buffer.
type itemField struct {
	name     string
	set, has bool // it is not zero; the item's kind uses it
	clear    func()
}

func itemFieldOf[T comparable](name string, v *T, has bool) itemField {
	var zero T
	return itemField{name, *v != zero, has, func() { *v = zero }}
}

// settings are the fields that only some kinds of resources have.
func (r *Resource) settings() []itemField {
	has := func(key string) bool { return slices.Contains(resourceSettings[r.Kind], key) }
	return []itemField{
		itemFieldOf("size", &r.Size, has("size")), itemFieldOf("fill", &r.Fill, has("fill")),
		itemFieldOf("fs", &r.FS, has("fs")), itemFieldOf("direct", &r.Direct, has("direct")),
		itemFieldOf("nonblock", &r.NonBlock, has("nonblock")), itemFieldOf("poll", &r.Poll, has("poll")),
		itemFieldOf("delay", &r.Delay, has("delay")),
	}
}

// fields are those that only some kinds of buffers have.
func (b *Buffer) fields() []itemField {
	uses := func(kinds ...BufferKind) bool { return slices.Contains(kinds, b.Kind) }
	return []itemField{
		itemFieldOf("Size", &b.Size, uses(BufData)), itemFieldOf("Fill", &b.Fill, uses(BufData)),
		itemFieldOf("Text", &b.Text, uses(BufText, BufAddr)),
		{"Parts", len(b.Parts) != 0, uses(BufIovec, BufMsg, BufWaitv), func() { b.Parts = nil }},
		{"FDs", len(b.FDs) != 0, uses(BufFDs), func() { b.FDs = nil }},
		{"Words", len(b.Words) != 0, uses(BufEvent, BufHow), func() { b.Words = nil }},
		itemFieldOf("Time", &b.Time, uses(BufTime)),
	}
}

// wordsOf is the number of words of the kinds of buffers that have any.
var wordsOf = map[BufferKind]int{BufEvent: 2, BufHow: len(howKeys)}

func (c *checker) resource(at place, r *Resource) {
	if r.Kind >= resourceKinds {
		c.add(at, "unknown kind of resource %d", r.Kind)
		return
	}
	c.name(at, r.Kind.String(), r.Name, r.Comment)
	for _, f := range r.settings() {
		if f.set && !f.has {
			c.add(at, "%s is set, which a %s does not have", f.name, r.Kind)
		}
	}
	switch {
	case r.FS > Ext4:
		c.add(at, "unknown filesystem %d", r.FS)
	case r.Size > MaxBuffer:
		c.add(at, "size=%d is more than %d", r.Size, MaxBuffer)
	case r.Delay < 0 || r.Delay > maxDelay:
		c.add(at, "delay=%s is not from 0 to %s", durationText(r.Delay), durationText(maxDelay))
	case r.Kind == ResTimerFD && r.Delay == 0:
		c.add(at, "a timerfd needs a delay above 0")
	}
}

func (c *checker) buffer(at place, i int, b *Buffer) {
	if b.Kind >= bufferKinds {
		c.add(at, "unknown kind of buffer %d", b.Kind)
		return
	}
	c.name(at, "buffer", b.Name, b.Comment)
	if b.Kind == BufData && (b.Size == 0 || b.Size > MaxBuffer) {
		c.add(at, "size=%d is not 1 to %d", b.Size, MaxBuffer)
	}
	for _, f := range b.fields() {
		if f.set && !f.has {
			c.add(at, "%s is set, which a %s does not use", f.name, b.Kind)
		}
	}
	switch b.Kind {
	case BufText, BufAddr:
		if !validText(b.Text) {
			c.add(at, "%q is not 1 to %d letters, digits and ._-/ without an empty or \"..\" part and without / at an end", b.Text, MaxPath)
		}
	case BufIovec, BufWaitv:
		c.parts(at, b.Parts, i, b.Kind == BufIovec)
		if len(b.Parts) == 0 {
			c.add(at, "a %s needs a buffer at least", b.Kind)
		}
	case BufMsg:
		c.parts(at, b.Parts, i, true)
		if n := len(b.Parts); n > len(msgKeys) || n > 0 && b.Parts[n-1] == (Part{}) {
			c.add(at, "a msg has at most %d parts, the last of which is there", len(msgKeys))
		}
	case BufFDs:
		if len(b.FDs) == 0 || len(b.FDs) > MaxParts {
			c.add(at, "%d file descriptors are not 1 to %d", len(b.FDs), MaxParts)
		}
		for _, fd := range b.FDs {
			c.fd(at, fd)
		}
	case BufEvent, BufHow:
		want := wordsOf[b.Kind]
		if len(b.Words) != want || b.Words[0] > math.MaxUint32 {
			c.add(at, "a %s has %d words, the first of 32 bits", b.Kind, want)
		}
	case BufTime:
		if b.Time <= 0 || b.Time > MaxTimeout {
			c.add(at, "%s is not a time up to %s", durationText(b.Time), durationText(MaxTimeout))
		}
	}
}

// parts checks pieces of the buffers ahead of the one with index before.
func (c *checker) parts(at place, parts []Part, before int, ranges bool) {
	if len(parts) > MaxParts {
		c.add(at, "%d parts, at most %d are allowed", len(parts), MaxParts)
	}
	for _, part := range parts {
		switch ref := part.Buf; {
		case ref.Ref == 0:
			if ref.Off != 0 {
				c.add(at, "an offset into no buffer")
			}
		case ref.Ref < 0 || ref.Ref > before:
			c.add(at, "there is no buffer %d ahead of it", ref.Ref)
		default:
			b := &c.p.Buffers[ref.Ref-1]
			end := uint64(ref.Off)
			if ranges {
				end += uint64(part.Len)
			}
			if end > uint64(b.Len()) {
				c.add(at, "bytes %d to %d of %s are asked for, which has %d", ref.Off, end, b.Name, b.Len())
			}
		}
	}
}

// validText keeps paths below the directory they start from.
func validText(s string) bool {
	if s == "" || len(s) > MaxPath {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-/", rune(c)) {
			return false
		}
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == ".." {
			return false
		}
	}
	return true
}

func validName(s string) bool {
	if s == "" || len(s) > maxName || s[0] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func validIdent(s string) bool {
	if s == "" || len(s) > maxIdent || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
