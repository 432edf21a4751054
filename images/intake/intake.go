// SPDX-License-Identifier: Apache-2.0

// Package intake reads a patch series in the forms in which people have it: a
// directory or quilt series, an mbox or maildir as archives serve it, a single
// mail, a tracker's page saved from a browser, a plain diff. Of all that is in there it
// finds the patches of one revision, in order, and says what it passed over. What comes in is hostile:
// sizes and counts are bounded, nothing is unpacked, nothing outside of what was given is read.
//
// It knows nothing of kernel trees: whether a patch applies, or may, is not
// decided here.
package intake

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Bounds. A series that needs more than these is not one that a person reads.
const (
	MaxSize     = 64 << 20 // bytes of all files of a series together
	maxMails    = 20_000   // of an archive
	maxPatches  = 1_000    // of a series
	maxParts    = 1_000    // of a mail, over all levels
	maxDepth    = 8        // of nested parts
	maxFiles    = 20_000   // of a directory
	maxDiffSize = 16 << 20 // bytes of one patch
)

// Patch is one change, without its surroundings.
type Patch struct {
	Name    string // of the file; with "#n" behind it for the n-th mail of one
	Subject string // decoded, without the tags in front; "" for a bare diff
	// Number and Total are the n/m of the subject; 0 where it has none.
	Number, Total int
	Author        string // as git would take it: an in-body From: before the mail's
	Date          string // of the mail or commit, RFC 3339; "" where it has none
	MessageID     string // without its angle brackets
	Raw           []byte // as it was read: the file or mail as a whole
	Diff          []byte // the unified diffs in it, and nothing else
}

// Series is one revision of a series.
type Series struct {
	Patches []Patch
	Version int // 1 where subjects name none; 0 for bare diffs
	// Missing are numbers of patches that the subjects promise but that are not there.
	Missing []int
	// Total is how many patches the subjects promise, 0 where they do not say.
	Total int
	// Cover is the cover letter's subject, without its tags.
	Cover          string
	CoverMessageID string
	// BaseCommit, Prerequisites and ChangeID are what git format-patch --base and
	// b4 write at the end of the cover letter or the first patch.
	BaseCommit    string
	Prerequisites []string // patch IDs, message IDs or change IDs, with what they are in front
	ChangeID      string
	// Notes tell what was there but is not in the series.
	Notes []string
}

// Options say which of several series is meant.
type Options struct {
	Revision int  // the N of [PATCH vN]; 0 is the newest
	Partial  bool // a series of which patches are missing will do
}

// IncompleteError says that patches of the series are missing.
type IncompleteError struct {
	Version, Total int
	Missing        []int
	Have           []int
	Complete       int // an older version in the same archive of which nothing is missing; 0 is none
}

