// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ringproof/ringproof/cases"
)

// Field numbers of the Perfetto protocol, from
// protos/perfetto/trace/trace.proto, trace_packet.proto and
// track_event/{track_event,track_descriptor,process_descriptor,debug_annotation}.proto
// of github.com/google/perfetto.
const (
	traceFieldPacket protowire.Number = 1 // Trace.packet

	packetTimestamp       protowire.Number = 8  // TracePacket.timestamp, ns
	packetSequenceID      protowire.Number = 10 // .trusted_packet_sequence_id
	packetTrackEvent      protowire.Number = 11 // .track_event
	packetSequenceFlags   protowire.Number = 13 // .sequence_flags
	packetTrackDescriptor protowire.Number = 60 // .track_descriptor
	packetFirstOnSequence protowire.Number = 87 // .first_packet_on_sequence

	trackUUID          protowire.Number = 1  // TrackDescriptor.uuid
	trackName          protowire.Number = 2  // .name
	trackProcess       protowire.Number = 3  // .process
	trackParentUUID    protowire.Number = 5  // .parent_uuid
	trackChildOrdering protowire.Number = 11 // .child_ordering
	trackSiblingRank   protowire.Number = 12 // .sibling_order_rank

	processPID  protowire.Number = 1 // ProcessDescriptor.pid
	processName protowire.Number = 6 // .process_name

	eventDebugAnnotations protowire.Number = 4  // TrackEvent.debug_annotations
	eventType             protowire.Number = 9  // .type
	eventTrackUUID        protowire.Number = 11 // .track_uuid
	eventCategories       protowire.Number = 22 // .categories
	eventName             protowire.Number = 23 // .name
	eventFlowIDs          protowire.Number = 47 // .flow_ids, fixed64

	annotationBool    protowire.Number = 2  // DebugAnnotation.bool_value
	annotationUint    protowire.Number = 3  // .uint_value
	annotationInt     protowire.Number = 4  // .int_value
	annotationString  protowire.Number = 6  // .string_value
	annotationPointer protowire.Number = 7  // .pointer_value
	annotationName    protowire.Number = 10 // .name
)

// Values of the enums behind those fields.
const (
	typeSliceBegin uint64 = 1 // TrackEvent.TYPE_SLICE_BEGIN
	typeSliceEnd   uint64 = 2 // TYPE_SLICE_END
	typeInstant    uint64 = 3 // TYPE_INSTANT

	orderingExplicit           uint64 = 3 // TrackDescriptor.ChildTracksOrdering.EXPLICIT
	incrementalStateCleared    uint64 = 1 // TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
	traceSequence              uint64 = 1 // ours: one writer
	categoryEvent, categoryRun        = "event", "phase"
)

// writePerfetto writes a trace in Perfetto's TrackEvent format: one process
// per case, one track per request in it, slices for a request's life and its
// phases, an instant for each event with its details as annotations, and
// flows from a leader to its members and along links. Timestamps are the
// guest's CLOCK_MONOTONIC, which stands for the trace's default clock BOOTTIME:
// a guest is never suspended. Cases that ran in guests restored from one
// snapshot therefore overlap in time; each is its own process.
func writePerfetto(w io.Writer, r *Run, views []*view) error {
	t := &traceWriter{w: w, is612: r.is612()}
	for i, v := range views {
		t.program(i, v)
	}
	return t.err
}

type traceWriter struct {
	w     io.Writer
	is612 bool
	begun bool
	flows uint64
	err   error
}

func (t *traceWriter) packet(body []byte) {
	body = appendVarint(body, packetSequenceID, traceSequence)
	if !t.begun {
		body = appendVarint(body, packetSequenceFlags, incrementalStateCleared)
		body = appendVarint(body, packetFirstOnSequence, 1)
		t.begun = true
	}
	if t.err == nil {
		_, t.err = t.w.Write(appendMessage(nil, traceFieldPacket, body))
	}
}

// UUIDs of tracks: the case's number above, the lane's below; never 0.
func caseUUID(ci int) uint64     { return uint64(ci+1) << 32 }
func laneUUID(ci, li int) uint64 { return caseUUID(ci) | uint64(li+1) }

