// SPDX-License-Identifier: Apache-2.0

// Package fuzz turns byte strings into programs and back, so that fuzzers can
// work on them, and makes programs that show something smaller.
//
// The byte form is a row of records of [RecordSize] bytes: one for a ring, a
// resource, a buffer, a step, an SQE, and for what some of these have besides.
// Every byte string is a valid program, and a byte changed is a field changed:
// references count modulo what there is to refer to, lengths modulo what
// fits, and what still makes no sense is left out.
package fuzz

import (
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

const (
	// RecordSize is the size of a record in bytes.
	RecordSize = 32
	// MaxRecords is the number of records that count: those behind them are ignored, which
	// bounds the memory that decoding takes. A catalogue's largest program has some 80.
	MaxRecords = 256
)

// kind is a record's first byte, modulo len(kinds).
type kind uint8

const (
	recSQE  kind = iota // of the last step that submits, or of a new one
	recStep             //
	recRing
	recResource
	recBuffer
	recItem // of the last buffer or registration: the next element of its list
	recText // of the last buffer: the next bytes of its text
	recReg  // of the last step: what it registers
	recRest // of the last SQE: its rarer fields
	kinds
)

// record is one record that is read or written, from front to back.
type record struct {
	bytes   [RecordSize]byte
	at      int
	reading bool
}

// field reads or writes the next size bytes, little endian. Reading extends
// a signed field's sign.
func field[T ~int | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](r *record, size int, v *T) {
	b := r.bytes[r.at : r.at+size]
	r.at += size
	if !r.reading {
		for i := range b {
			b[i] = byte(uint64(*v) >> (8 * i))
		}
		return
	}
	var n uint64
	for i := range b {
		n |= uint64(b[i]) << (8 * i)
	}
	if signed := ^T(0) < 0; signed {
		shift := 64 - 8*size
		*v = T(int64(n<<shift) >> shift)
		return
	}
	*v = T(n)
}

// micros is a field of 4 bytes for a time in microseconds.
func (r *record) micros(v *time.Duration) {
	n := uint32(*v / time.Microsecond)
	field(r, 4, &n)
	if r.reading {
		*v = time.Duration(n) * time.Microsecond
	}
}

// bools is a byte of flags.
func (r *record) bools(flags ...*bool) {
	var b uint8
	for i, f := range flags {
		if *f {
			b |= 1 << i
		}
	}
	field(r, 1, &b)
	for i, f := range flags {
		*f = b&(1<<i) != 0
	}
}

// fd is a file descriptor: what kind of it in two bits and its end in one,
// then an index or a number of 16 bits.
func (r *record) fd(fd *cases.FD) {
	const none, resource, ring, raw = 0, 1, 2, 3
	var class uint8
	var n int32
	switch {
	case fd.HasRaw:
		class, n = raw, fd.Raw
	case fd.Ring != 0:
		class, n = ring, int32(fd.Ring-1)
	case fd.Ref != 0:
		class, n = resource|uint8(fd.End)<<2, int32(fd.Ref-1)
	}
	field(r, 1, &class)
	field(r, 2, &n)
	if !r.reading {
		return
	}
	*fd = cases.FD{}
	switch index := int(uint16(n)); class & 3 {
	case resource:
		fd.Ref, fd.End = 1+index, int(class>>2&1)
	case ring:
		fd.Ring = 1 + index
	case raw:
		fd.HasRaw, fd.Raw = true, n
	}
}

// memory is a reference to memory: one byte for the buffer and three for the offset.
func (r *record) memory(b *cases.BufRef) {
	ref := uint8(b.Ref)
	field(r, 1, &ref)
	field(r, 3, &b.Off)
	b.Ref = int(ref)
}

func (r *record) ring(v *cases.Ring) {
	entries, cq := uint8(bits.Len32(v.Entries)), uint8(bits.Len32(v.CQEntries))
	field(r, 1, &entries)
	field(r, 1, &cq)
	field(r, 4, &v.Flags)
	idle := uint16(v.Idle / time.Millisecond)
	field(r, 2, &idle)
	field(r, 1, &v.CPU)
	field(r, 1, &v.Attach)
	if r.reading {
		v.Idle = time.Duration(idle) * time.Millisecond
		v.Entries, v.CQEntries = power(entries, cases.MaxEntries), power(cq, cases.MaxCQEntries)
	}
}

// power is the number of which n is the bit length, at most top; 0 is 0.
func power(n uint8, top uint32) uint32 {
	n %= uint8(bits.Len32(top)) + 1
	return uint32(1) << n >> 1
}

func (r *record) resource(v *cases.Resource) {
	field(r, 1, &v.Kind)
	field(r, 1, &v.FS)
	r.bools(&v.Direct, &v.NonBlock, &v.Poll)
	field(r, 4, &v.Size)
	field(r, 4, &v.Fill)
	r.micros(&v.Delay)
}

func (r *record) buffer(v *cases.Buffer) {
	field(r, 1, &v.Kind)
	field(r, 4, &v.Size)
	field(r, 4, &v.Fill)
	r.micros(&v.Time)
}

// item is one element of any list; each list takes its own of the three.
func (r *record) item(part *cases.Part, fd *cases.FD, word *uint64) {
	r.memory(&part.Buf)
	field(r, 4, &part.Len)
	r.fd(fd)
	field(r, 8, word)
}

func (r *record) step(v *cases.Step, thread, join *uint8) {
	field(r, 1, &v.Kind)
	field(r, 1, &v.Ring)
	field(r, 1, thread)
	r.bools(&v.Background)
	field(r, 4, &v.N)
	r.micros(&v.Timeout)
	r.micros(&v.MinWait)
	r.fd(&v.FD)
	field(r, 4, &v.Fill)
	target(r, &v.Target)
	field(r, 1, &v.CancelFlags)
	field(r, 1, &v.CancelOp)
	field(r, 1, join)
	field(r, 1, &v.Fault)
}

func target(r *record, t *int) {
	n := uint16(*t)
	field(r, 2, &n)
	*t = int(n)
}

func (r *record) registration(v *cases.Registration) {
	field(r, 1, &v.Op)
	field(r, 2, &v.Group)
	field(r, 2, &v.Entries)
	field(r, 4, &v.Size)
	field(r, 4, &v.From)
	field(r, 4, &v.Counts[0])
	field(r, 4, &v.Counts[1])
	field(r, 1, &v.Flags)
	field(r, 1, &v.Source)
}

// What the last byte of an SQE's record says of the fields that depend on
// each other. More than these is a time, an index into times.
const (
	addrPlain  = iota // a buffer, a target, or the number in the rest
	addrInject        // the opcode's flags are a NOP's result
	addrTime          // the rest holds a time in nanoseconds
	addrTimes         // the first of times
)

// times are those that programs use most.
var times = []time.Duration{time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond, 20 * time.Millisecond,
	500 * time.Millisecond, time.Second, 30 * time.Second, time.Minute, time.Hour}

// sqe is an SQE's record. What has no room in it is left to rest.
func (r *record) sqe(v *cases.SQE) {
	field(r, 1, &v.Op)
	field(r, 1, &v.Flags)
	r.fd(&v.FD)
	r.memory(&v.Buf)
	field(r, 4, &v.Len)
	flags, mode := v.OpFlags, uint8(addrPlain)
	switch {
	case v.HasInject:
		flags, mode = uint32(v.Inject), addrInject
	case v.Timeout != 0:
		if mode = addrTime; slices.Contains(times, v.Timeout) {
			mode = addrTimes + uint8(slices.Index(times, v.Timeout))
		}
	}
	field(r, 4, &flags)
	field(r, 8, &v.Off)
	target(r, &v.Target)
	field(r, 2, &v.BufIndex)
	low := uint8(v.IOPrio)
	field(r, 1, &low)
	field(r, 1, &mode)
	if !r.reading {
		return
	}
	v.IOPrio = uint16(low)
	switch mode %= addrTimes + uint8(len(times)); {
	case mode == addrInject && v.Op == uring.OpNop:
		v.HasInject, v.Inject = true, int32(flags)
	case mode >= addrTimes:
		v.Timeout = times[mode-addrTimes]
		fallthrough
	default:
		v.OpFlags = flags
	}
	if mode == addrTime {
		v.Timeout = time.Nanosecond // until the rest tells
	}
}

func (r *record) rest(v *cases.SQE) {
	r.fd(&v.FD2)
	r.memory(&v.Buf2)
	r.memory(&v.Buf3)
	field(r, 8, &v.Addr3)
	addr := v.Addr
	if v.Timeout != 0 {
		addr = uint64(v.Timeout)
	}
	field(r, 8, &addr)
	field(r, 1, &v.FileIndex)
	field(r, 1, &v.Personality)
	field(r, 1, &v.Pad2)
	high := uint8(v.IOPrio >> 8)
	field(r, 1, &high)
	if !r.reading {
		return
	}
	v.IOPrio |= uint16(high) << 8
	if v.FileIndex == 0xff {
		v.FileIndex = cases.FileIndexAlloc
	}
	if v.Timeout != 0 {
		v.Timeout = time.Duration(addr % (uint64(cases.MaxTimeout) + 1))
	} else {
		v.Addr = addr
	}
}

// hasRest tells whether an SQE needs a record for its rarer fields.
func hasRest(v *cases.SQE) bool {
	return v.FD2 != (cases.FD{}) || v.Buf2 != (cases.BufRef{}) || v.Buf3 != (cases.BufRef{}) || v.Addr3 != 0 || v.Addr != 0 ||
		v.FileIndex != 0 || v.Personality != 0 || v.Pad2 != 0 || v.IOPrio > 0xff || v.Timeout != 0 && !slices.Contains(times, v.Timeout)
}

// Encode returns the byte form of a valid program. Names, comments and what
// else means nothing to a run are not in it: Decode gives [Bare] back. A
// program with more records, or larger numbers in some fields than the form has room for
// is an error.
func Encode(p *cases.Program) ([]byte, error) {
	var out []byte
	put := func(k kind, write func(r *record)) {
		r := record{at: 1}
		r.bytes[0] = byte(k)
		write(&r)
		out = append(out, r.bytes[:]...)
	}
	parts := func(parts []cases.Part, fds []cases.FD, words []uint64) {
		for i := range max(len(parts), len(fds), len(words)) {
			var part cases.Part
			var fd cases.FD
			var word uint64
			switch {
			case i < len(parts):
				part = parts[i]
			case i < len(fds):
				fd = fds[i]
			case i < len(words):
				word = words[i]
			}
			put(recItem, func(r *record) { r.item(&part, &fd, &word) })
		}
	}
	p = Bare(p)
	for i := range p.Rings {
		put(recRing, func(r *record) { r.ring(&p.Rings[i]) })
	}
	for i := range p.Resources {
		put(recResource, func(r *record) { r.resource(&p.Resources[i]) })
	}
	for i := range p.Buffers {
		b := &p.Buffers[i]
		put(recBuffer, func(r *record) { r.buffer(b) })
		for text := range slices.Chunk([]byte(b.Text), RecordSize-1) {
			put(recText, func(r *record) { copy(r.bytes[1:], text) })
		}
		parts(b.Parts, b.FDs, b.Words)
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		thread, join := threadNumber(s.Thread), threadNumber(s.Join)
		put(recStep, func(r *record) { r.step(s, &thread, &join) })
		if s.Reg != nil {
			put(recReg, func(r *record) { r.registration(s.Reg) })
			parts(s.Reg.Bufs, s.Reg.FDs, nil)
		}
		for j := range s.SQEs {
			put(recSQE, func(r *record) { r.sqe(&s.SQEs[j]) })
			if hasRest(&s.SQEs[j]) {
				put(recRest, func(r *record) { r.rest(&s.SQEs[j]) })
			}
		}
	}
	if len(out) > MaxRecords*RecordSize {
		return nil, fmt.Errorf("encode program %s: %d records, the byte form holds %d", p.Name, len(out)/RecordSize, MaxRecords)
	}
	if !reflect.DeepEqual(Decode(out), p) {
		return nil, errors.New("encode program " + p.Name + ": a number in it is larger than its field in the byte form")
	}
	return out, nil
}
