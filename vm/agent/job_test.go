// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ringproof/ringproof/cases"
)

func TestJobsAndReportsArriveUnchanged(t *testing.T) {
	programs, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	p := newPipe(&stream)
	for i, prog := range programs {
		sent := &job{Tag: uint32(i + 1), Page: i % ledgerPages, Slots: []int{i, 0}, Scale: 2.5, Program: *prog}
		got := new(job)
		if err := p.send(sent); err != nil {
			t.Fatal(err)
		}
		if err := p.recv(got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(sent, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (- sent, + received):\n%s", prog.Name, d)
		}
	}
	for _, sent := range []*report{
		{Tag: 1},
		{Tag: 1 << 31, Err: "it went wrong"},
		{Tag: 3, Data: []cases.Blob{{Buffer: 1, Bytes: []byte{0, 1, 2}}, {File: 2}}},
	} {
		got := new(report)
		if err := p.send(sent); err != nil {
			t.Fatal(err)
		}
		if err := p.recv(got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(sent, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("report (- sent, + received):\n%s", d)
		}
	}
}
