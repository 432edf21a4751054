// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"reflect"
	"testing"
)

// Every field of Semantics is one knob, and setting a knob changes that field and no other.
func TestKnobs(t *testing.T) {
	v4, err := LoadProfile("v4")
	if err != nil {
		t.Fatal(err)
	}
	v7, err := LoadProfile("v7")
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]string{}
	for _, k := range Knobs() {
		if k.Same(&v4.Semantics, &v7.Semantics) {
			t.Errorf("%s: v4 and v7 agree", k.Key)
		}
		for i, s := range []*Semantics{&v4.Semantics, &v7.Semantics} {
			if got := k.Rule(s); got != k.Rules[i] {
				t.Errorf("%s: value %d stands for %q, want %q", k.Key, i, got, k.Rules[i])
			}
		}
		if a, b := k.Value(&v4.Semantics), k.Value(&v7.Semantics); a == "" || b == "" || a == b {
			t.Errorf("%s: the values are %q and %q", k.Key, a, b)
		}
		for _, id := range k.Rules {
			if id != "" && RuleText(id) == "" {
				t.Errorf("%s: there is no rule %s", k.Key, id)
			}
		}
		mixed := v4.Semantics
		k.Set(&mixed, &v7.Semantics)
		a, b := reflect.ValueOf(mixed), reflect.ValueOf(v4.Semantics)
		for i := range a.NumField() {
			if a.Field(i).Interface() == b.Field(i).Interface() {
				continue
			}
			field := a.Type().Field(i)
			if tag := field.Tag.Get("toml"); tag != k.Key {
				t.Errorf("%s changes %s", k.Key, tag)
			}
			changed[field.Name] = k.Key
		}
	}
	if n := reflect.TypeFor[Semantics]().NumField(); len(changed) != n {
		t.Errorf("%d of %d choices have a knob: %v", len(changed), n, changed)
	}
}
