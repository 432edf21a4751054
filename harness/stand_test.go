// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"testing"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model/sim"
	"github.com/ringproof/ringproof/harness/judge"
	"github.com/ringproof/ringproof/vm"
)

// A Stand keeps its guest for the next program, tells what the kernel said late, and asks again where our side broke.
func TestStand(t *testing.T) {
	none := &cases.Profile{Name: "none"}
	done := func() answer { return answer{outcome: sim.Run(plainProgram("x"), none, 1)} }
	guests := []*fakeGuest{
		{answers: []answer{done(), done()}, late: [][]string{{"[    3.1] BUG: kernel NULL pointer dereference, address: 0000000000000008"}}},
		{answers: []answer{{err: &vm.InfraError{Op: "talk to QEMU", Err: errors.New("killed")}}}},
		{answers: []answer{done()}},
	}
	used := 0
	s := &Stand{stand{profile: none, spawn: func(context.Context) (guest, error) {
		used++
		return guests[used-1], nil
	}}}
	if info, err := s.Info(t.Context()); info == nil || err != nil || used != 1 {
		t.Fatalf("info: %v, %v, %d guests", info, err, used)
	}
	first, err := s.Run(t.Context(), plainProgram("a"), vm.RunOptions{})
	if err != nil || first.Outcome == nil || first.Late != nil || used != 1 {
		t.Fatalf("first: %+v, %v, %d guests", first, err, used)
	}
	second, err := s.Run(t.Context(), plainProgram("b"), vm.RunOptions{})
	if err != nil || second.Outcome == nil {
		t.Fatalf("second: %+v, %v", second, err)
	}
	if second.Late == nil || second.Late.Program.Name != "a" || second.Late.Verdict.Status != judge.Crash || !guests[0].closed {
		t.Errorf("late: %+v", second.Late)
	}
	if used != 3 || !guests[1].closed {
		t.Errorf("%d guests: the one whose QEMU was killed is not to be the answer", used)
	}
	if s.Close(); !guests[2].closed {
		t.Error("the last guest was left running")
	}
}
