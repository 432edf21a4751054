// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// group is a run of diffs with nothing but empty lines between them.
type group struct {
	text string
	err  error // of the first diff that cannot be read
}

var hunkHeader = regexp.MustCompile(`^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@`)

// findDiffs finds the unified diffs in a text. A hunk ends where its header
// says: what follows, a signature or a mailing list's footer, is prose again.
// Quoted diffs are prose as well, since their lines begin otherwise.
func findDiffs(text string) (groups []group, prose string) {
	lines := strings.SplitAfter(text, "\n")
	var rest strings.Builder
	adjacent := false // nothing but empty lines since the last diff
	for i := 0; i < len(lines); {
		if !startsDiff(lines[i:]) {
			if adjacent && !betweenDiffs(lines[i]) {
				adjacent = false
			}
			rest.WriteString(lines[i])
			i++
			continue
		}
		n, err := diffLength(lines[i:])
		if err != nil {
			err = fmt.Errorf("line %d: %w", i+n+1, err)
		}
		if !adjacent {
			groups = append(groups, group{})
		}
		g := &groups[len(groups)-1]
		if g.err == nil {
			g.err = err
		}
		g.text += ended(strings.Join(lines[i:i+n], ""))
		adjacent = err == nil
		i += max(n, 1)
	}
	return groups, rest.String()
}

func ended(text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

// betweenDiffs: a line that diff -r, svn and quilt write between two files.
func betweenDiffs(line string) bool {
	line = strings.TrimRight(line, "\r\n")
	return strings.TrimSpace(line) == "" || strings.HasPrefix(line, "diff ") || strings.HasPrefix(line, "Index: ") ||
		strings.HasPrefix(line, "Only in ") || strings.Trim(line, "=") == ""
}

func startsDiff(lines []string) bool {
	if strings.HasPrefix(lines[0], "diff --git ") {
		return len(lines) > 1 && isExtended(lines[1])
	}
	return len(lines) > 2 && strings.HasPrefix(lines[0], "--- ") && strings.HasPrefix(lines[1], "+++ ") && hunkHeader.MatchString(lines[2])
}

// extended are the lines that may stand between "diff --git" and the hunks.
var extended = []string{
	"index ", "--- ", "+++ ", "old mode ", "new mode ", "new file mode ", "deleted file mode ", "similarity index ",
	"dissimilarity index ", "rename from ", "rename to ", "copy from ", "copy to ", "Binary files ", "GIT binary patch",
}

func isExtended(line string) bool {
	for _, p := range extended {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}

// diffLength returns how many lines the diff of one file has that begins
// there; with an error, at which line it stops to be one.
func diffLength(lines []string) (n int, err error) {
	complete := false // without hunks as well
	if strings.HasPrefix(lines[0], "diff --git ") {
		n++
	}
	for ; n < len(lines) && isExtended(lines[n]); n++ {
		switch {
		case strings.HasPrefix(lines[n], "GIT binary patch"):
			return n + binaryLength(lines[n:]), nil
		case strings.HasPrefix(lines[n], "--- "), strings.HasPrefix(lines[n], "+++ "):
			complete = false
		case !strings.HasPrefix(lines[n], "index "):
			complete = true
		}
		if strings.HasPrefix(lines[n], "+++ ") {
			n++
			break
		}
	}
	for n < len(lines) && strings.HasPrefix(lines[n], "@@ ") {
		more, err := hunkLength(lines[n:])
		n += more
		if err != nil {
			return n, err
		}
		complete = true
	}
	if !complete {
		return n, fmt.Errorf("a diff begins, but no hunk follows")
	}
	return n, nil
}

// binaryLength passes over the blocks of a binary patch, which end with empty lines.
func binaryLength(lines []string) int {
	n := 1
	for n < len(lines) && (strings.HasPrefix(lines[n], "literal ") || strings.HasPrefix(lines[n], "delta ")) {
		for n < len(lines) && strings.TrimSpace(lines[n]) != "" {
			n++
		}
		for n < len(lines) && lines[n] != "" && strings.TrimSpace(lines[n]) == "" {
			n++
		}
	}
	return n
}

func hunkLength(lines []string) (n int, err error) {
	m := hunkHeader.FindStringSubmatch(lines[0])
	if m == nil {
		return 0, fmt.Errorf("%q is no hunk header", clip(lines[0]))
	}
	old, now := count(m[1]), count(m[2])
	for n = 1; old > 0 || now > 0; n++ {
		if n >= len(lines) || lines[n] == "" {
			return n, fmt.Errorf("the hunk is cut short: %d more lines of the old file and %d of the new should follow", old, now)
		}
		switch lines[n][0] {
		case ' ', '\n', '\r': // editors take the blank off an empty line
			old, now = old-1, now-1
		case '-':
			old--
		case '+':
			now--
		case '\\':
		default:
			return n, fmt.Errorf("a line of a hunk begins with %q: %q. Was the patch wrapped or edited on its way? "+
				"By its header the hunk has %d more lines of the old file and %d of the new", lines[n][:1], clip(lines[n]), old, now)
		}
		if old < 0 || now < 0 {
			return n, fmt.Errorf("the hunk has more lines than its header says, %q", clip(lines[0]))
		}
	}
	if n < len(lines) && strings.HasPrefix(lines[n], "\\ ") {
		n++
	}
	return n, nil
}

// count reads a number of a hunk header, which is 1 if it is not there.
func count(s string) int {
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > maxDiffSize {
		n = maxDiffSize // more than can follow
	}
	return n
}

// clip is a line for quoting.
func clip(line string) string {
	const most = 100
	line = strings.TrimRight(line, "\r\n")
	if len(line) > most {
		return line[:most] + "..."
	}
	return line
}
