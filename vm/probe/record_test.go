// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/noise"
)

// encode is what the BPF programs do with a record.
func encode(t testing.TB, rs ...objectsRecord) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := binary.Write(&buf, binary.LittleEndian, rs); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func full() objectsRecord {
	return objectsRecord{
		Time: 1 << 60, Req: 0xffff888012345600, UserData: 7, Flags: 1<<40 | 4, Leader: 0xffff888012345700,
		Arg: 1 << 33, Run: 0xfffffffe, Gen: 12, Tid: 100, Tgid: 99, Res: -125, Refs: -2, GroupRefs: -1,
		Cpu: 300, Kind: uint8(cases.EvTaskExit), Ring: 255, Op: 57, Bits: bitWorker | bitGroupRefs,
	}
}

func TestDecode(t *testing.T) {
	want := Record{Run: 0xfffffffe, Event: cases.Event{
		Time: 1 << 60, Kind: cases.EvTaskExit, CPU: 300, TID: 100, TGID: 99, Worker: true, Ring: 255,
		Req: 0xffff888012345600, Gen: 12, UserData: 7, Op: 57, Flags: 1<<40 | 4, Refs: -2, GroupRefs: -1,
		HasGroupRefs: true, Leader: 0xffff888012345700, Res: -125, Arg: 1 << 33,
	}}
	got, err := Decode(encode(t, full(), full()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Record{want, want}, got); diff != "" {
		t.Error(diff)
	}
	raw := encode(t, full())
	if RunOf(raw) != want.Run || KindOf(raw) != want.Kind {
		t.Errorf("RunOf, KindOf = %d, %v", RunOf(raw), KindOf(raw))
	}
	if got, err := Decode(nil); err != nil || len(got) != 0 {
		t.Errorf("Decode(nil) = %v, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := encode(t, full())
	change := func(off int, b byte) []byte {
		raw := bytes.Clone(good)
		raw[off] = b
		return append(bytes.Clone(good), raw...)
	}
	for name, tc := range map[string]struct {
		raw  []byte
		want string
	}{
		"short":        {append(bytes.Clone(good), good[:RecordSize-1]...), "87 bytes left"},
		"kind none":    {change(offKind, 0), "unknown event kind 0"},
		"kind unknown": {change(offKind, uint8(cases.EvTaskExit)+1), "unknown event kind 20"},
		"bits":         {change(offBits, 4), "unknown bits 0x4"},
		"reserved":     {change(RecordSize-1, 1), "reserved"},
	} {
		t.Run(name, func(t *testing.T) {
			recs, err := Decode(tc.raw)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "record 1") {
				t.Errorf("error %v, want record 1 and %q", err, tc.want)
			}
			if len(recs) != 1 {
				t.Errorf("%d records before the bad one, want 1", len(recs))
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(encode(f, full()))
	f.Fuzz(func(t *testing.T, raw []byte) {
		recs, err := Decode(raw)
		if err == nil && len(recs)*RecordSize != len(raw) {
			t.Errorf("%d bytes became %d records without an error", len(raw), len(recs))
		}
	})
}

// The C structures are the contract; what Go assumes of them must follow.
func TestLayout(t *testing.T) {
	var r objectsRecord
	var c objectsControl
	var e objectsEntry
	var q objectsQueue
	for _, x := range []struct {
		name      string
		got, want uintptr
	}{
		{"record", unsafe.Sizeof(r), RecordSize},
		{"record.time", unsafe.Offsetof(r.Time), offTime},
		{"record.req", unsafe.Offsetof(r.Req), offReq},
		{"record.user_data", unsafe.Offsetof(r.UserData), offUserData},
		{"record.flags", unsafe.Offsetof(r.Flags), offFlags},
		{"record.leader", unsafe.Offsetof(r.Leader), offLeader},
		{"record.arg", unsafe.Offsetof(r.Arg), offArg},
		{"record.run", unsafe.Offsetof(r.Run), offRun},
		{"record.gen", unsafe.Offsetof(r.Gen), offGen},
		{"record.tid", unsafe.Offsetof(r.Tid), offTID},
		{"record.tgid", unsafe.Offsetof(r.Tgid), offTGID},
		{"record.res", unsafe.Offsetof(r.Res), offRes},
		{"record.refs", unsafe.Offsetof(r.Refs), offRefs},
		{"record.group_refs", unsafe.Offsetof(r.GroupRefs), offGroupRefs},
		{"record.cpu", unsafe.Offsetof(r.Cpu), offCPU},
		{"record.kind", unsafe.Offsetof(r.Kind), offKind},
		{"record.ring", unsafe.Offsetof(r.Ring), offRing},
		{"record.op", unsafe.Offsetof(r.Op), offOp},
		{"record.bits", unsafe.Offsetof(r.Bits), offBits},
		{"record.reserved", unsafe.Offsetof(r.Reserved), offReserved},
		{"entry", unsafe.Sizeof(e), entrySize},
		{"entry.record", unsafe.Offsetof(e.Record), 0},
		{"entry.seq", unsafe.Offsetof(e.Seq), offSeq},
		{"queue", unsafe.Sizeof(q), queueSize},
		{"queue.tail", unsafe.Offsetof(q.Tail), offTail},
		{"control", unsafe.Sizeof(c), unsafe.Sizeof(control{})},
		{"control.tgid", unsafe.Offsetof(c.Tgid), unsafe.Offsetof(control{}.TGID)},
		{"control.run", unsafe.Offsetof(c.Run), unsafe.Offsetof(control{}.Run)},
		{"control.slot", unsafe.Offsetof(c.Slot), unsafe.Offsetof(control{}.Slot)},
		{"control.ring", unsafe.Offsetof(c.Ring), unsafe.Offsetof(control{}.Ring)},
		{"control.lost", unsafe.Offsetof(c.Lost), unsafe.Offsetof(control{}.Lost)},
		{"control.slots", unsafe.Offsetof(c.Slots), unsafe.Offsetof(control{}.Slots)},
		{"number of slots", uintptr(len(c.Slots)), Slots},
		{"slot", unsafe.Sizeof(c.Slots[0]), unsafe.Sizeof(slot{})},
		{"slot.completed", unsafe.Offsetof(c.Slots[0].Completed), unsafe.Offsetof(slot{}.Completed)},
		{"slot.freed", unsafe.Offsetof(c.Slots[0].Freed), unsafe.Offsetof(slot{}.Freed)},
		{"control.noisy", unsafe.Offsetof(c.Noisy), unsafe.Offsetof(control{}.Noisy)},
		{"control.sched", unsafe.Offsetof(c.Sched), unsafe.Offsetof(control{}.Sched)},
		{"sched", unsafe.Sizeof(c.Sched), unsafe.Sizeof(schedControl{})},
		{"sched.stray", unsafe.Offsetof(c.Sched.Stray), unsafe.Offsetof(schedControl{}.Stray)},
		{"sched.decisions", unsafe.Offsetof(c.Sched.Decisions), unsafe.Offsetof(schedControl{}.Decisions)},
		{"sched.exit_kind", unsafe.Offsetof(c.Sched.ExitKind), unsafe.Offsetof(schedControl{}.ExitKind)},
		{"sched.loaded", unsafe.Offsetof(c.Sched.Loaded), unsafe.Offsetof(schedControl{}.Loaded)},
		{"slot.noise", unsafe.Offsetof(c.Slots[0].Noise), unsafe.Offsetof(slot{}.Noise)},
		{"noise.budget", unsafe.Offsetof(c.Slots[0].Noise.Budget), unsafe.Offsetof(noiseControl{}.Budget)},
		{"noise.spent", unsafe.Offsetof(c.Slots[0].Noise.Spent), unsafe.Offsetof(noiseControl{}.Spent)},
		{"noise.waits", unsafe.Offsetof(c.Slots[0].Noise.Waits), unsafe.Offsetof(noiseControl{}.Waits)},
		{"noise.delay", unsafe.Offsetof(c.Slots[0].Noise.Delay), unsafe.Offsetof(noiseControl{}.Delay)},
		{"delay", unsafe.Sizeof(c.Slots[0].Noise.Delay[0]), unsafe.Sizeof(delay{})},
		{"room for hooks", min(hookRoom, uintptr(noise.Hooks)), uintptr(noise.Hooks)},
		{"slot.gone", unsafe.Offsetof(c.Slots[0].Gone), unsafe.Offsetof(slot{}.Gone)},
	} {
		if x.got != x.want {
			t.Errorf("%s: C has %d, Go %d", x.name, x.got, x.want)
		}
	}
}
