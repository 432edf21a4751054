// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"slices"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/kcov"
)

// prepare provides what only PID 1 can.
func (s *scheduler) prepare(r *run) error {
	if r.covered {
		if err := s.worker.kcov.Prepare(s.worker.pid, 1+len(r.prog.Threads())); err != nil {
			return fmt.Errorf("provide coverage: %w", err)
		}
	}
	if s.ext4 || !slices.ContainsFunc(r.prog.Resources, func(r cases.Resource) bool { return r.FS == cases.Ext4 }) {
		return nil
	}
	if err := mountExt4(); err != nil {
		return fmt.Errorf("provide ext4: %w", err)
	}
	s.ext4 = true
	return nil
}

func endsProcess(p *cases.Program) bool {
	return slices.ContainsFunc(p.Steps, func(st cases.Step) bool { return st.Kind.Ends() && st.FD.Ref == 0 })
}

// salvage takes what a program reached that did not get to its end. Its worker is gone, or stuck for good.
func (s *scheduler) salvage(w *process, r *run) {
	if !r.covered {
		return
	}
	n := 1 + len(r.prog.Threads())
	if err := w.kcov.Map(n); err != nil {
		s.log("the coverage of a program that did not get to its end is lost: %v", err)
		return
	}
	r.coverage = w.kcov.Reduce(n, kcov.NewReducer(kcov.Lacks()))
}
