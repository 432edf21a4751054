// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"regexp"
	"slices"

	"github.com/ringproof/ringproof/harness/crash"
	"github.com/ringproof/ringproof/images"
)

// trap is the instrument that fills what a reused request holds of its earlier life.
const trap = "recycle-trap"

// trapValue is how the filling shows in a complaint: as a pointer, perhaps with
// an offset; as a number; and as a bool.
var trapValue = regexp.MustCompile(`(?i)(?:5a){7}|\b(?:0x|0{8})?(?:5a){4}\b|\b1515870810\b|\bload of value 90 `)

const trapNote = "0x5a in every byte is what " + trap + " leaves in the fields of a request that nobody has set " +
	"since it was reused: it seems that one was read. Without, it would have had a value of the request's earlier life."

// noteTraps says so of complaints that show a trapped value, if the kernel has any.
func noteTraps(k *images.Kernel, reports []crash.Report) {
	if !slices.ContainsFunc(k.Provenance.Instruments, func(in images.InstrumentProvenance) bool {
		return in.Name == trap && in.LeftOut == ""
	}) {
		return
	}
	for i := range reports {
		if slices.ContainsFunc(reports[i].Lines, trapValue.MatchString) {
			reports[i].Note = trapNote
		}
	}
}
