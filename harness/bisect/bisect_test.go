// SPDX-License-Identifier: Apache-2.0

package bisect

import (
	"errors"
	"testing"
)

// states gives the answers for 0 to n patches: g, b or s each.
func states(t *testing.T, text string, asked *int) (n int, test func(k int) (Verdict, error)) {
	seen := map[int]bool{}
	return len(text) - 1, func(k int) (Verdict, error) {
		if seen[k] {
			t.Errorf("%s: %d asked twice", text, k)
		}
		seen[k] = true
		*asked++
		return map[byte]Verdict{'g': Good, 'b': Bad, 's': Skip}[text[k]], nil
	}
}

func TestSearch(t *testing.T) {
	for _, x := range []struct {
		states      string
		first, last int
		sure        bool
		most        int // questions
	}{
		{"gggggggb", 7, 7, true, 5},
		{"gbbbbbbb", 1, 1, true, 5},
		{"gggbbbbb", 3, 3, true, 5},
		{"gggsbbbb", 3, 4, true, 7},
		{"gssssssb", 1, 7, true, 8},
		{"gggggggg", 0, 0, false, 1},
		{"ggggggs", 1, 6, false, 1},
		// The program needs what the last patches add.
		{"sssssssb", 1, 7, false, 8},
		{"ssssgbbb", 5, 5, true, 5},
		{"sssggsbb", 5, 6, true, 5},
		// Bad below the good state is what is not there yet, and not the mistake.
		{"bbbbggbb", 6, 6, true, 4},
		{"bbbbbbbb", 1, 1, false, 8},
		{"gb", 1, 1, true, 2},
		{"sb", 1, 1, false, 2},
	} {
		asked := 0
		n, test := states(t, x.states, &asked)
		r, err := Search(n, test)
		if err != nil {
			t.Fatal(err)
		}
		if r.First != x.first || r.Last != x.last || r.Sure != x.sure {
			t.Errorf("%s: %+v, want %d to %d, sure %v", x.states, r, x.first, x.last, x.sure)
		}
		if asked > x.most {
			t.Errorf("%s: %d questions", x.states, asked)
		}
	}
}

// Every single bad patch above a good base is named, whichever it is.
func TestEveryPatchIsNamed(t *testing.T) {
	for n := 1; n <= 12; n++ {
		for bad := 1; bad <= n; bad++ {
			r, err := Search(n, func(k int) (Verdict, error) {
				if k >= bad {
					return Bad, nil
				}
				return Good, nil
			})
			if err != nil || !r.Found() || r.First != bad {
				t.Errorf("patch %d of %d: %+v, %v", bad, n, r, err)
			}
		}
	}
}

func TestErrorEndsTheSearch(t *testing.T) {
	stop := errors.New("stop")
	_, err := Search(7, func(k int) (Verdict, error) {
		if k == 3 {
			return "", stop
		}
		return map[bool]Verdict{true: Bad, false: Good}[k > 3], nil
	})
	if !errors.Is(err, stop) {
		t.Error(err)
	}
}
