// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// Types is what the choice of a profile's names needs of a kernel's types.
type Types struct {
	// Leaders and Counts are the members of struct io_kiocb that no upstream
	// kernel has (upstream.txt): those that point to another request, and those that can count.
	Leaders, Counts []string
	// Flags names the bits of io_kiocb.flags.
	Flags map[int]string
}

// upstreamMembers are the members of struct io_kiocb, those of its anonymous
// structs and unions included, in Linux 6.1 to 6.15.
//
//go:embed upstream.txt
var upstreamMembers string

// requestFlag is what the kernel calls its enumerators of request flags' bits.
var requestFlag = regexp.MustCompile(`^REQ_F_.*_BIT$`)

// ReadTypes reads the BTF of a kernel, from its vmlinux or a raw file.
func ReadTypes(file string) (*Types, error) {
	spec, err := btf.LoadSpec(file)
	if err != nil {
		return nil, fmt.Errorf("read the kernel's types from %s: %w: build it with CONFIG_DEBUG_INFO_BTF", file, err)
	}
	t, err := typesOf(spec)
	if err != nil {
		return nil, fmt.Errorf("read the kernel's types from %s: %w", file, err)
	}
	return t, nil
}

func typesOf(spec *btf.Spec) (*Types, error) {
	var request *btf.Struct
	if err := spec.TypeByName("io_kiocb", &request); err != nil {
		return nil, fmt.Errorf("struct io_kiocb: %w", err)
	}
	t := &Types{Flags: map[int]string{}}
	known := strings.Fields(upstreamMembers)
	for _, m := range membersOf(request.Members, 0) {
		switch {
		case slices.Contains(known, m.Name):
		case pointsTo(m.Type, request):
			t.Leaders = append(t.Leaders, m.Name)
		case m.BitfieldSize == 0 && counts(m.Type):
			t.Counts = append(t.Counts, m.Name)
		}
	}
	// The word that says what it is goes first: fewer guests until it is found.
	likelyFirst(t.Leaders, "lead")
	likelyFirst(t.Counts, "ref")
	for typ, err := range spec.All() {
		if err != nil {
			return nil, err
		}
		enum, ok := typ.(*btf.Enum)
		if !ok || !slices.ContainsFunc(enum.Values, func(v btf.EnumValue) bool { return v.Name == "REQ_F_FIXED_FILE_BIT" }) {
			continue
		}
		for _, v := range enum.Values {
			if requestFlag.MatchString(v.Name) && v.Value < 64 {
				t.Flags[int(v.Value)] = v.Name
			}
		}
		return t, nil
	}
	return nil, errors.New("no enumeration names the flags of requests (REQ_F_FIXED_FILE_BIT)")
}

func likelyFirst(names []string, word string) {
	slices.SortStableFunc(names, func(a, b string) int {
		has := func(s string) int {
			if strings.Contains(s, word) {
				return 0
			}
			return 1
		}
		return has(a) - has(b)
	})
}

const maxNesting = 16

// membersOf looks into anonymous structs and unions, as C does.
func membersOf(members []btf.Member, depth int) (all []btf.Member) {
	for _, m := range members {
		switch t := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			if m.Name == "" && depth < maxNesting {
				all = append(all, membersOf(t.Members, depth+1)...)
				continue
			}
		case *btf.Union:
			if m.Name == "" && depth < maxNesting {
				all = append(all, membersOf(t.Members, depth+1)...)
				continue
			}
		}
		all = append(all, m)
	}
	return all
}

func pointsTo(t btf.Type, to btf.Type) bool {
	p, ok := btf.UnderlyingType(t).(*btf.Pointer)
	return ok && btf.UnderlyingType(p.Target) == to
}

// counts tells whether a type is an integer, or a struct of nothing but one, as atomic_t and refcount_t are.
func counts(t btf.Type) bool {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		return t.Encoding != btf.Bool
	case *btf.Struct:
		return len(t.Members) == 1 && counts(t.Members[0].Type)
	}
	return false
}
