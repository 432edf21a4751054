// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"reflect"
)

// A Run travels for every program, and decoding a CBOR map with a text key for
// every field of every SQE, zero or not, would be the dearest thing that a guest under
// emulation does for a small one. A Run is therefore encoded through a twin
// of its type in which each struct field is tagged to have its number for a
// key and to be left out when it is zero: an eighth of the bytes, half the time. Only
// host and guest of the same build exchange Runs, so the numbers need not be
// stable. All other messages keep their names as keys; for a Ran, most of which is
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

var compactRun = compactOf(reflect.TypeFor[Run]())

// compact returns msg as a pointer to its type's twin, which shares its
// memory, or msg itself for messages that have none.
func compact(msg any) any {
	if m, ok := msg.(*Run); ok {
		return reflect.NewAt(compactRun, reflect.ValueOf(m).UnsafePointer()).Interface()
	}
	return msg
}
