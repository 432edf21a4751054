# SPDX-License-Identifier: Apache-2.0
# The kernel's submission thread assembles the group, in one pass.
name group-sqpoll
rules G1 G2 G4
needs groups

ring r0 entries=8 flags=SQPOLL
file f0 size=4096 fill=8
buf b0 size=4096

submit r0
  leader: read f0 b0 len=4096 GROUP
  m1: nop GROUP
  m2: nop
wait r0
