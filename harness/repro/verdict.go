// SPDX-License-Identifier: Apache-2.0

package repro

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/judge"
)

// patience is how long the parent waits for the child, in seconds.
const patience = 20

// attempts is how often a C program tries at most to show what may take luck. It stops trying
// when half of its time is over, and where it is a hang that it looks for it tries once.
const attempts = 10

func mainOf(p *cases.Program, bug *Bug) string {
	var b strings.Builder
	b.WriteString("int main(int argc, char **argv)\n{\n")
	cqes := bug.byCQEs()
	if cqes {
		fmt.Fprintf(&b, "\t/* the SQEs that matter, and the CQEs that show the bug: all that these SQEs post, in order%s */\n",
			map[bool]string{true: ", and in which step they were reaped"}[bug.Steps])
		fmt.Fprintf(&b, "\tstatic const unsigned long long about[] = { %s };\n", joined(bug.SQEs, func(i int) string { return fmt.Sprint(cases.UserData(i)) }))
		rows := func(list []cases.CQE, steps bool) string {
			return cmp.Or(joined(list, func(c cases.CQE) string {
				step := 0
				if steps {
					step = c.Step + 1
				}
				return fmt.Sprintf("{ %d, %d, %d, %d }", c.Ring, c.Res, step, c.UserData)
			}), "{ 0 }")
		}
		fmt.Fprintf(&b, "\tstatic const struct cqe bug[] = { %s };\n", rows(bug.CQEs, bug.Steps))
		if len(bug.Beside) > 0 {
			b.WriteString("\t/* likewise of those that were submitted with them, in any order */\n")
			fmt.Fprintf(&b, "\tstatic const unsigned long long beside[] = { %s };\n", joined(bug.Beside, func(i int) string { return fmt.Sprint(cases.UserData(i)) }))
			fmt.Fprintf(&b, "\tstatic const struct cqe others[] = { %s };\n", rows(bug.Others, false))
		}
	}
	if bug.Crash {
		b.WriteString("\tint kmsg = open(\"/dev/kmsg\", O_RDONLY | O_NONBLOCK);\n")
	}
	lucky := cqes || bug.Crash || bug.Workers != ""
	if lucky {
		b.WriteString("\tlong long enough;\n")
	}
	if bug.Stays {
		b.WriteString("\tint ending = rings_ending();\n")
	}
	fmt.Fprintf(&b, "\tint seconds = argc > 1 ? atoi(argv[1]) : 0, shows = 0, hung = 0;\n\n")
	b.WriteString("\tif (argc > 1 && !strcmp(argv[1], \"arrived\"))\n\t\treturn 0;\n" +
		"\tif (argc > 2 && atoi(argv[2]) > 0)\n\t\tslow = atoi(argv[2]);\n")
	if bug.Crash {
		b.WriteString("\tif (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0)\n\t\tcannot(\"/dev/kmsg\");\n")
	}
	fmt.Fprintf(&b, "\tseconds = seconds > 0 ? seconds : %d;\n", patience)
	run, indent := "\thung = run_child(seconds);\n", "\t"
	if lucky {
		fmt.Fprintf(&b, "\t/* it may take luck */\n\tenough = now_ms() + seconds * 500LL;\n\tfor (int n = 0; n < %d && !shows && !hung && (!n || now_ms() < enough); n++) {\n", attempts)
		run, indent = "\t"+run, "\t\t"
	}
	b.WriteString(run)
	switch {
	case bug.Hang:
		b.WriteString("\tshows = hung;\n")
	case bug.Stays:
		b.WriteString("\tshows = rings_stay(ending, seconds);\n")
	case bug.Crash:
		b.WriteString(indent + "shows = complained(kmsg);\n")
	case bug.Workers == judge.NoWorkers:
		b.WriteString(indent + "shows = !hung && !seen->workers;\n")
	case bug.Workers == judge.SomeWorkers:
		b.WriteString(indent + "shows = !hung && seen->workers;\n")
	case cqes:
		fmt.Fprintf(&b, "%sshows = !hung && in_order(about, %d, bug, %d)", indent, len(bug.SQEs), len(bug.CQEs))
		if len(bug.Beside) > 0 {
			fmt.Fprintf(&b, " && in_any_order(beside, %d, others, %d)", len(bug.Beside), len(bug.Others))
		}
		b.WriteString(";\n")
	}
	if lucky {
		b.WriteString("\t}\n")
	}
	b.WriteString("\tfor (int i = 0; i < seen->count; i++)\n" +
		"\t\tprintf(\"CQE on ring %d: user_data %llu, res %d\\n\", seen->cqes[i].ring, seen->cqes[i].user_data, seen->cqes[i].res);\n")
	if bug.Workers != "" {
		b.WriteString("\tprintf(\"%d io-wq workers\\n\", seen->workers);\n")
	}
	if !bug.Hang {
		b.WriteString("\tif (hung)\n\t\tprintf(\"it hangs\\n\");\n")
	}
	if bug.Visible() {
		b.WriteString("\tprintf(\"%s\\n\", shows ? \"the bug shows\" : \"the bug does not show\");\n")
	}
	b.WriteString("\treturn shows;\n}\n")
	return b.String()
}

func joined[T any](list []T, text func(T) string) string {
	var words []string
	for _, v := range list {
		words = append(words, text(v))
	}
	return strings.Join(words, ", ")
}
