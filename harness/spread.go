// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"math"
	"slices"
)

// Spread sums up repetitions of one measurement.
type Spread struct {
	N      int     `json:"n"`
	Median float64 `json:"median"`
	Q1     float64 `json:"q1"`
	Q3     float64 `json:"q3"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf sums values up; the zero Spread for none. The median of an even
// number is the mean of the two in the middle, and quartiles are interpolated likewise.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Clone(values)
	slices.Sort(v)
	return Spread{N: len(v), Median: quantile(v, 0.5), Q1: quantile(v, 0.25), Q3: quantile(v, 0.75), Min: v[0], Max: v[len(v)-1]}
}

// quantile interpolates between the two nearest of sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// MedianInterval returns two of the values between which the median of what
// they were drawn from lies with a confidence of at least 95%, whatever its
// distribution: the k-th smallest and the k-th largest, by the sign test. With fewer than
// six values there is no such pair, and it returns all there is: smallest and largest.
func MedianInterval(values []float64) (low, high float64) {
	if len(values) == 0 {
		return math.NaN(), math.NaN()
	}
	v := slices.Clone(values)
	slices.Sort(v)
	n := len(v)
	// outside is the chance that fewer than k of n values are below the median, on either side.
	k, below, term := 0, 0.0, math.Pow(0.5, float64(n))
	for i := 0; i < n/2; i++ {
		below += term
		if 2*below > 0.05 {
			break
		}
		k = i
		term *= float64(n-i) / float64(i+1)
	}
	return v[k], v[n-1-k]
}
