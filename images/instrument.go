// SPDX-License-Identifier: Apache-2.0

package images

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/mail"
	"path"
	"strings"
)

// instrumentFS holds the project's own changes to kernels under test.
//
//go:embed instrument
var instrumentFS embed.FS

// instrument is a change of ringproof's own that makes mistakes of a series
// visible which the kernel would hide. It changes nothing that a correct series
// could notice, so it goes on top of any, as far as its context is there. The
// file format, and why each is as it is, is in instrument/README.md.
type instrument struct {
	name     string // of the file, without .patch
	what     string // what it does, one line
	flavours []string
	patch    Patch
	id       string // hash of what it changes, see Series.ID
}

// InstrumentProvenance says what became of one of ringproof's own changes that
// are meant for an image's flavour.
type InstrumentProvenance struct {
	Name   string `json:"name"`
	What   string `json:"what"`
	SHA256 string `json:"sha256"` // of its file
	// LeftOut says why the image is without it; "" if it is in.
	LeftOut string `json:"left_out,omitempty"`
}

// notAskedFor is why an image is without any, see Spec.NoInstrument.
const notAskedFor = "switched off"

// instruments returns those that are meant for a flavour, by name.
func instruments(flavour string) ([]*instrument, error) {
	names, err := fs.Glob(instrumentFS, "instrument/*.patch")
	if err != nil {
		return nil, err
	}
	var all []*instrument
	for _, name := range names { // sorted
		text, err := fs.ReadFile(instrumentFS, name)
		if err != nil {
			return nil, err
		}
		in, err := parseInstrument(path.Base(name), string(text))
		if err != nil {
			return nil, fmt.Errorf("read the built-in %s: %w", name, err)
		}
		for _, f := range in.flavours {
			if f == flavour {
				all = append(all, in)
			}
		}
	}
	return all, nil
}

func parseInstrument(file, text string) (*instrument, error) {
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	in := &instrument{
		name: strings.TrimSuffix(file, path.Ext(file)), what: m.Header.Get("Subject"),
		flavours: strings.Fields(m.Header.Get("Flavour")),
	}
	for _, h := range []string{"Subject", "Why", "Needs", "Flavour"} {
		if m.Header.Get(h) == "" {
			return nil, fmt.Errorf("it lacks the header %s", h)
		}
	}
	s := &Series{Name: in.name}
	if err := s.add(file, []byte(text)); err != nil {
		return nil, err
	}
	if len(s.Patches) != 1 {
		return nil, errors.New("it holds no change, or more than one")
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	in.patch, in.id = s.Patches[0], s.ID
	return in, nil
}

// instrumented returns the state of the files with what is meant for the image on
// top, each as a whole or not at all, and what became of each. files is left
// as it is. Lines that an instrument writes count as the source's own: no patch of
// the series is to be blamed for them.
func (r *request) instrumented(root string, files map[string]*change) (map[string]*change, []InstrumentProvenance) {
	var became []InstrumentProvenance
	for _, in := range r.instruments {
		p := in.provenance()
		if r.NoInstrument {
			p.LeftOut = notAskedFor
		} else if more, err := in.apply(root, files); err != nil {
			p.LeftOut = err.Error()
		} else {
			files = more
		}
		became = append(became, p)
	}
	return files, became
}

func (in *instrument) apply(root string, files map[string]*change) (map[string]*change, error) {
	a := &applier{root: root, files: maps.Clone(files)}
	for _, f := range in.patch.files {
		if err := a.file(f); err != nil {
			err.Patch = in.patch.Name
			return nil, err
		}
	}
	return a.files, nil
}

func (in *instrument) provenance() InstrumentProvenance {
	return InstrumentProvenance{Name: in.name, What: in.what, SHA256: in.patch.SHA256}
}

// applied returns the names of those that an image is built with.
func applied(became []InstrumentProvenance) (names []string) {
	for _, p := range became {
		if p.LeftOut == "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// changes computes what is compiled instead of the source's own files, but for
// the flavour's overlays and what is woven in: the series, then the instruments.
func (r *request) changes(root string) (map[string]*change, []InstrumentProvenance, error) {
	files, err := patched(root, r.series, r.AllowBuildFiles)
	if err != nil {
		return nil, nil, err
	}
	files, became := r.instrumented(root, files)
	return files, became, nil
}

// known brings what was stored of an image's instruments up to what is said of
// them now: their texts may have changed, and images from before there were any
// say nothing.
func (r *request) known(stored []InstrumentProvenance) []InstrumentProvenance {
	leftOut := map[string]string{}
	for _, p := range stored {
		leftOut[p.Name] = p.LeftOut
	}
	var all []InstrumentProvenance
	for _, in := range r.instruments {
		p := in.provenance()
		if p.LeftOut = leftOut[in.name]; r.NoInstrument {
			p.LeftOut = notAskedFor
		}
		all = append(all, p)
	}
	return all
}
