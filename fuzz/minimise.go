// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"cmp"
	"context"
	"math/bits"
	"reflect"
	"slices"

	"github.com/ringproof/ringproof/cases"
)

// A Minimiser makes a program that shows something smaller for as long as it still shows it.
type Minimiser struct {
	// Shows runs a program once and tells whether it shows what is looked for:
	// the same class of finding, not any. It gets a valid program, which is its
	// own. An error ends the search.
	Shows func(ctx context.Context, p *cases.Program) (bool, error)
	// Need of Tries runs must show it; 0 is 1. For what shows only now and
	// then: with a chance of c a run, a smaller program is missed in (1-c)^Tries of the cases if Need is 1.
	Need, Tries int
	// Budget is the number of runs after which the search ends; 0 is [DefaultBudget].
	Budget int
	// Smaller is called with every smaller program found and the runs so far. May be nil.
	Smaller func(p *cases.Program, runs int)
}

// DefaultBudget bounds the runs of a search.
const DefaultBudget = 2000

// Run returns the smallest program found, p itself if nothing smaller shows it,
// and the number of runs it took. That p shows it is taken for granted. When ctx ends or
// Shows fails, the smallest so far comes with the error. p stays as it is.
func (m *Minimiser) Run(ctx context.Context, p *cases.Program) (*cases.Program, int, error) {
	s := search{Minimiser: *m, ctx: ctx, best: p.Clone(), seen: map[string]bool{}}
	s.Need, s.Tries, s.Budget = max(m.Need, 1), max(m.Tries, m.Need, 1), cmp.Or(m.Budget, DefaultBudget)
	s.best.Repair()
	s.size = sizeOf(s.best)
	for {
		before := s.size
		for _, pass := range passes {
			pass(&s)
		}
		if s.over() || s.size == before {
			return s.best, s.runs, s.err
		}
	}
}

// search is one run of a Minimiser.
type search struct {
	Minimiser
	ctx  context.Context
	best *cases.Program
	size size
	seen map[string]bool // texts of programs that were tried
	runs int
	err  error
}

func (s *search) over() bool {
	if s.err == nil {
		s.err = context.Cause(s.ctx)
	}
	return s.err != nil || s.runs >= s.Budget
}

// size orders programs: the first number that differs decides.
type size [8]int

// sizeOf counts SQEs first, since they are what a reader has to follow, and
// last the bits that are set in fields.
func sizeOf(p *cases.Program) size {
	return size{len(p.SQEs()), len(p.Steps), len(p.Threads()), len(p.Resources), len(p.Buffers), len(p.Rings),
		leavesSet(p), bitsSet(p)}
}

// try makes a change to the best program, and keeps it if the result is
// smaller and still shows it.
func (s *search) try(change func(p *cases.Program)) bool {
	if s.over() {
		return false
	}
	p := s.best.Clone()
	change(p)
	p.Repair()
	size := sizeOf(p)
	text := p.Text()
	if slices.Compare(size[:], s.size[:]) >= 0 || s.seen[text] {
		return false
	}
	s.seen[text] = true
	shown := 0
	for n := 0; n < s.Tries && shown < s.Need && s.Tries-n >= s.Need-shown; n++ {
		if s.over() {
			return false
		}
		s.runs++
		is, err := s.Shows(s.ctx, p.Clone())
		if err != nil {
			s.err = err
			return false
		}
		if is {
			shown++
		}
	}
	if shown < s.Need {
		return false
	}
	s.best, s.size = p, size
	if s.Smaller != nil {
		s.Smaller(p.Clone(), s.runs)
	}
	return true
}

// passes are what is tried in turn, what takes away most first.
var passes = []func(*search){
	// Large pieces of steps and SQEs first, then smaller ones, as delta debugging does.
	func(s *search) {
		s.halves(func() int { return len(s.best.Steps) }, func(p *cases.Program, i int) { p.DropStep(i) })
	},
	func(s *search) {
		s.halves(func() int { return len(s.best.SQEs()) }, func(p *cases.Program, i int) {
			at := p.SQEs()[i]
			if len(p.Steps[at.Step].SQEs) == 1 {
				p.DropStep(at.Step) // a submission of nothing says nothing
			} else {
				p.DropSQE(at.Step, at.Pos)
			}
		})
	},
	(*search).submitTogether,
	(*search).oneThread,
	(*search).nops,
	func(s *search) {
		s.halves(func() int { return len(s.best.Resources) }, (*cases.Program).DropResource)
	},
	func(s *search) {
		s.halves(func() int { return len(s.best.Buffers) }, (*cases.Program).DropBuffer)
	},
	func(s *search) {
		s.halves(func() int { return len(s.best.Rings) }, (*cases.Program).DropRing)
	},
	(*search).simplify,
}

