// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/vm/wire"
)

// A concern is one thing that QEMU and perhaps the guest's kernel must be
// told. Keeping both halves in one place is what keeps them from drifting
// apart.
type concern interface {
	// qemu returns arguments for QEMU.
	qemu() []string
	// kernel returns words for the kernel's command line.
	kernel() []string
}

// commandLine collects the arguments of all concerns in order. The kernel's
// words become one -append.
func commandLine(concerns []concern) []string {
	var args, words []string
	for _, c := range concerns {
		args = append(args, c.qemu()...)
		words = append(words, c.kernel()...)
	}
	return append(args, "-append", strings.Join(words, " "))
}

// isolation takes away everything that a guest does not need: default
// devices, the user's configuration, and by seccomp the system calls that
// start processes or raise privileges.
type isolation struct{}

func (isolation) qemu() []string {
	return []string{"-nodefaults", "-no-user-config", "-display", "none",
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"}
}
func (isolation) kernel() []string { return nil }

// death makes a kernel that panics reboot at once, and a reboot QEMU's exit.
type death struct{}

func (death) qemu() []string   { return []string{"-no-reboot"} }
func (death) kernel() []string { return []string{"panic=-1"} }

// board is the machine type and what executes it.
type board struct{ accel Accel }

func (b board) qemu() []string {
	// What nobody uses need not be probed: a keyboard and a mouse, disks, a
	// bus of sensors; without SMM, turning ACPI on calls no firmware.
	args := []string{"-machine", "q35,i8042=off,vmport=off,sata=off,smbus=off,smm=off"}
	if b.accel == KVM {
		return append(args, "-accel", "kvm", "-cpu", "host")
	}
	return append(args, "-accel", "tcg,thread=multi", "-cpu", "max")
}

func (b board) kernel() []string {
	if b.accel == KVM {
		return nil
	}
	// The check for a working timer interrupt waits on a clock that emulation
	// on a loaded host can upset, and a mistake of the host is no kernel bug.
	// So does the clocksource watchdog, which would fall back to a clock that
	// is dear to read: QEMU keeps the TSC of its CPUs in step. The delay loop
	// of the second CPU would be measured, since an emulated TSC is not called
	// constant; it counts TSC cycles per tick, HZ=250, and 5 GHz is long enough anywhere.
	// What complains that something takes too long would do so while the host has
	// no CPU for the guest: PID 1 sets such bounds, but until then a boot counts, too.
	return []string{"no_timer_check", "tsc=reliable", "lpj=20000000",
		"watchdog_thresh=60", "rcupdate.rcu_cpu_stall_timeout=240", "workqueue.watchdog_thresh=240"}
}

// cpus is the number of virtual CPUs.
type cpus int

func (c cpus) qemu() []string { return []string{"-smp", strconv.Itoa(int(c))} }
func (cpus) kernel() []string { return nil }

// memory is the guest's memory in MiB.
type memory int

func (m memory) qemu() []string { return []string{"-m", strconv.Itoa(int(m)) + "M"} }
func (memory) kernel() []string { return nil }

// image is what boots.
type image struct{ kernelPath, initramfs string }

func (i image) qemu() []string {
	args := []string{"-kernel", i.kernelPath}
	if i.initramfs != "" {
		args = append(args, "-initrd", i.initramfs)
	}
	return args
}
func (image) kernel() []string { return nil }

// serial is the console: an ISA UART, whose driver works in the worst of
// times, connected to an inherited pipe. It is for output only. See consolePipe.
type serial struct{ fd int }

func (s serial) qemu() []string {
	// Only sockets can be given to a chardev by descriptor; files are found
	// in a set of descriptors, by access mode.
	return []string{"-add-fd", fmt.Sprintf("fd=%d,set=1", s.fd),
		"-chardev", "file,id=console,path=/dev/fdset/1,append=on",
		"-device", "isa-serial,chardev=console"}
}
func (serial) kernel() []string { return []string{"console=ttyS0"} }

// port is the channel: a virtio-serial port connected to an inherited socket.
type port struct{ fd int }

func (p port) qemu() []string {
	return []string{"-chardev", fmt.Sprintf("socket,id=channel,fd=%d", p.fd),
		"-device", "virtio-serial-pci,max_ports=2",
		"-device", "virtserialport,chardev=channel,name=" + wire.PortName}
}
func (port) kernel() []string { return nil }

// monitorSocket is QMP on an inherited listening socket.
type monitorSocket struct{ fd int }

func (m monitorSocket) qemu() []string {
	return []string{"-chardev", fmt.Sprintf("socket,id=qmp,fd=%d,server=on,wait=off", m.fd),
		"-mon", "chardev=qmp,mode=control"}
}
func (monitorSocket) kernel() []string { return nil }

// entropy gives the guest random numbers, so that its boot never waits for them.
type entropy struct{}

func (entropy) qemu() []string   { return []string{"-device", "virtio-rng-pci"} }
func (entropy) kernel() []string { return nil }

// gdbStub is the address that gdb's stub listens on.
type gdbStub string

func (g gdbStub) qemu() []string { return []string{"-gdb", "tcp:" + string(g)} }
func (gdbStub) kernel() []string { return nil }

// incoming makes QEMU load its state from an inherited file instead of booting.
type incoming struct{ fd int }

func (i incoming) qemu() []string { return []string{"-incoming", fmt.Sprintf("fd:%d", i.fd)} }
func (incoming) kernel() []string { return nil }

// quickEnds makes RCU ask tasks that stay in the kernel for their help at once,
// where it would wait for 100 ms. The thread of an SQPOLL ring is such a task as long as it
// spins, and the end of every ring waits for grace periods.
type quickEnds struct{}

func (quickEnds) qemu() []string   { return nil }
func (quickEnds) kernel() []string { return []string{"rcutree.jiffies_till_sched_qs=1"} }

// agentBuild tells the agent of the initramfs its own build ID, which saves it
// from hashing itself (0.4 s under emulation). It is no part of the machine: a
// snapshot's agent has long read it.
type agentBuild string

func (agentBuild) qemu() []string { return nil }
func (a agentBuild) kernel() []string {
	if a == "" {
		return nil
	}
	return []string{"RINGPROOF_BUILD=" + string(a)}
}

// words are further words of the kernel's command line.
type words []string

func (words) qemu() []string     { return nil }
func (w words) kernel() []string { return w }

// Descriptors that QEMU inherits, in the order of exec.Cmd.ExtraFiles.
const (
	fdConsole = 3 + iota
	fdChannel
	fdMonitor
	fdIncoming
)

// concerns lists what a machine of this configuration consists of. A restored
// machine must have the very same, with only incoming added.
func (c *Config) concerns() []concern {
	list := []concern{
		isolation{}, death{}, board{c.Accel}, cpus(c.CPUs), memory(c.MemMB),
		image{c.Kernel, c.Initramfs},
		serial{fdConsole}, port{fdChannel}, monitorSocket{fdMonitor}, entropy{}, quickEnds{},
	}
	if c.GDB != "" {
		list = append(list, gdbStub(c.GDB))
	}
	return append(list, words{"ringproof"}, words(c.KernelArgs))
}
