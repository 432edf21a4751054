// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"debug/elf"
	"errors"
	"strings"
	"testing"

	"github.com/ringproof/ringproof/cases"
)

// ownBTF is the type information of the built-in programs: a small BTF with
// the structures that the probes look at.
func ownBTF(t testing.TB) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(_ObjectsBytes))
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Section(".BTF").Data()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKernelTypes(t *testing.T) {
	k, err := parseKernelTypes(ownBTF(t), []string{"io_kiocb", "io_ring_ctx", "on_issue", "nobody"}, []string{"EV_FREE", "NO_SUCH"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.id(btfFunc, "on_issue"); err != nil {
		t.Error(err)
	}
	if _, err := k.id(btfFunc, "io_kiocb"); err == nil {
		t.Error("a struct passed for a function")
	}
	if _, err := k.id(btfFunc, "nobody"); err == nil || !strings.Contains(err.Error(), "not in this kernel") {
		t.Errorf("unknown function: %v", err)
	}
	if got, want := k.enumerators["EV_FREE"], int64(cases.EvFree); got != want {
		t.Errorf("EV_FREE = %d, want %d", got, want)
	}
	if _, ok := k.enumerators["NO_SUCH"]; ok {
		t.Error("an enumerator that is not there was found")
	}
	// struct io_kiocb of bpf/kernel.h, as the compiler lays it out.
	for _, m := range []struct {
		name      string
		off, size uint32
	}{
		{"opcode", 0, 1}, {"flags", 8, 8}, {"cqe", 16, 16}, {"ctx", 32, 8}, {"refs", 48, 4},
	} {
		off, size, err := k.member("io_kiocb", m.name)
		if err != nil || off != m.off || size != m.size {
			t.Errorf("io_kiocb.%s is at %d with %d bytes (%v), want %d, %d", m.name, off, size, err, m.off, m.size)
		}
	}
	if _, _, err := k.member("io_kiocb", "grp_refs"); err == nil {
		t.Error("a member that is not there was found")
	}
}

func TestKernelTypesMalformed(t *testing.T) {
	good := ownBTF(t)
	for n := range good {
		if _, err := parseKernelTypes(good[:n], []string{"io_kiocb"}, nil); !errors.Is(err, errBTF) {
			t.Fatalf("cut to %d of %d bytes: error %v", n, len(good), err)
		}
	}
}

func FuzzKernelTypes(f *testing.F) {
	f.Add(ownBTF(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, err := parseKernelTypes(raw, []string{"io_kiocb"}, []string{"EV_FREE"})
		if err == nil {
			k.member("io_kiocb", "refs")
		}
	})
}

func TestEveryProgramHasAKind(t *testing.T) {
	spec, err := loadObjects()
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range spec.Programs {
		if _, isHook := noiseHooks[name]; isNoise(name) != isHook {
			t.Errorf("program %s (%s) of the noise has no hook", name, p.SectionName)
		}
		if !isNoise(name) && programKinds[name] == cases.EvNone {
			t.Errorf("program %s (%s) has no event kind", name, p.SectionName)
		}
	}
	if len(noiseHooks) > len(spec.Programs)-len(programKinds) {
		t.Errorf("%d programs for the %d hooks of the noise", len(spec.Programs)-len(programKinds), len(noiseHooks))
	}
	withoutNoise(spec)
	if len(programKinds) != len(spec.Programs) {
		t.Errorf("%d kinds for %d programs", len(programKinds), len(spec.Programs))
	}
	if err := setVariables(spec, noGroup, 32); err != nil {
		t.Error(err)
	}
}

// The kinds are numbered in C as well.
func TestKindsMatch(t *testing.T) {
	var names []string
	for k := cases.EvNone + 1; k.String() != "unknown"; k++ {
		names = append(names, "EV_"+strings.ToUpper(k.String()))
	}
	k, err := parseKernelTypes(ownBTF(t), nil, names)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range names {
		if got, ok := k.enumerators[n]; !ok || got != int64(i+1) {
			t.Errorf("%s is %d in C (found %v), %d in Go", n, got, ok, i+1)
		}
	}
}

func TestFindGroup(t *testing.T) {
	// The programs' own types stand for a kernel: refs plays the group's
	// count, ctx the pointer to the leader, enumerators of kind the flag bits.
	kernel := cases.Kernel{RefsField: "refs", LeaderField: "ctx", GroupFlag: "EV_FREE", LeaderFlag: "EV_PUNT"}
	found := group{refsOff: 48, refsSize: 4, leaderOff: 32, groupFlag: 1 << cases.EvFree, leaderFlag: 1 << cases.EvPunt}
	for _, tc := range []struct {
		name    string
		change  func(*cases.Kernel)
		want    group
		missing string
	}{
		{"all there", nil, found, ""},
		{"no count", func(k *cases.Kernel) { k.RefsField = "grp_refs" },
			group{refsOff: -1, leaderOff: 32, groupFlag: found.groupFlag, leaderFlag: found.leaderFlag}, "group_refs=io_kiocb.grp_refs: "},
		{"no flag", func(k *cases.Kernel) { k.GroupFlag, k.LeaderFlag = "A", "B" },
			noGroup, "group_flag=A: "},
		{"one flag", func(k *cases.Kernel) { k.LeaderFlag = "" },
			group{refsOff: 48, refsSize: 4, leaderOff: 32, groupFlag: found.groupFlag}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := &cases.Profile{Name: "test", Groups: true, Kernel: kernel}
			if tc.change != nil {
				tc.change(&p.Kernel)
			}
			k, err := parseKernelTypes(ownBTF(t), []string{"io_kiocb"}, []string{p.Kernel.GroupFlag, p.Kernel.LeaderFlag})
			if err != nil {
				t.Fatal(err)
			}
			tr := new(Tracer)
			got, err := tr.findGroupIn(k, p)
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if all := strings.Join(tr.missing, "\n"); (tc.missing == "") != (all == "") || !strings.Contains(all, tc.missing) {
				t.Errorf("missing %q, want %q", all, tc.missing)
			}
		})
	}
}

func TestLoadRefusesBufferSizes(t *testing.T) {
	for _, n := range []uint32{1, 100, 4095, 4097, 12288} {
		if _, err := Load(Options{RingBytes: n}); err == nil || !strings.Contains(err.Error(), "power of two") {
			t.Errorf("Load with a buffer of %d bytes: %v", n, err)
		}
	}
}
