// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"path"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/encoding/htmlindex"
)

// reader takes one mail, with all that is nested in it, apart.
type reader struct {
	name  string
	depth int
	parts int
}

var (
	headerBlock = regexp.MustCompile(`^(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+`)
	mailHeader  = regexp.MustCompile(`(?mi)^(?:from|subject|message-id|return-path|received|date):`)
)

// looksLikeMail: an mbox's "From " line or headers stand in front. Text that
// merely begins with a word and a colon has no such headers.
func looksLikeMail(raw []byte) bool {
	if bytes.HasPrefix(raw, []byte("From ")) {
		return true
	}
	head := raw[:min(len(raw), 256<<10)]
	return mailHeader.Match(headerBlock.Find(head))
}

// mail reads a mail. The first message is the mail itself, others are mails and
// patches that are attached to it.
func (r *reader) mail(raw []byte) ([]*message, error) {
	text := raw
	if bytes.HasPrefix(text, []byte("From ")) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
		text = quotedFrom.ReplaceAll(text, []byte("$1"))
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("its headers cannot be read: %w", err)
	}
	m := &message{Patch: Patch{Name: r.name, Raw: raw}}
	m.headers(parsed.Header)
	b := &body{}
	r.part(textproto.MIMEHeader(parsed.Header), parsed.Body, b)
	m.body(b.text)
	if !m.isPatch() {
		m.attached(b.attached)
	}
	if !m.isPatch() && b.err != nil {
		m.unreadable = b.err.Error()
	}
	return append([]*message{m}, b.nested...), nil
}

// words decodes RFC 2047 in headers.
var words = mime.WordDecoder{CharsetReader: func(charset string, in io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(in), nil
}}

func decodeWords(s string) string {
	if d, err := words.DecodeHeader(s); err == nil {
		s = d
	}
	return oneLine(s)
}

// oneLine makes text from outside fit to be shown on a line of a terminal.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

func (m *message) headers(h mail.Header) {
	m.subject = parseSubject(decodeWords(h.Get("Subject")))
	m.Author = decodeWords(h.Get("From"))
	m.MessageID = messageID(h.Get("Message-Id"))
	for _, f := range strings.Fields(h.Get("References") + " " + h.Get("In-Reply-To")) {
		if id := messageID(f); id != "" && len(m.parents) < maxMails {
			m.parents = append(m.parents, id)
		}
	}
	if when, err := mail.ParseDate(h.Get("Date")); err == nil {
		m.when, m.Date = when, when.Format(time.RFC3339)
	}
}

// messageID returns what is between the angle brackets, "" where there are none.
func messageID(s string) string {
	_, s, found := strings.Cut(s, "<")
	id, _, closed := strings.Cut(s, ">")
	if !found || !closed {
		return ""
	}
	return oneLine(id)
}

// body is what a mail's parts hold.
type body struct {
	text     []string // readings of the text, the likeliest first
	attached []attachment
	nested   []*message
	err      error // why a part could not be read
}

type attachment struct{ name, text string }

