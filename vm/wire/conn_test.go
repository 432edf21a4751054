// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/uring"
)

// stream is a one-way byte stream in memory.
type stream struct{ bytes.Buffer }

func (*stream) Close() error { return nil }

func frame(typ byte, payload []byte) []byte {
	f := append([]byte{'R', 'P', frameFormat, typ}, 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(f[4:], uint32(len(payload)))
	return append(f, payload...)
}

func nopRun() *Run {
	sqe := cases.SQE{Op: uring.OpNop, Label: "lead"}
	return &Run{ID: 7, Deadline: 5 * time.Second, Program: cases.Program{
		Name:  "three-nops",
		About: "A group of three NOPs.",
		Rules: []string{"G1"},
		Needs: []cases.Need{cases.NeedGroups},
		Rings: []cases.Ring{{Name: "r", Entries: 8}},
		Steps: []cases.Step{
			{Kind: cases.StepSubmit, SQEs: []cases.SQE{sqe, {Flags: 0x80}, {}}},
			{Kind: cases.StepWait, N: 3},
		},
	}}
}

func nopRan() *Ran {
	return &Ran{ID: 7, Events: bytes.Repeat([]byte{1, 2, 3, 4}, 14*24), Outcome: cases.Outcome{
		End:       cases.EndDone,
		Steps:     []cases.StepResult{{Ret: 3, Took: 40 * time.Microsecond}, {Ret: 3, Took: time.Microsecond}},
		CQEs:      []cases.CQE{{UserData: 2, Step: 1}, {UserData: 3, Step: 1}, {UserData: 1, Step: 1}},
		RingsGone: []bool{true},
		Evidence:  cases.Evidence{Events: 14, Probes: true},
		Took:      300 * time.Microsecond,
	}}
}

// fullRun sets every field, so that a field which the codec loses shows.
func fullRun() *Run {
	return &Run{ID: ^uint64(0), Deadline: -1, Coverage: true, Program: cases.Program{
		Name: "full", About: "two\nlines \xff\xfe", Rules: []string{"G1", ""}, Needs: []cases.Need{"x"},
		Rings:     []cases.Ring{{Name: "r", Entries: 1, CQEntries: 4096, Flags: ^uring.SetupFlags(0)}},
		Resources: []cases.Resource{{Name: "f", Kind: cases.ResEventFD, FS: cases.Ext4, Size: 1 << 20, Fill: 3, Direct: true, NonBlock: true}},
		Buffers:   []cases.Buffer{{Name: "b", Size: 4096, Fill: ^cases.Fill(0)}},
		Steps: []cases.Step{{
			Kind: cases.StepKill, Ring: -1, N: -5, Timeout: time.Hour, FD: cases.FD{Ref: 1, End: 1, Raw: -9, HasRaw: true},
			Fill: 9, Target: 3, CancelFlags: ^uint32(0),
			SQEs: []cases.SQE{{
				Label: "l", Op: 255, Flags: 255, IOPrio: 65535, FD: cases.FD{Raw: -1, HasRaw: true}, Off: ^uint64(0),
				Buf: cases.BufRef{Ref: 1, Off: 12}, Len: ^uint32(0), OpFlags: ^uint32(0), Target: 2,
				Timeout: -time.Second, HasInject: true, Inject: -22, BufIndex: 65535,
			}},
		}},
	}}
}

func fullRan() *Ran {
	return &Ran{ID: 1, Events: []byte{0, 255}, Fatal: true, Outcome: cases.Outcome{
		End: cases.EndTimeout, Error: "died \x80", Steps: []cases.StepResult{{Ret: -1, Errno: 62, Took: 1}},
		CQEs: []cases.CQE{{Ring: 1, UserData: ^uint64(0), Res: -125, Flags: ^uint32(0), Step: 4}},
		Data: []cases.Blob{{File: 1, Bytes: []byte("data")}, {Buffer: 2}}, RingsGone: []bool{true, false},
		Evidence: cases.Evidence{Events: 1, Lost: 2, Missed: 3, Probes: true},
		Hang: &cases.HangInfo{Step: 1, Stacks: []cases.TaskStack{{PID: 1, Comm: "c", State: "D", Stack: []string{"a", "b"}}},
			FDInfo: map[string]string{"r": "text"}, SysRq: []string{"x"}},
		Console: []string{"line"}, Took: time.Second, Coverage: []uint64{0, ^uint64(0)},
	}}
}

func messages() []any {
	return []any{
		&Hello{}, &Hello{Version: Version, BuildID: "ab", Nonce: ^uint64(0), Settings: &Settings{
			Profile: cases.Profile{Name: "v4", Groups: true, FeatureBit: 20, Kernel: cases.Kernel{RefsEnd: -1}},
			Probes:  true, RingBytes: 4096, TimeScale: 0.1}},
		&Hello{Guest: &GuestInfo{Release: "6.12", CPUs: 2, Ops: []uint8{0, 1}, Probes: []string{"p"},
			Missing: []string{"m: gone"}, Boot: time.Second, Ready: 2 * time.Second, Groups: true, GroupsWhy: "because"}},
		&Push{Size: 1 << 40, SHA256: "00"}, &PushData{Data: []byte{1}}, &PushData{}, &PushDone{SHA256: "00"},
		&Run{}, nopRun(), fullRun(), &Ran{}, nopRan(), fullRan(),
		&Log{Text: "hi"}, &Fault{Text: "no"}, &Ping{Nonce: 1}, &Pong{Nonce: 2},
		&Shell{Line: "ls /"}, &ShellOutput{Text: "a", Err: "b"}, &PowerOff{},
		&Copy{FS: "ext4", Direct: true, Size: 1 << 20, Block: 4096, QueueDepth: 8, Rounds: 4},
		&Copied{Err: "no", Runs: []CopyRun{{1, 2, CopyGrouped, time.Second, 3, 4}}},
	}
}

func TestRoundTrip(t *testing.T) {
	var s stream
	c := NewConn(&s)
	for _, m := range messages() {
		if err := c.Send(m); err != nil {
			t.Fatalf("Send(%T): %v", m, err)
		}
	}
	for _, want := range messages() {
		got, err := c.Recv()
		if err != nil {
			t.Fatalf("Recv of %T: %v", want, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%T changed on its way (-sent +received):\n%s", want, d)
		}
	}
	if _, err := c.Recv(); err != io.EOF {
		t.Errorf("Recv at the end: %v, want io.EOF", err)
	}
}

func TestRecvRefuses(t *testing.T) {
	big := frame(byte(typeLog), nil)
	binary.LittleEndian.PutUint32(big[4:], MaxPayload+1)
	deep := append(bytes.Repeat([]byte{0x81}, maxNesting+2), 0)
	tests := []struct {
		name, want string
		in         []byte
	}{
		{"garbage", "no frame starts with", []byte("Kernel panic - not syncing")},
		{"other format", "frame format 9", []byte{'R', 'P', 9, 1, 0, 0, 0, 0}},
		{"unknown type", "type 200: unexpected", frame(200, nil)},
		{"type zero", "type 0: unexpected", frame(0, nil)},
		{"host's message", "Run: unexpected", frame(byte(typeRun), []byte{0xa0})},
		{"oversized", "8388609 bytes of payload announced", big},
		{"empty payload", "Log: decode", frame(byte(typeLog), nil)},
		{"not CBOR", "Log: decode", frame(byte(typeLog), []byte{0xff, 0xff})},
		{"trailing bytes", "Log: decode", frame(byte(typeLog), []byte{0xa0, 0xa0})},
		{"too deep", "nested level", frame(byte(typeLog), deep)},
		{"huge array announced", "decode", frame(byte(typeRan), []byte{0x9a, 0xff, 0xff, 0xff, 0xff})},
		{"indefinite length", "decode", frame(byte(typeLog), []byte{0xbf, 0xff})},
		{"tag", "decode", frame(byte(typeLog), []byte{0xc1, 0x00})},
		{"wrong kind", "decode", frame(byte(typeLog), []byte{0x01})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s stream
			s.Write(tt.in)
			c := NewHostConn(&s)
			_, err := c.Recv()
			var fe *FrameError
			if !errors.As(err, &fe) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want a FrameError with %q", err, tt.want)
			}
			s.Write(frame(byte(typeLog), []byte{0xa0}))
			if _, again := c.Recv(); again != err {
				t.Errorf("after a FrameError Recv said %v, want the same error", again)
			}
		})
	}
}

