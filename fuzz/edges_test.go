// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"errors"
	"slices"
	"testing"
)

func TestEdgesThatCount(t *testing.T) {
	var e Edges
	stable := func(runs ...[]uint32) (edges []uint32, asked int) {
		t.Helper()
		edges, err := e.Stable(runs[0], func() ([]uint32, error) {
			asked++
			return runs[asked], nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(edges)
		return edges, asked
	}
	for _, test := range []struct {
		what  string
		runs  [][]uint32
		want  []uint32
		asked int
	}{
		{"seen twice at once", [][]uint32{{1, 2}, {1, 2, 3}}, []uint32{1, 2}, 1},
		{"known: nobody is asked", [][]uint32{{1, 2}}, []uint32{1, 2}, 0},
		{"seen in two of three", [][]uint32{{1, 4}, {1}, {4}}, []uint32{1, 4}, 2},
		{"seen once", [][]uint32{{1, 5}, {1}, {1, 6}}, []uint32{1}, 2},
		{"not known by that", [][]uint32{{5}, {5}}, []uint32{5}, 1},
		{"nothing", [][]uint32{nil}, nil, 0},
	} {
		if got, asked := stable(test.runs...); !slices.Equal(got, test.want) || asked != test.asked {
			t.Errorf("%s: %v after %d more runs, want %v after %d", test.what, got, asked, test.want, test.asked)
		}
	}
	if e.Len() != 4 {
		t.Errorf("%d are known", e.Len())
	}
	broken := errors.New("broken")
	if got, err := e.Stable([]uint32{1, 9}, func() ([]uint32, error) { return nil, broken }); err != broken || !slices.Equal(got, []uint32{1}) {
		t.Errorf("with an error: %v, %v", got, err)
	}
}
