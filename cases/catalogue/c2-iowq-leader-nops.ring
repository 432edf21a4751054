# SPDX-License-Identifier: Apache-2.0
# A leader in io-wq, members that nobody sent there, and the same
# requests without a group to compare hops with.
name c2-iowq-leader-nops
rules C2 G9
needs groups

ring r0 entries=16

submit r0
  leader: nop GROUP ASYNC
  m1: nop GROUP
  m2: nop GROUP
  m3: nop
wait r0
submit r0
  nop ASYNC
  nop
  nop
  nop
wait r0
