// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

func looksLikeHTML(raw []byte) bool {
	head := bytes.ToLower(bytes.TrimSpace(raw[:min(len(raw), 1024)]))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html")) ||
		bytes.HasPrefix(head, []byte("<?xml")) && bytes.Contains(head, []byte("<html"))
}

// htmlText returns a page's text as a browser would save it. What a page quotes
// gets ">" in front of each line, as in a mail.
func htmlText(raw []byte) string {
	var b strings.Builder
	var quoted strings.Builder
	skip, quote := 0, 0
	z := html.NewTokenizer(bytes.NewReader(raw))
	z.SetMaxBuf(maxDiffSize)
	write := func(s string) {
		if quote > 0 {
			quoted.WriteString(s)
		} else {
			b.WriteString(s)
		}
	}
	for {
		t := z.Next()
		if t == html.ErrorToken {
			break
		}
		name, _ := z.TagName()
		tag := atom.Lookup(name)
		switch {
		case t == html.TextToken && skip == 0:
			write(strings.ReplaceAll(string(z.Text()), "\r\n", "\n"))
		case unseen[tag] && t == html.StartTagToken:
			skip++
		case unseen[tag] && t == html.EndTagToken:
			skip = max(skip-1, 0)
		case tag == atom.Blockquote && t == html.StartTagToken:
			quote++
		case tag == atom.Blockquote && t == html.EndTagToken && quote > 0:
			if quote--; quote == 0 {
				b.WriteString("\n> " + strings.ReplaceAll(quoted.String(), "\n", "\n> ") + "\n")
				quoted.Reset()
			}
		case tag == atom.Br && t != html.EndTagToken, ends[tag]:
			write("\n")
		case tag == atom.Td && t == html.EndTagToken:
			write("\t")
		}
	}
	return html.UnescapeString(b.String())
}

// unseen are elements whose text a browser does not show.
var unseen = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Head: true, atom.Template: true}

// ends are elements that begin and end on lines of their own.
var ends = map[atom.Atom]bool{
	atom.P: true, atom.Div: true, atom.Pre: true, atom.Tr: true, atom.Li: true, atom.Table: true, atom.H1: true,
	atom.H2: true, atom.H3: true, atom.H4: true, atom.Section: true, atom.Article: true, atom.Header: true,
}

var (
	titleLine   = regexp.MustCompile(`(?m)^[ \t]*(\[[^\]\n]*\][^\n]*)$`)
	pagePatch   = regexp.MustCompile(`(?mi)^[ \t#]*patch(?:[ \t]+(?:diff|mbox|series|download)\b[^\n]*)?[ \t]*$`)
	pageID      = regexp.MustCompile(`(?mi)^[ \t]*message[- ]id[ \t:]*\n?[ \t]*<?([^\s<>@]+@[^\s<>@]+)>?`)
	pageAuthor  = regexp.MustCompile(`(?mi)^[ \t#]*(?:submitter[ \t:]+|commit message[ \t]*\n\s*)([^\n]+)$`)
	trailedDate = regexp.MustCompile(`\s+(?:Jan|Feb|March|April|May|June|July|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d.*$`)
	trackerName = regexp.MustCompile(`\s+[-–|·]\s+Patchwork.*$`)
)

// pageTitle returns the subject that a tracker's page has as its title, "" for
// text that is none.
func pageTitle(text string) string {
	for _, m := range titleLine.FindAllStringSubmatch(text, -1) {
		if s := parseSubject(m[1]); s.tagged && s.title != "" && !s.reply {
			return trackerName.ReplaceAllString(m[1], "")
		}
	}
	return ""
}

// page reads a tracker's page. Of the diffs in it the patch is the last one:
// those before stand in the discussion.
func (r *reader) page(raw []byte, text string) *message {
	m := &message{Patch: Patch{Name: r.name, Raw: raw}, subject: parseSubject(pageTitle(text))}
	patch := text
	if at := pagePatch.FindAllStringIndex(text, -1); at != nil && hasDiff(text[at[len(at)-1][1]:]) {
		patch = text[at[len(at)-1][1]:]
		m.prose = text[:at[len(at)-1][0]]
	}
	groups, prose := findDiffs(patch)
	m.prose += prose
	if len(groups) > 0 {
		if g := groups[len(groups)-1]; g.err != nil {
			m.err = &MalformedError{m.Name, g.err.Error()}
		} else {
			m.Diff = []byte(g.text)
		}
	}
	if id := pageID.FindStringSubmatch(text); id != nil {
		m.MessageID = oneLine(id[1])
	}
	if by := pageAuthor.FindStringSubmatch(text); by != nil {
		m.Author = oneLine(trailedDate.ReplaceAllString(by[1], ""))
	}
	m.fill()
	return m
}

func hasDiff(text string) bool {
	groups, _ := findDiffs(text)
	return len(groups) > 0
}
