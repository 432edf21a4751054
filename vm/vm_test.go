// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cavaliergopher/cpio"

	"github.com/ringproof/ringproof/vm/wire"
)

// Environment variables of this package's tests. Those that need a guest use
// the stand-in agent of testdata/agent, so that they test this package and
// nothing else; TestRealAgent alone takes the real one.
const (
	// vmEnv is set, to anything, where tests may boot guests; else they skip.
	vmEnv = "RINGPROOF_VM"
	// kernelEnv names a bzImage of the project's configuration, such as
	// "ringproof kernel list" shows. Needed where vmEnv is set.
	kernelEnv = "RINGPROOF_KERNEL"
	// agentEnv names a static ringproof binary (CGO_ENABLED=0 go build
	// ./harness/cmd/ringproof); without it TestRealAgent skips.
	agentEnv = "RINGPROOF_AGENT"
)

// testImage is what the guests of all tests boot.
type testImage struct {
	kernel, initramfs, agent string
	err                      error
}

var buildImage = sync.OnceValue(func() (t testImage) {
	dir, err := os.MkdirTemp("", "ringproof-vm-test-")
	if err != nil {
		return testImage{err: err}
	}
	t.kernel = os.Getenv(kernelEnv)
	t.agent = filepath.Join(dir, "agent")
	t.initramfs = filepath.Join(dir, "initramfs")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", t.agent, "./testdata/agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.err = &InfraError{Op: "build the test agent", Err: err, Hint: string(out)}
		return t
	}
	t.err = writeInitramfs(t.initramfs, t.agent)
	return t
})

func writeInitramfs(path, init string) error {
	b, err := os.ReadFile(init)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	w := cpio.NewWriter(&buf)
	for _, d := range []string{"dev", "proc", "sys", "tmp"} {
		w.WriteHeader(&cpio.Header{Name: d, Mode: cpio.TypeDir | 0o755})
	}
	w.WriteHeader(&cpio.Header{Name: "init", Mode: cpio.TypeReg | 0o755, Size: int64(len(b))})
	w.Write(b)
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, buf.Bytes(), 0o644)
}

// cacheDir is shared by all tests, so that one boot at a time is under way.
var cacheDir = sync.OnceValue(func() string {
	dir, _ := os.MkdirTemp("", "ringproof-vm-test-")
	return dir
})

func TestMain(m *testing.M) {
	if os.Getenv(reexecEnv) != "" {
		reexec()
		return
	}
	code := m.Run()
	os.RemoveAll(cacheDir())
	if os.Getenv(vmEnv) != "" {
		os.RemoveAll(filepath.Dir(buildImage().agent))
	}
	os.Exit(code)
}

// needVM skips a test where there is no VM to be had, and returns the
// configuration of a guest.
func needVM(t *testing.T) GuestConfig {
	t.Helper()
	if os.Getenv(vmEnv) == "" {
		t.Skipf("needs a VM: set %s=1 and %s=bzImage", vmEnv, kernelEnv)
	}
	img := buildImage()
	if img.err != nil {
		t.Fatal(img.err)
	}
	if img.kernel == "" {
		t.Fatalf("%s is set, %s is not: name a bzImage", vmEnv, kernelEnv)
	}
	qemu, err := FindQEMU(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(img.agent)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return GuestConfig{
		Config: Config{QEMU: qemu, Accel: TCG, Kernel: img.kernel, Initramfs: img.initramfs,
			CacheDir: cacheDir()},
		Executable: img.agent, BuildID: hex.EncodeToString(sum[:]),
		Settings: wire.Settings{Probes: true},
		Notice:   func(s string) { t.Logf("notice: %s", s) },
		Log:      func(s string) { t.Logf("agent: %s", s) },
	}
}

func bootGuest(t *testing.T, cfg GuestConfig) *Guest {
	t.Helper()
	g, o, err := StartGuest(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	t.Logf("up: %+v", o)
	return g
}
