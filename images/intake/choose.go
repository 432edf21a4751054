// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// choose finds the revision that is meant among all that was read. Of an archive
// the patches come by number, and what is not numbered is not among them; the
// patches of a directory or a file come in their order where not all are numbered.
func choose(all []*message, opt Options, archive bool) (*Series, error) {
	var patches []*message
	replies, unreadable := 0, 0
	s := &Series{}
	for _, m := range all {
		switch {
		case m.unreadable != "":
			if unreadable++; unreadable <= 3 {
				s.note("%s was passed over: %s", m.Name, m.unreadable)
			}
		case m.subject.reply && m.isPatch() && len(all) > 1, m.isPatch() && m.subject.total > 0 && m.subject.number == 0:
			replies++
		case m.isPatch():
			patches = append(patches, m)
		}
	}
	if unreadable > 3 {
		s.note("%d more mails could not be read", unreadable-3)
	}
	if replies > 0 {
		s.note("changes in %d replies and cover letters are not part of the series", replies)
	}
	if len(patches) == 0 {
		return nil, errNothing
	}
	sets := revisions(patches, archive)
	set, err := pick(sets, opt)
	if err != nil {
		return nil, err
	}
	for _, other := range sets {
		if other != set {
			s.note("passed over: %s", other)
		}
	}
	return s, s.fill(set, all)
}

func (s *Series) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// revision is a set of patches that belong together.
type revision struct {
	version, total int
	patches        []*message
	missing        []int
}

func (r *revision) String() string {
	text := fmt.Sprintf("v%d, %d patches", r.version, len(r.patches))
	if len(r.missing) > 0 {
		text += fmt.Sprintf(" of %d, without %s", r.total, numberWord(r.missing))
	}
	return text + fmt.Sprintf(" (%q)", r.patches[0].Subject)
}

// revisions sorts patches into sets, the newest first.
func revisions(patches []*message, archive bool) []*revision {
	numbered, plain := map[string]*revision{}, map[int]*revision{}
	var all []*revision
	for _, m := range patches {
		if m.Total == 0 {
			r := plain[m.version]
			if r == nil {
				r = &revision{version: m.version}
				plain[m.version] = r
				all = append(all, r)
			}
			r.patches = append(r.patches, m)
			continue
		}
		key := fmt.Sprint(m.version, m.Total)
		if numbered[key] == nil {
			numbered[key] = &revision{version: m.version, total: m.Total}
			all = append(all, numbered[key])
		}
		numbered[key].patches = append(numbered[key].patches, m)
	}
	if !archive && len(plain) > 0 {
		return []*revision{{version: patches[0].version, patches: patches}} // a mixture, in the order of a person
	}
	var split []*revision
	for _, r := range all {
		split = append(split, r.split(patches)...)
	}
	sort.SliceStable(split, func(i, j int) bool {
		a, b := split[i], split[j]
		switch {
		case a.version != b.version:
			return a.version > b.version
		case (a.total > 0) != (b.total > 0):
			return a.total > 0
		}
		return a.patches[0].when.After(b.patches[0].when)
	})
	return split
}

// split orders a set by number. Where a number is there twice, as in an
// archive with two series of the same length, threads tell them apart.
func (r *revision) split(all []*message) []*revision {
	if r.total == 0 {
		return []*revision{r}
	}
	whole := *r
	if whole.order() {
		return []*revision{&whole}
	}
	root := threads(r.patches)
	var out []*revision
	at := map[string]*revision{}
	for _, m := range r.patches {
		part := at[root[m]]
		if part == nil {
			part = &revision{version: r.version, total: r.total}
			at[root[m]] = part
			out = append(out, part)
		}
		part.patches = append(part.patches, m)
	}
	for _, part := range out {
		part.order()
	}
	return out
}

// order sorts by number, keeps of mails with the same number the last, and
// tells whether the numbers were unambiguous.
func (r *revision) order() bool {
	sorted := slices.Clone(r.patches)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Number < sorted[j].Number })
	clear := true
	var kept []*message
	var have []int
	for _, m := range sorted {
		n := len(kept)
		if n > 0 && kept[n-1].Number == m.Number {
			same := bytes.Equal(kept[n-1].Diff, m.Diff)
			clear = clear && same
			if !same && m.when.After(kept[n-1].when) {
				kept[n-1] = m
			}
			continue
		}
		kept, have = append(kept, m), append(have, m.Number)
	}
	r.patches, r.missing = kept, gaps(have, r.total)
	return clear
}

