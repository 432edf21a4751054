// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ringproof/ringproof/cases"
)

// message is a decoded protobuf message: per field number its values, as
// uint64 for varints and fixed64, as []byte for what has a length.
type message map[protowire.Number][]any

func decode(t *testing.T, b []byte) message {
	t.Helper()
	m := message{}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal("tag:", protowire.ParseError(n))
		}
		b = b[n:]
		var v any
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			var x []byte
			if len(b) < 8 {
				t.Fatalf("field %d: cut off", num)
			}
			x, n = b[:8], 8
			v = binary.LittleEndian.Uint64(x)
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		default:
			t.Fatalf("field %d: wire type %d", num, typ)
		}
		if n < 0 {
			t.Fatalf("field %d: %v", num, protowire.ParseError(n))
		}
		m[num] = append(m[num], v)
		b = b[n:]
	}
	return m
}

func (m message) num(n protowire.Number) uint64 {
	if len(m[n]) == 0 {
		return 0
	}
	v, _ := m[n][0].(uint64)
	return v
}

func (m message) text(n protowire.Number) string {
	if len(m[n]) == 0 {
		return ""
	}
	b, _ := m[n][0].([]byte)
	return string(b)
}

// The field numbers are written out here once more, from the .proto files
// named in perfetto.go, so that a slip of the constants shows.

func TestPerfetto(t *testing.T) {
	r := fakeRun(t)
	trace := decode(t, []byte(renderAll(t)[TraceFile]))
	for n := range trace {
		if n != 1 {
			t.Fatalf("Trace has a field %d", n)
		}
	}
	names := map[uint64]string{}   // track → name
	parents := map[uint64]uint64{} // track → process track
	open := map[uint64][]string{}  // track → names of open slices
	clock := map[uint64]uint64{}   // track → time of its last event
	events := map[uint64][]message{}
	flows := map[uint64]int{}
	for i, raw := range trace[1] {
		p := decode(t, raw.([]byte))
		if p.num(10) == 0 {
			t.Fatalf("packet %d has no trusted_packet_sequence_id", i)
		}
		if first := i == 0; first != (p.num(13) == 1) || first != (p.num(87) == 1) {
			t.Errorf("packet %d: sequence_flags %d, first_packet_on_sequence %d", i, p.num(13), p.num(87))
		}
		if d := p[60]; d != nil { // TrackDescriptor
			m := decode(t, d[0].([]byte))
			uuid := m.num(1)
			if uuid == 0 || names[uuid] != "" {
				t.Errorf("track %d is 0 or comes twice", uuid)
			}
			names[uuid], parents[uuid] = m.text(2), m.num(5)
			if process := m[3]; process != nil {
				if d := decode(t, process[0].([]byte)); d.num(1) == 0 || d.text(6) != m.text(2) || m.num(11) != 3 {
					t.Errorf("process track %d: pid %d, name %q, ordering %d", uuid, d.num(1), d.text(6), m.num(11))
				}
			} else if names[m.num(5)] == "" {
				t.Errorf("track %q comes before its process", m.text(2))
			}
			continue
		}
		e := decode(t, p[11][0].([]byte))
		track := e.num(11)
		if names[track] == "" {
			t.Fatalf("packet %d is on track %d, which has no descriptor", i, track)
		}
		if p.num(8) < clock[track] {
			t.Errorf("packet %d on %q steps back in time", i, names[track])
		}
		clock[track] = p.num(8)
		for _, f := range e[47] {
			flows[f.(uint64)]++
		}
		switch e.num(9) {
		case 1:
			open[track] = append(open[track], e.text(23))
		case 2:
			if len(open[track]) == 0 {
				t.Fatalf("packet %d on %q ends a slice that was not begun", i, names[track])
			}
			open[track] = open[track][:len(open[track])-1]
		case 3:
			e[8] = p[8] // the packet's time, for below
			events[parents[track]] = append(events[parents[track]], e)
		default:
			t.Errorf("packet %d has type %d", i, e.num(9))
		}
	}
	for track, names := range open {
		if len(names) > 0 {
			t.Errorf("track %d: slices %q are never ended", track, names)
		}
	}
	for id, n := range flows {
		if n != 2 {
			t.Errorf("flow %d is at %d events, want 2", id, n)
		}
	}
	for ci := range r.Cases {
		var want []cases.Event
		if o := r.Cases[ci].Outcome; o != nil {
			want = o.Events
		}
		got := events[uint64(ci+1)<<32]
		if len(got) != len(want) {
			t.Errorf("%s: %d instants for %d events", r.Cases[ci].Name, len(got), len(want))
			continue
		}
		for i := range want {
			comparePerfetto(t, r.Cases[ci].Name, i, &want[i], got[i], names)
		}
	}
}

