// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Accel is what executes a guest's instructions.
type Accel string

const (
	// AccelAuto is KVM where a guest really comes up under it, else TCG.
	AccelAuto Accel = "auto"
	KVM       Accel = "kvm"
	TCG       Accel = "tcg"
)

// AccelChoice is the accelerator to use, and why.
type AccelChoice struct {
	Accel Accel
	// Notice says what the user must know about the choice; "" when the guest
	// runs as fast as it can. Reports show it.
	Notice string
}

// ChooseAccel turns a wish into KVM or TCG. KVM and TCG are taken as they
// are. AccelAuto takes KVM only if a guest proved it: a /dev/kvm that opens and
// answers may still be unable to run one. The proof is a boot of cfg's kernel up to
// its first process; the answer is remembered in cfg.CacheDir for this boot of the host
// and this QEMU. cfg.Accel is ignored.
func ChooseAccel(ctx context.Context, want Accel, cfg Config) (AccelChoice, error) {
	c := accelChooser{device: "/dev/kvm", bootID: hostBootID(), prove: proveKVM}
	return c.choose(ctx, want, cfg)
}

// accelChooser holds what ChooseAccel needs of the host, for tests to replace.
type accelChooser struct {
	device string
	bootID string
	prove  func(context.Context, Config) kvmProof
}

// kvmProof is the result of a probe boot.
type kvmProof struct {
	Works bool   `json:"works"`
	Why   string `json:"why"` // what was seen instead of a guest
	// unsure: the next boot may end differently, so the answer is not remembered.
	unsure bool
	err    error // the caller's context is done
}

// kvmAnswer is the remembered proof.
type kvmAnswer struct {
	BootID string `json:"boot_id"`
	QEMU   string `json:"qemu"`
	kvmProof
}

func (c *accelChooser) choose(ctx context.Context, want Accel, cfg Config) (AccelChoice, error) {
	switch want {
	case KVM, TCG:
		return AccelChoice{Accel: want}, nil
	case AccelAuto, "":
	default:
		return AccelChoice{}, fmt.Errorf("accelerator %q is not known, want %s, %s or %s", want, AccelAuto, KVM, TCG)
	}
	slow := func(why string) (AccelChoice, error) {
		return AccelChoice{Accel: TCG, Notice: "no KVM, the guest is emulated (TCG) and many times slower: " + why}, nil
	}
	f, err := os.OpenFile(c.device, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return slow(c.device + " does not exist; load kvm_amd or kvm_intel, or enable virtualisation in the firmware")
	case errors.Is(err, fs.ErrPermission):
		return slow(c.device + " may not be opened; add yourself to its group: adduser $USER kvm")
	case err != nil:
		return slow(err.Error())
	}
	f.Close()

	id := cfg.QEMU.Path + " " + cfg.QEMU.Version
	proof, known := c.recall(cfg.CacheDir, id)
	if !known {
		cfg.Accel = KVM
		proof = c.prove(ctx, cfg)
		if proof.err != nil {
			return AccelChoice{}, proof.err
		}
		if !proof.unsure {
			c.remember(cfg.CacheDir, id, proof)
		}
	}
	if !proof.Works {
		return slow(fmt.Sprintf("%s opens, but a guest does not come up under it (%s)", c.device, proof.Why))
	}
	return AccelChoice{Accel: KVM}, nil
}

const kvmAnswerFile = "kvm.json"

func (c *accelChooser) recall(dir, qemu string) (kvmProof, bool) {
	if dir == "" || c.bootID == "" {
		return kvmProof{}, false
	}
	b, err := os.ReadFile(filepath.Join(dir, kvmAnswerFile))
	if err != nil {
		return kvmProof{}, false
	}
	var a kvmAnswer
	if json.Unmarshal(b, &a) != nil || a.BootID != c.bootID || a.QEMU != qemu {
		return kvmProof{}, false
	}
	return a.kvmProof, true
}

// remember stores an answer. If it cannot, the next run proves again.
func (c *accelChooser) remember(dir, qemu string, p kvmProof) {
	if dir == "" || c.bootID == "" || os.MkdirAll(dir, 0o755) != nil {
		return
	}
	b, err := json.Marshal(kvmAnswer{c.bootID, qemu, p})
	if err != nil {
		return
	}
	f, err := os.CreateTemp(dir, kvmAnswerFile+".")
	if err != nil {
		return
	}
	_, werr := f.Write(append(b, '\n'))
	cerr := f.Close()
	if werr != nil || cerr != nil || os.Rename(f.Name(), filepath.Join(dir, kvmAnswerFile)) != nil {
		os.Remove(f.Name())
	}
}

// hostBootID identifies this boot of the host, or is "" where that is unknown.
func hostBootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// proveKVM boots cfg's kernel under KVM until it starts its first process.
func proveKVM(ctx context.Context, cfg Config) kvmProof {
	cfg.ConsoleLog, cfg.GDB = nil, ""
	m, err := Start(ctx, cfg)
	if ctx.Err() != nil {
		if m != nil {
			m.Close()
		}
		return kvmProof{err: ctx.Err()}
	}
	if err != nil {
		return kvmProof{Why: err.Error()}
	}
	defer m.Close()
	timer := time.NewTimer(m.timeouts.Proof)
	defer timer.Stop()
	select {
	case <-m.Console().Up():
		return kvmProof{Works: true}
	case <-m.Console().Panicked():
		// Perhaps the kernel's own fault: TCG will tell, and another kernel may do.
		return kvmProof{Why: "the kernel panicked: " + m.Console().panicLine(), unsure: true}
	case <-m.Done():
		return kvmProof{Why: m.Exit().Detail}
	case <-ctx.Done():
		return kvmProof{err: ctx.Err()}
	case <-timer.C:
		if lines := m.Console().Tail(1); len(lines) > 0 {
			return kvmProof{Why: fmt.Sprintf("no first process within %v, last line: %s", m.timeouts.Proof, lines[0]), unsure: true}
		}
		return kvmProof{Why: fmt.Sprintf("not a line on the console within %v", m.timeouts.Proof)}
	}
}
