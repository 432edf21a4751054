// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cavaliergopher/cpio"
)

// needKernel skips a test where there is no VM to be had, and returns the
// kernel image to boot.
func needKernel(t *testing.T) string {
	t.Helper()
	kernel := os.Getenv("RINGPROOF_KERNEL")
	if os.Getenv("RINGPROOF_VM") == "" || kernel == "" {
		t.Skip("needs a VM: set RINGPROOF_VM=1 and RINGPROOF_KERNEL=bzImage")
	}
	return kernel
}

// TestInGuest runs testdata/guest, which checks the probes against real
// requests, as PID 1 under emulation. It knows nothing of the other rooms, so
// that a failure here is a failure of the probes.
func TestInGuest(t *testing.T) {
	kernel := needKernel(t)
	dir := t.TempDir()
	init := filepath.Join(dir, "init")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", init, "./testdata/guest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the guest: %v\n%s", err, out)
	}
	initramfs := filepath.Join(dir, "initramfs")
	packInit(t, initramfs, init)

	qemu := exec.CommandContext(t.Context(), "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
		"-m", "512", "-machine", "q35", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
		"-kernel", kernel, "-initrd", initramfs, "-append", "console=ttyS0 panic=-1")
	var console bytes.Buffer
	qemu.Stdout, qemu.Stderr = &console, &console
	qemu.WaitDelay = time.Second
	bound := time.AfterFunc(3*time.Minute, func() { qemu.Process.Kill() })
	defer bound.Stop()
	if err := qemu.Run(); err != nil {
		t.Fatalf("QEMU: %v\n%s", err, console.String())
	}
	results := 0
	for line := range strings.Lines(console.String()) {
		_, r, found := strings.Cut(strings.TrimSpace(line), "RESULT ")
		if !found {
			continue
		}
		results++
		verdict, what, _ := strings.Cut(r, " ")
		name, why, _ := strings.Cut(what, ": ")
		switch verdict {
		case "ok", "FAIL", "skip":
			t.Run(name, func(t *testing.T) {
				switch verdict {
				case "FAIL":
					t.Error(why)
				case "skip":
					t.Skip(why)
				}
			})
		default:
			t.Log(r)
			if strings.Contains(r, "does not load") {
				t.Error("the verifier refuses a program on this kernel")
			}
		}
	}
	if results == 0 || t.Failed() {
		t.Errorf("console:\n%s", console.String())
	}
}

func packInit(t *testing.T, path, init string) {
	t.Helper()
	b, err := os.ReadFile(init)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := cpio.NewWriter(&buf)
	if err := w.WriteHeader(&cpio.Header{Name: "init", Mode: cpio.TypeReg | 0o755, Size: int64(len(b))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
