// SPDX-License-Identifier: Apache-2.0

// Package bisect finds the patch of a series that breaks a program: an algorithm over a question, which
// knows nothing of kernels.
package bisect

import "fmt"

// Verdict is the answer for the series up to one patch.
type Verdict string

const (
	Good Verdict = "good"
	Bad  Verdict = "bad"
	Skip Verdict = "skip" // nothing can be said: it does not apply or build, or lacks what the program needs
)

// Result is what a search comes to. Patches count from 1.
type Result struct {
	// First and Last bound the patches of which one is the first that is bad: the
	// answer where they are equal. Both are 0 where the whole series is not bad.
	First int `json:"first"`
	Last  int `json:"last"`
	// Sure is set where a good state was seen right or somewhere below First. Without it the program may never
	// have passed, and First is 1.
	Sure bool `json:"sure"`
}

// Found tells whether the search names one patch.
func (r *Result) Found() bool { return r.Sure && r.First == r.Last && r.First > 0 }

// String says what was found.
func (r *Result) String() string {
	switch {
	case r.Last == 0:
		return "the whole series does not fail: there is nothing to bisect"
	case r.Found():
		return fmt.Sprintf("patch %d is the first bad one", r.First)
	case r.Sure:
		return fmt.Sprintf("the first bad patch is one of %d to %d: what is between could not be tested", r.First, r.Last)
	}
	return fmt.Sprintf("the program was seen to pass nowhere, so the bad patch cannot be told: it is one of the first %d", r.Last)
}

// Search looks for the first bad one of n patches. test answers for the first k of them, from 0 to n, and is asked
// once for each k at most; an error ends the search.
//
// If nothing of the series is good, the search halves the range, as git bisect does, and passes over
// what must be skipped. Otherwise a failure does not tell a mistake from something that is not there yet, since the
// patches that add it come later. Then the search goes down from the whole series, one patch after the other, until one
// state is good: that one has what the program needs, and the patch above it broke it.
func Search(n int, test func(k int) (Verdict, error)) (*Result, error) {
	s := &search{test: test, known: map[int]Verdict{}}
	switch top, err := s.ask(n); {
	case err != nil:
		return nil, err
	case top == Good:
		return &Result{}, nil
	case top == Skip:
		return &Result{First: 1, Last: n}, nil
	}
	base, err := s.ask(0)
	if err != nil {
		return nil, err
	}
	if base == Good {
		return s.halve(0, n)
	}
	return s.descend(n)
}

type search struct {
	test  func(k int) (Verdict, error)
	known map[int]Verdict
}

func (s *search) ask(k int) (Verdict, error) {
	if v, ok := s.known[k]; ok {
		return v, nil
	}
	v, err := s.test(k)
	if err == nil {
		s.known[k] = v
	}
	return v, err
}

// halve searches between a good state and a bad one above it.
func (s *search) halve(good, bad int) (*Result, error) {
	for {
		k := s.between(good, bad)
		if k < 0 {
			return &Result{First: good + 1, Last: bad, Sure: true}, nil
		}
		switch v, err := s.ask(k); {
		case err != nil:
			return nil, err
		case v == Good:
			good = k
		case v == Bad:
			bad = k
		}
	}
}

// between returns the state nearest to the middle that was not skipped, -1 if there is none.
func (s *search) between(good, bad int) int {
	middle := (good + bad) / 2
	for d := 0; d <= bad-good; d++ {
		for _, k := range []int{middle - d, middle + d} {
			if k > good && k < bad && s.known[k] != Skip {
				return k
			}
		}
	}
	return -1
}

// descend goes down from a bad state until one is good.
func (s *search) descend(bad int) (*Result, error) {
	for k := bad - 1; k > 0; k-- {
		switch v, err := s.ask(k); {
		case err != nil:
			return nil, err
		case v == Good:
			return &Result{First: k + 1, Last: bad, Sure: true}, nil
		case v == Bad:
			bad = k
		}
	}
	return &Result{First: 1, Last: bad}, nil
}
