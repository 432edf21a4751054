// SPDX-License-Identifier: Apache-2.0

package report

import "strings"

// Instrument is one of ringproof's own changes to kernels of this flavour: it makes
// mistakes visible that would go unnoticed.
type Instrument struct {
	Name   string `json:"name"`
	What   string `json:"what"`
	SHA256 string `json:"sha256"`
	// LeftOut says why this kernel is without it; "" if it is in.
	LeftOut string `json:"left_out,omitempty"`
}

// instrumentation names what the kernel has of ringproof's own changes, and what it
// lacks; "" where none are meant for it. Reasons are left to [Run.Notes].
func (k *Kernel) instrumentation() string {
	var in, out []string
	for _, i := range k.Instruments {
		if i.LeftOut == "" {
			in = append(in, i.Name)
		} else {
			out = append(out, i.Name)
		}
	}
	if len(in)+len(out) == 0 {
		return ""
	}
	text := "none"
	if len(in) > 0 {
		text = strings.Join(in, ", ")
	}
	if len(out) > 0 {
		text += "; without " + strings.Join(out, ", ")
	}
	return text
}
