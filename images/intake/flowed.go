// SPDX-License-Identifier: Apache-2.0

package intake

import "strings"

// unflow undoes format=flowed (RFC 3676): lines that end in a space go on in
// the next one of the same quote depth, and a space in front was put there for
// lines that begin with a space, ">" or "From ". With join false only the stuffing is undone.
func unflow(text string, delSp, join bool) string {
	var b strings.Builder
	depth, open := 0, false
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		cr := strings.HasSuffix(line, "\r")
		line = strings.TrimSuffix(line, "\r")
		body := strings.TrimLeft(line, ">")
		d := len(line) - len(body)
		body = strings.TrimPrefix(body, " ")
		if open && d != depth {
			b.WriteByte('\n')
			open = false
		}
		if !open && d > 0 {
			b.WriteString(strings.Repeat(">", d) + " ")
		}
		depth = d
		// The line in front of a signature ends in a space and is none of these.
		open = join && strings.HasSuffix(body, " ") && body != "-- "
		if open && delSp {
			body = strings.TrimSuffix(body, " ")
		}
		b.WriteString(body)
		if !open {
			if cr {
				b.WriteByte('\r')
			}
			b.WriteByte('\n')
		}
	}
	if open {
		b.WriteByte('\n')
	}
	return b.String()
}
