// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/ringproof/ringproof/cases"
)

func catalogue(t testing.TB) []*cases.Program {
	t.Helper()
	all, err := cases.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The byte form loses nothing of a program of the catalogue that means anything.
func TestCatalogueSurvivesTheByteForm(t *testing.T) {
	largest := 0
	for _, p := range catalogue(t) {
		data, err := Encode(p)
		if err != nil {
			t.Errorf("%v\n%s\n%s", err, Bare(p).Text(), p.Text())
			continue
		}
		largest = max(largest, len(data)/RecordSize)
		bare := Bare(p)
		if err := bare.Validate(); err != nil {
			t.Error(err)
		}
		if got := Decode(data); !reflect.DeepEqual(got, bare) {
			t.Errorf("%s came back as\n%s", p.Name, got.Text())
		}
	}
	t.Logf("the largest program has %d records", largest)
}

// checkDecode checks what must hold of every byte string.
func checkDecode(t *testing.T, data []byte) {
	t.Helper()
	p := Decode(data)
	if err := p.Validate(); err != nil {
		t.Fatalf("not a valid program: %v", err)
	}
	again, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := Decode(again); !reflect.DeepEqual(got, p) {
		t.Fatalf("not stable: decoded, encoded and decoded again it is\n%s\nand was\n%s", got.Text(), p.Text())
	}
}

func TestEveryByteStringIsAProgram(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	all := catalogue(t)
	for range 2000 {
		data := make([]byte, random.IntN(40*RecordSize))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		checkDecode(t, data)
		seed, err := Encode(all[random.IntN(len(all))])
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + random.IntN(8) {
			seed[random.IntN(len(seed))] ^= 1 << random.IntN(8)
		}
		checkDecode(t, seed)
	}
}

// A byte changed changes little: nearly everything else of the program stays.
func TestSmallChangesStaySmall(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	all := catalogue(t)
	changed, far := 0, 0
	for range 4000 {
		p := all[random.IntN(len(all))]
		data, err := Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		at := random.IntN(len(data)/RecordSize)*RecordSize + 1 + random.IntN(RecordSize-1) // not the kind
		data[at] ^= 1 << random.IntN(8)
		if lines := differingLines(Bare(p).Text(), Decode(data).Text()); lines > 0 {
			changed++
			if lines > 6 {
				far++
			}
		}
	}
	t.Logf("%d of 4000 changes mean something, %d of them change more than 6 lines", changed, far)
	if changed < 800 || far*20 > changed {
		t.Errorf("%d of 4000 changes mean something, %d of them change more than 6 lines", changed, far)
	}
}

func differingLines(a, b string) int {
	count := map[string]int{}
	for line := range bytes.Lines([]byte(a)) {
		count[string(line)]++
	}
	for line := range bytes.Lines([]byte(b)) {
		count[string(line)]--
	}
	n := 0
	for _, c := range count {
		n += max(c, -c)
	}
	return n
}

// However long the input is, what is decoded of it is bounded.
func TestDecodeIsBounded(t *testing.T) {
	p := Decode(bytes.Repeat([]byte{byte(recSQE)}, 1<<20))
	if n := len(p.SQEs()); n > MaxRecords {
		t.Errorf("%d SQEs", n)
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}

// FuzzDecode looks for a byte string that is no program, or one that the byte form cannot hold.
func FuzzDecode(f *testing.F) {
	for _, p := range catalogue(f) {
		data, err := Encode(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(checkDecode)
}
