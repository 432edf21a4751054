// SPDX-License-Identifier: Apache-2.0

package images

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/kconfig"
)

// mutantsFS holds the built-in mutants, one directory for each built-in series.
//
//go:embed mutants
var mutantsFS embed.FS

// Mutant is a single plausible mistake in a series: a change to the tree with
// the whole series applied, and what it is expected to break. The file format is
// described in mutants/README.md.
type Mutant struct {
	Name      string // of the file, without .patch
	What      string // the mistake, one line (header Subject)
	Plausible string // why an author makes it and a reviewer misses it
	// Rules and Crash are the reasons for which a run may fail. Crash matches
	// the title of a crash report. With neither, which only a user's file may
	// have, any reason is one.
	Rules   []string
	Crash   []*regexp.Regexp
	Profile string // by which it is judged; "" is the series' own
	Flavour string // of the kernel that shows it; "" is any
	// Equivalent is the proof that no program can tell the mutant from the
	// series; "" where it is not known to be equivalent.
	Equivalent string

	SHA256 string // of the file
	Diff   string // the change as text

	patch Patch
	id    string // hash of what it changes, see Series.ID
}

// MutantProvenance names one mutant of an image.
type MutantProvenance struct {
	Number int    `json:"number"` // as written to the kernel's knob io_uring.mutant
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of its file
}

// LoadMutants returns the built-in mutants of a built-in series, by name. A
// series without mutants is no error. A faulty file is a *SpecError.
func LoadMutants(series string) ([]*Mutant, error) {
	names, err := fs.Glob(mutantsFS, path.Join("mutants", series, "*.patch"))
	if err != nil || !slices.Contains(BuiltinSeries(), series) {
		return nil, &SpecError{What: "series", Value: series, Err: fmt.Errorf("mutants come with built-in series only (there are: %s)", strings.Join(BuiltinSeries(), ", "))}
	}
	var all []*Mutant
	for _, name := range names { // sorted
		text, err := fs.ReadFile(mutantsFS, name)
		if err != nil {
			return nil, err
		}
		m, err := parseMutant(path.Base(name), text)
		if err == nil {
			err = m.complete()
		}
		if err != nil {
			return nil, &SpecError{What: "mutant", Value: name, Err: err}
		}
		all = append(all, m)
	}
	return all, nil
}

// LoadMutant reads a mutant from a file. All headers may be missing, so that any
// patch will do. Errors are *SpecError and name file and line.
func LoadMutant(file string) (*Mutant, error) {
	text, err := os.ReadFile(file)
	if err == nil {
		var m *Mutant
		if m, err = parseMutant(filepath.Base(file), text); err == nil {
			return m, nil
		}
	}
	return nil, &SpecError{What: "mutant", Value: file, Err: err}
}

var mutantName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// complete tells what a built-in mutant lacks.
func (m *Mutant) complete() error {
	switch {
	case !mutantName.MatchString(m.Name):
		return errors.New("its name must be of lower-case letters, digits and single dashes")
	case m.What == "":
		return errors.New("it lacks the header Subject: what the mistake is")
	case m.Plausible == "":
		return errors.New("it lacks the header Plausible: why an author makes the mistake and a reviewer misses it")
	case len(m.Rules) == 0 && len(m.Crash) == 0 && m.Equivalent == "":
		return errors.New("it has neither Rules nor Crash: by which reasons may it be found?")
	case m.Profile == "":
		return errors.New("it lacks the header Profile")
	}
	return nil
}

// mailHeaders are passed over: the licence of a file, and what git format-patch
// writes.
var mailHeaders = []string{"SPDX-License-Identifier", "From", "Date", "To", "Cc", "Message-Id", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}

