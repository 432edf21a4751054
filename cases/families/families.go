// SPDX-License-Identifier: Apache-2.0

// Package families writes most of the catalogue: it crosses shapes, each one idea
// of what to submit and in which order to let it complete, with
// settings, the ways in which requests complete. What it makes is kept as
// text in cases/catalogue; `make generate` renews it, and a test compares.
//
// A shape is a few lines of Go in one of this package's files; to add one,
// write it and list it in the file's family.
package families

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

//go:generate go run ./generate ../catalogue

// Family is a set of shapes around one part of the specification.
type Family struct {
	// Name is one word; the last line of each program's About names it.
	Name   string
	Shapes []Shape
}

// Shape is one idea of a program, to be written in several settings.
type Shape struct {
	// Name is that of the programs, ahead of the setting's.
	Name string
	// Rules are the rules that the programs are written for.
	Rules string
	// About says what the program does and what would break it.
	About string
	// In are the settings to write the shape in.
	In []Setting
	// Alone keeps the chain setting from putting a request ahead of the group.
	Alone bool
	Write func(w *Writer)
}

// Families lists all families in reading order.
func Families() []Family {
	return []Family{
		assembly, order, chains, failures, drains, workers, endings, neighbours, copies, parallel, timeouts, rings,
	}
}

// Programs writes every program of every family, in the order of their names.
// An error names the shape that is at fault.
func Programs() ([]*cases.Program, error) {
	var all []*cases.Program
	var errs []error
	for _, f := range Families() {
		for _, s := range f.Shapes {
			for _, in := range s.In {
				p, err := write(&f, &s, in)
				if err != nil {
					errs = append(errs, fmt.Errorf("family %s, shape %s, setting %s: %w", f.Name, s.Name, in.Name, err))
					continue
				}
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b *cases.Program) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(all); i++ {
		if all[i].Name == all[i-1].Name {
			errs = append(errs, fmt.Errorf("two shapes write a program called %s", all[i].Name))
		}
	}
	return all, errors.Join(errs...)
}

// FamilyOf returns the name of the family that wrote p, "" for a program written by hand.
func FamilyOf(p *cases.Program) string {
	lines := strings.Split(p.About, "\n")
	name, ok := strings.CutPrefix(lines[len(lines)-1], mark)
	if !ok {
		return ""
	}
	return strings.TrimSuffix(name, ".")
}

// mark begins the last line of a written program's About.
const mark = "Written by cases/families, family "
