// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"time"
)

// fact is one thing that a reader must know of a run, in all renderings alike.
type fact struct{ Name, Value string }

// facts lists what was tested and where, without what is not known.
func (r *Run) facts() []fact {
	var fs []fact
	add := func(name, value string) {
		if value != "" {
			fs = append(fs, fact{name, value})
		}
	}
	add("series", r.Kernel.Series)
	r.Kernel.Origin.facts(add)
	add("profile", r.Kernel.Profile)
	add("kernel", r.Kernel.Version)
	add("flavour", r.Kernel.Flavour)
	add("instrumentation", r.Kernel.instrumentation())
	add("source", r.Kernel.Source)
	add("image", r.Kernel.Key)
	add("config", r.Kernel.Config)
	add("compiler", r.Kernel.Compiler)
	add("accelerator", strings.ToUpper(r.Guest.Accel))
	if r.Guest.CPUs > 0 {
		add("guest", fmt.Sprintf("%d CPUs, %d MB, %s", r.Guest.CPUs, r.Guest.MemMB, r.Guest.QEMU))
	}
	if g := r.Guest.Info; g != nil {
		add("uname", strings.TrimSpace(g.Release+" "+g.Version))
		groups := "no"
		if g.Groups {
			groups = "yes"
		}
		if g.GroupsWhy != "" {
			groups += " (" + g.GroupsWhy + ")"
		}
		add("SQE groups", groups)
		add("probes", fmt.Sprintf("%d attached, %d missing", len(g.Probes), len(g.Missing)))
		noise := strings.Join(g.Noise, ", ")
		if len(g.Silent) > 0 {
			noise = strings.TrimPrefix(noise+"; without "+strings.Join(g.Silent, ", "), "; ")
		}
		add("noise", noise)
	}
	if r.Guest.Boots+r.Guest.Restores > 0 {
		add("boots", fmt.Sprintf("%d from power-on (%.1f s), %d restored", r.Guest.Boots, r.Guest.BootSeconds, r.Guest.Restores))
	}
	if !r.Started.IsZero() {
		add("started", r.Started.UTC().Format(time.DateTime)+" UTC")
	}
	add("took", fmt.Sprintf("%.1f s", r.Took))
	events, lost, missed := r.Evidence()
	add("evidence", fmt.Sprintf("%d events, %d lost, %d missed", events, lost, missed))
	version := r.Tool.Version
	if r.Tool.BuildID != "" {
		version += " (build " + shortHash(r.Tool.BuildID) + ")"
	}
	add("ringproof", strings.TrimSpace(version))
	add("command", strings.Join(r.Command, " "))
	return fs
}

func shortHash(h string) string { return h[:min(12, len(h))] }
