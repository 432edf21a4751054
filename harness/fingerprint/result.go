// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ringproof/ringproof/cases"
)

// Result is a kernel's fingerprint: the profile that it shows, value by value.
type Result struct {
	// Name of the proposed profile.
	Name   string `json:"name"`
	Kernel string `json:"kernel"` // series, flavour and release
	Groups Answer `json:"groups"`
	// Feature, Semantics and Fields are empty for a kernel without groups.
	Feature   []Answer `json:"feature,omitempty"`
	Semantics []Answer `json:"semantics,omitempty"`
	Fields    []Answer `json:"fields,omitempty"`
	// Strange is what no profile explains.
	Strange []string `json:"strange,omitempty"`
}

// HasGroups tells whether the kernel is known to have the feature.
func (r *Result) HasGroups() bool { return r.Groups.Value == "true" }

// Unknown lists the keys that have no value.
func (r *Result) Unknown() (keys []string) {
	for _, a := range r.all() {
		if !a.Known() {
			keys = append(keys, a.Key)
		}
	}
	return keys
}

func (r *Result) all() []Answer {
	all := []Answer{r.Groups}
	for _, some := range [][]Answer{r.Feature, r.Semantics, r.Fields} {
		all = append(all, some...)
	}
	return all
}

// Same returns the name of the built-in profile that says the same, "" if none does.
func (r *Result) Same() (string, error) {
	mine, err := cases.ParseProfile([]byte(r.Profile()))
	if err != nil || len(r.Unknown()) > 0 {
		return "", nil // it has gaps
	}
	for _, name := range cases.Profiles() {
		p, err := cases.LoadProfile(name)
		if err != nil {
			return "", err
		}
		if mine.Name = p.Name; *p == *mine {
			return name, nil
		}
	}
	return "", nil
}

// WriteText prints a line per value: what it is, and how it is known.
func (r *Result) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", r.Kernel)
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, a := range r.all() {
		value := a.Value
		if !a.Known() {
			value = "?"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", a.Key, value, a.How)
	}
	table.Flush()
	for _, s := range r.Strange {
		fmt.Fprintf(w, "strange: %s\n", s)
	}
	same, err := r.Same()
	if err != nil {
		return err
	}
	switch unknown := r.Unknown(); {
	case len(unknown) > 0:
		_, err = fmt.Fprintf(w, "\nnot shown: %s\n", strings.Join(unknown, ", "))
	case same != "":
		_, err = fmt.Fprintf(w, "\nthe same as the built-in profile %s\n", same)
	default:
		_, err = fmt.Fprintln(w, "\nno built-in profile is the same")
	}
	return err
}

// Profile returns the proposed profile's file. A knob that is not known has a
// value there that nothing accepts, so that it cannot be overlooked; a name that is not
// known is empty, and the probes do without.
func (r *Result) Profile() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Proposed by ringproof fingerprint, which saw this on:\n# %s\nname = %q\n", r.Kernel, r.Name)
	if !r.Groups.Known() {
		fmt.Fprintf(&b, "# %s\ngroups = \"not shown\"\n", r.Groups.How)
		return b.String()
	}
	fmt.Fprintf(&b, "# %s\ngroups = %s\n", r.Groups.How, r.Groups.Value)
	if !r.HasGroups() {
		return b.String()
	}
	for _, a := range r.Feature {
		a.write(&b, "")
	}
	b.WriteString("\n[semantics]\n")
	for _, a := range r.Semantics {
		a.write(&b, `"not shown"`)
	}
	b.WriteString("\n[kernel]\n")
	for _, a := range r.Fields {
		a.write(&b, "")
	}
	for _, s := range r.Strange {
		fmt.Fprintf(&b, "# strange: %s\n", s)
	}
	return b.String()
}

// write writes the value's line; without a value that of unknown, or none where that is "".
func (a *Answer) write(b *strings.Builder, unknown string) {
	value := unknown
	if a.Known() {
		if value = a.Value; a.Text {
			value = strconv.Quote(value)
		}
	}
	fmt.Fprintf(b, "# %s\n", a.How)
	if value == "" {
		fmt.Fprintf(b, "# %s =\n", a.Key)
		return
	}
	fmt.Fprintf(b, "%s = %s\n", a.Key, value)
}