// threads returns for each patch the message ID that its thread hangs on: of
// those that it names as its parents the one that is nearest and that a sibling names
// too, or is one. A patch that is alone is its own.
func threads(patches []*message) map[*message]string {
	named := map[string]int{}
	for _, m := range patches {
		for _, id := range uniq(append(slices.Clone(m.parents), m.MessageID)) {
			named[id]++
		}
	}
	root := map[*message]string{}
	for _, m := range patches {
		root[m] = m.Name
		chain := append(slices.Clone(m.parents), m.MessageID)
		for i := len(chain) - 1; i >= 0; i-- {
			if chain[i] != "" && named[chain[i]] > 1 {
				root[m] = chain[i]
				break
			}
		}
	}
	return root
}

func uniq(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// pick returns the revision that is asked for, the newest unless told. One of which
// patches are missing is an error: an older one in its place would be tested without a word.
func pick(sets []*revision, opt Options) (*revision, error) {
	var wanted []*revision
	var have []string
	for _, r := range sets {
		have = append(have, r.String())
		if opt.Revision == 0 || r.version == opt.Revision {
			wanted = append(wanted, r)
		}
	}
	if len(wanted) == 0 {
		return nil, fmt.Errorf("there is no v%d in it; there is: %s", opt.Revision, strings.Join(have, "; "))
	}
	if opt.Partial {
		return wanted[0], nil
	}
	r := wanted[0]
	e := &IncompleteError{Version: r.version, Total: r.total, Missing: r.missing}
	for _, other := range wanted {
		switch {
		case len(other.missing) > 0:
		case other.version == r.version: // sent again, say
			return other, nil
		case e.Complete == 0:
			e.Complete = other.version
		}
	}
	for _, m := range r.patches {
		e.Have = append(e.Have, m.Number)
	}
	return nil, e
}

var trailers = regexp.MustCompile(`(?m)^(base-commit|prerequisite-patch-id|prerequisite-message-id|prerequisite-change-id|change-id):[ \t]*<?([^\s<>]{1,250})>?[ \t]*$`)

// fill makes a series of the chosen patches, and finds its cover letter.
func (s *Series) fill(r *revision, all []*message) error {
	if len(r.patches) > maxPatches {
		return fmt.Errorf("it has %d patches; at most %d are read", len(r.patches), maxPatches)
	}
	s.Version, s.Total, s.Missing = r.version, r.total, r.missing
	if len(s.Missing) > 0 {
		s.note("the series is not complete: %s of %d %s missing", numberWord(s.Missing), s.Total, isAre(len(s.Missing)))
	}
	var related []*message
	if cover := coverOf(r, all); cover != nil {
		s.Cover, s.CoverMessageID = cover.subject.title, cover.MessageID
		related = append(related, cover)
	}
	for _, m := range append(related, r.patches...) {
		for _, t := range trailers.FindAllStringSubmatch(m.prose, maxPatches) {
			s.trailer(t[1], t[2])
		}
	}
	for _, m := range r.patches {
		if m.err != nil {
			return m.err
		}
		s.Patches = append(s.Patches, m.Patch)
	}
	return nil
}

func (s *Series) trailer(name, value string) {
	switch name {
	case "base-commit":
		if s.BaseCommit == "" {
			s.BaseCommit = value
		}
	case "change-id":
		if s.ChangeID == "" {
			s.ChangeID = value
		}
	default:
		if entry := name + " " + value; !slices.Contains(s.Prerequisites, entry) && len(s.Prerequisites) < maxPatches {
			s.Prerequisites = append(s.Prerequisites, entry)
		}
	}
}

// coverOf finds the [PATCH 0/n]: of several the one that the first patch answers.
func coverOf(r *revision, all []*message) (cover *message) {
	for _, m := range all {
		if m.subject.reply || m.subject.number != 0 || m.subject.total != r.total || r.total == 0 || max(m.subject.version, 1) != r.version {
			continue
		}
		if cover == nil || slices.Contains(r.patches[0].parents, m.MessageID) {
			cover = m
		}
	}
	return cover
}
