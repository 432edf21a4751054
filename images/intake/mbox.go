// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"fmt"
	"regexp"
)

// fromLine separates the mails of an mbox, in all its dialects. It ends in a
// year, or in a time zone behind it.
var fromLine = regexp.MustCompile(`^From \S.*\d{4}(?: [+-]\d{4})?[ \t]*\r?$`)

// headerStart is how a mail's first line begins.
var headerStart = regexp.MustCompile(`^(?:>?From |[!-9;-~]+[ \t]*:)`)

// quotedFrom is a line of a body that mboxrd writers put a ">" in front of.
var quotedFrom = regexp.MustCompile(`(?m)^>(>*From )`)

// splitMbox returns the mails of an mbox, each with its "From " line. Text that
// is none comes back as a whole. A line of a body that happens to begin with "From "
// starts no mail unless a header follows it.
func splitMbox(text []byte) ([][]byte, error) {
	if !bytes.HasPrefix(text, []byte("From ")) {
		return [][]byte{text}, nil
	}
	var starts []int
	for at := 0; at < len(text); {
		end := len(text)
		if nl := bytes.IndexByte(text[at:], '\n'); nl >= 0 {
			end = at + nl + 1
		}
		line := bytes.TrimSuffix(text[at:end], []byte("\n"))
		if fromLine.Match(line) && headerStart.Match(firstLine(text[end:])) {
			starts = append(starts, at)
		}
		at = end
	}
	if len(starts) > maxMails {
		return nil, fmt.Errorf("it holds %d mails; at most %d are read", len(starts), maxMails)
	}
	if len(starts) == 0 || starts[0] > 0 {
		return [][]byte{text}, nil
	}
	var mails [][]byte
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		mails = append(mails, text[at:end])
	}
	return mails, nil
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
}
