// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"slices"
	"syscall"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/cases/model"
)

// userspace judges a failed run once more by what its CQEs alone say, nil if
// that is nothing. It is what a program can tell that has neither probes nor model.
func userspace(in Input, exp *model.Expectation) *Userspace {
	plain := *in.Outcome
	plain.Events, plain.Data, plain.RingsGone, plain.Hang, plain.Console = nil, nil, nil, nil, nil
	plain.Evidence = cases.Evidence{}
	in.Probes, in.Outcome = nil, &plain
	given := plain.Steps
	for _, timed := range []bool{false, true} {
		plain.Steps = slices.Clone(given)
		for k := range plain.Steps {
			st := &plain.Steps[k]
			st.Took = 0
			switch wait := k < len(in.Program.Steps) && in.Program.Steps[k].Kind == cases.StepWait; {
			case !wait:
				st.Errno = 0
			case !timed && st.Errno != 0: // neither does it prove that something is late, nor that all is there
				st.Errno = int32(syscall.EINTR)
			}
		}
		v := judgeBy(in, exp)
		for k := range v.Violations {
			if x := &v.Violations[k]; len(x.SQEs) > 0 || len(x.CQEs) > 0 {
				return &Userspace{*x, timed}
			}
		}
	}
	return nil
}
