// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"slices"
	"strings"
	"testing"
)

// bit returns the bit of a knob in a [Variant].
func bit(t testing.TB, key string) Variant {
	t.Helper()
	i := slices.IndexFunc(Knobs(), func(k Knob) bool { return k.Key == key })
	if i < 0 {
		t.Fatalf("there is no knob %s", key)
	}
	return 1 << i
}

// saw makes an observation up: the program's outcome agrees with the variants of which ok holds.
func saw(program string, ok func(Variant) bool) Observation {
	o := Observation{Program: program, Accepts: map[Variant]bool{}, Closest: "G4: made up"}
	for v := range Variants() {
		if ok(v) {
			o.Accepts[v] = true
		}
	}
	return o
}

func TestDecide(t *testing.T) {
	one, after := bit(t, "group_of_one"), bit(t, "members_after_leader")
	task := bit(t, "complete_in_task")
	plain := saw("plain", func(v Variant) bool { return v&one == 0 })
	rejected := saw("rejected", func(v Variant) bool { return v&one != 0 })
	either := saw("either", func(Variant) bool { return true })
	nothing := saw("nothing", func(Variant) bool { return false })
	parallel := saw("parallel", func(v Variant) bool { return v&after == 0 })
	// Members in parallel go with a rejected group of one, as far as this run shows.
	linked := saw("linked", func(v Variant) bool { return (v&after == 0) == (v&one != 0) })
	kept := either
	kept.Program, kept.Keeps = "kept", []string{"complete_in_task"}
	broken := saw("broken", func(v Variant) bool { return v&task == 0 })

	for _, test := range []struct {
		name       string
		all        []Observation
		key, value string
		how        []string // parts of how it is known
		strange    string   // part of what is strange, "" for nothing
	}{
		{"one run tells", []Observation{plain, either}, "group_of_one", "plain", []string{"plain"}, ""},
		{"two tell the same", []Observation{rejected, rejected}, "group_of_one", "rejected", []string{"rejected"}, ""},
		{"no run tells", []Observation{either}, "group_of_one", "", []string{"fits both"}, ""},
		{"nothing ran", []Observation{{Program: "p", Problem: "CRASH: oops"}}, "group_of_one", "", []string{"p: CRASH: oops"}, ""},
		{"a crash beside one that tells", []Observation{plain, {Program: "p", Problem: "CRASH: oops"}}, "group_of_one", "plain", []string{"plain"}, ""},
		{"two disagree", []Observation{plain, rejected}, "group_of_one", "", []string{"disagree", "plain by plain", "rejected by rejected"}, ""},
		{"two disagree, others are not harmed", []Observation{plain, rejected, parallel}, "members_after_leader", "false", []string{"parallel"}, ""},
		{"by what another run shows", []Observation{linked, parallel}, "group_of_one", "rejected", []string{"linked"}, ""},
		{"not by itself", []Observation{linked}, "group_of_one", "", []string{"fits both"}, ""},
		{"against what two others show", []Observation{linked, parallel, plain}, "group_of_one", "", []string{"disagree", "plain", "linked"}, ""},
		{"no variant explains it", []Observation{nothing, plain}, "group_of_one", "plain", []string{"plain"}, "nothing agrees with no combination of the knobs: G4"},
		{"a promise kept", []Observation{kept}, "complete_in_task", "true", []string{"never seen otherwise in kept"}, ""},
		{"a promise not put to the test", []Observation{either}, "complete_in_task", "", []string{"fits both"}, ""},
		{"a promise kept once, and broken once", []Observation{kept, broken}, "complete_in_task", "false", []string{"broken"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Decide(test.all)
			i := slices.IndexFunc(d.Answers, func(a Answer) bool { return a.Key == test.key })
			a := d.Answers[i]
			if a.Value != test.value {
				t.Errorf("%s is %q (%s), want %q", a.Key, a.Value, a.How, test.value)
			}
			for _, part := range test.how {
				if !strings.Contains(a.How, part) {
					t.Errorf("how %s is known: %q, want %q in it", a.Key, a.How, part)
				}
			}
			if got := strings.Join(d.Strange, "\n"); !strings.Contains(got, test.strange) || (test.strange == "") != (got == "") {
				t.Errorf("strange: %q, want %q", got, test.strange)
			}
		})
	}
}

// What is known of one knob is in the semantics, what is not is the first value.
func TestDecidedSemantics(t *testing.T) {
	one := bit(t, "group_of_one")
	d := Decide([]Observation{saw("p", func(v Variant) bool { return v&one != 0 })})
	if want := one.Semantics(); d.Semantics != want {
		t.Errorf("got %+v, want %+v", d.Semantics, want)
	}
}
