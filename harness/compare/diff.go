// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
	"github.com/ringproof/ringproof/harness/report"
)

// Difference is something that an application sees, and that no round of one side shares with any
// round of the other. Orders are none: a kernel is free to choose them but where a
// rule speaks of them, and then the rule is broken.
type Difference struct {
	What string   `json:"what"` // "result of @2 member", "step 3: wait r0"
	A    []string `json:"a"`    // each value that was seen
	B    []string `json:"b"`
	// By is the choice of the profiles that explains it, "" for none.
	By string `json:"by,omitempty"`

	sqe int // that it is about, negative for none
}

// differences compares what an application saw on both sides. What is another value in every round of
// a side, such as a time stamp, says nothing, and neither does a content that changes at all, such as a process ID.
func differences(a, b *Seen) []Difference {
	seenA, order := a.values()
	seenB, _ := b.values()
	var out []Difference
	for _, k := range order {
		va, vb := seenA[k], seenB[k]
		if a.Rounds > 1 && len(va) == a.Rounds || b.Rounds > 1 && len(vb) == b.Rounds || k.sqe == content && len(va)+len(vb) > 2 {
			continue
		}
		if !slices.ContainsFunc(va, func(v string) bool { return slices.Contains(vb, v) }) {
			out = append(out, Difference{What: k.what, A: va, B: vb, sqe: k.sqe})
		}
	}
	return out
}

type place struct {
	what string
	sqe  int // -1 for none, or content
}

// content stands for an SQE where a buffer's or file's content is meant.
const content = -2

// values returns what the rounds showed, by place, each value once.
func (s *Seen) values() (map[place][]string, []place) {
	all := map[place][]string{}
	var order []place
	for _, c := range s.all {
		if c.Program == nil || c.Outcome == nil {
			continue
		}
		add := func(what string, sqe int, value string) {
			k := place{what, sqe}
			if all[k] == nil {
				order = append(order, k)
			}
			if !slices.Contains(all[k], value) {
				all[k] = append(all[k], value)
			}
		}
		results(c, add)
		steps(c, add)
		blobs(c, add)
	}
	return all, order
}

// bufferID is where a CQE's flags hold the ID of a provided buffer (IORING_CQE_BUFFER_SHIFT), which the kernel is
// free to choose.
const bufferID = 0xffff << 16

// results are those of each request, in the order of its own CQEs.
func results(c *report.Case, add func(what string, sqe int, value string)) {
	for _, q := range c.Program.SQEs() {
		var got []string
		for _, cqe := range c.Outcome.CQEs {
			if i, ok := c.Program.IndexOf(cqe.UserData); ok && i == q.Index {
				text := cases.ResultText(cqe.Res)
				if f := cqe.Flags &^ bufferID; f != 0 {
					text += fmt.Sprintf(" flags %#x", f)
				}
				got = append(got, text)
			}
		}
		if got == nil {
			got = []string{noCQE}
		}
		add("result of "+requestName(c.Program, q.Index), q.Index, strings.Join(got, ", "))
	}
}

func requestName(p *cases.Program, i int) string {
	q := p.SQEs()[i].SQE
	switch {
	case q.Label != "":
		return fmt.Sprintf("@%d %s", i+1, q.Label)
	case q.Op.String() != "":
		return fmt.Sprintf("@%d %s", i+1, q.Op)
	}
	return fmt.Sprintf("@%d", i+1)
}

// steps are the errors of system calls, and how many SQEs a submission consumed. How many CQEs a wait
// reaped depends on the time.
func steps(c *report.Case, add func(what string, sqe int, value string)) {
	for i := range c.Program.Steps {
		st := &c.Program.Steps[i]
		what := fmt.Sprintf("step %d: %s", i+1, c.Program.StepText(st))
		switch {
		case i >= len(c.Outcome.Steps) || c.Outcome.Steps[i].Pending:
			add(what, -1, "did not return")
		case c.Outcome.Steps[i].Errno != 0:
			add(what, -1, cases.ResultText(-c.Outcome.Steps[i].Errno))
		case st.Kind == cases.StepSubmit && c.Outcome.Steps[i].Ret != int64(len(st.SQEs)):
			add(what, -1, fmt.Sprintf("consumed %d of %d", c.Outcome.Steps[i].Ret, len(st.SQEs)))
		default:
			add(what, -1, "ok")
		}
	}
	add("the program's end", -1, string(c.Outcome.End))
}

