// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"reflect"
	"unsafe"
)

// A Run travels for every program, and decoding a CBOR map with a text key for
// every field of every SQE, zero or not, would be the dearest thing that a guest under
// emulation does for a small one. A Run is therefore encoded through a twin
// of its type in which each struct field is tagged to have its number for a
// key and to be left out when it is zero: an eighth of the bytes, half the time. Only
// host and guest of the same build exchange Runs, so the numbers need not be
// stable. The agent hands programs on to its workers in the same way, by
// [Compact]. All other messages keep their names as keys; for a Ran, most of which is
// raw events, the twin would make encoding slower, and that is the guest's half.

// compactOf returns the twin of t: the same type with other struct tags
// throughout, and so of the same layout in memory.
func compactOf(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Pointer:
		return reflect.PointerTo(compactOf(t.Elem()))
	case reflect.Slice:
		if elem := compactOf(t.Elem()); elem != t.Elem() {
			return reflect.SliceOf(elem)
		}
	case reflect.Struct:
		fields := make([]reflect.StructField, t.NumField())
		for i := range fields {
			f := t.Field(i)
			fields[i] = reflect.StructField{
				Name: f.Name,
				Type: compactOf(f.Type),
				Tag:  reflect.StructTag(fmt.Sprintf(`cbor:"%d,keyasint,omitempty"`, i)),
			}
		}
		return reflect.StructOf(fields)
	}
	return t
}

// Compact returns a function that returns a *T as a pointer to T's twin, which
// shares its memory, for the CBOR encoder and decoder: that is how a Run
// travels. Empty slices arrive as nil. Both ends must be of one build. T must
// hold exported fields only, and no maps with structs in them.
func Compact[T any]() func(*T) any {
	twin := compactOf(reflect.TypeFor[T]())
	return func(m *T) any { return reflect.NewAt(twin, unsafe.Pointer(m)).Interface() }
}

var compactRun = Compact[Run]()

// compact returns what stands for msg in the encoder and decoder.
func compact(msg any) any {
	if m, ok := msg.(*Run); ok {
		return compactRun(m)
	}
	return msg
}
