// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A frame is a 24-byte header and a CBOR payload; numbers are little endian:
//
//	offset  0  2 bytes  "RP"
//	offset  2  1 byte   frame format, Format
//	offset  3  1 byte   message type
//	offset  4  4 bytes  payload length, at most MaxPayload
//	offset  8  4 bytes  sequence number
//	offset 12  8 bytes  FNV-1a sum of the payload
//	offset 20  4 bytes  FNV-1a sum of the header so far
//
// A flipped bit in a CQE's result is as good CBOR as the result was, so what
// arrives altered must not arrive at all. The header has a sum of its own
// because a wrong length would have the receiver wait for what never comes.
// FNV-1a notices every change within one byte and all but one in 2^64 of the
// others, and is what an emulated CPU computes fastest: it has no
// instructions for CRC but slow ones (for 64 KiB: 0.07 ms, CRC-32C 0.5 ms).
//
// Each side numbers its frames, so that one that is lost, doubled or out of
// its place shows with the next one. Number 0 begins anew, and whatever comes
// first on a Conn is taken: a restored guest and the host that it was saved
// by have other numbers than the host that it meets.
//
// The format byte covers framing and the way messages become CBOR; what the
// messages mean is versioned by Hello.Version.
//
// HeaderLen is the length of a header in bytes.
const HeaderLen = 24

// Format is the format of frames. Two sides of different formats do not
// understand a word of each other.
const Format = 2

// MaxPayload is the largest payload of a frame in bytes. A larger message is
// refused by [Conn.Send], and a larger announcement by [Conn.Recv] before
// anything is allocated for it.
const MaxPayload = 8 << 20

// keepBuffer is the size up to which a Conn keeps its buffers between messages.
const keepBuffer = 1 << 20

// FrameError says that the peer sent something that is no message of this
// protocol, or that a message is too large to send. There is no way to find
// the start of the next frame in a damaged stream, so a FrameError from Recv
// ends the channel: every later Recv returns it again.
type FrameError struct {
	// Op is "receive" or "send".
	Op string
	// Type is the message type where it is known, or "".
	Type string
	// Reason says what was wrong.
	Reason string
	// Err is the decoder's error, if there was one.
	Err error
}

