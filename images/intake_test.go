// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"mime"
	"mime/quotedprintable"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// posted is a built-in series as its author could have posted it: the test
// data of what people have.
type posted struct {
	t       testing.TB
	version int
	name    string
	patches []letter
	base    map[string]string // a tree that it applies to
}

// letter is one patch before it becomes a mail.
type letter struct {
	file, subject, text string // text: message, ---, diffstat and diff
	diff                string
}

func post(t testing.TB, name string, version int) *posted {
	t.Helper()
	p := &posted{t: t, name: name, version: version}
	files, err := fs.Glob(seriesFS, "series/"+name+"/*.patch")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := fs.ReadFile(seriesFS, f)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(text), "\n\n")
		_, subject, _ := strings.Cut(head, "Subject: ")
		subject = regexp.MustCompile(`^\[.*?\] `).ReplaceAllString(strings.ReplaceAll(subject, "\n", ""), "")
		p.patches = append(p.patches, letter{path.Base(f), subject, body, body[strings.Index(body, "diff --git"):]})
	}
	p.base = baseOf(t, name)
	return p
}

// baseOf builds the smallest tree that a built-in series applies to, out of its
// patches: lines that none of them shows are made up.
func baseOf(t testing.TB, name string) map[string]string {
	t.Helper()
	s, err := LoadSeries(name)
	if err != nil {
		t.Fatal(err)
	}
	before, now := map[string][]*string{}, map[string][]*string{}
	for _, p := range s.Patches {
		for _, f := range p.files {
			if f.IsNew {
				continue
			}
			grow := func(n int) {
				for len(now[f.OldName]) < n {
					line := fmt.Sprintf("\t/* line %d of %s */\n", len(before[f.OldName])+1, f.OldName)
					before[f.OldName] = append(before[f.OldName], &line)
					now[f.OldName] = append(now[f.OldName], &line)
				}
			}
			for _, h := range f.TextFragments {
				grow(int(h.OldPosition + h.OldLines + 3))
			}
			shift := 0
			for _, h := range f.TextFragments {
				lines, at := now[f.OldName], int(h.OldPosition)-1+shift
				var post []*string
				old := at
				for _, l := range h.Lines {
					if l.Op == gitdiff.OpAdd {
						added := l.Line
						post = append(post, &added)
						continue
					}
					*lines[old] = l.Line
					if l.Op == gitdiff.OpContext {
						post = append(post, lines[old])
					}
					old++
				}
				now[f.OldName] = append(append(append([]*string(nil), lines[:at]...), post...), lines[old:]...)
				shift += int(h.NewLines - h.OldLines)
			}
		}
	}
	tree := map[string]string{"Makefile": "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\n", "io_uring/Makefile": ""}
	for name, lines := range before {
		var b strings.Builder
		for _, l := range lines {
			b.WriteString(*l)
		}
		tree[name] = b.String()
	}
	return tree
}

func (p *posted) tag(version, n int) string {
	if version == 1 {
		return fmt.Sprintf("[PATCH %d/%d]", n, len(p.patches))
	}
	return fmt.Sprintf("[PATCH v%d %d/%d]", version, n, len(p.patches))
}

func (p *posted) id(version, n int) string {
	return fmt.Sprintf("20240706.v%d.%d@list.example.org", version, n)
}

// mail is a mail as an archive serves it.
func (p *posted) mail(version, n int, subject, headers, body string) string {
	parent := ""
	if n > 0 {
		parent = fmt.Sprintf("In-Reply-To: <%s>\nReferences: <%[1]s>\n", p.id(version, 0))
	}
	return fmt.Sprintf("Received: from mx.example.org (mx.example.org [192.0.2.1])\n\tby list.example.org; Sat, 6 Jul 2024 03:10:0%d +0000\n"+
		"From: =?utf-8?q?Zo=C3=AB_Author?= <zoe@example.org>\nTo: io-uring@list.example.org\n"+
		"Subject: %s\nDate: Sat, 6 Jul 2024 0%d:0%d:00 +0000\nMessage-ID: <%s>\n%sMIME-Version: 1.0\n%s\n%s",
		n, subject, version, n, p.id(version, n), parent, headers, body)
}