func (t *traceWriter) program(ci int, v *view) {
	name := v.c.Name + " [" + string(v.c.Verdict.Status) + "]"
	process := appendVarint(nil, processPID, uint64(ci+1)) // the guest's PIDs repeat after a restore
	process = appendText(process, processName, name)
	d := appendVarint(nil, trackUUID, caseUUID(ci))
	d = appendText(d, trackName, name)
	d = appendMessage(d, trackProcess, process)
	d = appendVarint(d, trackChildOrdering, orderingExplicit)
	t.packet(appendMessage(nil, packetTrackDescriptor, d))
	digits := len(strconv.Itoa(len(v.lanes)))
	for li := range v.lanes {
		l := &v.lanes[li]
		d := appendVarint(nil, trackUUID, laneUUID(ci, li))
		d = appendVarint(d, trackParentUUID, caseUUID(ci))
		d = appendText(d, trackName, trackTitle(l, digits))
		d = appendVarint(d, trackSiblingRank, uint64(li))
		t.packet(appendMessage(nil, packetTrackDescriptor, d))
	}
	if v.c.Outcome == nil {
		return
	}
	t.events(ci, v, v.flowIDs(&t.flows))
}

// trackTitle pads the number, since the UI orders children of a process by name.
func trackTitle(l *lane, digits int) string {
	if l.SQE < 0 {
		return l.Name
	}
	s := fmt.Sprintf("@%0*d %s", digits, l.SQE+1, l.Op)
	if l.Label != "" {
		s += " " + l.Label
	}
	if l.Role != "" {
		s += fmt.Sprintf(" (%s of group %d)", l.Role, l.Group+1)
	}
	return s
}

// events writes all of a case's packets in time order: at each event the
// phases that end, then the instant, then the phases that begin around it.
func (t *traceWriter) events(ci int, v *view, flows map[int][]uint64) {
	events := v.c.Outcome.Events
	ends, begins := map[int]int{}, map[int][]phase{} // by event: how many phases end, which begin
	last := map[int]bool{}                           // events at which a lane's life ends
	clock := make([]uint64, len(v.lanes))            // per lane: slices nest only if time never steps back
	for li := range v.lanes {
		l := &v.lanes[li]
		for _, p := range l.Phases {
			to := p.To
			if to < 0 {
				to = l.Events[len(l.Events)-1]
			}
			if p.From != to {
				begins[p.From] = append(begins[p.From], p)
				ends[to]++
			}
		}
		if l.SQE >= 0 && len(l.Events) > 1 {
			last[l.Events[len(l.Events)-1]] = true
		}
	}
	for i := range events {
		e := &events[i]
		li := v.laneOf[i]
		l := &v.lanes[li]
		track := laneUUID(ci, li)
		clock[li] = max(clock[li], e.Time)
		now := clock[li]
		for range ends[i] {
			t.event(now, typeSliceEnd, track, "", "")
		}
		if l.SQE >= 0 && len(l.Events) > 1 && l.Events[0] == i {
			t.event(now, typeSliceBegin, track, categoryRun, l.title(), note("sqe", l.Text), note("flags", l.Flags))
		}
		t.instant(v, i, now, track, flows[i])
		for _, p := range begins[i] {
			t.event(now, typeSliceBegin, track, categoryRun, string(p.Kind))
		}
		if last[i] {
			t.event(now, typeSliceEnd, track, "", "")
		}
	}
}

func (t *traceWriter) event(time, kind, track uint64, category, name string, fields ...[]byte) {
	b := appendVarint(nil, eventType, kind)
	b = appendVarint(b, eventTrackUUID, track)
	if name != "" {
		b = appendText(b, eventCategories, category)
		b = appendText(b, eventName, name)
	}
	for _, f := range fields {
		b = append(b, f...)
	}
	t.packet(appendMessage(appendVarint(nil, packetTimestamp, time), packetTrackEvent, b))
}

