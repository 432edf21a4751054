// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/kconfig"
	"github.com/ringproof/ringproof/vm"
)

// Finding is what [Doctor] says about one thing this host needs.
type Finding struct {
	What string `json:"what"`
	// State is "ok", "missing" (the main job cannot run) or "note".
	State string `json:"state"`
	Found string `json:"found"`
	// Fix is the command or step that mends it, "" where nothing is to be done.
	Fix string `json:"fix,omitempty"`
}

// otherTools are programs that this host may need beside those of the
// kernel's build, see [images.Tools].
var otherTools = []struct {
	name, pkg, why string
	optional       bool
}{
	{vm.DefaultQEMU, "qemu-system-x86", "it runs the guest", false},
	{"git", "git", "only for sources given as git:REPO@REF", true},
	{"clang", "clang", "only to regenerate the eBPF objects (make generate)", true},
	{"llvm-strip", "llvm", "only to regenerate the eBPF objects (make generate)", true},
}

// Room on disk in bytes: one unpacked source, and per flavour a build tree
// (1.6 GB for kasan), an image and its snapshots.
const (
	sourceDisk  = 2 << 30
	flavourDisk = 4 << 30
)

// Doctor looks at what this host has and lacks for these flavours of kernels. cacheDir is where
// ringproof keeps its cache; it need not exist yet.
func Doctor(cacheDir string, flavours []kconfig.Flavour) []Finding {
	var f []Finding
	for _, t := range otherTools {
		f = append(f, findProgram(t.name, t.pkg, t.why, t.optional))
	}
	missing := images.Missing()
	for _, t := range images.Tools {
		switch {
		case slices.Contains(missing, t):
			f = append(f, Finding{What: t.Name, State: "missing", Found: "the kernel's build needs it", Fix: aptInstall(t.Package)})
		case t.Header:
			f = append(f, Finding{What: t.Name, State: "ok", Found: t.Package})
		default:
			f = append(f, findProgram(t.Name, t.Package, "", false))
		}
	}
	for _, flavour := range flavours {
		f = append(f, findFlavour(flavour))
	}
	f = append(f, findSource(), findKVM(), findCPUs(), findMemory(), findDisk(cacheDir, sourceDisk+flavourDisk*uint64(len(flavours))))
	return f
}

// Healthy reports whether the main job can run: nothing is missing.
func Healthy(findings []Finding) bool {
	for _, f := range findings {
		if f.State == "missing" {
			return false
		}
	}
	return true
}

func aptInstall(pkg string) string {
	return "sudo apt-get update && sudo apt-get install -y " + pkg
}

func findProgram(name, pkg, why string, optional bool) Finding {
	f := Finding{What: name, State: "ok"}
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		f.Found = path
		if out, err := exec.Command(path, "--version").Output(); err == nil {
			f.Found, _, _ = strings.Cut(strings.TrimLeft(string(out), "\n"), "\n")
		}
	case optional:
		f.State, f.Found, f.Fix = "note", "not in PATH; "+why, aptInstall(pkg)
	default:
		f.State, f.Found, f.Fix = "missing", "not in PATH; "+why, aptInstall(pkg)
	}
	return f
}

// findFlavour asks the compiler whether it can build a flavour.
func findFlavour(flavour kconfig.Flavour) Finding {
	f := Finding{What: "flavour " + flavour.Name, State: "ok", Found: flavour.About}
	if len(flavour.Compiler) == 0 {
		return f
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		return Finding{What: f.What, State: "note", Found: "no compiler to ask, see above"}
	}
	args := append([]string{"-c", "-x", "c", os.DevNull, "-o", os.DevNull}, flavour.Compiler...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		said, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		f.State, f.Found = "missing", fmt.Sprintf("gcc does not take %s: %s", strings.Join(flavour.Compiler, " "), said)
		f.Fix = "gcc 11 or later does: " + aptInstall("gcc")
	}
	return f
}

func findSource() Finding {
	f := Finding{What: "kernel source", State: "ok"}
	tars, _ := filepath.Glob("/usr/src/linux-source-*.tar.*")
	if len(tars) > 0 {
		f.Found = strings.Join(tars, " ")
		return f
	}
	f.State = "note"
	f.Found = "no /usr/src/linux-source-*.tar.*; root installs it when it is needed, or give --source"
	f.Fix = aptInstall("linux-source-6.12")
	return f
}

func findKVM() Finding {
	const dev = "/dev/kvm"
	f := Finding{What: "KVM", State: "note"}
	fd, err := unix.Open(dev, unix.O_RDWR|unix.O_CLOEXEC, 0)
	switch {
	case err == unix.ENOENT:
		f.Found = "no " + dev + ": guests run under emulation (TCG), which is slower and works"
	case err == unix.EACCES:
		f.Found, f.Fix = dev+" is not yours to open: guests run under emulation (TCG)", "sudo usermod -aG kvm $USER   (then log in again)"
	case err != nil:
		f.Found = fmt.Sprintf("%s does not open (%v): guests run under emulation (TCG)", dev, err)
	default:
		unix.Close(fd)
		f.State, f.Found = "ok", dev+" opens; only a guest that comes up proves it: the first run tries"
	}
	return f
}

func findCPUs() Finding {
	f := Finding{What: "processors", State: "ok", Found: strconv.Itoa(runtime.NumCPU())}
	if runtime.NumCPU() < 2 {
		f.State, f.Found = "note", "1: guests have two, so races show less often and everything is slower"
	}
	return f
}

func findMemory() Finding {
	f := Finding{What: "memory", State: "note", Found: "cannot read /proc/meminfo"}
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return f
	}
	defer file.Close()
	for scan := bufio.NewScanner(file); scan.Scan(); {
		fields := strings.Fields(scan.Text())
		if len(fields) >= 2 && fields[0] == "MemAvailable:" {
			kib, _ := strconv.ParseUint(fields[1], 10, 64)
			f.State, f.Found = "ok", fmt.Sprintf("%d MiB available", kib>>10)
			if kib < 2<<20 {
				f.State = "note"
				f.Found += "; linking a kernel takes about 2 GiB"
			}
		}
	}
	return f
}

func findDisk(dir string, need uint64) Finding {
	f := Finding{What: "cache", State: "ok"}
	at := dir
	var st unix.Statfs_t
	for unix.Statfs(at, &st) != nil && at != "/" {
		at = filepath.Dir(at) // the cache need not exist yet
	}
	free := st.Bavail * uint64(st.Bsize)
	f.Found = fmt.Sprintf("%s, %d MiB free", dir, free>>20)
	if unix.Access(at, unix.W_OK) != nil {
		f.State, f.Fix = "missing", "make "+at+" writable, or set XDG_CACHE_HOME"
		f.Found += ", not writable"
	} else if free < need {
		f.State, f.Fix = "note", "ringproof cache prune, or set XDG_CACHE_HOME to a larger disk"
		f.Found += fmt.Sprintf("; first builds take about %d MiB", need>>20)
	}
	return f
}