const plain = "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"

// encodings are ways in which one patch travels. None may change what it does.
var encodings = []struct {
	name   string
	encode func(text string) (headers, body string)
}{
	{"8bit", func(text string) (string, string) { return plain, text }},
	{"quoted-printable", func(text string) (string, string) {
		var b strings.Builder
		w := quotedprintable.NewWriter(&b)
		for _, r := range text { // all of it is in Latin-1
			w.Write([]byte{byte(r)})
		}
		w.Close()
		return "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n", strings.ReplaceAll(b.String(), "\r\n", "\n")
	}},
	{"base64", func(text string) (string, string) {
		return "Content-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: base64\n", wrapped(base64.StdEncoding.EncodeToString([]byte(text)))
	}},
	{"flowed", func(text string) (string, string) {
		return "Content-Type: text/plain; charset=UTF-8; format=flowed\nContent-Transfer-Encoding: 8bit\n", flow(text, " ")
	}},
	{"flowed DelSp", func(text string) (string, string) {
		return "Content-Type: text/plain; charset=UTF-8; format=flowed; delsp=yes\nContent-Transfer-Encoding: 8bit\n", flow(text, "  ")
	}},
	{"attachment", func(text string) (string, string) {
		return "Content-Type: multipart/mixed; boundary=\"=-B\"\n", "This is MIME.\n--=-B\nContent-Type: text/plain\n\nThe patch is attached.\n\n" +
			"--=-B\nContent-Type: text/x-patch; name=x.patch\nContent-Disposition: attachment; filename=x.patch\nContent-Transfer-Encoding: base64\n\n" +
			wrapped(base64.StdEncoding.EncodeToString([]byte(text))) + "--=-B--\n"
	}},
	{"signed", func(text string) (string, string) {
		return "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=\"s\"\n",
			"--s\n" + plain + "\n" + text + "\n--s\nContent-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\n--s--\n"
	}},
}

func wrapped(s string) string {
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	return b.String() + s + "\n"
}