// part reads one part of a mail, or all that is in it.
func (r *reader) part(h textproto.MIMEHeader, in io.Reader, b *body) {
	if r.parts++; r.parts > maxParts || r.depth > maxDepth {
		b.err = fmt.Errorf("it has more than %d parts, or they are nested more than %d deep", maxParts, maxDepth)
		return
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && kind == "" {
		kind, params = "text/plain", map[string]string{}
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		r.multipart(params["boundary"], in, b)
		return
	}
	_, disposition, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	name := path.Base(strings.ReplaceAll(decodeWords(firstOf(disposition["filename"], params["name"])), "\\", "/"))
	attached := strings.HasPrefix(strings.ToLower(h.Get("Content-Disposition")), "attachment")
	switch {
	case kind == "message/rfc822":
		r.forwarded(h, in, b)
	case kind == "text/plain" && !attached && len(b.text) == 0:
		text, err := decode(h, in, params["charset"])
		b.err = errors.Join(b.err, err)
		b.text = readings(text, params)
	case isPatchPart(kind, name):
		text, err := decode(h, in, params["charset"])
		b.err = errors.Join(b.err, err)
		b.attached = append(b.attached, attachment{name, unixLines(text)})
	case kind == "text/html" && len(b.text) == 0:
		b.err = errors.Join(b.err, errors.New("it is in HTML only"))
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// isPatchPart: what mailers call a patch differs, so its name counts as well.
func isPatchPart(kind, name string) bool {
	switch kind {
	case "text/x-patch", "text/x-diff", "application/x-patch", "text/plain":
		return true
	}
	ext := strings.ToLower(path.Ext(name))
	return ext == ".patch" || ext == ".diff"
}

func (r *reader) multipart(boundary string, in io.Reader, b *body) {
	r.depth++
	defer func() { r.depth-- }()
	mr := multipart.NewReader(in, boundary)
	for {
		p, err := mr.NextRawPart()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				b.err = errors.Join(b.err, fmt.Errorf("its parts cannot be read: %w", err))
			}
			return
		}
		r.part(p.Header, p, b)
		if r.parts > maxParts {
			return
		}
	}
}

// forwarded reads a mail that is attached as a whole.
func (r *reader) forwarded(h textproto.MIMEHeader, in io.Reader, b *body) {
	text, err := decodeTransfer(h, in)
	b.err = errors.Join(b.err, err)
	inner := &reader{name: fmt.Sprintf("%s/%d", r.name, len(b.nested)+1), depth: r.depth + 1, parts: r.parts}
	if all, err := inner.mail(text); err == nil {
		b.nested = append(b.nested, all...)
	} else {
		b.err = errors.Join(b.err, err)
	}
	r.parts = inner.parts
}

func decodeTransfer(h textproto.MIMEHeader, in io.Reader) ([]byte, error) {
	coding := strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding")))
	switch coding {
	case "quoted-printable":
		in = quotedprintable.NewReader(in)
	case "base64":
		in = base64.NewDecoder(base64.StdEncoding, in)
	}
	text, err := io.ReadAll(in)
	if err != nil { // a list's footer behind the encoded text, for instance
		err = fmt.Errorf("its %s text ends early: %w", coding, err)
	}
	return text, err
}

// decode returns a part's text in UTF-8.
func decode(h textproto.MIMEHeader, in io.Reader, charset string) (string, error) {
	text, err := decodeTransfer(h, in)
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return string(text), err
	}
	enc, cerr := htmlindex.Get(charset)
	if cerr != nil {
		return string(text), errors.Join(err, fmt.Errorf("unknown character set %q", charset))
	}
	if out, derr := enc.NewDecoder().Bytes(text); derr == nil {
		text = out
	}
	return string(text), err
}

// readings are what a text part can mean. Mailers that say format=flowed do not
// all do as it demands, so a patch may be right only in another reading.
func readings(text string, params map[string]string) []string {
	text = unixLines(text)
	if !strings.EqualFold(params["format"], "flowed") {
		return []string{text}
	}
	delSp := strings.EqualFold(params["delsp"], "yes")
	return []string{unflow(text, delSp, true), unflow(text, delSp, false), text}
}

// body takes the first reading of a mail's text in which its diffs are sound;
// where there is none, the first.
func (m *message) body(readings []string) {
	for i, text := range readings {
		try := *m
		try.take(text)
		if i == 0 || try.err == nil && try.isPatch() {
			m.Diff, m.err, m.prose = try.Diff, try.err, try.prose
		}
		if m.err == nil {
			break
		}
	}
	m.inBody()
}

// inBody obeys the From: and Subject: that a mail's text may begin with, and fills in the patch.
func (m *message) inBody() {
	for line := range strings.SplitSeq(strings.TrimLeft(m.prose, "\n"), "\n") {
		key, value, ok := strings.Cut(line, ": ")
		if !ok {
			break
		}
		if key == "From" {
			m.Author = decodeWords(value)
		} else if key == "Subject" && m.subject.title == "" {
			m.subject = parseSubject(decodeWords(value))
		}
	}
	m.fill()
}

// fill copies what the subject says.
func (m *message) fill() {
	m.Subject, m.Number, m.Total = m.subject.title, m.subject.number, m.subject.total
	if m.version = m.subject.version; m.version == 0 && m.subject.tagged {
		m.version = 1
	}
}

// attached takes the patches that hang on a mail whose text has none.
func (m *message) attached(files []attachment) {
	for _, f := range files {
		one := &message{Patch: Patch{Name: m.Name}}
		if looksLikeMail([]byte(f.text)) { // from git format-patch, with headers of its own
			if all, err := (&reader{name: m.Name, depth: maxDepth}).mail([]byte(f.text)); err == nil {
				one = all[0]
			}
		} else {
			one.take(f.text)
		}
		if !one.isPatch() {
			continue
		}
		m.Diff = append(m.Diff, one.Diff...)
		m.err = errors.Join(m.err, one.err)
		if m.subject.total == 0 && one.subject.tagged && one.subject.title != "" {
			m.subject, m.Author = one.subject, firstOf(one.Author, m.Author)
		}
		m.prose += one.prose
	}
	m.fill()
}
