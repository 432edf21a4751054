// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// eventColumns names the values of one event's row in evidence.json, in
// order. Addresses and flag words are hex strings: they do not fit into the
// numbers of most JSON readers.
var eventColumns = []string{
	"time_ns", "kind", "cpu", "tid", "tgid", "worker", "ring", "req", "gen", "user_data",
	"op", "flags", "refs", "group_refs", "leader", "res", "arg",
}

type evidenceJSON struct {
	Schema   int                 `json:"schema"`
	Columns  []string            `json:"columns"`
	Events   [][]json.RawMessage `json:"events"`
	Data     []blobJSON          `json:"data,omitempty"`
	Coverage *coverageJSON       `json:"coverage,omitempty"`
}

type blobJSON struct {
	File   int    `json:"file,omitempty"`
	Buffer int    `json:"buffer,omitempty"`
	Bytes  []byte `json:"bytes"` // base64
}

// hexWord is a 64-bit word as "0x…".
type hexWord uint64

func (h hexWord) MarshalText() ([]byte, error) {
	return strconv.AppendUint([]byte("0x"), uint64(h), 16), nil
}

func (h *hexWord) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 0, 64)
	*h = hexWord(n)
	return err
}

// writeEvidence writes one row per line, so that the file can be read and searched.
func writeEvidence(w io.Writer, o *cases.Outcome) error {
	head, err := json.Marshal(eventColumns)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "{\"schema\": %d,\n\"columns\": %s,\n\"events\": [", Schema, head); err != nil {
		return err
	}
	var row []byte
	for i := range o.Events {
		row = row[:0]
		if i > 0 {
			row = append(row, ',')
		}
		row = appendEvent(append(row, '\n'), &o.Events[i])
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	tail := evidenceJSON{Schema: Schema}
	for _, b := range o.Data {
		tail.Data = append(tail.Data, blobJSON(b))
	}
	tail.Coverage = coverageOf(o.Coverage)
	data, err := json.Marshal(tail.Data)
	if err != nil {
		return err
	}
	cover, err := json.Marshal(tail.Coverage)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n],\n\"data\": %s,\n\"coverage\": %s}\n", data, cover)
	return err
}

func appendEvent(b []byte, e *cases.Event) []byte {
	num := func(n uint64) { b = append(strconv.AppendUint(b, n, 10), ',') }
	hex := func(n uint64) { b = append(strconv.AppendUint(append(b, `"0x`...), n, 16), '"', ',') }
	b = append(b, '[')
	num(e.Time)
	b = append(strconv.AppendQuote(b, e.Kind.String()), ',')
	num(uint64(e.CPU))
	num(uint64(e.TID))
	num(uint64(e.TGID))
	b = append(strconv.AppendBool(b, e.Worker), ',')
	b = append(strconv.AppendInt(b, int64(e.Ring), 10), ',')
	hex(e.Req)
	num(uint64(e.Gen))
	num(e.UserData)
	num(uint64(e.Op))
	hex(e.Flags)
	b = append(strconv.AppendInt(b, int64(e.Refs), 10), ',')
	if e.HasGroupRefs {
		b = append(strconv.AppendInt(b, int64(e.GroupRefs), 10), ',')
	} else {
		b = append(b, "null,"...)
	}
	hex(e.Leader)
	b = append(strconv.AppendInt(b, int64(e.Res), 10), ',')
	hex(e.Arg)
	b[len(b)-1] = ']'
	return b
}

// eventKinds is the inverse of EventKind.String.
var eventKinds = func() map[string]cases.EventKind {
	m := map[string]cases.EventKind{}
	for k := cases.EvNone; k.String() != "unknown"; k++ {
		m[k.String()] = k
	}
	return m
}()

func readEvidence(b []byte, o *cases.Outcome) error {
	var in evidenceJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	if in.Schema > Schema {
		return newerError(in.Schema)
	}
	for i, row := range in.Events {
		e, err := parseEvent(in.Columns, row)
		if err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
		o.Events = append(o.Events, e)
	}
	for _, d := range in.Data {
		o.Data = append(o.Data, cases.Blob(d))
	}
	if c := in.Coverage; c != nil {
		o.Coverage = &cases.Coverage{Full: c.Full, Lacks: c.Lacks}
		for _, pc := range c.PCs {
			o.Coverage.PCs = append(o.Coverage.PCs, uint64(pc))
		}
	}
	return nil
}

