// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"strconv"
)

// mutantKnob chooses the mistake that a kernel makes whose image carries some
// (see package images): io_uring/io_uring.c's module parameter.
const mutantKnob = "/sys/module/io_uring/parameters/mutant"

// makeMistake is for who does not run a program: the kernel makes mistake n from
// now on, and nothing may be under way that another one was asked for.
func (s *scheduler) makeMistake(n int) error {
	if len(s.byTag)+len(s.queue) > 0 {
		return fmt.Errorf("%d programs are under way: wait for their answers", len(s.byTag)+len(s.queue))
	}
	if n == s.mutant {
		return nil
	}
	if err := s.force(n); err != nil {
		return err
	}
	s.mutant = n
	return nil
}

// setMutant makes the kernel make mistake n from now on; 0 is none.
func setMutant(sys system, n int) error {
	if err := sys.WriteFile(mutantKnob, strconv.Itoa(n)); err != nil {
		return fmt.Errorf("the kernel cannot be made to make mistake %d: %w; it takes an image with mutants woven in that has that many", n, err)
	}
	return nil
}