// comparePerfetto holds one instant against the event that it stands for.
func comparePerfetto(t *testing.T, name string, i int, want *cases.Event, got message, names map[uint64]string) {
	t.Helper()
	ann := map[string]any{}
	for _, raw := range got[4] {
		m := decode(t, raw.([]byte))
		switch {
		case m[2] != nil:
			ann[m.text(10)] = m.num(2) == 1
		case m[3] != nil:
			ann[m.text(10)] = m.num(3)
		case m[4] != nil:
			ann[m.text(10)] = int64(m.num(4))
		case m[6] != nil:
			ann[m.text(10)] = m.text(6)
		case m[7] != nil:
			ann[m.text(10)] = m.num(7)
		}
	}
	if got.num(8) != want.Time || got.text(23) != want.Kind.String() || got.text(22) != "event" {
		t.Errorf("%s event %d: %s at %d, want %s at %d", name, i, got.text(23), got.num(8), want.Kind, want.Time)
	}
	if ann["index"] != uint64(i) || ann["cpu"] != uint64(want.CPU) || ann["tid"] != uint64(want.TID) || ann["worker"] != want.Worker {
		t.Errorf("%s event %d: annotations %v, want %+v", name, i, ann, want)
	}
	if want.Req != 0 && (ann["req"] != want.Req || ann["user_data"] != want.UserData || ann["gen"] != uint64(want.Gen)) {
		t.Errorf("%s event %d: annotations %v, want %+v", name, i, ann, want)
	}
	if resText(want) != "" && ann["res"] != int64(want.Res) {
		t.Errorf("%s event %d: res %v, want %d", name, i, ann["res"], want.Res)
	}
	if want.HasGroupRefs && ann["group_refs"] != int64(want.GroupRefs) {
		t.Errorf("%s event %d: group_refs %v, want %d", name, i, ann["group_refs"], want.GroupRefs)
	}
	track := names[got.num(11)]
	if want.Req != 0 && !strings.HasPrefix(name, "hostile") {
		number, _, _ := strings.Cut(strings.TrimPrefix(track, "@"), " ")
		if n, err := strconv.Atoi(number); err != nil || uint64(n) != want.UserData {
			t.Errorf("%s event %d of user_data %d is on track %q", name, i, want.UserData, track)
		}
	}
}

func TestPerfettoTracks(t *testing.T) {
	c := fakeLeaderFirst(t)
	var b strings.Builder
	r := &Run{Kernel: Kernel{Profile: "v4", Version: "6.12.1"}}
	if err := writePerfetto(&b, r, []*view{newView(&c, r.profile())}); err != nil {
		t.Fatal(err)
	}
	var tracks []string
	var violates []string
	for _, raw := range decode(t, []byte(b.String()))[1] {
		p := decode(t, raw.([]byte))
		if d := p[60]; d != nil {
			tracks = append(tracks, decode(t, d[0].([]byte)).text(2))
			continue
		}
		e := decode(t, p[11][0].([]byte))
		for _, a := range e[4] {
			if m := decode(t, a.([]byte)); strings.HasPrefix(m.text(10), "violates ") {
				violates = append(violates, e.text(23)+" "+m.text(10))
			}
		}
	}
	if diff := cmp.Diff([]string{"group-leader-last [FAIL]", "@1 nop lead (leader of group 1)", "@2 nop m1 (member of group 1)", "@3 nop m2 (member of group 1)", "ring r0"}, tracks); diff != "" {
		t.Error(diff)
	}
	slices.Sort(violates)
	if diff := cmp.Diff([]string{"complete violates G4", "complete violates G4", "free violates G10"}, violates); diff != "" {
		t.Error(diff)
	}
}
