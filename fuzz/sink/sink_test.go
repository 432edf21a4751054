// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"crypto/subtle"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestSlots(t *testing.T) {
	seen := map[uint32]bool{}
	for edge := range uint32(Slots) {
		s := Slot(edge << 16)
		if s >= Slots {
			t.Fatalf("edge %#x has slot %d of %d", edge<<16, s, Slots)
		}
		seen[s] = true
		Hit(edge)
	}
	if len(seen) < Slots/2 {
		t.Errorf("%d edges share %d slots", Slots, len(seen))
	}
}

const magic = "ring"

// FuzzMagic is wrong about one input of four bytes. Nothing but the sink tells how
// many of them are right already, as nothing but coverage tells of a kernel's code.
func FuzzMagic(f *testing.F) {
	f.Add([]byte("...."))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(b, magic[0]^1, magic[1]^1, magic[2]^1, magic[3]^1)
		depth, right := 0, 1
		for i := range len(magic) {
			right &= subtle.ConstantTimeByteEq(b[i], magic[i])
			depth += right
		}
		if os.Getenv(blindEnv) == "" {
			Hit(uint32(depth))
		}
		if depth == len(magic) {
			t.Error("found")
		}
	})
}

const blindEnv = "RINGPROOF_TEST_BLIND"

// Go's engine follows what is put into the sink: the four bytes are found one by one, and not at all without it.
func TestTheEngineFollows(t *testing.T) {
	if os.Getenv("RINGPROOF_VM") == "" {
		t.Skip("fuzzes for a while: run by make test, or with RINGPROOF_VM=1")
	}
	binary := filepath.Join(t.TempDir(), "sink.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-fuzz", "FuzzMagic", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build with instrumentation: %v\n%s", err, out)
	}
	fuzz := func(executions string, env ...string) string {
		cmd := exec.CommandContext(t.Context(), binary, "-test.run=^$", "-test.fuzz=^FuzzMagic$", "-test.parallel=1",
			"-test.fuzztime="+executions, "-test.fuzzminimizetime=1x", "-test.fuzzcachedir="+t.TempDir())
		cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), env...) // where it puts what it finds
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	// It ends with the find, mostly after some 300,000; the blind one has no end but this.
	if out := fuzz("5000000x"); !strings.Contains(out, "found") {
		t.Errorf("not found:\n%s", out)
	}
	if out := fuzz("300000x", blindEnv+"=1"); strings.Contains(out, "found") || !strings.Contains(out, "PASS") {
		t.Errorf("found without the sink, so that the test shows nothing:\n%s", out)
	}
}
