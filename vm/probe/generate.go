// SPDX-License-Identifier: Apache-2.0

package probe

//go:generate go tool bpf2go -cc clang -strip llvm-strip -target bpfel -type record -type hook -type control -type entry -type queue -output-stem objects objects bpf/probe.bpf.c -- -O2 -mcpu=v3 -Wall -Werror -fdebug-compilation-dir=. -fdebug-prefix-map=/=/
//go:generate go tool bpf2go -cc clang -strip llvm-strip -target bpfel -no-global-types -output-stem scheduler scheduler bpf/sched.bpf.c -- -O2 -mcpu=v3 -Wall -Werror -fdebug-compilation-dir=. -fdebug-prefix-map=/=/