// Error implements error.
func (e *FrameError) Error() string {
	s := "wire: " + e.Op
	if e.Type != "" {
		s += " " + e.Type
	}
	s += ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the decoder's error.
func (e *FrameError) Unwrap() error { return e.Err }

// ErrClosed is returned by Send and Recv once Close was called on this side.
var ErrClosed = errors.New("wire: channel closed")

// Conn sends and receives messages over a byte stream.
//
// Send and Close are safe for concurrent use; Recv has one caller at a time.
// Recv reads ahead: once a Conn reads from a stream, nothing else may.
type Conn struct {
	rw     io.ReadWriteCloser
	accept *[256]bool // message types that Recv takes; nil takes all

	r     *bufio.Reader
	in    []byte
	rhead [HeaderLen]byte
	rerr  error
	rseq  uint32 // the number that the next frame should have
	met   bool   // a frame has come
	late  lateness

	wmu  sync.Mutex
	out  bytes.Buffer
	wseq uint32
	werr error

	closeOnce sync.Once
	closed    chan struct{}
	closeErr  error
}

// NewConn returns a Conn that takes any message. The guest uses it: its peer
// is the host, which it trusts with its life anyway.
//
// rw's Read must block until there is data or the stream is at its end. A
// virtio-serial port in the guest reads as io.EOF while no host is connected:
// its owner must hide that from the Conn.
func NewConn(rw io.ReadWriteCloser) *Conn {
	c := &Conn{rw: rw, closed: make(chan struct{})}
	c.late.rw = rw
	c.r = bufio.NewReaderSize(&c.late, 64<<10)
	return c
}

// NewHostConn returns a Conn for the host's side. It takes only messages that
// a guest may send; anything else is a FrameError before it is decoded, so
// that a guest cannot make the host build large objects it never asked for.
func NewHostConn(rw io.ReadWriteCloser) *Conn {
	c := NewConn(rw)
	c.accept = &fromGuest
	return c
}

// SetPatience bounds the time that a frame may take from its first byte to
// its last: to d, and a second more for each [slowest] bytes. A frame that takes longer is
// a FrameError, since the rest of it was lost. 0, the default, is no bound. It needs a stream with
// SetReadDeadline and must be called before the first Recv.
func (c *Conn) SetPatience(d time.Duration) { c.late.patience = d }

// Receiving tells whether a frame has begun to come and is not complete. It
// may be called while Recv waits.
func (c *Conn) Receiving() bool { return c.late.inFrame.Load() }

// Send writes msg, a pointer to one of the message structs, with a single
// Write to the stream. An empty slice in a Run arrives as nil. A *FrameError means that the message cannot be sent
// (it is too large or of a foreign type) and leaves the channel usable. Any
// other error comes from the stream and ends the sending side.
func (c *Conn) Send(msg any) error {
	typ := typeOf(msg)
	if typ == typeInvalid {
		return &FrameError{Op: "send", Reason: fmt.Sprintf("%T is not a message", msg)}
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.werr != nil {
		return c.werr
	}
	c.out.Reset()
	c.out.Write(make([]byte, HeaderLen))
	if err := encode(msg, &c.out); err != nil {
		return &FrameError{Op: "send", Type: typ.String(), Reason: "encode", Err: err}
	}
	frame := c.out.Bytes()
	n := len(frame) - HeaderLen
	if c.out.Cap() > keepBuffer {
		defer func() { c.out = bytes.Buffer{} }()
	}
	if n > MaxPayload {
		return &FrameError{Op: "send", Type: typ.String(),
			Reason: fmt.Sprintf("%d bytes of payload, the limit is %d", n, MaxPayload)}
	}
	seal(frame, typ, c.wseq)
	c.wseq++
	if _, err := c.rw.Write(frame); err != nil {
		c.werr = c.streamError("send "+typ.String(), err)
		return c.werr
	}
	return nil
}

// Recv waits for the next message and returns a pointer to its struct, which
// the caller owns. io.EOF means that the stream ended between two frames, and
// io.ErrUnexpectedEOF (wrapped) that it ended within one. A *FrameError means
// that the peer does not speak the protocol. All errors are final.
func (c *Conn) Recv() (any, error) {
	if c.rerr != nil {
		return nil, c.rerr
	}
	msg, err := c.recv()
	if err != nil {
		c.rerr = err
		c.in = nil
	}
	return msg, err
}

func (c *Conn) recv() (any, error) {
	if _, err := c.r.Peek(1); err != nil {
		if err == io.EOF && !c.isClosed() {
			return nil, io.EOF
		}
		return nil, c.streamError("receive", err)
	}
	c.late.frame(true)
	defer c.late.frame(false)
	if _, err := io.ReadFull(c.r, c.rhead[:]); err != nil {
		return nil, c.readError("", err)
	}
	h := c.rhead[:]
	if h[0] != 'R' || h[1] != 'P' {
		return nil, &FrameError{Op: "receive", Reason: fmt.Sprintf("no frame starts with % x", h)}
	}
	if h[2] != Format {
		return nil, &FrameError{Op: "receive",
			Reason: fmt.Sprintf("frame format %d, this side speaks %d", h[2], Format)}
	}
	if sum := sum32(h[:HeaderLen-4]); sum != binary.LittleEndian.Uint32(h[HeaderLen-4:]) {
		return nil, &FrameError{Op: "receive", Reason: fmt.Sprintf("the checksum of a frame's header is not %08x: % x", sum, h)}
	}
	typ := msgType(h[3])
	msg := newMessage(typ)
	if msg == nil || c.accept != nil && !c.accept[typ] {
		return nil, &FrameError{Op: "receive", Type: typ.String(), Reason: "unexpected message type"}
	}
	n := binary.LittleEndian.Uint32(h[4:])
	if n > MaxPayload {
		return nil, &FrameError{Op: "receive", Type: typ.String(),
			Reason: fmt.Sprintf("%d bytes of payload announced, the limit is %d", n, MaxPayload)}
	}
	seq := binary.LittleEndian.Uint32(h[8:])
	if c.met && seq != c.rseq && seq != 0 {
		return nil, &FrameError{Op: "receive", Type: typ.String(),
			Reason: fmt.Sprintf("frame %d follows frame %d: frames were lost or doubled", seq, c.rseq-1)}
	}
	c.met, c.rseq = true, seq+1
	if err := c.readPayload(int(n)); err != nil {
		return nil, c.readError(typ.String(), err)
	}
	if sum := sum64(c.in[:n]); sum != binary.LittleEndian.Uint64(h[12:]) {
		return nil, &FrameError{Op: "receive", Type: typ.String(),
			Reason: fmt.Sprintf("the checksum of %d bytes of payload is not %016x: they were altered on their way", n, sum)}
	}
	if err := decode(c.in[:n], msg); err != nil {
		return nil, &FrameError{Op: "receive", Type: typ.String(), Reason: "decode", Err: err}
	}
	if cap(c.in) > keepBuffer {
		c.in = nil
	}
	return msg, nil
}

// seal writes the header of a frame whose payload is in place.
func seal(frame []byte, typ msgType, seq uint32) {
	le := binary.LittleEndian
	payload := frame[HeaderLen:]
	copy(frame, []byte{'R', 'P', Format, byte(typ)})
	le.PutUint32(frame[4:], uint32(len(payload)))
	le.PutUint32(frame[8:], seq)
	le.PutUint64(frame[12:], sum64(payload))
	le.PutUint32(frame[HeaderLen-4:], sum32(frame[:HeaderLen-4]))
}

// sum64 and sum32 are FNV-1a; hash/fnv's are the same but allocate.
func sum64(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

func sum32(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// NextFrame splits a stream of frames behind the first one; frame is nil while b
// does not hold all of it. It checks nothing, and is for those who watch a
// channel without being its end.
func NextFrame(b []byte) (frame, rest []byte) {
	if len(b) < HeaderLen {
		return nil, b
	}
	n := HeaderLen + int(min(binary.LittleEndian.Uint32(b[4:]), MaxPayload))
	if len(b) < n {
		return nil, b
	}
	return b[:n:n], b[n:]
}

// readError is streamError for reading the rest of a frame.
func (c *Conn) readError(typ string, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.isClosed() {
		return &FrameError{Op: "receive", Type: typ,
			Reason: fmt.Sprintf("the rest of the frame did not come within %v: it was lost on its way", c.late.patience)}
	}
	if typ != "" {
		typ = " " + typ
	}
	return c.streamError("receive"+typ, err)
}

// slowest is how many bytes of a frame must come in a second at least, on
// the average. See [Conn.SetPatience].
const slowest = 500

// lateness reads from the stream, and bounds how long a frame may take.
type lateness struct {
	rw       io.Reader
	patience time.Duration
	inFrame  atomic.Bool
	began    time.Time // when the frame first had to be waited for; zero before
	got      int       // bytes since
	armed    bool
}

// Read implements io.Reader.
func (l *lateness) Read(b []byte) (int, error) {
	if l.inFrame.Load() && l.patience > 0 {
		if d, ok := l.rw.(interface{ SetReadDeadline(time.Time) error }); ok {
			if l.began.IsZero() {
				l.began = time.Now()
			}
			d.SetReadDeadline(l.began.Add(l.patience + time.Duration(l.got)*time.Second/slowest))
			l.armed = true
		}
	}
	n, err := l.rw.Read(b)
	l.got += n
	return n, err
}

// frame says whether the reader is within a frame.
func (l *lateness) frame(in bool) {
	l.inFrame.Store(in)
	l.began, l.got = time.Time{}, 0
	if l.armed {
		l.armed = false
		l.rw.(interface{ SetReadDeadline(time.Time) error }).SetReadDeadline(time.Time{})
	}
}

// readPayload reads n bytes into c.in. It grows the buffer as data arrives:
// announcing a large frame costs the peer as much as it costs this side.
func (c *Conn) readPayload(n int) error {
	const step = 256 << 10
	for have := 0; have < n; {
		want := min(n, have+step)
		if want > cap(c.in) {
			grown := make([]byte, min(n, max(want, 2*cap(c.in))))
			copy(grown, c.in[:have])
			c.in = grown
		}
		c.in = c.in[:cap(c.in)]
		if _, err := io.ReadFull(c.r, c.in[have:want]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		have = want
	}
	return nil
}

// Close closes the stream. It may be called more than once; the first call's
// error is returned. A Recv or Send in progress returns ErrClosed if the
// stream's Close wakes it, as sockets and pipes do.
func (c *Conn) Close() error {
	c.closeOnce.Do(func() {
		close(c.closed)
		c.closeErr = c.rw.Close()
	})
	return c.closeErr
}

func (c *Conn) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

func (c *Conn) streamError(op string, err error) error {
	if c.isClosed() {
		return ErrClosed
	}
	return fmt.Errorf("wire: %s: %w", op, err)
}