// blobs are the contents of buffers and files at the end.
func blobs(c *report.Case, add func(what string, sqe int, value string)) {
	for _, b := range c.Outcome.Data {
		what := "a buffer"
		switch {
		case b.File > 0 && b.File <= len(c.Program.Resources):
			what = "file " + c.Program.Resources[b.File-1].Name
		case b.Buffer > 0 && b.Buffer <= len(c.Program.Buffers):
			what = "buffer " + c.Program.Buffers[b.Buffer-1].Name
		}
		value := fmt.Sprintf("%d bytes, SHA-256 %x", len(b.Bytes), sha256.Sum256(b.Bytes))[:40]
		if len(bytes.Trim(b.Bytes, "\x00")) == 0 {
			value = fmt.Sprintf("%d bytes, all 0", len(b.Bytes))
		}
		add("content of "+what, content, value)
	}
}

// attribute names for each difference the reason that explains it: one whose breaches
// speak of the request, or of one that it depends on. What is no request's is explained by any reason.
func (x *explanation) attribute(p *Program) {
	if len(p.Reasons) == 0 || p.A.first.Program == nil {
		return
	}
	near := newKinship(p.A.first.Program, x.a.Profile, x.b.Profile)
	for i := range p.Differences {
		d := &p.Differences[i]
		for _, r := range p.Reasons {
			if slices.ContainsFunc(r.Broken, func(b Breach) bool { return near.explains(b.sqes, d) }) {
				d.By = r.Key
				break
			}
		}
	}
}

// kinship tells which requests depend on each other: those of one group or chain by either profile, a
// request and who asks for its cancellation, and, where a wait takes only the first CQEs, all of its ring.
type kinship struct {
	clan []int  // by SQE: the same number is the same clan
	ring []int  // by SQE
	few  []bool // by ring: CQEs may be left behind
}

func newKinship(p *cases.Program, profiles ...*cases.Profile) *kinship {
	k := &kinship{few: make([]bool, len(p.Rings))}
	for i := range p.SQEs() {
		k.clan = append(k.clan, i)
	}
	for _, profile := range profiles {
		e := model.Expect(p, profile)
		for i := range e.Structure.Groups {
			k.join(e.Structure.Groups[i].Requests())
		}
		for _, chain := range e.Structure.Chains {
			for _, el := range chain.Elements {
				k.join([]int{chain.Elements[0].SQE, el.SQE})
			}
		}
		k.ring = nil
		for i := range e.Requests {
			k.join(append([]int{i}, e.Requests[i].Cancellers...))
			k.ring = append(k.ring, e.Requests[i].Ring)
		}
	}
	for i := range p.Steps {
		if st := &p.Steps[i]; st.Kind == cases.StepWait && st.N > 0 {
			k.few[st.Ring] = true
		}
	}
	return k
}

func (k *kinship) join(list []int) {
	for _, i := range list {
		from, to := k.clan[i], k.clan[list[0]]
		for j := range k.clan {
			if k.clan[j] == from {
				k.clan[j] = to
			}
		}
	}
}

// explains tells whether a breach about some SQEs can be behind a difference.
func (k *kinship) explains(sqes []int, d *Difference) bool {
	if d.sqe < 0 || len(sqes) == 0 {
		return true
	}
	return slices.ContainsFunc(sqes, func(i int) bool {
		return k.clan[i] == k.clan[d.sqe] || k.few[k.ring[i]] && k.ring[i] == k.ring[d.sqe] && d.presence()
	})
}

// presence tells that the difference is whether there was a CQE at all.
func (d *Difference) presence() bool {
	return slices.Contains(d.A, noCQE) || slices.Contains(d.B, noCQE)
}

const noCQE = "no CQE"
