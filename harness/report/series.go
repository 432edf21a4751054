// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
)

// Patch is one patch of the series.
type Patch struct {
	Name      string `json:"name"`
	Subject   string `json:"subject,omitempty"`
	SHA256    string `json:"sha256"`
	Number    int    `json:"number,omitempty"` // n and m of its [PATCH n/m]
	Total     int    `json:"total,omitempty"`
	Author    string `json:"author,omitempty"`
	Date      string `json:"date,omitempty"` // RFC 3339
	MessageID string `json:"message_id,omitempty"`
}

// Origin is what a series says of itself besides its patches.
type Origin struct {
	Version        int    `json:"version,omitempty"` // N of [PATCH vN]; 0 where nothing says
	Cover          string `json:"cover,omitempty"`   // subject of the cover letter
	CoverMessageID string `json:"cover_message_id,omitempty"`
	// Missing are the numbers of patches that the subjects promise and that
	// are not there: the user wanted it without.
	Missing       []int    `json:"missing,omitempty"`
	BaseCommit    string   `json:"base_commit,omitempty"`
	Prerequisites []string `json:"prerequisites,omitempty"` // such as "prerequisite-patch-id 0123…"
	ChangeID      string   `json:"change_id,omitempty"`
	// Notes tell what was there but is not in the series: other revisions, changes in replies.
	Notes []string `json:"notes,omitempty"`
}

// title is the patch's subject, or its file name where it has none.
func (p Patch) title() string {
	if p.Subject != "" {
		return p.Subject
	}
	return p.Name
}

// By is who wrote the patch and where it was posted, as far as it is known.
func (p Patch) By() string {
	var parts []string
	for _, s := range []string{p.Author, p.Date, p.MessageID} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// facts adds what is known to those of a run.
func (o *Origin) facts(add func(name, value string)) {
	if o.Version > 1 || o.Cover != "" {
		add("revision", fmt.Sprintf("v%d", o.Version))
	}
	add("cover letter", strings.TrimSpace(o.Cover+angled(o.CoverMessageID)))
	if len(o.Missing) > 0 {
		add("missing patches", strings.Trim(fmt.Sprint(o.Missing), "[]"))
	}
	add("base commit", o.BaseCommit)
	add("prerequisites", strings.Join(o.Prerequisites, ", "))
	add("change ID", o.ChangeID)
	add("not in the series", strings.Join(o.Notes, "; "))
}

func angled(id string) string {
	if id == "" {
		return ""
	}
	return " <" + id + ">"
}