func (e *IncompleteError) Error() string {
	first := e.Have[0]
	var before, after []int
	for _, n := range e.Missing {
		if n < first {
			before = append(before, n)
		} else {
			after = append(after, n)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "of %d patches (v%d) there %s %s: ", e.Total, e.Version, isAre(len(e.Have)), numberWord(e.Have))
	switch {
	case len(before) > 0 && len(after) > 0:
		fmt.Fprintf(&b, "%s before it and %s after are missing", numberWord(before), numberWord(after))
	case len(before) > 0:
		fmt.Fprintf(&b, "%s before it %s missing", numberWord(before), isAre(len(before)))
	default:
		fmt.Fprintf(&b, "%s %s missing", numberWord(after), isAre(len(after)))
	}
	b.WriteString(". Add what is missing (the whole thread as an mbox, say), or take what is there (--allow-partial)")
	if e.Complete > 0 {
		fmt.Fprintf(&b, ", or v%d, which is complete (--revision %d)", e.Complete, e.Complete)
	}
	return b.String()
}

// MalformedError says that what looks like a patch cannot be read.
type MalformedError struct {
	Patch  string
	Reason string
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("%s: malformed patch: %s", e.Patch, e.Reason)
}

// message is a mail, a patch file or a page: what may hold a patch.
type message struct {
	Patch
	subject    subject
	version    int
	parents    []string // message IDs that it answers, the thread's root first
	when       time.Time
	prose      string // what is in it besides diffs
	err        error  // why its diff cannot be read
	unreadable string // why nothing of it can be read
}

// isPatch: it holds a change, or what should be one.
func (m *message) isPatch() bool { return len(m.Diff) > 0 || m.err != nil }

// File reads a series from one file's text.
func File(name string, text []byte, opt Options) (*Series, error) {
	all, err := messages(name, text)
	if err != nil {
		return nil, err
	}
	return choose(all, opt, len(all) > 1)
}

// Patches returns what is in a file that holds a patch or several, with no
// regard to revisions, numbers and replies: all of it.
func Patches(name string, text []byte) ([]Patch, error) {
	all, err := messages(name, text)
	if err != nil {
		return nil, err
	}
	var out []Patch
	for _, m := range all {
		if m.err != nil {
			return nil, m.err
		}
		if m.isPatch() {
			out = append(out, m.Patch)
		}
	}
	return out, nil
}

// messages takes a file apart, whatever it is.
func messages(name string, text []byte) ([]*message, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%s has %d MiB; at most %d are read", name, len(text)>>20, MaxSize>>20)
	}
	if kind := compressed(text); kind != "" {
		return nil, fmt.Errorf("%s is compressed (%s): unpack it first", name, kind)
	}
	mails, err := splitMbox(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var all []*message
	for i, raw := range mails {
		n := name
		if len(mails) > 1 {
			n = fmt.Sprintf("%s#%d", name, i+1)
		}
		all = append(all, (&reader{name: n}).read(raw)...)
	}
	return all, nil
}

// read tells a mail from a page and from bare text.
func (r *reader) read(raw []byte) []*message {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if looksLikeMail(raw) {
		if all, err := r.mail(raw); err == nil {
			return all
		} else if bytes.HasPrefix(raw, []byte("From ")) {
			return []*message{{Patch: Patch{Name: r.name, Raw: raw}, unreadable: err.Error()}}
		}
	}
	if looksLikeHTML(raw) {
		return []*message{r.page(raw, htmlText(raw))}
	}
	text := unixLines(string(raw))
	if pageTitle(text) != "" {
		return []*message{r.page(raw, text)}
	}
	m := &message{Patch: Patch{Name: r.name, Raw: raw}}
	m.take(text)
	return []*message{m}
}

var magics = map[string]string{"\x1f\x8b": "gzip", "BZh": "bzip2", "\xfd7zXZ": "xz", "\x28\xb5\x2f\xfd": "zstd", "PK\x03\x04": "zip"}

func compressed(text []byte) string {
	for magic, kind := range magics {
		if bytes.HasPrefix(text, []byte(magic)) {
			return kind
		}
	}
	return ""
}

var diffHeader = regexp.MustCompile(`(?m)^(?:\+\+\+ |diff --git )[^\n]*$`)

// unixLines takes the carriage returns away that a mailer or a browser put
// there. No diff writes one behind the names of files: where none is, those in hunks are the patch's.
func unixLines(text string) string {
	if h := diffHeader.FindString(text); h != "" && !strings.HasSuffix(h, "\r") {
		return text
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// take reads the diffs of a text that belongs to the message.
func (m *message) take(text string) {
	groups, prose := findDiffs(text)
	m.prose = prose
	var diff strings.Builder
	for _, g := range groups {
		if g.err != nil {
			m.err = &MalformedError{m.Name, g.err.Error()}
			return
		}
		diff.WriteString(g.text)
	}
	if diff.Len() > 0 {
		m.Diff = []byte(diff.String())
	}
	if len(m.Diff) > maxDiffSize {
		m.err = &MalformedError{m.Name, fmt.Sprintf("it has %d MiB; at most %d are read", len(m.Diff)>>20, maxDiffSize>>20)}
	}
}

var errNothing = errors.New("no patch in it changes a file")