// halves drops ever smaller runs of the things that n counts: half of them, a
// quarter, down to one by one.
func (s *search) halves(n func() int, drop func(p *cases.Program, i int)) {
	for piece := (n() + 1) / 2; piece > 0; piece /= 2 {
		for end := n(); end > 0; end -= piece {
			end = min(end, n())
			s.try(func(p *cases.Program) {
				for i := end - 1; i >= max(end-piece, 0); i-- {
					drop(p, i)
				}
			})
		}
	}
}

// submitTogether joins two submissions to the same ring.
func (s *search) submitTogether() {
	for i := len(s.best.Steps) - 1; i > 0; i-- {
		s.try(func(p *cases.Program) {
			a, b := &p.Steps[i-1], &p.Steps[i]
			if a.Kind != cases.StepSubmit || b.Kind != cases.StepSubmit || a.Ring != b.Ring {
				return
			}
			a.SQEs, a.N = append(a.SQEs, b.SQEs...), max(a.N, b.N)
			p.Steps = slices.Delete(p.Steps, i, i+1) // its SQEs keep their numbers
		})
	}
}

// nops makes every request one that does nothing, with the flags it has.
func (s *search) nops() {
	for i := range s.best.SQEs() {
		s.try(func(p *cases.Program) {
			at := p.SQEs()[i].SQE
			*at = cases.SQE{Label: at.Label, Comment: at.Comment, Flags: at.Flags}
		})
	}
}

// oneThread has the first thread carry out what others do.
func (s *search) oneThread() {
	for _, name := range s.best.Threads() {
		s.try(func(p *cases.Program) {
			for i := range p.Steps {
				if st := &p.Steps[i]; st.Thread == name {
					st.Thread, st.Background = "", false
				}
			}
		})
	}
}

// simplify takes bits out of every field: all of them, each flag alone, half
// of a number.
func (s *search) simplify() {
	for i := 0; i < len(leaves(s.best)); i++ {
		change := func(f func(v reflect.Value)) bool {
			return s.try(func(p *cases.Program) {
				if l := leaves(p); i < len(l) {
					f(l[i])
				}
			})
		}
		if change(func(v reflect.Value) { v.SetZero() }) {
			continue
		}
		for bit := range 64 {
			change(func(v reflect.Value) { clearBit(v, bit) })
		}
		for change(halve) {
		}
	}
}

// leaves are the numbers and switches of p that can be simpler than they are.
// Names, comments and references are none.
func leaves(p *cases.Program) []reflect.Value {
	var list []reflect.Value
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			switch v.Interface().(type) {
			case cases.FD:
				return
			case cases.BufRef:
				walk(v.FieldByName("Off"))
				return
			}
			for i := range v.NumField() {
				switch v.Type().Field(i).Name {
				case "Kind", "Op", "Ring", "Target", "Attach", "Source":
				default:
					walk(v.Field(i))
				}
			}
		case reflect.String:
		default:
			list = append(list, v)
		}
	}
	v := reflect.ValueOf(p).Elem()
	for _, name := range []string{"Rings", "Resources", "Buffers", "Steps"} {
		walk(v.FieldByName(name))
	}
	return list
}

func leavesSet(p *cases.Program) (n int) {
	for _, v := range leaves(p) {
		if !v.IsZero() {
			n++
		}
	}
	return n
}

// number is a leaf's value as a bit pattern of its own width.
func number(v reflect.Value) uint64 {
	switch {
	case v.Kind() == reflect.Bool:
		if v.Bool() {
			return 1
		}
		return 0
	case v.CanInt():
		n := v.Int()
		return uint64(max(n, -n))
	}
	return v.Uint()
}

// bitsSet weighs the numbers in p: how many bits they take, and how many of these are set.
func bitsSet(p *cases.Program) (n int) {
	for _, v := range leaves(p) {
		x := number(v)
		n += bits.Len64(x) + bits.OnesCount64(x)
	}
	return n
}

func clearBit(v reflect.Value, bit int) {
	switch {
	case v.Kind() == reflect.Bool:
	case v.CanInt():
		if v.Int() >= 0 {
			v.SetInt(v.Int() &^ (1 << bit))
		}
	default:
		v.SetUint(v.Uint() &^ (1 << bit))
	}
}

func halve(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Bool:
	case v.CanInt():
		v.SetInt(v.Int() / 2)
	default:
		v.SetUint(v.Uint() / 2)
	}
}
