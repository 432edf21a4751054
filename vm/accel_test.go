// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChooseAccel(t *testing.T) {
	dev := filepath.Join(t.TempDir(), "kvm")
	os.WriteFile(dev, nil, 0o600)
	tests := []struct {
		name   string
		want   Accel
		device string
		proof  kvmProof
		accel  Accel
		notice string
		proofs int // probe boots for two choices in a row
	}{
		{"forced tcg", TCG, dev, kvmProof{}, TCG, "", 0},
		{"forced kvm", KVM, "/nowhere", kvmProof{}, KVM, "", 0},
		{"no device", AccelAuto, "/nowhere", kvmProof{Works: true}, TCG, "does not exist", 0},
		{"works", AccelAuto, dev, kvmProof{Works: true}, KVM, "", 1},
		{"default is auto", "", dev, kvmProof{Works: true}, KVM, "", 1},
		{"opens but runs no guest", AccelAuto, dev, kvmProof{Why: "not a line"}, TCG, "opens, but a guest does not come up under it (not a line)", 1},
		{"unsure", AccelAuto, dev, kvmProof{Why: "panic", unsure: true}, TCG, "panic", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			cfg := Config{QEMU: &QEMU{Path: "/q", Version: "1"}, CacheDir: t.TempDir()}
			c := accelChooser{device: tt.device, bootID: "boot-1", prove: func(_ context.Context, cfg Config) kvmProof {
				if n++; cfg.Accel != KVM {
					t.Errorf("probe boot with %q", cfg.Accel)
				}
				return tt.proof
			}}
			for range 2 {
				got, err := c.choose(t.Context(), tt.want, cfg)
				if err != nil {
					t.Fatal(err)
				}
				if got.Accel != tt.accel || !strings.Contains(got.Notice, tt.notice) || (tt.notice == "") != (got.Notice == "") {
					t.Errorf("got %+v, want %s with %q", got, tt.accel, tt.notice)
				}
			}
			if n != tt.proofs {
				t.Errorf("%d probe boots, want %d", n, tt.proofs)
			}
		})
	}
}

func TestKVMAnswerIsForgotten(t *testing.T) {
	dev := filepath.Join(t.TempDir(), "kvm")
	os.WriteFile(dev, nil, 0o600)
	n := 0
	prove := func(context.Context, Config) kvmProof { n++; return kvmProof{Works: true} }
	cfg := Config{QEMU: &QEMU{Path: "/q", Version: "1"}, CacheDir: t.TempDir()}
	for _, step := range []struct {
		name, boot, version string
		damage              bool
		proofs              int
	}{
		{"first", "a", "1", false, 1},
		{"again", "a", "1", false, 1},
		{"host rebooted", "b", "1", false, 2},
		{"QEMU upgraded", "b", "2", false, 3},
		{"file damaged", "b", "2", true, 4},
	} {
		if step.damage {
			os.WriteFile(filepath.Join(cfg.CacheDir, kvmAnswerFile), []byte("{"), 0o644)
		}
		cfg.QEMU.Version = step.version
		c := accelChooser{device: dev, bootID: step.boot, prove: prove}
		if _, err := c.choose(t.Context(), AccelAuto, cfg); err != nil {
			t.Fatal(err)
		}
		if n != step.proofs {
			t.Errorf("%s: %d probe boots so far, want %d", step.name, n, step.proofs)
		}
	}
}

func TestUnknownAccel(t *testing.T) {
	c := accelChooser{}
	if _, err := c.choose(t.Context(), "hvf", Config{}); err == nil || !strings.Contains(err.Error(), "want auto, kvm or tcg") {
		t.Errorf("got %v", err)
	}
}
