// SPDX-License-Identifier: Apache-2.0

package images

// Compose makes a series of patches that were loaded with other ones: a part of
// one, or the beginning of one and the end of another. Without patches it is the kernel as it is.
func Compose(name string, patches []Patch) (*Series, error) {
	if len(patches) == 0 {
		name = SeriesNone
	}
	s := &Series{Name: name, Patches: patches}
	return s, s.finish()
}
