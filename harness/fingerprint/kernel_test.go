// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/ringproof/ringproof/cases"
)

// kernelBTF makes the type information of a kernel with these members of
// struct io_kiocb, beside some that upstream kernels have.
func kernelBTF(t *testing.T, more func(request *btf.Struct) []btf.Member) *btf.Spec {
	t.Helper()
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	request := &btf.Struct{Name: "io_kiocb", Size: 64}
	request.Members = append([]btf.Member{{Name: "flags", Type: number}, {Name: "link", Type: &btf.Pointer{Target: request}}}, more(request)...)
	flags := &btf.Enum{Size: 4, Values: []btf.EnumValue{
		{Name: "REQ_F_FIXED_FILE_BIT", Value: 0}, {Name: "REQ_F_SET_BIT", Value: 7}, {Name: "REQ_F_SET_LEADER_BIT", Value: 37}, {Name: "__REQ_F_LAST_BIT", Value: 38}}}
	b, err := btf.NewBuilder([]btf.Type{request, flags}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// What a series adds is found under whatever names, in anonymous unions and
// behind typedefs as well; what upstream kernels have is no candidate.
func TestTypes(t *testing.T) {
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	spec := kernelBTF(t, func(request *btf.Struct) []btf.Member {
		pointer := &btf.Pointer{Target: request}
		return []btf.Member{
			{Name: "gang", Type: number},
			{Name: "gang_refs", Type: &btf.Typedef{Name: "atomic_t", Type: &btf.Struct{Size: 4, Members: []btf.Member{{Name: "counter", Type: number}}}}},
			{Name: "gang_failed", Type: &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}},
			{Type: &btf.Union{Size: 8, Members: []btf.Member{{Name: "gang_next", Type: pointer}, {Name: "gang_leader", Type: pointer}}}},
			{Name: "gang_file", Type: &btf.Pointer{Target: number}},
		}
	})
	got, err := typesOf(spec)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"gang_leader", "gang_next"}; !slices.Equal(got.Leaders, want) {
		t.Errorf("pointers to a request: %v, want %v", got.Leaders, want)
	}
	if want := []string{"gang_refs", "gang"}; !slices.Equal(got.Counts, want) {
		t.Errorf("what can count: %v, want %v", got.Counts, want)
	}
	want := cases.Kernel{RefsField: "gang_refs", LeaderField: "gang_leader", GroupFlag: "REQ_F_SET_BIT", LeaderFlag: "REQ_F_SET_LEADER_BIT"}
	if guess := got.Guess(); guess != want {
		t.Errorf("guessed %+v, want %+v", guess, want)
	}

	plain, err := typesOf(kernelBTF(t, func(*btf.Struct) []btf.Member { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	if len(plain.Leaders) != 0 || len(plain.Counts) != 0 {
		t.Errorf("an upstream kernel has candidates: %+v", plain)
	}
}

// resultOf is the result for a kernel with the profile's semantics and names.
func resultOf(p *cases.Profile) *Result {
	r := &Result{Name: p.Name, Kernel: "series x", Groups: Answer{Key: "groups", Value: "true", How: "seen"},
		Feature: []Answer{{Key: "feature_bit", Value: "16", How: "seen"}}}
	for i, k := range Knobs() {
		a := Answer{Key: k.Key, How: "seen", Text: k.Values[1] != "true"}
		for v := range Variants() {
			if v.Semantics() == p.Semantics {
				a.Value = k.Values[v>>i&1]
			}
		}
		r.Semantics = append(r.Semantics, a)
	}
	r.Fields = []Answer{
		{Key: "refs_field", Value: p.Kernel.RefsField, Text: true}, {Key: "refs_counts_leader", Value: "true"}, {Key: "refs_end", Value: "0"},
		{Key: "leader_field", Value: p.Kernel.LeaderField, Text: true},
		{Key: "group_flag", Value: p.Kernel.GroupFlag, Text: true}, {Key: "leader_flag", Value: p.Kernel.LeaderFlag, Text: true},
	}
	return r
}

// A complete result is a profile, equal to the one it was made of; one with
// a gap is a file that is refused for the knob that is not known.
func TestProposedProfile(t *testing.T) {
	for _, name := range []string{"v4", "v7"} {
		p, err := cases.LoadProfile(name)
		if err != nil {
			t.Fatal(err)
		}
		r := resultOf(p)
		got, err := cases.ParseProfile([]byte(r.Profile()))
		if err != nil || *got != *p {
			t.Errorf("%s came back as %+v, %v", name, got, err)
		}
		if same, err := r.Same(); same != name || err != nil {
			t.Errorf("the same as %q, %v, want %s", same, err, name)
		}
		for i := range r.Semantics {
			gap := resultOf(p)
			a := &gap.Semantics[i]
			a.Value, a.How = "", "the programs disagree"
			text := gap.Profile()
			if _, err := cases.ParseProfile([]byte(text)); err == nil || !strings.Contains(text, "# the programs disagree\n"+a.Key+" = \"not shown\"") {
				t.Errorf("%s without %s is taken for a profile: %v\n%s", name, a.Key, err, text)
			}
			if same, _ := gap.Same(); same != "" || !slices.Equal(gap.Unknown(), []string{a.Key}) {
				t.Errorf("%s without %s: the same as %q, unknown %v", name, a.Key, same, gap.Unknown())
			}
			var b strings.Builder
			if err := gap.WriteText(&b); err != nil || !strings.Contains(b.String(), "not shown: "+a.Key) {
				t.Errorf("%v\n%s", err, b.String())
			}
		}
	}
	none := &Result{Name: "none", Kernel: "series none", Groups: Answer{Key: "groups", Value: "false", How: "refused"}}
	if same, err := none.Same(); same != "none" || err != nil {
		t.Errorf("a kernel without groups is the same as %q, %v", same, err)
	}
	unclear := &Result{Name: "x", Groups: Answer{Key: "groups", How: "not shown: it hangs"}}
	if _, err := cases.ParseProfile([]byte(unclear.Profile())); err == nil {
		t.Error("a kernel of which nothing is known has a profile")
	}
}
