// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"encoding/binary"
	"hash/fnv"
	"net"
	"sync"
	"time"

	"github.com/ringproof/ringproof/vm/wire"
)

// line is a guest's channel as the host sees it. It passes on whole frames, and
// carries out the faults of those.
type line struct {
	net.Conn
	chaos *Chaos
	pid   int

	wmu sync.Mutex

	raw   []byte // from the guest: what is no whole frame yet
	ready []byte // what the host shall read
	pace  []byte // likewise, but slowly
	step  time.Duration
	chunk int
	err   error
}

// Write passes a frame on to the guest: [wire.Conn] writes each at once.
func (l *line) Write(b []byte) (int, error) {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	out := b
	for _, f := range l.chaos.Happens(Sent, l.pid) {
		l.chaos.injected(f)
		switch f.Kind {
		case FrameLate:
			l.chaos.wait(f.For)
		case FrameTrickle:
			chunk, step := trickle(f, len(out))
			for len(out) > chunk && l.chaos.wait(step) {
				if _, err := l.Conn.Write(out[:chunk]); err != nil {
					return 0, err
				}
				out = out[chunk:]
			}
		default:
			out = mangle(f, out)
		}
	}
	if len(out) > 0 {
		if _, err := l.Conn.Write(out); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// Read passes on what comes from the guest. It has one caller at a time.
func (l *line) Read(b []byte) (int, error) {
	for {
		switch {
		case len(b) == 0:
			return 0, nil
		case len(l.ready) > 0:
			n := copy(b, l.ready)
			l.ready = l.ready[n:]
			return n, nil
		case len(l.pace) > 0:
			l.chaos.wait(l.step)
			n := copy(b[:min(len(b), l.chunk)], l.pace)
			l.pace = l.pace[n:]
			return n, nil
		case l.err != nil:
			return 0, l.err
		}
		l.fetch()
	}
}

// fetch reads from the guest until there is something to pass on or nothing comes any more.
func (l *line) fetch() {
	buf := make([]byte, 64<<10)
	n, err := l.Conn.Read(buf)
	l.raw = append(l.raw, buf[:n]...)
	for {
		frame, rest := wire.NextFrame(l.raw)
		if frame == nil {
			break
		}
		l.raw = rest
		out := append([]byte(nil), frame...)
		for _, f := range l.chaos.Happens(Received, l.pid) {
			l.chaos.injected(f)
			switch f.Kind {
			case FrameLate:
				l.chaos.wait(f.For)
			case FrameTrickle:
				l.chunk, l.step = trickle(f, len(out))
				l.pace = append(l.pace, out...)
				out = nil
			default:
				out = mangle(f, out)
			}
		}
		if len(l.pace) > 0 {
			l.pace = append(l.pace, out...) // what follows cannot be faster
		} else {
			l.ready = append(l.ready, out...)
		}
	}
	if err != nil {
		l.err = err
		l.ready = append(l.ready, l.raw...)
		l.raw = nil
	}
}

// trickle returns how many bytes to pass on at a time, and how much later the next.
func trickle(f Fault, size int) (chunk int, step time.Duration) {
	const steps = 200
	chunk = max(size/steps, 1)
	return chunk, f.For * time.Duration(chunk) / time.Duration(max(size, 1))
}

// mangle returns what arrives in place of a frame.
func mangle(f Fault, frame []byte) []byte {
	rnd := f.rand()
	out := append([]byte(nil), frame...)
	if len(out) < wire.HeaderLen {
		return out
	}
	switch f.Kind {
	case FrameFlip:
		at := rnd.IntN(len(out))
		if rnd.IntN(4) == 0 {
			at = rnd.IntN(wire.HeaderLen) // it is short, and would seldom be hit
		}
		out[at] ^= 1 << rnd.IntN(8)
	case FrameCut:
		out = out[:rnd.IntN(len(out))]
	case FrameLost:
		out = nil
	case FrameTwice:
		out = append(out, frame...)
	case FrameGarbage:
		garbage := make([]byte, 1+rnd.IntN(100))
		for i := range garbage {
			garbage[i] = byte(rnd.Uint32())
		}
		out = append(garbage, out...)
	case FrameLength:
		// The layout is package wire's: the length, and last the sum of the header.
		n := []uint32{0, uint32(rnd.IntN(len(out))), uint32(len(out)), wire.MaxPayload, wire.MaxPayload + 1, 1<<32 - 1}
		binary.LittleEndian.PutUint32(out[4:], n[rnd.IntN(len(n))])
		sum := fnv.New32a()
		sum.Write(out[:wire.HeaderLen-4])
		binary.LittleEndian.PutUint32(out[wire.HeaderLen-4:], sum.Sum32())
	}
	return out
}
