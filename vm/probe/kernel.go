// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

const kernelBTF = "/sys/kernel/btf/vmlinux"

// BTF kinds, include/uapi/linux/btf.h.
const (
	btfInt = iota + 1
	btfPtr
	btfArray
	btfStruct
	btfUnion
	btfEnum
	btfFwd
	btfTypedef
	btfVolatile
	btfConst
	btfRestrict
	btfFunc
	btfFuncProto
	btfVar
	btfDatasec
	btfFloat
	btfDeclTag
	btfTypeTag
	btfEnum64
)

// btfRest is the size in bytes of what follows a type's header: fixed plus
// the given size times the header's vlen.
var btfRest = [btfEnum64 + 1]struct{ fixed, each uint32 }{
	btfInt:       {fixed: 4},
	btfArray:     {fixed: 12},
	btfStruct:    {each: 12},
	btfUnion:     {each: 12},
	btfEnum:      {each: 8},
	btfFuncProto: {each: 8},
	btfVar:       {fixed: 4},
	btfDatasec:   {each: 12},
	btfDeclTag:   {fixed: 4},
	btfEnum64:    {each: 12},
}

const btfHeaderSize = 12 // name_off, info, size_or_type of struct btf_type

// kernelTypes answers the few questions that the probes have about a kernel's
// types. It works on the raw BTF, in one pass without building types, since
// under emulation a full parse takes longer than booting.
type kernelTypes struct {
	types, strings []byte
	offsets        []uint32 // of each type, by ID - 1
	named          map[string][]uint32
	enumerators    map[string]int64
}

// readKernelTypes indexes the running kernel's BTF for the given names of
// types and enumerators.
func readKernelTypes(names, enumerators []string) (*kernelTypes, error) {
	raw, err := os.ReadFile(kernelBTF)
	if err != nil {
		return nil, fmt.Errorf("read the kernel's type information: %w: build it with CONFIG_DEBUG_INFO_BTF and mount sysfs", err)
	}
	k, err := parseKernelTypes(raw, names, enumerators)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kernelBTF, err)
	}
	return k, nil
}

var errBTF = errors.New("malformed BTF")

func parseKernelTypes(raw []byte, names, enumerators []string) (*kernelTypes, error) {
	le := binary.LittleEndian
	// struct btf_header
	if len(raw) < 24 || le.Uint16(raw) != 0xeb9f {
		return nil, fmt.Errorf("%w: no little-endian BTF header", errBTF)
	}
	body := uint64(le.Uint32(raw[4:]))
	section := func(off, size uint32) ([]byte, error) {
		from := body + uint64(off)
		if from+uint64(size) > uint64(len(raw)) {
			return nil, fmt.Errorf("%w: section out of bounds", errBTF)
		}
		return raw[from : from+uint64(size)], nil
	}
	k := &kernelTypes{named: map[string][]uint32{}, enumerators: map[string]int64{}}
	var err error
	if k.types, err = section(le.Uint32(raw[8:]), le.Uint32(raw[12:])); err != nil {
		return nil, err
	}
	if k.strings, err = section(le.Uint32(raw[16:]), le.Uint32(raw[20:])); err != nil {
		return nil, err
	}
	wantType, wantEnum := k.offsetsOf(names), k.offsetsOf(enumerators)

	k.offsets = make([]uint32, 0, len(k.types)/24)
	for off := uint64(0); off < uint64(len(k.types)); {
		if off+btfHeaderSize > uint64(len(k.types)) {
			return nil, fmt.Errorf("%w: type %d is cut short", errBTF, len(k.offsets)+1)
		}
		t := k.types[off:]
		name, info := le.Uint32(t), le.Uint32(t[4:])
		kind, vlen := info>>24&0x1f, info&0xffff
		if kind == 0 || kind > btfEnum64 {
			return nil, fmt.Errorf("%w: type %d has the unknown kind %d", errBTF, len(k.offsets)+1, kind)
		}
		k.offsets = append(k.offsets, uint32(off))
		rest := btfRest[kind]
		size := btfHeaderSize + uint64(rest.fixed) + uint64(rest.each)*uint64(vlen)
		if off+size > uint64(len(k.types)) {
			return nil, fmt.Errorf("%w: type %d is cut short", errBTF, len(k.offsets))
		}
		if name != 0 {
			if n, ok := wantType[name]; ok {
				k.named[n] = append(k.named[n], uint32(len(k.offsets)))
			}
		}
		if kind == btfEnum || kind == btfEnum64 {
			for e := t[btfHeaderSize:size]; len(e) > 0; e = e[rest.each:] {
				if n, ok := wantEnum[le.Uint32(e)]; ok {
					k.enumerators[n] = int64(int32(le.Uint32(e[4:])))
				}
			}
		}
		off += size
	}
	return k, nil
}

