// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestSubjects(t *testing.T) {
	tests := []struct {
		line, title            string
		version, number, total int
		reply                  bool
	}{
		{"[PATCH v4 4/8] io_uring: x", "io_uring: x", 4, 4, 8, false},
		{"[PATCH] io_uring: x", "io_uring: x", 0, 0, 0, false},
		{"[V4,4/8] io_uring: x", "io_uring: x", 4, 4, 8, false},
		{"[RFC,v2,03/10] x", "x", 2, 3, 10, false},
		{"[RFC][PATCHv3] [io_uring] x", "[io_uring] x", 3, 0, 0, false},
		{"[PATCH 6.12 V2 0/7] x", "x", 2, 0, 7, false},
		{"Re: [PATCH v4 4/8] x", "x", 4, 4, 8, true},
		{"AW: Re[2]: [PATCH 1/2] x", "x", 0, 1, 2, true},
		{"回复:[PATCH 1/2] x", "x", 0, 1, 2, true},
		{"[bug] reproducer", "reproducer", 0, 0, 0, false},
		{"[PATCH 9/3] x", "x", 0, 0, 0, false},
		{"recommit: x", "recommit: x", 0, 0, 0, false},
	}
	for _, tt := range tests {
		s := parseSubject(tt.line)
		if s.title != tt.title || s.version != tt.version || s.number != tt.number || s.total != tt.total || s.reply != tt.reply {
			t.Errorf("%q: %+v", tt.line, s)
		}
	}
}

const oneDiff = "--- a/x.c\n+++ b/x.c\n@@ -1,3 +1,3 @@\n a\n-b\n+%s\n c\n"

func mailOf(subject, change string) string {
	return fmt.Sprintf("From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: a@example.org\nSubject: %s\n\nText.\n---\n"+oneDiff+"\n", subject, change)
}

func changes(s *Series) (all []string) {
	for _, p := range s.Patches {
		for line := range strings.SplitSeq(string(p.Diff), "\n") {
			if strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "+++") {
				all = append(all, line[1:])
			}
		}
	}
	return all
}

func TestWhichRevision(t *testing.T) {
	v1 := mailOf("[PATCH 1/2] x", "1a") + mailOf("[PATCH 2/2] y", "1b")
	v2 := mailOf("[PATCH v2 2/2] y", "2b") + mailOf("[PATCH v2 1/2] x", "2a")
	v3 := mailOf("[PATCH v3 2/3] y", "3b")
	tests := []struct {
		name, box string
		opt       Options
		want      string // changes in order, or what the error says
	}{
		{"newest", v1 + v2, Options{}, "2a 2b"},
		{"an older one", v1 + v2, Options{Revision: 1}, "1a 1b"},
		{"the newest is not complete", v3 + v2 + v1, Options{}, "(--allow-partial), or v2, which is complete (--revision 2)"},
		{"asked for one that is not complete", v3 + v2, Options{Revision: 3}, "of 3 patches (v3) there is patch 2: patch 1 before it and patch 3 after are missing"},
		{"so be it", v3 + v2, Options{Partial: true}, "3b"},
		{"not there", v1, Options{Revision: 9}, "there is no v9 in it; there is: v1, 2 patches"},
		{"a change in an answer", v1 + mailOf("Re: [PATCH 1/2] x", "mine"), Options{}, "1a 1b"},
		{"an unnumbered fix behind", v1 + mailOf("[PATCH] fix", "fix"), Options{}, "1a 1b"},
		{"a newer one of one patch", v1 + mailOf("[PATCH v2] x", "all"), Options{}, "all"},
		{"without numbers", mailOf("[PATCH] x", "a") + mailOf("[PATCH] y", "b"), Options{}, "a b"},
		{"sent twice", v1 + mailOf("[PATCH 1/2] x", "1a"), Options{}, "1a 1b"},
		{"nothing", strings.ReplaceAll(v1, "@@ -", "@ "), Options{}, errNothing.Error()},
	}
	for _, tt := range tests {
		s, err := File("box", []byte(tt.box), tt.opt)
		got := fmt.Sprint(err)
		if err == nil {
			got = strings.Join(changes(s), " ")
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Hostile mails are bounded, and what cannot be read is said.
func TestBounds(t *testing.T) {
	nested := "Subject: [PATCH] x\nMIME-Version: 1.0\n"
	for i := range 50 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%[1]d\n", i)
	}
	nested += "Content-Type: text/plain\n\n" + fmt.Sprintf(oneDiff, "deep")
	if _, err := File("nested", []byte(nested), Options{}); err == nil {
		t.Error("50 nested parts were read")
	}
	many := "Subject: [PATCH] x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" +
		strings.Repeat("--b\nContent-Type: text/x-patch\nContent-Disposition: attachment\n\n"+fmt.Sprintf(oneDiff, "x"), 3*maxParts)
	if s, err := File("many", []byte(many), Options{}); err == nil && strings.Count(string(s.Patches[0].Diff), "+++") > maxParts {
		t.Error("more parts were read than are allowed")
	}
	if _, err := File("x.gz", []byte("\x1f\x8b\x08\x00"), Options{}); err == nil || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("compressed: %v", err)
	}
	wrapped := strings.Replace(mailOf("[PATCH] x", "long"), "\n c", "\nwrapped", 1)
	var me *MalformedError
	if _, err := File("wrapped", []byte(wrapped), Options{}); !errors.As(err, &me) || !strings.Contains(err.Error(), "wrapped or edited") {
		t.Errorf("wrapped: %v", err)
	}
	for _, series := range []string{"../x.patch", "/etc/passwd", "a.patch -p99", "a.patch -R"} {
		if _, err := Dir(fstest.MapFS{"series": {Data: []byte(series + "\n")}, "a.patch": {Data: []byte(fmt.Sprintf(oneDiff, "x"))}}, Options{}); err == nil {
			t.Errorf("quilt line %q was taken", series)
		}
	}
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", dir+"/0001.patch"); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := Dir(root.FS(), Options{}); err == nil || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("a link that leads out: %v", err)
	}
}

// Two series of the same version and length in one archive do not mix.
func TestTwoThreads(t *testing.T) {
	threaded := func(n int, id, parent, date, change string) string {
		return strings.Replace(mailOf(fmt.Sprintf("[PATCH %d/2] x", n), change), "Subject:",
			fmt.Sprintf("Message-ID: <%s>\nReferences: <%s>\nDate: %s 2024 10:00:00 +0000\nSubject:", id, parent, date), 1)
	}
	old, now := "Mon, 1 Jul", "Tue, 2 Jul"
	box := threaded(1, "n1", "n0", now, "na") + threaded(1, "o1", "o0", old, "oa") + threaded(2, "o2", "o0", old, "ob") + threaded(2, "n2", "n0", now, "nb")
	s, err := File("box", []byte(box), Options{})
	if err != nil || !slices.Equal(changes(s), []string{"na", "nb"}) {
		t.Errorf("%v, %+v", err, s)
	}
}
