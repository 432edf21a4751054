// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/BurntSushi/toml"
)

// Explanation says why no program covers the cells that it matches. Its
// lists hold patterns as of [path.Match]; an empty list matches all.
type Explanation struct {
	Rules    []string `toml:"rules" json:"rules"`
	Profiles []string `toml:"profiles" json:"profiles,omitempty"`
	Paths    []string `toml:"paths" json:"paths,omitempty"`
	Why      string   `toml:"why" json:"why"`
}

//go:embed explained.toml
var explained []byte

// Explanations returns the built-in explanations.
func Explanations() ([]Explanation, error) {
	list, err := ParseExplanations(explained)
	if err != nil {
		return nil, fmt.Errorf("harness/coverage/explained.toml: %w", err)
	}
	return list, nil
}

// ParseExplanations reads explanations in their TOML form, and refuses unknown keys and bad patterns.
func ParseExplanations(text []byte) ([]Explanation, error) {
	var file struct {
		Explain []Explanation `toml:"explain"`
	}
	md, err := toml.NewDecoder(bytes.NewReader(text)).Decode(&file)
	if err != nil {
		return nil, err
	}
	if un := md.Undecoded(); len(un) > 0 {
		return nil, fmt.Errorf("unknown key %s", un[0])
	}
	for i, x := range file.Explain {
		if x.Why == "" || len(x.Rules) == 0 {
			return nil, fmt.Errorf("explanation %d needs rules and a why", i+1)
		}
		for _, pattern := range slices.Concat(x.Rules, x.Profiles, x.Paths) {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("explanation %d: pattern %q: %w", i+1, pattern, err)
			}
		}
	}
	return file.Explain, nil
}

// Matches tells whether the explanation is about the cell.
func (x *Explanation) Matches(c Cell) bool {
	return matches(x.Rules, c.Rule) && matches(x.Profiles, c.Profile) && matches(x.Paths, string(c.Path))
}

func matches(patterns []string, s string) bool {
	if len(patterns) == 0 {
		return true
	}
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, s) // the pattern was tried when it was read
		return ok
	})
}

// Why returns the explanation of an empty cell, "" if there is none.
func Why(list []Explanation, c Cell) string {
	for i := range list {
		if list[i].Matches(c) {
			return list[i].Why
		}
	}
	return ""
}

// Check returns an error that names every empty cell without an explanation,
// every explanation of a cell that is covered, and every explanation of no cell at all.
func Check(t *Table, list []Explanation) error {
	var errs []error
	used := make([]bool, len(list))
	for _, c := range t.Cells() {
		explained := false
		for i := range list {
			if !list[i].Matches(c) {
				continue
			}
			used[i], explained = true, true
			if names := t.Programs[c]; len(names) > 0 {
				errs = append(errs, fmt.Errorf("%s: explained as empty (%q), but %s covers it: remove the explanation", c, list[i].Why, names[0]))
			}
		}
		if !explained && len(t.Programs[c]) == 0 {
			errs = append(errs, fmt.Errorf("%s: no program covers it, and explained.toml does not say why", c))
		}
	}
	for i, ok := range used {
		if !ok {
			errs = append(errs, fmt.Errorf("explanation %d (%q) matches no cell", i+1, list[i].Why))
		}
	}
	return errors.Join(errs...)
}

// String names the cell: "G4 on v7, io-wq".
func (c Cell) String() string { return fmt.Sprintf("%s on %s, %s", c.Rule, c.Profile, c.Path) }
