// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommandLine(t *testing.T) {
	const common = `-nodefaults
-no-user-config
-display none
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
-no-reboot
-machine q35,i8042=off,vmport=off,sata=off,smbus=off,smm=off
ACCEL
-smp 2
-m 512M
-kernel /k/bzImage
-initrd /k/initramfs
-add-fd fd=3,set=1
-chardev file,id=console,path=/dev/fdset/1,append=on
-device isa-serial,chardev=console
-chardev socket,id=channel,fd=4
-device virtio-serial-pci,max_ports=2
-device virtserialport,chardev=channel,name=ringproof.0
-chardev socket,id=qmp,fd=5,server=on,wait=off
-mon chardev=qmp,mode=control
-device virtio-rng-pci
`
	tests := []struct {
		name  string
		cfg   Config
		extra []concern
		accel string
		tail  string
	}{
		{"tcg", Config{Accel: TCG}, nil, "-accel tcg,thread=multi\n-cpu max",
			"-append panic=-1 no_timer_check tsc=reliable lpj=20000000 watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=240 workqueue.watchdog_thresh=240 console=ttyS0 rcutree.jiffies_till_sched_qs=1 ringproof\n"},
		{"kvm", Config{Accel: KVM}, nil, "-accel kvm\n-cpu host",
			"-append panic=-1 console=ttyS0 rcutree.jiffies_till_sched_qs=1 ringproof\n"},
		{"gdb, words, incoming", Config{Accel: KVM, GDB: "127.0.0.1:1234", KernelArgs: []string{"nokaslr", "x=y"}},
			[]concern{agentBuild("cafe"), incoming{fdIncoming}}, "-accel kvm\n-cpu host",
			"-gdb tcp:127.0.0.1:1234\n-incoming fd:6\n-append panic=-1 console=ttyS0 rcutree.jiffies_till_sched_qs=1 ringproof nokaslr x=y RINGPROOF_BUILD=cafe\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.CPUs, tt.cfg.MemMB = 2, 512
			tt.cfg.Kernel, tt.cfg.Initramfs = "/k/bzImage", "/k/initramfs"
			args := commandLine(append(tt.cfg.concerns(), tt.extra...))
			var got strings.Builder
			for i, a := range args {
				switch {
				case i > 0 && strings.HasPrefix(a, "-"):
					got.WriteByte('\n')
				case i > 0:
					got.WriteByte(' ')
				}
				got.WriteString(a)
			}
			got.WriteByte('\n')
			want := strings.Replace(common, "ACCEL", tt.accel, 1) + tt.tail
			if d := cmp.Diff(want, got.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestTimeoutsScale(t *testing.T) {
	kvm, tcg, slow := NewTimeouts(KVM, 0), NewTimeouts(TCG, 1), NewTimeouts(TCG, 4)
	if kvm.Scale != 1 || tcg.Scale != emulation || slow.Scale != 4*emulation {
		t.Errorf("scales %v, %v, %v", kvm.Scale, tcg.Scale, slow.Scale)
	}
	if slow.Boot != kvm.Boot*4*emulation || slow.Monitor != kvm.Monitor {
		t.Errorf("boot %v of %v, monitor %v of %v", slow.Boot, kvm.Boot, slow.Monitor, kvm.Monitor)
	}
}
