// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/binary"
	"testing"
)

// fakeQueue is a queue in ordinary memory, with the producer's side.
func fakeQueue(capacity int) *queue {
	return &queue{entries: make([]byte, capacity*entrySize), shared: make([]byte, queueSize)}
}

// write puts record number n in its place, uncommitted, and commit commits it.
func (q *queue) write(t *testing.T, n uint64) {
	r := full()
	r.UserData = n
	capacity := uint64(len(q.entries) / entrySize)
	copy(q.entries[n%capacity*entrySize:], encode(t, r))
}

func (q *queue) commit(n uint64) {
	capacity := uint64(len(q.entries) / entrySize)
	binary.LittleEndian.PutUint64(q.entries[n%capacity*entrySize+offSeq:], n+1)
}

func readNumbers(t *testing.T, q *queue) []uint64 {
	t.Helper()
	recs, err := Decode(q.read(nil))
	if err != nil {
		t.Fatal(err)
	}
	var ns []uint64
	for _, r := range recs {
		ns = append(ns, r.UserData)
	}
	return ns
}

func wantNumbers(t *testing.T, q *queue, want ...uint64) {
	t.Helper()
	got := readNumbers(t, q)
	if len(got) != len(want) {
		t.Fatalf("read %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("read %v, want %v", got, want)
		}
	}
}

func TestQueue(t *testing.T) {
	q := fakeQueue(4)
	wantNumbers(t, q)
	for n := range uint64(3) {
		q.write(t, n)
	}
	q.commit(0)
	q.commit(2)
	wantNumbers(t, q, 0) // 1 is being written
	q.commit(1)
	wantNumbers(t, q, 1, 2)
	for n := uint64(3); n < 7; n++ { // around the end
		q.write(t, n)
		q.commit(n)
	}
	wantNumbers(t, q, 3, 4, 5, 6)
	wantNumbers(t, q)
	if got := binary.LittleEndian.Uint64(q.shared[offTail:]); got != 7 {
		t.Errorf("tail is %d, want 7", got)
	}
	if q.overwritten != 0 {
		t.Errorf("%d records overwritten, want none", q.overwritten)
	}
}

func TestQueueOverwritten(t *testing.T) {
	q := fakeQueue(4)
	for n := range uint64(6) { // 4 and 5 take the places of 0 and 1
		q.write(t, n)
		q.commit(n)
	}
	wantNumbers(t, q, 2, 3, 4, 5)
	if q.overwritten != 2 {
		t.Errorf("%d records overwritten, want 2", q.overwritten)
	}
}
