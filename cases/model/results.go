// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// Error numbers that results carry, negated; from asm-generic/errno*.h.
const (
	EPERM      = 1
	ENOENT     = 2
	EINTR      = 4
	EBADF      = 9
	EAGAIN     = 11
	ENOMEM     = 12
	EFAULT     = 14
	EEXIST     = 17
	EINVAL     = 22
	ESPIPE     = 29
	EPIPE      = 32
	ETIME      = 62
	EBADFD     = 77
	EOPNOTSUPP = 95
	ECONNRESET = 104
	ENOBUFS    = 105
	EALREADY   = 114
	ECANCELED  = 125
)

// Errno writes a result for people: -EINVAL, or the number itself.
func Errno(res int32) string { return cases.ResultText(res) }

// Results is a set of results.
type Results struct {
	// Any allows each result but -ECANCELED, which needs a reason of its own.
	Any bool
	// Errors allows each error but -ECANCELED.
	Errors bool
	Ranges [][2]int32 // inclusive
	// Mask allows each result above 0 that has no bit outside of it.
	Mask int32
}

var anyResult = Results{Any: true}

// Has tells whether res is in the set.
func (s Results) Has(res int32) bool {
	if slices.ContainsFunc(s.Ranges, func(r [2]int32) bool { return r[0] <= res && res <= r[1] }) {
		return true
	}
	return res != -ECANCELED && (s.Any || s.Errors && res < 0) || res > 0 && res&^s.Mask == 0
}

func exactly(res ...int32) Results { return Results{}.or(res...) }

func between(lo, hi int64) Results {
	return Results{Ranges: [][2]int32{{int32(lo), int32(hi)}}}
}

func (s Results) or(res ...int32) Results {
	s.Ranges = slices.Clip(s.Ranges)
	for _, v := range res {
		s.Ranges = append(s.Ranges, [2]int32{v, v})
	}
	return s
}

// String lists the results for people.
func (s Results) String() string {
	if s.Any {
		return "anything but a cancellation"
	}
	var words []string
	for _, r := range s.Ranges {
		if r[0] == r[1] {
			words = append(words, Errno(r[0]))
		} else {
			words = append(words, fmt.Sprintf("%d to %d", r[0], r[1]))
		}
	}
	if s.Mask != 0 {
		words = append(words, fmt.Sprintf("bits of %#x", s.Mask))
	}
	if s.Errors {
		words = append(words, "an error that is no cancellation")
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " or ")
}
