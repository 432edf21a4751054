// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// job is what PID 1 asks of a worker.
type job struct {
	// Tag is the run's number in probe records and in the ledger, never 0.
	Tag uint32
	// Page is the page of the ledger to write to.
	Page int
	// Slots are the rings' counter slots, one per ring; empty without probes.
	Slots []int
	// Scale stretches the program's bounds on a slow machine.
	Scale float64
	// Noise is the seed of the noise that the program runs under; 0 is none.
	Noise uint64
	// Coverage asks for what the program reaches; the descriptors are prepared.
	Coverage bool
	Program  cases.Program
}

// report is a worker's answer to a job. All else is in the ledger.
type report struct {
	Tag uint32
	// Err says what could not be set up; "" if all steps were carried out.
	Err  string
	Data []cases.Blob
	// Coverage is packed (see package kcov).
	Coverage []byte
	// Last says that the worker must not run another program.
	Last bool
}

// maxPacket bounds a job or report: a program or the content of all its
// buffers and files.
const maxPacket = 64 << 20

var (
	compactJob    = wire.Compact[job]()
	compactReport = wire.Compact[report]()
)

// compact returns what stands for a job or report in the encoder and decoder.
func compact(v any) any {
	switch v := v.(type) {
	case *job:
		return compactJob(v)
	case *report:
		return compactReport(v)
	}
	return v
}

// A pipe carries jobs one way and reports the other between PID 1 and a
// worker: CBOR behind a 4-byte length. One goroutine may send and one receive.
type pipe struct {
	w   io.Writer
	r   *bufio.Reader
	buf []byte
}

func newPipe(rw io.ReadWriter) *pipe {
	return &pipe{w: rw, r: bufio.NewReaderSize(rw, 16<<10)}
}

func (p *pipe) send(v any) error {
	body, err := cbor.Marshal(compact(v))
	if err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	if len(body) > maxPacket {
		return fmt.Errorf("encode %T: %d bytes, the limit is %d", v, len(body), maxPacket)
	}
	frame := make([]byte, 4, 4+len(body))
	binary.LittleEndian.PutUint32(frame, uint32(len(body)))
	_, err = p.w.Write(append(frame, body...))
	return err
}

func (p *pipe) recv(v any) error {
	head, err := p.r.Peek(4)
	if err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint32(head))
	if n > maxPacket {
		return fmt.Errorf("receive %T: %d bytes announced, the limit is %d", v, n, maxPacket)
	}
	p.r.Discard(4)
	if n > cap(p.buf) {
		p.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(p.r, p.buf[:n]); err != nil {
		return err
	}
	if err := cbor.Unmarshal(p.buf[:n], compact(v)); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}