func (t *traceWriter) instant(v *view, i int, now, track uint64, flows []uint64) {
	e := &v.c.Outcome.Events[i]
	fields := [][]byte{
		annotate("index", annotationUint, uint64(i)),
		annotate("cpu", annotationUint, uint64(e.CPU)),
		annotate("tid", annotationUint, uint64(e.TID)),
		annotate("worker", annotationBool, protowire.EncodeBool(e.Worker)),
	}
	if e.Req != 0 {
		fields = append(fields, annotate("req", annotationPointer, e.Req), annotate("gen", annotationUint, uint64(e.Gen)),
			annotate("user_data", annotationUint, e.UserData), note("flags", flagWords(e.Flags, t.is612)))
	}
	if s := resText(e); s != "" {
		fields = append(fields, annotate("res", annotationInt, uint64(int64(e.Res))), note("result", s))
	}
	if refsText(e) != "" {
		fields = append(fields, annotate("refs", annotationInt, uint64(int64(e.Refs))))
	}
	if e.HasGroupRefs {
		fields = append(fields, annotate("group_refs", annotationInt, uint64(int64(e.GroupRefs))))
	}
	if n := v.cqeOf[i]; n > 0 {
		fields = append(fields, annotate("cqe", annotationUint, uint64(n)))
	}
	fields = append(fields, note("detail", v.argText[i]))
	for n := range v.c.Verdict.Violations {
		x := &v.c.Verdict.Violations[n]
		for _, bad := range x.Events {
			if bad == i {
				fields = append(fields, note("violates "+x.Rule, x.Text))
			}
		}
	}
	for _, id := range flows {
		fields = append(fields, protowire.AppendFixed64(protowire.AppendTag(nil, eventFlowIDs, protowire.Fixed64Type), id))
	}
	t.event(now, typeInstant, track, categoryEvent, e.Kind.String(), fields...)
}

// flowIDs gives the events between which arrows go their flow IDs: from a
// leader's submission to each member's, and from the completion of each
// chain element to the first issue (or completion, if cancelled) of the next.
func (v *view) flowIDs(next *uint64) map[int][]uint64 {
	flows := map[int][]uint64{}
	arrow := func(from, to int) {
		if from >= 0 && to > from {
			*next++
			flows[from] = append(flows[from], *next)
			flows[to] = append(flows[to], *next)
		}
	}
	for _, g := range v.structure.Groups {
		for _, m := range g.Members {
			arrow(v.find(g.Leader, cases.EvSubmit, cases.EvPrepFail), v.find(m, cases.EvSubmit, cases.EvPrepFail))
		}
	}
	for _, l := range v.links() {
		arrow(l.From, l.To)
	}
	return flows
}

// link is the hand-over from one chain element to the next: From is the last
// completion of the one, To the first issue of the next, -1 where not seen.
type link struct {
	Chain    int
	Lanes    [2]int // the element ahead (its leader) and the next
	From, To int
	Issued   bool // To is an issue and not the completion of what was cancelled
}

func (v *view) links() []link {
	var out []link
	for ci, c := range v.structure.Chains {
		for k := 1; k < len(c.Elements); k++ {
			a, b := c.Elements[k-1], c.Elements[k]
			l := link{Chain: ci, Lanes: [2]int{a.SQE, b.SQE}, From: -1, To: -1}
			for _, s := range v.requests(a) {
				l.From = max(l.From, v.find(s, cases.EvComplete, cases.EvOverflow))
			}
			first := func(kinds ...cases.EventKind) int {
				at := -1
				for _, s := range v.requests(b) {
					if i := v.find(s, kinds...); i >= 0 && (at < 0 || i < at) {
						at = i
					}
				}
				return at
			}
			l.To = first(cases.EvIssue)
			l.Issued = l.To >= 0
			if !l.Issued {
				l.To = first(cases.EvComplete, cases.EvOverflow)
			}
			out = append(out, l)
		}
	}
	return out
}

// find returns the first event of one of the kinds in an SQE's lane, -1 for none.
func (v *view) find(sqe int, kinds ...cases.EventKind) int {
	for _, i := range v.lanes[sqe].Events {
		for _, k := range kinds {
			if v.c.Outcome.Events[i].Kind == k {
				return i
			}
		}
	}
	return -1
}

func annotate(name string, field protowire.Number, value uint64) []byte {
	a := appendText(nil, annotationName, name)
	return appendMessage(nil, eventDebugAnnotations, appendVarint(a, field, value))
}

// note is a text annotation, nothing for an empty text.
func note(name, text string) []byte {
	if text == "" {
		return nil
	}
	a := appendText(nil, annotationName, name)
	return appendMessage(nil, eventDebugAnnotations, appendText(a, annotationString, text))
}

func appendVarint(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func appendText(b []byte, n protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
}

func appendMessage(b []byte, n protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), m)
}
