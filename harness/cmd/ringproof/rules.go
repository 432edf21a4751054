// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/coverage"
)

type rulesCmd struct {
	Rule     []string `placeholder:"ID" help:"Only these rules, such as G4; may be repeated."`
	Profile  []string `help:"Only these profiles (${profiles}); may be repeated."`
	Path     []string `help:"Only this way of completion (${paths}); may be repeated."`
	Programs bool     `help:"List the programs that cover each cell."`
	JSON     bool     `help:"Print the cells for a machine: rule, profile, path, programs, why."`
}

// Help is printed by --help.
func (rulesCmd) Help() string {
	return "Rule by profile by completion path: the number of programs of the catalogue that would fail were the rule " +
		"broken for requests that complete in this way. It is computed from what the model checks of each program. " +
		"Exit status 1 if a cell is empty and not explained."
}

// jsonCell is one cell of `ringproof rules --json`.
type jsonCell struct {
	Rule     string        `json:"rule"`
	Profile  string        `json:"profile"`
	Path     coverage.Path `json:"path"`
	Programs []string      `json:"programs"`
	Why      string        `json:"why,omitempty"` // of an empty cell
}

func (c *rulesCmd) Run(s *streams) error {
	show, err := c.filter()
	if err != nil {
		return &exit{exitUsage, err}
	}
	table, list, err := coverage.Builtin()
	if err != nil {
		return err
	}
	if c.JSON {
		cells := []jsonCell{}
		for _, cell := range table.Cells() {
			if show(cell) {
				programs := table.Programs[cell]
				if programs == nil {
					programs = []string{}
				}
				j := jsonCell{Rule: cell.Rule, Profile: cell.Profile, Path: cell.Path, Programs: programs}
				if len(programs) == 0 {
					j.Why = coverage.Why(list, cell)
				}
				cells = append(cells, j)
			}
		}
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", " ")
		err = enc.Encode(cells)
	} else {
		err = coverage.WriteText(s.out, table, list, coverage.TextOptions{Show: show, Programs: c.Programs})
	}
	if err != nil {
		return err
	}
	if err := coverage.Check(table, list); err != nil {
		return &exit{exitFailed, err}
	}
	return nil
}

// filter makes a predicate of the flags. What no cell can match is a mistake.
func (c *rulesCmd) filter() (func(coverage.Cell) bool, error) {
	var paths []string
	for _, p := range coverage.Paths() {
		paths = append(paths, string(p))
	}
	for _, f := range []struct {
		flag       string
		have, know []string
	}{
		{"--rule", c.Rule, coverage.Rules()}, {"--profile", c.Profile, cases.Profiles()}, {"--path", c.Path, paths},
	} {
		for _, v := range f.have {
			if !slices.Contains(f.know, v) {
				return nil, fmt.Errorf("%s %s: there is %s", f.flag, v, strings.Join(f.know, ", "))
			}
		}
	}
	in := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	return func(cell coverage.Cell) bool {
		return in(c.Rule, cell.Rule) && in(c.Profile, cell.Profile) && in(c.Path, string(cell.Path))
	}, nil
}

func pathNames() string {
	var names []string
	for _, p := range coverage.Paths() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}