// coverageJSON is a Coverage without edges, which say nothing to a reader.
type coverageJSON struct {
	PCs   []hexWord `json:"pcs"`
	Full  bool      `json:"full"`
	Lacks []string  `json:"lacks,omitempty"`
}

func coverageOf(c *cases.Coverage) *coverageJSON {
	if c == nil {
		return nil
	}
	j := &coverageJSON{Full: c.Full, Lacks: c.Lacks}
	for _, pc := range c.PCs {
		j.PCs = append(j.PCs, hexWord(pc))
	}
	return j
}

// parseEvent reads a row by its columns' names; columns it does not know are
// passed over, missing ones leave zero values.
func parseEvent(columns []string, row []json.RawMessage) (e cases.Event, err error) {
	if len(row) != len(columns) {
		return e, fmt.Errorf("has %d values for %d columns", len(row), len(columns))
	}
	var kind string
	var req, flags, leader, arg hexWord
	var groupRefs *int32
	for i, name := range columns {
		var to any
		switch name {
		case "time_ns":
			to = &e.Time
		case "kind":
			to = &kind
		case "cpu":
			to = &e.CPU
		case "tid":
			to = &e.TID
		case "tgid":
			to = &e.TGID
		case "worker":
			to = &e.Worker
		case "ring":
			to = &e.Ring
		case "req":
			to = &req
		case "gen":
			to = &e.Gen
		case "user_data":
			to = &e.UserData
		case "op":
			to = &e.Op
		case "flags":
			to = &flags
		case "refs":
			to = &e.Refs
		case "group_refs":
			to = &groupRefs
		case "leader":
			to = &leader
		case "res":
			to = &e.Res
		case "arg":
			to = &arg
		default:
			continue
		}
		if err := json.Unmarshal(row[i], to); err != nil {
			return e, fmt.Errorf("%s: %w", name, err)
		}
	}
	k, ok := eventKinds[kind]
	if !ok {
		return e, fmt.Errorf("kind %q is not known", kind)
	}
	e.Kind, e.Req, e.Flags, e.Leader, e.Arg = k, uint64(req), uint64(flags), uint64(leader), uint64(arg)
	if groupRefs != nil {
		e.GroupRefs, e.HasGroupRefs = *groupRefs, true
	}
	return e, nil
}

func newerError(schema int) error {
	return fmt.Errorf("its schema is %d and this ringproof reads up to %d; use the ringproof that wrote it, or a newer one", schema, Schema)
}

// Load reads back what [Write] wrote into dir. Where a case's evidence.json is
// gone (results.json alone was passed on), the case comes back without events
// and a note says so. Programs whose text does not parse are nil.
func Load(dir string) (*Run, error) {
	path := filepath.Join(dir, ResultsFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read a run from %s: there is no %s in it; name a directory that a run wrote", dir, ResultsFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read a run: %w", err)
	}
	var head struct{ Schema int }
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	switch {
	case head.Schema > Schema:
		return nil, fmt.Errorf("read %s: %w", path, newerError(head.Schema))
	case head.Schema < 1:
		return nil, fmt.Errorf("read %s: it names no schema, so it is not a run's results", path)
	}
	r := new(Run)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var gone []string
	load := func(c *Case, d string) error {
		if c.Outcome == nil {
			return nil
		}
		path := filepath.Join(dir, filepath.FromSlash(d), evidenceFile)
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, c.Name)
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the evidence of %s: %w", c.Name, err)
		}
		if err := readEvidence(b, c.Outcome); err != nil {
			return fmt.Errorf("read the evidence of %s from %s: %w", c.Name, path, err)
		}
		return nil
	}
	for i, d := range caseDirs(r.Cases) {
		c := &r.Cases[i]
		if err := load(c, d); err != nil {
			return nil, err
		}
		for k := range c.Also {
			if err := load(&c.Also[k], alsoDir(d, k)); err != nil {
				return nil, err
			}
		}
	}
	if len(gone) == 0 {
		r.Answers = nil // found anew
	}
	if len(gone) > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("Read back without the events of %d cases, whose %s was not there: %s.", len(gone), evidenceFile, strings.Join(gone, ", ")))
	}
	return r, nil
}