func TestRecvCutShort(t *testing.T) {
	whole := frame(byte(typeLog), []byte{0xa0})
	for n := 1; n < len(whole); n++ {
		var s stream
		s.Write(whole[:n])
		if _, err := NewConn(&s).Recv(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of %d bytes: %v, want io.ErrUnexpectedEOF", n, len(whole), err)
		}
	}
}

func TestSendRefuses(t *testing.T) {
	var s stream
	c := NewConn(&s)
	var fe *FrameError
	if err := c.Send(Log{}); !errors.As(err, &fe) {
		t.Errorf("Send of a struct: %v", err)
	}
	if err := c.Send(&PushData{Data: make([]byte, MaxPayload)}); !errors.As(err, &fe) {
		t.Errorf("Send of too much: %v", err)
	}
	if s.Len() != 0 {
		t.Errorf("%d bytes of refused messages reached the stream", s.Len())
	}
	if err := c.Send(&Log{Text: "still usable"}); err != nil {
		t.Errorf("Send after a refusal: %v", err)
	}
}

func TestConcurrentSend(t *testing.T) {
	a, b := net.Pipe()
	ca, cb := NewConn(a), NewConn(b)
	const senders, each = 4, 50
	var wg sync.WaitGroup
	for range senders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range each {
				if err := ca.Send(nopRun()); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for range senders * each {
		if m, err := cb.Recv(); err != nil {
			t.Fatal(err)
		} else if d := cmp.Diff(nopRun(), m); d != "" {
			t.Fatal(d)
		}
	}
	wg.Wait()
	ca.Close()
	if err := ca.Send(&Ping{}); err != ErrClosed {
		t.Errorf("Send after Close: %v, want ErrClosed", err)
	}
	if _, err := ca.Recv(); err != ErrClosed {
		t.Errorf("Recv after Close: %v, want ErrClosed", err)
	}
}

// TestCompactTwin checks what compact relies on: the twin has the layout of its original.
func TestCompactTwin(t *testing.T) {
	var same func(a, b reflect.Type)
	same = func(a, b reflect.Type) {
		if a.Kind() != b.Kind() || a.Size() != b.Size() || a.Align() != b.Align() {
			t.Errorf("%v and its twin differ: %v", a, b)
			return
		}
		switch a.Kind() {
		case reflect.Pointer, reflect.Slice:
			same(a.Elem(), b.Elem())
		case reflect.Struct:
			for i := range a.NumField() {
				if a.Field(i).Offset != b.Field(i).Offset || a.Field(i).Name != b.Field(i).Name {
					t.Errorf("%v.%s has another place in the twin", a, a.Field(i).Name)
				}
				same(a.Field(i).Type, b.Field(i).Type)
			}
		default:
			if a != b {
				t.Errorf("%v became %v", a, b)
			}
		}
	}
	same(reflect.TypeFor[Run](), compactOf(reflect.TypeFor[Run]()))
}

func FuzzFrame(f *testing.F) {
	var all stream
	for _, m := range messages() {
		var s stream
		if err := NewConn(&s).Send(m); err != nil {
			f.Fatal(err)
		}
		f.Add(s.Bytes())
		f.Add(s.Bytes()[:s.Len()/2])
		all.Write(s.Bytes())
	}
	f.Add(all.Bytes())
	f.Add([]byte("[    1.000000] Kernel panic - not syncing: Attempted to kill init!\n"))
	f.Add([]byte{'R', 'P', frameFormat, byte(typeRan), 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		var s stream
		s.Write(data)
		c := NewHostConn(&s)
		for {
			m, err := c.Recv()
			if err != nil {
				return
			}
			// What was accepted can be sent on, and is the same afterwards.
			var s2 stream
			c2 := NewConn(&s2)
			if err := c2.Send(m); err != nil {
				t.Fatalf("send what was received (%T): %v", m, err)
			}
			again, err := c2.Recv()
			if err != nil {
				t.Fatalf("receive what was sent (%T): %v", m, err)
			}
			if d := cmp.Diff(m, again, cmp.Comparer(sameFloat), cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("%T changed on its way:\n%s", m, d)
			}
		}
	})
}

// sameFloat takes NaN for equal to itself.
func sameFloat(a, b float64) bool { return a == b || a != a && b != b }

func BenchmarkRunRan(b *testing.B) {
	for _, bm := range []struct {
		name string
		msg  any
	}{{"Run", nopRun()}, {"Ran", nopRan()}} {
		var s stream
		c := NewConn(&s)
		if err := c.Send(bm.msg); err != nil {
			b.Fatal(err)
		}
		wire := bytes.Clone(s.Bytes())
		b.Run(bm.name+"/send", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Reset()
				c.Send(bm.msg)
			}
			b.ReportMetric(float64(len(wire)), "wire-bytes")
		})
		b.Run(bm.name+"/recv", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Reset()
				s.Write(wire)
				if _, err := c.Recv(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