var (
	headerLine = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$`)
	ruleID     = regexp.MustCompile(`^[A-Z]\d+(\.\d+)?$`)
	mailTag    = regexp.MustCompile(`^\[PATCH[^]]*\]\s*`)
)

// parseMutant reads a mutant; errors name the line.
func parseMutant(file string, text []byte) (*Mutant, error) {
	m := &Mutant{Name: strings.TrimSuffix(file, path.Ext(file)), SHA256: hashString(string(text))}
	if err := m.readHeaders(string(text)); err != nil {
		return nil, err
	}
	s := &Series{Name: m.Name}
	if err := s.add(file, text); err != nil {
		return nil, err
	}
	if len(s.Patches) != 1 {
		return nil, fmt.Errorf("it holds %d changes instead of one (a unified diff that begins with \"diff --git\")", len(s.Patches))
	}
	m.patch = s.Patches[0]
	m.patch.Subject = m.What
	if err := s.finish(); err != nil {
		return nil, err
	}
	m.id = s.ID
	return m, nil
}

// readHeaders reads what stands before the diff: headers, of which indented lines
// are continuations, up to the first empty line, then remarks.
func (m *Mutant) readHeaders(text string) error {
	lines := strings.SplitAfter(text, "\n")
	end := slices.IndexFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "diff --git ") || strings.HasPrefix(l, "--- ")
	})
	if end < 0 {
		return errors.New("it holds no change (a unified diff that begins with \"diff --git\")")
	}
	m.Diff = strings.Join(lines[end:], "")
	seen := map[string]bool{}
	inRemarks := false
	for i := 0; i < end; i++ {
		line := strings.TrimRight(lines[i], "\r\n")
		match := headerLine.FindStringSubmatch(line)
		switch {
		case strings.TrimSpace(line) == "":
			inRemarks = true
			continue
		case inRemarks:
			if match != nil && ownHeaders[strings.ToLower(match[1])] != nil {
				return fmt.Errorf("line %d: %s stands behind an empty line, where only remarks may: move it up to the other headers", i+1, match[1])
			}
			continue
		case i == 0 && strings.HasPrefix(line, "From "): // of a mailbox
			continue
		case match == nil:
			return fmt.Errorf("line %d: %q is no header (\"Name: text\"); lines that continue one are indented", i+1, line)
		}
		at, value := i+1, match[2]
		for i+1 < end && strings.TrimSpace(lines[i+1]) != "" && strings.ContainsAny(lines[i+1][:1], " \t") {
			i++
			value += " " + strings.TrimSpace(lines[i])
		}
		if err := m.header(match[1], strings.TrimSpace(value), seen); err != nil {
			return fmt.Errorf("line %d: %w", at, err)
		}
	}
	return nil
}

// ownHeaders sets what each header says, by its name in lower case.
var ownHeaders = map[string]func(*Mutant, string) error{
	"subject":    func(m *Mutant, v string) error { m.What = mailTag.ReplaceAllString(v, ""); return nil },
	"plausible":  func(m *Mutant, v string) error { m.Plausible = v; return nil },
	"profile":    func(m *Mutant, v string) error { m.Profile = v; return nil },
	"equivalent": func(m *Mutant, v string) error { m.Equivalent = v; return nil },
	"rules": func(m *Mutant, v string) error {
		m.Rules = strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
		for _, id := range m.Rules {
			if !ruleID.MatchString(id) {
				return fmt.Errorf("header Rules: %q is no rule; rules are named like G6 and P4.5", id)
			}
		}
		return nil
	},
	"crash": func(m *Mutant, v string) error {
		re, err := regexp.Compile(v)
		if err == nil {
			m.Crash = append(m.Crash, re)
			return nil
		}
		return fmt.Errorf("header Crash: %w", err)
	},
	"flavour": func(m *Mutant, v string) error {
		_, err := kconfig.ByName(v)
		m.Flavour = v
		return err
	},
}

func (m *Mutant) header(name, value string, seen map[string]bool) error {
	key := strings.ToLower(name)
	set := ownHeaders[key]
	switch {
	case set == nil && slices.ContainsFunc(mailHeaders, func(h string) bool { return strings.EqualFold(h, name) }):
		return nil
	case set == nil:
		return fmt.Errorf("unknown header %s (there are: Subject, Plausible, Rules, Crash, Profile, Flavour, Equivalent)", name)
	case seen[key] && key != "crash":
		return fmt.Errorf("a second %s; one line may be continued by indented ones", name)
	case value == "":
		return fmt.Errorf("%s is empty", name)
	}
	seen[key] = true
	return set(m, value)
}
