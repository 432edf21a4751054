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
	"testing/synctest"
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
	f := append(make([]byte, HeaderLen), payload...)
	seal(f, msgType(typ), 0)
	return f
}

// resealed makes the sums of all frames in b right, as far as b is frames.
func resealed(b []byte) []byte {
	b = bytes.Clone(b)
	for rest := b; len(rest) >= HeaderLen; {
		end := HeaderLen + min(len(rest)-HeaderLen, int(binary.LittleEndian.Uint32(rest[4:])&(MaxPayload-1)))
		seal(rest[:end], msgType(rest[3]), 0)
		rest = rest[end:]
	}
	return b
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
		Console: []string{"line"}, Took: time.Second, Coverage: &cases.Coverage{PCs: []uint64{0, ^uint64(0)}, Edges: []uint32{1}, Full: true, Lacks: []string{"why"}},
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
	announce := func(n uint32) []byte {
		f := frame(byte(typeLog), nil)
		binary.LittleEndian.PutUint32(f[4:], n)
		binary.LittleEndian.PutUint32(f[HeaderLen-4:], sum32(f[:HeaderLen-4]))
		return f
	}
	altered := func(at int) []byte {
		f := frame(byte(typeLog), []byte{0xa0})
		f[at] ^= 0x10
		return f
	}
	deep := append(bytes.Repeat([]byte{0x81}, maxNesting+2), 0)
	tests := []struct {
		name, want string
		in         []byte
	}{
		{"garbage", "no frame starts with", []byte("Kernel panic - not syncing")},
		{"other format", "frame format 9", append([]byte{'R', 'P', 9, 1}, make([]byte, HeaderLen-4)...)},
		{"unknown type", "type 200: unexpected", frame(200, nil)},
		{"type zero", "type 0: unexpected", frame(0, nil)},
		{"host's message", "Run: unexpected", frame(byte(typeRun), []byte{0xa0})},
		{"oversized", "8388609 bytes of payload announced", announce(MaxPayload + 1)},
		{"altered length", "checksum of a frame's header", altered(6)},
		{"altered type", "checksum of a frame's header", altered(3)},
		{"altered number", "checksum of a frame's header", altered(8)},
		{"altered sum", "checksum of a frame's header", altered(15)},
		{"altered payload", "they were altered on their way", altered(HeaderLen)},
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

// Any one bit that is altered on its way is noticed: in a payload it may be the result of a
// request, and CBOR does not mind.
func TestEveryBitCounts(t *testing.T) {
	whole := sent(t, nopRan())
	silently := 0 // flips after which the payload is a message still
	for bit := range 8 * len(whole) {
		altered := bytes.Clone(whole)
		altered[bit/8] ^= 1 << (bit % 8)
		if bit/8 >= HeaderLen && decode(altered[HeaderLen:], new(Ran)) == nil {
			silently++
		}
		var s stream
		s.Write(altered)
		if m, err := NewHostConn(&s).Recv(); err == nil {
			t.Errorf("bit %d of byte %d was altered, and a %T came", bit%8, bit/8, m)
		}
	}
	if silently == 0 {
		t.Error("no flip gives another message: the sum has nothing to do here")
	}
	t.Logf("%d of %d flips in the payload make another message of it", silently, 8*(len(whole)-HeaderLen))
}

// sent is the frame of each message, as one side sends them.
func sent(t *testing.T, msgs ...any) []byte {
	t.Helper()
	var s stream
	c := NewConn(&s)
	for _, m := range msgs {
		if err := c.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	return s.Bytes()
}

func TestNextFrame(t *testing.T) {
	all := sent(t, messages()...)
	n := 0
	for rest := all; len(rest) > 0; n++ {
		var frame []byte
		if frame, rest = NextFrame(rest); frame == nil {
			t.Fatalf("%d bytes are left", len(rest))
		}
		if short, same := NextFrame(frame[:len(frame)-1]); short != nil || len(same) != len(frame)-1 {
			t.Fatal("a frame that is not complete was taken for one")
		}
	}
	if n != len(messages()) {
		t.Errorf("%d frames, want %d", n, len(messages()))
	}
}

func TestFramesLostAndDoubled(t *testing.T) {
	ping := func(n uint64) []byte {
		return sent(t, &Ping{0}, &Ping{1}, &Ping{2}, &Ping{3})[n*uint64(len(sent(t, &Ping{0}))):][:len(sent(t, &Ping{0}))]
	}
	for _, tt := range []struct {
		name   string
		frames []uint64
		good   int // how many are taken
	}{
		{"in order", []uint64{0, 1, 2, 3}, 4},
		{"one is lost", []uint64{0, 2, 3}, 1},
		{"one is doubled", []uint64{0, 1, 1, 2}, 2},
		{"two change places", []uint64{0, 2, 1, 3}, 1},
		{"met midway", []uint64{2, 3}, 2},
		{"the other side begins anew", []uint64{2, 3, 0, 1}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s stream
			for _, n := range tt.frames {
				s.Write(ping(n))
			}
			c := NewConn(&s)
			good := 0
			var err error
			for ; err == nil; good++ {
				_, err = c.Recv()
			}
			good--
			var fe *FrameError
			if good != tt.good || (errors.As(err, &fe) && strings.Contains(err.Error(), "lost or doubled")) != (tt.good < len(tt.frames)) {
				t.Errorf("%d frames were taken, then %v; want %d", good, err, tt.good)
			}
		})
	}
}

// A frame of which the rest does not come ends the channel, however much
// other traffic there is; one that comes slowly is waited for.
func TestPatience(t *testing.T) {
	whole := sent(t, &Log{Text: strings.Repeat("x", 3000)})
	for _, tt := range []struct {
		name  string
		feed  func(w io.Writer)
		alive bool
	}{
		{"slowly", func(w io.Writer) {
			for i := range whole {
				w.Write(whole[i : i+1])
				time.Sleep(time.Millisecond)
			}
		}, true},
		{"cut short", func(w io.Writer) { w.Write(whole[:len(whole)-1]) }, false},
		{"cut within its header", func(w io.Writer) { w.Write(whole[:HeaderLen-1]) }, false},
		{"cut short, then a beat per second", func(w io.Writer) {
			w.Write(whole[:100])
			for range 20 {
				time.Sleep(time.Second)
				w.Write(whole[:30])
			}
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				c := NewConn(near)
				c.SetPatience(5 * time.Second)
				fed := make(chan struct{})
				go func() { defer close(fed); tt.feed(far) }()
				began := time.Now()
				_, err := c.Recv()
				var fe *FrameError
				if alive := err == nil; alive != tt.alive || !alive && !errors.As(err, &fe) {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				c.Close()
				far.Close()
				<-fed
			})
		})
	}
}

// Between frames there is no hurry.
func TestPatienceIsForFramesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := NewConn(near)
		c.SetPatience(time.Second)
		go func() {
			for range 3 {
				for _, b := range sent(t, &Ping{}) { // byte by byte, so that the bound is set each time
					far.Write([]byte{b})
				}
				time.Sleep(time.Hour)
			}
			far.Close()
		}()
		for range 3 {
			if _, err := c.Recv(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Recv(); err != io.EOF {
			t.Error(err)
		}
	})
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
	f.Add([]byte{'R', 'P', Format, byte(typeRan), 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		acceptsAndSendsOn(t, data)
		acceptsAndSendsOn(t, resealed(data)) // else nothing gets beyond the sums
	})
}

// acceptsAndSendsOn receives all that there is. What was accepted can be sent
// on, and is the same afterwards.
func acceptsAndSendsOn(t *testing.T, data []byte) {
	var s stream
	s.Write(data)
	c := NewHostConn(&s)
	for {
		m, err := c.Recv()
		if err != nil {
			return
		}
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
