// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

const editText = `name edit
ring r0 entries=8
ring r1 entries=8 attach=r0
pipe p0
file f0 size=512
buf b0 size=64
buf b1 size=64
iovec v0 b0 b1
submit r0
  one: nop
  two: read f0 b1 len=64
  readv f0 v0 len=2
submit r1
  async_cancel two
  async_cancel one
  read p0.r b0 len=64
wait r1
feed p0.w 64
wait r0
`

func parsed(t *testing.T, text string) *Program {
	t.Helper()
	p, err := Parse("test.ring", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What is removed takes nothing along but what cannot be without it.
func TestDrop(t *testing.T) {
	for _, tc := range []struct {
		name string
		drop func(p *Program)
		want func(t *testing.T, p *Program)
	}{
		{"SQE", func(p *Program) { p.DropSQE(0, 0) }, func(t *testing.T, p *Program) {
			s := p.Steps[1].SQEs
			if len(p.SQEs()) != 5 || s[0].Target != 1 || s[1].Target != 0 {
				t.Errorf("targets are %d and %d of %d SQEs, want 1 and 0 of 5", s[0].Target, s[1].Target, len(p.SQEs()))
			}
		}},
		{"step", func(p *Program) { p.DropStep(0) }, func(t *testing.T, p *Program) {
			if s := p.Steps[0].SQEs; s[0].Target != 0 || s[1].Target != 0 {
				t.Error("a target names an SQE that is gone")
			}
		}},
		{"resource", func(p *Program) { p.DropResource(0) }, func(t *testing.T, p *Program) {
			if got := p.Steps[0].SQEs[1].FD; got.Ref != 1 {
				t.Errorf("the file is resource %d now, want 1", got.Ref)
			}
			if got := p.Steps[1].SQEs[2].FD; got != (FD{}) {
				t.Errorf("the pipe that is gone is still named: %+v", got)
			}
		}},
		{"buffer", func(p *Program) { p.DropBuffer(0) }, func(t *testing.T, p *Program) {
			if got := p.Steps[0].SQEs[1].Buf.Ref; got != 1 {
				t.Errorf("b1 is buffer %d now, want 1", got)
			}
			if v := p.Buffers[1].Parts; v[0].Buf.Ref != 0 || v[1].Buf.Ref != 1 {
				t.Errorf("the iovec is %+v", v)
			}
		}},
		{"ring", func(p *Program) { p.DropRing(0) }, func(t *testing.T, p *Program) {
			if len(p.Steps) != 3 || p.Steps[0].Ring != 0 || p.Rings[0].Attach != 0 {
				t.Errorf("%d steps, the first on ring %d; attach %d", len(p.Steps), p.Steps[0].Ring, p.Rings[0].Attach)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := parsed(t, editText)
			before := p.Clone()
			dropped := p.Clone()
			tc.drop(dropped)
			tc.want(t, dropped)
			if !reflect.DeepEqual(p, before) {
				t.Error("the clone shares memory with its original")
			}
			dropped.Repair()
			if err := dropped.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Repair leaves what is valid alone, and makes anything else valid.
func TestRepair(t *testing.T) {
	all, err := Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, p := range all {
		c := p.Clone()
		if c.Repair(); !reflect.DeepEqual(c, p.Clone()) {
			t.Fatalf("%s: repaired although it is valid", p.Name)
		}
		for range 4 {
			c := p.Clone()
			for range 1 + random.IntN(4) {
				spoil(c, random)
			}
			c.Repair()
			if err := c.Validate(); err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
		}
	}
}

// spoil changes one random field of a program to a random value.
func spoil(p *Program, random *rand.Rand) {
	v := reflect.ValueOf(p).Elem()
	for {
		switch v.Kind() {
		case reflect.Struct:
			v = v.Field(random.IntN(v.NumField()))
			continue
		case reflect.Slice:
			if v.Len() > 0 {
				v = v.Index(random.IntN(v.Len()))
				continue
			}
		case reflect.Pointer:
			if !v.IsNil() {
				v = v.Elem()
				continue
			}
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.String:
			v.SetString(string([]byte{byte(random.Uint32()), 'x'}[:1+random.IntN(2)]))
		case reflect.Int, reflect.Int32, reflect.Int64:
			v.SetInt(int64(int32(random.Uint32()>>random.IntN(32))) - int64(random.IntN(3)))
		case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			v.SetUint(random.Uint64() >> random.IntN(64))
		}
		return
	}
}
