// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A frame is an 8-byte header and a CBOR payload:
//
//	offset 0  2 bytes  "RP"
//	offset 2  1 byte   frame format, frameFormat
//	offset 3  1 byte   message type
//	offset 4  4 bytes  payload length, little endian, at most MaxPayload
//
// The format byte covers framing and the way messages become CBOR; what the
// messages mean is versioned by Hello.Version.
const (
	headerLen   = 8
	frameFormat = 1
)

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
	rhead [headerLen]byte
	rerr  error

	wmu  sync.Mutex
	out  bytes.Buffer
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
	return &Conn{rw: rw, r: bufio.NewReaderSize(rw, 64<<10), closed: make(chan struct{})}
}

// NewHostConn returns a Conn for the host's side. It takes only messages that
// a guest may send; anything else is a FrameError before it is decoded, so
// that a guest cannot make the host build large objects it never asked for.
func NewHostConn(rw io.ReadWriteCloser) *Conn {
	c := NewConn(rw)
	c.accept = &fromGuest
	return c
}

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
	c.out.Write([]byte{'R', 'P', frameFormat, byte(typ), 0, 0, 0, 0})
	if err := encode(msg, &c.out); err != nil {
		return &FrameError{Op: "send", Type: typ.String(), Reason: "encode", Err: err}
	}
	frame := c.out.Bytes()
	n := len(frame) - headerLen
	if c.out.Cap() > keepBuffer {
		defer func() { c.out = bytes.Buffer{} }()
	}
	if n > MaxPayload {
		return &FrameError{Op: "send", Type: typ.String(),
			Reason: fmt.Sprintf("%d bytes of payload, the limit is %d", n, MaxPayload)}
	}
	binary.LittleEndian.PutUint32(frame[4:], uint32(n))
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
	if _, err := io.ReadFull(c.r, c.rhead[:]); err != nil {
		if err == io.EOF && !c.isClosed() {
			return nil, io.EOF
		}
		return nil, c.streamError("receive", err)
	}
	h := c.rhead[:]
	if h[0] != 'R' || h[1] != 'P' {
		return nil, &FrameError{Op: "receive", Reason: fmt.Sprintf("no frame starts with % x", h)}
	}
	if h[2] != frameFormat {
		return nil, &FrameError{Op: "receive",
			Reason: fmt.Sprintf("frame format %d, this side speaks %d", h[2], frameFormat)}
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
	if err := c.readPayload(int(n)); err != nil {
		return nil, c.streamError("receive "+typ.String(), err)
	}
	if err := decode(c.in[:n], msg); err != nil {
		return nil, &FrameError{Op: "receive", Type: typ.String(), Reason: "decode", Err: err}
	}
	if cap(c.in) > keepBuffer {
		c.in = nil
	}
	return msg, nil
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
