// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/ringproof/ringproof/cases"
)

// group says where the kernel keeps what a profile names. The zero values of
// the BPF side are "not there": offset -1, mask 0.
type group struct {
	refsOff, leaderOff    int32
	refsSize              uint32
	groupFlag, leaderFlag uint64
}

// findGroup looks up the profile's names in the running kernel. What it lacks
// becomes a Missing entry; the probes then do without.
func (t *Tracer) findGroup(p *cases.Profile) (group, error) {
	if !p.Groups {
		return noGroup, nil
	}
	kernel, err := readKernelTypes([]string{"io_kiocb"}, []string{p.Kernel.GroupFlag, p.Kernel.LeaderFlag})
	if err != nil {
		return noGroup, err
	}
	return t.findGroupIn(kernel, p)
}

func (t *Tracer) findGroupIn(kernel *kernelTypes, p *cases.Profile) (group, error) {
	g := noGroup
	lack := func(what, where string, err error) {
		t.missing = append(t.missing, fmt.Sprintf("%s=%s: %v", what, where, err))
	}
	flag := func(name string) uint64 {
		if name == "" {
			return 0
		}
		bit, ok := kernel.enumerators[name]
		if !ok || bit < 0 || bit > 63 {
			lack("group_flag", name, errors.New("no such flag bit in this kernel"))
			return 0
		}
		return 1 << bit
	}
	g.groupFlag, g.leaderFlag = flag(p.Kernel.GroupFlag), flag(p.Kernel.LeaderFlag)
	if g.groupFlag|g.leaderFlag == 0 {
		lack("group_refs", "io_kiocb."+p.Kernel.RefsField, errors.New("no flag tells which requests are of a group"))
		return g, nil
	}
	if name := p.Kernel.LeaderField; name != "" {
		if off, size, err := kernel.member("io_kiocb", name); err != nil {
			lack("group_leader", "io_kiocb."+name, err)
		} else if size != 8 {
			return g, fmt.Errorf("profile %q: io_kiocb.%s has %d bytes, but a leader_field is a pointer", p.Name, name, size)
		} else {
			g.leaderOff = int32(off)
			t.attached = append(t.attached, "group_leader=io_kiocb."+name)
		}
	}
	if name := p.Kernel.RefsField; name != "" {
		if off, size, err := kernel.member("io_kiocb", name); err != nil {
			lack("group_refs", "io_kiocb."+name, err)
		} else {
			// A wider count is read by its low half: BTF of these machines is little endian.
			g.refsOff, g.refsSize = int32(off), min(size, 4)
			t.attached = append(t.attached, "group_refs=io_kiocb."+name)
		}
	}
	return g, nil
}

var noGroup = group{refsOff: -1, leaderOff: -1}

func setVariables(spec *ebpf.CollectionSpec, g group, capacity uint32) error {
	for name, val := range map[string]any{
		"group_refs_off":   g.refsOff,
		"group_refs_size":  g.refsSize,
		"group_leader_off": g.leaderOff,
		"group_flag":       g.groupFlag,
		"leader_flag":      g.leaderFlag,
		"capacity":         uint64(capacity),
	} {
		v, ok := spec.Variables[name]
		if !ok {
			return fmt.Errorf("the built-in programs have no variable %s: run go generate", name)
		}
		if err := v.Set(val); err != nil {
			return fmt.Errorf("set variable %s of the built-in programs: %w", name, err)
		}
	}
	return nil
}