// offsetsOf maps the string table's offset of each name that occurs to the name.
func (k *kernelTypes) offsetsOf(names []string) map[uint32]string {
	m := make(map[uint32]string, len(names))
	for _, n := range names {
		if n == "" {
			continue
		}
		if i := bytes.Index(k.strings, []byte("\x00"+n+"\x00")); i >= 0 {
			m[uint32(i+1)] = n
		}
	}
	return m
}

func (k *kernelTypes) at(id uint32) (kind, vlen, sizeOrType uint32, rest []byte, ok bool) {
	if id == 0 || id > uint32(len(k.offsets)) {
		return 0, 0, 0, nil, false
	}
	t := k.types[k.offsets[id-1]:]
	info := binary.LittleEndian.Uint32(t[4:])
	return info >> 24 & 0x1f, info & 0xffff, binary.LittleEndian.Uint32(t[8:]), t[btfHeaderSize:], true
}

// id returns the ID of the only type of that kind and name.
func (k *kernelTypes) id(kind uint32, name string) (uint32, error) {
	var found uint32
	for _, id := range k.named[name] {
		if got, _, _, _, ok := k.at(id); ok && got == kind {
			if found != 0 {
				return 0, fmt.Errorf("%s: there are several of this name", name)
			}
			found = id
		}
	}
	if found == 0 {
		return 0, fmt.Errorf("%s: not in this kernel", name)
	}
	return found, nil
}

// name returns the string at a string table offset.
func (k *kernelTypes) name(off uint32) []byte {
	if off >= uint32(len(k.strings)) {
		return nil
	}
	s := k.strings[off:]
	if i := bytes.IndexByte(s, 0); i >= 0 {
		return s[:i]
	}
	return nil
}

// member returns the byte offset and size of a member of the named struct,
// looking into anonymous structs and unions as C does.
func (k *kernelTypes) member(structName, member string) (off, size uint32, err error) {
	id, err := k.id(btfStruct, structName)
	if err != nil {
		return 0, 0, err
	}
	bit, typ, ok := k.findMember(id, member, 0)
	if !ok {
		return 0, 0, fmt.Errorf("struct %s has no member %s", structName, member)
	}
	size = k.size(typ, 0)
	if bit%8 != 0 || size == 0 {
		return 0, 0, fmt.Errorf("member %s of struct %s cannot be read", member, structName)
	}
	return bit / 8, size, nil
}

const maxNesting = 16

func (k *kernelTypes) findMember(id uint32, member string, depth int) (bit, typ uint32, ok bool) {
	le := binary.LittleEndian
	kind, vlen, _, rest, ok := k.at(id)
	if !ok || kind != btfStruct && kind != btfUnion || depth > maxNesting {
		return 0, 0, false
	}
	bitfields := binary.LittleEndian.Uint32(k.types[k.offsets[id-1]+4:])>>31 != 0
	for ; vlen > 0; vlen, rest = vlen-1, rest[12:] {
		name, typ, bit := le.Uint32(rest), le.Uint32(rest[4:]), le.Uint32(rest[8:])
		if bitfields {
			if bit>>24 != 0 { // a bit field: its size in bits
				continue
			}
			bit &= 0xffffff
		}
		if name == 0 {
			if inner, t, ok := k.findMember(typ, member, depth+1); ok {
				return bit + inner, t, true
			}
		} else if string(k.name(name)) == member {
			return bit, typ, true
		}
	}
	return 0, 0, false
}

// size returns a type's size in bytes, 0 where it has none or is an array.
func (k *kernelTypes) size(id uint32, depth int) uint32 {
	kind, _, sizeOrType, _, ok := k.at(id)
	if !ok || depth > maxNesting {
		return 0
	}
	switch kind {
	case btfInt, btfStruct, btfUnion, btfEnum, btfEnum64, btfFloat:
		return sizeOrType
	case btfPtr:
		return 8
	case btfTypedef, btfVolatile, btfConst, btfRestrict, btfTypeTag:
		return k.size(sizeOrType, depth+1)
	}
	return 0
}
