// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/binary"
	"fmt"

	"github.com/ringproof/ringproof/cases"
)

// RecordSize is the size of one raw record in bytes: struct record in
// bpf/record.h, little endian.
const RecordSize = 88

// Offsets of struct record's members.
const (
	offTime      = 0
	offReq       = 8
	offUserData  = 16
	offFlags     = 24
	offLeader    = 32
	offArg       = 40
	offRun       = 48
	offGen       = 52
	offTID       = 56
	offTGID      = 60
	offRes       = 64
	offRefs      = 68
	offGroupRefs = 72
	offCPU       = 76
	offKind      = 78
	offRing      = 79
	offOp        = 80
	offBits      = 81
	offReserved  = 82
)

// Bits of struct record's member bits.
const (
	bitWorker    = 1 << 0 // RECORD_WORKER
	bitGroupRefs = 1 << 1 // RECORD_GROUP_REFS
	bitsKnown    = bitWorker | bitGroupRefs
)

// Record is one decoded record: an event and the run it belongs to.
type Record struct {
	// Run is the number that the worker gave to [Control.NextRing].
	Run uint32
	cases.Event
}

// Decode decodes raw records, which may come from an untrusted guest. It
// fails if raw does not consist of whole records or if a record holds what no
// probe writes; the records before the bad one are returned with the error.
func Decode(raw []byte) ([]Record, error) {
	recs := make([]Record, 0, len(raw)/RecordSize)
	for i := 0; len(raw) > 0; i++ {
		if len(raw) < RecordSize {
			return recs, fmt.Errorf("decode probe record %d: %d bytes left, a record has %d: the guest cut it short or is another build", i, len(raw), RecordSize)
		}
		r, err := decodeOne(raw[:RecordSize])
		if err != nil {
			return recs, fmt.Errorf("decode probe record %d: %w", i, err)
		}
		recs = append(recs, r)
		raw = raw[RecordSize:]
	}
	return recs, nil
}

func decodeOne(b []byte) (Record, error) {
	le := binary.LittleEndian
	kind, bits := cases.EventKind(b[offKind]), b[offBits]
	switch {
	case kind == cases.EvNone || kind.String() == "unknown":
		return Record{}, fmt.Errorf("unknown event kind %d", b[offKind])
	case bits&^bitsKnown != 0:
		return Record{}, fmt.Errorf("unknown bits %#x", bits)
	}
	for _, x := range b[offReserved:] {
		if x != 0 {
			return Record{}, fmt.Errorf("reserved bytes are not zero")
		}
	}
	return Record{
		Run: le.Uint32(b[offRun:]),
		Event: cases.Event{
			Time:         le.Uint64(b[offTime:]),
			Kind:         kind,
			CPU:          le.Uint16(b[offCPU:]),
			TID:          le.Uint32(b[offTID:]),
			TGID:         le.Uint32(b[offTGID:]),
			Worker:       bits&bitWorker != 0,
			Ring:         int(b[offRing]),
			Req:          le.Uint64(b[offReq:]),
			Gen:          le.Uint32(b[offGen:]),
			UserData:     le.Uint64(b[offUserData:]),
			Op:           b[offOp],
			Flags:        le.Uint64(b[offFlags:]),
			Refs:         int32(le.Uint32(b[offRefs:])),
			GroupRefs:    int32(le.Uint32(b[offGroupRefs:])),
			HasGroupRefs: bits&bitGroupRefs != 0,
			Leader:       le.Uint64(b[offLeader:]),
			Res:          int32(le.Uint32(b[offRes:])),
			Arg:          le.Uint64(b[offArg:]),
		},
	}, nil
}

// RunOf returns the run that a raw record belongs to without decoding it.
// rec must hold at least [RecordSize] bytes.
func RunOf(rec []byte) uint32 { return binary.LittleEndian.Uint32(rec[offRun:]) }

// KindOf returns a raw record's kind without decoding it. rec must hold at
// least [RecordSize] bytes.
func KindOf(rec []byte) cases.EventKind { return cases.EventKind(rec[offKind]) }
