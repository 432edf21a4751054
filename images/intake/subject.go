// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// subject is what a subject line says of a patch's place.
type subject struct {
	title         string
	version       int // 0: none named
	number, total int // 0/m is a cover letter; 0, 0: none named
	tagged        bool
	reply         bool
}

var (
	replyMark  = regexp.MustCompile(`^(?i)(?:(?:re|aw|sv|vs|antw|fwd?|wg|tr|rv)(?:\[\d+\])?|回复|答复|转发)\s*[::]\s*`)
	bracket    = regexp.MustCompile(`^\s*\[([^\]]*)\]\s*`)
	versionTag = regexp.MustCompile(`^(?i)(?:patch|rfc)?v(\d{1,4})(?:\.\d+)?$`)
	numberTag  = regexp.MustCompile(`^(\d{1,5})/(\d{1,5})$`)
	patchTag   = regexp.MustCompile(`^(?i)(?:patch|rfc|rft)`)
)

// parseSubject understands what git format-patch, b4 and people write, and how
// trackers show it: [PATCH v4 4/8], [RFC PATCH 6.12 V2 03/10], [RFC][PATCHv3], [V4,4/8].
func parseSubject(line string) subject {
	var s subject
	line = strings.Join(strings.Fields(line), " ")
	for {
		m := replyMark.FindString(line)
		if m == "" {
			break
		}
		s.reply, line = true, line[len(m):]
	}
	for {
		m := bracket.FindStringSubmatch(line)
		if m == nil {
			break
		}
		tags := strings.FieldsFunc(m[1], func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
		if !s.read(tags) && s.tagged {
			break // [PATCH] [subsystem] is a part of the title
		}
		line = line[len(m[0]):]
	}
	s.title = strings.TrimSpace(line)
	return s
}

// read takes the tags of one pair of brackets and tells whether there were any.
func (s *subject) read(tags []string) (found bool) {
	for _, t := range tags {
		if m := versionTag.FindStringSubmatch(t); m != nil {
			s.version, _ = strconv.Atoi(m[1])
			found = true
		} else if m := numberTag.FindStringSubmatch(t); m != nil {
			n, _ := strconv.Atoi(m[1])
			total, _ := strconv.Atoi(m[2])
			if n <= total && total > 0 && total <= maxPatches {
				s.number, s.total, found = n, total, true
			}
		} else if patchTag.MatchString(t) {
			found = true
		}
	}
	s.tagged = s.tagged || found
	return found
}

// numberWord writes sorted numbers as ranges: "patch 4", "patches 1-3, 5".
func numberWord(ns []int) string {
	var parts []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, strconv.Itoa(ns[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", ns[i], ns[j]))
		}
		i = j + 1
	}
	word := "patch "
	if len(ns) > 1 {
		word = "patches "
	}
	return word + strings.Join(parts, ", ")
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// gaps returns the numbers from 1 to total that are not among have.
func gaps(have []int, total int) (missing []int) {
	for n := 1; n <= total; n++ {
		if !slices.Contains(have, n) {
			missing = append(missing, n)
		}
	}
	return missing
}