// flow writes format=flowed as RFC 3676 demands: spaces at the ends go, lines that begin with one
// get another, long ones are broken behind a space.
func flow(text, at string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "-- " {
			line = strings.TrimRight(line, " ")
		}
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, ">") || strings.HasPrefix(line, "From ") {
			line = " " + line
		}
		for len(line) > 60 {
			cut := strings.LastIndex(line[:60], " ")
			if cut < 20 {
				break
			}
			b.WriteString(line[:cut] + at + "\n")
			line = line[cut+1:]
			if at == " " && strings.HasPrefix(line, " ") || strings.HasPrefix(line, ">") {
				line = " " + line
			}
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// thread is a list's archive: an older version, reviews, the version itself out
// of order and each mail in another encoding, and a suggestion that is not taken.
func (p *posted) thread() []string {
	var mails []string
	old := p.version - 1
	for n, l := range p.patches {
		mails = append(mails, p.mail(old, n+1, p.tag(old, n+1)+" "+l.subject, plain, strings.Replace(l.text, "\n+\t", "\n+\t/* older */ ", 1)))
	}
	mails = append(mails, p.review(old, 3))
	for _, i := range shuffled(len(p.patches)) {
		l := p.patches[i]
		text := "From: Zoë Author <zoe@work.example.com>\n\n" + l.text + "-- \n2.45.2\n\n"
		if i == 0 {
			text = strings.Replace(text, "-- \n2.45.2", "base-commit: 0123456789abcdef0123456789abcdef01234567\nprerequisite-patch-id: "+strings.Repeat("ab", 20)+"\n-- \n2.45.2", 1)
		}
		headers, body := encodings[i%len(encodings)].encode(text)
		subject := mime.QEncoding.Encode("utf-8", p.tag(p.version, i+1)+" "+l.subject) // as is where it is ASCII
		mails = append(mails, p.mail(p.version, i+1, subject, headers, body))
		if i%2 == 0 {
			mails = append(mails, p.review(p.version, i+1))
		}
	}
	mails = append(mails, p.mail(p.version, 0, p.tag(p.version, 0)+" io_uring: SQE groups", plain,
		"Hello,\n\n>From the last version: all comments.\n\nchange-id: 20240706-sqe-group-0123\n\n io_uring/io_uring.c | 100 ++++\n"))
	suggestion := p.mail(p.version, 9, "Re: "+p.tag(p.version, 2)+" how about", plain, "Maybe so:\n\n"+p.patches[1].diff)
	return append(mails, suggestion)
}

// review is an answer that quotes the patch, hunks and all.
func (p *posted) review(version, n int) string {
	l := p.patches[n-1]
	quoted := "> " + strings.ReplaceAll(strings.TrimSuffix(l.text, "\n"), "\n", "\n> ")
	return strings.Replace(p.mail(version, n, "Re: "+p.tag(version, n)+" "+l.subject, plain, "On Sat, Zoë Author wrote:\n"+quoted+"\n\nLooks odd.\n"),
		"Message-ID: <", "Message-ID: <re.", 1)
}

func shuffled(n int) (order []int) {
	for i := range n {
		order = append(order, (i*3+2)%n)
	}
	return order
}

func mbox(mails []string) string {
	var b strings.Builder
	for _, m := range mails {
		b.WriteString("From mboxrd@z Thu Jan  1 00:00:00 1970\n" + regexp.MustCompile(`(?m)^(>*From )`).ReplaceAllString(m, ">$1") + "\n")
	}
	return b.String()
}

// page is a tracker's page as text: what people said, then the patch.
func (p *posted) page(n int) string {
	l := p.patches[n-1]
	hunk := l.diff[strings.Index(l.diff, "@@"):]
	message, _, _ := strings.Cut(l.text, "\n---\n")
	return fmt.Sprintf(`Patchwork io_uring
Toggle navigation
[V%d,%d/%d] %s

Message ID	%s
State	New
Headers	show
Series	SQE groups | expand

Commit Message

Zoë Author July 6, 2024, 3:09 a.m. UTC

%s

Comments

A Reviewer July 7, 2024, 9 a.m. UTC

On 7/6/24 04:09, Zoë Author wrote:
> diff --git a/io_uring/io_uring.c b/io_uring/io_uring.c
> index 7597344a6440..b5415f0774e5 100644
> %s
Why not so:

diff --git a/io_uring/io_uring.c b/io_uring/io_uring.c
--- a/io_uring/io_uring.c
+++ b/io_uring/io_uring.c
@@ -1,3 +1,4 @@
 one
+two
 three
[...]

Patch

%s`, p.version, n, len(p.patches), l.subject, p.id(p.version, n), message, strings.ReplaceAll(strings.TrimSpace(hunk), "\n", "\n> "), l.diff)
}

// htmlPage is the same as the tracker serves it.
func (p *posted) htmlPage(n int) string {
	text := p.page(n)
	at := strings.Index(text, "\nPatch\n")
	before, diff := text[:at], strings.TrimPrefix(text[at:], "\nPatch\n\n")
	return "<!DOCTYPE html>\n<html><head><title>[V9,9/9] wrong - Patchwork</title><style>\n[V1,1/1] x\n</style></head>\n<body><script>if (a < b) {}</script>" +
		"<pre>" + html.EscapeString(before) + "</pre>\n<h2>Patch\n<span><a href=\"/raw/\">diff</a> <a>mbox</a></span></h2>\n<div id=\"patch\"><pre class=\"content\">" +
		spans(html.EscapeString(diff)) + "</pre></div></body></html>\n"
}

// spans colours a diff's lines, as trackers do.
func spans(diff string) string {
	lines := strings.Split(diff, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "+") {
			lines[i] = `<span class="p_add">` + l + `</span>`
		}
	}
	return strings.Join(lines, "\n")
}

