// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ringproof/ringproof/vm/wire"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   Spread
	}{
		{"none", nil, Spread{}},
		{"one", []float64{3}, Spread{1, 3, 3, 3, 3, 3}},
		{"odd", []float64{5, 1, 3}, Spread{3, 3, 2, 4, 1, 5}},
		{"even", []float64{4, 1, 3, 2}, Spread{4, 2.5, 1.75, 3.25, 1, 4}},
	} {
		if got := SpreadOf(c.values); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	v := []float64{3, 1, 2}
	if SpreadOf(v); v[0] != 3 {
		t.Error("the caller's values were sorted")
	}
}

// The places are those of the sign test's tables.
func TestMedianInterval(t *testing.T) {
	for _, c := range []struct {
		n    int
		low  float64 // the k-th smallest, from 1
		high float64
	}{{1, 1, 1}, {5, 1, 5}, {6, 1, 6}, {8, 1, 8}, {9, 2, 8}, {12, 3, 10}, {20, 6, 15}, {24, 7, 18}, {40, 14, 27}} {
		var v []float64
		for i := c.n; i > 0; i-- {
			v = append(v, float64(i))
		}
		low, high := MedianInterval(v)
		if low != c.low || high != c.high {
			t.Errorf("of %d values: %v to %v, want %v to %v", c.n, low, high, c.low, c.high)
		}
	}
	if low, _ := MedianInterval(nil); !math.IsNaN(low) {
		t.Errorf("of no values: %v", low)
	}
}

// copyRuns makes up runs in which a way takes that many milliseconds, and
// every other round all take twice as long, as on a busy machine.
func copyRuns(rounds int, ms map[string]float64) []wire.CopyRun {
	var runs []wire.CopyRun
	for r := range rounds {
		for name, v := range ms {
			runs = append(runs, wire.CopyRun{Round: r, Shape: name, Took: time.Duration(v * float64(1+r%2) * float64(time.Millisecond)), Enters: 10, SQEs: 20})
		}
	}
	return runs
}

func TestCopyRatios(t *testing.T) {
	ms := map[string]float64{wire.CopyLinked: 12, wire.CopySeparate: 15, wire.CopyCoalesced: 8, wire.CopyGrouped: 10}
	var f CopyFile
	if err := f.fill(copyRuns(8, ms), 1e6, 8); err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		median float64
		says   string
	}{wire.CopyLinked: {1.2, "+20.0% [+20.0%, +20.0%] grouped is faster"}, wire.CopySeparate: {1.5, "faster"},
		wire.CopyCoalesced: {0.8, "-20.0% [-20.0%, -20.0%] grouped is slower"}}
	for _, r := range f.Ratios {
		if w := want[r.Against]; math.Abs(r.Median-w.median) > 1e-9 || !strings.Contains(r.Says(), w.says) {
			t.Errorf("against %s: %v, %s; want %v, %s", r.Against, r.Median, r.Says(), w.median, w.says)
		}
	}
	if len(f.Ways) != 4 || f.Ways[3].Name != wire.CopyGrouped || math.Abs(f.Ways[3].MBs.Max-100) > 1e-9 {
		t.Errorf("the ways are %+v", f.Ways)
	}
	even := ratioOf("x", []float64{1, 1, 1, 1, 1, 1}, []float64{1.1, 0.9, 1.1, 0.9, 1.1, 0.9})
	if !strings.Contains(even.Says(), "no difference shown") {
		t.Errorf("a ratio around 1 says %s", even.Says())
	}
}

func TestCopyRunsAreChecked(t *testing.T) {
	ms := map[string]float64{wire.CopyLinked: 12, wire.CopySeparate: 15, wire.CopyCoalesced: 8, wire.CopyGrouped: 10}
	for _, c := range []struct {
		name   string
		change func([]wire.CopyRun) []wire.CopyRun
	}{
		{"one missing", func(r []wire.CopyRun) []wire.CopyRun { return r[1:] }},
		{"a round twice", func(r []wire.CopyRun) []wire.CopyRun { return append(r, r[0]) }},
		{"a round too many", func(r []wire.CopyRun) []wire.CopyRun { r[0].Round = 9; return r }},
		{"no time", func(r []wire.CopyRun) []wire.CopyRun { r[0].Took = 0; return r }},
	} {
		var f CopyFile
		if err := f.fill(c.change(copyRuns(4, ms)), 1e6, 4); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

func TestCopyUsage(t *testing.T) {
	good := CopySpec{Size: 1 << 20, Block: 4096, QueueDepth: 8, Rounds: 8}
	for _, c := range []struct {
		change func(*CopySpec)
		want   string
	}{
		{func(s *CopySpec) { s.Rounds = 6 }, "multiple of 4 from 8 on"},
		{func(s *CopySpec) { s.Rounds = 4 }, "multiple of 4 from 8 on"},
		{func(s *CopySpec) { s.QueueDepth = 5 }, "queue depth"},
		{func(s *CopySpec) { s.Size = 1 }, "a file of 1 bytes"},
	} {
		spec := good
		c.change(&spec)
		_, err := BenchCopy(context.Background(), spec)
		if usage := new(UsageError); !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want a usage error with %q", spec, err, c.want)
		}
	}
}