// p0 is a diff without the a/ and b/, for -p0.
func p0(diff string) string {
	return regexp.MustCompile(`(?m)^(diff --git |--- |\+\+\+ )(?:a/(\S+)(?: b/(\S+))?|b/(\S+))$`).ReplaceAllStringFunc(diff, func(l string) string {
		return strings.NewReplacer(" a/", " ", " b/", " ").Replace(l)
	})
}

// repo is a git repository with the base as one commit and the series on top.
func (p *posted) repo() string {
	dir := p.t.TempDir()
	writeFiles(p.t, dir, p.base)
	p.git(dir, "init", "-q", "-b", "main")
	p.git(dir, "add", ".")
	p.git(dir, "commit", "-q", "-m", "base")
	p.git(dir, "tag", "base")
	for _, l := range p.patches {
		file := filepath.Join(p.t.TempDir(), "x.patch")
		if err := os.WriteFile(file, []byte("From: Zoë Author <zoe@example.org>\nSubject: [PATCH] "+l.subject+"\n\n"+l.text), 0o644); err != nil {
			p.t.Fatal(err)
		}
		p.git(dir, "am", "-q", file)
	}
	return dir
}

func (p *posted) git(dir string, args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME="+dir,
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// forms writes the series in all forms and returns form → argument of --series.
func (p *posted) forms() map[string]string {
	dir := p.t.TempDir()
	files := map[string]string{
		"quilt/series":         "# for 6.12\n\n",
		"thread.mbox":          mbox(p.thread()),
		"thread-crlf.mbx":      strings.ReplaceAll(mbox(p.thread()), "\n", "\r\n"),
		"maildir/new/.gitkeep": "", "maildir/tmp/half": "Subject: [PATCH v99 1/1] not delivered\n\n" + p.patches[0].text,
	}
	for i, m := range p.thread() {
		files[fmt.Sprintf("maildir/cur/17202%02d.M1.host:2,S", 99-i)] = m
	}
	for i, l := range p.patches {
		n := i + 1
		files["plain/"+l.file] = "Subject: " + p.tag(p.version, n) + " " + l.subject + "\n\n" + l.text
		name := fmt.Sprintf("%c-step.patch", 'z'-i) // by name in the wrong order
		options := ""
		files["quilt/"+name] = "Some words, no headers.\n\n" + l.diff
		if i == 1 {
			options = " -p0"
			files["quilt/"+name] = p0(l.diff)
		}
		files["quilt/series"] += name + options + " # step\n"
		files[fmt.Sprintf("pages/%d.txt", n)] = p.page(n)
		files[fmt.Sprintf("html/%d.html", n)] = p.htmlPage(n)
	}
	repo := p.repo()
	files["whole.diff"] = p.git(repo, "diff", "base..main")
	writeFiles(p.t, dir, files)
	forms := map[string]string{"git": "git:" + repo + " base..main"}
	for _, f := range []string{"quilt", "thread.mbox", "thread-crlf.mbx", "maildir", "plain", "pages", "html", "whole.diff"} {
		forms[f] = filepath.Join(dir, f)
	}
	return forms
}

// The same series has the same ID in every form but that which cuts it
// otherwise, and always the same image key.
func TestSameSeriesInEveryForm(t *testing.T) {
	for name, version := range map[string]int{"v4": 4, "v7": 7} {
		t.Run(name, func(t *testing.T) {
			p := post(t, name, version)
			b := newBench(t)
			tree := t.TempDir()
			writeFiles(t, tree, p.base)
			key := func(arg string) string {
				k, err := b.Key(context.Background(), Spec{Source: "dir:" + tree, Series: arg}, nil)
				if err != nil {
					t.Fatal(err)
				}
				return k
			}
			builtin, err := LoadSeries(name)
			if err != nil {
				t.Fatal(err)
			}
			want := key(name)
			if want == key("none") {
				t.Fatal("the series changes nothing")
			}
			for form, arg := range p.forms() {
				s, err := LoadSeries(arg)
				if err != nil {
					t.Errorf("%s: %v", form, err)
					continue
				}
				if form != "whole.diff" && s.ID != builtin.ID {
					t.Errorf("%s: %d patches with another ID", form, len(s.Patches))
				}
				if got := key(arg); got != want {
					t.Errorf("%s: key %s, want %s", form, got, want)
				}
			}
		})
	}
}

// What a thread says of itself is kept.
func TestThreadIsKept(t *testing.T) {
	p := post(t, "v7", 7)
	box := filepath.Join(t.TempDir(), "thread.mbox")
	writeFiles(t, filepath.Dir(box), map[string]string{"thread.mbox": mbox(p.thread())})
	s, err := LoadSeries(box)
	if err != nil {
		t.Fatal(err)
	}
	o := s.Origin
	if o.Version != 7 || o.Cover != "io_uring: SQE groups" || o.CoverMessageID != p.id(7, 0) || o.ChangeID != "20240706-sqe-group-0123" ||
		o.BaseCommit != "0123456789abcdef0123456789abcdef01234567" || len(o.Prerequisites) != 1 || len(o.Missing) > 0 {
		t.Errorf("%+v", o)
	}
	if notes := strings.Join(o.Notes, "\n"); !strings.Contains(notes, "v6, 7 patches") || !strings.Contains(notes, "1 replies") {
		t.Errorf("notes %q", o.Notes)
	}
	for i, patch := range s.Patches {
		if patch.Number != i+1 || patch.Total != 7 || patch.Subject != p.patches[i].subject || patch.MessageID != p.id(7, i+1) ||
			patch.Author != "Zoë Author <zoe@work.example.com>" && encodings[i%len(encodings)].name != "attachment" || patch.Date == "" {
			t.Errorf("patch %d: %+v", i+1, patch)
		}
	}
	old, err := Spec{Series: box, Revision: 6}.LoadSeries(context.Background())
	if err != nil || old.ID == s.ID || old.Origin.Version != 6 {
		t.Errorf("--revision 6: %v, %+v", err, old)
	}
	if _, err := (Spec{Series: box, Revision: 5}).LoadSeries(context.Background()); err == nil || !strings.Contains(err.Error(), "no v5") {
		t.Errorf("--revision 5: %v", err)
	}
}

// Of a page that is patch 4 of 7 the rest is missing, and said to be.
func TestPageAlone(t *testing.T) {
	p := post(t, "v4", 4)
	for form, text := range map[string]string{"txt": p.page(4), "html": p.htmlPage(4)} {
		file := filepath.Join(t.TempDir(), "page."+form)
		writeFiles(t, filepath.Dir(file), map[string]string{"page." + form: text})
		_, err := LoadSeries(file)
		var se *SpecError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), "(v4) there is patch 4: patches 1-3 before it and patches 5-7 after are missing") {
			t.Errorf("%s: %v", form, err)
		}
		s, err := Spec{Series: file, Partial: true}.LoadSeries(context.Background())
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		got := s.Patches[0]
		if got.Subject != p.patches[3].subject || got.Author != "Zoë Author" || got.MessageID != p.id(4, 4) || len(s.Origin.Missing) != 6 {
			t.Errorf("%s: %+v, %+v", form, got, s.Origin)
		}
		if string(got.diff) != p.patches[3].diff {
			t.Errorf("%s: the patch is\n%s", form, got.diff)
		}
	}
}
